/*
 * A dotted path into a JSON value, cut once: each segment is an object key or an array index.
 */
#pragma once

#include "base/json.h"

typedef struct Path {
	Str *parts;
	size_t n;
} Path;

Path path_parse(Arena *a, Str text);                             /* the text must live as long as the path */
const Json *path_get(const Path *p, size_t from, const Json *v); /* NULL when any part is missing */
