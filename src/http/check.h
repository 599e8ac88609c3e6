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
typedef struct Heads {
	size_t bytes;
	unsigned lengths, encodings, hosts; /* how often each was given */
	Str length, encoding, host, type, request_id;
	bool has_body;
	uint64_t body_n; /* 0 when chunked */
	bool chunked;
} Heads;

/* ERR_INVALID for what is ambiguous; ERR_TOO_LARGE when the headers are more than max bytes. */
MUST_CHECK bool check_request(struct MHD_Connection *c, const RawLine *line, size_t max, Heads *ret, Err *err);
