#include "model/params_inner.h"

#include "base/codec.h"
#include "base/map.h"
#include "base/regex.h"
#include "model/secrets.h"

#include <math.h>

enum {
	LISTED_MOST = 10, /* violations said in full */
	PAIRS_MOST = 64,  /* items compared each with each; more are compared by their text */
	SHOWN_MOST = 60,  /* bytes of a value in a message */
};

static void
print_place(Buf *b, const Place *at)
{
	if (at == NULL)
		return;
	print_place(b, at->up);
	if (str_none(at->key)) {
		buf_fmt(b, "/%zu", at->index);
		return;
	}
	buf_char(b, '/');
	for (size_t i = 0; i < at->key.n; i++) {
		char c = at->key.p[i];

		if (c == '~' || c == '/')
			buf_text(b, c == '~' ? "~0" : "~1");
		else
			buf_char(b, c);
	}
}

void
violation(Violations *v, const Place *at, const char *fmt, ...)
{
	va_list ap;

	v->n++;
	if (v->n > LISTED_MOST)
		return;
	if (v->n > 1)
		buf_text(&v->text, ", ");
	va_start(ap, fmt);
	buf_vfmt(&v->text, fmt, ap);
	va_end(ap);
	if (at != NULL)
		buf_text(&v->text, " at ");
	print_place(&v->text, at);
}

/* A value in a message: its JSON, cut when it is long. */
static Str
shown(Violations *v, const Json *value)
{
	Str s = v->secret ? str_of("the secret value") : json_text(v->a, value);

	if (s.n <= SHOWN_MOST)
		return s;
	s = str_sub(s, 0, SHOWN_MOST);
	return str_fmt(v->a, "%.*s...", (int)utf8_valid_prefix(s), s.p);
}

static bool
is_integer(const Json *v)
{
	if (v->kind == JSON_REAL)
		return v->d == floor(v->d);
	return v->kind == JSON_INT || (v->kind == JSON_BIG && memchr(v->s, '.', v->n) == NULL);
}

static bool
is_type(const Json *v, Str type)
{
	return str_is(type, "integer")   ? json_is_number(v) && is_integer(v)
	       : str_is(type, "boolean") ? v->kind == JSON_BOOL
					 : str_is(type, json_kind_name(v->kind));
}

static bool
is_any_type(const Json *v, const Json *types)
{
	for (size_t i = 0; i < types->n; i++)
		if (is_type(v, json_as_str(&types->items[i])))
			return true;
	return false;
}

static void
check_type(Violations *v, const Json *want, const Json *schema, const Json *value, const Place *at)
{
	(void)schema;
	if (want->kind == JSON_ARRAY ? is_any_type(value, want) : is_type(value, json_as_str(want)))
		return;
	violation(v, at, "%.*s is not of type %.*s", STR_ARG(shown(v, value)), STR_ARG(json_text(v->a, want)));
}

static void
check_enum(Violations *v, const Json *want, const Json *schema, const Json *value, const Place *at)
{
	(void)schema;
	for (size_t i = 0; want->kind == JSON_ARRAY && i < want->n; i++)
		if (json_eq(&want->items[i], value))
			return;
	violation(v, at, "%.*s is not one of %.*s", STR_ARG(shown(v, value)), STR_ARG(json_text(v->a, want)));
}

static void
check_const(Violations *v, const Json *want, const Json *schema, const Json *value, const Place *at)
{
	(void)schema;
	if (!json_eq(want, value))
		violation(v, at, "%.*s is not %.*s", STR_ARG(shown(v, value)), STR_ARG(shown(v, want)));
}

static int
number_cmp(const Json *x, const Json *y)
{
	if (x->kind == JSON_INT && y->kind == JSON_INT)
		return (x->i > y->i) - (x->i < y->i);
	return (json_as_real(x, 0) > json_as_real(y, 0)) - (json_as_real(x, 0) < json_as_real(y, 0));
}

static void
check_minimum(Violations *v, const Json *want, const Json *schema, const Json *value, const Place *at)
{
	bool open = json_as_bool(json_get(schema, "exclusiveMinimum"), false); /* as JSON Schema 4 says it */

	if (json_is_number(value) && number_cmp(value, want) < (open ? 1 : 0))
		violation(
		    v, at, "%.*s is less than the minimum of %.*s", STR_ARG(shown(v, value)), STR_ARG(shown(v, want)));
}

static void
check_maximum(Violations *v, const Json *want, const Json *schema, const Json *value, const Place *at)
{
	bool open = json_as_bool(json_get(schema, "exclusiveMaximum"), false);

	if (json_is_number(value) && number_cmp(value, want) > (open ? -1 : 0))
		violation(v, at, "%.*s is greater than the maximum of %.*s", STR_ARG(shown(v, value)),
		    STR_ARG(shown(v, want)));
}

static void
check_above(Violations *v, const Json *want, const Json *schema, const Json *value, const Place *at)
{
	(void)schema;
	if (json_is_number(want) && json_is_number(value) && number_cmp(value, want) <= 0)
		violation(v, at, "%.*s is less than or equal to the minimum of %.*s", STR_ARG(shown(v, value)),
		    STR_ARG(shown(v, want)));
}

static void
check_below(Violations *v, const Json *want, const Json *schema, const Json *value, const Place *at)
{
	(void)schema;
	if (json_is_number(want) && json_is_number(value) && number_cmp(value, want) >= 0)
		violation(v, at, "%.*s is greater than or equal to the maximum of %.*s", STR_ARG(shown(v, value)),
		    STR_ARG(shown(v, want)));
}

static bool
is_multiple(const Json *value, const Json *of)
{
	double ratio;

	if (value->kind == JSON_INT && of->kind == JSON_INT)
		return of->i == 0 || of->i == -1 || value->i % of->i == 0;
	ratio = json_as_real(value, 0) / json_as_real(of, 1);
	return fabs(ratio - round(ratio)) < 1e-9 * fmax(1, fabs(ratio)); /* 0.3 is a multiple of 0.1 to people */
}

static void
check_multiple(Violations *v, const Json *want, const Json *schema, const Json *value, const Place *at)
{
	(void)schema;
	if (json_is_number(value) && json_is_number(want) && !is_multiple(value, want))
		violation(v, at, "%.*s is not a multiple of %.*s", STR_ARG(shown(v, value)), STR_ARG(shown(v, want)));
}

static void
check_min_length(Violations *v, const Json *want, const Json *schema, const Json *value, const Place *at)
{
	(void)schema;
	if (value->kind == JSON_STRING && (int64_t)utf8_length(json_as_str(value)) < json_as_int(want, 0))
		violation(
		    v, at, "%.*s is shorter than %.*s characters", STR_ARG(shown(v, value)), STR_ARG(shown(v, want)));
}

static void
check_max_length(Violations *v, const Json *want, const Json *schema, const Json *value, const Place *at)
{
	(void)schema;
	if (value->kind == JSON_STRING && (int64_t)utf8_length(json_as_str(value)) > json_as_int(want, INT64_MAX))
		violation(
		    v, at, "%.*s is longer than %.*s characters", STR_ARG(shown(v, value)), STR_ARG(shown(v, want)));
}

static void
check_pattern(Violations *v, const Json *want, const Json *schema, const Json *value, const Place *at)
{
	Regex *x;
	Err err = { 0 };

	(void)schema;
	if (value->kind != JSON_STRING)
		return;
	if (!regex_compile(v->a, json_as_str(want), false, &x, &err))
		violation(v, at, "%s", err.text);
	else if (!regex_found(v->a, x, json_as_str(value)))
		violation(v, at, "%.*s does not match %.*s", STR_ARG(shown(v, value)), STR_ARG(json_text(v->a, want)));
}

static void
check_items(Violations *v, const Json *want, const Json *schema, const Json *value, const Place *at)
{
	(void)schema;
	for (size_t i = 0; value->kind == JSON_ARRAY && i < value->n; i++) {
		Place here = { .up = at, .index = i };

		schema_check_value(v, want, &value->items[i], &here);
	}
}

static void
check_min_items(Violations *v, const Json *want, const Json *schema, const Json *value, const Place *at)
{
	(void)schema;
	if (value->kind == JSON_ARRAY && (int64_t)value->n < json_as_int(want, 0))
		violation(v, at, "%.*s has less than %.*s items", STR_ARG(shown(v, value)), STR_ARG(shown(v, want)));
}

static void
check_max_items(Violations *v, const Json *want, const Json *schema, const Json *value, const Place *at)
{
	(void)schema;
	if (value->kind == JSON_ARRAY && (int64_t)value->n > json_as_int(want, INT64_MAX))
		violation(v, at, "%.*s has more than %.*s items", STR_ARG(shown(v, value)), STR_ARG(shown(v, want)));
}

/* By their text beyond a few: two equal objects with another order of members pass then, which costs nobody anything. */
static bool
all_different(Arena *a, const Json *array)
{
	Map seen = map_open(a);

	for (size_t i = 0; array->n > PAIRS_MOST && i < array->n; i++) {
		Str text = json_text(a, &array->items[i]);

		if (map_get_str(&seen, text) != NULL)
			return false;
		map_put_str(&seen, text, &array->items[i]);
	}
	for (size_t i = 0; array->n <= PAIRS_MOST && i < array->n; i++)
		for (size_t k = 0; k < i; k++)
			if (json_eq(&array->items[i], &array->items[k]))
				return false;
	return true;
}

static void
check_unique(Violations *v, const Json *want, const Json *schema, const Json *value, const Place *at)
{
	(void)schema;
	if (json_as_bool(want, false) && value->kind == JSON_ARRAY && !all_different(v->a, value))
		violation(v, at, "%.*s has equal items", STR_ARG(shown(v, value)));
}

static void
check_required(Violations *v, const Json *want, const Json *schema, const Json *value, const Place *at)
{
	(void)schema;
	for (size_t i = 0; value->kind == JSON_OBJECT && want->kind == JSON_ARRAY && i < want->n; i++) {
		Str name = json_as_str(&want->items[i]);

		/* One that is a property with null is said by the property itself. */
		if (json_get_str(value, name) == NULL && json_get_str(json_get(schema, "properties"), name) == NULL)
			violation(v, at, "\"%.*s\" is a required property", STR_ARG(name));
	}
}

static void
check_properties(Violations *v, const Json *want, const Json *schema, const Json *value, const Place *at)
{
	if (want->kind == JSON_OBJECT && value->kind == JSON_OBJECT) {
		Props p = { want->members, want->n, json_get(schema, "required") };

		schema_check_props(v, &p, value, at);
	}
}

static void
check_additional(Violations *v, const Json *want, const Json *schema, const Json *value, const Place *at)
{
	const Json *props = json_get(schema, "properties");

	for (size_t i = 0; value->kind == JSON_OBJECT && i < value->n; i++) {
		const JsonMember *m = &value->members[i];
		Place here = { .up = at, .key = m->key };

		if (json_get_str(props, m->key) != NULL)
			continue;
		if (want->kind == JSON_OBJECT)
			schema_check_value(v, want, &m->value, &here);
		else if (!json_as_bool(want, true))
			violation(v, at, "\"%.*s\" is not a known property", STR_ARG(m->key));
	}
}

static size_t
branches_met(Violations *v, const Json *branches, const Json *value)
{
	size_t met = 0;

	for (size_t i = 0; branches->kind == JSON_ARRAY && i < branches->n; i++) {
		Violations quiet = {
			.a = v->a, .text = buf_open(v->a), .templates_pass = v->templates_pass, .secret = v->secret
		};

		schema_check_value(&quiet, &branches->items[i], value, NULL);
		met += quiet.n == 0;
	}
	return met;
}

static void
check_any_of(Violations *v, const Json *want, const Json *schema, const Json *value, const Place *at)
{
	(void)schema;
	if (branches_met(v, want, value) == 0)
		violation(
		    v, at, "%.*s is not valid under any of the schemas listed in 'anyOf'", STR_ARG(shown(v, value)));
}

static void
check_one_of(Violations *v, const Json *want, const Json *schema, const Json *value, const Place *at)
{
	size_t met = branches_met(v, want, value);

	(void)schema;
	if (met != 1)
		violation(v, at, "%.*s is valid under %s of the schemas listed in 'oneOf'", STR_ARG(shown(v, value)),
		    met == 0 ? "none" : "more than one");
}

static void
check_all_of(Violations *v, const Json *want, const Json *schema, const Json *value, const Place *at)
{
	(void)schema;
	for (size_t i = 0; want->kind == JSON_ARRAY && i < want->n; i++)
		schema_check_value(v, &want->items[i], value, at);
}

static void
check_not(Violations *v, const Json *want, const Json *schema, const Json *value, const Place *at)
{
	Violations quiet = {
		.a = v->a, .text = buf_open(v->a), .templates_pass = v->templates_pass, .secret = v->secret
	};

	(void)schema;
	schema_check_value(&quiet, want, value, NULL);
	if (quiet.n == 0)
		violation(v, at, "%.*s is what 'not' forbids", STR_ARG(shown(v, value)));
}

static const struct {
	const char *key;
	void (*check)(Violations *v, const Json *want, const Json *schema, const Json *value, const Place *at);
} keywords[] = {
	{ "type", check_type },
	{ "enum", check_enum },
	{ "const", check_const },
	{ "minimum", check_minimum },
	{ "maximum", check_maximum },
	{ "exclusiveMinimum", check_above },
	{ "exclusiveMaximum", check_below },
	{ "multipleOf", check_multiple },
	{ "minLength", check_min_length },
	{ "maxLength", check_max_length },
	{ "pattern", check_pattern },
	{ "items", check_items },
	{ "minItems", check_min_items },
	{ "maxItems", check_max_items },
	{ "uniqueItems", check_unique },
	{ "required", check_required },
	{ "properties", check_properties },
	{ "additionalProperties", check_additional },
	{ "anyOf", check_any_of },
	{ "oneOf", check_one_of },
	{ "allOf", check_all_of },
	{ "not", check_not },
};

void
schema_check_value(Violations *v, const Json *schema, const Json *value, const Place *at)
{
	bool was = v->secret;

	if (json_is(schema, JSON_BOOL) && !schema->b)
		violation(v, at, "nothing is allowed here");
	if (!json_is(schema, JSON_OBJECT) || (v->templates_pass && is_template(value)))
		return;
	v->secret = was || secret_within(schema);
	for (size_t m = 0; m < schema->n; m++)
		for (size_t i = 0; i < countof(keywords); i++)
			if (str_is(schema->members[m].key, keywords[i].key)) {
				keywords[i].check(v, &schema->members[m].value, schema, value, at);
				break;
			}
	v->secret = was;
}

/* An optional parameter that is null counts as not given: a template whose path was missing makes one. */
void
schema_check_props(Violations *v, const Props *p, const Json *values, const Place *at)
{
	for (size_t i = 0; i < p->n; i++) {
		const JsonMember *prop = &p->members[i];
		const Json *have = json_get_str(values, prop->key);
		Place here = { .up = at, .key = prop->key };

		if (!json_is(&prop->value, JSON_OBJECT))
			continue;
		if (have == NULL && prop_required(p, prop))
			violation(v, at, "\"%.*s\" is a required property", STR_ARG(prop->key));
		else if (have != NULL && (!json_is_null(have) || prop_required(p, prop)))
			schema_check_value(v, &prop->value, have, &here);
	}
}
