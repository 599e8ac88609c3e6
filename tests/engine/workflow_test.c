/* Workflows over both stores: every row can be looked at between their steps. */
#include "flow.h"

#include "base/yaml.h"
#include "engine/rerun.h"
#include "engine/workflow.h"
#include "store/action.h"
#include "store/migrate.h"
#include "store/pack.h"
#include "store/runtime.h"
#include "store/workflow.h"
#include "test.h"

TEST(a_workflow_runs_its_tasks_and_ends_with_its_output)
{
	CLEANUP(flow_done) Flow *r = flow_open();
	Id id;

	flow_workflow(r, "test.flow",
	    "{vars: {n: 1}, tasks: [{name: a, action: test.ok, input: {x: '{{ parameters.x }}'}, next: [{publish: [{n: "
	    "'{{ result().got.x + 1 "
	    "}}'}], do: [b, c]}]}, {name: b, action: test.ok, input: {x: '{{ n }}'}, next: [{do: d}]}, {name: c, "
	    "action: test.bad, next: [{when: "
	    "'{{ failed() }}', do: d}]}, {name: d, join: 2, action: test.ok, with_items: '{{ range(3) }}', "
	    "concurrency: 2, input: {x: '{{ item * "
	    "n }}'}}], output_map: {n: '{{ vars.n }}', b: '{{ task.b.got.x }}', d: '{{ map(task.d, \"got.x\") }}'}}",
	    "{x: {type: integer}}");
	id = flow_start(r, "test.flow", "{x: '4'}");
	flow_run(r);
	flow_check(r, id, "completed", "a b c! d#0 d#1 d#2", "{\"n\":5,\"b\":5,\"d\":[0,5,10],\"succeeded\":true}");
}

TEST(a_failure_that_nobody_handles_fails_the_workflow_and_a_time_limit_is_an_ending_of_its_own)
{
	CLEANUP(flow_done) Flow *r = flow_open();
	static const Stmt late = {
		.sql = "select workflow_task from execution where parent = $1 and action_ref = 'test.late'",
		.in = "i",
	};
	Id id, other;
	Json task;
	Rows rows;

	flow_workflow(r, "test.flow",
	    "{tasks: [{name: a, action: test.bad, next: [{when: succeeded(), do: b}]}, {name: b, action: test.ok}]}",
	    NULL);
	flow_workflow(r, "test.slow",
	    "{tasks: [{name: a, action: test.late, next: [{when: failed(), do: b}, {when: timed_out(), do: c}]}, "
	    "{name: b, action: test.ok}, {name: "
	    "c, action: test.ok}]}",
	    NULL);
	id = flow_start(r, "test.flow", "{}");
	other = flow_start(r, "test.slow", "{}");
	flow_run(r);
	flow_check(r, id, "failed", "a!", "{\"error\":\"Workflow failed: 1 task(s) failed: a\",\"succeeded\":false}");
	flow_check(r, other, "completed", "a! c", "{\"succeeded\":true}");
	rows = flow_rows(r, &late, other);
	task = row_json(r->a, rows_at(&rows, 0), 0);
	CHECK(json_as_bool(json_get(&task, "timed_out"), false));
}

TEST(a_workflow_is_a_task_like_any_other_but_not_without_end)
{
	CLEANUP(flow_done) Flow *r = flow_open();
	static const Stmt count = { .sql = "select count(*) from workflow_execution where id > $1", .in = "i" };
	Id id, deep;
	Rows rows;

	flow_workflow(r, "test.inner",
	    "{tasks: [{name: i, action: test.ok, input: {x: '{{ parameters.y }}'}}], output_map: {x: '{{ task.i.got.x "
	    "}}'}}",
	    NULL);
	flow_workflow(r, "test.outer",
	    "{tasks: [{name: o, type: workflow, action: test.inner, with_items: '{{ [1, 2] }}', concurrency: 2, input: "
	    "{y: '{{ item }}'}}], "
	    "output_map: {all: '{{ map(task.o, \"x\") }}'}}",
	    NULL);
	flow_workflow(r, "test.deep", "{tasks: [{name: d, action: test.deep}]}", NULL);
	id = flow_start(r, "test.outer", "{}");
	flow_run(r);
	flow_check(r, id, "completed", "o#0 o#1", "{\"all\":[1,2],\"succeeded\":true}");
	deep = flow_start(r, "test.deep", "{}");
	flow_run(r);
	CHECK_STR(flow_state(r, deep), str_of("failed"));
	rows = flow_rows(r, &count, deep);
	CHECK_INT(row_int(rows_at(&rows, 0), 0), 31);
}

TEST(a_run_keeps_the_definition_it_began_with)
{
	CLEANUP(flow_done) Flow *r = flow_open();
	Id old, young;

	flow_workflow(
	    r, "test.flow", "{tasks: [{name: a, action: test.ok, next: [{do: b}]}, {name: b, action: test.ok}]}", NULL);
	old = flow_start(r, "test.flow", "{}");
	flow_step(r);
	flow_workflow(r, "test.flow", "{tasks: [{name: z, action: test.ok}]}", NULL);
	young = flow_start(r, "test.flow", "{}");
	flow_run(r);
	flow_check(r, old, "completed", "a b", "{\"succeeded\":true}");
	flow_check(r, young, "completed", "z", "{\"succeeded\":true}");
}

TEST(what_a_task_cannot_do_fails_the_task_and_not_the_engine)
{
	CLEANUP(flow_done) Flow *r = flow_open();
	Id id;

	flow_workflow(r, "test.flow",
	    "{tasks: [{name: a, action: test.gone, next: [{when: failed(), do: b}]}, {name: b, action: test.ok, input: "
	    "{x: '{{ task.a.nothing.y }}'}, "
	    "next: [{when: failed(), do: c}]}, {name: c, action: test.secret, input: {note: [7]}, next: [{when: "
	    "failed(), do: d}]}, {name: "
	    "d, action: test.ok}]}",
	    NULL);
	id = flow_start(r, "test.flow", "{}");
	flow_run(r);
	flow_check(r, id, "completed", "a! b! c! d", "{\"succeeded\":true}");
}

static void
flow_cancel(Flow *r, Id id)
{
	Err err = { 0 };
	ExecState to;

	CHECK_OK(uow_begin(r->u, &err), err);
	CHECK_OK(execution_cancel(r->u, id, str_of("tester"), &to, &err), err);
	CHECK_OK(uow_commit(r->u, &points_cancel, &err), err);
}

TEST(cancelling_a_workflow_ends_all_that_waits_under_it)
{
	CLEANUP(flow_done) Flow *r = flow_open();
	Id id;

	flow_workflow(
	    r, "test.inner", "{tasks: [{name: i, action: test.ok}, {name: j, action: test.ok, delay: 1h}]}", NULL);
	flow_workflow(r, "test.flow",
	    "{tasks: [{name: a, action: test.ok, with_items: '{{ range(9) }}', concurrency: 2, next: [{do: b}]}, "
	    "{name: n, action: test.inner}, {name: "
	    "b, action: test.ok}]}",
	    NULL);
	id = flow_start(r, "test.flow", "{}");
	flow_step(r);
	flow_cancel(r, id);
	flow_run(r);
	CHECK_STR(flow_state(r, id), str_of("cancelled"));
	CHECK_STR(flow_trace(r, id), str_of("a#0~ a#1~ n~"));
}

/* Hole 11, and 14: whatever ends a run, its workflow goes on. */
TEST(the_cancel_of_one_run_is_a_failure_of_its_task)
{
	CLEANUP(flow_done) Flow *r = flow_open();
	static const Stmt first = { .sql = "select min(id) from execution where parent = $1", .in = "i" };
	Rows rows;
	Id id;

	flow_workflow(r, "test.flow",
	    "{tasks: [{name: a, action: test.ok, next: [{when: failed(), do: b}]}, {name: b, action: test.ok}]}", NULL);
	id = flow_start(r, "test.flow", "{}");
	flow_step(r);
	rows = flow_rows(r, &first, id);
	flow_cancel(r, row_int(rows_at(&rows, 0), 0));
	flow_run(r);
	flow_check(r, id, "completed", "a~ b", "{\"succeeded\":true}");
}

TEST(delays_and_the_time_limit_of_a_workflow_are_rows)
{
	CLEANUP(flow_done) Flow *r = flow_open();
	TimeUs begun, next;
	Id id, slow;

	flow_workflow(r, "test.flow",
	    "{tasks: [{name: a, action: test.ok, delay: 2h, next: [{do: b}]}, {name: b, action: test.ok}]}", NULL);
	flow_workflow(r, "test.slow", "{timeout: 10800, tasks: [{name: a, action: test.ok, delay: 2d}]}", NULL);
	id = flow_start(r, "test.flow", "{}");
	begun = r->now;
	flow_run(r);
	flow_due(r, &next);
	CHECK_STR(flow_trace(r, id), str_of(""));
	CHECK_INT(next, begun + 7200LL * US_PER_S);
	slow = flow_start(r, "test.slow", "{}");
	flow_run(r);
	r->now = next;
	flow_due(r, &next);
	flow_run(r);
	flow_check(r, id, "completed", "a b", "{\"succeeded\":true}");
	flow_due(r, &next);
	r->now = next;
	flow_due(r, &next);
	CHECK_INT(next, 0);
	CHECK_STR(flow_state(r, slow), str_of("failed"));
	CHECK(json_as_bool(
	    json_get(arena_copy(r->a, &(Json[]){ flow_result(r, slow) }, sizeof(Json)), "timed_out"), false));
}

TEST(a_step_that_was_announced_and_not_made_is_announced_again)
{
	CLEANUP(flow_done) Flow *r = flow_open();
	SweepReport report;
	Err err = { 0 };
	bool told = false;
	Id id;

	flow_workflow(
	    r, "test.flow", "{tasks: [{name: a, action: test.ok, next: [{do: b}]}, {name: b, action: test.ok}]}", NULL);
	id = flow_start(r, "test.flow", "{}");
	flow_step(r);
	CHECK_INT((int64_t)flow_work(r), 1);
	r->now += 6 * US_PER_S;
	CHECK_OK(uow_begin(r->u, &err), err);
	CHECK_OK(sweep(r->u, &report, &err), err);
	for (size_t i = 0; i < r->u->out.n; i++)
		told =
		    told || (r->u->out.msgs[i].kind == MSG_EXECUTION_COMPLETED && r->u->out.msgs[i].item.parent == id);
	CHECK(told);
	CHECK_OK(uow_commit(r->u, &points_sweep, &err), err);
	CHECK_STR(flow_state(r, id), str_of("running")); /* no worker has it, and it is not taken for lost */
	flow_run(r);
	flow_check(r, id, "completed", "a b", "{\"succeeded\":true}");
}

TEST(many_items_end_in_order_and_each_once)
{
	CLEANUP(flow_done) Flow *r = flow_open();
	static const Stmt count = {
		.sql = "select count(*), count(distinct task_index) from execution where parent = $1", .in = "i"
	};
	Rows rows;
	Id id;

	flow_workflow(r, "test.flow",
	    "{tasks: [{name: a, action: test.ok, with_items: '{{ range(300) }}', concurrency: 70, input: {x: '{{ item "
	    "}}'}}], output_map: {same: '{{ "
	    "map(task.a, \"got.x\") == range(300) }}'}}",
	    NULL);
	id = flow_start(r, "test.flow", "{}");
	flow_run(r);
	rows = flow_rows(r, &count, id);
	CHECK_INT(row_int(rows_at(&rows, 0), 0), 300);
	CHECK_INT(row_int(rows_at(&rows, 0), 1), 300);
	CHECK_STR(flow_state(r, id), str_of("completed"));
	CHECK(json_as_bool(json_get(arena_copy(r->a, &(Json[]){ flow_result(r, id) }, sizeof(Json)), "same"), false));
}

/* What came of it: the new run, or 0 with the sentence that refuses it. */
static Id
flow_rerun(Flow *r, Id of, const char *from, Err *err)
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
	CLEANUP(flow_done) Flow *r = flow_open();
	static const Stmt forget = { .sql = "delete from execution where id = $1 or parent = $1", .in = "i" };
	Id first, second, third;
	Err err = { 0 };
	Bind b[1];

	flow_workflow(r, "test.flow", RERUN_FLOW, NULL);
	first = flow_start(r, "test.flow", "{}");
	flow_run(r);
	flow_check(r, first, "completed", "a many#0 many#1 side many#2 end", RERUN_RESULT);
	flow_workflow(r, "test.flow", "{tasks: [{name: z, action: test.bad}]}", NULL);
	second = flow_rerun(r, first, "[side]", &err);
	b[0] = bind_int(first);
	CHECK_OK(uow_begin(r->u, &err), err); /* the first is removed before the second has begun */
	CHECK_OK(db_exec(r->u->db, r->u->arena, &forget, b, NULL, &err), err);
	CHECK_OK(uow_commit(r->u, &points_create, &err), err);
	flow_run(r);
	flow_check(r, second, "completed", "side end", RERUN_RESULT);
	third = flow_rerun(r, second, "[many]", &err);
	flow_run(r);
	flow_check(r, third, "completed", "many#0 many#1 many#2 end", RERUN_RESULT);
}

TEST(a_run_begun_anew_from_a_task_is_not_tried_again_from_the_first)
{
	static const Stmt plans = {
		.sql = "select retry is null, max_retries is null from execution where id = $1",
		.in = "i",
	};
	CLEANUP(flow_done) Flow *r = flow_open();
	Id first, made;
	Err err = { 0 };
	Rows rows;

	flow_workflow(r, "test.flow",
	    "{tasks: [{name: a, action: test.ok, next: [{do: b}]}, {name: b, action: test.bad}]}", NULL);
	CHECK_OK(uow_begin(r->u, &err), err);
	flow_action_retry(r, "test.flow", "{count: 1, delay: 0}");
	CHECK_OK(uow_commit(r->u, &points_create, &err), err);
	first = flow_start(r, "test.flow", "{}");
	flow_run(r);
	rows = flow_rows(r, &plans, first);
	CHECK(!row_bool(rows_at(&rows, 0), 0) && !row_bool(rows_at(&rows, 0), 1));
	made = flow_rerun(r, first, "[b]", &err);
	CHECK_OK(made != 0, err);
	flow_run(r);
	CHECK_STR(flow_trace(r, made), str_of("b!"));
	rows = flow_rows(r, &plans, made);
	CHECK(row_bool(rows_at(&rows, 0), 0) && row_bool(rows_at(&rows, 0), 1));
}

static void
flow_refuses(Flow *r, Id id, const char *from, const char *says)
{
	Err err = { 0 };

	CHECK_INT(flow_rerun(r, id, from, &err), 0);
	CHECK(err.code == ERR_CONFLICT && str_find(str_of(err.text), str_of(says), NULL));
}

TEST(a_run_that_cannot_be_begun_anew_says_why)
{
	CLEANUP(flow_done) Flow *r = flow_open();
	Err err = { 0 };
	Id id, plain;

	flow_workflow(r, "test.flow", "{tasks: [{name: a, action: test.ok}, {name: b, action: test.bad}]}", NULL);
	id = flow_start(r, "test.flow", "{}");
	plain = flow_start(r, "test.ok", "{}");
	flow_step(r);
	flow_refuses(r, id, "[a]", "only a run that has ended");
	flow_run(r);
	flow_refuses(r, id, "[nobody]", "no task 'nobody'");
	flow_refuses(r, id, "[a]", "'b' failed too");
	flow_refuses(r, plain, "[a]", "is no workflow");
	id = flow_rerun(r, id, "[a, b]", &err);
	CHECK_OK(id != 0, err);
	flow_run(r);
	CHECK_STR(flow_trace(r, id), str_of("a b!"));
}

TEST(no_part_of_a_secret_goes_where_it_could_be_read)
{
	CLEANUP(flow_done) Flow *r = flow_open();
	Vault *v;
	Err err = { 0 };
	Id id;

	CHECK_OK(vault_open(r->a, str_of("0123456789abcdef0123456789abcdef"), NULL, &v, &err), err);
	r->engine.vault = v;
	flow_workflow(r, "test.flow",
	    "{tasks: [{name: a, action: test.ok, input: {x: '{{ parameters.login }}'}, next: [{when: failed(), do: "
	    "b}]},"
	    " {name: b, action: test.ok, input: {x: 'is {{ parameters.login.password }}'}, next: [{when: failed(), do: "
	    "c}]},"
	    " {name: c, action: test.ok, input: {x: '{{ parameters.login.pin }}'}, next: [{when: failed(), do: d}]},"
	    " {name: d, action: test.ok, input: {x: '{{ parameters.word }}'}, next: [{when: failed(), do: e}]},"
	    " {name: e, action: test.ok, input: {x: '{{ length(parameters.word) }}'}}]}",
	    "{login: {type: object, secret: true}, word: {type: string, secret: true}}");
	id = flow_start(r, "test.flow", "{login: {password: 'correct horse', pin: 47114711}, word: 'abc'}");
	flow_run(r);
	flow_check(r, id, "completed", "a! b! c! d! e", "{\"succeeded\":true}");
}

static void
pack_configured(Flow *r, const char *schema, const char *config)
{
	PackDef pack = { .ref = str_of("test"), .label = str_of("Test"), .version = str_of("1.0.0") };
	Json values;
	DefPut put;
	Err err = { 0 };

	CHECK_OK(json_parse(r->a, str_of(schema), NULL, &pack.conf_schema, &err), err);
	CHECK_OK(json_parse(r->a, str_of(config), NULL, &values, &err), err);
	CHECK_OK(uow_begin(r->u, &err), err);
	CHECK_OK(pack_put(r->u->db, r->u->arena, &pack, r->now, &put, &err), err);
	CHECK_OK(pack_set_config(r->u->db, r->u->arena, put.id, &values, r->now, &err), err);
	CHECK_OK(uow_commit(r->u, &points_create, &err), err);
}

TEST(a_secret_of_the_pack_reaches_only_secret_parameters)
{
	CLEANUP(flow_done) Flow *r = flow_open();
	Vault *v;
	Err err = { 0 };
	Id id;

	CHECK_OK(vault_open(r->a, str_of("0123456789abcdef0123456789abcdef"), NULL, &v, &err), err);
	r->engine.vault = v;
	pack_configured(r, "{\"password\": {\"type\": \"string\", \"secret\": true}, \"host\": {\"type\": \"string\"}}",
	    "{\"password\": \"correct horse\", \"host\": \"db.example.org\"}");
	flow_workflow(r, "test.flow",
	    "{tasks: [{name: a, action: test.ok, input: {x: 'at {{ config.host }}'}, next: [{do: b}]},"
	    " {name: b, action: test.secret, input: {token: '{{ config.password }}'}, next: [{do: c}]},"
	    " {name: c, action: test.ok, input: {x: '{{ config.password }}'}}]}",
	    NULL);
	id = flow_start(r, "test.flow", "{}");
	flow_run(r);
	CHECK_STR(flow_trace(r, id), str_of("a b c!"));
}

static Id
flow_with_secrets(Flow *r, const char *text)
{
	flow_workflow(r, "test.flow", text,
	    "{pin: {type: integer, secret: true}, rate: {type: number, secret: true}, word: {type: string, secret: "
	    "true}}");
	return flow_start(r, "test.flow", "{pin: 48213, rate: 0.4825, word: 'correct \"horse\"'}");
}

TEST(what_tells_of_a_secret_is_neither_published_nor_given_as_output_nor_kept_as_items)
{
	static const char *const tells[] = { "{{ parameters.pin }}", "pin {{ parameters.pin }}",
		"{{ parameters.rate }}", "rate {{ parameters.rate }}", "{{ base64_encode(parameters.word) }}",
		"x{{ to_json([parameters.word]) }}", "{{ [[parameters.word]] }}" };
	CLEANUP(flow_done) Flow *r = flow_open();
	static const Stmt items = { .sql = "select count(*) from workflow_items where workflow = $1", .in = "i" };
	Vault *v;
	Err err = { 0 };
	Rows rows;
	Id id;

	CHECK_OK(vault_open(r->a, str_of("0123456789abcdef0123456789abcdef"), NULL, &v, &err), err);
	r->engine.vault = v;
	for (size_t i = 0; i < countof(tells); i++) {
		id = flow_with_secrets(r,
		    str_fmt(r->a, "{tasks: [{name: a, action: test.ok, input: {}}], output_map: {t: '%s'}}", tells[i])
			.p);
		flow_run(r);
		flow_check(r, id, "failed", "a",
		    "{\"error\":\"Workflow failed: its output_map would show a secret, which anybody could "
		    "read\",\"succeeded\":false}");
		id = flow_with_secrets(r, str_fmt(r->a,
					      "{vars: {t: 0}, tasks: [{name: a, action: test.ok, input: {}, next: "
					      "[{publish: [{t: '%s'}], do: b}]},"
					      " {name: b, action: test.ok, input: {}}]}",
					      tells[i])
					      .p);
		flow_run(r);
		CHECK_STR(flow_state(r, id), str_of("failed"));
		id = flow_with_secrets(
		    r, str_fmt(r->a, "{tasks: [{name: a, action: test.ok, with_items: '%s', input: {}}]}", tells[i]).p);
		flow_run(r);
		flow_check(
		    r, id, "failed", "", "{\"error\":\"Task 'a': with_items holds a secret\",\"succeeded\":false}");
		rows = flow_rows(r, &items, id);
		CHECK_INT(row_int(rows_at(&rows, 0), 0), 0);
	}
	id = flow_with_secrets(r,
	    "{tasks: [{name: a, action: test.ok, input: {}}], output_map: {n: '{{ length(parameters.word) }}', m: "
	    "148213}}");
	flow_run(r);
	flow_check(r, id, "completed", "a", "{\"n\":15,\"m\":148213,\"succeeded\":true}");
}

TEST(a_run_whose_definition_is_no_longer_one_ends_and_holds_up_nobody)
{
	static const Stmt spoil = {
		.sql = "update workflow_version set definition = $2 where id = (select version from workflow_execution "
		       "where id = $1)",
		.in = "ij",
	};
	CLEANUP(flow_done) Flow *r = flow_open();
	Json bad;
	Err err = { 0 };
	Id old, good;

	CHECK_OK(json_parse(r->a,
		     str_of("{\"tasks\": [{\"name\": \"a\", \"action\": \"test.ok\", \"retry\": {\"count\": 5000}}]}"),
		     NULL, &bad, &err),
	    err);
	flow_workflow(
	    r, "test.old", "{tasks: [{name: a, action: test.ok, next: [{do: b}]}, {name: b, action: test.ok}]}", NULL);
	flow_workflow(
	    r, "test.good", "{tasks: [{name: a, action: test.ok, next: [{do: b}]}, {name: b, action: test.ok}]}", NULL);
	old = flow_start(r, "test.old", "{}");
	good = flow_start(r, "test.good", "{}");
	flow_step(r);
	CHECK_OK(uow_begin(r->u, &err), err);
	CHECK_OK(db_exec(r->u->db, r->u->arena, &spoil, (Bind[]){ bind_int(old), bind_json(&bad) }, NULL, &err), err);
	CHECK_OK(uow_commit(r->u, &points_create, &err), err);
	graphs_close(r->u->graphs); /* as after a restart */
	r->u->graphs = NULL;
	flow_run(r);
	CHECK_STR(flow_state(r, old), str_of("failed"));
	CHECK_STR(flow_state(r, good), str_of("completed"));
	CHECK_STR(flow_trace(r, good), str_of("a b"));
}

TEST(a_workflow_with_much_news_looks_again_by_itself)
{
	CLEANUP(flow_done) Flow *r = flow_open();
	Err err = { 0 };
	Id id;

	flow_workflow(r, "test.flow", "{tasks: [{name: a, action: test.ok}]}", NULL);
	id = flow_start(r, "test.flow", "{}");
	flow_step(r);
	CHECK_OK(uow_begin(r->u, &err), err);
	for (int i = 0; i < WORKFLOW_NEWS_MOST + 1; i++)
		CHECK_OK(workflow_nudge(r->u, id, &err), err);
	for (size_t round = 0; round < 2; round++) {
		size_t before = r->u->out.n;

		CHECK_OK(workflow_step(r->u, &id, 1, &err), err);
		CHECK_INT((int64_t)(r->u->out.n - before), round == 0);
	}
	CHECK_OK(uow_commit(r->u, &points_step, &err), err);
}

TEST(what_a_round_of_a_loop_published_is_known_when_a_later_round_published_nothing)
{
	CLEANUP(flow_done) Flow *r = flow_open();
	Id first, second;
	Err err = { 0 };

	flow_workflow(r, "test.flow",
	    "{vars: {n: 0, log: none, x: 0}, tasks: [{name: s, action: test.ok, next: [{do: a}]}, {name: a, action: "
	    "test.ok, next: [{when: '{{ n == 0 }}', publish: [{log: first}, {x: 1}], do: b}, {when: '{{ n == 1 }}', "
	    "publish: [{x: 2}], do: b}, {when: '{{ n == 2 }}', do: end}]}, {name: b, action: test.ok, next: [{publish: "
	    "[{n: '{{ n + 1 }}'}, {x: '{{ x * 10 }}'}], do: a}]}, {name: end, action: test.ok}], output_map: {n: '{{ n "
	    "}}', log: '{{ log }}', x: '{{ x }}'}}",
	    NULL);
	first = flow_start(r, "test.flow", "{}");
	for (int i = 0; i < 20; i++) { /* the moments at which tasks end differ */
		r->now += US_PER_S;
		flow_step(r);
		r->now += US_PER_S;
		(void)flow_work(r);
	}
	flow_check(r, first, "completed", "s a b a b a end", "{\"n\":2,\"log\":\"first\",\"x\":20,\"succeeded\":true}");
	second = flow_rerun(r, first, "[end]", &err);
	flow_run(r);
	flow_check(r, second, "completed", "end", "{\"n\":2,\"log\":\"first\",\"x\":20,\"succeeded\":true}");
}
