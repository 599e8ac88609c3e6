/*
 * Parameters as the document an action reads: compact JSON, YAML, or dotenv lines. Pure.
 */
#pragma once

#include "base/json.h"

/* Ends with one newline. An unknown format is JSON; params NULL or null is an empty object. */
Str params_document(Arena *a, Str format, const Json *params);
/* One value as a shell or an environment shows it: text as it is, null empty, arrays and objects as JSON. */
Str params_plain(Arena *a, const Json *value);
/* ERR_INVALID names the parameter that holds a NUL, which the carrier ("dotenv") cannot hold; the cure ends the sentence. */
MUST_CHECK bool params_fit(Arena *a, const Json *params, const char *carrier, const char *cure, Err *err);
/* In single quotes, so that a shell reads back exactly these bytes; it can hold no NUL, see params_fit. */
void params_quote(Buf *b, Str value);
