/* Tasks, items and inbox of workflows that run. */
#include "store/workflow_run.h"

#define TASK_COLUMNS \
	"select workflow, task, name, status, iteration, backlog, begun, arrived, triggered_by, due_at, execution, " \
	"items," \
	" items_n, items_next, items_live, items_bad, items_late, open, waiting, bad, note, started_at, finished_at, " \
	"published, published_at" \
	" from workflow_task where workflow = $1"

static void
task_read(Arena *a, Row r, WorkflowTaskRow *t)
{
	*t = (WorkflowTaskRow){
		.workflow = row_int(r, 0),
		.task = (int)row_int(r, 1),
		.name = row_str(r, 2),
		.status = row_str(r, 3),
		.iteration = row_int(r, 4),
		.backlog = row_int(r, 5),
		.begun = row_bool(r, 6),
		.arrived = row_json(a, r, 7),
		.triggered_by = row_null(r, 8) ? -1 : (int)row_int(r, 8),
		.due = row_int(r, 9),
		.execution = row_int(r, 10),
		.items = row_bool(r, 11),
		.items_n = row_int(r, 12),
		.items_next = row_int(r, 13),
		.items_live = row_int(r, 14),
		.items_bad = row_int(r, 15),
		.items_late = row_int(r, 16),
		.open = row_int(r, 17),
		.waiting = row_int(r, 18),
		.bad = row_int(r, 19),
		.note = row_str(r, 20),
		.started = row_int(r, 21),
		.finished = row_int(r, 22),
		.published_before = row_str(r, 23),
		.published_at = row_int(r, 24),
	};
}

static void
tasks_read(Arena *a, const Rows *rows, WorkflowTaskRow **ret, size_t *ret_n)
{
	*ret = arena_array(a, WorkflowTaskRow, rows->n + 1);
	*ret_n = rows->n;
	for (size_t i = 0; i < rows->n; i++)
		task_read(a, rows_at(rows, i), &(*ret)[i]);
}

bool
workflow_task_read(
    Db *db, Arena *a, const WorkflowTaskKey *keys, size_t n, WorkflowTaskRow **ret, size_t *ret_n, Err *err)
{
	/* the limit says that it is looked up, however little the planner knows of the table */
	static const Stmt s = { .sql = TASK_COLUMNS " and task = $2 limit 1", .in = "ii", .set = true };
	Bind *b = arena_array(a, Bind, n * 2 + 1);
	Rows rows = { 0 };

	for (size_t i = 0; i < n; i++) {
		b[i * 2] = bind_int(keys[i].workflow);
		b[i * 2 + 1] = bind_int(keys[i].task);
	}
	if (n > 0 && !db_batch(db, a, &s, b, n, &rows, err))
		return err_wrap(err, "read tasks of workflows");
	rows_in_order(a, &rows);
	tasks_read(a, &rows, ret, ret_n);
	return true;
}

bool
workflow_task_all(Db *db, Arena *a, Id workflow, WorkflowTaskRow **ret, size_t *ret_n, Err *err)
{
	static const Stmt s = { .sql = TASK_COLUMNS " order by task", .in = "i" };
	Bind b[] = { bind_int(workflow) };
	Rows rows;

	if (!db_read(db, a, &s, b, &rows, err))
		return err_wrap(err, "read the tasks of a workflow");
	tasks_read(a, &rows, ret, ret_n);
	return true;
}

enum { TASK_WIDTH = 25 };

static void
task_binds(const WorkflowTaskRow *t, Bind *b)
{
	Bind all[TASK_WIDTH] = {
		bind_int(t->workflow),
		bind_int(t->task),
		bind_str(t->name),
		bind_str(t->status),
		bind_int(t->iteration),
		bind_int(t->backlog),
		bind_bool(t->begun),
		bind_json(&t->arrived),
		{ 0 },
		bind_time(t->due),
		bind_id(t->execution),
		bind_bool(t->items),
		bind_int(t->items_n),
		bind_int(t->items_next),
		bind_int(t->items_live),
		bind_int(t->items_bad),
		bind_int(t->items_late),
		bind_int(t->open),
		bind_int(t->waiting),
		bind_int(t->bad),
		bind_str(t->note),
		bind_time(t->started),
		bind_time(t->finished),
		bind_json(t->published.kind == JSON_OBJECT && t->published.n > 0 ? &t->published : NULL),
		bind_time(t->published_at),
	};

	if (t->triggered_by >= 0)
		all[8] = bind_int(t->triggered_by);
	memcpy(b, all, sizeof(all));
}

bool
workflow_task_write(Db *db, Arena *a, const WorkflowTaskRow *rows, size_t n, Err *err)
{
	static const Stmt s = {
		.sql = "insert into workflow_task (workflow, task, name, status, iteration, backlog, begun, arrived, "
		       "triggered_by,"
		       " due_at, execution, items, items_n, items_next, items_live, items_bad, items_late, open, "
		       "waiting, bad, note,"
		       " started_at, finished_at, published, published_at) values ($1, $2, $3, $4, $5, $6, $7, $8, $9, "
		       "$10, $11, "
		       "$12, $13, $14, "
		       "$15, $16, $17,"
		       " $18, $19, $20, $21, $22, $23, $24, $25) on conflict (workflow, task) do update set status = "
		       "excluded.status,"
		       " iteration = excluded.iteration, backlog = excluded.backlog, begun = excluded.begun,"
		       " arrived = excluded.arrived, triggered_by = excluded.triggered_by, due_at = excluded.due_at,"
		       " execution = excluded.execution, items = excluded.items, items_n = excluded.items_n,"
		       " items_next = excluded.items_next, items_live = excluded.items_live, items_bad = "
		       "excluded.items_bad,"
		       " items_late = excluded.items_late, open = excluded.open, waiting = excluded.waiting, bad = "
		       "excluded.bad,"
		       " note = coalesce(excluded.note, workflow_task.note), started_at = excluded.started_at,"
		       " finished_at = excluded.finished_at,"
		       " published = coalesce(excluded.published, workflow_task.published),"
		       " published_at = coalesce(excluded.published_at, workflow_task.published_at)",
		.in = "iissiibjITIbiiiiiiiiSTTJT",
		.set = true,
	};
	Bind *b = arena_array(a, Bind, n * TASK_WIDTH + 1);

	for (size_t i = 0; i < n; i++)
		task_binds(&rows[i], b + i * TASK_WIDTH);
	return db_later(db, a, &s, b, n, err) || err_wrap(err, "store tasks of workflows");
}

bool
workflow_task_delayed(Db *db, Arena *a, Id workflow, TimeUs now, int **ret, size_t *ret_n, TimeUs *ret_next, Err *err)
{
	static const Stmt s = {
		.sql = "select task, due_at from workflow_task where workflow = $1 and status = 'delayed'",
		.in = "i",
	};
	Bind b[] = { bind_int(workflow) };
	Rows rows;

	if (!db_exec(db, a, &s, b, &rows, err))
		return err_wrap(err, "read delayed tasks");
	*ret = arena_array(a, int, rows.n + 1);
	*ret_n = 0;
	*ret_next = 0;
	for (size_t i = 0; i < rows.n; i++) {
		TimeUs due = row_int(rows_at(&rows, i), 1);

		if (due <= now)
			(*ret)[(*ret_n)++] = (int)row_int(rows_at(&rows, i), 0);
		else if (*ret_next == 0 || due < *ret_next)
			*ret_next = due;
	}
	return true;
}

/* ---- items ---- */

bool
workflow_items_write(Db *db, Arena *a, Id workflow, int task, const Json *items, Err *err)
{
	static const Stmt s = {
		.sql = "insert into workflow_items (workflow, task, chunk, items) values ($1, $2, $3, $4)"
		       " on conflict (workflow, task, chunk) do update set items = excluded.items",
		.in = "iiij",
	};
	size_t n = (items->n + WORKFLOW_CHUNK - 1) / WORKFLOW_CHUNK;
	Bind *b = arena_array(a, Bind, n * 4 + 1);

	for (size_t i = 0; i < n; i++) {
		size_t from = i * WORKFLOW_CHUNK, left = items->n - from;
		Json *part = arena_new(a, Json);

		*part = (Json){ .kind = JSON_ARRAY,
			.n = (uint32_t)(left < WORKFLOW_CHUNK ? left : WORKFLOW_CHUNK),
			.items = items->items + from };
		b[i * 4] = bind_int(workflow);
		b[i * 4 + 1] = bind_int(task);
		b[i * 4 + 2] = bind_int((int64_t)i);
		b[i * 4 + 3] = bind_json(part);
	}
	return db_batch(db, a, &s, b, n, NULL, err) || err_wrap(err, "store the items of a task");
}

bool
workflow_items_read(Db *db, Arena *a, Id workflow, int task, int64_t chunk, Json *ret, Err *err)
{
	static const Stmt s = {
		.sql = "select items from workflow_items where workflow = $1 and task = $2 and chunk = $3",
		.in = "iii",
	};
	Bind b[] = { bind_int(workflow), bind_int(task), bind_int(chunk) };
	Rows rows;

	if (!db_exec(db, a, &s, b, &rows, err))
		return err_wrap(err, "read the items of a task");
	*ret = rows.n == 0 ? json_array() : row_json(a, rows_at(&rows, 0), 0);
	return true;
}

/* ---- inbox ---- */

bool
workflow_inbox_put(Db *db, Arena *a, const WorkflowNews *news, size_t n, TimeUs now, Err *err)
{
	static const Stmt s = {
		.sql = "insert into workflow_inbox (workflow, execution, task_no, task_index, task_iteration, outcome, "
		       "created)"
		       " values ($1, $2, $3, $4, $5, $6, $7)",
		.in = "iIIIIst",
		.set = true,
	};
	enum { WIDTH = 7 };
	Bind *b = arena_array(a, Bind, n * WIDTH + 1);

	for (size_t i = 0; i < n; i++) {
		const WorkflowNews *w = &news[i];
		Bind all[WIDTH] = { bind_int(w->workflow), bind_id(w->execution), { 0 }, { 0 }, { 0 },
			bind_str(w->outcome), bind_time(now) };

		if (w->of_task) {
			all[2] = bind_int(w->task);
			all[4] = bind_int(w->iteration);
		}
		if (w->of_task && w->index >= 0)
			all[3] = bind_int(w->index);
		memcpy(b + i * WIDTH, all, sizeof(all));
	}
	return db_later(db, a, &s, b, n, err) || err_wrap(err, "tell workflows");
}

static const Stmt inbox_stmt = {
	.sql = "select id, workflow, execution, task_no, task_index, task_iteration, outcome from workflow_inbox"
	       " where workflow = $1 order by id limit $2",
	.in = "ii",
	.set = true,
};

void
workflow_inbox_ahead(Db *db, Arena *a, Id workflow)
{
	Bind b[] = { bind_int(workflow), bind_int(WORKFLOW_NEWS_MOST) };

	db_ahead(db, a, &inbox_stmt, b);
}

bool
workflow_inbox_read(Db *db, Arena *a, const Id *workflows, size_t n, WorkflowNews **ret, size_t *ret_n, Err *err)
{
	Bind *b = arena_array(a, Bind, n * 2 + 1);
	Rows rows = { 0 };

	for (size_t i = 0; i < n; i++) {
		b[i * 2] = bind_int(workflows[i]);
		b[i * 2 + 1] = bind_int(WORKFLOW_NEWS_MOST);
	}
	if (n > 0 && !db_batch(db, a, &inbox_stmt, b, n, &rows, err))
		return err_wrap(err, "read what workflows are told");
	rows_in_order(a, &rows);
	*ret = arena_array(a, WorkflowNews, rows.n + 1);
	*ret_n = rows.n;
	for (size_t i = 0; i < rows.n; i++) {
		Row r = rows_at(&rows, i);

		(*ret)[i] = (WorkflowNews){ .id = row_int(r, 0),
			.workflow = row_int(r, 1),
			.execution = row_int(r, 2),
			.of_task = !row_null(r, 3),
			.task = (int)row_int(r, 3),
			.index = row_null(r, 4) ? -1 : row_int(r, 4),
			.iteration = row_int(r, 5),
			.outcome = row_str(r, 6) };
	}
	return true;
}

bool
workflow_inbox_drop(Db *db, Arena *a, const Id *ids, size_t n, Err *err)
{
	static const Stmt s = { .sql = "delete from workflow_inbox where id = $1", .in = "i", .set = true };
	Bind *b = arena_array(a, Bind, n + 1);

	for (size_t i = 0; i < n; i++)
		b[i] = bind_int(ids[i]);
	return db_later(db, a, &s, b, n, err) || err_wrap(err, "drop what workflows were told");
}

bool
workflow_inbox_stale(Db *db, Arena *a, TimeUs before, TimeUs after, size_t most, Id **ret, size_t *ret_n, Err *err)
{
	static const Stmt s = {
		.sql = "select distinct b.workflow from workflow_inbox b where (b.created < $1 or b.created > $2) and "
		       "not exists (select 1 from workflow_execution x join execution e on e.id = x.id"
		       " where x.id = b.workflow and x.paused and e.status = 'running') order by b.workflow limit $3",
		.in = "tti",
	};
	Bind b[] = { bind_time(before), bind_time(after), bind_int((int64_t)most) };
	Rows rows;

	if (!db_exec(db, a, &s, b, &rows, err))
		return err_wrap(err, "read workflows that wait for a step");
	*ret = arena_array(a, Id, rows.n + 1);
	*ret_n = rows.n;
	for (size_t i = 0; i < rows.n; i++)
		(*ret)[i] = row_int(rows_at(&rows, i), 0);
	return true;
}
