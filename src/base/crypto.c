#include "base/crypto.h"

#include "base/codec.h"

#include <openssl/sha.h>

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
