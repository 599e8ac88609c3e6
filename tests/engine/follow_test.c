/* What follows the end of a run in the transaction that ends it, and what is left to executors. */
#include "flow.h"

#include "base/yaml.h"
#include "model/policy.h"
#include "store/action.h"
#include "store/policy.h"
#include "store/workflow_run.h"
#include "test.h"

static const Stmt given = {
	.sql = "select id, attempt from execution where status = 'scheduled' and id >= $1 order by id",
	.in = "i",
};
static const Stmt inbox = { .sql = "select id from workflow_inbox where workflow = $1", .in = "i" };

/* Ends the first run that a worker has, as a worker does. */
static void
end_first(Flow *r, bool follows)
{
	Rows rows = flow_rows(r, &given, 0);
	Err err = { 0 };
	RunClaim c;
	RunResult result;

	CHECK(rows.n > 0);
	c = (RunClaim){ .execution = row_int(rows_at(&rows, 0), 0), .attempt = (int)row_int(rows_at(&rows, 0), 1) };
	result = (RunResult){ .execution = c.execution,
		.attempt = c.attempt,
		.event = EV_EXIT_OK,
		.started = r->now,
		.finished = r->now + 1000,
		.result = json_object() };
	CHECK_OK(uow_begin(r->u, &err), err);
	r->u->follows = follows;
	CHECK_OK(runs_claim(r->u, r->worker, str_of("inc"), str_of("w1"), &c, 1, &err), err);
	CHECK_OK(runs_finish(r->u, r->worker, str_of("w1"), &result, 1, &err), err);
	CHECK_OK(runs_follow(r->u, &err), err);
	CHECK_OK(uow_commit(r->u, &points_worker, &err), err);
}

/* How often the last transaction has said so, and whether whoever hears of the end has nothing left to do. */
static size_t
said(const Flow *r, MsgKind kind, int *ret_settled)
{
	size_t n = 0;

	for (size_t i = 0; i < r->u->out.n; i++)
		if (r->u->out.msgs[i].kind == kind) {
			n++;
			*ret_settled = r->u->out.msgs[i].item.settled;
		}
	return n;
}

TEST(a_workflow_goes_on_in_the_transaction_that_ends_its_run)
{
	CLEANUP(flow_done) Flow *r = flow_open();
	int settled = 0, ignored;
	Id id;

	flow_workflow(r, "test.flow",
	    "{tasks: [{name: a, action: test.ok, next: [{do: b}]}, {name: b, action: test.ok, next: [{do: c}]}, {name: "
	    "c, action: test.ok}]}",
	    NULL);
	id = flow_start(r, "test.flow", "{}");
	flow_step(r);
	end_first(r, true);
	CHECK_INT((int64_t)said(r, MSG_EXECUTION_COMPLETED, &settled), 1);
	CHECK_INT(settled, 1);
	CHECK_INT((int64_t)said(r, MSG_EXECUTION_SCHEDULED, &ignored), 1);
	CHECK_INT((int64_t)flow_rows(r, &inbox, id).n, 0);
	end_first(r, true);
	end_first(r, true);
	flow_check(r, id, "completed", "a b c", "{\"succeeded\":true}");
	flow_run(r); /* nothing is left to do */
	flow_check(r, id, "completed", "a b c", "{\"succeeded\":true}");
}

TEST(whoever_ends_a_run_does_not_wait_for_who_steps_its_workflow)
{
	CLEANUP(flow_done) Flow *r = flow_open();
	Uow *other;
	WorkflowRun row;
	int settled = 1;
	Err err = { 0 };
	Id id;

	flow_workflow(
	    r, "test.flow", "{tasks: [{name: a, action: test.ok, next: [{do: b}]}, {name: b, action: test.ok}]}", NULL);
	id = flow_start(r, "test.flow", "{}");
	flow_step(r);
	if (db_kind(r->u->db) == STORE_POSTGRES) {
		CHECK_OK(uow_open(&r->engine, &other, &err), err);
		CHECK_OK(uow_begin(other, &err), err);
		CHECK_OK(workflow_run_lock(other->db, other->arena, &id, 1, true, &row, &err), err);
		end_first(r, true);
		CHECK_INT((int64_t)said(r, MSG_EXECUTION_COMPLETED, &settled), 1);
		CHECK_INT(settled, 0);
		CHECK_INT((int64_t)flow_rows(r, &inbox, id).n, 1);
		uow_abort(other);
		uow_close(other);
	}
	flow_run(r);
	flow_check(r, id, "completed", "a b", "{\"succeeded\":true}");
}

TEST(what_a_nested_workflow_s_end_leads_to_and_what_has_a_time_are_left_to_executors)
{
	CLEANUP(flow_done) Flow *r = flow_open();
	int settled = 1;
	TimeUs next;
	Id id;

	flow_workflow(r, "test.inner", "{tasks: [{name: i, action: test.ok}]}", NULL);
	flow_workflow(r, "test.outer",
	    "{tasks: [{name: o, type: workflow, action: test.inner, next: [{do: d}]}, {name: d, action: test.ok, next: "
	    "[{do: w}]}, {name: w, action: test.ok, delay: 5}]}",
	    NULL);
	id = flow_start(r, "test.outer", "{}");
	flow_step(r);
	end_first(r, true);
	CHECK(said(r, MSG_EXECUTION_COMPLETED, &settled) > 0);
	CHECK_INT(settled, 0);
	CHECK_INT((int64_t)flow_rows(r, &inbox, id).n, 1);
	flow_step(r);
	settled = 1;
	end_first(r, true);
	CHECK(said(r, MSG_EXECUTION_COMPLETED, &settled) > 0);
	CHECK_INT(settled, 0);
	CHECK(r->u->timed);
	r->now += 6 * US_PER_S;
	flow_due(r, &next);
	flow_run(r);
	flow_check(r, id, "completed", "o d w", "{\"succeeded\":true}");
}

static void
limit_one(Flow *r, const char *ref)
{
	Uow *u = r->u;
	PolicyDef d = { .ref = str_of("test.one"), .label = str_of("one"), .enabled = true, .is_adhoc = true };
	Json limit, none = json_null();
	ActionDef action;
	DefPut put;
	Err err = { 0 };

	CHECK_OK(uow_begin(u, &err), err);
	CHECK_OK(action_get_ref(u->db, u->arena, str_of(ref), &action, &err), err);
	d.action = action.id;
	d.action_ref = action.ref;
	d.tags = json_array();
	CHECK_OK(json_parse(u->arena, str_of("{\"limit\": 1}"), NULL, &limit, &err), err);
	CHECK_OK(policy_limits_read(&limit, &none, &none, &d, &err), err);
	CHECK_OK(policy_put(u->db, u->arena, &d, u->now, &put, &err), err);
	CHECK_OK(uow_commit(u, &points_create, &err), err);
}

TEST(the_end_of_a_limited_run_lets_the_next_go_at_once_and_only_one)
{
	CLEANUP(flow_done) Flow *r = flow_open();
	int settled = 0;

	limit_one(r, "test.ok");
	for (int i = 0; i < 30; i++) /* more than are looked at as few */
		flow_start(r, "test.ok", "{}");
	flow_step(r);
	for (int left = 29; left >= 0; left--) {
		CHECK_INT((int64_t)flow_rows(r, &given, 0).n, 1);
		end_first(r, true);
		CHECK_INT((int64_t)said(r, MSG_EXECUTION_COMPLETED, &settled), 1);
		CHECK_INT(settled, 1);
	}
	CHECK_INT((int64_t)flow_rows(r, &given, 0).n, 0);
}
