#include "model/condition.h"

#include "test.h"
#include "values.h"

static const char payload_text[] = "{'s': 'Hello', 'i': 5, 'r': 5.0, 'b': true, 'n': null, 'l': [1, 'two', {'x': 3}], "
				   "'o': {'k': 'v', 'deep': {'z': 1}}}";

/* 1 met, 0 not met, -1 does not compile. */
static int
met(Arena *a, const char *conditions, const char *payload)
{
	Json c = value_of(a, conditions), p = payload == NULL ? json_null() : value_of(a, payload);
	EventView e = {
		.id = 9, .trigger = 4, .trigger_ref = str_of("core.tick"), .payload = payload == NULL ? NULL : &p
	};
	const Condition *x;
	Str problem = { 0 };

	if (!condition_compile(a, &c, &x, &problem)) {
		CHECK(problem.n > 0);
		return -1;
	}
	return condition_met(a, x, &e);
}

TEST(conditions_hold_as_written)
{
	static const struct {
		const char *conditions;
		int want;
	} table[] = {
		{ "{}", 1 },
		{ "[]", 1 },
		{ "null", 1 },
		{ "[{'field': 's', 'operator': 'equals', 'value': 'Hello'}]", 1 },
		{ "[{'field': 's', 'operator': 'equals', 'value': 'hello'}]", 0 },
		{ "[{'field': 's', 'operator': 'equals', 'value': 'hello', 'ignore_case': true}]", 1 },
		{ "[{'field': 'i', 'operator': 'equals', 'value': 5}]", 1 },
		{ "[{'field': 'i', 'operator': 'equals', 'value': 5.0}]", 0 },
		{ "[{'field': 'r', 'operator': 'equals', 'value': 5.0}]", 1 },
		{ "[{'field': 'n', 'operator': 'equals', 'value': null}]", 1 },
		{ "[{'field': 'o', 'operator': 'equals', 'value': {'deep': {'z': 1}, 'k': 'v'}}]", 1 },
		{ "[{'field': 'none', 'operator': 'equals', 'value': null}]", 0 },
		{ "[{'field': 'none', 'operator': 'not_equals', 'value': 1}]", 0 },
		{ "[{'field': 'i', 'operator': 'not_equals', 'value': 6}]", 1 },
		{ "[{'field': 's', 'operator': 'contains', 'value': 'ell'}]", 1 },
		{ "[{'field': 's', 'operator': 'contains', 'value': 'ELL', 'ignore_case': true}]", 1 },
		{ "[{'field': 'l', 'operator': 'contains', 'value': 'two'}]", 1 },
		{ "[{'field': 'i', 'operator': 'contains', 'value': 5}]", 0 },
		{ "[{'field': 's', 'operator': 'not_contains', 'value': 'xyz'}]", 1 },
		{ "[{'field': 's', 'operator': 'in', 'value': ['x', 'Hello']}]", 1 },
		{ "[{'field': 's', 'operator': 'not_in', 'value': ['x', 'Hello']}]", 0 },
		{ "[{'field': 'i', 'operator': 'gt', 'value': 4.5}]", 1 },
		{ "[{'field': 'i', 'operator': 'gte', 'value': 5}]", 1 },
		{ "[{'field': 'i', 'operator': 'lt', 'value': 5}]", 0 },
		{ "[{'field': 'i', 'operator': 'lte', 'value': 5}]", 1 },
		{ "[{'field': 'i', 'operator': 'gt', 'value': '4'}]", 0 },
		{ "[{'field': 's', 'operator': 'gt', 'value': 'Abc'}]", 1 },
		{ "[{'field': 's', 'operator': 'starts_with', 'value': 'He'}]", 1 },
		{ "[{'field': 's', 'operator': 'ends_with', 'value': 'LO', 'ignore_case': true}]", 1 },
		{ "[{'field': 's', 'operator': 'matches', 'value': '^H.l+o$'}]", 1 },
		{ "[{'field': 's', 'operator': 'matches', 'value': '^h'}]", 0 },
		{ "[{'field': 'n', 'operator': 'exists'}]", 1 },
		{ "[{'field': 'none', 'operator': 'not_exists'}]", 1 },
		{ "[{'field': 'o.deep.z', 'operator': 'equals', 'value': 1}]", 1 },
		{ "[{'field': 'l.2.x', 'operator': 'equals', 'value': 3}]", 1 },
		{ "[{'field': 'l.7', 'operator': 'exists'}]", 0 },
		{ "[{'field': 'i', 'operator': 'equals', 'value': 5}, {'field': 's', 'operator': 'equals', 'value': "
		  "'x'}]",
		    0 },
		{ "{'any': [{'field': 'i', 'operator': 'equals', 'value': 6}, {'field': 'b', 'operator': 'equals', "
		  "'value': true}]}",
		    1 },
		{ "{'any': []}", 0 },
		{ "{'all': []}", 1 },
		{ "{'not': {'field': 'i', 'operator': 'equals', 'value': 5}}", 0 },
		{ "{'not': {'any': [{'field': 'none', 'operator': 'equals', 'value': 5}]}}", 1 },
		{ "{'field': 'i', 'operator': 'equals', 'value': 5}", 1 },
		{ "[{'field': 'i', 'operator': 'resembles', 'value': 5}]", -1 },
		{ "[{'operator': 'equals', 'value': 5}]", -1 },
		{ "[{'field': 's', 'operator': 'matches', 'value': '('}]", -1 },
		{ "{'some': []}", -1 },
		{ "{'all': {}}", -1 },
		{ "'text'", -1 },
	};
	Arena *a = arena_open();

	for (size_t i = 0; i < countof(table); i++) {
		int got = met(a, table[i].conditions, payload_text);

		if (got != table[i].want)
			test_fail(__FILE__, __LINE__, "%s is %d", table[i].conditions, got);
	}
	arena_close(a);
}

TEST(expressions_hold_as_written)
{
	static const struct {
		const char *text;
		int want;
	} table[] = {
		{ "event.payload.i == 5", 1 },
		{ "{{ event.payload.i == 5.0 }}", 1 },
		{ "event.payload.i != 5", 0 },
		{ "event.payload.i > 4 and event.payload.s == 'Hello'", 1 },
		{ "event.payload.i > 9 or not event.payload.s == 'x'", 1 },
		{ "not (event.payload.b and event.payload.i >= 5)", 0 },
		{ "event.payload.s in ['a', 'Hello']", 1 },
		{ "event.payload.s not in ['a', 'Hello',]", 0 },
		{ "'ell' in event.payload.s", 1 },
		{ "'k' in event.payload.o", 1 },
		{ "event.payload.l[1] == 'two'", 1 },
		{ "event.payload['o'].deep.z <= 1", 1 },
		{ "event.payload.n == null", 1 },
		{ "event.payload.none == null", 0 }, /* missing is an error, an error no match */
		{ "event.payload.s < 5", 0 },
		{ "event.trigger_ref == 'core.tick'", 1 },
		{ "event.trigger == 4 and event.id == 9", 1 },
		{ "event.payload.b", 1 },
		{ "event.payload.i == -5", 0 },
		{ "'it\\'s' != event.payload.s", 1 },
		{ "5 == event.payload.i", 1 },
		{ "true or event.payload.none", 1 },
		{ "lower(event.payload.s) == 'hello' and length(event.payload.l) == 3", 1 },
		{ "default(event.payload.none, 7) == 7", 1 },
		{ "'payload' in event and event.payload is not null", 1 },
		{ "match('^H', event.payload.s) if event.payload.b else false", 1 },
		{ "event.payload.i + 'x' == 'x'", 0 }, /* an error, no match */
		{ "pack.config.x == 1", -1 },
		{ "event.payload.s == unknown", -1 },
		{ "inside", -1 },
		{ "event.payload.i = 5", -1 },
		{ "event.payload.i == ", -1 },
		{ "(event.payload.i == 5", -1 },
		{ "event.payload.s == 'x", -1 },
		{ "event.payload.i == 5 5", -1 },
		{ "", -1 },
	};
	Arena *a = arena_open();

	for (size_t i = 0; i < countof(table); i++) {
		Json c = json_object(), p = value_of(a, payload_text);
		EventView e = { .id = 9, .trigger = 4, .trigger_ref = str_of("core.tick"), .payload = &p };
		const Condition *x;
		Str problem;
		int got;

		json_add(a, &c, "expression", json_cstr(table[i].text));
		got = condition_compile(a, &c, &x, &problem) ? condition_met(a, x, &e) : -1;
		if (got != table[i].want)
			test_fail(__FILE__, __LINE__, "%s is %d", table[i].text, got);
	}
	arena_close(a);
}

TEST(nesting_has_a_limit)
{
	Arena *a = arena_open();
	Str text = str_of("{'field': 'i', 'operator': 'equals', 'value': 5}");

	for (int i = 0; i < 16; i++)
		text = str_fmt(a, "{'not': %.*s}", STR_ARG(text));
	CHECK_INT(met(a, text.p, payload_text), 1);
	text = str_fmt(a, "{'not': %.*s}", STR_ARG(text));
	CHECK_INT(met(a, text.p, payload_text), -1);
	text = str_of("true");
	for (int i = 0; i < 100; i++)
		text = str_fmt(a, "(%.*s)", STR_ARG(text));
	CHECK_INT(met(a, str_fmt(a, "{'expression': '%.*s'}", STR_ARG(text)).p, payload_text), -1);
	arena_close(a);
}

TEST(no_payload_is_an_empty_one)
{
	Arena *a = arena_open();

	CHECK_INT(met(a, "[{'field': 'x', 'operator': 'equals', 'value': 1}]", NULL), 0);
	CHECK_INT(met(a, "[{'field': 'x', 'operator': 'not_exists'}]", NULL), 1);
	CHECK_INT(met(a, "{}", NULL), 1);
	CHECK_INT(met(a, "{'expression': 'event.payload.x == 1'}", NULL), 0);
	arena_close(a);
}
