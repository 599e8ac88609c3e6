#include "base/codec.h"

#include "base/map.h"
#include "base/uuid.h"
#include "test.h"

TEST(base64_agrees_with_the_rfc)
{
	CLEANUP(arena_done) Arena *a = arena_open();
	static const char *const pairs[][2] = { { "", "" }, { "f", "Zg==" }, { "fo", "Zm8=" }, { "foo", "Zm9v" },
		{ "foob", "Zm9vYg==" }, { "fooba", "Zm9vYmE=" }, { "foobar", "Zm9vYmFy" }, { "\xfb\xff\xfe", "+//+" } };
	Str got;

	for (size_t i = 0; i < countof(pairs); i++) {
		CHECK_STR(base64_encode(a, str_of(pairs[i][0])), str_of(pairs[i][1]));
		CHECK(base64_decode(a, str_of(pairs[i][1]), &got) && str_is(got, pairs[i][0]));
	}
	CHECK_STR(base64url_encode(a, str_of("\xfb\xff\xfe!")), str_of("-__-IQ"));
	CHECK(base64_decode(a, str_of("-__-IQ"), &got) && str_is(got, "\xfb\xff\xfe!"));
}

TEST(bad_base64_and_hex_are_refused)
{
	CLEANUP(arena_done) Arena *a = arena_open();
	static const char *const bad64[] = { "Z", "Zg=", "Zg===", "Zh==", "Zm9=", "Zm 9v", "Zm9v\n", "=",
		"====", "Z===", "Zg==Zg==", "Zm9\xc3" };
	static const char *const bad16[] = { "0", "0g", "0x10", " 0", "00 " };
	Str got;

	for (size_t i = 0; i < countof(bad64); i++)
		CHECK(!base64_decode(a, str_of(bad64[i]), &got));
	for (size_t i = 0; i < countof(bad16); i++)
		CHECK(!hex_decode(a, str_of(bad16[i]), &got));
	CHECK(hex_decode(a, str_of("00fFA9"), &got) && got.n == 3 && memcmp(got.p, "\0\xff\xa9", 3) == 0);
}

TEST(bytes_of_every_length_come_back)
{
	CLEANUP(arena_done) Arena *a = arena_open();
	unsigned char bytes[100];
	Str got;

	for (size_t n = 0; n < sizeof(bytes); n++) {
		Str s = { (const char *)bytes, n };

		for (size_t i = 0; i < n; i++)
			bytes[i] = (unsigned char)(i * 151 + n * 89);
		CHECK(base64_decode(a, base64_encode(a, s), &got) && str_eq(got, s));
		CHECK(base64_decode(a, base64url_encode(a, s), &got) && str_eq(got, s));
		CHECK(hex_decode(a, hex_encode(a, s), &got) && str_eq(got, s));
	}
}

typedef struct Utf8Case {
	const char *text;
	size_t good; /* bytes before the first bad one */
	bool valid;
} Utf8Case;

static const Utf8Case utf8_cases[] = {
	{ "", 0, true },
	{ "plain text that is longer than sixteen bytes", 44, true },
	{ "\x7f", 1, true },
	{ "\xc2\x80", 2, true },
	{ "\xdf\xbf", 2, true },
	{ "\xe0\xa0\x80", 3, true },
	{ "\xed\x9f\xbf", 3, true },
	{ "\xee\x80\x80", 3, true },
	{ "\xef\xbf\xbf", 3, true },
	{ "\xf0\x90\x80\x80", 4, true },
	{ "\xf4\x8f\xbf\xbf", 4, true },
	{ "a\x80", 1, false },
	{ "\xc0\x80", 0, false },
	{ "\xc1\xbf", 0, false },
	{ "\xc2", 0, false },
	{ "\xc2\x41", 0, false },
	{ "\xe0\x9f\xbf", 0, false },
	{ "\xe2\x82", 0, false },
	{ "\xed\xa0\x80", 0, false },
	{ "\xed\xbf\xbf", 0, false },
	{ "\xf0\x8f\xbf\xbf", 0, false },
	{ "\xf0\x9f\x98", 0, false },
	{ "\xf4\x90\x80\x80", 0, false },
	{ "\xf5\x80\x80\x80", 0, false },
	{ "\xff", 0, false },
	{ "0123456789abcde\xc3\xa9\xff", 17, false },
};

TEST(only_strict_utf8_is_valid)
{
	for (size_t i = 0; i < countof(utf8_cases); i++) {
		Str s = str_of(utf8_cases[i].text);

		CHECK_INT(utf8_valid(s), utf8_cases[i].valid);
		CHECK_INT((int64_t)utf8_valid_prefix(s), (int64_t)utf8_cases[i].good);
	}
	CHECK_INT((int64_t)utf8_length(str_of("a\xc3\xa9\xf0\x9f\x98\x80")), 3);
}

TEST(cleaning_keeps_good_text_and_marks_every_bad_byte)
{
	CLEANUP(arena_done) Arena *a = arena_open();
	Str good = str_of("caf\xc3\xa9");

	CHECK(utf8_clean(a, good).p == good.p);
	CHECK_STR(utf8_clean(a, str_of("a\xff\xfe"
				       "b")),
	    str_of("a\xef\xbf\xbd\xef\xbf\xbd"
		   "b"));
	for (size_t i = 0; i < countof(utf8_cases); i++)
		CHECK(utf8_valid(utf8_clean(a, str_of(utf8_cases[i].text))));
}

TEST(clipped_text_ends_with_a_whole_character)
{
	CHECK_STR(utf8_clip(str_of("caf\xc3\xa9"), 5), str_of("caf\xc3\xa9"));
	CHECK_STR(utf8_clip(str_of("caf\xc3\xa9"), 4), str_of("caf"));
	CHECK_STR(utf8_clip(str_of("caf"), 100), str_of("caf"));
}

TEST(uuids_read_back_and_bad_ones_are_refused)
{
	CLEANUP(arena_done) Arena *a = arena_open();
	static const char *const bad[] = { "", "0190163d-8694-739b-aea5-966c26f8ad9",
		"0190163d-8694-739b-aea5-966c26f8ad911", "0190163d+8694-739b-aea5-966c26f8ad91",
		"0190163d-8694-739b-aea5-966c26f8adg1", "0190163d86-94-739b-aea5-966c26f8ad91" };
	Uuid u, v;

	CHECK(uuid_parse(str_of("0190163D-8694-739b-aea5-966c26f8ad91"), &u));
	CHECK_STR(uuid_text(a, u), str_of("0190163d-8694-739b-aea5-966c26f8ad91"));
	CHECK(uuid_parse(uuid_text(a, u), &v) && uuid_eq(u, v) && !uuid_none(u) && uuid_none((Uuid){ 0 }));
	for (size_t i = 0; i < countof(bad); i++)
		CHECK(!uuid_parse(str_of(bad[i]), &u));
}

TEST(new_uuids_are_of_version_7_different_and_in_order_of_time)
{
	CLEANUP(arena_done) Arena *a = arena_open();
	Map seen = map_open(a);
	Str before = str_of("");

	for (TimeUs t = 1795224804500000; t < 1795224804500000 + 20000; t += 2) {
		Str s = uuid_text(a, uuid_new(t)), same = uuid_text(a, uuid_new(t));

		CHECK(s.p[14] == '7' && strchr("89ab", s.p[19]) != NULL);
		CHECK(str_cmp(str_sub(before, 0, 18), str_sub(s, 0, 18)) < 0);
		CHECK(map_get_str(&seen, s) == NULL && !str_eq(s, same));
		map_put_str(&seen, s, a);
		before = s;
	}
}
