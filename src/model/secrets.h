/*
 * Secrets in values: what a schema marks `secret: true` is taken out, a mark stands in its place, and it is put back where it was.
 * Pure; everything lies in the arena given.
 */
#pragma once

#include "base/json.h"

typedef struct Secret {
	Str path; /* a JSON pointer: "/auth/token" */
	Json value;
} Secret;

/* Does anything in this schema (flat or plain) say that it is secret? */
bool secrets_in_schema(const Json *schema);
/* Does the schema of one value? */
bool secret_within(const Json *schema);

typedef struct Secrets {
	Secret *list;
	size_t n;
	Str bare_mark; /* where a mark stood already, whose value nobody gave; none: nowhere */
} Secrets;

/* Replaces each secret value that is not null by the mark, in *values, which is copied. */
Secrets secrets_take(Arena *a, const Json *schema, Json *values);
/* Where the mark still stands; the rest is left alone. *values is copied. */
void secrets_put(Arena *a, Json *values, const Secret *secrets, size_t n);

/* Puts the mark where these stand in other values of the same shape. *values is copied. */
void secrets_mark(Arena *a, Json *values, const Secret *secrets, size_t n);

bool secret_is_mark(const Json *v);
bool secrets_marked(const Json *v); /* a mark stands somewhere in it */
/* Is this parameter, of the outermost ones, secret? */
bool secret_param(const Json *schema, Str name);
