/*
 * Group commit for requests: what several of them want of the store at the same time is done together, in one transaction with one wait
 * for the disk, by a thread of its own. A request gives its part and sleeps without a thread; what comes while a group is being done
 * makes up the next one, and no group waits for more: of a crowd one half is served while the other is written. When its group is done
 * the request is woken and takes its part back, with what came of it in it. A part is known by a key (one per request). What nobody
 * takes back is dropped after a while. Any thread may call.
 */
#pragma once

#include "base/clock.h"
#include "base/err.h"

typedef struct Gather Gather;
typedef struct Part Part;

/* The beginning of whatever the caller needs to remember; of its fields only key is the caller's. */
struct Part {
	int64_t key;
	bool done;
	TimeUs since; /* when it was done */
	Part *next, *waits;
};

enum { GATHER_GROUP_MOST = 256 };

typedef struct GatherConfig {
	const char *name;                                /* of the thread */
	void (*run)(void *self, Part **parts, size_t n); /* a group, in the order in which its parts were given */
	void (*drop)(Part *part);                        /* nobody wants it any more */
	void (*done)(void *self, const int64_t *keys, size_t n); /* told when the parts of these keys may be taken */
	void *self;                                              /* of run */
	void *done_self;
	size_t most; /* parts that wait at once; 0: 4096 */
	TimeUs kept; /* so long one may be taken back; 0: a minute */
} GatherConfig;

/* For run, once nothing can happen to its parts any more: they may be taken while it still has something to do, and go when they are. */
void gather_tell(Gather *g);

Gather *gather_open(const GatherConfig *config);
void gather_close(Gather *g); /* does what still waits, drops what nobody took */
/* ERR_BUSY when too many wait; then it is still the caller's. */
MUST_CHECK bool gather_give(Gather *g, Part *part, Err *err);
/* The part of that key, once; waits where it is not done yet, which a transaction's time limit bounds. NULL: there is none. */
Part *gather_take(Gather *g, int64_t key);
