/*
 * One document from elsewhere (libcurl), for a thread that may be away for as long: each address is judged as it is connected to, what
 * comes is bounded, and another thread may end it. Redirects are not followed but told, so that the caller can judge those too.
 */
#pragma once

#include "base/clock.h"
#include "base/err.h"
#include "http/reach.h"

#include <stdatomic.h>

typedef struct Fetch {
	const char *url;
	const char *const *headers; /* "Name: value"; NULL at the end; may be NULL */
	TimeUs timeout;
	size_t most; /* bytes */
	const Reach *reach;
	const char *setting; /* that would let it reach more, for the sentence */
	const atomic_bool *stopping;
} Fetch;

typedef struct Fetched {
	int status;
	Str bytes;
	Str location; /* of a redirect, absolute or not; else none */
} Fetched;

/* ERR_AWAY: no answer came, and why. An answer of any status is one. */
MUST_CHECK bool http_fetch(Arena *a, const Fetch *f, Fetched *ret, Err *err);
