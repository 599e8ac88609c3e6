/* Tasks that are tried again, and trees that are paused. */
#include "flow.h"

#include "test.h"

/* The runs of a task as they were tried: status, retry_count, next_retry_at or -, of the same round and item. */
static Str
flow_tries(Flow *r, Id id)
{
	static const Stmt s = {
		.sql = "select workflow_task, status, retry_count, coalesce(original_execution, 0), id, task_index,"
		       " coalesce(retry_reason, ''), due_at from execution where parent = $1 order by id",
		.in = "i",
	};
	Rows rows = flow_rows(r, &s, id);
	Buf b = buf_open(r->a);

	for (size_t i = 0; i < rows.n; i++) {
		Row row = rows_at(&rows, i);
		Json task = row_json(r->a, row, 0);
		Id first = row_int(row, 3);

		CHECK_INT(json_as_int(json_get(&task, "retry_count"), -1), row_int(row, 2));
		CHECK_INT(json_as_int(json_get(&task, "task_index"), -1), row_null(row, 5) ? -1 : row_int(row, 5));
		CHECK((first != 0) == (row_int(row, 2) > 0) && first < row_int(row, 4));
		CHECK(row_int(row, 7) == 0 || !json_is_null(json_get(&task, "next_retry_at")));
		buf_fmt(&b, "%s%.*s", i > 0 ? " " : "", STR_ARG(json_get_text(&task, "task_name")));
		if (!row_null(row, 5))
			buf_fmt(&b, "#%lld", (long long)row_int(row, 5));
		buf_fmt(&b, ":%lld", (long long)row_int(row, 2));
		if (row_int(row, 2) > 0)
			buf_fmt(&b, "(%.*s)", STR_ARG(row_str(row, 6)));
		if (!str_is(row_str(row, 1), "completed"))
			buf_fmt(&b, "%c", row_str(row, 1).p[0]);
	}
	return buf_str(&b);
}

static void
flow_later(Flow *r, TimeUs by)
{
	Err err = { 0 };
	bool more;

	r->now += by;
	CHECK_OK(uow_begin(r->u, &err), err);
	CHECK_OK(schedule_due(r->u, &more, &err), err);
	CHECK_OK(uow_commit(r->u, &points_step, &err), err);
	flow_run(r);
}

TEST(a_task_is_tried_again_in_its_time_and_its_workflow_hears_of_the_last_run_only)
{
	CLEANUP(flow_done) Flow *r = flow_open();
	Id id;

	flow_workflow(r, "test.flow",
	    "{tasks: [{name: a, action: test.bad, retry: {count: 2, delay: 10s, backoff: linear}, next: [{when: '{{ "
	    "failed() }}', do: b}]}, {name: b, action: test.late, retry: {count: 3, delay: 0, on: [failed]}, next: "
	    "[{when: '{{ timed_out() }}', do: c}]}, {name: c, action: test.late, retry: {count: 1, delay: 0}, next: "
	    "[{do: d}]}, {name: d, action: test.ok, retry: {count: 5}}]}",
	    NULL);
	id = flow_start(r, "test.flow", "{}");
	flow_run(r);
	CHECK_STR(flow_tries(r, id), str_of("a:0f a:1(failed)r"));
	flow_later(r, 9 * US_PER_S);
	CHECK_STR(flow_tries(r, id), str_of("a:0f a:1(failed)r"));
	flow_later(r, 2 * US_PER_S);
	CHECK_STR(flow_tries(r, id), str_of("a:0f a:1(failed)f a:2(failed)r"));
	flow_later(r, 21 * US_PER_S);
	CHECK_STR(flow_tries(r, id), str_of("a:0f a:1(failed)f a:2(failed)f b:0f c:0f c:1(timed_out)f d:0"));
	CHECK_STR(flow_state(r, id), str_of("completed"));
}

TEST(items_and_workflows_are_tried_again_too_each_as_often_as_it_may)
{
	CLEANUP(flow_done) Flow *r = flow_open();
	Id id;

	flow_workflow(r, "test.inner", "{tasks: [{name: x, action: test.bad}]}", NULL);
	flow_workflow(r, "test.flow",
	    "{tasks: [{name: a, action: test.bad, with_items: '{{ range(2) }}', retry: {count: 1, delay: 0}, next: "
	    "[{do: "
	    "b}]}, {name: b, type: workflow, action: test.inner, retry: {count: 1, delay: 0}}]}",
	    NULL);
	id = flow_start(r, "test.flow", "{}");
	flow_run(r);
	CHECK_STR(flow_tries(r, id), str_of("a#0:0f a#0:1(failed)f a#1:0f a#1:1(failed)f b:0f b:1(failed)f"));
	CHECK_STR(flow_state(r, id), str_of("failed"));
}

TEST(on_error_says_what_is_tried_again_and_an_action_brings_its_own_retry)
{
	CLEANUP(flow_done) Flow *r = flow_open();
	Err err = { 0 };
	Id id;

	flow_workflow(r, "test.flow",
	    "{vars: {code: 75}, tasks: [{name: a, action: test.bad, input: {x: 75}, retry: {count: 1, delay: 0, "
	    "on_error: '{{ "
	    "result().got.x == code }}'}}, {name: b, action: test.bad, input: {x: 1}, retry: {count: 1, delay: 0, "
	    "on_error: "
	    "\"result().got.x == code\"}}, {name: c, action: test.bad, input: {}, retry: {count: 1, delay: 0, "
	    "on_error: "
	    "'{{ result().got.none }}'}}, {name: d, action: test.again}]}",
	    NULL);
	CHECK_OK(uow_begin(r->u, &err), err);
	flow_action_retry(r, "test.again", "{count: 1, delay: 0}");
	CHECK_OK(uow_commit(r->u, &points_create, &err), err);
	id = flow_start(r, "test.flow", "{}");
	flow_run(r);
	CHECK_STR(flow_tries(r, id), str_of("a:0f b:0f c:0f d:0f a:1(failed)f d:1(failed)f"));
}

TEST(a_cancelled_workflow_tries_nothing_again_and_a_paused_one_not_yet)
{
	CLEANUP(flow_done) Flow *r = flow_open();
	ExecState state;
	Err err = { 0 };
	Id id;

	flow_workflow(r, "test.flow", "{tasks: [{name: a, action: test.bad, retry: {count: 9, delay: 60}}]}", NULL);
	id = flow_start(r, "test.flow", "{}");
	flow_step(r);
	CHECK(flow_work(r) == 1);
	/* cancelled after the run has failed and before the workflow has heard of it */
	CHECK_OK(uow_begin(r->u, &err), err);
	CHECK_OK(execution_cancel(r->u, id, str_of("tester"), &state, &err), err);
	CHECK_OK(uow_commit(r->u, &points_create, &err), err);
	flow_run(r);
	CHECK_STR(flow_tries(r, id), str_of("a:0f"));
	CHECK_STR(flow_state(r, id), str_of("cancelled"));
	/* and while the next run waits for its time */
	id = flow_start(r, "test.flow", "{}");
	flow_run(r);
	CHECK_STR(flow_tries(r, id), str_of("a:0f a:1(failed)r"));
	CHECK_OK(uow_begin(r->u, &err), err);
	CHECK_OK(execution_cancel(r->u, id, str_of("tester"), &state, &err), err);
	CHECK_OK(uow_commit(r->u, &points_create, &err), err);
	flow_run(r);
	CHECK_STR(flow_tries(r, id), str_of("a:0f a:1(failed)c"));
	CHECK_STR(flow_state(r, id), str_of("cancelled"));
}

static void
flow_hold(Flow *r, Id id, bool hold, ErrCode want)
{
	Err err = { 0 };

	CHECK_OK(uow_begin(r->u, &err), err);
	if (execution_hold(r->u, id, hold, &err))
		CHECK_OK(uow_commit(r->u, &points_cancel, &err), err);
	else
		uow_abort(r->u);
	CHECK_INT(err.code, want);
}

static Id
flow_below(Flow *r, Id id)
{
	static const Stmt s = { .sql = "select max(id) from execution where parent = $1", .in = "i" };
	Rows rows = flow_rows(r, &s, id);

	return row_int(rows_at(&rows, 0), 0);
}

TEST(a_paused_tree_makes_no_step_at_any_depth_and_goes_on_as_if_nothing_had_been)
{
	CLEANUP(flow_done) Flow *r = flow_open();
	Id top, middle, low;
	TimeUs next;

	flow_workflow(
	    r, "test.low", "{tasks: [{name: x, action: test.ok, next: [{do: y}]}, {name: y, action: test.ok}]}", NULL);
	flow_workflow(r, "test.middle",
	    "{tasks: [{name: l, action: test.low, next: [{do: m}]}, {name: m, action: test.ok}]}", NULL);
	flow_workflow(r, "test.top",
	    "{timeout: 100, tasks: [{name: a, action: test.middle, next: [{do: b}]}, {name: b, action: test.ok}]}",
	    NULL);
	top = flow_start(r, "test.top", "{}");
	flow_step(r);
	flow_step(r);
	flow_step(r);
	middle = flow_below(r, top);
	low = flow_below(r, middle);
	CHECK_STR(flow_trace(r, low), str_of("x?"));
	r->now += 60 * US_PER_S;
	flow_hold(r, top, true, ERR_NONE);
	flow_hold(r, top, true, ERR_CONFLICT);
	CHECK(flow_work(r) == 1); /* what ran goes on to its end */
	r->now += 600 * US_PER_S;
	flow_step(r);
	CHECK(flow_work(r) == 0);
	flow_due(r, &next);
	CHECK_INT(next, 0); /* its limit does not come, and nobody looks for it again and again */
	CHECK_STR(flow_trace(r, low), str_of("x"));
	CHECK_STR(flow_state(r, top), str_of("running"));
	flow_hold(r, top, false, ERR_NONE);
	flow_hold(r, low, false, ERR_CONFLICT);
	flow_step(r);
	flow_due(r, &next);
	CHECK_INT(next, r->now + 40 * US_PER_S);
	flow_run(r);
	CHECK_STR(flow_trace(r, low), str_of("x y"));
	CHECK_STR(flow_trace(r, top), str_of("a b"));
	CHECK_STR(flow_state(r, top), str_of("completed"));
	flow_hold(r, top, true, ERR_CONFLICT);
}

/* It was with a worker when its workflow was paused, and has not begun. */
TEST(what_a_worker_gives_back_of_a_paused_tree_waits_until_that_goes_on)
{
	CLEANUP(flow_done) Flow *r = flow_open();
	int attempt = 1;
	Err err = { 0 };
	Id top, below;

	flow_workflow(r, "test.flow", "{tasks: [{name: a, action: test.ok}]}", NULL);
	top = flow_start(r, "test.flow", "{}");
	flow_step(r);
	below = flow_below(r, top);
	CHECK_STR(flow_state(r, below), str_of("scheduled"));
	flow_hold(r, top, true, ERR_NONE);
	CHECK_OK(uow_begin(r->u, &err), err);
	CHECK_OK(runs_return(r->u, &below, &attempt, 1, str_of("w1"), str_of("not started"), &err), err);
	CHECK_OK(uow_commit(r->u, &points_worker, &err), err);
	flow_step(r);
	CHECK_STR(flow_state(r, below), str_of("requested"));
	flow_hold(r, top, false, ERR_NONE);
	flow_run(r);
	CHECK_STR(flow_state(r, top), str_of("completed"));
}

TEST(a_paused_tree_is_cancelled_like_any_and_what_waits_in_it_is_not_started)
{
	CLEANUP(flow_done) Flow *r = flow_open();
	static const Stmt live = { .sql = "select count(*) from execution where id >= $1 and finished_at is null",
		.in = "i" };
	ExecState state;
	Rows rows;
	Err err = { 0 };
	Id top;

	flow_workflow(r, "test.low",
	    "{tasks: [{name: x, action: test.bad, retry: {count: 3, delay: 60}}, {name: z, action: test.ok, delay: "
	    "60}]}",
	    NULL);
	flow_workflow(r, "test.top",
	    "{tasks: [{name: a, action: test.low, with_items: '{{ range(3) }}', concurrency: 3}]}", NULL);
	top = flow_start(r, "test.top", "{}");
	flow_run(r);
	flow_hold(r, top, true, ERR_NONE);
	r->now += 120 * US_PER_S;
	flow_later(r, 1);
	CHECK_STR(flow_trace(r, flow_below(r, top)), str_of("x! x?"));
	CHECK_OK(uow_begin(r->u, &err), err);
	CHECK_OK(execution_cancel(r->u, top, str_of("tester"), &state, &err), err);
	CHECK_OK(uow_commit(r->u, &points_create, &err), err);
	flow_run(r);
	rows = flow_rows(r, &live, 0);
	CHECK_INT(row_int(rows_at(&rows, 0), 0), 0);
	CHECK_STR(flow_state(r, top), str_of("cancelled"));
}
