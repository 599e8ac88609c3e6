#include "workflow/dry.h"

#include "base/clock.h"

typedef struct Dry {
	Arena *a;
	const WfGraph *g;
	const WfDry *in;
	TimeUs begun;
	WfTaskState *states;
	Json *lists, *results; /* by task */
	Json vars, steps;
	WfChild *runs; /* begun and not ended, in their order */
	size_t head, n, cap;
	size_t noted;
	Wf w;
} Dry;

/* ---- the port ---- */

static WfTaskState *
dry_task(void *self, int task)
{
	return &((Dry *)self)->states[task];
}

static bool
dry_result(void *self, int task, Json *ret)
{
	Dry *d = self;
	const WfTaskState *st = &d->states[task];
	Json one;

	if (st->status < WF_DONE)
		return false;
	*ret = st->status == WF_SKIPPED ? json_null() : d->results[task];
	if (st->items && st->items_n == 0)
		*ret = json_array();
	if (d->g->tasks[task].kind != WF_PARALLEL)
		return true;
	*ret = json_object();
	for (size_t i = 0; i < d->g->n; i++)
		if (d->g->tasks[i].group == task && dry_result(d, (int)i, &one))
			json_set_str(d->a, ret, d->g->tasks[i].name, one);
	return true;
}

static bool
dry_root(void *self, Str name, Json *ret)
{
	Dry *d = self;

	if (str_is(name, "parameters"))
		*ret = d->in->parameters;
	else if (str_is(name, "variables"))
		*ret = d->vars;
	else if (str_is(name, "config"))
		*ret = d->in->config;
	else
		*ret = json_object();
	if (str_is(name, "system"))
		json_add(d->a, ret, "workflow_start", json_str(time_text(d->a, d->begun)));
	return true;
}

static bool
dry_items_put(void *self, int task, const Json *items)
{
	Dry *d = self;

	d->lists[task] = *items;
	d->results[task] = json_array();
	for (size_t i = 0; i < items->n; i++)
		json_push(d->a, &d->results[task], json_null());
	return true;
}

static bool
dry_item(void *self, int task, int64_t index, Json *ret)
{
	const Json *item = json_at(&((Dry *)self)->lists[task], (size_t)index);

	*ret = item == NULL ? json_null() : *item;
	return true;
}

/* ---- what is told of it ---- */

static Json
event(Dry *d, const char *what, int task, int64_t index, int64_t iteration)
{
	Json o = json_object();

	json_add(d->a, &o, "event", json_cstr(what));
	json_add(d->a, &o, "task", task < 0 ? json_null() : json_str(d->g->tasks[task].name));
	json_add(d->a, &o, "index", index < 0 ? json_null() : json_int(index));
	json_add(d->a, &o, "iteration", json_int(iteration));
	return o;
}

static void
tell_start(Dry *d, const WfChild *c)
{
	const WfTask *t = &d->g->tasks[c->task];
	Json o = event(d, "start", c->task, c->index, c->iteration);

	json_add(d->a, &o, "action", json_str(t->action));
	json_add(
	    d->a, &o, "triggered_by", c->triggered_by < 0 ? json_null() : json_str(d->g->tasks[c->triggered_by].name));
	json_add(d->a, &o, "input", c->own_input ? c->input : d->in->parameters);
	json_add(d->a, &o, "error", str_none(c->error) ? json_null() : json_str(c->error));
	json_push(d->a, &d->steps, o);
}

static void
tell_end(Dry *d, const WfChild *c, WfOutcome how, const Json *result, bool assumed)
{
	Json o = event(d, "end", c->task, c->index, c->iteration);

	json_add(d->a, &o, "status", json_cstr(how == WF_SUCCEEDED ? "completed" : "failed"));
	json_add(d->a, &o, "result", *result);
	json_add(d->a, &o, "assumed", json_bool(assumed));
	json_push(d->a, &d->steps, o);
}

/* Tasks that have ended in this step, with what they publish. */
static void
tell_tasks(Dry *d)
{
	for (size_t i = 0; i < d->g->n; i++) {
		WfTaskState *st = &d->states[i];
		Json o;

		if (st->published.kind != JSON_OBJECT)
			continue;
		o = event(d, "task", (int)i, -1, st->iteration);
		json_add(d->a, &o, "status", json_cstr(wf_status_name(st->status < WF_DONE ? WF_DONE : st->status)));
		json_add(d->a, &o, "published", st->published);
		json_push(d->a, &d->steps, o);
		st->published = json_null();
	}
}

static void
tell_notes(Dry *d)
{
	for (; d->noted < d->w.notes_n; d->noted++) {
		Json o = event(d, "note", d->w.notes[d->noted].task, -1, 0);

		json_add(d->a, &o, "note", json_str(d->w.notes[d->noted].text));
		json_push(d->a, &d->steps, o);
	}
}

/* ---- one step ---- */

static void
runs_take(Dry *d)
{
	tell_notes(d);
	tell_tasks(d);
	for (size_t i = 0; i < d->w.n; i++) {
		WfChild *c = &d->w.children[i];

		if (str_none(c->error) && d->in->problem != NULL)
			c->error = d->in->problem(d->in->self, &d->g->tasks[c->task]);
		tell_start(d, c);
		if (d->n == d->cap) {
			size_t cap = d->cap == 0 ? 32 : d->cap * 2;

			d->runs = arena_grow(d->a, d->runs, d->cap * sizeof(WfChild), cap * sizeof(WfChild));
			d->cap = cap;
		}
		d->runs[d->n++] = *c;
	}
	d->w.n = 0;
	if (d->w.vars_changed)
		d->vars = d->w.vars;
	d->w.vars_known = d->w.vars_changed = false;
}

static bool
is_among(const Json *names, Str name)
{
	for (size_t i = 0; json_is(names, JSON_ARRAY) && i < names->n; i++)
		if (str_eq(json_as_str(&names->items[i]), name))
			return true;
	return false;
}

/* What was given may be a whole result, or only what lies in its `data`. */
static Json
result_of(Dry *d, const WfChild *c, bool *ret_assumed)
{
	const Json *given = json_get_str(&d->in->results, d->g->tasks[c->task].name);
	Json result = json_object(), data = json_object();

	*ret_assumed = given == NULL;
	if (given != NULL && c->index >= 0 && given->kind == JSON_ARRAY)
		given = json_at(given, (size_t)c->index);
	if (given != NULL && (json_get(given, "data") != NULL || json_get(given, "stdout") != NULL))
		return *given;
	if (!str_none(c->error)) {
		json_add(d->a, &result, "error", json_str(c->error));
		return result;
	}
	json_add(d->a, &result, "data", given == NULL ? data : *given);
	return result;
}

static void
run_end(Dry *d, const WfChild *c)
{
	Str name = d->g->tasks[c->task].name;
	WfOutcome how = !str_none(c->error) || is_among(&d->in->failed, name) ? WF_FAILED : WF_SUCCEEDED;
	bool assumed;
	Json result = result_of(d, c, &assumed), view = wf_view(d->a, &result);

	tell_end(d, c, how, &result, assumed && str_none(c->error));
	if (c->index < 0)
		d->results[c->task] = view;
	else if ((size_t)c->index < d->results[c->task].n)
		d->results[c->task].items[c->index] = view;
	if (!wf_child_ended(&d->w, c->task, c->iteration, c->index, 1, how))
		d->w.broken = true;
}

/* The clock goes on to the next delayed task. */
static bool
wait_due(Dry *d)
{
	int next = -1;

	for (size_t i = 0; i < d->g->n; i++)
		if (d->states[i].status == WF_DELAYED && (next < 0 || d->states[i].due < d->states[next].due))
			next = (int)i;
	if (next < 0)
		return false;
	if (d->states[next].due > d->w.now) {
		Json o = event(d, "wait", next, -1, d->states[next].iteration);

		json_add(d->a, &o, "seconds", json_real((double)(d->states[next].due - d->w.now) / US_PER_S));
		json_push(d->a, &d->steps, o);
		d->w.now = d->states[next].due;
	}
	return wf_task_due(&d->w, next);
}

/* ---- all of it ---- */

static bool
names_check(const WfGraph *g, const Json *of, const char *what, Err *err)
{
	for (size_t i = 0; i < of->n; i++) {
		Str name = of->kind == JSON_OBJECT ? of->members[i].key : json_as_str(&of->items[i]);

		if (wf_task_no(g, name) < 0)
			return err_set(
			    err, ERR_VALIDATION, "Validation failed: %s: there is no task '%.*s'", what, STR_ARG(name));
	}
	return true;
}

static Json
dry_report(Dry *d, const WfEnd *e)
{
	Json o = json_object();

	tell_notes(d);
	json_add(d->a, &o, "status", json_cstr(!e->over ? "running" : e->succeeded ? "completed" : "failed"));
	json_add(d->a, &o, "result", e->over ? e->result : json_null());
	json_add(d->a, &o, "variables", d->vars);
	json_add(d->a, &o, "cut_off", json_bool(!e->over));
	json_add(d->a, &o, "steps", d->steps);
	return o;
}

bool
wf_dry(Arena *a, const WfGraph *g, const WfDry *in, TimeUs now, Json *ret, Err *err)
{
	Dry d = { .a = a, .g = g, .in = in, .begun = now, .steps = json_array(), .vars = json_object() };
	WfPort port = { &d, dry_task, dry_result, dry_root, dry_items_put, dry_item };
	WfEnd e = { 0 };
	bool ok;

	if (!names_check(g, &in->results, "results", err) || !names_check(g, &in->failed, "failed", err))
		return false;
	d.states = arena_array(a, WfTaskState, g->n + 1);
	d.lists = arena_array(a, Json, g->n + 1);
	d.results = arena_array(a, Json, g->n + 1);
	for (size_t i = 0; i < g->n; i++)
		d.states[i] = (WfTaskState){ .arrived = json_array(), .triggered_by = -1 };
	d.w = wf_open(a, g, &port, now);
	ok = wf_begin(&d.w);
	for (runs_take(&d); ok && d.steps.n < WF_DRY_STEPS_MOST; runs_take(&d)) {
		e = wf_over(&d.w);
		if (e.over)
			break;
		if (d.head < d.n)
			run_end(&d, &d.runs[d.head++]);
		else
			ok = wait_due(&d);
		ok = ok && !d.w.broken;
	}
	if (!ok)
		return err_set(err, ERR_INTERNAL, "the workflow waits for something that nothing can bring about");
	*ret = dry_report(&d, &e);
	return true;
}
