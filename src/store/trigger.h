/*
 * Triggers: the kinds of events.
 */
#pragma once

#include "model/defs.h"
#include "store/definition.h"

extern const DefTable trigger_table;

MUST_CHECK bool trigger_get(Db *db, Arena *a, Id id, TriggerDef *ret, Err *err);
MUST_CHECK bool trigger_get_ref(Db *db, Arena *a, Str ref, TriggerDef *ret, Err *err);
/* The one whose webhook has this key; *ret_found. */
MUST_CHECK bool trigger_get_webhook(Db *db, Arena *a, Str key, TriggerDef *ret, bool *ret_found, Err *err);
MUST_CHECK bool trigger_list(
    Db *db, Arena *a, const DefFilter *f, TriggerDef **ret, size_t *ret_n, int64_t *ret_total, Err *err);
/* By ref. d->id is set; what the stored row keeps is put into *d. */
MUST_CHECK bool trigger_put(Db *db, Arena *a, TriggerDef *d, TimeUs now, DefPut *ret, Err *err);
MUST_CHECK bool trigger_delete(Db *db, Arena *a, Id id, TimeUs now, Err *err);
