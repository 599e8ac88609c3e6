/*
 * A rule from a stranger and an event, a line each: conditions, parameters, extras, payload. It compiles or is refused with a reason; the
 * index finds it exactly when its conditions are met, no matter by which of them it is found; its parameters are an object.
 */
#include "base/codec.h"
#include "model/extras.h"
#include "model/rules.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { RULE = 7, TRIGGER = 3 };

static void
must(bool holds)
{
	if (!holds)
		abort();
}

static bool
take(Arena *a, Str *rest, Json *ret)
{
	Str line;

	if (!str_cut(rest, '\n', &line)) {
		line = *rest;
		*rest = (Str){ 0 };
	}
	*ret = json_null();
	return line.n == 0 || json_parse(a, line, NULL, ret, NULL);
}

static void
check_text(Arena *a, const Json *v)
{
	Str text = json_text(a, v);
	Json again;

	must(utf8_valid(text) && json_parse(a, text, &(JsonLimits){ .depth = 1000 }, &again, NULL));
}

static bool
meets(Arena *a, const Json *conditions, const EventView *e)
{
	const Condition *c;
	EqualityKey key;
	Str problem = { 0 };
	const Json *there;
	Json said;
	bool met;

	if (!condition_compile(a, conditions, &c, &problem)) {
		must(problem.n > 0);
		return false;
	}
	met = condition_met(a, c, e);
	if (condition_key(a, c, &key)) {
		there = e->payload == NULL ? NULL : path_get(&key.path, 0, e->payload);
		must(!met || there != NULL);
	}
	said = condition_explain(a, c, e);
	check_text(a, &said);
	return met;
}

static bool
has_sound_extras(Arena *a, const RuleDef *rule)
{
	RuleExtras extras;
	Err err = { 0 };
	bool config = false;

	if (!extras_compile(a, rule, &extras, &config, &err)) {
		must(err.code == ERR_VALIDATION && err.text[0] != '\0');
		return false;
	}
	must(extras.parts_n <= PARTS_MOST && extras.limit >= 0 && extras.per >= 0 && extras.quiet >= 0 &&
	     extras.within >= 0);
	return true;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	CLEANUP(arena_done) Arena *a = arena_open();
	Str rest = { (const char *)data, size };
	RuleDef rule = { .id = RULE,
		.trigger = TRIGGER,
		.ref = str_of("a.r"),
		.pack_ref = str_of("a"),
		.trigger_ref = str_of("a.t"),
		.action_ref = str_of("a.a"),
		.enabled = true };
	RuleIndex *x;
	Json payload, params;
	EventView e = { .id = 1, .trigger = TRIGGER, .trigger_ref = str_of("a.t"), .created = 1 };
	size_t n;
	bool sound;

	if (!take(a, &rest, &rule.conditions) || !take(a, &rest, &rule.action_params) ||
	    !take(a, &rest, &rule.extras) || !take(a, &rest, &payload))
		return 0;
	e.payload = json_is_null(&payload) ? NULL : &payload;
	x = rule_index_open();
	rule_index_put(x, &rule, NULL, NULL);
	(void)rule_index_match(x, a, &e, &n);
	sound = has_sound_extras(a, &rule);
	must((n == 1) == (meets(a, &rule.conditions, &e) &&
			     sound)); /* one that cannot be read finds nothing, rather than too much */
	params = rule_render(x, a, rule_index_get(x, RULE), &e, &(RuleGiven){ 0 }, 1);
	must(params.kind == JSON_OBJECT);
	check_text(a, &params);
	rule_index_drop(x, RULE);
	must(rule_index_count(x) == 0);
	rule_index_close(x);
	return 0;
}
