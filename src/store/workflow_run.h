/*
 * Workflows that run: the run itself, its tasks, the items of a task, and the inbox of what has happened to it and is not yet acted
 * on. A run bears the id of its execution. Steps of many runs are read and written in few round trips.
 */
#pragma once

#include "store/db.h"

/* ---- definitions as runs began with them ---- */

/* The version of a definition as it stands now; it is made when it is not there. 0: the definition is gone. */
MUST_CHECK bool workflow_version(Db *db, Arena *a, Id workflow_def, TimeUs now, Id *ret, Err *err);
MUST_CHECK bool workflow_version_read(Db *db, Arena *a, Id version, Json *ret, Err *err);

/* ---- runs ---- */

typedef struct WorkflowRun {
	Id id; /* 0: there is none */
	Id version;
	Str ref, status;
	Json variables, failed;
	int64_t open, waiting, bad, depth;
	bool paused;
	TimeUs timeout_at, due_at;
	Json starts; /* of one begun anew from some tasks: [[task, from], ...]; null: from its beginning */
	Str error;   /* written only */
	/* of its execution */
	Str state;
	Json config, env_vars, permission_set_refs;
	Id enforcement, executor, action, parent;
	Str action_ref;
	int attempt;
	int64_t priority;
	Str line; /* what its runs have as ancestors */
	Uuid correlation;
	TimeUs started;
	bool variables_changed; /* else they are left as they are */
} WorkflowRun;

MUST_CHECK bool workflow_run_insert(Db *db, Arena *a, const WorkflowRun *rows, size_t n, TimeUs now, Err *err);
/* Nobody else steps them until the commit. ids rise. Those that somebody else steps just now are waited for, or are as if they were not
 * there. */
MUST_CHECK bool workflow_run_lock(Db *db, Arena *a, const Id *ids, size_t n, bool wait, WorkflowRun *ret, Err *err);
/* See db_ahead. With what it was told, which is looked at once the lock is had. */
void workflow_run_lock_ahead(Db *db, Arena *a, Id id, bool wait);
MUST_CHECK bool workflow_run_write(Db *db, Arena *a, const WorkflowRun *rows, size_t n, TimeUs now, Err *err);
MUST_CHECK bool workflow_run_is_paused(Db *db, Arena *a, Id id, bool *ret, Err *err);
MUST_CHECK bool workflow_run_pause(Db *db, Arena *a, Id id, bool paused, TimeUs now, bool *ret_there, Err *err);
/* Its execution says so. */
MUST_CHECK bool workflow_run_paused_mark(Db *db, Arena *a, Id id, bool paused, TimeUs now, Err *err);
/* Depth of the run that an execution is; 0: it is none. */
MUST_CHECK bool workflow_run_depth(Db *db, Arena *a, Id id, int64_t *ret, Err *err);
/* The first time at which one has something to do; 0: none. And which have. */
MUST_CHECK bool workflow_run_next_due(Db *db, Arena *a, TimeUs *ret, Err *err);
MUST_CHECK bool workflow_run_due(Db *db, Arena *a, TimeUs now, size_t most, Id **ret, size_t *ret_n, Err *err);
/* It has something to do, but not before this time. */
MUST_CHECK bool workflow_run_later(Db *db, Arena *a, Id id, TimeUs until, Err *err);
/* Runs under this one that have not ended. */
typedef struct WorkflowChildRun {
	Id id;
	Str status;
	bool inside; /* no worker has it: a workflow, an inquiry */
} WorkflowChildRun;
MUST_CHECK bool workflow_run_live(Db *db, Arena *a, Id id, WorkflowChildRun **ret, size_t *ret_n, Err *err);

/* ---- tasks ---- */

typedef struct WorkflowTaskRow {
	Id workflow;
	int task;
	Str name, status;
	int64_t iteration, backlog;
	bool begun, items;
	Json arrived;
	int triggered_by; /* -1: none */
	TimeUs due, started, finished;
	Id execution;
	int64_t items_n, items_next, items_live, items_bad, items_late, open, waiting, bad;
	Str note;
	Json published;       /* written only; null: as it was */
	Str published_before; /* read only: the same as JSON; none: nothing */
	TimeUs published_at;
} WorkflowTaskRow;

typedef struct WorkflowTaskKey {
	Id workflow;
	int task;
} WorkflowTaskKey;

/* Those of them that are there. */
MUST_CHECK bool workflow_task_read(
    Db *db, Arena *a, const WorkflowTaskKey *keys, size_t n, WorkflowTaskRow **ret, size_t *ret_n, Err *err);
MUST_CHECK bool workflow_task_all(Db *db, Arena *a, Id workflow, WorkflowTaskRow **ret, size_t *ret_n, Err *err);
MUST_CHECK bool workflow_task_write(Db *db, Arena *a, const WorkflowTaskRow *rows, size_t n, Err *err);
/* Of those that are delayed: which are due, and when the next of the others is. */
MUST_CHECK bool workflow_task_delayed(
    Db *db, Arena *a, Id workflow, TimeUs now, int **ret, size_t *ret_n, TimeUs *ret_next, Err *err);

/* ---- items ---- */

enum { WORKFLOW_CHUNK = 64 };

MUST_CHECK bool workflow_items_write(Db *db, Arena *a, Id workflow, int task, const Json *items, Err *err);
MUST_CHECK bool workflow_items_read(Db *db, Arena *a, Id workflow, int task, int64_t chunk, Json *ret, Err *err);

/* ---- results ---- */

MUST_CHECK bool workflow_result(Db *db, Arena *a, Id execution, Json *ret, Err *err);
/* Of all items of one round, in their order; null where there is none. */
MUST_CHECK bool workflow_results(
    Db *db, Arena *a, Id workflow, int task, int64_t iteration, int64_t n, Json *ret, Err *err);

/* ---- runs begun anew ---- */

/* What a run has taken over of another is there before it begins: rows[0] is the new one, which follows `of`. */
MUST_CHECK bool workflow_rerun_insert(Db *db, Arena *a, const WorkflowRun *run, Id of, TimeUs now, Err *err);
typedef struct WorkflowTaken {
	int task;
	int64_t iteration;
	Json result;
} WorkflowTaken;
MUST_CHECK bool workflow_taken_write(Db *db, Arena *a, Id workflow, const WorkflowTaken *rows, size_t n, Err *err);
MUST_CHECK bool workflow_taken_read(
    Db *db, Arena *a, Id workflow, int task, int64_t iteration, Json *ret, bool *ret_found, Err *err);
/* By task, of those that have ended; null where there is none. */
MUST_CHECK bool workflow_published(Db *db, Arena *a, Id workflow, Json *ret, size_t n, Err *err);

/* ---- inbox ---- */

typedef struct WorkflowNews {
	Id id, workflow, execution;
	bool of_task; /* else only: look */
	int task;
	int64_t index, iteration; /* index -1: none */
	Str outcome;
} WorkflowNews;

MUST_CHECK bool workflow_inbox_put(Db *db, Arena *a, const WorkflowNews *news, size_t n, TimeUs now, Err *err);
/* The oldest WORKFLOW_NEWS_MOST of each, in order of runs and age. */
enum { WORKFLOW_NEWS_MOST = 500 };
MUST_CHECK bool workflow_inbox_read(
    Db *db, Arena *a, const Id *workflows, size_t n, WorkflowNews **ret, size_t *ret_n, Err *err);
void workflow_inbox_ahead(Db *db, Arena *a, Id workflow); /* see db_ahead */
MUST_CHECK bool workflow_inbox_drop(Db *db, Arena *a, const Id *ids, size_t n, Err *err);
/* Runs that nobody has stepped since they were told something before `before`, or after `after`; paused ones are none of them. */
MUST_CHECK bool workflow_inbox_stale(
    Db *db, Arena *a, TimeUs before, TimeUs after, size_t most, Id **ret, size_t *ret_n, Err *err);
/* Its time limit has ended this run: that is said where clients look for it. */
MUST_CHECK bool workflow_mark_timed_out(Db *db, Arena *a, Id execution, Err *err);
