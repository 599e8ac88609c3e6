/*
 * The moves of the system. Each runs inside the caller's transaction (uow_begin … uow_commit), changes rows and adds the messages
 * that follow to the outbox. All of them may be repeated: guards and unique keys make a second time harmless.
 */
#pragma once

#include "engine/run_moves.h"
#include "store/event.h"
#include "store/execution.h"

/* ---- events in (sensor, API) ---- */

typedef struct EventIn {
	Str trigger_ref;
	Id rule;   /* only this rule may match; 0: every rule of the trigger */
	Id source; /* sensor */
	Str source_ref;
	const Json *payload, *config; /* NULL: none */
	Str tick_key;
	Uuid correlation; /* none: a new one */
	int64_t depth;    /* how many reactions to reactions led to it; beyond DEPTH_MOST it meets no rule */
} EventIn;

enum { DEPTH_MOST = 16 };

typedef struct EventOut {
	Id id;        /* 0: the tick was there already */
	bool refused; /* this one is why none was stored */
	size_t enforcements;
	Uuid correlation;
} EventOut;

/* ERR_VALIDATION for a value that one of the worlds cannot keep: then neither takes it. NULL is fine. */
MUST_CHECK bool storable(const char *what, const Json *v, Err *err);
/* Stores events, matches rules, stores an enforcement for each rule met. Unknown trigger: ERR_NOT_FOUND. */
MUST_CHECK bool ingest(Uow *u, const EventIn *in, size_t n, EventOut *ret, Err *err);

/* ---- executor ---- */

/* Enforcements that wait become executions, which are given to workers in the same transaction. */
MUST_CHECK bool enforce(Uow *u, const Id *enforcements, size_t n, Err *err);
/* Gives every execution that waits for a worker to one that has room, oldest first in each class. Says why the rest wait. */
MUST_CHECK bool schedule(Uow *u, Err *err);
/* Runs have ended that nothing follows but room for others: *ret_wanted says whether somebody waits for that, and schedule has to be
 * called. One look, outside of a transaction. */
MUST_CHECK bool schedule_wanted(Uow *u, bool *ret_wanted, Err *err);

/* Workflows that something has happened to, by the ids of their executions, go on; ids of others are left alone. What they start waits for
 * schedule. */
MUST_CHECK bool workflow_step(Uow *u, const Id *ids, size_t n, Err *err);
/* Those that have something to do by now. *ret_next: when the next has; 0: never. */
MUST_CHECK bool workflow_due(Uow *u, TimeUs *ret_next, Err *err);
/* The same, for those too whose time has come. *ret_more: there are more of them. */
MUST_CHECK bool schedule_due(Uow *u, bool *ret_more, Err *err);

/* ---- API ---- */

typedef struct ExecutionIn {
	Str action_ref;
	const Json *params, *env_vars; /* NULL: none */
	const Json *worker_selector, *worker_tolerations, *worker_affinity;
	const Json *permission_set_refs; /* NULL: the action's */
	Id executor, parent;
	int64_t timeout_seconds;
	int64_t priority; /* -100 to 100 */
	TimeUs due;       /* not before; 0: at once */
	Str artifact_policy;
	int64_t artifact_limit; /* how long what it makes is kept; 0: as its action says */
	Uuid correlation;
	Str by;
} ExecutionIn;

typedef struct ExecutionOut {
	Id id;
	ExecState status; /* failed at once when the parameters break the schema */
} ExecutionOut;

/* Unknown action: ERR_NOT_FOUND. */
MUST_CHECK bool execution_create(Uow *u, const ExecutionIn *in, ExecutionOut *ret, Err *err);
/* Several at once, for hardly more than one: all of them, or on an error none. */
MUST_CHECK bool executions_create(Uow *u, const ExecutionIn *in, size_t n, ExecutionOut *ret, Err *err);
/* Only checks: ERR_VALIDATION names the parameter. */
MUST_CHECK bool execution_check(Uow *u, const ExecutionIn *in, Err *err);
/* Waiting: cancelled at once. Running: canceling, and its worker is told. Canceling: nothing. Terminal: ERR_CONFLICT. */
MUST_CHECK bool execution_cancel(Uow *u, Id id, Str by, ExecState *ret_status, Err *err);
/* The same; a workflow stops what runs under it, at any depth, though its definition lets that finish. */
MUST_CHECK bool execution_cancel_all(Uow *u, Id id, Str by, ExecState *ret_status, Err *err);

/* A new run like one that has ended, whatever its end was. ERR_CONFLICT while it has not. */
MUST_CHECK bool execution_retry(Uow *u, Id id, Str by, Id *ret, Err *err);
/* What waits, or a workflow with all under it, goes on only when it is resumed. ERR_CONFLICT: it is neither, or not paused. */
MUST_CHECK bool execution_hold(Uow *u, Id id, bool hold, Err *err);

/* ---- worker: see also engine/run_moves.h ---- */

MUST_CHECK bool worker_enter(
    Uow *u, const WorkerDef *w, Id *ret_id, Err *err); /* registers; settles earlier incarnations */

/* ---- sweeper ---- */

typedef struct SweepReport {
	size_t announced, returned, abandoned, refused, workers_lost;
	bool waiting; /* something still waits for somebody: sweep again */
	bool held;    /* this process has the lease */
	bool more;    /* of those whose time has come: sweep again at once */
} SweepReport;

MUST_CHECK bool sweep(Uow *u, SweepReport *ret, Err *err);
/* The first one of a process: what the one before it was told last, nobody may have heard. So nothing is too young to be told again. */
MUST_CHECK bool sweep_first(Uow *u, SweepReport *ret, Err *err);
/* Removes a small step of what is old. *ret_more: there is more to remove; call again, in a new transaction. at: where it goes on,
 * zeroed to begin anew; its plan is that of this round, once the first step has been done. With plan.dry_run the caller does not
 * commit. */
typedef struct Retain {
	bool planned;
	RetainPlan plan;
	int target;
	Id after;
} Retain;

MUST_CHECK bool retain(Uow *u, Retain *at, int64_t *ret_removed, bool *ret_more, Err *err);
/* The result of a run whose worker is gone. */
Json lost_result(Arena *a, const ExecLive *e, const WorkerDef *w, const char *by, TimeUs now);
