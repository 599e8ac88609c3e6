/*
 * Labels, taints and affinity: may this run be placed on a worker that bears these labels and taints, and how gladly?
 */
#pragma once

#include "model/defs.h"

/* Completes what a client or a file has said: weights and operators that were left out. ERR_VALIDATION "worker_affinity.preferred[0]:
 * needs a preference": it has another shape, and is left as it is. */
MUST_CHECK bool placement_tidy(Arena *a, Placement *p, Err *err);
/* capabilities: of the worker (keys `labels` and `taints`). *ret_why, when wanted, says which label or taint stands against it. */
bool placement_fits(Arena *a, const Placement *p, const Json *capabilities, Str *ret_why);
/* Sum of the weights of the preferred terms that match. */
int64_t placement_weight(const Placement *p, const Json *capabilities);
