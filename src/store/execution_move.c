#include "store/execution_move.h"

#include "store/execution_aside.h"

enum { MOVE_BINDS_MAX = 11 };

/* One line of the timeline: state|microseconds|by|attempt|note */
Str
execution_move_line(Arena *a, ExecState to, TimeUs at, Str by, int attempt, Str note)
{
	return str_fmt(
	    a, "%s|%lld|%.*s|%d|%.*s\n", exec_state_name(to), (long long)at, STR_ARG(by), attempt, STR_ARG(note));
}

#define MOVED_ROW \
	" id, attempt, action, worker, enforcement, parent, action_ref, correlation_id, created, scheduled_at," \
	" task_no, task_index, task_iteration"
#define CLAIMED_COLUMNS ", config, env_vars, rule_ref, trigger_ref, timeout_seconds, executor, permission_set_refs"

/* Every statement begins with $1 id, $2 from, $3 to, $4 now, $5 line of the timeline; what follows is in `more`. PostgreSQL gives
 * the moved rows back, unless they are known; in SQLite `look` reads them first, under the same guard: it has one writer, so what
 * is seen stays so until the commit, and its `returning` opens a table in memory for each statement. */
typedef enum MoveBinds {
	BINDS_NONE,
	BINDS_SCHEDULE,
	BINDS_ATTEMPT,
	BINDS_CLAIM,
	BINDS_RESULT,
	BINDS_KNOWN,
	BINDS_THROUGH,
	BINDS_STOP
} MoveBinds;

typedef struct MoveRow {
	Stmt stmt;
	Stmt brief; /* for rows that have been seen: gives their ids back only */
	const Stmt *look;
	MoveBinds more;
} MoveRow;

static const Stmt look_state = {
	.sql = "select" MOVED_ROW " from execution where id = $1 and status = $2",
	.in = "is",
};
static const Stmt look_attempt = {
	.sql = "select" MOVED_ROW " from execution where id = $1 and status = $2 and attempt = $3",
	.in = "isi",
};
#define LOOK_CLAIM \
	"select" MOVED_ROW CLAIMED_COLUMNS \
	" from execution where id = $1 and status = $2 and attempt = $3 and worker = $4"
static const Stmt look_claim = {
	.sql = LOOK_CLAIM,
	.pg = LOOK_CLAIM " for no key update", /* so that what is seen stays so there too */
	.in = "isii",
	.set = true,
};

#define MOVE_TEXT(sets, guard) \
	"update execution set status = $3, updated = $4, moves = moves || $5, " sets \
	" where id = $1 and status = $2" guard
#define MOVE_STMT(sets, guard, gives, in_) \
	{ \
		.sql = MOVE_TEXT(sets, guard), .pg = MOVE_TEXT(sets, guard) " returning" gives, .in = in_, .set = true \
	}
#define MOVE(sets, guard, gives, in_, look_, more_) \
	{ \
		MOVE_STMT(sets, guard, MOVED_ROW gives, in_), MOVE_STMT(sets, guard, " id", in_), look_, more_ \
	}
#define AT_ATTEMPT " and attempt = $6"
#define NO_WAIT "wait_reason = null, wait_detail = null, due_at = null"
#define ENDS \
	MOVE("result = $7, started_at = coalesce($8, started_at), finished_at = $9", AT_ATTEMPT, "", "isstsiJTt", \
	    &look_attempt, BINDS_RESULT)

static const MoveRow move_rows[EXEC_EVENTS] = {
	[EV_SCHEDULE] = MOVE("worker = $6, attempt = attempt + 1, scheduled_at = $4, " NO_WAIT, "", "", "isstsi",
	    &look_state, BINDS_SCHEDULE),
	/* what a breaker let through and comes back is one among those that wait again: another may go instead */
	[EV_RETURN] = MOVE("worker = null, incarnation = null, scheduled_at = null, wait_reason = 'queued',"
			   " breaker_probe = false",
	    AT_ATTEMPT, "", "isstsi", &look_attempt, BINDS_ATTEMPT),
	[EV_CLAIM] = MOVE("started_at = $4, incarnation = $8", AT_ATTEMPT " and worker = $7", CLAIMED_COLUMNS,
	    "isstsiis", &look_claim, BINDS_CLAIM),
	[EV_BEGIN] = MOVE("attempt = attempt + 1, scheduled_at = $4, started_at = $4, " NO_WAIT, "", "", "issts",
	    &look_state, BINDS_NONE),
	[EV_EXIT_OK] = ENDS,
	[EV_EXIT_BAD] = ENDS,
	[EV_TIMEOUT] = ENDS,
	[EV_ENDED] = ENDS,
	[EV_WORKER_LOST] = ENDS,
	[EV_REFUSE] = MOVE("result = $6, finished_at = $7, " NO_WAIT, "", "", "isstsJT", &look_state, BINDS_STOP),
	[EV_CANCEL] = MOVE(
	    "result = coalesce($6, result), finished_at = $7, " NO_WAIT, "", "", "isstsJT", &look_state, BINDS_STOP),
};

/* Claimed and ended: one version of the row instead of two. */
static const MoveRow move_through = MOVE("started_at = $10, incarnation = $8, result = $9, finished_at = $11",
    AT_ATTEMPT " and worker = $7", "", "isstsiisJtt", &look_claim, BINDS_THROUGH);

/* An end that is right only if what its caller knows of the definitions is all there is. */
static const MoveRow move_known = MOVE("result = $7, started_at = coalesce($8, started_at), finished_at = $9",
    AT_ATTEMPT " and not exists (select 1 from definition_change where id > $10)", "", "isstsiJTti", &look_attempt,
    BINDS_KNOWN);

static const MoveRow *
move_row(ExecEvent ev, const ExecMove *m)
{
	return m->through ? &move_through : m->known != 0 ? &move_known : &move_rows[ev];
}

static size_t
move_more(const ExecMove *m, MoveBinds more, ExecState to, TimeUs now, Bind *b)
{
	switch (more) {
	case BINDS_NONE: return 0;
	case BINDS_SCHEDULE: b[0] = bind_id(m->worker); return 1;
	case BINDS_ATTEMPT: b[0] = bind_int(m->attempt); return 1;
	case BINDS_CLAIM:
		b[0] = bind_int(m->attempt);
		b[1] = bind_id(m->worker);
		b[2] = bind_str(m->incarnation);
		return 3;
	case BINDS_RESULT:
	case BINDS_KNOWN:
		b[0] = bind_int(m->attempt);
		b[1] = bind_json(m->result);
		b[2] = bind_time(m->started);
		b[3] = bind_time(m->finished != 0 ? m->finished : now);
		b[4] = bind_int(m->known);
		return more == BINDS_KNOWN ? 5 : 4;
	case BINDS_THROUGH:
		b[0] = bind_int(m->attempt);
		b[1] = bind_id(m->worker);
		b[2] = bind_str(m->incarnation);
		b[3] = bind_json(m->result);
		b[4] = bind_time(m->started != 0 ? m->started : now);
		b[5] = bind_time(m->finished != 0 ? m->finished : now);
		return 6;
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
	int attempt = ev == EV_SCHEDULE || ev == EV_BEGIN ? m->attempt + 1 : m->attempt;
	ExecState from = m->from, to;
	Str line;

	if ((m->through && !exec_next(m->from, EV_CLAIM, &from, err)) || !exec_next(from, ev, &to, err))
		return err_wrap(err, "execution %lld", (long long)m->id);
	b[0] = bind_int(m->id);
	b[1] = bind_text(exec_state_name(m->from));
	b[2] = bind_text(exec_state_name(to));
	b[3] = bind_time(m->finished > now ? m->finished : now); /* who asks for what came later finds it */
	line = execution_move_line(a, to, m->finished != 0 ? m->finished : now, by, attempt, m->note);
	if (m->through)
		line = str_fmt(
		    a, "%.*s%.*s", STR_ARG(execution_move_line(a, from, now, by, attempt, str_of(""))), STR_ARG(line));
	b[4] = bind_str(line);
	*ret_n = 5 + move_more(m, move_row(ev, m)->more, to, now, b + 5);
	*ret_to = to;
	return true;
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
	m->of_task = !row_null(r, 10);
	m->task_no = (int)row_int(r, 10);
	m->task_index = row_null(r, 11) ? -1 : row_int(r, 11);
	m->task_iteration = row_int(r, 12);
	if (!claimed)
		return;
	m->config = row_json(a, r, 13);
	m->env_vars = row_json(a, r, 14);
	m->rule_ref = row_str(r, 15);
	m->trigger_ref = row_str(r, 16);
	m->timeout_seconds = row_int(r, 17);
	m->executor = row_int(r, 18);
	m->permission_set_refs = row_json(a, r, 19);
}

/* What the move itself has changed of what was read before it. */
static void
moved_adjust(ExecEvent ev, const ExecMove *move, TimeUs now, ExecMoved *m)
{
	if (ev == EV_SCHEDULE) {
		m->attempt++;
		m->worker = move->worker;
		m->scheduled = now;
	} else if (ev == EV_BEGIN) {
		m->attempt++;
		m->scheduled = now;
	} else if (ev == EV_RETURN) {
		m->worker = 0;
		m->scheduled = 0;
	}
}

static void
moved_seen(const ExecMove *move, ExecMoved *m)
{
	ExecState to = m->to;

	*m = *move->seen;
	m->moved = true;
	m->to = to;
}

/* Which of them are in their state; ret holds what was seen of them. */
static bool
moves_look(Db *db, Arena *a, ExecEvent ev, const ExecMove *moves, size_t n, const Bind *binds, ExecMoved *ret, Err *err)
{
	const MoveRow *row = move_row(ev, moves);
	size_t width = strlen(row->stmt.in), seen = strlen(row->look->in), asked = 0;
	Bind *look = arena_array(a, Bind, n * seen);
	size_t *which = arena_array(a, size_t, n);
	Rows rows;

	for (size_t i = 0; i < n; i++) {
		Bind *b = look + asked * seen;

		if (moves[i].seen != NULL) {
			moved_seen(&moves[i], &ret[i]);
			continue;
		}
		memcpy(b, binds + i * width, 2 * sizeof(Bind));
		for (size_t k = 2; k < seen; k++) /* attempt and worker, as in the guard */
			b[k] = binds[i * width + 3 + k];
		which[asked++] = i;
	}
	if (!db_batch(db, a, row->look, look, asked, &rows, err))
		return false;
	for (size_t i = 0; i < rows.n; i++)
		moved_read(a, rows_at(&rows, i), ev == EV_CLAIM, &ret[which[rows.from[i]]]);
	return true;
}

static bool
moves_by_looking(Db *db, Arena *a, ExecEvent ev, const ExecMove *moves, size_t n, const Bind *binds, TimeUs now,
    ExecMoved *ret, Err *err)
{
	const Stmt *s = &move_row(ev, moves)->stmt;
	size_t width = strlen(s->in), some = 0;
	Bind *open = arena_array(a, Bind, n * width);
	Rows moved;

	if (!moves_look(db, a, ev, moves, n, binds, ret, err))
		return false;
	for (size_t i = 0; i < n; i++) {
		if (!ret[i].moved)
			continue;
		moved_adjust(ev, &moves[i], now, &ret[i]);
		memcpy(open + some++ * width, binds + i * width, width * sizeof(Bind));
	}
	if (some == 0)
		return true;
	if (!db_batch(db, a, s, open, some, &moved, err))
		return false;
	return moved.affected == (int64_t)some ||
	       err_set(err, ERR_INTERNAL, "one execution stands twice in a batch of %s", exec_event_name(ev));
}

static bool
all_seen(const ExecMove *moves, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (moves[i].seen == NULL)
			return false;
	return true;
}

static bool
moves_by_returning(Db *db, Arena *a, ExecEvent ev, const ExecMove *moves, size_t n, const Bind *binds, TimeUs now,
    ExecMoved *ret, Err *err)
{
	const MoveRow *row = move_row(ev, moves);
	bool seen = all_seen(moves, n);
	Rows got;

	if (!db_batch(db, a, seen ? &row->brief : &row->stmt, binds, n, &got, err))
		return err_wrap(err, "move %zu executions by %s", n, exec_event_name(ev));
	for (size_t i = 0; i < got.n; i++) {
		size_t at = got.from[i];

		if (!seen) {
			moved_read(a, rows_at(&got, i), ev == EV_CLAIM, &ret[at]);
			continue;
		}
		moved_seen(&moves[at], &ret[at]);
		moved_adjust(ev, &moves[at], now, &ret[at]);
	}
	return true;
}

/* The same moves with stubs for the results that do not fit. */
static const ExecMove *
moves_slimmed(Arena *a, const ExecMove *moves, size_t n, bool *ret_large)
{
	ExecMove *slim = NULL;

	*ret_large = false;
	for (size_t i = 0; i < n; i++) {
		Json *stub;

		if (!result_is_large(moves[i].result))
			continue;
		if (slim == NULL) {
			slim = arena_array(a, ExecMove, n);
			memcpy(slim, moves, n * sizeof(ExecMove));
		}
		stub = arena_new(a, Json);
		*stub = result_stub(a, moves[i].result);
		slim[i].result = stub;
		*ret_large = true;
	}
	return slim == NULL ? moves : slim;
}

static bool
results_put_aside(Db *db, Arena *a, const ExecMove *moves, const ExecMoved *moved, size_t n, Err *err)
{
	for (size_t i = 0; i < n; i++)
		if (moved[i].moved && exec_terminal(moved[i].to) && result_is_large(moves[i].result) &&
		    !result_put_aside(db, a, moves[i].id, moves[i].result, err))
			return false;
	return true;
}

static bool
moves_make(
    Db *db, Arena *a, ExecEvent ev, const ExecMove *moves, size_t n, TimeUs now, Str by, ExecMoved *ret, Err *err)
{
	const Stmt *s;
	size_t width;
	Bind *b;

	if (n == 0)
		return true;
	s = &move_row(ev, moves)->stmt;
	width = strlen(s->in);
	b = arena_array(a, Bind, n * width + MOVE_BINDS_MAX);
	for (size_t i = 0; i < n; i++) {
		size_t used;

		ret[i] = (ExecMoved){ 0 };
		if (!move_binds(a, ev, &moves[i], now, by, b + i * width, &used, &ret[i].to, err))
			return false;
	}
	if (db_kind(db) == STORE_SQLITE)
		return moves_by_looking(db, a, ev, moves, n, b, now, ret, err);
	return moves_by_returning(db, a, ev, moves, n, b, now, ret, err);
}

bool
execution_move(
    Db *db, Arena *a, ExecEvent ev, const ExecMove *moves, size_t n, TimeUs now, Str by, ExecMoved *ret, Err *err)
{
	bool large;
	const ExecMove *slim = moves_slimmed(a, moves, n, &large);

	return moves_make(db, a, ev, slim, n, now, by, ret, err) &&
	       (!large || results_put_aside(db, a, moves, ret, n, err));
}

bool
execution_claim_look(Db *db, Arena *a, const ExecMove *moves, size_t n, ExecMoved *ret, Err *err)
{
	Bind *b = arena_array(a, Bind, n * 4 + 1);
	Rows rows;

	for (size_t i = 0; i < n; i++) {
		b[i * 4] = bind_int(moves[i].id);
		b[i * 4 + 1] = bind_text(exec_state_name(moves[i].from));
		b[i * 4 + 2] = bind_int(moves[i].attempt);
		b[i * 4 + 3] = bind_id(moves[i].worker);
		ret[i] = (ExecMoved){ .to = EXEC_RUNNING };
	}
	if (!db_batch(db, a, &look_claim, b, n, &rows, err))
		return false;
	for (size_t i = 0; i < rows.n; i++)
		moved_read(a, rows_at(&rows, i), true, &ret[rows.from[i]]);
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
execution_ended_so(Db *db, Arena *a, const ExecMove *m, ExecMoved *ret, Err *err)
{
	static const Stmt s = {
		.sql = "select" MOVED_ROW ", status from execution"
		       " where id = $1 and attempt = $2 and worker = $3 and finished_at = $4",
		.in = "iiit",
	};
	Bind b[] = { bind_int(m->id), bind_int(m->attempt), bind_int(m->worker), bind_time(m->finished) };
	Rows rows;

	if (!db_exec(db, a, &s, b, &rows, err))
		return false;
	*ret = (ExecMoved){ 0 };
	if (rows.n == 0)
		return true;
	moved_read(a, rows_at(&rows, 0), false, ret);
	ret->to = exec_state_of(row_str(rows_at(&rows, 0), 13));
	return true;
}
