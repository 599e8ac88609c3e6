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
} HttpReply;

MUST_CHECK bool client_open(Str base_url, Str token, HttpClient **ret, Err *err);
void client_close(HttpClient *c);
/* body NULL: none. The error of a status >= 400 is left to the caller (client_fail). */
MUST_CHECK bool client_call(
    HttpClient *c, Arena *a, const char *method, Str path, const Json *body, HttpReply *ret, Err *err);
/* Turns an error answer into an Err with the server's sentence. */
bool client_fail(const HttpReply *r, Err *err);
Str url_escape(Arena *a, Str s);
