/*
 * What this worker can run: the runtimes of the store whose interpreter it has run once, successfully. Never by names of files.
 */
#pragma once

#include "worker/worker.h"

/* The capabilities column: runtimes, runtime_versions, labels, taints, max_concurrent_executions, worker_version. */
MUST_CHECK bool capabilities_find(Uow *u, const WorkerConfig *config, Arena *a, Json *ret, Err *err);
