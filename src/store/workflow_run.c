#include "store/workflow_run.h"

#include "store/execution.h"
#include "store/execution_aside.h"

/* ---- definitions as runs began with them ---- */

static bool
version_find(Db *db, Arena *a, Id workflow_def, Id *ret, Err *err)
{
	static const Stmt s = {
		.sql = "select v.id from workflow_definition d join workflow_version v on v.workflow_def = d.id"
		       " and v.stamp = d.updated where d.id = $1",
		.in = "i",
	};
	Bind b[] = { bind_int(workflow_def) };
	Rows rows;

	if (!db_exec(db, a, &s, b, &rows, err))
		return err_wrap(err, "read workflow version");
	*ret = rows.n == 0 ? 0 : row_int(rows_at(&rows, 0), 0);
	return true;
}

bool
workflow_version(Db *db, Arena *a, Id workflow_def, TimeUs now, Id *ret, Err *err)
{
	static const Stmt s = {
		.sql = "insert into workflow_version (workflow_def, stamp, ref, definition, created)"
		       " select id, updated, ref, definition, $2 from workflow_definition where id = $1"
		       " on conflict do nothing",
		.in = "it",
	};
	Bind b[] = { bind_int(workflow_def), bind_time(now) };

	if (!version_find(db, a, workflow_def, ret, err))
		return false;
	if (*ret != 0)
		return true;
	if (!db_exec(db, a, &s, b, NULL, err))
		return err_wrap(err, "store workflow version");
	return version_find(db, a, workflow_def, ret, err);
}

bool
workflow_version_read(Db *db, Arena *a, Id version, Json *ret, Err *err)
{
	static const Stmt s = { .sql = "select definition from workflow_version where id = $1", .in = "i" };
	Bind b[] = { bind_int(version) };
	Rows rows;

	if (!db_read(db, a, &s, b, &rows, err))
		return err_wrap(err, "read workflow version");
	if (rows.n == 0)
		return err_set(err, ERR_CORRUPT, "version %lld of a workflow is gone", (long long)version);
	*ret = row_json(a, rows_at(&rows, 0), 0);
	return true;
}

/* ---- runs ---- */

#define RUN_INSERT(own_limit) \
	"insert into workflow_execution (id, version, ref, depth, timeout_at, due_at, created, updated)" \
	" values ($1, $2, $3, $4, $5, $5, $6, $6) on conflict (id) do update set depth = excluded.depth," \
	" timeout_at = excluded.created + " own_limit ", due_at = excluded.created + " own_limit "," \
	" updated = excluded.updated"
#define LIMIT_OF(unit) "(select e.timeout_seconds * " unit " from execution e where e.id = excluded.id)"

bool
workflow_run_insert(Db *db, Arena *a, const WorkflowRun *rows, size_t n, TimeUs now, Err *err)
{
	/* those that are there already take over results of another run: only the limit that they were given counts for them */
	static const Stmt s = {
		.sql = RUN_INSERT(LIMIT_OF("1000000")),
		.pg = RUN_INSERT(LIMIT_OF("interval '1 second'")),
		.in = "iisiTt",
		.set = true,
	};
	enum { WIDTH = 6 };
	Bind *b = arena_array(a, Bind, n * WIDTH + 1);

	for (size_t i = 0; i < n; i++) {
		Bind all[WIDTH] = { bind_int(rows[i].id), bind_int(rows[i].version), bind_str(rows[i].ref),
			bind_int(rows[i].depth), bind_time(rows[i].timeout_at), bind_time(now) };

		memcpy(b + i * WIDTH, all, sizeof(all));
	}
	return db_later(db, a, &s, b, n, err) || err_wrap(err, "store workflow runs");
}

#define RUN_COLUMNS \
	"select x.id, x.version, x.ref, x.status, x.variables, x.failed_tasks, x.open, x.waiting, x.bad, x.depth, " \
	"x.paused, x.timeout_at, x.due_at, e.status, e.config, e.env_vars, e.enforcement, e.executor, e.action, " \
	"e.parent, e.action_ref, e.attempt, e.correlation_id, e.started_at, e.permission_set_refs, x.starts, " \
	"e.priority, e.ancestors" \
	" from workflow_execution x join execution e on e.id = x.id where x.id = $1"

static void
run_read(Arena *a, Row r, WorkflowRun *x)
{
	*x = (WorkflowRun){
		.id = row_int(r, 0),
		.version = row_int(r, 1),
		.ref = row_str(r, 2),
		.status = row_str(r, 3),
		.variables = json_str(row_str(r, 4)), /* as text: they are read when somebody asks */
		.failed = row_json(a, r, 5),
		.open = row_int(r, 6),
		.waiting = row_int(r, 7),
		.bad = row_int(r, 8),
		.depth = row_int(r, 9),
		.paused = row_bool(r, 10),
		.timeout_at = row_int(r, 11),
		.due_at = row_int(r, 12),
		.state = row_str(r, 13),
		.config = json_str(row_str(r, 14)),
		.env_vars = row_json(a, r, 15),
		.enforcement = row_int(r, 16),
		.executor = row_int(r, 17),
		.action = row_int(r, 18),
		.parent = row_int(r, 19),
		.action_ref = row_str(r, 20),
		.attempt = (int)row_int(r, 21),
		.correlation = row_uuid(r, 22),
		.started = row_int(r, 23),
		.permission_set_refs = row_json(a, r, 24),
		.starts = row_json(a, r, 25),
		.priority = row_int(r, 26),
		.line = execution_line(a, row_str(r, 27), row_int(r, 0)),
	};
}

/* "limit 1": of a batch each by itself, in the order of the batch, so that two who wait do not wait for each other */
static const Stmt lock_waits = {
	.sql = RUN_COLUMNS, .pg = RUN_COLUMNS " limit 1 for update of x", .in = "i", .set = true
};
/* in whatever order: who waits for nobody is in nobody's way */
static const Stmt lock_skips = {
	.sql = RUN_COLUMNS, .pg = RUN_COLUMNS " for update of x skip locked", .in = "i", .set = true
};

void
workflow_run_lock_ahead(Db *db, Arena *a, Id id, bool wait)
{
	Bind b[] = { bind_int(id) };

	db_ahead(db, a, wait ? &lock_waits : &lock_skips, b);
	workflow_inbox_ahead(db, a, id);
}

bool
workflow_run_lock(Db *db, Arena *a, const Id *ids, size_t n, bool wait, WorkflowRun *ret, Err *err)
{
	Bind *b = arena_array(a, Bind, n + 1);
	Rows rows;

	for (size_t i = 0; i < n; i++) {
		b[i] = bind_int(ids[i]);
		ret[i] = (WorkflowRun){ 0 };
	}
	if (n > 0 && !db_batch(db, a, wait ? &lock_waits : &lock_skips, b, n, &rows, err))
		return err_wrap(err, "read workflow runs");
	for (size_t i = 0; n > 0 && i < rows.n; i++)
		run_read(a, rows_at(&rows, i), &ret[rows.from[i]]);
	return true;
}

bool
workflow_run_write(Db *db, Arena *a, const WorkflowRun *rows, size_t n, TimeUs now, Err *err)
{
	static const Stmt s = {
		.sql =
		    "update workflow_execution set status = $2, open = $3, waiting = $4, bad = $5, failed_tasks = $6,"
		    " due_at = $7, error_message = $8, updated = $9, variables = coalesce($10, variables) where id = "
		    "$1",
		.in = "isiiijTStJ",
		.set = true,
	};
	enum { WIDTH = 10 };
	Bind *b = arena_array(a, Bind, n * WIDTH + 1);

	for (size_t i = 0; i < n; i++) {
		const WorkflowRun *x = &rows[i];
		Bind all[WIDTH] = { bind_int(x->id), bind_str(x->status), bind_int(x->open), bind_int(x->waiting),
			bind_int(x->bad), bind_json(&x->failed), bind_time(x->due_at), bind_str(x->error),
			bind_time(now), bind_json(x->variables_changed ? &x->variables : NULL) };

		memcpy(b + i * WIDTH, all, sizeof(all));
	}
	return db_later(db, a, &s, b, n, err) || err_wrap(err, "store workflow runs");
}

bool
workflow_run_is_paused(Db *db, Arena *a, Id id, bool *ret, Err *err)
{
	static const Stmt s = { .sql = "select 1 from workflow_execution where id = $1 and paused", .in = "i" };
	Bind b[] = { bind_int(id) };
	Rows rows;

	if (!db_exec(db, a, &s, b, &rows, err))
		return err_wrap(err, "look whether a workflow is paused");
	*ret = rows.n > 0;
	return true;
}

bool
workflow_run_pause(Db *db, Arena *a, Id id, bool paused, TimeUs now, bool *ret_there, Err *err)
{
	/* the time in which it was paused does not count for its limit */
	static const Stmt pause = {
		.sql = "update workflow_execution set paused = $3, updated = $2 where id = $1 and status = 'running' "
		       "and not paused",
		.in = "itb",
	};
	static const Stmt resume = {
		.sql =
		    "update workflow_execution set paused = $3, timeout_at = timeout_at + ($2 - updated), updated = $2"
		    " where id = $1 and status = 'running' and paused",
		.in = "itb",
	};
	Bind b[] = { bind_int(id), bind_time(now), bind_bool(paused) };
	Rows rows;

	if (!db_exec(db, a, paused ? &pause : &resume, b, &rows, err))
		return err_wrap(err, "pause workflow run");
	*ret_there = rows.affected > 0;
	return true;
}

bool
workflow_run_paused_mark(Db *db, Arena *a, Id id, bool paused, TimeUs now, Err *err)
{
	static const Stmt s = {
		.sql = "update execution set wait_reason = $2, wait_detail = null, updated = $3 where id = $1 and "
		       "status = "
		       "'running'",
		.in = "iSt",
	};
	Bind b[] = { bind_int(id), paused ? bind_text("paused") : bind_str((Str){ 0 }), bind_time(now) };

	return db_exec(db, a, &s, b, NULL, err) || err_wrap(err, "pause workflow run");
}

bool
workflow_run_depth(Db *db, Arena *a, Id id, int64_t *ret, Err *err)
{
	static const Stmt s = { .sql = "select depth from workflow_execution where id = $1", .in = "i" };
	Bind b[] = { bind_int(id) };
	Rows rows;

	if (!db_exec(db, a, &s, b, &rows, err))
		return err_wrap(err, "read workflow run");
	*ret = rows.n == 0 ? 0 : row_int(rows_at(&rows, 0), 0);
	return true;
}

bool
workflow_run_next_due(Db *db, Arena *a, TimeUs *ret, Err *err)
{
	static const Stmt s = {
		.sql = "select due_at from workflow_execution where due_at is not null and not paused order by due_at "
		       "limit 1",
		.in = "",
	};
	Rows rows;

	if (!db_read(db, a, &s, NULL, &rows, err))
		return err_wrap(err, "read due workflow runs");
	*ret = rows.n == 0 ? 0 : row_int(rows_at(&rows, 0), 0);
	return true;
}

static bool
ids_read(Db *db, Arena *a, const Stmt *s, const Bind *b, Id **ret, size_t *ret_n, Err *err)
{
	Rows rows;

	if (!db_exec(db, a, s, b, &rows, err))
		return false;
	*ret = arena_array(a, Id, rows.n + 1);
	*ret_n = rows.n;
	for (size_t i = 0; i < rows.n; i++)
		(*ret)[i] = row_int(rows_at(&rows, i), 0);
	return true;
}

bool
workflow_run_due(Db *db, Arena *a, TimeUs now, size_t most, Id **ret, size_t *ret_n, Err *err)
{
	static const Stmt s = {
		.sql = "select id from workflow_execution where due_at is not null and due_at <= $1 and not paused"
		       " order by due_at limit $2",
		.in = "ti",
	};
	Bind b[] = { bind_time(now), bind_int((int64_t)most) };

	return ids_read(db, a, &s, b, ret, ret_n, err) || err_wrap(err, "read due workflow runs");
}

bool
workflow_run_later(Db *db, Arena *a, Id id, TimeUs until, Err *err)
{
	static const Stmt s = {
		.sql = "update workflow_execution set due_at = $2 where id = $1 and due_at is not null",
		.in = "it",
	};
	Bind b[] = { bind_int(id), bind_time(until) };

	return db_exec(db, a, &s, b, NULL, err) || err_wrap(err, "put off workflow run %lld", (long long)id);
}

bool
workflow_run_live(Db *db, Arena *a, Id id, WorkflowChildRun **ret, size_t *ret_n, Err *err)
{
	static const Stmt s = {
		.sql = "select id, status, worker is null from execution where parent = $1 and parent is not null"
		       " and finished_at is null order by id",
		.in = "i",
	};
	Bind b[] = { bind_int(id) };
	Rows rows;

	if (!db_exec(db, a, &s, b, &rows, err))
		return err_wrap(err, "read the runs of a workflow");
	*ret = arena_array(a, WorkflowChildRun, rows.n + 1);
	*ret_n = rows.n;
	for (size_t i = 0; i < rows.n; i++) {
		Row r = rows_at(&rows, i);

		(*ret)[i] = (WorkflowChildRun){ row_int(r, 0), row_str(r, 1), row_bool(r, 2) };
	}
	return true;
}

/* ---- results ---- */

bool
workflow_result(Db *db, Arena *a, Id execution, Json *ret, Err *err)
{
	static const Stmt s = { .sql = "select " EXECUTION_RESULT " from execution x where x.id = $1", .in = "i" };
	Bind b[] = { bind_int(execution) };
	Rows rows;

	if (!db_exec(db, a, &s, b, &rows, err))
		return err_wrap(err, "read a result");
	*ret = rows.n == 0 ? json_null() : row_json(a, rows_at(&rows, 0), 0);
	return true;
}

bool
workflow_results(Db *db, Arena *a, Id workflow, int task, int64_t iteration, int64_t n, Json *ret, Err *err)
{
	/* a run that took another's place comes after it */
	static const Stmt s = {
		.sql = "select x.task_index, " EXECUTION_RESULT
		       " from execution x where x.parent = $1 and x.parent is not null"
		       " and x.task_no = $2 and x.task_iteration = $3 and x.task_index is not null order by x.id",
		.in = "iii",
	};
	Bind b[] = { bind_int(workflow), bind_int(task), bind_int(iteration) };
	Rows rows;

	if (!db_exec(db, a, &s, b, &rows, err))
		return err_wrap(err, "read the results of items");
	*ret = json_array();
	for (int64_t i = 0; i < n; i++)
		json_push(a, ret, json_null());
	for (size_t i = 0; i < rows.n; i++) {
		int64_t index = row_int(rows_at(&rows, i), 0);

		if (index >= 0 && index < n)
			ret->items[index] = row_json(a, rows_at(&rows, i), 1);
	}
	return true;
}

bool
workflow_mark_timed_out(Db *db, Arena *a, Id execution, Err *err)
{
	static const Stmt s = {
		.sql = "update execution set workflow_task = replace(workflow_task, '\"timed_out\":false',"
		       " '\"timed_out\":true') where id = $1 and workflow_task is not null",
		.pg = "update execution set workflow_task = jsonb_set(workflow_task, '{timed_out}', 'true')"
		      " where id = $1 and workflow_task is not null",
		.in = "i",
	};
	Bind b[] = { bind_int(execution) };

	return db_exec(db, a, &s, b, NULL, err) || err_wrap(err, "mark a run");
}
