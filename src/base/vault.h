/*
 * Secrets at rest. A Vault is a ring of keys: the first seals, every one of them opens. What is sealed is bound to the place where
 * it stands (a table, a row): put anywhere else, it does not open. Written once at start, read by every thread.
 *
 * Sealed text: "v1:<key id>:<base64>". A text of base64 alone is what earlier systems stored, which is bound to no place: it is
 * read, with every key, and never written.
 */
#pragma once

#include "base/json.h"

typedef struct Vault Vault;

enum { VAULT_KEYS = 16 };

/* current none: a vault without keys, which neither seals nor opens. others: an array of texts; NULL or null: none. */
MUST_CHECK bool vault_open(Arena *a, Str current, const Json *others, Vault **ret, Err *err);
bool vault_has_key(const Vault *v);                /* false for NULL */
Str vault_key_id(const Vault *v);                  /* of the key that seals; says nothing about the key */
bool vault_is_current(const Vault *v, Str sealed); /* sealed with that key, in today's form */
/* ERR_INVALID without a key. */
MUST_CHECK bool vault_seal(const Vault *v, Arena *a, Str place, Str plain, Str *ret, Err *err);
/* ERR_CORRUPT: sealed with a key that is not known, changed since, or taken from another place. */
MUST_CHECK bool vault_unseal(const Vault *v, Arena *a, Str place, Str sealed, Str *ret, Err *err);

/* The same for values. */
MUST_CHECK bool vault_seal_json(const Vault *v, Arena *a, Str place, const Json *plain, Str *ret, Err *err);
MUST_CHECK bool vault_unseal_json(const Vault *v, Arena *a, Str place, Str sealed, Json *ret, Err *err);
