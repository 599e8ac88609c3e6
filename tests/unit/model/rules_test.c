#include "model/rules.h"

#include "model/condition.h"
#include "model/extras.h"
#include "model/keystore.h"
#include "test.h"
#include "values.h"

enum { NOW = 1795200000000000 };

static RuleDef
rule_of(Id id, const char *trigger, Json conditions)
{
	return (RuleDef){ .id = id,
		.ref = str_of("p.r"),
		.trigger_ref = str_of(trigger),
		.conditions = conditions,
		.enabled = true };
}

static size_t
hits(const RuleIndex *x, Arena *a, const char *trigger, Id rule, const Json *payload, const RuleDef ***ret)
{
	EventView e = { .id = 1, .trigger_ref = str_of(trigger), .rule = rule, .payload = payload };
	size_t n;

	*ret = rule_index_match(x, a, &e, &n);
	return n;
}

static uint32_t
next_random(uint32_t *seed)
{
	*seed = *seed * 1664525u + 1013904223u;
	return *seed >> 8;
}

static Json
random_value(Arena *a, uint32_t *seed)
{
	static const char *const values[] = { "1", "2", "'a'", "'b'", "1.0", "true", "null", "[1]" };

	return value_of(a, values[next_random(seed) % countof(values)]);
}

static Json
random_expression(Arena *a, uint32_t *seed)
{
	static const char *const tests[] = { "event.payload.x == 'a'", "'b' == event.payload.y", "event.payload.x == 1",
		"event.payload.z.w == 'a'", "event.payload.x != 'b'", "event.payload['y'] == 'a'" };
	static const char *const joints[] = { " and ", " and ", " or ", " and not " };
	Buf text = buf_open(a);
	Json t = json_object();

	buf_text(&text, tests[next_random(seed) % countof(tests)]);
	for (uint32_t i = 0, n = next_random(seed) % 3; i < n; i++) {
		buf_text(&text, joints[next_random(seed) % countof(joints)]);
		buf_text(&text, tests[next_random(seed) % countof(tests)]);
	}
	json_add(a, &t, "expression", json_str(buf_str(&text)));
	return t;
}

static Json
random_test(Arena *a, uint32_t *seed, unsigned depth)
{
	static const char *const fields[] = { "x", "y", "z.w" };
	static const char *const operators[] = { "equals", "equals", "equals", "not_equals", "exists", "in" };
	static const char *const groups[] = { "all", "any", "not" };
	Json t = json_object(), list = json_array();

	if (next_random(seed) % 5 == 0)
		return random_expression(a, seed);
	if (depth > 0 && next_random(seed) % 4 == 0) {
		const char *group = groups[next_random(seed) % countof(groups)];

		for (uint32_t i = 0, n = next_random(seed) % 3; i < n; i++)
			json_push(a, &list, random_test(a, seed, depth - 1));
		json_add(a, &t, group, list);
		return t;
	}
	json_add(a, &t, "field", json_cstr(fields[next_random(seed) % countof(fields)]));
	json_add(a, &t, "operator", json_cstr(operators[next_random(seed) % countof(operators)]));
	json_add(a, &t, "value", random_value(a, seed));
	return t;
}

static Json
random_payload(Arena *a, uint32_t *seed)
{
	Json p = json_object(), z = json_object();

	if (next_random(seed) % 4 > 0)
		json_add(a, &p, "x", random_value(a, seed));
	if (next_random(seed) % 4 > 0)
		json_add(a, &p, "y", random_value(a, seed));
	json_add(a, &z, "w", random_value(a, seed));
	json_add(a, &p, "z", z);
	return p;
}

static bool
met_alone(Arena *a, const RuleDef *r, const EventView *e)
{
	const Condition *c;
	Str problem;

	return r->enabled && str_eq(r->trigger_ref, e->trigger_ref) &&
	       condition_compile(a, &r->conditions, &c, &problem) && condition_met(a, c, e);
}

/* The index against trying every rule, while rules come, change and go. */
TEST(the_index_finds_what_trying_every_rule_finds)
{
	enum { RULES = 60, ROUNDS = 6000 };
	static const char *const triggers[] = { "p.a", "p.b" };
	Arena *a = arena_open();
	RuleIndex *x = rule_index_open();
	RuleDef rules[RULES + 1] = { 0 };
	uint32_t seed = 7;
	size_t matched = 0;

	for (int round = 0; round < ROUNDS; round++) {
		Id id = 1 + next_random(&seed) % RULES;
		Json conditions = json_array(), payload = random_payload(a, &seed);
		EventView e = { .trigger_ref = str_of(triggers[round % 2]),
			.payload = &payload,
			.rule = next_random(&seed) % 5 == 0 ? id : 0 };
		const RuleDef **found;
		size_t n, at = 0;

		for (uint32_t i = 0, tests = next_random(&seed) % 3; i < tests; i++)
			json_push(a, &conditions, random_test(a, &seed, 2));
		rules[id] = rule_of(id, triggers[next_random(&seed) % 2], conditions);
		rules[id].enabled = next_random(&seed) % 5 > 0;
		rule_index_put(x, &rules[id], NULL, NULL);
		id = 1 + next_random(&seed) % RULES;
		if (next_random(&seed) % 4 == 0) {
			rule_index_drop(x, id);
			rules[id].id = 0;
		}
		found = rule_index_match(x, a, &e, &n);
		for (Id i = 1; i <= RULES; i++) {
			if (rules[i].id == 0 || (e.rule != 0 && e.rule != i) || !met_alone(a, &rules[i], &e))
				continue;
			CHECK(at < n);
			CHECK_INT(found[at++]->id, i);
		}
		CHECK_INT((int64_t)n, (int64_t)at);
		matched += n;
	}
	CHECK(matched > ROUNDS);
	rule_index_close(x);
	arena_close(a);
}

TEST(only_the_rule_of_a_bound_event_may_match)
{
	Arena *a = arena_open();
	RuleIndex *x = rule_index_open();
	const RuleDef **found;
	RuleDef r;

	for (Id id = 1; id <= 3; id++) {
		r = rule_of(id, "core.tick", json_array());
		r.enabled = id != 3;
		rule_index_put(x, &r, NULL, NULL);
	}
	CHECK_INT((int64_t)rule_index_count(x), 3);
	CHECK_INT((int64_t)hits(x, a, "core.tick", 0, NULL, &found), 2);
	CHECK_INT((int64_t)hits(x, a, "core.tick", 2, NULL, &found), 1);
	CHECK_INT(found[0]->id, 2);
	CHECK_INT((int64_t)hits(x, a, "core.tick", 3, NULL, &found), 0);
	CHECK_INT((int64_t)hits(x, a, "core.other", 2, NULL, &found), 0);
	CHECK_INT((int64_t)hits(x, a, "core.tick", 9, NULL, &found), 0);
	rule_index_close(x);
	arena_close(a);
}

TEST(a_condition_that_does_not_compile_matches_nothing_and_says_why)
{
	Arena *a = arena_open();
	RuleIndex *x = rule_index_open();
	RuleDef r = rule_of(1, "core.tick", value_of(a, "[{'field': 'x', 'operator': 'like', 'value': 1}]"));
	const RuleDef **found;
	Str problem;

	rule_index_put(x, &r, NULL, &problem);
	CHECK(str_find(problem, str_of("unknown operator 'like': take one of equals, not_equals, "), NULL));
	CHECK_INT((int64_t)hits(x, a, "core.tick", 0, NULL, &found), 0);
	CHECK(rule_index_get(x, 1) != NULL);
	rule_index_close(x);
	arena_close(a);
}

TEST(parameters_are_rendered_as_written)
{
	static const struct {
		const char *params, *want;
	} table[] = {
		{ "{'a': 'plain', 'b': [1, null, {'c': true}]}", "{'a':'plain','b':[1,null,{'c':true}]}" },
		{ "{'a': '{{ event.payload.n }}'}", "{'a':7}" },
		{ "{'a': '{{event.payload.o}}'}", "{'a':{'k':[1,'x']}}" },
		{ "{'a': 'n={{ event.payload.n }}!'}", "{'a':'n=7!'}" },
		{ "{'a': '{{ event.payload.s }} and {{ event.payload.s }}'}", "{'a':'text and text'}" },
		{ "{'a': '{{ event.payload.o.k.1 }}'}", "{'a':'x'}" },
		{ "{'a': '{{ event.payload.none.x }}'}", "{'a':null}" },
		{ "{'a': '<{{ event.payload.none }}>'}", "{'a':'<>'}" },
		{ "{'a': ' {{ event.payload.n }}'}", "{'a':' 7'}" },
		{ "{'a': '{{ event.id }}', 'b': '{{ event.trigger }}', 'c': '{{ event.created }}'}",
		    "{'a':12,'b':'p.t','c':'2026-11-20T18:40:00Z'}" },
		{ "{'a': '{{ pack.config.url }}', 'b': '{{ pack.config.none }}'}", "{'a':'http://x','b':null}" },
		{ "{'a': '{{ system.rule.id }}/{{ system.rule.ref }}'}", "{'a':'3/p.r'}" },
		{ "{'a': '{{ system.timestamp }}'}", "{'a':'2026-11-20T18:40:00Z'}" },
		{ "{'a': '{{ keystore.x }}', 'b': '{{ }}', 'c': '{{ event }}'}", "{'a':null,'b':null,'c':null}" },
		{ "{'a': 'open {{ event.id'}", "{'a':'open {{ event.id'}" },
		{ "{'a': '{{ event.payload.t }}'}", "{'a':'{{ event.id }}'}" }, /* not rendered again */
		{ "{'a': '{{ event.payload.n + 1 }}', 'b': '{{ upper(event.payload.s) }}!'}", "{'a':8,'b':'TEXT!'}" },
		{ "{'a': '{{ default(event.payload.none, pack.config.url) }}'}", "{'a':'http://x'}" },
		{ "{'a': '{{ event.payload.o.k[1] if event.payload.n > 5 else 0 }}'}", "{'a':'x'}" },
		{ "{'a': '{{ event.payload.n / 0 }}', 'b': '{{ 1 + }}', 'c': '{{ env.HOME }}'}",
		    "{'a':null,'b':null,'c':null}" },
		{ "{'a': '{{ now() == system.timestamp }}', 'b': '{{ length(uuid()) }}'}", "{'a':true,'b':36}" },
		{ "{'a': '{{ keys(system.rule) }}'}", "{'a':['id','ref']}" },
		{ "{'{{ event.id }}': 1}", "{'{{ event.id }}':1}" },
		{ "[1]", "{}" },
		{ "null", "{}" },
	};
	Arena *a = arena_open();
	RuleIndex *x = rule_index_open();
	PackDef pack = { .config = value_of(a, "{'url': 'http://x'}") };
	Json payload = value_of(a, "{'n': 7, 's': 'text', 'o': {'k': [1, 'x']}, 't': '{{ event.id }}'}");
	EventView e = { .id = 12, .trigger_ref = str_of("p.t"), .payload = &payload, .created = NOW };

	for (size_t i = 0; i < countof(table); i++) {
		RuleDef r = rule_of(3, "p.t", json_array());
		Json made, want = value_of(a, table[i].want);

		r.action_params = value_of(a, table[i].params);
		rule_index_put(x, &r, &pack, NULL);
		made = rule_render(x, a, rule_index_get(x, 3), &e, &(RuleGiven){ 0 }, NOW);
		if (!json_eq(&made, &want))
			test_fail(__FILE__, __LINE__, "%s is %s", table[i].params, json_text(a, &made).p);
	}
	rule_index_close(x);
	arena_close(a);
}

TEST(keystore_may_stand_only_where_the_action_says_secret)
{
	static const struct {
		const char *params, *refusal; /* NULL: none */
	} table[] = {
		{ "{'token': '{{ keystore.api }}'}", NULL },
		{ "{'token': 'x {{ upper(keystore[\\\"api-key\\\"]) }}'}", NULL },
		{ "{'login': {'password': '{{ keystore.pw }}', 'user': 'me'}}", NULL },
		{ "{'hosts': [{'key': '{{ keystore.ssh }}'}]}", NULL },
		{ "{'note': '{{ event.payload.keystore }}'}", NULL },
		{ "{'note': '{{ keystore.api }}'}",
		    "action_params.note: keystore may stand only in a parameter that action "
		    "'p.a' marks as secret" },
		{ "{'note': 'x {{ upper(default(keystore.api, 1)) }}'}", "action_params.note: keystore" },
		{ "{'login': {'user': '{{ keystore.pw }}'}}", "action_params.login.user: keystore" },
		{ "{'hosts': [{'name': '{{ keystore.ssh }}'}]}", "action_params.hosts[0].name: keystore" },
		{ "{'other': '{{ keystore.api }}'}", "action_params.other: keystore" },
		{ "{'token': '{{ keystore }}'}", "action_params.token: say which key" },
		{ "{'token': '{{ keystore[event.payload.which] }}'}", "action_params.token: say which key" },
	};
	CLEANUP(arena_done) Arena *a = arena_open();
	Json schema =
	    value_of(a, "{'token': {'type': 'string', 'secret': true}, 'note': {'type': 'string'},"
			" 'login': {'type': 'object', 'properties': {'user': {}, 'password': {'secret': true}}},"
			" 'hosts': {'type': 'array', 'items': {'properties': {'name': {}, 'key': {'secret': true}}}}}");

	for (size_t i = 0; i < countof(table); i++) {
		Json params = value_of(a, table[i].params);
		Err err = { 0 };
		bool ok = keystore_check(a, "action_params", str_of("p.a"), &schema, &params, &err);

		if (ok != (table[i].refusal == NULL) || (!ok && strstr(err.text, table[i].refusal) == NULL))
			test_fail(__FILE__, __LINE__, "%s: %s", table[i].params, ok ? "accepted" : err.text);
	}
}

/* {a: {a: ... {a: inmost}}}, under `name` */
static Json
nested(Arena *a, const char *name, int levels, Json inmost)
{
	Json v = inmost;

	for (int i = 0; i <= levels; i++) {
		Json outer = json_object();

		json_add(a, &outer, i == levels ? name : "a", v);
		v = outer;
	}
	return v;
}

TEST(keystore_stands_no_deeper_than_secrets_are_found)
{
	CLEANUP(arena_done) Arena *a = arena_open();
	Json key = json_cstr("{{ keystore.api }}"), plain = json_cstr("{{ event.payload.x }}"), schema = json_object();
	Json leaf = value_of(a, "{'secret': true}"), params;
	Err err = { 0 };

	for (int i = 0; i < 40; i++) {
		Json outer = value_of(a, "{'type': 'object'}"), props = json_object();

		json_add(a, &props, "a", leaf);
		json_add(a, &outer, "properties", props);
		leaf = outer;
	}
	json_add(a, &schema, "deep", leaf);
	params = nested(a, "deep", 40, key);
	CHECK(!keystore_check(a, "action_params", str_of("p.a"), &schema, &params, &err));
	CHECK(strstr(err.text, "deeper than 32 levels") != NULL);
	params = nested(a, "deep", 40, plain);
	CHECK_OK(keystore_check(a, "action_params", str_of("p.a"), &schema, &params, &err), err);
}

TEST(what_sorts_events_into_windows_sees_no_key)
{
	CLEANUP(arena_done) Arena *a = arena_open();
	RuleDef d = rule_of(3, "p.t", json_array());
	RuleExtras made;
	bool config = false;
	Err err = { 0 };

	d.extras = value_of(a, "{'throttle': {'limit': 1, 'per': 5, 'key': '{{ keystore.api }}'}}");
	CHECK(!extras_compile(a, &d, &made, &config, &err));
	CHECK(strstr(err.text, "throttle.key cannot look at keystore") != NULL);
}

static Json
rendered(const RuleIndex *x, Arena *a, Id rule, const Json *payload)
{
	EventView e = { .id = 1, .trigger_ref = str_of("p.t"), .payload = payload };

	return rule_render(x, a, rule_index_get(x, rule), &e, &(RuleGiven){ 0 }, NOW);
}

TEST(rules_with_the_same_parameters_share_them_and_one_that_changes_keeps_to_itself)
{
	CLEANUP(arena_done) Arena *a = arena_open();
	static const char *const params[] = { "{'a': '{{ event.payload.n }}', 'b': 1}",
		"{'a': '{{ event.payload.n }}', 'b': 1}", "{'a': '{{ event.payload.n }}', 'b': 1.0}",
		"{'b': 1, 'a': '{{ event.payload.n }}'}" };
	RuleIndex *x = rule_index_open();
	Json payload = value_of(a, "{'n': 7}"), changed = value_of(a, "{'c': 2}");
	RuleDef r = rule_of(1, "p.t", json_array());

	for (size_t i = 0; i < countof(params); i++) {
		r.id = (Id)i + 1;
		r.action_params = value_of(a, params[i]);
		rule_index_put(x, &r, NULL, NULL);
	}
	r.id = 1;
	r.action_params = changed;
	rule_index_put(x, &r, NULL, NULL);
	for (size_t i = 0; i < countof(params); i++) {
		static const char *const want[] = { "{\"c\":2}", "{\"a\":7,\"b\":1}", "{\"a\":7,\"b\":1.0}",
			"{\"b\":1,\"a\":7}" };
		Json made = rendered(x, a, (Id)i + 1, &payload);

		CHECK_STR(json_text(a, &made), str_of(want[i]));
	}
	rule_index_close(x);
}

/* As a platform with a hundred thousand of them has them: names and parameters that repeat, conditions of their own. */
TEST(a_rule_takes_two_kilobytes_and_a_half_and_what_is_replaced_is_given_back)
{
	enum { RULES = 20000, EACH_MOST = 2500, CHANGES = 50000 };
	Arena *a = arena_open();
	RuleIndex *x = rule_index_open();

	for (int i = 0; i < RULES + CHANGES; i++) {
		Json conditions = json_object(), params = json_object();
		RuleDef r = rule_of(i % RULES + 1, str_fmt(a, "p.trigger_%d", i % 200).p, conditions);

		json_add(a, &r.conditions, "expression",
		    json_str(str_fmt(a, "event.payload.host == 'host-%d' and event.payload.load >= 3", i % RULES)));
		json_add(a, &params, "message", json_cstr("{{ event.payload.host }} is busy"));
		r.action_params = params;
		r.action_ref = str_of("p.tell");
		rule_index_put(x, &r, NULL, NULL);
		if (i == RULES - 1)
			CHECK(rule_index_held(x) <= (size_t)RULES * EACH_MOST);
		arena_reset(a);
	}
	CHECK(rule_index_held(x) <= (size_t)2 * RULES * EACH_MOST);
	rule_index_close(x);
	arena_close(a);
}
