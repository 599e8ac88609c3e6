/* The moves of the engine, one after the other, over both stores: one event's whole path with the rows looked at in between. */
#include "rig.h"

#include "store/environment.h"
#include "store/execution_read.h"

#include "store/action.h"
#include "store/migrate.h"
#include "store/pack.h"
#include "store/rule.h"
#include "store/runtime.h"
#include "store/trigger.h"
#include "store/worker.h"

#include "test.h"

TEST(a_run_that_is_asked_for_alone_is_with_its_worker_by_the_same_commit)
{
	CLEANUP(rig_done) Rig *r = rig_open();
	Id first, second, third;

	rig_worker(r, "i1", 1, "shell");
	first = rig_create(r);
	check_status(r, first, EXEC_SCHEDULED);
	CHECK_INT(rig_look(r, first).attempt, 1);
	CHECK_INT(rig_look(r, first).worker, r->worker);
	/* one more stands at the door, and then there is no room; who comes after one that waits stands behind it */
	second = rig_create(r);
	check_status(r, second, EXEC_SCHEDULED);
	third = rig_create(r);
	check_status(r, third, EXEC_REQUESTED);
}

TEST(an_event_becomes_a_result)
{
	CLEANUP(rig_done) Rig *r = rig_open();
	Uow *u = r->u;
	Json payload = json_object();
	EventIn in = { .trigger_ref = str_of("test.happened"), .payload = &payload, .tick_key = str_of("once") };
	EventOut out, again;
	Err err = { 0 };
	Id enforcement = 0, execution = 0;

	rig_worker(r, "inc-1", 2, "shell");
	CHECK_OK(uow_begin(u, &err), err);
	json_add(u->arena, &payload, "text", json_cstr("hello"));
	CHECK_OK(ingest(u, &in, 1, &out, &err), err);
	CHECK(out.id != 0);
	CHECK_INT((int64_t)out.enforcements, 1);
	CHECK_INT((int64_t)u->out.n, 1);
	enforcement = u->out.msgs[0].item.id;
	CHECK_OK(uow_commit(u, &points_ingest, &err), err);

	/* the same tick by another sensor */
	CHECK_OK(uow_begin(u, &err), err);
	payload = json_object();
	CHECK_OK(ingest(u, &in, 1, &again, &err), err);
	CHECK_INT(again.id, 0);
	CHECK_INT((int64_t)u->out.n, 0);
	CHECK_OK(uow_commit(u, &points_ingest, &err), err);

	for (int twice = 0; twice < 2; twice++) { /* the message may come twice */
		CHECK_OK(uow_begin(u, &err), err);
		CHECK_OK(enforce(u, &enforcement, 1, &err), err);
		CHECK_INT((int64_t)u->out.n, twice == 0 ? 1 : 0);
		if (twice == 0) {
			CHECK(u->out.msgs[0].kind == MSG_EXECUTION_SCHEDULED);
			execution = u->out.msgs[0].item.id;
			CHECK_INT(u->out.msgs[0].item.worker, r->worker);
		}
		CHECK_OK(uow_commit(u, &points_enforce, &err), err);
	}
	check_status(r, execution, EXEC_SCHEDULED);
	CHECK(rig_claim(r, execution, 1, "inc-1"));
	CHECK(!rig_claim(r, execution, 1, "inc-1")); /* a dispatch that comes twice starts nothing */
	check_status(r, execution, EXEC_RUNNING);
	CHECK(rig_finish(r, execution, 1, EV_EXIT_OK));
	CHECK(!rig_finish(r, execution, 1, EV_EXIT_BAD)); /* a late result changes nothing */
	check_status(r, execution, EXEC_COMPLETED);
}

/* Up to sixteen waiting rows are read at once, more of them class by class: either way the oldest come first, and all in the end. */
TEST(few_and_many_waiting_runs_are_given_away_in_the_order_of_their_age)
{
	enum { MOST = 40 };
	static const size_t sizes[] = { 3, 13, 16, MOST };
	CLEANUP(rig_done) Rig *r = rig_open();
	Json selector;
	ExecutionIn in[MOST];
	ExecutionOut out[MOST];
	Err err = { 0 };

	rig_worker(r, "inc-1", 10, "shell"); /* ten slots and one at the door */
	for (size_t k = 0; k < countof(sizes); k++) {
		size_t n = sizes[k], given = 0;

		CHECK_OK(uow_begin(r->u, &err), err);
		selector = json_object();
		json_set(r->u->arena, &selector, "zone", json_cstr("nowhere"));
		for (size_t i = 0; i < n; i++)
			in[i] = (ExecutionIn){ .action_ref = str_of("test.do"),
				.by = str_of("tester"),
				.worker_selector = i == 1 ? &selector : NULL };
		CHECK_OK(executions_create(r->u, in, n, out, &err), err);
		CHECK_INT((int64_t)r->u->out.n, (int64_t)n);
		CHECK_OK(uow_commit(r->u, &points_create, &err), err);
		rig_schedule(r);
		check_status(r, out[1].id, EXEC_REQUESTED); /* another class, which nobody can run */
		CHECK_INT(rig_look(r, out[1].id).reason, WAIT_NO_WORKER);
		while (given < n - 1) {
			size_t now = 0;

			for (size_t i = 0; i < n; i++) {
				bool next = i != 1 && now < 11 && rig_look(r, out[i].id).status == EXEC_SCHEDULED;

				if (!next)
					continue;
				CHECK(i == 0 || i == 1 || i == 2 || exec_terminal(rig_look(r, out[i - 1].id).status));
				CHECK(rig_claim(r, out[i].id, 1, "inc-1") && rig_finish(r, out[i].id, 1, EV_EXIT_OK));
				now++;
			}
			CHECK(now == (n - 1 - given < 11 ? n - 1 - given : 11));
			given += now;
			rig_schedule(r);
		}
	}
}

TEST(of_several_asked_for_at_once_all_are_made_or_none)
{
	CLEANUP(rig_done) Rig *r = rig_open();
	ExecutionIn in[] = { { .action_ref = str_of("test.do"), .by = str_of("tester") },
		{ .action_ref = str_of("test.missing"), .by = str_of("tester") } };
	ExecutionOut out[countof(in)];
	Err err = { 0 };
	bool any;

	CHECK_OK(uow_begin(r->u, &err), err);
	CHECK(!executions_create(r->u, in, countof(in), out, &err));
	CHECK_INT(err.code, ERR_NOT_FOUND);
	uow_abort(r->u);
	CHECK_OK(uow_begin(r->u, &err), err);
	CHECK_OK(execution_any_live(r->u->db, r->u->arena, &any, &err), err);
	uow_abort(r->u);
	CHECK(!any);
}

TEST(a_claim_tells_what_to_run_with_the_parameters_of_the_rule)
{
	CLEANUP(rig_done) Rig *r = rig_open();
	Uow *u = r->u;
	Json payload = json_object();
	EventIn in = { .trigger_ref = str_of("test.happened"), .payload = &payload };
	EventOut out;
	Err err = { 0 };
	Id enforcement;
	RunClaim c = { .attempt = 1 };

	rig_worker(r, "inc-1", 2, "bash"); /* an alias of shell */
	CHECK_OK(uow_begin(u, &err), err);
	json_add(u->arena, &payload, "text", json_cstr("grüße"));
	CHECK_OK(ingest(u, &in, 1, &out, &err), err);
	enforcement = u->out.msgs[0].item.id;
	CHECK_OK(uow_commit(u, &points_ingest, &err), err);
	CHECK_OK(uow_begin(u, &err), err);
	CHECK_OK(enforce(u, &enforcement, 1, &err), err);
	c.execution = u->out.msgs[0].item.id;
	CHECK_OK(uow_commit(u, &points_enforce, &err), err);
	CHECK_OK(uow_begin(u, &err), err);
	CHECK_OK(runs_claim(u, r->worker, str_of("inc-1"), str_of("w1"), &c, 1, &err), err);
	CHECK(c.claimed);
	CHECK_STR(c.runtime, str_of("shell"));
	CHECK_STR(c.action.entrypoint, str_of("do.sh"));
	CHECK_STR(json_get_text(&c.row.config, "message"), str_of("grüße"));
	CHECK_STR(c.row.rule_ref, str_of("test.rule"));
	CHECK_OK(uow_commit(u, &points_worker, &err), err);
}

/* What is stored of a run that its worker began and ended: the times, whose it was, and each state it had. */
static void
check_stored(Rig *r, Id id, const char *want)
{
	static const Stmt s = {
		.sql = "select status, incarnation, started_at, finished_at, moves from execution where id = $1",
		.in = "i",
	};
	Arena *a = r->u->arena;
	Bind b[] = { bind_int(id) };
	Err err = { 0 };
	Rows rows;
	Row row;

	CHECK_OK(db_read(r->u->db, a, &s, b, &rows, &err), err);
	CHECK_INT((int64_t)rows.n, 1);
	row = rows_at(&rows, 0);
	CHECK_STR(str_fmt(a, "%.*s %.*s %lld %lld\n%.*s", STR_ARG(row_str(row, 0)), STR_ARG(row_str(row, 1)),
		      (long long)(row_int(row, 2) == 0 ? -1 : row_int(row, 2) - r->now),
		      (long long)(row_int(row, 3) == 0 ? -1 : row_int(row, 3) - r->now), STR_ARG(row_str(row, 4))),
	    str_of(want));
}

enum { CLAIMED = 4 }; /* at once: enough to be one statement */

/* What is claimed is nobody else's to move, although its row may not say so yet. In SQLite nobody else writes. */
static void
check_held(Rig *r, Id id)
{
	static const Stmt touch = { "select id from execution where id = $1 for update nowait", "i" };
	CLEANUP(db_done) Db *other = NULL;
	Bind b = bind_int(id);
	Err err = { 0 };

	if (!world_is_postgres())
		return;
	CHECK_OK(db_open(r->w->store, &other, &err), err);
	CHECK_OK(db_begin(other, &err), err);
	CHECK(!db_exec(other, r->w->a, &touch, &b, NULL, &err));
	CHECK_INT(err.code, ERR_AWAY);
	db_rollback(other);
}

/* Some are claimed; while the transaction is open one of them ends, the others do not. */
static void
claim_some_end_one(Rig *r, RunClaim c[static CLAIMED], ExecEvent how, bool keep)
{
	RunResult end = { .execution = c[0].execution,
		.attempt = 1,
		.event = how,
		.started = r->now + 5,
		.finished = r->now + 9,
		.result = json_object(),
		.claim = &c[0] };
	Uow *u = r->u;
	Err err = { 0 };

	CHECK_OK(uow_begin(u, &err), err);
	CHECK_OK(runs_claim_open(u, r->worker, str_of("inc-1"), str_of("w1"), c, CLAIMED, &err), err);
	for (size_t i = 0; i < CLAIMED; i++)
		CHECK(c[i].claimed);
	check_held(r, c[1].execution);
	CHECK_OK(runs_finish(u, r->worker, str_of("w1"), &end, 1, &err), err);
	CHECK(end.stored);
	CHECK_INT((int64_t)u->out.n, 1);
	CHECK_INT(u->out.msgs[0].kind, MSG_EXECUTION_COMPLETED);
	CHECK_OK(runs_claim_rest(u, str_of("w1"), c, CLAIMED, &err), err);
	for (size_t i = 0; i < CLAIMED; i++)
		CHECK(!c[i].open);
	if (keep)
		CHECK_OK(uow_commit(u, &points_worker, &err), err);
	else
		uow_abort(u);
}

static void
check_claimed_and_ended(ExecEvent how, bool quick, const char *state)
{
	/* whose last move nobody finds who asks for what changed since then */
	static const Stmt moved_later = { .sql = "select count(*) from execution where finished_at > updated",
		.in = "" };
	CLEANUP(rig_done) Rig *r = rig_open();
	RunClaim c[CLAIMED], late[CLAIMED];
	long long now = (long long)r->now;
	Err err = { 0 };

	rig_worker(r, "inc-1", CLAIMED, "shell");
	for (size_t i = 0; i < countof(c); i++)
		c[i] = (RunClaim){ .execution = rig_create(r), .attempt = 1, .quick = quick };
	rig_schedule(r);
	claim_some_end_one(r, c, how, false);
	check_status(r, c[0].execution, EXEC_SCHEDULED);
	claim_some_end_one(r, c, how, true);
	check_stored(r, c[0].execution,
	    str_fmt(r->u->arena,
		"%s inc-1 5 9\nrequested|%lld|tester|0|\nscheduled|%lld|tester|1|\nrunning|%lld|w1|1|\n%s|%lld|w1|1|\n",
		state, now, now, now, state, now + 9)
		.p);
	check_stored(r, c[1].execution,
	    str_fmt(r->u->arena,
		"running inc-1 0 -1\nrequested|%lld|tester|0|\nscheduled|%lld|tester|1|\nrunning|%lld|w1|1|\n", now,
		now, now)
		.p);
	CHECK_INT(world_number(r->w, &moved_later), 0);
	/* none is anybody's to claim any more */
	memcpy(late, c, sizeof(c));
	CHECK_OK(uow_begin(r->u, &err), err);
	CHECK_OK(runs_claim_open(r->u, r->worker, str_of("inc-2"), str_of("w1"), late, CLAIMED, &err), err);
	for (size_t i = 0; i < CLAIMED; i++)
		CHECK(!late[i].claimed && !late[i].open);
	CHECK_OK(runs_claim_rest(r->u, str_of("w1"), late, CLAIMED, &err), err);
	CHECK_OK(uow_commit(r->u, &points_worker, &err), err);
}

TEST(a_run_that_ends_in_the_transaction_that_claims_it_has_had_every_state)
{
	check_claimed_and_ended(EV_EXIT_OK, true, "completed");
	check_claimed_and_ended(EV_EXIT_BAD, true, "failed");
	check_claimed_and_ended(EV_EXIT_OK, false, "completed");
}

TEST(a_full_worker_makes_the_rest_wait_and_room_lets_the_oldest_in)
{
	CLEANUP(rig_done) Rig *r = rig_open();
	Id ids[5];

	rig_worker(r, "inc-1", 2, "shell"); /* two slots and one at the door */
	for (size_t i = 0; i < countof(ids); i++)
		ids[i] = rig_create(r);
	rig_schedule(r);
	for (size_t i = 0; i < countof(ids); i++)
		check_status(r, ids[i], i < 3 ? EXEC_SCHEDULED : EXEC_REQUESTED);
	CHECK_INT(rig_look(r, ids[3]).reason, WAIT_CAPACITY);
	CHECK_INT(rig_look(r, ids[4]).reason, WAIT_QUEUED);
	CHECK(rig_claim(r, ids[0], 1, "inc-1"));
	CHECK(rig_finish(r, ids[0], 1, EV_EXIT_BAD));
	rig_schedule(r);
	check_status(r, ids[3], EXEC_SCHEDULED);
	check_status(r, ids[4], EXEC_REQUESTED);
}

TEST(without_a_worker_it_waits_says_why_and_fails_in_the_end)
{
	CLEANUP(rig_done) Rig *r = rig_open();
	Id id = rig_create(r), later;

	rig_worker(r, "inc-1", 2, "python");
	rig_schedule(r);
	CHECK_INT(rig_look(r, id).reason, WAIT_NO_WORKER);
	r->now += 200 * US_PER_S;
	later = rig_create(r);
	rig_schedule(r);
	CHECK_INT(rig_look(r, later).reason, WAIT_NO_WORKER);
	r->now += 101 * US_PER_S;
	CHECK_INT((int64_t)rig_sweep(r).refused, 1);
	check_status(r, id, EXEC_FAILED);
	check_status(r, later, EXEC_REQUESTED); /* its own 300 s are not over */
	rig_worker(r, "inc-2", 2, "shell");
	rig_schedule(r);
	check_status(r, later, EXEC_SCHEDULED);
}

TEST(cancel_ends_what_waits_and_asks_what_runs)
{
	CLEANUP(rig_done) Rig *r = rig_open();
	Id waits, runs;
	ExecState status;
	Err err = { 0 };

	rig_worker(r, "inc-1", 1, "shell");
	runs = rig_create(r);
	rig_schedule(r);
	CHECK(rig_claim(r, runs, 1, "inc-1"));
	waits = rig_create(r);
	CHECK_OK(uow_begin(r->u, &err), err);
	CHECK_OK(execution_cancel(r->u, waits, str_of("me"), &status, &err), err);
	CHECK_INT(status, EXEC_CANCELLED);
	CHECK_OK(execution_cancel(r->u, runs, str_of("me"), &status, &err), err);
	CHECK_INT(status, EXEC_CANCELING);
	CHECK_OK(execution_cancel(r->u, runs, str_of("me"), &status, &err), err); /* again: nothing happens */
	CHECK(!execution_cancel(r->u, waits, str_of("me"), &status, &err));
	CHECK_INT(err.code, ERR_CONFLICT);
	CHECK(!execution_cancel(r->u, 999999, str_of("me"), &status, &err));
	CHECK_INT(err.code, ERR_NOT_FOUND);
	CHECK_OK(uow_commit(r->u, &points_cancel, &err), err);
	CHECK(rig_finish(r, runs, 1, EV_EXIT_OK)); /* whatever it says now, it was cancelled */
	check_status(r, runs, EXEC_CANCELLED);
	CHECK(!rig_claim(r, waits, 1, "inc-1"));
}

TEST(a_worker_that_comes_back_settles_what_its_earlier_process_held)
{
	CLEANUP(rig_done) Rig *r = rig_open();
	const Json *lost;
	Err err = { 0 };
	Id ran, held;
	Json row;

	rig_worker(r, "inc-1", 1, "shell");
	ran = rig_create(r);
	held = rig_create(r);
	rig_schedule(r);
	CHECK(rig_claim(r, ran, 1, "inc-1"));
	rig_worker(r, "inc-2", 1, "shell");
	check_status(r, ran, EXEC_ABANDONED);
	check_status(r, held, EXEC_REQUESTED);
	CHECK_OK(execution_show(r->u->db, r->u->arena, ran, &row, &err), err);
	lost = json_get(json_get(&row, "result"), "worker");
	CHECK_INT(json_as_int(json_get(lost, "id"), 0), r->worker);
	CHECK(json_get_text(lost, "status").n > 0 && json_is_null(json_get(lost, "last_heartbeat")));
	CHECK(!rig_finish(r, ran, 1, EV_EXIT_OK)); /* the old process is not dead after all: too late */
	check_status(r, ran, EXEC_ABANDONED);
	rig_schedule(r);
	CHECK(!rig_claim(r, held, 1, "inc-2")); /* the token of the attempt that was given back */
	CHECK(rig_claim(r, held, 2, "inc-2"));
}

TEST(what_nobody_was_told_of_is_announced_again)
{
	CLEANUP(rig_done) Rig *r = rig_open();
	Json none = json_object();
	EventIn in = { .trigger_ref = str_of("test.happened"), .payload = &none };
	EventOut out;
	Err err = { 0 };
	SweepReport report;
	Id id;

	rig_worker(r, "inc-1", 2, "shell");
	CHECK_OK(uow_begin(r->u, &err), err);
	CHECK_OK(ingest(r->u, &in, 1, &out, &err), err);
	CHECK_OK(uow_commit(r->u, &points_ingest, &err), err);
	id = rig_create(r);
	CHECK_INT((int64_t)rig_sweep(r).announced, 0); /* they may still be on their way */
	check_status(r, id, EXEC_SCHEDULED);
	r->now += 6 * US_PER_S;
	report = rig_sweep(r);
	CHECK_INT((int64_t)report.announced, 2); /* the enforcement and the dispatch */
	CHECK(report.waiting);
	r->now += 40 * US_PER_S;
	CHECK_INT((int64_t)rig_sweep(r).returned, 1);
}

/* Whoever was told of it last may have died with it. */
TEST(what_was_to_be_told_when_a_process_ended_is_told_by_the_next_at_once)
{
	CLEANUP(rig_done) Rig *r = rig_open();
	Json none = json_object();
	EventIn in = { .trigger_ref = str_of("test.happened"), .payload = &none };
	EventOut out;
	Err err = { 0 };
	SweepReport report;

	CHECK_OK(uow_begin(r->u, &err), err);
	CHECK_OK(ingest(r->u, &in, 1, &out, &err), err);
	CHECK_OK(uow_commit(r->u, &points_ingest, &err), err);
	CHECK_OK(uow_begin(r->u, &err), err);
	CHECK_OK(sweep_first(r->u, &report, &err), err);
	CHECK_INT((int64_t)r->u->out.n, 1);
	CHECK(r->u->out.msgs[0].kind == MSG_ENFORCEMENT_CREATED);
	CHECK_OK(uow_commit(r->u, &points_sweep, &err), err);
	CHECK_INT((int64_t)rig_sweep(r).announced, 0);
}

TEST(parameters_that_break_the_schema_never_reach_a_worker)
{
	CLEANUP(rig_done) Rig *r = rig_open();
	Uow *u = r->u;
	Err err = { 0 };
	ActionDef action;
	DefPut put;
	Json def = json_object(), params = json_object();
	ExecutionIn in = { .action_ref = str_of("test.do"), .by = str_of("tester"), .params = &params };
	ExecutionOut out;

	CHECK_OK(uow_begin(u, &err), err);
	CHECK_OK(action_get(u->db, u->arena, r->action, &action, &err), err);
	json_add(u->arena, &def, "type", json_cstr("integer"));
	json_add(u->arena, &def, "required", json_bool(true));
	action.param_schema = json_object();
	json_add(u->arena, &action.param_schema, "count", def);
	CHECK_OK(action_put(u->db, u->arena, &action, u->now, &put, &err), err);
	CHECK(put.changed);
	CHECK_OK(uow_commit(u, &points_create, &err), err);
	CHECK_OK(uow_begin(u, &err), err);
	CHECK_OK(execution_create(u, &in, &out, &err), err);
	CHECK_INT(out.status, EXEC_FAILED);
	CHECK(!execution_check(u, &in, &err));
	CHECK_INT(err.code, ERR_VALIDATION);
	json_set(u->arena, &params, "count", json_cstr("12"));
	CHECK_OK(execution_create(u, &in, &out, &err), err);
	CHECK_INT(out.status, EXEC_REQUESTED);
	in.action_ref = str_of("test.gone");
	CHECK(!execution_create(u, &in, &out, &err));
	CHECK_INT(err.code, ERR_NOT_FOUND);
	uow_abort(u);
}

/* 0: for ever */
static RetainPlan
keep_days(int64_t days)
{
	RetainPlan plan = { .enabled = true };

	for (size_t i = 0; i < RETAIN_TARGETS; i++)
		plan.max_age[i] = days == 0 ? RETAIN_FOR_EVER : days * 86400;
	return plan;
}

TEST(what_is_old_goes_in_small_steps_and_what_has_not_ended_stays)
{
	CLEANUP(rig_done) Rig *r = rig_open();
	Err err = { 0 };
	Retain at = { 0 };
	int64_t all = 0, removed;
	bool more = true;
	Id ids[8];

	rig_worker(r, "inc-1", 100, "shell");
	for (size_t i = 0; i < countof(ids); i++) {
		ids[i] = rig_create(r);
		rig_schedule(r);
		CHECK(rig_claim(r, ids[i], 1, "inc-1"));
		if (i != 2)
			CHECK(rig_finish(r, ids[i], 1, EV_EXIT_OK));
		r->now += 10 * 86400LL * US_PER_S;
	}
	r->engine.keep = keep_days(35); /* the last three are younger */
	r->engine.keep.step = 2;
	for (int steps = 0; more; steps++) {
		CHECK(steps < 20);
		CHECK_OK(uow_begin(r->u, &err), err);
		CHECK_OK(retain(r->u, &at, &removed, &more, &err), err);
		CHECK_OK(uow_commit(r->u, &points_sweep, &err), err);
		CHECK(removed <= 3);
		all += removed;
	}
	CHECK_INT(all, 4);
	for (size_t i = 0; i < countof(ids); i++)
		CHECK((rig_look(r, ids[i]).id != 0) == (i == 2 || i >= 5));
	r->engine.keep = keep_days(0);
	r->engine.keep.max_rows = 1;
	at = (Retain){ 0 };
	for (more = true; more;) {
		CHECK_OK(uow_begin(r->u, &err), err);
		CHECK_OK(retain(r->u, &at, &removed, &more, &err), err);
		CHECK_OK(uow_commit(r->u, &points_sweep, &err), err);
	}
	CHECK(rig_look(r, ids[2]).id != 0 && rig_look(r, ids[7]).id != 0 && rig_look(r, ids[6]).id == 0);
}

TEST(of_idle_workers_the_one_that_has_built_the_environment_of_the_pack_gets_the_run)
{
	CLEANUP(rig_done) Rig *r = rig_open();
	EnvironmentRow env = { .pack_ref = str_of("test"),
		.runtime = str_of("shell-1"),
		.host = str_of("w2"),
		.place = str_of("/envs"),
		.worker = str_of("w2"),
		.env_path = str_of("/envs/test"),
		.status = "ready",
		.built = true };
	Id built;
	Err err = { 0 };

	rig_worker_named(r, "w1", "inc-1", 8, "shell");
	rig_worker_named(r, "w2", "inc-2", 8, "shell");
	built = r->worker;
	rig_worker_named(r, "w3", "inc-3", 8, "shell");
	CHECK_OK(uow_begin(r->u, &err), err);
	CHECK_OK(environment_put(r->u->db, r->u->arena, &env, r->now, &err), err);
	CHECK_OK(uow_commit(r->u, &points_worker, &err), err);
	for (int i = 0; i < 9; i++) {
		Id run = rig_create(r);

		rig_schedule(r);
		CHECK(i % 3 != 0 || rig_look(r, run).worker == built); /* then the others are less loaded */
	}
}

TEST(a_run_waits_behind_a_long_one_until_somebody_else_is_free)
{
	CLEANUP(rig_done) Rig *r = rig_open();
	Id runs, waits;

	rig_worker(r, "inc-1", 1, "shell");
	runs = rig_create(r);
	waits = rig_create(r);
	rig_schedule(r);
	CHECK(rig_claim(r, runs, 1, "inc-1"));
	r->now += 60 * US_PER_S;
	CHECK_INT((int64_t)rig_sweep(r).returned, 0);
	check_status(r, waits, EXEC_SCHEDULED);
	rig_worker_named(r, "w2", "inc-2", 1, "shell");
	CHECK_INT((int64_t)rig_sweep(r).returned, 1);
	check_status(r, waits, EXEC_SCHEDULED);
	CHECK(!rig_claim(r, waits, 1, "inc-1")); /* it is the other one's now */
	CHECK(rig_claim(r, waits, 2, "inc-2"));
}

/* ---- rules on the end of runs ---- */

/* Another process makes it: this one's memory of definitions does not know. */
static void
hear_ends(Rig *r, const char *trigger_ref, const char *extras)
{
	Uow *u = r->u;
	TriggerDef t = { .ref = str_of("core.execution_completed"),
		.pack_ref = str_of("test"),
		.label = str_of("Ended"),
		.enabled = true };
	RuleDef rule, other;
	Err err = { 0 };
	DefPut put;

	CHECK_OK(db_begin(u->db, &err), err);
	CHECK_OK(rule_get(u->db, r->w->a, r->rule, &rule, &err), err);
	t.pack = rule.pack;
	CHECK_OK(trigger_put(u->db, r->w->a, &t, r->now, &put, &err), err);
	other = rule;
	other.id = 0;
	other.ref = str_of("test.after");
	other.trigger_ref = str_of(trigger_ref);
	CHECK_OK(trigger_get_ref(u->db, r->w->a, other.trigger_ref, &t, &err), err);
	other.trigger = t.id;
	CHECK_OK(json_parse(r->w->a, str_of(extras), NULL, &other.extras, &err), err);
	CHECK_OK(rule_put(u->db, r->w->a, &other, r->now, &put, &err), err);
	CHECK_OK(db_commit(u->db, &err), err);
}

static int64_t
ends_told(Rig *r)
{
	static const char sql[] = "select count(*) from event where trigger_ref = 'core.execution_completed'";
	Rows rows;
	Err err = { 0 };

	CHECK_OK(db_read_text(r->w->db, r->w->a, str_of(sql), "", NULL, &rows, &err), err);
	return row_int(rows_at(&rows, 0), 0);
}

static void
run_begins(Rig *r, Id *ret)
{
	rig_worker(r, "i1", 2, "shell");
	*ret = rig_create(r);
	CHECK(rig_claim(r, *ret, 1, "i1"));
}

TEST(a_rule_hears_the_end_of_a_run_that_began_before_it_was_made)
{
	CLEANUP(rig_done) Rig *r = rig_open();
	Id run;

	run_begins(r, &run);
	hear_ends(r, "core.execution_completed", "null");
	CHECK(rig_finish(r, run, 1, EV_EXIT_OK));
	CHECK_INT(ends_told(r), 1);
}

TEST(a_rule_on_several_triggers_hears_the_end_of_a_run_too)
{
	CLEANUP(rig_done) Rig *r = rig_open();
	Id run;

	run_begins(r, &run);
	hear_ends(r, "test.happened",
	    "{\"triggers\": [{\"trigger_ref\": \"test.happened\"}, {\"trigger_ref\": \"core.execution_completed\"}],"
	    " \"correlate\": {\"mode\": \"any\", \"within\": \"5m\"}}");
	CHECK(rig_finish(r, run, 1, EV_EXIT_OK));
	CHECK_INT(ends_told(r), 1);
}
