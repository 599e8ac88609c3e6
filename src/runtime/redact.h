/*
 * Stars known secrets out of a stream of bytes, wherever the stream is cut: as they are, and in the forms in which programs print
 * them (base64, percent-encoded, escaped in JSON). Best effort: what a program does to a secret beyond that is not known. Pure; lies
 * in the arena of its run. Secrets of fewer than four bytes are left alone: they would star out everything.
 */
#pragma once

#include "base/json.h"

typedef struct Redact Redact;

enum { REDACT_LEAST = 4 };

/* secrets: an array of values, whose texts and numbers count; NULL when nothing is to be starred out. */
Redact *redact_open(Arena *a, const Json *secrets);
/* What may go on; valid until the next call. The end of the bytes is held back while it may be the beginning of a secret. Takes
 * REDACT_PIECE bytes at most. */
enum { REDACT_PIECE = 32 * 1024 };
Str redact_put(Redact *r, Str bytes);
Str redact_end(Redact *r); /* what was held back */
