/*
 * A thread that consumes one queue: takes what is there as one batch, hands it to a turn, acknowledges. While the database is away the
 * batch is held and tried again, nothing is put back in circles. A message whose turn fails for good goes to the dead letters
 * with its reason, alone: its neighbours are tried without it.
 */
#pragma once

#include "engine/engine.h"

/* Handles the messages in transactions of its own. false: nothing was committed and all may be tried again. */
typedef bool Turn(void *self, Uow *u, const Msg *msgs, size_t n, Err *err);

typedef struct ConsumerConfig {
	const char *role; /* name of the thread in the log: "executor" */
	SubConfig sub;
	size_t max_items; /* of one batch; 0: 256 */
	Turn *turn;
	TimeUs (*rest)(void *
		self); /* how long to wait for messages; after it the turn is called with none. Below 0, or NULL: for ever */
	void (*lost)(void *self); /* an exclusive queue was lost with its messages, and is there anew; may be NULL */
	void *self;
} ConsumerConfig;

typedef struct Consumer Consumer;

MUST_CHECK bool consumer_start(Engine *e, const ConsumerConfig *config, Consumer **ret, Err *err);
void consumer_stop(Consumer *c); /* finishes the running turn, returns what it has not handled */
bool consumer_connected(const Consumer *c);

/* One batch, as the thread does it: for the simulation. Returns how many messages were refused for good; why[i], in the arena, says why
 * this one was, and is none where it was handled. *ret_away: what they need is away, as err says, and all are to come again. */
size_t consumer_handle(
    Uow *u, Turn *turn, void *self, Arena *a, const Msg *msgs, size_t n, bool *ret_away, Str *why, Err *err);
