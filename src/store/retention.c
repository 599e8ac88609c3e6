#include "store/retention.h"

typedef struct RetainSql {
	Stmt bounds; /* newest id, and the id and time of the first row after $1 */
	Stmt remove; /* $1 < id <= $2, made before $3 or id at most $4 */
	Stmt notes;  /* what hangs on the rows of that range and is gone with them; sql NULL: nothing */
} RetainSql;

#define BOUNDS(table) \
	{ \
		.sql = "select (select max(id) from " table "), x.id, x.created from " table \
		       " x where x.id > $1 order by x.id limit 1", \
		.in = "i" \
	}
#define REMOVE(table, ended) \
	{ \
		.sql = "delete from " table " where id > $1 and id <= $2 and (created < $3 or id <= $4)" ended, \
		.in = "iiti" \
	}

static const RetainSql tables[RETAIN_TABLES] = {
	[RETAIN_EVENT] = { BOUNDS("event"), REMOVE("event", ""), { 0 } },
	[RETAIN_ENFORCEMENT] = { BOUNDS("enforcement"), REMOVE("enforcement", " and status <> 'created'"), { 0 } },
	[RETAIN_WEBHOOK] = { BOUNDS("webhook_event_log"), REMOVE("webhook_event_log", ""), { 0 } },
	[RETAIN_EXECUTION] = { BOUNDS("execution"), REMOVE("execution", " and finished_at is not null"),
	    { .sql = "delete from execution_history where entity_id > $1 and entity_id <= $2 and time < $3",
		.in = "iit" } },
};

static int64_t
least(int64_t a, int64_t b)
{
	return a < b ? a : b;
}

bool
retain_step(Db *db, Arena *a, RetainTable table, RetainStep *step, Err *err)
{
	const RetainSql *sql = &tables[table];
	Bind from[] = { bind_int(step->after) };
	Bind b[4];
	int64_t newest, first, beyond, last;
	Rows rows;

	step->removed = 0;
	if (!db_exec(db, a, &sql->bounds, from, &rows, err))
		return err_wrap(err, "retention");
	step->done = rows.n == 0;
	if (step->done)
		return true;
	newest = row_int(rows_at(&rows, 0), 0);
	first = row_int(rows_at(&rows, 0), 1);
	beyond = step->max_rows > 0 ? newest - step->max_rows : 0;
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
	    (sql->notes.sql != NULL && !db_exec(db, a, &sql->notes, b, NULL, err)))
		return err_wrap(err, "retention");
	step->removed = rows.affected;
	step->after = last;
	step->done = last >= newest - 1;
	return true;
}
