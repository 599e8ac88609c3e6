/*
 * Waiting for descriptors: a thin face over epoll with one wake-up that any thread may use. One thread adds, removes and
 * waits. An owner may come out of poll_wait once more in the batch in which it was removed: free owners at the end of a turn.
 */
#pragma once

#include "base/err.h"

#include <stdatomic.h>

typedef struct Poll {
	int fd;
	int wake_fd;
	atomic_bool woken;
} Poll;

MUST_CHECK bool poll_open(Poll *p, Err *err);
void poll_close(Poll *p);
/* owner comes out of poll_wait when fd is readable or its other end is gone. */
MUST_CHECK bool poll_add(Poll *p, int fd, void *owner, Err *err);
/* What of fd, which was added, is waited for from now on. */
void poll_want(Poll *p, int fd, void *owner, bool readable, bool writable);
void poll_remove(Poll *p, int fd); /* before closing fd: a child may still hold a copy of it */
/* Sleeps for at most `timeout` microseconds (0: not at all, below 0: for ever). Owners whose descriptors are ready;
 * *ret_woken: poll_wake was called. */
size_t poll_wait(Poll *p, TimeUs timeout, void **ret_owners, size_t max, bool *ret_woken);
void poll_wake(Poll *p);
