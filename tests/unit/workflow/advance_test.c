/* Small workflows and what they do: which runs start in which order, and how they end. Runs end in the order in which they began. */
#include "workflow/advance.h"

#include "base/yaml.h"
#include "test.h"
#include "workflow/validate.h"

#include <stdio.h>

enum { RUNS_MOST = 20000 };

typedef struct Model {
	Arena *a;
	WfGraph *g;
	WfTaskState *states;
	Json *lists;   /* items, by task */
	Json *results; /* by task; null: none yet */
	Json vars, params;
	WfChild *runs;
	size_t begun, ended;
	Wf w;
	Buf trace;
	size_t read; /* how often a task's state was asked for */
} Model;

static WfTaskState *
model_task(void *self, int task)
{
	Model *m = self;

	m->read++;
	return &m->states[task];
}

static bool
model_result(void *self, int task, Json *ret)
{
	Model *m = self;

	*ret = m->states[task].items && m->states[task].items_n == 0 ? json_array() : m->results[task];
	return m->states[task].status >= WF_DONE;
}

static bool
model_root(void *self, Str name, Json *ret)
{
	Model *m = self;

	*ret = str_is(name, "variables") ? m->vars : m->params;
	return str_is(name, "variables") || str_is(name, "parameters");
}

static bool
model_items_put(void *self, int task, const Json *items)
{
	Model *m = self;

	m->lists[task] = *items;
	return true;
}

static bool
model_item(void *self, int task, int64_t index, Json *ret)
{
	Model *m = self;

	*ret = m->lists[task].items[index];
	return true;
}

static Model *
model_open(Arena *a, const char *definition, const char *params)
{
	Model *m = arena_new(a, Model);
	Json *d = arena_new(a, Json);
	WorkflowProblem *problems;
	WfPort port = { m, model_task, model_result, model_root, model_items_put, model_item };
	size_t n;
	Str at;
	Err err = { 0 };

	CHECK_OK(yaml_parse(a, "test", str_of(definition), NULL, d, &err), err);
	if (!workflow_check(a, d, &problems, &n))
		test_fail(__FILE__, __LINE__, "%s: %.*s: %.*s", definition, STR_ARG(problems[0].at),
		    STR_ARG(problems[0].text));
	m->a = a;
	CHECK_OK(wf_compile(a, d, &m->g, &at, &err), err);
	CHECK_OK(yaml_parse(a, "test", str_of(params), NULL, &m->params, &err), err);
	m->states = arena_array(a, WfTaskState, m->g->n);
	m->lists = arena_array(a, Json, m->g->n);
	m->results = arena_array(a, Json, m->g->n);
	m->runs = arena_array(a, WfChild, RUNS_MOST);
	for (size_t i = 0; i < m->g->n; i++)
		m->states[i].arrived = json_array();
	m->trace = buf_open(a);
	m->w = wf_open(a, m->g, &port, 1700000000LL * US_PER_S);
	return m;
}

/* What a step has begun. */
static void
model_take(Model *m)
{
	for (size_t i = 0; i < m->w.n; i++) {
		const WfChild *c = &m->w.children[i];

		if (m->begun == RUNS_MOST)
			test_fail(__FILE__, __LINE__, "it never ends: %.*s", STR_ARG(buf_str(&m->trace)));
		m->runs[m->begun++] = *c;
		buf_fmt(&m->trace, "%s%.*s", m->trace.n > 0 ? " " : "", STR_ARG(m->g->tasks[c->task].name));
		if (c->index >= 0)
			buf_fmt(&m->trace, "#%lld", (long long)c->index);
		if (c->own_input && json_get(&c->input, "x") != NULL)
			buf_fmt(&m->trace, "(%.*s)", STR_ARG(json_text(m->a, json_get(&c->input, "x"))));
	}
	m->w.n = 0;
	if (m->w.vars_changed)
		m->vars = m->w.vars;
	m->w.vars_known = m->w.vars_changed = false;
}

/* t.ok succeeds, t.bad fails, t.late times out, t.third succeeds from the third time on, t.odd fails for odd items. */
static WfOutcome
model_outcome(const Model *m, const WfChild *c)
{
	Str action = m->g->tasks[c->task].action;

	if (!str_none(c->error) || str_is(action, "t.bad") || (str_is(action, "t.third") && c->iteration < 3) ||
	    (str_is(action, "t.odd") && c->index % 2 == 1))
		return WF_FAILED;
	return str_is(action, "t.late") ? WF_TIMED_OUT : WF_SUCCEEDED;
}

static void
model_end(Model *m, const WfChild *c)
{
	WfOutcome how = model_outcome(m, c);
	Json result = json_object(), data = json_object();

	json_add(m->a, &data, "n", json_int(c->iteration));
	json_add(m->a, &data, "index", json_int(c->index));
	json_add(m->a, &data, "input", c->input);
	json_add(m->a, &result, "data", data);
	if (c->index < 0) {
		m->results[c->task] = wf_view(m->a, &result);
	} else {
		if (m->states[c->task].items_next == 1 || m->results[c->task].kind != JSON_ARRAY)
			m->results[c->task] = json_array();
		json_push(m->a, &m->results[c->task], wf_view(m->a, &result));
	}
	CHECK(wf_child_ended(&m->w, c->task, c->iteration, c->index, 1, how));
}

static WfEnd
model_run(Model *m)
{
	WfEnd e;

	CHECK(wf_begin(&m->w));
	model_take(m);
	while (m->ended < m->begun || m->w.open > 0) {
		size_t before = m->ended;

		e = wf_over(&m->w);
		if (e.over)
			break;
		for (size_t i = 0; i < m->g->n; i++)
			if (m->states[i].status == WF_DELAYED)
				CHECK(wf_task_due(&m->w, (int)i));
		model_take(m);
		if (m->ended < m->begun)
			model_end(m, &m->runs[m->ended++]);
		model_take(m);
		if (m->ended == before && m->w.open > 0)
			test_fail(__FILE__, __LINE__, "stuck: %.*s", STR_ARG(buf_str(&m->trace)));
	}
	e = wf_over(&m->w);
	CHECK(e.over);
	return e;
}

typedef struct Case {
	const char *definition, *trace, *result;
} Case;

#define OK(name) "{name: " #name ", action: t.ok"
#define BAD(name) "{name: " #name ", action: t.bad"
#define LATE(name) "{name: " #name ", action: t.late"
#define GOOD "{\"succeeded\":true}"
#define FAILS(text) "{\"error\":\"" text "\",\"succeeded\":false}"

static const Case cases[] = {
	/* one after the other, and what goes wrong on the way */
	{ "{tasks: [" OK(a) "}]}", "a", GOOD },
	{ "{tasks: [" OK(a) ", next: [{do: b}]}, " OK(b) "}]}", "a b", GOOD },
	{ "{tasks: [" BAD(a) ", next: [{when: succeeded(), do: b}]}, " OK(b) "}]}", "a",
	    FAILS("Workflow failed: 1 task(s) failed: a") },
	{ "{tasks: [" BAD(a) ", next: [{when: '{{ failed() }}', do: b}]}, " OK(b) "}]}", "a b", GOOD },
	{ "{tasks: [" BAD(a) ", next: [{do: b}]}, " OK(b) "}]}", "a b", GOOD },
	{ "{tasks: [" BAD(a) ", next: [{when: failed(), publish: [{x: 1}]}]}]}", "a",
	    FAILS("Workflow failed: 1 task(s) failed: a") },
	{ "{tasks: [" BAD(a) "}, " BAD(b) "}, " OK(c) "}]}", "a b c",
	    FAILS("Workflow failed: 2 task(s) failed: a, b") },
	/* hole 6: a time limit is its own ending */
	{ "{tasks: [" LATE(a) ", next: [{when: failed(), do: b}, {when: timed_out(), do: c}]}, " OK(b) "}, " OK(
	      c) "}]}",
	    "a c", GOOD },
	/* hole 15: conditions are evaluated whole */
	{ "{tasks: [" OK(
	      a) ", next: [{when: succeeded() and result().n == 2, do: b}, {when: succeeded() and result().n == 1, "
		 "do: c}]}, " OK(b) "}, " OK(c) "}]}",
	    "a c", GOOD },
	{ "{tasks: [" BAD(a) ", next: [{when: not failed(), do: b}, {when: not succeeded(), do: c}]}, " OK(b) "}, " OK(
	      c) "}]}",
	    "a c", GOOD },
	{ "{tasks: [" LATE(a) ", next: [{when: failed() or timed_out(), do: b}]}, " OK(b) "}]}", "a b", GOOD },
	/* every transition that matches fires, and sees what the ones before it published */
	{ "{tasks: [" OK(a) ", next: [{publish: [{v: 7}], do: b}, {when: v == 7, do: c}, {when: v == 8, do: d}]}, " OK(
	      b) "}, " OK(c) "}, " OK(d) "}]}",
	    "a b c", GOOD },
	/* a condition that cannot be evaluated does not hold */
	{ "{tasks: [" OK(a) ", next: [{when: parameters.there == 1, do: b}, {do: c}]}, " OK(b) "}, " OK(c) "}]}", "a c",
	    GOOD },
	/* publish, in all of its forms; values keep their kind */
	{ "{vars: {v: 1}, tasks: [" OK(a) ", next: [{publish: [{v: '{{ [result().n, 2] }}'}, {w: '{{ vars.v }}'}], do: "
					  "b}]}, " OK(b) ", input: {x: '{{ [vars.v, workflow.w, v] }}'}}]}",
	    "a b([[1,2],1,[1,2]])", GOOD },
	{ "{tasks: [" OK(a) ", next: [{publish: [whole], do: b}]}, " OK(b) ", input: {x: '{{ whole.n }}'}}]}", "a b(1)",
	    GOOD },
	{ "{tasks: [" OK(a) ", next: [{publish: {v: [1]}, do: b}]}, " OK(b) ", input: {x: '{{ v }}'}}]}", "a b([1])",
	    GOOD },
	/* a publish that fails publishes nothing of its transition, and goes on */
	{ "{vars: {v: 0}, tasks: [" OK(a) ", next: [{publish: [{v: 1}, {w: '{{ result().none }}'}], do: b}]}, " OK(
	      b) ", input: {x: '{{ v }}'}}]}",
	    "a b(0)", GOOD },
	/* results of tasks, by each of their names */
	{ "{tasks: [" OK(a) ", next: [{do: b}]}, " OK(
	      b) ", input: {x: '{{ [task.a.n, task.a.data.n, task.a.result.n, tasks.a.result.data.n] }}'}}]}",
	    "a b([1,1,1,1])", GOOD },
	/* an input that cannot be rendered fails the task, and can be handled */
	{ "{tasks: [" OK(a) ", input: {x: '{{ task.b.n }}'}, next: [{when: failed(), do: b}]}, " OK(b) "}]}", "a b",
	    GOOD },
	/* joins */
	{ "{tasks: [" OK(a) ", next: [{do: [b, c]}]}, " OK(b) ", next: [{do: d}]}, " OK(c) ", next: [{do: d}]}, " OK(
	      d) "}]}",
	    "a b c d", GOOD },
	{ "{tasks: [" OK(a) ", next: [{do: [b, c]}]}, " OK(b) ", next: [{do: d}]}, " OK(c) ", next: [{do: d}]}, " OK(
	      d) ", join: 2}]}",
	    "a b c d", GOOD },
	{ "{tasks: [" OK(a) ", next: [{do: d}]}, " OK(b) ", next: [{do: d}]}, " OK(c) ", next: [{do: d}]}, " OK(
	      d) ", join: 2, next: [{do: e}]}, " OK(e) "}]}",
	    "a b c d e", GOOD },
	/* hole (authoring 4.5): a join that can no longer be met */
	{ "{tasks: [" OK(a) ", next: [{do: d}]}, " BAD(
	      b) ", next: [{when: failed(), do: e}, {when: succeeded(), do: d}]}, " OK(d) ", join: 2}, " OK(e) "}]}",
	    "a b e", FAILS("Workflow failed: task 'd' waits for 2 tasks, only 1 came and no other is on its way") },
	/* `when` of a task: it is skipped, and what follows goes on */
	{ "{tasks: [" OK(a) ", when: 'false', next: [{do: b}]}, " OK(b) "}]}", "b", GOOD },
	{ "{tasks: [" OK(a) ", when: '{{ 1 == 1 }}', next: [{do: b}]}, " OK(b) ", when: 'no {{ 1 }}'}]}", "a b", GOOD },
	{ "{tasks: [" OK(a) ", next: [{do: d}]}, " OK(b) ", when: false, next: [{do: d}]}, " OK(d) ", join: 2}]}",
	    "a d", GOOD },
	/* items */
	{ "{tasks: [" OK(a) ", with_items: '{{ [5, 6, 7] }}', input: {x: '{{ item + index }}'}, next: [{do: b}]}, " OK(
	      b) "}]}",
	    "a#0(5) a#1(7) a#2(9) b", GOOD },
	{ "{tasks: [" OK(a) ", with_items: '{{ [] }}', next: [{when: 'succeeded() and result() == []', do: b}]}, " OK(
	      b) "}]}",
	    "b", GOOD }, /* hole 17 */
	{ "{tasks: [" OK(a) ", with_items: '{{ 3 }}', input: {x: '{{ item }}'}}]}", "a#0(3)", GOOD },
	{ "{tasks: [" OK(a) ", with_items: '{{ range(4) }}', concurrency: 3, next: [{do: b}]}, " OK(
	      b) ", input: {x: '{{ map(task.a, \"index\") }}'}}]}",
	    "a#0 a#1 a#2 a#3 b([0,1,2,3])", GOOD },
	{ "{tasks: [{name: a, action: t.odd, with_items: '{{ range(3) }}', next: [{when: succeeded(), do: b}, {when: "
	  "failed(), do: "
	  "c}]}, " OK(b) "}, " OK(c) "}]}",
	    "a#0 a#1 a#2 c", GOOD },
	{ "{tasks: [" LATE(a) ", with_items: '{{ range(2) }}', next: [{when: timed_out(), do: c}]}, " OK(c) "}]}",
	    "a#0 a#1 c", GOOD },
	{ "{tasks: [" OK(
	      a) ", with_items: '{{ range(5) }}', concurrency: 9, batch_size: 2, input: {x: '{{ batch }}'}}]}",
	    "a#0(0) a#1(0) a#2(1) a#3(1) a#4(2)", GOOD },
	{ "{tasks: [" OK(a) ", with_items: '{{ parameters.nothing }}', next: [{when: failed(), do: b}]}, " OK(b) "}]}",
	    "a b", GOOD },
	/* parallel */
	{ "{tasks: [{name: p, type: parallel, tasks: [" OK(a) "}, " OK(b) ", next: [{do: c}]}, " OK(
	      c) "}], next: [{do: d}]}, " OK(d) "}]}",
	    "a b c d", GOOD },
	{ "{tasks: [{name: p, type: parallel, tasks: [" OK(a) "}, " BAD(b) "}], next: [{when: failed(), do: d}]}, " OK(
	      d) "}]}",
	    "a b d", GOOD },
	{ "{tasks: [{name: p, type: parallel, tasks: [{name: q, type: parallel, tasks: [" OK(a) "}]}, " OK(
	      b) "}], next: [{do: d}]}, " OK(d) "}]}",
	    "a b d", GOOD },
	{ "{tasks: [{name: p, type: parallel, tasks: [" OK(a) ", when: false}], next: [{do: d}]}, " OK(d) "}]}", "d",
	    GOOD },
	/* loops: hole 16 */
	{ "{tasks: [{name: a, action: t.third, next: [{when: failed(), do: a}, {when: succeeded(), do: b}]}, " OK(
	      b) "}]}",
	    "a a a b", GOOD },
	{ "{vars: {i: 0}, tasks: [" OK(s) ", next: [{do: a}]}, " OK(
	      a) ", next: [{publish: [{i: '{{ i + 1 }}'}], do: b}]}, " OK(b) ", next: [{when: i < 3, do: a}, {when: i "
									     "== 3, do: c}]}, " OK(c) ", input: {x: "
												      "'{{ i }}'}}]}",
	    "s a b a b a b c(3)", GOOD },
	{ "{vars: {i: 0}, tasks: [" OK(s) ", next: [{do: a}]}, " OK(a) ", next: [{publish: [{i: '{{ i + 1 }}'}], do: "
								       "[b, c]}]}, " OK(b) ", next: [{do: d}]}, " OK(
									   c) ", next: [{do: d}]}, " OK(d) ", join: 2, "
													   "next: "
													   "[{when: i "
													   "< 3, do: "
													   "a}]}]}",
	    "s a b c d a b c d a b c d", GOOD },
	{ "{vars: {i: 0}, tasks: [" OK(s) ", next: [{do: a}]}, " OK(a) ", next: [{publish: [{i: '{{ i + 1 }}'}], do: "
								       "[b, c]}]}, " OK(b) ", next: [{do: d}]}, " OK(
									   c) ", next: [{do: d}]}, " OK(d) ", next: "
													   "[{when: i "
													   "< 3, do: "
													   "a}]}]}",
	    "s a b c d a b c d a b c d", GOOD },
	{ "{vars: {i: 0}, tasks: [" OK(a) ", next: [{publish: [{i: '{{ i + 1 }}'}]}, {when: i < 3, do: [a, "
					  "log]}]}, " OK(log) ", input: {x: '{{ i }}'}}]}",
	    "a a log(1) a log(2)", GOOD },
	{ "{max_iterations: 3, tasks: [" OK(a) ", next: [{do: a}]}]}", "a a a",
	    FAILS("Task 'a' was to run more than 3 times (max_iterations)") },
	{ "{max_iterations: 3, tasks: [" OK(a) ", when: false, next: [{do: a}]}]}", "",
	    FAILS("Task 'a' was to run more than 3 times (max_iterations)") },
	/* delays */
	{ "{tasks: [" OK(a) ", delay: 5, next: [{do: b}]}, " OK(b) ", delay: 2h}]}", "a b", GOOD },
	/* as they were written once */
	{ "{tasks: [" OK(a) ", publish: [whole], on_success: b, on_failure: c}, " OK(
	      b) ", input: {x: '{{ whole.n }}'}}, " OK(c) "}]}",
	    "a b(1)", GOOD },
	{ "{tasks: [" BAD(a) ", on_success: b, on_failure: c, on_complete: d}, " OK(b) "}, " OK(c) "}, " OK(d) "}]}",
	    "a c d", GOOD },
	{ "{tasks: [" LATE(a) ", on_failure: b, on_timeout: c}, " OK(b) "}, " OK(c) "}]}", "a c", GOOD },
	{ "{tasks: [" OK(a) ", decision: [{next: d, default: true}, {when: result().n == 1, next: b}, {when: "
			    "result().n > 0, next: "
			    "c}]}, " OK(b) "}, " OK(c) "}, " OK(d) "}]}",
	    "a b", GOOD },
	{ "{tasks: [" OK(a) ", decision: [{next: d, default: true}, {when: result().n == 2, next: b}]}, " OK(
	      b) "}, " OK(d) "}]}",
	    "a d", GOOD },
	/* what comes out */
	{ "{tasks: [" OK(a) "}], output_map: {n: '{{ task.a.n }}', bad: '{{ task.a.none }}', p: '{{ parameters.p }}'}}",
	    "a", "{\"n\":1,\"p\":9,\"succeeded\":true}" },
};

TEST(small_workflows_do_what_their_definition_says)
{
	size_t wrong = 0;

	for (size_t i = 0; i < countof(cases); i++) {
		CLEANUP(arena_done) Arena *a = arena_open();
		Model *m = model_open(a, cases[i].definition, "{p: 9}");
		WfEnd e = model_run(m);
		Str result = json_text(a, &e.result);

		if (!str_is(buf_str(&m->trace), cases[i].trace) || !str_is(result, cases[i].result))
			wrong += (size_t)fprintf(stderr, "%s\n  started: %.*s\n  instead of: %s\n  result: %.*s\n",
			    cases[i].definition, STR_ARG(buf_str(&m->trace)), cases[i].trace, STR_ARG(result));
	}
	CHECK(wrong == 0);
}

TEST(a_step_looks_only_at_the_task_that_ended_and_at_its_successors)
{
	CLEANUP(arena_done) Arena *a = arena_open();
	Buf d = buf_open(a);
	Model *m;
	size_t first = 0;

	buf_text(&d, "{tasks: [");
	for (int i = 0; i < 500; i++)
		buf_fmt(&d, "{name: t%d, action: t.ok, next: [{do: t%d}]}, ", i, i + 1);
	buf_text(&d, "{name: t500, action: t.ok}]}");
	m = model_open(a, str_cstr(a, buf_str(&d)), "{}");
	CHECK(wf_begin(&m->w));
	model_take(m);
	for (int i = 0; i < 500; i++) {
		size_t before = m->read;

		model_end(m, &m->runs[m->ended++]);
		model_take(m);
		if (i == 0)
			first = m->read - before;
		CHECK(m->read - before == first);
	}
}

TEST(runs_of_a_round_that_is_over_change_nothing)
{
	CLEANUP(arena_done) Arena *a = arena_open();
	Model *m = model_open(a, "{tasks: [" OK(a) ", next: [{do: b}]}, " OK(b) "}]}", "{}");

	CHECK(wf_begin(&m->w));
	model_take(m);
	model_end(m, &m->runs[0]);
	model_take(m);
	CHECK(m->begun == 2);
	CHECK(wf_child_ended(&m->w, 0, 1, -1, 1, WF_SUCCEEDED));
	CHECK(wf_child_ended(&m->w, 0, 7, -1, 1, WF_FAILED));
	CHECK(wf_child_ended(&m->w, 99, 1, -1, 1, WF_FAILED));
	CHECK(m->w.n == 0 && m->w.open == 1);
}

TEST(a_workflow_that_is_being_cancelled_starts_nothing_more)
{
	CLEANUP(arena_done) Arena *a = arena_open();
	Model *m = model_open(a,
	    "{tasks: [" OK(a) ", with_items: '{{ range(9) }}', concurrency: 2, next: [{do: b}]}, " OK(b) "}]}", "{}");

	CHECK(wf_begin(&m->w));
	model_take(m);
	m->w.halted = true;
	model_end(m, &m->runs[0]);
	model_end(m, &m->runs[1]);
	CHECK(m->w.n == 0 && m->w.open == 0);
}

TEST(a_graph_that_cannot_work_is_refused_with_its_place)
{
	static const struct {
		const char *definition, *at, *text;
	} table[] = {
		{ "{tasks: [" OK(a) "}, " OK(b) ", next: [{do: c}]}, " OK(c) ", next: [{do: b}]}]}", "/tasks/1",
		    "no way leads to 'b'" },
		{ "{tasks: [" OK(a) ", next: [{do: b}]}, " OK(b) ", join: 2}]}", "/tasks/1", "only 1 lead to it" },
		{ "{tasks: [{name: p, type: parallel, tasks: [" OK(a) ", next: [{do: b}]}]}, " OK(b) "}]}",
		    "/tasks/0/tasks/0", "inside a parallel task" },
		{ "{tasks: [" OK(a) ", next: [{do: b}]}, " OK(b) ", next: [{do: a}]}]}", "/tasks", "to begin with" },
	};

	for (size_t i = 0; i < countof(table); i++) {
		CLEANUP(arena_done) Arena *a = arena_open();
		WorkflowProblem *p;
		Json d;
		size_t n;
		Err err = { 0 };

		CHECK_OK(yaml_parse(a, "test", str_of(table[i].definition), NULL, &d, &err), err);
		CHECK(!workflow_check(a, &d, &p, &n));
		CHECK_STR(p[0].at, str_of(table[i].at));
		CHECK(str_find(p[0].text, str_of(table[i].text), NULL));
	}
}
