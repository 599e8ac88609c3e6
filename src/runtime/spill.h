/*
 * All that a stream of a run brought, once it is more than its log may hold: a second file, up to a limit of its own, that becomes a
 * version of an artifact. Nothing of it is in memory.
 */
#pragma once

#include "base/err.h"

typedef struct Spill {
	const char *ref;   /* of the artifact; NULL: nothing more is kept than the log */
	const char *path;  /* absolute */
	const char *below; /* the same, below artifacts_dir */
	size_t most;       /* bytes that are kept, with the note that there were more */
	uint64_t stored, came;
	int fd; /* while it is written; else -1 */
	bool there;
} Spill;

/* Begins with what lies in the log. */
MUST_CHECK bool spill_begin(Spill *s, const char *log, Err *err);
MUST_CHECK bool spill_add(Spill *s, Str bytes, Err *err);
/* After the last byte. */
void spill_end(Spill *s);
/* Its file goes, and nothing more is kept. */
void spill_drop(Spill *s);
uint64_t spill_left_out(const Spill *s);
