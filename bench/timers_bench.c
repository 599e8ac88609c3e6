/*
 * 100,000 timers in one process: how long they take to begin, what they keep in memory, and what a tick costs. Half are cron expressions
 * in a zone, the rest intervals and recurrences. Prints "timers_load_ms N", "timers_mib N" and "timer_tick_us N".
 */
#include "report.h"
#include "sensor/ticks.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum { TIMERS = 100000, TICKS = 200000 };

static RuleDef
rule_of(Arena *a, Id id, TimeUs anchor)
{
	RuleDef r = { .id = id, .enabled = true, .anchor = anchor, .trigger_params = json_object() };
	Json *p = &r.trigger_params;

	if (id % 2 == 0) {
		r.trigger_ref = str_of("core.crontimer");
		json_add(a, p, "expression",
		    json_str(str_fmt(a, "%lld %lld * * MON-FRI", (long long)(id % 60), (long long)(id / 60 % 24))));
		json_add(a, p, "timezone", json_cstr("Europe/Berlin"));
	} else if (id % 4 == 1) {
		r.trigger_ref = str_of("core.intervaltimer");
		json_add(a, p, "interval", json_int(60 + id % 3600));
	} else {
		r.trigger_ref = str_of("core.rruletimer");
		json_add(a, p, "dtstart", json_cstr("2026-01-01T06:00:00"));
		json_add(a, p, "rule",
		    json_str(str_fmt(a, "FREQ=WEEKLY;BYDAY=MO,WE,FR;BYHOUR=%lld;BYMINUTE=%lld", (long long)(id % 24),
			(long long)(id % 60))));
		json_add(a, p, "timezone", json_cstr("America/New_York"));
	}
	return r;
}

int
main(void)
{
	static const TimeUs start = 1800000000LL * US_PER_S; /* a year of ticks to be counted lies behind */
	Arena *turn = arena_open();
	Ticks *t = ticks_open();
	double before = rss_kb(getpid());
	TimeUs from = clock_mono(clock_real()), loaded;
	Tick k;

	for (Id id = 1; id <= TIMERS; id++) {
		RuleDef r = rule_of(turn, id, start - 365LL * 86400 * US_PER_S);
		Str problem;

		ticks_put(t, &r, 0, start, &problem);
		if (!str_none(problem)) {
			fprintf(stderr, "%.*s\n", STR_ARG(problem));
			return 1;
		}
		arena_reset(turn);
	}
	loaded = clock_mono(clock_real());
	printf("timers_load_ms %.1f\n", (double)(loaded - from) / 1000);
	printf("timers_mib %.1f\n", (rss_kb(getpid()) - before) / 1024);
	for (int i = 0; i < TICKS; i++)
		if (!ticks_due(t, ticks_next(t), &k))
			return 1;
	printf("timer_tick_us %.3f\n", (double)(clock_mono(clock_real()) - loaded) / TICKS);
	ticks_close(t);
	arena_close(turn);
	return 0;
}
