#include "store/execution_limits.h"

/* word for word the condition of the index execution_slot */
#define IN_SLOT "slot = $1 and slot is not null and finished_at is null"
#define UNDER_WAY(state) "(select count(*) from execution where " IN_SLOT " and status = '" state "')"

/* ---- slots ---- */

static bool
one_number(Db *db, Arena *a, const Stmt *s, const Bind *b, int64_t *ret, Err *err)
{
	Rows rows;

	if (!db_exec(db, a, s, b, &rows, err))
		return false;
	*ret = rows.n == 0 ? 0 : row_int(rows_at(&rows, 0), 0);
	return true;
}

static const Stmt used_stmt = {
	.sql = "select " UNDER_WAY("scheduled") " + " UNDER_WAY("running") " + " UNDER_WAY("canceling"),
	.in = "s",
};
static const Stmt line_stmt = {
	.sql = "select id from execution where " IN_SLOT " and status = 'requested' and wait_class is not null"
	       " order by slot, status, priority desc, id limit $2",
	.in = "si",
};

void
slot_ahead(Db *db, Arena *a, Str slot, size_t most)
{
	Bind b[] = { bind_str(slot), bind_int((int64_t)most) };

	db_ahead(db, a, &used_stmt, b);
	db_ahead(db, a, &line_stmt, b);
}

bool
slot_used(Db *db, Arena *a, Str slot, int64_t *ret, Err *err)
{
	Bind b[] = { bind_str(slot) };

	return one_number(db, a, &used_stmt, b, ret, err);
}

bool
slot_all(Db *db, Arena *a, Str slot, int64_t *ret, Err *err)
{
	static const Stmt s = {
		.sql = "select " UNDER_WAY("scheduled") " + " UNDER_WAY(
		    "running") " + (select count(*) from execution where " IN_SLOT
			       " and status = 'requested' and wait_class is not null)",
		.in = "s",
	};
	Bind b[] = { bind_str(slot) };

	return one_number(db, a, &s, b, ret, err);
}

bool
slot_line(Db *db, Arena *a, Str slot, size_t most, Id **ret, size_t *ret_n, Err *err)
{
	Bind b[] = { bind_str(slot), bind_int((int64_t)most) };
	Rows rows;

	if (!db_exec(db, a, &line_stmt, b, &rows, err))
		return false;
	*ret = arena_array(a, Id, rows.n + 1);
	*ret_n = rows.n;
	for (size_t i = 0; i < rows.n; i++)
		(*ret)[i] = row_int(rows_at(&rows, i), 0);
	return true;
}

bool
slot_oldest(Db *db, Arena *a, Str slot, size_t most, SlotRow **ret, size_t *ret_n, Err *err)
{
	static const Stmt s = {
		.sql = "select id, attempt, status from execution where " IN_SLOT " and status <> 'canceling'"
		       " and (status <> 'requested' or wait_class is not null) order by id limit $2",
		.in = "si",
	};
	Bind b[] = { bind_str(slot), bind_int((int64_t)most) };
	Rows rows;

	if (!db_exec(db, a, &s, b, &rows, err))
		return false;
	*ret = arena_array(a, SlotRow, rows.n + 1);
	*ret_n = rows.n;
	for (size_t i = 0; i < rows.n; i++) {
		Row r = rows_at(&rows, i);

		(*ret)[i] = (SlotRow){ row_int(r, 0), (int)row_int(r, 1), exec_state_of(row_str(r, 2)) };
	}
	return true;
}

/* ---- buckets: only whoever schedules touches them ---- */

bool
bucket_read(Db *db, Arena *a, Str bucket, TimeUs *ret_full, Err *err)
{
	static const Stmt s = { .sql = "select full_at from rate_bucket where bucket = $1", .in = "s" };
	Bind b[] = { bind_str(bucket) };

	return one_number(db, a, &s, b, ret_full, err);
}

bool
bucket_write(Db *db, Arena *a, Str bucket, TimeUs full, Err *err)
{
	static const Stmt s = {
		.sql = "insert into rate_bucket (bucket, full_at) values ($1, $2)"
		       " on conflict (bucket) do update set full_at = excluded.full_at",
		.in = "st",
	};
	Bind b[] = { bind_str(bucket), bind_time(full) };

	return db_exec(db, a, &s, b, NULL, err);
}

bool
execution_wait_policy(Db *db, Arena *a, Id id, WaitReason why, Str policy_ref, TimeUs due, TimeUs now, Err *err)
{
	static const Stmt s = {
		.sql = "update execution set wait_reason = $2, wait_detail = $3, due_at = $4, updated = $5"
		       " where id = $1 and status = 'requested'",
		.in = "isSTt",
	};
	Bind b[] = { bind_int(id), bind_text(wait_reason_name(why)), bind_str(policy_ref), bind_time(due),
		bind_time(now) };

	return db_later(db, a, &s, b, 1, err);
}

/* ---- what limits a row ---- */

#define LIMITED_COLUMNS \
	"select id, action, status, config, worker_selector, worker_tolerations, worker_affinity, priority, slot, " \
	"bucket," \
	" wait_class, breaker from execution"

static void
limited_rows(Arena *a, const Rows *rows, ExecLimited **ret, size_t *ret_n)
{
	*ret = arena_array(a, ExecLimited, rows->n + 1);
	*ret_n = rows->n;
	for (size_t i = 0; i < rows->n; i++) {
		Row r = rows_at(rows, i);

		(*ret)[i] = (ExecLimited){
			.id = row_int(r, 0),
			.action = row_int(r, 1),
			.status = exec_state_of(row_str(r, 2)),
			.config = row_json(a, r, 3),
			.worker_selector = row_json(a, r, 4),
			.worker_tolerations = row_json(a, r, 5),
			.worker_affinity = row_json(a, r, 6),
			.priority = row_int(r, 7),
			.slot = row_str(r, 8),
			.bucket = row_str(r, 9),
			.wait_class = row_str(r, 10),
			.breaker = row_str(r, 11),
		};
	}
}

bool
execution_limited_class(Db *db, Arena *a, Str wait_class, size_t most, ExecLimited **ret, size_t *ret_n, Err *err)
{
	static const Stmt s = {
		.sql = LIMITED_COLUMNS
		" where status = 'requested' and wait_class is not null and wait_class = $1 order by id limit $2",
		.in = "si",
	};
	Bind b[] = { bind_str(wait_class), bind_int((int64_t)most) };
	Rows rows;

	if (!db_exec(db, a, &s, b, &rows, err))
		return false;
	limited_rows(a, &rows, ret, ret_n);
	return true;
}

bool
execution_limited_live(Db *db, Arena *a, ExecLimited **ret, size_t *ret_n, Err *err)
{
	static const Stmt s = {
		.sql = LIMITED_COLUMNS " where finished_at is null and status in ('scheduled', 'running', 'canceling')"
				       " and wait_class is not null",
		.in = "",
	};
	Rows rows;

	if (!db_exec(db, a, &s, NULL, &rows, err))
		return false;
	limited_rows(a, &rows, ret, ret_n);
	return true;
}

bool
execution_limit_set(Db *db, Arena *a, const ExecLimited *rows, size_t n, Err *err)
{
	enum { BINDS = 5 };
	/* what one breaker let through says nothing of another */
	static const Stmt s = {
		.sql = "update execution set slot = $2, bucket = $3, wait_class = $4, breaker = $5,"
		       " breaker_probe = case when breaker = $5 then breaker_probe else false end"
		       " where id = $1 and wait_class is not null",
		.in = "iSSsS",
	};
	Bind *b = arena_array(a, Bind, n * BINDS + 1);
	Rows done;

	if (n == 0)
		return true;
	for (size_t i = 0; i < n; i++) {
		b[i * BINDS] = bind_int(rows[i].id);
		b[i * BINDS + 1] = bind_str(rows[i].slot);
		b[i * BINDS + 2] = bind_str(rows[i].bucket);
		b[i * BINDS + 3] = bind_str(rows[i].wait_class);
		b[i * BINDS + 4] = bind_str(rows[i].breaker);
	}
	return db_batch(db, a, &s, b, n, &done, err);
}

/* ---- its time ---- */

#define DUE "status = 'requested' and due_at is not null"
#define PARKED_DUE DUE " and due_at <= $1 and parked_class is not null and wait_reason <> 'paused'"

bool
execution_wake_due(Db *db, Arena *a, TimeUs now, size_t most, int64_t *ret, Err *err)
{
	static const Stmt look = {
		.sql = "select id from execution where " PARKED_DUE " order by due_at limit $2",
		.in = "ti",
	};
	static const Stmt wake = {
		.sql = "update execution set wait_class = parked_class, parked_class = null, due_at = null,"
		       " wait_reason = 'queued', updated = $2 where id = $1 and status = 'requested'"
		       " and parked_class is not null and wait_reason <> 'paused'",
		.in = "it",
	};
	Bind b[] = { bind_time(now), bind_int((int64_t)most) };
	Bind *each;
	Rows rows, done;

	*ret = 0;
	if (!db_exec(db, a, &look, b, &rows, err))
		return false;
	if (rows.n == 0)
		return true;
	each = arena_array(a, Bind, rows.n * 2);
	for (size_t i = 0; i < rows.n; i++) {
		each[i * 2] = bind_int(row_int(rows_at(&rows, i), 0));
		each[i * 2 + 1] = bind_time(now);
	}
	*ret = (int64_t)rows.n;
	return db_batch(db, a, &wake, each, rows.n, &done, err);
}

#define NEXT_DUE \
	"select due_at from execution where " DUE " and due_at > $1 and wait_reason <> 'paused'" \
	" order by due_at limit 1"

static const Stmt next_due_stmt = { .sql = NEXT_DUE, .in = "t" };

bool
execution_next_due(Db *db, Arena *a, TimeUs now, TimeUs *ret, Err *err)
{
	Bind b[] = { bind_time(now) };

	return one_number(db, a, &next_due_stmt, b, ret, err);
}

bool
execution_waits(Db *db, Arena *a, TimeUs now, bool *ret, TimeUs *ret_due, Err *err)
{
	static const Stmt s = {
		.sql = "select case when exists (select 1 from execution where status = 'requested'"
		       " and wait_class is not null) then 1 else 0 end, (" NEXT_DUE ")",
		.in = "t",
	};
	Bind b[] = { bind_time(now) };
	Rows rows;

	if (!db_read(db, a, &s, b, &rows, err))
		return false;
	*ret = row_int(rows_at(&rows, 0), 0) != 0;
	*ret_due = row_int(rows_at(&rows, 0), 1);
	return true;
}

void
execution_next_due_ahead(Db *db, Arena *a, TimeUs now)
{
	Bind b[] = { bind_time(now) };

	db_ahead(db, a, &next_due_stmt, b);
}

/* A statement about one run that waits: did it still? */
static bool
waiting_changed(Db *db, Arena *a, const Stmt *s, Id id, TimeUs now, bool *ret, Err *err)
{
	Bind b[] = { bind_int(id), bind_time(now) };
	Rows rows;

	if (!db_exec(db, a, s, b, &rows, err))
		return false;
	*ret = rows.affected > 0;
	return true;
}

bool
execution_pause(Db *db, Arena *a, Id id, TimeUs now, bool *ret, Err *err)
{
	static const Stmt s = {
		.sql = "update execution set parked_class = coalesce(parked_class, wait_class), wait_class = null,"
		       " due_at = case when parked_class is null then null else due_at end,"
		       " wait_reason = 'paused', wait_detail = null, updated = $2"
		       " where id = $1 and status = 'requested' and wait_reason <> 'paused'"
		       " and coalesce(parked_class, wait_class) is not null",
		.in = "it",
	};

	return waiting_changed(db, a, &s, id, now, ret, err);
}

bool
execution_resume(Db *db, Arena *a, Id id, TimeUs now, bool *ret, Err *err)
{
	/* what was to begin later still does */
	static const Stmt s = {
		.sql = "update execution set wait_class = case when due_at > $2 then null else parked_class end,"
		       " parked_class = case when due_at > $2 then parked_class end,"
		       " wait_reason = case when due_at > $2 and retry_count > 0 then 'retry_delay'"
		       " when due_at > $2 then 'delay' else 'queued' end,"
		       " due_at = case when due_at > $2 then due_at end, updated = $2"
		       " where id = $1 and status = 'requested' and wait_reason = 'paused'",
		.in = "it",
	};

	return waiting_changed(db, a, &s, id, now, ret, err);
}

/* ---- once more ---- */

bool
retry_rows(Db *db, Arena *a, const Id *ids, size_t n, RetryRow *ret, Err *err)
{
	static const Stmt s = {
		.sql = "select x.id, x.action, x.enforcement, x.parent, x.action_ref, x.retry, x.retry_count, "
		       "x.correlation_id,"
		       " exists (select 1 from execution r where r.original_execution = coalesce(x.original_execution, "
		       "x.id)"
		       " and r.original_execution is not null and r.retry_count = x.retry_count + 1)"
		       " from execution x where x.id = $1 and x.retry is not null",
		.in = "i",
	};
	Bind *b = arena_array(a, Bind, n + 1);
	Rows rows;

	memset(ret, 0, n * sizeof(*ret));
	if (n == 0)
		return true;
	for (size_t i = 0; i < n; i++)
		b[i] = bind_int(ids[i]);
	if (!db_batch(db, a, &s, b, n, &rows, err))
		return false;
	for (size_t i = 0; i < rows.n; i++) {
		Row r = rows_at(&rows, i);

		ret[rows.from[i]] = (RetryRow){
			.id = row_int(r, 0),
			.action = row_int(r, 1),
			.enforcement = row_int(r, 2),
			.parent = row_int(r, 3),
			.action_ref = row_str(r, 4),
			.plan = row_json(a, r, 5),
			.count = row_int(r, 6),
			.correlation = row_uuid(r, 7),
			.made = row_bool(r, 8),
		};
	}
	return true;
}

bool
retry_of_task(Db *db, Arena *a, Id id, RetryRow *ret, Err *err)
{
	static const Stmt s = {
		.sql =
		    "select id, action, enforcement, parent, action_ref, retry_count, correlation_id, status, attempt,"
		    " workflow_task from execution where id = $1",
		.in = "i",
	};
	Bind b[] = { bind_int(id) };
	Rows rows;
	Row r;

	*ret = (RetryRow){ 0 };
	if (!db_exec(db, a, &s, b, &rows, err))
		return false;
	if (rows.n == 0)
		return true;
	r = rows_at(&rows, 0);
	*ret = (RetryRow){
		.id = row_int(r, 0),
		.action = row_int(r, 1),
		.enforcement = row_int(r, 2),
		.parent = row_int(r, 3),
		.action_ref = row_str(r, 4),
		.count = row_int(r, 5),
		.correlation = row_uuid(r, 6),
		.status = exec_state_of(row_str(r, 7)),
		.attempt = (int)row_int(r, 8),
		.workflow_task = row_json(a, r, 9),
	};
	return true;
}

/* $7 is null for what no workflow waits for: then it is not its task's run either. */
#define RETRY_LIKE \
	"action, action_ref, config, env_vars, parent, enforcement, executor, permission_set_refs, worker_selector," \
	" worker_tolerations, worker_affinity, timeout_seconds, rule_ref, trigger_ref, correlation_id, priority," \
	" slot, bucket, breaker, retry, workflow_def, ancestors, artifact_retention_policy, artifact_retention_limit"
/* What ended before its time had come, or while it was paused, is still parked. */
#define CLASS "coalesce(wait_class, parked_class)"
#define OF_TASK(column) "case when $7 is not null then " column " end"
#define RETRY_INSERT \
	"insert into execution (" RETRY_LIKE ", status, original_execution, retry_count, retry_reason, wait_reason," \
	" wait_class, parked_class, due_at, moves, created, updated, workflow_task, max_retries, task_no, task_index," \
	" task_iteration) select " RETRY_LIKE ", 'requested', coalesce(original_execution, id), retry_count + 1, $2," \
	" case when $3 = 1 then 'retry_delay' else 'queued' end, case when $3 = 0 then " CLASS " end," \
	" case when $3 = 1 then " CLASS " end, $4, $5, $6, $6, coalesce($7, workflow_task)," \
	" coalesce($8, max_retries), " OF_TASK("task_no") ", " OF_TASK("task_index") ", " OF_TASK( \
	    "task_iteration") " from execution where id = $1"

bool
retry_possible(Db *db, Arena *a, Id id, bool *ret, Err *err)
{
	static const Stmt s = {
		.sql = "select id from execution where id = $1 and " CLASS " is not null",
		.in = "i",
	};
	Bind b[] = { bind_int(id) };
	Rows rows;

	if (!db_exec(db, a, &s, b, &rows, err))
		return false;
	*ret = rows.n > 0;
	return true;
}

bool
retry_insert(Db *db, Arena *a, const RetryNew *in, TimeUs now, Id *ret_id, Err *err)
{
	static const Stmt s = {
		.sql = RETRY_INSERT,
		.pg = RETRY_INSERT " returning id",
		.in = "isiTstJI",
		.gives_id = true,
	};
	Str note = str_fmt(a, "again: %s", in->reason);
	Bind b[] = { bind_int(in->ended), bind_text(in->reason), bind_int(in->due != 0), bind_time(in->due),
		bind_str(execution_move_line(a, EXEC_REQUESTED, now, in->by, 0, note)), bind_time(now),
		bind_json(in->workflow_task), bind_id(in->max_retries) };
	Rows rows;

	if (!db_exec(db, a, &s, b, &rows, err))
		return false;
	*ret_id = rows.n == 0 ? 0 : row_int(rows_at(&rows, 0), 0);
	return *ret_id != 0 || err_set(err, ERR_NOT_FOUND, "Execution with ID %lld not found", (long long)in->ended);
}
