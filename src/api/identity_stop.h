/*
 * What follows when somebody may act no more: frozen, or gone. Runs in the transaction that says so.
 */
#pragma once

#include "api/work.h"

/* Sessions end, and what would have run on their behalf is cancelled. */
MUST_CHECK bool identity_stop(App *app, Id identity, const char *why, Err *err);
/* Rules make nothing while their owner is frozen: every process looks at them again. */
MUST_CHECK bool identity_rules_look(App *app, Id identity, Err *err);
/* Rules of somebody who is gone are switched off: nobody answers for them. */
MUST_CHECK bool identity_rules_off(App *app, Id identity, Err *err);
