/*
 * What a workflow says of things outside of it, before it runs: the actions that its tasks name are there, and take what they are
 * given. Whatever comes from templates is left to the run.
 */
#pragma once

#include "packs/pack.h"
#include "store/db.h"
#include "workflow/validate.h"

/*
 * files: of the workflow's own pack, when they are about to replace what is stored of it; NULL: what is stored counts. An action of a
 * pack that is not there at all is a warning only, so that packs may come in any order. The places are in the definition; of
 * *ret_n problems those that are no warnings forbid the workflow. false: the store failed.
 */
MUST_CHECK bool workflow_names_check(
    Db *db, Arena *a, const Pack *files, const WorkflowDef *d, WorkflowProblem **ret, size_t *ret_n, Err *err);
