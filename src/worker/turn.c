#include "worker/turn_inner.h"

#include "base/crash.h"
#include "base/log.h"
#include "runtime/internal.h"
#include "worker/spec.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum {
	ENDS_MOST = BATCH * 4,
	AHEAD_LEAST = 1, /* one run waits at the door even when runs are long */
	AHEAD_MOST = 1024,
	AHEAD_US = 25 * US_PER_MS,  /* about this much work lies ready */
	COMPANY_US = 5 * US_PER_MS, /* the most that a result waits for others */
	READY_MOST = 2,             /* runs that are made ready while their claims are committed */
	BUSY_RUNS = 2,              /* per core: with so many running, the machine has enough to do meanwhile */
	CHAIN_MOST = 16,            /* rounds of one transaction, each let go by the one before it */
	CHAIN_RUNS = 8,             /* of one round: where more go together they share a commit as it is */
	CHAIN_US = 4 * US_PER_MS,   /* nobody hears of the first sooner than of the last */
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

static Run *
run_of(WorkerTurn *t, Id execution, int attempt, Id action)
{
	Run *r = run_new(t);

	r->execution = execution;
	r->attempt = attempt;
	r->action = action;
	map_put(&t->runs, execution, r);
	return r;
}

void
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
	r = run_of(t, execution, attempt, action);
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

Run *
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

void
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
	const Run *r = map_get(&t->runs, e->execution);
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
		.lone = r != NULL && r->attempt == e->attempt ? r->lone : 0,
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

		if (r->begun || !t->ready[i].claimed)
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
		runs[i]->chained = false;
		if (!claims[i].claimed) {
			run_forget(t, runs[i]); /* cancelled, or somebody else's by now */
			continue;
		}
		t->held++;
		runs[i]->state = RUN_STARTED;
		runs[i]->claim = NULL;
		runs[i]->lone = claims[i].row.of_task ? 0 : claims[i].row.action;
		if (!str_none(claims[i].problem))
			start_failed(t, &claims[i], claims[i].problem);
		else if (!runs[i]->begun)
			run_start(t, &claims[i]);
	}
}

static void
batch_add(const WorkerTurn *t, Batch *b, Run *r, bool quick)
{
	r->state = RUN_CLAIMED;
	b->runs[b->n] = r;
	b->claims[b->n++] = (RunClaim){ .execution = r->execution,
		.attempt = r->attempt,
		.quick = quick && t->config.quick_at_once && !r->apart,
		.again = r->again };
}

/* Takes from the line what there is room for. */
static void
claims_take(WorkerTurn *t, Batch *b)
{
	/* slots that are free when the results at hand are stored */
	int64_t room = t->config.slots - (int64_t)(t->held - t->ended);

	while (!t->draining && !t->full && b->n < BATCH && t->first != NULL) {
		bool quick = map_get(&t->quick, t->first->action) != NULL;

		if (!quick && room <= 0)
			break;
		room -= !quick;
		batch_add(t, b, line_take(t), quick);
	}
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

/*
 * What the open transaction lets go is done by it, too, when that is done at once: a long line before a limit, and a chain of quick
 * tasks, then pay one commit for several of them. Only where nothing else waits for this worker.
 */
static bool
chain_take(WorkerTurn *t, Batch *b)
{
	if (!t->config.quick_at_once || !t->u->settled || t->own_n == 0 || t->own_n > CHAIN_RUNS ||
	    b->n + t->own_n > BATCH || t->ends_n > ENDS_MOST / 2 || t->first != NULL)
		return false;
	for (size_t i = 0; i < t->own_n; i++)
		if (map_get(&t->quick, t->own[i].action) == NULL || map_get(&t->runs, t->own[i].id) != NULL)
			return false;
	for (size_t i = 0; i < t->own_n; i++) {
		Run *r = run_of(t, t->own[i].id, t->own[i].attempt, t->own[i].action);

		r->chained = true;
		batch_add(t, b, r, true);
	}
	t->own_n = 0;
	return true;
}

/* It never was: what its transaction let go and did is undone with it. What ended besides stays. */
static void
chain_drop(WorkerTurn *t, Batch *b)
{
	size_t kept = 0;

	for (size_t i = 0; i < t->ends_n; i++) {
		const Run *r = map_get(&t->runs, t->ends[i].execution);

		if (r == NULL || !r->chained)
			t->ends[kept++] = t->ends[i];
	}
	t->ends_n = kept;
	for (; b->n > 0 && b->runs[b->n - 1]->chained; b->n--)
		run_forget(t, b->runs[b->n - 1]);
}

static bool
round_store(WorkerTurn *t, Batch *b, Err *err)
{
	Uow *u = t->u;
	RunClaim *claims = b->claims + b->stored;
	Run **runs = b->runs + b->stored;
	size_t n = b->n - b->stored;

	if (!runs_claim_open(u, t->id, t->incarnation, t->config.name, claims, n, err))
		return false;
	claims_do(t, claims, runs, n);
	if (b->stored == 0)
		claims_ready(t, claims, n);
	if (!runs_finish(u, t->id, t->config.name, t->ends + b->ends, t->ends_n - b->ends, err) ||
	    !runs_claim_rest(u, t->config.name, claims, n, err))
		return false;
	b->stored = b->n;
	b->ends = t->ends_n;
	return ends_follow(t, err);
}

static bool
turn_store(WorkerTurn *t, Batch *b, Err *err)
{
	Uow *u = t->u;
	TimeUs until = clock_mono(u->e->clock) + CHAIN_US;
	size_t rounds = 1;

	t->own_n = 0;
	if (!uow_begin(u, err))
		return false;
	u->follows = !t->alone && !t->draining && !t->full;
	if (b->n == 0 || t->ends_n == 0)
		uow_last(u, &points_worker);
	if (!round_store(t, b, err))
		return false;
	while (rounds++ < CHAIN_MOST && clock_mono(u->e->clock) < until && chain_take(t, b)) {
		uow_last(u, NULL);
		u->follows = true;
		if (!round_store(t, b, err))
			return false;
	}
	return uow_commit(u, &points_worker, err);
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
turn_undo(WorkerTurn *t, Batch *b, bool passes)
{
	chain_drop(t, b);
	for (size_t i = b->n; i > 0; i--) {
		b->runs[i - 1]->again = true;
		b->runs[i - 1]->claim = NULL;
		line_put_back(t, b->runs[i - 1]);
	}
	claims_drop(t, b->runs, b->n);
	for (size_t i = 0; i < t->ends_n; i++)
		t->ends[i].again = true;
	ends_claimed(t);
	if (passes)
		return;
	begun_drop(t);
	ends_isolate(t);
}

bool
worker_turn(WorkerTurn *t, bool *ret_more, Err *err)
{
	Batch b;
	bool ends;

	b.n = b.stored = b.ends = 0;
	*ret_more = false;
	ends_collect(t, BATCH);
	if (!full_look(t, err))
		return false;
	if (ends_wait(t))
		return true;
	claims_take(t, &b);
	if (b.n == 0 && t->ends_n == 0)
		return true;
	ends = t->ends_n > 0;
	crash_point(ends ? "worker.before_end" : "worker.before_claim");
	if (!turn_store(t, &b, err)) {
		/* what cannot be stored may be what follows an end: so the end is tried without it first */
		turn_undo(t, &b, !t->alone || err_passes(err->code));
		t->alone = true;
		return false;
	}
	t->alone = false;
	crash_point(ends ? "worker.after_end" : "worker.after_claim");
	ends_settled(t);
	claims_start(t, b.claims, b.runs, b.n);
	for (size_t i = 0; i < t->own_n; i++)
		worker_turn_dispatch(t, t->own[i].id, t->own[i].attempt, t->own[i].action);
	*ret_more = t->ends_n > 0 || b.n > 0 || t->own_n > 0;
	return true;
}

/* ---- going away ---- */

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
