/*
 * What a run of an action may use, as files and requests say it: {memory_mb, processes, open_files, output_bytes, disk_mb}, each a whole number
 * above 0; what is not named is as the worker is set. Pure.
 */
#pragma once

#include "base/json.h"

extern const char *const sandbox_words[]; /* ends with NULL */

/* limits: an object, or null. ERR_VALIDATION names the member. */
MUST_CHECK bool allowance_check(const Json *limits, Err *err);
/* 0: not named. */
int64_t allowance_get(const Json *limits, const char *key);
