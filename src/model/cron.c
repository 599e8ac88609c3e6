#include "model/cron.h"

#include "base/civil.h"

static int
nearest_weekday(const Civil *c, int64_t days, int day)
{
	int length = month_length(c->year, c->month);
	int weekday;

	day = day > length ? length : day;
	weekday = weekday_of(days + day - c->day);
	if (weekday == 6)
		return day > 1 ? day - 1 : day + 2;
	if (weekday == 0)
		return day < length ? day + 1 : day - 2;
	return day;
}

static bool
near_ok(const Cron *c, const Civil *at, int64_t days)
{
	for (int d = 1; d <= 31 && c->nearest >> d != 0; d++)
		if (c->nearest >> d & 1 && d <= month_length(at->year, at->month) &&
		    nearest_weekday(at, days, d) == at->day)
			return true;
	return false;
}

static bool
last_weekday_ok(const Civil *at, int64_t days)
{
	int length = month_length(at->year, at->month);
	int weekday = weekday_of(days + length - at->day);

	return at->day == length - (weekday == 6 ? 1 : weekday == 0 ? 2 : 0);
}

static bool
month_day_ok(const Cron *c, const Civil *at, int64_t days)
{
	int left = month_length(at->year, at->month) - at->day;

	return c->days >> at->day & 1 || c->from_end >> left & 1 || (c->nearest != 0 && near_ok(c, at, days)) ||
	       (c->last_weekday && last_weekday_ok(at, days));
}

static bool
weekday_ok(const Cron *c, const Civil *at, int64_t days)
{
	int w = weekday_of(days);
	bool last = at->day + 7 > month_length(at->year, at->month);

	return c->weekdays >> w & 1 || c->nth[w] >> ((at->day - 1) / 7 + 1) & 1 || (last && c->nth[w] & 1);
}

static bool
day_ok(const Cron *c, const Civil *at, int64_t days)
{
	if (c->any_day && c->any_weekday)
		return true;
	if (c->any_day)
		return weekday_ok(c, at, days);
	if (c->any_weekday)
		return month_day_ok(c, at, days);
	return month_day_ok(c, at, days) || weekday_ok(c, at, days);
}

/* The first day from `day` on that is meant, below `limit`; INT64_MAX: none. */
static int64_t
day_from(const Cron *c, int64_t day, int64_t limit)
{
	while (day < limit) {
		Civil at = civil_of(day);

		if (!(c->months >> at.month & 1))
			day += month_length(at.year, at.month) - at.day + 1;
		else if (day_ok(c, &at, day))
			return day;
		else
			day++;
	}
	return INT64_MAX;
}

int64_t
cron_next(const Cron *c, int64_t after, int64_t limit)
{
	int64_t from = after + 1;
	int64_t last = floor_div(limit - 1, DAY_S) + 1;
	int64_t today = floor_div(from, DAY_S);
	int64_t day = day_from(c, today, last);
	int second = day == today ? daytimes_from(&c->times, (int)(from - today * DAY_S)) : 0;

	if (day == today && second < 0)
		day = day_from(c, today + 1, last);
	if (day == INT64_MAX)
		return INT64_MAX;
	if (day != today)
		second = daytimes_from(&c->times, 0);
	return day * DAY_S + second < limit ? day * DAY_S + second : INT64_MAX;
}

/* A week is like every other one. */
static bool
weekly(const Cron *c)
{
	for (size_t i = 0; i < countof(c->nth); i++)
		if (c->nth[i] != 0 && !c->any_weekday)
			return false;
	return c->any_day && c->months == 0x1FFE;
}

static int64_t
days_count(const Cron *c, int64_t from, int64_t to)
{
	int64_t n = 0;

	if (weekly(c) && to - from > 7) {
		n = (to - from) / 7 * (c->any_weekday ? 7 : __builtin_popcount(c->weekdays));
		from += (to - from) / 7 * 7;
	}
	for (int64_t day = day_from(c, from, to); day < to; day = day_from(c, day + 1, to))
		n++;
	return n;
}

int64_t
cron_count(const Cron *c, int64_t from, int64_t to)
{
	int64_t first = floor_div(from, DAY_S), last = floor_div(to, DAY_S);
	int64_t n;

	if (from >= to)
		return 0;
	n = days_count(c, first, last) * daytimes_before(&c->times, DAY_S);
	if (day_from(c, first, first + 1) == first)
		n -= daytimes_before(&c->times, (int)(from - first * DAY_S));
	if (day_from(c, last, last + 1) == last)
		n += daytimes_before(&c->times, (int)(to - last * DAY_S));
	return n;
}
