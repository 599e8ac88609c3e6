/*
 * The parameter schema dialect of authoring section 2: flat definitions or plain JSON Schema. Defaults are filled in, strings that
 * plainly are the wanted number or boolean are converted, so are numbers and booleans where a text is wanted (not where an author
 * writes them down: templates_pass), then the values are checked.
 */
#pragma once

#include "model/defs.h"

/* schema may be NULL or null (anything goes). *values is an object or null and is changed in place (copy on write). On a
 * violation: ERR_VALIDATION, "Invalid parameters for action 'x': <msg> at </pointer>, ...". */
MUST_CHECK bool params_prepare(
    Arena *a, const char *kind, Str ref, const Json *schema, Json *values, bool templates_pass, Err *err);
/* The same schema, which does not demand this one of the outermost parameters. */
Json params_spare(Arena *a, const Json *schema, Str name);
/* The names of the outermost parameters, from 0; false behind the last. */
bool params_name(const Json *schema, size_t i, Str *ret);
/* Is this a schema at all? For pack files and the API. */
MUST_CHECK bool params_schema_check(Arena *a, const Json *schema, Err *err);
