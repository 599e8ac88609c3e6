/*
 * Reading a cron expression: fields by a table, items of a field one after the other.
 */
#include "base/civil.h"
#include "model/cron.h"

typedef struct Field {
	const char *name;
	int low, high;
	const char *const *names; /* of low and those behind it */
	int names_n;
	const char *example;
} Field;

enum { F_SECOND, F_MINUTE, F_HOUR, F_DAY, F_MONTH, F_WEEKDAY, FIELDS };

static const char *const months[] = { "JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV",
	"DEC" };
static const char *const weekdays[] = { "SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT" };

static const Field fields[FIELDS] = {
	[F_SECOND] = { "second", 0, 59, NULL, 0, "0, */10, 5,35" },
	[F_MINUTE] = { "minute", 0, 59, NULL, 0, "0, */15, 0-30/5" },
	[F_HOUR] = { "hour", 0, 23, NULL, 0, "3, 9-17, */2" },
	[F_DAY] = { "day of month", 1, 31, NULL, 0, "1, 15W, L, L-3, LW" },
	[F_MONTH] = { "month", 1, 12, months, 12, "1, JAN-MAR, */3" },
	[F_WEEKDAY] = { "day of week", 0, 7, weekdays, 7, "1-5, MON, FRI#2, 5L (0 and 7 are Sunday)" },
};

typedef struct Nickname {
	const char *name, *means;
} Nickname;

static const Nickname nicknames[] = {
	{ "@yearly", "0 0 0 1 1 *" },
	{ "@annually", "0 0 0 1 1 *" },
	{ "@monthly", "0 0 0 1 * *" },
	{ "@weekly", "0 0 0 * * 0" },
	{ "@daily", "0 0 0 * * *" },
	{ "@midnight", "0 0 0 * * *" },
	{ "@hourly", "0 0 * * * *" },
};

static bool
bad(const Field *f, Str item, Err *err)
{
	return err_set(err, ERR_VALIDATION,
	    "expression: field '%s' cannot be '%.*s': give numbers from %d to %d, like %s", f->name,
	    (int)(item.n > 60 ? 60 : item.n), item.p == NULL ? "" : item.p, f->low, f->high, f->example);
}

/* A number or a name off the front. */
static bool
take_value(const Field *f, Str *s, int *ret)
{
	size_t n = 0;
	int64_t v;

	while (n < s->n && s->p[n] >= '0' && s->p[n] <= '9')
		n++;
	if (n > 0 && n < 4 && str_to_int(str_sub(*s, 0, n), &v)) {
		*s = str_sub(*s, n, s->n);
		*ret = (int)v;
		return v >= f->low && v <= f->high;
	}
	for (int i = 0; n == 0 && i < f->names_n; i++) {
		if (!str_eq_nocase(str_sub(*s, 0, 3), str_of(f->names[i])))
			continue;
		*s = str_sub(*s, 3, s->n);
		*ret = f->low + i;
		return true;
	}
	return false;
}

static bool
take(Str *s, const char *text)
{
	if (!str_eq_nocase(str_sub(*s, 0, strlen(text)), str_of(text)))
		return false;
	*s = str_sub(*s, strlen(text), s->n);
	return true;
}

/* Bits of a range that may go over the end (FRI-MON). */
static uint64_t
bits_of(const Field *f, int from, int to, int step)
{
	int span = f->high - f->low + (f == &fields[F_WEEKDAY] ? 0 : 1);
	uint64_t bits = 0;

	if (to < from)
		to += span;
	for (int v = from; v <= to; v += step)
		bits |= 1ULL << (v > f->high ? v - span : v);
	return bits;
}

static bool
take_step(const Field *f, Str *s, int *ret)
{
	int64_t v = 1;

	*ret = 1;
	if (!take(s, "/"))
		return true;
	if (!str_to_int(*s, &v) || s->p[0] == '+' || v < 1 || v > f->high)
		return false;
	*s = str_sub(*s, s->n, s->n);
	*ret = (int)v;
	return true;
}

/* n, n-m, n-m/s, n/s, * and *\/s */
static bool
plain_item(const Field *f, Str s, uint64_t *bits)
{
	int from = f->low, to = f->high - (f == &fields[F_WEEKDAY]), step;
	bool all = take(&s, "*") || (f->low == 1 && f->high == 31 && take(&s, "?")) ||
		   (f == &fields[F_WEEKDAY] && take(&s, "?"));

	if (!all) {
		if (!take_value(f, &s, &from))
			return false;
		if (take(&s, "-")) {
			if (!take_value(f, &s, &to))
				return false;
		} else if (s.n == 0) {
			to = from; /* with a step it goes on to the end */
		}
	}
	if (!take_step(f, &s, &step) || s.n > 0)
		return false;
	*bits |= bits_of(f, from, to, step);
	return true;
}

static bool
day_item(Cron *c, Str item, uint64_t *bits)
{
	const Field *f = &fields[F_DAY];
	Str s = item;
	int v = 0;

	if (str_eq_nocase(item, str_of("LW"))) {
		c->last_weekday = true;
		return true;
	}
	if (take(&s, "L")) {
		if (s.n > 0 && (!take(&s, "-") || !take_value(f, &s, &v) || s.n > 0 || v > 30))
			return false;
		c->from_end |= 1U << v;
		return true;
	}
	if (take_value(f, &s, &v) && str_eq_nocase(s, str_of("W"))) {
		c->nearest |= 1U << v;
		return true;
	}
	return plain_item(f, item, bits);
}

static bool
weekday_item(Cron *c, Str item, uint64_t *bits)
{
	const Field *f = &fields[F_WEEKDAY];
	Str s = item;
	int v = 0, n;

	if (take_value(f, &s, &v) && str_eq_nocase(s, str_of("L"))) {
		c->nth[v % 7] |= 1;
		return true;
	}
	if (s.n < item.n && s.n == 2 && s.p[0] == '#') {
		n = s.p[1] - '0';
		if (n < 1 || n > 5)
			return false;
		c->nth[v % 7] |= 1U << n;
		return true;
	}
	return plain_item(f, item, bits);
}

static bool
field_read(Cron *c, int which, Str text, uint64_t *ret, Err *err)
{
	const Field *f = &fields[which];
	Str rest = text, item;
	uint64_t bits = 0;
	bool ok = text.n > 0 && text.p[text.n - 1] != ',';

	while (ok && str_cut(&rest, ',', &item)) {
		ok = which == F_DAY       ? day_item(c, item, &bits)
		     : which == F_WEEKDAY ? weekday_item(c, item, &bits)
					  : plain_item(f, item, &bits);
		if (!ok)
			return bad(f, item, err);
	}
	*ret = bits;
	return ok || bad(f, text, err);
}

/* Words between white space; -1 when there are too many. */
static int
words_of(Str text, Str *words, int most)
{
	int n = 0;
	size_t at = 0;

	for (;;) {
		size_t from;

		while (at < text.n && (text.p[at] == ' ' || text.p[at] == '\t' || text.p[at] == '\n'))
			at++;
		if (at == text.n)
			return n;
		from = at;
		while (at < text.n && text.p[at] != ' ' && text.p[at] != '\t' && text.p[at] != '\n')
			at++;
		if (n == most)
			return -1;
		words[n++] = str_sub(text, from, at);
	}
}

static bool
nickname(Str *text, Err *err)
{
	if (text->n == 0 || text->p[0] != '@')
		return true;
	for (size_t i = 0; i < countof(nicknames); i++)
		if (str_eq_nocase(*text, str_of(nicknames[i].name))) {
			*text = str_of(nicknames[i].means);
			return true;
		}
	return err_set(err, ERR_VALIDATION,
	    "expression: '%.*s' is not known: use @yearly, @monthly, @weekly, @daily, @hourly or five or six fields",
	    (int)(text->n > 60 ? 60 : text->n), text->p);
}

static bool
any(Str word)
{
	return str_is(word, "*") || str_is(word, "?") || str_is(word, "*/1");
}

static bool
comes_at_all(const Cron *c, Err *err)
{
	int64_t from = days_of((Civil){ 2000, 1, 1 }) * DAY_S; /* 400 years are a whole turn of the calendar */

	if (cron_next(c, from - 1, from + 400LL * 366 * DAY_S) != INT64_MAX)
		return true;
	return err_set(err, ERR_VALIDATION,
	    "expression: no date meets the fields 'day of month', 'month' and 'day of week' together: change one of "
	    "them");
}

bool
cron_parse(Str text, Cron *ret, Err *err)
{
	Cron c = { 0 };
	Str words[FIELDS];
	uint64_t bits[FIELDS] = { [F_SECOND] = 1 };
	int n, first;

	text = str_trim(text);
	if (!nickname(&text, err))
		return false;
	n = words_of(text, words, FIELDS);
	if (n != FIELDS && n != FIELDS - 1)
		return err_set(err, ERR_VALIDATION,
		    "expression: give five fields (minute, hour, day of month, month, day of week) or six with the "
		    "second in "
		    "front, like '0 30 8 * * MON-FRI'");
	first = FIELDS - n;
	for (int i = first; i < FIELDS; i++)
		if (!field_read(&c, i, words[i - first], &bits[i], err))
			return false;
	c.times = (DayTimes){ (uint32_t)bits[F_HOUR], bits[F_MINUTE], bits[F_SECOND] };
	c.days = (uint32_t)bits[F_DAY];
	c.months = (uint16_t)bits[F_MONTH];
	c.weekdays = (uint8_t)((bits[F_WEEKDAY] & 127) | (bits[F_WEEKDAY] >> 7 & 1));
	c.any_day = any(words[F_DAY - first]);
	c.any_weekday = any(words[F_WEEKDAY - first]);
	c.every_hour = any(words[F_HOUR - first]);
	if (!comes_at_all(&c, err))
		return false;
	*ret = c;
	return true;
}
