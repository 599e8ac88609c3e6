/*
 * Is this a workflow? All that is wrong with a definition, each with its place, before anything of it runs: names, kinds of values,
 * targets of transitions, templates and expressions, tasks that nothing leads to. Pure; everything lies in the arena.
 */
#pragma once

#include "base/json.h"

enum {
	WORKFLOW_TASKS_MOST = 1000,
	WORKFLOW_DEPTH_MOST = 8,
	WORKFLOW_PROBLEMS_MOST = 100,
	WORKFLOW_BYTES_MOST = 1024 * 1024
};

typedef struct WorkflowProblem {
	Str at; /* JSON pointer into the definition: "/tasks/0/action" */
	Str text;
	bool warning; /* it can run */
} WorkflowProblem;

/* True when nothing forbids it; *ret holds *ret_n problems, warnings too, of which there are no more than WORKFLOW_PROBLEMS_MOST. */
bool workflow_check(Arena *a, const Json *definition, WorkflowProblem **ret, size_t *ret_n);
/* Of a file's keys those that are the graph: tasks, vars, output_map ... */
Json workflow_definition(Arena *a, const Json *file);
