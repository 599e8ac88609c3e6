/*
 * A server that answers each request with what a test has put there for its path, on 127.0.0.1: the other end of core.http_request.
 */
#pragma once

#include "base/str.h"

#include <pthread.h>

enum { ORIGIN_ANSWERS = 16 };

typedef struct Origin {
	int listener, port;
	pthread_t thread;
	struct {
		const char *path;
		Str answer; /* all of it; none: the connection is held and never answered */
	} answers[ORIGIN_ANSWERS];
	size_t n;
	pthread_mutex_t lock;
	char asked[8192]; /* the last request */
	size_t asked_n;
	int requests, connections;
} Origin;

Origin *origin_open(void);
void origin_done(Origin **o);
void origin_answer(Origin *o, const char *path, Str answer); /* before anybody asks */
Str origin_asked(Origin *o, Arena *a);
int origin_requests(Origin *o);
