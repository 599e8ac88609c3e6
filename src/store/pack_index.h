/*
 * Registries of packs: where lists of packs that can be installed lie. The headers that are sent along are sealed by whoever calls.
 */
#pragma once

#include "store/db.h"

typedef struct PackIndexRow {
	Id id;
	Str name, url;
	int64_t position; /* lower ones are asked first */
	bool enabled;
	Str headers, key_id; /* sealed, and with which key; none: there are no headers */
	TimeUs created, updated;
} PackIndexRow;

/* By position, then id. */
MUST_CHECK bool pack_index_list(Db *db, Arena *a, PackIndexRow **ret, size_t *ret_n, Err *err);
MUST_CHECK bool pack_index_get(Db *db, Arena *a, Id id, PackIndexRow *ret, Err *err);
/* Behind all others when its position is below 0. ERR_CONFLICT: its URL is there already. */
MUST_CHECK bool pack_index_add(Db *db, Arena *a, PackIndexRow *row, TimeUs now, Err *err);
MUST_CHECK bool pack_index_set(Db *db, Arena *a, PackIndexRow *row, TimeUs now, Err *err);
MUST_CHECK bool pack_index_delete(Db *db, Arena *a, Id id, Err *err);

/* Those whose headers do not bear this key, behind an id. */
MUST_CHECK bool pack_index_stale(
    Db *db, Arena *a, Str key_id, Id after, size_t most, PackIndexRow **ret, size_t *ret_n, Err *err);
/* Unless they were changed since. */
MUST_CHECK bool pack_index_rewrap(
    Db *db, Arena *a, const PackIndexRow *was, Str headers, Str key_id, bool *ret_done, Err *err);
MUST_CHECK bool pack_index_stale_count(Db *db, Arena *a, Str key_id, int64_t *ret, Err *err);
