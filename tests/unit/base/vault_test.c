#include "base/vault.h"

#include "base/codec.h"
#include "base/crypto.h"
#include "test.h"

static const char key1[] = "0123456789abcdef0123456789abcdef", key2[] = "fedcba9876543210fedcba9876543210";

static Vault *
vault_of(Arena *a, const char *current, const char *old)
{
	Json others = json_array();
	Vault *v;
	Err err = { 0 };

	if (old != NULL)
		json_push(a, &others, json_cstr(old));
	CHECK_OK(vault_open(a, str_of(current), &others, &v, &err), err);
	return v;
}

static Str
bytes(Arena *a, const char *hex)
{
	Str s;

	CHECK(hex_decode(a, str_of(hex), &s));
	return s;
}

/* The test cases of the GCM specification for 256-bit keys (McGrew and Viega, 13 to 16). */
TEST(aes_gcm_agrees_with_the_published_vectors)
{
	CLEANUP(arena_done) Arena *a = arena_open();
	static const struct {
		const char *key, *nonce, *data, *plain, *sealed;
	} cases[] = {
		{ "0000000000000000000000000000000000000000000000000000000000000000", "000000000000000000000000", "",
		    "", "530f8afbc74536b9a963b4f1c4cb738b" },
		{ "0000000000000000000000000000000000000000000000000000000000000000", "000000000000000000000000", "",
		    "00000000000000000000000000000000",
		    "cea7403d4d606b6e074ec5d3baf39d18d0d1c8a799996bf0265b98b5d48ab919" },
		{ "feffe9928665731c6d6a8f9467308308feffe9928665731c6d6a8f9467308308", "cafebabefacedbaddecaf888",
		    "feedfacedeadbeeffeedfacedeadbeefabaddad2",
		    "d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a721c3c0c95956809532fcf0e2449a6b525"
		    "b16aedf5aa0de657ba637b39",
		    "522dc1f099567d07f47f37a32a84427d643a8cdcbfe5c0c97598a2bd2555d1aa8cb08e48590dbb3da7b08b1056828838"
		    "c5f61e6393ba7a0abcc9f66276fc6ece0f4e1768cddf8853bb2d551b" },
	};

	for (size_t i = 0; i < countof(cases); i++) {
		Str key = bytes(a, cases[i].key), nonce = bytes(a, cases[i].nonce), data = bytes(a, cases[i].data);
		Str plain = bytes(a, cases[i].plain), sealed, open;

		CHECK(gcm_seal_with(
		    a, (const unsigned char *)key.p, (const unsigned char *)nonce.p, data, plain, &sealed));
		CHECK_STR(hex_encode(a, str_sub(sealed, GCM_NONCE_BYTES, sealed.n)), str_of(cases[i].sealed));
		CHECK(gcm_open(a, (const unsigned char *)key.p, data, sealed, &open) && str_eq(open, plain));
	}
}

TEST(what_is_sealed_opens_where_it_was_sealed_and_differs_each_time)
{
	CLEANUP(arena_done) Arena *a = arena_open();
	Vault *v = vault_of(a, key1, NULL);
	Str one, two, open;
	Err err = { 0 };

	CHECK_OK(vault_seal(v, a, str_of("key/a"), str_of("s3cret"), &one, &err), err);
	CHECK_OK(vault_seal(v, a, str_of("key/a"), str_of("s3cret"), &two, &err), err);
	CHECK(!str_eq(one, two) && !str_find(one, str_of("s3cret"), NULL));
	CHECK_OK(vault_unseal(v, a, str_of("key/a"), one, &open, &err), err);
	CHECK_STR(open, str_of("s3cret"));
	CHECK(vault_is_current(v, one));
}

TEST(a_secret_does_not_open_in_another_place)
{
	CLEANUP(arena_done) Arena *a = arena_open();
	Vault *v = vault_of(a, key1, NULL);
	Str sealed, open;
	Err err = { 0 };

	CHECK_OK(vault_seal(v, a, str_of("key/a"), str_of("x"), &sealed, &err), err);
	CHECK(!vault_unseal(v, a, str_of("key/b"), sealed, &open, &err));
	CHECK(err.code == ERR_CORRUPT);
}

TEST(no_changed_byte_of_a_secret_goes_unnoticed)
{
	CLEANUP(arena_done) Arena *a = arena_open();
	unsigned char key[GCM_KEY_BYTES] = { 7 };
	Str sealed, open;

	CHECK(gcm_seal(a, key, str_of("place"), str_of("the secret"), &sealed));
	for (size_t i = 0; i < sealed.n; i++) {
		char *copy = arena_copy(a, sealed.p, sealed.n);

		copy[i] ^= 1;
		CHECK(!gcm_open(a, key, str_of("place"), (Str){ copy, sealed.n }, &open));
		CHECK(!gcm_open(a, key, str_of("place"), str_sub(sealed, 0, i), &open));
	}
}

TEST(an_old_key_opens_and_an_unknown_one_is_named)
{
	CLEANUP(arena_done) Arena *a = arena_open();
	Vault *before = vault_of(a, key1, NULL), *after = vault_of(a, key2, key1), *strange = vault_of(a, key2, NULL);
	Str sealed, open;
	Err err = { 0 };

	CHECK_OK(vault_seal(before, a, str_of("p"), str_of("x"), &sealed, &err), err);
	CHECK_OK(vault_unseal(after, a, str_of("p"), sealed, &open, &err), err);
	CHECK(!vault_is_current(after, sealed));
	CHECK(!vault_unseal(strange, a, str_of("p"), sealed, &open, &err));
	CHECK(err.code == ERR_CORRUPT && strstr(err.text, "security.encryption_keys_old") != NULL);
	CHECK(strstr(err.text, str_cstr(a, vault_key_id(before))) != NULL);
}

/* base64(nonce, text, tag), no associated data, of the compact JSON, under the hash of the configured text. */
TEST(what_an_earlier_system_stored_is_read)
{
	CLEANUP(arena_done) Arena *a = arena_open();
	Vault *v = vault_of(a, key2, key1);
	unsigned char key[SHA256_BYTES];
	Str sealed;
	Json plain;
	Err err = { 0 };

	sha256(str_of(key1), key);
	CHECK(gcm_seal(a, key, (Str){ 0 }, str_of("{\"user\":\"me\"}"), &sealed));
	CHECK_OK(vault_unseal_json(v, a, str_of("anywhere"), base64_encode(a, sealed), &plain, &err), err);
	CHECK_STR(json_get_text(&plain, "user"), str_of("me"));
	CHECK(!vault_is_current(v, base64_encode(a, sealed)));
}

TEST(nonsense_is_no_secret_and_without_a_key_nothing_is_sealed)
{
	CLEANUP(arena_done) Arena *a = arena_open();
	static const char *const bad[] = { "", "v1", "v1:", "v1::", "v1:x:y", "====", "AAAA",
		"v1:0000000000000000:AAAA" };
	Vault *v = vault_of(a, key1, NULL), *none;
	Str out;
	Err err = { 0 };

	for (size_t i = 0; i < countof(bad); i++) {
		CHECK(!vault_unseal(v, a, str_of("p"), str_of(bad[i]), &out, &err));
		CHECK(err.code == ERR_CORRUPT);
	}
	CHECK_OK(vault_open(a, (Str){ 0 }, NULL, &none, &err), err);
	CHECK(!vault_has_key(none) && !vault_seal(none, a, str_of("p"), str_of("x"), &out, &err));
	CHECK(err.code == ERR_INVALID && strstr(err.text, "security.encryption_key") != NULL);
}
