/*
 * Limits under thousands of operations at random: runs are made, claimed, ended, cancelled, retried, paused and given back, their worker
 * is lost, their limit changed or taken away, the engine begun anew. A plain model (storm_model.c) says after each of them which runs are
 * under way and which wait; any other is a limit exceeded, a slot or token that leaked, or a place in line that was lost.
 * STORM=operations:seed makes it longer, or another.
 */
#include "storm.h"

#include "rig.h"
#include "seat.h"

#include "base/log.h"
#include "engine/liveness.h"
#include "model/policy.h"
#include "store/action.h"
#include "store/policy.h"

#include "test.h"

#include <stdio.h>
#include <stdlib.h>

enum { OPERATIONS = 10000, OPERATIONS_FEW = 3000, SLOTS = 1000, TRIES = 1 };

/* ---- the judge ---- */

static uint64_t
below(Storm *s, uint64_t n)
{
	s->rng = s->rng * 6364136223846793005u + 1442695040888963407u;
	return (s->rng >> 33) % n;
}

/* Who waits for time alone is looked at when it has come, should nothing else happen. */
static void
judge_due(Storm *s)
{
	TimeUs due = model_due(s);

	if (due != 0 && (s->r->u->due == 0 || s->r->u->due > due))
		test_fail(__FILE__, __LINE__,
		    "after operation %zu (%s; limit %lld): one goes in %lld us, and the next look is in %lld",
		    s->operation, s->doing, (long long)s->limit, (long long)(due - s->r->now),
		    s->r->u->due == 0 ? -1 : (long long)(s->r->u->due - s->r->now));
}

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
	judge_due(s);
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
	Run *run = some_run(s, run_has_begun), was;

	if (run == NULL)
		return false;
	was = *run;
	CHECK(rig_finish(s->r, was.id, rig_look(s->r, was.id).attempt, how));
	model_end(s, run,
	    was.state == EXEC_CANCELING ? EXEC_CANCELLED
	    : how == EV_EXIT_OK         ? EXEC_COMPLETED
					: EXEC_FAILED,
	    s->r->now + 1000);
	if (was.state == EXEC_RUNNING && how == EV_EXIT_BAD && was.tries < s->tries)
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
	if (run_has_begun(run))
		run->state = EXEC_CANCELING;
	else
		model_end(s, run, EXEC_CANCELLED, 0);
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
	model_give_back(s, run);
	return true;
}

static void
model_given_back(Storm *s)
{
	for (size_t i = 0; i < s->n; i++)
		if (is_given(&s->live[i]))
			model_give_back(s, &s->live[i]);
}

/* What it was given waits again; what it had begun is over. */
static void
model_lost(Storm *s)
{
	model_given_back(s);
	for (size_t i = s->n; i-- > 0;)
		if (run_has_begun(&s->live[i]))
			model_end(s, &s->live[i], EXEC_ABANDONED, 0);
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

static Str
limit_text(Storm *s)
{
	Arena *a = s->r->u->arena;
	long long n = s->limit;

	switch (s->kind) {
	case STORM_RATE:
		return str_fmt(a,
		    "{\"limit\": %lld, \"per_seconds\": 1, \"burst\": %lld, \"key\": [\"k\"], \"method\": \"%s\"}", n,
		    (long long)s->burst, s->method);
	case STORM_BREAKER:
		return str_fmt(a,
		    "{\"failures\": %lld, \"within\": %lld, \"open_for\": %lld, \"key\": [\"k\"], \"method\": \"%s\"}",
		    n, (long long)(s->within / US_PER_S), (long long)(s->open_for / US_PER_S), s->method);
	default: return str_fmt(a, "{\"limit\": %lld, \"key\": [\"k\"], \"method\": \"%s\"}", n, s->method);
	}
}

static void
limit_set(Storm *s, int64_t limit)
{
	PolicyDef d = { .ref = str_of("test.storm"), .label = str_of("Storm"), .enabled = true };
	Uow *u = s->r->u;
	Json parts[] = { json_null(), json_null(), json_null() }; /* in the order of StormKind */
	DefPut put;
	Err err = { 0 };

	s->policies += s->limit == 0;
	s->limit = limit;
	s->burst = 1 + (int64_t)below(s, 3);
	s->within = (1 + (TimeUs)below(s, 5)) * US_PER_S;
	s->open_for = (1 + (TimeUs)below(s, 2)) * US_PER_S;
	CHECK_OK(uow_begin(u, &err), err);
	CHECK_OK(json_parse(u->arena, limit_text(s), NULL, &parts[s->kind], &err), err);
	d.tags = json_array();
	CHECK_OK(policy_limits_read(&parts[STORM_SLOTS], &parts[STORM_RATE], &parts[STORM_BREAKER], &d, &err), err);
	CHECK_OK(policy_put(u->db, u->arena, &d, u->now, &put, &err), err);
	CHECK_OK(uow_commit(u, &points_create, &err), err);
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
	model_forget(s);
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

	/* so that what waits for time goes now and then, and those in its line meet others */
	s->r->now += s->kind == STORM_SLOTS ? 1000 : 1000 * (TimeUs)(1 + below(s, 60));
	liveness_beat(s->r->engine.live, s->r->worker, str_of(s->incarnation), 0, s->r->now);
	do {
		draw = below(s, 100);
		for (i = 0; draw >= operations[i].weight; i++)
			draw -= operations[i].weight;
		s->doing = operations[i].name;
	} while (!operations[i].run(s));
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
		if (run_has_begun(&s->live[0]))
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
storm(StormKind kind, const char *method, size_t most)
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
	/* who is refused would be tried again at once, and refused again */
	*s = (Storm){
		.r = r, .rng = seed, .kind = kind, .method = method, .tries = strcmp(method, "fail") == 0 ? 0 : TRIES
	};
	if (s->tries > 0)
		action_retries(r);
	worker_comes(s);
	limit_set(s, 2);
	while (s->operation < n)
		storm_step(s);
	storm_end(s);
}

TEST(a_limit_is_never_exceeded_and_no_slot_leaks_whatever_happens_to_runs)
{
	storm(STORM_SLOTS, "enqueue", OPERATIONS);
}

TEST(a_limit_that_cancels_what_comes_lets_in_as_many_as_there_is_room_for)
{
	storm(STORM_SLOTS, "cancel", OPERATIONS_FEW);
}

TEST(a_limit_that_cancels_the_oldest_keeps_the_newest)
{
	storm(STORM_SLOTS, "cancel_oldest", OPERATIONS_FEW);
}

TEST(a_rate_is_never_exceeded_no_token_is_lost_and_high_priorities_have_the_next_one)
{
	storm(STORM_RATE, "delay", OPERATIONS_FEW);
}

TEST(a_rate_that_cancels_lets_in_as_many_as_there_are_tokens_for)
{
	storm(STORM_RATE, "cancel", OPERATIONS_FEW);
}

TEST(an_open_breaker_lets_one_through_at_a_time_whatever_happens_to_that)
{
	storm(STORM_BREAKER, "wait", OPERATIONS_FEW);
}

TEST(a_breaker_that_refuses_does_so_only_while_it_is_open)
{
	storm(STORM_BREAKER, "fail", OPERATIONS_FEW);
}
