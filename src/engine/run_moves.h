/*
 * The moves that a worker makes of the runs it was given; what engine/moves.h says of moves is true of them too.
 */
#pragma once

#include "engine/engine.h"
#include "model/kept.h"
#include "model/secrets.h"
#include "store/execution.h"

typedef struct RunClaim {
	Id execution;
	int attempt;
	bool quick;      /* it will probably end within the transaction that claims it */
	bool again;      /* an earlier commit of this claim failed with an unknown outcome: it may be ours already */
	bool claimed;    /* false: somebody else moved it, or it is cancelled */
	bool open;       /* claimed, but its row is not moved yet: by runs_finish with its end, or by runs_claim_rest */
	Str incarnation; /* of an open one */
	ExecMoved row;   /* of a claimed one */
	ActionDef action;    /* as it is now, copied into the unit's arena */
	Str runtime;         /* its stored runtime's name */
	Str runtime_version; /* the version row that this worker runs it with; none: the usual one */
	Json runtime_config;
	Str problem;  /* claimed, but cannot be run: the runtime is gone, ... */
	Json params;  /* with secrets and keys in their places; null: none */
	Json secrets; /* the values among them that nobody may see, an array; null: none */
} RunClaim;

/* running, in one guarded update for all; each is told what to run. */
MUST_CHECK bool runs_claim(Uow *u, Id worker, Str incarnation, Str by, RunClaim *claims, size_t n, Err *err);
/* The same in two steps, for runs that may end in between: their rows move once, not twice. What runs_finish is given of them has its
 * claim. */
MUST_CHECK bool runs_claim_open(Uow *u, Id worker, Str incarnation, Str by, RunClaim *claims, size_t n, Err *err);
MUST_CHECK bool runs_claim_rest(Uow *u, Str by, RunClaim *claims, size_t n, Err *err);

typedef struct RunResult {
	Id execution;
	int attempt;
	ExecEvent event; /* EV_EXIT_OK, EV_EXIT_BAD, EV_WORKER_LOST; one that was cancelled ends so whatever it says */
	TimeUs started, finished;
	Json result;     /* without U+0000 */
	Secrets secrets; /* taken out of it */
	Kept kept;       /* that become versions of artifacts with it */
	RunClaim *claim; /* when it was claimed in this very transaction; else NULL */
	Id lone;         /* its action, when its claim has shown that it is no task of a workflow; else 0 */
	bool again;      /* an earlier commit of it failed with an unknown outcome: it may be stored already */
	bool stored;     /* false afterwards: the row had moved on, the result is a note in its history */
} RunResult;

/* Terminal rows; publishes execution.completed for each that moved. After uow_last the commit travels with ends that nothing follows. */
MUST_CHECK bool runs_finish(Uow *u, Id worker, Str by, RunResult *results, size_t n, Err *err);
/* What follows the ends of runs in this transaction, if u->follows was set when it began: their workflows go on, and what waited for their
 * limits. As far as nobody has to be waited for; the rest is for executors, as always. */
MUST_CHECK bool runs_follow(Uow *u, Err *err);
/* What the worker has not started goes back. */
MUST_CHECK bool runs_return(Uow *u, const Id *executions, const int *attempts, size_t n, Str by, Str note, Err *err);
