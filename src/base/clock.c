#include "base/clock.h"

#include "base/civil.h"

#include <time.h>

enum {
	SECONDS_PER_DAY = 86400,
	MINUTES_PER_HOUR = 60,
};

static TimeUs
read_clock(clockid_t id)
{
	struct timespec ts;

	clock_gettime(id, &ts);
	return (TimeUs)ts.tv_sec * US_PER_S + ts.tv_nsec / 1000;
}

static TimeUs
real_wall(void *self)
{
	(void)self;
	return read_clock(CLOCK_REALTIME);
}

static TimeUs
real_mono(void *self)
{
	(void)self;
	return read_clock(CLOCK_BOOTTIME);
}

const Clock *
clock_real(void)
{
	static const Clock machine = { real_wall, real_mono, NULL };

	return &machine;
}

Str
time_text(Arena *a, TimeUs t)
{
	int64_t seconds = t / US_PER_S, days, of_day;
	int us = (int)(t % US_PER_S);
	Buf b = buf_open(a);
	Civil c;

	if (us < 0) {
		us += US_PER_S;
		seconds--;
	}
	days = (seconds >= 0 ? seconds : seconds - (SECONDS_PER_DAY - 1)) / SECONDS_PER_DAY;
	of_day = seconds - days * SECONDS_PER_DAY;
	c = civil_of(days);
	buf_fmt(&b, "%04lld-%02d-%02dT%02d:%02d:%02d", (long long)c.year, c.month, c.day, (int)(of_day / 3600),
	    (int)(of_day / 60 % 60), (int)(of_day % 60));
	if (us % US_PER_MS != 0)
		buf_fmt(&b, ".%06d", us);
	else if (us != 0)
		buf_fmt(&b, ".%03d", us / US_PER_MS);
	buf_char(&b, 'Z');
	return buf_str(&b);
}

/* Takes exactly `count` digits off the front. */
static bool
take_digits(Str *s, size_t count, int *ret)
{
	int v = 0;

	if (s->n < count)
		return false;
	for (size_t i = 0; i < count; i++) {
		if (s->p[i] < '0' || s->p[i] > '9')
			return false;
		v = v * 10 + (s->p[i] - '0');
	}
	*s = str_sub(*s, count, s->n);
	*ret = v;
	return true;
}

static bool
take_char(Str *s, const char *any)
{
	if (s->n == 0 || s->p[0] == '\0' || strchr(any, s->p[0]) == NULL)
		return false;
	*s = str_sub(*s, 1, s->n);
	return true;
}

static bool
take_date(Str *s, int64_t *ret_days)
{
	int y, m, d;

	if (!take_digits(s, 4, &y) || !take_char(s, "-") || !take_digits(s, 2, &m) || !take_char(s, "-") ||
	    !take_digits(s, 2, &d) || m < 1 || m > 12)
		return false;
	if (d < 1 || d > month_length(y, m))
		return false;
	*ret_days = days_of((Civil){ y, m, d });
	return true;
}

/* Any number of fraction digits; what is finer than a microsecond is cut off. */
static bool
take_fraction(Str *s, int *ret_us)
{
	int us = 0, unit = US_PER_S / 10;
	size_t i = 0;

	for (; i < s->n && s->p[i] >= '0' && s->p[i] <= '9'; i++) {
		us += (s->p[i] - '0') * unit;
		unit /= 10;
	}
	*s = str_sub(*s, i, s->n);
	*ret_us = us;
	return i > 0;
}

static bool
take_time(Str *s, TimeUs *ret)
{
	int h, m, sec, us = 0;

	if (!take_digits(s, 2, &h) || !take_char(s, ":") || !take_digits(s, 2, &m) || !take_char(s, ":") ||
	    !take_digits(s, 2, &sec))
		return false;
	if (h > 23 || m > 59 || sec > 60) /* 60: a leap second, read as the second after it */
		return false;
	if (take_char(s, ".") && !take_fraction(s, &us))
		return false;
	*ret = (TimeUs)(h * 3600 + m * 60 + sec) * US_PER_S + us;
	return true;
}

static bool
take_offset(Str *s, TimeUs *ret)
{
	bool west = s->n > 0 && s->p[0] == '-';
	int h, m;

	*ret = 0;
	if (s->n == 0 || take_char(s, "Zz"))
		return true;
	if (!take_char(s, "+-") || !take_digits(s, 2, &h) || !take_char(s, ":") || !take_digits(s, 2, &m))
		return false;
	if (h > 23 || m > 59)
		return false;
	*ret = (TimeUs)(h * MINUTES_PER_HOUR + m) * 60 * US_PER_S * (west ? -1 : 1);
	return true;
}

bool
time_parse(Str text, TimeUs *ret)
{
	TimeUs of_day, offset;
	int64_t days;

	if (!take_date(&text, &days) || !take_char(&text, "Tt ") || !take_time(&text, &of_day) ||
	    !take_offset(&text, &offset) || text.n > 0)
		return false;
	*ret = days * SECONDS_PER_DAY * US_PER_S + of_day - offset;
	return true;
}

typedef struct Unit {
	const char *name;
	TimeUs us;
} Unit;

static const Unit units[] = {
	{ "", US_PER_S },
	{ "ms", US_PER_MS },
	{ "s", US_PER_S },
	{ "m", 60 * (TimeUs)US_PER_S },
	{ "h", 3600 * (TimeUs)US_PER_S },
	{ "d", SECONDS_PER_DAY *(TimeUs)US_PER_S },
};

bool
duration_parse(Str text, TimeUs *ret)
{
	int64_t whole;
	int millionths = 0;
	size_t i = 0;
	TimeUs d;

	while (i < text.n && text.p[i] >= '0' && text.p[i] <= '9')
		i++;
	if (!str_to_int(str_sub(text, 0, i), &whole))
		return false;
	text = str_sub(text, i, text.n);
	if (take_char(&text, ".") && !take_fraction(&text, &millionths))
		return false;
	for (size_t u = 0; u < countof(units); u++) {
		if (!str_is(text, units[u].name))
			continue;
		if (__builtin_mul_overflow(whole, units[u].us, &d) ||
		    __builtin_add_overflow(d, millionths * (units[u].us / US_PER_MS) / US_PER_MS, &d))
			return false;
		*ret = d;
		return true;
	}
	return false;
}

/* "1.4 ms"; false when rounding would show a thousand of the unit or more. */
static bool
tenths_text(Arena *a, TimeUs d, TimeUs unit, TimeUs most, const char *name, Str *ret)
{
	int64_t tenths = d / (unit / 10) + (d % (unit / 10) * 2 >= unit / 10 ? 1 : 0);

	if (tenths >= most * 10)
		return false;
	if (tenths % 10 == 0)
		*ret = str_fmt(a, "%lld %s", (long long)(tenths / 10), name);
	else
		*ret = str_fmt(a, "%lld.%d %s", (long long)(tenths / 10), (int)(tenths % 10), name);
	return true;
}

static Str
two_units(Arena *a, int64_t v, int64_t base, const char *large, const char *small)
{
	if (v % base == 0)
		return str_fmt(a, "%lld %s", (long long)(v / base), large);
	return str_fmt(a, "%lld %s %lld %s", (long long)(v / base), large, (long long)(v % base), small);
}

Str
duration_text(Arena *a, TimeUs d)
{
	int64_t s;
	Str text;

	if (d < 0)
		return str_fmt(a, "-%s", duration_text(a, d == INT64_MIN ? INT64_MAX : -d).p);
	if (d < US_PER_MS)
		return str_fmt(a, "%lld us", (long long)d);
	if (tenths_text(a, d, US_PER_MS, 1000, "ms", &text) || tenths_text(a, d, US_PER_S, 60, "s", &text))
		return text;
	s = d / US_PER_S + (d % US_PER_S >= US_PER_S / 2 ? 1 : 0);
	if (s < 3600)
		return two_units(a, s, 60, "min", "s");
	if (s < SECONDS_PER_DAY)
		return two_units(a, s / 60, 60, "h", "min");
	return two_units(a, s / 3600, 24, "d", "h");
}
