#include "base/clock.h"
#include "model/duration.h"
#include "workflow/inside.h"

void
wf_quick(Wf *w, int task, WfOutcome how, bool skipped)
{
	if (w->quick_n == w->quick_cap) {
		size_t cap = w->quick_cap == 0 ? 8 : w->quick_cap * 2;

		w->quick = arena_grow(w->a, w->quick, w->quick_cap * sizeof(WfQuick), cap * sizeof(WfQuick));
		w->quick_cap = cap;
	}
	w->quick[w->quick_n++] = (WfQuick){ task, how, skipped };
}

static WfChild *
child_add(Wf *w, int task, const WfTaskState *st, int64_t index)
{
	WfChild *c;

	if (w->n == w->cap) {
		size_t cap = w->cap == 0 ? 8 : w->cap * 2;

		w->children = arena_grow(w->a, w->children, w->cap * sizeof(WfChild), cap * sizeof(WfChild));
		w->cap = cap;
	}
	c = &w->children[w->n++];
	*c = (WfChild){
		.task = task, .triggered_by = st->triggered_by, .index = index, .batch = -1, .iteration = st->iteration
	};
	return c;
}

static void
child_fails(Wf *w, WfChild *c, const char *what, const Err *why)
{
	const WfTask *t = &w->g->tasks[c->task];

	c->error = str_fmt(w->a, "Task '%.*s': %s: %s", STR_ARG(t->name), what, why->text);
}

/* Its parameters and where it may run. */
static void
child_render(Wf *w, WfChild *c, WfScope *s)
{
	const WfTask *t = &w->g->tasks[c->task];
	const struct {
		const char *what;
		const Tmpl *t;
		Json *to;
	} parts[] = {
		{ "input", t->input, &c->input },
		{ "permission_set_refs", t->permission_set_refs, &c->permission_set_refs },
		{ "worker_selector", t->selector, &c->selector },
		{ "worker_tolerations", t->tolerations, &c->tolerations },
		{ "worker_affinity", t->affinity, &c->affinity },
	};
	Err why = { 0 };

	c->own_input = t->has_input;
	for (size_t i = 0; i < countof(parts); i++)
		if (parts[i].t != NULL && !wf_render(s, parts[i].t, parts[i].to, &why)) {
			child_fails(w, c, parts[i].what, &why);
			return;
		}
	if (c->permission_set_refs.kind == JSON_STRING) {
		Json list = json_array();

		json_push(w->a, &list, c->permission_set_refs);
		c->permission_set_refs = list;
	}
}

/* ---- items ---- */

static void
item_start(Wf *w, int task, WfTaskState *st)
{
	const WfTask *t = &w->g->tasks[task];
	int64_t index = st->items_next++;
	WfChild *c = child_add(w, task, st, index);
	Json *item = arena_new(w->a, Json), *number = arena_new(w->a, Json), *batch = arena_new(w->a, Json);
	WfScope s = { .w = w, .vars_n = 3 };

	st->items_live++;
	st->changed = true;
	if (!w->port.item(w->port.self, task, index, item)) {
		w->broken = true;
		return;
	}
	if (t->batch_size > 0)
		c->batch = index / t->batch_size;
	*number = json_int(index);
	*batch = t->batch_size > 0 ? json_int(c->batch) : json_null();
	s.vars[0] = (ExprVar){ str_of("item"), item };
	s.vars[1] = (ExprVar){ str_of("index"), number };
	s.vars[2] = (ExprVar){ str_of("batch"), batch };
	child_render(w, c, &s);
}

/* As many as may run at once; the next batch begins when the one before has ended. */
void
wf_more_items(Wf *w, int task, WfTaskState *st)
{
	const WfTask *t = &w->g->tasks[task];

	while (!w->halted && !w->broken && st->items_next < st->items_n && st->items_live < t->concurrency) {
		if (t->batch_size > 0 && st->items_live > 0 && st->items_next % t->batch_size == 0)
			return;
		item_start(w, task, st);
	}
}

static void
items_start(Wf *w, int task, WfTaskState *st)
{
	WfScope s = { .w = w };
	Json list, alone = json_array();
	Err why = { 0 };

	st->items = true;
	st->items_n = st->items_next = st->items_live = st->items_bad = st->items_late = 0;
	if (!wf_render(&s, w->g->tasks[task].with_items, &list, &why)) {
		st->items = false;
		child_fails(w, child_add(w, task, st, -1), "with_items", &why);
		return;
	}
	if (list.kind != JSON_ARRAY) {
		json_push(w->a, &alone, list);
		list = alone;
	}
	if (list.n == 0) {
		wf_quick(w, task, WF_SUCCEEDED, false);
		return;
	}
	st->items_n = list.n;
	if (!w->port.items_put(w->port.self, task, &list))
		w->broken = true;
	else
		wf_more_items(w, task, st);
}

/* ---- parallel ---- */

static void
parallel_start(Wf *w, int task, WfTaskState *st)
{
	const WfTask *t = &w->g->tasks[task];

	st->open = st->waiting = st->bad = 0;
	for (size_t i = 0; i < w->g->n && !w->broken; i++) {
		WfTaskState *sub;

		if (w->g->tasks[i].group != task || (sub = wf_state(w, (int)i)) == NULL)
			continue;
		sub->arrived = json_array();
		sub->begun = false;
		sub->backlog = 0;
		sub->status = WF_IDLE;
		sub->changed = true;
	}
	for (size_t i = 0; i < t->entries_n && !w->broken; i++)
		wf_start(w, t->entries[i], -1);
}

/* ---- one task ---- */

static bool
delay_of(Wf *w, int task, TimeUs *ret, Err *err)
{
	WfScope s = { .w = w };
	Json v;

	if (!wf_render(&s, w->g->tasks[task].delay, &v, err))
		return false;
	return duration_of(&v, ret) ||
	       err_set(err, ERR_INVALID, "a delay is a number of seconds, or a duration like 5s or 10m");
}

static void
begin_now(Wf *w, int task, WfTaskState *st)
{
	const WfTask *t = &w->g->tasks[task];
	WfScope s = { .w = w };

	st->status = WF_RUNNING;
	st->items = false;
	if (t->kind == WF_PARALLEL)
		parallel_start(w, task, st);
	else if (t->with_items != NULL)
		items_start(w, task, st);
	else
		child_render(w, child_add(w, task, st, -1), &s);
}

static void
begin(Wf *w, int task, WfTaskState *st)
{
	WfScope s = { .w = w };
	TimeUs delay = 0;
	Err why = { 0 };
	bool wanted;

	st->status = WF_RUNNING;
	st->items = false;
	if (!wf_holds(&s, &w->g->tasks[task].when, &wanted, &why)) {
		child_fails(w, child_add(w, task, st, -1), "when", &why);
		return;
	}
	if (!wanted) {
		wf_quick(w, task, WF_SUCCEEDED, true);
		return;
	}
	if (w->g->tasks[task].delay != NULL && !delay_of(w, task, &delay, &why)) {
		child_fails(w, child_add(w, task, st, -1), "delay", &why);
		return;
	}
	if (delay > 0) {
		st->status = WF_DELAYED;
		st->due = w->now + delay;
		return;
	}
	begin_now(w, task, st);
}

static int64_t *
open_of(Wf *w, int group)
{
	WfTaskState *st;

	if (group == WF_TOP)
		return &w->open;
	st = wf_state(w, group);
	if (st == NULL)
		return NULL;
	st->changed = true;
	return &st->open;
}

void
wf_start(Wf *w, int task, int from)
{
	WfTaskState *st = wf_state(w, task);
	int64_t *open = open_of(w, w->g->tasks[task].group);

	if (st == NULL || open == NULL || w->halted || !str_none(w->fatal))
		return;
	st->changed = true;
	st->begun = true;
	st->triggered_by = from;
	if (st->status == WF_RUNNING || st->status == WF_DELAYED) {
		st->backlog++;
		return;
	}
	(*open)++;
	st->started = w->now;
	st->finished = 0;
	if (st->iteration++ >= w->g->max_iterations) {
		w->fatal = str_fmt(w->a, "Task '%.*s' was to run more than %lld times (max_iterations)",
		    STR_ARG(w->g->tasks[task].name), (long long)w->g->max_iterations);
		return;
	}
	begin(w, task, st);
}

bool
wf_task_due(Wf *w, int task)
{
	WfTaskState *st = wf_state(w, task);

	if (st == NULL)
		return false;
	if (st->status != WF_DELAYED || w->halted)
		return true;
	st->due = 0;
	st->changed = true;
	begin_now(w, task, st);
	return wf_child_ended(w, -1, 0, 0, 0, WF_SUCCEEDED);
}
