#include "store/history.h"

#include "store/execution_aside.h"

#include "base/crypto.h"
#include "model/lifecycle.h"

/*
 * A record's id is its execution's id and its place in the timeline, so that a page can go on after it. As an audit event it lies
 * above all ids of the table, and below what a double holds exactly.
 */
#define PLACES ((Id)1024)
#define AUDIT_BASE ((Id)1 << 52)

enum { CHUNK = 100 };

static const ScopeColumns scope_columns = { .pack_of = "x.action_ref",
	.ref = "x.action_ref",
	.id = "x.id",
	.owner = "x.executor",
	.execution = "x.id",
	.ancestors = "x.ancestors" };

bool
move_next(Str *moves, Move *ret)
{
	Str line = { 0 };

	while (str_cut(moves, '\n', &line)) {
		Str at = { 0 }, attempt = { 0 };
		Move m = { 0 };

		if (!str_cut(&line, '|', &m.state) || !str_cut(&line, '|', &at) || !str_cut(&line, '|', &m.by) ||
		    !str_cut(&line, '|', &attempt) || !str_to_int(at, &m.at) || !str_to_int(attempt, &m.attempt))
			continue;
		m.note = line;
		*ret = m;
		return true;
	}
	return false;
}

/* ---- walking over timelines ---- */

/* A move, or what was noted beside the timeline. */
typedef struct Step {
	Move m;
	bool noted;
	Json fields, values; /* of a note */
} Step;

typedef struct Run {
	Id id, executor;
	Str action_ref, correlation;
	bool timed_out, has_result;
	Step *steps;
	size_t n;
} Run;

typedef struct Walk Walk;

/* The record of one step; null when it is not wanted. */
typedef Json Maker(Walk *w, const Run *r, size_t place);

struct Walk {
	Db *db;
	Arena *a;
	const HistoryFilter *filter;
	const Slice *slice;
	Maker *make;
	bool with_notes;
	Str event_type;
	SliceOut *out;
	int64_t seen;  /* records wanted so far */
	Id before_run; /* only executions older than this one; 0: any */
	bool enough;
};

static bool
in_time(const HistoryFilter *f, TimeUs t)
{
	return (f->since == 0 || t >= f->since) && (f->until == 0 || t <= f->until);
}

static bool
runs_read(Walk *w, Rows *ret, Err *err)
{
	static const Column columns[] = {
		{ "x.id", "id", COL_INT, false },
		{ "x.action_ref", "action_ref", COL_TEXT, false },
		{ "x.executor", "executor", COL_INT, false },
		{ "x.correlation_id", "correlation_id", COL_TEXT, false },
		{ "x.moves", "moves", COL_TEXT, false },
		{ "x.status = 'failed' and (cast(x.result as text) like '%\"timed_out\": true%' or cast(x.result as "
		  "text) like "
		  "'%\"timed_out\":true%')",
		    "timed_out", COL_BOOL, false },
		{ "x.result is not null", "has_result", COL_BOOL, false },
	};
	const HistoryFilter *f = w->filter;
	Buf b = buf_open(w->a);
	Listing l;

	listing_open(&l, w->a, " from execution x", columns, countof(columns));
	listing_id(&l, "x.id", f->entity);
	listing_text(&l, "x.action_ref", f->ref, false);
	listing_id(&l, "x.executor", f->executor);
	if (f->since != 0)
		listing_where(&l, "x.updated >= $?", 't', bind_time(f->since));
	if (f->until != 0)
		listing_where(&l, "x.created <= $?", 't', bind_time(f->until));
	if (f->scope != NULL && !listing_scope(&l, f->scope, &scope_columns, err))
		return false;
	if (w->before_run != 0)
		listing_where(&l, "x.id < $?", 'i', bind_int(w->before_run));
	listing_where(&l, "true order by x.id desc limit $?", 'i', bind_int(CHUNK));
	columns_select(&b, columns, countof(columns));
	buf_text(&b, l.from);
	buf_add(&b, buf_str(&l.where));
	return db_read_text(w->db, w->a, buf_str(&b), l.in, l.binds, ret, err);
}

/* What was noted of the executions from first to last, oldest first. */
static bool
notes_read(Walk *w, Id first, Id last, Rows *ret, Err *err)
{
	static const Stmt s = {
		.sql = "select entity_id, time, changed_fields, new_values from execution_history"
		       " where entity_id >= $1 and entity_id <= $2 order by id",
		.in = "ii",
	};
	Bind b[] = { bind_int(first), bind_int(last) };

	*ret = (Rows){ 0 };
	return !w->with_notes || db_read(w->db, w->a, &s, b, ret, err);
}

/* A note stands where its time puts it among the moves. */
static void
note_add(Arena *a, Run *r, Row row)
{
	Step step = {
		.noted = true, .m.at = row_int(row, 1), .fields = row_json(a, row, 2), .values = row_json(a, row, 3)
	};
	size_t i = r->n++;

	while (i > 0 && r->steps[i - 1].m.at > step.m.at) {
		r->steps[i] = r->steps[i - 1];
		i--;
	}
	r->steps[i] = step;
}

static Run
run_of(Arena *a, Row row, const Rows *notes)
{
	Run r = { .id = row_int(row, 0),
		.action_ref = row_str(row, 1),
		.executor = row_int(row, 2),
		.correlation = row_str(row, 3),
		.timed_out = row_bool(row, 5),
		.has_result = row_bool(row, 6) };
	Str moves = row_str(row, 4), rest = moves;
	size_t n = 0;
	Move m;

	while (move_next(&rest, &m))
		n++;
	r.steps = arena_array(a, Step, n + notes->n + 1);
	while (move_next(&moves, &m))
		r.steps[r.n++] = (Step){ .m = m };
	for (size_t i = 0; i < notes->n; i++)
		if (row_int(rows_at(notes, i), 0) == r.id)
			note_add(a, &r, rows_at(notes, i));
	return r;
}

/* The page is full, and whether more is wanted for the total has been decided. */
static bool
has_enough(const Walk *w)
{
	return w->out->more && !w->slice->totals && (w->slice->after != 0 || w->seen > LISTING_COUNTED);
}

static void
walk_run(Walk *w, const Run *r)
{
	for (size_t i = r->n; i-- > 0 && !w->enough;) {
		Id id = r->id * PLACES + (Id)i;
		Json record;

		if ((w->slice->after != 0 && id >= w->slice->after) || !in_time(w->filter, r->steps[i].m.at))
			continue;
		record = w->make(w, r, i);
		if (record.kind == JSON_NULL)
			continue;
		w->seen++;
		if (w->seen <= w->slice->offset)
			continue;
		if (w->out->rows.n < w->slice->size) {
			json_push(w->a, &w->out->rows, record);
			w->out->last = id;
		} else {
			w->out->more = true;
		}
		w->enough = has_enough(w);
	}
}

static bool
walk_chunk(Walk *w, size_t *ret_n, Err *err)
{
	Rows rows, notes;

	if (!runs_read(w, &rows, err))
		return false;
	*ret_n = rows.n;
	if (rows.n == 0)
		return true;
	if (!notes_read(w, row_int(rows_at(&rows, rows.n - 1), 0), row_int(rows_at(&rows, 0), 0), &notes, err))
		return false;
	for (size_t i = 0; i < rows.n && !w->enough; i++) {
		Run r = run_of(w->a, rows_at(&rows, i), &notes);

		walk_run(w, &r);
		w->before_run = r.id;
	}
	return true;
}

static bool
walk(Walk *w, Err *err)
{
	size_t n = CHUNK;

	*w->out = (SliceOut){ .rows = json_array(), .total = -1 };
	if (w->slice->after != 0)
		w->before_run = w->slice->after / PLACES + 1;
	while (!w->enough && n == CHUNK)
		if (!walk_chunk(w, &n, err))
			return err_wrap(err, "history of executions");
	if (!w->enough && w->slice->after == 0)
		w->out->total = w->seen;
	return true;
}

/* ---- the history of executions ---- */

/* The fields that a move has changed, with their values. A result is too large for a history: finish() puts its digest there. */
static Json
values_of(Arena *a, const Run *r, size_t place)
{
	const Move *m = &r->steps[place].m;
	Json o = json_object();

	json_add(a, &o, "status", json_str(m->state));
	if (str_is(m->state, exec_state_name(EXEC_RUNNING)))
		json_add(a, &o, "started_at", json_str(time_text(a, m->at)));
	if (r->has_result && exec_terminal(exec_state_of(m->state)))
		json_add(a, &o, "result", json_null());
	return o;
}

static Json
keys_of(Arena *a, const Json *o)
{
	Json keys = json_array();

	for (size_t i = 0; i < o->n; i++)
		json_push(a, &keys, json_str(o->members[i].key));
	return keys;
}

static bool
has_text(const Json *list, Str wanted)
{
	for (size_t i = 0; i < list->n; i++)
		if (str_eq(json_as_str(&list->items[i]), wanted))
			return true;
	return false;
}

/* The state before a move; null before the first. */
static Json
values_before(Arena *a, const Run *r, size_t place)
{
	Json o = json_object();

	while (place-- > 0) {
		if (r->steps[place].noted)
			continue;
		json_add(a, &o, "status", json_str(r->steps[place].m.state));
		return o;
	}
	return json_null();
}

static Json
record_of(Walk *w, const Run *r, size_t place)
{
	const Step *step = &r->steps[place];
	const HistoryFilter *f = w->filter;
	const char *operation = place == 0 && !step->noted ? "INSERT" : "UPDATE";
	Json after = step->noted ? step->values : values_of(w->a, r, place), o = json_object();
	Json changed = step->noted ? step->fields : place == 0 ? json_array() : keys_of(w->a, &after);

	if ((!str_none(f->operation) && !str_is(f->operation, operation)) ||
	    (!str_none(f->field) && !has_text(&changed, f->field)))
		return json_null();
	json_add(w->a, &o, "time", json_str(time_text(w->a, step->m.at)));
	json_add(w->a, &o, "operation", json_cstr(operation));
	json_add(w->a, &o, "entity_id", json_int(r->id));
	json_add(w->a, &o, "entity_ref", json_str(r->action_ref));
	json_add(w->a, &o, "changed_fields", changed);
	json_add(w->a, &o, "old_values", step->noted ? json_null() : values_before(w->a, r, place));
	json_add(w->a, &o, "new_values", after);
	return o;
}

static bool
digest_of(Db *db, Arena *a, Id id, Json *ret, Err *err)
{
	static const Stmt s = { .sql = "select " EXECUTION_RESULT " from execution x where x.id = $1", .in = "i" };
	Bind b[] = { bind_int(id) };
	Rows rows;
	Json value;
	Str text;

	*ret = json_null();
	if (!db_read(db, a, &s, b, &rows, err))
		return false;
	if (rows.n == 0 || row_null(rows_at(&rows, 0), 0))
		return true;
	value = row_json(a, rows_at(&rows, 0), 0);
	text = json_text(a, &value);
	*ret = json_object();
	json_add(a, ret, "digest", json_str(str_fmt(a, "sha256:%.*s", STR_ARG(sha256_hex(a, text)))));
	json_add(a, ret, "size", json_int((int64_t)text.n));
	json_add(a, ret, "type", json_cstr(json_kind_name(value.kind)));
	return true;
}

/* Digests of the results, for the page only. */
static bool
finish(Walk *w, Err *err)
{
	for (size_t i = 0; i < w->out->rows.n; i++) {
		Json *record = &w->out->rows.items[i], digest;
		Json values = *json_get(record, "new_values");
		const Json *result = json_get(&values, "result");

		if (result == NULL || result->kind != JSON_NULL)
			continue;
		if (!digest_of(w->db, w->a, json_as_int(json_get(record, "entity_id"), 0), &digest, err))
			return err_wrap(err, "history of executions");
		json_set(w->a, &values, "result", digest);
		json_set(w->a, record, "new_values", values);
	}
	return true;
}

bool
history_of_executions(Db *db, Arena *a, const HistoryFilter *f, const Slice *slice, SliceOut *ret, Err *err)
{
	Walk w = { .db = db, .a = a, .filter = f, .slice = slice, .make = record_of, .with_notes = true, .out = ret };

	return walk(&w, err) && finish(&w, err);
}

/* ---- the audit of executions ---- */

static const char *
event_of(const Run *r, size_t place)
{
	static const char *const types[EXEC_STATES] = {
		[EXEC_REQUESTED] = "execution.requested",
		[EXEC_SCHEDULED] = "execution.scheduled",
		[EXEC_RUNNING] = "execution.started",
		[EXEC_COMPLETED] = "execution.completed",
		[EXEC_FAILED] = "execution.failed",
		[EXEC_CANCELING] = "execution.canceling",
		[EXEC_CANCELLED] = "execution.cancelled",
		[EXEC_TIMEOUT] = "execution.timed_out",
		[EXEC_ABANDONED] = "execution.abandoned",
	};
	ExecState state = exec_state_of(r->steps[place].m.state);

	if (state == EXEC_FAILED && r->timed_out)
		return "execution.timed_out";
	return types[state] == NULL ? "execution.status_changed" : types[state];
}

static const char *
outcome_of(const Run *r, size_t place)
{
	ExecState state = exec_state_of(r->steps[place].m.state);

	return state == EXEC_FAILED || state == EXEC_TIMEOUT || state == EXEC_ABANDONED ? "failure" : "success";
}

static Json
audit_summary(Walk *w, const Run *r, size_t place)
{
	static const char *const nothing[] = { "actor_login", "request_id", "http_method", "http_path", "http_status" };
	const char *type = event_of(r, place);
	Json o = json_object();

	if ((!str_none(w->event_type) && !str_is(w->event_type, type) && !str_is(w->event_type, "execution.*")) ||
	    (!str_none(w->filter->outcome) && !str_is(w->filter->outcome, outcome_of(r, place))))
		return json_null();
	json_add(w->a, &o, "id", json_int(AUDIT_BASE + r->id * PLACES + (Id)place));
	json_add(w->a, &o, "category", json_cstr("execution"));
	json_add(w->a, &o, "event_type", json_cstr(type));
	json_add(w->a, &o, "outcome", json_cstr(outcome_of(r, place)));
	json_add(w->a, &o, "actor_identity", r->executor == 0 ? json_null() : json_int(r->executor));
	for (size_t i = 0; i < countof(nothing); i++)
		json_add(w->a, &o, nothing[i], json_null());
	json_add(w->a, &o, "resource_type", json_cstr("execution"));
	json_add(w->a, &o, "resource_ref", json_str(r->action_ref));
	json_add(w->a, &o, "created", json_str(time_text(w->a, r->steps[place].m.at)));
	return o;
}

static Json
audit_whole(Walk *w, const Run *r, size_t place)
{
	static const char *const nothing[] = { "actor_token_type", "actor_ip", "actor_user_agent", "duration_ms" };
	const Move *m = &r->steps[place].m;
	Json o = audit_summary(w, r, place), details = json_object(), chain = json_object();

	for (size_t i = 0; i < countof(nothing); i++)
		json_add(w->a, &o, nothing[i], json_null());
	json_add(w->a, &details, "by", json_str(m->by));
	json_add(w->a, &details, "attempt", json_int(m->attempt));
	if (m->note.n > 0)
		json_add(w->a, &details, "note", json_str(m->note));
	json_add(w->a, &chain, "correlation_id", json_str(r->correlation));
	json_add(w->a, &o, "resource_id", json_int(r->id));
	json_add(w->a, &o, "details", details);
	json_add(w->a, &o, "correlation_chain", chain);
	return o;
}

bool
audit_of_executions(
    Db *db, Arena *a, const HistoryFilter *f, Str event_type, const Slice *slice, SliceOut *ret, Err *err)
{
	Walk w = { .db = db,
		.a = a,
		.filter = f,
		.slice = slice,
		.make = audit_summary,
		.event_type = event_type,
		.out = ret };

	return walk(&w, err);
}

bool
audit_is_of_execution(Id id)
{
	return id >= AUDIT_BASE;
}

bool
audit_execution_show(Db *db, Arena *a, Id id, const Scope *scope, Json *ret, Err *err)
{
	Id record = id - AUDIT_BASE;
	HistoryFilter f = { .entity = record / PLACES, .scope = scope };
	Slice slice = { .size = PLACES };
	SliceOut out = { 0 };
	Walk w = { .db = db, .a = a, .filter = &f, .slice = &slice, .make = audit_whole, .out = &out };

	if (!walk(&w, err))
		return false;
	for (size_t i = 0; i < out.rows.n; i++) {
		if (json_as_int(json_get(&out.rows.items[i], "id"), 0) != id)
			continue;
		*ret = out.rows.items[i];
		return true;
	}
	return err_set(err, ERR_NOT_FOUND, "Audit event with ID %lld not found", (long long)id);
}

/* ---- workers ---- */

bool
worker_note(Db *db, Arena *a, Id worker, Str name, const Json *before, const Json *after, TimeUs now, Err *err)
{
	static const Stmt s = {
		.sql =
		    "insert into worker_history (time, operation, entity_id, entity_ref, changed_fields, old_values, "
		    "new_values) values ($1, $2, $3, $4, $5, $6, $7)",
		.in = "tsiSjJj",
	};
	Json fields = before == NULL ? json_array() : keys_of(a, after);
	Bind b[] = { bind_time(now), bind_text(before == NULL ? "INSERT" : "UPDATE"), bind_int(worker), bind_str(name),
		bind_json(&fields), bind_json(before), bind_json(after) };

	return db_exec(db, a, &s, b, NULL, err) || err_wrap(err, "history of worker %lld", (long long)worker);
}

bool
history_of_workers(Db *db, Arena *a, const HistoryFilter *f, const Slice *slice, SliceOut *ret, Err *err)
{
	static const Column columns[] = {
		{ "x.id", "id", COL_INT, false },
		{ "x.time", "time", COL_TIME, false },
		{ "x.operation", "operation", COL_TEXT, false },
		{ "x.entity_id", "entity_id", COL_INT, false },
		{ "x.entity_ref", "entity_ref", COL_TEXT, false },
		{ "x.changed_fields", "changed_fields", COL_REFS, false },
		{ "x.old_values", "old_values", COL_JSON, false },
		{ "x.new_values", "new_values", COL_JSON, false },
	};
	Listing l;

	listing_open(&l, a, " from worker_history x", columns, countof(columns));
	listing_id(&l, "x.entity_id", f->entity);
	listing_text(&l, "x.entity_ref", f->ref, false);
	listing_text(&l, "x.operation", f->operation, false);
	if (!str_none(f->field))
		listing_where(&l, "cast(x.changed_fields as text) like $? escape '\\'", 's',
		    bind_str(str_fmt(a, "%%\"%.*s", STR_ARG(listing_pattern(a, f->field, "\"%")))));
	if (f->since != 0)
		listing_where(&l, "x.time >= $?", 't', bind_time(f->since));
	if (f->until != 0)
		listing_where(&l, "x.time <= $?", 't', bind_time(f->until));
	return listing_read(db, &l, slice, ret, err) || err_wrap(err, "history of workers");
}
