/*
 * Named threads, so that `top -H` and a debugger show who is who. A thread ends when its function returns. And the one way to wait for a
 * condition for a while: by a clock that nobody sets, so that a machine whose time is corrected does not wait for hours.
 */
#pragma once

#include "base/clock.h"
#include "base/err.h"

#include <pthread.h>

typedef struct Thread {
	pthread_t id;
	bool started;
} Thread;

/* name: at most 15 bytes are shown; must outlive the thread. */
MUST_CHECK bool thread_start(Thread *t, const char *name, void (*run)(void *self), void *self, Err *err);
void thread_join(Thread *t); /* a thread that was never started is fine */

/* Waits with the lock as pthread_cond_wait does, at most that long; false: the time was up. What the machine sleeps does not count. */
bool thread_wait(pthread_cond_t *cond, pthread_mutex_t *lock, TimeUs most);
