/*
 * Between the table of environments (envs.c) and what is done on disk (env_facts.c, env_build.c, env_old.c).
 */
#pragma once

#include "runtime/envs.h"
#include "runtime/places.h"

#include <stdatomic.h>

/* What is wanted, as it lies on disk. */
typedef struct EnvFacts {
	Places places; /* env_dir: the link */
	Str home;      /* {runtime_envs_dir}/{pack} */
	Str runtime;
	uint64_t stamp; /* changes with any of the files that the hash is made of */
	Str hash;       /* only after facts_hash */
	bool manifest;  /* there is a dependency file */
} EnvFacts;

typedef struct BuildOutcome {
	bool built; /* else it was there */
	Str dir, log, problem;
} BuildOutcome;

/* False: none is needed. */
bool facts_find(Arena *a, const EnvsConfig *c, const EnvWant *w, EnvFacts *ret);
MUST_CHECK bool facts_hash(Arena *a, const EnvsConfig *c, const EnvWant *w, EnvFacts *f, Err *err);

/* The folder that the link points to, when it is whole and of this hash. */
bool env_current(Arena *a, const EnvFacts *f, Str *ret_dir);
/* Shared; -1: it is being removed, or gone. */
int env_lease(Arena *a, Str dir);
/* Takes the lock, builds, moves the link. False: ret->problem says why. */
bool env_build(Arena *a, const EnvsConfig *c, const EnvWant *w, EnvFacts *f, bool force, const atomic_bool *stopping,
    BuildOutcome *ret);
/* Removes what lies beside the one in use and is used by nobody: older ones, and halves of builds that were killed. */
void env_tidy(Arena *a, const EnvFacts *f, const atomic_bool *stopping);
/* All environments of a pack that nobody uses. */
void env_remove_all(Arena *a, Str home);
/* Lock of the builders of this environment. False: stopping, or the time is over. */
bool env_lock(Arena *a, const EnvFacts *f, TimeUs until, const atomic_bool *stopping, int *ret_fd, Err *err);

#define ENV_MARKER ".attune_deps_installed"
#define ENV_LEASE ".attune_lease"
