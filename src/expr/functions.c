/*
 * The table of functions, and those that convert, inspect and count.
 */
#include "expr/functions.h"

#include <math.h>

bool
fn_want(Ev *ev, const Node *x, const Json *args, size_t i, JsonKind kind)
{
	const Json *v = &args[i], wanted = { .kind = kind };

	if (v->kind == kind || (kind == JSON_REAL && json_is_number(v)))
		return true;
	return ev_fail(ev, x->kids[i]->at, "%s() takes %s%s, not %s", x->call.function->name,
	    kind == JSON_INT ? "an integer" : kind_phrase(&wanted), x->n > 1 ? " here" : "", kind_phrase(v));
}

bool
fn_fail(Ev *ev, const Node *x, const char *why)
{
	return ev_fail(ev, x->at, "%s(): %s", x->call.function->name, why);
}

bool
fn_text(Ev *ev, const Node *x, const Json *v, Str *ret)
{
	Buf b = buf_open(ev->a);

	if (v->kind == JSON_STRING) {
		*ret = json_as_str(v);
		return true;
	}
	if (v->kind == JSON_NULL)
		buf_text(&b, "null");
	if (!ev_print(ev, x->at, &b, v))
		return false;
	*ret = buf_str(&b);
	return true;
}

static bool
fn_string(Ev *ev, const Node *x, const Json *args, Json *ret)
{
	Str text;

	if (!fn_text(ev, x, &args[0], &text))
		return false;
	*ret = json_str(text);
	return true;
}

/* A number as a real: of a number, of the text of one, of a boolean. */
static bool
to_real(Ev *ev, const Node *x, const Json *v, double *ret)
{
	*ret = v->kind == JSON_BOOL ? v->b : real_of(v);
	if (v->kind == JSON_BOOL || json_is_number(v))
		return true;
	if (v->kind != JSON_STRING)
		return ev_fail(ev, x->at, "%s() cannot read %s", x->call.function->name, kind_phrase(v));
	if (str_to_real(str_trim(json_as_str(v)), ret) && isfinite(*ret))
		return true;
	return ev_fail(
	    ev, x->at, "%s(): '%.*s' is no number", x->call.function->name, STR_ARG(expr_clip(json_as_str(v))));
}

static bool
fn_number(Ev *ev, const Node *x, const Json *args, Json *ret)
{
	double d;

	if (json_is_number(&args[0])) {
		*ret = args[0];
		return true;
	}
	return to_real(ev, x, &args[0], &d) && real_result(ev, x->at, d, ret);
}

static bool
int_of_real(Ev *ev, const Node *x, double d, Json *ret)
{
	int64_t i;

	if (!real_as_int(d, &i))
		return fn_fail(ev, x, "the result is too large for an integer");
	*ret = json_int(i);
	return true;
}

static bool
fn_int(Ev *ev, const Node *x, const Json *args, Json *ret)
{
	int64_t i;
	double d;

	if (args[0].kind == JSON_INT ||
	    (args[0].kind == JSON_STRING && str_to_int(str_trim(json_as_str(&args[0])), &i))) {
		*ret = json_int(args[0].kind == JSON_INT ? args[0].i : i);
		return true;
	}
	return to_real(ev, x, &args[0], &d) && int_of_real(ev, x, trunc(d), ret);
}

static bool
fn_bool(Ev *ev, const Node *x, const Json *args, Json *ret)
{
	(void)ev;
	(void)x;
	*ret = json_bool(expr_truthy(&args[0]));
	return true;
}

static bool
fn_type_of(Ev *ev, const Node *x, const Json *args, Json *ret)
{
	(void)ev;
	(void)x;
	*ret = json_cstr(json_kind_name(args[0].kind));
	return true;
}

static bool
fn_keys(Ev *ev, const Node *x, const Json *args, Json *ret)
{
	if (!fn_want(ev, x, args, 0, JSON_OBJECT) || !ev_array(ev, x->at, args[0].n, ret))
		return false;
	for (uint32_t i = 0; i < ret->n; i++)
		ret->items[i] = json_str(args[0].members[i].key);
	return true;
}

static bool
fn_values(Ev *ev, const Node *x, const Json *args, Json *ret)
{
	if (!fn_want(ev, x, args, 0, JSON_OBJECT) || !ev_array(ev, x->at, args[0].n, ret))
		return false;
	for (uint32_t i = 0; i < ret->n; i++)
		ret->items[i] = args[0].members[i].value;
	return true;
}

static bool
fn_abs(Ev *ev, const Node *x, const Json *args, Json *ret)
{
	if (!fn_want(ev, x, args, 0, JSON_REAL))
		return false;
	if (args[0].kind != JSON_INT)
		return real_result(ev, x->at, fabs(real_of(&args[0])), ret);
	if (args[0].i == INT64_MIN)
		return fn_fail(ev, x, "integer overflow");
	*ret = json_int(args[0].i < 0 ? -args[0].i : args[0].i);
	return true;
}

static bool
rounded(Ev *ev, const Node *x, const Json *args, double (*how)(double), Json *ret)
{
	if (!fn_want(ev, x, args, 0, JSON_REAL))
		return false;
	if (args[0].kind != JSON_INT)
		return int_of_real(ev, x, how(real_of(&args[0])), ret);
	*ret = args[0];
	return true;
}

static bool
fn_floor(Ev *ev, const Node *x, const Json *args, Json *ret)
{
	return rounded(ev, x, args, floor, ret);
}

static bool
fn_ceil(Ev *ev, const Node *x, const Json *args, Json *ret)
{
	return rounded(ev, x, args, ceil, ret);
}

static bool
fn_round(Ev *ev, const Node *x, const Json *args, Json *ret)
{
	return rounded(ev, x, args, round, ret);
}

/* Two numbers or two strings. */
static bool
pick(Ev *ev, const Node *x, const Json *args, bool larger, Json *ret)
{
	int order;

	if (!json_is_number(&args[0]) && args[0].kind != JSON_STRING)
		return fn_fail(ev, x, "give two numbers or two strings");
	if (!values_order(ev, x->at, &args[0], &args[1], &order))
		return false;
	*ret = args[larger ? order < 0 : order > 0];
	return true;
}

static bool
fn_min(Ev *ev, const Node *x, const Json *args, Json *ret)
{
	return pick(ev, x, args, false, ret);
}

static bool
fn_max(Ev *ev, const Node *x, const Json *args, Json *ret)
{
	return pick(ev, x, args, true, ret);
}

static bool
fn_sum(Ev *ev, const Node *x, const Json *args, Json *ret)
{
	Json sum = json_int(0);

	if (!fn_want(ev, x, args, 0, JSON_ARRAY) || !ev_spend(ev, x->at, args[0].n))
		return false;
	for (uint32_t i = 0; i < args[0].n; i++) {
		if (!json_is_number(&args[0].items[i]))
			return fn_fail(ev, x, "an item of the array is no number");
		if (!op_add(ev, x->at, &sum, &args[0].items[i], &sum))
			return false;
	}
	*ret = sum;
	return true;
}

static bool
fn_avg(Ev *ev, const Node *x, const Json *args, Json *ret)
{
	const Json n = json_int(args[0].n);
	Json sum;

	if (!fn_sum(ev, x, args, &sum))
		return false;
	if (args[0].n > 0)
		return op_divide(ev, x->at, &sum, &n, ret);
	*ret = json_null();
	return true;
}

/* The first argument if it leads somewhere and is not null. The language's only way to look where nothing may be. */
static bool
attempt(Ev *ev, const Node *x, Json *ret)
{
	ExprMissing was = ev->missing;
	Err *err = ev->err, why = { 0 };
	bool ok;

	ev->missing = EXPR_MISSING_IS_ERROR;
	ev->err = &why;
	ok = eval(ev, x, ret);
	ev->missing = was;
	ev->err = err;
	if (ok)
		return true;
	*ret = json_null();
	if (!ev->was_missing && err != NULL)
		*err = why;
	ok = ev->was_missing;
	ev->was_missing = false;
	return ok;
}

/* The first that is there. */
static bool
fn_coalesce(Ev *ev, const Node *x, const Json *args, Json *ret)
{
	(void)args;
	*ret = json_null();
	for (size_t i = 0; i < x->n; i++)
		if (!attempt(ev, x->kids[i], ret) || ret->kind != JSON_NULL)
			return ret->kind != JSON_NULL;
	return true;
}

static bool
fn_default(Ev *ev, const Node *x, const Json *args, Json *ret)
{
	(void)args;
	if (!attempt(ev, x->kids[0], ret))
		return false;
	return ret->kind != JSON_NULL || eval(ev, x->kids[1], ret);
}

const Function expr_functions_basic[] = {
	{ "string", 1, 1, fn_string },
	{ "number", 1, 1, fn_number },
	{ "int", 1, 1, fn_int },
	{ "bool", 1, 1, fn_bool },
	{ "type_of", 1, 1, fn_type_of },
	{ "keys", 1, 1, fn_keys },
	{ "values", 1, 1, fn_values },
	{ "abs", 1, 1, fn_abs },
	{ "floor", 1, 1, fn_floor },
	{ "ceil", 1, 1, fn_ceil },
	{ "round", 1, 1, fn_round },
	{ "min", 2, 2, fn_min },
	{ "max", 2, 2, fn_max },
	{ "sum", 1, 1, fn_sum },
	{ "avg", 1, 1, fn_avg },
	{ "default", 2, 2, fn_default, .lazy = true, .forgives = true },
	{ "coalesce", 1, ARGS_ANY, fn_coalesce, .lazy = true, .forgives = true },
	{ 0 },
};

const Function *
expr_function(Str name)
{
	static const Function *const tables[] = { expr_functions_basic, expr_functions_text, expr_functions_list,
		expr_functions_more };

	for (size_t t = 0; t < countof(tables); t++)
		for (const Function *f = tables[t]; f->name != NULL; f++)
			if (str_is(name, f->name))
				return f;
	return NULL;
}
