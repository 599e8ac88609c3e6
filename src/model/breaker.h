/*
 * Circuit breakers: after so many failures in a while nothing more of their kind begins; when that has gone on for long enough, one run
 * is let through (a probe), and how it ends decides. Computed from how runs have ended, each time anew. Pure.
 */
#pragma once

#include "model/defs.h"

/* How the runs of one breaker have ended. */
typedef struct BreakerSeen {
	TimeUs probe_ended; /* of the last probe that has; 0: there was none */
	bool probe_failed;
	const TimeUs *failures; /* ends of those that failed, the newest first, none older than the last probe */
	size_t n;
} BreakerSeen;

/* Since when it has been open; 0: it is closed. */
TimeUs breaker_opened(const PolicyDef *p, const BreakerSeen *seen);
