/* Workflows stepped through without starting anything. */
#include "workflow/dry.h"

#include "base/yaml.h"
#include "test.h"

static WfGraph *
graph_of(Arena *a, const char *definition)
{
	Json *d = arena_new(a, Json);
	WfGraph *g = NULL;
	Str at;
	Err err = { 0 };

	CHECK_OK(yaml_parse(a, "test", str_of(definition), NULL, d, &err), err);
	CHECK_OK(wf_compile(a, d, &g, &at, &err), err);
	return g;
}

static Json
value_of(Arena *a, const char *text)
{
	Json v;
	Err err = { 0 };

	CHECK_OK(yaml_parse(a, "test", str_of(text), NULL, &v, &err), err);
	return v;
}

/* "+a -a =a" for starts, ends and tasks; ! failed, * assumed, ? could not start, @ waits, # note. Then the status and the result. */
static Str
stepped(Arena *a, const WfGraph *g, const WfDry *in)
{
	static const struct {
		const char *event, *sign;
	} signs[] = { { "start", "+" }, { "end", "-" }, { "task", "=" }, { "wait", "@" }, { "note", "#" } };
	Buf b = buf_open(a);
	Json out;
	const Json *steps;
	Err err = { 0 };

	CHECK_OK(wf_dry(a, g, in, 1700000000LL * US_PER_S, &out, &err), err);
	steps = json_get(&out, "steps");
	for (size_t i = 0; i < steps->n; i++) {
		const Json *s = &steps->items[i];

		for (size_t k = 0; k < countof(signs); k++)
			if (str_is(json_get_text(s, "event"), signs[k].event))
				buf_text(&b, signs[k].sign);
		buf_fmt(&b, "%.*s", STR_ARG(json_get_text(s, "task")));
		if (!json_is_null(json_get(s, "index")))
			buf_fmt(&b, "%lld", (long long)json_as_int(json_get(s, "index"), 0));
		buf_fmt(&b, "%s%s%s ", str_is(json_get_text(s, "status"), "failed") ? "!" : "",
		    json_as_bool(json_get(s, "assumed"), false) ? "*" : "", json_get_text(s, "error").n > 0 ? "?" : "");
	}
	buf_fmt(
	    &b, "%.*s %.*s", STR_ARG(json_get_text(&out, "status")), STR_ARG(json_text(a, json_get(&out, "result"))));
	return buf_str(&b);
}

static const char flow[] =
    "{vars: {n: 1}, tasks: [{name: a, action: x.y, next: [{when: result().up, do: b}, {when: not result().up, publish: "
    "[{n: 2}], do: c}]}, {name: b, action: x.y}, {name: c, action: x.y, with_items: '{{ range(n) }}', input: {i: '{{ "
    "item }}'}, delay: 5, next: [{when: failed(), do: b}]}], output_map: {n: '{{ n }}', c: '{{ map(task.c, \"v\") "
    "}}'}}";

TEST(a_workflow_goes_the_way_that_the_results_it_is_told_lead)
{
	CLEANUP(arena_done) Arena *a = arena_open();
	const WfGraph *g = graph_of(a, flow);
	WfDry in = {
		.parameters = json_object(), .config = json_object(), .results = json_object(), .failed = json_array()
	};

	/* nobody said whether it is up: no transition fires, and each says why */
	CHECK(str_starts(stepped(a, g, &in), str_of("+a -a* #a #a =a ")));
	in.results = value_of(a, "{a: {up: true}}");
	CHECK(str_starts(stepped(a, g, &in), str_of("+a -a =a +b -b* =b ")));
	in.results = value_of(a, "{a: {up: false}, c: [{v: 5}, {v: 6}]}");
	CHECK_STR(stepped(a, g, &in),
	    str_of("+a -a =a @c +c0 -c0 +c1 -c1 =c completed {\"n\":2,\"c\":[5,6],\"succeeded\":true}"));
	in.failed = value_of(a, "[c]");
	CHECK(str_starts(stepped(a, g, &in), str_of("+a -a =a @c +c0 -c0! +c1 -c1! =c! +b -b* =b completed ")));
}

static Str
gone(void *self, const WfTask *t)
{
	(void)self;
	return str_is(t->name, "b") ? str_of("Action 'x.y' not found") : (Str){ 0 };
}

TEST(what_could_not_be_started_fails_as_it_would)
{
	CLEANUP(arena_done) Arena *a = arena_open();
	WfDry in = { .results = value_of(a, "{a: {up: true}}"), .failed = json_array(), .problem = gone };

	in.parameters = in.config = json_object();
	CHECK_STR(stepped(a, graph_of(a, flow), &in), str_of("+a -a =a +b? -b! =b! failed {\"error\":\"Workflow "
							     "failed: 1 task(s) failed: b\",\"succeeded\":false}"));
}

TEST(names_of_no_task_are_refused_and_a_long_loop_is_cut_off)
{
	CLEANUP(arena_done) Arena *a = arena_open();
	const WfGraph *g = graph_of(a, "{max_iterations: 100000, tasks: [{name: a, action: x.y, next: [{do: a}]}]}");
	WfDry in = { .results = value_of(a, "{z: 1}"), .failed = json_array() };
	Json out;
	Err err = { 0 };

	in.parameters = in.config = json_object();
	CHECK(!wf_dry(a, g, &in, 0, &out, &err));
	CHECK_STR(str_of(err.text), str_of("Validation failed: results: there is no task 'z'"));
	in.results = json_object();
	err_clear(&err);
	CHECK_OK(wf_dry(a, g, &in, 0, &out, &err), err);
	CHECK(json_as_bool(json_get(&out, "cut_off"), false) && json_get(&out, "steps")->n < WF_DRY_STEPS_MOST + 10);
}

TEST(a_run_leaves_the_graph_that_others_share_as_it_is)
{
	CLEANUP(arena_done) Arena *a = arena_open();
	const WfGraph *g = graph_of(a,
	    "{vars: {v: 1}, tasks: [{name: a, action: x.y, when: false, next: [{publish: [{v: 2}], do: b}]},"
	    " {name: b, action: x.y}], output_map: {v: '{{ v }}'}}");
	WfDry in = { .results = json_object(), .failed = json_array() };

	in.parameters = in.config = json_object();
	CHECK_STR(stepped(a, g, &in), str_of("=a +b -b* =b completed {\"v\":2,\"succeeded\":true}"));
	CHECK_INT(json_as_int(json_get(&g->vars, "v"), 0), 1);
}
