/*
 * Whatever request target is accepted cannot be read in two ways: decoded once it holds no separator, no NUL and no bad UTF-8,
 * and written again it is decoded to the same.
 */
#include "base/codec.h"
#include "http/router.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const Route routes[] = {
	{ "GET", "/", NULL, NULL, ROUTE_PUBLIC, NULL, NULL, 200, "" },
	{ "GET", "/a/{x}", NULL, NULL, ROUTE_PUBLIC, NULL, NULL, 200, "" },
	{ "POST", "/a/b/c", NULL, NULL, ROUTE_PUBLIC, NULL, NULL, 200, "" },
	{ "GET", "/a/{x}/{y}/z", NULL, NULL, ROUTE_PUBLIC, NULL, NULL, 200, "" },
};

static void
must(bool holds)
{
	if (!holds)
		abort();
}

static Str
escaped(Arena *a, Str s)
{
	Buf b = buf_open(a);

	for (size_t i = 0; i < s.n; i++)
		buf_fmt(&b, "%%%02x", (unsigned)(unsigned char)s.p[i]);
	return buf_str(&b);
}

static void
check_value(Arena *a, Str value)
{
	Err err = { 0 };
	Str again;

	must(utf8_valid(value) && (value.n == 0 || memchr(value.p, '\0', value.n) == NULL));
	must(uri_value(a, escaped(a, value), &again, &err) && str_eq(value, again));
}

static void
check_path(Arena *a, const Router *r, Str path)
{
	Err err = { 0 };
	RouteMatch m;

	if (!router_find(r, a, METHOD_GET, path, &m, &err)) {
		must(err.code == ERR_INVALID || err.code == ERR_NOT_FOUND);
		must(utf8_valid(str_of(err.text)));
		return;
	}
	must(m.methods != 0);
	for (size_t i = 0; m.entry != NULL && i < m.entry->n; i++) {
		must(m.values[i].n > 0 && memchr(m.values[i].p, '/', m.values[i].n) == NULL);
		must(!str_is(m.values[i], ".") && !str_is(m.values[i], ".."));
		check_value(a, m.values[i]);
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	CLEANUP(arena_done) Arena *a = arena_open();
	Str path, query;
	Err err = { 0 };
	Router *r;
	Query q;

	must(router_open(a, routes, countof(routes), &r, &err));
	if (!uri_split((Str){ (const char *)data, size }, &path, &query, &err)) {
		must(err.code == ERR_INVALID);
		return 0;
	}
	check_path(a, r, path);
	if (!uri_query(a, query, &q, &err)) {
		must(err.code == ERR_INVALID);
		return 0;
	}
	must(q.n <= URI_QUERY_MAX);
	for (size_t i = 0; i < q.n; i++) {
		check_value(a, q.items[i].name);
		check_value(a, q.items[i].value);
	}
	return 0;
}
