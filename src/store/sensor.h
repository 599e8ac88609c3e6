/*
 * Sensors: what notices things and reports events.
 */
#pragma once

#include "model/defs.h"
#include "store/definition.h"

extern const DefTable sensor_table;

MUST_CHECK bool sensor_get(Db *db, Arena *a, Id id, SensorDef *ret, Err *err);
MUST_CHECK bool sensor_get_ref(Db *db, Arena *a, Str ref, SensorDef *ret, Err *err);
MUST_CHECK bool sensor_list(
    Db *db, Arena *a, const DefFilter *f, SensorDef **ret, size_t *ret_n, int64_t *ret_total, Err *err);
/* By ref. d->id is set; what the stored row keeps is put into *d. */
MUST_CHECK bool sensor_put(Db *db, Arena *a, SensorDef *d, TimeUs now, DefPut *ret, Err *err);
MUST_CHECK bool sensor_delete(Db *db, Arena *a, Id id, TimeUs now, Err *err);
