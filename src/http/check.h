/*
 * Is this request one that everybody on its way would read alike? libmicrohttpd accepts forms that are used to smuggle a second
 * request past a proxy (both lengths at once, bare line feeds, folded lines, NUL bytes); they are refused here, before a byte of
 * the body is read.
 */
#pragma once

#include "base/err.h"

struct MHD_Connection;

/* Where the request line lay in the connection's buffer. */
typedef struct RawLine {
	const char *method;
	const char *target;
	const char *version;
	size_t target_n;
} RawLine;

/* The headers that matter to the server itself. */
typedef enum HeadName {
	HEAD_LENGTH,
	HEAD_ENCODING,
	HEAD_HOST,
	HEAD_TYPE,
	HEAD_CODING,
	HEAD_REQUEST_ID,
	HEAD_ORIGIN,
	HEAD_ACCEPT_CODING,
	HEAD_NONE_MATCH,
	HEAD_TRACE,
	HEAD_AUTHORIZATION,
	HEAD_COOKIE,
	HEAD_NAMES
} HeadName;

typedef struct Head {
	Str value;      /* the last one */
	unsigned times; /* how often it was given */
} Head;

typedef struct Heads {
	size_t bytes;
	Head known[HEAD_NAMES];
	bool has_body;
	bool chunked;
	uint64_t body_n; /* 0 when chunked */
} Heads;

/* ERR_INVALID for what is ambiguous; ERR_TOO_LARGE when the headers are more than max bytes. */
MUST_CHECK bool check_request(struct MHD_Connection *c, const RawLine *line, size_t max, Heads *ret, Err *err);
