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

/* The times of a period of which BYSETPOS picks. */
typedef struct Lot {
	Span span;
	int16_t good[366]; /* days behind its first */
	int64_t per_day, all;
} Lot;

static void
lot_fill(const Rrule *r, Span s, Lot *ret)
{
	int64_t n = 0;

	for (int64_t day = s.from; day < s.to; day++)
		if (day_ok(r, day))
			ret->good[n++] = (int16_t)(day - s.from);
	ret->span = s;
	ret->per_day = daytimes_before(&r->times, DAY_S);
	ret->all = n * ret->per_day;
}

/* Which of them a position means; -1: none. */
static int64_t
lot_place(const Lot *l, int pos)
{
	int64_t k = pos > 0 ? pos - 1 : l->all + pos;

	return k < l->all ? k : -1;
}

static int64_t
lot_time(const Rrule *r, const Lot *l, int64_t k)
{
	return (l->span.from + l->good[k / l->per_day]) * DAY_S + daytimes_at(&r->times, k % l->per_day);
}

static int64_t
span_pick(const Rrule *r, Span s, int64_t after)
{
	int64_t best = INT64_MAX;
	Lot lot;

	lot_fill(r, s, &lot);
	for (size_t i = 0; i < r->set_pos_n; i++) {
		int64_t k = lot_place(&lot, r->set_pos[i]);
		int64_t w = k < 0 ? INT64_MAX : lot_time(r, &lot, k);

		if (w > after && w < best)
			best = w;
	}
	return best;
}

/* The first period of those that are counted, or the last one before the time that is asked about. */
static int64_t
period_from(const Rrule *r, int64_t wall)
{
	int64_t first = period_of(r, floor_div(r->start, DAY_S));

	return first + floor_div(period_of(r, floor_div(wall, DAY_S)) - first, r->interval) * r->interval;
}

static int64_t
days_next(const Rrule *r, int64_t after, int64_t limit)
{
	for (int64_t p = period_from(r, after + 1);; p += r->interval) {
		Span s = period_span(r, p);
		int64_t w;

		if (s.from * DAY_S >= limit)
			return INT64_MAX;
		w = r->set_pos_n > 0 ? span_pick(r, s, after) : span_next(r, s, after);
		if (w != INT64_MAX)
			return w < limit ? w : INT64_MAX;
	}
}

/* A week is like every other one. */
static bool
weekly(const Rrule *r)
{
	return r->months == 0 && (r->weeks | r->weeks_up) == 0 && r->days_n == 0 && r->year_days_n == 0 &&
	       (r->month_days | r->month_days_up) == 0;
}

static bool
every_day(const Rrule *r)
{
	return weekly(r) && r->weekdays == 0;
}

static int64_t
days_meant(const Rrule *r, int64_t from, int64_t to)
{
	int64_t n = 0;

	if (every_day(r))
		return to > from ? to - from : 0;
	if (weekly(r) && to - from > 7) {
		n = (to - from) / 7 * __builtin_popcount(r->weekdays);
		from += (to - from) / 7 * 7;
	}
	while (from < to) {
		Civil at = civil_of(from);

		if (r->months == 0 || r->months >> at.month & 1)
			n += day_ok(r, from++);
		else
			from += month_length(at.year, at.month) - at.day + 1;
	}
	return n;
}

static int64_t
span_count(const Rrule *r, Span s, int64_t from, int64_t to)
{
	int64_t first = floor_div(from, DAY_S), last = floor_div(to, DAY_S);
	int64_t begin = s.from > first ? s.from : first, end = s.to < last ? s.to : last;
	int64_t n = days_meant(r, begin, end) * daytimes_before(&r->times, DAY_S);

	if (first >= s.from && first < s.to && day_ok(r, first))
		n -= daytimes_before(&r->times, (int)(from - first * DAY_S));
	if (last >= s.from && last < s.to && day_ok(r, last))
		n += daytimes_before(&r->times, (int)(to - last * DAY_S));
	return n;
}

static int64_t
span_picks(const Rrule *r, Span s, int64_t from, int64_t to)
{
	enum { SIDE = 366 };
	bool had[2 * SIDE] = { 0 }; /* a place counts once, whichever way it is named */
	int64_t n = 0;
	Lot lot;

	lot_fill(r, s, &lot);
	for (size_t i = 0; i < r->set_pos_n; i++) {
		int64_t k = lot_place(&lot, r->set_pos[i]);
		int64_t at = lot.all <= 2 * SIDE || k < SIDE ? k : k - (lot.all - 2 * SIDE);
		int64_t w;

		if (k < 0 || had[at])
			continue;
		had[at] = true;
		w = lot_time(r, &lot, k);
		n += w >= from && w < to;
	}
	return n;
}

static int64_t
days_count(const Rrule *r, int64_t from, int64_t to)
{
	int64_t n = 0;

	if (r->set_pos_n == 0 && r->interval == 1) /* no day lies between its periods */
		return span_count(r, (Span){ floor_div(from, DAY_S), floor_div(to, DAY_S) + 1 }, from, to);
	for (int64_t p = period_from(r, from);; p += r->interval) {
		Span s = period_span(r, p);

		if (s.from * DAY_S >= to)
			return n;
		n += r->set_pos_n > 0 ? span_picks(r, s, from, to) : span_count(r, s, from, to);
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

/* Where the search goes on from a period that is not meant: behind its day, hour, minute or second. `flat` itself: it is meant. */
static int64_t
skip_to(const Rrule *r, int64_t shift, int64_t flat)
{
	int64_t wall = flat - shift, day = floor_div(wall, DAY_S), begin = floor_div(flat, 3600) * 3600;
	int hour = (int)((wall - day * DAY_S) / 3600), at = (int)(flat - begin);
	DayTimes t = { 1, r->times.minutes, r->freq == FREQ_SECONDLY ? r->times.seconds : 1 };

	if (r->plain)
		return flat;
	if (!day_ok(r, day))
		return (day + 1) * DAY_S + shift;
	if (r->times.hours != 0 && !(r->times.hours >> hour & 1)) {
		int next = daytimes_from(&(DayTimes){ r->times.hours, 1, 1 }, hour * 3600);

		return day * DAY_S + (next < 0 ? DAY_S : next) + shift;
	}
	at = r->freq == FREQ_HOURLY ? at : daytimes_from(&t, at);
	return begin + (at < 0 ? 3600 : at);
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

/* Where steps begin: the first one at or behind `flat`. */
static int64_t
step_from(const Rrule *r, int64_t flat)
{
	int64_t step = unit_of(r) * r->interval, origin = floor_div(r->start, unit_of(r)) * unit_of(r);

	return origin - floor_div(origin - flat, step) * step;
}

static int64_t
steps_next(const Rrule *r, int32_t offset, int64_t after, int64_t limit)
{
	int64_t shift = r->offset - offset; /* wall + shift = flat */
	int64_t step = unit_of(r) * r->interval;
	int64_t flat = step_from(r, after + 1 + shift - step + 1);

	while (!r->never && flat - shift < limit) {
		int64_t on = skip_to(r, shift, flat), w;

		if (on != flat) {
			flat = step_from(r, on);
			continue;
		}
		w = period_next(r, flat, after + shift);
		if (w != INT64_MAX)
			return w - shift < limit ? w - shift : INT64_MAX;
		flat += step;
	}
	return INT64_MAX;
}

static int64_t
steps_within(const Rrule *r, int64_t from, int64_t to)
{
	int64_t step = unit_of(r) * r->interval, first = step_from(r, from);

	return first < to ? (to - 1 - first) / step + 1 : 0;
}

/* Of the period that begins at `flat`, the times of [from, to). */
static int64_t
period_count(const Rrule *r, int32_t offset, int64_t flat, int64_t from, int64_t to)
{
	int times[3600];
	int64_t count = 0;
	int n;

	if (skip_to(r, r->offset - offset, flat) != flat)
		return 0;
	n = period_times(r, flat, times);
	for (int i = 0; i < n; i++)
		count += flat + times[i] >= from && flat + times[i] < to && picked(r, i, n);
	return count;
}

/* How the periods of an hour differ: which of them are meant, and how many times each has. */
typedef struct Pace {
	bool even; /* all are meant, or none */
	int64_t each;
} Pace;

static Pace
pace_of(const Rrule *r)
{
	const uint64_t full = (1ULL << 60) - 1;
	bool minutes = r->freq == FREQ_HOURLY || r->times.minutes == full;
	bool seconds = r->freq <= FREQ_MINUTELY || r->times.seconds == full;
	int minute = r->freq >= FREQ_MINUTELY ? __builtin_ctzll(r->times.minutes) : 0;
	int second = r->freq >= FREQ_SECONDLY ? __builtin_ctzll(r->times.seconds) : 0;
	int times[3600];
	int n = period_times(r, minute * 60 + second, times);
	Pace p = { .even = minutes && seconds };

	for (int i = 0; i < n; i++)
		p.each += picked(r, i, n);
	return p;
}

/* Steps of [from, to), all within an hour, whose minute and second are meant. */
static int64_t
hour_steps(const Rrule *r, int64_t from, int64_t to)
{
	int64_t hour = floor_div(from, 3600) * 3600, step = unit_of(r) * r->interval, n = 0;

	for (int64_t flat = step_from(r, from); flat < to; flat += step) {
		int at = (int)(flat - hour);

		n += (r->times.minutes >> (at / 60) & 1) &&
		     (r->freq < FREQ_SECONDLY || (r->times.seconds >> (at % 60) & 1));
	}
	return n;
}

/* What was counted before: hours with their first step at the same place are alike. An hour lies in two pieces where hours of the wall
 * and of the steps are not the same ones. */
typedef struct Hours {
	int64_t known[2][3600]; /* 1 more than there are; 0: not counted yet */
} Hours;

static int64_t
hour_steps_known(const Rrule *r, int64_t shift, Hours *h, int64_t from, int64_t to)
{
	int64_t first = step_from(r, from) - from, begin = from - floor_div(from, 3600) * 3600;
	int64_t cut = shift - floor_div(shift, 3600) * 3600, *known;
	bool whole = to - from == (begin == 0 && cut > 0 ? cut : 3600 - begin);

	if (first >= to - from)
		return 0;
	if (!whole || (begin != 0 && begin != cut))
		return hour_steps(r, from, to);
	known = &h->known[begin != 0][first];
	if (*known == 0)
		*known = 1 + hour_steps(r, from, to);
	return *known - 1;
}

/* Steps of [from, to) on one day of the wall that is meant. */
static int64_t
day_steps(const Rrule *r, const Pace *p, Hours *h, int64_t shift, int64_t from, int64_t to)
{
	int64_t n = 0;

	if (p->even && r->times.hours == 0)
		return steps_within(r, from, to);
	for (int64_t end; from < to;
	     from = end) { /* hours of the wall, and those of steps, which may lie across them */
		int64_t wall = floor_div(from - shift, 3600) * 3600 + 3600 + shift;
		int64_t flat = floor_div(from, 3600) * 3600 + 3600;
		int hour = (int)(floor_div(from - shift, 3600) - floor_div(from - shift, DAY_S) * 24);

		end = wall < flat ? wall : flat;
		end = to < end ? to : end;
		if (r->times.hours == 0 || r->times.hours >> hour & 1)
			n += p->even ? steps_within(r, from, end) : hour_steps_known(r, shift, h, from, end);
	}
	return n;
}

/* Steps of [from, to) that are meant. */
static int64_t
whole_steps(const Rrule *r, const Pace *p, int64_t shift, int64_t from, int64_t to)
{
	bool alike = DAY_S % (unit_of(r) * r->interval) == 0;
	int64_t n = 0, full = -1;
	Hours h = { 0 };

	if (p->even && r->times.hours == 0 && every_day(r))
		return steps_within(r, from, to);
	for (int64_t end; from < to; from = end) {
		int64_t day = floor_div(from - shift, DAY_S), begin = from;

		end = (day + 1) * DAY_S + shift < to ? (day + 1) * DAY_S + shift : to;
		if (!day_ok(r, day))
			continue;
		if (!alike || end - begin < DAY_S)
			n += day_steps(r, p, &h, shift, begin, end);
		else
			n += full >= 0 ? full : (full = day_steps(r, p, &h, shift, begin, end));
	}
	return n;
}

static int64_t
steps_count(const Rrule *r, int32_t offset, int64_t from, int64_t to)
{
	int64_t step = unit_of(r) * r->interval, shift = r->offset - offset;
	int64_t first, last;
	Pace p = pace_of(r);

	from += shift;
	to += shift;
	first = step_from(r, from - step + 1); /* the periods in which both ends lie are looked at */
	last = step_from(r, to - step + 1);
	if (first == last)
		return period_count(r, offset, first, from, to);
	return period_count(r, offset, first, from, to) + period_count(r, offset, last, from, to) +
	       p.each * whole_steps(r, &p, shift, first + step, last);
}

int64_t
rrule_count(const Rrule *r, int32_t offset, int64_t from, int64_t to)
{
	int64_t start = rrule_elapsed(r) ? r->start - (r->offset - offset) : r->start;

	if (from < start)
		from = start;
	if (from >= to)
		return 0;
	return rrule_elapsed(r) ? steps_count(r, offset, from, to) : days_count(r, from, to);
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

static int64_t
common_step(int64_t a, int64_t b)
{
	return b == 0 ? a : common_step(b, a % b);
}

/* Steps that meet none of the minutes and seconds, or periods without the place that is picked: to search them would take for ever. */
static bool
never_comes(const Rrule *r)
{
	int64_t unit = unit_of(r), common = common_step(unit * r->interval, 3600);
	int64_t origin = floor_div(r->start, unit) * unit;
	DayTimes t = { 1, r->times.minutes, r->freq == FREQ_SECONDLY ? r->times.seconds : 1 };

	if (pace_of(r).each == 0)
		return true;
	if (r->freq == FREQ_HOURLY)
		return false;
	for (int at = daytimes_from(&t, 0); at >= 0 && at < 3600; at = daytimes_from(&t, at + 1))
		if ((origin - at) % common == 0)
			return false;
	return true;
}

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
	r->never = rrule_elapsed(r) && never_comes(r);
}
