#include "store/execution_read.h"

#include "base/map.h"
#include "store/artifact.h"

#include "store/execution_aside.h"
#include "store/execution_wait.h"
#include "model/limits.h"
#include "store/history.h"

/* word for word the conditions of the partial indexes: SQLite uses such an index only when it finds its condition */
#define LIVE "finished_at is null"
#define BAD "finished_at is not null and status <> 'completed'"

enum { COUNTED_MOST = 100000 };

static const char from[] = " from execution x";

static const Column summary[] = {
	{ "x.id", "id", COL_INT, false },
	{ "x.action_ref", "action_ref", COL_TEXT, false },
	{ "x.status", "status", COL_TEXT, false },
	{ "x.parent", "parent", COL_INT, false },
	{ "x.enforcement", "enforcement", COL_INT, false },
	{ "x.rule_ref", "rule_ref", COL_TEXT, false },
	{ "x.trigger_ref", "trigger_ref", COL_TEXT, false },
	{ "x.worker", "worker", COL_INT, false },
	{ "x.original_execution", "original_execution", COL_INT, true },
	{ "x.timeout_seconds", "timeout_seconds", COL_INT, true },
	{ "x.workflow_task", "workflow_task", COL_JSON, true },
	{ "x.attempt", "attempt", COL_INT, false },
	{ WAIT_MARK, "wait_reason", COL_TEXT, false },
	{ "x.priority", "priority", COL_INT, false },
	{ "x.created", "created", COL_TIME, false },
	{ "x.started_at", "started_at", COL_TIME, true },
	{ "x.finished_at", "finished_at", COL_TIME, false },
	{ "x.updated", "updated", COL_TIME, false },
};

static const Column whole[] = {
	{ "x.id", "id", COL_INT, false },
	{ "(select d.id from action d where d.id = x.action)", "action", COL_INT, false },
	{ "x.action_ref", "action_ref", COL_TEXT, false },
	{ "x.status", "status", COL_TEXT, false },
	{ "x.config", "config", COL_JSON, false },
	{ "x.env_vars", "env_vars", COL_JSON, true },
	{ EXECUTION_RESULT, "result", COL_JSON, false },
	{ "x.parent", "parent", COL_INT, false },
	{ "x.enforcement", "enforcement", COL_INT, false },
	{ "x.executor", "executor", COL_INT, false },
	{ "x.worker", "worker", COL_INT, false },
	{ "x.rule_ref", "rule_ref", COL_TEXT, false },
	{ "x.trigger_ref", "trigger_ref", COL_TEXT, false },
	{ "x.original_execution", "original_execution", COL_INT, true },
	{ "x.permission_set_refs", "permission_set_refs", COL_REFS, false },
	{ "x.artifact_retention_policy", "artifact_retention_policy", COL_TEXT, true },
	{ "x.artifact_retention_limit", "artifact_retention_limit", COL_INT, true },
	{ "x.worker_selector", "worker_selector", COL_JSON, true },
	{ "x.worker_tolerations", "worker_tolerations", COL_JSON, true },
	{ "x.worker_affinity", "worker_affinity", COL_JSON, true },
	{ "x.timeout_seconds", "timeout_seconds", COL_INT, true },
	{ "x.workflow_task", "workflow_task", COL_JSON, true },
	{ "x.attempt", "attempt", COL_INT, false },
	{ WAIT_REASON, "wait_reason", COL_TEXT, false },
	{ "x.wait_detail", "wait_detail", COL_TEXT, false },
	{ "x.correlation_id", "correlation_id", COL_TEXT, false },
	{ "x.created", "created", COL_TIME, false },
	{ "x.started_at", "started_at", COL_TIME, true },
	{ "x.finished_at", "finished_at", COL_TIME, false },
	{ "x.updated", "updated", COL_TIME, false },
	{ "x.priority", "priority", COL_INT, false },
	{ "x.retry_count", "retry_count", COL_INT, false },
	{ "x.max_retries", "max_retries", COL_INT, true },
	{ "x.retry_reason", "retry_reason", COL_TEXT, true },
	{ "case when x.status = 'requested' then x.due_at end", "due_at", COL_TIME, true },
	{ "x.moves", "timeline", COL_TEXT, false },
};

/* ---- lists ---- */

static void
filter_status(Listing *l, ExecState status)
{
	if (status == EXEC_NONE)
		return;
	listing_where(l, "x.status = $?", 's', bind_text(exec_state_name(status)));
	if (!exec_terminal(status))
		listing_plain(l, "x." LIVE);
	else if (status != EXEC_COMPLETED)
		listing_plain(l, "x." BAD);
}

/* Its run, and what came of that: retries and, in a workflow, tasks. Found through the tree: only its root is indexed by it. */
static void
filter_enforcement(Listing *l, Id enforcement)
{
	static const char piece[] =
	    "x.enforcement = $? and x.id in (with recursive t(id) as ("
	    "select r.id from execution r where r.enforcement = $? and r.enforcement is not null and r.parent is null"
	    " and r.original_execution is null union"
	    " select k.id from t join execution k on (k.parent = t.id and k.parent is not null)"
	    " or (k.original_execution = t.id and k.original_execution is not null)) select id from t)";

	if (enforcement != 0)
		listing_where(l, piece, 'i', bind_int(enforcement));
}

static void
filter_text(Listing *l, const ExecFilter *f)
{
	listing_text(l, "x.action_ref", f->action_ref, true);
	listing_text(l, "x.rule_ref", f->rule_ref, true);
	listing_text(l, "x.trigger_ref", f->trigger_ref, true);
	if (!str_none(f->pack))
		listing_text(l, "x.action_ref", str_fmt(l->a, "%.*s.*", STR_ARG(f->pack)), true);
	/* no `like`: % and _ are to be found as they stand; the one way to search a text that both worlds have */
	if (!str_none(f->result_contains) && f->result_contains.n > 0)
		listing_where(l,
		    "replace(lower(cast(" EXECUTION_RESULT " as text)), lower($?), '') <> lower(cast(" EXECUTION_RESULT
		    " as text))",
		    's', bind_str(f->result_contains));
}

static const ScopeColumns scope_columns = { .pack_of = "x.action_ref",
	.ref = "x.action_ref",
	.id = "x.id",
	.owner = "x.executor",
	.execution = "x.id",
	.ancestors = "x.ancestors" };

/* What stands behind the first of its class waits for the same. */
static bool
lines_show(Db *db, Arena *a, Json *rows, Err *err)
{
	Buf sql = buf_open(a);
	Bind *b = arena_array(a, Bind, rows->n + 1);
	char *in = arena_alloc(a, rows->n + 1);
	Map queued = map_open(a);
	size_t n = 0;
	Rows found;

	buf_text(&sql, "select x.id, " WAIT_REASON " from execution x where x.id in (");
	for (size_t i = 0; i < rows->n; i++) {
		int64_t id = json_as_int(json_get(&rows->items[i], "id"), 0);

		if (!str_is(json_get_text(&rows->items[i], "wait_reason"), "queued"))
			continue;
		map_put(&queued, id, &rows->items[i]);
		in[n] = 'i';
		b[n++] = bind_int(id);
		buf_fmt(&sql, "%s$%zu", n == 1 ? "" : ", ", n);
	}
	buf_text(&sql, ")");
	if (n == 0)
		return true;
	if (!db_read_text(db, a, buf_str(&sql), in, b, &found, err))
		return false;
	for (size_t i = 0; i < found.n; i++) {
		Json *o = map_get(&queued, row_int(rows_at(&found, i), 0));

		if (o != NULL && !row_null(rows_at(&found, i), 1))
			json_set(a, o, "wait_reason", json_str(row_str(rows_at(&found, i), 1)));
	}
	return true;
}

bool
execution_list(Db *db, Arena *a, const ExecFilter *f, const Slice *slice, SliceOut *ret, Err *err)
{
	Listing l;

	listing_open(&l, a, from, summary, countof(summary));
	filter_status(&l, f->status);
	filter_enforcement(&l, f->enforcement);
	filter_text(&l, f);
	listing_id(&l, "x.executor", f->executor);
	listing_id(&l, "x.parent", f->parent);
	if (f->top_level_only)
		listing_plain(&l, "x.parent is null");
	return (listing_scope(&l, f->scope, &scope_columns, err) && listing_read(db, &l, slice, ret, err) &&
		   lines_show(db, a, &ret->rows, err)) ||
	       err_wrap(err, "list executions");
}

/* ---- one ---- */

static Json
timeline(Arena *a, Str moves)
{
	Json all = json_array();
	Move m;

	while (move_next(&moves, &m)) {
		Json o = json_object();

		json_add(a, &o, "status", json_str(m.state));
		json_add(a, &o, "at", json_str(time_text(a, m.at)));
		json_add(a, &o, "by", json_str(m.by));
		if (m.attempt > 0)
			json_add(a, &o, "attempt", json_int(m.attempt));
		if (m.note.n > 0)
			json_add(a, &o, "note", json_str(m.note));
		json_push(a, &all, o);
	}
	return all;
}

/* Its place in the line before a limit, and which policy it stands there for: only the first of a line is marked in its row. */
static bool
line_show(Db *db, Arena *a, Id id, Json *o, Err *err)
{
	static const Stmt s = {
		.sql =
		    "select x.slot, x.bucket, case when x.slot is not null then (select count(*) from execution w"
		    " where w.slot = x.slot and w.slot is not null and w.finished_at is null and w.status = 'requested'"
		    " and w.wait_class is not null and (w.priority > x.priority or (w.priority = x.priority and w.id "
		    "<= x.id)))"
		    " else (select count(*) from execution w where w.status = 'requested' and w.wait_class is not null"
		    " and w.wait_class = x.wait_class and w.id <= x.id) end,"
		    " (select h.wait_detail from execution h where h.status = 'requested' and h.wait_class is not null"
		    " and h.wait_class = x.wait_class and h.wait_reason = 'breaker_open' order by h.id limit 1)"
		    " from execution x where x.id = $1 and x.status = 'requested' and x.wait_class is not null"
		    " and coalesce(x.slot, x.bucket, x.breaker) is not null",
		.in = "i",
	};
	static const Stmt policy = { .sql = "select ref from policy where id = $1", .in = "i" };
	Bind b[] = { bind_int(id) };
	Rows rows, of;
	Str slot, key;

	if (!db_read(db, a, &s, b, &rows, err))
		return err_wrap(err, "read execution");
	if (rows.n == 0)
		return true;
	slot = row_str(rows_at(&rows, 0), 0);
	key = str_none(slot) ? row_str(rows_at(&rows, 0), 1) : slot;
	b[0] = bind_int(limit_policy(key));
	if (!db_read(db, a, &policy, b, &of, err))
		return err_wrap(err, "read execution");
	json_add(a, o, "wait_place", json_int(row_int(rows_at(&rows, 0), 2)));
	if (!row_null(rows_at(&rows, 0), 3)) { /* a breaker holds all of the class */
		json_add(a, o, "wait_policy", json_str(row_str(rows_at(&rows, 0), 3)));
		return true;
	}
	if (of.n == 0)
		return true;
	json_add(a, o, "wait_policy", json_str(row_str(rows_at(&of, 0), 0)));
	if (row_int(rows_at(&rows, 0), 2) > 1 && str_is(json_get_text(o, "wait_reason"), "queued"))
		json_set(a, o, "wait_reason",
		    json_str(str_fmt(a, "%s: %.*s", wait_reason_name(str_none(slot) ? WAIT_RATE : WAIT_CONCURRENCY),
			STR_ARG(row_str(rows_at(&of, 0), 0)))));
	return true;
}

bool
execution_show(Db *db, Arena *a, Id id, Json *ret, Err *err)
{
	Listing l;
	bool found;

	listing_open(&l, a, from, whole, countof(whole));
	listing_where(&l, "x.id = $?", 'i', bind_int(id));
	if (!listing_one(db, &l, ret, &found, err))
		return err_wrap(err, "read execution");
	if (!found)
		return err_set(err, ERR_NOT_FOUND, "Execution with ID %lld not found", (long long)id);
	json_set(a, ret, "timeline", timeline(a, json_get_text(ret, "timeline")));
	return !str_is(json_get_text(ret, "status"), "requested") || line_show(db, a, id, ret, err);
}

static bool
newer_than(Db *db, Arena *a, Str action_ref, Id id, int64_t most, bool *ret, Err *err)
{
	static const Stmt s = {
		.sql = "select count(*) from (select 1 from execution where action_ref = $1 and id > $2"
		       " and finished_at is not null limit $3) x",
		.in = "sii",
	};
	Bind b[] = { bind_str(action_ref), bind_int(id), bind_int(most) };
	Rows rows;

	if (!db_read(db, a, &s, b, &rows, err))
		return false;
	*ret = row_int(rows_at(&rows, 0), 0) >= most;
	return true;
}

bool
execution_logs_over(Db *db, Arena *a, Id id, Str usual_policy, int64_t usual_limit, TimeUs now, bool *ret, Err *err)
{
	static const Stmt s = {
		.sql = "select x.action_ref, x.finished_at, d.log_retention_policy, coalesce(d.log_retention_limit, 0)"
		       " from execution x left join action d on d.ref = x.action_ref"
		       " where x.id = $1 and x.finished_at is not null",
		.in = "i",
	};
	Bind b[] = { bind_int(id) };
	Str policy = usual_policy;
	int64_t limit = usual_limit;
	Rows rows;
	Row r;

	*ret = false;
	if (!db_read(db, a, &s, b, &rows, err))
		return err_wrap(err, "how long logs are kept");
	if (rows.n == 0)
		return true;
	r = rows_at(&rows, 0);
	if (row_int(r, 3) > 0) {
		limit = row_int(r, 3);
		policy = row_null(r, 2) ? str_of("days") : row_str(r, 2);
	}
	if (limit > 0 && retention_unit(policy) > 0)
		*ret = row_int(r, 1) < now - retention_unit(policy) * limit;
	else if (limit > 0)
		return newer_than(db, a, row_str(r, 0), id, limit, ret, err) || err_wrap(err, "how long logs are kept");
	return true;
}

bool
executions_exist(Db *db, Arena *a, const Id *ids, size_t n, bool *ret, Err *err)
{
	Buf sql = buf_open(a);
	char *in = arena_alloc(a, n + 1);
	Bind *b = arena_array(a, Bind, n + 1);
	Rows rows;

	memset(ret, 0, n * sizeof(*ret));
	if (n == 0)
		return true;
	buf_text(&sql, "select id from execution where id in (");
	for (size_t i = 0; i < n; i++) {
		buf_fmt(&sql, "%s$%zu", i == 0 ? "" : ", ", i + 1);
		in[i] = 'i';
		b[i] = bind_int(ids[i]);
	}
	buf_text(&sql, ")");
	if (!db_read_text(db, a, buf_str(&sql), in, b, &rows, err))
		return err_wrap(err, "look for executions");
	for (size_t i = 0; i < rows.n; i++)
		for (size_t k = 0; k < n; k++)
			ret[k] = ret[k] || ids[k] == row_int(rows_at(&rows, i), 0);
	return true;
}

bool
execution_status(Db *db, Arena *a, Id id, ExecState *ret, Err *err)
{
	Str ancestors;

	return execution_standing(db, a, id, ret, &ancestors, err);
}

bool
execution_standing(Db *db, Arena *a, Id id, ExecState *ret, Str *ret_ancestors, Err *err)
{
	static const Stmt s = { .sql = "select status, ancestors from execution where id = $1", .in = "i" };
	Bind b[] = { bind_int(id) };
	Rows rows;

	if (!db_read(db, a, &s, b, &rows, err))
		return err_wrap(err, "read execution");
	if (rows.n == 0)
		return err_set(err, ERR_NOT_FOUND, "Execution with ID %lld not found", (long long)id);
	*ret = exec_state_of(row_str(rows_at(&rows, 0), 0));
	*ret_ancestors = row_str(rows_at(&rows, 0), 1);
	return true;
}

/* ---- counts ---- */

/* All but the completed ones, from the two small indexes; then all, of which the rest is completed. */
static bool
counts(Db *db, Arena *a, const Stmt *all, int64_t ret[EXEC_STATES], int64_t *ret_all, Err *err)
{
	static const Stmt others = {
		.sql = "select status, count(*) from execution where " LIVE " group by status"
		       " union all select status, count(*) from execution where " BAD " group by status",
		.in = "",
	};
	Rows rows, total;

	memset(ret, 0, EXEC_STATES * sizeof(ret[0]));
	if (!db_read(db, a, &others, NULL, &rows, err) || !db_read(db, a, all, NULL, &total, err))
		return err_wrap(err, "count executions");
	*ret_all = row_int(rows_at(&total, 0), 0);
	ret[EXEC_COMPLETED] = *ret_all;
	for (size_t i = 0; i < rows.n; i++) {
		Row r = rows_at(&rows, i);

		ret[exec_state_of(row_str(r, 0))] = row_int(r, 1);
		ret[EXEC_COMPLETED] -= row_int(r, 1);
	}
	if (ret[EXEC_COMPLETED] < 0)
		ret[EXEC_COMPLETED] = 0; /* the two statements see two moments */
	return true;
}

bool
execution_counts(Db *db, Arena *a, int64_t ret[EXEC_STATES], Err *err)
{
	static const Stmt all = { .sql = "select count(*) from execution", .in = "" };
	int64_t n;

	return counts(db, a, &all, ret, &n, err);
}

bool
execution_counts_capped(Db *db, Arena *a, int64_t ret[EXEC_STATES], bool *ret_capped, Err *err)
{
	static const Stmt all = { .sql = "select count(*) from (select 1 from execution limit 100001) c", .in = "" };
	int64_t n;

	if (!counts(db, a, &all, ret, &n, err))
		return false;
	*ret_capped = n > COUNTED_MOST;
	return true;
}

bool
execution_place(Db *db, Arena *a, Id id, ExecutionPlace *ret, Err *err)
{
	static const Stmt s = {
		.sql = "select x.status, w.name from execution x left join worker w on w.id = x.worker where x.id = $1",
		.in = "i",
	};
	Bind b = bind_int(id);
	Rows rows;

	if (!db_read(db, a, &s, &b, &rows, err))
		return err_wrap(err, "look where an execution runs");
	if (rows.n == 0)
		return err_set(err, ERR_NOT_FOUND, "Execution with ID %lld not found", (long long)id);
	*ret = (ExecutionPlace){ exec_state_of(row_str(rows_at(&rows, 0), 0)), row_str(rows_at(&rows, 0), 1) };
	return true;
}
