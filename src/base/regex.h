/*
 * Regular expressions (PCRE2) with limits, so that no pattern of a user can hold a thread. A compiled one lies in its arena.
 */
#pragma once

#include "base/err.h"

typedef struct Regex Regex;

/* ERR_INVALID names the place in the pattern. */
MUST_CHECK bool regex_compile(Arena *a, Str pattern, bool ignore_case, Regex **ret, Err *err);
/* Is it anywhere in the text? A search that reaches its limit is no match. The arena is for the search alone. */
bool regex_found(Arena *a, const Regex *x, Str text);
