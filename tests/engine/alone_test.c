/* Runs that have the platform to themselves: what is guessed of them, and committed in one round trip, comes out as if it had been
 * asked first. Over both stores; SQLite asks always. */
#include "rig.h"
#include "seat.h"

#include "model/policy.h"
#include "store/action.h"
#include "store/policy.h"
#include "store/rule.h"
#include "store/trigger.h"

#include "test.h"

/* ---- what the tests do ---- */

/* As the API asks: nothing else is written by its transaction. */
static Id
ask(Rig *r)
{
	ExecutionIn in = { .action_ref = str_of("test.do"), .by = str_of("tester") };
	ExecutionOut out;
	Err err = { 0 };

	CHECK_OK(uow_begin(r->u, &err), err);
	uow_last(r->u, &points_create);
	CHECK_OK(execution_create(r->u, &in, &out, &err), err);
	CHECK_OK(uow_commit(r->u, &points_create, &err), err);
	return out.id;
}

/* As a worker ends a run of which its claim has said that it is no task of a workflow. */
static bool
end(Rig *r, Id id, ExecEvent event)
{
	RunResult result = { .execution = id,
		.attempt = 1,
		.event = event,
		.started = r->now,
		.finished = r->now + 1000,
		.result = json_object(),
		.lone = r->action };
	Err err = { 0 };

	CHECK_OK(uow_begin(r->u, &err), err);
	r->u->follows = true;
	uow_last(r->u, &points_worker);
	CHECK_OK(runs_finish(r->u, r->worker, str_of("w1"), &result, 1, &err), err);
	CHECK_OK(runs_follow(r->u, &err), err);
	CHECK_OK(uow_commit(r->u, &points_worker, &err), err);
	return result.stored;
}

static bool
run(Rig *r, Id id)
{
	return rig_claim(r, id, 1, "i1") && end(r, id, EV_EXIT_OK);
}

/* One run has come and gone, so that this thread believes the worker to have nothing to do. */
static void
learn(Rig *r)
{
	Id id = ask(r);

	check_status(r, id, EXEC_SCHEDULED);
	CHECK(r->u->idle);
	CHECK(run(r, id));
	check_status(r, id, EXEC_COMPLETED);
}

/* By another process: this one has not heard of it when it next makes a run, or ends one. */
static void
elsewhere(Rig *r, void (*change)(Uow *u, const Rig *r))
{
	Engine other;
	Uow *u;
	Err err = { 0 };

	seat_begin(r->w, r->bus, r->engine.clock, &other, &u);
	CHECK_OK(uow_begin(u, &err), err);
	change(u, r);
	CHECK_OK(uow_commit(u, &points_create, &err), err);
	seat_end(&other, u);
}

static void
limit_to_one(Uow *u, const Rig *r)
{
	PolicyDef d = { .ref = str_of("test.limit"),
		.label = str_of("Limit"),
		.enabled = true,
		.action = r->action,
		.action_ref = str_of("test.do"),
		.tags = json_array() };
	Json c, none = json_null();
	DefPut put;
	Err err = { 0 };

	CHECK_OK(json_parse(u->arena, str_of("{\"limit\": 1}"), NULL, &c, &err), err);
	CHECK_OK(policy_limits_read(&c, &none, &none, &d, &err), err);
	CHECK_OK(policy_put(u->db, u->arena, &d, u->now, &put, &err), err);
}

static void
switch_off(Uow *u, const Rig *r)
{
	ActionDef action;
	DefPut put;
	Err err = { 0 };

	CHECK_OK(action_get(u->db, u->arena, r->action, &action, &err), err);
	action.enabled = false;
	CHECK_OK(action_put(u->db, u->arena, &action, u->now, &put, &err), err);
}

/* A rule that reacts to the ends of runs. */
static void
listen(Uow *u, const Rig *r)
{
	TriggerDef t = { .ref = str_of("core.execution_completed"),
		.pack_ref = str_of("test"),
		.label = str_of("Completed"),
		.enabled = true };
	RuleDef rule;
	DefPut put;
	Err err = { 0 };

	CHECK_OK(rule_get(u->db, u->arena, r->rule, &rule, &err), err);
	t.pack = rule.pack;
	CHECK_OK(trigger_put(u->db, u->arena, &t, u->now, &put, &err), err);
	rule.id = 0;
	rule.ref = str_of("test.listens");
	rule.trigger = put.id;
	rule.trigger_ref = t.ref;
	CHECK_OK(rule_put(u->db, u->arena, &rule, u->now, &put, &err), err);
}

/* ---- made ---- */

TEST(before_anything_is_known_nothing_is_guessed_and_nothing_is_held)
{
	CLEANUP(rig_done) Rig *r = rig_open();
	Id known;
	Err err = { 0 };

	defs_forget(r->engine.defs);
	CHECK(!defs_peek(r->engine.defs, &known));
	CHECK_OK(uow_begin(r->u, &err), err);
	CHECK_OK(
	    defs_enter(r->engine.defs, r->u->db, r->u->arena, &err), err); /* it loads them: nobody may hold them */
	defs_leave(r->engine.defs);
	CHECK_OK(uow_commit(r->u, &points_create, &err), err);
	CHECK(defs_peek(r->engine.defs, &known));
	defs_leave(r->engine.defs);
}

TEST(a_run_for_a_worker_with_nothing_to_do_is_given_to_it_as_it_is_made)
{
	CLEANUP(rig_done) Rig *r = rig_open();
	Id id;

	rig_worker(r, "i1", 2, "shell");
	learn(r);
	id = ask(r);
	check_status(r, id, EXEC_SCHEDULED);
	CHECK_INT(rig_look(r, id).worker, r->worker);
	CHECK_INT(rig_look(r, id).attempt, 1);
	CHECK(r->u->idle);
	CHECK(run(r, id));
	CHECK_INT(rig_number(r, "select count(*) from execution"), 2);
}

TEST(a_guess_that_was_wrong_makes_nothing_and_the_run_is_made_once)
{
	CLEANUP(rig_done) Rig *r = rig_open();
	Id ids[4];

	rig_worker(r, "i1", 2, "shell"); /* and one at its door */
	learn(r);
	for (size_t i = 0; i < countof(ids); i++)
		ids[i] = ask(r);
	for (size_t i = 0; i < countof(ids); i++)
		check_status(r, ids[i], i < 3 ? EXEC_SCHEDULED : EXEC_REQUESTED);
	CHECK_INT(rig_number(r, "select count(*) from execution"), 5);
}

TEST(what_waits_is_not_overtaken_by_a_guess)
{
	CLEANUP(rig_done) Rig *r = rig_open();
	ExecutionIn in[2] = { { .action_ref = str_of("test.do"), .by = str_of("tester") },
		{ .action_ref = str_of("test.do"), .by = str_of("tester") } };
	ExecutionOut out[2];
	Err err = { 0 };
	Id id;

	rig_worker(r, "i1", 2, "shell");
	learn(r);
	/* several at once are only written down */
	CHECK_OK(uow_begin(r->u, &err), err);
	CHECK_OK(executions_create(r->u, in, 2, out, &err), err);
	CHECK_OK(uow_commit(r->u, &points_create, &err), err);
	CHECK(r->u->idle);
	id = ask(r);
	check_status(r, id, EXEC_REQUESTED);
	rig_schedule(r);
	check_status(r, out[0].id, EXEC_SCHEDULED);
	check_status(r, id, EXEC_SCHEDULED);
}

TEST(a_limit_that_was_set_elsewhere_holds_the_next_run)
{
	CLEANUP(rig_done) Rig *r = rig_open();
	Id first, second;

	rig_worker(r, "i1", 2, "shell");
	learn(r);
	elsewhere(r, limit_to_one);
	first = ask(r);
	rig_schedule(r);
	check_status(r, first, EXEC_SCHEDULED);
	second = ask(r);
	rig_schedule(r);
	check_status(r, second, EXEC_REQUESTED);
	CHECK_INT(rig_look(r, second).reason, WAIT_CONCURRENCY);
}

TEST(an_action_that_was_switched_off_elsewhere_makes_no_run)
{
	CLEANUP(rig_done) Rig *r = rig_open();
	ExecutionIn in = { .action_ref = str_of("test.do"), .by = str_of("tester") };
	ExecutionOut out;
	Err err = { 0 };

	rig_worker(r, "i1", 2, "shell");
	learn(r);
	elsewhere(r, switch_off);
	CHECK_OK(uow_begin(r->u, &err), err);
	uow_last(r->u, &points_create);
	CHECK(!execution_create(r->u, &in, &out, &err));
	CHECK_INT(err.code, ERR_CONFLICT);
	uow_abort(r->u);
	CHECK_INT(rig_number(r, "select count(*) from execution"), 1);
}

/* ---- ended ---- */

TEST(a_rule_that_was_made_elsewhere_hears_of_the_very_next_end)
{
	CLEANUP(rig_done) Rig *r = rig_open();
	Id id;

	rig_worker(r, "i1", 2, "shell");
	learn(r);
	id = ask(r);
	CHECK(rig_claim(r, id, 1, "i1"));
	elsewhere(r, listen);
	CHECK(end(r, id, EV_EXIT_OK));
	check_status(r, id, EXEC_COMPLETED);
	CHECK_INT(rig_number(r, "select count(*) from event where trigger_ref = 'core.execution_completed'"), 1);
}

TEST(the_end_of_a_run_that_is_being_cancelled_is_a_cancel)
{
	CLEANUP(rig_done) Rig *r = rig_open();
	ExecState status;
	Err err = { 0 };
	Id id;

	rig_worker(r, "i1", 2, "shell");
	learn(r);
	id = ask(r);
	CHECK(rig_claim(r, id, 1, "i1"));
	CHECK_OK(uow_begin(r->u, &err), err);
	CHECK_OK(execution_cancel(r->u, id, str_of("tester"), &status, &err), err);
	CHECK_OK(uow_commit(r->u, &points_cancel, &err), err);
	CHECK_INT(status, EXEC_CANCELING);
	CHECK(end(r, id, EV_EXIT_OK));
	check_status(r, id, EXEC_CANCELLED);
}

TEST(an_end_that_comes_twice_or_too_late_changes_nothing)
{
	CLEANUP(rig_done) Rig *r = rig_open();
	Id id;

	rig_worker(r, "i1", 2, "shell");
	learn(r);
	id = ask(r);
	CHECK(run(r, id));
	CHECK(!end(r, id, EV_EXIT_OK));
	CHECK(!end(r, id, EV_EXIT_BAD));
	check_status(r, id, EXEC_COMPLETED);
}
