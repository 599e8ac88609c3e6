/*
 * Changes of workflows, each with the action that stands for it: what the routes of workflows and of their files share.
 */
#pragma once

#include "api/body.h"
#include "api/resource.h"
#include "engine/workflow_names.h"
#include "workflow/graph.h"

extern const Resource workflows;

typedef struct WorkflowWork {
	Arena *a;
	const Json *body;
	Str key; /* ref or id of the one to be changed */
	WorkflowDef d;
	Json warnings; /* texts: what may go wrong when it runs */
	/* Done last in the transaction, which it undoes by failing; may be NULL. */
	bool (*last)(App *app, struct WorkflowWork *w, Err *err);
} WorkflowWork;

/* Beside label, version and definition. */
#define WORKFLOW_FIELDS \
	{ "description", FIELD_TEXT, 0 }, { "param_schema", FIELD_ANY, 0 }, { "out_schema", FIELD_ANY, 0 }, \
	{ \
		"tags", FIELD_REFS, 0 \
	}
/* Definitions that come with it and count as there: for workflows that run each other. */
#define KNOWN_FIELD \
	{ \
		"known", FIELD_ITEMS, 0 \
	}

MUST_CHECK bool workflow_known_read(Arena *a, const Json *body, WorkflowKnown *ret, Err *err);

/* The workflow without its secrets, and its warnings when there are some. */
MUST_CHECK bool workflow_answer(App *app, Res *s, int status, WorkflowWork *w, const char *message, Err *err);
void workflow_fill(const Json *body, WorkflowDef *d);
/* What it is kept as was checked before, perhaps by an older version. */
MUST_CHECK bool workflow_graph_of(Arena *a, const WorkflowDef *d, WfGraph **ret, Err *err);
/* Of type Work. */
MUST_CHECK bool workflow_create_work(App *app, void *self, Err *err);
MUST_CHECK bool workflow_update_work(App *app, void *self, Err *err);
MUST_CHECK bool workflow_remove_work(App *app, void *self, Err *err);
