/*
 * The route table compiled into a trie of path segments. Static segments win over parameters; when the static branch leads
 * nowhere the parameter is tried. Built once at start, read by every thread afterwards.
 */
#pragma once

#include "http/http.h"
#include "http/uri.h"

typedef enum Method {
	METHOD_GET,
	METHOD_HEAD, /* every GET route answers it */
	METHOD_POST,
	METHOD_PUT,
	METHOD_PATCH,
	METHOD_DELETE,
	METHOD_OPTIONS,
	METHODS
} Method;

enum {
	ROUTER_DEPTH = 16, /* segments of a path */
	ROUTER_PARAMS = 6,
};

/* A row of the table with the names of its parameters, in order. */
typedef struct RouteEntry {
	const Route *route;
	Str names[ROUTER_PARAMS];
	size_t n;
} RouteEntry;

typedef struct RouteMatch {
	const RouteEntry *entry; /* NULL: the path exists, the method does not */
	Str values[ROUTER_PARAMS];
	unsigned methods; /* bits of what the path allows, for Allow */
} RouteMatch;

typedef struct Router Router;

bool method_parse(Str text, Method *ret);
const char *method_name(Method m);
/* "GET, HEAD, POST" */
Str methods_text(Arena *a, unsigned methods);

/* The router lies in the arena; the table must outlive it. A table that contradicts itself is ERR_INTERNAL. */
MUST_CHECK bool router_open(Arena *a, const Route *routes, size_t count, Router **ret, Err *err);
/* ERR_INVALID for a path that cannot be decoded, ERR_NOT_FOUND for one that nobody serves. */
MUST_CHECK bool router_find(const Router *r, Arena *a, Method method, Str path, RouteMatch *ret, Err *err);
