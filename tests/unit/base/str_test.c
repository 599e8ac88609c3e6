#include "base/str.h"

#include "base/codec.h"
#include "test.h"

TEST(text_is_cut_at_a_separator_until_it_is_used_up)
{
	Str rest = str_of("a,,b,"), part;

	CHECK(str_cut(&rest, ',', &part) && str_is(part, "a"));
	CHECK(str_cut(&rest, ',', &part) && str_is(part, ""));
	CHECK(str_cut(&rest, ',', &part) && str_is(part, "b"));
	CHECK(str_cut(&rest, ',', &part) && str_is(part, ""));
	CHECK(!str_cut(&rest, ',', &part));
}

TEST(integers_are_exact_or_refused)
{
	static const struct {
		const char *text;
		bool good;
		int64_t value;
	} cases[] = {
		{ "0", true, 0 },
		{ "-1", true, -1 },
		{ "9223372036854775807", true, INT64_MAX },
		{ "-9223372036854775808", true, INT64_MIN },
		{ "9223372036854775808", false, 0 },
		{ "-9223372036854775809", false, 0 },
		{ "99999999999999999999", false, 0 },
		{ "", false, 0 },
		{ "-", false, 0 },
		{ "+1", false, 0 },
		{ " 1", false, 0 },
		{ "1 ", false, 0 },
		{ "1.0", false, 0 },
	};

	for (size_t i = 0; i < countof(cases); i++) {
		int64_t v = 0;

		CHECK_INT(str_to_int(str_of(cases[i].text), &v), cases[i].good);
		CHECK_INT(v, cases[i].value);
	}
}

TEST(reals_are_decimal_and_whole)
{
	static const char *const refused[] = { "", " 1", "1 ", "0x10", "inf", "nan", "1e", "e5", "1.5x", "-" };
	double d;

	CHECK(str_to_real(str_of("1.5"), &d) && d == 1.5);
	CHECK(str_to_real(str_of("-1e3"), &d) && d == -1000);
	for (size_t i = 0; i < countof(refused); i++)
		CHECK(!str_to_real(str_of(refused[i]), &d));
}

TEST(searching_trimming_and_comparing)
{
	size_t at;

	CHECK(str_find(str_of("hello"), str_of("lo"), &at) && at == 3);
	CHECK(str_find(str_of("hello"), str_of(""), &at) && at == 0);
	CHECK(!str_find(str_of("hello"), str_of("lol"), NULL));
	CHECK(!str_find((Str){ 0 }, str_of("lol"), NULL));
	CHECK_STR(str_trim(str_of(" \t a b \n")), str_of("a b"));
	CHECK_STR(str_trim(str_of("  ")), str_of(""));
	CHECK(str_cmp(str_of("a"), str_of("ab")) < 0 && str_cmp(str_of("b"), str_of("ab")) > 0);
	CHECK(str_cmp(str_of("\xff"), str_of("a")) > 0 && str_cmp(str_of(""), (Str){ 0 }) == 0);
	CHECK(str_eq_nocase(str_of("AbZ"), str_of("aBz")) && !str_eq_nocase(str_of("["), str_of("{")));
	CHECK(str_starts(str_of("core.echo"), str_of("core.")) && str_ends(str_of("core.echo"), str_of("echo")));
	CHECK_STR(str_sub(str_of("abc"), 1, 99), str_of("bc"));
	CHECK_STR(str_sub(str_of("abc"), 5, 2), str_of(""));
}

TEST(formatted_text_of_any_length_is_whole)
{
	CLEANUP(arena_done) Arena *a = arena_open();
	Buf b = buf_open(a);

	for (int n = 0; n < 300; n++) {
		Str s = str_fmt(a, "%*s", n, "");

		CHECK_INT((int64_t)s.n, n);
		CHECK_INT((int64_t)strlen(s.p), n);
	}
	for (int i = 0; i < 1000; i++) {
		buf_fmt(&b, "%d,", i);
		arena_alloc(a, 1);
	}
	CHECK(str_starts(buf_str(&b), str_of("0,1,2,")) && str_ends(buf_str(&b), str_of(",998,999,")));
}

TEST(items_of_a_list_stand_apart)
{
	Arena *a = arena_open();
	Buf b = buf_open(a);

	buf_item(&b, "%d times", 3);
	buf_item(&b, "%s", "late");
	CHECK_STR(buf_str(&b), str_of("3 times, late"));
	arena_close(a);
}

TEST(errors_gather_context_and_never_overflow)
{
	Err err = { 0 };

	CHECK(!err_set(&err, ERR_NOT_FOUND, "no %s", "rule"));
	CHECK(!err_wrap(&err, "pack '%s'", "core"));
	CHECK_STR(str_of(err.text), str_of("pack 'core': no rule"));
	CHECK_INT(err.code, ERR_NOT_FOUND);
	CHECK_INT(err_http_status(err.code), 404);
	for (int i = 0; i < 200; i++)
		CHECK(!err_wrap(&err, "again and again"));
	CHECK(strlen(err.text) < ERR_TEXT_MAX);
	CHECK(!err_set(NULL, ERR_SYS, "nobody listens"));
}

TEST(a_sentence_that_quotes_what_somebody_sent_is_one_line_without_control_characters)
{
	Err err = { 0 };

	CHECK(!err_set(&err, ERR_NOT_FOUND, "no rule '%s'", "a\nb\tc\r\x1b[31m\x7f\x01 \xc3\xa9"));
	CHECK_STR(str_of(err.text), str_of("no rule 'a b c ?[31m?? \xc3\xa9'"));
	CHECK(!err_wrap(&err, "pack '%s'", "x\ny"));
	CHECK_STR(str_of(err.text), str_of("pack 'x y': no rule 'a b c ?[31m?? \xc3\xa9'"));
}

TEST(a_text_that_is_cut_off_ends_with_a_whole_character)
{
	static const char *const characters[] = { "x", "\xc3\xa9", "\xe2\x82\xac", "\xf0\x9f\x98\x80" };

	for (size_t c = 0; c < countof(characters); c++) {
		for (int shift = 0; shift < 4; shift++) {
			Err err = { 0 };

			CHECK(!err_set(&err, ERR_INVALID, "%*s", shift, ""));
			for (int i = 0; i < ERR_TEXT_MAX; i++)
				CHECK(!err_wrap(&err, "%s", characters[c]));
			CHECK(utf8_valid(str_of(err.text)));
			CHECK(strlen(err.text) > ERR_TEXT_MAX - 8);
		}
	}
}
