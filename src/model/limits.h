/*
 * What policies compute: which runs share a limit, and how many of them may begin now. Pure.
 */
#pragma once

#include "model/defs.h"

enum { PRIORITY_MOST = 100 }; /* and as far below 0; the highest of what waits goes first */

/* Names what shares a limit: the policy, the paths it looks at, and what this run's parameters hold there. All runs of one policy and
 * one set of paths have the same tag in front: whoever finds another tag there knows that the policy has changed since. */
Str limit_tag(Arena *a, Id policy, const Json *paths);
Str limit_key(Arena *a, Id policy, const Json *paths, const Json *params);
Id limit_policy(Str key); /* 0: none */

/* A bucket of tokens is one time: when it will be full again. */
int64_t tokens_room(const PolicyDef *d, TimeUs full, TimeUs now);
TimeUs tokens_take(const PolicyDef *d, TimeUs full, int64_t n, TimeUs now); /* the new time */
TimeUs tokens_next(const PolicyDef *d, TimeUs full);                        /* when there is room for one */
