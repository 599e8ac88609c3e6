/*
 * Functions on lists, objects, and what strings have in common with lists.
 */
#include "base/codec.h"
#include "expr/functions.h"

#include <stdlib.h>

static bool
fail_kind(Ev *ev, const Node *x, const Json *v)
{
	return ev_fail(ev, x->kids[0]->at, "%s() does not take %s", x->call.function->name, kind_phrase(v));
}

static bool
fn_length(Ev *ev, const Node *x, const Json *args, Json *ret)
{
	const Json *v = &args[0];

	if (v->kind != JSON_STRING && v->kind != JSON_ARRAY && v->kind != JSON_OBJECT)
		return fail_kind(ev, x, v);
	*ret = json_int(v->kind == JSON_STRING ? (int64_t)utf8_length(json_as_str(v)) : (int64_t)v->n);
	return ev_spend(ev, x->at, v->kind == JSON_STRING ? v->n / 64 : 0);
}

static bool
fn_contains(Ev *ev, const Node *x, const Json *args, Json *ret)
{
	return op_in(ev, x->at, &args[1], &args[0], ret);
}

static bool
fn_index_of(Ev *ev, const Node *x, const Json *args, Json *ret)
{
	size_t where;

	if (args[0].kind == JSON_OBJECT)
		return fail_kind(ev, x, &args[0]);
	if (!value_find(ev, x->at, &args[0], &args[1], &where))
		return false;
	*ret = json_int(where == SIZE_MAX ? -1 : (int64_t)where);
	return true;
}

static int64_t
count_text(Str s, Str part)
{
	int64_t n = 0;
	size_t at;

	if (part.n == 0)
		return (int64_t)utf8_length(s) + 1;
	for (; str_find(s, part, &at); n++)
		s = str_sub(s, at + part.n, s.n);
	return n;
}

static bool
fn_count(Ev *ev, const Node *x, const Json *args, Json *ret)
{
	int64_t n = 0;
	bool same = false;

	if (args[0].kind == JSON_STRING && args[1].kind == JSON_STRING) {
		*ret = json_int(count_text(json_as_str(&args[0]), json_as_str(&args[1])));
		return ev_spend(ev, x->at, args[0].n / 64);
	}
	if (args[0].kind != JSON_ARRAY)
		return fail_kind(ev, x, &args[0]);
	for (uint32_t i = 0; i < args[0].n; i++) {
		if (!ev_spend(ev, x->at, 1) || !values_eq(ev, x->at, &args[1], &args[0].items[i], &same))
			return false;
		n += same;
	}
	*ret = json_int(n);
	return true;
}

static bool
reversed_text(Ev *ev, const Node *x, Str s, Json *ret)
{
	char *p;
	size_t at = s.n, n;

	if (!ev_room(ev, x->at, s.n + 1) || !ev_spend(ev, x->at, s.n / 16))
		return false;
	p = arena_alloc_raw(ev->a, s.n + 1);
	p[s.n] = '\0';
	*ret = json_str((Str){ p, s.n });
	for (; s.n > 0; s = str_sub(s, n, s.n)) {
		n = utf8_char(s);
		n = n == 0 ? 1 : n;
		at -= n;
		memcpy(p + at, s.p, n);
	}
	return true;
}

static bool
fn_reversed(Ev *ev, const Node *x, const Json *args, Json *ret)
{
	if (args[0].kind == JSON_STRING)
		return reversed_text(ev, x, json_as_str(&args[0]), ret);
	if (args[0].kind != JSON_ARRAY)
		return fail_kind(ev, x, &args[0]);
	if (!ev_array(ev, x->at, args[0].n, ret))
		return false;
	for (uint32_t i = 0; i < ret->n; i++)
		ret->items[i] = args[0].items[ret->n - 1 - i];
	return true;
}

/* One kind of items, which values_order can always compare; the budget was charged before. */
static int
by_order(const void *l, const void *r, void *ev)
{
	int order = 0;

	return values_order(ev, 0, l, r, &order) ? order : 0;
}

static bool
sortable(const Json *list)
{
	bool numbers = list->n > 0 && json_is_number(&list->items[0]);

	for (uint32_t i = 0; i < list->n; i++)
		if (numbers ? !json_is_number(&list->items[i]) : list->items[i].kind != JSON_STRING)
			return false;
	return true;
}

static void
merge_runs(Ev *ev, const Json *from, Json *to, size_t begin, size_t middle, size_t end)
{
	size_t l = begin, r = middle;

	for (size_t i = begin; i < end; i++)
		to[i] = l < middle && (r == end || by_order(&from[l], &from[r], ev) <= 0) ? from[l++] : from[r++];
}

/* A merge sort: stable, and its memory is the arena's. */
static bool
fn_sort(Ev *ev, const Node *x, const Json *args, Json *ret)
{
	Json list, other;

	if (!fn_want(ev, x, args, 0, JSON_ARRAY))
		return false;
	if (!sortable(&args[0]))
		return fn_fail(ev, x, "the items must be all numbers or all strings");
	if (!ev_array(ev, x->at, args[0].n, &list) || !ev_array(ev, x->at, args[0].n, &other))
		return false;
	if (list.n > 0)
		memcpy(list.items, args[0].items, list.n * sizeof(Json));
	for (size_t width = 1; width < list.n; width *= 2) {
		Json swap = list;

		for (size_t i = 0; i < list.n; i += 2 * width)
			merge_runs(ev, list.items, other.items, i, i + width < list.n ? i + width : list.n,
			    i + 2 * width < list.n ? i + 2 * width : list.n);
		list = other;
		other = swap;
	}
	*ret = list;
	return ev_spend(ev, x->at, 1); /* in case the comparisons ran out of steps */
}

/* Equal values have the same hash: 1 and 1.0 too. Containers are told apart by their size alone. */
static uint64_t
hash_of(const Json *v)
{
	int64_t i;

	if (v->kind == JSON_STRING)
		return str_hash(json_as_str(v));
	if (json_is_number(v)) {
		i = json_as_int(v, 0);
		return ((uint64_t)i + 1) * 0x9e3779b97f4a7c15ull;
	}
	return ((uint64_t)v->kind << 32 | (v->kind == JSON_BOOL ? v->b : v->n)) * 0xff51afd7ed558ccdull;
}

/* Puts the item into the table if it is new there. */
static bool
unique_add(Ev *ev, const Node *x, uint32_t *table, size_t mask, const Json *item, Json *list)
{
	bool same = false;

	for (size_t at = hash_of(item) >> 20 & mask; !same; at = (at + 1) & mask) {
		if (table[at] == 0) {
			list->items[list->n++] = *item;
			table[at] = list->n;
			return true;
		}
		if (!ev_spend(ev, x->at, 1) || !values_eq(ev, x->at, &list->items[table[at] - 1], item, &same))
			return false;
	}
	return true;
}

static bool
fn_unique(Ev *ev, const Node *x, const Json *args, Json *ret)
{
	size_t cap = 8;
	uint32_t *table;
	Json list;

	if (!fn_want(ev, x, args, 0, JSON_ARRAY) || !ev_array(ev, x->at, args[0].n, &list))
		return false;
	while (cap < 2 * (size_t)args[0].n)
		cap *= 2;
	if (!ev_room(ev, x->at, cap * sizeof(*table)))
		return false;
	table = arena_array(ev->a, uint32_t, cap);
	list.n = 0;
	for (uint32_t i = 0; i < args[0].n; i++)
		if (!unique_add(ev, x, table, cap - 1, &args[0].items[i], &list))
			return false;
	*ret = list;
	return true;
}

static bool
fn_flat(Ev *ev, const Node *x, const Json *args, Json *ret)
{
	size_t n = 0, at = 0;

	if (!fn_want(ev, x, args, 0, JSON_ARRAY))
		return false;
	for (uint32_t i = 0; i < args[0].n; i++)
		n += args[0].items[i].kind == JSON_ARRAY ? args[0].items[i].n : 1;
	if (!ev_array(ev, x->at, n, ret))
		return false;
	for (uint32_t i = 0; i < args[0].n; i++) {
		const Json *item = &args[0].items[i];
		size_t some = item->kind == JSON_ARRAY ? item->n : 1;

		if (some > 0)
			memcpy(&ret->items[at], item->kind == JSON_ARRAY ? item->items : item, some * sizeof(Json));
		at += some;
	}
	return true;
}

static bool
fn_zip(Ev *ev, const Node *x, const Json *args, Json *ret)
{
	if (!fn_want(ev, x, args, 0, JSON_ARRAY) || !fn_want(ev, x, args, 1, JSON_ARRAY) ||
	    !ev_array(ev, x->at, args[0].n < args[1].n ? args[0].n : args[1].n, ret))
		return false;
	for (uint32_t i = 0; i < ret->n; i++) {
		if (!ev_array(ev, x->at, 2, &ret->items[i]))
			return false;
		ret->items[i].items[0] = args[0].items[i];
		ret->items[i].items[1] = args[1].items[i];
	}
	return true;
}

static bool
fn_range(Ev *ev, const Node *x, const Json *args, Json *ret)
{
	int64_t start = x->n > 1 ? args[0].i : 0, end;
	uint64_t n;

	for (size_t i = 0; i < x->n; i++)
		if (!fn_want(ev, x, args, i, JSON_INT))
			return false;
	end = args[x->n - 1].i;
	n = end > start ? (uint64_t)end - (uint64_t)start : 0;
	if (n > EXPR_MEMORY_MOST)
		return ev_room(ev, x->at, SIZE_MAX);
	if (!ev_array(ev, x->at, n, ret))
		return false;
	for (uint32_t i = 0; i < ret->n; i++)
		ret->items[i] = json_int(start + i);
	return true;
}

static bool
fn_slice(Ev *ev, const Node *x, const Json *args, Json *ret)
{
	size_t n = args[0].n, from, to;

	if (args[0].kind != JSON_STRING && args[0].kind != JSON_ARRAY)
		return fail_kind(ev, x, &args[0]);
	for (size_t i = 1; i < x->n; i++) {
		if (!fn_want(ev, x, args, i, JSON_INT))
			return false;
		if (args[i].i < 0)
			return ev_fail(ev, x->kids[i]->at, "slice() takes no negative positions");
	}
	to = x->n < 3 || (uint64_t)args[2].i > n ? n : (size_t)args[2].i;
	from = (uint64_t)args[1].i > to ? to : (size_t)args[1].i;
	if (args[0].kind == JSON_STRING) {
		*ret = json_str(chars_sub(json_as_str(&args[0]), from, to));
		return ev_spend(ev, x->at, n / 16);
	}
	if (!ev_array(ev, x->at, to - from, ret))
		return false;
	if (to > from)
		memcpy(ret->items, args[0].items + from, (to - from) * sizeof(Json));
	return true;
}

/* Shallow; the right side wins, at the place of the left. */
static bool
fn_merge(Ev *ev, const Node *x, const Json *args, Json *ret)
{
	const Json *l = &args[0], *r = &args[1];
	Json o = json_object();
	Map names = map_open(ev->a);
	size_t most = (size_t)l->n + r->n;

	if (!fn_want(ev, x, args, 0, JSON_OBJECT) || !fn_want(ev, x, args, 1, JSON_OBJECT) ||
	    !ev_spend(ev, x->at, most) || !ev_room(ev, x->at, most * (sizeof(JsonMember) + 64)))
		return false;
	o.members = arena_array(ev->a, JsonMember, most);
	o.cap = (uint32_t)most;
	for (size_t i = 0; i < most; i++) {
		const JsonMember *m = i < l->n ? &l->members[i] : &r->members[i - l->n];
		JsonMember *was = map_get_str(&names, m->key);

		if (was == NULL) {
			was = &o.members[o.n++];
			map_put_str(&names, m->key, was);
		}
		*was = *m;
	}
	*ret = o;
	return true;
}

static bool
fn_chunks(Ev *ev, const Node *x, const Json *args, Json *ret)
{
	size_t size, n;

	if (!fn_want(ev, x, args, 0, JSON_ARRAY) || !fn_want(ev, x, args, 1, JSON_INT))
		return false;
	if (args[1].i < 1)
		return ev_fail(ev, x->kids[1]->at, "chunks() takes a size of at least 1");
	n = args[0].n;
	size = (uint64_t)args[1].i > n ? n + (n == 0) : (size_t)args[1].i;
	if (!ev_array(ev, x->at, (n + size - 1) / size, ret))
		return false;
	for (size_t i = 0; i < ret->n; i++) {
		size_t some = n - i * size < size ? n - i * size : size;

		if (!ev_array(ev, x->at, some, &ret->items[i]))
			return false;
		memcpy(ret->items[i].items, args[0].items + i * size, some * sizeof(Json));
	}
	return true;
}

static bool
fn_first(Ev *ev, const Node *x, const Json *args, Json *ret)
{
	if (!fn_want(ev, x, args, 0, JSON_ARRAY))
		return false;
	*ret = args[0].n == 0 ? json_null() : args[0].items[0];
	return true;
}

static bool
fn_last(Ev *ev, const Node *x, const Json *args, Json *ret)
{
	if (!fn_want(ev, x, args, 0, JSON_ARRAY))
		return false;
	*ret = args[0].n == 0 ? json_null() : args[0].items[args[0].n - 1];
	return true;
}

/* What the path finds in the item; null when it leads nowhere. */
static bool
pick(Ev *ev, const Node *x, const Json *item, Str path, Json *ret)
{
	Str step;

	for (Str rest = path; item != NULL && str_cut(&rest, '.', &step);) {
		if (!ev_spend(ev, x->at, 1 + item->n / MEMBERS_PER_STEP))
			return false;
		item = step.n == 0 ? json_get_str(item, step) : json_path(item, step);
	}
	*ret = item == NULL ? json_null() : *item;
	return true;
}

static bool
fn_map(Ev *ev, const Node *x, const Json *args, Json *ret)
{
	if (!fn_want(ev, x, args, 0, JSON_ARRAY) || !fn_want(ev, x, args, 1, JSON_STRING) ||
	    !ev_array(ev, x->at, args[0].n, ret))
		return false;
	for (uint32_t i = 0; i < ret->n; i++)
		if (!pick(ev, x, &args[0].items[i], json_as_str(&args[1]), &ret->items[i]))
			return false;
	return true;
}

/* The items whose path finds that value; without a value, something true. */
static bool
fn_filter(Ev *ev, const Node *x, const Json *args, Json *ret)
{
	Json list;
	bool same;

	if (!fn_want(ev, x, args, 0, JSON_ARRAY) || !fn_want(ev, x, args, 1, JSON_STRING) ||
	    !ev_array(ev, x->at, args[0].n, &list))
		return false;
	list.n = 0;
	for (uint32_t i = 0; i < args[0].n; i++) {
		Json v;

		if (!pick(ev, x, &args[0].items[i], json_as_str(&args[1]), &v))
			return false;
		same = expr_truthy(&v);
		if (x->n > 2 && !values_eq(ev, x->at, &v, &args[2], &same))
			return false;
		if (same)
			list.items[list.n++] = args[0].items[i];
	}
	*ret = list;
	return true;
}

const Function expr_functions_list[] = {
	{ "length", 1, 1, fn_length },
	{ "contains", 2, 2, fn_contains },
	{ "index_of", 2, 2, fn_index_of },
	{ "count", 2, 2, fn_count },
	{ "reversed", 1, 1, fn_reversed },
	{ "sort", 1, 1, fn_sort },
	{ "unique", 1, 1, fn_unique },
	{ "flat", 1, 1, fn_flat },
	{ "zip", 2, 2, fn_zip },
	{ "range", 1, 2, fn_range },
	{ "slice", 2, 3, fn_slice },
	{ "merge", 2, 2, fn_merge },
	{ "chunks", 2, 2, fn_chunks },
	{ "first", 1, 1, fn_first },
	{ "last", 1, 1, fn_last },
	{ "map", 2, 2, fn_map },
	{ "filter", 2, 3, fn_filter },
	{ 0 },
};
