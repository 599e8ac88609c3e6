#include "store/event_read.h"

/* History keeps the ids of what it was made of; a definition that is gone shows as null, its ref stays. */
#define ALIVE(table, column) "(select d.id from " table " d where d.id = x." column ")"

static const char event_from[] = " from event x";
static const char enforcement_from[] = " from enforcement x";
static const char enforcement_event_from[] = " from enforcement x left join event e on e.id = x.event";

static const Column event_summary[] = {
	{ "x.id", "id", COL_INT, false },
	{ ALIVE("\"trigger\"", "\"trigger\""), "trigger", COL_INT, false },
	{ "x.trigger_ref", "trigger_ref", COL_TEXT, false },
	{ ALIVE("sensor", "source"), "source", COL_INT, false },
	{ "x.source_ref", "source_ref", COL_TEXT, false },
	{ ALIVE("rule", "rule"), "rule", COL_INT, false },
	{ "x.rule_ref", "rule_ref", COL_TEXT, false },
	{ "x.payload is not null", "has_payload", COL_BOOL, false },
	{ "x.created", "created", COL_TIME, false },
};

static const Column event_whole[] = {
	{ "x.id", "id", COL_INT, false },
	{ ALIVE("\"trigger\"", "\"trigger\""), "trigger", COL_INT, false },
	{ "x.trigger_ref", "trigger_ref", COL_TEXT, false },
	{ "x.config", "config", COL_JSON, false },
	{ "x.payload", "payload", COL_JSON, false },
	{ ALIVE("sensor", "source"), "source", COL_INT, false },
	{ "x.source_ref", "source_ref", COL_TEXT, false },
	{ ALIVE("rule", "rule"), "rule", COL_INT, false },
	{ "x.rule_ref", "rule_ref", COL_TEXT, false },
	{ "x.correlation_id", "correlation_id", COL_TEXT, false },
	{ "x.created", "created", COL_TIME, false },
};

#define ENFORCEMENT_COLUMNS \
	{ "x.id", "id", COL_INT, false }, { ALIVE("rule", "rule"), "rule", COL_INT, false }, \
	    { "x.rule_ref", "rule_ref", COL_TEXT, false }, { "x.trigger_ref", "trigger_ref", COL_TEXT, false }, \
	    { "x.event", "event", COL_INT, false }, { "x.status", "status", COL_TEXT, false }, \
	    { "x.condition", "condition", COL_TEXT, false }, \
	{ \
		"x.created", "created", COL_TIME, false \
	}

static const Column enforcement_summary[] = { ENFORCEMENT_COLUMNS };

static const Column enforcement_whole[] = {
	ENFORCEMENT_COLUMNS,
	{ "x.config", "config", COL_JSON, false },
	{ "coalesce(x.payload, e.payload)", "payload", COL_JSON, false },
	{ "x.conditions", "conditions", COL_JSON, false },
	{ "x.correlation_id", "correlation_id", COL_TEXT, false },
	{ "x.resolved_at", "resolved_at", COL_TIME, false },
};

/* An event is of the pack of its trigger, an enforcement of that of its rule. */
static const ScopeColumns event_columns = { .pack_of = "x.trigger_ref", .ref = "x.trigger_ref", .id = "x.id" };
static const ScopeColumns enforcement_columns = { .pack_of = "x.rule_ref", .ref = "x.rule_ref", .id = "x.id" };

bool
event_list(Db *db, Arena *a, const EventFilter *f, const Slice *slice, SliceOut *ret, Err *err)
{
	Listing l;

	listing_open(&l, a, event_from, event_summary, countof(event_summary));
	listing_id(&l, "x.\"trigger\"", f->trigger);
	listing_id(&l, "x.source", f->source);
	listing_text(&l, "x.trigger_ref", f->trigger_ref, true);
	listing_text(&l, "x.rule_ref", f->rule_ref, true);
	return (listing_scope(&l, f->scope, &event_columns, err) && listing_read(db, &l, slice, ret, err)) ||
	       err_wrap(err, "list events");
}

static bool
one(Db *db, Listing *l, const char *name, Id id, Json *ret, Err *err)
{
	bool found;

	listing_where(l, "x.id = $?", 'i', bind_int(id));
	if (!listing_one(db, l, ret, &found, err))
		return err_wrap(err, "read %s", name);
	return found || err_set(err, ERR_NOT_FOUND, "%s with ID %lld not found", name, (long long)id);
}

bool
event_show(Db *db, Arena *a, Id id, Json *ret, Err *err)
{
	Listing l;

	listing_open(&l, a, event_from, event_whole, countof(event_whole));
	return one(db, &l, "Event", id, ret, err);
}

static bool
events_read(Db *db, Arena *a, const Id *ids, size_t n, Rows *ret, Err *err)
{
	Buf sql = buf_open(a);
	char *in = arena_alloc(a, n + 1);
	Bind *b = arena_array(a, Bind, n + 1);

	columns_select(&sql, event_whole, countof(event_whole));
	buf_text(&sql, event_from);
	for (size_t i = 0; i < n; i++) {
		buf_fmt(&sql, "%s$%zu", i == 0 ? " where x.id in (" : ", ", i + 1);
		in[i] = 'i';
		b[i] = bind_int(ids[i]);
	}
	in[n] = 0;
	buf_text(&sql, ")");
	return db_read_text(db, a, buf_str(&sql), in, b, ret, err) || err_wrap(err, "read events");
}

bool
events_show(Db *db, Arena *a, const Id *ids, size_t n, Json *ret, Err *err)
{
	enum { CHUNK = 200 };
	Rows rows;

	*ret = json_array();
	for (size_t at = 0; at < n; at += CHUNK) {
		size_t some = n - at < CHUNK ? n - at : CHUNK;

		if (!events_read(db, a, ids + at, some, &rows, err))
			return false;
		for (size_t i = at; i < at + some; i++)
			for (size_t k = 0; k < rows.n; k++)
				if (row_int(rows_at(&rows, k), 0) == ids[i])
					json_push(a, ret,
					    columns_json(a, event_whole, countof(event_whole), rows_at(&rows, k)));
	}
	return true;
}

bool
enforcement_list(Db *db, Arena *a, const EnforcementFilter *f, const Slice *slice, SliceOut *ret, Err *err)
{
	Listing l;

	listing_open(&l, a, enforcement_from, enforcement_summary, countof(enforcement_summary));
	listing_id(&l, "x.rule", f->rule);
	if (f->event != 0)
		listing_where(
		    &l, "x.event = $? and x.rule is not null", 'i', bind_int(f->event)); /* as its index says */
	listing_text(&l, "x.trigger_ref", f->trigger_ref, false);
	listing_text(&l, "x.rule_ref", f->rule_ref, false);
	if (str_is(f->status, "created"))
		listing_plain(&l, "x.status = 'created'"); /* as its index says */
	else
		listing_text(&l, "x.status", f->status, false);
	return (listing_scope(&l, f->scope, &enforcement_columns, err) && listing_read(db, &l, slice, ret, err)) ||
	       err_wrap(err, "list enforcements");
}

bool
enforcement_show(Db *db, Arena *a, Id id, Json *ret, Err *err)
{
	const Json *payload;
	Listing l;

	listing_open(&l, a, enforcement_event_from, enforcement_whole, countof(enforcement_whole));
	if (!one(db, &l, "Enforcement", id, ret, err))
		return false;
	payload = json_get(ret, "payload");
	if (!json_is(payload, JSON_OBJECT))
		json_set(a, ret, "payload", json_object());
	return true;
}
