/*
 * Moves of executions from state to state, for src/engine.
 */
#pragma once

#include "model/lifecycle.h"
#include "store/db.h"

/* One line of the timeline: state|microseconds|by|attempt|note */
Str execution_move_line(Arena *a, ExecState to, TimeUs at, Str by, int attempt, Str note);

/* What a move gives back of a row that moved. */
typedef struct ExecMoved {
	bool moved;
	ExecState to;
	int attempt;
	Id action, worker, enforcement, parent;
	Str action_ref;
	Uuid correlation;
	TimeUs created, scheduled;
	/* of a workflow's task; index -1: it is for no item */
	bool of_task;
	int task_no;
	int64_t task_index, task_iteration;
	/* claims only */
	Json config, env_vars, permission_set_refs;
	Str rule_ref, trigger_ref;
	int64_t timeout_seconds;
	Id executor; /* on whose behalf; 0: the platform's */
} ExecMoved;

/* One move of one row. */
typedef struct ExecMove {
	Id id;
	int attempt; /* the fencing token; ignored where the row has none yet (schedule, cancel and refuse of a waiting row) */
	ExecState from;
	Id worker;       /* schedule, claim */
	Str incarnation; /* claim and what follows: whose run it is */
	TimeUs started, finished;
	const Json *result;
	Str note;              /* for the timeline, e.g. why it was returned */
	const ExecMoved *seen; /* the row in `from`, as this transaction has read it; NULL: it has not */
	bool through; /* from scheduled to its end by way of running, both said: all moves of a call, or none */
	Id known; /* only if no definition has changed after this change; 0: whatever has. Ends of all moves of a call, or none */
} ExecMove;

/* Moves every row whose guard is open; ret[i].moved says which did. Illegal moves are a defect of the caller (ERR_STALE). */
MUST_CHECK bool execution_move(
    Db *db, Arena *a, ExecEvent ev, const ExecMove *moves, size_t n, TimeUs now, Str by, ExecMoved *ret, Err *err);

/* What execution_move would give back of claims, of rows that are not moved yet. Nobody else moves them until the commit. */
MUST_CHECK bool execution_claim_look(Db *db, Arena *a, const ExecMove *moves, size_t n, ExecMoved *ret, Err *err);

/* Is this row running under the incarnation and attempt of the move? Then as if the claim had just moved it. */
MUST_CHECK bool execution_claimed(Db *db, Arena *a, const ExecMove *m, ExecMoved *ret, Err *err);
/* Has this very result (worker, attempt, time of the end) ended the row before? Then as if it had just moved it. */
MUST_CHECK bool execution_ended_so(Db *db, Arena *a, const ExecMove *m, ExecMoved *ret, Err *err);
