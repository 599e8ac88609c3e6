#include "workflow/rerun.h"

#include "workflow/inside.h"

typedef struct Again {
	Arena *a;
	const WfGraph *g;
	WfTaskState *states;
	bool *again, *asked; /* asked: it is begun itself */
	Err *err;
} Again;

static bool
was_cut_off(const WfTaskState *st)
{
	return st->status == WF_RUNNING || st->status == WF_DELAYED;
}

/* Whatever it leads to, ways back left out: what lies before it in a loop has its result still. */
static void
mark(Again *x, int no)
{
	const WfTask *t = &x->g->tasks[no];

	if (x->again[no])
		return;
	x->again[no] = true;
	for (size_t i = 0; i < t->next_n; i++)
		for (size_t k = 0; k < t->next[i].arcs_n; k++)
			if (!t->next[i].arcs[k].back)
				mark(x, t->next[i].arcs[k].task);
}

static void
mark_from(Again *x, int no)
{
	const WfTask *t = &x->g->tasks[no];

	x->asked[no] = true;
	x->again[no] = true;
	for (size_t i = 0; i < t->next_n; i++)
		for (size_t k = 0; k < t->next[i].arcs_n; k++)
			if (!t->next[i].arcs[k].back)
				mark(x, t->next[i].arcs[k].task);
}

static bool
leads_forth(const WfGraph *g, int from, int to)
{
	const WfTask *t = &g->tasks[from];

	for (size_t i = 0; i < t->next_n; i++)
		for (size_t k = 0; k < t->next[i].arcs_n; k++)
			if (t->next[i].arcs[k].task == to && !t->next[i].arcs[k].back)
				return true;
	return false;
}

static bool
check_from(Again *x, int no)
{
	const WfTask *t = &x->g->tasks[no];
	Str name = t->name;

	if (t->group != WF_TOP)
		return err_set(x->err, ERR_CONFLICT,
		    "Task '%.*s' is inside of the parallel task '%.*s': begin from that one", STR_ARG(name),
		    STR_ARG(x->g->tasks[t->group].name));
	if (x->states[no].iteration == 0)
		return err_set(
		    x->err, ERR_CONFLICT, "Task '%.*s' did not run: begin from one before it", STR_ARG(name));
	return true;
}

/* The tasks of a parallel one go with it. */
static void
mark_inside(Again *x)
{
	for (bool more = true; more;) {
		more = false;
		for (size_t i = 0; i < x->g->n; i++) {
			int group = x->g->tasks[i].group;

			if (group == WF_TOP || !x->again[group] || x->again[i])
				continue;
			x->again[i] = true;
			more = true;
		}
	}
}

static bool
is_named(const Json *failed, Str name)
{
	for (size_t i = 0; i < failed->n; i++)
		if (str_eq(json_as_str(&failed->items[i]), name))
			return true;
	return false;
}

/* With a failure that nobody handles the new run could only fail. */
static bool
check_failures(Again *x, const Json *failed, int64_t bad)
{
	for (size_t i = 0; i < x->g->n; i++) {
		const WfTaskState *st = &x->states[i];
		bool unhandled = is_named(failed, x->g->tasks[i].name) || bad > (int64_t)failed->n;

		if (x->again[i] || x->g->tasks[i].group != WF_TOP || st->status < WF_BAD || !unhandled)
			continue;
		return err_set(x->err, ERR_CONFLICT,
		    "Task '%.*s' failed too, and nothing handles that: begin from it as well",
		    STR_ARG(x->g->tasks[i].name));
	}
	return true;
}

static Json
arrived_kept(const Again *x, const Json *arrived)
{
	Json kept = json_array();

	for (size_t i = 0; i < arrived->n; i++) {
		int64_t from = json_as_int(&arrived->items[i], -1);

		if (from >= 0 && from < (int64_t)x->g->n && !x->again[from])
			json_push(x->a, &kept, arrived->items[i]);
	}
	return kept;
}

static void
start_add(WfRerun *r, int task, const Json *arrived)
{
	int from = arrived->n == 0 ? -1 : (int)json_as_int(&arrived->items[arrived->n - 1], -1);

	r->starts[r->starts_n++] = (WfStart){ task, from };
}

static void
forget(Again *x, WfRerun *r, int no)
{
	const WfTask *t = &x->g->tasks[no];
	WfTaskState *st = &x->states[no];
	Json arrived = arrived_kept(x, &st->arrived);
	int64_t need = t->join == 0 ? 1 : t->join;

	if (!x->again[no]) {
		st->arrived = arrived;
		st->backlog = 0;
		r->waiting += t->group == WF_TOP && !st->begun && arrived.n > 0;
		return;
	}
	*st = (WfTaskState){ .arrived = arrived, .triggered_by = -1, .changed = arrived.n > 0 };
	if (t->group != WF_TOP)
		st->arrived = json_array();
	else if (x->asked[no] || arrived.n >= need)
		start_add(r, no, &arrived);
	else if (arrived.n > 0)
		r->waiting++;
}

bool
wf_rerun(Arena *a, const WfGraph *g, WfTaskState *states, const Json *failed, int64_t bad, const int *from,
    size_t from_n, WfRerun *ret, Err *err)
{
	bool *again = arena_array(a, bool, g->n + 1), *asked = arena_array(a, bool, g->n + 1);
	Again x = { a, g, states, again, asked, err };

	*ret = (WfRerun){ .again = again, .starts = arena_array(a, WfStart, g->n + 1) };
	for (size_t i = 0; i < from_n; i++) {
		if (!check_from(&x, from[i]))
			return false;
		mark_from(&x, from[i]);
	}
	for (size_t i = 0; i < g->n; i++)
		if (g->tasks[i].group == WF_TOP && was_cut_off(&states[i]) && !again[i])
			mark_from(&x, (int)i);
	for (size_t i = 0; i < g->n; i++) /* one that comes of another waits for it */
		for (size_t k = 0; asked[i] && k < g->tasks[i].inbound_n; k++) {
			int before = g->tasks[i].inbound[k];

			asked[i] = before == (int)i || !again[before] || !leads_forth(g, before, (int)i);
		}
	mark_inside(&x);
	if (!check_failures(&x, failed, bad))
		return false;
	for (size_t i = 0; i < g->n; i++)
		forget(&x, ret, (int)i);
	return true;
}

bool
wf_resume(Wf *w, const WfStart *starts, size_t n)
{
	for (size_t i = 0; i < n; i++)
		wf_start(w, starts[i].task, starts[i].from);
	return wf_settle(w);
}
