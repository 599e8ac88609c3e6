/*
 * Integration tokens: what other programs log in with. The secret itself is not kept, only its SHA-256.
 */
#pragma once

#include "store/db.h"

typedef struct IntegrationToken {
	Id id, identity;
	Str label, description, hash, prefix, suffix;
	Id created_by;
	TimeUs expires; /* 0: never */
	TimeUs last_used;
	Str last_used_ip;
	TimeUs revoked;
	Id revoked_by;
	Str revocation_reason;
	TimeUs created, updated;
} IntegrationToken;

MUST_CHECK bool integration_token_insert(Db *db, Arena *a, IntegrationToken *t, TimeUs now, Err *err);
/* Of this identity; ERR_NOT_FOUND */
MUST_CHECK bool integration_token_get(Db *db, Arena *a, Id identity, Id id, IntegrationToken *ret, Err *err);
MUST_CHECK bool integration_token_find(Db *db, Arena *a, Str hash, IntegrationToken *ret, Err *err);
/* Newest first. */
MUST_CHECK bool integration_token_list(Db *db, Arena *a, Id identity, IntegrationToken **ret, size_t *ret_n, Err *err);
MUST_CHECK bool integration_token_used(Db *db, Arena *a, Id id, Str ip, TimeUs now, Err *err);
/* One that is revoked stays as it is. */
MUST_CHECK bool integration_token_revoke(Db *db, Arena *a, Id id, Id by, Str reason, TimeUs now, Err *err);
MUST_CHECK bool integration_token_delete(Db *db, Arena *a, Id id, Err *err);
