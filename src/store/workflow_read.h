/*
 * Workflows that run, or have run, as people see them: the run, the rounds of its tasks, and those runs under it that are of interest
 * by themselves.
 */
#pragma once

#include "store/workflow_run.h"

typedef struct WorkflowShown {
	Id id, version, rerun_of; /* rerun_of 0: it began at its beginning */
	Str ref, status;          /* of its execution */
	Json variables;
	bool paused;
	Str error;
	TimeUs created, started, finished, timeout_at;
} WorkflowShown;

/* ERR_NOT_FOUND: this execution is no workflow, or has not begun. */
MUST_CHECK bool workflow_show_run(Db *db, Arena *a, Id id, WorkflowShown *ret, Err *err);

/* One task's runs in one of its iterations: one, its retries, or one for each item. */
typedef struct WorkflowRound {
	int task;
	int64_t iteration, runs, retries;
	TimeUs ready, started, finished; /* the first, the first, the last; 0: not yet */
} WorkflowRound;

enum { WORKFLOW_ROUNDS_MOST = 5000, WORKFLOW_RUNS_MOST = 1000 };

/* By task and iteration. *ret_more: there are more than fit. */
MUST_CHECK bool workflow_rounds(
    Db *db, Arena *a, Id workflow, WorkflowRound **ret, size_t *ret_n, bool *ret_more, Err *err);

typedef struct WorkflowRunRow {
	Id id;
	int task;
	int64_t index, iteration;            /* index -1: none */
	Str action_ref, status, wait, error; /* error: why it went wrong */
	int64_t retry;
	bool workflow;
	TimeUs created, started, finished;
} WorkflowRunRow;

/* Those that are no items, and of the items those that have not ended, or ended badly; the newest of them, the oldest first. */
MUST_CHECK bool workflow_runs(Db *db, Arena *a, Id workflow, WorkflowRunRow **ret, size_t *ret_n, Err *err);
