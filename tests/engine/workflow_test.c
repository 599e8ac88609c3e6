/* Workflows over both stores: their runs are ended by hand, as a worker would, and every row can be looked at in between. */
#include "base/yaml.h"
#include "engine/moves.h"
#include "engine/rerun.h"
#include "store/action.h"
#include "store/migrate.h"
#include "store/pack.h"
#include "store/runtime.h"
#include "store/workflow.h"
#include "test.h"
#include "world.h"

#include <stdio.h>

typedef struct Rig {
	World *w;
	Bus *bus;
	Engine engine;
	Uow *u;
	Id worker, pack, runtime;
	TimeUs now;
	Arena *a;
} Rig;

static TimeUs
rig_time(void *self)
{
	return ((Rig *)self)->now;
}

static void
rig_action(Rig *r, const char *ref, Id workflow_def, const char *params)
{
	Uow *u = r->u;
	Err err = { 0 };
	DefPut put;
	ActionDef action = { .ref = str_of(ref),
		.pack = r->pack,
		.pack_ref = str_of("test"),
		.label = str_of(ref),
		.enabled = true,
		.entrypoint = str_of(""),
		.runtime = workflow_def == 0 ? r->runtime : 0,
		.workflow_def = workflow_def,
		.parameter_delivery = str_of("stdin"),
		.parameter_format = str_of("json"),
		.output_format = str_of("text") };

	if (params != NULL)
		CHECK_OK(yaml_parse(u->arena, "test", str_of(params), NULL, &action.param_schema, &err), err);
	CHECK_OK(action_put(u->db, u->arena, &action, u->now, &put, &err), err);
}

static void
rig_action_retry(Rig *r, const char *ref, const char *retry)
{
	Uow *u = r->u;
	Err err = { 0 };
	DefPut put;
	ActionDef d;

	CHECK_OK(action_get_ref(u->db, u->arena, str_of(ref), &d, &err), err);
	CHECK_OK(yaml_parse(u->arena, "test", str_of(retry), NULL, &d.retry, &err), err);
	CHECK_OK(action_put(u->db, u->arena, &d, u->now, &put, &err), err);
}

static void
rig_definitions(Rig *r)
{
	Uow *u = r->u;
	Err err = { 0 };
	PackDef pack = { .ref = str_of("test"), .label = str_of("Test"), .version = str_of("1.0.0") };
	RuntimeDef runtime = { .ref = str_of("test.shell"), .pack_ref = pack.ref, .name = str_of("shell") };
	WorkerDef w = { .name = str_of("w1"),
		.type = str_of("local"),
		.role = str_of("action"),
		.host = str_of("here"),
		.incarnation = str_of("inc"),
		.boot_id = str_of("boot"),
		.slots = 1000 };
	Json names = json_array();
	DefPut put;

	CHECK_OK(uow_begin(u, &err), err);
	CHECK_OK(pack_put(u->db, u->arena, &pack, u->now, &put, &err), err);
	r->pack = runtime.pack = put.id;
	CHECK_OK(runtime_put(u->db, u->arena, &runtime, u->now, &put, &err), err);
	r->runtime = put.id;
	rig_action(r, "test.ok", 0, NULL);
	rig_action(r, "test.bad", 0, NULL);
	rig_action(r, "test.late", 0, NULL);
	rig_action(r, "test.again", 0, NULL);
	rig_action(r, "test.secret", 0, "{token: {type: string, secret: true}, note: {type: string}}");
	json_push(u->arena, &names, json_cstr("shell"));
	w.capabilities = json_object();
	w.meta = json_object();
	json_add(u->arena, &w.capabilities, "runtimes", names);
	CHECK_OK(worker_enter(u, &w, &r->worker, &err), err);
	CHECK_OK(uow_commit(u, &points_create, &err), err);
}

static Rig *
rig_open(void)
{
	World *w = world_bare();
	Rig *r = arena_new(w->a, Rig);
	Clock *clock = arena_new(w->a, Clock);
	BusConfig bus = { .url = str_of("local:"), .process = str_of("test"), .clock = clock };
	Err err = { 0 };
	int applied;

	r->w = w;
	r->a = w->a;
	r->now = 1700000000LL * US_PER_S;
	*clock = (Clock){ rig_time, rig_time, r };
	CHECK_OK(migrate(w->store, r->now, &applied, &err), err);
	CHECK_OK(bus_open(&bus, &r->bus, &err), err);
	r->engine = (Engine){ .clock = clock,
		.store = w->store,
		.bus = r->bus,
		.defs = defs_open(),
		.live = liveness_open(str_of("boot"), 10 * US_PER_S),
		.process = str_of("test"),
		.boot_id = str_of("boot"),
		.heartbeat = 10 * US_PER_S,
		.scheduled_timeout = 300 * US_PER_S };
	CHECK_OK(uow_open(&r->engine, &r->u, &err), err);
	rig_definitions(r);
	return r;
}

static void
rig_done(Rig **r)
{
	World *w = (*r)->w;

	uow_close((*r)->u);
	defs_close((*r)->engine.defs);
	liveness_close((*r)->engine.live);
	bus_close((*r)->bus);
	world_done(&w);
}

static void
rig_workflow(Rig *r, const char *ref, const char *text, const char *params)
{
	Uow *u = r->u;
	Err err = { 0 };
	DefPut put;
	WorkflowDef d = { .ref = str_of(ref),
		.pack = r->pack,
		.pack_ref = str_of("test"),
		.label = str_of(ref),
		.version = str_of("1") };

	r->now += 1000;
	CHECK_OK(uow_begin(u, &err), err);
	CHECK_OK(yaml_parse(u->arena, "test", str_of(text), NULL, &d.definition, &err), err);
	CHECK_OK(workflow_put(u->db, u->arena, &d, u->now, &put, &err), err);
	rig_action(r, ref, put.id, params);
	CHECK_OK(uow_commit(u, &points_create, &err), err);
}

static Id
rig_start(Rig *r, const char *ref, const char *params)
{
	Json p;
	ExecutionIn in = { .action_ref = str_of(ref), .by = str_of("tester"), .params = &p };
	ExecutionOut out;
	Err err = { 0 };

	CHECK_OK(uow_begin(r->u, &err), err);
	CHECK_OK(yaml_parse(r->u->arena, "test", str_of(params), NULL, &p, &err), err);
	CHECK_OK(execution_create(r->u, &in, &out, &err), err);
	CHECK_OK(uow_commit(r->u, &points_create, &err), err);
	return out.id;
}

static Rows
rig_rows(Rig *r, const Stmt *s, Id id)
{
	Bind b[] = { bind_int(id) };
	Rows rows;
	Err err = { 0 };

	CHECK_OK(db_read(r->u->db, r->a, s, b, &rows, &err), err);
	return rows;
}

/* As executors do it after each message; more often than needed, for messages come twice. */
static void
rig_step(Rig *r)
{
	static const Stmt all = {
		.sql = "select id from workflow_execution where status = 'running' and id >= $1"
		       " union select workflow from workflow_inbox",
		.in = "i",
	};
	Rows rows = rig_rows(r, &all, 0);
	Err err = { 0 };

	for (int twice = 0; twice < 2; twice++) {
		Id *ids;

		CHECK_OK(uow_begin(r->u, &err), err);
		ids = arena_array(r->u->arena, Id, rows.n + 1);
		for (size_t i = 0; i < rows.n; i++)
			ids[i] = row_int(rows_at(&rows, i), 0);
		CHECK_OK(workflow_step(r->u, ids, rows.n, &err), err);
		CHECK_OK(schedule(r->u, &err), err);
		CHECK_OK(uow_commit(r->u, &points_step, &err), err);
	}
}

/* Everything that a worker has is claimed and ended. How many there were. */
static size_t
rig_work(Rig *r)
{
	static const Stmt given = {
		.sql = "select id, attempt, action_ref, config from execution where status = 'scheduled' and id >= $1 "
		       "order by id",
		.in = "i",
	};
	Rows rows = rig_rows(r, &given, 0);
	Err err = { 0 };

	for (size_t i = 0; i < rows.n; i++) {
		Row row = rows_at(&rows, i);
		RunClaim c = { .execution = row_int(row, 0), .attempt = (int)row_int(row, 1) };
		RunResult result = { .execution = c.execution,
			.attempt = c.attempt,
			.event = str_is(row_str(row, 2), "test.ok") || str_is(row_str(row, 2), "test.secret")
				     ? EV_EXIT_OK
				     : EV_EXIT_BAD,
			.started = r->now,
			.finished = r->now + 1000 };
		Json data = json_object();

		CHECK_OK(uow_begin(r->u, &err), err);
		CHECK_OK(runs_claim(r->u, r->worker, str_of("inc"), str_of("w1"), &c, 1, &err), err);
		CHECK(c.claimed);
		json_add(r->u->arena, &data, "got", c.params);
		result.result = json_object();
		json_add(r->u->arena, &result.result, "data", data);
		if (str_is(row_str(row, 2), "test.late"))
			json_add(r->u->arena, &result.result, "timed_out", json_bool(true));
		CHECK_OK(runs_finish(r->u, r->worker, str_of("w1"), &result, 1, &err), err);
		CHECK_OK(uow_commit(r->u, &points_worker, &err), err);
	}
	return rows.n;
}

static void
rig_run(Rig *r)
{
	static const Stmt told = { .sql = "select count(*) from workflow_inbox where id > $1", .in = "i" };
	bool idle = false;

	rig_step(r);
	for (int i = 0; i < 2000 && !idle; i++) {
		Rows rows = rig_rows(r, &told, 0);

		idle = rig_work(r) == 0 && row_int(rows_at(&rows, 0), 0) == 0;
		rig_step(r);
	}
	CHECK(idle);
}

static Str
rig_state(Rig *r, Id id)
{
	static const Stmt s = { .sql = "select status from execution where id = $1", .in = "i" };
	Rows rows = rig_rows(r, &s, id);

	CHECK(rows.n == 1);
	return row_str(rows_at(&rows, 0), 0);
}

static Json
rig_result(Rig *r, Id id)
{
	static const Stmt s = { .sql = "select result from execution where id = $1", .in = "i" };
	Rows rows = rig_rows(r, &s, id);

	return row_json(r->a, rows_at(&rows, 0), 0);
}

/* The tasks of the runs below, in order: "a b#0 b#1!"; ! failed, ~ cancelled, ? not ended. */
static Str
rig_trace(Rig *r, Id id)
{
	static const Stmt s = {
		.sql = "select workflow_task, status from execution where parent = $1 order by id",
		.in = "i",
	};
	Rows rows = rig_rows(r, &s, id);
	Buf b = buf_open(r->a);

	for (size_t i = 0; i < rows.n; i++) {
		Json task = row_json(r->a, rows_at(&rows, i), 0);
		Str status = row_str(rows_at(&rows, i), 1);

		CHECK_INT(json_as_int(json_get(&task, "workflow_execution"), 0), id);
		buf_fmt(&b, "%s%.*s", i > 0 ? " " : "", STR_ARG(json_get_text(&task, "task_name")));
		if (!json_is_null(json_get(&task, "task_index")))
			buf_fmt(&b, "#%lld", (long long)json_as_int(json_get(&task, "task_index"), -1));
		if (!str_is(status, "completed"))
			buf_text(&b, str_is(status, "failed") ? "!" : str_is(status, "cancelled") ? "~" : "?");
	}
	return buf_str(&b);
}

static void
rig_check(Rig *r, Id id, const char *state, const char *trace, const char *result)
{
	Json got = rig_result(r, id), want;
	Err err = { 0 };

	CHECK_STR(rig_trace(r, id), str_of(trace));
	CHECK_STR(rig_state(r, id), str_of(state));
	CHECK_OK(json_parse(r->a, str_of(result), NULL, &want, &err), err);
	if (!json_eq(&got, &want))
		test_fail(__FILE__, __LINE__, "%.*s instead of %s", STR_ARG(json_text(r->a, &got)), result);
}

TEST(a_workflow_runs_its_tasks_and_ends_with_its_output)
{
	CLEANUP(rig_done) Rig *r = rig_open();
	Id id;

	rig_workflow(r, "test.flow",
	    "{vars: {n: 1}, tasks: [{name: a, action: test.ok, input: {x: '{{ parameters.x }}'}, next: [{publish: [{n: "
	    "'{{ result().got.x + 1 "
	    "}}'}], do: [b, c]}]}, {name: b, action: test.ok, input: {x: '{{ n }}'}, next: [{do: d}]}, {name: c, "
	    "action: test.bad, next: [{when: "
	    "'{{ failed() }}', do: d}]}, {name: d, join: 2, action: test.ok, with_items: '{{ range(3) }}', "
	    "concurrency: 2, input: {x: '{{ item * "
	    "n }}'}}], output_map: {n: '{{ vars.n }}', b: '{{ task.b.got.x }}', d: '{{ map(task.d, \"got.x\") }}'}}",
	    "{x: {type: integer}}");
	id = rig_start(r, "test.flow", "{x: '4'}");
	rig_run(r);
	rig_check(r, id, "completed", "a b c! d#0 d#1 d#2", "{\"n\":5,\"b\":5,\"d\":[0,5,10],\"succeeded\":true}");
}

TEST(a_failure_that_nobody_handles_fails_the_workflow_and_a_time_limit_is_an_ending_of_its_own)
{
	CLEANUP(rig_done) Rig *r = rig_open();
	static const Stmt late = {
		.sql = "select workflow_task from execution where parent = $1 and action_ref = 'test.late'",
		.in = "i",
	};
	Id id, other;
	Json task;
	Rows rows;

	rig_workflow(r, "test.flow",
	    "{tasks: [{name: a, action: test.bad, next: [{when: succeeded(), do: b}]}, {name: b, action: test.ok}]}",
	    NULL);
	rig_workflow(r, "test.slow",
	    "{tasks: [{name: a, action: test.late, next: [{when: failed(), do: b}, {when: timed_out(), do: c}]}, "
	    "{name: b, action: test.ok}, {name: "
	    "c, action: test.ok}]}",
	    NULL);
	id = rig_start(r, "test.flow", "{}");
	other = rig_start(r, "test.slow", "{}");
	rig_run(r);
	rig_check(r, id, "failed", "a!", "{\"error\":\"Workflow failed: 1 task(s) failed: a\",\"succeeded\":false}");
	rig_check(r, other, "completed", "a! c", "{\"succeeded\":true}");
	rows = rig_rows(r, &late, other);
	task = row_json(r->a, rows_at(&rows, 0), 0);
	CHECK(json_as_bool(json_get(&task, "timed_out"), false));
}

TEST(a_workflow_is_a_task_like_any_other_but_not_without_end)
{
	CLEANUP(rig_done) Rig *r = rig_open();
	static const Stmt count = { .sql = "select count(*) from workflow_execution where id > $1", .in = "i" };
	Id id, deep;
	Rows rows;

	rig_workflow(r, "test.inner",
	    "{tasks: [{name: i, action: test.ok, input: {x: '{{ parameters.y }}'}}], output_map: {x: '{{ task.i.got.x "
	    "}}'}}",
	    NULL);
	rig_workflow(r, "test.outer",
	    "{tasks: [{name: o, type: workflow, action: test.inner, with_items: '{{ [1, 2] }}', concurrency: 2, input: "
	    "{y: '{{ item }}'}}], "
	    "output_map: {all: '{{ map(task.o, \"x\") }}'}}",
	    NULL);
	rig_workflow(r, "test.deep", "{tasks: [{name: d, action: test.deep}]}", NULL);
	id = rig_start(r, "test.outer", "{}");
	rig_run(r);
	rig_check(r, id, "completed", "o#0 o#1", "{\"all\":[1,2],\"succeeded\":true}");
	deep = rig_start(r, "test.deep", "{}");
	rig_run(r);
	CHECK_STR(rig_state(r, deep), str_of("failed"));
	rows = rig_rows(r, &count, deep);
	CHECK_INT(row_int(rows_at(&rows, 0), 0), 31);
}

TEST(a_run_keeps_the_definition_it_began_with)
{
	CLEANUP(rig_done) Rig *r = rig_open();
	Id old, young;

	rig_workflow(
	    r, "test.flow", "{tasks: [{name: a, action: test.ok, next: [{do: b}]}, {name: b, action: test.ok}]}", NULL);
	old = rig_start(r, "test.flow", "{}");
	rig_step(r);
	rig_workflow(r, "test.flow", "{tasks: [{name: z, action: test.ok}]}", NULL);
	young = rig_start(r, "test.flow", "{}");
	rig_run(r);
	rig_check(r, old, "completed", "a b", "{\"succeeded\":true}");
	rig_check(r, young, "completed", "z", "{\"succeeded\":true}");
}

TEST(what_a_task_cannot_do_fails_the_task_and_not_the_engine)
{
	CLEANUP(rig_done) Rig *r = rig_open();
	Id id;

	rig_workflow(r, "test.flow",
	    "{tasks: [{name: a, action: test.gone, next: [{when: failed(), do: b}]}, {name: b, action: test.ok, input: "
	    "{x: '{{ task.a.nothing.y }}'}, "
	    "next: [{when: failed(), do: c}]}, {name: c, action: test.secret, input: {note: [7]}, next: [{when: "
	    "failed(), do: d}]}, {name: "
	    "d, action: test.ok}]}",
	    NULL);
	id = rig_start(r, "test.flow", "{}");
	rig_run(r);
	rig_check(r, id, "completed", "a! b! c! d", "{\"succeeded\":true}");
}

static void
rig_cancel(Rig *r, Id id)
{
	Err err = { 0 };
	ExecState to;

	CHECK_OK(uow_begin(r->u, &err), err);
	CHECK_OK(execution_cancel(r->u, id, str_of("tester"), &to, &err), err);
	CHECK_OK(uow_commit(r->u, &points_cancel, &err), err);
}

TEST(cancelling_a_workflow_ends_all_that_waits_under_it)
{
	CLEANUP(rig_done) Rig *r = rig_open();
	Id id;

	rig_workflow(
	    r, "test.inner", "{tasks: [{name: i, action: test.ok}, {name: j, action: test.ok, delay: 1h}]}", NULL);
	rig_workflow(r, "test.flow",
	    "{tasks: [{name: a, action: test.ok, with_items: '{{ range(9) }}', concurrency: 2, next: [{do: b}]}, "
	    "{name: n, action: test.inner}, {name: "
	    "b, action: test.ok}]}",
	    NULL);
	id = rig_start(r, "test.flow", "{}");
	rig_step(r);
	rig_cancel(r, id);
	rig_run(r);
	CHECK_STR(rig_state(r, id), str_of("cancelled"));
	CHECK_STR(rig_trace(r, id), str_of("a#0~ a#1~ n~"));
}

/* Hole 11, and 14: whatever ends a run, its workflow goes on. */
TEST(the_cancel_of_one_run_is_a_failure_of_its_task)
{
	CLEANUP(rig_done) Rig *r = rig_open();
	static const Stmt first = { .sql = "select min(id) from execution where parent = $1", .in = "i" };
	Rows rows;
	Id id;

	rig_workflow(r, "test.flow",
	    "{tasks: [{name: a, action: test.ok, next: [{when: failed(), do: b}]}, {name: b, action: test.ok}]}", NULL);
	id = rig_start(r, "test.flow", "{}");
	rig_step(r);
	rows = rig_rows(r, &first, id);
	rig_cancel(r, row_int(rows_at(&rows, 0), 0));
	rig_run(r);
	rig_check(r, id, "completed", "a~ b", "{\"succeeded\":true}");
}

static void
rig_due(Rig *r, TimeUs *ret_next)
{
	Err err = { 0 };

	CHECK_OK(uow_begin(r->u, &err), err);
	CHECK_OK(workflow_due(r->u, ret_next, &err), err);
	CHECK_OK(schedule(r->u, &err), err);
	CHECK_OK(uow_commit(r->u, &points_step, &err), err);
}

/* The runs of a task as they were tried: status, retry_count, next_retry_at or -, of the same round and item. */
static Str
rig_tries(Rig *r, Id id)
{
	static const Stmt s = {
		.sql = "select workflow_task, status, retry_count, coalesce(original_execution, 0), id, task_index,"
		       " coalesce(retry_reason, ''), due_at from execution where parent = $1 order by id",
		.in = "i",
	};
	Rows rows = rig_rows(r, &s, id);
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
rig_later(Rig *r, TimeUs by)
{
	Err err = { 0 };
	bool more;

	r->now += by;
	CHECK_OK(uow_begin(r->u, &err), err);
	CHECK_OK(schedule_due(r->u, &more, &err), err);
	CHECK_OK(uow_commit(r->u, &points_step, &err), err);
	rig_run(r);
}

TEST(a_task_is_tried_again_in_its_time_and_its_workflow_hears_of_the_last_run_only)
{
	CLEANUP(rig_done) Rig *r = rig_open();
	Id id;

	rig_workflow(r, "test.flow",
	    "{tasks: [{name: a, action: test.bad, retry: {count: 2, delay: 10s, backoff: linear}, next: [{when: '{{ "
	    "failed() }}', do: b}]}, {name: b, action: test.late, retry: {count: 3, delay: 0, on: [failed]}, next: "
	    "[{when: '{{ timed_out() }}', do: c}]}, {name: c, action: test.late, retry: {count: 1, delay: 0}, next: "
	    "[{do: d}]}, {name: d, action: test.ok, retry: {count: 5}}]}",
	    NULL);
	id = rig_start(r, "test.flow", "{}");
	rig_run(r);
	CHECK_STR(rig_tries(r, id), str_of("a:0f a:1(failed)r"));
	rig_later(r, 9 * US_PER_S);
	CHECK_STR(rig_tries(r, id), str_of("a:0f a:1(failed)r"));
	rig_later(r, 2 * US_PER_S);
	CHECK_STR(rig_tries(r, id), str_of("a:0f a:1(failed)f a:2(failed)r"));
	rig_later(r, 21 * US_PER_S);
	CHECK_STR(rig_tries(r, id), str_of("a:0f a:1(failed)f a:2(failed)f b:0f c:0f c:1(timed_out)f d:0"));
	CHECK_STR(rig_state(r, id), str_of("completed"));
}

TEST(items_and_workflows_are_tried_again_too_each_as_often_as_it_may)
{
	CLEANUP(rig_done) Rig *r = rig_open();
	Id id;

	rig_workflow(r, "test.inner", "{tasks: [{name: x, action: test.bad}]}", NULL);
	rig_workflow(r, "test.flow",
	    "{tasks: [{name: a, action: test.bad, with_items: '{{ range(2) }}', retry: {count: 1, delay: 0}, next: "
	    "[{do: "
	    "b}]}, {name: b, type: workflow, action: test.inner, retry: {count: 1, delay: 0}}]}",
	    NULL);
	id = rig_start(r, "test.flow", "{}");
	rig_run(r);
	CHECK_STR(rig_tries(r, id), str_of("a#0:0f a#0:1(failed)f a#1:0f a#1:1(failed)f b:0f b:1(failed)f"));
	CHECK_STR(rig_state(r, id), str_of("failed"));
}

TEST(on_error_says_what_is_tried_again_and_an_action_brings_its_own_retry)
{
	CLEANUP(rig_done) Rig *r = rig_open();
	Err err = { 0 };
	Id id;

	rig_workflow(r, "test.flow",
	    "{vars: {code: 75}, tasks: [{name: a, action: test.bad, input: {x: 75}, retry: {count: 1, delay: 0, "
	    "on_error: '{{ "
	    "result().got.x == code }}'}}, {name: b, action: test.bad, input: {x: 1}, retry: {count: 1, delay: 0, "
	    "on_error: "
	    "\"result().got.x == code\"}}, {name: c, action: test.bad, input: {}, retry: {count: 1, delay: 0, "
	    "on_error: "
	    "'{{ result().got.none }}'}}, {name: d, action: test.again}]}",
	    NULL);
	CHECK_OK(uow_begin(r->u, &err), err);
	rig_action_retry(r, "test.again", "{count: 1, delay: 0}");
	CHECK_OK(uow_commit(r->u, &points_create, &err), err);
	id = rig_start(r, "test.flow", "{}");
	rig_run(r);
	CHECK_STR(rig_tries(r, id), str_of("a:0f b:0f c:0f d:0f a:1(failed)f d:1(failed)f"));
}

TEST(a_cancelled_workflow_tries_nothing_again_and_a_paused_one_not_yet)
{
	CLEANUP(rig_done) Rig *r = rig_open();
	ExecState state;
	Err err = { 0 };
	Id id;

	rig_workflow(r, "test.flow", "{tasks: [{name: a, action: test.bad, retry: {count: 9, delay: 60}}]}", NULL);
	id = rig_start(r, "test.flow", "{}");
	rig_step(r);
	CHECK(rig_work(r) == 1);
	/* cancelled after the run has failed and before the workflow has heard of it */
	CHECK_OK(uow_begin(r->u, &err), err);
	CHECK_OK(execution_cancel(r->u, id, str_of("tester"), &state, &err), err);
	CHECK_OK(uow_commit(r->u, &points_create, &err), err);
	rig_run(r);
	CHECK_STR(rig_tries(r, id), str_of("a:0f"));
	CHECK_STR(rig_state(r, id), str_of("cancelled"));
	/* and while the next run waits for its time */
	id = rig_start(r, "test.flow", "{}");
	rig_run(r);
	CHECK_STR(rig_tries(r, id), str_of("a:0f a:1(failed)r"));
	CHECK_OK(uow_begin(r->u, &err), err);
	CHECK_OK(execution_cancel(r->u, id, str_of("tester"), &state, &err), err);
	CHECK_OK(uow_commit(r->u, &points_create, &err), err);
	rig_run(r);
	CHECK_STR(rig_tries(r, id), str_of("a:0f a:1(failed)c"));
	CHECK_STR(rig_state(r, id), str_of("cancelled"));
}

TEST(delays_and_the_time_limit_of_a_workflow_are_rows)
{
	CLEANUP(rig_done) Rig *r = rig_open();
	TimeUs begun, next;
	Id id, slow;

	rig_workflow(r, "test.flow",
	    "{tasks: [{name: a, action: test.ok, delay: 2h, next: [{do: b}]}, {name: b, action: test.ok}]}", NULL);
	rig_workflow(r, "test.slow", "{timeout: 10800, tasks: [{name: a, action: test.ok, delay: 2d}]}", NULL);
	id = rig_start(r, "test.flow", "{}");
	begun = r->now;
	rig_run(r);
	rig_due(r, &next);
	CHECK_STR(rig_trace(r, id), str_of(""));
	CHECK_INT(next, begun + 7200LL * US_PER_S);
	slow = rig_start(r, "test.slow", "{}");
	rig_run(r);
	r->now = next;
	rig_due(r, &next);
	rig_run(r);
	rig_check(r, id, "completed", "a b", "{\"succeeded\":true}");
	rig_due(r, &next);
	r->now = next;
	rig_due(r, &next);
	CHECK_INT(next, 0);
	CHECK_STR(rig_state(r, slow), str_of("failed"));
	CHECK(json_as_bool(
	    json_get(arena_copy(r->a, &(Json[]){ rig_result(r, slow) }, sizeof(Json)), "timed_out"), false));
}

TEST(a_step_that_was_announced_and_not_made_is_announced_again)
{
	CLEANUP(rig_done) Rig *r = rig_open();
	SweepReport report;
	Err err = { 0 };
	bool told = false;
	Id id;

	rig_workflow(
	    r, "test.flow", "{tasks: [{name: a, action: test.ok, next: [{do: b}]}, {name: b, action: test.ok}]}", NULL);
	id = rig_start(r, "test.flow", "{}");
	rig_step(r);
	CHECK_INT((int64_t)rig_work(r), 1);
	r->now += 6 * US_PER_S;
	CHECK_OK(uow_begin(r->u, &err), err);
	CHECK_OK(sweep(r->u, &report, &err), err);
	for (size_t i = 0; i < r->u->out.n; i++)
		told =
		    told || (r->u->out.msgs[i].kind == MSG_EXECUTION_COMPLETED && r->u->out.msgs[i].item.parent == id);
	CHECK(told);
	CHECK_OK(uow_commit(r->u, &points_sweep, &err), err);
	CHECK_STR(rig_state(r, id), str_of("running")); /* no worker has it, and it is not taken for lost */
	rig_run(r);
	rig_check(r, id, "completed", "a b", "{\"succeeded\":true}");
}

TEST(many_items_end_in_order_and_each_once)
{
	CLEANUP(rig_done) Rig *r = rig_open();
	static const Stmt count = {
		.sql = "select count(*), count(distinct task_index) from execution where parent = $1", .in = "i"
	};
	Rows rows;
	Id id;

	rig_workflow(r, "test.flow",
	    "{tasks: [{name: a, action: test.ok, with_items: '{{ range(300) }}', concurrency: 70, input: {x: '{{ item "
	    "}}'}}], output_map: {same: '{{ "
	    "map(task.a, \"got.x\") == range(300) }}'}}",
	    NULL);
	id = rig_start(r, "test.flow", "{}");
	rig_run(r);
	rows = rig_rows(r, &count, id);
	CHECK_INT(row_int(rows_at(&rows, 0), 0), 300);
	CHECK_INT(row_int(rows_at(&rows, 0), 1), 300);
	CHECK_STR(rig_state(r, id), str_of("completed"));
	CHECK(json_as_bool(json_get(arena_copy(r->a, &(Json[]){ rig_result(r, id) }, sizeof(Json)), "same"), false));
}

/* What came of it: the new run, or 0 with the sentence that refuses it. */
static Id
rig_rerun(Rig *r, Id of, const char *from, Err *err)
{
	Json names;
	Id made = 0;

	CHECK_OK(uow_begin(r->u, err), *err);
	CHECK_OK(yaml_parse(r->u->arena, "test", str_of(from), NULL, &names, err), *err);
	if (!execution_rerun(r->u, of, &names, str_of("tester"), &made, err)) {
		uow_abort(r->u);
		return 0;
	}
	CHECK_OK(uow_commit(r->u, &points_create, err), *err);
	return made;
}

#define RERUN_FLOW \
	"{vars: {n: 0, log: none}, tasks: [{name: a, action: test.ok, next: [{publish: [{n: 3}], do: [many, side]}]}," \
	" {name: many, action: test.ok, with_items: '{{ range(n) }}', concurrency: 2, input: {x: '{{ item + n }}'}," \
	" next: [{do: end}]}, {name: side, action: test.ok, input: {k: 1}, next: [{publish: [{log: side}], do: " \
	"end}]}," \
	" {name: end, join: 2, action: test.ok, input: {x: '{{ n }}'}, next: [{publish: [{n: 99}]}]}]," \
	" output_map: {many: '{{ map(task.many, \"got.x\") }}', end: '{{ task.end.got.x }}', log: '{{ log }}'}}"
#define RERUN_RESULT "{\"many\":[3,4,5],\"end\":3,\"log\":\"side\",\"succeeded\":true}"

TEST(a_run_begun_anew_from_a_task_takes_over_the_results_of_the_others)
{
	CLEANUP(rig_done) Rig *r = rig_open();
	static const Stmt forget = { .sql = "delete from execution where id = $1 or parent = $1", .in = "i" };
	Id first, second, third;
	Err err = { 0 };
	Bind b[1];

	rig_workflow(r, "test.flow", RERUN_FLOW, NULL);
	first = rig_start(r, "test.flow", "{}");
	rig_run(r);
	rig_check(r, first, "completed", "a many#0 many#1 side many#2 end", RERUN_RESULT);
	rig_workflow(r, "test.flow", "{tasks: [{name: z, action: test.bad}]}", NULL);
	second = rig_rerun(r, first, "[side]", &err);
	b[0] = bind_int(first);
	CHECK_OK(uow_begin(r->u, &err), err); /* the first is removed before the second has begun */
	CHECK_OK(db_exec(r->u->db, r->u->arena, &forget, b, NULL, &err), err);
	CHECK_OK(uow_commit(r->u, &points_create, &err), err);
	rig_run(r);
	rig_check(r, second, "completed", "side end", RERUN_RESULT);
	third = rig_rerun(r, second, "[many]", &err);
	rig_run(r);
	rig_check(r, third, "completed", "many#0 many#1 many#2 end", RERUN_RESULT);
}

static void
rig_refuses(Rig *r, Id id, const char *from, const char *says)
{
	Err err = { 0 };

	CHECK_INT(rig_rerun(r, id, from, &err), 0);
	CHECK(err.code == ERR_CONFLICT && str_find(str_of(err.text), str_of(says), NULL));
}

TEST(a_run_that_cannot_be_begun_anew_says_why)
{
	CLEANUP(rig_done) Rig *r = rig_open();
	Err err = { 0 };
	Id id, plain;

	rig_workflow(r, "test.flow", "{tasks: [{name: a, action: test.ok}, {name: b, action: test.bad}]}", NULL);
	id = rig_start(r, "test.flow", "{}");
	plain = rig_start(r, "test.ok", "{}");
	rig_step(r);
	rig_refuses(r, id, "[a]", "only a run that has ended");
	rig_run(r);
	rig_refuses(r, id, "[nobody]", "no task 'nobody'");
	rig_refuses(r, id, "[a]", "'b' failed too");
	rig_refuses(r, plain, "[a]", "is no workflow");
	id = rig_rerun(r, id, "[a, b]", &err);
	CHECK_OK(id != 0, err);
	rig_run(r);
	CHECK_STR(rig_trace(r, id), str_of("a b!"));
}
