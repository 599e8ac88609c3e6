/*
 * Scheduling, for a process that may not hear the workers: what they have written of themselves counts then.
 */
#pragma once

#include "engine/engine.h"

MUST_CHECK bool schedule_unheard(Uow *u, Err *err);
