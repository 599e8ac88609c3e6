/*
 * What an event costs among 10,000 rules of its trigger of which one matches. Prints "rule_match_us N".
 */
#include "base/clock.h"
#include "model/rules.h"

#include <stdio.h>
#include <stdlib.h>

enum { RULES = 10000, EVENTS = 200000, ROUNDS = 5 };

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

int
main(void)
{
	Arena *a = arena_open(), *turn = arena_open();
	RuleIndex *x = rule_index_open();
	Json *payloads = arena_array(a, Json, RULES);
	double rounds[ROUNDS];

	rules_put(a, x);
	for (size_t i = 0; i < RULES; i++) {
		Json sensor = json_object();

		payloads[i] = json_object();
		json_add(a, &sensor, "name", json_str(str_fmt(a, "sensor-%zu", i + 1)));
		json_add(a, &payloads[i], "value", json_int((int64_t)i));
		json_add(a, &payloads[i], "sensor", sensor);
	}
	for (size_t i = 0; i < ROUNDS; i++)
		rounds[i] = round_us(turn, x, payloads);
	qsort(rounds, ROUNDS, sizeof(*rounds), by_value);
	printf("rule_match_us %.3f\n", rounds[ROUNDS / 2]);
	rule_index_close(x);
	arena_close(turn);
	arena_close(a);
	return 0;
}
