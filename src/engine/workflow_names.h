/*
 * What a workflow says of things outside of it, before it runs: the actions that its tasks name are there, and take what they are
 * given. Whatever comes from templates is left to the run.
 */
#pragma once

#include "packs/pack.h"
#include "store/db.h"
#include "workflow/validate.h"

/* What counts as there beside what is stored. */
typedef struct WorkflowKnown {
	const Pack
	    *files; /* of the workflow's own pack, when they are about to replace what is stored of it; may be NULL */
	const WorkflowDef *also; /* actions that come with it: ref and param_schema, of a workflow its definition too */
	size_t also_n;
} WorkflowKnown;

/*
 * known: NULL: only what is stored counts. A workflow that runs itself whatever happens, through others too, is refused. An action of a
 * pack that is not there at all is a warning only, so that packs may come in any order. The places are in the definition; of
 * *ret_n problems those that are no warnings forbid the workflow. false: the store failed.
 */
MUST_CHECK bool workflow_names_check(
    Db *db, Arena *a, const WorkflowKnown *known, const WorkflowDef *d, WorkflowProblem **ret, size_t *ret_n, Err *err);
