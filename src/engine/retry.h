/*
 * Retries: made by runs_ended for what has a plan, or by a person. For the moves of src/engine only.
 */
#pragma once

#include "engine/ended.h"

/* Marks those ends that another run takes the place of. */
MUST_CHECK bool retries_make(Uow *u, RunEnd *ends, size_t n, Err *err);
