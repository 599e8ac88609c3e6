/*
 * How many requests a second each caller may make: a token bucket per key in a table of fixed size. When a place is wanted and its
 * set is full, the bucket that was idle longest goes, which is the fullest. Any thread may call.
 */
#pragma once

#include "base/clock.h"

typedef struct RateTable RateTable;

typedef struct RateState {
	int64_t limit;     /* requests that may come at once when none has come for long; 0: nothing is limited */
	int64_t remaining; /* that may come at once now */
	TimeUs wait;       /* until one more may come; 0: now */
	TimeUs full;       /* until `limit` may come again */
} RateState;

RateTable *rate_open(void);
void rate_close(RateTable *t);
/* Takes one request of the key's bucket, which holds `burst` and gains per_second; false when it is empty. now: monotonic. */
bool rate_take(RateTable *t, uint64_t key, int64_t per_second, int64_t burst, TimeUs now, RateState *ret);
