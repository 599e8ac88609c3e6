#include "api/openapi.h"

#include "api/handlers.h"

#include <stdio.h>

/* ---- schemas ---- */

static Json
schema_ref(Arena *a, Str name)
{
	Json o = json_object();

	json_add(a, &o, "$ref", json_str(str_fmt(a, "#/components/schemas/%.*s", STR_ARG(name))));
	return o;
}

static Json
typed(Arena *a, const char *type)
{
	Json o = json_object();

	json_add(a, &o, "type", json_cstr(type));
	return o;
}

/* An object of one or two properties, all of them required but "message". */
static Json
object_of(Arena *a, const char *const *keys, const Json *values, size_t n)
{
	Json o = typed(a, "object"), required = json_array(), properties = json_object();

	for (size_t i = 0; i < n; i++) {
		json_add(a, &properties, keys[i], values[i]);
		if (strcmp(keys[i], "message") != 0)
			json_push(a, &required, json_cstr(keys[i]));
	}
	json_add(a, &o, "required", required);
	json_add(a, &o, "properties", properties);
	return o;
}

static Json
array_of(Arena *a, Str name)
{
	Json array = typed(a, "array");

	json_add(a, &array, "items", schema_ref(a, name));
	return array;
}

/* "Name", "Name*", "Name[]", "=Name" or "=Name*", as in the table of routes */
static Json
answer_schema(Arena *a, Str name)
{
	static const char *const list_keys[] = { "data", "items", "pagination" };
	static const char *const data_keys[] = { "data", "message" };
	bool bare = str_starts(name, str_of("=")), list = str_ends(name, str_of("[]"));
	Json values[3], array;

	if (bare)
		name = str_sub(name, 1, name.n);
	if (!list) {
		values[0] =
		    str_ends(name, str_of("*")) ? array_of(a, str_sub(name, 0, name.n - 1)) : schema_ref(a, name);
		values[1] = typed(a, "string");
		return bare ? values[0] : object_of(a, data_keys, values, countof(data_keys));
	}
	array = array_of(a, str_sub(name, 0, name.n - 2));
	values[0] = array;
	values[1] = array;
	values[2] = schema_ref(a, str_of("PaginationMeta"));
	return object_of(a, list_keys, values, countof(list_keys));
}

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

/* ---- operations ---- */

static void
parameter(Arena *a, Json *all, Str name, const char *in)
{
	Json p = json_object();

	json_add(a, &p, "name", json_str(name));
	json_add(a, &p, "in", json_cstr(in));
	json_add(a, &p, "required", json_bool(strcmp(in, "path") == 0));
	json_add(a, &p, "schema", typed(a, "string"));
	json_push(a, all, p);
}

static void
query_parameters(Arena *a, Json *all, const Route *r)
{
	static const char *const paging[] = { "page", "page_size", "offset", "after", "include_total" };
	bool list = r->response != NULL && str_ends(str_of(r->response), str_of("[]"));

	for (size_t i = 0; i < api_query_count; i++) {
		Str names = str_of(api_queries[i].names), name = { 0 };

		if (strcmp(api_queries[i].path, r->path) != 0 || strcmp(api_queries[i].method, r->method) != 0)
			continue;
		while (str_cut(&names, ' ', &name))
			parameter(a, all, name, "query");
	}
	for (size_t i = 0; list && i < countof(paging); i++)
		parameter(a, all, str_of(paging[i]), "query");
}

static Json
parameters(Arena *a, const Route *r)
{
	Json all = json_array();
	Str rest = str_of(r->path), part = { 0 };

	while (str_cut(&rest, '/', &part))
		if (str_starts(part, str_of("{")))
			parameter(a, &all, str_sub(part, 1, part.n - 1), "path");
	query_parameters(a, &all, r);
	return all;
}

static Json
content(Arena *a, Json schema)
{
	Json c = json_object(), type = json_object();

	json_add(a, &type, "schema", schema);
	json_add(a, &c, "application/json", type);
	return c;
}

static Json
body_of(Arena *a, const Route *r)
{
	Json b = json_object();

	json_add(a, &b, "required", json_bool(strcmp(r->request, "CordonWorkerRequest") != 0));
	json_add(a, &b, "content", content(a, schema_ref(a, str_of(r->request))));
	return b;
}

static Json
responses(Arena *a, const Route *r)
{
	Json all = json_object(), good = json_object(), bad = json_object();

	json_add(a, &good, "description", json_cstr(r->help));
	if (r->response != NULL)
		json_add(a, &good, "content", content(a, answer_schema(a, str_of(r->response))));
	json_add(a, &bad, "description", json_cstr("what is wrong, and with which thing"));
	json_add(a, &bad, "content", content(a, schema_ref(a, str_of("ErrorResponse"))));
	json_set_str(a, &all, str_fmt(a, "%d", r->status), good);
	json_add(a, &all, "default", bad);
	return all;
}

/* The first word of the path, for those who show the routes in groups. */
static Str
tag_of(const Route *r)
{
	Str rest = str_of(r->path), part = { 0 };

	if (str_starts(rest, str_of("/api/v1/")))
		rest = str_sub(rest, 8, rest.n);
	else
		rest = str_sub(rest, 1, rest.n);
	return str_cut(&rest, '/', &part) ? part : rest;
}

static Json
operation(Arena *a, const Route *r)
{
	Json o = json_object(), tags = json_array();

	json_push(a, &tags, json_str(tag_of(r)));
	json_add(a, &o, "tags", tags);
	json_add(a, &o, "summary", json_cstr(r->help));
	if (r->right != NULL)
		json_add(a, &o, "x-right", json_cstr(r->right));
	json_add(a, &o, "parameters", parameters(a, r));
	if (r->request != NULL)
		json_add(a, &o, "requestBody", body_of(a, r));
	json_add(a, &o, "responses", responses(a, r));
	return o;
}

static Json
paths(Arena *a)
{
	Json all = json_object();

	for (size_t i = 0; i < api_route_count; i++) {
		const Route *r = &api_routes[i];
		const Json *there = json_get(&all, r->path);
		Json path = there == NULL ? json_object() : *there;

		json_set_str(a, &path, str_lower(a, str_of(r->method)), operation(a, r));
		json_set(a, &all, r->path, path);
	}
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
	*ret = json_object();
	json_add(a, ret, "openapi", json_cstr("3.1.0"));
	json_add(a, ret, "info", info);
	json_add(a, ret, "paths", paths(a));
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

int
api_spec_main(int argc, char **argv)
{
	CLEANUP(arena_done) Arena *a = arena_open();
	Buf b = buf_open(a);
	Err err = { 0 };
	Json doc;

	(void)argv;
	if (argc > 1) {
		fprintf(stderr, "attune api-spec takes no arguments: it prints the description of the API\n");
		return 2;
	}
	if (!openapi_document(a, &doc, &err)) {
		fprintf(stderr, "Error: %s\n", err.text);
		return 1;
	}
	json_print_pretty(&b, &doc);
	buf_char(&b, '\n');
	return fwrite(b.p, 1, b.n, stdout) == b.n && fflush(stdout) == 0 ? 0 : 1;
}
