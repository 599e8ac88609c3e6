/*
 * What breakers look at: how the runs that share one have ended. Rows of the execution table.
 */
#pragma once

#include "model/breaker.h"
#include "store/execution.h"

MUST_CHECK bool breaker_read(Db *db, Arena *a, Str breaker, BreakerSeen *ret, Err *err);
/* The run that was let through and has not ended; 0: there is none. */
MUST_CHECK bool breaker_probe(Db *db, Arena *a, Str breaker, Id *ret, Err *err);
MUST_CHECK bool breaker_probe_mark(Db *db, Arena *a, Id id, Err *err);
