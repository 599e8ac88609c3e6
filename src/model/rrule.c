#include "model/rrule.h"

#include "base/civil.h"

bool
rrule_elapsed(const Rrule *r)
{
	return r->freq >= FREQ_HOURLY;
}

/* ---- is it one of the days? ---- */

typedef struct Day {
	int64_t days;
	Civil at;
	int of_year, year_length, weekday;
} Day;

static Day
day_of(int64_t days)
{
	Day d = { .days = days, .at = civil_of(days), .weekday = weekday_of(days) };
	int64_t first = days_of((Civil){ d.at.year, 1, 1 });

	d.of_year = (int)(days - first + 1);
	d.year_length = year_leaps(d.at.year) ? 366 : 365;
	return d;
}

/* The first day of week 1: the first week with four days in the year. */
static int64_t
week_one(int64_t year, int week_start)
{
	int64_t fourth = days_of((Civil){ year, 1, 4 });

	return fourth - (weekday_of(fourth) - week_start + 7) % 7;
}

static bool
week_ok(const Rrule *r, const Day *d)
{
	int64_t year = d->at.year;
	int64_t first = week_one(year, r->week_start);
	int64_t next;
	int week, weeks;

	if (d->days < first)
		first = week_one(--year, r->week_start);
	next = week_one(year + 1, r->week_start);
	if (d->days >= next) {
		first = next;
		next = week_one(year + 2, r->week_start);
	}
	week = (int)((d->days - first) / 7) + 1;
	weeks = (int)((next - first) / 7);
	return (r->weeks >> week & 1) || (r->weeks_up >> (weeks + 1 - week) & 1);
}

static bool
year_day_ok(const Rrule *r, const Day *d)
{
	for (size_t i = 0; i < r->year_days_n; i++)
		if (r->year_days[i] == d->of_year || r->year_days[i] == d->of_year - d->year_length - 1)
			return true;
	return false;
}

static bool
weekday_ok(const Rrule *r, const Day *d)
{
	bool of_month = r->freq == FREQ_MONTHLY || r->months != 0;
	int at = of_month ? d->at.day : d->of_year;
	int length = of_month ? month_length(d->at.year, d->at.month) : d->year_length;

	if (r->weekdays >> d->weekday & 1)
		return true;
	for (size_t i = 0; i < r->days_n; i++) {
		int n = r->days[i].n;

		if (r->days[i].weekday == d->weekday && n == (n > 0 ? (at - 1) / 7 + 1 : -((length - at) / 7 + 1)))
			return true;
	}
	return false;
}

static bool
day_ok(const Rrule *r, int64_t days)
{
	Day d = day_of(days);
	int up;

	if (r->months != 0 && !(r->months >> d.at.month & 1))
		return false;
	if ((r->weeks | r->weeks_up) != 0 && !week_ok(r, &d))
		return false;
	if ((r->days_n > 0 || r->weekdays != 0) && !weekday_ok(r, &d))
		return false;
	if (r->year_days_n > 0 && !year_day_ok(r, &d))
		return false;
	if ((r->month_days | r->month_days_up) == 0)
		return true;
	up = month_length(d.at.year, d.at.month) - d.at.day + 1;
	return (r->month_days >> d.at.day & 1) || (r->month_days_up >> up & 1);
}

/* ---- DAILY and slower: periods of days ---- */

typedef struct Span {
	int64_t from, to; /* days, [from, to) */
} Span;

static int64_t
week_of(const Rrule *r, int64_t days)
{
	return floor_div(days + 3 - (r->week_start + 6) % 7, 7); /* three days before the epoch was a Monday */
}

/* Which period holds that day, counted in steps of one. */
static int64_t
period_of(const Rrule *r, int64_t days)
{
	Civil c = civil_of(days);

	switch (r->freq) {
	case FREQ_YEARLY: return c.year;
	case FREQ_MONTHLY: return c.year * 12 + c.month - 1;
	case FREQ_WEEKLY: return week_of(r, days);
	default: return days;
	}
}

static int64_t
month_first(int64_t months)
{
	int64_t year = floor_div(months, 12);

	return days_of((Civil){ year, (int)(months - year * 12) + 1, 1 });
}

static Span
period_span(const Rrule *r, int64_t p)
{
	int64_t first;

	switch (r->freq) {
	case FREQ_YEARLY: return (Span){ days_of((Civil){ p, 1, 1 }), days_of((Civil){ p + 1, 1, 1 }) };
	case FREQ_MONTHLY: return (Span){ month_first(p), month_first(p + 1) };
	case FREQ_WEEKLY: first = p * 7 - 3 + (r->week_start + 6) % 7; return (Span){ first, first + 7 };
	default: return (Span){ p, p + 1 };
	}
}

/* The earliest behind `after` among the days of a period. */
static int64_t
span_next(const Rrule *r, Span s, int64_t after)
{
	int64_t from = floor_div(after + 1, DAY_S);

	for (int64_t day = s.from > from ? s.from : from; day < s.to; day++) {
		int second = day == from ? (int)(after + 1 - day * DAY_S) : 0;

		if (!day_ok(r, day))
			continue;
		second = daytimes_from(&r->times, second);
		if (second >= 0)
			return day * DAY_S + second;
	}
	return INT64_MAX;
}

/* The same where BYSETPOS picks among all times of the period. */
static int64_t
span_pick(const Rrule *r, Span s, int64_t after)
{
	int16_t good[366];
	int64_t per_day = daytimes_before(&r->times, DAY_S), all = 0, best = INT64_MAX;

	for (int64_t day = s.from; day < s.to; day++)
		if (day_ok(r, day))
			good[all++] = (int16_t)(day - s.from);
	all *= per_day;
	for (size_t i = 0; i < r->set_pos_n; i++) {
		int64_t k = r->set_pos[i] > 0 ? r->set_pos[i] - 1 : all + r->set_pos[i];
		int64_t w;

		if (k < 0 || k >= all)
			continue;
		w = (s.from + good[k / per_day]) * DAY_S + daytimes_at(&r->times, k % per_day);
		if (w > after && w < best)
			best = w;
	}
	return best;
}

static int64_t
days_next(const Rrule *r, int64_t after, int64_t limit)
{
	int64_t first = period_of(r, floor_div(r->start, DAY_S));
	int64_t p = first + floor_div(period_of(r, floor_div(after + 1, DAY_S)) - first, r->interval) * r->interval;

	for (;; p += r->interval) {
		Span s = period_span(r, p);
		int64_t w;

		if (s.from * DAY_S >= limit)
			return INT64_MAX;
		w = r->set_pos_n > 0 ? span_pick(r, s, after) : span_next(r, s, after);
		if (w != INT64_MAX)
			return w < limit ? w : INT64_MAX;
	}
}

/* ---- HOURLY and faster: steps of elapsed time ---- */

/* Times are `flat`: wall times of the offset that was in force at the start, so that steps of them are steps of elapsed time. Hour,
 * day and month are looked at on the wall. */

static int64_t
unit_of(const Rrule *r)
{
	return r->freq == FREQ_HOURLY ? 3600 : r->freq == FREQ_MINUTELY ? 60 : 1;
}

/* Minutes and seconds of a period that are meant, as seconds from its beginning. */
static int
period_times(const Rrule *r, int64_t flat, int *ret)
{
	int begin = (int)(flat - floor_div(flat, 3600) * 3600), end = begin + (int)unit_of(r);
	int n = 0;

	for (int at = begin; at < end;) {
		DayTimes t = { 1, r->times.minutes, r->times.seconds };

		at = daytimes_from(&t, at);
		if (at < 0 || at >= end)
			break;
		ret[n++] = at++ - begin;
		if (at == 3600)
			break;
	}
	return n;
}

static bool
picked(const Rrule *r, int at, int n)
{
	if (r->set_pos_n == 0)
		return true;
	for (size_t i = 0; i < r->set_pos_n; i++)
		if (r->set_pos[i] == at + 1 || r->set_pos[i] == at - n)
			return true;
	return false;
}

/* Where the search goes on when the wall hour or day is not meant: its end. 0: it is meant. */
static int64_t
skip_to(const Rrule *r, int64_t wall)
{
	int64_t day = floor_div(wall, DAY_S);
	int hour = (int)((wall - day * DAY_S) / 3600);
	int next;

	if (!day_ok(r, day))
		return (day + 1) * DAY_S;
	if (r->times.hours == 0 || r->times.hours >> hour & 1)
		return 0;
	next = daytimes_from(&(DayTimes){ r->times.hours, 1, 1 }, hour * 3600);
	return day * DAY_S + (next < 0 ? DAY_S : next);
}

/* The earliest behind `after` in the period that begins at `flat`. */
static int64_t
period_next(const Rrule *r, int64_t flat, int64_t after)
{
	int times[3600];
	int n = period_times(r, flat, times);

	for (int i = 0; i < n; i++)
		if (flat + times[i] > after && picked(r, i, n))
			return flat + times[i];
	return INT64_MAX;
}

static int64_t
steps_next(const Rrule *r, int32_t offset, int64_t after, int64_t limit)
{
	int64_t shift = r->offset - offset; /* wall + shift = flat */
	int64_t unit = unit_of(r), step = unit * r->interval;
	int64_t origin = floor_div(r->start, unit) * unit;
	int64_t flat = origin + floor_div(after + 1 + shift - origin, step) * step;

	while (flat - shift < limit) {
		int64_t skip = 0, w;

		if (!r->plain && (skip = skip_to(r, flat - shift)) != 0) {
			int64_t on = floor_div(skip + shift - origin, step) * step + origin;

			flat = on > flat ? on : flat + step;
			continue;
		}
		w = period_next(r, flat, after + shift);
		if (w != INT64_MAX)
			return w - shift < limit ? w - shift : INT64_MAX;
		flat += step;
	}
	return INT64_MAX;
}

int64_t
rrule_next(const Rrule *r, int32_t offset, int64_t after, int64_t limit)
{
	if (rrule_elapsed(r)) {
		int64_t before = r->start - (r->offset - offset) - 1; /* the start, on the wall of this stretch */

		return steps_next(r, offset, after < before ? before : after, limit);
	}
	return days_next(r, after < r->start - 1 ? r->start - 1 : after, limit);
}

/* ---- the parts that the start decides ---- */

void
rrule_start(Rrule *r, int64_t wall, int32_t offset)
{
	int64_t day = floor_div(wall, DAY_S);
	int second = (int)(wall - day * DAY_S);
	Civil c = civil_of(day);
	bool no_day = (r->month_days | r->month_days_up) == 0 && r->days_n == 0 && r->weekdays == 0 &&
		      r->year_days_n == 0 && (r->weeks | r->weeks_up) == 0;

	r->start = wall;
	r->offset = offset;
	if (no_day && r->freq == FREQ_WEEKLY)
		r->weekdays = (uint8_t)(1U << weekday_of(day));
	if (no_day && r->freq == FREQ_YEARLY && r->months == 0)
		r->months = (uint16_t)(1U << c.month);
	if (no_day && r->freq <= FREQ_MONTHLY)
		r->month_days = 1U << c.day;
	r->plain = r->times.hours == 0 && r->times.minutes == 0 && r->times.seconds == 0 && no_day && r->months == 0 &&
		   r->set_pos_n == 0 && rrule_elapsed(r);
	if (r->times.hours == 0 && !rrule_elapsed(r))
		r->times.hours = 1U << (second / 3600);
	if (r->times.minutes == 0)
		r->times.minutes = r->freq >= FREQ_MINUTELY ? (1ULL << 60) - 1 : 1ULL << (second / 60 % 60);
	if (r->times.seconds == 0)
		r->times.seconds = r->freq >= FREQ_SECONDLY ? (1ULL << 60) - 1 : 1ULL << (second % 60);
}
