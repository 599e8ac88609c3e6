/*
 * What an action printed, read as the value it declared to print. Pure.
 */
#pragma once

#include "base/json.h"

/* False: text, or not readable as its format (which is no error: then it is text). *ret_whole: the value holds all that the
 * text said; false when lines of it were passed over. */
MUST_CHECK bool output_parse(Arena *a, Str format, Str text, Json *ret, bool *ret_whole);
