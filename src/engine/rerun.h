/* A workflow's run begun anew from some of its tasks. */
#pragma once

#include "engine/engine.h"

/*
 * A new run of a workflow that has ended, from these of its tasks (names): it follows the same definition, and takes over the results of
 * whatever does not come of them. ERR_CONFLICT says why it cannot be.
 */
MUST_CHECK bool execution_rerun(Uow *u, Id of, const Json *from, Str by, Id *ret, Err *err);
