/* Joins that wait for tasks of which never enough come: one follows a success, another the failure of the same run. */
#include "workflow/check.h"

typedef enum Side { SIDE_SUCCEEDED, SIDE_FAILED, SIDE_TIMED_OUT, SIDES, SIDE_ANY = SIDES } Side;

/* Which tasks come whatever the end of `fork` is, when transitions of one side of it are left out. */
typedef struct Reach {
	const WfGraph *g;
	int fork;
	Side without;
	bool *comes;
} Reach;

static Side
side_of(const WfNext *n)
{
	static const char *const words[] = { "succeeded()", "failed()", "timed_out()" };
	Str text = n->when.text, cut = str_of("{{"), end = str_of("}}");

	if (str_starts(text, cut) && str_ends(text, end) && text.n >= cut.n + end.n)
		text = (Str){ text.p + cut.n, text.n - cut.n - end.n };
	text = str_trim(text);
	for (size_t i = 0; i < SIDES; i++)
		if (str_is(text, words[i]))
			return (Side)i;
	return SIDE_ANY;
}

static void
reach(Reach *r, int no)
{
	const WfTask *t = &r->g->tasks[no];

	if (r->comes[no])
		return;
	r->comes[no] = true;
	for (size_t i = 0; i < t->entries_n; i++)
		reach(r, t->entries[i]);
	for (size_t i = 0; i < t->next_n; i++)
		for (size_t k = 0; k < t->next[i].arcs_n; k++)
			if (no != r->fork || side_of(&t->next[i]) != r->without)
				reach(r, t->next[i].arcs[k].task);
}

/* The one side of the fork on which alone the task may be told of by `from`; SIDE_ANY: there is none. */
static Side
side_told(const WfGraph *g, int fork, bool *const comes[SIDES], int from, int to)
{
	Side side = SIDE_ANY;
	bool some = false;

	for (size_t i = 0; from != fork && i < SIDES; i++)
		if (!comes[i][from])
			return (Side)i;
	for (size_t i = 0; from == fork && i < g->tasks[from].next_n; i++)
		for (size_t k = 0; k < g->tasks[from].next[i].arcs_n; k++) {
			Side own = side_of(&g->tasks[from].next[i]);

			if (g->tasks[from].next[i].arcs[k].task != to)
				continue;
			side = some && own != side ? SIDE_ANY : own;
			some = true;
		}
	return side;
}

static void
check_fork(Check *c, const WfGraph *g, int fork, bool *told)
{
	bool *comes[SIDES];

	for (int side = 0; side < SIDES; side++) {
		Reach r = { g, fork, (Side)side, arena_array(c->a, bool, g->n + 1) };

		for (size_t i = 0; i < g->entries_n; i++)
			reach(&r, g->entries[i]);
		comes[side] = r.comes;
	}
	for (size_t i = 0; i < g->n; i++) {
		const WfTask *t = &g->tasks[i];
		int64_t by[SIDES + 1] = { 0 }, most = 0;

		for (size_t k = 0; k < t->inbound_n; k++)
			by[side_told(g, fork, comes, t->inbound[k], (int)i)]++;
		for (size_t k = 0; k < SIDES; k++)
			most = by[k] > most ? by[k] : most;
		if (told[i] || t->join < 2 || most + by[SIDE_ANY] >= t->join)
			continue;
		told[i] = true;
		wf_doubt(c, wf_task_place(c, t->name),
		    "'%.*s' waits for %lld tasks, but never more than %lld come: of those that lead to it some follow "
		    "one "
		    "ending of '%.*s' and some another, so the workflow fails there",
		    STR_ARG(t->name), (long long)t->join, (long long)(most + by[SIDE_ANY]),
		    STR_ARG(g->tasks[fork].name));
	}
}

void
wf_check_joins(Check *c, const WfGraph *g)
{
	bool *told = arena_array(c->a, bool, g->n + 1), joins = false, loops = false;

	for (size_t i = 0; i < g->n; i++) {
		joins = joins || g->tasks[i].join > 1;
		for (size_t k = 0; k < g->tasks[i].next_n; k++)
			for (size_t m = 0; m < g->tasks[i].next[k].arcs_n; m++)
				loops = loops || g->tasks[i].next[k].arcs[m].back;
	}
	/* in a loop a task may end one way in one round, and another way in the next */
	for (size_t i = 0; joins && !loops && i < g->n; i++) {
		bool forks = false;

		for (size_t k = 0; k < g->tasks[i].next_n; k++)
			forks = forks || side_of(&g->tasks[i].next[k]) != SIDE_ANY;
		if (forks)
			check_fork(c, g, (int)i, told);
	}
}
