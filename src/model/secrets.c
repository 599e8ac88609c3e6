#include "model/secrets.h"

#include "model/params_inner.h"

enum { DEPTH_MOST = 32 };

static const char mark_key[] = "$attune_secret";

bool
secret_is_mark(const Json *v)
{
	return json_is(v, JSON_OBJECT) && v->n > 0 && json_as_bool(json_get(v, mark_key), false);
}

static Json
mark(Arena *a)
{
	Json m = json_object();

	json_add(a, &m, mark_key, json_bool(true));
	json_add(a, &m, "redacted", json_bool(true));
	return m;
}

static bool
marked(const Json *v, unsigned depth)
{
	if (secret_is_mark(v))
		return true;
	if (depth == DEPTH_MOST)
		return false;
	for (size_t i = 0; v->kind == JSON_OBJECT && i < v->n; i++)
		if (v->members[i].value.kind >= JSON_ARRAY && marked(&v->members[i].value, depth + 1))
			return true;
	for (size_t i = 0; v->kind == JSON_ARRAY && i < v->n; i++)
		if (v->items[i].kind >= JSON_ARRAY && marked(&v->items[i], depth + 1))
			return true;
	return false;
}

bool
secrets_marked(const Json *v)
{
	return v != NULL && marked(v, 0);
}

/* ---- schemas ---- */

static bool
is_secret(const Json *schema)
{
	return json_is(schema, JSON_OBJECT) && json_as_bool(json_get(schema, "secret"), false);
}

/* Of one value: its own properties, never the flat dialect. */
static Props
inner_props(const Json *schema)
{
	const Json *props = json_get(schema, "properties");

	return json_is(props, JSON_OBJECT) ? (Props){ props->members, props->n, NULL } : (Props){ 0 };
}

static bool
within(const Json *schema, unsigned depth)
{
	Props p = inner_props(schema);
	const Json *items = json_get(schema, "items");

	if (is_secret(schema))
		return true;
	if (depth == DEPTH_MOST)
		return false;
	for (size_t i = 0; i < p.n; i++)
		if (within(&p.members[i].value, depth + 1))
			return true;
	return json_is(items, JSON_OBJECT) && within(items, depth + 1);
}

bool
secret_within(const Json *schema)
{
	return within(schema, 0);
}

bool
secrets_in_schema(const Json *schema)
{
	Props p = props_of(schema);

	for (size_t i = 0; i < p.n; i++)
		if (within(&p.members[i].value, 0))
			return true;
	return false;
}

bool
secret_param(const Json *schema, Str name)
{
	Props p = props_of(schema);

	for (size_t i = 0; i < p.n; i++)
		if (str_eq(p.members[i].key, name))
			return is_secret(&p.members[i].value);
	return false;
}

/* ---- taking ---- */

typedef struct Taking {
	Arena *a;
	Secrets got;
	size_t cap;
} Taking;

static Str
deeper(Arena *a, Str path, Str key)
{
	Buf b = buf_open(a);

	buf_add(&b, path);
	buf_char(&b, '/');
	for (size_t i = 0; i < key.n; i++) {
		if (key.p[i] == '~' || key.p[i] == '/')
			buf_text(&b, key.p[i] == '~' ? "~0" : "~1");
		else
			buf_char(&b, key.p[i]);
	}
	return buf_str(&b);
}

static void
take(Taking *t, Json *v, Str path)
{
	Secrets *g = &t->got;

	if (v->kind == JSON_NULL)
		return;
	if (secret_is_mark(v)) {
		g->bare_mark = path;
		return;
	}
	if (g->n == t->cap) {
		size_t cap = t->cap == 0 ? 8 : t->cap * 2;

		g->list = arena_grow(t->a, g->list, g->n * sizeof(*g->list), cap * sizeof(*g->list));
		t->cap = cap;
	}
	g->list[g->n++] = (Secret){ path, *v };
	*v = mark(t->a);
}

static void take_props(Taking *t, const Props *p, Json *v, Str path, unsigned depth);

static void
take_in(Taking *t, const Json *schema, Json *v, Str path, unsigned depth)
{
	const Json *items = json_get(schema, "items");
	Props p = inner_props(schema);

	if (is_secret(schema)) {
		take(t, v, path);
		return;
	}
	if (depth == DEPTH_MOST)
		return;
	if (v->kind == JSON_OBJECT)
		take_props(t, &p, v, path, depth + 1);
	for (size_t i = 0; v->kind == JSON_ARRAY && json_is(items, JSON_OBJECT) && i < v->n; i++)
		take_in(t, items, &v->items[i], str_fmt(t->a, "%.*s/%zu", STR_ARG(path), i), depth + 1);
}

static void
take_props(Taking *t, const Props *p, Json *v, Str path, unsigned depth)
{
	for (size_t i = 0; i < p->n; i++) {
		Json *have = (Json *)(uintptr_t)json_get_str(v, p->members[i].key);

		if (have != NULL)
			take_in(t, &p->members[i].value, have, deeper(t->a, path, p->members[i].key), depth);
	}
}

Secrets
secrets_take(Arena *a, const Json *schema, Json *values)
{
	Taking t = { .a = a };
	Props p = props_of(schema);

	if (values->kind != JSON_OBJECT)
		return t.got;
	*values = json_clone(a, values);
	take_props(&t, &p, values, (Str){ "", 0 }, 0);
	return t.got;
}

/* ---- putting back ---- */

static Str
plain_key(Arena *a, Str escaped)
{
	Buf b = buf_open(a);

	for (size_t i = 0; i < escaped.n; i++) {
		bool special = escaped.p[i] == '~' && i + 1 < escaped.n;

		buf_char(&b, special ? (escaped.p[i + 1] == '1' ? '/' : '~') : escaped.p[i]);
		i += special;
	}
	return buf_str(&b);
}

static const Json *
step(Arena *a, const Json *v, Str key)
{
	int64_t i;

	if (v->kind == JSON_OBJECT)
		return json_get_str(v, plain_key(a, key));
	return v->kind == JSON_ARRAY && str_to_int(key, &i) && i >= 0 ? json_at(v, (size_t)i) : NULL;
}

/* NULL: there is no such place in it. */
static Json *
place_of(Arena *a, Json *values, Str path)
{
	Str rest = str_sub(path, 1, path.n), key;
	const Json *at = values;

	while (at != NULL && str_cut(&rest, '/', &key))
		at = step(a, at, key);
	return (Json *)(uintptr_t)at;
}

void
secrets_put(Arena *a, Json *values, const Secret *secrets, size_t n)
{
	Json copy = json_clone(a, values);

	for (size_t i = 0; i < n; i++) {
		Json *at = place_of(a, &copy, secrets[i].path);

		if (secret_is_mark(at))
			*at = secrets[i].value;
	}
	*values = copy;
}

void
secrets_mark(Arena *a, Json *values, const Secret *secrets, size_t n)
{
	Json copy = json_clone(a, values);

	for (size_t i = 0; i < n; i++) {
		Json *at = place_of(a, &copy, secrets[i].path);

		if (at != NULL)
			*at = mark(a);
	}
	*values = copy;
}
