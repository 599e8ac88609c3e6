/*
 * What is old goes, in small steps: events, enforcements and ended executions, oldest first. The newest row of each table always
 * stays, so that ids are never given twice.
 */
#pragma once

#include "store/db.h"

typedef enum RetainTable {
	RETAIN_EVENT,
	RETAIN_ENFORCEMENT,
	RETAIN_EXECUTION,
	RETAIN_WEBHOOK,
	RETAIN_TABLES
} RetainTable;

typedef struct RetainStep {
	TimeUs before;    /* rows made before this go; 0: age does not matter */
	int64_t max_rows; /* rows beyond this many go; 0: any number may stay */
	int64_t window;   /* ids looked at in one step */
	Id after;         /* where the last step ended */
	bool done;        /* afterwards: what follows is young enough */
	int64_t removed;  /* afterwards: in this step */
} RetainStep;

/* One step, inside a transaction. step->after moves on; what has not ended stays, however old. */
MUST_CHECK bool retain_step(Db *db, Arena *a, RetainTable table, RetainStep *step, Err *err);
