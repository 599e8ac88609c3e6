#include "api/audit.h"

#include "api/access.h"
#include "api/handlers.h"
#include "api/page.h"
#include "api/work.h"
#include "base/codec.h"
#include "base/crypto.h"
#include "store/history.h"

enum { PATH_MOST = 512, AGENT_MOST = 256, PAGE_DEFAULT = 50, PAGE_MOST = 500, FORBIDDEN = 403 };

/* ---- rows ---- */

/* Clients know a request's id as a UUID. One that was given in another form stands for the UUID made of it. */
static Str
request_uuid(Arena *a, Str id)
{
	unsigned char hash[SHA256_BYTES];
	Uuid u;

	if (uuid_parse(id, &u))
		return uuid_text(a, u);
	sha256(id, hash);
	memcpy(u.b, hash, sizeof(u.b));
	u.b[6] = (uint8_t)((u.b[6] & 0x0f) | 0x80);
	u.b[8] = (uint8_t)((u.b[8] & 0x3f) | 0x80);
	return uuid_text(a, u);
}

/* What a client wrote, as text that every database takes. */
static Str
foreign(Arena *a, Str s, size_t most)
{
	return str_none(s) ? s : utf8_clip(utf8_clean(a, str_sub(s, 0, most)), most);
}

static const char *const token_types[CALLER_KINDS] = {
	[CALLER_USER] = "access",
	[CALLER_EXECUTION] = "execution",
	[CALLER_SENSOR] = "sensor",
	[CALLER_WORKER] = "worker",
};

static void
fill_caller(App *app, AuditRow *r)
{
	const Caller *c = app_caller(app);
	const char *type = token_types[c->kind];

	if (type == NULL)
		return;
	r->actor = c->identity;
	r->login = c->login;
	r->token_type = str_of(type);
}

static void
fill_request(const Req *q, AuditRow *r)
{
	Arena *a = req_arena(q);

	r->ip = req_client(q);
	r->agent = foreign(a, req_header(q, "User-Agent"), AGENT_MOST);
	r->request = request_uuid(a, req_id_text(q));
}

static AuditRow
row_of(App *app, const Req *q, const AuditNote *n)
{
	AuditRow r = {
		.category = n->category,
		.outcome = n->outcome,
		.event_type = str_of(n->event_type),
		.resource_type = n->resource_type == NULL ? (Str){ 0 } : str_of(n->resource_type),
		.resource = n->id,
		.resource_ref = n->ref,
		.details = n->details,
		.at = app_now(app),
	};

	fill_caller(app, &r);
	if (!str_none(n->login))
		r.login = foreign(req_arena(q), n->login, AGENT_MOST);
	fill_request(q, &r);
	return r;
}

bool
audit_add(App *app, const Req *q, const AuditNote *note, Err *err)
{
	AuditRow r = row_of(app, q, note);

	app->noted = true;
	return audit_insert(app_db(app), req_arena(q), &r, 1, err);
}

bool
audit_now(App *app, const Req *q, const AuditNote *note, Err *err)
{
	bool ok;

	if (app->held && app->open) /* the request's own transaction is kept open for its answer */
		return audit_add(app, q, note, err);
	ok = db_begin(app_db(app), err) && audit_add(app, q, note, err) && db_commit(app_db(app), err);
	if (!ok)
		db_rollback(app_db(app));
	return ok;
}

/* ---- requests ---- */

static bool
is_excepted(Str path)
{
	static const char *const excepted[] = { "/health", "/docs", "/api-spec", "/api/v1/audit-events", "/metrics" };

	for (size_t i = 0; i < countof(excepted); i++)
		if (str_starts(path, str_of(excepted[i])))
			return true;
	return false;
}

/* "identities" → "identity", "keys" → "key" */
static Str
singular(Arena *a, Str s)
{
	if (str_ends(s, str_of("ies")))
		return str_fmt(a, "%.*sy", STR_ARG(str_sub(s, 0, s.n - 3)));
	return str_ends(s, str_of("s")) ? str_sub(s, 0, s.n - 1) : s;
}

/* The thing that the path names first: ".../keys/{ref}" */
static void
fill_resource(const Req *q, AuditRow *r)
{
	const Route *route = req_route(q);
	Str rest, part = { 0 }, before = { 0 };

	if (route == NULL)
		return;
	rest = str_of(route->path);
	while (str_cut(&rest, '/', &part)) {
		if (str_starts(part, str_of("{"))) {
			const char *name = str_cstr(req_arena(q), str_sub(part, 1, part.n - 1));
			Str value = req_param(q, name);

			r->resource_type = singular(req_arena(q), before);
			if (!str_to_int(value, &r->resource))
				r->resource_ref = value;
			return;
		}
		before = part;
	}
}

/* A webhook's key is a secret that stands in its path, and so is the token of a link. */
static void
hide_webhook_key(AuditRow *r)
{
	static const char *const secret[] = { "/api/v1/webhooks/", "/api/v1/inquiries/callback/" };
	static const char *const shown[] = { "/api/v1/webhooks/***", "/api/v1/inquiries/callback/***" };

	for (size_t i = 0; i < countof(secret); i++) {
		if (!str_starts(r->path, str_of(secret[i])))
			continue;
		r->path = str_of(shown[i]);
		r->resource_ref = (Str){ 0 };
		return;
	}
}

/* The words of a path that are no parameters, behind the collection: "enable", "webhooks.config"; none when there are none. */
static Str
words_behind(Arena *a, const Route *route, size_t skip)
{
	Str rest = str_of(route->path), part = { 0 };
	Buf b = buf_open(a);
	size_t n = 0;

	while (str_cut(&rest, '/', &part)) {
		n += part.n > 0;
		if (n > skip && !str_starts(part, str_of("{")))
			buf_fmt(&b, "%s%.*s", b.n > 0 ? "." : "", STR_ARG(part));
	}
	return buf_str(&b);
}

/* "enable", "update", "roles.create": a word at the end says what a POST does, unless it names a collection. */
static Str
verb_of(Arena *a, const Route *route)
{
	static const char *const of_method[][2] = { { "POST", "create" }, { "PUT", "update" }, { "PATCH", "update" },
		{ "DELETE", "delete" } };
	enum { API_V1_COLLECTION = 3 };
	Str words = words_behind(a, route, API_V1_COLLECTION);
	const char *method = "";

	for (size_t i = 0; i < countof(of_method); i++)
		if (strcmp(route->method, of_method[i][0]) == 0)
			method = of_method[i][1];
	if (words.n == 0)
		return str_of(method);
	if (strcmp(route->method, "POST") == 0 && !str_ends(words, str_of("s")))
		return words;
	return str_fmt(a, "%.*s.%s", STR_ARG(words), method);
}

static Str
collection_of(const Route *route)
{
	Str rest = str_of(route->path), part = { 0 };

	for (int i = 0; i < 4 && str_cut(&rest, '/', &part);)
		i++;
	return part;
}

/* A change of oneself, by a route below /auth. */
static void
note_of_auth(Arena *a, const Route *route, AuditNote *n)
{
	n->category = AUDIT_AUTH;
	n->event_type = str_fmt(a, "auth.%.*s", STR_ARG(words_behind(a, route, 1))).p;
	n->resource_type = "identity";
}

static void
note_of_route(const Req *q, const Route *route, AuditNote *n)
{
	Arena *a = req_arena(q);
	Str type = singular(a, collection_of(route));
	AuditRow r = { 0 };
	Err none = { 0 };
	Json body;

	fill_resource(q, &r);
	n->category = str_is(type, "pack") ? AUDIT_PACK : AUDIT_ADMIN;
	n->event_type = str_fmt(a, "%.*s.%.*s", STR_ARG(type), STR_ARG(verb_of(a, route))).p;
	n->resource_type = str_cstr(a, type);
	n->id = r.resource;
	n->ref = r.resource_ref;
	if (n->id == 0 && str_none(n->ref) && req_body(q).n > 0 && req_json(q, &body, &none))
		n->ref = foreign(a, json_get_text(&body, "ref"), AGENT_MOST);
}

bool
audit_change(App *app, Err *err)
{
	const Req *q = app->req;
	const Route *route = req_route(q);
	AuditNote note = { 0 };

	if (app->noted)
		return true;
	if (str_starts(str_of(route->path), str_of("/auth/")))
		note_of_auth(req_arena(q), route, &note);
	else
		note_of_route(q, route, &note);
	return audit_add(app, q, &note, err);
}

void
audit_request(AuditLog *log, const Clock *clock, App *app, const Req *q, int status)
{
	AuditRow r = {
		.category = AUDIT_API,
		.outcome = status < 400                     ? AUDIT_SUCCESS
			   : status == 401 || status == 403 ? AUDIT_DENIED
							    : AUDIT_FAILURE,
		.event_type = str_of("api.request"),
		.method = req_method(q),
		.path = foreign(req_arena(q), req_path(q), PATH_MOST),
		.status = status,
		.took_ms = req_took(q) / US_PER_MS,
		.at = clock_wall(clock),
	};

	if (str_none(r.path) || is_excepted(r.path))
		return;
	if (app != NULL)
		fill_caller(app, &r);
	fill_request(q, &r);
	fill_resource(q, &r);
	hide_webhook_key(&r);
	audit_log_add(log, &r);
	if (status == FORBIDDEN) {
		r.category = AUDIT_RBAC;
		r.event_type = str_of("permission.denied");
		audit_log_add(log, &r);
	}
}

/* ---- routes ---- */

static bool
filter_read(const Req *q, AuditFilter *f, Err *err)
{
	AuditCategory category;
	AuditOutcome outcome;

	*f = (AuditFilter){
		.category = req_query(q, "category"),
		.outcome = req_query(q, "outcome"),
		.event_type = req_query(q, "event_type"),
		.login = req_query(q, "actor_login"),
		.resource_type = req_query(q, "resource_type"),
		.resource_ref = req_query(q, "resource_ref"),
		.method = req_query(q, "http_method"),
		.path = req_query(q, "http_path"),
	};
	if (!str_none(f->category) && !audit_category_of(f->category, &category))
		return err_set(err, ERR_INVALID, "There is no audit category '%.*s'", STR_ARG(f->category));
	if (!str_none(f->outcome) && !audit_outcome_of(f->outcome, &outcome))
		return err_set(
		    err, ERR_INVALID, "An outcome is success, failure or denied, not '%.*s'", STR_ARG(f->outcome));
	if (!str_none(req_query(q, "request_id")))
		f->request = request_uuid(req_arena(q), req_query(q, "request_id"));
	return query_id(q, "actor_identity", &f->actor, err) && query_id(q, "resource_id", &f->resource, err) &&
	       req_query_int(q, "http_status", 0, &f->status, err) && query_time(q, "created_after", &f->since, err) &&
	       query_time(q, "created_before", &f->until, err);
}

/* What executions did is asked for by that name: it is made of their timelines, and is not among the other rows. */
static bool
asks_for_executions(const AuditFilter *f)
{
	return str_is(f->category, audit_category_name(AUDIT_EXECUTION)) || str_is(f->resource_type, "execution") ||
	       str_starts(f->event_type, str_of("execution."));
}

/* Conditions that no such row meets: it has no request and no address. */
static bool
excludes_executions(const AuditFilter *f)
{
	return !str_none(f->login) || !str_none(f->request) || !str_none(f->method) || !str_none(f->path) ||
	       f->status != 0 || str_is(f->category, audit_category_name(AUDIT_API));
}

static bool
execution_rows(App *app, Req *q, const AuditFilter *f, const Slice *slice, SliceOut *ret, Err *err)
{
	Scope scope = app_scope(app, req_arena(q), "executions:read");
	HistoryFilter h = { .entity = f->resource,
		.ref = f->resource_ref,
		.since = f->since,
		.until = f->until,
		.executor = f->actor,
		.outcome = f->outcome,
		.scope = &scope };

	return audit_of_executions(app_db(app), req_arena(q), &h, f->event_type, slice, ret, err);
}

bool
audit_events_list(App *app, Req *q, Res *s, Err *err)
{
	Page page = req_page(q, PAGE_DEFAULT, PAGE_MOST);
	AuditFilter f;
	SliceOut out;
	Slice slice;

	if (!filter_read(q, &f, err) || !page_slice(req_arena(q), &page, &slice, err))
		return false;
	if (asks_for_executions(&f) && !excludes_executions(&f))
		return execution_rows(app, q, &f, &slice, &out, err) && answer_slice(q, s, &page, &out);
	return audit_list(app_db(app), req_arena(q), &f, &slice, &out, err) && answer_slice(q, s, &page, &out);
}

bool
audit_event_show(App *app, Req *q, Res *s, Err *err)
{
	Json row;
	Id id;

	if (!req_id(q, "id", &id, err))
		return false;
	if (audit_is_of_execution(id)) {
		Scope scope = app_scope(app, req_arena(q), "executions:read");

		return audit_execution_show(app_db(app), req_arena(q), id, &scope, &row, err) &&
		       res_data(s, 200, row, NULL);
	}
	return audit_show(app_db(app), req_arena(q), id, &row, err) && res_data(s, 200, row, NULL);
}

bool
audit_events_of_request(App *app, Req *q, Res *s, Err *err)
{
	Str request = request_uuid(req_arena(q), req_param(q, "request_id"));
	Json rows;

	return audit_of_request(app_db(app), req_arena(q), request, &rows, err) && res_data(s, 200, rows, NULL);
}
