/*
 * Times of a day as hours × minutes × seconds, each a set of bits: what cron expressions and recurrences have in common.
 */
#pragma once

#include "base/attr.h"

enum { DAY_S = 86400 };

typedef struct DayTimes {
	uint32_t hours;
	uint64_t minutes, seconds;
} DayTimes;

/* The first at or behind that second of the day; -1: none is left. */
int daytimes_from(const DayTimes *t, int second);
/* How many lie before that second of the day (DAY_S: all). */
int64_t daytimes_before(const DayTimes *t, int second);
/* The k-th of them, from 0; k is below the number of all. */
int daytimes_at(const DayTimes *t, int64_t k);
