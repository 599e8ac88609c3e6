/*
 * Secrets in the config of enforcements and executions: taken out before the row is written, sealed into rows of their own, put back
 * for the worker and for whoever may see them. What copies a config from one row to another takes them along.
 */
#pragma once

#include "engine/engine.h"
#include "model/secrets.h"
#include "store/secret_value.h"

/* Rows to be written for these secrets; call again for each entity, then secrets_store. */
typedef struct SecretRows {
	Arena *a;
	SecretRow *rows;
	size_t n, cap;
} SecretRows;

MUST_CHECK bool secrets_seal(const Vault *v, SecretRows *to, SecretOf of, Id entity, const Secrets *secrets, Err *err);

/* The secrets of a row as they stand in its config. */
MUST_CHECK bool secrets_open(
    Db *db, Arena *a, const Vault *v, SecretOf of, Id entity, Secret **ret, size_t *ret_n, Err *err);
/* Puts them into a config that holds marks; no marks, no statement. ERR_CORRUPT when one cannot be opened. */
MUST_CHECK bool secrets_reveal(Db *db, Arena *a, const Vault *v, SecretOf of, Id entity, Json *config, Err *err);
/* An execution that was made with the config of another, marks and all: that one's secrets are its own from now on. */
MUST_CHECK bool secrets_keep(Uow *u, Id execution, const Secrets *had, Err *err);

/* For keys_rewrap. */
MUST_CHECK bool secret_rewrap(Uow *u, const SecretRow *was, int64_t *done, int64_t *unreadable, Err *err);
