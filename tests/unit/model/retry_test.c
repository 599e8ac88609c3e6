#include "model/retry.h"

#include "base/yaml.h"
#include "test.h"

static RetryPlan
plan(Arena *a, const char *text)
{
	RetryPlan p;
	Json v;
	Err err = { 0 };

	CHECK_OK(yaml_parse(a, "test", str_of(text), NULL, &v, &err), err);
	CHECK_OK(retry_read(&v, &p, &err), err);
	return p;
}

TEST(a_retry_waits_as_its_backoff_says_and_never_longer_than_it_may)
{
	static const struct {
		const char *text;
		TimeUs seconds[4];
	} table[] = {
		{ "{count: 4}", { 1, 1, 1, 1 } },
		{ "{count: 4, delay: 0}", { 0, 0, 0, 0 } },
		{ "{count: 4, delay: 3, backoff: linear}", { 3, 6, 9, 12 } },
		{ "{count: 4, delay: 3s, backoff: linear, max_delay: 8}", { 3, 6, 8, 8 } },
		{ "{count: 4, delay: 2, backoff: exponential}", { 2, 4, 8, 16 } },
		{ "{count: 4, delay: 2, backoff: exponential, max_delay: 5s}", { 2, 4, 5, 5 } },
		{ "{count: 4, delay: 30m, backoff: exponential}", { 1800, 3600, 3600, 3600 } },
	};
	CLEANUP(arena_done) Arena *a = arena_open();

	for (size_t i = 0; i < countof(table); i++) {
		RetryPlan p = plan(a, table[i].text);

		for (int n = 1; n <= 4; n++)
			if (retry_wait(&p, n, 77) != table[i].seconds[n - 1] * US_PER_S)
				test_fail(__FILE__, __LINE__, "%s: retry %d waits %lld us", table[i].text, n,
				    (long long)retry_wait(&p, n, 77));
	}
	for (int64_t n = 1; n < 1000; n += 37) { /* large numbers do not overflow */
		RetryPlan p = plan(a, "{count: 1000, delay: 29d, backoff: exponential, max_delay: 30d}");

		CHECK(retry_wait(&p, n, 0) <= 30LL * 86400 * US_PER_S && retry_wait(&p, n, 0) > 0);
	}
}

TEST(a_jitter_stays_within_its_part_of_the_delay)
{
	CLEANUP(arena_done) Arena *a = arena_open();
	RetryPlan p = plan(a, "{count: 1, delay: 10, jitter: 0.5}"),
		  small = plan(a, "{count: 1, delay: 10, jitter: true}");
	TimeUs least = 100 * US_PER_S, most = 0;

	for (uint64_t luck = 0; luck < 5000000; luck += 4099) {
		TimeUs w = retry_wait(&p, 1, luck), s = retry_wait(&small, 1, luck);

		CHECK(w >= 5 * US_PER_S && w <= 15 * US_PER_S);
		CHECK(s >= 8 * US_PER_S && s <= 12 * US_PER_S);
		least = w < least ? w : least;
		most = w > most ? w : most;
	}
	CHECK(least < 6 * US_PER_S && most > 14 * US_PER_S);
}

TEST(what_ends_how_is_tried_again_as_the_plan_says)
{
	CLEANUP(arena_done) Arena *a = arena_open();
	Json late = json_object(), bad = json_object();

	json_add(a, &late, "timed_out", json_bool(true));
	CHECK_INT(retry_reason(EXEC_FAILED, &bad), RETRY_FAILED);
	CHECK_INT(retry_reason(EXEC_FAILED, &late), RETRY_TIMED_OUT);
	CHECK_INT(retry_reason(EXEC_TIMEOUT, NULL), RETRY_TIMED_OUT);
	CHECK_INT(retry_reason(EXEC_ABANDONED, NULL), RETRY_WORKER_LOST);
	CHECK_INT(retry_reason(EXEC_CANCELLED, NULL), 0);
	CHECK_INT(retry_reason(EXEC_COMPLETED, NULL), 0);
	CHECK_INT(plan(a, "{count: 1}").on, RETRY_FAILED | RETRY_TIMED_OUT);
	CHECK_INT(plan(a, "{count: 1, on: [worker_lost]}").on, RETRY_WORKER_LOST);
	CHECK_INT(plan(a, "{count: 1, on: []}").on, 0);
	CHECK_INT(plan(a, "{}").count, 0);
}

TEST(a_retry_that_cannot_be_is_refused_by_its_place)
{
	static const struct {
		const char *text, *at;
	} table[] = {
		{ "5", "/retry: " },
		{ "{delay: 5}", "/retry/count: " },
		{ "{count: -1}", "/retry/count: " },
		{ "{count: 1001}", "/retry/count: " },
		{ "{count: 1.5}", "/retry/count: " },
		{ "{count: 1, delay: -1}", "/retry/delay: " },
		{ "{count: 1, delay: 31d}", "/retry/delay: " },
		{ "{count: 1, delay: 99999999999}", "/retry/delay: " },
		{ "{count: 1, max_delay: long}", "/retry/max_delay: " },
		{ "{count: 1, backoff: fast}", "/retry/backoff: " },
		{ "{count: 1, jitter: 1.1}", "/retry/jitter: " },
		{ "{count: 1, on: failed}", "/retry/on: " },
		{ "{count: 1, on: [cancelled]}", "/retry/on: " },
		{ "{count: 1, until: 5}", "/retry/until: " },
	};
	CLEANUP(arena_done) Arena *a = arena_open();

	for (size_t i = 0; i < countof(table); i++) {
		RetryPlan p;
		Json v;
		Err err = { 0 };

		CHECK_OK(yaml_parse(a, "test", str_of(table[i].text), NULL, &v, &err), err);
		if (retry_read(&v, &p, &err))
			test_fail(__FILE__, __LINE__, "accepted: %s", table[i].text);
		CHECK_INT(err.code, ERR_VALIDATION);
		if (!str_starts(str_of(err.text), str_of(table[i].at)))
			test_fail(__FILE__, __LINE__, "%s: '%s' is not at %s", table[i].text, err.text, table[i].at);
	}
}
