#include "store/execution.h"

#include "store/lock.h"

#include "base/map.h"

/* word for word the condition of the index execution_live: SQLite uses a partial index only when it finds its condition */
#define LIVE "finished_at is null"

/* ---- making rows ---- */

#define INSERT_INTO(columns) \
	"insert into execution (action, action_ref, config, env_vars, parent, enforcement, executor, " \
	"permission_set_refs," \
	" worker_selector, worker_tolerations, worker_affinity, worker, status, result, original_execution, " \
	"attempt," \
	" wait_reason, wait_class, timeout_seconds, rule_ref, trigger_ref, correlation_id, moves, scheduled_at," \
	" finished_at, created, updated, workflow_task, task_no, task_index, task_iteration, ancestors" columns ")"
#define INSERT_VALUES \
	"$1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, $22, $23, " \
	"$24, $25, $26, $26, $27, $28, $29, $30, $31"
#define INSERT_TYPES "IsJJIIIjJJJIsJIiSSISSssTTtJIIIS"
#define INSERT_EXECUTION(columns, values) \
	INSERT_INTO(columns) " values (" INSERT_VALUES values ") on conflict do nothing"
#define INSERT_STMT(columns, values, more) \
	{ \
		.sql = INSERT_EXECUTION(columns, values), .pg = INSERT_EXECUTION(columns, values) " returning id", \
		.in = INSERT_TYPES more, .gives_id = true, .set = true, \
	}

static const Stmt insert_stmt = INSERT_STMT("", "", "");
static const Stmt insert_limited_stmt = INSERT_STMT(
    ", priority, slot, bucket, breaker, retry, max_retries, parked_class, due_at, artifact_retention_policy,"
    " artifact_retention_limit",
    ", $32, $33, $34, $35, $36, $37, $38, $39, $40, $41", "iSSSJISTSI");
enum { INSERT_BINDS = 31, LIMITED_BINDS = INSERT_BINDS + 10 };

/* The right to schedule: one transaction has it. */
#define RIGHT_TAKE LOCK_TAKE(LOCK_TABLE("execution"), "74711")
#define RIGHT_TRY LOCK_TRY(LOCK_TABLE("execution"), "74711")

#define SOME_WAIT "exists (select 1 from execution where status = 'requested' and wait_class is not null)"

/* For a worker that has nothing to do: the right to schedule is taken first, and looked at by the insert, which sees what was done
 * by whoever had that right before. */
static const Stmt guess_right_stmt = {
	.sql = "select 1",
	.in = "",
	.pg = "select set_config('attune.alone', case when " SOME_WAIT " then 'no'"
	      " when " RIGHT_TRY " then 'yes' else 'no' end, true)",
};
static const Stmt insert_guess_stmt = {
	.sql =
	    INSERT_INTO("") " select " INSERT_VALUES " where current_setting('attune.alone') = 'yes' and not " SOME_WAIT
			    " and not exists (select 1 from definition_change where id > $32)"
			    " and not exists (select 1 from execution where " LIVE
			    " and status in ('scheduled', 'running', 'canceling') and worker = $12) returning id",
	.in = INSERT_TYPES "i",
};

static Str
birth_lines(Arena *a, const ExecNew *e, TimeUs now)
{
	Str none = str_of("");
	Str made = execution_move_line(a, EXEC_REQUESTED, now, e->by, 0, none);
	Str then;

	if (e->status == EXEC_REQUESTED)
		return made;
	then = execution_move_line(a, e->status, now, e->by, e->status == EXEC_SCHEDULED ? 1 : 0, none);
	return str_fmt(a, "%.*s%.*s", STR_ARG(made), STR_ARG(then));
}

static Bind
bind_name(const char *name)
{
	return bind_text(name);
}

static Bind
bind_optional_int(int64_t v)
{
	return bind_id(v);
}

/* When it may begin, if later than at once. */
static TimeUs
due_of(const ExecNew *e)
{
	return e->limited ? e->due : 0;
}

static void
insert_binds(Arena *a, const ExecNew *e, Str ancestors, TimeUs now, const Json *no_refs, Bind *b)
{
	char uuid[UUID_TEXT];
	bool scheduled = e->status == EXEC_SCHEDULED;
	Bind all[INSERT_BINDS] = {
		bind_id(e->action),
		bind_str(e->action_ref),
		bind_json(e->config),
		bind_json(e->env_vars),
		bind_id(e->parent),
		bind_id(e->enforcement),
		bind_id(e->executor),
		bind_json(e->permission_set_refs != NULL ? e->permission_set_refs : no_refs),
		bind_json(e->worker_selector),
		bind_json(e->worker_tolerations),
		bind_json(e->worker_affinity),
		bind_id(e->worker),
		bind_name(exec_state_name(e->status)),
		bind_json(e->result),
		bind_id(e->original),
		bind_int(scheduled ? 1 : 0),
		bind_name(wait_reason_name(due_of(e) != 0 ? WAIT_DELAY : e->wait)),
		bind_str(due_of(e) != 0 ? (Str){ 0 } : e->wait_class),
		bind_optional_int(e->timeout_seconds),
		bind_str(e->rule_ref),
		bind_str(e->trigger_ref),
		{ 0 },
		bind_str(birth_lines(a, e, now)),
		bind_time(scheduled ? now : 0),
		bind_time(exec_terminal(e->status) ? now : 0),
		bind_time(now),
		bind_json(e->workflow_task),
		{ 0 },
		{ 0 },
		{ 0 },
		bind_str(ancestors),
	};

	uuid_write(e->correlation, uuid);
	all[21] = bind_str(str_copy(a, (Str){ uuid, UUID_TEXT }));
	if (e->of_task) {
		all[27] = bind_int(e->task_no);
		all[29] = bind_int(e->task_iteration);
	}
	if (e->of_task && e->task_index >= 0)
		all[28] = bind_int(e->task_index);
	memcpy(b, all, sizeof(all));
}

static void
limited_binds(const ExecNew *e, Bind *b)
{
	static const ExecNew plain;
	const ExecNew *l = e->limited ? e : &plain;
	Bind more[] = { bind_int(l->priority), bind_str(l->slot), bind_str(l->bucket), bind_str(l->breaker),
		bind_json(l->retry), bind_id(l->max_retries), bind_str(l->due != 0 ? l->wait_class : (Str){ 0 }),
		bind_time(l->due), bind_str(e->artifact_policy), bind_id(e->artifact_limit) };

	memcpy(b, more, sizeof(more));
}

/* "/1/" and 5 → "/1/5/"; of a run that nobody asked for "/5/" */
Str
execution_line(Arena *a, Str ancestors, Id id)
{
	return str_fmt(a, "%.*s%lld/", STR_ARG(str_none(ancestors) ? str_of("/") : ancestors), (long long)id);
}

/* What their children have as ancestors, by the id of each parent. */
static bool
lines_read(Db *db, Arena *a, const ExecNew *rows, size_t n, Map *ret, Err *err)
{
	static const Stmt s = {
		.sql = "select id, ancestors from execution where id in (select value from json_each($1))",
		.pg = "select id, ancestors from execution"
		      " where id = any(array(select x::bigint from jsonb_array_elements_text($1) x))",
		.in = "j",
	};
	Json parents = json_array();
	Rows found;
	Bind b;

	*ret = map_open(a);
	for (size_t i = 0; i < n; i++) {
		if (rows[i].parent == 0 || !str_none(rows[i].line) || map_get(ret, rows[i].parent) != NULL)
			continue;
		map_put(ret, rows[i].parent, &parents);
		json_push(a, &parents, json_int(rows[i].parent));
	}
	if (parents.n == 0)
		return true;
	b = bind_json(&parents);
	*ret = map_open(a);
	if (!db_exec(db, a, &s, &b, &found, err))
		return false;
	for (size_t i = 0; i < found.n; i++) {
		Row r = rows_at(&found, i);
		Str *line = arena_new(a, Str);

		*line = execution_line(a, row_str(r, 1), row_int(r, 0));
		map_put(ret, row_int(r, 0), line);
	}
	return true;
}

bool
execution_insert_guess(Db *db, Arena *a, const ExecNew *row, Id known, TimeUs now, Id *ret_id, Err *err)
{
	Json no_refs = json_array();
	Bind b[INSERT_BINDS + 1];
	Rows made;

	insert_binds(a, row, row->line, now, &no_refs, b);
	b[INSERT_BINDS] = bind_int(known);
	db_ahead(db, a, &guess_right_stmt, NULL);
	if (!db_exec(db, a, &insert_guess_stmt, b, &made, err))
		return err_wrap(err, "store execution");
	*ret_id = made.n == 0 ? 0 : row_int(rows_at(&made, 0), 0);
	return true;
}

bool
execution_insert(Db *db, Arena *a, const ExecNew *rows, size_t n, TimeUs now, Id *ret_ids, Err *err)
{
	Json no_refs = json_array();
	bool limited = false;
	size_t width;
	Rows made;
	Map lines;
	Bind *b;

	for (size_t i = 0; i < n; i++)
		limited = limited || rows[i].limited || rows[i].artifact_limit != 0;
	width = limited ? LIMITED_BINDS : INSERT_BINDS;
	b = arena_array(a, Bind, n * width);
	if (!lines_read(db, a, rows, n, &lines, err))
		return err_wrap(err, "store execution");
	for (size_t i = 0; i < n; i++) {
		const Str *found = rows[i].parent == 0 ? NULL : map_get(&lines, rows[i].parent);

		insert_binds(a, &rows[i], found == NULL ? rows[i].line : *found, now, &no_refs, b + i * width);
		if (limited)
			limited_binds(&rows[i], b + i * width + INSERT_BINDS);
		ret_ids[i] = 0;
	}
	if (!db_batch(db, a, limited ? &insert_limited_stmt : &insert_stmt, b, n, &made, err))
		return err_wrap(err, "store execution");
	for (size_t i = 0; i < made.n; i++)
		ret_ids[made.from[i]] = row_int(rows_at(&made, i), 0);
	return true;
}

bool
execution_note(Db *db, Arena *a, Id id, Str ref, const Json *note, TimeUs now, Err *err)
{
	static const Stmt s = {
		.sql =
		    "insert into execution_history (time, operation, entity_id, entity_ref, changed_fields, new_values)"
		    " values ($1, 'UPDATE', $2, $3, $4, $5)",
		.in = "tiSjj",
	};
	Json fields = json_array();
	Bind b[] = { bind_time(now), bind_int(id), bind_str(ref), bind_json(&fields), bind_json(note) };

	json_push(a, &fields, json_cstr("note"));
	return db_exec(db, a, &s, b, NULL, err);
}

/* ---- what scheduling and sweeping look at ---- */

#define WAITING_COLUMNS \
	"select id, action, enforcement, parent, action_ref, worker_selector, worker_tolerations, worker_affinity, " \
	"wait_reason," \
	" wait_class, correlation_id, created, due_at, attempt, wait_detail, timeout_seconds from execution"

static void
waiting_read(Arena *a, Row r, ExecWaiting *w)
{
	*w = (ExecWaiting){
		.id = row_int(r, 0),
		.action = row_int(r, 1),
		.enforcement = row_int(r, 2),
		.parent = row_int(r, 3),
		.action_ref = row_str(r, 4),
		.worker_selector = row_json(a, r, 5),
		.worker_tolerations = row_json(a, r, 6),
		.worker_affinity = row_json(a, r, 7),
		.reason = wait_reason_of(row_str(r, 8)),
		.wait_class = row_str(r, 9),
		.correlation = row_uuid(r, 10),
		.created = row_int(r, 11),
		.due = row_int(r, 12),
		.attempt = (int)row_int(r, 13),
		.detail = row_str(r, 14),
		.timeout_seconds = row_int(r, 15),
	};
}

static void
waiting_rows(Arena *a, const Rows *rows, ExecWaiting **ret, size_t *ret_n)
{
	*ret = arena_array(a, ExecWaiting, rows->n + 1);
	*ret_n = rows->n;
	for (size_t i = 0; i < rows->n; i++)
		waiting_read(a, rows_at(rows, i), &(*ret)[i]);
}

/* Nobody is kept from scheduling by somebody who has nothing to schedule: what comes after the look says so by a message. */
static const Stmt alone_stmt = {
	.sql = "select 1",
	.in = "",
	.pg = "select case when " SOME_WAIT " then " RIGHT_TAKE " end is not null",
};

/* SQLite has one writer as it is. */
bool
execution_schedule_alone(Db *db, Arena *a, bool *ret, Err *err)
{
	Rows rows;

	*ret = true;
	if (db_kind(db) == STORE_SQLITE)
		return true;
	if (!db_exec(db, a, &alone_stmt, NULL, &rows, err))
		return false;
	*ret = row_bool(rows_at(&rows, 0), 0);
	return true;
}

/* Without waiting for whoever schedules, and only when there is nothing that came before. */
static const Stmt alone_try_stmt = {
	.sql = "select 1",
	.in = "",
	.pg = "select case when " SOME_WAIT " then false else " RIGHT_TRY " end",
};

/* The same, whether anything waits or not: who says by its commit that there is room must not be counted by another before it. */
static const Stmt alone_now_stmt = {
	.sql = "select 1",
	.in = "",
	.pg = "select " RIGHT_TRY,
};

static const Stmt head_stmt = {
	.sql =
	    WAITING_COLUMNS " where status = 'requested' and wait_class is not null order by wait_class, id limit $1",
	.in = "i",
};

bool
execution_wait_head(Db *db, Arena *a, size_t most, ExecWaiting **ret, size_t *ret_n, Err *err)
{
	Bind b[] = { bind_int((int64_t)most) };
	Rows rows;

	if (!db_exec(db, a, &head_stmt, b, &rows, err))
		return false;
	waiting_rows(a, &rows, ret, ret_n);
	return true;
}

/* a loose index scan: one probe per class, however many rows wait (min() may read the whole class) */
static const Stmt classes_stmt = {
	.sql = "with recursive c(x) as ("
	       "select w from (select wait_class as w from execution where status = 'requested'"
	       " and wait_class is not null order by wait_class limit 1) head"
	       " union all select (select wait_class from execution where status = 'requested'"
	       " and wait_class is not null and wait_class > c.x order by wait_class limit 1)"
	       " from c where c.x is not null)"
	       " select x from c where x is not null",
	.in = "",
};

bool
execution_wait_classes(Db *db, Arena *a, Str **ret, size_t *ret_n, Err *err)
{
	Rows rows;

	if (!db_exec(db, a, &classes_stmt, NULL, &rows, err))
		return false;
	*ret = arena_array(a, Str, rows.n + 1);
	*ret_n = rows.n;
	for (size_t i = 0; i < rows.n; i++)
		(*ret)[i] = row_str(rows_at(&rows, i), 0);
	return true;
}

bool
execution_wait_oldest(Db *db, Arena *a, Str wait_class, size_t most, ExecWaiting **ret, size_t *ret_n, Err *err)
{
	static const Stmt s = {
		.sql = WAITING_COLUMNS
		" where status = 'requested' and wait_class is not null and wait_class = $1 order by id limit $2",
		.in = "si",
	};
	Bind b[] = { bind_str(wait_class), bind_int((int64_t)most) };
	Rows rows;

	if (!db_exec(db, a, &s, b, &rows, err))
		return false;
	waiting_rows(a, &rows, ret, ret_n);
	return true;
}

bool
execution_wait_capacity(Db *db, Arena *a, Id id, Str detail, TimeUs now, Err *err)
{
	static const Stmt s = {
		.sql = "update execution set wait_reason = 'capacity', wait_detail = $2, due_at = null, updated = $3"
		       " where id = $1 and status = 'requested'",
		.in = "iSt",
	};
	Bind b[] = { bind_int(id), bind_str(detail), bind_time(now) };

	return db_exec(db, a, &s, b, NULL, err);
}

/*
 * Marks are given to whole classes and new rows come at the end, so the newest row tells whether all are marked; and so does the oldest,
 * for what comes back to its place (resumed, given back, due) will stand there one day.
 */
static bool
class_marked(Db *db, Arena *a, Str wait_class, Str detail, bool *ret, Err *err)
{
#define END_OF_CLASS(order) \
	"(select id from execution where status = 'requested' and wait_class is not null and wait_class = $1" \
	" order by id " order " limit 1)"
	static const Stmt s = {
		.sql = "select wait_reason, wait_detail from execution where id = " END_OF_CLASS(
		    "desc") " or id = " END_OF_CLASS("asc"),
		.in = "s",
	};
	Bind b[] = { bind_str(wait_class) };
	Rows rows;

	if (!db_exec(db, a, &s, b, &rows, err))
		return false;
	*ret = true;
	for (size_t i = 0; i < rows.n; i++) {
		Row r = rows_at(&rows, i);

		*ret = *ret && str_is(row_str(r, 0), "no_worker") && str_eq(row_str(r, 1), detail);
	}
	return true;
}

bool
execution_wait_no_worker(Db *db, Arena *a, Str wait_class, Str detail, TimeUs deadline, TimeUs now, Err *err)
{
	/* a row that waited already keeps its deadline when only the reason's wording changes */
	static const Stmt s = {
		.sql = "update execution set due_at = case when wait_reason = 'no_worker' then due_at else $3 end,"
		       " wait_reason = 'no_worker', wait_detail = $2, updated = $4"
		       " where status = 'requested' and wait_class is not null and wait_class = $1"
		       " and (wait_reason is null or wait_reason <> 'no_worker' or wait_detail is null or wait_detail "
		       "<> $2)",
		.in = "sstt",
	};
	Bind b[] = { bind_str(wait_class), bind_str(detail), bind_time(deadline), bind_time(now) };
	bool marked;

	if (!class_marked(db, a, wait_class, detail, &marked, err))
		return false;
	return marked || db_exec(db, a, &s, b, NULL, err);
}

bool
execution_wait_worker_back(Db *db, Arena *a, Str wait_class, TimeUs now, Err *err)
{
	static const Stmt s = {
		.sql = "update execution set wait_reason = 'queued', wait_detail = null, due_at = null, updated = $2"
		       " where status = 'requested' and wait_class is not null and wait_class = $1 and wait_reason = "
		       "'no_worker'",
		.in = "st",
	};
	Bind b[] = { bind_str(wait_class), bind_time(now) };

	return db_exec(db, a, &s, b, NULL, err);
}

bool
execution_wait_due(Db *db, Arena *a, TimeUs now, size_t most, ExecWaiting **ret, size_t *ret_n, Err *err)
{
	static const Stmt s = {
		.sql = WAITING_COLUMNS
		" where status = 'requested' and due_at is not null and due_at <= $1 and wait_reason = 'no_worker'"
		" order by due_at limit $2",
		.in = "ti",
	};
	Bind b[] = { bind_time(now), bind_int((int64_t)most) };
	Rows rows;

	if (!db_exec(db, a, &s, b, &rows, err))
		return false;
	waiting_rows(a, &rows, ret, ret_n);
	return true;
}

static const Stmt counts_stmt = {
	.sql = "select worker, sum(case when status = 'scheduled' then 1 else 0 end), count(*) from execution"
	       " where " LIVE " and status in ('scheduled', 'running', 'canceling') and worker is not null"
	       " group by worker",
	.in = "",
};

bool
execution_worker_counts(Db *db, Arena *a, WorkerCount **ret, size_t *ret_n, Err *err)
{
	Rows rows;

	if (!db_exec(db, a, &counts_stmt, NULL, &rows, err))
		return false;
	*ret = arena_array(a, WorkerCount, rows.n + 1);
	*ret_n = rows.n;
	for (size_t i = 0; i < rows.n; i++) {
		Row r = rows_at(&rows, i);
		int64_t scheduled = row_int(r, 1);

		(*ret)[i] = (WorkerCount){ row_int(r, 0), scheduled, row_int(r, 2) - scheduled };
	}
	return true;
}

/* The right, a look at what waits first, and at how much the workers have. */
static void
right_ahead(Db *db, Arena *a, const Stmt *right, size_t most)
{
	Bind b[] = { bind_int((int64_t)most) };

	db_ahead(db, a, right, NULL);
	db_ahead(db, a, &head_stmt, b);
	db_ahead(db, a, &counts_stmt, NULL);
}

void
execution_schedule_ahead(Db *db, Arena *a, size_t most)
{
	right_ahead(db, a, &alone_stmt, most);
}

void
execution_schedule_try_ahead(Db *db, Arena *a)
{
	right_ahead(db, a, &alone_try_stmt, 1);
}

void
execution_schedule_now_ahead(Db *db, Arena *a, size_t most)
{
	right_ahead(db, a, &alone_now_stmt, most);
	db_ahead(db, a, &classes_stmt, NULL);
}

bool
execution_schedule_now(Db *db, Arena *a, bool *ret, Err *err)
{
	Rows rows;

	*ret = true;
	if (db_kind(db) == STORE_SQLITE)
		return true;
	if (!db_exec(db, a, &alone_now_stmt, NULL, &rows, err))
		return false;
	*ret = row_bool(rows_at(&rows, 0), 0);
	return true;
}

bool
execution_schedule_try(Db *db, Arena *a, bool *ret, Err *err)
{
	ExecWaiting *before;
	size_t n;
	Rows rows;

	*ret = false;
	if (db_kind(db) != STORE_SQLITE) {
		if (!db_exec(db, a, &alone_try_stmt, NULL, &rows, err))
			return false;
		if (!row_bool(rows_at(&rows, 0), 0))
			return true;
	}
	/* looked at again: something may have come while the lock was taken */
	if (!execution_wait_head(db, a, 1, &before, &n, err))
		return false;
	*ret = n == 0;
	return true;
}

#define LIVE_COLUMNS \
	"select id, worker, action, enforcement, parent, attempt, status, action_ref, incarnation, wait_reason, " \
	"created, updated," \
	" due_at, correlation_id from execution"

static void
live_read(Row r, ExecLive *e)
{
	*e = (ExecLive){
		.id = row_int(r, 0),
		.worker = row_int(r, 1),
		.action = row_int(r, 2),
		.enforcement = row_int(r, 3),
		.parent = row_int(r, 4),
		.attempt = (int)row_int(r, 5),
		.status = exec_state_of(row_str(r, 6)),
		.action_ref = row_str(r, 7),
		.incarnation = row_str(r, 8),
		.reason = wait_reason_of(row_str(r, 9)),
		.created = row_int(r, 10),
		.updated = row_int(r, 11),
		.due = row_int(r, 12),
		.correlation = row_uuid(r, 13),
	};
}

bool
execution_live(Db *db, Arena *a, ExecState status, Id worker, TimeUs before, Id after, size_t most, ExecLive **ret,
    size_t *ret_n, Err *err)
{
	static const Stmt any = {
		.sql = LIVE_COLUMNS " where status = $1 and " LIVE
				    " and updated < $2 and id > $3 and worker is not null order by id limit $4",
		.in = "stii",
	};
	static const Stmt one = {
		.sql = LIVE_COLUMNS " where status = $1 and " LIVE
				    " and updated < $2 and id > $3 and worker = $5 order by id limit $4",
		.in = "stiii",
	};
	Bind b[] = { bind_text(exec_state_name(status)), bind_time(before), bind_int(after), bind_int((int64_t)most),
		bind_id(worker) };
	Rows rows;

	if (!db_exec(db, a, worker == 0 ? &any : &one, b, &rows, err))
		return false;
	*ret = arena_array(a, ExecLive, rows.n + 1);
	*ret_n = rows.n;
	for (size_t i = 0; i < rows.n; i++)
		live_read(rows_at(&rows, i), &(*ret)[i]);
	return true;
}

bool
execution_peek(Db *db, Arena *a, Id id, ExecLive *ret, Err *err)
{
	static const Stmt s = { .sql = LIVE_COLUMNS " where id = $1", .in = "i" };
	Bind b[] = { bind_int(id) };
	Rows rows;

	if (!db_exec(db, a, &s, b, &rows, err))
		return false;
	*ret = (ExecLive){ 0 };
	if (rows.n > 0)
		live_read(rows_at(&rows, 0), ret);
	return true;
}

bool
execution_any_live(Db *db, Arena *a, bool *ret, Err *err)
{
	static const Stmt s = {
		.sql = "select 1 where " SOME_WAIT " or exists (select 1 from execution where " LIVE
		       " and status = 'scheduled') or exists (select 1 from execution where " LIVE
		       " and status = 'running' and worker is not null) or exists (select 1 from execution where " LIVE
		       " and status = 'canceling')",
		.in = "",
	};
	Rows rows;

	if (!db_exec(db, a, &s, NULL, &rows, err))
		return false;
	*ret = rows.n > 0;
	return true;
}
