#include "sensor/intervals.h"

#include "test.h"

#include <stdlib.h>

enum { START = 1000 * US_PER_S };

static RuleDef
ticking(Arena *a, Id id, int64_t seconds, TimeUs anchor)
{
	RuleDef r = { .id = id, .enabled = true, .trigger_ref = str_of("core.intervaltimer"), .anchor = anchor };

	r.trigger_params = json_object();
	json_add(a, &r.trigger_params, "unit", json_cstr("seconds"));
	json_add(a, &r.trigger_params, "interval", json_int(seconds));
	return r;
}

static void
put(Intervals *t, const RuleDef *r, TimeUs now)
{
	Str problem;

	intervals_put(t, r, now, &problem);
	CHECK(str_none(problem));
}

TEST(a_timer_ticks_one_interval_after_its_anchor_and_does_not_drift)
{
	CLEANUP(arena_done) Arena *a = arena_open();
	Intervals *t = intervals_open();
	RuleDef r = ticking(a, 7, 10, START);
	Tick k;

	put(t, &r, START);
	for (int64_t n = 1; n <= 100; n++) {
		TimeUs due = intervals_next(t);

		CHECK_INT(due, START + n * 10 * US_PER_S);
		CHECK(!intervals_due(t, due - 1, &k));
		CHECK(intervals_due(
		    t, due + 3 * US_PER_S, &k)); /* looked at late: the next one is on time all the same */
		CHECK_INT(k.n, n);
		CHECK_INT(k.rule, 7);
	}
	intervals_close(t);
}

TEST(ticks_missed_while_nobody_looked_are_skipped_and_counted)
{
	CLEANUP(arena_done) Arena *a = arena_open();
	Intervals *t = intervals_open();
	RuleDef r = ticking(a, 1, 10, START);
	Tick k;

	put(t, &r, START + 95 * US_PER_S);
	CHECK_INT(intervals_next(t), START + 100 * US_PER_S);
	CHECK(intervals_due(t, START + 135 * US_PER_S, &k));
	CHECK_INT(k.n, 10);
	CHECK_INT(intervals_next(t), START + 140 * US_PER_S);
	intervals_close(t);
}

TEST(a_tick_that_could_not_be_stored_is_due_again)
{
	CLEANUP(arena_done) Arena *a = arena_open();
	Intervals *t = intervals_open();
	RuleDef r = ticking(a, 1, 10, START);
	Tick k, again;

	put(t, &r, START);
	CHECK(intervals_due(t, START + 10 * US_PER_S, &k));
	intervals_again(t, &k, 1);
	CHECK(intervals_due(t, START + 11 * US_PER_S, &again));
	CHECK_INT(again.n, k.n);
	CHECK_INT(again.due, k.due);
	intervals_close(t);
}

TEST(a_rule_that_changes_is_switched_off_or_goes_changes_its_timer)
{
	CLEANUP(arena_done) Arena *a = arena_open();
	Intervals *t = intervals_open();
	RuleDef r = ticking(a, 1, 10, START);
	Str problem;

	put(t, &r, START);
	put(t, &r, START); /* the same again changes nothing */
	CHECK_INT((int64_t)intervals_count(t), 1);
	r = ticking(a, 1, 3, START + US_PER_S);
	put(t, &r, START + US_PER_S);
	CHECK_INT(intervals_next(t), START + 4 * US_PER_S);
	r.enabled = false;
	put(t, &r, START);
	CHECK_INT((int64_t)intervals_count(t), 0);
	r = ticking(a, 1, 0, START);
	intervals_put(t, &r, START, &problem);
	CHECK_STR(problem, str_of("interval must be a whole number above 0"));
	r = ticking(a, 1, 5, START);
	put(t, &r, START);
	intervals_drop(t, 1);
	intervals_drop(t, 99);
	CHECK_INT(intervals_next(t), 0);
	intervals_close(t);
}

TEST(units_are_read_and_nonsense_is_named)
{
	static const struct {
		const char *unit;
		int64_t n;
		int64_t seconds; /* 0: refused */
	} cases[] = { { "seconds", 5, 5 }, { "minutes", 2, 120 }, { "hours", 1, 3600 }, { "days", 1, 86400 },
		{ "weeks", 1, 0 }, { "seconds", -1, 0 }, { "hours", INT64_MAX, 0 } };
	CLEANUP(arena_done) Arena *a = arena_open();

	for (size_t i = 0; i < countof(cases); i++) {
		Json p = json_object();
		TimeUs interval = 0;
		Str problem = { 0 };
		bool ok;

		json_add(a, &p, "unit", json_cstr(cases[i].unit));
		json_add(a, &p, "interval", json_int(cases[i].n));
		ok = interval_of(&p, &interval, &problem);
		CHECK(ok == (cases[i].seconds != 0));
		CHECK_INT(interval, cases[i].seconds * US_PER_S);
		CHECK(ok == str_none(problem));
	}
}

TEST(ten_thousand_timers_come_in_the_order_of_their_time)
{
	CLEANUP(arena_done) Arena *a = arena_open();
	Intervals *t = intervals_open();
	TimeUs before = 0;
	size_t ticks = 0;
	Tick k;

	srand(1);
	for (Id id = 1; id <= 10000; id++) {
		RuleDef r = ticking(a, id, 1 + rand() % 3600, START + rand() % US_PER_S);

		put(t, &r, START);
		if (id % 7 == 0)
			intervals_drop(t, id - 3);
	}
	while (intervals_next(t) <= START + 60 * US_PER_S) {
		TimeUs due = intervals_next(t);

		CHECK(due >= before);
		before = due;
		CHECK(intervals_due(t, due, &k));
		CHECK_INT(k.due, due);
		ticks++;
	}
	CHECK(ticks > 0);
	intervals_close(t);
}
