/*
 * A claimed run as a Starter takes it.
 */
#pragma once

#include "worker/worker.h"

#include "engine/moves.h"

/* Lives as long as the claim and what lies in `a`. */
RunSpec worker_spec(const WorkerConfig *config, Arena *a, const RunClaim *c);
