/*
 * Whatever bytes come as a token: they are refused, or signed by us, whose key nobody else has. What the signature covers is read
 * behind the check, so it is also given to the reader with a right one.
 */
#include "access/token.h"
#include "base/codec.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const TimeUs now = 1800000000LL * US_PER_S;

static Str
signed_text(Arena *a, const MacKey *key, Str claims)
{
	Str text = str_fmt(a, "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.%.*s", STR_ARG(base64url_encode(a, claims)));
	unsigned char mac[MAC_BYTES];

	mac_make(key, text, mac);
	return str_fmt(
	    a, "%.*s.%.*s", STR_ARG(text), STR_ARG(base64url_encode(a, (Str){ (const char *)mac, sizeof(mac) })));
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	CLEANUP(arena_done) Arena *a = arena_open();
	Str bytes = { (const char *)data, size };
	MacKey key;
	Claims c;
	Err err = { 0 };

	mac_key(str_of("a secret that the fuzzer does not have"), &key);
	if (token_read(a, &key, bytes, now, &c, &err) || err.code != ERR_UNAUTHORIZED)
		abort();
	if (size < TOKEN_MAX / 2 && token_read(a, &key, signed_text(a, &key, bytes), now, &c, &err) &&
	    (c.subject <= 0 || c.expires < now / US_PER_S - TOKEN_LEEWAY))
		abort();
	return 0;
}
