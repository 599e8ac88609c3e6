/*
 * Recurrences of RFC 5545 over wall time. FREQ=DAILY and slower count in days of the calendar, HOURLY and faster in elapsed time from
 * the start. No zone here: see model/schedule.h, which also ends them (COUNT, UNTIL).
 */
#pragma once

#include "base/err.h"
#include "base/json.h"
#include "model/daytimes.h"

typedef enum RruleFreq {
	FREQ_YEARLY,
	FREQ_MONTHLY,
	FREQ_WEEKLY,
	FREQ_DAILY,
	FREQ_HOURLY,
	FREQ_MINUTELY,
	FREQ_SECONDLY,
} RruleFreq;

typedef struct RruleDay {
	int8_t weekday; /* 0 is Sunday */
	int8_t n;       /* 2: the second, -1: the last */
} RruleDay;

/* What the parts say, before the start fills in the rest. */
typedef struct Rrule {
	RruleFreq freq;
	int64_t interval;
	int64_t count;                      /* 0: none */
	Str until;                          /* as it was written; none */
	int64_t start;                      /* wall time */
	int32_t offset;                     /* of the zone at the start, for elapsed time */
	DayTimes times;                     /* 0 bits: that part was not given */
	uint16_t months;                    /* bits 1 to 12 */
	uint32_t month_days, month_days_up; /* bits 1 to 31, from the front and from the end */
	uint64_t weeks, weeks_up;           /* bits 1 to 53 */
	const int16_t *year_days, *set_pos;
	size_t year_days_n, set_pos_n;
	const RruleDay *days;
	size_t days_n;
	uint8_t weekdays; /* those without a number; bit 0 is Sunday */
	int week_start;
	bool plain; /* HOURLY or faster, and no part but the interval: each step is one */
	bool never; /* HOURLY or faster, and no step can meet the other parts */
} Rrule;

/* Of trigger parameters: freq, interval, by_day ..., or `rule`, the raw text. Not yet the start. ERR_VALIDATION names the field. */
MUST_CHECK bool rrule_parse(Arena *a, const Json *params, Rrule *ret, Err *err);
/* What the start decides: the parts that were not given. */
void rrule_start(Rrule *r, int64_t wall, int32_t offset);
bool rrule_elapsed(const Rrule *r); /* HOURLY and faster */
/* The first wall time behind `after` and before `limit`, never before the start; INT64_MAX: none. offset: of that stretch. */
int64_t rrule_next(const Rrule *r, int32_t offset, int64_t after, int64_t limit);
/* How many there are in [from, to). */
int64_t rrule_count(const Rrule *r, int32_t offset, int64_t from, int64_t to);
