#include "model/schedule.h"

#include "test.h"

enum { PER_S = 1000000 };

static Json
params_of(Arena *a, const char *text)
{
	Json v;
	Err err = { 0 };

	if (!json_parse(a, str_of(text), NULL, &v, &err))
		test_fail(__FILE__, __LINE__, "%s: %s", text, err.text);
	return v;
}

static TimeUs
at(const char *text)
{
	TimeUs t;

	if (!time_parse(str_of(text), &t))
		test_fail(__FILE__, __LINE__, "%s", text);
	return t;
}

static Str
ticks_text(Arena *a, const char *trigger, const char *params, const char *anchor, int most)
{
	Zones zones = zones_open(a);
	Json p = params_of(a, params);
	Buf b = buf_open(a);
	Schedule s;
	Err err = { 0 };
	Due d;

	if (!schedule_compile(a, &zones, str_of(trigger), &p, at(anchor), &s, &err))
		return str_copy(a, str_of(err.text));
	for (bool more = schedule_next(&s, s.anchor, &d); more && most-- > 0; more = schedule_on(&s, &d))
		buf_fmt(&b, "%s%s", b.n > 0 ? " " : "", time_text(a, d.at).p);
	return buf_str(&b);
}

#define CRON "core.crontimer"
#define RRULE "core.rruletimer"
#define BERLIN ", \"timezone\": \"Europe/Berlin\"}"

typedef struct Case {
	const char *trigger, *params, *anchor, *ticks;
} Case;

static const Case comings[] = {
	{ CRON, "{\"expression\": \"*/20 * * * *\"}", "2026-01-01T00:00:00Z",
	    "2026-01-01T00:20:00Z 2026-01-01T00:40:00Z 2026-01-01T01:00:00Z" },
	{ CRON, "{\"expression\": \"*/20 * * * * *\"}", "2026-01-01T00:00:00Z",
	    "2026-01-01T00:00:20Z 2026-01-01T00:00:40Z 2026-01-01T00:01:00Z" },
	{ CRON, "{\"expression\": \"@daily\"}", "2026-02-27T12:00:00Z",
	    "2026-02-28T00:00:00Z 2026-03-01T00:00:00Z 2026-03-02T00:00:00Z" },
	{ CRON, "{\"expression\": \"0 0 L * *\"}", "2028-01-15T12:00:00Z",
	    "2028-01-31T00:00:00Z 2028-02-29T00:00:00Z 2028-03-31T00:00:00Z" },
	{ CRON, "{\"expression\": \"0 0 L-2 * *\"}", "2026-01-01T12:00:00Z",
	    "2026-01-29T00:00:00Z 2026-02-26T00:00:00Z 2026-03-29T00:00:00Z" },
	{ CRON, "{\"expression\": \"0 0 LW * *\"}", "2026-01-01T12:00:00Z",
	    "2026-01-30T00:00:00Z 2026-02-27T00:00:00Z 2026-03-31T00:00:00Z" },
	/* the 15th of November 2026 is a Sunday, of August a Saturday, of September a Tuesday */
	{ CRON, "{\"expression\": \"0 0 15W 8,9,11 ?\"}", "2026-08-01T00:00:00Z",
	    "2026-08-14T00:00:00Z 2026-09-15T00:00:00Z 2026-11-16T00:00:00Z" },
	{ CRON, "{\"expression\": \"0 0 1W 8 *\"}", "2026-01-01T00:00:00Z", /* a Saturday: not into July */
	    "2026-08-03T00:00:00Z 2027-08-02T00:00:00Z 2028-08-01T00:00:00Z" },
	{ CRON, "{\"expression\": \"0 0 * * fri#2\"}", "2026-11-01T00:00:00Z",
	    "2026-11-13T00:00:00Z 2026-12-11T00:00:00Z 2027-01-08T00:00:00Z" },
	{ CRON, "{\"expression\": \"0 0 * * 5L\"}", "2026-11-01T00:00:00Z",
	    "2026-11-27T00:00:00Z 2026-12-25T00:00:00Z 2027-01-29T00:00:00Z" },
	{ CRON, "{\"expression\": \"0 0 13 * FRI\"}", "2026-11-01T00:00:00Z", /* either is enough */
	    "2026-11-06T00:00:00Z 2026-11-13T00:00:00Z 2026-11-20T00:00:00Z" },
	{ CRON, "{\"expression\": \"0 22-1 * * SAT-SUN\"}", "2026-11-27T12:00:00Z",
	    "2026-11-28T00:00:00Z 2026-11-28T01:00:00Z 2026-11-28T22:00:00Z" },
	{ CRON, "{\"expression\": \"0 0 29 2 *\"}", "2026-01-01T00:00:00Z",
	    "2028-02-29T00:00:00Z 2032-02-29T00:00:00Z 2036-02-29T00:00:00Z" },
	/* the clock jumps from two to three on March 29 and falls back from three to two on October 25 */
	{ CRON, "{\"expression\": \"30 2 * * *\"" BERLIN, "2026-03-28T00:00:00Z",
	    "2026-03-28T01:30:00Z 2026-03-29T01:30:00Z 2026-03-30T00:30:00Z" },
	{ CRON, "{\"expression\": \"30 2,3 29 3 *\"" BERLIN, "2026-03-28T00:00:00Z",
	    "2026-03-29T01:30:00Z 2027-03-29T00:30:00Z 2027-03-29T01:30:00Z" },
	{ CRON, "{\"expression\": \"30 2 * * *\"" BERLIN, "2026-10-24T00:00:00Z",
	    "2026-10-24T00:30:00Z 2026-10-25T00:30:00Z 2026-10-26T01:30:00Z" },
	{ CRON, "{\"expression\": \"30 * * * *\"" BERLIN, "2026-10-25T00:00:00Z",
	    "2026-10-25T00:30:00Z 2026-10-25T01:30:00Z 2026-10-25T02:30:00Z" },
	{ CRON, "{\"expression\": \"0 12 * * *\", \"start_at\": \"2026-03-01\", \"count\": 2}", "2026-01-01T00:00:00Z",
	    "2026-03-01T12:00:00Z 2026-03-02T12:00:00Z" },
	{ CRON, "{\"expression\": \"0 12 * * *\", \"end_at\": \"2026-01-02\"}", "2026-01-01T00:00:00Z",
	    "2026-01-01T12:00:00Z 2026-01-02T12:00:00Z" },
	{ "core.intervaltimer", "{\"interval\": 90, \"unit\": \"minutes\"}", "2026-01-01T00:00:00Z",
	    "2026-01-01T01:30:00Z 2026-01-01T03:00:00Z 2026-01-01T04:30:00Z" },
	{ "core.intervaltimer", "{\"interval\": 1, \"unit\": \"hours\", \"start_at\": \"2026-01-01T09:00:00\"" BERLIN,
	    "2026-01-01T00:00:00Z", "2026-01-01T08:00:00Z 2026-01-01T09:00:00Z 2026-01-01T10:00:00Z" },
	{ "core.datetimetimer", "{\"fire_at\": \"2026-07-01T12:00:00\"" BERLIN, "2026-01-01T00:00:00Z",
	    "2026-07-01T10:00:00Z" },
	{ "core.datetimetimer", "{\"fire_at\": \"2026-07-01T12:00:00+05:00\"" BERLIN, "2026-01-01T00:00:00Z",
	    "2026-07-01T07:00:00Z" },
	{ "core.datetimetimer", "{\"fire_at\": \"2025-07-01T12:00:00Z\"}", "2026-01-01T00:00:00Z", "" },
	/* of RFC 5545, 3.8.5.3 */
	{ RRULE,
	    "{\"dtstart\": \"19970902T090000\", \"rule\": \"RRULE:FREQ=DAILY;COUNT=3\", \"timezone\": "
	    "\"America/New_York\"}",
	    "1997-01-01T00:00:00Z", "1997-09-02T13:00:00Z 1997-09-03T13:00:00Z 1997-09-04T13:00:00Z" },
	{ RRULE, "{\"dtstart\": \"19970902T090000\", \"rule\": \"FREQ=MONTHLY;INTERVAL=2;COUNT=10;BYDAY=1SU,-1SU\"}",
	    "1997-10-01T00:00:00Z", "1997-11-02T09:00:00Z 1997-11-30T09:00:00Z 1998-01-04T09:00:00Z" },
	{ RRULE, "{\"dtstart\": \"19970512T090000\", \"rule\": \"FREQ=YEARLY;BYWEEKNO=20;BYDAY=MO\"}",
	    "1997-01-01T00:00:00Z", "1997-05-12T09:00:00Z 1998-05-11T09:00:00Z 1999-05-17T09:00:00Z" },
	{ RRULE, "{\"dtstart\": \"19970929T090000\", \"rule\": \"FREQ=MONTHLY;BYDAY=MO,TU,WE,TH,FR;BYSETPOS=-2\"}",
	    "1997-01-01T00:00:00Z", "1997-09-29T09:00:00Z 1997-10-30T09:00:00Z 1997-11-27T09:00:00Z" },
	{ RRULE,
	    "{\"dtstart\": \"19970805T090000\", \"freq\": \"WEEKLY\", \"interval\": 2, \"by_day\": [\"TU\", \"SU\"], "
	    "\"week_start\": \"MO\"}",
	    "1997-08-06T00:00:00Z", "1997-08-10T09:00:00Z 1997-08-19T09:00:00Z 1997-08-24T09:00:00Z" },
	{ RRULE,
	    "{\"dtstart\": \"19970805T090000\", \"freq\": \"WEEKLY\", \"interval\": 2, \"by_day\": [\"TU\", \"SU\"], "
	    "\"week_start\": \"SU\"}",
	    "1997-08-06T00:00:00Z", "1997-08-17T09:00:00Z 1997-08-19T09:00:00Z 1997-08-31T09:00:00Z" },
	{ RRULE, "{\"dtstart\": \"20260101T000000\", \"rule\": \"FREQ=WEEKLY;UNTIL=20260115\"}", "2025-01-01T00:00:00Z",
	    "2026-01-01T00:00:00Z 2026-01-08T00:00:00Z 2026-01-15T00:00:00Z" },
	{ RRULE, "{\"dtstart\": \"20261025T003000\", \"freq\": \"HOURLY\"" BERLIN, "2026-10-24T23:00:00Z",
	    "2026-10-24T23:30:00Z 2026-10-25T00:30:00Z 2026-10-25T01:30:00Z" },
	{ RRULE, "{\"dtstart\": \"20260101T090000\", \"freq\": \"MINUTELY\", \"interval\": 20, \"by_hour\": [9]}",
	    "2026-01-01T09:30:00Z", "2026-01-01T09:40:00Z 2026-01-02T09:00:00Z 2026-01-02T09:20:00Z" },
};

TEST(timers_come_when_they_say)
{
	CLEANUP(arena_done) Arena *a = arena_open();

	for (size_t i = 0; i < countof(comings); i++) {
		const Case *c = &comings[i];
		Str got = ticks_text(a, c->trigger, c->params, c->anchor, 3);

		if (!str_is(got, c->ticks))
			test_fail(__FILE__, __LINE__, "%s\n  comes %s\n  not   %s", c->params, got.p, c->ticks);
	}
}

static const Case refusals[] = {
	{ CRON, "{\"expression\": \"61 * * * *\"}", NULL, "field 'minute' cannot be '61': give numbers from 0 to 59" },
	{ CRON, "{\"expression\": \"* * * * mo\"}", NULL, "field 'day of week' cannot be 'mo'" },
	{ CRON, "{\"expression\": \"* * 0 * *\"}", NULL, "field 'day of month' cannot be '0'" },
	{ CRON, "{\"expression\": \"* * * * fri#6\"}", NULL, "field 'day of week'" },
	{ CRON, "{\"expression\": \"* * * * #2\"}", NULL, "field 'day of week'" },
	{ CRON, "{\"expression\": \"5- * * * *\"}", NULL, "field 'minute'" },
	{ CRON, "{\"expression\": \"5, * * * *\"}", NULL, "field 'minute'" },
	{ CRON, "{\"expression\": \"*/0 * * * *\"}", NULL, "field 'minute'" },
	{ CRON, "{\"expression\": \"* * * *\"}", NULL, "give five fields" },
	{ CRON, "{\"expression\": \"* * * * * * *\"}", NULL, "give five fields" },
	{ CRON, "{\"expression\": \"\"}", NULL, "give five fields" },
	{ CRON, "{}", NULL, "give five fields" },
	{ CRON, "{\"expression\": \"@reboot\"}", NULL, "'@reboot' is not known" },
	{ CRON, "{\"expression\": \"0 0 30 2 *\"}", NULL, "no date meets" },
	{ CRON, "{\"expression\": \"@daily\", \"timezone\": \"Europe/Berlyn\"}", NULL,
	    "there is no time zone 'Europe/Berlyn'" },
	{ CRON, "{\"expression\": \"@daily\", \"timezone\": \"../../etc/passwd\"}", NULL, "there is no time zone" },
	{ CRON, "{\"expression\": \"@daily\", \"jitter\": \"soon\"}", NULL, "jitter must be a duration" },
	{ CRON, "{\"expression\": \"@daily\", \"missed\": \"some\"}", NULL, "missed must be" },
	{ CRON, "{\"expression\": \"@daily\", \"start_at\": \"2027-01-01\", \"end_at\": \"2026-01-01\"}", NULL,
	    "end_at lies before" },
	{ RRULE, "{\"dtstart\": \"20260101T000000\"}", NULL, "freq is missing" },
	{ RRULE, "{\"freq\": \"DAILY\"}", NULL, "dtstart is missing" },
	{ RRULE, "{\"dtstart\": \"yesterday\", \"freq\": \"DAILY\"}", NULL, "dtstart cannot be 'yesterday'" },
	{ RRULE, "{\"dtstart\": \"20260101T000000\", \"freq\": \"FORTNIGHTLY\"}", NULL,
	    "freq cannot be 'FORTNIGHTLY': give SECONDLY" },
	{ RRULE, "{\"dtstart\": \"20260101T000000\", \"rule\": \"FREQ=DAILY;BYHOUR=25\"}", NULL,
	    "rule: BYHOUR cannot be '25'" },
	{ RRULE, "{\"dtstart\": \"20260101T000000\", \"rule\": \"FREQ=DAILY;BYEASTER=1\"}", NULL,
	    "'BYEASTER' is no part" },
	{ RRULE, "{\"dtstart\": \"20260101T000000\", \"rule\": \"FREQ=DAILY;FREQ=DAILY\"}", NULL,
	    "FREQ is given twice" },
	{ RRULE, "{\"dtstart\": \"20260101T000000\", \"rule\": \"FREQ=DAILY;COUNT=1;UNTIL=20270101\"}", NULL,
	    "exclude each other" },
	{ RRULE, "{\"dtstart\": \"20260101T000000\", \"rule\": \"FREQ=DAILY;BYDAY=2MO\"}", NULL, "by_day" },
	{ RRULE, "{\"dtstart\": \"20260101T000000\", \"rule\": \"FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30\"}", NULL,
	    "no date meets" },
	/* what would be looked for until the end of time */
	{ RRULE, "{\"dtstart\": \"20260101T000000\", \"rule\": \"FREQ=SECONDLY;INTERVAL=2;BYSECOND=1\"}", NULL,
	    "no date meets" },
	{ RRULE, "{\"dtstart\": \"20260101T000000\", \"rule\": \"FREQ=SECONDLY;BYSETPOS=2\"}", NULL, "no date meets" },
	{ RRULE,
	    "{\"dtstart\": \"20260101T000000\", \"rule\": "
	    "\"FREQ=SECONDLY;INTERVAL=32;BYHOUR=1;BYMINUTE=0;BYSECOND=0\"}",
	    NULL, "no date meets" },
	{ RRULE, "{\"dtstart\": \"20260101T000000\", \"rule\": \"FREQ=MINUTELY;BYMONTH=2;BYMONTHDAY=30\"}", NULL,
	    "no date meets" },
	{ "core.intervaltimer", "{\"interval\": 0}", NULL, "interval must be" },
	{ "core.intervaltimer", "{\"interval\": 1, \"unit\": \"weeks\"}", NULL, "unit must be" },
	{ "core.intervaltimer", "{\"interval\": 9223372036854775807, \"unit\": \"hours\"}", NULL, "interval must be" },
	{ "core.intervaltimer", "{\"count\": 0}", NULL, "count must be" },
	{ "core.datetimetimer", "{}", NULL, "fire_at is missing" },
};

TEST(what_cannot_be_a_timer_is_refused_with_its_field)
{
	CLEANUP(arena_done) Arena *a = arena_open();

	for (size_t i = 0; i < countof(refusals); i++) {
		const Case *c = &refusals[i];
		Str got = ticks_text(a, c->trigger, c->params, "2026-01-01T00:00:00Z", 3);

		if (!str_find(got, str_of(c->ticks), NULL))
			test_fail(__FILE__, __LINE__, "%s\n  says %s\n  not  %s", c->params, got.p, c->ticks);
	}
}

TEST(a_tick_has_the_same_number_wherever_it_is_asked_for)
{
	static const char *const expressions[] = { "{\"expression\": \"*/7 1-3 * * *\"" BERLIN,
		"{\"expression\": \"*/13 * * * *\"" BERLIN, "{\"expression\": \"0,30 2,3 * 3,10 *\"" BERLIN,
		"{\"expression\": \"*/5 9 * * MON-FRI\"" BERLIN, "{\"expression\": \"*/5 9 * * SUN,5#2,3L\"" BERLIN };
	CLEANUP(arena_done) Arena *a = arena_open();
	Zones zones = zones_open(a);

	for (size_t i = 0; i < countof(expressions); i++) {
		Json p = params_of(a, expressions[i]);
		Schedule s;
		Err err = { 0 };
		Due d, alone;
		int64_t n = 0;

		CHECK(schedule_compile(a, &zones, str_of(CRON), &p, at("2025-12-31T23:17:00Z"), &s, &err));
		for (bool more = schedule_next(&s, s.anchor, &d); more && d.at < at("2027-02-01T00:00:00Z");
		     more = schedule_on(&s, &d)) {
			CHECK_INT(d.n, ++n);
			if (n % 50 != 0)
				continue;
			CHECK(schedule_next(&s, d.at - 1, &alone) && alone.at == d.at);
			CHECK_INT(alone.n, n);
		}
	}
}

/* ---- recurrences made up ---- */

static uint32_t
dice(uint32_t *seed, uint32_t sides)
{
	*seed = *seed * 1664525 + 1013904223;
	return (*seed >> 8) % sides;
}

static void
some_part(Buf *b, uint32_t *seed, const char *name, uint32_t low, uint32_t high, bool back)
{
	uint32_t n = 1 + dice(seed, 3);

	if (dice(seed, 4) != 0)
		return;
	buf_fmt(b, ";%s=", name);
	for (uint32_t i = 0; i < n; i++)
		buf_fmt(b, "%s%s%u", i > 0 ? "," : "", back && dice(seed, 3) == 0 ? "-" : "",
		    low + dice(seed, high - low + 1));
}

static Str
some_rule(Arena *a, uint32_t *seed)
{
	static const char *const freqs[] = { "YEARLY", "MONTHLY", "WEEKLY", "DAILY", "HOURLY", "MINUTELY", "SECONDLY" };
	static const char *const days[] = { "MO", "SA,SU", "TU,TH,FR", "MO,TU,WE,TH,FR" };
	static const char *const nth[] = { "2TU", "-1FR", "1MO,-1SU", "MO,3WE" };
	static const uint32_t steps[] = { 1, 1, 2, 3, 7, 24, 45, 1000 };
	uint32_t freq = dice(seed, countof(freqs));
	Buf b = buf_open(a);

	buf_fmt(&b, "FREQ=%s;INTERVAL=%u", freqs[freq], steps[dice(seed, countof(steps))]);
	if (dice(seed, 3) == 0)
		buf_fmt(&b, ";BYDAY=%s", freq < 2 && dice(seed, 2) ? nth[dice(seed, 4)] : days[dice(seed, 4)]);
	some_part(&b, seed, "BYMONTH", 1, 12, false);
	if (freq != 2)
		some_part(&b, seed, "BYMONTHDAY", 1, 31, true);
	if (freq != 1 && freq != 2 && freq != 3)
		some_part(&b, seed, "BYYEARDAY", 1, 366, true);
	if (freq == 0)
		some_part(&b, seed, "BYWEEKNO", 1, 53, true);
	some_part(&b, seed, "BYHOUR", 0, 23, false);
	some_part(&b, seed, "BYMINUTE", 0, 59, false);
	some_part(&b, seed, "BYSECOND", 0, 59, false);
	some_part(&b, seed, "BYSETPOS", 1, 4, true);
	return buf_str(&b);
}

/* Every tick for a while, and then some of those behind long gaps, all counted from the anchor alone. */
static void
check_numbers(const Schedule *s, Str rule)
{
	Due d, alone;

	if (!schedule_next(s, s->anchor, &d))
		return;
	for (int64_t n = 1; n <= 400; n++) {
		if (!schedule_next(s, d.at - 1, &alone) || alone.at != d.at || alone.n != n)
			test_fail(__FILE__, __LINE__, "%.*s: tick %lld is number %lld", STR_ARG(rule), (long long)n,
			    (long long)alone.n);
		for (int64_t k = 0; k < n % 13; k++, n++)
			if (!schedule_on(s, &d))
				return;
		if (!schedule_on(s, &d))
			return;
	}
}

TEST(ticks_of_a_recurrence_are_counted_as_if_one_by_one)
{
	static const char *const names[] = { "UTC", "Europe/Berlin", "Australia/Lord_Howe", "America/St_Johns" };
	CLEANUP(arena_done) Arena *keep = arena_open();
	CLEANUP(arena_done) Arena *a = arena_open();
	Zones zones = zones_open(keep);
	uint32_t seed = 7;
	int good = 0;

	for (int i = 0; i < 1000; i++, arena_reset(a)) {
		Json p = json_object();
		Str rule = some_rule(a, &seed);
		Schedule s;

		json_add(a, &p, "rule", json_str(rule));
		json_add(a, &p, "dtstart", json_cstr(i % 3 ? "2026-03-28T01:40:10" : "2026-09-30T22:15:30"));
		json_add(a, &p, "timezone", json_cstr(names[dice(&seed, countof(names))]));
		if (!schedule_compile(a, &zones, str_of(RRULE), &p, at("2026-03-01T10:00:00Z"), &s, NULL))
			continue; /* no date meets it */
		check_numbers(&s, rule);
		good++;
	}
	CHECK(good > 500);
}

TEST(what_ticked_each_second_for_years_is_counted_at_once)
{
	CLEANUP(arena_done) Arena *a = arena_open();
	Zones zones = zones_open(a);
	Json p = params_of(a, "{\"dtstart\": \"20060101T000000\", \"rule\": \"FREQ=SECONDLY;BYDAY=MO\"}");
	Schedule s;
	Err err = { 0 };
	Due d;

	CHECK(schedule_compile(a, &zones, str_of(RRULE), &p, at("2006-01-01T00:00:00Z"), &s, &err));
	CHECK(schedule_next(&s, at("2026-01-05T23:59:58Z"), &d));
	CHECK_INT(d.n, 1045LL * 86400); /* 1,045 Mondays, the last one whole */
}

TEST(a_recurrence_that_counts_far_ends_where_it_says)
{
	CLEANUP(arena_done) Arena *a = arena_open();
	Zones zones = zones_open(a);
	Json p =
	    params_of(a, "{\"dtstart\": \"20260101T000000\", \"rule\": \"FREQ=MINUTELY;COUNT=1000000;BYDAY=SA,SU\"}");
	Schedule s;
	Err err = { 0 };
	Due d;

	CHECK(schedule_compile(a, &zones, str_of(RRULE), &p, at("2026-01-01T00:00:00Z"), &s, &err));
	CHECK(schedule_next(&s, s.end - 1, &d));
	CHECK_INT(d.n, 1000000);
	CHECK(!schedule_on(&s, &d));
}

TEST(a_recurrence_that_counts_farther_than_anybody_looks_is_read_at_once)
{
	static const char *const rules[] = { "FREQ=SECONDLY;INTERVAL=7;BYMINUTE=0;BYSECOND=0;COUNT=1000000",
		"FREQ=SECONDLY;INTERVAL=11;BYMINUTE=0,30;BYSECOND=0,1,2;BYHOUR=3,4;COUNT=1000000",
		"FREQ=MINUTELY;INTERVAL=7;BYMINUTE=0;BYDAY=MO;COUNT=1000000" };
	CLEANUP(arena_done) Arena *a = arena_open();
	Zones zones = zones_open(a);

	for (size_t i = 0; i < countof(rules); i++) {
		Json p = params_of(a, "{\"dtstart\": \"20260101T000000\", \"timezone\": \"Asia/Kolkata\"}");
		Schedule s;
		Err err = { 0 };
		Due d;

		json_add(a, &p, "rule", json_cstr(rules[i]));
		CHECK_OK(schedule_compile(a, &zones, str_of(RRULE), &p, at("2026-01-01T00:00:00Z"), &s, &err), err);
		CHECK_INT(s.end, 0);
		CHECK(schedule_next(&s, at("2199-01-01T00:00:00Z"), &d));
		CHECK(d.n > 1000 && d.n < 1000000);
	}
}

TEST(a_jitter_is_the_same_everywhere_and_not_for_all)
{
	Schedule s = { .jitter = 5 * PER_S };
	bool differs = false;

	for (int64_t tick = 1; tick < 1000; tick++) {
		TimeUs j = schedule_jitter(&s, 7, tick * PER_S);

		CHECK(j >= 0 && j <= s.jitter);
		CHECK_INT(schedule_jitter(&s, 7, tick * PER_S), j);
		differs |= j != schedule_jitter(&s, 8, tick * PER_S);
	}
	CHECK(differs);
}

TEST(a_timer_without_a_tick_left_is_refused_when_it_is_made)
{
	CLEANUP(arena_done) Arena *a = arena_open();
	Json past = params_of(a, "{\"fire_at\": \"2025-07-01T12:00:00Z\"}");
	Err err = { 0 };

	CHECK(!schedule_check(str_of("core.datetimetimer"), &past, at("2026-01-01T00:00:00Z"), &err));
	CHECK_STR(str_of(err.text), str_of("fire_at lies in the past: no tick would come"));
	CHECK(schedule_check(str_of("core.datetimetimer"), &past, at("2025-01-01T00:00:00Z"), &err));
	CHECK(schedule_check(str_of("some.other"), &past, at("2026-01-01T00:00:00Z"), &err));
}
