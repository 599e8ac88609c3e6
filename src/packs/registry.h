/*
 * A registry of packs: an index file that says which packs there are, what is in them and where each can be had. Pure.
 */
#pragma once

#include "base/json.h"

enum { REGISTRY_PACKS = 10000 };
#define REGISTRY_BYTES ((size_t)32 << 20)

/* *ret: its entries, each as clients see it. Entries that are none are left out and counted. ERR_INVALID: it is no index. */
MUST_CHECK bool registry_read(Arena *a, Str text, Json *ret, size_t *ret_bad, Err *err);
/* The query, in any case of letters, is part of ref, label, description or a keyword; none: all are. */
bool registry_matches(Arena *a, const Json *entry, Str query);
/* "ref" or "ref@version" (or "@latest"). */
void registry_wish(Str text, Str *ret_ref, Str *ret_version);
bool registry_is(const Json *entry, Str ref, Str version);
/* "algorithm:hex". ERR_INVALID: it is none, or the bytes are others. */
MUST_CHECK bool registry_verify(Arena *a, Str checksum, Str bytes, Err *err);
/* Its first source of this kind ("archive"); NULL: it has none. */
const Json *registry_source(const Json *entry, const char *kind);
