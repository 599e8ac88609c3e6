/*
 * Shells and the like without the cost of their start: of each interpreter that was used lately one process that has been loaded and
 * stands before its main(), of which a run is a copy (inside/seed.h says how). Private to runtime; the worker's one thread owns it.
 *
 * With worker.warm Python's stand where they have begun already; in the others nothing has begun (worker.keep_loaded).
 *
 * To the action nothing is different, so it needs no asking. The first run of an interpreter, runs while its seed starts, and whatever
 * is odd are started plainly.
 */
#pragma once

#include "os/spawn.h"
#include "runtime/run.h"
#include "runtime/sandbox.h"

typedef enum SeedAnswer {
	SEED_NONE,   /* to be started plainly: nothing has happened */
	SEED_GROWN,  /* it lives */
	SEED_FAILED, /* the reason is in err */
} SeedAnswer;

Seeds *seeds_open(Processes *p);
void seeds_close(Seeds *s); /* NULL is fine, as for the others */

SeedAnswer seeds_grow(Seeds *s, const SpawnSpec *spec, SandboxKind kind, Child *ret, Err *err);
/* After a plain start of what a seed could do: the next ones shall find one. */
void seeds_want(Seeds *s, const SpawnSpec *spec, SandboxKind kind);
/* Ends seeds that nobody has used for a while; when that is next to be looked at, 0: never. */
TimeUs seeds_tick(Seeds *s, TimeUs now);
