#include "base/secret.h"

#include "base/codec.h"

#include <sodium.h>

enum { PASSES = 2, MEMORY = 19 * 1024 * 1024 };

_Static_assert(sizeof(crypto_auth_hmacsha256_state) <= sizeof(((MacKey *)0)->state), "a prepared key fits");

bool
secret_init(Err *err)
{
	return sodium_init() >= 0 || err_set(err, ERR_SYS, "libsodium cannot be used: no random numbers");
}

void
random_bytes(void *ret, size_t n)
{
	randombytes_buf(ret, n);
}

Str
random_text(Arena *a, size_t bytes)
{
	unsigned char *p = arena_alloc(a, bytes);
	Str text;

	random_bytes(p, bytes);
	text = base64url_encode(a, (Str){ (const char *)p, bytes });
	bytes_wipe(p, bytes);
	return text;
}

void
mac_key(Str secret, MacKey *ret)
{
	crypto_auth_hmacsha256_state state;

	crypto_auth_hmacsha256_init(&state, (const unsigned char *)secret.p, secret.n);
	memcpy(ret->state, &state, sizeof(state));
	bytes_wipe(&state, sizeof(state));
}

void
mac_make(const MacKey *key, Str bytes, unsigned char ret[MAC_BYTES])
{
	crypto_auth_hmacsha256_state state;

	memcpy(&state, key->state, sizeof(state));
	crypto_auth_hmacsha256_update(&state, (const unsigned char *)bytes.p, bytes.n);
	crypto_auth_hmacsha256_final(&state, ret);
}

bool
bytes_same(const void *a, const void *b, size_t n)
{
	return n == 0 || sodium_memcmp(a, b, n) == 0;
}

void
bytes_wipe(void *p, size_t n)
{
	if (n > 0)
		sodium_memzero(p, n);
}

bool
password_hash(Arena *a, Str password, Str *ret, Err *err)
{
	char text[crypto_pwhash_argon2id_STRBYTES];

	if (crypto_pwhash_argon2id_str(text, password.p, password.n, PASSES, MEMORY) != 0)
		return err_set(err, ERR_SYS, "no memory to hash a password");
	*ret = str_copy(a, str_of(text));
	return true;
}

bool
password_check(Str password, Str hash)
{
	char text[crypto_pwhash_argon2id_STRBYTES] = { 0 };

	if (str_none(hash) || hash.n >= sizeof(text))
		return false;
	memcpy(text, hash.p, hash.n);
	return crypto_pwhash_argon2id_str_verify(text, password.p, password.n) == 0;
}
