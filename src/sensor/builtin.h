/*
 * Sensors that are part of this program: each runs in a process of its own (`attune __sensor NAME`) and speaks the line protocol, so
 * that starting, stopping, placing and taking in are the same as for any other sensor.
 */
#pragma once

#include "base/json.h"

/* Runs until standard input ends; the exit code. NULL or an unknown name: 2. */
int builtin_main(const char *name);

/* What they share. */

/* Reads lines of standard input without waiting. *ret_ended: there will be no more. */
typedef struct News {
	char *p;
	size_t n, cap;
	bool ended;
} News;

/* The next line, in a; false when none is there yet. */
bool news_next(News *n, Arena *a, Json *ret);
/* One event on standard output; waits while nobody reads. key may be none. False when nobody will any more. */
bool builtin_emit(const Json *rule, Str trigger_ref, Str key, Json payload);

int file_watch_main(void);
int poll_http_main(void);
