#include "store/history.h"

#include "store/execution_aside.h"
#include "store/history_walk.h"

#include "base/crypto.h"
#include "model/lifecycle.h"

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

	return history_walk(&w, err) && finish(&w, err);
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
