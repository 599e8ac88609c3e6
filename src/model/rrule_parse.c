/*
 * Reading a recurrence: its parts come as fields of the trigger's parameters or as RRULE text, and either way become lists of words that
 * one table reads.
 */
#include "model/rrule.h"

typedef struct Words {
	Str *items;
	size_t n;
} Words;

typedef struct Part {
	const char *name, *field;
	bool (*read)(Arena *a, const Words *w, Rrule *r);
	const char *cure;
} Part;

enum { SET_MOST = 400 };

static const char *const freqs[] = { "YEARLY", "MONTHLY", "WEEKLY", "DAILY", "HOURLY", "MINUTELY", "SECONDLY" };
static const char *const weekday_names[] = { "SU", "MO", "TU", "WE", "TH", "FR", "SA" };

static int
index_nocase(const char *const *names, size_t n, Str text)
{
	for (size_t i = 0; i < n; i++)
		if (str_eq_nocase(text, str_of(names[i])))
			return (int)i;
	return -1;
}

static bool
read_freq(Arena *a, const Words *w, Rrule *r)
{
	int i = w->n == 1 ? index_nocase(freqs, countof(freqs), w->items[0]) : -1;

	(void)a;
	r->freq = i < 0 ? FREQ_DAILY : (RruleFreq)i;
	return i >= 0;
}

static bool
one_number(const Words *w, int64_t least, int64_t most, int64_t *ret)
{
	return w->n == 1 && str_to_int(w->items[0], ret) && *ret >= least && *ret <= most;
}

static bool
read_interval(Arena *a, const Words *w, Rrule *r)
{
	(void)a;
	return one_number(w, 1, 100000000, &r->interval);
}

static bool
read_count(Arena *a, const Words *w, Rrule *r)
{
	(void)a;
	return one_number(w, 1, 1000000, &r->count);
}

static bool
read_until(Arena *a, const Words *w, Rrule *r)
{
	(void)a;
	r->until = w->n == 1 ? w->items[0] : (Str){ 0 };
	return w->n == 1;
}

/* Bits of numbers from the front and, where `up` is given, of negative ones from the end. */
static bool
read_bits(const Words *w, int least, int most, uint64_t *bits, uint64_t *up)
{
	for (size_t i = 0; i < w->n; i++) {
		int64_t v;

		if (!str_to_int(w->items[i], &v) || v > most || v < (up == NULL ? least : -most) ||
		    (up != NULL && v == 0))
			return false;
		if (v < 0)
			*up |= 1ULL << -v;
		else
			*bits |= 1ULL << v;
	}
	return w->n > 0;
}

static bool
read_seconds(Arena *a, const Words *w, Rrule *r)
{
	bool ok = read_bits(w, 0, 60, &r->times.seconds, NULL);

	(void)a;
	if (r->times.seconds >> 60 & 1) /* a leap second, which our clocks do not know */
		r->times.seconds = (r->times.seconds & ((1ULL << 60) - 1)) | 1ULL << 59;
	return ok;
}

static bool
read_minutes(Arena *a, const Words *w, Rrule *r)
{
	(void)a;
	return read_bits(w, 0, 59, &r->times.minutes, NULL);
}

static bool
read_hours(Arena *a, const Words *w, Rrule *r)
{
	uint64_t bits = 0;
	bool ok = read_bits(w, 0, 23, &bits, NULL);

	(void)a;
	r->times.hours = (uint32_t)bits;
	return ok;
}

static bool
read_months(Arena *a, const Words *w, Rrule *r)
{
	uint64_t bits = 0;
	bool ok = read_bits(w, 1, 12, &bits, NULL);

	(void)a;
	r->months = (uint16_t)bits;
	return ok;
}

static bool
read_month_days(Arena *a, const Words *w, Rrule *r)
{
	uint64_t bits = 0, up = 0;
	bool ok = read_bits(w, 1, 31, &bits, &up);

	(void)a;
	r->month_days = (uint32_t)bits;
	r->month_days_up = (uint32_t)up;
	return ok;
}

static bool
read_weeks(Arena *a, const Words *w, Rrule *r)
{
	(void)a;
	return read_bits(w, 1, 53, &r->weeks, &r->weeks_up);
}

static bool
read_numbers(Arena *a, const Words *w, const int16_t **ret, size_t *ret_n)
{
	int16_t *made = arena_array(a, int16_t, w->n + 1);

	for (size_t i = 0; i < w->n; i++) {
		int64_t v;

		if (!str_to_int(w->items[i], &v) || v == 0 || v < -366 || v > 366)
			return false;
		made[i] = (int16_t)v;
	}
	*ret = made;
	*ret_n = w->n;
	return w->n > 0;
}

static bool
read_year_days(Arena *a, const Words *w, Rrule *r)
{
	return read_numbers(a, w, &r->year_days, &r->year_days_n);
}

static bool
read_set_pos(Arena *a, const Words *w, Rrule *r)
{
	return read_numbers(a, w, &r->set_pos, &r->set_pos_n);
}

static bool
read_days(Arena *a, const Words *w, Rrule *r)
{
	RruleDay *made = arena_array(a, RruleDay, w->n + 1);

	for (size_t i = 0; i < w->n; i++) {
		Str s = w->items[i];
		size_t at = s.n < 2 ? 0 : s.n - 2;
		int weekday = index_nocase(weekday_names, countof(weekday_names), str_sub(s, at, s.n));
		int64_t n = 0;

		if (at > 0 && s.p[0] == '+')
			s = str_sub(s, 1, s.n), at--;
		if (weekday < 0 || (at > 0 && (!str_to_int(str_sub(s, 0, at), &n) || n == 0 || n < -53 || n > 53)))
			return false;
		if (n == 0)
			r->weekdays |= (uint8_t)(1U << weekday);
		else
			made[r->days_n++] = (RruleDay){ (int8_t)weekday, (int8_t)n };
	}
	r->days = made;
	return w->n > 0;
}

static bool
read_week_start(Arena *a, const Words *w, Rrule *r)
{
	(void)a;
	r->week_start = w->n == 1 ? index_nocase(weekday_names, countof(weekday_names), w->items[0]) : -1;
	return r->week_start >= 0;
}

static const Part parts[] = {
	{ "FREQ", "freq", read_freq, "SECONDLY, MINUTELY, HOURLY, DAILY, WEEKLY, MONTHLY or YEARLY" },
	{ "INTERVAL", "interval", read_interval, "a whole number from 1" },
	{ "COUNT", "count", read_count, "a whole number from 1 to 1000000" },
	{ "UNTIL", "until", read_until, "a date like 20261231T235959Z" },
	{ "BYSECOND", "by_second", read_seconds, "numbers from 0 to 59" },
	{ "BYMINUTE", "by_minute", read_minutes, "numbers from 0 to 59" },
	{ "BYHOUR", "by_hour", read_hours, "numbers from 0 to 23" },
	{ "BYDAY", "by_day", read_days, "days like MO, 2TU or -1FR" },
	{ "BYMONTHDAY", "by_month_day", read_month_days, "numbers from 1 to 31 or -31 to -1" },
	{ "BYYEARDAY", "by_year_day", read_year_days, "numbers from 1 to 366 or -366 to -1" },
	{ "BYWEEKNO", "by_week_no", read_weeks, "numbers from 1 to 53 or -53 to -1" },
	{ "BYMONTH", "by_month", read_months, "numbers from 1 to 12" },
	{ "BYSETPOS", "by_set_pos", read_set_pos, "numbers from 1 to 366 or -366 to -1" },
	{ "WKST", "week_start", read_week_start, "a day: MO, TU, WE, TH, FR, SA or SU" },
};

static bool
part_take(Arena *a, const Part *p, const char *name, const Words *w, Rrule *r, Err *err)
{
	if (w->n <= SET_MOST && p->read(a, w, r))
		return true;
	return err_set(err, ERR_VALIDATION, "%s cannot be '%.*s': give %s", name,
	    w->n == 0 || w->items[0].n > 60 ? 0 : (int)w->items[0].n, w->n == 0 ? "" : w->items[0].p, p->cure);
}

/* ---- where the words come from ---- */

static Words
words_of_json(Arena *a, const Json *v)
{
	bool list = v->kind == JSON_ARRAY;
	size_t n = list ? v->n : 1;
	Words w = { arena_array(a, Str, n + 1), n };

	for (size_t i = 0; i < n; i++) {
		const Json *x = list ? &v->items[i] : v;

		w.items[i] = x->kind == JSON_STRING ? json_as_str(x) : json_text(a, x);
	}
	return w;
}

static Words
words_of_text(Arena *a, Str text)
{
	Words w = { arena_array(a, Str, text.n + 1), 0 };
	Str item;

	while (str_cut(&text, ',', &item))
		w.items[w.n++] = str_trim(item);
	return w;
}

static bool
take_fields(Arena *a, const Json *params, Rrule *r, Err *err)
{
	if (json_is_null(json_get(params, "freq")))
		return err_set(err, ERR_VALIDATION, "freq is missing: give %s, or a whole rule", parts[0].cure);
	for (size_t i = 0; i < countof(parts); i++) {
		const Json *v = json_get(params, parts[i].field);
		Words w;

		if (json_is_null(v) || (v->kind == JSON_ARRAY && v->n == 0))
			continue;
		w = words_of_json(a, v);
		if (!part_take(a, &parts[i], parts[i].field, &w, r, err))
			return false;
	}
	return true;
}

static bool
take_one(Arena *a, Str text, unsigned *seen, Rrule *r, Err *err)
{
	Str name = { 0 };
	Words w;

	if (!str_cut(&text, '=', &name))
		name = text;
	name = str_trim(name);
	for (size_t i = 0; i < countof(parts); i++) {
		if (!str_eq_nocase(name, str_of(parts[i].name)))
			continue;
		if (*seen >> i & 1)
			return err_set(err, ERR_VALIDATION, "rule: %s is given twice: keep one", parts[i].name);
		*seen |= 1U << i;
		w = words_of_text(a, text);
		return part_take(a, &parts[i], str_fmt(a, "rule: %s", parts[i].name).p, &w, r, err);
	}
	return err_set(err, ERR_VALIDATION,
	    "rule: '%.*s' is no part of a recurrence: use FREQ, INTERVAL, COUNT, UNTIL, WKST and the BY… parts (the "
	    "start goes "
	    "into dtstart)",
	    (int)(name.n > 60 ? 60 : name.n), name.p == NULL ? "" : name.p);
}

static bool
take_text(Arena *a, Str text, Rrule *r, Err *err)
{
	unsigned seen = 0;
	Str part;

	text = str_trim(text);
	if (str_eq_nocase(str_sub(text, 0, 6), str_of("RRULE:")))
		text = str_sub(text, 6, text.n);
	if (str_ends(text, str_of(";")))
		text = str_sub(text, 0, text.n - 1);
	if (text.n > 4096)
		return err_set(err, ERR_VALIDATION, "rule is longer than 4096 characters: shorten it");
	while (str_cut(&text, ';', &part))
		if (!take_one(a, part, &seen, r, err))
			return false;
	return (seen & 1) || err_set(err, ERR_VALIDATION, "rule: FREQ is missing: give %s", parts[0].cure);
}

static bool
fits_together(const Rrule *r, Err *err)
{
	if (r->count != 0 && !str_none(r->until))
		return err_set(err, ERR_VALIDATION, "count and until exclude each other: keep one");
	if (r->days_n > 0 && (r->freq > FREQ_MONTHLY || (r->weeks | r->weeks_up) != 0))
		return err_set(err, ERR_VALIDATION,
		    "by_day: numbered days like 2TU need freq MONTHLY or YEARLY and no week numbers: give the day "
		    "alone");
	if ((r->weeks | r->weeks_up) != 0 && r->freq != FREQ_YEARLY)
		return err_set(err, ERR_VALIDATION, "by_week_no needs freq YEARLY");
	if (r->year_days_n > 0 && r->freq > FREQ_YEARLY && r->freq < FREQ_HOURLY)
		return err_set(err, ERR_VALIDATION, "by_year_day cannot go with freq DAILY, WEEKLY or MONTHLY");
	if ((r->month_days | r->month_days_up) != 0 && r->freq == FREQ_WEEKLY)
		return err_set(err, ERR_VALIDATION, "by_month_day cannot go with freq WEEKLY: use MONTHLY or DAILY");
	return true;
}

bool
rrule_parse(Arena *a, const Json *params, Rrule *ret, Err *err)
{
	Rrule r = { .interval = 1, .week_start = 1 };
	Str text = json_get_text(params, "rule");

	if (!(text.n > 0 ? take_text(a, text, &r, err) : take_fields(a, params, &r, err)) || !fits_together(&r, err))
		return false;
	*ret = r;
	return true;
}
