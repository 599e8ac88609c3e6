/* What a storm of operations at random knows of its runs, and the plain model that says what has to become of them. */
#pragma once

#include "rig.h"

#include "model/lifecycle.h"

enum { LIVE_MOST = 40, ENDED_KEPT = 32, KEYS = 3, FAILURES_KEPT = 64 };

typedef enum StormKind { STORM_SLOTS, STORM_RATE, STORM_BREAKER } StormKind;

typedef struct Run {
	Id id;
	int64_t key, priority, tries;
	ExecState state; /* requested: it waits */
	bool paused;
	int under; /* which policy counts how it ends */
} Run;

/* What is limited by itself: the runs of one key. */
typedef struct StormKey {
	TimeUs full; /* rate: when all its tokens are there again */
	/* breaker */
	TimeUs failures[FAILURES_KEPT]; /* since the last that was let through and ended; the newest last */
	size_t failures_n;
	TimeUs probe_failed; /* when that failed; 0: it did not */
	Id probe;            /* is let through now; 0: none */
} StormKey;

typedef struct Storm {
	Rig *r;
	uint64_t rng;
	size_t operation;
	const char *doing;
	StormKind kind;
	const char *method; /* what becomes of those for whom there is no room */
	int64_t limit;      /* slots, tokens a second, or failures; 0: there is no policy */
	int64_t burst;
	TimeUs within, open_for;
	int policies;  /* so many there have been, one after the other */
	int64_t tries; /* of a run that fails, by itself */
	StormKey keys[KEYS];
	Run live[LIVE_MOST + 1], ended[ENDED_KEPT];
	size_t n, ended_n;
	int lives; /* of the worker */
	char incarnation[24];
} Storm;

bool run_under_way(const Run *run);
bool run_has_begun(const Run *run);

void model_add(Storm *s, const Run *like, Id id, int64_t tries);
/* at: when it says that it ended; of no weight for what had not begun. */
void model_end(Storm *s, Run *run, ExecState state, TimeUs at);
void model_give_back(Storm *s, Run *run);
void model_schedule(Storm *s);
/* The policy was taken away: what comes under another begins from nothing. */
void model_forget(Storm *s);
/* When the first goes of those who wait for nothing but time; 0: nobody does. */
TimeUs model_due(Storm *s);
