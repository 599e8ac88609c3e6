/*
 * The end of a run as an event of core.execution_completed, for rules that react to the platform itself. Made in the transaction that
 * ends the run, only when some rule listens; otherwise nothing is read or written.
 */
#pragma once

#include "engine/engine.h"

/* Of all runs that this transaction has ended, by the messages in its outbox; at its end, outside of defs_enter. */
MUST_CHECK bool completions_tell(Uow *u, Err *err);
