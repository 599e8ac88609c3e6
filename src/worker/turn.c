#include "worker/worker.h"

#include "base/crash.h"
#include "base/log.h"
#include "base/map.h"
#include "engine/moves.h"
#include "runtime/internal.h"
#include "store/change.h"
#include "store/worker.h"
#include "worker/spec.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum {
	BATCH = 256, /* claims and results of one transaction */
	ENDS_MOST = BATCH * 4,
	AHEAD_LEAST = 1, /* one run waits at the door even when runs are long */
	AHEAD_MOST = 1024,
	AHEAD_US = 25 * US_PER_MS,  /* about this much work lies ready */
	COMPANY_US = 5 * US_PER_MS, /* the most that a result waits for others */
	READY_MOST = 2,             /* runs that are made ready while their claims are committed */
	BUSY_RUNS = 2,              /* per core: with so many running, the machine has enough to do meanwhile */
};

/* A run this worker was given. */
typedef struct Run {
	Id execution, action;
	int attempt;
	enum { RUN_WAITING, RUN_CLAIMED, RUN_STARTED } state;
	bool again;       /* an earlier claim's commit failed: it may have happened all the same */
	bool begun;       /* with its claim, and not to be started again: its result comes or is there */
	bool apart;       /* that is not tried any more: something in its transaction could not be stored */
	RunClaim *claim;  /* by the open transaction */
	struct Run *next; /* in the line of those that wait */
} Run;

struct WorkerTurn {
	Uow *u;
	WorkerConfig config;
	Id id;
	Str incarnation;
	Map runs;  /* execution → Run */
	Map quick; /* actions whose runs are always done at once */
	Arena *runs_arena;
	Run *first, **last; /* those that wait, in order */
	Run *spare;
	size_t waiting, held; /* held: claimed and not yet reported */
	size_t ended;         /* of those that are held; what was begun with its claim never was */
	Arena *ends_arena;    /* results that are not stored yet */
	RunResult *ends;
	size_t ends_n;
	TimeUs until;     /* when the first of them has waited enough for company; 0: none waits */
	int64_t usual_us; /* how long runs take lately */
	bool draining, abandoning;
	bool full;             /* and its row says so */
	bool alone;            /* the last transaction failed: in the next nothing follows the ends */
	const RunClaim *ready; /* what was made ready while the open transaction is committed */
	size_t ready_n;
	const MsgItem *own; /* what the open transaction gives to this very worker */
	size_t own_n;
};

WorkerTurn *
worker_turn_open(Uow *u, const WorkerConfig *config, Id id, Str incarnation)
{
	WorkerTurn *t = calloc(1, sizeof(WorkerTurn));

	if (t == NULL)
		abort();
	t->u = u;
	t->config = *config;
	t->id = id;
	t->runs_arena = arena_open();
	t->incarnation = str_copy(t->runs_arena, incarnation);
	t->ends_arena = arena_open();
	t->ends = calloc(ENDS_MOST, sizeof(RunResult));
	t->runs = map_open(t->runs_arena);
	t->quick = map_open(t->runs_arena);
	t->last = &t->first;
	t->usual_us = US_PER_S;
	return t;
}

void
worker_turn_close(WorkerTurn *t)
{
	if (t == NULL)
		return;
	arena_close(t->runs_arena);
	arena_close(t->ends_arena);
	free(t->ends);
	free(t);
}

/* ---- what it was given ---- */

static Run *
run_new(WorkerTurn *t)
{
	Run *r = t->spare;

	if (r == NULL)
		return arena_new(t->runs_arena, Run);
	t->spare = r->next;
	*r = (Run){ 0 };
	return r;
}

static void
run_forget(WorkerTurn *t, Run *r)
{
	map_put(&t->runs, r->execution, NULL);
	r->next = t->spare;
	t->spare = r;
}

void
worker_turn_dispatch(WorkerTurn *t, Id execution, int attempt, Id action)
{
	Run *r = map_get(&t->runs, execution);

	if (t->draining)
		return; /* its row goes back to be scheduled by whoever looks after this worker's rows */
	if (r != NULL) {
		/* the same message twice, or one whose row was given back and came again before it was started */
		if (r->state == RUN_WAITING && attempt > r->attempt) {
			r->attempt = attempt; /* and still `again`: such runs stand before all others */
			r->begun = false;
		}
		return;
	}
	r = run_new(t);
	r->execution = execution;
	r->attempt = attempt;
	r->action = action;
	map_put(&t->runs, execution, r);
	*t->last = r;
	t->last = &r->next;
	t->waiting++;
}

void
worker_turn_cancel(WorkerTurn *t, Id execution, int attempt)
{
	const Run *r = map_get(&t->runs, execution);

	/* one that waits is cancelled in its row: its claim will not succeed */
	if (r != NULL && r->state == RUN_STARTED && r->attempt == attempt)
		t->config.starter->cancel(t->config.starter, execution, attempt);
}

static Run *
line_take(WorkerTurn *t)
{
	Run *r = t->first;

	if (r == NULL)
		return NULL;
	t->first = r->next;
	if (t->first == NULL)
		t->last = &t->first;
	r->next = NULL;
	t->waiting--;
	return r;
}

static void
line_put_back(WorkerTurn *t, Run *r)
{
	r->state = RUN_WAITING;
	r->next = t->first;
	if (t->first == NULL)
		t->last = &r->next;
	t->first = r;
	t->waiting++;
}

/* ---- what ended ---- */

static ExecEvent
event_of(const WorkerTurn *t, RunOutcome outcome)
{
	if (outcome == RUN_SUCCEEDED)
		return EV_EXIT_OK;
	return t->abandoning ? EV_WORKER_LOST : EV_EXIT_BAD;
}

static void
ended_count(WorkerTurn *t, Id execution)
{
	const Run *r = map_get(&t->runs, execution);

	t->ended += r != NULL && r->state == RUN_STARTED;
}

static void
end_note(WorkerTurn *t, const RunEnd *e)
{
	/* here, and not when it is stored: a result outlives a unit of work whose commit fails */
	Json result = json_storable(t->ends_arena, &e->result);

	if (t->abandoning && e->outcome != RUN_SUCCEEDED && result.kind == JSON_OBJECT)
		json_set(t->ends_arena, &result, "abandoned_by", json_cstr("shutdown"));
	t->ends[t->ends_n++] = (RunResult){
		.execution = e->execution,
		.attempt = e->attempt,
		.event = event_of(t, e->outcome),
		.started = e->started_at,
		.finished = e->finished_at,
		.result = result,
		.secrets = e->secrets,
		.kept = e->kept,
	};
	ended_count(t, e->execution);
	if (e->outcome != RUN_UNSTARTED)
		t->usual_us = (t->usual_us * 3 + (e->finished_at - e->started_at)) / 4;
}

static void
ends_collect(WorkerTurn *t, size_t most)
{
	RunEnd ends[BATCH];
	size_t n;

	if (t->ends_n >= most)
		return;
	n = t->config.starter->ended(t->config.starter, t->ends_arena, ends, BATCH);
	for (size_t i = 0; i < n; i++)
		end_note(t, &ends[i]);
}

/*
 * A commit costs about as much for ten results as for one, and when more is to be done than there are cores for, that cost is taken
 * from the runs. So then results wait a moment for others; where anything stands idle, never.
 */
static bool
ends_wait(WorkerTurn *t)
{
	int64_t running = (int64_t)(t->held - t->ended);
	TimeUs now;

	if (t->ends_n == 0 || t->ends_n == BATCH || t->first == NULL || t->draining || t->config.cores == 0 ||
	    running < BUSY_RUNS * t->config.cores) {
		t->until = 0;
		return false;
	}
	now = clock_mono(t->u->e->clock);
	if (t->until == 0)
		t->until = now + COMPANY_US;
	if (now < t->until)
		return true;
	t->until = 0;
	return false;
}

TimeUs
worker_turn_until(const WorkerTurn *t)
{
	return t->until;
}

static void
say_end(const WorkerTurn *t, const RunResult *r)
{
	LogField fields[] = { log_int("execution", r->execution), log_us("took", r->finished - r->started),
		log_str("output", str_trim(json_get_text(&r->result, "stdout"))) };
	size_t n = t->config.show_output && fields[2].text.n > 0 ? 3 : 2;

	if (!r->stored)
		log_line(LOG_WARN, fields, 1, "Execution %lld had moved on: its result changed nothing",
		    (long long)r->execution);
	else if (r->event == EV_EXIT_OK)
		log_line(LOG_INFO, fields, n, "Execution %lld completed successfully", (long long)r->execution);
	else
		log_line(LOG_INFO, fields, 2, "Execution %lld ended: %.*s", (long long)r->execution,
		    STR_ARG(str_none(json_get_text(&r->result, "error")) ? str_of("failed")
									 : json_get_text(&r->result, "error")));
}

/* What became an artifact's is in that one's folder now. */
static void
kept_leave(const RunResult *r)
{
	for (size_t i = 0; i < r->kept.n; i++)
		if (r->kept.files[i].placed) {
			char path[PATH_MAX];

			snprintf(path, sizeof(path), "%.*s/%.*s", STR_ARG(r->kept.files[i].root),
			    STR_ARG(r->kept.files[i].path));
			(void)unlink(path);
		}
}

/* After the commit: results are stored, what was claimed is ours. */
static void
ends_settled(WorkerTurn *t)
{
	for (size_t i = 0; i < t->ends_n; i++) {
		Run *r = map_get(&t->runs, t->ends[i].execution);

		say_end(t, &t->ends[i]);
		kept_leave(&t->ends[i]);
		if (r == NULL || r->attempt != t->ends[i].attempt)
			continue;
		t->held -= r->state == RUN_STARTED;
		run_forget(t, r);
	}
	t->ends_n = t->ended = 0;
	arena_reset(t->ends_arena);
}

/* The database refuses something in this batch for good: each is stored alone, and one that cannot be is replaced by that fact. */
static void
ends_isolate(WorkerTurn *t)
{
	Uow *u = t->u;

	uow_abort(u);
	for (size_t i = 0; i < t->ends_n; i++) {
		RunResult one = t->ends[i]; /* tried without being kept: the whole batch is stored by the next turn */
		Err err = { 0 };
		Json result;
		bool ok = uow_begin(u, &err) && runs_finish(u, t->id, t->config.name, &one, 1, &err);

		uow_abort(u);
		if (ok || err_passes(err.code))
			continue;
		result = json_object();
		json_add(t->ends_arena, &result, "error",
		    json_str(str_fmt(t->ends_arena, "The result cannot be stored: %s", err.text)));
		json_add(t->ends_arena, &result, "succeeded", json_bool(false));
		t->ends[i].result = result;
		t->ends[i].secrets = (Secrets){ 0 };
		if (t->ends[i].event == EV_EXIT_OK)
			t->ends[i].event = EV_EXIT_BAD;
	}
}

/* ---- what starts ---- */

static void
start_failed(WorkerTurn *t, const RunClaim *c, Str why)
{
	TimeUs now = clock_wall(t->u->e->clock);
	Json result = json_object();

	json_add(t->ends_arena, &result, "error", json_str(str_copy(t->ends_arena, why)));
	json_add(t->ends_arena, &result, "succeeded", json_bool(false));
	t->ends[t->ends_n++] = (RunResult){ .execution = c->execution,
		.attempt = c->attempt,
		.event = EV_EXIT_BAD,
		.started = now,
		.finished = now,
		.result = result };
	ended_count(t, c->execution);
}

static bool
quick_learn(WorkerTurn *t, const RunClaim *c)
{
	const InternalAction *action =
	    str_is(c->runtime, "internal")
		? internal_find(c->action.entrypoint.n > 0 ? c->action.entrypoint : c->row.action_ref)
		: NULL;
	bool quick = action != NULL && action->quick;

	/* also the other way: the action may have been changed */
	if (quick != (map_get(&t->quick, c->row.action) != NULL))
		map_put(&t->quick, c->row.action, quick ? t : NULL);
	return quick;
}

static void
say_start(const WorkerTurn *t, const RunClaim *c)
{
	LogField fields[] = { log_int("execution", c->execution), log_str("action", c->row.action_ref),
		log_us("after", t->u->now - c->row.scheduled) };

	log_line(LOG_INFO, fields, countof(fields), "Starting execution: %lld", (long long)c->execution);
}

static void
run_start(WorkerTurn *t, const RunClaim *c)
{
	RunSpec spec = worker_spec(&t->config, t->u->arena, c);
	Err err = { 0 };

	say_start(t, c);
	crash_point("worker.before_spawn");
	if (!t->config.starter->start(t->config.starter, &spec, &err))
		start_failed(t, c, str_of(err.text));
	crash_point("worker.after_spawn");
}

/* The commit is done; the world may hear of it when they are on their way. */
static void
claims_go(void *self)
{
	WorkerTurn *t = self;
	Starter *s = t->config.starter;

	for (size_t i = 0; i < t->ready_n; i++) {
		Run *r = map_get(&t->runs, t->ready[i].execution);

		if (r->begun)
			continue;
		crash_point("worker.before_spawn");
		r->begun = s->go(s, t->ready[i].execution, t->ready[i].attempt);
		if (!r->begun)
			continue;
		say_start(t, &t->ready[i]);
		crash_point("worker.after_spawn");
	}
}

/*
 * While the commit of their claims is on its way, the processes are made: they begin when it is done, and nothing of them was there if
 * it fails. Only where the worker has nothing else to do meanwhile; else others make better use of the time.
 */
static void
claims_ready(WorkerTurn *t, const RunClaim *claims, size_t n)
{
	Starter *s = t->config.starter;

	if (s->ready == NULL || !t->u->passed || t->held > 0 || n > READY_MOST)
		return;
	for (size_t i = 0; i < n; i++) {
		RunSpec spec;

		if (!claims[i].claimed || !str_none(claims[i].problem))
			continue;
		spec = worker_spec(&t->config, t->u->arena, &claims[i]);
		s->ready(s, &spec);
	}
	t->ready = claims;
	t->ready_n = n;
	t->u->committed = claims_go;
	t->u->committed_self = t;
}

static void
claims_drop(WorkerTurn *t, Run **runs, size_t n)
{
	Starter *s = t->config.starter;

	for (size_t i = 0; i < n && s->drop != NULL; i++)
		s->drop(s, runs[i]->execution, runs[i]->attempt);
}

/* Results whose rows were claimed by the open transaction need not be looked for again. */
static void
ends_claimed(WorkerTurn *t)
{
	for (size_t i = 0; i < t->ends_n; i++) {
		RunResult *e = &t->ends[i];
		const Run *r = map_get(&t->runs, e->execution);

		e->claim = r != NULL && r->attempt == e->attempt ? r->claim : NULL;
	}
}

/*
 * What is always done at once, and has no effect but its result, is done within the transaction that claims it: its result is stored by
 * the same commit. Should that fail, the claim and its result are tried again together.
 */
static void
claims_do(WorkerTurn *t, RunClaim *claims, Run **runs, size_t n)
{
	bool any = false;

	for (size_t i = 0; i < n; i++) {
		RunClaim *c = &claims[i];

		if (!c->claimed)
			continue;
		runs[i]->claim = c;
		if (!str_none(c->problem) || !quick_learn(t, c) || !t->config.quick_at_once || runs[i]->apart ||
		    runs[i]->begun)
			continue;
		runs[i]->begun = any = true;
		run_start(t, c);
	}
	if (any)
		ends_collect(t, ENDS_MOST - BATCH);
	ends_claimed(t);
}

static void
claims_start(WorkerTurn *t, const RunClaim *claims, Run **runs, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (map_get(&t->runs, claims[i].execution) == NULL)
			continue; /* done and stored */
		if (!claims[i].claimed) {
			run_forget(t, runs[i]); /* cancelled, or somebody else's by now */
			continue;
		}
		t->held++;
		runs[i]->state = RUN_STARTED;
		runs[i]->claim = NULL;
		if (!str_none(claims[i].problem))
			start_failed(t, &claims[i], claims[i].problem);
		else if (!runs[i]->begun)
			run_start(t, &claims[i]);
	}
}

/* Takes from the line what there is room for. */
static size_t
claims_take(WorkerTurn *t, RunClaim *claims, Run **runs)
{
	/* slots that are free when the results at hand are stored */
	int64_t room = t->config.slots - (int64_t)(t->held - t->ended);
	size_t n = 0;

	while (!t->draining && !t->full && n < BATCH && t->first != NULL) {
		bool quick = map_get(&t->quick, t->first->action) != NULL;

		if (!quick && room <= 0)
			break;
		room -= !quick;
		runs[n] = line_take(t);
		runs[n]->state = RUN_CLAIMED;
		claims[n] = (RunClaim){ .execution = runs[n]->execution,
			.attempt = runs[n]->attempt,
			.quick = quick && t->config.quick_at_once && !runs[n]->apart,
			.again = runs[n]->again };
		n++;
	}
	return n;
}

/* What this worker is given by its own transaction need not be sent to it. Should it never hear of the commit, the sweeper tells it. */
static void
own_take(WorkerTurn *t)
{
	Outbox *out = &t->u->out;
	MsgItem *own = arena_array(t->u->arena, MsgItem, out->n + 1);
	size_t kept = 0;

	t->own = own;
	t->own_n = 0;
	for (size_t i = 0; i < out->n; i++)
		if (out->msgs[i].kind == MSG_EXECUTION_SCHEDULED && out->msgs[i].item.worker == t->id)
			own[t->own_n++] = out->msgs[i].item;
		else
			out->msgs[kept++] = out->msgs[i];
	out->n = kept;
}

/* Workflows go on in the transaction that ends their runs, and limits let the next one go. */
static bool
ends_follow(WorkerTurn *t, Err *err)
{
	Uow *u = t->u;

	liveness_beat(u->e->live, t->id, t->incarnation, worker_turn_ahead(t), u->now);
	if (!runs_follow(u, err))
		return false;
	own_take(t);
	return true;
}

static bool
turn_store(WorkerTurn *t, RunClaim *claims, Run **runs, size_t n, Err *err)
{
	Uow *u = t->u;

	t->own_n = 0;
	if (!uow_begin(u, err))
		return false;
	u->follows = !t->alone && !t->draining && !t->full;
	if (n > 0 && t->ends_n == 0)
		uow_last(u, &points_worker);
	if (!runs_claim_open(u, t->id, t->incarnation, t->config.name, claims, n, err))
		return false;
	claims_do(t, claims, runs, n);
	claims_ready(t, claims, n);
	return runs_finish(u, t->id, t->config.name, t->ends, t->ends_n, err) &&
	       runs_claim_rest(u, t->config.name, claims, n, err) && ends_follow(t, err) &&
	       uow_commit(u, &points_worker, err);
}

/* What was begun within a transaction that can never be is begun again after the claim alone is stored. */
static void
begun_drop(WorkerTurn *t)
{
	size_t kept = 0;

	for (size_t i = 0; i < t->ends_n; i++) {
		Run *r = map_get(&t->runs, t->ends[i].execution);

		if (r == NULL || r->state != RUN_WAITING || !r->begun) {
			t->ends[kept++] = t->ends[i];
			continue;
		}
		r->begun = false;
		r->apart = true;
	}
	t->ends_n = kept;
}

static void
turn_undo(WorkerTurn *t, Run **runs, size_t n, bool passes)
{
	for (size_t i = n; i > 0; i--) {
		runs[i - 1]->again = true;
		runs[i - 1]->claim = NULL;
		line_put_back(t, runs[i - 1]);
	}
	claims_drop(t, runs, n);
	for (size_t i = 0; i < t->ends_n; i++)
		t->ends[i].again = true;
	ends_claimed(t);
	if (passes)
		return;
	begun_drop(t);
	ends_isolate(t);
}

/* ---- taking nothing more ---- */

typedef bool RowSays(WorkerTurn *t, Str why, Err *err);

static bool
row_drains(WorkerTurn *t, Str why, Err *err)
{
	(void)why;
	return worker_no_slots(t->u->db, t->u->arena, t->id, t->incarnation, t->u->now, err);
}

static bool
row_full(WorkerTurn *t, Str why, Err *err)
{
	return worker_set_full(t->u->db, t->u->arena, t->id, t->incarnation, why, t->config.slots, t->u->now, err);
}

static bool
return_store(WorkerTurn *t, RowSays *says, Str why, const Id *ids, const int *attempts, size_t n, Err *err)
{
	Uow *u = t->u;

	if (!uow_begin(u, err))
		return false;
	if (says != NULL && (!says(t, why, err) || !change_note(u->db, u->arena, "worker", t->id, u->now, err)))
		return false;
	return runs_return(u, ids, attempts, n, t->config.name, why, err) && uow_commit(u, &points_worker, err);
}

/* The row says that nothing more is to be given to it; what it has not started goes back. In one transaction: it would get it again. */
static bool
line_return(WorkerTurn *t, RowSays *says, Str why, Err *err)
{
	Id ids[BATCH];
	int attempts[BATCH];
	Run *runs[BATCH];
	size_t n = 0;

	while (n < BATCH && (runs[n] = line_take(t)) != NULL) {
		ids[n] = runs[n]->execution;
		attempts[n] = runs[n]->attempt;
		n++;
	}
	if (n == 0 && says == NULL)
		return true;
	if (!return_store(t, says, why, ids, attempts, n, err)) {
		for (size_t i = n; i > 0; i--)
			line_put_back(t, runs[i - 1]);
		return false;
	}
	for (size_t i = 0; i < n; i++)
		run_forget(t, runs[i]);
	return line_return(t, NULL, why, err);
}

static bool
room_again(WorkerTurn *t, Err *err)
{
	Uow *u = t->u;

	return uow_begin(u, err) && row_full(t, (Str){ 0 }, err) &&
	       change_note(u->db, u->arena, "worker", t->id, u->now, err) && uow_commit(u, &points_worker, err);
}

/* While there is no room for what runs write, others get what this worker has not started. */
static bool
full_look(WorkerTurn *t, Err *err)
{
	Str why = t->config.starter->full(t->config.starter);
	bool full = !str_none(why);

	if (t->draining || (full == t->full && (!full || t->first == NULL)))
		return true;
	/* an earlier claim of the first may be stored, and then it cannot go back: nobody would hold it. It is claimed anew before */
	if (full && t->first != NULL && t->first->again)
		return true;
	if (!(full ? line_return(t, t->full ? NULL : row_full, why, err) : room_again(t, err)))
		return false;
	if (full && !t->full)
		log_warn("no runs are taken: %.*s", STR_ARG(why));
	if (!full)
		log_info("there is room again: runs are taken");
	t->full = full;
	return true;
}

bool
worker_turn(WorkerTurn *t, bool *ret_more, Err *err)
{
	RunClaim claims[BATCH];
	Run *runs[BATCH];
	bool ends;
	size_t n;

	*ret_more = false;
	ends_collect(t, BATCH);
	if (!full_look(t, err))
		return false;
	if (ends_wait(t))
		return true;
	n = claims_take(t, claims, runs);
	if (n == 0 && t->ends_n == 0)
		return true;
	ends = t->ends_n > 0;
	crash_point(ends ? "worker.before_end" : "worker.before_claim");
	if (!turn_store(t, claims, runs, n, err)) {
		/* what cannot be stored may be what follows an end: so the end is tried without it first */
		turn_undo(t, runs, n, !t->alone || err_passes(err->code));
		t->alone = true;
		return false;
	}
	t->alone = false;
	crash_point(ends ? "worker.after_end" : "worker.after_claim");
	ends_settled(t);
	claims_start(t, claims, runs, n);
	for (size_t i = 0; i < t->own_n; i++)
		worker_turn_dispatch(t, t->own[i].id, t->own[i].attempt, t->own[i].action);
	*ret_more = t->ends_n > 0 || n > 0 || t->own_n > 0;
	return true;
}

/* ---- going away ---- */

bool
worker_turn_drain(WorkerTurn *t, Err *err)
{
	bool first = !t->draining;

	t->draining = true;
	return line_return(t, first ? row_drains : NULL, str_of("its worker shuts down"), err);
}

void
worker_turn_abandon(WorkerTurn *t)
{
	t->abandoning = true;
}

size_t
worker_turn_running(const WorkerTurn *t)
{
	return t->held;
}

int64_t
worker_turn_ahead(const WorkerTurn *t)
{
	int64_t usual = t->usual_us < 20 ? 20 : t->usual_us;
	int64_t ahead = AHEAD_US * t->config.slots / usual;

	return ahead < AHEAD_LEAST ? AHEAD_LEAST : ahead > AHEAD_MOST ? AHEAD_MOST : ahead;
}
