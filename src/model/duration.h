/* Durations as people write them in values: a number of seconds, or a text like 500ms, 5s or 2d. */
#pragma once

#include "base/clock.h"
#include "base/json.h"

/* False: it is none, is less than nothing, or longer than 300 years. */
MUST_CHECK bool duration_of(const Json *v, TimeUs *ret);
