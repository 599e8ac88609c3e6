/*
 * Packs: where definitions come from. The config of a stored pack is its operator's: pack_put leaves it alone.
 */
#pragma once

#include "model/defs.h"
#include "store/definition.h"

extern const DefTable pack_table;

MUST_CHECK bool pack_get(Db *db, Arena *a, Id id, PackDef *ret, Err *err);
MUST_CHECK bool pack_get_ref(Db *db, Arena *a, Str ref, PackDef *ret, Err *err);
MUST_CHECK bool pack_list(
    Db *db, Arena *a, const DefFilter *f, PackDef **ret, size_t *ret_n, int64_t *ret_total, Err *err);
/* By ref. d->id is set; what the stored row keeps is put into *d. */
MUST_CHECK bool pack_put(Db *db, Arena *a, PackDef *d, TimeUs now, DefPut *ret, Err *err);
MUST_CHECK bool pack_delete(Db *db, Arena *a, Id id, TimeUs now, Err *err);
MUST_CHECK bool pack_set_config(Db *db, Arena *a, Id id, const Json *config, TimeUs now, Err *err);
/* Of the files it was loaded from; none when it was made by hand. */
MUST_CHECK bool pack_checksum(Db *db, Arena *a, Str ref, Str *ret, Err *err);
/* Where it was had from: NULL and 0 are nothing known. */
typedef struct PackSource {
	const char *type; /* "archive", "registry", "local_directory", "local_archive" */
	Str url, ref;
	bool verified; /* its checksum was as its registry says */
	Id by;
} PackSource;
MUST_CHECK bool pack_set_source(Db *db, Arena *a, Id id, const PackSource *source, TimeUs now, Err *err);
/* Of the files it was made from, as a start finds them; none: the next start reads them again. */
MUST_CHECK bool pack_set_checksum(Db *db, Arena *a, Id id, Str checksum, Err *err);
