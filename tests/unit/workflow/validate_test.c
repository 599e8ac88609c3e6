#include "workflow/validate.h"

#include "base/yaml.h"
#include "test.h"

static Json
yaml(Arena *a, const char *text)
{
	Json v;
	Err err = { 0 };

	CHECK_OK(yaml_parse(a, "test", str_of(text), NULL, &v, &err), err);
	return v;
}

#define A "{name: a, action: core.echo"

typedef struct Wrong {
	const char *definition, *at, *text;
} Wrong;

static void
check_wrong(Arena *a, const Wrong *w)
{
	Json v = yaml(a, w->definition);
	WorkflowProblem *p;
	size_t n;

	CHECK(!workflow_check(a, &v, &p, &n));
	CHECK_STR(p[0].at, str_of(w->at));
	if (!str_find(p[0].text, str_of(w->text), NULL))
		test_fail(__FILE__, __LINE__, "%s: %.*s", w->definition, STR_ARG(p[0].text));
}

TEST(what_is_wrong_with_a_workflow_is_said_with_its_place)
{
	static const Wrong table[] = {
		{ "[]", "", "mapping" },
		{ "{}", "/tasks", "needs a list" },
		{ "{tasks: []}", "/tasks", "needs a list" },
		{ "{tasks: {a: 1}}", "/tasks", "must be an array" },
		{ "{tasks: [1]}", "/tasks/0", "mapping" },
		{ "{tasks: [{action: core.echo}]}", "/tasks/0", "'name'" },
		{ "{tasks: [{name: task, action: core.echo}]}", "/tasks/0/name", "'task'" },
		{ "{tasks: [" A "}, " A "}]}", "/tasks/1/name", "two tasks called 'a'" },
		{ "{tasks: [{name: a}]}", "/tasks/0", "'action'" },
		{ "{tasks: [{name: a, action: echo}]}", "/tasks/0/action", "'echo'" },
		{ "{tasks: [" A ", type: loop}]}", "/tasks/0/type", "'loop'" },
		{ "{tasks: [{name: a, type: parallel}]}", "/tasks/0", "'tasks'" },
		{ "{tasks: [{name: a, type: parallel, tasks: [{name: b}]}]}", "/tasks/0/tasks/0", "'action'" },
		{ "{tasks: [" A ", next: [{do: [b]}]}]}", "/tasks/0/next/0/do/0",
		    "Task 'a' references non-existent task 'b'" },
		{ "{tasks: [" A ", next: {do: b}}]}", "/tasks/0/next", "must be an array" },
		{ "{tasks: [" A ", next: [b]}]}", "/tasks/0/next/0", "transition" },
		{ "{tasks: [" A ", next: [{when: 'result( =='}]}]}", "/tasks/0/next/0/when", "column" },
		{ "{tasks: [" A ", next: [{when: '{{ 1 + }}'}]}]}", "/tasks/0/next/0/when", "column" },
		{ "{tasks: [" A ", next: [{publish: [{x: '{{ task.b.y }}'}]}]}]}", "/tasks/0/next/0/publish/0",
		    "no task 'b'" },
		{ "{tasks: [" A ", next: [{publish: 1}]}]}", "/tasks/0/next/0/publish", "list" },
		{ "{tasks: [" A ", on_success: b}]}", "/tasks/0/on_success", "non-existent task 'b'" },
		{ "{tasks: [" A ", decision: [{next: a, default: true}, {next: a, default: true}]}]}",
		    "/tasks/0/decision", "one decision" },
		{ "{tasks: [" A ", input: {x: '{{ a b }}'}}]}", "/tasks/0/input", "column" },
		{ "{tasks: [" A ", input: [1]}]}", "/tasks/0/input", "must be an object" },
		{ "{tasks: [" A ", when: 5}]}", "/tasks/0/when", "expression" },
		{ "{tasks: [" A ", concurrency: 0}]}", "/tasks/0/concurrency", "whole number" },
		{ "{tasks: [" A ", join: x}]}", "/tasks/0/join", "whole number" },
		{ "{tasks: [" A ", timeout: -1}]}", "/tasks/0/timeout", "whole number" },
		{ "{tasks: [" A ", retry: {}}]}", "/tasks/0/retry", "'count'" },
		{ "{tasks: [" A ", retry: {count: 101}}]}", "/tasks/0/retry/count", "100" },
		{ "{tasks: [" A ", retry: {count: 1, backoff: fast}}]}", "/tasks/0/retry/backoff", "'fast'" },
		{ "{tasks: [" A ", retry: {count: 1, delay: 5, max_delay: 1}}]}", "/tasks/0/retry/max_delay",
		    "'delay'" },
		{ "{tasks: [" A ", retry: {count: 1, on: [never]}}]}", "/tasks/0/retry/on/0", "worker_lost" },
		{ "{tasks: [" A ", retry: {count: 1, delay: soon}}]}", "/tasks/0/retry/delay", "10s" },
		{ "{tasks: [" A ", retry: {count: 1, delay: 1m, max_delay: 30s}}]}", "/tasks/0/retry/max_delay",
		    "below 'delay'" },
		{ "{tasks: [" A ", retry: {count: 1, jitter: 2}}]}", "/tasks/0/retry/jitter", "from 0 to 1" },
		{ "{tasks: [" A ", retry: {count: 1, times: 2}}]}", "/tasks/0/retry/times", "is not known" },
		{ "{tasks: [" A ", retry: {count: 1, on_error: '{{ 1 + }}'}}]}", "/tasks/0/retry/on_error", "" },
		{ "{tasks: [" A ", next: [{do: [b]}]}, {name: b, action: core.echo, next: [{do: [a]}]}]}", "/tasks",
		    "no task to begin with" },
		{ "{tasks: [" A "}], vars: {'a b': 1}}", "/vars", "'a b'" },
		{ "{tasks: [" A "}], output_map: {x: '{{ task.z }}'}}", "/output_map", "no task 'z'" },
		{ "{tasks: [" A "}], cancellation_policy: never}", "/cancellation_policy", "'never'" },
		{ "{tasks: [" A "}], max_iterations: 0}", "/max_iterations", "whole number" },
	};
	CLEANUP(arena_done) Arena *a = arena_open();

	for (size_t i = 0; i < countof(table); i++)
		check_wrong(a, &table[i]);
}

TEST(a_name_that_stands_for_nothing_and_a_loop_that_nothing_ends_are_wrong)
{
	static const Wrong table[] = {
		{ "{tasks: [" A ", input: {x: '{{ whoo }}'}}], vars: {who: 1}}", "/tasks/0/input",
		    "there is no variable 'whoo': neither vars nor any publish has it. Did you mean 'who'?" },
		{ "{tasks: [" A ", input: {x: '{{ vars.x }}'}}]}", "/tasks/0/input", "no variable 'x'" },
		{ "{tasks: [" A ", next: [{when: 'event.x == 1'}]}]}", "/tasks/0/next/0/when", "no variable 'event'" },
		{ "{tasks: [" A ", input: {x: '{{ item }}'}}]}", "/tasks/0/input", "only to the input" },
		{ "{tasks: [" A ", with_items: '{{ item }}'}]}", "/tasks/0/with_items", "only to the input" },
		{ "{tasks: [{name: start, action: x.y}], output_map: {x: '{{ task.start }}', y: '{{ task.strat }}'}}",
		    "/output_map", "no task 'strat'. Did you mean 'start'?" },
		{ "{tasks: [" A ", next: [{do: b}]}, {name: b, action: x.y, next: [{do: c}]}, {name: c, action: x.y, "
		  "next: [{do: b}]}]}",
		    "/tasks/1", "nothing ends the loop from 'b' to 'c' to 'b'" },
		{ "{tasks: [" A ", when: 1 > 2, next: [{do: a}]}]}", "/tasks/0",
		    "nothing ends the loop from 'a' to 'a'" },
	};
	CLEANUP(arena_done) Arena *a = arena_open();

	for (size_t i = 0; i < countof(table); i++)
		check_wrong(a, &table[i]);
}

TEST(a_workflow_may_branch_join_loop_and_be_written_as_once)
{
	static const char *const good[] = {
		"{tasks: [" A "}]}",
		"{tasks: [" A
		", next: [{when: '{{ succeeded() and result().code == 200 }}', publish: [{n: '{{ result().n }}'}, all],"
		" do: [b, c]}, {when: failed(), do: c}]}, {name: b, action: x.y, next: [{do: [d]}]}, {name: c, action: "
		"x.y, "
		"next: [{do: [d]}]}, {name: d, action: x.y, join: 2, with_items: '{{ vars.list }}', concurrency: 5}], "
		"vars: {list: []}}",
		"{tasks: [" A ", next: [{do: [b]}]}, {name: b, action: x.y, next: [{when: 'task.a.n < 3', do: [b]}]}],"
		" max_iterations: 10}",
		"{tasks: [" A
		", on_success: b, publish: {x: 1}}, {name: b, action: x.y}], vars: {list: [1]}, output_map: {n: '{{ "
		"task.a.result.n }}'}, cancellation_policy: cancel_running}",
		"{tasks: [{name: p, type: parallel, tasks: [" A
		"}, {name: b, action: x.y}], next: [{do: [c]}]}, {name: c, type: "
		"workflow, action: x.y, retry: {count: 3, delay: 1, backoff: exponential, max_delay: 60, on: "
		"[failed]}}]}",
	};
	CLEANUP(arena_done) Arena *a = arena_open();

	for (size_t i = 0; i < countof(good); i++) {
		Json v = yaml(a, good[i]);
		WorkflowProblem *p;
		size_t n;

		if (!workflow_check(a, &v, &p, &n))
			test_fail(__FILE__, __LINE__, "%zu: %.*s: %.*s", i, STR_ARG(p[0].at), STR_ARG(p[0].text));
	}
}

TEST(a_name_may_be_a_variable_that_any_task_publishes_or_stand_in_default)
{
	static const char *const good[] = {
		"{tasks: [" A ", input: {x: '{{ later + vars.whole }}'}, next: [{publish: [{later: 1}, whole]}]}]}",
		"{tasks: [" A ", input: {x: '{{ default(nothing.there, 1) + coalesce(vars.none, 2) }}'}}]}",
		"{tasks: [" A ", with_items: [1], input: {x: '{{ [item, index, batch] }}'}}]}",
		"{tasks: [{name: p, type: parallel, tasks: [" A ", publish: {v: 1}}]}], output_map: {v: '{{ v }}'}}",
		"{tasks: [" A ", input: {x: '{{ [parameters.a, config.b, keystore.c, system.workflow_start] }}'}}]}",
	};
	CLEANUP(arena_done) Arena *a = arena_open();

	for (size_t i = 0; i < countof(good); i++) {
		Json v = yaml(a, good[i]);
		WorkflowProblem *p;
		size_t n;

		if (!workflow_check(a, &v, &p, &n) || n > 0)
			test_fail(__FILE__, __LINE__, "%zu: %.*s: %.*s", i, STR_ARG(p[0].at), STR_ARG(p[0].text));
	}
}

TEST(a_loop_is_bounded_by_a_condition_by_max_iterations_or_by_time_and_the_usual_bound_is_named)
{
	static const char *const loops[] = {
		"{tasks: [" A ", next: [{when: failed(), do: a}]}]}",
		"{tasks: [" A ", decision: [{next: a, default: true}]}]}",
	}, *const bounded[] = {
		"{max_iterations: 5, tasks: [" A ", next: [{do: a}]}]}",
		"{max_iterations: 5, tasks: [" A ", next: [{when: failed(), do: a}]}]}",
		"{timeout: 5, tasks: [" A ", next: [{do: a}]}]}",
	};
	CLEANUP(arena_done) Arena *a = arena_open();
	WorkflowProblem *p;
	size_t n;
	Json v;

	for (size_t i = 0; i < countof(loops); i++) {
		v = yaml(a, loops[i]);
		CHECK(workflow_check(a, &v, &p, &n) && n == 1 && p[0].warning);
		CHECK_STR(p[0].at, str_of("/tasks/0"));
		CHECK_STR(p[0].text,
		    str_of("'a' leads back to 'a', and no max_iterations says how often: the workflow fails after 1000 "
			   "rounds"));
	}
	for (size_t i = 0; i < countof(bounded); i++) {
		v = yaml(a, bounded[i]);
		CHECK(workflow_check(a, &v, &p, &n) && n == 0);
	}
}

#define B "{name: b, action: x.y, next: [{do: d}]}, "
#define C "{name: c, action: x.y, next: [{do: d}]}, "
#define D "{name: d, action: x.y, join: 2}"

TEST(a_join_of_what_excludes_each_other_is_warned_of_and_no_other)
{
	static const char *const never[] = {
		"{tasks: [" A ", next: [{when: '{{ succeeded() }}', do: b}, {when: failed(), do: c}]}, " B C D "]}",
		"{tasks: [" A ", next: [{when: succeeded(), do: b}, {when: ' timed_out() ', do: [d]}]}, " B D "]}",
		"{tasks: [" A ", on_success: b, on_failure: c}, " B C D "]}",
		/* one of them some way below, one beside what excludes each other */
		"{tasks: [" A ", next: [{when: succeeded(), do: e}, {when: failed(), do: c}]}, {name: e, action: x.y, next:"
		" [{do: b}]}, {name: f, action: x.y, next: [{do: d}]}, " B C "{name: d, action: x.y, join: 3}]}",
	}, *const perhaps[] = {
		"{tasks: [" A ", next: [{when: succeeded(), do: b}, {when: result().x == 1, do: c}]}, " B C D "]}",
		"{tasks: [" A ", next: [{when: succeeded(), do: [b, c]}, {when: failed(), do: c}]}, " B C D "]}",
		"{tasks: [" A ", next: [{when: succeeded(), do: [b, c]}]}, " B C D "]}",
		"{tasks: [" A ", next: [{when: succeeded(), do: b}, {when: failed(), do: c}, {do: d}]}, " B C D "]}",
		"{tasks: [" A ", next: [{when: succeeded(), do: b}, {when: failed(), do: c}]}, {name: e, action: x.y, next: "
		"[{do: c}]}, " B C D "]}",
		"{max_iterations: 3, tasks: [{name: s, action: x.y, next: [{do: a}]}, " A
		", next: [{when: succeeded(), do: b}, {when: failed(), do: [c, a]}]}, " B C D "]}",
	};
	CLEANUP(arena_done) Arena *a = arena_open();
	WorkflowProblem *p;
	size_t n;
	Json v;

	for (size_t i = 0; i < countof(never); i++) {
		v = yaml(a, never[i]);
		if (!workflow_check(a, &v, &p, &n) || n != 1 || !p[0].warning ||
		    !str_find(p[0].text, str_of("'d' waits for"), NULL) ||
		    !str_find(p[0].text, str_of("one ending of 'a'"), NULL))
			test_fail(__FILE__, __LINE__, "%zu: %.*s", i, STR_ARG(n > 0 ? p[0].text : str_of("nothing")));
	}
	for (size_t i = 0; i < countof(perhaps); i++) {
		v = yaml(a, perhaps[i]);
		if (!workflow_check(a, &v, &p, &n) || n > 0)
			test_fail(__FILE__, __LINE__, "%zu: %.*s", i, STR_ARG(p[0].text));
	}
}

TEST(a_key_that_nothing_reads_is_a_doubt_wherever_it_stands)
{
	static const Wrong table[] = {
		{ "{tsaks: 1, tasks: [" A "}]}", "/tsaks", "a workflow has no key 'tsaks'" },
		{ "{tasks: [" A ", onfailure: b}]}", "/tasks/0/onfailure",
		    "a task has no key 'onfailure', so it is passed over. Did you mean 'on_failure'?" },
		{ "{tasks: [{name: p, type: parallel, tasks: [" A ", inputs: {}}]}]}", "/tasks/0/tasks/0/inputs",
		    "Did you mean 'input'?" },
		{ "{tasks: [" A ", next: [{where: failed(), do: []}]}]}", "/tasks/0/next/0/where",
		    "a transition has no key 'where'" },
		{ "{tasks: [" A ", decision: [{wen: failed(), next: b}]}, {name: b, action: x.y}]}",
		    "/tasks/0/decision/0/wen", "Did you mean 'when'?" },
	};
	static const char good[] = "{label: L, metadata: {}, __chart_meta__: {}, tasks: [" A
				   ", description: d, __chart_meta__: {x: 1}, next: [{label: l, __line: 2, do: []}]}]}";
	CLEANUP(arena_done) Arena *a = arena_open();
	WorkflowProblem *p;
	size_t n;
	Json v;

	for (size_t i = 0; i < countof(table); i++) {
		v = yaml(a, table[i].definition);
		CHECK(workflow_check(a, &v, &p, &n) && n == 1 && p[0].warning);
		CHECK_STR(p[0].at, str_of(table[i].at));
		if (!str_find(p[0].text, str_of(table[i].text), NULL))
			test_fail(__FILE__, __LINE__, "%zu: %.*s", i, STR_ARG(p[0].text));
	}
	v = yaml(a, good);
	CHECK(workflow_check(a, &v, &p, &n) && n == 0);
}

TEST(all_problems_are_given_up_to_a_hundred)
{
	CLEANUP(arena_done) Arena *a = arena_open();
	Json v = json_object(), tasks = json_array();
	WorkflowProblem *p;
	size_t n;

	for (int i = 0; i < 150; i++)
		json_push(a, &tasks, json_int(i));
	json_add(a, &v, "tasks", tasks);
	CHECK(!workflow_check(a, &v, &p, &n));
	CHECK(n == WORKFLOW_PROBLEMS_MOST);
}
