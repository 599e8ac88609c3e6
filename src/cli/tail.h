/*
 * The output of a run as it comes: one stream of it, over server-sent events, resumed by byte offset when the connection is lost.
 */
#pragma once

#include "cli/cli.h"

typedef enum TailEnd {
	TAIL_DONE,        /* all that there will ever be was written */
	TAIL_HALTED,      /* asked to stop, or the time was over */
	TAIL_UNSUPPORTED, /* the server has no such stream */
} TailEnd;

typedef struct Tail {
	const Cli *c;
	Str id;
	const char *stream; /* "stdout" */
	FILE *out;
	bool (*halt)(void *self);
	void *self;
	uint64_t written; /* bytes */
	bool midline;     /* the last byte was no line's end */
} Tail;

/* With a connection and memory of its own, so that it may run on a thread of its own. */
TailEnd tail_run(Tail *t);
