/*
 * What a policy may say: {"limit", "key", "method"} of runs under way at once, {"limit", "per_seconds", "burst", "key", "method"} of
 * runs begun in a while, {"failures", "within", "open_for", "key", "method"} of runs that fail. Pure.
 */
#pragma once

#include "model/defs.h"

/* Puts all into *d; any may be null, not all. ERR_VALIDATION begins with where it is: "/concurrency/limit: ...". */
MUST_CHECK bool policy_limits_read(
    const Json *concurrency, const Json *rate, const Json *breaker, PolicyDef *d, Err *err);
/* As they are written; null where there is none. */
Json policy_concurrency(Arena *a, const PolicyDef *d);
Json policy_rate(Arena *a, const PolicyDef *d);
Json policy_breaker(Arena *a, const PolicyDef *d);
