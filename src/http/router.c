#include "http/router.h"

#include "base/codec.h"
#include "base/names.h"

enum { PATH_SHOWN = 200 }; /* bytes of a path in an error */

static const char *const names[METHODS] = {
	[METHOD_GET] = "GET",
	[METHOD_HEAD] = "HEAD",
	[METHOD_POST] = "POST",
	[METHOD_PUT] = "PUT",
	[METHOD_PATCH] = "PATCH",
	[METHOD_DELETE] = "DELETE",
	[METHOD_OPTIONS] = "OPTIONS",
};

typedef struct Node Node;
struct Node {
	Str segment;
	Node **children; /* static ones, in order of segment_order */
	size_t n;
	Node *param;
	Node *rest; /* {name...}: one segment or more, to the end */
	const RouteEntry *entries[METHODS];
	unsigned methods;
};

struct Router {
	Node *root;
};

typedef struct Path {
	Str segments[ROUTER_DEPTH];
	size_t n;
	size_t rest_at;    /* where a rest begins; 0: there is none */
	size_t rest_value; /* which value it is */
} Path;

bool
method_parse(Str text, Method *ret)
{
	int at = name_index(names, METHODS, text);

	if (at < 0)
		return false;
	*ret = (Method)at;
	return true;
}

const char *
method_name(Method m)
{
	return names[m];
}

Str
methods_text(Arena *a, unsigned methods)
{
	Buf b = buf_open(a);

	for (unsigned m = 0; m < METHODS; m++) {
		if ((methods & 1u << m) == 0)
			continue;
		if (b.n > 0)
			buf_text(&b, ", ");
		buf_text(&b, names[m]);
	}
	return buf_str(&b);
}

/* Length first: most comparisons end there. */
static int
segment_order(Str a, Str b)
{
	if (a.n != b.n)
		return a.n < b.n ? -1 : 1;
	return a.n == 0 ? 0 : memcmp(a.p, b.p, a.n);
}

static Node *
child_find(const Node *node, Str segment, size_t *ret_at)
{
	size_t low = 0, high = node->n;

	while (low < high) {
		size_t mid = (low + high) / 2;
		int order = segment_order(segment, node->children[mid]->segment);

		if (order == 0) {
			*ret_at = mid;
			return node->children[mid];
		}
		if (order < 0)
			high = mid;
		else
			low = mid + 1;
	}
	*ret_at = low;
	return NULL;
}

static Node *
child_make(Arena *a, Node *node, Str segment)
{
	size_t at;
	Node *child = child_find(node, segment, &at);

	if (child != NULL)
		return child;
	child = arena_new(a, Node);
	child->segment = segment;
	node->children = arena_grow(a, node->children, node->n * sizeof(Node *), (node->n + 1) * sizeof(Node *));
	memmove(node->children + at + 1, node->children + at, (node->n - at) * sizeof(Node *));
	node->children[at] = child;
	node->n++;
	return child;
}

static bool
is_param(Str segment)
{
	return segment.n > 2 && segment.p[0] == '{' && segment.p[segment.n - 1] == '}';
}

/* Segments of "/a/b": "a", "b". "/" is one empty segment, as "/a/" is "a" and an empty one. */
static bool
path_split(Str text, Path *ret)
{
	Str rest = str_sub(text, 1, text.n), piece;

	ret->n = ret->rest_at = 0;
	if (rest.n == 0) {
		ret->segments[ret->n++] = (Str){ "", 0 };
		return true;
	}
	while (str_cut(&rest, '/', &piece)) {
		if (ret->n == ROUTER_DEPTH)
			return false;
		ret->segments[ret->n++] = piece;
	}
	/* what ends in '/' has one more, empty segment; no route does */
	return text.p[text.n - 1] != '/';
}

static bool
route_add(Arena *a, Node *node, const Route *route, Err *err)
{
	RouteEntry *entry = arena_new(a, RouteEntry);
	Method method;
	Path path;

	entry->route = route;
	if (!method_parse(str_of(route->method), &method) || !path_split(str_of(route->path), &path))
		return err_set(err, ERR_INTERNAL, "route %s %s cannot be read", route->method, route->path);
	for (size_t i = 0; i < path.n; i++) {
		Str segment = path.segments[i];

		if (!is_param(segment)) {
			node = child_make(a, node, segment);
			continue;
		}
		if (entry->n == ROUTER_PARAMS)
			return err_set(err, ERR_INTERNAL, "route %s has too many parameters", route->path);
		if (str_ends(segment, str_of("...}"))) {
			if (i + 1 < path.n)
				return err_set(err, ERR_INTERNAL, "route %s goes on behind its rest", route->path);
			entry->names[entry->n++] = str_sub(segment, 1, segment.n - 4);
			if (node->rest == NULL)
				node->rest = arena_new(a, Node);
			node = node->rest;
			continue;
		}
		entry->names[entry->n++] = str_sub(segment, 1, segment.n - 1);
		if (node->param == NULL)
			node->param = arena_new(a, Node);
		node = node->param;
	}
	if (node->entries[method] != NULL)
		return err_set(err, ERR_INTERNAL, "route %s %s is there twice", route->method, route->path);
	node->entries[method] = entry;
	node->methods |= 1u << method | 1u << METHOD_OPTIONS;
	if (method == METHOD_GET)
		node->methods |= 1u << METHOD_HEAD;
	return true;
}

bool
router_open(Arena *a, const Route *routes, size_t count, Router **ret, Err *err)
{
	Router *r = arena_new(a, Router);

	r->root = arena_new(a, Node);
	for (size_t i = 0; i < count; i++)
		if (!route_add(a, r->root, &routes[i], err))
			return false;
	*ret = r;
	return true;
}

/* Recursion ends with the path, which has at most ROUTER_DEPTH segments. */
static const Node *
walk(const Node *node, Path *path, size_t at, Str *values, size_t given)
{
	const Node *found;
	size_t unused;

	if (at == path->n)
		return node->methods != 0 ? node : NULL;
	found = child_find(node, path->segments[at], &unused);
	if (found != NULL) {
		found = walk(found, path, at + 1, values, given);
		if (found != NULL)
			return found;
	}
	if (given == ROUTER_PARAMS || path->segments[at].n == 0)
		return NULL;
	values[given] = path->segments[at];
	found = node->param == NULL ? NULL : walk(node->param, path, at + 1, values, given + 1);
	if (found != NULL || node->rest == NULL)
		return found;
	path->rest_at = at;
	path->rest_value = given;
	return node->rest;
}

static bool
no_route(Arena *a, Method method, Str path, Err *err)
{
	Str shown = utf8_clean(a, str_sub(path, 0, PATH_SHOWN));

	return err_set(err, ERR_NOT_FOUND, "No route %s %.*s%s. The routes are listed in /api-spec/openapi.json",
	    names[method], STR_ARG(shown), path.n > PATH_SHOWN ? "..." : "");
}

/* The value is all that follows. */
static void
rest_join(Arena *a, const Path *path, Str *values)
{
	Buf b = buf_open(a);

	for (size_t i = path->rest_at; i < path->n; i++) {
		if (b.n > 0)
			buf_char(&b, '/');
		buf_add(&b, path->segments[i]);
	}
	values[path->rest_value] = buf_str(&b);
}

bool
router_find(const Router *r, Arena *a, Method method, Str text, RouteMatch *ret, Err *err)
{
	RouteMatch m = { 0 };
	const Node *node;
	Path path;
	bool whole = path_split(text, &path);

	for (size_t i = 0; i < path.n; i++)
		if (!uri_segment(a, path.segments[i], &path.segments[i], err))
			return false;
	node = whole ? walk(r->root, &path, 0, m.values, 0) : NULL;
	if (node == NULL)
		return no_route(a, method, text, err);
	if (path.rest_at > 0)
		rest_join(a, &path, m.values);
	m.methods = node->methods;
	m.entry = node->entries[method == METHOD_HEAD ? METHOD_GET : method];
	*ret = m;
	return true;
}
