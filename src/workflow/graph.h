/*
 * A workflow's definition compiled: tasks by number, transitions as arcs between numbers, templates and conditions ready to run.
 * Never written to once it is made. It shares the definition's values, which must live as long. Pure.
 */
#pragma once

#include "expr/tmpl.h"
#include "base/map.h"
#include "model/retry.h"

enum { WF_TOP = -1 /* the group of those tasks that are in no parallel task */ };

/* `when`: a bare expression, or a template. */
typedef struct WfCond {
	const Expr *expr;
	const Tmpl *tmpl;
	bool never; /* neither of them: always, unless this */
	Str text;   /* as it was written; none: there is none */
} WfCond;

typedef struct WfPublish {
	Str name;
	const Tmpl *value; /* NULL: the whole result */
} WfPublish;

typedef struct WfArc {
	int task;
	bool back; /* leads back into a loop: its task begins another round */
} WfArc;

typedef struct WfNext {
	WfCond when;
	bool otherwise; /* of a decision: only when none before it in the decision has fired */
	bool decides;
	WfPublish *publish;
	size_t publish_n;
	WfArc *arcs;
	size_t arcs_n;
} WfNext;

typedef enum WfKind { WF_ACTION, WF_PARALLEL } WfKind;

typedef struct WfTask {
	Str name, action;
	WfKind kind;
	int group;         /* the parallel task it is in, or WF_TOP */
	const Tmpl *input; /* NULL: the parameters of the workflow */
	bool has_input;
	const Tmpl *with_items, *permission_set_refs, *selector, *tolerations, *affinity, *delay; /* NULL: none */
	Str items_text; /* with_items as it was written */
	WfCond when;
	int64_t concurrency, batch_size; /* batch_size 0: none */
	int64_t join;                    /* 0: the first to arrive begins it */
	int64_t timeout;                 /* seconds; 0: none */
	RetryPlan retry;                 /* count 0: the action's */
	WfCond on_error;                 /* of its retry: only when it holds */
	bool reads_result;               /* a transition of it looks at the result */
	WfNext *next;
	size_t next_n;
	int *inbound; /* distinct tasks that lead to it */
	size_t inbound_n;
	int *entries; /* of a parallel task: what it begins with */
	size_t entries_n;
} WfTask;

typedef struct WfOutput {
	Str name;
	const Tmpl *value;
} WfOutput;

typedef struct WfGraph {
	WfTask *tasks;
	size_t n;
	Map names; /* of tasks, to WfTask */
	int *entries;
	size_t entries_n;
	Json vars; /* an object */
	WfOutput *output;
	size_t output_n;
	int64_t max_iterations;
	int64_t timeout; /* seconds; 0: none */
	bool cancel_running;
} WfGraph;

/* The definition has passed workflow_check, or is about to: what its graph cannot be is ERR_VALIDATION, at *ret_at. */
MUST_CHECK bool wf_compile(Arena *a, const Json *definition, WfGraph **ret, Str *ret_at, Err *err);
/* The retry of a task is that of an action, and `on_error`. */
MUST_CHECK bool wf_retry(Arena *a, const Json *v, RetryPlan *ret, Err *err);
int wf_task_no(const WfGraph *g, Str name); /* -1: none */
