/*
 * Permission sets: named grants.
 */
#pragma once

#include "model/defs.h"
#include "store/definition.h"
extern const DefTable permission_set_table;

MUST_CHECK bool permission_set_get(Db *db, Arena *a, Id id, PermissionSetDef *ret, Err *err);
MUST_CHECK bool permission_set_get_ref(Db *db, Arena *a, Str ref, PermissionSetDef *ret, Err *err);
MUST_CHECK bool permission_set_list(
    Db *db, Arena *a, const DefFilter *f, PermissionSetDef **ret, size_t *ret_n, int64_t *ret_total, Err *err);
/* By ref. d->id is set; what the stored row keeps is put into *d. */
MUST_CHECK bool permission_set_put(Db *db, Arena *a, PermissionSetDef *d, TimeUs now, DefPut *ret, Err *err);
MUST_CHECK bool permission_set_delete(Db *db, Arena *a, Id id, TimeUs now, Err *err);
