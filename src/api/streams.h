/*
 * What streams sleep on (http_wake): those of one execution on a number of its own, those of all on another. Ids are positive, so
 * neither is the key of a request that waits for a run's end.
 */
#pragma once

#include "api/app.h"

enum {
	STREAM_KEY_ALL = -1,
	STREAM_CHECK_US = 4 * US_PER_S, /* how often it is asked whether the token still counts */
};

/* Is the token of this caller as good as it was? Else the stream ends. */
bool stream_may_go_on(App *app, const Caller *c);

static inline int64_t
stream_key(Id execution)
{
	return -1 - execution;
}
