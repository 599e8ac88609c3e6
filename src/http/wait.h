/*
 * Requests that sleep until they are woken or their time comes, and the time limits of connections: one table, one timer thread,
 * one lock (the server's). The timer sleeps without a limit while there is nothing to watch.
 */
#pragma once

#include "http/http.h"

#include <stdatomic.h>

enum {
	WAIT_BUCKETS = 256,
	WAKE_SLOTS = 1024,
};

typedef struct Link Link;

/* A connection, as far as time limits are concerned. In the server's list, under its lock. */
struct Link {
	Link *before, *after;
	int fd;
	int inner;          /* of what was handed over under TLS, the library's own descriptor; -1: none */
	bool leaving;       /* its thread has let it go, after it was handed over */
	_Atomic TimeUs due; /* when the next request must be whole; 0 while one is being answered */
};

typedef struct Waits {
	Req *buckets[WAIT_BUCKETS];
	size_t n;
	size_t pending;             /* resumed requests whose handler has not been called yet */
	_Atomic uint64_t wakes;     /* so far; counted under the lock, read without */
	uint64_t slots[WAKE_SLOTS]; /* by hash of the key: the number of its last wake */
} Waits;

TimeUs mono_now(void);

MUST_CHECK bool wait_begin(Req *q);  /* false: it does not sleep, and is to be run again at once */
void wait_over(Req *q);              /* called again, or ended */
void wait_resume_all(HttpServer *s); /* caller holds the lock */
void wait_wake(HttpServer *s, const int64_t *keys, size_t n);
MUST_CHECK bool timer_start(HttpServer *s, Err *err);
void timer_stop(HttpServer *s);
void link_open(HttpServer *s, Link *l);
void link_close(HttpServer *s, Link *l);
/* Whoever it was handed over to reads its end when the client is gone; -1: it has come back. */
void link_hand(HttpServer *s, Link *l, int inner);
