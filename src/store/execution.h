/*
 * The execution table. Rows are made by execution_insert and moved by execution_move, guarded by state and attempt; nothing else
 * writes them. Reads for lists and single rows are in store/execution_read.h.
 */
#pragma once

#include "store/execution_move.h"

/* A row to be made. status is EXEC_REQUESTED, EXEC_SCHEDULED (with worker: created and scheduled in one step, attempt 1) or a
 * terminal state with a result (refused at once). */
typedef struct ExecNew {
	Id action, parent, enforcement, executor, worker, original;
	Str action_ref, rule_ref, trigger_ref;
	const Json *config, *env_vars, *permission_set_refs;
	const Json *worker_selector, *worker_tolerations, *worker_affinity; /* NULL: the action's */
	const Json *result, *retry; /* how often it is tried again, and when; NULL: never */
	ExecState status;
	WaitReason wait;
	bool limited; /* it has a place behind limits, retries, a priority or a time: most rows have not */
	Str wait_class, slot, bucket, breaker;          /* whom it shares limits with stands in its class, too */
	int64_t timeout_seconds, max_retries, priority; /* 0: not given */
	TimeUs due;                                     /* not before; 0: at once */
	Uuid correlation;
	Str by;       /* who made it, for the timeline */
	TimeUs since; /* not stored: when what asked for it was made */
	/* of a workflow's task */
	bool of_task;
	int task_no;
	int64_t task_index, task_iteration; /* index -1: none */
	const Json *workflow_task;          /* as clients see it */
	Str artifact_policy;                /* for what it makes; with artifact_limit, where whoever asked said so */
	int64_t artifact_limit;             /* 0: not said */
	Str line;                           /* its ancestors, where they are known; none: they are looked for */
} ExecNew;

/* ret_ids[i] is 0 where an execution of that enforcement existed already. */
MUST_CHECK bool execution_insert(Db *db, Arena *a, const ExecNew *rows, size_t n, TimeUs now, Id *ret_ids, Err *err);
/* PostgreSQL: one row without limits, scheduled for a worker, in one round trip. It is made only if nobody else schedules, nothing waits,
 * that worker has nothing to do and no definition has changed after `known`; else *ret_id is 0. */
MUST_CHECK bool execution_insert_guess(
    Db *db, Arena *a, const ExecNew *row, Id known, TimeUs now, Id *ret_id, Err *err);
/* What the runs that `id` asks for have as ancestors: "/1/5/". */
Str execution_line(Arena *a, Str ancestors, Id id);

/* ---- waiting ----
 * Rows whose class is set may be given to a worker as soon as one has room; rows of one class need the same of a worker, so
 * scheduling looks at classes, oldest row first, and never at a whole backlog. */

typedef struct ExecWaiting {
	Id id, action, enforcement, parent;
	int attempt;
	Str action_ref;
	Json worker_selector, worker_tolerations, worker_affinity; /* null: the action's */
	WaitReason reason;
	Str wait_class, detail;
	Uuid correlation;
	TimeUs created, due;
	int64_t timeout_seconds;
} ExecWaiting;

/* Two executors must not count the same free slot: until the commit only this transaction schedules. *ret is false when nothing waits:
 * then it may not, and need not. */
MUST_CHECK bool execution_schedule_alone(Db *db, Arena *a, bool *ret, Err *err);
/* The same for a run that is being made: *ret says whether nobody else schedules and nothing waits. Never waits itself. */
MUST_CHECK bool execution_schedule_try(Db *db, Arena *a, bool *ret, Err *err);
void execution_schedule_try_ahead(Db *db, Arena *a); /* and execution_worker_counts: see db_ahead */
/* The same for what waits by now: *ret says whether nobody else schedules. Never waits itself. */
MUST_CHECK bool execution_schedule_now(Db *db, Arena *a, bool *ret, Err *err);
void execution_schedule_now_ahead(Db *db, Arena *a, size_t most);
/* The first of all waiting rows, class by class and each class by age. */
MUST_CHECK bool execution_wait_head(Db *db, Arena *a, size_t most, ExecWaiting **ret, size_t *ret_n, Err *err);
/* Announces these two and execution_worker_counts: see db_ahead. */
void execution_schedule_ahead(Db *db, Arena *a, size_t most);
MUST_CHECK bool execution_wait_classes(Db *db, Arena *a, Str **ret, size_t *ret_n, Err *err);
/* The oldest rows of one class. */
MUST_CHECK bool execution_wait_oldest(
    Db *db, Arena *a, Str wait_class, size_t most, ExecWaiting **ret, size_t *ret_n, Err *err);
/* All workers for this row are full: says so, for people. */
MUST_CHECK bool execution_wait_capacity(Db *db, Arena *a, Id id, Str detail, TimeUs now, Err *err);
/* No worker can run this class: marks every row of it that is not marked so yet, with its deadline. */
MUST_CHECK bool execution_wait_no_worker(
    Db *db, Arena *a, Str wait_class, Str detail, TimeUs deadline, TimeUs now, Err *err);
/* A worker appeared for the class: its rows wait for room only. */
MUST_CHECK bool execution_wait_worker_back(Db *db, Arena *a, Str wait_class, TimeUs now, Err *err);
/* Rows for which no worker came before their deadline. */
MUST_CHECK bool execution_wait_due(
    Db *db, Arena *a, TimeUs now, size_t most, ExecWaiting **ret, size_t *ret_n, Err *err);

/* How many runs each worker holds. */
typedef struct WorkerCount {
	Id worker;
	int64_t scheduled, running;
} WorkerCount;

MUST_CHECK bool execution_worker_counts(Db *db, Arena *a, WorkerCount **ret, size_t *ret_n, Err *err);

/* For the sweeper: rows in a live state, oldest first, that were last touched before `before`. worker 0: any. */
typedef struct ExecLive {
	Id id, worker, action, enforcement, parent;
	int attempt;
	ExecState status;
	Str action_ref, incarnation;
	WaitReason reason;
	TimeUs created, updated, due;
	Uuid correlation;
} ExecLive;

MUST_CHECK bool execution_live(Db *db, Arena *a, ExecState status, Id worker, TimeUs before, Id after, size_t most,
    ExecLive **ret, size_t *ret_n, Err *err);
/* Any row by id, live or not; ret->id 0 when there is none. */
MUST_CHECK bool execution_peek(Db *db, Arena *a, Id id, ExecLive *ret, Err *err);
/* Is anything not terminal, and not waiting for its time or for people? Embedded, the sweeper is armed only then. */
MUST_CHECK bool execution_any_live(Db *db, Arena *a, bool *ret, Err *err);
/* A note in the history of a row: a late result, which changes nothing. */
MUST_CHECK bool execution_note(Db *db, Arena *a, Id id, Str ref, const Json *note, TimeUs now, Err *err);
