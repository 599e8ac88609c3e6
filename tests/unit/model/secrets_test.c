#include "model/secrets.h"

#include "model/params.h"
#include "test.h"

static Json
json(Arena *a, const char *text)
{
	Json v;
	Err err = { 0 };

	CHECK_OK(json_parse(a, str_of(text), NULL, &v, &err), err);
	return v;
}

static const char mark[] = "{\"$attune_secret\":true,\"redacted\":true}";

TEST(what_the_schema_marks_is_taken_out_and_comes_back)
{
	CLEANUP(arena_done) Arena *a = arena_open();
	static const char *const schemas[] = {
		"{\"url\":{\"type\":\"string\"},\"token\":{\"type\":\"string\",\"secret\":true}}",
		"{\"type\":\"object\",\"properties\":{\"url\":{\"type\":\"string\"},"
		"\"token\":{\"type\":\"string\",\"secret\":true}}}",
	};

	for (size_t i = 0; i < countof(schemas); i++) {
		Json schema = json(a, schemas[i]), values = json(a, "{\"url\":\"u\",\"token\":\"t0ken\"}");
		Json before = json_clone(a, &values);
		Secrets s;

		CHECK(secrets_in_schema(&schema));
		s = secrets_take(a, &schema, &values);
		CHECK_INT((int64_t)s.n, 1);
		CHECK_STR(s.list[0].path, str_of("/token"));
		CHECK_STR(json_text(a, json_get(&values, "token")), str_of(mark));
		CHECK(secrets_marked(&values));
		secrets_put(a, &values, s.list, s.n);
		CHECK(json_eq(&values, &before) && !secrets_marked(&values));
	}
}

TEST(secrets_deep_in_objects_and_lists_are_found)
{
	CLEANUP(arena_done) Arena *a = arena_open();
	Json schema = json(a, "{\"hosts\":{\"type\":\"array\",\"items\":{\"type\":\"object\",\"properties\":{"
			      "\"a/b~c\":{\"type\":\"string\",\"secret\":true},\"n\":{\"type\":\"integer\"}}}}}");
	Json values =
	    json(a, "{\"hosts\":[{\"a/b~c\":\"one\",\"n\":1},{\"n\":2},{\"a/b~c\":null},{\"a/b~c\":{\"x\":[1]}}]}");
	Json before = json_clone(a, &values);
	Secrets s = secrets_take(a, &schema, &values);

	CHECK_INT((int64_t)s.n, 2);
	CHECK_STR(s.list[0].path, str_of("/hosts/0/a~1b~0c"));
	CHECK_STR(s.list[1].path, str_of("/hosts/3/a~1b~0c"));
	secrets_put(a, &values, s.list, s.n);
	CHECK(json_eq(&values, &before));
}

TEST(a_schema_without_secrets_has_none)
{
	CLEANUP(arena_done) Arena *a = arena_open();
	Json schema = json(a, "{\"secret\":{\"type\":\"string\"},\"b\":{\"secret\":false},\"c\":1}"),
	     none = json_null();

	CHECK(!secrets_in_schema(&schema) && !secrets_in_schema(&none));
	CHECK(!secret_param(&schema, str_of("secret")));
}

TEST(a_mark_that_somebody_gives_is_no_value)
{
	CLEANUP(arena_done) Arena *a = arena_open();
	Json schema = json(a, "{\"t\":{\"secret\":true}}"), values = json(a, "{\"t\":{\"$attune_secret\":true}}");
	Secrets s = secrets_take(a, &schema, &values);

	CHECK_INT((int64_t)s.n, 0);
	CHECK_STR(s.bare_mark, str_of("/t"));
}

TEST(a_violation_does_not_say_the_secret)
{
	CLEANUP(arena_done) Arena *a = arena_open();
	Json schema = json(a,
	    "{\"t\":{\"type\":\"integer\",\"secret\":true},\"o\":{\"type\":\"object\",\"enum\":[1],\"properties\":{"
	    "\"k\":{\"type\":\"string\",\"secret\":true}}}}");
	Json values = json(a, "{\"t\":\"hunter2\",\"o\":{\"k\":\"hunter2\"}}");
	Err err = { 0 };

	CHECK(!params_prepare(a, "action", str_of("p.a"), &schema, &values, false, &err));
	CHECK(strstr(err.text, "hunter2") == NULL && strstr(err.text, "the secret value") != NULL);
}
