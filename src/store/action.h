/*
 * Actions: what can be run.
 */
#pragma once

#include "model/defs.h"
#include "store/definition.h"

extern const DefTable action_table;

MUST_CHECK bool action_get(Db *db, Arena *a, Id id, ActionDef *ret, Err *err);
MUST_CHECK bool action_get_ref(Db *db, Arena *a, Str ref, ActionDef *ret, Err *err);
MUST_CHECK bool action_list(
    Db *db, Arena *a, const DefFilter *f, ActionDef **ret, size_t *ret_n, int64_t *ret_total, Err *err);
/* By ref. d->id is set; what the stored row keeps is put into *d. */
MUST_CHECK bool action_put(Db *db, Arena *a, ActionDef *d, TimeUs now, DefPut *ret, Err *err);
MUST_CHECK bool action_delete(Db *db, Arena *a, Id id, TimeUs now, Err *err);
