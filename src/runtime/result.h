/*
 * The result object of an execution, and which of its output goes to files. The keys are what clients rely on.
 */
#pragma once

#include "runtime/starter.h"
#include "runtime/stream.h"

typedef struct Report {
	RunOutcome outcome;
	int exit_code; /* of the process, 128 + signal when one ended it */
	int sig;       /* 0: it exited by itself */
	TimeUs duration;
	TimeUs timeout;          /* the limit, for RUN_TIMED_OUT */
	const char *over;        /* "memory", "processes", "disk": for RUN_OVER */
	const RunLimits *limits; /* what it was allowed, for RUN_OVER */
	Str output_format;
	const Json *out_schema; /* NULL or null: the data may be anything */
	Secrets *secrets;       /* set to what was taken out of the data; NULL: nothing is taken out */
	Str problem;            /* for RUN_UNSTARTED; for RUN_OVER when it is more than its limit */
	Stream *out, *err;
	size_t inline_output;
	const char *result_path; /* result.json */
} Report;

/* Finishes both streams. */
Json result_make(Arena *a, const Report *r);
