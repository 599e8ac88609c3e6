#include "model/condition.h"

#include "base/regex.h"

enum { NESTING_MOST = 16 };

typedef enum CondKind { COND_ALL, COND_ANY, COND_NOT, COND_TEST, COND_EXPR } CondKind;

typedef struct Operator Operator;

struct Condition {
	CondKind kind;
	const Condition **kids;
	size_t n;
	Str field;
	Path path;
	const Operator *op;
	const Json *value;
	bool ignore_case;
	const Regex *regex;
	const Expr *expr;
	Str text; /* of the expression */
};

struct Operator {
	const char *name;
	bool (*holds)(Arena *a, const Condition *c, const Json *have); /* have is NULL when the field is missing */
	bool wants_missing;                                            /* is asked even then */
};

/* Strict: 1 is not 1.0 here (in expressions they are equal). */
static bool
eq(const Condition *c, const Json *x, const Json *y)
{
	if (c->ignore_case && x->kind == JSON_STRING && y->kind == JSON_STRING)
		return str_eq_nocase(json_as_str(x), json_as_str(y));
	return x->kind == y->kind && json_eq(x, y);
}

static bool
op_equals(Arena *a, const Condition *c, const Json *have)
{
	(void)a;
	return eq(c, have, c->value);
}

static bool
op_not_equals(Arena *a, const Condition *c, const Json *have)
{
	(void)a;
	return !eq(c, have, c->value);
}

static Str
folded(Arena *a, const Condition *c, const Json *v)
{
	return c->ignore_case ? str_lower(a, json_as_str(v)) : json_as_str(v);
}

static bool
array_has(const Condition *c, const Json *array, const Json *item)
{
	for (size_t i = 0; i < array->n; i++)
		if (eq(c, &array->items[i], item))
			return true;
	return false;
}

static bool
op_contains(Arena *a, const Condition *c, const Json *have)
{
	if (have->kind == JSON_ARRAY)
		return array_has(c, have, c->value);
	return have->kind == JSON_STRING && c->value->kind == JSON_STRING &&
	       str_find(folded(a, c, have), folded(a, c, c->value), NULL);
}

static bool
op_not_contains(Arena *a, const Condition *c, const Json *have)
{
	return !op_contains(a, c, have);
}

static bool
op_in(Arena *a, const Condition *c, const Json *have)
{
	(void)a;
	return c->value->kind == JSON_ARRAY && array_has(c, c->value, have);
}

static bool
op_not_in(Arena *a, const Condition *c, const Json *have)
{
	return !op_in(a, c, have);
}

/* Numbers with numbers, texts with texts; false in *ret_ok else. */
static int
order(Arena *a, const Condition *c, const Json *have, bool *ret_ok)
{
	const Json *want = c->value;
	double x, y;

	*ret_ok = true;
	if (have->kind == JSON_STRING && want->kind == JSON_STRING)
		return str_cmp(folded(a, c, have), folded(a, c, want));
	if (have->kind == JSON_INT && want->kind == JSON_INT)
		return (have->i > want->i) - (have->i < want->i);
	*ret_ok = json_is_number(have) && json_is_number(want);
	x = json_as_real(have, 0);
	y = json_as_real(want, 0);
	return (x > y) - (x < y);
}

static bool
op_gt(Arena *a, const Condition *c, const Json *have)
{
	bool ok;

	return order(a, c, have, &ok) > 0 && ok;
}

static bool
op_gte(Arena *a, const Condition *c, const Json *have)
{
	bool ok;

	return order(a, c, have, &ok) >= 0 && ok;
}

static bool
op_lt(Arena *a, const Condition *c, const Json *have)
{
	bool ok;

	return order(a, c, have, &ok) < 0 && ok;
}

static bool
op_lte(Arena *a, const Condition *c, const Json *have)
{
	bool ok;

	return order(a, c, have, &ok) <= 0 && ok;
}

static bool
both_text(const Condition *c, const Json *have)
{
	return have->kind == JSON_STRING && c->value->kind == JSON_STRING;
}

static bool
op_starts(Arena *a, const Condition *c, const Json *have)
{
	return both_text(c, have) && str_starts(folded(a, c, have), folded(a, c, c->value));
}

static bool
op_ends(Arena *a, const Condition *c, const Json *have)
{
	return both_text(c, have) && str_ends(folded(a, c, have), folded(a, c, c->value));
}

static bool
op_matches(Arena *a, const Condition *c, const Json *have)
{
	return have->kind == JSON_STRING && regex_found(a, c->regex, json_as_str(have));
}

static bool
op_exists(Arena *a, const Condition *c, const Json *have)
{
	(void)a;
	(void)c;
	return have != NULL;
}

static bool
op_not_exists(Arena *a, const Condition *c, const Json *have)
{
	(void)a;
	(void)c;
	return have == NULL;
}

static const Operator operators[] = {
	{ "equals", op_equals },
	{ "not_equals", op_not_equals },
	{ "contains", op_contains },
	{ "not_contains", op_not_contains },
	{ "in", op_in },
	{ "not_in", op_not_in },
	{ "gt", op_gt },
	{ "gte", op_gte },
	{ "lt", op_lt },
	{ "lte", op_lte },
	{ "starts_with", op_starts },
	{ "ends_with", op_ends },
	{ "matches", op_matches },
	{ "exists", op_exists, .wants_missing = true },
	{ "not_exists", op_not_exists, .wants_missing = true },
};

static const Operator *
operator_of(Str name)
{
	for (size_t i = 0; i < countof(operators); i++)
		if (str_is(name, operators[i].name))
			return &operators[i];
	return NULL;
}

static Str
operators_all(Arena *a)
{
	Buf b = buf_open(a);

	for (size_t i = 0; i < countof(operators); i++)
		buf_fmt(&b, "%s%s", i == 0 ? "" : ", ", operators[i].name);
	return buf_str(&b);
}

static bool compile(Arena *a, const Json *v, unsigned depth, Condition *c, Str *why);

static bool
compile_regex(Arena *a, Condition *c, Str *why)
{
	Regex *x;
	Err err = { 0 };

	if (c->value->kind != JSON_STRING) {
		*why = str_fmt(a, "condition on '%.*s': 'matches' needs a pattern", STR_ARG(c->field));
		return false;
	}
	if (!regex_compile(a, json_as_str(c->value), c->ignore_case, &x, &err)) {
		*why = str_fmt(a, "condition on '%.*s': %s", STR_ARG(c->field), err.text);
		return false;
	}
	c->regex = x;
	return true;
}

static bool
compile_test(Arena *a, const Json *v, Condition *c, Str *why)
{
	Str name = json_get_text(v, "operator");

	c->kind = COND_TEST;
	c->field = json_get_text(v, "field");
	c->op = operator_of(name);
	c->value = json_get(v, "value");
	c->ignore_case = json_as_bool(json_get(v, "ignore_case"), false);
	if (c->field.n == 0) {
		*why = str_of("a condition without 'field'");
		return false;
	}
	if (c->op == NULL) {
		*why = str_fmt(a, "condition on '%.*s': unknown operator '%.*s': take one of %.*s", STR_ARG(c->field),
		    STR_ARG(name), STR_ARG(operators_all(a)));
		return false;
	}
	if (c->value == NULL)
		c->value = arena_new(a, Json); /* not given is null */
	c->path = path_parse(a, c->field);
	return c->op->holds != op_matches || compile_regex(a, c, why);
}

static bool
compile_list(Arena *a, const Json *list, CondKind kind, unsigned depth, Condition *c, Str *why)
{
	if (list->kind != JSON_ARRAY) {
		*why = str_of("'all' and 'any' take a list of conditions");
		return false;
	}
	c->kind = kind;
	c->n = list->n;
	c->kids = arena_array(a, const Condition *, c->n + 1);
	for (size_t i = 0; i < c->n; i++) {
		Condition *kid = arena_new(a, Condition);

		if (!compile(a, &list->items[i], depth + 1, kid, why))
			return false;
		c->kids[i] = kid;
	}
	return true;
}

static bool
compile_not(Arena *a, const Json *v, unsigned depth, Condition *c, Str *why)
{
	Condition *kid = arena_new(a, Condition);

	c->kind = COND_NOT;
	c->n = 1;
	c->kids = arena_array(a, const Condition *, 1);
	c->kids[0] = kid;
	return compile(a, v, depth + 1, kid, why);
}

static bool
compile_expr(Arena *a, const Json *v, Condition *c, Str *why)
{
	Err err = { 0 };

	c->kind = COND_EXPR;
	c->text = json_as_str(v);
	if (v->kind == JSON_STRING && condition_expr_compile(a, json_as_str(v), &c->expr, &err))
		return true;
	*why = v->kind == JSON_STRING ? str_fmt(a, "expression: %s", err.text) : str_of("'expression' must be a text");
	return false;
}

static bool
compile_object(Arena *a, const Json *v, unsigned depth, Condition *c, Str *why)
{
	const JsonMember *only = v->n == 1 ? &v->members[0] : NULL;

	if (v->n == 0) {
		c->kind = COND_ALL;
		return true;
	}
	if (json_get(v, "field") != NULL)
		return compile_test(a, v, c, why);
	if (json_get(v, "expression") != NULL)
		return compile_expr(a, json_get(v, "expression"), c, why);
	if (only != NULL && str_is(only->key, "all"))
		return compile_list(a, &only->value, COND_ALL, depth, c, why);
	if (only != NULL && str_is(only->key, "any"))
		return compile_list(a, &only->value, COND_ANY, depth, c, why);
	if (only != NULL && str_is(only->key, "not"))
		return compile_not(a, &only->value, depth, c, why);
	*why = str_fmt(a, "conditions are a list, or one of 'all', 'any', 'not', 'expression'; not '%.*s'",
	    STR_ARG(v->members[0].key));
	return false;
}

static bool
compile(Arena *a, const Json *v, unsigned depth, Condition *c, Str *why)
{
	if (depth > NESTING_MOST) {
		*why = str_fmt(a, "conditions are nested deeper than %d", NESTING_MOST);
		return false;
	}
	if (v->kind == JSON_ARRAY)
		return compile_list(a, v, COND_ALL, depth, c, why);
	if (v->kind == JSON_OBJECT)
		return compile_object(a, v, depth, c, why);
	if (v->kind == JSON_NULL)
		return true; /* COND_ALL of nothing */
	*why = str_fmt(a, "conditions cannot be a %s", json_kind_name(v->kind));
	return false;
}

bool
condition_compile(Arena *a, const Json *conditions, const Condition **ret, Str *ret_problem)
{
	Condition *c = arena_new(a, Condition);

	if (!compile(a, conditions, 0, c, ret_problem))
		return false;
	*ret = c;
	return true;
}

static bool
list_met(Arena *a, const Condition *c, const EventView *e)
{
	bool until = c->kind == COND_ANY;

	for (size_t i = 0; i < c->n; i++)
		if (condition_met(a, c->kids[i], e) == until)
			return until;
	return !until;
}

bool
condition_met(Arena *a, const Condition *c, const EventView *e)
{
	const Json *have;

	if (c->kind == COND_ALL || c->kind == COND_ANY)
		return list_met(a, c, e);
	if (c->kind == COND_NOT)
		return !condition_met(a, c->kids[0], e);
	if (c->kind == COND_EXPR)
		return condition_expr_holds(a, c->expr, e);
	have = path_get(&c->path, 0, e->payload);
	return (have != NULL || c->op->wants_missing) && c->op->holds(a, c, have);
}

static Json
explain_test(Arena *a, const Condition *c, const EventView *e)
{
	const Json *have = path_get(&c->path, 0, e->payload);
	Json o = json_object();

	json_add(a, &o, "field", json_str(c->field));
	json_add(a, &o, "operator", json_cstr(c->op->name));
	json_add(a, &o, "value", *c->value);
	json_add(a, &o, "found", json_bool(have != NULL));
	json_add(a, &o, "saw", have == NULL ? json_null() : *have);
	return o;
}

static Json
explain_expr(Arena *a, const Condition *c, const EventView *e)
{
	Json o = json_object();
	Err err = { 0 };

	json_add(a, &o, "expression", json_str(c->text));
	if (!condition_expr_value(a, c->expr, e, &err))
		json_add(a, &o, "problem", json_str(str_copy(a, str_of(err.text))));
	return o;
}

Json
condition_explain(Arena *a, const Condition *c, const EventView *e)
{
	static const char *const names[] = { [COND_ALL] = "all", [COND_ANY] = "any", [COND_NOT] = "not" };
	Json o = json_object(), kids = json_array();

	if (c->kind == COND_TEST) {
		o = explain_test(a, c, e);
	} else if (c->kind == COND_EXPR) {
		o = explain_expr(a, c, e);
	} else {
		for (size_t i = 0; i < c->n; i++)
			json_push(a, &kids, condition_explain(a, c->kids[i], e));
		json_add(a, &o, names[c->kind], kids);
	}
	json_add(a, &o, "holds", json_bool(condition_met(a, c, e)));
	return o;
}

bool
condition_key(Arena *a, const Condition *c, EqualityKey *ret)
{
	if (c->kind == COND_EXPR)
		return condition_expr_key(a, c->expr, ret);
	if (c->kind == COND_TEST && c->op->holds == op_equals && !c->ignore_case &&
	    (c->value->kind == JSON_STRING || c->value->kind == JSON_INT)) {
		*ret = (EqualityKey){ c->path, c->field, c->value };
		return true;
	}
	for (size_t i = 0; c->kind == COND_ALL && i < c->n; i++)
		if (condition_key(a, c->kids[i], ret))
			return true;
	return false;
}
