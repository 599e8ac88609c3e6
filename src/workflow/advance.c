#include "workflow/advance.h"

#include "base/names.h"
#include "workflow/inside.h"

enum { NOTES_MOST = 20, NAMES_MOST = 10 };

static const char *const status_names[WF_STATUSES] = {
	[WF_IDLE] = "waiting",
	[WF_DELAYED] = "delayed",
	[WF_RUNNING] = "running",
	[WF_DONE] = "completed",
	[WF_SKIPPED] = "skipped",
	[WF_BAD] = "failed",
	[WF_LATE] = "timeout",
};

const char *
wf_status_name(WfStatus s)
{
	return status_names[s];
}

WfStatus
wf_status_of(Str name)
{
	int i = name_index(status_names, WF_STATUSES, name);

	return i < 0 ? WF_IDLE : (WfStatus)i;
}

Wf
wf_open(Arena *a, const WfGraph *g, const WfPort *port, TimeUs now)
{
	return (Wf){ .a = a,
		.g = g,
		.port = *port,
		.now = now,
		.failed = json_array(),
		.notes = arena_array(a, WfNote, NOTES_MOST) };
}

void
wf_note(Wf *w, int task, Str text)
{
	if (w->notes_n < NOTES_MOST)
		w->notes[w->notes_n++] = (WfNote){ task, text };
}

WfTaskState *
wf_state(Wf *w, int task)
{
	WfTaskState *st = w->broken ? NULL : w->port.task(w->port.self, task);

	w->broken = w->broken || st == NULL;
	return st;
}

/* ---- arriving at a task ---- */

static bool
has_arrived(const WfTaskState *st, int from)
{
	for (size_t i = 0; i < st->arrived.n; i++)
		if (json_as_int(&st->arrived.items[i], -1) == from)
			return true;
	return false;
}

static int64_t *
waiting_of(Wf *w, int group)
{
	WfTaskState *st = group == WF_TOP ? NULL : wf_state(w, group);

	if (st != NULL)
		st->changed = true;
	return group == WF_TOP ? &w->waiting : st == NULL ? NULL : &st->waiting;
}

/* The same task comes a second time, or the way leads back into a loop: then a new round begins. */
static void
arrive(Wf *w, int from, const WfArc *arc)
{
	const WfTask *t = &w->g->tasks[arc->task];
	WfTaskState *st = wf_state(w, arc->task);
	int64_t need = t->join == 0 ? 1 : t->join, *waiting = waiting_of(w, t->group), before;

	if (st == NULL || waiting == NULL || w->halted)
		return;
	st->changed = true;
	before = st->begun ? 0 : st->arrived.n;
	if (st->begun && !arc->back && has_arrived(st, from)) {
		st->begun = false;
		st->arrived = json_array();
		before = 0;
	}
	if (!has_arrived(st, from))
		json_push(w->a, &st->arrived, json_int(from));
	if (st->begun && !arc->back)
		return;
	if (!arc->back && st->arrived.n < need) {
		*waiting += before == 0;
		return;
	}
	*waiting -= before > 0;
	wf_start(w, arc->task, from);
}

/* ---- the end of a task ---- */

static void
next_publish(WfScope *s, int task, const WfNext *n)
{
	Json *values = arena_array(s->w->a, Json, n->publish_n + 1);
	WfTaskState *st = wf_state(s->w, task);
	Err why = { 0 };

	if (st == NULL)
		return;

	for (size_t i = 0; i < n->publish_n; i++) {
		values[i] = s->run.result == NULL ? json_null() : *s->run.result;
		if (n->publish[i].value != NULL && !wf_render(s, n->publish[i].value, &values[i], &why)) {
			wf_note(s->w, task,
			    str_fmt(s->w->a, "nothing is published: %.*s: %s", STR_ARG(n->publish[i].name), why.text));
			return;
		}
	}
	for (size_t i = 0; i < n->publish_n; i++) {
		wf_publish(s, n->publish[i].name, values[i]);
		json_set_str(s->w->a, &st->published, n->publish[i].name, values[i]);
		st->published_at = s->w->now;
	}
}

/* Every transition whose condition holds. True when one of them led somewhere. */
static bool
follow(Wf *w, int task, WfScope *s)
{
	const WfTask *t = &w->g->tasks[task];
	bool led = false, decided = false;

	for (size_t i = 0; i < t->next_n && !w->broken; i++) {
		const WfNext *n = &t->next[i];
		Err why = { 0 };
		bool fires = false;

		if (n->otherwise && decided)
			continue;
		if (!wf_holds(s, &n->when, &fires, &why))
			wf_note(w, task, str_fmt(w->a, "transition %zu does not fire: %s", i + 1, why.text));
		if (!fires)
			continue;
		decided = decided || n->decides;
		next_publish(s, task, n);
		for (size_t k = 0; k < n->arcs_n && !w->broken; k++) {
			arrive(w, task, &n->arcs[k]);
			led = true;
		}
	}
	return led;
}

static void
group_over(Wf *w, int group)
{
	WfTaskState *st = group == WF_TOP ? NULL : wf_state(w, group);

	if (st == NULL || st->open > 0 || st->status != WF_RUNNING)
		return;
	if (st->waiting > 0)
		wf_note(w, group, str_of("a join in it can no longer be met"));
	wf_quick(w, group, st->bad + st->waiting > 0 ? WF_FAILED : WF_SUCCEEDED, false);
}

static void
count_bad(Wf *w, int task)
{
	const WfTask *t = &w->g->tasks[task];
	WfTaskState *group = t->group == WF_TOP ? NULL : wf_state(w, t->group);

	if (t->group != WF_TOP) {
		if (group != NULL)
			group->bad++;
		return;
	}
	w->bad++;
	if (w->failed.n < NAMES_MOST)
		json_push(w->a, &w->failed, json_str(t->name));
}

static void
task_ended(Wf *w, int task, WfOutcome how, bool skipped)
{
	static const WfStatus ends[] = { [WF_SUCCEEDED] = WF_DONE, [WF_FAILED] = WF_BAD, [WF_TIMED_OUT] = WF_LATE };
	const WfTask *t = &w->g->tasks[task];
	WfTaskState *st = wf_state(w, task), *group = t->group == WF_TOP ? NULL : wf_state(w, t->group);
	WfScope s = { .w = w, .ran = true };
	Json *result = arena_new(w->a, Json);
	bool led;

	if (st == NULL)
		return;
	st->status = skipped ? WF_SKIPPED : ends[how];
	st->finished = w->now;
	if (st->published.kind != JSON_OBJECT)
		st->published = json_object();
	st->changed = true;
	s.run = (ExprRun){ result, how == WF_SUCCEEDED, how == WF_FAILED, how == WF_TIMED_OUT };
	if (t->reads_result && !w->port.result(w->port.self, task, result))
		*result = json_null();
	led = follow(w, task, &s);
	if (how != WF_SUCCEEDED && !led)
		count_bad(w, task);
	if (group != NULL) {
		group->open--;
		group->changed = true;
	} else {
		w->open--;
	}
	if (st->backlog > 0) {
		st->backlog--;
		wf_start(w, task, st->triggered_by);
	}
	group_over(w, t->group);
}

bool
wf_settle(Wf *w)
{
	for (size_t i = 0; i < w->quick_n && !w->broken; i++)
		task_ended(w, w->quick[i].task, w->quick[i].outcome, w->quick[i].skipped);
	w->quick_n = 0;
	return !w->broken;
}

static void
item_ended(Wf *w, int task, WfTaskState *st, WfOutcome how)
{
	st->items_live--;
	st->items_bad += how == WF_FAILED;
	st->items_late += how == WF_TIMED_OUT;
	st->changed = true;
	wf_more_items(w, task, st);
	if (st->items_live == 0 && (st->items_next == st->items_n || w->halted))
		wf_quick(w, task,
		    st->items_bad > 0    ? WF_FAILED
		    : st->items_late > 0 ? WF_TIMED_OUT
					 : WF_SUCCEEDED,
		    false);
}

bool
wf_child_ended(Wf *w, int task, int64_t iteration, int64_t index, int64_t execution, WfOutcome how)
{
	WfTaskState *st = task < 0 || task >= (int)w->g->n ? NULL : wf_state(w, task);

	if (st == NULL || st->status != WF_RUNNING || st->iteration != iteration)
		return wf_settle(w); /* of a round that is over */
	if (index >= 0) {
		item_ended(w, task, st, how);
		return wf_settle(w);
	}
	st->execution = execution;
	wf_quick(w, task, how, false);
	return wf_settle(w);
}

bool
wf_again(Wf *w, int task, int64_t iteration, WfOutcome how, const Json *result)
{
	WfTaskState *st = wf_state(w, task);
	const WfCond *c = &w->g->tasks[task].on_error;
	WfScope s = { .w = w, .ran = true, .run = { result, false, how == WF_FAILED, how == WF_TIMED_OUT } };
	Err why = { 0 };
	bool wanted;

	if (st == NULL || w->halted || st->status != WF_RUNNING || st->iteration != iteration)
		return false;
	if (wf_holds(&s, c, &wanted, &why))
		return wanted;
	wf_note(w, task, str_fmt(w->a, "not tried again: on_error: %s", why.text));
	return false;
}

bool
wf_begin(Wf *w)
{
	w->vars = json_clone(w->a, &w->g->vars); /* many runs share the graph */
	w->vars_known = w->vars_changed = true;
	for (size_t i = 0; i < w->g->entries_n; i++)
		wf_start(w, w->g->entries[i], -1);
	return wf_settle(w);
}

/* ---- the end of all ---- */

static WfEnd
end_bad(Wf *w, Str text)
{
	WfEnd e = { .over = true, .result = json_object() };

	json_add(w->a, &e.result, "error", json_str(text));
	json_add(w->a, &e.result, "succeeded", json_bool(false));
	return e;
}

/* Each once, in however many rounds it has failed. */
static Str
failed_text(Wf *w)
{
	Buf names = buf_open(w->a);
	Map said = map_open(w->a);
	int64_t tasks = 0;
	bool more = w->bad > (int64_t)w->failed.n;

	for (size_t i = 0; i < w->failed.n; i++) {
		Str name = json_as_str(&w->failed.items[i]);

		if (map_get_str(&said, name) != NULL)
			continue;
		map_put_str(&said, name, w);
		buf_fmt(&names, "%s%.*s", tasks++ > 0 ? ", " : "", STR_ARG(name));
	}
	return str_fmt(w->a, "Workflow failed: %lld task(s) failed: %.*s%s", (long long)(more ? w->bad : tasks),
	    STR_ARG(buf_str(&names)), more ? ", ..." : "");
}

static Str
unmet_text(Wf *w)
{
	for (size_t i = 0; i < w->g->n; i++) {
		const WfTask *t = &w->g->tasks[i];
		const WfTaskState *st = t->group == WF_TOP && t->join > 1 ? wf_state(w, (int)i) : NULL;

		if (st != NULL && !st->begun && st->arrived.n > 0)
			return str_fmt(w->a,
			    "Workflow failed: task '%.*s' waits for %lld tasks, only %u came and no other is on its "
			    "way",
			    STR_ARG(t->name), (long long)t->join, st->arrived.n);
	}
	return str_of("Workflow failed: a join can no longer be met");
}

WfEnd
wf_over(Wf *w)
{
	WfScope s = { .w = w };
	WfEnd e = { .succeeded = true, .result = json_object() };

	if (!str_none(w->fatal))
		return end_bad(w, w->fatal);
	if (w->open > 0)
		return (WfEnd){ 0 };
	if (w->bad > 0)
		return end_bad(w, failed_text(w));
	if (w->waiting > 0)
		return end_bad(w, unmet_text(w));
	e.over = true;
	for (size_t i = 0; i < w->g->output_n; i++) {
		Err why = { 0 };
		Json v;

		if (wf_render(&s, w->g->output[i].value, &v, &why))
			json_set_str(w->a, &e.result, w->g->output[i].name, v);
		else
			wf_note(w, -1,
			    str_fmt(w->a, "output_map: %.*s is left out: %s", STR_ARG(w->g->output[i].name), why.text));
	}
	if (json_get(&e.result, "succeeded") == NULL)
		json_add(w->a, &e.result, "succeeded", json_bool(true));
	return e;
}
