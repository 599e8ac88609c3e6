/*
 * Work that takes longer than a thread of the HTTP server may be away: packs are fetched and tested by it. A request gives its errand
 * away, sleeps, and takes it back when it is woken; who gave it is known by a key (one per request). A few threads of their own, which
 * begin with the first errand; one of them does only what is quick, so that a search waits for no tests. What nobody takes back is
 * dropped after a while. Any thread may call.
 */
#pragma once

#include "base/clock.h"
#include "base/err.h"

#include <stdatomic.h>

typedef struct Errands Errands;

typedef struct Errand {
	/* Looks at *stopping now and then, and ends when it says so. */
	bool (*run)(void *self, const atomic_bool *stopping, Err *err);
	void (*drop)(void *self); /* nobody wants it any more */
	void *self;
	bool quick; /* done in seconds */
} Errand;

typedef enum ErrandState { ERRAND_NONE, ERRAND_WAITS, ERRAND_DONE } ErrandState;

/* done: told by the errand's thread that the one of this key has ended. kept: so long it may be taken back, 0: a minute. */
Errands *errands_open(void (*done)(void *self, int64_t key), void *self, TimeUs kept);
void errands_stop(Errands *e);  /* no new ones, and those that run end soon; harmless twice */
void errands_close(Errands *e); /* with all that was not taken back */
/* ERR_BUSY when there are too many; then it is still the caller's. */
MUST_CHECK bool errands_give(Errands *e, int64_t key, const Errand *errand, Err *err);
/* ERRAND_DONE only once: *ret_self is the caller's again, and *ret says how it went. */
ErrandState errands_take(Errands *e, int64_t key, void **ret_self, bool *ret, Err *err);
