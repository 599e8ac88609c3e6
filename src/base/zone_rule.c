#include "base/zone_rule.h"

#include "base/civil.h"

static bool
take(Str *s, char c)
{
	if (s->n == 0 || s->p[0] != c)
		return false;
	*s = str_sub(*s, 1, s->n);
	return true;
}

static bool
take_number(Str *s, int most, int *ret)
{
	int v = 0;
	size_t n = 0;

	while (n < s->n && n < 4 && s->p[n] >= '0' && s->p[n] <= '9')
		v = v * 10 + (s->p[n++] - '0');
	*s = str_sub(*s, n, s->n);
	*ret = v;
	return n > 0 && v <= most;
}

/* "CET" or "<+0330>" */
static bool
take_name(Str *s)
{
	size_t n = 0;

	if (s->n > 0 && s->p[0] == '<') {
		while (n < s->n && s->p[n] != '>')
			n++;
		*s = str_sub(*s, n + 1, s->n);
		return n > 1;
	}
	while (n < s->n && ((s->p[n] | 32) >= 'a' && (s->p[n] | 32) <= 'z'))
		n++;
	*s = str_sub(*s, n, s->n);
	return n > 0;
}

/* [+-]h[:m[:s]] */
static bool
take_clock(Str *s, int64_t *ret)
{
	bool minus = take(s, '-');
	int h, m = 0, sec = 0;

	if (!minus)
		(void)take(s, '+');
	if (!take_number(s, 167, &h) || (take(s, ':') && !take_number(s, 59, &m)) ||
	    (take(s, ':') && !take_number(s, 59, &sec)))
		return false;
	*ret = (int64_t)(h * 3600 + m * 60 + sec) * (minus ? -1 : 1);
	return true;
}

static bool
take_change(Str *s, ZoneChange *c)
{
	*c = (ZoneChange){ .kind = 'N', .at = 7200 };
	if (!take(s, ','))
		return false;
	if (take(s, 'M')) {
		c->kind = 'M';
		if (!take_number(s, 12, &c->month) || !take(s, '.') || !take_number(s, 5, &c->week) || !take(s, '.') ||
		    !take_number(s, 6, &c->day) || c->month < 1 || c->week < 1)
			return false;
	} else {
		if (take(s, 'J'))
			c->kind = 'J';
		if (!take_number(s, 365, &c->day) || (c->kind == 'J' && c->day < 1))
			return false;
	}
	return !take(s, '/') || take_clock(s, &c->at);
}

bool
zone_rule_parse(Str text, ZoneRule *ret)
{
	ZoneRule r = { 0 };
	int64_t west;

	if (!take_name(&text) || !take_clock(&text, &west) || west < -90000 || west > 90000)
		return false;
	r.standard = r.summer = (int32_t)-west;
	if (text.n > 0) {
		if (!take_name(&text))
			return false;
		west = -(int64_t)r.standard - 3600;
		if (text.n > 0 && text.p[0] != ',' && !take_clock(&text, &west))
			return false;
		if (west < -90000 || west > 90000)
			return false;
		r.summer = (int32_t)-west;
		r.changes = true;
		if (!take_change(&text, &r.to_summer) || !take_change(&text, &r.to_standard))
			return false;
	}
	*ret = r;
	return text.n == 0;
}

static int64_t
change_day(const ZoneChange *c, int64_t year)
{
	int64_t first = days_of((Civil){ year, 1, 1 });
	int day;

	if (c->kind == 'N')
		return first + c->day;
	if (c->kind == 'J')
		return first + c->day - 1 + (c->day > 59 && year_leaps(year));
	first = days_of((Civil){ year, c->month, 1 });
	day = (c->day - weekday_of(first) + 7) % 7 + (c->week - 1) * 7;
	while (day >= month_length(year, c->month))
		day -= 7;
	return first + day;
}

int64_t
zone_rule_instant(const ZoneChange *c, int64_t year, int32_t offset_before)
{
	return change_day(c, year) * 86400 + c->at - offset_before;
}
