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

/* Ends the first so many of the runs that a worker has, in one transaction, as a worker does. */
static void
end_some(Flow *r, size_t most)
{
	Rows rows = flow_rows(r, &given, 0);
	size_t n = rows.n < most ? rows.n : most;
	RunClaim *c = arena_array(r->a, RunClaim, n + 1);
	RunResult *results = arena_array(r->a, RunResult, n + 1);
	Err err = { 0 };

	CHECK(n > 0);
	for (size_t i = 0; i < n; i++)
		c[i] = (RunClaim){ .execution = row_int(rows_at(&rows, i), 0),
			.attempt = (int)row_int(rows_at(&rows, i), 1) };
	CHECK_OK(uow_begin(r->u, &err), err);
	r->u->follows = true;
	CHECK_OK(runs_claim(r->u, r->worker, str_of("inc"), str_of("w1"), c, n, &err), err);
	for (size_t i = 0; i < n; i++) {
		Json data = json_object();

		results[i] = (RunResult){ .execution = c[i].execution,
			.attempt = c[i].attempt,
			.event = EV_EXIT_OK,
			.started = r->now,
			.finished = r->now + 1000,
			.result = json_object() };
		json_add(r->u->arena, &data, "got", c[i].params);
		json_add(r->u->arena, &results[i].result, "data", data);
	}
	CHECK_OK(runs_finish(r->u, r->worker, str_of("w1"), results, n, &err), err);
	CHECK_OK(runs_follow(r->u, &err), err);
	CHECK_OK(uow_commit(r->u, &points_worker, &err), err);
}

static void
end_first(Flow *r)
{
	end_some(r, 1);
}

static void
end_all(Flow *r)
{
	end_some(r, SIZE_MAX);
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
	end_first(r);
	CHECK_INT((int64_t)said(r, MSG_EXECUTION_COMPLETED, &settled), 1);
	CHECK_INT(settled, 1);
	CHECK_INT((int64_t)said(r, MSG_EXECUTION_SCHEDULED, &ignored), 1);
	CHECK_INT((int64_t)flow_rows(r, &inbox, id).n, 0);
	end_first(r);
	end_first(r);
	flow_check(r, id, "completed", "a b c", "{\"succeeded\":true}");
	flow_run(r); /* nothing is left to do */
	flow_check(r, id, "completed", "a b c", "{\"succeeded\":true}");
}

TEST(many_workflows_step_together_as_each_would_alone)
{
	enum { MANY = 8 };
	CLEANUP(flow_done) Flow *r = flow_open();
	Id ids[MANY];

	flow_workflow(r, "test.flow",
	    "{vars: {n: 0}, tasks: [{name: a, action: test.ok, input: {x: '{{ parameters.x }}'}, next: [{publish: [{n: "
	    "'{{ result().got.x }}'}], do: [b, c]}]}, {name: b, action: test.ok, next: [{do: d}]}, {name: c, action: "
	    "test.ok, next: [{do: d}]}, {name: d, join: 2, action: test.ok}], output_map: {n: '{{ vars.n }}'}}",
	    "{x: {type: integer}}");
	for (int i = 0; i < MANY; i++)
		ids[i] = flow_start(r, "test.flow", str_fmt(r->a, "{x: '%d'}", i).p);
	flow_step(r);
	for (int round = 0; round < 3; round++)
		end_all(r);
	for (int i = 0; i < MANY; i++)
		flow_check(r, ids[i], "completed", "a b c d", str_fmt(r->a, "{\"n\":%d,\"succeeded\":true}", i).p);
}

TEST(so_many_ends_at_once_that_others_step_their_workflows_lose_none)
{
	enum { MANY = 20 };
	CLEANUP(flow_done) Flow *r = flow_open();
	bool left = db_kind(r->u->db) == STORE_POSTGRES;
	int settled = -1;
	Id ids[MANY];

	flow_workflow(
	    r, "test.flow", "{tasks: [{name: a, action: test.ok, next: [{do: b}]}, {name: b, action: test.ok}]}", NULL);
	for (int i = 0; i < MANY; i++)
		ids[i] = flow_start(r, "test.flow", "{}");
	flow_step(r);
	end_all(r);
	CHECK_INT((int64_t)said(r, MSG_EXECUTION_COMPLETED, &settled), MANY);
	CHECK_INT(settled, left ? 0 : 1);
	for (int i = 0; i < MANY; i++)
		CHECK_INT((int64_t)flow_rows(r, &inbox, ids[i]).n, left ? 1 : 0);
	flow_run(r); /* as executors do */
	for (int i = 0; i < MANY; i++)
		flow_check(r, ids[i], "completed", "a b", "{\"succeeded\":true}");
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
		end_first(r);
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
	end_first(r);
	CHECK(said(r, MSG_EXECUTION_COMPLETED, &settled) > 0);
	CHECK_INT(settled, 0);
	CHECK_INT((int64_t)flow_rows(r, &inbox, id).n, 1);
	flow_step(r);
	settled = 1;
	end_first(r);
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
		end_first(r);
		CHECK_INT((int64_t)said(r, MSG_EXECUTION_COMPLETED, &settled), 1);
		CHECK_INT(settled, 1);
	}
	CHECK_INT((int64_t)flow_rows(r, &given, 0).n, 0);
}
