#include "story.h"

#include "test.h"
#include "workflow/validate.h"

#include <stdio.h>

enum { TASKS_MOST = 12 };

uint64_t
dice_below(Dice *d, uint64_t n)
{
	uint64_t z = (d->state += 0x9e3779b97f4a7c15u);

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
	return (z ^ (z >> 31)) % n;
}

static bool
chance(Dice *d, uint64_t percent)
{
	return dice_below(d, 100) < percent;
}

/* ---- definitions ---- */

typedef struct Plan {
	Dice *d;
	Buf b;
	bool retries;
	int n;
	int group[TASKS_MOST]; /* WF_TOP, or the parallel task it is in */
	bool parallel[TASKS_MOST];
	bool way[TASKS_MOST][TASKS_MOST];
	int preds[TASKS_MOST];
} Plan;

static void
plan_groups(Plan *p)
{
	p->n = 4 + (int)dice_below(p->d, TASKS_MOST - 3);
	for (int i = 0; i < p->n; i++)
		p->group[i] = WF_TOP;
	for (int i = 0; i + 2 < p->n; i++) {
		if (!chance(p->d, 12))
			continue;
		p->parallel[i] = true;
		p->group[i + 1] = p->group[i + 2] = i;
		i += 2;
	}
}

static void
plan_ways(Plan *p)
{
	for (int from = 0; from < p->n; from++)
		for (int to = from + 1, near = 1; to < p->n; to++) {
			if (p->group[to] != p->group[from])
				continue;
			p->way[from][to] = chance(p->d, near ? 85 : 20);
			p->preds[to] += p->way[from][to];
			near = 0;
		}
}

/* Some of them name what is not there, or not yet: then a transition does not fire, or a run cannot start. */
static void
put_when(Plan *p, bool *more)
{
	static const char *const whens[] = { NULL, NULL, NULL, NULL, NULL, "succeeded()", "failed()", "timed_out()",
		"not succeeded()", "{{ result().data.n > 3 }}", "{{ v >= 3 }}", "{{ parameters.flag }}",
		"{{ failed() and v < 4 }}", "{{ result().data.absent == 1 }}", "{{ seen.data.n % 2 == 0 }}" };
	const char *when = whens[dice_below(p->d, countof(whens))];

	if (when != NULL)
		buf_fmt(&p->b, "%s\"when\": \"%s\"", *more ? ", " : "", when);
	*more = *more || when != NULL;
}

static void
put_publish(Plan *p, bool *more)
{
	static const char *const values[] = { "\"v\": \"{{ v + 1 }}\"", "\"v\": \"{{ result().data.n }}\"",
		"\"seen\": \"{{ result() }}\"", "\"v\": 0", "\"gone\": \"{{ result().absent.deep }}\"",
		"\"note\": \"after {{ v }}\"" };

	if (!chance(p->d, 50))
		return;
	buf_fmt(&p->b, "%s\"publish\": {%s}", *more ? ", " : "", values[dice_below(p->d, countof(values))]);
	*more = true;
}

static void
put_way(Plan *p, bool *any, int to)
{
	bool more = false;

	buf_text(&p->b, *any ? ", {" : "{");
	put_when(p, &more);
	put_publish(p, &more);
	buf_fmt(&p->b, "%s\"do\": [\"t%d\"]}", more ? ", " : "", to);
	*any = true;
}

/* Round it goes, as often as its own count says; or it leads on to each later task that it knows. */
static void
put_next(Plan *p, int no)
{
	bool any = false;

	buf_text(&p->b, ", \"next\": [");
	if (chance(p->d, 15)) {
		buf_fmt(&p->b,
		    "{\"publish\": {\"r%d\": \"{{ r%d + 1 }}\"}}, {\"when\": \"{{ r%d < %d }}\", \"do\": [\"t%d\"]}",
		    no, no, no, 2 + (int)dice_below(p->d, 2), no);
		any = true;
	}
	for (int to = no + 1; to < p->n; to++)
		if (p->way[no][to])
			put_way(p, &any, to);
	buf_text(&p->b, "]");
}

static void
put_work(Plan *p)
{
	static const char *const inputs[] = { ", \"input\": {}", ", \"input\": {\"x\": \"{{ parameters.p }}\"}",
		", \"input\": {\"x\": \"{{ v }}\"}", ", \"input\": {\"x\": \"{{ task.t0.data.n }}\"}",
		", \"input\": {\"x\": \"at {{ v }} of {{ parameters.p }}\"}", "" };

	buf_fmt(&p->b, ", \"action\": \"test.do\"%s", inputs[dice_below(p->d, countof(inputs))]);
	if (p->retries && chance(p->d, 20))
		buf_text(&p->b, ", \"retry\": {\"count\": 2, \"on_error\": \"{{ result().data.n > 3 }}\"}");
	if (!chance(p->d, 25))
		return;
	if (chance(p->d, 60))
		buf_fmt(&p->b, ", \"with_items\": \"{{ range(%d) }}\"", (int)dice_below(p->d, 5));
	else
		buf_text(&p->b, ", \"with_items\": \"{{ parameters.list }}\"");
	if (chance(p->d, 70))
		buf_fmt(&p->b, ", \"concurrency\": %d", 1 + (int)dice_below(p->d, 3));
	if (chance(p->d, 25))
		buf_text(&p->b, ", \"batch_size\": 2");
}

static void put_tasks(Plan *p, int group);

static void
put_task(Plan *p, int no)
{
	static const char *const whens[] = { "{{ parameters.flag }}", "{{ v < 3 }}", "{{ parameters.absent > 1 }}" };

	if (p->parallel[no])
		put_tasks(p, no);
	else
		put_work(p);
	if (p->preds[no] > 1 && chance(p->d, 70))
		buf_fmt(&p->b, ", \"join\": %d", chance(p->d, 70) ? p->preds[no] : 2);
	if (chance(p->d, 12))
		buf_fmt(&p->b, ", \"when\": \"%s\"", whens[dice_below(p->d, countof(whens))]);
	if (chance(p->d, 12))
		buf_fmt(&p->b, ", \"delay\": \"%dm\"", 1 + (int)dice_below(p->d, 90));
	put_next(p, no);
}

static void
put_tasks(Plan *p, int group)
{
	bool any = false;

	buf_fmt(&p->b, "%s\"tasks\": [", group == WF_TOP ? "" : ", \"type\": \"parallel\", ");
	for (int i = 0; i < p->n; i++) {
		if (p->group[i] != group)
			continue;
		buf_fmt(&p->b, "%s{\"name\": \"t%d\"", any ? ", " : "", i);
		put_task(p, i);
		buf_text(&p->b, "}");
		any = true;
	}
	buf_text(&p->b, "]");
}

static Json
parsed(Arena *a, Buf *b)
{
	Json v = json_null();
	Err err = { 0 };

	CHECK_OK(json_parse(a, buf_str(b), NULL, &v, &err), err);
	return v;
}

Json
story_definition(Arena *a, Dice *d, bool retries)
{
	Plan p = { .d = d, .b = buf_open(a), .retries = retries };

	plan_groups(&p);
	plan_ways(&p);
	buf_text(&p.b, "{\"vars\": {\"v\": 1, \"seen\": null, \"note\": \"\", \"gone\": null");
	for (int i = 0; i < p.n; i++)
		buf_fmt(&p.b, ", \"r%d\": 0", i);
	buf_text(&p.b, "}, ");
	put_tasks(&p, WF_TOP);
	if (chance(d, 60))
		buf_text(&p.b, ", \"output_map\": {\"v\": \"{{ v }}\", \"first\": \"{{ task.t0.data.n }}\", \"note\": "
			       "\"{{ note }}\"}");
	buf_text(&p.b, "}");
	return parsed(a, &p.b);
}

Json
story_params(Arena *a, Dice *d)
{
	Buf b = buf_open(a);
	uint64_t n = dice_below(d, 4);

	buf_fmt(&b, "{\"p\": %d, \"flag\": %s, \"list\": [", (int)dice_below(d, 10), chance(d, 50) ? "true" : "false");
	for (uint64_t i = 0; i < n; i++)
		buf_fmt(&b, "%s%d", i > 0 ? ", " : "", (int)dice_below(d, 100));
	buf_text(&b, "]}");
	return parsed(a, &b);
}

/* ---- states ---- */

static WfTaskState *
story_task(void *self, int task)
{
	return &((Story *)self)->states[task];
}

static bool
story_result(void *self, int task, Json *ret)
{
	Story *s = self;
	const WfTaskState *st = &s->states[task];
	Json one;

	if (st->status < WF_DONE)
		return false;
	*ret = st->status == WF_SKIPPED ? json_null() : st->items && st->items_n == 0 ? json_array() : s->results[task];
	if (st->status == WF_SKIPPED || s->g->tasks[task].kind != WF_PARALLEL)
		return true;
	*ret = json_object();
	for (size_t i = 0; i < s->g->n; i++)
		if (s->g->tasks[i].group == task && story_result(s, (int)i, &one))
			json_set_str(s->a, ret, s->g->tasks[i].name, one);
	return true;
}

static bool
story_root(void *self, Str name, Json *ret)
{
	Story *s = self;

	*ret = str_is(name, "variables") ? s->vars : str_is(name, "parameters") ? s->params : json_object();
	return true;
}

static bool
story_items_put(void *self, int task, const Json *items)
{
	((Story *)self)->lists[task] = *items;
	return true;
}

static bool
story_item(void *self, int task, int64_t index, Json *ret)
{
	const Json *item = json_at(&((Story *)self)->lists[task], (size_t)index);

	CHECK(item != NULL);
	*ret = *item;
	return true;
}

Story *
story_open(Arena *a, const Json *definition, const Json *params)
{
	Story *s = arena_new(a, Story);
	WfPort port = { s, story_task, story_result, story_root, story_items_put, story_item };
	WorkflowProblem *problems;
	size_t n;
	Str at;
	Err err = { 0 };

	if (!workflow_check(a, definition, &problems, &n))
		test_fail(__FILE__, __LINE__, "%.*s: %.*s: %.*s", STR_ARG(json_text(a, definition)),
		    STR_ARG(problems[0].at), STR_ARG(problems[0].text));
	*s = (Story){ .a = a, .params = *params, .says = buf_open(a) };
	CHECK_OK(wf_compile(a, definition, &s->g, &at, &err), err);
	s->states = arena_array(a, WfTaskState, s->g->n);
	s->lists = arena_array(a, Json, s->g->n);
	s->results = arena_array(a, Json, s->g->n);
	for (size_t i = 0; i < s->g->n; i++)
		s->states[i] = (WfTaskState){ .arrived = json_array(), .triggered_by = -1 };
	s->w = wf_open(a, s->g, &port, 0);
	return s;
}

static void
run_say(Story *s, const WfChild *c)
{
	buf_fmt(&s->says, " %.*s", STR_ARG(s->g->tasks[c->task].name));
	if (c->iteration > 1)
		buf_fmt(&s->says, ".%lld", (long long)c->iteration);
	if (c->index >= 0)
		buf_fmt(&s->says, "#%lld", (long long)c->index);
}

static void
run_add(Story *s, const WfChild *c)
{
	if (s->n == s->cap) {
		size_t cap = s->cap == 0 ? 16 : s->cap * 2;

		s->runs = arena_grow(s->a, s->runs, s->cap * sizeof(WfChild), cap * sizeof(WfChild));
		s->cap = cap;
	}
	s->runs[s->n++] = *c;
	run_say(s, c);
	if (!str_none(c->error))
		buf_text(&s->says, "(cannot)");
	else if (c->own_input)
		buf_fmt(&s->says, "(%.*s)", STR_ARG(json_text(s->a, &c->input)));
}

/* What a step leaves behind goes where a store would keep it. */
static void
story_keep(Story *s)
{
	for (size_t i = 0; i < s->w.n; i++) {
		const WfChild *c = &s->w.children[i];

		if (c->index == 0)
			s->results[c->task] = json_array();
		run_add(s, c);
	}
	for (size_t i = 0; i < s->w.notes_n; i++)
		buf_fmt(&s->says, " [%.*s]", STR_ARG(s->w.notes[i].text));
	for (size_t i = 0; i < s->g->n; i++)
		s->states[i].published = json_null();
	if (s->w.vars_changed)
		s->vars = s->w.vars;
	s->w.vars_known = s->w.vars_changed = false;
	s->w.n = s->w.notes_n = 0;
}

void
story_begin(Story *s, TimeUs now)
{
	s->w.now = now;
	buf_text(&s->says, "begin:");
	CHECK(wf_begin(&s->w));
	story_keep(s);
}

static void
result_put(Story *s, const WfChild *c, const Json *result)
{
	Json view = wf_view(s->a, result), *list = &s->results[c->task];

	if (c->index < 0) {
		*list = view;
		return;
	}
	while ((int64_t)list->n <= c->index)
		json_push(s->a, list, json_null());
	list->items[c->index] = view;
}

bool
story_again(Story *s, size_t run, WfOutcome how, const Json *result)
{
	const WfChild *c = &s->runs[run];

	if (how == WF_SUCCEEDED || s->g->tasks[c->task].retry.count == 0 || !str_none(c->error))
		return false;
	if (!wf_again(&s->w, c->task, c->iteration, how, result))
		return false;
	buf_text(&s->says, "; again");
	run_say(s, c);
	return true;
}

void
story_end(Story *s, size_t run, Id execution, WfOutcome how, const Json *result, TimeUs now)
{
	static const char *const ends[] = { [WF_SUCCEEDED] = "", [WF_FAILED] = "!", [WF_TIMED_OUT] = "~" };
	WfChild c = s->runs[run];

	memmove(&s->runs[run], &s->runs[run + 1], (--s->n - run) * sizeof(WfChild));
	buf_text(&s->says, ";");
	run_say(s, &c);
	buf_fmt(&s->says, "%s:", ends[how]);
	s->w.now = now;
	result_put(s, &c, result);
	CHECK(wf_child_ended(&s->w, c.task, c.iteration, c.index, execution, how));
	story_keep(s);
}

int
story_due(const Story *s)
{
	int first = -1;

	for (size_t i = 0; i < s->g->n; i++)
		if (s->states[i].status == WF_DELAYED && (first < 0 || s->states[i].due < s->states[first].due))
			first = (int)i;
	return first;
}

void
story_wake(Story *s, int task, TimeUs now)
{
	buf_fmt(&s->says, "; due %.*s:", STR_ARG(s->g->tasks[task].name));
	s->w.now = now;
	CHECK(wf_task_due(&s->w, task));
	story_keep(s);
}

void
story_state_put(Arena *a, Buf *b, int task, const WfTaskState *st)
{
	buf_fmt(b, "t%d %s round %lld+%lld%s from %d of %.*s", task, wf_status_name(st->status),
	    (long long)st->iteration, (long long)st->backlog, st->begun ? " begun" : "", st->triggered_by,
	    STR_ARG(json_text(a, &st->arrived)));
	buf_fmt(b, " due %lld run %lld from %lld to %lld", (long long)st->due, (long long)st->execution,
	    (long long)st->started, (long long)st->finished);
	if (st->items)
		buf_fmt(b, " items %lld/%lld live %lld bad %lld late %lld", (long long)st->items_next,
		    (long long)st->items_n, (long long)st->items_live, (long long)st->items_bad,
		    (long long)st->items_late);
	buf_fmt(
	    b, " open %lld waiting %lld bad %lld\n", (long long)st->open, (long long)st->waiting, (long long)st->bad);
}
