/*
 * Which worker runs this? Pure: workers and loads in, a choice or a reason out (decisions 2.7, 2.8; engine 3.4). Order: fits →
 * preferred labels → least loaded → the pack's environment is built there → in turn. A worker is judged by the runtimes it declares, never by names of files.
 */
#pragma once

#include "model/defs.h"

typedef struct WorkerLoad {
	const WorkerDef *def;
	bool alive;       /* fresh heartbeat, or the live process of the data directory */
	bool built;       /* the environment that the action's pack needs is there */
	int64_t assigned; /* scheduled and running */
	int64_t room;     /* how many more it may be given now (slots + ahead - assigned) */
} WorkerLoad;

typedef struct Need {
	const ActionDef *action;
	const RuntimeDef *runtime; /* NULL: the action has none (any worker: workflows, core.ask) */
	Placement placement;       /* the execution's own where given, else the action's */
} Need;

typedef enum ChoiceKind { CHOICE_WORKER, CHOICE_CAPACITY, CHOICE_NO_WORKER } ChoiceKind;

typedef struct Choice {
	ChoiceKind kind;
	size_t worker; /* index into loads */
	Str why; /* CHOICE_NO_WORKER: which runtime, version or label is missing, who is cordoned or offline; CHOICE_CAPACITY: who takes no runs
	                * and why; none: all are busy */
} Choice;

/* *turn is the round-robin counter of the caller. why lies in the arena. */
void worker_choose(Arena *a, const Need *need, const WorkerLoad *loads, size_t n, uint64_t *turn, Choice *ret);
/* Only whether it fits, loads aside: for `capacity` rows when a slot becomes free. */
bool worker_fits(Arena *a, const Need *need, const WorkerDef *w, Str *ret_why);
/* "python3" -> "python": the alias groups of engine 3.4, lower case. */
Str runtime_alias(Arena *a, Str name);
