/* Workflows compiled, by version, as one thread has come across them. Versions never change, so what is remembered stays right. */
#pragma once

#include "engine/engine.h"
#include "workflow/graph.h"

typedef struct Graphs Graphs;

void graphs_close(Graphs *g); /* NULL-safe */
/* Forgets all when there are too many; no graph may be in use. */
void graphs_trim(Uow *u);
/* Good until graphs_trim. */
MUST_CHECK bool graph_of(Uow *u, Id version, const WfGraph **ret, Err *err);
