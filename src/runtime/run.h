/*
 * One run from start to its being taken by ended(): private to runtime. Runs are recycled with their arenas. Live runs
 * are in one list, those that have ended in another.
 */
#pragma once

#include "os/groups.h"
#include "os/poll.h"
#include "os/spawn.h"
#include "os/timers.h"
#include "runtime/disk.h"
#include "runtime/envs.h"
#include "runtime/internal.h"
#include "runtime/nests.h"
#include "runtime/processes.h"
#include "runtime/result.h"

typedef struct Processes Processes;
typedef struct Seeds Seeds; /* seeds.h */
typedef struct Ahead Ahead; /* ahead.h */
typedef struct Run Run;

typedef enum RunPhase {
	PHASE_RUNNING,
	PHASE_WAITING, /* for its environment: there is no process yet */
	PHASE_TERMED,  /* TERM was sent to the tree */
	PHASE_KILLED,
	PHASE_ENDED,
} RunPhase;

/* What the poll set gives back: the run, and which of its descriptors. */
typedef struct Source {
	Run *run;
	void (*ready)(Processes *p, Run *run);
	void (*other)(Processes *p, void *self); /* of what is no run */
	void *self;
} Source;

struct Run {
	Run *next, *before; /* in the list of live or of ended runs */
	Arena *a;
	Id execution;
	int attempt;
	RunPhase phase;
	bool internal, cancelled, timed_out, unstarted;
	bool walled; /* it cannot leave its group */
	bool alone;  /* it has ended, and nothing of it can be alive */
	bool held;   /* made ready, and not to begin before it is said */
	int gate;    /* that its process waits for meanwhile; -1: none */
	Child child;
	Source end, out_source, err_source;
	Stream out, err;
	Group *group;     /* NULL: it has none */
	RunLimits limits; /* complete */
	const char *over; /* the limit that ended it: "memory", "processes", "disk"; NULL: none */
	DiskUse disk;
	Nest *nest; /* NULL: it has no folders */
	Str dir;    /* its HOME; none for internal runs */
	Str files;  /* the folder of what it leaves behind; none: it has none */
	EnvUse env;
	RunSpec *waits_with; /* while it waits for its environment */
	Json out_schema;
	Str output_format, problem, afterwards, marker, keep_policy;
	int64_t keep_limit;
	const char *result_path;
	Timer timer;
	TimeUs started_mono, started_at, finished_at, duration;
	TimeUs timeout, deadline; /* deadline: monotonic, 0 none */
	TimeUs wait_end;          /* of an internal run */
	Call *call;               /* that an internal run waits for */
	const InternalAction *action;
	const char *engine, *container; /* NULL: it runs in none */
	int exit_code, sig;
};

typedef struct RunList {
	Run *first, *last;
	size_t n;
} RunList;

enum { GROW_SLOTS = 256 };

struct Processes {
	Starter face;           /* first: a Starter is cast to us */
	ProcessesConfig config; /* texts copied into a */
	Arena *a;
	Poll poll;
	Timers timers;
	RunList live, done, spare;
	Str home_base; /* the folder of run folders */
	Nests *nests;
	Str logs_base; /* {artifacts_dir}/{worker_name} */
	Str worker_marker, incarnation;
	Outward *outward; /* NULL until the first call */
	int null;
	Ahead *ahead; /* NULL: nothing is started ahead */
	Seeds *seeds; /* NULL: every interpreter is loaded anew */
	struct Forgotten *forgotten;
	size_t ahead_used;
	Disk disk;
	TimeUs look;                /* when those four are to be looked at */
	size_t forked;              /* runs that were copies of a Python that had begun */
	size_t grown;               /* runs that grew from seeds */
	uint64_t grows[GROW_SLOTS]; /* actions whose last run did, by their hash */
	size_t waiting;             /* runs that wait for their environments */
	Sandbox *sandbox;
	Groups *groups;     /* NULL: none here */
	Str groups_missing; /* and why */
	char *scratch;
	bool woken;   /* wake() came, and sleep() has not told yet */
	bool spawned; /* ever, without a group: only then is there anything to look for at the end */
};

enum {
	SCRATCH = 64 * 1024,
	SHOW_AFTER = 200 * US_PER_MS, /* a run can be followed from then on: files cost more than short runs */
	WATCH_AFTER =
	    5 * US_PER_MS, /* the pipes of a run are watched only once it has run for this long: a short run's output
	                                fits into them, and is read when it ends, without one wake-up more */
};

/* run.c */
void runs_push(RunList *list, Run *run);
void runs_remove(RunList *list, Run *run);
void runs_free(RunList *list);
Run *run_take(Processes *p); /* in no list yet */
void run_recycle(Processes *p, Run *run);
/* start.c: makes the process, or the internal run. What goes wrong is in the run: problem, unstarted. */
void run_start(Processes *p, Run *run, const RunSpec *spec);
bool run_grows(const Processes *p, Str action_ref); /* its last run grew from a seed, so the next one will */
void run_release(Processes *p, Run *run);           /* the process of one that was held begins now */
/* wait.c: whether its environment is there; while it is being built the run waits. False: it does not start now. */
bool run_env(Processes *p, Run *run, RunSpec *spec);
void runs_look(Processes *p); /* those that wait, after environments have changed */
void run_start_now(Processes *p, Run *run, const RunSpec *spec);
/* processes.c */
void run_ended(Processes *p, Run *run);
void run_call(Processes *p, Run *run, Call *call);       /* the internal run waits for this call's answer */
void run_over(Processes *p, Run *run, const char *what); /* what takes too much is not asked, but killed */
void on_child_end(Processes *p, Run *run);
void on_output(Processes *p, Run *run);
/* watch.c: what the kernel does not count here is looked at now and then. When next, monotonic; 0: never. True in *ret_over: it uses
 * more than it may, and run->over says of what. */
TimeUs watch_next(const Processes *p, const Run *run, TimeUs now);
bool watch_over(const Processes *p, Run *run, TimeUs now);
void watch_offer(const Run *run); /* to the kernel, when memory is short */
/* isolation.c */
void isolation_open(Processes *p);
void isolation_close(Processes *p);
