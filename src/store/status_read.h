/*
 * What the platform is doing now, for `attune status`: what each worker carries, and what waits and why. Looks at live rows only,
 * and at no more of them than tells the story.
 */
#pragma once

#include "model/lifecycle.h"
#include "store/db.h"

typedef struct WorkerLoadRow {
	Id worker;
	int64_t live[EXEC_STATES]; /* how many of its executions are in each live state */
} WorkerLoadRow;

MUST_CHECK bool worker_loads(Db *db, Arena *a, WorkerLoadRow **ret, size_t *ret_n, Err *err);

typedef struct WaitingRow {
	Str reason, detail; /* detail: of the oldest */
	int64_t count;      /* of the first WAITING_COUNTED that wait */
	Id oldest_id;
	TimeUs oldest_at;
} WaitingRow;

enum { WAITING_COUNTED = 10000 };

MUST_CHECK bool waiting_by_reason(Db *db, Arena *a, WaitingRow **ret, size_t *ret_n, Err *err);

/* One action's runs, of those that retention has left. */
typedef struct ActionQueueRow {
	int64_t waiting, active, all;
	TimeUs oldest; /* of those that wait; 0: none does */
} ActionQueueRow;

MUST_CHECK bool action_queue_read(Db *db, Arena *a, Str action_ref, ActionQueueRow *ret, Err *err);
