/*
 * Workflows that run. A workflow's execution is `running` without a worker; its runs are ordinary executions under it. Whatever
 * happens to it is a row of its inbox, written by the transaction in which it happens, and a step, made by an executor in one
 * transaction, turns what lies there into new runs, published variables and, at last, its end. For the moves of src/engine only.
 */
#pragma once

#include "engine/ended.h"
#include "engine/graphs.h"
#include "store/workflow_run.h"
#include "workflow/advance.h"

enum { WORKFLOW_NESTED_MOST = 32 };

/* Those of the ends that a workflow waits for are told to it. */
MUST_CHECK bool workflow_told(Uow *u, const RunEnd *ends, size_t n, Err *err);
/* It is to look at itself: it was cancelled, or may go on. */
MUST_CHECK bool workflow_nudge(Uow *u, Id id, Err *err);
/* It was cancelled, and what runs under it is to be stopped, whatever its definition says. */
MUST_CHECK bool workflow_stop(Uow *u, Id id, Err *err);
/* What this transaction was to tell workflows (u->news) is acted on, where that can be done without waiting; the rest goes to their
 * inboxes. *ret_left: there is a rest. Inside defs_enter. */
MUST_CHECK bool workflow_step_told(Uow *u, bool *ret_left, Err *err);
/* The same, all of it to their inboxes. */
MUST_CHECK bool workflow_leave_told(Uow *u, Err *err);
/* Executions of one workflow that wait begin. Inside a pass of schedule. */
MUST_CHECK bool workflow_begin(Uow *u, const ActionDef *action, const ExecWaiting *rows, size_t n, Err *err);

#define ACTION_ASK "core.ask"

/* The same for questions. */
MUST_CHECK bool ask_begin(Uow *u, const ExecWaiting *rows, size_t n, Err *err);
/* A run that is being cancelled: a question ends at once. *ret_was: it is one. */
MUST_CHECK bool ask_cancelled(Uow *u, Id execution, Str by, ExecMoved *ret, bool *ret_was, Err *err);

/* ---- between the files of workflows ---- */

/* One workflow in a step. */
typedef struct WorkflowStep {
	Uow *u;
	WorkflowRun row, was; /* was: as it is stored */
	const WfGraph *g;
	Wf w;
	WfTaskState **states; /* by task; NULL: not read yet */
	Json **results;       /* likewise, as expressions see them */
	Json params;          /* as they were given, with their secrets */
	bool params_known;
	Json secrets; /* values that must not go where people can see them */
	Str *tells;   /* texts that would tell of the first `tells_of` of them */
	size_t tells_n, tells_cap, tells_of;
	Json chunk; /* of items */
	int chunk_task;
	int64_t chunk_no;
	/* it ends so, if it still is what it was */
	bool ends;
	ExecEvent end_event;
	const Json *end_result;
	const char *end_status;
	bool fresh;   /* nothing of it is stored yet */
	bool resumes; /* it begins in the middle: what it has taken over is stored */
	bool stops;   /* whoever cancelled it said that what runs under it is to be stopped */
	bool over;    /* it has ended without a step: there is no graph to go by */
	Err err;      /* of the port */
} WorkflowStep;

MUST_CHECK bool step_open(WorkflowStep *s, Err *err);
WfTaskState task_state_of(const WorkflowTaskRow *r);
WorkflowTaskRow task_row_of(Id workflow, const WfGraph *g, int task, const WfTaskState *st);
void step_take_task(WorkflowStep *s, const WorkflowTaskRow *row);
void step_no_task(WorkflowStep *s, int task); /* unless there is one, it has not begun yet */
/* The rows of tasks that have changed. */
size_t step_changed(WorkflowStep *s, WorkflowTaskRow *ret);
/* A value that holds a secret may not be seen. */
bool step_hides(WorkflowStep *s, const Json *v);
/* How often, and when, a run of the task is tried again: as the task says, else as its action does. */
RetryPlan step_plan(WorkflowStep *s, int task);
/* A run of a task has ended so: is it tried again? Then another is on its way, and the task goes on. */
MUST_CHECK bool step_again(WorkflowStep *s, const WorkflowNews *news, WfOutcome how, bool *ret, Err *err);
/* Its execution ends so, with all that end in this step: see steps_end. */
void step_finish(WorkflowStep *s, ExecEvent ev, const Json *result, const char *status);
/* Is it over? */
MUST_CHECK bool step_conclude(WorkflowStep *s, Err *err);
/* Those that end, and with them what they are to others. */
MUST_CHECK bool steps_end(WorkflowStep *steps, size_t n, Err *err);
/* The runs that are to be started. */
MUST_CHECK bool step_children(WorkflowStep *steps, size_t n, Err *err);
/* Ends everything that runs under it: what waits at once; what runs only if `running`, then at any depth. */
MUST_CHECK bool step_stop(WorkflowStep *s, bool running, size_t *ret_left, Err *err);
