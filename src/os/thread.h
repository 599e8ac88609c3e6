/*
 * Named threads, so that `top -H` and a debugger show who is who. A thread ends when its function returns.
 */
#pragma once

#include "base/err.h"

#include <pthread.h>

typedef struct Thread {
	pthread_t id;
	bool started;
} Thread;

/* name: at most 15 bytes are shown; must outlive the thread. */
MUST_CHECK bool thread_start(Thread *t, const char *name, void (*run)(void *self), void *self, Err *err);
void thread_join(Thread *t); /* a thread that was never started is fine */
