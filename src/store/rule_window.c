#include "store/rule_window.h"

#include "store/lock.h"

#include "base/names.h"

static const char *const kinds[WINDOW_KINDS] = {
	[WINDOW_THROTTLE] = "throttle",
	[WINDOW_ONCE] = "once",
	[WINDOW_DEBOUNCE] = "debounce",
	[WINDOW_PART] = "part",
};

bool
rule_window_lock(Db *db, Arena *a, Id rule, Err *err)
{
	static const Stmt s = { .sql = "select 1 where $1 > 0",
		.pg = "select " LOCK_TAKE(LOCK_ROW("rule_window", "$1"), LOCK_EARLIER_ROW("74712", "$1")),
		.in = "i" };
	Bind b[] = { bind_int(rule) };

	return db_exec(db, a, &s, b, NULL, err) || err_wrap(err, "lock the windows of a rule");
}

#define COLUMNS "select rule, kind, part, key, since, due, count, event from rule_window"

static void
rows_take(Arena *a, const Rows *rows, RuleWindow **ret, size_t *ret_n)
{
	*ret = arena_array(a, RuleWindow, rows->n + 1);
	*ret_n = rows->n;
	for (size_t i = 0; i < rows->n; i++) {
		Row r = rows_at(rows, i);
		int kind = name_index(kinds, WINDOW_KINDS, row_str(r, 1));

		(*ret)[i] = (RuleWindow){ row_int(r, 0), (WindowKind)kind, row_str(r, 2), row_str(r, 3), row_int(r, 4),
			row_int(r, 5), row_int(r, 6), row_int(r, 7) };
	}
}

bool
rule_window_get(Db *db, Arena *a, Id rule, WindowKind kind, Str key, RuleWindow *ret, Err *err)
{
	static const Stmt s = { .sql = COLUMNS " where rule = $1 and kind = $2 and part = '' and key = $3",
		.in = "iss" };
	Bind b[] = { bind_int(rule), bind_str(str_of(kinds[kind])), bind_str(key) };
	RuleWindow *found;
	Rows rows;
	size_t n;

	if (!db_exec(db, a, &s, b, &rows, err))
		return err_wrap(err, "read a rule's window");
	rows_take(a, &rows, &found, &n);
	*ret = n == 0 ? (RuleWindow){ 0 } : found[0];
	return true;
}

bool
rule_window_put(Db *db, Arena *a, const RuleWindow *w, Err *err)
{
	static const Stmt s = {
		.sql = "insert into rule_window (rule, kind, part, key, since, due, count, event)"
		       " values ($1, $2, $3, $4, $5, $6, $7, $8) on conflict (rule, kind, part, key) do update set"
		       " since = excluded.since, due = excluded.due, count = excluded.count, event = excluded.event",
		.in = "isssttiI",
	};
	Bind b[] = { bind_int(w->rule), bind_str(str_of(kinds[w->kind])),
		bind_str(str_none(w->part) ? str_of("") : w->part), bind_str(w->key), bind_time(w->since),
		bind_time(w->due), bind_int(w->count), bind_id(w->event) };

	return db_exec(db, a, &s, b, NULL, err) || err_wrap(err, "store a rule's window");
}

bool
rule_window_parts(Db *db, Arena *a, Id rule, Str key, RuleWindow **ret, size_t *ret_n, Err *err)
{
	static const Stmt s = { .sql = COLUMNS " where rule = $1 and kind = 'part' and key = $2", .in = "is" };
	Bind b[] = { bind_int(rule), bind_str(key) };
	Rows rows;

	if (!db_exec(db, a, &s, b, &rows, err))
		return err_wrap(err, "read what a rule waits for");
	rows_take(a, &rows, ret, ret_n);
	return true;
}

bool
rule_window_drop(Db *db, Arena *a, Id rule, WindowKind kind, Str key, Err *err)
{
	static const Stmt s = { .sql = "delete from rule_window where rule = $1 and kind = $2 and key = $3",
		.in = "iss" };
	Bind b[] = { bind_int(rule), bind_str(str_of(kinds[kind])), bind_str(key) };

	return db_exec(db, a, &s, b, NULL, err) || err_wrap(err, "close a rule's window");
}

bool
rule_window_forget(Db *db, Arena *a, const RuleWindow *w, TimeUs now, Err *err)
{
	static const Stmt s = {
		.sql = "delete from rule_window where rule = $1 and kind = $2 and part = $3 and key = $4 and due <= $5",
		.in = "issst",
	};
	Bind b[] = { bind_int(w->rule), bind_str(str_of(kinds[w->kind])), bind_str(w->part), bind_str(w->key),
		bind_time(now) };

	return db_exec(db, a, &s, b, NULL, err) || err_wrap(err, "forget a rule's window");
}

bool
rule_window_over(Db *db, Arena *a, TimeUs now, size_t most, RuleWindow **ret, size_t *ret_n, Err *err)
{
	static const Stmt s = { .sql = COLUMNS " where due <= $1 order by due limit $2", .in = "ti" };
	Bind b[] = { bind_time(now), bind_int((int64_t)most) };
	Rows rows;

	if (!db_exec(db, a, &s, b, &rows, err))
		return err_wrap(err, "read windows that are over");
	rows_take(a, &rows, ret, ret_n);
	return true;
}

bool
rule_window_next(Db *db, Arena *a, TimeUs *ret_debounce, TimeUs *ret_any, Err *err)
{
	/* each the first entry of an index: there may be a window for every host or user there is */
	static const Stmt s = { .sql = "select (select min(due) from rule_window where kind = 'debounce'),"
				       " (select min(due) from rule_window)",
		.in = "" };
	Rows rows;

	if (!db_exec(db, a, &s, NULL, &rows, err))
		return err_wrap(err, "read when the next window is over");
	*ret_debounce = row_int(rows_at(&rows, 0), 0);
	*ret_any = row_int(rows_at(&rows, 0), 1);
	return true;
}

#define KEPT_COLUMNS "select id, trigger, trigger_ref, payload, created, correlation_id, rule_ref from event"

static EventKept
kept_read(Arena *a, Row r)
{
	EventKept e = { .id = row_int(r, 0),
		.trigger = row_int(r, 1),
		.trigger_ref = row_str(r, 2),
		.payload = row_json(a, r, 3),
		.created = row_int(r, 4),
		.rule_ref = row_str(r, 6) };

	if (!uuid_parse(row_str(r, 5), &e.correlation))
		e.correlation = (Uuid){ 0 };
	return e;
}

bool
event_kept(Db *db, Arena *a, Id id, EventKept *ret, Err *err)
{
	static const Stmt s = { .sql = KEPT_COLUMNS " where id = $1", .in = "i" };
	Bind b[] = { bind_int(id) };
	Rows rows;

	if (!db_read(db, a, &s, b, &rows, err))
		return err_wrap(err, "read an event");
	*ret = rows.n == 0 ? (EventKept){ 0 } : kept_read(a, rows_at(&rows, 0));
	return true;
}

bool
events_recent(Db *db, Arena *a, Str trigger_ref, Str rule_ref, TimeUs since, size_t most, EventKept **ret,
    size_t *ret_n, Err *err)
{
	static const Stmt s = { .sql = KEPT_COLUMNS " where trigger_ref = $1 and (rule_ref is null or rule_ref = $2)"
						    " and created >= $3 order by id desc limit $4",
		.in = "ssti" };
	Bind b[] = { bind_str(trigger_ref), bind_str(rule_ref), bind_time(since), bind_int((int64_t)most) };
	Rows rows;

	if (!db_read(db, a, &s, b, &rows, err))
		return err_wrap(err, "read the events of a trigger");
	*ret = arena_array(a, EventKept, rows.n + 1);
	*ret_n = rows.n;
	for (size_t i = 0; i < rows.n; i++)
		(*ret)[i] = kept_read(a, rows_at(&rows, i));
	return true;
}

bool
enforcement_of(Db *db, Arena *a, Id event, Id rule, Id *ret, Err *err)
{
	static const Stmt s = { .sql = "select id from enforcement where event = $1 and rule = $2", .in = "ii" };
	Bind b[] = { bind_int(event), bind_int(rule) };
	Rows rows;

	if (!db_read(db, a, &s, b, &rows, err))
		return err_wrap(err, "read the enforcement of an event");
	*ret = rows.n == 0 ? 0 : row_int(rows_at(&rows, 0), 0);
	return true;
}

bool
rule_held_put(Db *db, Arena *a, const RuleHeld *rows, size_t n, TimeUs now, Err *err)
{
	static const Stmt s = {
		.sql = "insert into rule_held (event, rule, reason, created) values ($1, $2, $3, $4)"
		       " on conflict (event, rule) do update set reason = excluded.reason",
		.in = "iist",
	};

	for (size_t i = 0; i < n; i++) {
		Bind b[] = { bind_int(rows[i].event), bind_int(rows[i].rule), bind_str(rows[i].reason),
			bind_time(now) };

		if (!db_exec(db, a, &s, b, NULL, err))
			return err_wrap(err, "store what a rule held back");
	}
	return true;
}

bool
rule_held_get(Db *db, Arena *a, Id event, Id rule, Str *ret_reason, Err *err)
{
	static const Stmt s = { .sql = "select reason from rule_held where event = $1 and rule = $2", .in = "ii" };
	Bind b[] = { bind_int(event), bind_int(rule) };
	Rows rows;

	if (!db_read(db, a, &s, b, &rows, err))
		return err_wrap(err, "read what a rule held back");
	*ret_reason = rows.n == 0 ? (Str){ 0 } : row_str(rows_at(&rows, 0), 0);
	return true;
}

bool
rule_runs(Db *db, Arena *a, Id rule, Str rule_ref, Id **ret, size_t *ret_n, bool *ret_waits, Err *err)
{
	static const Stmt runs = { .sql =
				       "select x.id from execution x join enforcement f on f.id = x.enforcement"
				       " where x.finished_at is null and f.rule_ref = $1 and f.rule = $2 order by x.id",
		.in = "si" };
	static const Stmt waits = { .sql = "select 1 from enforcement where status = 'created' and rule = $1 limit 1",
		.in = "i" };
	Bind b[] = { bind_str(rule_ref), bind_int(rule) };
	Bind of[] = { bind_int(rule) };
	Rows rows;

	if (!db_exec(db, a, &runs, b, &rows, err))
		return err_wrap(err, "read the runs of a rule");
	*ret = arena_array(a, Id, rows.n + 1);
	*ret_n = rows.n;
	for (size_t i = 0; i < rows.n; i++)
		(*ret)[i] = row_int(rows_at(&rows, i), 0);
	if (!db_exec(db, a, &waits, of, &rows, err))
		return err_wrap(err, "read the enforcements of a rule");
	*ret_waits = rows.n > 0;
	return true;
}
