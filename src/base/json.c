#include "base/json.h"

#include "base/json_inner.h"

#include <math.h>

enum { ROOM_FIRST = 4 };

static const char *const kind_names[JSON_KINDS] = {
	[JSON_NULL] = "null",
	[JSON_BOOL] = "bool",
	[JSON_INT] = "number",
	[JSON_REAL] = "number",
	[JSON_BIG] = "number",
	[JSON_STRING] = "string",
	[JSON_ARRAY] = "array",
	[JSON_OBJECT] = "object",
};

Json
json_real(double d)
{
	return isfinite(d) ? (Json){ .kind = JSON_REAL, .d = d } : json_null();
}

Json
json_str(Str s)
{
	return str_none(s) ? json_null() : (Json){ .kind = JSON_STRING, .n = (uint32_t)s.n, .s = s.p };
}

Json
json_cstr(const char *s)
{
	return json_str(str_of(s));
}

Json
json_array(void)
{
	return (Json){ .kind = JSON_ARRAY };
}

Json
json_object(void)
{
	return (Json){ .kind = JSON_OBJECT };
}

/* Makes room for one more item or member of the given size. */
static void
grow(Arena *a, Json *v, void **items, size_t size)
{
	uint32_t cap = v->cap == 0 ? ROOM_FIRST : v->cap * 2;

	if (v->n < v->cap)
		return;
	*items = arena_grow(a, *items, v->n * size, cap * size);
	v->cap = cap;
}

void
json_push(Arena *a, Json *array, Json item)
{
	void *items = array->items;

	grow(a, array, &items, sizeof(Json));
	array->items = items;
	array->items[array->n++] = item;
}

static void
append(Arena *a, Json *object, Str key, Json value)
{
	void *members = object->members;

	grow(a, object, &members, sizeof(JsonMember));
	object->members = members;
	object->members[object->n++] = (JsonMember){ key, value };
}

static JsonMember *
member(const Json *object, Str key)
{
	if (object == NULL || object->kind != JSON_OBJECT)
		return NULL;
	for (uint32_t i = 0; i < object->n; i++)
		if (str_eq(object->members[i].key, key))
			return &object->members[i];
	return NULL;
}

void
json_set_str(Arena *a, Json *object, Str key, Json value)
{
	JsonMember *m = member(object, key);

	if (m != NULL)
		m->value = value;
	else
		append(a, object, key, value);
}

void
json_set(Arena *a, Json *object, const char *key, Json value)
{
	json_set_str(a, object, str_of(key), value);
}

void
json_add(Arena *a, Json *object, const char *key, Json value)
{
	append(a, object, str_of(key), value);
}

bool
json_remove(Json *object, Str key)
{
	JsonMember *m = member(object, key);
	uint32_t at;

	if (m == NULL)
		return false;
	at = (uint32_t)(m - object->members);
	memmove(m, m + 1, (object->n - at - 1) * sizeof(JsonMember));
	object->n--;
	return true;
}

const Json *
json_get_str(const Json *object, Str key)
{
	const JsonMember *m = member(object, key);

	return m == NULL ? NULL : &m->value;
}

const Json *
json_get(const Json *object, const char *key)
{
	return json_get_str(object, str_of(key));
}

const Json *
json_at(const Json *array, size_t index)
{
	return json_is(array, JSON_ARRAY) && index < array->n ? &array->items[index] : NULL;
}

const Json *
json_path(const Json *v, Str path)
{
	int64_t index;
	Str step;

	while (v != NULL && str_cut(&path, '.', &step)) {
		if (v->kind == JSON_ARRAY)
			v = str_to_int(step, &index) && index >= 0 ? json_at(v, (size_t)index) : NULL;
		else
			v = json_get_str(v, step);
	}
	return v;
}

/* Whether the real is an integer that int64 holds. */
static bool
real_is_int(double d, int64_t *ret)
{
	if (!(d >= -0x1p63 && d < 0x1p63) || d != trunc(d))
		return false;
	*ret = (int64_t)d;
	return true;
}

int64_t
json_as_int(const Json *v, int64_t fallback)
{
	int64_t i;

	if (json_is(v, JSON_INT))
		return v->i;
	return json_is(v, JSON_REAL) && real_is_int(v->d, &i) ? i : fallback;
}

double
json_as_real(const Json *v, double fallback)
{
	double d;

	if (json_is(v, JSON_REAL))
		return v->d;
	if (json_is(v, JSON_INT))
		return (double)v->i;
	if (json_is(v, JSON_BIG) && str_to_real((Str){ v->s, v->n }, &d) && isfinite(d))
		return d;
	return fallback;
}

bool
json_as_bool(const Json *v, bool fallback)
{
	return json_is(v, JSON_BOOL) ? v->b : fallback;
}

Str
json_get_text(const Json *object, const char *key)
{
	return json_as_str(json_get(object, key));
}

bool
json_is(const Json *v, JsonKind kind)
{
	return v != NULL && v->kind == kind;
}

bool
json_is_null(const Json *v)
{
	return v == NULL || v->kind == JSON_NULL;
}

bool
json_is_number(const Json *v)
{
	return v != NULL && (v->kind == JSON_INT || v->kind == JSON_REAL || v->kind == JSON_BIG);
}

const char *
json_kind_name(JsonKind kind)
{
	return kind_names[kind];
}

static bool
numbers_eq(const Json *a, const Json *b)
{
	int64_t i;

	if (a->kind == JSON_REAL && b->kind == JSON_REAL)
		return a->d == b->d;
	if (a->kind == JSON_INT && b->kind == JSON_INT)
		return a->i == b->i;
	if (a->kind == JSON_BIG || b->kind == JSON_BIG)
		return a->kind == b->kind && str_eq((Str){ a->s, a->n }, (Str){ b->s, b->n });
	return a->kind == JSON_INT ? real_is_int(b->d, &i) && i == a->i : real_is_int(a->d, &i) && i == b->i;
}

static bool
objects_eq(const Json *a, const Json *b)
{
	for (uint32_t i = 0; i < a->n; i++) {
		const JsonMember *m = &a->members[i];
		const Json *other;

		/* mostly both have the same order, which keeps large objects from being searched */
		if (str_eq(m->key, b->members[i].key))
			other = &b->members[i].value;
		else
			other = json_get_str(b, m->key);
		if (other == NULL || !json_eq(&m->value, other))
			return false;
	}
	return true;
}

static bool
arrays_eq(const Json *a, const Json *b)
{
	for (uint32_t i = 0; i < a->n; i++)
		if (!json_eq(&a->items[i], &b->items[i]))
			return false;
	return true;
}

bool
json_eq(const Json *a, const Json *b)
{
	if (json_is_null(a) || json_is_null(b))
		return json_is_null(a) && json_is_null(b);
	if (json_is_number(a) && json_is_number(b))
		return numbers_eq(a, b);
	if (a->kind != b->kind)
		return false;
	if (a->kind == JSON_BOOL)
		return a->b == b->b;
	if (a->n != b->n)
		return false;
	if (a->kind == JSON_STRING)
		return str_eq(json_as_str(a), json_as_str(b));
	return a->kind == JSON_ARRAY ? arrays_eq(a, b) : objects_eq(a, b);
}

static Json
clone_object(Arena *a, const Json *v)
{
	Json r = { .kind = JSON_OBJECT, .n = v->n, .cap = v->n };

	r.members = arena_array(a, JsonMember, v->n);
	for (uint32_t i = 0; i < v->n; i++) {
		r.members[i].key = str_copy(a, v->members[i].key);
		r.members[i].value = json_clone(a, &v->members[i].value);
	}
	return r;
}

static Json
clone_array(Arena *a, const Json *v)
{
	Json r = { .kind = JSON_ARRAY, .n = v->n, .cap = v->n };

	r.items = arena_array(a, Json, v->n);
	for (uint32_t i = 0; i < v->n; i++)
		r.items[i] = json_clone(a, &v->items[i]);
	return r;
}

Json
json_clone(Arena *a, const Json *v)
{
	Json r;

	if (v == NULL)
		return json_null();
	if (v->kind == JSON_OBJECT)
		return clone_object(a, v);
	if (v->kind == JSON_ARRAY)
		return clone_array(a, v);
	r = *v;
	if (v->kind == JSON_STRING || v->kind == JSON_BIG)
		r.s = str_copy(a, (Str){ v->s, v->n }).p;
	return r;
}

static bool
has_nul(Str s)
{
	return s.n > 0 && memchr(s.p, '\0', s.n) != NULL;
}

bool
json_has_nul(const Json *v)
{
	if (v == NULL)
		return false;
	if (v->kind == JSON_STRING)
		return has_nul((Str){ v->s, v->n });
	for (uint32_t i = 0; i < v->n && v->kind == JSON_ARRAY; i++)
		if (json_has_nul(&v->items[i]))
			return true;
	for (uint32_t i = 0; i < v->n && v->kind == JSON_OBJECT; i++)
		if (has_nul(v->members[i].key) || json_has_nul(&v->members[i].value))
			return true;
	return false;
}

enum { DIGITS_MOST = 4096 };

static bool
is_vast(Str number)
{
	Str exponent = number;

	while (exponent.n > 0 && exponent.p[0] != 'e' && exponent.p[0] != 'E')
		exponent = str_sub(exponent, 1, exponent.n);
	exponent = str_sub(exponent, 1, exponent.n);
	if (exponent.n > 0 && (exponent.p[0] == '-' || exponent.p[0] == '+'))
		exponent = str_sub(exponent, 1, exponent.n);
	while (exponent.n > 0 && exponent.p[0] == '0')
		exponent = str_sub(exponent, 1, exponent.n);
	if (number.n > DIGITS_MOST || exponent.n > 4)
		return true;
	return exponent.n == 4 && str_cmp(exponent, str_of("1000")) > 0;
}

bool
json_has_vast(const Json *v)
{
	if (v == NULL)
		return false;
	if (v->kind == JSON_BIG)
		return is_vast((Str){ v->s, v->n });
	for (uint32_t i = 0; i < v->n && v->kind == JSON_ARRAY; i++)
		if (json_has_vast(&v->items[i]))
			return true;
	for (uint32_t i = 0; i < v->n && v->kind == JSON_OBJECT; i++)
		if (json_has_vast(&v->members[i].value))
			return true;
	return false;
}

static Str
without_nul(Arena *a, Str s)
{
	Buf b = buf_open(a);

	if (!has_nul(s))
		return s;
	for (size_t i = 0; i < s.n; i++) {
		if (s.p[i] == '\0')
			buf_text(&b, "\xef\xbf\xbd");
		else
			buf_char(&b, s.p[i]);
	}
	return buf_str(&b);
}

Json
json_storable(Arena *a, const Json *v)
{
	Json clean;

	if (!json_has_nul(v) && !json_has_vast(v))
		return *v;
	if (v->kind == JSON_BIG)
		return json_str((Str){ v->s, v->n });
	if (v->kind == JSON_STRING)
		return json_str(without_nul(a, (Str){ v->s, v->n }));
	clean = v->kind == JSON_ARRAY ? json_array() : json_object();
	for (uint32_t i = 0; i < v->n; i++) {
		if (v->kind == JSON_ARRAY)
			json_push(a, &clean, json_storable(a, &v->items[i]));
		else
			json_set_str(
			    a, &clean, without_nul(a, v->members[i].key), json_storable(a, &v->members[i].value));
	}
	return clean;
}
