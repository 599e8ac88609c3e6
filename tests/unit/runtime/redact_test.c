#include "runtime/redact.h"

#include "test.h"

static Redact *
of(Arena *a, const char *secrets)
{
	Json v;
	Err err = { 0 };

	CHECK_OK(json_parse(a, str_of(secrets), NULL, &v, &err), err);
	return redact_open(a, &v);
}

/* All of the text in pieces of that size. */
static Str
through(Arena *a, const char *secrets, const char *text, size_t piece)
{
	Redact *r = of(a, secrets);
	Buf b = buf_open(a);
	Str rest = str_of(text);

	CHECK(r != NULL);
	while (rest.n > 0) {
		Str p = str_sub(rest, 0, piece);

		buf_add(&b, redact_put(r, p));
		rest = str_sub(rest, p.n, rest.n);
	}
	buf_add(&b, redact_end(r));
	return buf_str(&b);
}

TEST(a_secret_is_starred_out_however_the_stream_is_cut)
{
	CLEANUP(arena_done) Arena *a = arena_open();

	for (size_t piece = 1; piece < 40; piece++)
		CHECK_STR(through(a, "[\"hunter2\"]", "hunter2 and hunhunter2, hunter, hunter2", piece),
		    str_of("*** and hun***, hunter, ***"));
}

TEST(its_usual_other_forms_are_starred_out_too)
{
	CLEANUP(arena_done) Arena *a = arena_open();

	CHECK_STR(through(a, "[\"p\\\"a ss\"]", "cCJhIHNz p%22a%20ss p\\\"a ss p\"a ss", 7), str_of("*** *** *** ***"));
	CHECK_STR(
	    through(a, "[{\"user\":\"alice\",\"pin\":123456}]", "alice 123456 12345", 3), str_of("*** *** 12345"));
}

TEST(the_longer_of_two_secrets_wins)
{
	CLEANUP(arena_done) Arena *a = arena_open();

	for (size_t piece = 1; piece < 20; piece++) {
		CHECK_STR(through(a, "[\"abcd\",\"abcdefgh\"]", "abcdefgh abcdefg", piece), str_of("*** ***efg"));
		CHECK_STR(through(a, "[\"abcd\",\"abcdefgh\"]", "abcdefg", piece), str_of("***efg"));
	}
}

TEST(nothing_to_hide_costs_nothing)
{
	CLEANUP(arena_done) Arena *a = arena_open();

	CHECK(of(a, "[]") == NULL && of(a, "null") == NULL && of(a, "[\"abc\", 12, true]") == NULL);
	CHECK(redact_open(a, NULL) == NULL);
}
