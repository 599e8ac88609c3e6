#include "http/router.h"

#include "test.h"

static const Route routes[] = {
	{ "GET", "/", NULL },
	{ "GET", "/api/v1/executions", NULL },
	{ "POST", "/api/v1/executions", NULL },
	{ "GET", "/api/v1/executions/{id}", NULL },
	{ "GET", "/api/v1/executions/stats", NULL },
	{ "POST", "/api/v1/executions/execute", NULL },
	{ "POST", "/api/v1/executions/{id}/cancel", NULL },
	{ "GET", "/api/v1/packs/{ref}/tests/{test}", NULL },
	{ "GET", "/api/v1/files/{path...}", NULL },
	{ "GET", "/api/v1/files/{name}/info", NULL },
};

typedef struct World {
	Arena *a;
	Router *router;
	Err err;
} World;

static void
world_done(World *w)
{
	arena_close(w->a);
}

static World
world_open(void)
{
	World w = { .a = arena_open() };

	CHECK_OK(router_open(w.a, routes, countof(routes), &w.router, &w.err), w.err);
	return w;
}

static const char *
path_of(World *w, Method m, const char *path, RouteMatch *ret)
{
	*ret = (RouteMatch){ 0 };
	if (!router_find(w->router, w->a, m, str_of(path), ret, &w->err))
		return err_code_name(w->err.code);
	return ret->entry == NULL ? "no method" : ret->entry->route->path;
}

TEST(a_rest_takes_all_segments_that_are_left)
{
	CLEANUP(world_done) World w = world_open();
	RouteMatch m;

	CHECK_STR(str_of(path_of(&w, METHOD_GET, "/api/v1/files/a/b%20c/d", &m)), str_of("/api/v1/files/{path...}"));
	CHECK_STR(m.values[0], str_of("a/b c/d"));
	CHECK_STR(str_of(path_of(&w, METHOD_GET, "/api/v1/files/a", &m)), str_of("/api/v1/files/{path...}"));
	CHECK_STR(m.values[0], str_of("a"));
	CHECK_STR(str_of(path_of(&w, METHOD_GET, "/api/v1/files/a/info", &m)), str_of("/api/v1/files/{name}/info"));
	CHECK_STR(m.values[0], str_of("a"));
	CHECK_STR(str_of(path_of(&w, METHOD_GET, "/api/v1/files", &m)), str_of("NOT_FOUND"));
}

TEST(a_static_segment_wins_over_a_parameter)
{
	CLEANUP(world_done) World w = world_open();
	RouteMatch m;

	CHECK_STR(str_of(path_of(&w, METHOD_GET, "/api/v1/executions/stats", &m)), str_of("/api/v1/executions/stats"));
	CHECK_STR(str_of(path_of(&w, METHOD_GET, "/api/v1/executions/7", &m)), str_of("/api/v1/executions/{id}"));
	CHECK_STR(m.values[0], str_of("7"));
}

TEST(a_static_branch_that_leads_nowhere_gives_way_to_the_parameter)
{
	CLEANUP(world_done) World w = world_open();
	RouteMatch m;

	CHECK_STR(str_of(path_of(&w, METHOD_POST, "/api/v1/executions/stats/cancel", &m)),
	    str_of("/api/v1/executions/{id}/cancel"));
	CHECK_STR(m.values[0], str_of("stats"));
}

TEST(a_path_without_that_method_says_what_it_allows)
{
	CLEANUP(world_done) World w = world_open();
	RouteMatch m;

	CHECK_STR(str_of(path_of(&w, METHOD_DELETE, "/api/v1/executions", &m)), str_of("no method"));
	CHECK_STR(methods_text(w.a, m.methods), str_of("GET, HEAD, POST, OPTIONS"));
	CHECK_STR(str_of(path_of(&w, METHOD_HEAD, "/api/v1/executions", &m)), str_of("/api/v1/executions"));
}

TEST(a_trailing_slash_or_an_empty_segment_is_not_forgiven)
{
	static const char *const bad[] = { "/api/v1/executions/", "/api/v1//executions", "//", "/api",
		"/api/v1/packs//tests/x", "/api/v1/executions//cancel", "/a/b/c/d/e/f/g/h/i/j/k/l/m/n/o/p/q/r/s" };
	CLEANUP(world_done) World w = world_open();
	RouteMatch m;

	for (size_t i = 0; i < countof(bad); i++)
		CHECK_STR(str_of(path_of(&w, METHOD_POST, bad[i], &m)), str_of("NOT_FOUND"));
	CHECK_STR(str_of(path_of(&w, METHOD_GET, "/", &m)), str_of("/"));
}

TEST(two_parameters_keep_their_order)
{
	CLEANUP(world_done) World w = world_open();
	RouteMatch m;

	CHECK_STR(str_of(path_of(&w, METHOD_GET, "/api/v1/packs/core/tests/a%20b", &m)),
	    str_of("/api/v1/packs/{ref}/tests/{test}"));
	CHECK_STR(m.entry->names[1], str_of("test"));
	CHECK_STR(m.values[0], str_of("core"));
	CHECK_STR(m.values[1], str_of("a b"));
}

TEST(a_route_given_twice_is_a_defect)
{
	static const Route twice[] = { { "GET", "/a/{x}", NULL }, { "GET", "/a/{y}", NULL } };
	CLEANUP(arena_done) Arena *a = arena_open();
	Router *r;
	Err err = { 0 };

	CHECK(!router_open(a, twice, countof(twice), &r, &err));
	CHECK_INT(err.code, ERR_INTERNAL);
}
