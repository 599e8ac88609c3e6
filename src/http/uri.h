/*
 * Reading a request target: percent-decoding that refuses what could be read in two ways, and the query as a list of names and
 * values. Pure; results lie in the arena or in the text given.
 */
#pragma once

#include "base/err.h"

enum { URI_QUERY_MAX = 64 }; /* parameters of one query */

typedef struct QueryItem {
	Str name;
	Str value;
} QueryItem;

typedef struct Query {
	QueryItem *items;
	size_t n;
} Query;

/* Splits "/a/b?x=1". ERR_INVALID unless the target begins with '/' and holds only bytes a target may hold. */
MUST_CHECK bool uri_split(Str target, Str *ret_path, Str *ret_query, Err *err);
/* One path segment. Refused: broken escapes, NUL, an encoded '/', "." and "..", and what is not UTF-8. */
MUST_CHECK bool uri_segment(Arena *a, Str raw, Str *ret, Err *err);
/* A name or value of a query or form: '+' is a space. Refused: broken escapes, NUL, bad UTF-8. */
MUST_CHECK bool uri_value(Arena *a, Str raw, Str *ret, Err *err);
MUST_CHECK bool uri_query(Arena *a, Str text, Query *ret, Err *err);
/* The last value of that name; Str{0} when there is none. */
Str query_get(const Query *q, const char *name);
