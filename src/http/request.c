#include "http/steps.h"

#include "base/codec.h"
#include "base/log.h"
#include "base/uuid.h"

#include <netdb.h>
#include <netinet/in.h>

enum {
	TARGET_MAX = 8 * 1024,
	BODY_FIRST = 64 * 1024, /* room made before the client has sent that much */
	BODY_RATE = 16 * 1024,  /* a body may take a second longer for each of these */
	BODY_KEPT = 256 * 1024, /* what is not JSON goes to a file when it is larger */
	STATUS_URI_TOO_LONG = 414,
	STATUS_HEADERS_TOO_LARGE = 431,
};

static bool
refuse_err(Req *q, const Err *err)
{
	respond_err(q, err);
	return false;
}

static bool
id_is_fine(Str id)
{
	if (id.n == 0 || id.n > REQUEST_ID_MAX)
		return false;
	for (size_t i = 0; i < id.n; i++) {
		char c = id.p[i];

		if (!(c >= 'a' && c <= 'z') && !(c >= 'A' && c <= 'Z') && !(c >= '0' && c <= '9') &&
		    (c == '\0' || strchr("-_.", c) == NULL))
			return false;
	}
	return true;
}

static void
name_request(Req *q)
{
	Str given = q->heads.known[HEAD_REQUEST_ID].value;
	char *text;

	if (id_is_fine(given)) {
		q->id = str_copy(q->arena, given);
		return;
	}
	text = arena_alloc(q->arena, UUID_TEXT + 1);
	uuid_write(uuid_new(clock_wall(clock_real())), text);
	q->id = (Str){ text, UUID_TEXT };
}

static bool
check_method(Req *q, const char *method)
{
	if (method_parse(str_of(method), &q->method))
		return true;
	q->close = true;
	respond_refuse(q, 501, "NOT_IMPLEMENTED", "The method is not known. Known: %.*s",
	    STR_ARG(methods_text(q->arena, (1u << METHODS) - 1)));
	return false;
}

static bool
check_limits(Req *q, const char *method, const char *version)
{
	const HttpConfig *c = &q->server->config;
	Err err = { 0 };

	q->line.method = method;
	q->line.version = version;
	if (q->target.n > TARGET_MAX) {
		q->close = true;
		respond_refuse(q, STATUS_URI_TOO_LONG, "URI_TOO_LONG", "The URL is longer than %d bytes", TARGET_MAX);
		return false;
	}
	if (check_request(q->mhd, &q->line, c->max_header, &q->heads, &err))
		return true;
	q->close = true; /* where the next request begins is not known any more */
	if (err.code == ERR_TOO_LARGE) {
		respond_refuse(q, STATUS_HEADERS_TOO_LARGE, "HEADERS_TOO_LARGE", "%s", err.text);
		return false;
	}
	return refuse_err(q, &err);
}

static bool
find_route(Req *q)
{
	Err err = { 0 };
	Str query;

	if (!uri_split(q->target, &q->path, &query, &err)) {
		q->close = true; /* another reader may have cut the line elsewhere */
		return refuse_err(q, &err);
	}
	if (!uri_query(q->arena, query, &q->query, &err) ||
	    !router_find(q->server->router, q->arena, q->method, q->path, &q->match, &err))
		return refuse_err(q, &err);
	if (q->match.entry != NULL)
		return true;
	res_header(&q->res, "Allow", methods_text(q->arena, q->match.methods));
	if (q->method == METHOD_OPTIONS) {
		res_empty(&q->res, 204);
		return false;
	}
	respond_refuse(q, 405, "METHOD_NOT_ALLOWED", "%s is not allowed on %.*s. Allowed: %.*s", method_name(q->method),
	    STR_ARG(utf8_clean(q->arena, str_sub(q->path, 0, 200))), STR_ARG(methods_text(q->arena, q->match.methods)));
	return false;
}

/* application/json and application/...+json, with or without parameters */
static bool
is_json_type(Str type)
{
	Str kind = { 0 };

	if (!str_cut(&type, ';', &kind))
		return false;
	kind = str_trim(kind);
	if (str_eq_nocase(kind, str_of("application/json")))
		return true;
	return kind.n > 17 && str_eq_nocase(str_sub(kind, 0, 12), str_of("application/")) &&
	       str_eq_nocase(str_sub(kind, kind.n - 5, kind.n), str_of("+json"));
}

static bool
is_form_type(Str type)
{
	Str kind = { 0 };

	return str_cut(&type, ';', &kind) && str_eq_nocase(str_trim(kind), str_of("multipart/form-data"));
}

static size_t
body_most(const Req *q)
{
	return q->server->config.max_body[q->match.entry->route->body];
}

/* NULL when the route takes a body of this kind */
static const char *
body_wants(const Req *q)
{
	unsigned flags = q->match.entry->route->flags;
	Str type = q->heads.known[HEAD_TYPE].value, coding = q->heads.known[HEAD_CODING].value;

	if (coding.n > 0 && !str_eq_nocase(coding, str_of("identity")))
		return "as it is, without a Content-Encoding";
	if ((flags & ROUTE_FORM) != 0)
		return is_form_type(type) ? NULL : "with Content-Type: multipart/form-data";
	if ((flags & ROUTE_RAW_BODY) != 0 || is_json_type(type))
		return NULL;
	return "with Content-Type: application/json";
}

static bool
check_body(Req *q)
{
	size_t max = body_most(q);
	const char *wants = q->heads.has_body ? body_wants(q) : NULL;

	if (q->heads.body_n > max) {
		respond_refuse(q, 413, "PAYLOAD_TOO_LARGE", "The body is larger than %zu bytes", max);
		return false;
	}
	if (wants == NULL)
		return true;
	respond_refuse(q, 415, "UNSUPPORTED_MEDIA_TYPE", "The body must be sent %s", wants);
	return false;
}

static bool
admitted(Req *q, App *app, Err *err)
{
	const HttpConfig *c = &q->server->config;

	q->app = app;
	return c->admit == NULL || c->admit(c->self, app, q, q->match.entry->route, err);
}

/* Who may not send a body is told so before it is read. */
static bool
check_caller(Req *q)
{
	Err err = { 0 };
	App *app = NULL;

	if (!q->heads.has_body)
		return true; /* the handler's call comes at once, and asks */
	return (thread_app(q->thread, &app, &err) && admitted(q, app, &err)) || refuse_err(q, &err);
}

bool
request_begin(Req *q, const char *method, const char *version)
{
	bool fine = check_limits(q, method, version);

	name_request(q);
	q->serial = atomic_fetch_add(&q->server->serials, 1) + 1;
	if (fine && atomic_load(&q->server->stopping)) {
		q->close = true;
		respond_refuse(q, 503, "UNAVAILABLE", "The server is stopping. Try again in a moment");
		return false;
	}
	if (fine && check_method(q, method) && find_route(q) && limit_check(q) && check_caller(q) && check_body(q))
		return true;
	if (q->heads.has_body)
		q->close = true; /* the body is not read */
	return false;
}

static void
body_room(Req *q, size_t n)
{
	size_t want = q->body_cap == 0 ? BODY_FIRST : q->body_cap * 2;

	if (q->body_n + n <= q->body_cap)
		return;
	if (!q->heads.chunked && (want > q->heads.body_n || q->body_cap > 0))
		want = (size_t)q->heads.body_n;
	if (want < q->body_n + n)
		want = q->body_n + n;
	q->body = arena_grow(q->arena, q->body, q->body_n, want);
	q->body_cap = want;
}

static bool
is_spooled(const Req *q, size_t more)
{
	if ((q->match.entry->route->flags & (ROUTE_RAW_BODY | ROUTE_FORM)) == 0)
		return false;
	return q->spool.open || q->heads.body_n > BODY_KEPT || q->body_n + more > BODY_KEPT;
}

static void
body_spool(Req *q, Str bytes)
{
	Err err = { 0 };

	if ((q->spool.open || (spool_open(&q->spool, q->server->config.spool_dir, &err) &&
				  spool_add(&q->spool, req_body(q), &err))) &&
	    spool_add(&q->spool, bytes, &err))
		return;
	q->body_fault = arena_copy(q->arena, &err, sizeof(err));
}

/* False when the client sends on and on after it broke the limit: the connection is cut. */
bool
request_body(Req *q, const char *data, size_t n)
{
	size_t max = body_most(q);

	atomic_fetch_add(&q->link->due, (TimeUs)n * US_PER_S / BODY_RATE);
	if (q->body_over || n > max - q->body_n) {
		q->body_over = true; /* only a chunked body: a Content-Length was checked before */
		q->body_n += n;
		return q->body_n <= 2 * max;
	}
	if (!is_spooled(q, n)) {
		body_room(q, n);
		memcpy(q->body + q->body_n, data, n);
	} else if (q->body_fault == NULL) {
		body_spool(q, (Str){ data, n });
	}
	q->body_n += n;
	return true;
}

static bool
handled(Req *q, App *app, const Route *route, Err *err)
{
	const HttpConfig *c = &q->server->config;

	return c->call == NULL ? route->handler(app, q, &q->res, err) : c->call(c->self, app, q, &q->res, route, err);
}

static void
call_handler(Req *q, App *app)
{
	const Route *route = q->match.entry->route;
	Err err = { 0 };

	arena_rewind(q->arena, q->begun);
	if (!q->waited)
		q->handler_at = mono_now();
	q->res = (Res){ .a = q->arena };
	q->faults = json_array();
	q->seen = atomic_load(&q->server->waits.wakes);
	if (!admitted(q, app, &err) || !handled(q, app, route, &err)) {
		respond_err(q, &err);
	} else if (q->res.status == 0 && q->res.wait_until == 0) {
		err_set(&err, ERR_INTERNAL, "The handler of %s %s gave no answer", route->method, route->path);
		respond_err(q, &err);
	}
}

/* What a request that would sleep is told when it may not: at the end of the server, or when its time was over before. */
static void
answer_unslept(Req *q)
{
	Err err = { 0 };

	q->res = (Res){ .a = q->arena };
	if (atomic_load(&q->server->stopping)) {
		respond_refuse(q, 503, "UNAVAILABLE", "The server is stopping. Try again in a moment");
		return;
	}
	err_set(&err, ERR_TIMEOUT, "What the request waits for has not happened in time");
	respond_err(q, &err);
}

/* A busy machine may take longer over one call than the handler wanted to sleep: then it has its next look at once. */
static bool
may_wait(const Req *q)
{
	if (atomic_load(&q->server->stopping))
		return false;
	return q->res.wait_until > mono_now() || q->res.wait_until > q->waited_until;
}

/* What went to a file is read from there. */
static bool
body_whole(Req *q, Err *err)
{
	Str text;

	if (q->body_fault != NULL) {
		*err = *q->body_fault;
		return false;
	}
	if (!q->spool.open)
		return true;
	if (!spool_map(&q->spool, &text, err))
		return false;
	q->body = (char *)(uintptr_t)text.p;
	return true;
}

bool
request_run(Req *q)
{
	Err err = { 0 };
	App *app = NULL;

	q->app = NULL; /* who asked is known for as long as the handler runs */
	if (q->body_over) {
		q->close = true;
		respond_refuse(q, 413, "PAYLOAD_TOO_LARGE", "The body is larger than %zu bytes", body_most(q));
		return true;
	}
	if (!body_whole(q, &err) || !thread_app(q->thread, &app, &err)) {
		respond_err(q, &err);
		return true;
	}
	for (;;) {
		call_handler(q, app);
		if (q->res.wait_until == 0)
			return true;
		if (q->waited && !may_wait(q)) {
			answer_unslept(q);
			return true;
		}
		q->waited = true;
		q->waited_until = q->res.wait_until;
		if (wait_begin(q))
			return false;
	}
}

/* Reading */

Arena *
req_arena(const Req *q)
{
	return q->arena;
}

Str
req_method(const Req *q)
{
	return str_of(method_name(q->method));
}

Str
req_path(const Req *q)
{
	return q->path;
}

Str
req_target(const Req *q)
{
	return q->target;
}

Str
req_param(const Req *q, const char *name)
{
	const RouteEntry *e = q->match.entry;

	for (size_t i = 0; i < e->n; i++)
		if (str_is(e->names[i], name))
			return q->match.values[i];
	return (Str){ 0 };
}

bool
req_id(const Req *q, const char *name, Id *ret, Err *err)
{
	Str text = req_param(q, name);
	Id id;

	if (str_none(text))
		return err_set(err, ERR_INTERNAL, "the route has no parameter '%s'", name);
	if (!str_to_int(text, &id) || id < 0)
		return err_set(err, ERR_INVALID, "'%.*s' is not an id: '%s' must be a number", STR_ARG(text), name);
	*ret = id;
	return true;
}

Str
req_query(const Req *q, const char *name)
{
	return query_get(&q->query, name);
}

bool
req_query_int(const Req *q, const char *name, int64_t fallback, int64_t *ret, Err *err)
{
	Str text = req_query(q, name);
	int64_t n = fallback;

	if (!str_none(text) && !str_to_int(text, &n))
		return err_set(
		    err, ERR_INVALID, "The query parameter '%s' must be an integer, not '%.*s'", name, STR_ARG(text));
	*ret = n;
	return true;
}

bool
req_query_bool(const Req *q, const char *name, bool fallback, bool *ret, Err *err)
{
	Str text = req_query(q, name);

	if (!str_none(text) && !str_is(text, "true") && !str_is(text, "false"))
		return err_set(err, ERR_INVALID, "The query parameter '%s' must be true or false, not '%.*s'", name,
		    STR_ARG(text));
	*ret = str_none(text) ? fallback : str_is(text, "true");
	return true;
}

Str
req_header(const Req *q, const char *name)
{
	const char *value = NULL;
	size_t n = 0;

	if (MHD_lookup_connection_value_n(q->mhd, MHD_HEADER_KIND, name, strlen(name), &value, &n) == MHD_NO)
		return (Str){ 0 };
	return str_trim((Str){ value == NULL ? "" : value, n });
}

Str
req_body(const Req *q)
{
	return (Str){ q->body == NULL ? "" : q->body, q->body_n };
}

static bool
body_parse(const Req *q, Json *ret, Err *err)
{
	if (q->body_n == 0)
		return err_set(err, ERR_INVALID, "The request needs a JSON object as its body");
	return json_parse(q->arena, req_body(q), NULL, ret, err) || err_wrap(err, "The body is not JSON");
}

bool
req_json_many(const Req *q, Json *ret, Err *err)
{
	if (!body_parse(q, ret, err))
		return false;
	return json_is(ret, JSON_OBJECT) || json_is(ret, JSON_ARRAY) ||
	       err_set(err, ERR_INVALID, "The body must be a JSON object or an array of them, not %s",
		   json_kind_name(ret->kind));
}

bool
req_json(const Req *q, Json *ret, Err *err)
{
	Json body;

	if (!body_parse(q, &body, err))
		return false;
	if (!json_is(&body, JSON_OBJECT))
		return err_set(err, ERR_INVALID, "The body must be a JSON object, not %s", json_kind_name(body.kind));
	*ret = body;
	return true;
}

bool
req_form(const Req *q, Form *ret, Err *err)
{
	return multipart_parse(q->arena, q->heads.known[HEAD_TYPE].value, req_body(q), ret, err);
}

Str
req_id_text(const Req *q)
{
	return q->id;
}

int64_t
req_serial(const Req *q)
{
	return q->serial;
}

bool
req_waited(const Req *q)
{
	return q->waited;
}

TimeUs
req_began(const Req *q)
{
	return q->handler_at;
}

TimeUs
req_took(const Req *q)
{
	return q->handler_at == 0 ? 0 : mono_now() - q->handler_at;
}

const Route *
req_route(const Req *q)
{
	return q->match.entry == NULL ? NULL : q->match.entry->route;
}

Str
req_peer(const Req *q)
{
	const union MHD_ConnectionInfo *info = MHD_get_connection_info(q->mhd, MHD_CONNECTION_INFO_CLIENT_ADDRESS);
	char text[NI_MAXHOST];
	socklen_t n;

	if (info == NULL || info->client_addr == NULL)
		return (Str){ 0 };
	n = info->client_addr->sa_family == AF_INET6 ? sizeof(struct sockaddr_in6) : sizeof(struct sockaddr_in);
	if (getnameinfo(info->client_addr, n, text, sizeof(text), NULL, 0, NI_NUMERICHOST) != 0)
		return (Str){ 0 };
	return str_copy(q->arena, str_of(text));
}

Str
req_client(const Req *q)
{
	const HttpConfig *c = &q->server->config;

	return address_of_client(q->arena, req_peer(q), req_header(q, "X-Forwarded-For"), req_header(q, "X-Real-IP"),
	    c->proxies, c->proxy_count);
}

/* The last of the synonyms' values that is a number, brought into its range. */
static bool
page_number(const Req *q, const char *const *names, size_t count, int64_t least, int64_t most, int64_t *ret)
{
	for (size_t i = 0; i < count; i++) {
		Str text = req_query(q, names[i]);
		int64_t n;

		if (str_none(text) || !str_to_int(text, &n))
			continue;
		*ret = n < least ? least : n > most ? most : n;
		return true;
	}
	return false;
}

Page
req_page(const Req *q, int64_t default_size, int64_t cap)
{
	static const char *const sizes[] = { "page_size", "per_page", "limit" };
	static const char *const page[] = { "page" };
	static const char *const offset[] = { "offset" };
	const int64_t far = (int64_t)1 << 40;
	Page p = { .page = 1, .size = default_size, .after = req_query(q, "after") };

	page_number(q, sizes, countof(sizes), 1, cap, &p.size);
	page_number(q, page, 1, 1, far, &p.page);
	p.offset = (p.page - 1) * p.size;
	if (page_number(q, offset, 1, 0, far, &p.offset))
		p.page = p.offset / p.size + 1;
	p.totals = str_is(req_query(q, "include_total"), "true");
	return p;
}
