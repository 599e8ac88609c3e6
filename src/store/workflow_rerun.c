/* Runs of workflows that are begun anew, and what they have taken over. */
#include "store/workflow_run.h"

bool
workflow_rerun_insert(Db *db, Arena *a, const WorkflowRun *run, Id of, TimeUs now, Err *err)
{
	static const Stmt s = {
		.sql = "insert into workflow_execution (id, version, ref, variables, waiting, depth, rerun_of, starts, "
		       "created, "
		       "updated) values ($1, $2, $3, $4, $5, 0, $6, $7, $8, $8)",
		.in = "iisjiijt",
	};
	/* Its time runs as the definition that it follows says, not as the present one does. It is not tried again by itself: that would
	 * be from its first task on, and two of one run would count each other's tries. */
	static const Stmt limit = {
		.sql = "update execution set timeout_seconds = coalesce(timeout_seconds, $2), retry = null,"
		       " max_retries = null where id = $1",
		.in = "iI",
	};
	Bind b[] = { bind_int(run->id), bind_int(run->version), bind_str(run->ref), bind_json(&run->variables),
		bind_int(run->waiting), bind_int(of), bind_json(&run->starts), bind_time(now) };
	Bind l[] = { bind_int(run->id), bind_id(run->timeout_at / US_PER_S) };

	return (db_exec(db, a, &s, b, NULL, err) && db_exec(db, a, &limit, l, NULL, err)) ||
	       err_wrap(err, "store workflow run");
}

bool
workflow_taken_write(Db *db, Arena *a, Id workflow, const WorkflowTaken *rows, size_t n, Err *err)
{
	static const Stmt s = {
		.sql = "insert into workflow_taken (workflow, task, iteration, result) values ($1, $2, $3, $4)",
		.in = "iiij",
	};
	Bind *b = arena_array(a, Bind, n * 4 + 1);

	for (size_t i = 0; i < n; i++) {
		Bind all[] = { bind_int(workflow), bind_int(rows[i].task), bind_int(rows[i].iteration),
			bind_json(&rows[i].result) };

		memcpy(b + i * countof(all), all, sizeof(all));
	}
	return n == 0 || db_batch(db, a, &s, b, n, NULL, err) || err_wrap(err, "store results taken over");
}

bool
workflow_taken_read(Db *db, Arena *a, Id workflow, int task, int64_t iteration, Json *ret, bool *ret_found, Err *err)
{
	static const Stmt s = {
		.sql = "select result from workflow_taken where workflow = $1 and task = $2 and iteration = $3",
		.in = "iii",
	};
	Bind b[] = { bind_int(workflow), bind_int(task), bind_int(iteration) };
	Rows rows;

	if (!db_exec(db, a, &s, b, &rows, err))
		return err_wrap(err, "read results taken over");
	*ret_found = rows.n > 0;
	*ret = rows.n == 0 ? json_null() : row_json(a, rows_at(&rows, 0), 0);
	return true;
}

bool
workflow_published(Db *db, Arena *a, Id workflow, Json *ret, size_t n, Err *err)
{
	static const Stmt s = {
		.sql = "select task, published from workflow_task where workflow = $1 and published is not null",
		.in = "i",
	};
	Bind b[] = { bind_int(workflow) };
	Rows rows;

	for (size_t i = 0; i < n; i++)
		ret[i] = json_null();
	if (!db_exec(db, a, &s, b, &rows, err))
		return err_wrap(err, "read what tasks have published");
	for (size_t i = 0; i < rows.n; i++) {
		int64_t task = row_int(rows_at(&rows, i), 0);

		if (task >= 0 && (size_t)task < n)
			ret[task] = row_json(a, rows_at(&rows, i), 1);
	}
	return true;
}
