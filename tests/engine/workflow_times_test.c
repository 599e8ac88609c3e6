/* Workflows whose time has come, and those that were told something and not heard of: nothing waits for somebody else's luck. */
#include "flow.h"

#include "store/workflow_run.h"

#include "test.h"

static SweepReport
flow_sweep(Flow *r)
{
	SweepReport report;
	Err err = { 0 };

	CHECK_OK(uow_begin(r->u, &err), err);
	CHECK_OK(sweep(r->u, &report, &err), err);
	CHECK_OK(uow_commit(r->u, &points_sweep, &err), err);
	return report;
}

/* A run of it has ended, and the message that says so is lost. */
static Id
told_and_not_heard(Flow *r)
{
	Id id;

	flow_workflow(r, "test.flow", "{tasks: [{name: a, action: test.ok}]}", NULL);
	id = flow_start(r, "test.flow", "{}");
	flow_step(r);
	CHECK_INT((int64_t)flow_work(r), 1);
	return id;
}

TEST(a_workflow_that_was_told_something_is_looked_at_though_the_clock_was_set_back)
{
	CLEANUP(flow_done) Flow *r = flow_open();

	told_and_not_heard(r);
	r->now -= 3600LL * US_PER_S;
	CHECK_INT((int64_t)flow_sweep(r).announced, 1);
}

TEST(while_a_workflow_was_told_something_somebody_sweeps_again)
{
	CLEANUP(flow_done) Flow *r = flow_open();
	Id id = told_and_not_heard(r);

	CHECK(flow_sweep(r).waiting); /* too short a while ago to be announced again */
	CHECK_STR(flow_state(r, id), str_of("running"));
	flow_run(r);
	CHECK_STR(flow_state(r, id), str_of("completed"));
	CHECK(!flow_sweep(r).waiting);
}

/* Its row says that it runs and is paused; that it is being cancelled stands in the row of the run. */
TEST(a_paused_workflow_whose_cancel_nobody_heard_is_announced_again)
{
	CLEANUP(flow_done) Flow *r = flow_open();
	Id id = told_and_not_heard(r);
	ExecState state;
	Err err = { 0 };

	CHECK_OK(uow_begin(r->u, &err), err);
	CHECK_OK(execution_hold(r->u, id, true, &err), err);
	CHECK_OK(uow_commit(r->u, &points_cancel, &err), err);
	r->now += 60 * US_PER_S;
	CHECK_INT((int64_t)flow_sweep(r).announced, 0); /* it is to stay as it is */
	CHECK_OK(uow_begin(r->u, &err), err);
	CHECK_OK(execution_cancel(r->u, id, str_of("tester"), &state, &err), err);
	CHECK_OK(uow_commit(r->u, &points_cancel, &err), err);
	r->now += 60 * US_PER_S;
	CHECK_INT((int64_t)flow_sweep(r).announced, 1);
	flow_run(r);
	CHECK_STR(flow_state(r, id), str_of("cancelled"));
}

static void
count(void *self, const Outbox *out)
{
	(void)out;
	(*(int *)self)++;
}

TEST(who_looks_at_what_is_due_is_told_of_a_delay_though_nothing_is_sent)
{
	CLEANUP(flow_done) Flow *r = flow_open();
	int told = 0;
	Id id;
	Err err = { 0 };

	flow_workflow(r, "test.flow",
	    "{tasks: [{name: a, action: test.ok, next: [{do: b}]}, {name: b, action: test.ok, delay: 5}]}", NULL);
	id = flow_start(r, "test.flow", "{}");
	flow_step(r);
	flow_work(r);
	r->engine.moved = count;
	r->engine.moved_self = &told;
	CHECK_OK(uow_begin(r->u, &err), err);
	CHECK_OK(workflow_step(r->u, &id, 1, &err), err);
	CHECK_INT((int64_t)r->u->out.n, 0);
	CHECK_OK(uow_commit(r->u, &points_step, &err), err);
	CHECK_INT(told, 1);
}

static Id
newest_under(Flow *r, Id workflow)
{
	static const Stmt newest = { .sql = "select max(id) from execution where parent = $1", .in = "i" };
	Rows rows = flow_rows(r, &newest, workflow);

	return row_int(rows_at(&rows, 0), 0);
}

TEST(a_run_that_is_cancelled_as_its_time_ends_has_failed_and_not_timed_out)
{
	CLEANUP(flow_done) Flow *r = flow_open();
	RunClaim c = { .attempt = 1 };
	RunResult end = { .attempt = 1, .event = EV_EXIT_BAD, .started = r->now, .finished = r->now + 1000 };
	ExecState now;
	Err err = { 0 };
	Id id;

	flow_workflow(r, "test.flow",
	    "{tasks: [{name: a, action: test.ok, next: [{when: timed_out(), do: b}, {when: failed(), do: c}]}, {name: "
	    "b, "
	    "action: test.ok}, {name: c, action: test.ok}]}",
	    NULL);
	id = flow_start(r, "test.flow", "{}");
	flow_step(r);
	end.execution = c.execution = newest_under(r, id);
	CHECK_OK(uow_begin(r->u, &err), err);
	CHECK_OK(runs_claim(r->u, r->worker, str_of("inc"), str_of("w1"), &c, 1, &err), err);
	CHECK_OK(execution_cancel(r->u, c.execution, str_of("tester"), &now, &err), err);
	end.result = json_object();
	json_add(r->u->arena, &end.result, "timed_out", json_bool(true));
	CHECK_OK(runs_finish(r->u, r->worker, str_of("w1"), &end, 1, &err), err);
	CHECK_OK(uow_commit(r->u, &points_worker, &err), err);
	flow_run(r);
	CHECK_STR(flow_trace(r, id), str_of("a~ c"));
}

TEST(a_workflow_whose_time_ends_with_that_of_the_one_above_it_ends_too)
{
	CLEANUP(flow_done) Flow *r = flow_open();
	static const Stmt live = {
		.sql =
		    "select count(*) from execution where id >= $1 and finished_at is null and action_ref <> 'test.ok'",
		.in = "i",
	};
	TimeUs next;
	Rows rows;
	Id id;

	flow_workflow(r, "test.inner", "{timeout: 10, tasks: [{name: x, action: test.ok}]}", NULL);
	flow_workflow(r, "test.outer", "{timeout: 10, tasks: [{name: a, action: test.inner}]}", NULL);
	id = flow_start(r, "test.outer", "{}");
	flow_step(r);
	flow_step(r);
	r->now += 60 * US_PER_S;
	flow_due(r, &next);
	flow_step(r);
	CHECK_STR(flow_state(r, id), str_of("failed"));
	rows = flow_rows(r, &live, 0);
	CHECK_INT(row_int(rows_at(&rows, 0), 0), 0);
}

/* Were it looked at for the sake of its limit, it would be due at every look for as long as the run goes on. */
TEST(a_cancelled_workflow_that_lets_a_run_finish_is_not_due_beyond_its_limit)
{
	CLEANUP(flow_done) Flow *r = flow_open();
	RunClaim c = { .attempt = 1 };
	ExecState now;
	TimeUs next;
	Err err = { 0 };
	Id id;

	flow_workflow(r, "test.flow",
	    "{timeout: 10, cancellation_policy: allow_finish, tasks: [{name: a, action: test.ok}]}", NULL);
	id = flow_start(r, "test.flow", "{}");
	flow_step(r);
	c.execution = newest_under(r, id);
	CHECK_OK(uow_begin(r->u, &err), err);
	CHECK_OK(runs_claim(r->u, r->worker, str_of("inc"), str_of("w1"), &c, 1, &err), err);
	CHECK_OK(execution_cancel(r->u, id, str_of("tester"), &now, &err), err);
	CHECK_OK(uow_commit(r->u, &points_worker, &err), err);
	r->now += 60 * US_PER_S;
	flow_due(r, &next);
	CHECK_INT(next, 0);
	CHECK_STR(flow_state(r, id), str_of("canceling"));
	CHECK_STR(flow_trace(r, id), str_of("a?"));
}
