#include "workflow/uses.h"

#include "workflow/graph.h"

static bool
always(const WfCond *c)
{
	return c->expr == NULL && c->tmpl == NULL && !c->never;
}

/* From a task that begins for certain: marks those that do so, too. A task that its own `when` leaves out goes on all the same. */
static void
mark(const WfGraph *g, int no, bool *ret_begins)
{
	const WfTask *t = &g->tasks[no];

	if (ret_begins[no])
		return;
	ret_begins[no] = true;
	for (size_t i = 0; always(&t->when) && i < t->entries_n; i++)
		mark(g, t->entries[i], ret_begins);
	for (size_t i = 0; i < t->next_n; i++)
		for (size_t k = 0; k < t->next[i].arcs_n; k++) {
			int to = t->next[i].arcs[k].task;

			if (always(&t->next[i].when) && !t->next[i].decides && !t->next[i].otherwise &&
			    g->tasks[to].join < 2)
				mark(g, to, ret_begins);
		}
}

WorkflowUse *
workflow_certain_uses(Arena *a, const Json *definition, size_t *ret_n)
{
	WorkflowUse *all = workflow_uses(a, definition, ret_n);
	size_t kept = 0, n = *ret_n;
	WfGraph *g;
	bool *begins;
	Str at;

	*ret_n = 0;
	if (!wf_compile(a, definition, &g, &at, NULL))
		return all;
	begins = arena_array(a, bool, g->n + 1);
	for (size_t i = 0; i < g->entries_n; i++)
		mark(g, g->entries[i], begins);
	for (size_t i = 0; i < n; i++) {
		int no = wf_task_no(g, all[i].task);

		if (no >= 0 && begins[no] && always(&g->tasks[no].when) && g->tasks[no].with_items == NULL)
			all[kept++] = all[i];
	}
	*ret_n = kept;
	return all;
}
