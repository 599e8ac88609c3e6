/* What the files that check a definition share; nobody else includes this. */
#pragma once

#include "base/map.h"
#include "expr/expr.h"
#include "workflow/graph.h"
#include "workflow/validate.h"

typedef struct Check {
	Arena *a;
	WorkflowProblem *problems;
	size_t n, fatal;
	Map names;     /* of tasks: what they are called, to where they stand */
	Map variables; /* what is declared or published somewhere */
	bool items;    /* what is being looked at sees item, index and batch */
} Check;

void wf_wrong(Check *c, Str at, const char *fmt, ...) PRINTF(3, 4);
void wf_doubt(Check *c, Str at, const char *fmt, ...) PRINTF(3, 4); /* a warning */

/* ---- names.c: what expressions may name ---- */

/* First the variables of the whole definition, so that each can be referred to. */
void wf_variables(Check *c, const Json *definition);
void wf_check_paths(Check *c, Str at, const ExprPath *paths, size_t n);

/* ---- keys.c: keys that nothing reads are a doubt ---- */

void wf_check_keys(Check *c, const Json *definition); /* its own; then those of each task */
void wf_check_task_keys(Check *c, const Json *task, Str at);

/* ---- loops.c ---- */

/* A loop that nothing can end is refused; one that only the usual number of rounds bounds is a doubt. */
void wf_check_loops(Check *c, const WfGraph *g, const Json *definition);
Str wf_task_place(const Check *c, Str task);

/* ---- joins.c ---- */

/* A join of what excludes each other, which can never be met, is a doubt: it fails only the runs that come to it. */
void wf_check_joins(Check *c, const WfGraph *g);
