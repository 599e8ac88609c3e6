#include "http/rate.h"

#include "test.h"

TEST(a_bucket_empties_and_fills_with_time)
{
	RateTable *t = rate_open();
	TimeUs now = 1000 * US_PER_S;
	RateState s;

	for (int i = 10; i > 0; i--) {
		CHECK(rate_take(t, 7, 5, 10, now, &s));
		CHECK_INT(s.remaining, i - 1);
	}
	CHECK(!rate_take(t, 7, 5, 10, now, &s));
	CHECK(s.wait > 199 * US_PER_MS && s.wait < 202 * US_PER_MS && s.limit == 10);
	CHECK(rate_take(t, 8, 5, 10, now, &s));
	now += s.wait + 200 * US_PER_MS;
	CHECK(rate_take(t, 7, 5, 10, now, &s) && !rate_take(t, 7, 5, 10, now, &s));
	now += 3600LL * US_PER_S;
	CHECK(rate_take(t, 7, 5, 10, now, &s));
	CHECK_INT(s.remaining, 9);
	rate_close(t);
	rate_close(NULL);
}

/* A flood of keys takes no more memory, and forgets those first who have not asked for longest. */
TEST(the_table_of_buckets_is_bounded_and_keeps_who_asks)
{
	RateTable *t = rate_open();
	TimeUs now = 1000 * US_PER_S;
	RateState s;
	int refused = 0;

	for (int i = 0; i < 200; i++) {
		refused += !rate_take(t, 7, 1, 10, now, &s);
		for (uint64_t k = 0; k < 100; k++)
			CHECK(rate_take(t, 1000 + (uint64_t)i * 100 + k, 1, 10, now, &s));
		now += 1000;
	}
	CHECK(refused > 180);
	rate_close(t);
}
