#include "access/token.h"

#include "base/codec.h"
#include "test.h"

static const TimeUs now = 1800000000LL * US_PER_S;

static MacKey
key_of(const char *secret)
{
	MacKey key;

	mac_key(str_of(secret), &key);
	return key;
}

static Claims
some_claims(void)
{
	return (Claims){ .type = TOKEN_ACCESS,
		.subject = 7,
		.login = str_of("ann"),
		.issued = now / US_PER_S,
		.expires = now / US_PER_S + 600,
		.session = 3 };
}

static Str
raw(Arena *a, const MacKey *key, const char *header, const char *claims)
{
	Str text = str_fmt(
	    a, "%.*s.%.*s", STR_ARG(base64url_encode(a, str_of(header))), STR_ARG(base64url_encode(a, str_of(claims))));
	unsigned char mac[MAC_BYTES];

	mac_make(key, text, mac);
	return str_fmt(
	    a, "%.*s.%.*s", STR_ARG(text), STR_ARG(base64url_encode(a, (Str){ (const char *)mac, sizeof(mac) })));
}

TEST(what_is_signed_is_read_back)
{
	CLEANUP(arena_done) Arena *a = arena_open();
	MacKey key = key_of("a secret");
	Claims c = some_claims(), got;
	Err err = { 0 };

	CHECK(token_read(a, &key, token_sign(a, &key, &c), now, &got, &err));
	CHECK(got.subject == 7 && got.session == 3 && got.type == TOKEN_ACCESS && str_is(got.login, "ann"));
	c.type = TOKEN_REFRESH;
	c.generation = 5;
	CHECK(token_read(a, &key, token_sign(a, &key, &c), now, &got, &err));
	CHECK(got.type == TOKEN_REFRESH && got.generation == 5);
}

TEST(a_token_with_one_bit_changed_is_refused)
{
	CLEANUP(arena_done) Arena *a = arena_open();
	MacKey key = key_of("a secret");
	Claims c = some_claims(), got;
	Str good = token_sign(a, &key, &c);

	for (size_t i = 0; i < good.n; i++) {
		char *bad = arena_copy(a, good.p, good.n);
		Err err = { 0 };

		bad[i] = (char)(bad[i] ^ 1);
		CHECK(!token_read(a, &key, (Str){ bad, good.n }, now, &got, &err));
		CHECK(err.code == ERR_UNAUTHORIZED);
	}
}

TEST(only_our_algorithm_counts_whatever_the_header_says)
{
	static const char claims[] = "{\"sub\":\"7\",\"login\":\"ann\",\"exp\":1800000600}";
	static const char *const bad[] = { "{\"alg\":\"none\"}", "{\"alg\":\"HS512\"}", "{\"alg\":\"RS256\"}", "{}",
		"[]", "{\"alg\":\"hs256\"}", "{\"alg\":\"HS256\",\"crit\":[\"b64\"]}",
		"{\"alg\":\"HS256\",\"typ\":\"JWE\"}", "{\"alg\":\"none\",\"alg\":\"HS256\"}" };
	CLEANUP(arena_done) Arena *a = arena_open();
	MacKey key = key_of("a secret");
	Claims got;
	Err err = { 0 };

	CHECK(token_read(a, &key, raw(a, &key, "{\"typ\":\"JWT\",\"alg\":\"HS256\"}", claims), now, &got, &err));
	CHECK(got.type == TOKEN_ACCESS);
	for (size_t i = 0; i < countof(bad); i++)
		CHECK(!token_read(a, &key, raw(a, &key, bad[i], claims), now, &got, &err));
}

TEST(a_token_counts_in_its_time_and_a_minute_around_it)
{
	CLEANUP(arena_done) Arena *a = arena_open();
	MacKey key = key_of("a secret");
	Claims c = some_claims(), got;
	Str token = token_sign(a, &key, &c);
	TimeUs end = now + 600 * (TimeUs)US_PER_S;
	Err err = { 0 };

	CHECK(token_read(a, &key, token, end + 60 * (TimeUs)US_PER_S, &got, &err));
	CHECK(!token_read(a, &key, token, end + 61 * (TimeUs)US_PER_S, &got, &err));
	CHECK_STR(str_of(err.text), str_of("Authentication token expired"));
	CHECK(token_read(a, &key, token, now - 60 * (TimeUs)US_PER_S, &got, &err));
	CHECK(!token_read(a, &key, token, now - 61 * (TimeUs)US_PER_S, &got, &err));
	CHECK_STR(str_of(err.text), str_of("Invalid authentication token"));
}

TEST(another_key_opens_nothing)
{
	CLEANUP(arena_done) Arena *a = arena_open();
	MacKey key = key_of("a secret"), other = key_of("a secret ");
	Claims c = some_claims(), got;
	Err err = { 0 };

	CHECK(!token_read(a, &other, token_sign(a, &key, &c), now, &got, &err));
}
