/*
 * How much happened in each hour. Plain counts over the rows of a window: its first row is found by halving, since ids rise with
 * time, and no more than the newest million rows of a table are looked at, so that no question costs more than that.
 */
#pragma once

#include "store/listing.h"

typedef enum Series {
	SERIES_EXECUTION_STATUS, /* by state, in the hour in which the execution was made */
	SERIES_THROUGHPUT,       /* executions by action */
	SERIES_EVENTS,           /* by trigger */
	SERIES_ENFORCEMENTS,     /* by rule */
	SERIES_WORKERS,          /* what became of workers, by state */
	SERIES_KINDS
} Series;

typedef struct Window {
	TimeUs since, until; /* both inclusive; since moves on when the window holds more than is looked at */
} Window;

/* [{"bucket", "label", "value"}], oldest first. scope NULL: all. */
MUST_CHECK bool analytics_series(Db *db, Arena *a, Series series, Window *w, const Scope *scope, Json *ret, Err *err);

typedef struct FailureRate {
	int64_t terminal, completed, failed, timed_out; /* abandoned runs have failed */
} FailureRate;

MUST_CHECK bool analytics_failures(Db *db, Arena *a, Window *w, const Scope *scope, FailureRate *ret, Err *err);
