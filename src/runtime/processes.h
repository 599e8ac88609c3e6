/*
 * The real Starter: runs as child processes of the worker, internal actions inside it. One thread (the worker's) owns it.
 */
#pragma once

#include "http/reach.h"
#include "runtime/interpreters.h"
#include "runtime/sandbox.h"
#include "runtime/starter.h"

typedef struct Guardian Guardian; /* os/guardian.h */
typedef struct Envs Envs;         /* runtime/envs.h */

typedef struct ProcessesConfig {
	const Clock *clock;
	Str packs_base_dir;
	Str runtime_envs_dir;
	Str artifacts_dir; /* files of runs lie in {artifacts_dir}/{worker_name}/execution_{id}/ */
	Str run_base;      /* where run directories are made; empty: chosen */
	Str worker_name;
	Interpreters interpreters; /* must last */
	Str api_url;
	size_t stdout_max; /* 10 MiB */
	size_t stderr_max;
	size_t spill_max; /* of what is more than that, in a file that becomes an artifact's; 0: nothing more is kept */
	size_t inline_output; /* outputs up to here live in the row alone; 0: files always */
	TimeUs kill_grace;    /* between TERM and KILL: 5 s */
	Guardian *guardian;   /* may be NULL (tests) */
	Reach reach;          /* what core.http_request may call beyond the public internet; must last */
	bool seeds;           /* interpreters are kept loaded, and runs are copies of them */
	bool warm;  /* Python runs are forks of servers that have started already, Node's processes are started ahead */
	Envs *envs; /* NULL: environments are used when they are there, and never built */
	SandboxKind sandbox, sandbox_least;
	const Json *sandbox_read; /* more paths that actions may read; NULL: none */
	const Str *hidden;        /* what they may never read; NULL: nothing */
	size_t hidden_count;
	int64_t disk_reserve_mb; /* so much stays free where runs write; 0: nothing is kept free, -1: as is sensible */
	RunLimits limits;        /* of runs that name none; 0: no limit. The output's is above */
	Str cgroup;              /* "auto", "off", or the folder of one that was made for us; none: off */
} ProcessesConfig;

/* How many runs were forks so far: for tests and measuring. */
size_t processes_forked(const Starter *s);
size_t processes_ahead(const Starter *s); /* likewise, in processes that were started ahead */
size_t processes_grown(const Starter *s); /* likewise, from interpreters that are kept loaded */
MUST_CHECK bool processes_open(const ProcessesConfig *config, Starter **ret, Err *err);
/* What this machine gives to runs: an object of words for people, by what they are about. */
Json processes_isolation(const Starter *s, Arena *a);
