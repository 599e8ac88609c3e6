/*
 * Keys: named values of an owner, plain or sealed. What is sealed comes and goes as it is stored: opening it is src/engine/keys.h.
 * Changes are noted like those of definitions, for the names of keys are cached.
 */
#pragma once

#include "store/listing.h"

typedef struct KeyRow {
	Id id;
	Str ref, name;
	Str owner_type; /* "system" "identity" "pack" "action" "sensor" */
	Str owner;      /* the owner's id as text, or "system" */
	Id owner_identity, owner_pack, owner_action, owner_sensor;
	Str owner_pack_ref, owner_action_ref, owner_sensor_ref;
	bool encrypted;
	Str key_id; /* of the encryption key; none when it is plain, or was stored by an earlier system */
	Json value; /* a string that holds the sealed text when it is encrypted */
	TimeUs created, updated;
} KeyRow;

MUST_CHECK bool key_get(Db *db, Arena *a, Str ref, KeyRow *ret, Err *err); /* ERR_NOT_FOUND */
/* Sets id, created, updated. ERR_CONFLICT when the ref is taken, or the owner has one of that name. */
MUST_CHECK bool key_insert(Db *db, Arena *a, KeyRow *k, TimeUs now, Err *err);
/* Name, value, encrypted, key_id. ERR_CONFLICT when the owner has another one of that name. */
MUST_CHECK bool key_update(Db *db, Arena *a, const KeyRow *k, TimeUs now, Err *err);
MUST_CHECK bool key_delete(Db *db, Arena *a, const KeyRow *k, TimeUs now, Err *err);

typedef struct KeyFilter {
	Str owner_type, owner; /* none: any */
} KeyFilter;

/* Without values, in order of their refs. */
MUST_CHECK bool key_list(
    Db *db, Arena *a, const KeyFilter *f, const Scope *scope, const Slice *slice, SliceOut *ret, Err *err);

/* What is cached: whose key has which name. Identities' and sensors' are not delivered to actions, and left out. */
typedef struct KeyName {
	Id id;
	Id pack, action; /* both 0: a system key */
	Str name;
} KeyName;

MUST_CHECK bool key_names(Db *db, Arena *a, KeyName **ret, size_t *ret_n, Err *err);
MUST_CHECK bool key_get_id(Db *db, Arena *a, Id id, KeyRow *ret, bool *ret_found, Err *err);

/* By id where key is a number, else by login. */
MUST_CHECK bool key_identity(Db *db, Arena *a, Str key, Id *ret, bool *ret_found, Err *err);

/* ---- re-wrapping ---- */

/* Encrypted ones that do not bear this key, by id, after the one given. */
MUST_CHECK bool key_stale(Db *db, Arena *a, Str key_id, Id after, size_t most, KeyRow **ret, size_t *ret_n, Err *err);
/* Only if nobody has changed it since it was read: *ret_done. */
MUST_CHECK bool key_rewrap(
    Db *db, Arena *a, const KeyRow *was, const Json *value, Str key_id, bool *ret_done, Err *err);
MUST_CHECK bool key_stale_count(Db *db, Arena *a, Str key_id, int64_t *ret, Err *err);
