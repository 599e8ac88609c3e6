/*
 * Runs in containers: the command of a plan as one of podman or docker, with the same parameters, environment, folders and output. For
 * runtimes whose description has `container: {image, network, args}`; without an image there, the entry point names it.
 */
#pragma once

#include "runtime/plan.h"

enum { CONTAINER_ENGINES = 2 };
extern const char
    *const container_engines[CONTAINER_ENGINES]; /* what their clients are called; the first that is here is used */

/* Labels by which those of a worker are found: its name, and the folder of its artifacts. */
#define CONTAINER_WORKER "attune.worker"
#define CONTAINER_FOLDER "attune.artifacts"

bool container_engine(const char *program); /* a path of podman or docker */
/* An environment with what such a client needs of the worker's own to find its engine and its images. */
const char *const *container_client(Arena *a, const Interpreters *in, const char *const *envp);
bool container_wanted(const Json *runtime_config);
/* The engine, image and name of the container; called with the plan of what is to run in it, which has no program without a file. */
MUST_CHECK bool container_plan(Arena *a, const ProcessesConfig *config, const RunSpec *spec, Plan *plan, Err *err);
/* Once the environment is known: the engine's command line takes the place of the plan's, and its environment that of the run. Values
 * of the environment do not stand in the command line. */
typedef struct ContainerRun {
	RunLimits of_run;
	TimeUs timeout;
	bool strict;     /* it has no network */
	Str home, files; /* the folders that it may write; none: skipped */
	Str incarnation; /* of the worker: what the next one knows its leftovers by */
} ContainerRun;

void container_wrap(Arena *a, const ProcessesConfig *config, const RunSpec *spec, const ContainerRun *run, Plan *plan,
    const char *const **envp);
/* Removes a container whose client was told to end, also one that its engine is only about to make. Does not wait. */
void container_remove(Arena *a, const char *engine, const char *name);
