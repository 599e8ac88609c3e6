/*
 * What values mean to the operators: truth, numbers, equality, order, membership.
 */
#include "expr/inner.h"

#include "base/codec.h"

#include <math.h>

bool
expr_truthy(const Json *v)
{
	if (v->kind == JSON_BOOL)
		return v->b;
	if (v->kind == JSON_INT)
		return v->i != 0;
	if (v->kind == JSON_REAL)
		return v->d != 0;
	return v->kind == JSON_BIG || (v->kind != JSON_NULL && v->n > 0);
}

const char *
kind_phrase(const Json *v)
{
	static const char *const phrases[JSON_KINDS] = {
		[JSON_NULL] = "null",
		[JSON_BOOL] = "a boolean",
		[JSON_INT] = "a number",
		[JSON_REAL] = "a number",
		[JSON_BIG] = "a number",
		[JSON_STRING] = "a string",
		[JSON_ARRAY] = "an array",
		[JSON_OBJECT] = "an object",
	};

	return phrases[v->kind];
}

/* Any number; one too large for a real is infinite. */
double
real_of(const Json *v)
{
	return json_as_real(v, v->kind == JSON_BIG && v->s[0] == '-' ? -HUGE_VAL : HUGE_VAL);
}

bool
real_as_int(double d, int64_t *ret)
{
	if (!(d >= -0x1p63 && d < 0x1p63) || d != trunc(d))
		return false;
	*ret = (int64_t)d;
	return true;
}

bool
real_result(Ev *ev, uint32_t at, double d, Json *ret)
{
	if (!isfinite(d))
		return ev_fail(ev, at, "the result is no finite number");
	*ret = json_real(d);
	return true;
}

Str
char_at(Str s, size_t index)
{
	return chars_sub(s, index, index + 1);
}

Str
chars_sub(Str s, size_t from, size_t to)
{
	size_t at = 0, n, begin;

	for (n = 0; n < from && at < s.n; n++)
		at += utf8_char(str_sub(s, at, at + 4));
	begin = at;
	for (; n < to && at < s.n; n++)
		at += utf8_char(str_sub(s, at, at + 4));
	return str_sub(s, begin, at);
}

static bool
objects_eq(Ev *ev, uint32_t at, const Json *x, const Json *y, bool *ret)
{
	for (uint32_t i = 0; *ret && i < x->n; i++) {
		const JsonMember *m = &x->members[i];
		const Json *other = &y->members[i].value;

		if (!str_eq(m->key, y->members[i].key)) {
			if (!ev_spend(ev, at, y->n))
				return false;
			other = json_get_str(y, m->key);
		}
		if (other == NULL)
			*ret = false;
		else if (!values_eq(ev, at, &m->value, other, ret))
			return false;
	}
	return true;
}

/* json_eq, but paid for: a value that holds the same part many times can be large to compare. */
bool
values_eq(Ev *ev, uint32_t at, const Json *x, const Json *y, bool *ret)
{
	if ((x->kind != JSON_ARRAY && x->kind != JSON_OBJECT) || x->kind != y->kind || x->n != y->n) {
		*ret = json_eq(x, y);
		return x->kind != JSON_STRING || ev_spend(ev, at, x->n / 256);
	}
	if (!ev_spend(ev, at, 1 + (uint64_t)x->n))
		return false;
	*ret = true;
	if (x->kind == JSON_OBJECT)
		return objects_eq(ev, at, x, y, ret);
	for (uint32_t i = 0; *ret && i < x->n; i++)
		if (!values_eq(ev, at, &x->items[i], &y->items[i], ret))
			return false;
	return true;
}

/* Exact also where a real cannot tell two integers apart. */
static int
order_int_real(int64_t i, double d)
{
	double whole;

	if (d >= 0x1p63)
		return -1;
	if (d < -0x1p63)
		return 1;
	whole = trunc(d);
	if (i != (int64_t)whole)
		return i < (int64_t)whole ? -1 : 1;
	return (d < whole) - (d > whole);
}

static int
order_numbers(const Json *x, const Json *y)
{
	double d, e;

	if (x->kind == JSON_INT && y->kind == JSON_INT)
		return (x->i > y->i) - (x->i < y->i);
	d = real_of(x);
	e = real_of(y);
	if (x->kind == JSON_INT)
		return order_int_real(x->i, e);
	if (y->kind == JSON_INT)
		return -order_int_real(y->i, d);
	return (d > e) - (d < e);
}

static bool
order_arrays(Ev *ev, uint32_t at, const Json *x, const Json *y, int *ret)
{
	*ret = 0;
	for (uint32_t i = 0; i < x->n && i < y->n; i++) {
		if (!values_order(ev, at, &x->items[i], &y->items[i], ret))
			return false;
		if (*ret != 0)
			return true;
	}
	*ret = (x->n > y->n) - (x->n < y->n);
	return true;
}

bool
values_order(Ev *ev, uint32_t at, const Json *x, const Json *y, int *ret)
{
	if (!ev_spend(ev, at, 1))
		return false;
	if (json_is_number(x) && json_is_number(y)) {
		*ret = order_numbers(x, y);
		return true;
	}
	if (x->kind == JSON_STRING && y->kind == JSON_STRING) {
		*ret = str_cmp(json_as_str(x), json_as_str(y));
		return ev_spend(ev, at, x->n / 256);
	}
	if (x->kind == JSON_ARRAY && y->kind == JSON_ARRAY)
		return order_arrays(ev, at, x, y, ret);
	return ev_fail(ev, at, "%s cannot be compared with %s", kind_phrase(x), kind_phrase(y));
}

static bool
find_text(Ev *ev, uint32_t at, Str hay, Str needle, size_t *ret)
{
	if (!ev_spend(ev, at, hay.n / 64))
		return false;
	*ret = SIZE_MAX;
	if (str_find(hay, needle, ret))
		*ret = utf8_length(str_sub(hay, 0, *ret));
	return true;
}

bool
value_find(Ev *ev, uint32_t at, const Json *hay, const Json *needle, size_t *ret)
{
	bool same = false;

	*ret = SIZE_MAX;
	if (hay->kind == JSON_STRING && needle->kind == JSON_STRING)
		return find_text(ev, at, json_as_str(hay), json_as_str(needle), ret);
	if (hay->kind == JSON_OBJECT && needle->kind == JSON_STRING) {
		*ret = json_get_str(hay, json_as_str(needle)) == NULL ? SIZE_MAX : 0;
		return ev_spend(ev, at, hay->n);
	}
	if (hay->kind != JSON_ARRAY)
		return ev_fail(ev, at, "%s cannot be looked for in %s", kind_phrase(needle), kind_phrase(hay));
	if (!ev_spend(ev, at, hay->n))
		return false;
	for (uint32_t i = 0; i < hay->n; i++) {
		if (!values_eq(ev, at, needle, &hay->items[i], &same))
			return false;
		if (same) {
			*ret = i;
			return true;
		}
	}
	return true;
}
