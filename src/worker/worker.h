/*
 * The worker role: claims runs it was given, starts them, reaps them, reports them. One thread does all of that; each turn of its loop is
 * one transaction with the results of what ended and the claims of what starts next. Consumers feed it through an inbox;
 * dispatches are acknowledged when they lie in the inbox, for the row, not the message, is what lasts.
 */
#pragma once

#include "access/access.h"
#include "engine/engine.h"
#include "runtime/envs.h"
#include "runtime/interpreters.h"
#include "runtime/starter.h"

typedef struct Worker Worker;

typedef struct WorkerConfig {
	Str name;
	Str host;
	Str type;            /* "local" */
	int64_t slots;       /* worker.max_concurrent_tasks */
	TimeUs task_timeout; /* when nothing else says how long a run may take */
	TimeUs shutdown_timeout;
	const Json *labels, *taints; /* may be NULL */
	const Json *runtimes;        /* names to offer; NULL or null: what is found */
	Interpreters interpreters;   /* where programs are found */
	TimeUs patience;             /* how long the start waits for them to say what they are */
	Starter *starter;            /* not owned */
	Envs *envs;                  /* not owned; NULL: environments are nobody's business here */
	Str envs_dir;                /* where they lie */
	bool show_output;            /* what runs print stands in the log: the demo */
	Access *access;              /* makes the tokens of runs; NULL: they get none */
	Str keep_policy;             /* of logs, where the action says nothing */
	int64_t keep_limit;
	TimeUs heartbeat; /* 0: embedded, no need to report */
	const Json
	    *isolation;     /* what the machine gives to runs, for people; NULL: nothing is said. Until worker_start */
	bool strict;        /* it can give `sandbox: strict` */
	int64_t cores;      /* of the machine; 0: results never wait for company */
	bool quick_at_once; /* what needs no slot is over when the starter's start has returned */
} WorkerConfig;

/* Registers, opens its queues, starts its threads. ERR_CONFLICT: a worker of this name is alive. */
MUST_CHECK bool worker_start(Engine *e, const WorkerConfig *config, Worker **ret, Err *err);
/* No new claims; what is not started goes back; running ones get shutdown_timeout, then are killed and abandoned. */
void worker_drain(Worker *w);
void worker_hurry(Worker *w); /* from any thread while worker_drain waits: what runs is killed now */
void worker_close(Worker *w); /* after worker_drain, or when the worker never started */
Id worker_id(const Worker *w);

/* ---- the turn, for the simulation ---- */

typedef struct WorkerTurn WorkerTurn;

WorkerTurn *worker_turn_open(Uow *u, const WorkerConfig *config, Id id, Str incarnation);
void worker_turn_close(WorkerTurn *t);
/* A dispatch or a cancel came. */
void worker_turn_dispatch(WorkerTurn *t, Id execution, int attempt, Id action);
void worker_turn_cancel(WorkerTurn *t, Id execution, int attempt);
/* Reports what ended and claims and starts what there is room for. *ret_more: call again at once. On an error nothing is lost: the
 * same results are reported by the next turn. */
MUST_CHECK bool worker_turn(WorkerTurn *t, bool *ret_more, Err *err);
/* Everything not started goes back to be scheduled anew; nothing is claimed from now on. */
MUST_CHECK bool worker_turn_drain(WorkerTurn *t, Err *err);
/* From now on what ends does so because the worker shuts down: abandoned. */
void worker_turn_abandon(WorkerTurn *t);
TimeUs worker_turn_until(const WorkerTurn *t);   /* when results that wait for company have waited enough; 0: none do */
size_t worker_turn_running(const WorkerTurn *t); /* started or ended, not yet reported */
int64_t worker_turn_ahead(const WorkerTurn *t);  /* how many runs beyond its slots it can use just now */
