/*
 * The operators: two values in, one out; where they stand, for errors.
 */
#include "expr/inner.h"

#include <math.h>

bool
op_equal(Ev *ev, uint32_t at, const Json *x, const Json *y, Json *ret)
{
	bool same;

	if (!values_eq(ev, at, x, y, &same))
		return false;
	*ret = json_bool(same);
	return true;
}

bool
op_unequal(Ev *ev, uint32_t at, const Json *x, const Json *y, Json *ret)
{
	bool same;

	if (!values_eq(ev, at, x, y, &same))
		return false;
	*ret = json_bool(!same);
	return true;
}

bool
op_less(Ev *ev, uint32_t at, const Json *x, const Json *y, Json *ret)
{
	int order;

	if (!values_order(ev, at, x, y, &order))
		return false;
	*ret = json_bool(order < 0);
	return true;
}

bool
op_greater(Ev *ev, uint32_t at, const Json *x, const Json *y, Json *ret)
{
	return op_less(ev, at, y, x, ret);
}

bool
op_at_most(Ev *ev, uint32_t at, const Json *x, const Json *y, Json *ret)
{
	int order;

	if (!values_order(ev, at, x, y, &order))
		return false;
	*ret = json_bool(order <= 0);
	return true;
}

bool
op_at_least(Ev *ev, uint32_t at, const Json *x, const Json *y, Json *ret)
{
	return op_at_most(ev, at, y, x, ret);
}

bool
op_in(Ev *ev, uint32_t at, const Json *x, const Json *y, Json *ret)
{
	size_t where;

	if (!value_find(ev, at, y, x, &where))
		return false;
	*ret = json_bool(where != SIZE_MAX);
	return true;
}

bool
op_not_in(Ev *ev, uint32_t at, const Json *x, const Json *y, Json *ret)
{
	size_t where;

	if (!value_find(ev, at, y, x, &where))
		return false;
	*ret = json_bool(where == SIZE_MAX);
	return true;
}

static bool
add_texts(Ev *ev, uint32_t at, Str x, Str y, Json *ret)
{
	char *p;

	if (!ev_room(ev, at, x.n + y.n + 1) || !ev_spend(ev, at, (x.n + y.n) / 64))
		return false;
	p = arena_alloc_raw(ev->a, x.n + y.n + 1);
	memcpy(p, x.p, x.n);
	memcpy(p + x.n, y.p, y.n);
	p[x.n + y.n] = '\0';
	*ret = json_str((Str){ p, x.n + y.n });
	return true;
}

static bool
add_arrays(Ev *ev, uint32_t at, const Json *x, const Json *y, Json *ret)
{
	Json sum;

	if (!ev_array(ev, at, (size_t)x->n + y->n, &sum))
		return false;
	if (x->n > 0)
		memcpy(sum.items, x->items, x->n * sizeof(Json));
	if (y->n > 0)
		memcpy(sum.items + x->n, y->items, y->n * sizeof(Json));
	*ret = sum;
	return true;
}

static bool
int_result(Ev *ev, uint32_t at, bool overflow, int64_t i, Json *ret)
{
	if (overflow)
		return ev_fail(ev, at, "integer overflow");
	*ret = json_int(i);
	return true;
}

static bool
both_int(const Json *x, const Json *y)
{
	return x->kind == JSON_INT && y->kind == JSON_INT;
}

static bool
need_numbers(Ev *ev, uint32_t at, const char *op, const Json *x, const Json *y)
{
	if (json_is_number(x) && json_is_number(y))
		return true;
	return ev_fail(ev, at, "'%s' does not take %s and %s", op, kind_phrase(x), kind_phrase(y));
}

bool
op_add(Ev *ev, uint32_t at, const Json *x, const Json *y, Json *ret)
{
	bool overflow;
	int64_t i;

	if (x->kind == JSON_STRING && y->kind == JSON_STRING)
		return add_texts(ev, at, json_as_str(x), json_as_str(y), ret);
	if (x->kind == JSON_ARRAY && y->kind == JSON_ARRAY)
		return add_arrays(ev, at, x, y, ret);
	if (!need_numbers(ev, at, "+", x, y))
		return false;
	if (both_int(x, y)) {
		overflow = __builtin_add_overflow(x->i, y->i, &i);
		return int_result(ev, at, overflow, i, ret);
	}
	return real_result(ev, at, real_of(x) + real_of(y), ret);
}

bool
op_subtract(Ev *ev, uint32_t at, const Json *x, const Json *y, Json *ret)
{
	bool overflow;
	int64_t i;

	if (!need_numbers(ev, at, "-", x, y))
		return false;
	if (both_int(x, y)) {
		overflow = __builtin_sub_overflow(x->i, y->i, &i);
		return int_result(ev, at, overflow, i, ret);
	}
	return real_result(ev, at, real_of(x) - real_of(y), ret);
}

bool
op_multiply(Ev *ev, uint32_t at, const Json *x, const Json *y, Json *ret)
{
	bool overflow;
	int64_t i;

	if (!need_numbers(ev, at, "*", x, y))
		return false;
	if (both_int(x, y)) {
		overflow = __builtin_mul_overflow(x->i, y->i, &i);
		return int_result(ev, at, overflow, i, ret);
	}
	return real_result(ev, at, real_of(x) * real_of(y), ret);
}

/* An integer when both are and it comes out even. */
bool
op_divide(Ev *ev, uint32_t at, const Json *x, const Json *y, Json *ret)
{
	if (!need_numbers(ev, at, "/", x, y))
		return false;
	if (real_of(y) == 0)
		return ev_fail(ev, at, "division by zero");
	if (!both_int(x, y))
		return real_result(ev, at, real_of(x) / real_of(y), ret);
	if (y->i == -1)
		return int_result(ev, at, x->i == INT64_MIN, x->i == INT64_MIN ? 0 : -x->i, ret);
	if (x->i % y->i != 0)
		return real_result(ev, at, (double)x->i / (double)y->i, ret);
	*ret = json_int(x->i / y->i);
	return true;
}

/* What is left of a truncated division: it has the sign of the dividend. */
bool
op_modulo(Ev *ev, uint32_t at, const Json *x, const Json *y, Json *ret)
{
	if (!need_numbers(ev, at, "%", x, y))
		return false;
	if (real_of(y) == 0)
		return ev_fail(ev, at, "modulo by zero");
	if (!both_int(x, y))
		return real_result(ev, at, fmod(real_of(x), real_of(y)), ret);
	*ret = json_int(y->i == -1 ? 0 : x->i % y->i);
	return true;
}
