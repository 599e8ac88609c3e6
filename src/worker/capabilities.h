/*
 * What this worker can run: the runtimes of the store whose interpreter it has run once, successfully. Never by names of files.
 */
#pragma once

#include "worker/worker.h"

/* The capabilities column: runtimes, runtime_versions, labels, taints, max_concurrent_executions, worker_version.
 * *ret_late: an interpreter had not answered when the patience was at its end. */
MUST_CHECK bool capabilities_find(
    Uow *u, const WorkerConfig *config, TimeUs patience, Arena *a, Json *ret, bool *ret_late, Err *err);
