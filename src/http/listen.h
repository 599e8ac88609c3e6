/*
 * The listening socket, opened by ourselves so that a taken port is one clear sentence.
 */
#pragma once

#include "base/err.h"

/* port 0: any free one; *ret_port is the one it became. */
MUST_CHECK bool listen_open(Str host, int port, int *ret_fd, int *ret_port, Err *err);
