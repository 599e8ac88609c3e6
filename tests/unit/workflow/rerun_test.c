/* Runs begun anew: what is forgotten, what stands, and with what the new one begins. */
#include "workflow/rerun.h"

#include "base/yaml.h"
#include "test.h"

typedef struct Old {
	WfGraph *g;
	WfTaskState *states;
} Old;

/* ended: "a d< a", which tasks ended, and from which of them they were reached. */
static Old
old_of(Arena *a, const char *definition, const char *ended)
{
	Json *d = arena_new(a, Json), how;
	Old o = { 0 };
	Str at;
	Err err = { 0 };

	CHECK_OK(yaml_parse(a, "test", str_of(definition), NULL, d, &err), err);
	CHECK_OK(wf_compile(a, d, &o.g, &at, &err), err);
	CHECK_OK(yaml_parse(a, "test", str_of(ended), NULL, &how, &err), err);
	o.states = arena_array(a, WfTaskState, o.g->n);
	for (size_t i = 0; i < o.g->n; i++)
		o.states[i] = (WfTaskState){ .arrived = json_array(), .triggered_by = -1 };
	for (size_t i = 0; i < how.n; i++) {
		WfTaskState *st = &o.states[wf_task_no(o.g, how.members[i].key)];
		const Json *from = json_get(&how.members[i].value, "from");

		st->status = wf_status_of(json_get_text(&how.members[i].value, "is"));
		st->begun = st->status != WF_IDLE;
		st->iteration = st->begun ? 2 : 0;
		for (size_t k = 0; from != NULL && k < from->n; k++)
			json_push(a, &st->arrived, json_int(wf_task_no(o.g, json_as_str(&from->items[k]))));
	}
	return o;
}

/* "starts, kept, waiting": "b<a; a; 1" */
static Str
anew(Arena *a, const Old *o, const char *from, const char *failed, Err *err)
{
	Json names, bad;
	int tasks[8];
	WfRerun r;
	Buf b = buf_open(a);

	CHECK_OK(yaml_parse(a, "test", str_of(from), NULL, &names, err), *err);
	CHECK_OK(yaml_parse(a, "test", str_of(failed), NULL, &bad, err), *err);
	for (size_t i = 0; i < names.n; i++)
		tasks[i] = wf_task_no(o->g, json_as_str(&names.items[i]));
	if (!wf_rerun(a, o->g, o->states, &bad, bad.n, tasks, names.n, &r, err))
		return str_of("refused");
	for (size_t i = 0; i < r.starts_n; i++) {
		buf_fmt(&b, "%.*s", STR_ARG(o->g->tasks[r.starts[i].task].name));
		if (r.starts[i].from >= 0)
			buf_fmt(&b, "<%.*s", STR_ARG(o->g->tasks[r.starts[i].from].name));
		buf_char(&b, ' ');
	}
	buf_text(&b, "; ");
	for (size_t i = 0; i < o->g->n; i++)
		if (!r.again[i])
			buf_fmt(&b, "%.*s ", STR_ARG(o->g->tasks[i].name));
	buf_fmt(&b, "; %lld", (long long)r.waiting);
	for (size_t i = 0; i < o->g->n; i++)
		CHECK(!r.again[i] || (o->states[i].iteration == 0 && !o->states[i].begun));
	return buf_str(&b);
}

static const char diamond[] =
    "{tasks: [{name: a, action: x.y, next: [{do: [b, c]}]}, {name: b, action: x.y, next: [{do: d}]},"
    " {name: c, action: x.y, next: [{do: d}]}, {name: d, action: x.y, join: 2}]}";
static const char diamond_ended[] = "{a: {is: completed}, b: {is: completed, from: [a]}, c: {is: completed, from: [a]},"
				    " d: {is: completed, from: [b, c]}}";
static const char loop[] = "{tasks: [{name: s, action: x.y, next: [{do: a}]}, {name: a, action: x.y, next: [{do: b}]},"
			   " {name: b, action: x.y, next: [{do: [a, c]}]}, {name: c, action: x.y}]}";
static const char loop_ended[] = "{s: {is: completed}, a: {is: completed, from: [s, b]}, b: {is: completed, from: [a]},"
				 " c: {is: completed, from: [b]}}";

TEST(what_comes_of_a_task_is_forgotten_and_everything_else_stands)
{
	static const struct {
		const char *definition, *ended, *from, *want;
	} table[] = {
		{ diamond, diamond_ended, "[a]", "a ; ; 0" },
		{ diamond, diamond_ended, "[b]", "b<a ; a c ; 1" },
		{ diamond, diamond_ended, "[d]", "d<c ; a b c ; 0" },
		{ diamond, diamond_ended, "[b, d]", "b<a ; a c ; 1" }, /* d comes of b, and waits for it */
		{ diamond, diamond_ended, "[b, c]", "b<a c<a ; a ; 0" },
		{ loop, loop_ended, "[b]", "b<a ; s a ; 0" }, /* a lies before it, though it leads back there */
		{ loop, loop_ended, "[a]", "a<s ; s ; 0" },
		/* what was cut off begins anew by itself */
		{ diamond, "{a: {is: completed}, b: {is: completed, from: [a]}, c: {is: running, from: [a]}}", "[b]",
		    "b<a c<a ; a ; 0" },
		/* one that another way had led to does not wait for the way begun anew */
		{ "{tasks: [{name: a, action: x.y, next: [{do: c}]}, {name: b, action: x.y, next: [{do: c}]}, {name: c,"
		  " action: x.y}]}",
		    "{a: {is: completed}, b: {is: completed}, c: {is: completed, from: [a, b]}}", "[b]",
		    "b c<a ; a ; 0" },
		/* a join that only part of its tasks had come to is not met by another task */
		{ "{tasks: [{name: a, action: x.y, next: [{do: [b, c, e]}]}, {name: b, action: x.y, next: [{do: d}]},"
		  " {name: c, action: x.y, next: [{when: failed(), do: d}]}, {name: d, action: x.y, join: 2},"
		  " {name: e, action: x.y}]}",
		    "{a: {is: completed}, b: {is: completed, from: [a]}, c: {is: completed, from: [a]}, d: {is: "
		    "waiting, from: [b]}, e: {is: completed, from: [a]}}",
		    "[e]", "e<a ; a b c d ; 1" },
		/* a parallel task with what is in it */
		{ "{tasks: [{name: a, action: x.y, next: [{do: p}]}, {name: p, type: parallel, tasks: [{name: i, "
		  "action: "
		  "x.y}]}]}",
		    "{a: {is: completed}, p: {is: failed, from: [a]}, i: {is: failed}}", "[p]", "p<a ; a ; 0" },
	};

	for (size_t i = 0; i < countof(table); i++) {
		CLEANUP(arena_done) Arena *a = arena_open();
		Err err = { 0 };
		Old o = old_of(a, table[i].definition, table[i].ended);

		CHECK_STR(anew(a, &o, table[i].from, "[]", &err), str_of(table[i].want));
	}
}

TEST(a_failure_that_nobody_handled_cannot_be_taken_over)
{
	CLEANUP(arena_done) Arena *a = arena_open();
	Err err = { 0 };
	static const char ended[] = "{a: {is: completed}, b: {is: failed, from: [a]}, c: {is: completed, from: [a]}}";
	Old o = old_of(a, diamond, ended);

	CHECK_STR(anew(a, &o, "[c]", "[b]", &err), str_of("refused"));
	CHECK(str_find(str_of(err.text), str_of("'b' failed too"), NULL));
	o = old_of(a, diamond, ended);
	err_clear(&err);
	CHECK_STR(anew(a, &o, "[b]", "[b]", &err), str_of("b<a ; a c ; 0"));
}

TEST(only_what_ran_and_stands_outside_of_a_parallel_task_can_be_begun_from)
{
	static const char p[] =
	    "{tasks: [{name: a, action: x.y, next: [{when: failed(), do: n}]}, {name: n, action: x.y},"
	    " {name: p, type: parallel, tasks: [{name: i, action: x.y}]}]}";
	static const char ended[] = "{a: {is: completed}, p: {is: completed}, i: {is: completed}}";
	static const struct {
		const char *from, *says;
	} table[] = {
		{ "[n]", "Task 'n' did not run: begin from one before it" },
		{ "[a, i]", "inside of the parallel task 'p': begin from that one" },
	};

	for (size_t i = 0; i < countof(table); i++) {
		CLEANUP(arena_done) Arena *a = arena_open();
		Err err = { 0 };
		Old o = old_of(a, p, ended);

		CHECK_STR(anew(a, &o, table[i].from, "[]", &err), str_of("refused"));
		CHECK(str_find(str_of(err.text), str_of(table[i].says), NULL));
	}
}
