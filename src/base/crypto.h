/*
 * Cryptography, the only door to OpenSSL.
 */
#pragma once

#include "base/str.h"

enum { SHA1_BYTES = 20, SHA256_BYTES = 32 };

void sha1(Str bytes, unsigned char ret[SHA1_BYTES]); /* only where a protocol asks for it */
void sha256(Str bytes, unsigned char ret[SHA256_BYTES]);
Str sha256_hex(Arena *a, Str bytes);
/* By name: sha256, sha512, sha1, md5 (only where others use these). False: no such. */
MUST_CHECK bool digest_hex(Arena *a, Str algorithm, Str bytes, Str *ret);

typedef enum HashKind { HASH_SHA1, HASH_SHA256, HASH_SHA512 } HashKind;

enum { HMAC_MOST = 64 };

/* The keyed hash (RFC 2104); gives its bytes. */
size_t keyed_hash(HashKind kind, Str key, Str bytes, unsigned char ret[HMAC_MOST]);
/* Takes as long whatever differs; texts of two lengths differ at once. */
bool same_secret(Str x, Str y);
Str random_hex(Arena *a, size_t bytes); /* for names that nobody must guess */

/* AES-256-GCM. What is sealed is nonce, text and tag; it opens only with the same key and the same associated data. */
enum { GCM_KEY_BYTES = 32, GCM_NONCE_BYTES = 12, GCM_TAG_BYTES = 16 };

MUST_CHECK bool gcm_seal(Arena *a, const unsigned char key[GCM_KEY_BYTES], Str data, Str plain, Str *ret);
MUST_CHECK bool gcm_open(Arena *a, const unsigned char key[GCM_KEY_BYTES], Str data, Str sealed, Str *ret);
/* The same with a nonce given, for test vectors only: one nonce twice under one key gives both texts away. */
MUST_CHECK bool gcm_seal_with(Arena *a, const unsigned char key[GCM_KEY_BYTES],
    const unsigned char nonce[GCM_NONCE_BYTES], Str data, Str plain, Str *ret);
