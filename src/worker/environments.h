/*
 * A worker's environments of packs: builds them when packs are registered or somebody asks for it, at its start, and tells their rows.
 * One thread of its own reads the queue; the builders (runtime/envs.h) tell from theirs.
 */
#pragma once

#include "engine/engine.h"
#include "runtime/envs.h"

typedef struct Environments Environments;

typedef struct EnvironmentsConfig {
	Envs *envs; /* not owned */
	Id worker;
	Str worker_name, host;
	Str place;   /* runtime_envs_dir */
	TimeUs look; /* how often rows are looked at for what no message told; below 0: never */
} EnvironmentsConfig;

MUST_CHECK bool environments_start(Engine *e, const EnvironmentsConfig *config, Environments **ret, Err *err);
void environments_stop(Environments *x); /* ends what is being built; NULL is fine */
