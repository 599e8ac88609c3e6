/*
 * Actions that need no process: functions of the worker, with the parameters, output, exit codes, limits and cancelling of
 * any other action. An action does what it does at once, or says how long to wait and what then.
 */
#pragma once

#include "base/json.h"
#include "runtime/stream.h"

typedef struct Internal {
	Arena *a; /* of the run: what is kept until the end lies here */
	const Json *params;
	Stream *out, *err;
	int exit_code;
	TimeUs wait;    /* 0: done */
	Str afterwards; /* printed when the wait is over */
} Internal;

typedef struct InternalAction {
	const char *name;
	void (*run)(Internal *i);
	bool quick; /* always done at once: it takes no slot of its worker */
} InternalAction;

/* By entry point or ref, with or without "core."; NULL when there is none. */
const InternalAction *internal_find(Str name);
Str internal_names(Arena *a); /* for messages: "core.noop, core.sleep" */
