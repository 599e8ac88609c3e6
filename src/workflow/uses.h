/* What a workflow's tasks run, and with what: for checks against the actions there are, and for hiding secrets. Pure. */
#pragma once

#include "base/json.h"

typedef struct WorkflowUse {
	Str at; /* of the task, a JSON pointer into the definition: "/tasks/0" */
	Str task, action;
	const Json *input; /* in the definition; NULL: the parameters of the workflow are passed on */
} WorkflowUse;

/* Those that name an action, of parallel tasks too, in order of appearance. The definition may be one that is no workflow at all. */
WorkflowUse *workflow_uses(Arena *a, const Json *definition, size_t *ret_n);
/* Those of them that begin whatever happens: no condition, and no list that may be empty, decides whether they do. */
WorkflowUse *workflow_certain_uses(Arena *a, const Json *definition, size_t *ret_n);
