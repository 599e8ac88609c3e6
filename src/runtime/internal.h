/*
 * Actions that need no process: functions of the worker, with the parameters, output, exit codes, limits and cancelling of
 * any other action. An action does what it does at once, or says how long to wait and what then, or which call it waits for.
 */
#pragma once

#include "base/json.h"
#include "http/outward.h"
#include "runtime/stream.h"

typedef struct Internal {
	Arena *a; /* of the run: what is kept until the end lies here */
	const Json *params;
	Stream *out, *err;
	int exit_code;
	TimeUs wait;    /* 0: done */
	Str afterwards; /* printed when the wait is over */
	Call *call;     /* to be made; its answer is then given to `answered` */
} Internal;

typedef struct InternalAction {
	const char *name;
	void (*run)(Internal *i);
	void (*answered)(Internal *i, const Call *call);
	bool quick; /* always done at once: it takes no slot of its worker */
} InternalAction;

/* By entry point or ref, with or without "core."; NULL when there is none. */
const InternalAction *internal_find(Str name);
void internal_fail(Internal *i, const char *why); /* exit code 1, and the reason on its error stream */
Str internal_names(Arena *a);                     /* for messages: "core.noop, core.sleep" */
