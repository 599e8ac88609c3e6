/* What nobody seems to look after is looked after here: lost messages are sent again, lost workers' runs are settled. */
#include "engine/ended.h"

#include "base/log.h"
#include "store/change.h"
#include "store/idempotency.h"
#include "store/worker.h"
#include "store/workflow_run.h"

enum {
	OVERDUE_US = 5 * US_PER_S,    /* a row that waited so long for a message is announced again */
	UNCLAIMED_US = 30 * US_PER_S, /* a worker that does not start what it was given so long loses it to others */
	SOME = 500,                   /* rows of one kind in one sweep: the rest comes with the next */
};

/* From now: every row was touched before that, also when the clock was set back since. */
static const TimeUs far_us = 366 * 86400LL * US_PER_S;

/* Answers are kept a day under their Idempotency-Key. */
static const TimeUs answers_us = 24 * 3600LL * US_PER_S;

typedef struct Sweep {
	Uow *u;
	SweepReport *report;
	WorkerDef *workers;
	size_t n;
	WorkerCount *counts; /* what each holds */
	size_t counts_n;
	bool first; /* of its process */
} Sweep;

static const WorkerDef *
worker_of(const Sweep *s, Id id)
{
	for (size_t i = 0; i < s->n; i++)
		if (s->workers[i].id == id)
			return &s->workers[i];
	return NULL;
}

static bool
worker_alive(const Sweep *s, const WorkerDef *w)
{
	return w != NULL && liveness_alive(s->u->e->live, w, s->u->now);
}

/* ---- messages that may be lost ---- */

/* A time to come is of a clock that was set back since: nobody can say how old that is, so it is old enough. */
static bool
overdue(const Uow *u, TimeUs since, TimeUs length)
{
	return since < u->now - length || since > u->now + length;
}

static bool
sweep_enforcements(Sweep *s, Err *err)
{
	Uow *u = s->u;
	EnforcementTaken *rows;
	size_t n;

	if (!enforcement_waiting(u->db, u->arena, u->now + far_us, 0, SOME, &rows, &n, err))
		return false;
	for (size_t i = 0; i < n; i++) {
		if (!s->first && !overdue(u, rows[i].created, OVERDUE_US))
			continue;
		out_enforcement(u, rows[i].id, rows[i].event, rows[i].rule, rows[i].rule_ref, rows[i].trigger_ref,
		    rows[i].correlation);
		s->report->announced++;
	}
	return true;
}

static const WorkerCount *
held_by(const Sweep *s, Id worker)
{
	static const WorkerCount none = { 0 };

	for (size_t i = 0; i < s->counts_n; i++)
		if (s->counts[i].worker == worker)
			return &s->counts[i];
	return &none;
}

/* Its worker is busy with long runs, and nobody else has a free slot: then it waits at the right door. */
static bool
waits_well(const Sweep *s, const ExecLive *row)
{
	const WorkerDef *own = worker_of(s, row->worker);

	if (own == NULL || held_by(s, own->id)->running < own->slots)
		return false;
	for (size_t i = 0; i < s->n; i++) {
		const WorkerDef *w = &s->workers[i];
		const WorkerCount *held = held_by(s, w->id);

		if (w != own && !w->cordoned && worker_alive(s, w) && held->running + held->scheduled < w->slots)
			return false;
	}
	return true;
}

/* A worker that is gone, or does not start what it was given, loses it to others. */
static bool
sweep_scheduled(Sweep *s, Err *err)
{
	Uow *u = s->u;
	ExecLive *rows;
	size_t n, back_n = 0;
	Id *back;
	int *attempts;

	if (!execution_live(u->db, u->arena, EXEC_SCHEDULED, 0, u->now + far_us, 0, SOME * 10, &rows, &n, err))
		return false;
	back = arena_array(u->arena, Id, n + 1);
	attempts = arena_array(u->arena, int, n + 1);
	for (size_t i = 0; i < n; i++) {
		if (!overdue(u, rows[i].updated, OVERDUE_US))
			continue;
		if (!worker_alive(s, worker_of(s, rows[i].worker)) ||
		    (overdue(u, rows[i].updated, UNCLAIMED_US) && !waits_well(s, &rows[i]))) {
			back[back_n] = rows[i].id;
			attempts[back_n++] = rows[i].attempt;
			continue;
		}
		out_dispatch(u, rows[i].id, rows[i].attempt, rows[i].worker, rows[i].action, rows[i].action_ref,
		    rows[i].correlation);
		s->report->announced++;
	}
	s->report->returned += back_n;
	return runs_return(u, back, attempts, back_n, u->e->process, str_of("its worker did not start it"), err);
}

/* A cancel whose message was lost is told again. */
static bool
sweep_canceling(Sweep *s, Err *err)
{
	Uow *u = s->u;
	ExecLive *rows;
	size_t n;

	if (!execution_live(u->db, u->arena, EXEC_CANCELING, 0, u->now + far_us, 0, SOME * 10, &rows, &n, err))
		return false;
	for (size_t i = 0; i < n; i++)
		if (overdue(u, rows[i].updated, OVERDUE_US))
			*outbox_add(&u->out, MSG_EXECUTION_CANCEL) = (MsgItem){ .id = rows[i].id,
				.attempt = rows[i].attempt,
				.worker = rows[i].worker,
				.correlation = rows[i].correlation,
				.at = u->now };
	return true;
}

/* ---- runs of workers that are gone ---- */

Json
lost_result(Arena *a, const ExecLive *e, const WorkerDef *w, const char *by, TimeUs now)
{
	Json r = error_result(
	    a, w == NULL ? str_of("Its worker is gone") : str_fmt(a, "Worker '%.*s' is gone", STR_ARG(w->name)));
	Json worker = json_object();

	json_add(a, &r, "abandoned_by", json_cstr(by));
	json_add(a, &r, "original_status", json_cstr(exec_state_name(e->status)));
	if (w != NULL) {
		json_add(a, &worker, "id", json_int(w->id));
		json_add(a, &worker, "name", json_str(w->name));
		json_add(a, &worker, "status", json_str(w->status));
		json_add(a, &worker, "cordoned", json_bool(w->cordoned));
		json_add(a, &worker, "last_heartbeat",
		    w->last_heartbeat == 0 ? json_null() : json_str(time_text(a, w->last_heartbeat)));
		json_add(a, &r, "worker", worker);
	}
	json_add(a, &r, "reconciled_at", json_str(time_text(a, now)));
	return r;
}

static bool
lost_settle(Uow *u, const ExecLive *rows, size_t n, const WorkerDef *w, const char *by, size_t *count, Err *err)
{
	ExecMove *moves = arena_array(u->arena, ExecMove, n + 1);
	ExecMoved *moved = arena_array(u->arena, ExecMoved, n + 1);

	for (size_t i = 0; i < n; i++) {
		Json *result = arena_new(u->arena, Json);

		*result = lost_result(u->arena, &rows[i], w, by, u->now);
		moves[i] = (ExecMove){ .id = rows[i].id,
			.attempt = rows[i].attempt,
			.from = rows[i].status,
			.finished = u->now,
			.result = result,
			.note = str_of("its worker is gone") };
	}
	if (!move_runs(u, EV_WORKER_LOST, moves, n, u->e->process, moved, err))
		return false;
	for (size_t i = 0; i < n; i++)
		*count += moved[i].moved;
	return moves_ended(u, moves, moved, n, err);
}

/* Settles runs in this state whose worker, or whose incarnation of it, is gone. */
static bool
sweep_state(Sweep *s, ExecState state, Err *err)
{
	Uow *u = s->u;
	ExecLive *rows;
	size_t n;

	if (!execution_live(u->db, u->arena, state, 0, u->now + far_us, 0, SOME * 10, &rows, &n, err))
		return false;
	for (size_t i = 0; i < n; i++) {
		const WorkerDef *w = worker_of(s, rows[i].worker);
		bool same = w != NULL && str_eq(w->incarnation, rows[i].incarnation);

		if (same && worker_alive(s, w))
			continue;
		if (!lost_settle(u, &rows[i], 1, w, "execution_timeout_monitor", &s->report->abandoned, err))
			return false;
	}
	return true;
}

static bool
sweep_workers(Sweep *s, Err *err)
{
	Uow *u = s->u;

	for (size_t i = 0; i < s->n; i++) {
		const WorkerDef *w = &s->workers[i];

		if (!str_is(w->status, "active") || worker_alive(s, w))
			continue;
		if (!worker_set_status(u->db, u->arena, w->id, w->incarnation, "inactive", u->now, err) ||
		    !change_note(u->db, u->arena, "worker", w->id, u->now, err))
			return false;
		log_warn("Worker '%.*s' has gone silent: its runs are settled now", STR_ARG(w->name));
		s->report->workers_lost++;
	}
	return true;
}

/* ---- waited too long ---- */

static bool
sweep_due(Sweep *s, Err *err)
{
	Uow *u = s->u;
	ExecWaiting *rows;
	size_t n;

	if (!execution_wait_due(u->db, u->arena, u->now, SOME, &rows, &n, err))
		return false;
	for (size_t i = 0; i < n; i++) {
		Json result = error_result(
		    u->arena, str_fmt(u->arena, "No worker could run it in time: %.*s", STR_ARG(rows[i].detail)));
		ExecMove m = { .id = rows[i].id,
			.attempt = rows[i].attempt,
			.from = EXEC_REQUESTED,
			.result = &result,
			.note = str_of("no worker in time") };
		ExecMoved moved;

		json_add(u->arena, &result, "action_ref", json_str(rows[i].action_ref));
		json_add(u->arena, &result, "failed_by", json_cstr("execution_scheduler"));
		json_add(u->arena, &result, "failed_at", json_str(time_text(u->arena, u->now)));
		if (!move_runs(u, EV_REFUSE, &m, 1, u->e->process, &moved, err) || !moves_ended(u, &m, &moved, 1, err))
			return false;
		s->report->refused += moved.moved;
	}
	return true;
}

/* Workflows that were told something and have not gone on are told again. */
static bool
sweep_workflows(Sweep *s, Err *err)
{
	Uow *u = s->u;
	TimeUs since = s->first ? u->now + far_us : u->now - OVERDUE_US;
	Id *ids;
	size_t n;

	if (!workflow_inbox_stale(u->db, u->arena, since, u->now + OVERDUE_US, SOME, &ids, &n, err))
		return false;
	for (size_t i = 0; i < n; i++)
		out_look(u, ids[i]);
	s->report->announced += n;
	return true;
}

static bool
sweep_waiting(Sweep *s, Err *err)
{
	Uow *u = s->u;
	EnforcementTaken *rows;
	Id *told; /* that were told something too short a while ago */
	size_t n, told_n;

	if (!execution_any_live(u->db, u->arena, &s->report->waiting, err))
		return false;
	if (s->report->waiting)
		return true;
	if (!enforcement_waiting(u->db, u->arena, u->now + far_us, 0, 1, &rows, &n, err) ||
	    !workflow_inbox_stale(u->db, u->arena, u->now + far_us, u->now + far_us, 1, &told, &told_n, err))
		return false;
	s->report->waiting = n > 0 || told_n > 0;
	return true;
}

static bool
sweep_all(Uow *u, bool first, SweepReport *ret, Err *err)
{
	Sweep s = { .u = u, .report = ret, .first = first };

	*ret = (SweepReport){ 0 };
	if (!worker_list(u->db, u->arena, str_of("action"), &s.workers, &s.n, err) ||
	    !execution_worker_counts(u->db, u->arena, &s.counts, &s.counts_n, err))
		return false;
	return sweep_workers(&s, err) && sweep_state(&s, EXEC_RUNNING, err) && sweep_state(&s, EXEC_CANCELING, err) &&
	       sweep_enforcements(&s, err) && sweep_scheduled(&s, err) && sweep_canceling(&s, err) &&
	       sweep_workflows(&s, err) && sweep_due(&s, err) && schedule_due(u, &ret->more, err) &&
	       answers_trim(u->db, u->arena, u->now - answers_us, err) && sweep_waiting(&s, err);
}

bool
sweep(Uow *u, SweepReport *ret, Err *err)
{
	return sweep_all(u, false, ret, err);
}

bool
sweep_first(Uow *u, SweepReport *ret, Err *err)
{
	return sweep_all(u, true, ret, err);
}

/* ---- a worker comes (back) ---- */

static bool
earlier_settle(Uow *u, const WorkerDef *w, Id id, Err *err)
{
	static const ExecState held[] = { EXEC_RUNNING, EXEC_CANCELING };
	ExecLive *rows;
	size_t n, count = 0;

	for (size_t k = 0; k < countof(held); k++) {
		if (!execution_live(u->db, u->arena, held[k], id, u->now + far_us, 0, SOME * 100, &rows, &n, err))
			return false;
		if (!lost_settle(u, rows, n, w, "execution_timeout_monitor", &count, err))
			return false;
	}
	if (count > 0)
		log_warn("Worker '%.*s' starts anew: %zu runs of its earlier process are abandoned", STR_ARG(w->name),
		    count);
	return true;
}

static bool
earlier_return(Uow *u, Id id, Str by, Err *err)
{
	ExecLive *rows;
	size_t n;
	Id *ids;
	int *attempts;

	if (!execution_live(u->db, u->arena, EXEC_SCHEDULED, id, u->now + far_us, 0, SOME * 100, &rows, &n, err))
		return false;
	ids = arena_array(u->arena, Id, n + 1);
	attempts = arena_array(u->arena, int, n + 1);
	for (size_t i = 0; i < n; i++) {
		ids[i] = rows[i].id;
		attempts[i] = rows[i].attempt;
	}
	return runs_return(u, ids, attempts, n, by, str_of("its worker started anew"), err);
}

bool
worker_enter(Uow *u, const WorkerDef *w, Id *ret_id, Err *err)
{
	WorkerDef stored;
	Str before;

	if (!worker_register(u->db, u->arena, w, u->now, ret_id, &before, err) ||
	    !worker_get(u->db, u->arena, *ret_id, &stored, err))
		return false;
	stored.last_heartbeat = 0; /* that is the new process's */
	if (!earlier_settle(u, &stored, *ret_id, err) || !earlier_return(u, *ret_id, w->name, err))
		return false;
	return change_note(u->db, u->arena, "worker", *ret_id, u->now, err);
}
