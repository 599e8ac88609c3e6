/*
 * Environments of packs: what a runtime's description says is to be made of a pack's dependency file (a virtual environment, a
 * node_modules folder), once per content of that file, by threads of our own.
 *
 * {runtime_envs_dir}/{pack}/{runtime} is a link to the one in use, RUNTIME@HASH.UNIQUE beside it. A new one is built in a folder of
 * its own, and the link is moved to it when it is whole: a build that fails or is killed changes nothing. Workers that share the folder
 * build once, by a lock on a file, which ends with its holder. Who uses an environment holds a shared lock on a file in it, so one
 * that is still used is not removed.
 *
 * All functions may be called from any thread.
 */
#pragma once

#include "base/clock.h"
#include "runtime/interpreters.h"

typedef struct Envs Envs;

typedef struct EnvWant {
	Str pack_ref;
	Str runtime;        /* names the folder: "python" */
	const Json *config; /* execution_config of the runtime; may be NULL */
} EnvWant;

typedef enum EnvState {
	ENV_NONE, /* the pack needs none */
	ENV_READY,
	ENV_BUILDING,
	ENV_FAILED,
	ENV_STATES
} EnvState;

typedef struct EnvUse {
	Str dir;     /* when ready */
	int lease;   /* when ready: to be closed when the user has ended */
	Str problem; /* when failed: the installer's words */
} EnvUse;

/* What happened to an environment. */
typedef struct EnvReport {
	EnvState state; /* BUILDING, READY, FAILED */
	Str pack_ref, runtime, dir, hash, log, problem;
	bool built; /* now, and not found as it should be */
} EnvReport;

typedef struct EnvsConfig {
	const Clock *clock;
	Str packs_base_dir, runtime_envs_dir;
	Interpreters interpreters;
	TimeUs build_timeout;
	const Json *variables; /* what installers get in their environment: an object of texts, or NULL */
	Str marker;            /* "NAME=value", by which installers are found when this process dies; may be none */
} EnvsConfig;

/* Told by a builder's thread. */
typedef void EnvTold(void *self, const EnvReport *r);

Envs *envs_open(const EnvsConfig *config);
/* Starts the builders. changed: something was built or has failed; both may be NULL. */
MUST_CHECK bool envs_start(Envs *e, EnvTold *told, void *self, Err *err);
void envs_changed(Envs *e, void (*changed)(void *self), void *self); /* called after an end of a build; NULL: nobody */
void envs_stop(Envs *e);                                             /* ends what is being built; harmless twice */
void envs_close(Envs *e);

/* What a run of this pack needs, and whether it is there. Begins a build when it is not. Texts in a. */
EnvState envs_use(Envs *e, Arena *a, const EnvWant *w, EnvUse *ret);
/* The end of a use: the lease is given back, and what is old and was used to the last is removed. */
void envs_release(Envs *e, EnvUse *use);
/* Sees to it that it is there, and that nothing old lies beside it. force: builds it anew. */
void envs_ensure(Envs *e, const EnvWant *w, bool force);
/* The pack is gone. */
void envs_forget(Envs *e, Str pack_ref);
