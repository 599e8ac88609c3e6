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
	HttpClient *client; /* its own, of profile_client; tail_run closes it */
	Str id;
	const char *stream; /* "stdout" */
	FILE *out;
	bool (*halt)(void *self);
	void *self;
	uint64_t written; /* bytes */
	bool midline;     /* the last byte was no line's end */
} Tail;

/* May run on a thread of its own: what it uses of the command is its connection, and the id. */
TailEnd tail_run(Tail *t);
