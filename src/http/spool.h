/*
 * The body of a request that is too large for memory: a file without a name, which ends with its request or its process. When
 * it is whole it is mapped, so that it is read like any other body and its pages can go at any time. Owned by its request.
 */
#pragma once

#include "base/err.h"

typedef struct Spool {
	bool open;
	int fd;
	size_t n;
	void *map;
} Spool;

/* In dir, which is made when it is missing; else where this machine keeps temporary files. dir may be none. */
MUST_CHECK bool spool_open(Spool *s, Str dir, Err *err);
MUST_CHECK bool spool_add(Spool *s, Str bytes, Err *err);
MUST_CHECK bool spool_map(Spool *s, Str *ret, Err *err); /* valid until spool_close */
void spool_close(Spool *s);
