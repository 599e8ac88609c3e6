#include "base/crypto.h"

#include "base/codec.h"

#include <errno.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/sha.h>
#include <stdlib.h>
#include <sys/random.h>

void
sha1(Str bytes, unsigned char ret[SHA1_BYTES])
{
	SHA1((const unsigned char *)(bytes.n == 0 ? "" : bytes.p), bytes.n, ret);
}

void
sha256(Str bytes, unsigned char ret[SHA256_BYTES])
{
	SHA256((const unsigned char *)(bytes.n == 0 ? "" : bytes.p), bytes.n, ret);
}

Str
sha256_hex(Arena *a, Str bytes)
{
	unsigned char digest[SHA256_BYTES];

	sha256(bytes, digest);
	return hex_encode(a, (Str){ (const char *)digest, sizeof(digest) });
}

size_t
keyed_hash(HashKind kind, Str key, Str bytes, unsigned char ret[HMAC_MOST])
{
	const EVP_MD *md = kind == HASH_SHA1 ? EVP_sha1() : kind == HASH_SHA256 ? EVP_sha256() : EVP_sha512();
	unsigned n = 0;

	if (HMAC(md, key.n == 0 ? "" : key.p, (int)key.n, (const unsigned char *)(bytes.n == 0 ? "" : bytes.p), bytes.n,
		ret, &n) == NULL)
		abort(); /* it has no memory */
	return n;
}

bool
same_secret(Str x, Str y)
{
	return x.n == y.n && (x.n == 0 || CRYPTO_memcmp(x.p, y.p, x.n) == 0);
}

Str
random_hex(Arena *a, size_t bytes)
{
	char *raw = arena_alloc(a, bytes + 1);
	size_t n = 0;

	while (n < bytes) {
		ssize_t got = getrandom(raw + n, bytes - n, 0);

		if (got < 0 && errno != EINTR)
			abort(); /* the kernel has none */
		n += got > 0 ? (size_t)got : 0;
	}
	return hex_encode(a, (Str){ raw, bytes });
}
