#include "model/params_inner.h"

#include "base/names.h"
#include "base/regex.h"

enum { SCHEMA_DEPTH_MOST = 32 };

static const char *const type_names[] = { "string", "integer", "number", "boolean", "array", "object", "null" };

static bool schema_check(Arena *a, const Json *schema, const Place *at, unsigned depth, Err *err);

static Str
place_text(Arena *a, const Place *at)
{
	Buf b = buf_open(a);
	const Place *chain[SCHEMA_DEPTH_MOST * 3];
	size_t n = 0;

	for (; at != NULL && n < countof(chain); at = at->up)
		chain[n++] = at;
	while (n > 0)
		buf_fmt(&b, "/%.*s", STR_ARG(chain[n - 1]->key)), n--;
	return b.n == 0 ? str_of("the schema") : buf_str(&b);
}

static bool
bad(Arena *a, const Place *at, Err *err, const char *what)
{
	return err_set(err, ERR_VALIDATION, "%.*s: %s", STR_ARG(place_text(a, at)), what);
}

static bool
want_type(Arena *a, const Json *v, const Place *at, unsigned depth, Err *err)
{
	const Json *names = v->kind == JSON_ARRAY ? v->items : v;
	size_t n = v->kind == JSON_ARRAY ? v->n : 1;

	(void)depth;
	for (size_t i = 0; i < n; i++)
		if (!json_is(&names[i], JSON_STRING) ||
		    name_index(type_names, countof(type_names), json_as_str(&names[i])) < 0)
			return err_set(err, ERR_VALIDATION,
			    "%.*s: %.*s is not a type (string, integer, number, boolean, array, object)",
			    STR_ARG(place_text(a, at)), STR_ARG(json_text(a, &names[i])));
	return true;
}

static bool
want_array(Arena *a, const Json *v, const Place *at, unsigned depth, Err *err)
{
	(void)depth;
	return v->kind == JSON_ARRAY || bad(a, at, err, "must be a list");
}

static bool
want_required(Arena *a, const Json *v, const Place *at, unsigned depth, Err *err)
{
	(void)depth;
	return v->kind == JSON_BOOL || v->kind == JSON_ARRAY ||
	       bad(a, at, err, "must be true, false or a list of names");
}

static bool
want_bool(Arena *a, const Json *v, const Place *at, unsigned depth, Err *err)
{
	(void)depth;
	return v->kind == JSON_BOOL || bad(a, at, err, "must be true or false");
}

static bool
want_number(Arena *a, const Json *v, const Place *at, unsigned depth, Err *err)
{
	(void)depth;
	return json_is_number(v) || bad(a, at, err, "must be a number");
}

static bool
want_bound(Arena *a, const Json *v, const Place *at, unsigned depth, Err *err)
{
	(void)depth;
	return json_is_number(v) || v->kind == JSON_BOOL || bad(a, at, err, "must be a number");
}

static bool
want_positive(Arena *a, const Json *v, const Place *at, unsigned depth, Err *err)
{
	(void)depth;
	return (json_is_number(v) && json_as_real(v, 0) > 0) || bad(a, at, err, "must be a number above 0");
}

static bool
want_count(Arena *a, const Json *v, const Place *at, unsigned depth, Err *err)
{
	(void)depth;
	return json_as_int(v, -1) >= 0 || bad(a, at, err, "must be a whole number, 0 or more");
}

static bool
want_pattern(Arena *a, const Json *v, const Place *at, unsigned depth, Err *err)
{
	Regex *x;

	(void)depth;
	if (v->kind != JSON_STRING)
		return bad(a, at, err, "must be a regular expression");
	return regex_compile(a, json_as_str(v), false, &x, err) || err_wrap(err, "%.*s", STR_ARG(place_text(a, at)));
}

static bool
want_schema(Arena *a, const Json *v, const Place *at, unsigned depth, Err *err)
{
	return v->kind == JSON_BOOL || schema_check(a, v, at, depth + 1, err);
}

static bool
want_schemas(Arena *a, const Json *v, const Place *at, unsigned depth, Err *err)
{
	if (v->kind != JSON_ARRAY || v->n == 0)
		return bad(a, at, err, "must be a list of schemas");
	for (size_t i = 0; i < v->n; i++)
		if (!want_schema(a, &v->items[i], at, depth, err))
			return false;
	return true;
}

static bool
want_properties(Arena *a, const Json *v, const Place *at, unsigned depth, Err *err)
{
	if (v->kind != JSON_OBJECT)
		return bad(a, at, err, "must map names to schemas");
	for (size_t i = 0; i < v->n; i++) {
		Place here = { .up = at, .key = v->members[i].key };

		if (!want_schema(a, &v->members[i].value, &here, depth, err))
			return false;
	}
	return true;
}

static const struct {
	const char *key;
	bool (*want)(Arena *a, const Json *v, const Place *at, unsigned depth, Err *err);
} keywords[] = {
	{ "type", want_type },
	{ "enum", want_array },
	{ "required", want_required },
	{ "secret", want_bool },
	{ "minimum", want_number },
	{ "maximum", want_number },
	{ "exclusiveMinimum", want_bound },
	{ "exclusiveMaximum", want_bound },
	{ "multipleOf", want_positive },
	{ "minLength", want_count },
	{ "maxLength", want_count },
	{ "minItems", want_count },
	{ "maxItems", want_count },
	{ "uniqueItems", want_bool },
	{ "pattern", want_pattern },
	{ "items", want_schema },
	{ "properties", want_properties },
	{ "additionalProperties", want_schema },
	{ "anyOf", want_schemas },
	{ "oneOf", want_schemas },
	{ "allOf", want_schemas },
	{ "not", want_schema },
};

static bool
schema_check(Arena *a, const Json *schema, const Place *at, unsigned depth, Err *err)
{
	if (depth > SCHEMA_DEPTH_MOST)
		return bad(a, at, err, "is nested too deep");
	if (schema->kind != JSON_OBJECT)
		return bad(a, at, err, "must be a schema (an object)");
	for (size_t i = 0; i < countof(keywords); i++) {
		const Json *v = json_get(schema, keywords[i].key);
		Place here = { .up = at, .key = str_of(keywords[i].key) };

		if (v != NULL && !keywords[i].want(a, v, &here, depth, err))
			return false;
	}
	return true;
}

bool
params_schema_check(Arena *a, const Json *schema, Err *err)
{
	Props p = props_of(schema);

	if (json_is_null(schema))
		return true;
	if (schema->kind != JSON_OBJECT)
		return err_set(err, ERR_VALIDATION, "a schema must be an object of parameters");
	if (p.members != schema->members)
		return schema_check(a, schema, NULL, 0, err);
	for (size_t i = 0; i < p.n; i++) {
		Place here = { .key = p.members[i].key };

		if (p.members[i].value.kind == JSON_OBJECT && !schema_check(a, &p.members[i].value, &here, 0, err))
			return false;
	}
	return true;
}
