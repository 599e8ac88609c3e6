#include "sensor/ticks.h"

#include "test.h"

#include <stdlib.h>

enum { START = 1000LL * US_PER_S };

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
put(Ticks *t, const RuleDef *r, TimeUs now)
{
	Str problem;

	ticks_put(t, r, 0, now, &problem);
	CHECK(str_none(problem));
}

TEST(a_timer_ticks_one_interval_after_its_anchor_and_does_not_drift)
{
	CLEANUP(arena_done) Arena *a = arena_open();
	Ticks *t = ticks_open();
	RuleDef r = ticking(a, 7, 10, START);
	Tick k;

	put(t, &r, START);
	for (int64_t n = 1; n <= 100; n++) {
		TimeUs due = ticks_next(t);

		CHECK_INT(due, START + n * 10LL * US_PER_S);
		CHECK(!ticks_due(t, due - 1, &k));
		CHECK(
		    ticks_due(t, due + 3LL * US_PER_S, &k)); /* looked at late: the next one is on time all the same */
		CHECK_INT(k.due.n, n);
		CHECK_INT(k.rule, 7);
	}
	ticks_close(t);
}

TEST(ticks_missed_while_nobody_looked_are_skipped_and_counted)
{
	CLEANUP(arena_done) Arena *a = arena_open();
	Ticks *t = ticks_open();
	RuleDef r = ticking(a, 1, 10, START);
	Tick k;

	put(t, &r, START + 95LL * US_PER_S);
	CHECK_INT(ticks_next(t), START + 90LL * US_PER_S); /* up to a minute late is not missed: it may not be stored */
	CHECK(ticks_due(t, START + 95LL * US_PER_S, &k));
	CHECK_INT(k.due.n, 9);
	CHECK_INT(ticks_next(t), START + 100LL * US_PER_S);
	CHECK(ticks_due(t, START + 135LL * US_PER_S, &k));
	CHECK_INT(k.due.n, 10);
	CHECK_INT(ticks_next(t), START + 140LL * US_PER_S);
	ticks_close(t);
}

TEST(a_tick_that_could_not_be_stored_is_due_again)
{
	CLEANUP(arena_done) Arena *a = arena_open();
	Ticks *t = ticks_open();
	RuleDef r = ticking(a, 1, 10, START);
	Tick k, again;

	put(t, &r, START);
	CHECK(ticks_due(t, START + 10LL * US_PER_S, &k));
	ticks_again(t, &k, 1);
	CHECK(ticks_due(t, START + 11LL * US_PER_S, &again));
	CHECK_INT(again.due.n, k.due.n);
	CHECK_INT(again.due.at, k.due.at);
	ticks_close(t);
}

TEST(a_rule_that_changes_is_switched_off_or_goes_changes_its_timer)
{
	CLEANUP(arena_done) Arena *a = arena_open();
	Ticks *t = ticks_open();
	RuleDef r = ticking(a, 1, 10, START);
	Str problem;

	put(t, &r, START);
	put(t, &r, START); /* the same again changes nothing */
	CHECK_INT((int64_t)ticks_count(t), 1);
	r = ticking(a, 1, 3, START + US_PER_S);
	put(t, &r, START + US_PER_S);
	CHECK_INT(ticks_next(t), START + 4LL * US_PER_S);
	r.enabled = false;
	put(t, &r, START);
	CHECK_INT((int64_t)ticks_count(t), 0);
	r = ticking(a, 1, 0, START + 2);
	ticks_put(t, &r, 0, START, &problem);
	CHECK(str_starts(problem, str_of("interval must be a whole number above 0")));
	ticks_put(t, &r, 0, START, &problem); /* said once */
	CHECK(str_none(problem));
	r = ticking(a, 1, 5, START + 3);
	put(t, &r, START);
	ticks_drop(t, 1);
	ticks_drop(t, 99);
	CHECK_INT(ticks_next(t), 0);
	ticks_close(t);
}

static RuleDef
missing(Arena *a, const char *word)
{
	RuleDef r = ticking(a, 1, 600, START);

	json_add(a, &r.trigger_params, "missed", json_cstr(word));
	return r;
}

TEST(what_was_missed_is_made_up_for_once_or_wholly)
{
	CLEANUP(arena_done) Arena *a = arena_open();
	Ticks *t = ticks_open();
	RuleDef r = missing(a, "one");
	TimeUs now = START + 3700LL * US_PER_S; /* six ticks are behind, the last 100 s ago */
	Str problem;
	Tick k;

	ticks_put(t, &r, START + 1200LL * US_PER_S, now, &problem);
	CHECK(ticks_due(t, now, &k));
	CHECK_INT(k.due.n, 6);
	CHECK(!ticks_due(t, now, &k));
	ticks_drop(t, 1);

	r = missing(a, "all");
	ticks_put(t, &r, START + 1200LL * US_PER_S, now, &problem);
	for (int64_t n = 3; n <= 6; n++) {
		CHECK(ticks_due(t, now, &k));
		CHECK_INT(k.due.n, n);
	}
	CHECK(!ticks_due(t, now, &k));
	ticks_drop(t, 1);

	ticks_put(t, &r, START + 3600LL * US_PER_S, now, &problem); /* nothing was missed */
	CHECK_INT(ticks_next(t), START + 4200LL * US_PER_S);
	ticks_close(t);
}

TEST(of_endlessly_many_missed_ticks_the_last_thousand_are_made_up_for)
{
	CLEANUP(arena_done) Arena *a = arena_open();
	Ticks *t = ticks_open();
	RuleDef r = missing(a, "all");
	TimeUs now = START + 600000LL * 600LL * US_PER_S;
	int64_t ticks = 0;
	Str problem;
	Tick k;

	ticks_put(t, &r, 0, now, &problem);
	while (ticks_due(t, now, &k))
		ticks++;
	CHECK_INT(ticks, 1000);
	CHECK_INT(k.due.n, 600000);
	ticks_close(t);
}

/* Runs while the clock stands where it should, then finds it hours later. */
static int64_t
ticks_after_a_jump(const char *missed, TimeUs now, Tick *ret_last)
{
	CLEANUP(arena_done) Arena *a = arena_open();
	Ticks *t = ticks_open();
	RuleDef r = ticking(a, 1, 1, START);
	int64_t n = 0;

	if (missed != NULL)
		json_add(a, &r.trigger_params, "missed", json_cstr(missed));
	put(t, &r, START);
	for (int64_t i = 1; i <= 10; i++)
		CHECK(ticks_due(t, START + i * (TimeUs)US_PER_S, ret_last));
	while (ticks_due(t, now, ret_last))
		n++;
	CHECK(ticks_next(t) > now && ticks_next(t) <= now + (TimeUs)US_PER_S);
	ticks_close(t);
	return n;
}

TEST(after_a_jump_of_the_clock_a_timer_that_runs_makes_up_for_what_its_rule_says_and_once)
{
	enum { HOURS = 5 * 3600 };
	TimeUs now = START + HOURS * (TimeUs)US_PER_S + 7;
	Tick last;

	CHECK_INT(ticks_after_a_jump(NULL, now, &last), 1); /* the one it waited for */
	CHECK_INT(ticks_after_a_jump("skip", now, &last), 1);
	CHECK_INT(ticks_after_a_jump("one", now, &last), 1);
	CHECK_INT(last.due.n, HOURS);
	CHECK_INT(ticks_after_a_jump("all", START + 70 * (TimeUs)US_PER_S, &last), 60);
	CHECK_INT(last.due.n, 70);
	CHECK_INT(ticks_after_a_jump("all", now, &last), 1001); /* the one it waited for, and the last thousand */
	CHECK_INT(last.due.n, HOURS);
}

TEST(a_clock_that_is_set_back_makes_no_tick_twice)
{
	CLEANUP(arena_done) Arena *a = arena_open();
	Ticks *t = ticks_open();
	RuleDef r = ticking(a, 1, 60, START);
	Tick k;

	put(t, &r, START);
	CHECK(ticks_due(t, START + 600LL * US_PER_S, &k));
	CHECK_INT(k.due.n, 1);
	CHECK(!ticks_due(t, START + 30LL * US_PER_S, &k)); /* back by ten minutes */
	CHECK(ticks_due(t, START + 660LL * US_PER_S, &k));
	CHECK_INT(k.due.n, 11);
	ticks_close(t);
}

TEST(a_batch_that_could_not_be_stored_comes_again_in_order)
{
	CLEANUP(arena_done) Arena *a = arena_open();
	Ticks *t = ticks_open();
	RuleDef r = missing(a, "all");
	TimeUs now = START + 1900LL * US_PER_S;
	Tick batch[3], again;
	Str problem;

	ticks_put(t, &r, 0, now, &problem);
	for (size_t i = 0; i < 3; i++)
		CHECK(ticks_due(t, now, &batch[i]));
	ticks_again(t, batch, 3);
	for (size_t i = 0; i < 3; i++) {
		CHECK(ticks_due(t, now, &again));
		CHECK_INT(again.due.n, batch[i].due.n);
	}
	ticks_close(t);
}

TEST(a_timer_with_an_end_stops)
{
	CLEANUP(arena_done) Arena *a = arena_open();
	Ticks *t = ticks_open();
	RuleDef r = ticking(a, 1, 10, START);
	Tick k;

	json_add(a, &r.trigger_params, "count", json_int(2));
	put(t, &r, START);
	CHECK(ticks_due(t, START + 10LL * US_PER_S, &k));
	CHECK(ticks_due(t, START + 20LL * US_PER_S, &k));
	CHECK_INT(ticks_next(t), 0);
	CHECK(!ticks_due(t, START + 100LL * US_PER_S, &k));
	ticks_again(t, &k, 1); /* it can still come again when it was not stored */
	CHECK(ticks_due(t, START + 20LL * US_PER_S, &k));
	CHECK_INT(k.due.n, 2);
	ticks_close(t);
}

TEST(ten_thousand_timers_come_in_the_order_of_their_time)
{
	CLEANUP(arena_done) Arena *a = arena_open();
	Ticks *t = ticks_open();
	TimeUs before = 0;
	size_t ticks = 0;
	Tick k;

	srand(1);
	for (Id id = 1; id <= 10000; id++) {
		RuleDef r = ticking(a, id, 1 + rand() % 3600, START + rand() % US_PER_S);

		put(t, &r, START);
		if (id % 7 == 0)
			ticks_drop(t, id - 3);
	}
	while (ticks_next(t) <= START + 60LL * US_PER_S) {
		TimeUs due = ticks_next(t);

		CHECK(due >= before);
		before = due;
		CHECK(ticks_due(t, due, &k));
		CHECK_INT(k.due.at, due);
		ticks++;
	}
	CHECK(ticks > 0);
	ticks_close(t);
}
