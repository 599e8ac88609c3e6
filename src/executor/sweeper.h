/*
 * The thread that sweeps. Embedded it sleeps until something is known to wait, and then looks every 5 s until nothing does; with
 * several executors it looks every 5 s while it holds the lease.
 */
#pragma once

#include "engine/moves.h"

typedef struct Sweeper Sweeper;

MUST_CHECK bool sweeper_start(Engine *e, Sweeper **ret, Err *err);
void sweeper_stop(Sweeper *s);
void sweeper_arm(Sweeper *s);                /* from any thread; cheap when it is armed already */
void sweeper_wake_at(Sweeper *s, TimeUs at); /* at the latest then it looks */

/* One sweep as the thread does it: for the simulation. first: this process has not swept yet. */
MUST_CHECK bool sweeper_turn(Uow *u, bool leased, bool first, SweepReport *ret, Err *err);
/* One step of removing what is old. */
MUST_CHECK bool retain_turn(Uow *u, Retain *at, int64_t *ret_removed, bool *ret_more, Err *err);
