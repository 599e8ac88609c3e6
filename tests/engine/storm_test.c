/*
 * A concurrency limit under thousands of operations at random: runs are made, claimed, ended, cancelled, retried, paused and given back,
 * their worker is lost, their limit changed or taken away, the engine begun anew. A plain model says after each of them which runs are
 * under way and which wait; any other is a limit exceeded, a slot that leaked, or a place in line that was lost.
 * STORM=operations:seed makes it longer, or another.
 */
#include "rig.h"
#include "seat.h"

#include "base/log.h"
#include "model/policy.h"
#include "store/action.h"
#include "store/policy.h"

#include "test.h"

#include <stdio.h>
#include <stdlib.h>

enum { OPERATIONS = 10000, OPERATIONS_FEW = 3000, LIVE_MOST = 40, ENDED_KEPT = 32, KEYS = 3, SLOTS = 1000, TRIES = 1 };

typedef struct Run {
	Id id;
	int64_t key, priority, tries;
	ExecState state; /* requested: it waits */
	bool paused;
} Run;

typedef struct Storm {
	Rig *r;
	uint64_t rng;
	size_t operation;
	const char *doing;
	const char *method; /* what becomes of those for whom there is no room */
	int64_t limit;      /* 0: there is none */
	Run live[LIVE_MOST + 1], ended[ENDED_KEPT];
	size_t n, ended_n;
	int lives; /* of the worker */
	char incarnation[24];
} Storm;

static uint64_t
below(Storm *s, uint64_t n)
{
	s->rng = s->rng * 6364136223846793005u + 1442695040888963407u;
	return (s->rng >> 33) % n;
}

/* ---- the model ---- */

static bool
under_way(const Run *run)
{
	return run->state == EXEC_SCHEDULED || run->state == EXEC_RUNNING || run->state == EXEC_CANCELING;
}

static Run *
first_in_line(Storm *s, int64_t key)
{
	Run *first = NULL;

	for (size_t i = 0; i < s->n; i++) { /* in the order of their ids */
		Run *run = &s->live[i];

		if (run->key == key && run->state == EXEC_REQUESTED && !run->paused &&
		    (first == NULL || run->priority > first->priority))
			first = run;
	}
	return first;
}

static void
model_end(Storm *s, Run *run, ExecState state)
{
	Run gone = *run;
	size_t at = (size_t)(run - s->live);

	gone.state = state;
	s->ended[s->ended_n++ % ENDED_KEPT] = gone;
	memmove(run, run + 1, (--s->n - at) * sizeof(*run));
}

/* The newest win: as soon as one waits, the oldest beyond the limit go, whether they wait or run. */
static void
model_cancel_oldest(Storm *s, int64_t key)
{
	size_t all = 0;

	if (first_in_line(s, key) == NULL)
		return;
	for (size_t i = 0; i < s->n; i++)
		all += s->live[i].key == key && !s->live[i].paused && s->live[i].state != EXEC_CANCELING;
	for (size_t i = 0; i < s->n && all > (size_t)s->limit;) {
		Run *run = &s->live[i];

		if (run->key != key || run->paused || run->state == EXEC_CANCELING) {
			i++;
			continue;
		}
		all--;
		if (run->state == EXEC_RUNNING)
			run->state = EXEC_CANCELING;
		else
			model_end(s, run, EXEC_CANCELLED);
	}
}

/* Whoever is first in line goes while there is room. */
static void
model_admit(Storm *s, int64_t key)
{
	size_t used = 0;
	Run *run;

	for (size_t i = 0; i < s->n; i++)
		used += s->live[i].key == key && under_way(&s->live[i]);
	for (; (s->limit == 0 || used < (size_t)s->limit) && (run = first_in_line(s, key)) != NULL; used++)
		run->state = EXEC_SCHEDULED;
}

static void
model_schedule(Storm *s)
{
	for (int64_t key = 0; key < KEYS; key++) {
		Run *run;

		if (s->limit != 0 && strcmp(s->method, "cancel_oldest") == 0)
			model_cancel_oldest(s, key);
		model_admit(s, key);
		while (strcmp(s->method, "cancel") == 0 && (run = first_in_line(s, key)) != NULL)
			model_end(s, run, EXEC_CANCELLED);
	}
}

static void
model_add(Storm *s, const Run *like, Id id, int64_t tries)
{
	Run run = *like;

	run.id = id;
	run.state = EXEC_REQUESTED;
	run.paused = false;
	run.tries = tries;
	s->live[s->n++] = run;
}

/* ---- the judge ---- */

/* Every live row is as the model has it, and there is no other. */
static void
judge(Storm *s)
{
	static const Stmt live = { .sql = "select id, status from execution where finished_at is null order by id",
		.in = "" };
	Err err = { 0 };
	Rows rows;

	rig_schedule(s->r);
	model_schedule(s);
	CHECK_OK(db_read(s->r->u->db, s->r->u->arena, &live, NULL, &rows, &err), err);
	for (size_t i = 0; i < rows.n || i < s->n; i++) {
		Id id = i < rows.n ? row_int(rows_at(&rows, i), 0) : 0;
		Str status = i < rows.n ? row_str(rows_at(&rows, i), 1) : str_of("over");

		if (i >= s->n || i >= rows.n || id != s->live[i].id ||
		    !str_is(status, exec_state_name(s->live[i].state)))
			test_fail(__FILE__, __LINE__,
			    "after operation %zu (%s; limit %lld): execution %lld is %.*s, and execution %lld of key "
			    "%lld "
			    "should be %s",
			    s->operation, s->doing, (long long)s->limit, (long long)id, STR_ARG(status),
			    i < s->n ? (long long)s->live[i].id : 0, i < s->n ? (long long)s->live[i].key : 0,
			    i < s->n ? exec_state_name(s->live[i].state) : "over");
	}
}

/* ---- the operations; false: there was nothing to do it to ---- */

static Run *
some_run(Storm *s, bool (*fits)(const Run *))
{
	size_t from = s->n == 0 ? 0 : below(s, s->n);

	for (size_t i = 0; i < s->n; i++)
		if (fits(&s->live[(from + i) % s->n]))
			return &s->live[(from + i) % s->n];
	return NULL;
}

static bool
is_given(const Run *run)
{
	return run->state == EXEC_SCHEDULED;
}

static bool
has_begun(const Run *run)
{
	return run->state == EXEC_RUNNING || run->state == EXEC_CANCELING;
}

static bool
waits(const Run *run)
{
	return run->state == EXEC_REQUESTED;
}

static bool
is_any(const Run *run)
{
	return run != NULL;
}

static bool
make(Storm *s)
{
	Run run = { .key = (int64_t)below(s, KEYS), .priority = (int64_t)below(s, 3) - 1 };
	ExecutionIn in = { .action_ref = str_of("test.do"), .by = str_of("tester"), .priority = run.priority };
	Json params = json_object();
	ExecutionOut out;
	Err err = { 0 };

	if (s->n >= LIVE_MOST)
		return false;
	CHECK_OK(uow_begin(s->r->u, &err), err);
	json_add(s->r->u->arena, &params, "k", json_int(run.key));
	in.params = &params;
	CHECK_OK(execution_create(s->r->u, &in, &out, &err), err);
	CHECK_OK(uow_commit(s->r->u, &points_create, &err), err);
	model_add(s, &run, out.id, 0);
	return true;
}

static bool
claim(Storm *s)
{
	Run *run = some_run(s, is_given);

	if (run == NULL)
		return false;
	CHECK(rig_claim(s->r, run->id, rig_look(s->r, run->id).attempt, s->incarnation));
	run->state = EXEC_RUNNING;
	return true;
}

static Id
newest(Storm *s)
{
	static const Stmt last = { .sql = "select max(id) from execution", .in = "" };

	return world_number(s->r->w, &last);
}

/* A run that fails is tried once more by itself, and that one waits in line like any other. */
static bool
finish_as(Storm *s, ExecEvent how)
{
	Run *run = some_run(s, has_begun), was;

	if (run == NULL)
		return false;
	was = *run;
	CHECK(rig_finish(s->r, was.id, rig_look(s->r, was.id).attempt, how));
	model_end(s, run, EXEC_COMPLETED);
	if (was.state == EXEC_RUNNING && how == EV_EXIT_BAD && was.tries < TRIES)
		model_add(s, &was, newest(s), was.tries + 1);
	return true;
}

static bool
finish_well(Storm *s)
{
	return finish_as(s, EV_EXIT_OK);
}

static bool
finish_badly(Storm *s)
{
	return s->n < LIVE_MOST && finish_as(s, EV_EXIT_BAD);
}

static bool
cancel(Storm *s)
{
	Run *run = some_run(s, is_any);
	ExecState now;
	Err err = { 0 };

	if (run == NULL)
		return false;
	CHECK_OK(uow_begin(s->r->u, &err), err);
	CHECK_OK(execution_cancel(s->r->u, run->id, str_of("tester"), &now, &err), err);
	CHECK_OK(uow_commit(s->r->u, &points_cancel, &err), err);
	if (has_begun(run))
		run->state = EXEC_CANCELING;
	else
		model_end(s, run, EXEC_CANCELLED);
	return true;
}

static bool
retry(Storm *s)
{
	size_t kept = s->ended_n < ENDED_KEPT ? s->ended_n : ENDED_KEPT;
	Run *old = kept == 0 ? NULL : &s->ended[below(s, kept)];
	Err err = { 0 };
	Id made;

	if (old == NULL || s->n >= LIVE_MOST)
		return false;
	CHECK_OK(uow_begin(s->r->u, &err), err);
	CHECK_OK(execution_retry(s->r->u, old->id, str_of("tester"), &made, &err), err);
	CHECK_OK(uow_commit(s->r->u, &points_create, &err), err);
	model_add(s, old, made, old->tries + 1);
	return true;
}

static bool
pause_or_resume(Storm *s)
{
	Run *run = some_run(s, waits);
	Err err = { 0 };

	if (run == NULL)
		return false;
	run->paused = !run->paused;
	CHECK_OK(uow_begin(s->r->u, &err), err);
	CHECK_OK(execution_hold(s->r->u, run->id, run->paused, &err), err);
	CHECK_OK(uow_commit(s->r->u, &points_cancel, &err), err);
	return true;
}

static bool
give_back(Storm *s)
{
	Run *run = some_run(s, is_given);
	int attempt;
	Err err = { 0 };

	if (run == NULL)
		return false;
	attempt = rig_look(s->r, run->id).attempt;
	CHECK_OK(uow_begin(s->r->u, &err), err);
	CHECK_OK(runs_return(s->r->u, &run->id, &attempt, 1, str_of("w1"), str_of("not started"), &err), err);
	CHECK_OK(uow_commit(s->r->u, &points_worker, &err), err);
	run->state = EXEC_REQUESTED;
	return true;
}

static void
model_given_back(Storm *s)
{
	for (size_t i = 0; i < s->n; i++)
		if (is_given(&s->live[i]))
			s->live[i].state = EXEC_REQUESTED;
}

/* What it was given waits again; what it had begun is over. */
static void
model_lost(Storm *s)
{
	model_given_back(s);
	for (size_t i = s->n; i-- > 0;)
		if (has_begun(&s->live[i]))
			model_end(s, &s->live[i], EXEC_ABANDONED);
}

static void
worker_comes(Storm *s)
{
	snprintf(s->incarnation, sizeof(s->incarnation), "life-%d", ++s->lives);
	rig_worker(s->r, s->incarnation, SLOTS, "shell");
}

/* kill -9, and it starts again. */
static bool
lose_worker(Storm *s)
{
	worker_comes(s);
	model_lost(s);
	return true;
}

/* It does not begin what it was given, until it starts again. */
static bool
miss_worker(Storm *s)
{
	s->r->now += 120 * US_PER_S;
	rig_sweep(s->r);
	model_given_back(s);
	model_schedule(s);
	worker_comes(s);
	model_lost(s);
	return true;
}

static void
limit_set(Storm *s, int64_t limit)
{
	PolicyDef d = { .ref = str_of("test.storm"), .label = str_of("Storm"), .enabled = true };
	Uow *u = s->r->u;
	Json concurrency, none = json_null();
	DefPut put;
	Err err = { 0 };

	CHECK_OK(uow_begin(u, &err), err);
	CHECK_OK(json_parse(u->arena,
		     str_fmt(u->arena, "{\"limit\": %lld, \"key\": [\"k\"], \"method\": \"%s\"}", (long long)limit,
			 s->method),
		     NULL, &concurrency, &err),
	    err);
	d.tags = json_array();
	CHECK_OK(policy_limits_read(&concurrency, &none, &none, &d, &err), err);
	CHECK_OK(policy_put(u->db, u->arena, &d, u->now, &put, &err), err);
	CHECK_OK(uow_commit(u, &points_create, &err), err);
	s->limit = limit;
}

static void
limit_remove(Storm *s)
{
	Uow *u = s->r->u;
	PolicyDef d;
	Err err = { 0 };

	CHECK_OK(uow_begin(u, &err), err);
	CHECK_OK(policy_get_ref(u->db, u->arena, str_of("test.storm"), &d, &err), err);
	CHECK_OK(policy_delete(u->db, u->arena, d.id, u->now, &err), err);
	CHECK_OK(uow_commit(u, &points_create, &err), err);
	s->limit = 0;
}

static bool
change_limit(Storm *s)
{
	if (s->limit != 0 && below(s, 8) == 0)
		limit_remove(s);
	else
		limit_set(s, 1 + (int64_t)below(s, 4));
	return true;
}

/* Nothing is remembered but rows. */
static bool
begin_anew(Storm *s)
{
	const Clock *clock = s->r->engine.clock;

	seat_end(&s->r->engine, s->r->u);
	seat_begin(s->r->w, s->r->bus, clock, &s->r->engine, &s->r->u);
	return true;
}

static const struct {
	const char *name;
	bool (*run)(Storm *s);
	unsigned weight;
} operations[] = {
	{ "make", make, 30 },
	{ "claim", claim, 22 },
	{ "finish", finish_well, 12 },
	{ "fail", finish_badly, 6 },
	{ "cancel", cancel, 8 },
	{ "retry", retry, 6 },
	{ "pause or resume", pause_or_resume, 6 },
	{ "give back", give_back, 5 },
	{ "kill the worker", lose_worker, 1 },
	{ "miss the worker", miss_worker, 1 },
	{ "change the limit", change_limit, 2 },
	{ "begin anew", begin_anew, 1 },
};

static void
storm_step(Storm *s)
{
	uint64_t draw;
	size_t i;

	do {
		draw = below(s, 100);
		for (i = 0; draw >= operations[i].weight; i++)
			draw -= operations[i].weight;
		s->doing = operations[i].name;
	} while (!operations[i].run(s));
	s->r->now += 1000;
	s->operation++;
	judge(s);
}

/* When all have ended, every slot is there again. */
static void
storm_end(Storm *s)
{
	limit_set(s, 2);
	while (s->n > 0) {
		s->doing = "end";
		if (has_begun(&s->live[0]))
			finish_well(s);
		else
			cancel(s);
		judge(s);
	}
	s->doing = "begin again";
	for (int i = 0; i < 12; i++)
		make(s);
	judge(s);
}

static void
action_retries(Rig *r)
{
	ActionDef d;
	DefPut put;
	Json on = json_array();
	Err err = { 0 };

	CHECK_OK(uow_begin(r->u, &err), err);
	json_push(r->u->arena, &on, json_cstr("failed"));
	CHECK_OK(action_get(r->u->db, r->u->arena, r->action, &d, &err), err);
	d.retry = json_object();
	json_add(r->u->arena, &d.retry, "count", json_int(TRIES));
	json_add(r->u->arena, &d.retry, "delay", json_int(0));
	json_add(r->u->arena, &d.retry, "on", on);
	CHECK_OK(action_put(r->u->db, r->u->arena, &d, r->u->now, &put, &err), err);
	CHECK_OK(uow_commit(r->u, &points_create, &err), err);
}

static void
storm(const char *method, size_t most)
{
	CLEANUP(rig_done) Rig *r = rig_open();
	const char *asked = getenv("STORM");
	unsigned long long n = world_is_postgres() ? most / 5 : most, seed = 1;
	Storm *s = arena_new(r->w->a, Storm);
	LogConfig quiet = { .level = LOG_ERROR, .file = "/dev/null" };
	Err err = { 0 };

	CHECK_OK(log_open(&quiet, &err), err);
	if (asked != NULL)
		sscanf(asked, "%llu:%llu", &n, &seed);
	*s = (Storm){ .r = r, .rng = seed, .method = method };
	action_retries(r);
	worker_comes(s);
	limit_set(s, 2);
	while (s->operation < n)
		storm_step(s);
	storm_end(s);
}

TEST(a_limit_is_never_exceeded_and_no_slot_leaks_whatever_happens_to_runs)
{
	storm("enqueue", OPERATIONS);
}

TEST(a_limit_that_cancels_what_comes_lets_in_as_many_as_there_is_room_for)
{
	storm("cancel", OPERATIONS_FEW);
}

TEST(a_limit_that_cancels_the_oldest_keeps_the_newest)
{
	storm("cancel_oldest", OPERATIONS_FEW);
}
