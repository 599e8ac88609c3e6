#include "store/retention.h"

#include "base/names.h"

static const char *const names[RETAIN_TARGETS] = {
	[RETAIN_EVENTS] = "events",
	[RETAIN_ENFORCEMENTS] = "enforcements",
	[RETAIN_EXECUTIONS] = "executions",
	[RETAIN_EXECUTION_HISTORY] = "execution_history",
	[RETAIN_WORKER_HISTORY] = "worker_history",
	[RETAIN_AUDIT_EVENTS] = "audit_events",
	[RETAIN_INQUIRIES] = "inquiries",
	[RETAIN_WEBHOOK_EVENT_LOGS] = "webhook_event_logs",
	[RETAIN_CONTINUOUS_AGGREGATES] = "continuous_aggregates",
	[RETAIN_EXECUTION_ADMISSION] = "execution_admission",
	[RETAIN_NOTIFICATIONS] = "notifications",
	[RETAIN_PACK_TEST_EXECUTIONS] = "pack_test_executions",
	[RETAIN_SENSOR_PROCESS_HISTORY] = "sensor_process_history",
	[RETAIN_SENSOR_PROCESSES] = "sensor_processes",
	[RETAIN_WORK_QUEUE_DISPATCHES] = "work_queue_dispatches",
	[RETAIN_WORK_QUEUE_ITEMS] = "work_queue_items",
	[RETAIN_WORKERS] = "workers",
};

const char *
retain_target_name(RetainTarget t)
{
	return names[t];
}

bool
retain_target_of(Str name, RetainTarget *ret)
{
	int i = name_index(names, RETAIN_TARGETS, name);

	if (i < 0)
		return false;
	*ret = (RetainTarget)i;
	return true;
}

/* ---- the plan ---- */

static void
age_read(Row r, RetainPlan *plan)
{
	RetainTarget t;

	if (retain_target_of(row_str(r, 0), &t)) /* a later program may have known more of them */
		plan->max_age[t] = row_null(r, 1) ? RETAIN_FOR_EVER : row_int(r, 1);
}

bool
retain_plan_read(Db *db, Arena *a, RetainPlan *plan, Err *err)
{
	static const Stmt all = {
		.sql = "select enabled, dry_run, check_interval_seconds, batch_size, advisory_lock_key"
		       " from runtime_retention_config",
		.in = "",
	};
	static const Stmt ages = { .sql = "select target, max_age_seconds from runtime_retention_target_config",
		.in = "" };
	Rows rows;

	if (!db_read(db, a, &all, NULL, &rows, err))
		return err_wrap(err, "retention");
	if (rows.n > 0) {
		Row r = rows_at(&rows, 0);

		plan->enabled = row_bool(r, 0);
		plan->dry_run = row_bool(r, 1);
		plan->every = row_int(r, 2);
		plan->step = row_int(r, 3);
		plan->lock_key = row_int(r, 4);
	}
	if (!db_read(db, a, &ages, NULL, &rows, err))
		return err_wrap(err, "retention");
	for (size_t i = 0; i < rows.n; i++)
		age_read(rows_at(&rows, i), plan);
	return true;
}

bool
retain_plan_write(Db *db, Arena *a, const RetainPlan *plan, TimeUs now, Err *err)
{
	static const Stmt all = {
		.sql = "insert into runtime_retention_config (id, enabled, dry_run, check_interval_seconds, batch_size,"
		       " advisory_lock_key, updated) values (1, $1, $2, $3, $4, $5, $6) on conflict (id) do update set"
		       " enabled = excluded.enabled, dry_run = excluded.dry_run,"
		       " check_interval_seconds = excluded.check_interval_seconds, batch_size = excluded.batch_size,"
		       " advisory_lock_key = excluded.advisory_lock_key, updated = excluded.updated",
		.in = "bbiiit",
	};
	static const Stmt age = {
		.sql =
		    "insert into runtime_retention_target_config (target, max_age_seconds, updated) values ($1, $2, $3)"
		    " on conflict (target) do update set max_age_seconds = excluded.max_age_seconds,"
		    " updated = excluded.updated",
		.in = "sIt",
	};
	Bind b[] = { bind_bool(plan->enabled), bind_bool(plan->dry_run), bind_int(plan->every), bind_int(plan->step),
		bind_int(plan->lock_key), bind_time(now) };
	Bind ages[RETAIN_TARGETS * 3];

	for (size_t i = 0; i < RETAIN_TARGETS; i++) {
		ages[3 * i] = bind_text(names[i]);
		ages[3 * i + 1] = plan->max_age[i] == RETAIN_FOR_EVER ? (Bind){ 0 } : bind_int(plan->max_age[i]);
		ages[3 * i + 2] = bind_time(now);
	}
	return (db_exec(db, a, &all, b, NULL, err) && db_batch(db, a, &age, ages, RETAIN_TARGETS, NULL, err)) ||
	       err_wrap(err, "retention");
}

/* ---- removing ---- */

typedef struct RetainSql {
	Stmt bounds;  /* newest id, and the id and time of the first row after $1; sql NULL: there is no such table */
	Stmt remove;  /* $1 < id <= $2, made before $3 or id at most $4 */
	bool by_rows; /* max_rows counts for it */
	Stmt secrets; /* what was sealed for rows of that range that are gone; sql NULL: nothing */
	Stmt aside;   /* likewise, what lay beside them */
} RetainSql;

#define BOUNDS(table, made) \
	{ \
		.sql = "select (select max(id) from " table "), x.id, x." made " from " table \
		       " x where x.id > $1 order by x.id limit 1", \
		.in = "i" \
	}
#define REMOVE(table, made, ended) \
	{ \
		.sql = "delete from " table " where id > $1 and id <= $2 and (" made " < $3 or id <= $4)" ended, \
		.in = "iiti" \
	}

#define SECRETS(table, of) \
	{ \
		.sql = "delete from execution_secret_value where entity_type in ('" of "') and entity_id > $1" \
		       " and entity_id <= $2 and not exists (select 1 from " table " x where x.id = entity_id)", \
		.in = "ii" \
	}

static const RetainSql tables[RETAIN_TARGETS] = {
	[RETAIN_EVENTS] = { BOUNDS("event", "created"), REMOVE("event", "created", ""), true, { 0 } },
	[RETAIN_ENFORCEMENTS] = { BOUNDS("enforcement", "created"),
	    REMOVE("enforcement", "created", " and status <> 'created'"), true,
	    SECRETS("enforcement", "enforcement_config") },
	[RETAIN_EXECUTIONS] = { BOUNDS("execution", "created"),
	    REMOVE("execution", "created", " and finished_at is not null"), true,
	    SECRETS("execution", "execution_config', 'execution_result"),
	    { .sql = "delete from execution_result where execution > $1 and execution <= $2 and not exists"
		     " (select 1 from execution x where x.id = execution_result.execution)",
		.in = "ii" } },
	[RETAIN_EXECUTION_HISTORY] = { BOUNDS("execution_history", "time"), REMOVE("execution_history", "time", ""),
	    false, { 0 } },
	[RETAIN_WORKER_HISTORY] = { BOUNDS("worker_history", "time"), REMOVE("worker_history", "time", ""), false,
	    { 0 } },
	[RETAIN_AUDIT_EVENTS] = { BOUNDS("audit_event", "created"), REMOVE("audit_event", "created", ""), false,
	    { 0 } },
	[RETAIN_INQUIRIES] = { BOUNDS("inquiry", "created"), REMOVE("inquiry", "created", " and status <> 'pending'"),
	    false, { 0 } },
	[RETAIN_WEBHOOK_EVENT_LOGS] = { BOUNDS("webhook_event_log", "created"),
	    REMOVE("webhook_event_log", "created", ""), false, { 0 } },
	[RETAIN_PACK_TEST_EXECUTIONS] = { BOUNDS("pack_test_execution", "created"),
	    REMOVE("pack_test_execution", "created", ""), false, { 0 } },
};

static int64_t
least(int64_t a, int64_t b)
{
	return a < b ? a : b;
}

bool
retain_step(Db *db, Arena *a, RetainTarget target, RetainStep *step, Err *err)
{
	const RetainSql *sql = &tables[target];
	Bind from[] = { bind_int(step->after) };
	Bind b[4];
	int64_t newest, first, beyond, last;
	Rows rows;

	step->removed = 0;
	step->done = true;
	if (sql->bounds.sql == NULL || (step->before == 0 && (step->max_rows == 0 || !sql->by_rows)))
		return true;
	if (!db_exec(db, a, &sql->bounds, from, &rows, err))
		return err_wrap(err, "retention");
	step->done = rows.n == 0;
	if (step->done)
		return true;
	newest = row_int(rows_at(&rows, 0), 0);
	first = row_int(rows_at(&rows, 0), 1);
	beyond = sql->by_rows && step->max_rows > 0 ? newest - step->max_rows : 0;
	if (row_int(rows_at(&rows, 0), 2) >= step->before && first > beyond) {
		step->done = true;
		return true;
	}
	last = least(first + step->window, newest - 1);
	b[0] = bind_int(step->after);
	b[1] = bind_int(last);
	b[2] = bind_time(step->before > 0 ? step->before : 1);
	b[3] = bind_int(beyond);
	if (!db_exec(db, a, &sql->remove, b, &rows, err) ||
	    (sql->secrets.sql != NULL && !db_exec(db, a, &sql->secrets, b, NULL, err)) ||
	    (sql->aside.sql != NULL && !db_exec(db, a, &sql->aside, b, NULL, err)))
		return err_wrap(err, "retention");
	step->removed = rows.affected;
	step->after = last;
	step->done = last >= newest - 1;
	return true;
}
