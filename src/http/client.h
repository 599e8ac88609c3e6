/*
 * An HTTP client for the CLI (libcurl): one request, one answer, JSON both ways. ERR_AWAY when the server cannot be reached.
 */
#pragma once

#include "base/json.h"

typedef struct HttpClient HttpClient;

typedef struct HttpReply {
	int status;
	Json body; /* parsed when it is JSON, else null */
	Str text;
	Str disposition; /* Content-Disposition: the file name a download is given, or none */
	Str date;        /* the server's clock, or none */
} HttpReply;

/* A part of the answer as it comes; false ends the request, which is then no error. */
typedef bool HttpPiece(void *self, Str bytes);

typedef struct HttpAsk {
	const char *method;
	Str path;
	Str body;         /* none: no body */
	const char *type; /* of the body */
	const char *accept;
	HttpPiece *piece;         /* takes the body of an answer below 400, which is then not kept */
	bool (*halt)(void *self); /* asked about once a second: true ends the request as ERR_TIMEOUT */
	void *self;
	int64_t seconds; /* the answer must have ended by then; 0: five minutes */
} HttpAsk;

typedef struct HttpPart {
	const char *name;
	Str file_name;    /* none: a plain field */
	const char *type; /* of a file */
	Str text;
} HttpPart;

MUST_CHECK bool client_open(Str base_url, Str token, HttpClient **ret, Err *err);
void client_close(HttpClient *c);
void client_trust(HttpClient *c, Str ca_file); /* instead of what the machine trusts; none: as before */
void client_token(HttpClient *c, Str token);   /* from the next request on */
MUST_CHECK bool client_send(HttpClient *c, Arena *a, const HttpAsk *ask, HttpReply *ret, Err *err);
/* A form with files; *ret_type is its content type. */
Str form_body(Arena *a, const HttpPart *parts, size_t n, const char **ret_type);
/* body NULL: none. The error of a status >= 400 is left to the caller (client_fail). */
MUST_CHECK bool client_call(
    HttpClient *c, Arena *a, const char *method, Str path, const Json *body, HttpReply *ret, Err *err);
/* Turns an error answer into an Err with the server's sentence. */
bool client_fail(const HttpReply *r, Err *err);
Str url_escape(Arena *a, Str s);
