/*
 * Environments of packs as workers last saw them. What lies on disk is the truth; a row tells people, and carries their wish that
 * one is built anew to the workers of its place.
 */
#pragma once

#include "store/db.h"

typedef struct EnvironmentRow {
	Str pack_ref, runtime;
	Str host, place; /* the machine, and the folder of all environments there */
	Str worker;      /* who wrote it */
	Str env_path;
	const char *status; /* "installing", "ready", "failed" */
	Str checksum, log, error;
	bool built; /* now: installed_at is the time of this */
} EnvironmentRow;

/* Nothing happens when the pack is gone. */
MUST_CHECK bool environment_put(Db *db, Arena *a, const EnvironmentRow *r, TimeUs now, Err *err);
/* Of a pack: an array of objects, as clients see them. */
MUST_CHECK bool environment_list(Db *db, Arena *a, Str pack_ref, Json *ret, Err *err);
/* All of a pack are to be built anew. */
MUST_CHECK bool environment_request(Db *db, Arena *a, Str pack_ref, TimeUs now, Err *err);
/* Since it was last built, that was asked for. */
MUST_CHECK bool environment_requested(
    Db *db, Arena *a, Str pack_ref, Str runtime, Str host, Str place, bool *ret, Err *err);
/* Which packs of this place have such. */
MUST_CHECK bool environment_waiting(Db *db, Arena *a, Str host, Str place, Str **ret, size_t *ret_n, Err *err);
/* On which machines this pack has one that is ready, for any version of the runtime. */
MUST_CHECK bool environment_hosts(Db *db, Arena *a, Str pack_ref, Str runtime, Str **ret, size_t *ret_n, Err *err);

/* A runtime that actions of a pack use. */
typedef struct PackRuntime {
	Str pack_ref, runtime;
	Json config; /* its execution_config */
} PackRuntime;

/* pack_ref none: of all packs. */
MUST_CHECK bool pack_runtimes(Db *db, Arena *a, Str pack_ref, PackRuntime **ret, size_t *ret_n, Err *err);
