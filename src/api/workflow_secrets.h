/*
 * Secrets that a workflow says itself, in the input of tasks whose actions mark a parameter `secret`: a mark stands in their place, as
 * in rules (rule_secrets.h), where the workflow is shown. Runs have what was given.
 */
#pragma once

#include "api/app.h"
#include "model/defs.h"

/* Where the action is not there, nobody can say which are secret: then all that its task is given are. */
MUST_CHECK bool workflow_secrets_hide(App *app, Arena *a, WorkflowDef *d, Err *err);
/* The same, unless the request asks to see them and the caller may decrypt the pack's keys; the audit has it before the caller has. */
MUST_CHECK bool workflow_secrets_show(App *app, Req *q, WorkflowDef *d, Err *err);
/* Marks that come back are the secrets that stood in that task, if it still runs that action. before: NULL for a new workflow. */
MUST_CHECK bool workflow_secrets_keep(App *app, Arena *a, const WorkflowDef *before, WorkflowDef *d, Err *err);
