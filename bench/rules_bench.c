/*
 * What an event costs among 10,000 rules of its trigger of which one matches; and among 100,000 rules on 1,000 triggers, how long these
 * take to be compiled and put in place, what they keep in memory, and how soon a change of one is seen.
 * Prints "rule_match_us N" and so on.
 */
#include "model/rules.h"
#include "report.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum { RULES = 10000, EVENTS = 200000, ROUNDS = 5, MANY = 100000, TRIGGERS = 1000 };

static void
rules_put(Arena *a, RuleIndex *x)
{
	for (Id id = 1; id <= RULES; id++) {
		Json test = json_object(), params = json_object();
		RuleDef r = { .id = id,
			.ref = str_fmt(a, "bench.rule_%lld", (long long)id),
			.trigger_ref = str_of("bench.tick"),
			.conditions = json_array(),
			.enabled = true };

		json_add(a, &test, "field", json_cstr("sensor.name"));
		json_add(a, &test, "operator", json_cstr("equals"));
		json_add(a, &test, "value", json_str(str_fmt(a, "sensor-%lld", (long long)id)));
		json_push(a, &r.conditions, test);
		json_add(a, &params, "message", json_cstr("{{ event.payload.value }}"));
		r.action_params = params;
		rule_index_put(x, &r, NULL, NULL);
	}
}

static double
round_us(Arena *turn, const RuleIndex *x, const Json *payloads)
{
	TimeUs from = clock_mono(clock_real());
	size_t n = 0;

	for (size_t i = 0; i < EVENTS; i++) {
		EventView e = { .id = (Id)i, .trigger_ref = str_of("bench.tick"), .payload = &payloads[i % RULES] };
		size_t hits;

		(void)rule_index_match(x, turn, &e, &hits);
		n += hits;
		if (i % 64 == 0)
			arena_reset(turn);
	}
	if (n != EVENTS) {
		fprintf(stderr, "%zu matches instead of %d\n", n, EVENTS);
		exit(1);
	}
	return (double)(clock_mono(clock_real()) - from) / EVENTS;
}

static int
by_value(const void *x, const void *y)
{
	double l = *(const double *)x, r = *(const double *)y;

	return (l > r) - (l < r);
}

/* ---- many triggers ---- */

static RuleDef
many_rule(Arena *a, Id id, int64_t level)
{
	Json params = json_object();
	RuleDef r = { .id = id,
		.ref = str_fmt(a, "bench.rule_%lld", (long long)id),
		.trigger_ref = str_fmt(a, "bench.trigger_%lld", (long long)(id % TRIGGERS)),
		.conditions = json_object(),
		.enabled = true };

	json_add(a, &r.conditions, "expression",
	    json_str(str_fmt(a, "event.payload.sensor.name == 'sensor-%lld' and event.payload.value >= %lld",
		(long long)id, (long long)level)));
	json_add(a, &params, "message", json_cstr("{{ event.payload.value }}"));
	r.action_params = params;
	return r;
}

static size_t
many_met(const RuleIndex *x, Arena *turn, Id id, const Json *payload)
{
	EventView e = { .id = id, .payload = payload };
	size_t hits;

	e.trigger_ref = str_fmt(turn, "bench.trigger_%lld", (long long)(id % TRIGGERS));
	(void)rule_index_match(x, turn, &e, &hits);
	return hits;
}

static void
must_be(size_t got, size_t want)
{
	if (got == want)
		return;
	fprintf(stderr, "%zu matches instead of %zu\n", got, want);
	exit(1);
}

static double
many_load(RuleIndex *x, Arena *turn)
{
	TimeUs from = clock_mono(clock_real());

	for (Id id = 1; id <= MANY; id++) {
		RuleDef r = many_rule(turn, id, 0);

		rule_index_put(x, &r, NULL, NULL);
		if (id % 64 == 0)
			arena_reset(turn);
	}
	return (double)(clock_mono(clock_real()) - from) / 1000;
}

/* Each rule is changed in turn, and the next event is the one that it no longer wants. */
static double
many_change(RuleIndex *x, Arena *turn, const Json *payloads)
{
	enum { CHANGES = 5000 };
	TimeUs from = clock_mono(clock_real());

	for (Id id = 1; id <= CHANGES; id++) {
		RuleDef r = many_rule(turn, id, INT32_MAX);

		rule_index_put(x, &r, NULL, NULL);
		must_be(many_met(x, turn, id, &payloads[id - 1]), 0);
		arena_reset(turn);
	}
	return (double)(clock_mono(clock_real()) - from) / CHANGES;
}

static void
many(Arena *turn, const Json *payloads)
{
	RuleIndex *x = rule_index_open();
	double before = rss_kb(getpid());
	TimeUs from;
	size_t n = 0;

	printf("rules_100000_load_ms %.1f\n", many_load(x, turn));
	printf("rules_100000_mib %.1f\n", (rss_kb(getpid()) - before) / 1024);
	from = clock_mono(clock_real());
	for (Id i = 0; i < EVENTS; i++) {
		Id id = i % RULES + 1;

		n += many_met(x, turn, id, &payloads[id - 1]);
		if (i % 64 == 0)
			arena_reset(turn);
	}
	printf("rules_100000_match_us %.3f\n", (double)(clock_mono(clock_real()) - from) / EVENTS);
	must_be(n, EVENTS);
	printf("rule_change_us %.1f\n", many_change(x, turn, payloads));
	rule_index_close(x);
}

int
main(void)
{
	Arena *a = arena_open(), *turn = arena_open();
	RuleIndex *x = rule_index_open();
	Json *payloads = arena_array(a, Json, RULES);
	double rounds[ROUNDS];

	for (size_t i = 0; i < RULES; i++) {
		Json sensor = json_object();

		payloads[i] = json_object();
		json_add(a, &sensor, "name", json_str(str_fmt(a, "sensor-%zu", i + 1)));
		json_add(a, &payloads[i], "value", json_int((int64_t)i));
		json_add(a, &payloads[i], "sensor", sensor);
	}
	many(turn, payloads);
	rules_put(a, x);
	for (size_t i = 0; i < ROUNDS; i++)
		rounds[i] = round_us(turn, x, payloads);
	qsort(rounds, ROUNDS, sizeof(*rounds), by_value);
	printf("rule_match_us %.3f\n", rounds[ROUNDS / 2]);
	rule_index_close(x);
	arena_close(turn);
	arena_close(a);
	return 0;
}
