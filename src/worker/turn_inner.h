/* What the files of the worker's turn share; nobody else includes this. */
#pragma once

#include "base/map.h"
#include "engine/moves.h"
#include "worker/worker.h"

enum { BATCH = 256 }; /* claims and results of one transaction */

/* A run this worker was given. */
typedef struct Run {
	Id execution, action;
	int attempt;
	enum { RUN_WAITING, RUN_CLAIMED, RUN_STARTED } state;
	bool again;       /* an earlier claim's commit failed: it may have happened all the same */
	bool begun;       /* with its claim, and not to be started again: its result comes or is there */
	bool apart;       /* that is not tried any more: something in its transaction could not be stored */
	bool chained;     /* it exists only if the open transaction does */
	Id lone;          /* see RunResult */
	RunClaim *claim;  /* by the open transaction */
	struct Run *next; /* in the line of those that wait */
} Run;

/* What one transaction claims. */
typedef struct Batch {
	RunClaim claims[BATCH];
	Run *runs[BATCH];
	size_t n;
	size_t stored; /* claims and */
	size_t ends;   /* results of the rounds before */
} Batch;

struct WorkerTurn {
	Uow *u;
	WorkerConfig config;
	Id id;
	Str incarnation;
	Map runs;  /* execution → Run */
	Map quick; /* actions whose runs are always done at once */
	Arena *runs_arena;
	Run *first, **last; /* those that wait, in order */
	Run *spare;
	size_t waiting, held; /* held: claimed and not yet reported */
	size_t ended;         /* of those that are held; what was begun with its claim never was */
	Arena *ends_arena;    /* results that are not stored yet */
	RunResult *ends;
	size_t ends_n;
	TimeUs until;     /* when the first of them has waited enough for company; 0: none waits */
	int64_t usual_us; /* how long runs take lately */
	bool draining, abandoning;
	bool full;             /* and its row says so */
	bool alone;            /* the last transaction failed: in the next nothing follows the ends */
	const RunClaim *ready; /* what was made ready while the open transaction is committed */
	size_t ready_n;
	const MsgItem *own; /* what the open transaction gives to this very worker */
	size_t own_n;
};

/* ---- turn.c: the line of those that wait ---- */

Run *line_take(WorkerTurn *t); /* NULL: it is empty */
void line_put_back(WorkerTurn *t, Run *r);
void run_forget(WorkerTurn *t, Run *r);

/* ---- turn_leave.c ---- */

/* While there is no room for what runs write, others get what this worker has not started. */
MUST_CHECK bool full_look(WorkerTurn *t, Err *err);
