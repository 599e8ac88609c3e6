/*
 * Cron expressions over wall time: five fields (minute, hour, day of month, month, day of week), six with a second in front, or a
 * nickname (@daily). Lists, ranges (FRI-MON too), steps and names; for days of the month L, L-3, LW, 15W; for days of the week
 * 5L (the last Friday) and 5#2 (the second). When both days are given, either is enough. No zone here: see model/schedule.h.
 */
#pragma once

#include "base/err.h"
#include "model/daytimes.h"

typedef struct Cron {
	DayTimes times;
	uint32_t days;     /* of the month: bits 1 to 31 */
	uint32_t nearest;  /* nW: the weekday nearest to it */
	uint32_t from_end; /* L-n: bit n, so that L is bit 0 */
	uint32_t nth[7];   /* of each day of the week: bit n for its n-th in the month, bit 0 for the last */
	uint16_t months;   /* bits 1 to 12 */
	uint8_t weekdays;  /* bit 0 is Sunday */
	bool any_day, any_weekday;
	bool last_weekday; /* LW: the last one from Monday to Friday */
	bool every_hour;
} Cron;

/* ERR_VALIDATION names the field and the cure. An expression that never comes is refused too. */
MUST_CHECK bool cron_parse(Str text, Cron *ret, Err *err);
/* The first wall time behind `after` and before `limit`, seconds; INT64_MAX: none. */
int64_t cron_next(const Cron *c, int64_t after, int64_t limit);
int64_t cron_count(const Cron *c, int64_t from, int64_t to); /* in [from, to) */
