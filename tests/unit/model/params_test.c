#include "model/params.h"

#include "test.h"
#include "values.h"

static const char schema_text[] =
    "{'message': {'type': 'string', 'required': true, 'minLength': 2, 'maxLength': 5},"
    " 'count': {'type': 'integer', 'minimum': 1, 'maximum': 9, 'default': 3},"
    " 'ratio': {'type': 'number', 'exclusiveMinimum': 0, 'multipleOf': 0.1},"
    " 'loud': {'type': 'boolean'},"
    " 'color': {'enum': ['red', 'green']},"
    " 'fixed': {'const': 7},"
    " 'name': {'type': 'string', 'pattern': '^[a-z]+$'},"
    " 'list': {'type': 'array', 'items': {'type': 'integer'}, 'minItems': 1, 'maxItems': 3, 'uniqueItems': true},"
    " 'nested': {'type': 'object', 'properties': {'port': {'type': 'integer', 'required': true}},"
    "   'additionalProperties': false},"
    " 'either': {'anyOf': [{'type': 'string'}, {'type': 'integer', 'minimum': 10}]},"
    " 'one': {'oneOf': [{'minimum': 5}, {'maximum': 7}]},"
    " 'both': {'allOf': [{'minimum': 5}, {'maximum': 7}]},"
    " 'never': {'not': {'type': 'string'}},"
    " 'any': {'type': ['string', 'null']},"
    " 'note': 'not a definition'}";

/* The values after, or the message. */
static Str
prepared(Arena *a, const char *schema, const char *values, bool templates)
{
	Json s = value_of(a, schema), v = value_of(a, values);
	Err err = { 0 };

	return params_prepare(a, "action", str_of("core.x"), &s, &v, templates, &err) ? json_text(a, &v)
										      : str_copy(a, str_of(err.text));
}

TEST(values_are_checked_and_each_violation_is_said)
{
	static const struct {
		const char *values, *want; /* want: part of the message; NULL: valid */
	} table[] = {
		{ "{'message': 'abc'}", NULL },
		{ "{}", "\"message\" is a required property" },
		{ "{'message': null}", "null is not of type \"string\" at /message" },
		{ "{'message': 'a'}", "\"a\" is shorter than 2 characters at /message" },
		{ "{'message': 'ääääää'}", "is longer than 5 characters at /message" },
		{ "{'message': 'äääää'}", NULL },
		{ "{'message': 5}", "\"5\" is shorter than 2 characters at /message" },
		{ "{'message': [5]}", "[5] is not of type \"string\" at /message" },
		{ "{'message': 'abc', 'count': 0}", "0 is less than the minimum of 1 at /count" },
		{ "{'message': 'abc', 'count': 10}", "10 is greater than the maximum of 9 at /count" },
		{ "{'message': 'abc', 'count': 2.5}", "2.5 is not of type \"integer\" at /count" },
		{ "{'message': 'abc', 'count': 2.0}", NULL },
		{ "{'message': 'abc', 'count': 'two'}", "\"two\" is not of type \"integer\"" },
		{ "{'message': 'abc', 'ratio': 0}", "0 is less than or equal to the minimum of 0" },
		{ "{'message': 'abc', 'ratio': 0.3}", NULL },
		{ "{'message': 'abc', 'ratio': 0.35}", "0.35 is not a multiple of 0.1" },
		{ "{'message': 'abc', 'color': 'blue'}", "\"blue\" is not one of [\"red\",\"green\"] at /color" },
		{ "{'message': 'abc', 'fixed': 8}", "8 is not 7" },
		{ "{'message': 'abc', 'fixed': 7.0}", NULL },
		{ "{'message': 'abc', 'name': 'a1'}", "\"a1\" does not match" },
		{ "{'message': 'abc', 'list': []}", "[] has less than 1 items" },
		{ "{'message': 'abc', 'list': [1, 1]}", "has equal items" },
		{ "{'message': 'abc', 'list': [1, 2, 3, 4]}", "has more than 3 items" },
		{ "{'message': 'abc', 'list': [1, 'x']}", "\"x\" is not of type \"integer\" at /list/1" },
		{ "{'message': 'abc', 'nested': {}}", "\"port\" is a required property at /nested" },
		{ "{'message': 'abc', 'nested': {'port': 1, 'x': 2}}", "\"x\" is not a known property at /nested" },
		{ "{'message': 'abc', 'either': 9}", "under any of the schemas listed in 'anyOf'" },
		{ "{'message': 'abc', 'either': 10}", NULL },
		{ "{'message': 'abc', 'one': 6}", "more than one of the schemas" },
		{ "{'message': 'abc', 'one': 8}", NULL },
		{ "{'message': 'abc', 'both': 8}", "8 is greater than the maximum of 7" },
		{ "{'message': 'abc', 'never': 'x'}", "is what 'not' forbids" },
		{ "{'message': 'abc', 'any': null, 'color': null}", NULL }, /* null and optional: not given */
		{ "{'message': 'abc', 'unknown': [1]}", NULL },
	};
	Arena *a = arena_open();

	for (size_t i = 0; i < countof(table); i++) {
		Str got = prepared(a, schema_text, table[i].values, false);
		bool valid = str_starts(got, str_of("{"));

		if (table[i].want == NULL ? !valid : !str_find(got, str_of(table[i].want), NULL))
			test_fail(__FILE__, __LINE__, "%s: %.*s", table[i].values, STR_ARG(got));
	}
	CHECK_STR(prepared(a, schema_text, "{'count': 0, 'loud': 3}", false),
	    str_of("Invalid parameters for action 'core.x': \"message\" is a required property, 0 is less than the "
		   "minimum of 1"
		   " at /count, 3 is not of type \"boolean\" at /loud"));
	arena_close(a);
}

TEST(defaults_fill_what_is_missing_or_null)
{
	Arena *a = arena_open();
	static const char schema[] = "{'a': {'default': {'x': 1}}, 'b': {'type': 'integer', 'default': 2}}";

	CHECK_STR(prepared(a, schema, "{}", false), str_of("{\"a\":{\"x\":1},\"b\":2}"));
	CHECK_STR(prepared(a, schema, "null", false), str_of("{\"a\":{\"x\":1},\"b\":2}"));
	CHECK_STR(prepared(a, schema, "{'b': null, 'a': 0}", false), str_of("{\"b\":2,\"a\":0}"));
	CHECK_STR(prepared(a, schema, "{'b': 5}", false), str_of("{\"b\":5,\"a\":{\"x\":1}}"));
	CHECK_STR(prepared(a, "null", "{'b': 5}", false), str_of("{\"b\":5}"));
	CHECK_STR(prepared(a, "{}", "null", false), str_of("{}"));
	arena_close(a);
}

TEST(texts_that_plainly_are_the_wanted_value_are_converted)
{
	Arena *a = arena_open();
	static const char schema[] = "{'i': {'type': 'integer'}, 'n': {'type': 'number'}, 'b': {'type': 'boolean'},"
				     " 's': {'type': 'string'}, 'l': {'type': 'array', 'items': {'type': 'integer'}},"
				     " 'o': {'type': 'object', 'properties': {'p': {'type': 'integer'}}}}";

	CHECK_STR(prepared(a, schema, "{'i': '5', 'n': '2.5', 'b': 'true', 's': '7'}", false),
	    str_of("{\"i\":5,\"n\":2.5,\"b\":true,\"s\":\"7\"}"));
	CHECK_STR(prepared(a, schema, "{'l': [1, '2'], 'o': {'p': '80', 'q': '1'}}", false),
	    str_of("{\"l\":[1,2],\"o\":{\"p\":80,\"q\":\"1\"}}"));
	CHECK(str_find(prepared(a, schema, "{'i': '5x'}", false), str_of("is not of type \"integer\""), NULL));
	CHECK(str_find(prepared(a, schema, "{'b': 'yes'}", false), str_of("is not of type \"boolean\""), NULL));
	arena_close(a);
}

TEST(numbers_become_texts_where_only_a_text_is_wanted_and_nobody_wrote_them_down)
{
	Arena *a = arena_open();
	static const char schema[] = "{'s': {'type': 'string'}, 'o': {'type': ['string', 'null']},"
				     " 'e': {'type': ['string', 'integer']}, 'f': {'type': ['string', 'number']},"
				     " 'l': {'type': 'array', 'items': {'type': 'string'}}, 'a': {}}";

	CHECK_STR(prepared(a, schema, "{'s': 7, 'o': true, 'l': [1, 'x', 2.5], 'a': 1}", false),
	    str_of("{\"s\":\"7\",\"o\":\"true\",\"l\":[\"1\",\"x\",\"2.5\"],\"a\":1}"));
	CHECK_STR(prepared(a, schema, "{'e': 7, 'f': 2.5}", false), str_of("{\"e\":7,\"f\":2.5}"));
	CHECK_STR(prepared(a, schema, "{'f': 7}", false), str_of("{\"f\":7}"));
	CHECK(str_find(prepared(a, schema, "{'s': {}}", false), str_of("is not of type \"string\""), NULL));
	CHECK(str_find(prepared(a, schema, "{'s': 7}", true), str_of("is not of type \"string\""), NULL));
	arena_close(a);
}

TEST(preparing_leaves_the_callers_value_as_it_was)
{
	Arena *a = arena_open();
	Json s = value_of(a, "{'i': {'type': 'integer'}, 'l': {'items': {'type': 'integer'}}, 'd': {'default': 1}}");
	Json before = value_of(a, "{'i': '5', 'l': ['1']}"), v = before;
	Err err = { 0 };

	CHECK_OK(params_prepare(a, "action", str_of("x"), &s, &v, false, &err), err);
	CHECK_STR(json_text(a, &v), str_of("{\"i\":5,\"l\":[1],\"d\":1}"));
	CHECK_STR(json_text(a, &before), str_of("{\"i\":\"5\",\"l\":[\"1\"]}"));
	arena_close(a);
}

TEST(templates_pass_where_they_may)
{
	Arena *a = arena_open();
	static const char values[] = "{'message': '{{ event.payload.a.very.long.path }}', 'count': '{{ event.id }}'}";

	CHECK(str_starts(prepared(a, schema_text, values, true), str_of("{")));
	CHECK(str_starts(prepared(a, schema_text, values, false), str_of("Invalid")));
	arena_close(a);
}

TEST(plain_json_schema_is_taken_as_it_is)
{
	Arena *a = arena_open();
	static const char schema[] =
	    "{'type': 'object', 'properties': {'a': {'type': 'integer', 'default': 4}, 'b': {}},"
	    " 'required': ['b', 'c'], 'additionalProperties': false}";

	CHECK_STR(prepared(a, schema, "{'b': 1}", false),
	    str_of("Invalid parameters for action 'core.x': \"c\" is a required property"));
	CHECK(str_find(prepared(a, schema, "{'c': 1}", false), str_of("\"b\" is a required property"), NULL));
	CHECK(str_find(prepared(a, schema, "{'b': 1, 'c': 1}", false), str_of("\"c\" is not a known property"), NULL));
	arena_close(a);
}

TEST(a_pattern_cannot_hold_a_thread)
{
	Arena *a = arena_open();

	CHECK(str_starts(
	    prepared(a, "{'x': {'pattern': '^(a+)+$'}}", "{'x': 'aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaab'}", false),
	    str_of("Invalid")));
	arena_close(a);
}

TEST(a_broken_schema_is_refused_with_its_place)
{
	static const struct {
		const char *schema, *want;
	} table[] = {
		{ "{'a': {'type': 'strang'}}", "/a/type: \"strang\" is not a type" },
		{ "{'a': {'pattern': '['}}", "/a/pattern: " },
		{ "{'a': {'enum': 3}}", "/a/enum: must be a list" },
		{ "{'a': {'required': 'yes'}}", "/a/required: " },
		{ "{'a': {'minLength': -1}}", "/a/minLength: " },
		{ "{'a': {'properties': {'b': {'items': 3}}}}", "/a/properties/b/items: must be a schema" },
		{ "{'type': 'object', 'properties': {'a': 1}}", "/properties/a: must be a schema" },
		{ "[]", "must be an object" },
	};
	Arena *a = arena_open();
	Json good = value_of(a, schema_text);
	Err err = { 0 };

	CHECK_OK(params_schema_check(a, &good, &err), err);
	CHECK_OK(params_schema_check(a, NULL, &err), err);
	for (size_t i = 0; i < countof(table); i++) {
		Json s = value_of(a, table[i].schema);

		CHECK(!params_schema_check(a, &s, &err));
		if (strstr(err.text, table[i].want) == NULL)
			test_fail(__FILE__, __LINE__, "%s: %s", table[i].schema, err.text);
	}
	arena_close(a);
}
