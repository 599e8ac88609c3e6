#include "store/audit.h"

#include "base/names.h"

enum { INSERT_BINDS = 19, OF_REQUEST_MOST = 1000 };

static const char *const categories[AUDIT_CATEGORIES] = {
	[AUDIT_API] = "api",
	[AUDIT_AUTH] = "auth",
	[AUDIT_RBAC] = "rbac",
	[AUDIT_SECRET] = "secret",
	[AUDIT_ADMIN] = "admin",
	[AUDIT_EXECUTION] = "execution",
	[AUDIT_PACK] = "pack",
};
static const char *const outcomes[AUDIT_OUTCOMES] = {
	[AUDIT_SUCCESS] = "success",
	[AUDIT_FAILURE] = "failure",
	[AUDIT_DENIED] = "denied",
};

const char *
audit_category_name(AuditCategory c)
{
	return categories[c];
}

bool
audit_category_of(Str name, AuditCategory *ret)
{
	int i = name_index(categories, AUDIT_CATEGORIES, name);

	if (i < 0)
		return false;
	*ret = (AuditCategory)i;
	return true;
}

const char *
audit_outcome_name(AuditOutcome o)
{
	return outcomes[o];
}

bool
audit_outcome_of(Str name, AuditOutcome *ret)
{
	int i = name_index(outcomes, AUDIT_OUTCOMES, name);

	if (i < 0)
		return false;
	*ret = (AuditOutcome)i;
	return true;
}

/* ---- writing ---- */

static Bind
bind_status(int status, int64_t value)
{
	return status == 0 ? (Bind){ 0 } : bind_int(value);
}

static void
insert_binds(const AuditRow *r, Bind *b)
{
	Bind all[INSERT_BINDS] = {
		bind_text(categories[r->category]),
		bind_str(r->event_type),
		bind_text(outcomes[r->outcome]),
		bind_id(r->actor),
		bind_str(r->login),
		bind_str(r->token_type),
		bind_str(r->ip),
		bind_str(r->agent),
		bind_str(r->request),
		bind_str(r->resource_type),
		bind_id(r->resource),
		bind_str(r->resource_ref),
		bind_str(r->method),
		bind_str(r->path),
		bind_status(r->status, r->status),
		bind_status(r->status, r->took_ms),
		bind_json(r->details),
		{ 0 },
		bind_time(r->at),
	};

	memcpy(b, all, sizeof(all));
}

bool
audit_insert(Db *db, Arena *a, const AuditRow *rows, size_t n, Err *err)
{
	static const Stmt s = {
		.sql = "insert into audit_event (category, event_type, outcome, actor_identity, actor_login, "
		       "actor_token_type, actor_ip, actor_user_agent, request_id, resource_type, resource_id, "
		       "resource_ref, http_method, http_path, http_status, duration_ms, details, correlation_chain, "
		       "created) values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, "
		       "$18, $19)",
		.in = "sssISSSSSSISSSIIJJt",
		.set = true,
	};
	Bind *b = arena_array(a, Bind, n * INSERT_BINDS + 1);

	if (n == 0)
		return true;
	for (size_t i = 0; i < n; i++)
		insert_binds(&rows[i], b + i * INSERT_BINDS);
	return db_batch(db, a, &s, b, n, NULL, err) || err_wrap(err, "store %zu audit events", n);
}

/* ---- reading ---- */

static const char from[] = " from audit_event x";

static const Column summary[] = {
	{ "x.id", "id", COL_INT, false },
	{ "x.category", "category", COL_TEXT, false },
	{ "x.event_type", "event_type", COL_TEXT, false },
	{ "x.outcome", "outcome", COL_TEXT, false },
	{ "x.actor_identity", "actor_identity", COL_INT, false },
	{ "x.actor_login", "actor_login", COL_TEXT, false },
	{ "x.request_id", "request_id", COL_TEXT, false },
	{ "x.resource_type", "resource_type", COL_TEXT, false },
	{ "x.resource_ref", "resource_ref", COL_TEXT, false },
	{ "x.http_method", "http_method", COL_TEXT, false },
	{ "x.http_path", "http_path", COL_TEXT, false },
	{ "x.http_status", "http_status", COL_INT, false },
	{ "x.created", "created", COL_TIME, false },
};

static const Column whole[] = {
	{ "x.id", "id", COL_INT, false },
	{ "x.category", "category", COL_TEXT, false },
	{ "x.event_type", "event_type", COL_TEXT, false },
	{ "x.outcome", "outcome", COL_TEXT, false },
	{ "x.actor_identity", "actor_identity", COL_INT, false },
	{ "x.actor_login", "actor_login", COL_TEXT, false },
	{ "x.actor_token_type", "actor_token_type", COL_TEXT, false },
	{ "x.actor_ip", "actor_ip", COL_TEXT, false },
	{ "x.actor_user_agent", "actor_user_agent", COL_TEXT, false },
	{ "x.request_id", "request_id", COL_TEXT, false },
	{ "x.resource_type", "resource_type", COL_TEXT, false },
	{ "x.resource_id", "resource_id", COL_INT, false },
	{ "x.resource_ref", "resource_ref", COL_TEXT, false },
	{ "x.http_method", "http_method", COL_TEXT, false },
	{ "x.http_path", "http_path", COL_TEXT, false },
	{ "x.http_status", "http_status", COL_INT, false },
	{ "x.duration_ms", "duration_ms", COL_INT, false },
	{ "x.details", "details", COL_JSON, false },
	{ "x.correlation_chain", "correlation_chain", COL_JSON, false },
	{ "x.created", "created", COL_TIME, false },
};

bool
audit_list(Db *db, Arena *a, const AuditFilter *f, const Slice *slice, SliceOut *ret, Err *err)
{
	Listing l;

	listing_open(&l, a, from, summary, countof(summary));
	listing_text(&l, "x.category", f->category, false);
	if (!str_none(f->category) && !str_is(f->category, categories[AUDIT_API]))
		listing_plain(&l, "x.category <> 'api'"); /* word for word the condition of the index */
	listing_text(&l, "x.outcome", f->outcome, false);
	listing_text(&l, "x.event_type", f->event_type, true);
	listing_id(&l, "x.actor_identity", f->actor);
	listing_text(&l, "x.actor_login", f->login, false);
	listing_text(&l, "x.resource_type", f->resource_type, false);
	listing_id(&l, "x.resource_id", f->resource);
	listing_text(&l, "x.resource_ref", f->resource_ref, false);
	listing_text(&l, "x.request_id", f->request, false);
	listing_text(&l, "x.http_method", f->method, false);
	listing_text(&l, "x.http_path", f->path, true);
	listing_id(&l, "x.http_status", f->status);
	if (f->since != 0)
		listing_where(&l, "x.created >= $?", 't', bind_time(f->since));
	if (f->until != 0)
		listing_where(&l, "x.created <= $?", 't', bind_time(f->until));
	return listing_read(db, &l, slice, ret, err) || err_wrap(err, "list audit events");
}

bool
audit_show(Db *db, Arena *a, Id id, Json *ret, Err *err)
{
	Listing l;
	bool found;

	listing_open(&l, a, from, whole, countof(whole));
	listing_where(&l, "x.id = $?", 'i', bind_int(id));
	if (!listing_one(db, &l, ret, &found, err))
		return err_wrap(err, "audit event %lld", (long long)id);
	return found || err_set(err, ERR_NOT_FOUND, "Audit event with ID %lld not found", (long long)id);
}

bool
audit_of_request(Db *db, Arena *a, Str request, Json *ret, Err *err)
{
	Slice slice = { .size = OF_REQUEST_MOST };
	SliceOut out;
	Listing l;

	listing_open(&l, a, from, whole, countof(whole));
	listing_where(&l, "x.request_id = $?", 's', bind_str(request));
	if (!listing_read(db, &l, &slice, &out, err))
		return err_wrap(err, "audit events of request '%.*s'", STR_ARG(request));
	*ret = json_array();
	for (size_t i = out.rows.n; i-- > 0;)
		json_push(a, ret, out.rows.items[i]);
	return true;
}
