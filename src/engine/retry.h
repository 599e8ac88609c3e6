/*
 * Retries: made by runs_ended for what has a plan, or by a person. For the moves of src/engine only.
 */
#pragma once

#include "engine/ended.h"
#include "model/retry.h"
#include "store/execution_limits.h"

/* Marks those ends that another run takes the place of. */
MUST_CHECK bool retries_make(Uow *u, RunEnd *ends, size_t n, Err *err);
/* When the next one is due; 0: at once. */
TimeUs retry_due(Uow *u, const RetryPlan *plan, const RetryRow *row);
/* What the run was given in secret goes along. ERR_CORRUPT when that cannot be opened any more. */
MUST_CHECK bool retry_make(Uow *u, const RetryRow *row, const RetryNew *in, Id *ret, Err *err);
/* Nobody has asked for it: what cannot be opened any more ends it. *ret 0: none was made, and the log says why. */
MUST_CHECK bool retry_try(Uow *u, const RetryRow *row, const RetryNew *in, Id *ret, Err *err);
