/*
 * Node without the cost of its start: processes that were started ahead, each for one script, and used once. Each stands before the
 * script's first line (nodeahead.cjs), within the walls, limits and cgroup of a run, and waits in the opening of a pipe with a name. To use
 * it, it is told its environment, and its folders get the names of the run's. It is a child like any other, so all that happens to a run
 * happens to it. Private to runtime; the worker's one thread owns it.
 *
 * Until the pipe is closed nothing of the script has run: whatever goes wrong before, the run is started plainly, and never twice.
 */
#pragma once

#include "runtime/run.h"

Ahead *ahead_open(Processes *p);
void ahead_close(Ahead *h); /* NULL is fine */

/* What a process that is started ahead has to have the same as the run. */
typedef struct AheadWant {
	const SpawnSpec *spec; /* without descriptors, group and walls */
	GroupLimits limits;
	SandboxKind kind;
	const char *readable[2];
	int in;       /* what the run is to read */
	bool in_null; /* that is nothing */
} AheadWant;

/* Begins the run in a process that stands ready: its child, group and streams are set. False: it is to be started plainly (nothing has
 * happened). Either way the next one shall find another ready. */
bool ahead_try(Ahead *h, Run *run, const AheadWant *want);
/* Starts what is due, ends what nobody has used for a while; when that is next to be looked at, 0: never. */
TimeUs ahead_tick(Ahead *h, TimeUs now);
