/*
 * Policies: how many runs of an action, of a pack or of all may be under way, how many may begin in a while, and after how many failures
 * none begins for some time. The scheduler asks them (engine/limits.h).
 */
#pragma once

#include "model/defs.h"
#include "store/definition.h"

extern const DefTable policy_table;

MUST_CHECK bool policy_get(Db *db, Arena *a, Id id, PolicyDef *ret, Err *err);
MUST_CHECK bool policy_get_ref(Db *db, Arena *a, Str ref, PolicyDef *ret, Err *err);
/* By ref. d->id is set. */
MUST_CHECK bool policy_put(Db *db, Arena *a, PolicyDef *d, TimeUs now, DefPut *ret, Err *err);
MUST_CHECK bool policy_list(Db *db, Arena *a, const DefFilter *f, PolicyDef **ret, size_t *ret_n, Err *err);
MUST_CHECK bool policy_delete(Db *db, Arena *a, Id id, TimeUs now, Err *err);
