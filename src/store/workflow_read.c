#include "store/workflow_read.h"

#include "store/execution_wait.h"

bool
workflow_show_run(Db *db, Arena *a, Id id, WorkflowShown *ret, Err *err)
{
	static const Stmt s = {
		.sql = "select x.id, x.version, x.ref, e.status, x.variables, x.paused, x.error_message, e.created, "
		       "e.started_at, e.finished_at, x.timeout_at, x.rerun_of"
		       " from workflow_execution x join execution e on e.id = x.id where x.id = $1",
		.in = "i",
	};
	Bind b[] = { bind_int(id) };
	Rows rows;
	Row r;

	if (!db_read(db, a, &s, b, &rows, err))
		return err_wrap(err, "read workflow run");
	if (rows.n == 0)
		return err_set(err, ERR_NOT_FOUND, "Execution %lld is no workflow, or has not begun", (long long)id);
	r = rows_at(&rows, 0);
	*ret = (WorkflowShown){
		.id = row_int(r, 0),
		.version = row_int(r, 1),
		.ref = row_str(r, 2),
		.status = row_str(r, 3),
		.variables = row_json(a, r, 4),
		.paused = row_bool(r, 5),
		.error = row_str(r, 6),
		.created = row_int(r, 7),
		.started = row_int(r, 8),
		.finished = row_int(r, 9),
		.timeout_at = row_int(r, 10),
		.rerun_of = row_int(r, 11),
	};
	return true;
}

bool
workflow_rounds(Db *db, Arena *a, Id workflow, WorkflowRound **ret, size_t *ret_n, bool *ret_more, Err *err)
{
	static const Stmt s = {
		.sql = "select task_no, task_iteration, count(*), count(original_execution), min(created), "
		       "min(started_at), max(finished_at), count(finished_at)"
		       " from execution where parent = $1 and parent is not null and task_no is not null"
		       " group by task_no, task_iteration order by task_no, task_iteration limit $2",
		.in = "ii",
	};
	Bind b[] = { bind_int(workflow), bind_int(WORKFLOW_ROUNDS_MOST + 1) };
	Rows rows;

	if (!db_read(db, a, &s, b, &rows, err))
		return err_wrap(err, "read the rounds of a workflow");
	*ret_more = rows.n > WORKFLOW_ROUNDS_MOST;
	*ret_n = *ret_more ? WORKFLOW_ROUNDS_MOST : rows.n;
	*ret = arena_array(a, WorkflowRound, *ret_n + 1);
	for (size_t i = 0; i < *ret_n; i++) {
		Row r = rows_at(&rows, i);
		bool over = row_int(r, 7) == row_int(r, 2);

		(*ret)[i] = (WorkflowRound){
			.task = (int)row_int(r, 0),
			.iteration = row_int(r, 1),
			.runs = row_int(r, 2),
			.retries = row_int(r, 3),
			.ready = row_int(r, 4),
			.started = row_int(r, 5),
			.finished = over ? row_int(r, 6) : 0,
		};
	}
	return true;
}

bool
workflow_runs(Db *db, Arena *a, Id workflow, WorkflowRunRow **ret, size_t *ret_n, Err *err)
{
	static const Stmt s = {
		.sql = "select x.id, x.task_no, x.task_index, x.task_iteration, x.action_ref, x.status, "
		       "case when x.status = 'requested' then " WAIT_REASON " end, x.retry_count, w.id is not null, "
		       "x.created, x.started_at, x.finished_at,"
		       " case when x.finished_at is not null and x.status <> 'completed' then x.result ->> 'error' end"
		       " from execution x left join workflow_execution w on w.id = x.id"
		       " where x.parent = $1 and x.parent is not null and x.task_no is not null"
		       " and (x.task_index is null or x.status <> 'completed') order by x.id desc limit $2",
		.in = "ii",
	};
	Bind b[] = { bind_int(workflow), bind_int(WORKFLOW_RUNS_MOST) };
	Rows rows;

	if (!db_read(db, a, &s, b, &rows, err))
		return err_wrap(err, "read the runs of a workflow");
	*ret = arena_array(a, WorkflowRunRow, rows.n + 1);
	*ret_n = rows.n;
	for (size_t i = 0; i < rows.n; i++) {
		Row r = rows_at(&rows, i);

		(*ret)[rows.n - 1 - i] = (WorkflowRunRow){
			.id = row_int(r, 0),
			.task = (int)row_int(r, 1),
			.index = row_null(r, 2) ? -1 : row_int(r, 2),
			.iteration = row_int(r, 3),
			.action_ref = row_str(r, 4),
			.status = row_str(r, 5),
			.wait = row_str(r, 6),
			.retry = row_int(r, 7),
			.workflow = row_bool(r, 8),
			.created = row_int(r, 9),
			.started = row_int(r, 10),
			.finished = row_int(r, 11),
			.error = row_str(r, 12),
		};
	}
	return true;
}
