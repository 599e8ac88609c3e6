#include "store/status_read.h"

#include "store/execution_wait.h"

/* word for word the condition of the index execution_live: SQLite uses a partial index only when it finds its condition */
#define LIVE "finished_at is null"

#define REASON_OF_CLASS \
	"coalesce((select h.wait_reason from execution h where h.id = " FIRST_OF_CLASS("c") "), 'queued')"

static WorkerLoadRow *
load_of(WorkerLoadRow *rows, size_t *n, Id worker)
{
	for (size_t i = 0; i < *n; i++)
		if (rows[i].worker == worker)
			return &rows[i];
	rows[*n] = (WorkerLoadRow){ .worker = worker };
	return &rows[(*n)++];
}

bool
worker_loads(Db *db, Arena *a, WorkerLoadRow **ret, size_t *ret_n, Err *err)
{
	static const Stmt s = {
		.sql = "select worker, status, count(*) from execution"
		       " where " LIVE
		       " and status in ('scheduling', 'scheduled', 'running', 'canceling') and worker is not null"
		       " group by worker, status",
		.in = "",
	};
	Rows rows;

	if (!db_read(db, a, &s, NULL, &rows, err))
		return err_wrap(err, "count runs of workers");
	*ret = arena_array(a, WorkerLoadRow, rows.n + 1);
	*ret_n = 0;
	for (size_t i = 0; i < rows.n; i++) {
		Row r = rows_at(&rows, i);

		load_of(*ret, ret_n, row_int(r, 0))->live[exec_state_of(row_str(r, 1))] = row_int(r, 2);
	}
	return true;
}

bool
waiting_by_reason(Db *db, Arena *a, WaitingRow **ret, size_t *ret_n, Err *err)
{
	static const Stmt s = {
		.sql =
		    "select g.reason, x.wait_detail, g.n, g.oldest, x.created from (select reason,"
		    " cast(sum(n) as bigint) as n, min(oldest) as oldest from (select case when c.reason = 'queued'"
		    " and c.wait_class is not null then " REASON_OF_CLASS " else c.reason end as reason, c.n, c.oldest"
		    " from (select reason, wait_class, count(*) as n, min(id) as oldest from (select id, wait_class,"
		    " coalesce(wait_reason, 'queued') as reason from execution where " LIVE
		    " and status = 'requested' and worker is null order by id limit 10000) w"
		    " group by reason, wait_class) c) r group by reason) g"
		    " join execution x on x.id = g.oldest order by g.oldest",
		.in = "",
	};
	Rows rows;

	if (!db_read(db, a, &s, NULL, &rows, err))
		return err_wrap(err, "count what waits");
	*ret = arena_array(a, WaitingRow, rows.n + 1);
	*ret_n = rows.n;
	for (size_t i = 0; i < rows.n; i++) {
		Row r = rows_at(&rows, i);

		(*ret)[i] = (WaitingRow){ row_str(r, 0), row_str(r, 1), row_int(r, 2), row_int(r, 3), row_int(r, 4) };
	}
	return true;
}

bool
action_queue_read(Db *db, Arena *a, Str action_ref, ActionQueueRow *ret, Err *err)
{
	static const Stmt s = {
		.sql = "select coalesce(sum(case when status = 'requested' then 1 else 0 end), 0),"
		       " coalesce(sum(case when status <> 'requested' then 1 else 0 end), 0),"
		       " min(case when status = 'requested' then created end),"
		       " (select count(*) from execution where action_ref = $1)"
		       " from execution where " LIVE " and action_ref = $1",
		.in = "s",
	};
	Bind b[] = { bind_str(action_ref) };
	Rows rows;
	Row r;

	if (!db_read(db, a, &s, b, &rows, err))
		return err_wrap(err, "count the runs of '%.*s'", STR_ARG(action_ref));
	r = rows_at(&rows, 0);
	*ret = (ActionQueueRow){
		.waiting = row_int(r, 0), .active = row_int(r, 1), .oldest = row_int(r, 2), .all = row_int(r, 3)
	};
	return true;
}
