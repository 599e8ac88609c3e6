#include "api/openapi.h"

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

/* ---- parameters ---- */

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
			json_push(a, all, openapi_parameter(a, name, "query"));
	}
	for (size_t i = 0; list && i < countof(paging); i++)
		json_push(a, all, openapi_parameter(a, str_of(paging[i]), "query"));
}

static Json
parameters(Arena *a, const Route *r)
{
	Json all = json_array();
	Str rest = str_of(r->path), part = { 0 };

	while (str_cut(&rest, '/', &part))
		if (str_starts(part, str_of("{")))
			json_push(a, &all,
			    openapi_parameter(
				a, str_sub(part, 1, part.n - (str_ends(part, str_of("...}")) ? 4 : 1)), "path"));
	query_parameters(a, &all, r);
	return all;
}

/* ---- bodies and answers ---- */

static Json
content(Arena *a, const char *type, Json schema)
{
	Json c = json_object(), of = json_object();

	json_add(a, &of, "schema", schema);
	json_add(a, &c, type, of);
	return c;
}

static bool
has_body(const Route *r)
{
	return r->request != NULL || (r->flags & (ROUTE_RAW_BODY | ROUTE_FORM)) != 0;
}

static Json
body_of(Arena *a, const Route *r)
{
	const char *type = (r->flags & ROUTE_FORM) != 0       ? "multipart/form-data"
			   : (r->flags & ROUTE_RAW_BODY) != 0 ? "application/octet-stream"
							      : "application/json";
	Json b = json_object(), schema = r->request == NULL ? typed(a, "string") : schema_ref(a, str_of(r->request));

	if (r->request == NULL && (r->flags & ROUTE_FORM) != 0)
		schema = typed(a, "object");
	json_add(a, &b, "required", json_bool(r->request == NULL || strcmp(r->request, "CordonWorkerRequest") != 0));
	json_add(a, &b, "content", content(a, type, schema));
	return b;
}

/* An answer by the route's schema, "@text/plain" for one that is no JSON, or none. */
static Json
good_answer(Arena *a, const char *response, const char *help)
{
	Json good = json_object();

	json_add(a, &good, "description", json_cstr(help));
	if (response == NULL)
		return good;
	if (response[0] == '@')
		json_add(a, &good, "content", content(a, response + 1, typed(a, "string")));
	else
		json_add(a, &good, "content", content(a, "application/json", answer_schema(a, str_of(response))));
	return good;
}

typedef bool Applies(const Route *r);

static bool
of_all(const Route *r)
{
	(void)r;
	return true;
}

static bool
of_closed(const Route *r)
{
	return (r->flags & ROUTE_PUBLIC) == 0;
}

static bool
of_named(const Route *r)
{
	return strchr(r->path, '{') != NULL;
}

static bool
of_written(const Route *r)
{
	return strcmp(r->method, "GET") != 0;
}

/* What may go wrong, and where. */
static const struct {
	const char *status, *name, *help;
	Applies *applies;
} refusals[] = {
	{ "400", "BadRequest", "the request cannot be read, or a value in it is of the wrong kind", of_all },
	{ "401", "Unauthorized", "no token, or one that is not valid", of_closed },
	{ "403", "Forbidden", "the right is missing: the sentence names it", of_closed },
	{ "404", "NotFound", "there is no such thing, or it may not be seen", of_named },
	{ "409", "Conflict", "it exists already, or its state forbids this", of_written },
	{ "413", "PayloadTooLarge", "the body is larger than it may be", has_body },
	{ "415", "UnsupportedMediaType", "the body's Content-Type is another", has_body },
	{ "422", "Unprocessable", "well-formed, but it breaks a rule of the thing it is for", of_written },
	{ "429", "TooManyRequests", "too many at once: Retry-After says when to come again", of_all },
	{ "503", "Unavailable", "the database is away or the server stops: try again", of_all },
	{ "default", "Error", "what is wrong, with which thing, and what to do", of_all },
};

Json
openapi_refusals(Arena *a)
{
	Json all = json_object();

	for (size_t i = 0; i < countof(refusals); i++) {
		Json one = json_object();

		json_add(a, &one, "description", json_cstr(refusals[i].help));
		json_add(a, &one, "content", content(a, "application/json", schema_ref(a, str_of("ErrorResponse"))));
		json_add(a, &all, refusals[i].name, one);
	}
	return all;
}

static Json
responses(Arena *a, const Route *r)
{
	Json all = json_object();

	json_set_str(a, &all, str_fmt(a, "%d", r->status), good_answer(a, r->response, r->help));
	for (size_t i = 0; i < api_other_count; i++) {
		const RouteOther *o = &api_others[i];

		if (strcmp(o->path, r->path) == 0 && strcmp(o->method, r->method) == 0)
			json_set_str(a, &all, str_fmt(a, "%d", o->status), good_answer(a, o->response, o->help));
	}
	for (size_t i = 0; i < countof(refusals); i++) {
		Json ref = json_object();

		if (!refusals[i].applies(r) || json_get(&all, refusals[i].status) != NULL)
			continue;
		json_add(a, &ref, "$ref", json_str(str_fmt(a, "#/components/responses/%s", refusals[i].name)));
		json_add(a, &all, refusals[i].status, ref);
	}
	return all;
}

/* ---- operations ---- */

/* The first word of the path, for those who show the routes in groups. */
Str
openapi_path(Arena *a, const Route *r)
{
	Str path = str_of(r->path);

	return str_ends(path, str_of("...}")) ? str_fmt(a, "%.*s}", (int)path.n - 4, path.p) : path;
}

Str
openapi_tag(const Route *r)
{
	Str rest = str_of(r->path), part = { 0 };

	if (str_starts(rest, str_of("/api/v1/")))
		rest = str_sub(rest, 8, rest.n);
	else
		rest = str_sub(rest, 1, rest.n);
	return str_cut(&rest, '/', &part) ? part : rest;
}

/* "GET /api/v1/packs/{ref}/test-runs" → "get_packs_by_ref_test_runs" */
static Str
operation_id(Arena *a, const Route *r)
{
	Str rest = openapi_path(a, r), part = { 0 };
	Buf b = buf_open(a);

	buf_add(&b, str_lower(a, str_of(r->method)));
	if (str_starts(rest, str_of("/api/v1")))
		rest = str_sub(rest, 7, rest.n);
	while (str_cut(&rest, '/', &part)) {
		if (part.n == 0)
			continue;
		buf_text(&b, part.p[0] == '{' ? "_by_" : "_");
		for (size_t i = 0; i < part.n; i++)
			if (part.p[i] != '{' && part.p[i] != '}')
				buf_char(&b, part.p[i] == '-' || part.p[i] == '.' ? '_' : part.p[i]);
	}
	return buf_str(&b);
}

static Json
security(Arena *a, const Route *r)
{
	static const char *const ways[] = { "bearer_auth", "session_cookie" };
	Json all = json_array();

	for (size_t i = 0; (r->flags & ROUTE_PUBLIC) == 0 && i < countof(ways); i++) {
		Json one = json_object();

		json_add(a, &one, ways[i], json_array());
		json_push(a, &all, one);
	}
	return all;
}

Json
openapi_operation(Arena *a, const Route *r)
{
	Json o = json_object(), tags = json_array();

	json_push(a, &tags, json_str(openapi_tag(r)));
	json_add(a, &o, "operationId", json_str(operation_id(a, r)));
	json_add(a, &o, "tags", tags);
	json_add(a, &o, "summary", json_cstr(r->help));
	if (r->right != NULL)
		json_add(a, &o, "x-right", json_cstr(r->right));
	json_add(a, &o, "security", security(a, r));
	json_add(a, &o, "parameters", parameters(a, r));
	if (has_body(r))
		json_add(a, &o, "requestBody", body_of(a, r));
	json_add(a, &o, "responses", responses(a, r));
	return o;
}
