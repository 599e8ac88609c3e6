#include "http/gzip.h"
#include "http/negotiate.h"

#include "test.h"

TEST(gzip_is_taken_where_it_is_named_and_not_refused)
{
	static const char *const yes[] = { "gzip", "deflate, gzip;q=1.0, *;q=0.5", "GZIP", "br;q=1, *", "gzip;q=0.001",
		" gzip ; q=0.2" };
	static const char *const no[] = { "", "identity", "gzip;q=0", "gzip; q=0.000, *", "br, *;q=0", "xgzip",
		"gzip;q=x" };

	for (size_t i = 0; i < countof(yes); i++)
		if (!accepts_gzip(str_of(yes[i])))
			test_fail(__FILE__, __LINE__, "'%s'", yes[i]);
	for (size_t i = 0; i < countof(no); i++)
		if (accepts_gzip(str_of(no[i])))
			test_fail(__FILE__, __LINE__, "'%s'", no[i]);
}

TEST(a_tag_stands_for_the_bytes)
{
	CLEANUP(arena_done) Arena *a = arena_open();
	Str one = etag_of(a, str_of("{\"data\":1}")), two = etag_of(a, str_of("{\"data\":2}"));

	CHECK(str_eq(one, etag_of(a, str_of("{\"data\":1}"))) && !str_eq(one, two));
	CHECK(!str_eq(etag_of(a, str_of("")), etag_of(a, (Str){ "\0", 1 })));
	CHECK(etag_matches(one, one) && !etag_matches(two, one));
	CHECK(etag_matches(str_fmt(a, "\"x\", %.*s", STR_ARG(one)), one));
	CHECK(etag_matches(str_sub(one, 2, one.n), one) && etag_matches(str_of("*"), one));
	CHECK(!etag_matches(str_of(""), one) && !etag_matches(str_of("W/"), one));
}

TEST(an_origin_must_be_the_same_to_the_letter)
{
	static const Str listed[] = { { "https://a.example", 17 } };

	CHECK(origin_allowed(str_of("https://a.example"), listed, 1));
	CHECK(!origin_allowed(str_of("https://a.example.evil.net"), listed, 1));
	CHECK(!origin_allowed(str_of("http://a.example"), listed, 1));
	CHECK(!origin_allowed(str_of("null"), listed, 1) && !origin_allowed(str_of("*"), listed, 1));
	CHECK(!origin_allowed(str_of("http://localhost:3000"), listed, 1));
	CHECK(origin_allowed(str_of("http://localhost:3000"), NULL, 0));
	CHECK(origin_allowed(str_of("http://127.0.0.1:5173"), NULL, 0));
	CHECK(!origin_allowed(str_of("http://localhost:30000"), NULL, 0));
	CHECK(!origin_allowed(str_of("http://localhost.evil.net:3000"), NULL, 0));
}

TEST(an_answer_goes_on_with_the_trace_of_its_request)
{
	static const char *const bad[] = { "", "00-", "01-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
		"00-0AF7651916CD43DD8448EB211C80319C-b7ad6b7169203331-01",
		"00-00000000000000000000000000000000-b7ad6b7169203331-01",
		"00-0af7651916cd43dd8448eb211c80319c-0000000000000000-01",
		"00-0af7651916cd43dd8448eb211c80319c_b7ad6b7169203331-01" };
	CLEANUP(arena_done) Arena *a = arena_open();

	CHECK_STR(trace_answer(a, str_of("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"), 0xab),
	    str_of("00-0af7651916cd43dd8448eb211c80319c-00000000000000ab-01"));
	CHECK_STR(trace_answer(a, str_of("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-00"), 0xab),
	    str_of("00-0af7651916cd43dd8448eb211c80319c-00000000000000ab-00"));
	for (size_t i = 0; i < countof(bad); i++)
		CHECK(str_none(trace_answer(a, str_of(bad[i]), 1)));
}

TEST(bytes_that_do_not_shrink_are_left_alone)
{
	CLEANUP(arena_done) Arena *a = arena_open();
	Gzip *g = NULL;
	Str small;
	char *same = arena_alloc(a, 5000);

	CHECK(gzip_bytes(&g, a, (Str){ same, 5000 }, &small) && small.n < 100);
	CHECK(!gzip_bytes(&g, a, str_of("abc"), &small));
	CHECK(gzip_bytes(&g, a, (Str){ same, 5000 }, &small) && small.p[0] == '\x1f' && small.p[1] == '\x8b');
	gzip_close(g);
	gzip_close(NULL);
}
