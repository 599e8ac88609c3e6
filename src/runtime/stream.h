/*
 * One output stream of a run. The first 64 KiB stay in memory, what goes beyond is written to the run's log file as it comes,
 * up to the limit; the rest goes to the spill, beyond whose limit it is read and dropped: a child that floods is bounded but never blocked. A pipe rather than a
 * file given to the child: a size limit on files would hit every file the action writes, and `> /dev/stderr` in a script
 * would truncate what was logged before.
 */
#pragma once

#include "runtime/redact.h"
#include "runtime/spill.h"

enum {
	STREAM_HEAD = 64 * 1024,
	STREAM_NOTICE = 128, /* room kept below the limit for the note that something was left out */
};

typedef struct Stream {
	Arena *a;         /* of the run */
	int fd;           /* our end of the pipe; -1 when there is none or it has ended */
	bool watched;     /* in the poll set */
	const char *name; /* "stdout" */
	const char *path; /* of the log file, whether or not it is there */
	size_t max;       /* bytes that are kept */
	char *head;
	size_t head_n, head_cap;
	uint64_t total;  /* bytes that came */
	uint64_t stored; /* bytes in the file */
	int file;        /* while it is being written; else -1 */
	bool has_file;
	bool shown;        /* others may follow it: what comes is in the file at once */
	Spill spill;       /* all of it, when it is more than the log may hold */
	Redact *redact;    /* what must not be kept is starred out first; NULL: nothing */
	char trouble[160]; /* why the file is not what it should be; empty: all is well */
} Stream;

void stream_open(Stream *s, Arena *a, const char *name, const char *path, size_t max, int fd);
/* Reads what is there, about `most` bytes at most, through scratch. False when the stream has ended: nobody holds its other
 * end any more. */
bool stream_read(Stream *s, char *scratch, size_t size, size_t most);
void stream_put(Stream *s, Str bytes); /* from ourselves: internal actions */
void stream_show(Stream *s);           /* from now on what has come can be read in the file */
/* After the last byte: what was held back, for it might have become a secret, is kept too. */
void stream_flush(Stream *s);
/* After the last byte: completes the file, or makes it when more than `inline_most` bytes came. Empty streams make none. */
void stream_finish(Stream *s, size_t inline_most);
/* After the last byte: from now on this is what came. */
void stream_replace(Stream *s, Str text, Err *err);
void stream_close(Stream *s);             /* descriptors only */
uint64_t stream_dropped(const Stream *s); /* what neither memory nor the log holds */
/* After stream_finish: the last bytes that are kept anywhere. */
Str stream_tail(const Stream *s, Arena *a, size_t most);
/* All that is kept, in a: from memory or read back. ERR_SYS when the file cannot be read. */
MUST_CHECK bool stream_all(const Stream *s, Arena *a, Str *ret, Err *err);
