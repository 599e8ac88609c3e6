/*
 * Parameters as the document an action reads: compact JSON, YAML, or dotenv lines. Pure.
 */
#pragma once

#include "base/json.h"

/* Ends with one newline. An unknown format is JSON; params NULL or null is an empty object. */
Str params_document(Arena *a, Str format, const Json *params);
/* One value as a shell or an environment shows it: text as it is, null empty, arrays and objects as JSON. */
Str params_plain(Arena *a, const Json *value);
/* In single quotes, so that a shell reads back exactly these bytes. NUL, which no shell can hold, is left out. */
void params_quote(Buf *b, Str value);
