/*
 * Answers made smaller (zlib). A Gzip is one thread's, made when it is first needed and used again.
 */
#pragma once

#include "base/str.h"

typedef struct Gzip Gzip;

/* False when it would not be smaller: then it is sent as it is. *g may be NULL. */
MUST_CHECK bool gzip_bytes(Gzip **g, Arena *a, Str bytes, Str *ret);
void gzip_close(Gzip *g);
