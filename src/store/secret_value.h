/*
 * Secrets out of parameters: the sealed values that stand behind the marks in the config of executions and enforcements
 * (model/secrets.h). Rows are made with what they belong to and go with it; opening them is src/engine/secrets.h.
 */
#pragma once

#include "store/db.h"

/* Whose config, or result, it was taken out of. */
typedef enum SecretOf { SECRET_OF_EXECUTION, SECRET_OF_ENFORCEMENT, SECRET_OF_RESULT, SECRET_OF_KINDS } SecretOf;

const char *secret_of_name(SecretOf of); /* as stored: "execution_config" */

typedef struct SecretRow {
	Id id;
	SecretOf of;
	Id entity;
	Str path;   /* a JSON pointer into the config */
	Str sealed; /* see base/vault.h */
	Str key_id;
} SecretRow;

MUST_CHECK bool secret_value_insert(Db *db, Arena *a, const SecretRow *rows, size_t n, TimeUs now, Err *err);
MUST_CHECK bool secret_value_of(Db *db, Arena *a, SecretOf of, Id entity, SecretRow **ret, size_t *ret_n, Err *err);

/* ---- re-wrapping: as for keys ---- */

MUST_CHECK bool secret_value_stale(
    Db *db, Arena *a, Str key_id, Id after, size_t most, SecretRow **ret, size_t *ret_n, Err *err);
MUST_CHECK bool secret_value_rewrap(
    Db *db, Arena *a, const SecretRow *was, Str sealed, Str key_id, bool *ret_done, Err *err);
MUST_CHECK bool secret_value_stale_count(Db *db, Arena *a, Str key_id, int64_t *ret, Err *err);
