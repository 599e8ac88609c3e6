/*
 * The least that speaks HTTP to a local server: one kept connection, one request at a time, so that the client costs next to nothing.
 */
#pragma once

#include "base/str.h"

enum { WIRE_ANSWER_MAX = 1 << 20 };

int wire_open(int port); /* -1: nobody listens */
/* Sends the request as it is and reads one answer with a Content-Length; the status, or 0 when the connection broke. The whole
 * answer is in `answer`, which has room for WIRE_ANSWER_MAX bytes. */
int wire_call(int fd, const char *request, size_t n, char *answer);
size_t wire_answer_length(const char *text); /* of the whole answer, once its head is there; 0: not yet */
int wire_status(const char *answer);         /* of a whole answer */
/* The text of a request, with the token of BENCH_TOKEN when there is one. */
size_t wire_request(char *to, size_t room, const char *method, const char *path, const char *body);
