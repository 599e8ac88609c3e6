/*
 * What waits for a policy or for its time, and what is tried again: rows of the execution table that scheduling does not hand out yet.
 * A slot names what runs share a limit with, a bucket what they share a rate with; the live rows of a slot are what is counted, so
 * that nothing can drift.
 */
#pragma once

#include "store/execution.h"

/* How many runs of this slot are under way. */
MUST_CHECK bool slot_used(Db *db, Arena *a, Str slot, int64_t *ret, Err *err);
/* The first in its line, by priority and age. */
void slot_ahead(Db *db, Arena *a, Str slot, size_t most); /* slot_used and slot_line: see db_ahead */
MUST_CHECK bool slot_line(Db *db, Arena *a, Str slot, size_t most, Id **ret, size_t *ret_n, Err *err);

/* The oldest that have not ended, running or waiting, without those that are being cancelled; *ret_all: how many there are in all, as far as
 * `most` is exceeded. */
typedef struct SlotRow {
	Id id;
	int attempt;
	ExecState status;
} SlotRow;

MUST_CHECK bool slot_oldest(Db *db, Arena *a, Str slot, size_t most, SlotRow **ret, size_t *ret_n, Err *err);
MUST_CHECK bool slot_all(Db *db, Arena *a, Str slot, int64_t *ret, Err *err);

/* When the bucket is full again; 0: it is. */
MUST_CHECK bool bucket_read(Db *db, Arena *a, Str bucket, TimeUs *ret_full, Err *err);
MUST_CHECK bool bucket_write(Db *db, Arena *a, Str bucket, TimeUs full, Err *err);

/* Says of one row which policy holds it, and until when at least (0: nobody knows). */
MUST_CHECK bool execution_wait_policy(
    Db *db, Arena *a, Id id, WaitReason why, Str policy_ref, TimeUs due, TimeUs now, Err *err);

/* ---- what a row is limited by, when policies change ---- */

typedef struct ExecLimited {
	Id id, action;
	ExecState status;
	Json config, worker_selector, worker_tolerations, worker_affinity;
	int64_t priority;
	Str slot, bucket, wait_class, breaker;
} ExecLimited;

MUST_CHECK bool execution_limited_class(
    Db *db, Arena *a, Str wait_class, size_t most, ExecLimited **ret, size_t *ret_n, Err *err);
MUST_CHECK bool execution_limited_live(Db *db, Arena *a, ExecLimited **ret, size_t *ret_n, Err *err);
MUST_CHECK bool execution_limit_set(Db *db, Arena *a, const ExecLimited *rows, size_t n, Err *err);

/* ---- its time ---- */

/* Those whose time has come may be given to workers; how many. */
MUST_CHECK bool execution_wake_due(Db *db, Arena *a, TimeUs now, size_t most, int64_t *ret, Err *err);
/* The next time at which a row has to be looked at; 0: none. */
MUST_CHECK bool execution_next_due(Db *db, Arena *a, TimeUs now, TimeUs *ret, Err *err);
void execution_next_due_ahead(Db *db, Arena *a, TimeUs now); /* see db_ahead */
/* Whether anything waits for a worker, and that time, outside a transaction. */
MUST_CHECK bool execution_waits(Db *db, Arena *a, TimeUs now, bool *ret, TimeUs *ret_due, Err *err);
MUST_CHECK bool execution_pause(Db *db, Arena *a, Id id, TimeUs now, bool *ret, Err *err);
MUST_CHECK bool execution_resume(Db *db, Arena *a, Id id, TimeUs now, bool *ret, Err *err);

/* ---- once more ---- */

typedef struct RetryRow {
	Id id; /* the one that ended */
	Id action, enforcement, parent;
	Str action_ref;
	Json plan; /* null: none */
	int64_t count;
	bool made; /* the next one is there already */
	Uuid correlation;
	/* of retry_of_task only */
	ExecState status;
	int attempt;
	Json workflow_task;
} RetryRow;

/* id 0 where a row has no plan. */
MUST_CHECK bool retry_rows(Db *db, Arena *a, const Id *ids, size_t n, RetryRow *ret, Err *err);
/* A run of a workflow's task, which has no plan of its own. */
MUST_CHECK bool retry_of_task(Db *db, Arena *a, Id id, RetryRow *ret, Err *err);

typedef struct RetryNew {
	Id ended;
	TimeUs due; /* 0: at once */
	const char *reason;
	Str by;
	/* of a workflow's task, for which it goes on counting; else NULL */
	const Json *workflow_task;
	int64_t max_retries;
} RetryNew;

/* Was it ever one that waits, or could have? */
MUST_CHECK bool retry_possible(Db *db, Arena *a, Id id, bool *ret, Err *err);
/* A new row like the one that ended, which is possible. */
MUST_CHECK bool retry_insert(Db *db, Arena *a, const RetryNew *in, TimeUs now, Id *ret_id, Err *err);
