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

bool
digest_hex(Arena *a, Str algorithm, Str bytes, Str *ret)
{
	static const char *const names[] = { "sha256", "sha512", "sha1", "md5" };
	unsigned char digest[EVP_MAX_MD_SIZE];
	const EVP_MD *md = NULL;
	unsigned n = 0;

	for (size_t i = 0; i < countof(names); i++)
		if (str_is(algorithm, names[i]))
			md = EVP_get_digestbyname(names[i]);
	if (md == NULL || EVP_Digest(bytes.p, bytes.n, digest, &n, md, NULL) != 1)
		return false;
	*ret = hex_encode(a, (Str){ (const char *)digest, n });
	return true;
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

/* ---- AES-256-GCM ---- */

enum { GCM_MOST = 1 << 30 };

static void
cipher_done(EVP_CIPHER_CTX **c)
{
	EVP_CIPHER_CTX_free(*c);
}

static const unsigned char *
bytes_of(Str s)
{
	return (const unsigned char *)(s.p == NULL ? "" : s.p);
}

static bool
seal_into(const unsigned char *key, Str data, Str plain, unsigned char *out)
{
	CLEANUP(cipher_done) EVP_CIPHER_CTX *c = EVP_CIPHER_CTX_new();
	unsigned char *text = out + GCM_NONCE_BYTES;
	int n = 0;

	return c != NULL && EVP_EncryptInit_ex(c, EVP_aes_256_gcm(), NULL, key, out) == 1 &&
	       EVP_EncryptUpdate(c, NULL, &n, bytes_of(data), (int)data.n) == 1 &&
	       EVP_EncryptUpdate(c, text, &n, bytes_of(plain), (int)plain.n) == 1 &&
	       EVP_EncryptFinal_ex(c, text + plain.n, &n) == 1 &&
	       EVP_CIPHER_CTX_ctrl(c, EVP_CTRL_GCM_GET_TAG, GCM_TAG_BYTES, text + plain.n) == 1;
}

bool
gcm_seal_with(Arena *a, const unsigned char key[GCM_KEY_BYTES], const unsigned char nonce[GCM_NONCE_BYTES], Str data,
    Str plain, Str *ret)
{
	size_t n = GCM_NONCE_BYTES + plain.n + GCM_TAG_BYTES;
	unsigned char *out;

	if (plain.n > GCM_MOST || data.n > GCM_MOST)
		return false;
	out = arena_alloc_raw(a, n);
	memcpy(out, nonce, GCM_NONCE_BYTES);
	if (!seal_into(key, data, plain, out))
		return false;
	*ret = (Str){ (const char *)out, n };
	return true;
}

bool
gcm_seal(Arena *a, const unsigned char key[GCM_KEY_BYTES], Str data, Str plain, Str *ret)
{
	unsigned char nonce[GCM_NONCE_BYTES];

	return getrandom(nonce, sizeof(nonce), 0) == (ssize_t)sizeof(nonce) &&
	       gcm_seal_with(a, key, nonce, data, plain, ret);
}

bool
gcm_open(Arena *a, const unsigned char key[GCM_KEY_BYTES], Str data, Str sealed, Str *ret)
{
	CLEANUP(cipher_done) EVP_CIPHER_CTX *c = EVP_CIPHER_CTX_new();
	size_t n = sealed.n - GCM_NONCE_BYTES - GCM_TAG_BYTES;
	const unsigned char *in = bytes_of(sealed);
	unsigned char tag[GCM_TAG_BYTES];
	unsigned char *out;
	int got = 0;

	if (c == NULL || sealed.n < GCM_NONCE_BYTES + GCM_TAG_BYTES || n > GCM_MOST || data.n > GCM_MOST)
		return false;
	memcpy(tag, in + GCM_NONCE_BYTES + n, sizeof(tag));
	out = arena_alloc(a, n + 1);
	if (EVP_DecryptInit_ex(c, EVP_aes_256_gcm(), NULL, key, in) != 1 ||
	    EVP_DecryptUpdate(c, NULL, &got, bytes_of(data), (int)data.n) != 1 ||
	    EVP_DecryptUpdate(c, out, &got, in + GCM_NONCE_BYTES, (int)n) != 1 ||
	    EVP_CIPHER_CTX_ctrl(c, EVP_CTRL_GCM_SET_TAG, GCM_TAG_BYTES, tag) != 1 ||
	    EVP_DecryptFinal_ex(c, out + n, &got) != 1) {
		memset(out, 0, n); /* nothing of a text that is not genuine goes any further */
		return false;
	}
	*ret = (Str){ (const char *)out, n };
	return true;
}
