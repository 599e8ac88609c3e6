#include "engine/graphs.h"

#include "store/workflow_run.h"

#include <stdlib.h>

enum { MOST = 200 };

struct Graphs {
	Arena *a;
	Map by_version;
};

static Graphs *
graphs_open(void)
{
	Graphs *g = calloc(1, sizeof(Graphs));

	if (g == NULL)
		abort();
	g->a = arena_open();
	g->by_version = map_open(g->a);
	return g;
}

void
graphs_close(Graphs *g)
{
	if (g == NULL)
		return;
	arena_close(g->a);
	free(g);
}

void
graphs_trim(Uow *u)
{
	if (u->graphs == NULL || u->graphs->by_version.n < MOST)
		return;
	graphs_close(u->graphs);
	u->graphs = NULL;
}

bool
graph_of(Uow *u, Id version, const WfGraph **ret, Err *err)
{
	WfGraph *made;
	Json *definition;
	Str at;

	if (u->graphs == NULL)
		u->graphs = graphs_open();
	*ret = map_get(&u->graphs->by_version, version);
	if (*ret != NULL)
		return true;
	definition = arena_new(u->graphs->a, Json);
	if (!workflow_version_read(u->db, u->graphs->a, version, definition, err))
		return false;
	if (!wf_compile(u->graphs->a, definition, &made, &at, err))
		return err_wrap(err, "version %lld of a workflow, at %.*s", (long long)version, STR_ARG(at));
	map_put(&u->graphs->by_version, version, made);
	*ret = made;
	return true;
}
