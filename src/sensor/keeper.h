/*
 * The keeper looks after the processes of sensors: which of them should run (enabled, and some rule needs them), which of those this
 * process may run (a row with a lease), starting, watching, restarting and stopping them, and taking in what those of the line protocol
 * report. One thread does all of it. Any number of keepers may run; each sensor runs under one.
 */
#pragma once

#include "access/access.h"
#include "engine/engine.h"
#include "runtime/interpreters.h"

typedef struct Guardian Guardian; /* os/guardian.h */
typedef struct Keeper Keeper;

typedef struct KeeperConfig {
	Str host;
	Str packs_base_dir, runtime_envs_dir, artifacts_dir;
	Str api_url;
	Interpreters interpreters;   /* must last */
	Str mq_url;                  /* none: there is no broker */
	Str log_level;               /* told to sensors */
	const Json *http_allow;      /* networks that core.poll_http may reach although they are private */
	const Json *runtimes;        /* names to offer; NULL or null: what is found */
	const Json *labels, *taints; /* may be NULL */
	int64_t most;                /* sensors at once; 0: any number */
	size_t log_max;
	int64_t log_files;
	TimeUs restart_delay, restart_delay_max;
	TimeUs shutdown_timeout;
	TimeUs lease; /* how long it lasts without being renewed; embedded it needs no renewing */
	Access *access;
	Guardian *guardian; /* may be NULL */
} KeeperConfig;

MUST_CHECK bool keeper_start(Engine *e, const KeeperConfig *config, Keeper **ret, Err *err);
void keeper_wake(void *keeper); /* from any thread: something may have changed */
void keeper_stop(Keeper *k);    /* its sensors are ended, what they said is taken in, their leases are given back */
