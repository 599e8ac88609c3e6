/*
 * Whatever passes the check as a workflow, and in whatever order its runs end: its steps end, start nothing behind the end, and hold
 * bounded memory. The definition stands before the first NUL; the bytes behind it say which run ends next, and how.
 */
#include "workflow/advance.h"
#include "workflow/validate.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { RUNS_MOST = 4096, ENDS_MOST = 512, MEMORY_HELD = 256 << 20 };

typedef struct Play {
	Arena *a;
	WfGraph *g;
	WfTaskState *states;
	Json *lists;
	Json vars;
	WfChild runs[RUNS_MOST]; /* under way */
	size_t n;
	Wf w;
} Play;

static void
must(bool holds)
{
	if (!holds)
		abort();
}

static WfTaskState *
play_task(void *self, int task)
{
	return &((Play *)self)->states[task];
}

static bool
play_result(void *self, int task, Json *ret)
{
	*ret = json_object();
	return ((Play *)self)->states[task].status >= WF_DONE;
}

static bool
play_root(void *self, Str name, Json *ret)
{
	*ret = str_is(name, "variables") ? ((Play *)self)->vars : json_object();
	return true;
}

static bool
play_items_put(void *self, int task, const Json *items)
{
	((Play *)self)->lists[task] = *items;
	return true;
}

static bool
play_item(void *self, int task, int64_t index, Json *ret)
{
	const Json *item = json_at(&((Play *)self)->lists[task], (size_t)index);

	must(item != NULL);
	*ret = *item;
	return true;
}

/* What a step has begun; false: more than anybody wants to play. */
static bool
play_take(Play *p)
{
	if (p->n + p->w.n > RUNS_MOST)
		return false;
	for (size_t i = 0; i < p->w.n; i++)
		p->runs[p->n++] = p->w.children[i];
	p->w.n = 0;
	if (p->w.vars_changed)
		p->vars = p->w.vars;
	p->w.vars_known = p->w.vars_changed = false;
	return true;
}

static void
play_end(Play *p, uint8_t byte)
{
	size_t at = byte / 3 % p->n;
	WfChild c = p->runs[at];

	p->runs[at] = p->runs[--p->n];
	must(wf_child_ended(&p->w, c.task, c.iteration, c.index, 1, (WfOutcome)(byte % 3)));
}

static bool
play_due(Play *p)
{
	for (size_t i = 0; i < p->g->n; i++)
		if (p->states[i].status == WF_DELAYED) {
			must(wf_task_due(&p->w, (int)i));
			return true;
		}
	return false;
}

static void
play(Play *p, const uint8_t *ends, size_t n)
{
	bool more;

	must(wf_begin(&p->w));
	more = play_take(p);
	for (size_t i = 0; more && i < n && i < ENDS_MOST; i++) {
		WfEnd e = wf_over(&p->w);

		if (e.over) {
			must(!str_none(p->w.fatal) || p->n == 0);
			return;
		}
		if (p->n > 0)
			play_end(p, ends[i]);
		else
			must(play_due(p)); /* something is open: then it runs, or waits for its time */
		more = play_take(p);
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	CLEANUP(arena_done) Arena *a = arena_open();
	const uint8_t *cut = size == 0 ? NULL : memchr(data, 0, size);
	Play *p = arena_new(a, Play);
	WfPort port = { p, play_task, play_result, play_root, play_items_put, play_item };
	WorkflowProblem *problems;
	Err err = { 0 };
	Json d;
	Str at;
	size_t n;

	if (cut == NULL || !json_parse(a, (Str){ (const char *)data, (size_t)(cut - data) }, NULL, &d, &err) ||
	    !workflow_check(a, &d, &problems, &n))
		return 0;
	p->a = a;
	must(wf_compile(a, &d, &p->g, &at, &err));
	p->vars = json_object();
	p->states = arena_array(a, WfTaskState, p->g->n + 1);
	p->lists = arena_array(a, Json, p->g->n + 1);
	for (size_t i = 0; i < p->g->n; i++)
		p->states[i] = (WfTaskState){ .arrived = json_array(), .triggered_by = -1 };
	p->w = wf_open(a, p->g, &port, 1);
	play(p, cut + 1, size - (size_t)(cut + 1 - data));
	must(arena_used(a) < MEMORY_HELD);
	return 0;
}
