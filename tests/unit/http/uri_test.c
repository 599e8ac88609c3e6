#include "http/uri.h"

#include "test.h"

static bool
segment(Arena *a, const char *raw, Str *ret)
{
	Err err = { 0 };

	return uri_segment(a, str_of(raw), ret, &err);
}

TEST(a_segment_is_decoded_once)
{
	CLEANUP(arena_done) Arena *a = arena_open();
	Str got;

	CHECK(segment(a, "core.echo", &got));
	CHECK_STR(got, str_of("core.echo"));
	CHECK(segment(a, "a%20b+%2b%C3%A9", &got));
	CHECK_STR(got, str_of("a b++\xc3\xa9"));
	CHECK(segment(a, "%2541", &got));
	CHECK_STR(got, str_of("%41"));
}

TEST(a_segment_that_could_be_read_in_two_ways_is_refused)
{
	static const char *const bad[] = { "a%2Fb", "a%2fb", "%00", "a%", "a%4", "a%4g", "..", ".", "%2e%2E", "%ff",
		"\xff", "%C0%AF", "%ED%A0%80" };
	CLEANUP(arena_done) Arena *a = arena_open();
	Str got;

	for (size_t i = 0; i < countof(bad); i++)
		if (segment(a, bad[i], &got))
			test_fail(__FILE__, __LINE__, "'%s' was taken", bad[i]);
}

TEST(a_target_begins_with_a_slash_and_holds_no_blanks)
{
	static const char *const bad[] = { "", "x", "*", "http://h/x", "/a b", "/a\tb", "/a#b", "/\x7f" };
	Str path, query;
	Err err = { 0 };

	for (size_t i = 0; i < countof(bad); i++)
		CHECK(!uri_split(str_of(bad[i]), &path, &query, &err));
	CHECK(uri_split(str_of("/a?b=c?d"), &path, &query, &err));
	CHECK_STR(path, str_of("/a"));
	CHECK_STR(query, str_of("b=c?d"));
}

TEST(the_last_of_two_query_values_counts)
{
	CLEANUP(arena_done) Arena *a = arena_open();
	Query q;
	Err err = { 0 };

	CHECK_OK(uri_query(a, str_of("a=1&&b=x+y%26&a=2&flag&=z"), &q, &err), err);
	CHECK_STR(query_get(&q, "a"), str_of("2"));
	CHECK_STR(query_get(&q, "b"), str_of("x y&"));
	CHECK_STR(query_get(&q, "flag"), str_of(""));
	CHECK(!str_none(query_get(&q, "flag")));
	CHECK(str_none(query_get(&q, "none")));
}

TEST(a_query_has_a_bounded_number_of_parameters)
{
	CLEANUP(arena_done) Arena *a = arena_open();
	Buf b = buf_open(a);
	Query q;
	Err err = { 0 };

	for (int i = 0; i < URI_QUERY_MAX; i++)
		buf_text(&b, "a=1&");
	CHECK_OK(uri_query(a, buf_str(&b), &q, &err), err);
	buf_text(&b, "a=1");
	CHECK(!uri_query(a, buf_str(&b), &q, &err));
	CHECK_INT(err.code, ERR_INVALID);
}
