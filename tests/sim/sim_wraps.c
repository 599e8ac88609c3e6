/*
 * Functions of the product that the linker lets pass through here (--wrap): random bits come from the seed, commits may fail or end
 * unknown, moves are noted for the judge, and a guard can be taken out to see that the judge notices.
 */
#include "sim_proc.h"
#include "store/execution_limits.h"
#include "store/rule_window.h"
#include "store/workflow_run.h"

static Sim *sim; /* the linker gives a wrap no other way to know whose it is */

void
wraps_install(Sim *s)
{
	sim = s;
}

/* ---- random bits ---- */

Uuid __wrap_uuid_new(TimeUs now);
Uuid __real_uuid_new(TimeUs now);

Uuid
__wrap_uuid_new(TimeUs now)
{
	Uuid u;

	if (sim == NULL)
		return __real_uuid_new(now);
	for (size_t i = 0; i < sizeof(u.b); i++)
		u.b[i] = (uint8_t)sim_random(sim);
	return u;
}

/* ---- commits ---- */

MUST_CHECK bool __wrap_db_commit(Db *db, Err *err);
MUST_CHECK bool __real_db_commit(Db *db, Err *err);

static void
excuse(const Uow *u)
{
	for (size_t i = 0; i < u->out.n; i++)
		if (u->out.msgs[i].kind == MSG_EXECUTION_COMPLETED)
			ledger_note(&sim->ledger, u->out.msgs[i].item.id)->excused = true;
}

bool
__wrap_db_commit(Db *db, Err *err)
{
	if (sim == NULL || sim->running == NULL || !sim_chaos(sim))
		return __real_db_commit(db, err);
	if (sim_chance(sim, sim->weather.db_fails)) {
		sim_say(sim, "the database goes away before a commit");
		db_rollback(db);
		return err_set(err, ERR_AWAY, "the database is away");
	}
	if (!sim_chance(sim, sim->weather.unknown))
		return __real_db_commit(db, err);
	sim_say(sim, "the database goes away in a commit that happens");
	excuse(sim->running->u);
	if (!__real_db_commit(db, err))
		return false;
	return err_set(err, ERR_AWAY, "the connection broke in the commit");
}

/* ---- what workflows are told ---- */

MUST_CHECK bool __wrap_workflow_inbox_put(Db *db, Arena *a, const WorkflowNews *news, size_t n, TimeUs now, Err *err);
MUST_CHECK bool __real_workflow_inbox_put(Db *db, Arena *a, const WorkflowNews *news, size_t n, TimeUs now, Err *err);

bool
__wrap_workflow_inbox_put(Db *db, Arena *a, const WorkflowNews *news, size_t n, TimeUs now, Err *err)
{
	if (sim != NULL && sim->options.sabotage == SABOTAGE_NEWS && sim_chance(sim, 100))
		return true;
	return __real_workflow_inbox_put(db, a, news, n, now, err);
}

/* ---- what is tried again ---- */

MUST_CHECK bool __wrap_retry_of_task(Db *db, Arena *a, Id id, RetryRow *ret, Err *err);
MUST_CHECK bool __real_retry_of_task(Db *db, Arena *a, Id id, RetryRow *ret, Err *err);

bool
__wrap_retry_of_task(Db *db, Arena *a, Id id, RetryRow *ret, Err *err)
{
	if (!__real_retry_of_task(db, a, id, ret, err))
		return false;
	if (sim != NULL && sim->options.sabotage == SABOTAGE_AGAIN)
		ret->count = 0;
	return true;
}

/* ---- what rules remember ---- */

MUST_CHECK bool __wrap_rule_window_put(Db *db, Arena *a, const RuleWindow *w, Err *err);
MUST_CHECK bool __real_rule_window_put(Db *db, Arena *a, const RuleWindow *w, Err *err);
MUST_CHECK bool __wrap_rule_window_drop(Db *db, Arena *a, Id rule, WindowKind kind, Str key, Err *err);
MUST_CHECK bool __real_rule_window_drop(Db *db, Arena *a, Id rule, WindowKind kind, Str key, Err *err);

bool
__wrap_rule_window_put(Db *db, Arena *a, const RuleWindow *w, Err *err)
{
	RuleWindow own = *w;

	if (sim != NULL && sim->options.sabotage == SABOTAGE_COUNT && w->kind == WINDOW_THROTTLE)
		own.count = 0;
	return __real_rule_window_put(db, a, &own, err);
}

bool
__wrap_rule_window_drop(Db *db, Arena *a, Id rule, WindowKind kind, Str key, Err *err)
{
	if (sim != NULL && sim->options.sabotage == SABOTAGE_PART && kind == WINDOW_PART)
		return true;
	return __real_rule_window_drop(db, a, rule, kind, key, err);
}

/* ---- what is paused ---- */

MUST_CHECK bool __wrap_execution_pause(Db *db, Arena *a, Id id, TimeUs now, bool *ret_paused, Err *err);
MUST_CHECK bool __real_execution_pause(Db *db, Arena *a, Id id, TimeUs now, bool *ret_paused, Err *err);

bool
__wrap_execution_pause(Db *db, Arena *a, Id id, TimeUs now, bool *ret_paused, Err *err)
{
	*ret_paused = true;
	return (sim != NULL && sim->options.sabotage == SABOTAGE_PAUSE) ||
	       __real_execution_pause(db, a, id, now, ret_paused, err);
}

/* ---- ticks ---- */

MUST_CHECK bool __wrap_event_insert(
    Db *db, Arena *a, const EventNew *rows, size_t n, TimeUs now, Id *ret_ids, Err *err);
MUST_CHECK bool __real_event_insert(
    Db *db, Arena *a, const EventNew *rows, size_t n, TimeUs now, Id *ret_ids, Err *err);

bool
__wrap_event_insert(Db *db, Arena *a, const EventNew *rows, size_t n, TimeUs now, Id *ret_ids, Err *err)
{
	EventNew *own = arena_copy(a, rows, n * sizeof(*rows));

	if (sim != NULL && sim->options.sabotage == SABOTAGE_TICK)
		for (size_t i = 0; i < n; i++)
			if (!str_none(own[i].tick_key))
				own[i].tick_key = str_fmt(
				    a, "%.*s:%llu", STR_ARG(own[i].tick_key), (unsigned long long)sim_random(sim));
	return __real_event_insert(db, a, own, n, now, ret_ids, err);
}

/* ---- moves ---- */

MUST_CHECK bool __wrap_execution_move(
    Db *db, Arena *a, ExecEvent ev, const ExecMove *moves, size_t n, TimeUs now, Str by, ExecMoved *ret, Err *err);
MUST_CHECK bool __real_execution_move(
    Db *db, Arena *a, ExecEvent ev, const ExecMove *moves, size_t n, TimeUs now, Str by, ExecMoved *ret, Err *err);
MUST_CHECK bool __wrap_execution_claim_look(
    Db *db, Arena *a, const ExecMove *moves, size_t n, ExecMoved *ret, Err *err);
MUST_CHECK bool __real_execution_claim_look(
    Db *db, Arena *a, const ExecMove *moves, size_t n, ExecMoved *ret, Err *err);

static void
move_note(ExecEvent ev, const ExecMove *m, const ExecMoved *r)
{
	RunNote *note = ledger_note(&sim->ledger, m->id);

	if (!r->moved)
		return;
	sim_say(sim, "moves execution %lld attempt %d from %s to %s", (long long)m->id, r->attempt,
	    exec_state_name(m->from), exec_state_name(r->to));
	if (ev == EV_CLAIM || m->through) {
		note->claimed_at = sim->now;
		note->worker = m->worker;
	}
	if (ev == EV_WORKER_LOST)
		note->lost_at = sim->now;
}

/* As if the claim had no guard: whatever became of the row, it is this worker's again. */
static bool
claim_anyway(Db *db, Arena *a, const ExecMove *m, ExecMoved *ret, Err *err)
{
	static const Stmt s = {
		.sql = "update execution set status = $2, attempt = $3, worker = $4 where id = $1",
		.in = "isii",
	};
	Bind b[] = { bind_int(m->id), bind_text(exec_state_name(m->from)), bind_int(m->attempt), bind_id(m->worker) };

	return ret->moved || (db_exec(db, a, &s, b, NULL, err) && __real_execution_claim_look(db, a, m, 1, ret, err));
}

bool
__wrap_execution_claim_look(Db *db, Arena *a, const ExecMove *moves, size_t n, ExecMoved *ret, Err *err)
{
	if (!__real_execution_claim_look(db, a, moves, n, ret, err))
		return false;
	for (size_t i = 0; i < n && sim != NULL && sim->options.sabotage == SABOTAGE_CLAIM; i++)
		if (!claim_anyway(db, a, &moves[i], &ret[i], err))
			return false;
	return true;
}

/* As if the update had no `status = from`. */
static bool
finish_anyway(Db *db, Arena *a, const ExecMove *m, const ExecMoved *ret, TimeUs now, Err *err)
{
	static const Stmt s = { .sql = "update execution set result = $2, updated = $3 where id = $1", .in = "iJt" };
	Bind b[] = { bind_int(m->id), bind_json(m->result), bind_time(now) };

	return ret->moved || db_exec(db, a, &s, b, NULL, err);
}

bool
__wrap_execution_move(
    Db *db, Arena *a, ExecEvent ev, const ExecMove *moves, size_t n, TimeUs now, Str by, ExecMoved *ret, Err *err)
{
	if (!__real_execution_move(db, a, ev, moves, n, now, by, ret, err))
		return false;
	for (size_t i = 0; i < n && sim != NULL; i++) {
		move_note(ev, &moves[i], &ret[i]);
		if (ev == EV_ENDED && sim->options.sabotage == SABOTAGE_FINISH &&
		    !finish_anyway(db, a, &moves[i], &ret[i], now, err))
			return false;
	}
	return true;
}
