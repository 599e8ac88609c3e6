#include "model/placement.h"

enum { WEIGHT_MOST = 100 };

typedef struct Items {
	const Json *items;
	size_t n;
} Items;

static Items
items_of(const Json *array)
{
	return json_is(array, JSON_ARRAY) ? (Items){ array->items, array->n } : (Items){ NULL, 0 };
}

static size_t
member_count(const Json *object)
{
	return json_is(object, JSON_OBJECT) ? object->n : 0;
}

/* A label that is not there equals nothing. */
static bool
label_eq(const Json *have, const Json *want)
{
	return have != NULL && json_eq(have, want);
}

static bool
holds_value(const Json *values, const Json *have)
{
	Items v = items_of(values);

	for (size_t i = 0; i < v.n; i++)
		if (label_eq(have, &v.items[i]))
			return true;
	return false;
}

static bool
expr_in(const Json *have, const Json *values)
{
	return have != NULL && holds_value(values, have);
}

static bool
expr_not_in(const Json *have, const Json *values)
{
	return !expr_in(have, values);
}

static bool
expr_exists(const Json *have, const Json *values)
{
	(void)values;
	return have != NULL;
}

static bool
expr_missing(const Json *have, const Json *values)
{
	(void)values;
	return have == NULL;
}

static const struct {
	const char *name;
	bool (*holds)(const Json *have, const Json *values);
} label_operators[] = {
	{ "in", expr_in },
	{ "not_in", expr_not_in },
	{ "exists", expr_exists },
	{ "does_not_exist", expr_missing },
};

static bool
expression_holds(const Json *e, const Json *labels)
{
	const Json *have = json_get_str(labels, json_get_text(e, "key"));

	for (size_t i = 0; i < countof(label_operators); i++)
		if (str_is(json_get_text(e, "operator"), label_operators[i].name))
			return label_operators[i].holds(have, json_get(e, "values"));
	return false;
}

static bool
labels_match(const Json *want, const Json *labels, const JsonMember **ret_missing)
{
	for (size_t i = 0; i < member_count(want); i++) {
		const JsonMember *m = &want->members[i];

		if (!label_eq(json_get_str(labels, m->key), &m->value)) {
			*ret_missing = m;
			return false;
		}
	}
	return true;
}

static bool
term_matches(const Json *term, const Json *labels)
{
	Items e = items_of(json_get(term, "match_expressions"));
	const JsonMember *missing;

	if (!labels_match(json_get(term, "match_labels"), labels, &missing))
		return false;
	for (size_t i = 0; i < e.n; i++)
		if (!expression_holds(&e.items[i], labels))
			return false;
	return true;
}

static bool
any_term(const Json *terms, const Json *labels)
{
	Items t = items_of(terms);

	for (size_t i = 0; i < t.n; i++)
		if (term_matches(&t.items[i], labels))
			return true;
	return false;
}

static Str
text_or(const Json *object, const char *key, const char *fallback)
{
	Str s = json_get_text(object, key);

	return str_none(s) ? str_of(fallback) : s;
}

static bool
tolerates(const Json *toleration, const Json *taint)
{
	Str effect = json_get_text(toleration, "effect");

	if (!str_eq(json_get_text(toleration, "key"), json_get_text(taint, "key")))
		return false;
	if (!str_none(effect) && !str_eq(effect, text_or(taint, "effect", "no_schedule")))
		return false;
	if (str_is(text_or(toleration, "operator", "equal"), "exists"))
		return true;
	return str_eq(text_or(toleration, "value", ""), text_or(taint, "value", ""));
}

static const Json *
taint_in_the_way(const Json *taints, const Json *tolerations)
{
	Items t = items_of(taints), have = items_of(tolerations);

	for (size_t i = 0; i < t.n; i++) {
		bool ok = !str_is(text_or(&t.items[i], "effect", "no_schedule"), "no_schedule");

		for (size_t k = 0; k < have.n && !ok; k++)
			ok = tolerates(&have.items[k], &t.items[i]);
		if (!ok)
			return &t.items[i];
	}
	return NULL;
}

static bool
no(Str *ret_why, Str why)
{
	if (ret_why != NULL)
		*ret_why = why;
	return false;
}

bool
placement_fits(Arena *a, const Placement *p, const Json *capabilities, Str *ret_why)
{
	const Json *labels = json_get(capabilities, "labels"), *taint;
	const Json *required = json_get(&p->affinity, "required");
	const JsonMember *missing;

	if (!labels_match(&p->selector, labels, &missing))
		return no(ret_why, ret_why == NULL ? (Str){ 0 }
						   : str_fmt(a, "lacks the label %.*s=%.*s", STR_ARG(missing->key),
							 STR_ARG(json_is(&missing->value, JSON_STRING)
								     ? json_as_str(&missing->value)
								     : json_text(a, &missing->value))));
	taint = taint_in_the_way(json_get(capabilities, "taints"), &p->tolerations);
	if (taint != NULL)
		return no(ret_why, ret_why == NULL ? (Str){ 0 }
						   : str_fmt(a, "has the taint %.*s, which is not tolerated",
							 STR_ARG(json_get_text(taint, "key"))));
	if (items_of(required).n > 0 && !any_term(required, labels))
		return no(ret_why, str_of("matches no required affinity term"));
	if (any_term(json_get(&p->affinity, "anti_affinity"), labels))
		return no(ret_why, str_of("matches an anti-affinity term"));
	return true;
}

static int64_t
weight_of(const Json *preferred)
{
	int64_t w = json_as_int(json_get(preferred, "weight"), 1);

	return w < 1 ? 1 : w > WEIGHT_MOST ? WEIGHT_MOST : w;
}

int64_t
placement_weight(const Placement *p, const Json *capabilities)
{
	Items terms = items_of(json_get(&p->affinity, "preferred"));
	const Json *labels = json_get(capabilities, "labels");
	int64_t sum = 0;

	for (size_t i = 0; i < terms.n; i++) {
		const Json *term = json_get(&terms.items[i], "preference");

		if (term_matches(term != NULL ? term : &terms.items[i], labels))
			sum += weight_of(&terms.items[i]);
	}
	return sum;
}
