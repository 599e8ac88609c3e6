#include "api/openapi.h"

#include "api/handlers.h"

#include <stdio.h>

static bool
components(Arena *a, Json *ret, Err *err)
{
	Json all = json_object();

	for (size_t i = 0; api_schemas[i] != NULL; i++) {
		Json file;

		if (!json_parse(a, str_of(api_schemas[i]), &(JsonLimits){ .unique_keys = true }, &file, err))
			return err_wrap(err, "schemas, file %zu", i);
		for (size_t k = 0; k < file.n; k++)
			json_set_str(a, &all, file.members[k].key, file.members[k].value);
	}
	*ret = json_object();
	json_add(a, ret, "schemas", all);
	return true;
}

static Json
paths(Arena *a)
{
	Json all = json_object();

	for (size_t i = 0; i < api_route_count; i++) {
		const Route *r = &api_routes[i];
		Str shown = openapi_path(a, r);
		const Json *there = json_get_str(&all, shown);
		Json path = there == NULL ? json_object() : *there;

		json_set_str(a, &path, str_lower(a, str_of(r->method)), openapi_operation(a, r));
		json_set_str(a, &all, shown, path);
	}
	return all;
}

/* Each group once, in the order of the table. */
static Json
tags(Arena *a)
{
	Json all = json_array();
	Str before = { 0 };

	for (size_t i = 0; i < api_route_count; i++) {
		Str tag = openapi_tag(&api_routes[i]);
		Json one = json_object();
		bool there = str_eq(tag, before);

		for (size_t k = 0; !there && k < all.n; k++)
			there = str_eq(json_as_str(json_get(&all.items[k], "name")), tag);
		before = tag;
		if (there)
			continue;
		json_add(a, &one, "name", json_str(tag));
		json_push(a, &all, one);
	}
	return all;
}

static Json
security_schemes(Arena *a)
{
	Json all = json_object(), bearer = json_object(), cookie = json_object();

	json_add(a, &bearer, "type", json_cstr("http"));
	json_add(a, &bearer, "scheme", json_cstr("bearer"));
	json_add(a, &bearer, "bearerFormat", json_cstr("JWT"));
	json_add(a, &cookie, "type", json_cstr("apiKey"));
	json_add(a, &cookie, "in", json_cstr("cookie"));
	json_add(a, &cookie, "name", json_cstr("attune_access_token"));
	json_add(a, &all, "bearer_auth", bearer);
	json_add(a, &all, "session_cookie", cookie);
	return all;
}

bool
openapi_document(Arena *a, Json *ret, Err *err)
{
	Json info = json_object(), parts;

	if (!components(a, &parts, err))
		return false;
	json_add(a, &info, "title", json_cstr("Attune"));
	json_add(a, &info, "version", json_cstr(ATTUNE_VERSION));
	json_add(a, &info, "description",
	    json_cstr("Runs things when things happen: events of triggers meet rules, and actions run on workers."));
	*ret = json_object();
	json_add(a, ret, "openapi", json_cstr("3.1.0"));
	json_add(a, ret, "info", info);
	json_add(a, ret, "tags", tags(a));
	json_add(a, ret, "paths", paths(a));
	json_add(a, &parts, "responses", openapi_refusals(a));
	json_add(a, &parts, "securitySchemes", security_schemes(a));
	json_add(a, ret, "components", parts);
	return true;
}

bool
openapi_show(App *app, Req *q, Res *s, Err *err)
{
	Json doc;

	(void)app;
	return openapi_document(req_arena(q), &doc, err) && res_json(s, 200, &doc);
}

bool
docs_show(App *app, Req *q, Res *s, Err *err)
{
	(void)app;
	(void)q;
	(void)err;
	res_header(s, "Content-Security-Policy",
	    str_of("default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; connect-src 'self'; "
		   "frame-ancestors 'none'; base-uri 'none'"));
	return res_bytes(s, 200, "text/html; charset=utf-8", str_of(api_docs_html));
}

/* ---- the command ---- */

/* The routes as they stand in docs/api.md */
static void
print_routes(Buf *b)
{
	buf_text(b, "| route | right | |\n|---|---|---|\n");
	for (size_t i = 0; i < api_route_count; i++) {
		const Route *r = &api_routes[i];

		buf_fmt(b, "| `%s %s` | %s | %s |\n", r->method, r->path, r->right == NULL ? "" : r->right, r->help);
	}
}

static bool
print_document(Arena *a, Buf *b, Err *err)
{
	Json doc;

	if (!openapi_document(a, &doc, err))
		return false;
	json_print_pretty(b, &doc);
	buf_char(b, '\n');
	return true;
}

int
api_spec_main(int argc, char **argv)
{
	CLEANUP(arena_done) Arena *a = arena_open();
	Buf b = buf_open(a);
	bool routes = argc == 2 && strcmp(argv[1], "--routes") == 0;
	Err err = { 0 };

	if (argc > 1 && !routes) {
		fprintf(stderr,
		    "attune api-spec prints the description of the API; with --routes, the table of docs/api.md\n");
		return 2;
	}
	if (routes)
		print_routes(&b);
	else if (!print_document(a, &b, &err)) {
		fprintf(stderr, "Error: %s\n", err.text);
		return 1;
	}
	return fwrite(b.p, 1, b.n, stdout) == b.n && fflush(stdout) == 0 ? 0 : 1;
}
