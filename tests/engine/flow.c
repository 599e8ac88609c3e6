#include "flow.h"
#include "seat.h"

#include "base/yaml.h"
#include "store/action.h"
#include "store/pack.h"
#include "store/runtime.h"
#include "store/workflow.h"
#include "test.h"

static TimeUs
flow_time(void *self)
{
	return ((Flow *)self)->now;
}

void
flow_action(Flow *r, const char *ref, Id workflow_def, const char *params)
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

void
flow_action_retry(Flow *r, const char *ref, const char *retry)
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
flow_definitions(Flow *r)
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
	flow_action(r, "test.ok", 0, NULL);
	flow_action(r, "test.bad", 0, NULL);
	flow_action(r, "test.late", 0, NULL);
	flow_action(r, "test.again", 0, NULL);
	flow_action(r, "test.secret", 0, "{token: {type: string, secret: true}, note: {type: string}}");
	json_push(u->arena, &names, json_cstr("shell"));
	w.capabilities = json_object();
	w.meta = json_object();
	json_add(u->arena, &w.capabilities, "runtimes", names);
	CHECK_OK(worker_enter(u, &w, &r->worker, &err), err);
	CHECK_OK(uow_commit(u, &points_create, &err), err);
}

Flow *
flow_open(void)
{
	World *w = world_bare();
	Flow *r = arena_new(w->a, Flow);
	Clock *clock = arena_new(w->a, Clock);

	r->w = w;
	r->a = w->a;
	r->now = 1700000000LL * US_PER_S;
	*clock = (Clock){ flow_time, flow_time, r };
	r->bus = seat_bus(w, clock);
	seat_begin(r->w, r->bus, clock, &r->engine, &r->u);
	flow_definitions(r);
	return r;
}

void
flow_done(Flow **r)
{
	World *w = (*r)->w;

	seat_end(&(*r)->engine, (*r)->u);
	bus_close((*r)->bus);
	world_done(&w);
}

void
flow_workflow(Flow *r, const char *ref, const char *text, const char *params)
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
	flow_action(r, ref, put.id, params);
	CHECK_OK(uow_commit(u, &points_create, &err), err);
}

Id
flow_start(Flow *r, const char *ref, const char *params)
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

Rows
flow_rows(Flow *r, const Stmt *s, Id id)
{
	Bind b[] = { bind_int(id) };
	Rows rows;
	Err err = { 0 };

	CHECK_OK(db_read(r->u->db, r->a, s, b, &rows, &err), err);
	return rows;
}

/* As executors do it after each message; more often than needed, for messages come twice. */
void
flow_step(Flow *r)
{
	static const Stmt all = {
		.sql = "select id from workflow_execution where status = 'running' and id >= $1"
		       " union select workflow from workflow_inbox",
		.in = "i",
	};
	Rows rows = flow_rows(r, &all, 0);
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
size_t
flow_work(Flow *r)
{
	static const Stmt given = {
		.sql = "select id, attempt, action_ref, config from execution where status = 'scheduled' and id >= $1 "
		       "order by id",
		.in = "i",
	};
	Rows rows = flow_rows(r, &given, 0);
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
		r->u->follows = i % 2 == 1; /* both ways lead to the same */
		CHECK_OK(runs_claim(r->u, r->worker, str_of("inc"), str_of("w1"), &c, 1, &err), err);
		CHECK(c.claimed);
		json_add(r->u->arena, &data, "got", c.params);
		result.result = json_object();
		json_add(r->u->arena, &result.result, "data", data);
		if (str_is(row_str(row, 2), "test.late"))
			json_add(r->u->arena, &result.result, "timed_out", json_bool(true));
		CHECK_OK(runs_finish(r->u, r->worker, str_of("w1"), &result, 1, &err), err);
		CHECK_OK(runs_follow(r->u, &err), err);
		CHECK_OK(uow_commit(r->u, &points_worker, &err), err);
	}
	return rows.n;
}

void
flow_run(Flow *r)
{
	static const Stmt told = { .sql = "select count(*) from workflow_inbox where id > $1", .in = "i" };
	bool idle = false;

	flow_step(r);
	for (int i = 0; i < 2000 && !idle; i++) {
		Rows rows = flow_rows(r, &told, 0);

		idle = flow_work(r) == 0 && row_int(rows_at(&rows, 0), 0) == 0;
		flow_step(r);
	}
	CHECK(idle);
}

Str
flow_state(Flow *r, Id id)
{
	static const Stmt s = { .sql = "select status from execution where id = $1", .in = "i" };
	Rows rows = flow_rows(r, &s, id);

	CHECK(rows.n == 1);
	return row_str(rows_at(&rows, 0), 0);
}

Json
flow_result(Flow *r, Id id)
{
	static const Stmt s = { .sql = "select result from execution where id = $1", .in = "i" };
	Rows rows = flow_rows(r, &s, id);

	return row_json(r->a, rows_at(&rows, 0), 0);
}

/* The tasks of the runs below, in order: "a b#0 b#1!"; ! failed, ~ cancelled, ? not ended. */
Str
flow_trace(Flow *r, Id id)
{
	static const Stmt s = {
		.sql = "select workflow_task, status from execution where parent = $1 order by id",
		.in = "i",
	};
	Rows rows = flow_rows(r, &s, id);
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

void
flow_check(Flow *r, Id id, const char *state, const char *trace, const char *result)
{
	Json got = flow_result(r, id), want;
	Err err = { 0 };

	CHECK_STR(flow_trace(r, id), str_of(trace));
	CHECK_STR(flow_state(r, id), str_of(state));
	CHECK_OK(json_parse(r->a, str_of(result), NULL, &want, &err), err);
	if (!json_eq(&got, &want))
		test_fail(__FILE__, __LINE__, "%.*s instead of %s", STR_ARG(json_text(r->a, &got)), result);
}

void
flow_due(Flow *r, TimeUs *ret_next)
{
	Err err = { 0 };

	CHECK_OK(uow_begin(r->u, &err), err);
	CHECK_OK(workflow_due(r->u, ret_next, &err), err);
	CHECK_OK(schedule(r->u, &err), err);
	CHECK_OK(uow_commit(r->u, &points_step, &err), err);
}
