/*
 * Runtimes: how actions are run, with the versions there are of each.
 */
#pragma once

#include "model/defs.h"
#include "store/definition.h"

extern const DefTable runtime_table;

MUST_CHECK bool runtime_get(Db *db, Arena *a, Id id, RuntimeDef *ret, Err *err);
MUST_CHECK bool runtime_get_ref(Db *db, Arena *a, Str ref, RuntimeDef *ret, Err *err);
MUST_CHECK bool runtime_list(
    Db *db, Arena *a, const DefFilter *f, RuntimeDef **ret, size_t *ret_n, int64_t *ret_total, Err *err);
/* By ref. d->id is set; what the stored row keeps is put into *d. */
MUST_CHECK bool runtime_put(Db *db, Arena *a, RuntimeDef *d, TimeUs now, DefPut *ret, Err *err);
MUST_CHECK bool runtime_delete(Db *db, Arena *a, Id id, TimeUs now, Err *err);
