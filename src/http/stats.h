/*
 * What the server has answered, by route: how often with which status, and how long it took. Each thread counts for itself, without
 * a lock; whoever asks adds them up and may miss what is being counted in that moment.
 */
#pragma once

#include "http/http.h"

#include <stdatomic.h>

enum { STAT_CODES = 24, STAT_STEPS = 10 };

extern const int stat_codes[STAT_CODES];    /* the last one, 0, stands for all others */
extern const TimeUs stat_steps[STAT_STEPS]; /* upper bounds of the steps */

typedef struct RouteStats {
	_Atomic uint64_t codes[STAT_CODES];
	_Atomic uint64_t steps[STAT_STEPS + 1]; /* the last one: longer than all */
	_Atomic uint64_t us;
} RouteStats;

typedef struct RouteCounts {
	const Route *route; /* NULL: what had none */
	uint64_t codes[STAT_CODES];
	uint64_t steps[STAT_STEPS + 1];
	uint64_t us, n;
} RouteCounts;

void stats_note(RouteStats *s, int status, TimeUs took);
/* Only routes that were asked for. */
void req_server_stats(const Req *q, RouteCounts **ret, size_t *ret_n);
