#include "workflow/check.h"

typedef struct Walk {
	const WfGraph *g;
	int *way; /* the tasks from the first one to where it stands */
	size_t n;
	uint8_t *seen; /* 1: on the way, 2: done */
} Walk;

static bool
always(const WfCond *c)
{
	return c->expr == NULL && c->tmpl == NULL && !c->never;
}

/* A transition without a condition, to a task that waits for nobody. A task that its own `when` leaves out goes on all the same. */
static bool
is_certain(const WfNext *n, const WfTask *to)
{
	return always(&n->when) && !n->decides && !n->otherwise && to->join < 2;
}

/* True when a loop of transitions that always fire closes: w->way ends with it, its first task standing at both ends. */
static bool
walk(Walk *w, int no)
{
	const WfTask *t = &w->g->tasks[no];

	w->seen[no] = 1;
	w->way[w->n++] = no;
	for (size_t i = 0; i < t->next_n; i++)
		for (size_t k = 0; k < t->next[i].arcs_n; k++) {
			int to = t->next[i].arcs[k].task;

			if (!is_certain(&t->next[i], &w->g->tasks[to]) || w->seen[to] == 2)
				continue;
			if (w->seen[to] == 1) {
				w->way[w->n++] = to;
				return true;
			}
			if (walk(w, to))
				return true;
		}
	w->seen[no] = 2;
	w->n--;
	return false;
}

Str
wf_task_place(const Check *c, Str task)
{
	const Str *at = map_get_str(&c->names, task);

	return at == NULL ? str_of("/tasks") : *at;
}

static void
say_endless(Check *c, const Walk *w)
{
	Buf b = buf_open(c->a);
	int first = w->way[w->n - 1];
	size_t from = w->n - 1;

	while (from > 0 && w->way[from - 1] != first)
		from--;
	for (size_t i = from == 0 ? 0 : from - 1; i < w->n; i++)
		buf_fmt(&b, "%s'%.*s'", buf_str(&b).n > 0 ? " to " : "", STR_ARG(w->g->tasks[w->way[i]].name));
	wf_wrong(c, wf_task_place(c, w->g->tasks[first].name),
	    "nothing ends the loop from %.*s: give one of its transitions a 'when', or the workflow max_iterations or "
	    "a "
	    "timeout",
	    STR_ARG(buf_str(&b)));
}

/* Only the first: one max_iterations is the cure of all. */
static void
say_unbounded(Check *c, const WfGraph *g)
{
	for (size_t i = 0; i < g->n; i++)
		for (size_t k = 0; k < g->tasks[i].next_n; k++)
			for (size_t m = 0; m < g->tasks[i].next[k].arcs_n; m++) {
				const WfArc *arc = &g->tasks[i].next[k].arcs[m];

				if (!arc->back)
					continue;
				wf_doubt(c, wf_task_place(c, g->tasks[i].name),
				    "'%.*s' leads back to '%.*s', and no max_iterations says how often: the workflow "
				    "fails after %lld rounds",
				    STR_ARG(g->tasks[i].name), STR_ARG(g->tasks[arc->task].name),
				    (long long)g->max_iterations);
				return;
			}
}

void
wf_check_loops(Check *c, const WfGraph *g, const Json *definition)
{
	Walk w = { .g = g, .way = arena_array(c->a, int, g->n + 2), .seen = arena_array(c->a, uint8_t, g->n + 1) };

	if (!json_is_null(json_get(definition, "max_iterations")) || g->timeout > 0)
		return;
	for (size_t i = 0; i < g->n; i++)
		if (w.seen[i] == 0 && walk(&w, (int)i)) {
			say_endless(c, &w);
			return;
		}
	say_unbounded(c, g);
}
