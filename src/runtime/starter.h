/*
 * What a worker needs of the world in which runs happen: start one, stop one, hear how they ended. The worker's one thread
 * calls all of it. processes.c is the real one (processes, and the internal actions that need none); the simulation brings
 * its own. A run that was started ends exactly once in `ended`, whatever happens to it.
 */
#pragma once

#include "base/clock.h"
#include "base/json.h"
#include "base/uuid.h"
#include "model/kept.h"
#include "model/secrets.h"

/* What a run may use; 0: as the worker is set. */
typedef struct RunLimits {
	int64_t memory_mb, processes, open_files, output_bytes; /* output: of each stream */
	int64_t disk_mb;                                        /* in the folders that are its own */
} RunLimits;

/* One attempt of one execution, all values in the arena of the caller, which may be reset after start(). */
typedef struct RunSpec {
	Id execution;
	int attempt;
	Str action_ref;
	Str pack_ref;
	Str entrypoint;
	const char *folder;         /* of the pack, where the entry point lies; NULL: actions */
	Str runtime;                /* lower-case name of the action's stored runtime: "shell", "python", "internal" */
	Str runtime_version;        /* the version row that was chosen; none: the usual one */
	const Json *runtime_config; /* its execution_config (engine 5.4) */
	Str parameter_delivery;     /* "stdin", "file" */
	Str parameter_format;       /* "json", "yaml", "dotenv" */
	Str output_format;          /* "text", "json", "jsonl", "yaml" */
	Str env_dir;            /* the pack's environment, when it is known to be there; none: where it usually is */
	const Json *params;     /* an object, or null */
	const Json *out_schema; /* what its data must be, and what of it is secret; NULL or null: anything */
	const Json *secrets;    /* an array: what of them must not stand in the output; NULL or null: nothing */
	const Json *env_vars;   /* an object of strings, or null */
	Str rule_ref;
	Str trigger_ref;
	Str api_token; /* none: the run gets no token */
	Uuid correlation;
	TimeUs timeout;
	Str keep_policy; /* how long what becomes an artifact's is kept */
	int64_t keep_limit;
	Str sandbox; /* "off", "standard", "strict"; none: as the worker is set */
	RunLimits limits;
} RunSpec;

typedef enum RunOutcome {
	RUN_SUCCEEDED,
	RUN_FAILED,    /* exit code not 0, or a signal of its own */
	RUN_TIMED_OUT, /* failed by its time limit */
	RUN_CANCELLED, /* ended after cancel() */
	RUN_UNSTARTED, /* set-up failed: no process ran */
	RUN_OVER,      /* ended for using more memory, processes or disk than it may */
} RunOutcome;

typedef struct RunEnd {
	Id execution;
	int attempt;
	RunOutcome outcome;
	TimeUs started_at; /* wall: when the process really started */
	TimeUs finished_at;
	Json result;     /* the result object of engine 5.6, complete */
	Secrets secrets; /* taken out of it, by their paths in it */
	Kept kept;       /* that the result names as artifacts */
} RunEnd;

typedef struct Starter Starter;
struct Starter {
	/* false: it could not even begin (err says why); then it does not come out of ended(). */
	bool (*start)(Starter *s, const RunSpec *spec, Err *err);
	/* The same, ahead of knowing that it is ours: as far as nothing of the action has begun, and only where that saves time. Then
	 * either go, which begins it and is false when nothing was made ready, or drop, as if it had never been. NULL: never. */
	void (*ready)(Starter *s, const RunSpec *spec);
	bool (*go)(Starter *s, Id execution, int attempt);
	void (*drop)(Starter *s, Id execution, int attempt);
	/* TERM to the whole tree, KILL after 5 s, by itself. Unknown runs are ignored. */
	void (*cancel)(Starter *s, Id execution, int attempt);
	/* Takes runs that have ended, up to max; results in the arena. Also drives time limits and kills. */
	size_t (*ended)(Starter *s, Arena *a, RunEnd *ret, size_t max);
	/* Sleeps until something may have ended, wake() was called, or the monotonic time `until` (0: for ever) has come. */
	void (*sleep)(Starter *s, TimeUs until);
	void (*wake)(Starter *s); /* from any thread */
	size_t (*running)(const Starter *s);
	/* Why no more runs should be started now, for people: none, there is room. Until the next call of anything here. */
	Str (*full)(Starter *s);
	/* What earlier workers of this name left where no guardian reaches; once, when it is certain that they are gone. NULL: nothing. */
	void (*tidy)(Starter *s);
	void (*kill_all)(Starter *s); /* KILL now; they still come out of ended() */
	void (*close)(Starter *s);
};
