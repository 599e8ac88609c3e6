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

/* Where a match, or a group of one, lies in the text; from is SIZE_MAX for a group that took no part. */
typedef struct RegexSpan {
	size_t from, to;
} RegexSpan;

/* For regex_search: slower, but it counts what a search does over all of its starts. */
MUST_CHECK bool regex_compile_metered(Arena *a, Str pattern, Regex **ret, Err *err);
/*
 * The first match that starts at or behind `from`: itself in spans[0], its groups behind it, *ret_n in all; 0: none. The search
 * takes what it costs off *steps; false: that was not enough. The arena is for the search alone.
 */
MUST_CHECK bool regex_search(
    Arena *a, const Regex *x, Str text, size_t from, uint64_t *steps, RegexSpan *spans, size_t most, size_t *ret_n);
