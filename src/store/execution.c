#include "store/execution.h"

enum { MOVE_BINDS_MAX = 10 };

/* word for word the condition of the index execution_live: SQLite uses a partial index only when it finds its condition */
#define LIVE "status in ('requested', 'scheduling', 'scheduled', 'running', 'canceling')"

/* ---- making rows ---- */

static const Stmt insert_stmt = {
	.sql = "insert into execution (action, action_ref, config, env_vars, parent, enforcement, executor, "
	       "permission_set_refs,"
	       " worker_selector, worker_tolerations, worker_affinity, worker, status, result, original_execution, "
	       "attempt,"
	       " wait_reason, wait_class, timeout_seconds, rule_ref, trigger_ref, correlation_id, moves, scheduled_at,"
	       " finished_at, created, updated)"
	       " values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, "
	       "$21, $22,"
	       " $23, $24, $25, $26, $26) on conflict do nothing returning id",
	.in = "IsJJIIIjJJJIsJIiSSISSssTTt",
};
enum { INSERT_BINDS = 26 };

/* One line of the timeline: state|microseconds|by|attempt|note */
static Str
move_line(Arena *a, ExecState to, TimeUs at, Str by, int attempt, Str note)
{
	return str_fmt(
	    a, "%s|%lld|%.*s|%d|%.*s\n", exec_state_name(to), (long long)at, STR_ARG(by), attempt, STR_ARG(note));
}

static Str
birth_lines(Arena *a, const ExecNew *e, TimeUs now)
{
	Str none = str_of("");
	Str made = move_line(a, EXEC_REQUESTED, now, e->by, 0, none);
	Str then;

	if (e->status == EXEC_REQUESTED)
		return made;
	then = move_line(a, e->status, now, e->by, e->status == EXEC_SCHEDULED ? 1 : 0, none);
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

static void
insert_binds(Arena *a, const ExecNew *e, TimeUs now, const Json *no_refs, Bind *b)
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
		bind_name(wait_reason_name(e->wait)),
		bind_str(e->wait_class),
		bind_optional_int(e->timeout_seconds),
		bind_str(e->rule_ref),
		bind_str(e->trigger_ref),
		{ 0 },
		bind_str(birth_lines(a, e, now)),
		bind_time(scheduled ? now : 0),
		bind_time(exec_terminal(e->status) ? now : 0),
		bind_time(now),
	};

	uuid_write(e->correlation, uuid);
	all[21] = bind_str(str_copy(a, (Str){ uuid, UUID_TEXT }));
	memcpy(b, all, sizeof(all));
}

bool
execution_insert(Db *db, Arena *a, const ExecNew *rows, size_t n, TimeUs now, Id *ret_ids, Err *err)
{
	Bind *b = arena_array(a, Bind, n * INSERT_BINDS);
	Json no_refs = json_array();
	Rows made;

	for (size_t i = 0; i < n; i++) {
		insert_binds(a, &rows[i], now, &no_refs, b + i * INSERT_BINDS);
		ret_ids[i] = 0;
	}
	if (!db_batch(db, a, &insert_stmt, b, n, &made, err))
		return err_wrap(err, "store execution");
	for (size_t i = 0; i < made.n; i++)
		ret_ids[made.from[i]] = row_int(rows_at(&made, i), 0);
	return true;
}

/* ---- moving rows ---- */

#define MOVED_ROW " id, attempt, action, worker, enforcement, parent, action_ref, correlation_id, created, scheduled_at"
#define MOVED_COLUMNS " returning" MOVED_ROW
#define CLAIMED_COLUMNS ", config, env_vars, rule_ref, trigger_ref, timeout_seconds"

/* Every statement begins with $1 id, $2 from, $3 to, $4 now, $5 line of the timeline; what follows is in `more`. */
typedef enum MoveBinds { BINDS_SCHEDULE, BINDS_ATTEMPT, BINDS_CLAIM, BINDS_RESULT, BINDS_STOP } MoveBinds;

typedef struct MoveRow {
	Stmt stmt;
	MoveBinds more;
} MoveRow;

static const MoveRow move_rows[EXEC_EVENTS] = {
	[EV_SCHEDULE] = { { .sql = "update execution set status = $3, worker = $6, attempt = attempt + 1, scheduled_at "
				   "= $4,"
				   " wait_reason = null, wait_detail = null, due_at = null, updated = $4, moves = "
				   "moves || $5"
				   " where id = $1 and status = $2" MOVED_COLUMNS,
			      .in = "isstsi" },
	    BINDS_SCHEDULE },
	[EV_RETURN] = { { .sql = "update execution set status = $3, worker = null, incarnation = null, scheduled_at = "
				 "null,"
				 " wait_reason = 'queued', updated = $4, moves = moves || $5"
				 " where id = $1 and status = $2 and attempt = $6" MOVED_COLUMNS,
			    .in = "isstsi" },
	    BINDS_ATTEMPT },
	[EV_CLAIM] = { { .sql = "update execution set status = $3, started_at = $4, incarnation = $8, updated = $4,"
				" moves = moves || $5"
				" where id = $1 and status = $2 and attempt = $6 and worker = $7" MOVED_COLUMNS
				    CLAIMED_COLUMNS,
			   .in = "isstsiis" },
	    BINDS_CLAIM },
#define ENDS \
	{ \
		{ .sql = "update execution set status = $3, result = $7, started_at = coalesce($8, started_at), " \
			 "finished_at = $9," \
			 " updated = $4, moves = moves || $5" \
			 " where id = $1 and status = $2 and attempt = $6" MOVED_COLUMNS, \
			.in = "isstsiJTt" }, \
		    BINDS_RESULT \
	}
	[EV_EXIT_OK] = ENDS,
	[EV_EXIT_BAD] = ENDS,
	[EV_ENDED] = ENDS,
	[EV_WORKER_LOST] = ENDS,
#undef ENDS
	[EV_REFUSE] = { { .sql = "update execution set status = $3, result = $6, finished_at = $7, wait_reason = null,"
				 " wait_detail = null, due_at = null, updated = $4, moves = moves || $5"
				 " where id = $1 and status = $2" MOVED_COLUMNS,
			    .in = "isstsJT" },
	    BINDS_STOP },
	[EV_CANCEL] = { { .sql = "update execution set status = $3, result = coalesce($6, result), finished_at = $7,"
				 " wait_reason = null, wait_detail = null, due_at = null, updated = $4, moves = moves "
				 "|| $5"
				 " where id = $1 and status = $2" MOVED_COLUMNS,
			    .in = "isstsJT" },
	    BINDS_STOP },
};

static size_t
move_more(const ExecMove *m, MoveBinds more, ExecState to, TimeUs now, Bind *b)
{
	switch (more) {
	case BINDS_SCHEDULE: b[0] = bind_id(m->worker); return 1;
	case BINDS_ATTEMPT: b[0] = bind_int(m->attempt); return 1;
	case BINDS_CLAIM:
		b[0] = bind_int(m->attempt);
		b[1] = bind_id(m->worker);
		b[2] = bind_str(m->incarnation);
		return 3;
	case BINDS_RESULT:
		b[0] = bind_int(m->attempt);
		b[1] = bind_json(m->result);
		b[2] = bind_time(m->started);
		b[3] = bind_time(m->finished != 0 ? m->finished : now);
		return 4;
	case BINDS_STOP:
		b[0] = bind_json(exec_terminal(to) ? m->result : NULL);
		b[1] = bind_time(exec_terminal(to) ? now : 0);
		return 2;
	}
	return 0;
}

static bool
move_binds(
    Arena *a, ExecEvent ev, const ExecMove *m, TimeUs now, Str by, Bind *b, size_t *ret_n, ExecState *ret_to, Err *err)
{
	int attempt = ev == EV_SCHEDULE ? m->attempt + 1 : m->attempt;
	ExecState to;

	if (!exec_next(m->from, ev, &to, err))
		return err_wrap(err, "execution %lld", (long long)m->id);
	b[0] = bind_int(m->id);
	b[1] = bind_text(exec_state_name(m->from));
	b[2] = bind_text(exec_state_name(to));
	b[3] = bind_time(now);
	b[4] = bind_str(move_line(a, to, m->finished != 0 ? m->finished : now, by, attempt, m->note));
	*ret_n = 5 + move_more(m, move_rows[ev].more, to, now, b + 5);
	*ret_to = to;
	return true;
}

static Uuid
row_uuid(Row r, int col)
{
	Uuid u = { 0 };

	if (!uuid_parse(row_str(r, col), &u))
		return (Uuid){ 0 };
	return u;
}

static void
moved_read(Arena *a, Row r, bool claimed, ExecMoved *m)
{
	m->moved = true;
	m->attempt = (int)row_int(r, 1);
	m->action = row_int(r, 2);
	m->worker = row_int(r, 3);
	m->enforcement = row_int(r, 4);
	m->parent = row_int(r, 5);
	m->action_ref = row_str(r, 6);
	m->correlation = row_uuid(r, 7);
	m->created = row_int(r, 8);
	m->scheduled = row_int(r, 9);
	if (!claimed)
		return;
	m->config = row_json(a, r, 10);
	m->env_vars = row_json(a, r, 11);
	m->rule_ref = row_str(r, 12);
	m->trigger_ref = row_str(r, 13);
	m->timeout_seconds = row_int(r, 14);
}

bool
execution_move(
    Db *db, Arena *a, ExecEvent ev, const ExecMove *moves, size_t n, TimeUs now, Str by, ExecMoved *ret, Err *err)
{
	const Stmt *s = &move_rows[ev].stmt;
	size_t width = strlen(s->in);
	Bind *b;
	Rows got;

	if (n == 0)
		return true;
	b = arena_array(a, Bind, n * width + MOVE_BINDS_MAX);
	for (size_t i = 0; i < n; i++) {
		size_t used;

		ret[i] = (ExecMoved){ 0 };
		if (!move_binds(a, ev, &moves[i], now, by, b + i * width, &used, &ret[i].to, err))
			return false;
	}
	if (!db_batch(db, a, s, b, n, &got, err))
		return err_wrap(err, "move %zu executions by %s", n, exec_event_name(ev));
	for (size_t i = 0; i < got.n; i++)
		moved_read(a, rows_at(&got, i), ev == EV_CLAIM, &ret[got.from[i]]);
	return true;
}

bool
execution_claimed(Db *db, Arena *a, const ExecMove *m, ExecMoved *ret, Err *err)
{
	static const Stmt s = {
		.sql = "select" MOVED_ROW CLAIMED_COLUMNS " from execution"
		       " where id = $1 and status = 'running' and attempt = $2 and worker = $3 and incarnation = $4",
		.in = "iiis",
	};
	Bind b[] = { bind_int(m->id), bind_int(m->attempt), bind_int(m->worker), bind_str(m->incarnation) };
	Rows rows;

	if (!db_exec(db, a, &s, b, &rows, err))
		return false;
	*ret = (ExecMoved){ .to = EXEC_RUNNING };
	if (rows.n > 0)
		moved_read(a, rows_at(&rows, 0), true, ret);
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
	" wait_class, correlation_id, created, due_at, attempt, wait_detail from execution"

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

bool
execution_schedule_alone(Db *db, Arena *a, Err *err)
{
	static const Stmt s = { .sql = "select 1", .in = "", .pg = "select 1 from pg_advisory_xact_lock(74711)" };

	return db_kind(db) == STORE_SQLITE || db_exec(db, a, &s, NULL, NULL, err); /* SQLite has one writer as it is */
}

bool
execution_wait_classes(Db *db, Arena *a, Str **ret, size_t *ret_n, Err *err)
{
	/* a loose index scan: one probe per class, however many rows wait */
	static const Stmt s = {
		.sql = "with recursive c(x) as ("
		       "select min(wait_class) from execution where status = 'requested' and wait_class is not null"
		       " union all select (select min(wait_class) from execution where status = 'requested'"
		       " and wait_class is not null and wait_class > c.x) from c where c.x is not null)"
		       " select x from c where x is not null",
		.in = "",
	};
	Rows rows;

	if (!db_exec(db, a, &s, NULL, &rows, err))
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
execution_wait_mark(Db *db, Arena *a, Id id, WaitReason why, TimeUs now, Err *err)
{
	static const Stmt s = {
		.sql = "update execution set wait_reason = $2, wait_detail = null, due_at = null, updated = $3"
		       " where id = $1 and status = 'requested'",
		.in = "ist",
	};
	Bind b[] = { bind_int(id), bind_text(wait_reason_name(why)), bind_time(now) };

	return db_exec(db, a, &s, b, NULL, err);
}

/* The newest row of a class tells whether all of it is marked: marks are given to whole classes, rows come at the end. */
static bool
class_marked(Db *db, Arena *a, Str wait_class, Str detail, bool *ret, Err *err)
{
	static const Stmt s = {
		.sql = "select wait_reason, wait_detail from execution"
		       " where status = 'requested' and wait_class is not null and wait_class = $1 order by id desc "
		       "limit 1",
		.in = "s",
	};
	Bind b[] = { bind_str(wait_class) };
	Rows rows;

	if (!db_exec(db, a, &s, b, &rows, err))
		return false;
	*ret = rows.n == 0 ||
	       (str_is(row_str(rows_at(&rows, 0), 0), "no_worker") && str_eq(row_str(rows_at(&rows, 0), 1), detail));
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
		" where status = 'requested' and due_at is not null and due_at <= $1 order by due_at limit $2",
		.in = "ti",
	};
	Bind b[] = { bind_time(now), bind_int((int64_t)most) };
	Rows rows;

	if (!db_exec(db, a, &s, b, &rows, err))
		return false;
	waiting_rows(a, &rows, ret, ret_n);
	return true;
}

bool
execution_worker_counts(Db *db, Arena *a, WorkerCount **ret, size_t *ret_n, Err *err)
{
	static const Stmt s = {
		.sql = "select worker, sum(case when status = 'scheduled' then 1 else 0 end), count(*) from execution"
		       " where " LIVE " and status in ('scheduled', 'running', 'canceling') and worker is not null"
		       " group by worker",
		.in = "",
	};
	Rows rows;

	if (!db_exec(db, a, &s, NULL, &rows, err))
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
		.sql = LIVE_COLUMNS " where status = $1 and " LIVE " and updated < $2 and id > $3 order by id limit $4",
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
		.sql = "select 1 from execution where " LIVE " limit 1",
		.in = "",
	};
	Rows rows;

	if (!db_exec(db, a, &s, NULL, &rows, err))
		return false;
	*ret = rows.n > 0;
	return true;
}
