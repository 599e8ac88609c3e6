#include "http/range.h"

#include "test.h"

TEST(one_range_is_cut_to_what_is_there)
{
	static const struct {
		const char *header;
		uint64_t size, from, n;
	} cases[] = {
		{ "bytes=0-0", 10, 0, 1 },
		{ "bytes=2-5", 10, 2, 4 },
		{ "bytes=2-", 10, 2, 8 },
		{ "bytes=2-99", 10, 2, 8 },
		{ "bytes=-3", 10, 7, 3 },
		{ "bytes=-30", 10, 0, 10 },
		{ " bytes= 9-9 ", 10, 9, 1 },
	};
	Range r;

	for (size_t i = 0; i < countof(cases); i++) {
		CHECK(range_parse(str_of(cases[i].header), cases[i].size, &r) == RANGE_PART);
		CHECK_INT((int64_t)r.from, (int64_t)cases[i].from);
		CHECK_INT((int64_t)r.n, (int64_t)cases[i].n);
	}
}

TEST(a_range_of_which_nothing_is_there_is_bad)
{
	Range r;

	CHECK(range_parse(str_of("bytes=10-"), 10, &r) == RANGE_BAD);
	CHECK(range_parse(str_of("bytes=10-11"), 10, &r) == RANGE_BAD);
	CHECK(range_parse(str_of("bytes=0-"), 0, &r) == RANGE_BAD);
	CHECK(range_parse(str_of("bytes=-0"), 10, &r) == RANGE_BAD);
	CHECK(range_parse(str_of("bytes=-5"), 0, &r) == RANGE_BAD);
}

TEST(what_is_no_range_of_ours_gives_the_whole)
{
	static const char *const odd[] = { "", "bytes", "bytes=", "bytes=-", "bytes=1", "bytes=a-b", "bytes=5-2",
		"bytes=0-1,3-4", "lines=1-2", "bytes=+1-2", "bytes=1--2", "bytes=1-2-3", "bytes=9999999999999999999-" };
	Range r;

	for (size_t i = 0; i < countof(odd); i++)
		CHECK(range_parse(str_of(odd[i]), 10, &r) == RANGE_WHOLE);
}
