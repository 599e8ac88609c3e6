/*
 * What is old goes, in small steps, oldest first: events, enforcements, ended executions, and what is written about all of them. The
 * newest row of each table always stays, so that ids are never given twice. How old that is, is a plan: the configuration's, and
 * over it what clients have stored.
 */
#pragma once

#include "store/db.h"

/* As clients know them. Those without a table have an age and nothing to remove. */
typedef enum RetainTarget {
	RETAIN_EVENTS,
	RETAIN_ENFORCEMENTS,
	RETAIN_EXECUTIONS,
	RETAIN_EXECUTION_HISTORY,
	RETAIN_WORKER_HISTORY,
	RETAIN_AUDIT_EVENTS,
	RETAIN_INQUIRIES,
	RETAIN_WEBHOOK_EVENT_LOGS,
	RETAIN_CONTINUOUS_AGGREGATES,
	RETAIN_EXECUTION_ADMISSION,
	RETAIN_NOTIFICATIONS,
	RETAIN_PACK_TEST_EXECUTIONS,
	RETAIN_SENSOR_PROCESS_HISTORY,
	RETAIN_SENSOR_PROCESSES,
	RETAIN_WORK_QUEUE_DISPATCHES,
	RETAIN_WORK_QUEUE_ITEMS,
	RETAIN_WORKERS,
	RETAIN_TARGETS
} RetainTarget;

const char *retain_target_name(RetainTarget t);
MUST_CHECK bool retain_target_of(Str name, RetainTarget *ret);

typedef struct RetainPlan {
	bool enabled;
	bool dry_run;                    /* counts, and removes nothing */
	int64_t every;                   /* seconds between two looks */
	int64_t step;                    /* ids looked at in one transaction; 0: 1,000 */
	int64_t lock_key;                /* kept for clients */
	int64_t max_age[RETAIN_TARGETS]; /* seconds; RETAIN_FOR_EVER */
	int64_t max_rows; /* events, enforcements and executions beyond so many of each go; 0: any number may stay */
} RetainPlan;

enum { RETAIN_FOR_EVER = -1 };

/* Overlays what the plan says with what is stored. */
MUST_CHECK bool retain_plan_read(Db *db, Arena *a, RetainPlan *plan, Err *err);
MUST_CHECK bool retain_plan_write(Db *db, Arena *a, const RetainPlan *plan, TimeUs now, Err *err);

typedef struct RetainStep {
	TimeUs before;    /* rows made before this go; 0: age does not matter */
	int64_t max_rows; /* rows beyond this many go; 0: any number may stay */
	int64_t window;   /* ids looked at in one step */
	Id after;         /* where the last step ended */
	bool done;        /* afterwards: what follows is young enough */
	int64_t removed;  /* afterwards: in this step */
} RetainStep;

/* One step, inside a transaction. step->after moves on; what has not ended stays, however old. */
MUST_CHECK bool retain_step(Db *db, Arena *a, RetainTarget target, RetainStep *step, Err *err);
