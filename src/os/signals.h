/*
 * Signals as a descriptor: no handler runs in this process. signals_open blocks SIGTERM, SIGINT and SIGHUP in the calling
 * thread and all that it starts (so: before any thread), ignores SIGPIPE, and gives a descriptor that is readable when one came.
 * Children started by os/spawn get a clean state.
 */
#pragma once

#include "base/err.h"

MUST_CHECK bool signals_open(int *ret_fd, Err *err);
int signals_next(int fd); /* the number of the next one, 0 when none waits */
/* Sleeps until one comes or `timeout` microseconds are over (below 0: for ever); 0 when none came. */
int signals_wait(int fd, TimeUs timeout);
void signals_close(int fd);
const char *signal_name(int number); /* "SIGKILL"; "signal" when unknown */
