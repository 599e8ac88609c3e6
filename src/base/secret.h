/*
 * What keeps secrets: random bytes, keyed hashes, password hashes, comparing without telling by its time. The only door to
 * libsodium. Any thread may call; password_hash and password_check take some 40 ms of it and 19 MiB.
 */
#pragma once

#include "base/err.h"

enum { MAC_BYTES = 32 };

/* A key for HMAC-SHA256, prepared once. */
typedef struct MacKey {
	_Alignas(16) unsigned char state[208];
} MacKey;

MUST_CHECK bool secret_init(Err *err); /* once per process, before anything else here; may be called again */

void random_bytes(void *ret, size_t n);
Str random_text(Arena *a, size_t bytes); /* base64url of so many random bytes */

void mac_key(Str secret, MacKey *ret);
void mac_make(const MacKey *key, Str bytes, unsigned char ret[MAC_BYTES]);
bool bytes_same(const void *a, const void *b, size_t n); /* in the same time whatever differs */
void bytes_wipe(void *p, size_t n);

/* argon2id, 19 MiB, two passes, as a PHC string. ERR_SYS when there is no memory for it. */
MUST_CHECK bool password_hash(Arena *a, Str password, Str *ret, Err *err);
bool password_check(Str password, Str hash);
