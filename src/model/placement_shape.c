#include "model/placement.h"

#include "base/names.h"

enum { WEIGHT_LEAST = 1, WEIGHT_MOST = 100 };

typedef struct Tidy {
	Arena *a;
	Err *err;
} Tidy;

/* Each gives the value completed; false says at which place what is wrong. */
typedef bool Shape(Tidy *t, Str at, Json *v);

static bool PRINTF(3, 4) bad(Tidy *t, Str at, const char *fmt, ...)
{
	va_list ap;
	Str text;

	va_start(ap, fmt);
	text = str_vfmt(t->a, fmt, ap);
	va_end(ap);
	return err_set(t->err, ERR_VALIDATION, "Validation failed: %.*s: %.*s", STR_ARG(at), STR_ARG(text));
}

static bool
each(Tidy *t, Str at, Json *list, Shape *shape)
{
	Json out = json_array();

	if (list->kind != JSON_ARRAY)
		return bad(t, at, "must be an array, not %s", json_kind_name(list->kind));
	for (size_t i = 0; i < list->n; i++) {
		Json v = list->items[i];

		if (!shape(t, str_fmt(t->a, "%.*s[%zu]", STR_ARG(at), i), &v))
			return false;
		json_push(t->a, &out, v);
	}
	*list = out;
	return true;
}

/* What is not known is left out. */
static void
keep_only(Tidy *t, Json *v, const char *const *keys, size_t n)
{
	Json out = json_object();

	for (size_t i = 0; i < v->n; i++)
		if (name_index(keys, n, v->members[i].key) >= 0)
			json_set_str(t->a, &out, v->members[i].key, v->members[i].value);
	*v = out;
}

static bool
text_shape(Tidy *t, Str at, Json *v)
{
	return v->kind == JSON_STRING || bad(t, at, "must be a string, not %s", json_kind_name(v->kind));
}

static bool
labels_shape(Tidy *t, Str at, Json *v)
{
	if (v->kind != JSON_OBJECT)
		return bad(t, at, "must be an object, not %s", json_kind_name(v->kind));
	for (size_t i = 0; i < v->n; i++)
		if (!text_shape(
			t, str_fmt(t->a, "%.*s.%.*s", STR_ARG(at), STR_ARG(v->members[i].key)), &v->members[i].value))
			return false;
	return true;
}

/* A member that must be one of a few words; a fallback is put where there is none. */
static bool
word(Tidy *t, Str at, Json *v, const char *key, const char *const *words, size_t n, const char *fallback)
{
	const Json *given = json_get(v, key);
	Json value = given == NULL ? json_null() : *given;

	if (value.kind == JSON_NULL && fallback != NULL) {
		json_set(t->a, v, key, json_cstr(fallback));
		return true;
	}
	return (value.kind == JSON_STRING && name_index(words, n, json_as_str(&value)) >= 0) ||
	       bad(t, str_fmt(t->a, "%.*s.%s", STR_ARG(at), key), "must be one of: %s, %s ...", words[0], words[n - 1]);
}

static bool
named(Tidy *t, Str at, Json *v)
{
	if (v->kind != JSON_OBJECT)
		return bad(t, at, "must be an object, not %s", json_kind_name(v->kind));
	return json_is(json_get(v, "key"), JSON_STRING) || bad(t, at, "needs a key, which is a string");
}

static bool
part(Tidy *t, Str at, Json *v, const char *key, bool (*shape)(Tidy *t, Str at, Json *v))
{
	const Json *given = json_get(v, key);
	Json value;

	if (given == NULL)
		return true;
	value = *given;
	if (!shape(t, str_fmt(t->a, "%.*s%s%s", STR_ARG(at), at.n > 0 ? "." : "", key), &value))
		return false;
	json_set(t->a, v, key, value);
	return true;
}

static bool
texts_shape(Tidy *t, Str at, Json *v)
{
	return each(t, at, v, text_shape);
}

static bool
expression_shape(Tidy *t, Str at, Json *v)
{
	static const char *const operators[] = { "in", "not_in", "exists", "does_not_exist" };
	static const char *const keys[] = { "key", "operator", "values" };

	if (!named(t, at, v) || !word(t, at, v, "operator", operators, countof(operators), NULL))
		return false;
	keep_only(t, v, keys, countof(keys));
	return part(t, at, v, "values", texts_shape);
}

static bool
expressions_shape(Tidy *t, Str at, Json *v)
{
	return each(t, at, v, expression_shape);
}

static bool
term_shape(Tidy *t, Str at, Json *v)
{
	static const char *const keys[] = { "match_labels", "match_expressions" };

	if (v->kind != JSON_OBJECT)
		return bad(t, at, "must be an object, not %s", json_kind_name(v->kind));
	keep_only(t, v, keys, countof(keys));
	return part(t, at, v, "match_labels", labels_shape) && part(t, at, v, "match_expressions", expressions_shape);
}

static bool
terms_shape(Tidy *t, Str at, Json *v)
{
	return each(t, at, v, term_shape);
}

static bool
preferred_shape(Tidy *t, Str at, Json *v)
{
	static const char *const keys[] = { "preference", "weight" };
	const Json *weight;

	if (v->kind != JSON_OBJECT || json_get(v, "preference") == NULL)
		return bad(t, at, "needs a preference, which is a term of labels");
	weight = json_get(v, "weight");
	if (weight == NULL || weight->kind == JSON_NULL)
		json_set(t->a, v, "weight", json_int(WEIGHT_LEAST));
	else if (weight->kind != JSON_INT || weight->i < WEIGHT_LEAST || weight->i > WEIGHT_MOST)
		return bad(t, at, "its weight must be from %d to %d", WEIGHT_LEAST, WEIGHT_MOST);
	keep_only(t, v, keys, countof(keys));
	return part(t, at, v, "preference", term_shape);
}

static bool
preferreds_shape(Tidy *t, Str at, Json *v)
{
	return each(t, at, v, preferred_shape);
}

static bool
affinity_shape(Tidy *t, Str at, Json *v)
{
	static const char *const keys[] = { "required", "anti_affinity", "preferred" };

	if (v->kind != JSON_OBJECT)
		return bad(t, at, "must be an object, not %s", json_kind_name(v->kind));
	keep_only(t, v, keys, countof(keys));
	return part(t, at, v, "required", terms_shape) && part(t, at, v, "anti_affinity", terms_shape) &&
	       part(t, at, v, "preferred", preferreds_shape);
}

static bool
toleration_shape(Tidy *t, Str at, Json *v)
{
	static const char *const keys[] = { "key", "operator", "value", "effect" };
	static const char *const operators[] = { "equal", "exists" };
	static const char *const effects[] = { "no_schedule", "prefer_no_schedule" };
	const Json *effect;

	if (!named(t, at, v) || !word(t, at, v, "operator", operators, countof(operators), operators[0]))
		return false;
	effect = json_get(v, "effect");
	if (effect != NULL && effect->kind != JSON_NULL && !word(t, at, v, "effect", effects, countof(effects), NULL))
		return false;
	keep_only(t, v, keys, countof(keys));
	return json_is_null(json_get(v, "value")) || part(t, at, v, "value", text_shape);
}

static bool
tolerations_shape(Tidy *t, Str at, Json *v)
{
	return each(t, at, v, toleration_shape);
}

/* A copy of an object that may be changed: its members are its own. */
static Json
own_copy(Arena *a, const Json *v)
{
	Json out;
	Err none = { 0 };

	return v->kind != JSON_NULL && json_parse(a, json_text(a, v), NULL, &out, &none) ? out : json_null();
}

bool
placement_tidy(Arena *a, Placement *p, Err *err)
{
	static const struct {
		const char *key;
		Shape *shape;
	} parts[] = {
		{ "worker_selector", labels_shape },
		{ "worker_tolerations", tolerations_shape },
		{ "worker_affinity", affinity_shape },
	};
	Json values[] = { own_copy(a, &p->selector), own_copy(a, &p->tolerations), own_copy(a, &p->affinity) };
	Tidy t = { a, err };

	for (size_t i = 0; i < countof(parts); i++)
		if (values[i].kind != JSON_NULL && !parts[i].shape(&t, str_of(parts[i].key), &values[i]))
			return false;
	*p = (Placement){ values[0], values[1], values[2] };
	return true;
}
