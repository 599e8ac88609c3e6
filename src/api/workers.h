/*
 * The workers and what they carry at this moment, as one picture: for the list of workers, for status and for health.
 */
#pragma once

#include "api/work.h"
#include "store/status_read.h"
#include "store/worker.h"

typedef struct Crew {
	WorkerDef *workers;
	size_t n;
	WorkerLoadRow *loads;
	size_t load_n;
	Liveness *live;
	TimeUs now;
} Crew;

/* What waited for something that has changed need not wait longer. A unit of its own, for each takes one lock; if it fails, the sweeper
 * does it. after: what was done, for the log. */
void waiting_schedule(App *app, const char *after);
MUST_CHECK bool crew_read(App *app, Arena *a, Str role, Crew *ret, Err *err); /* role: none is all */
const WorkerLoadRow *crew_load(const Crew *c, Id worker);
int64_t load_running(const WorkerLoadRow *l);
int64_t load_active(const WorkerLoadRow *l); /* scheduled ones too */
const char *worker_health(
    const Crew *c, const WorkerDef *w); /* "active" "busy" "cordoned" "offline" "error" "inactive" */
