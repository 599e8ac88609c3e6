#include "model/limits.h"
#include "model/policy.h"

#include "base/yaml.h"
#include "test.h"

static bool
read(Arena *a, const char *text, PolicyDef *ret, Err *err)
{
	Json v;

	CHECK_OK(yaml_parse(a, "test", str_of(text), NULL, &v, err), *err);
	return policy_limits_read(json_get(&v, "concurrency"), json_get(&v, "rate"), json_get(&v, "breaker"), ret, err);
}

TEST(a_policy_is_read_and_written_as_it_was)
{
	CLEANUP(arena_done) Arena *a = arena_open();
	PolicyDef d = { 0 };
	Json o;
	Err err = { 0 };

	CHECK_OK(
	    read(a,
		"{concurrency: {limit: 2, key: [a.b]}, rate: {limit: 10, per_seconds: 5, burst: 3, method: cancel},"
		" breaker: {failures: 4, within: 1.5, open_for: 2m, key: [host], method: fail}}",
		&d, &err),
	    err);
	CHECK_INT(d.limit, 2);
	CHECK_STR(d.method, str_of("enqueue"));
	CHECK_INT(d.rate_burst, 3);
	CHECK_INT(d.within, 1500000);
	CHECK_INT(d.open_for, 120000000);
	o = policy_concurrency(a, &d);
	CHECK_STR(json_text(a, &o), str_of("{\"limit\":2,\"key\":[\"a.b\"],\"method\":\"enqueue\"}"));
	o = policy_rate(a, &d);
	CHECK_STR(
	    json_text(a, &o), str_of("{\"limit\":10,\"per_seconds\":5,\"burst\":3,\"key\":[],\"method\":\"cancel\"}"));
	o = policy_breaker(a, &d);
	CHECK_STR(json_text(a, &o),
	    str_of("{\"failures\":4,\"within\":1.5,\"open_for\":120,\"key\":[\"host\"],\"method\":\"fail\"}"));
	CHECK_OK(read(a, "{rate: {limit: 1, per_seconds: 1}}", &d, &err), err);
	o = policy_breaker(a, &d);
	CHECK(o.kind == JSON_NULL && d.limit == 0 && d.failures == 0);
}

TEST(a_policy_that_cannot_be_is_refused_by_its_place)
{
	static const struct {
		const char *text, *at;
	} table[] = {
		{ "{}", "/concurrency: " },
		{ "{concurrency: 5}", "/concurrency: " },
		{ "{concurrency: {}}", "/concurrency/limit: " },
		{ "{concurrency: {limit: 0}}", "/concurrency/limit: " },
		{ "{concurrency: {limit: 1, most: 2}}", "/concurrency/most: " },
		{ "{concurrency: {limit: 1, key: a}}", "/concurrency/key: " },
		{ "{concurrency: {limit: 1, key: ['']}}", "/concurrency/key: " },
		{ "{concurrency: {limit: 1, method: drop}}", "/concurrency/method: " },
		{ "{rate: {limit: 1}}", "/rate/per_seconds: " },
		{ "{rate: {limit: 1, per_seconds: 0.5}}", "/rate/per_seconds: " },
		{ "{rate: {limit: 1, per_seconds: 1, method: enqueue}}", "/rate/method: " },
		{ "{breaker: {within: 5, open_for: 5}}", "/breaker/failures: " },
		{ "{breaker: {failures: 501, within: 5, open_for: 5}}", "/breaker/failures: " },
		{ "{breaker: {failures: 1, open_for: 5}}", "/breaker/within: " },
		{ "{breaker: {failures: 1, within: 0, open_for: 5}}", "/breaker/within: " },
		{ "{breaker: {failures: 1, within: 5, open_for: soon}}", "/breaker/open_for: " },
		{ "{breaker: {failures: 1, within: 5, open_for: 5, method: cancel}}", "/breaker/method: " },
	};
	CLEANUP(arena_done) Arena *a = arena_open();

	for (size_t i = 0; i < countof(table); i++) {
		PolicyDef d = { 0 };
		Err err = { 0 };

		if (read(a, table[i].text, &d, &err))
			test_fail(__FILE__, __LINE__, "accepted: %s", table[i].text);
		CHECK_INT(err.code, ERR_VALIDATION);
		if (!str_starts(str_of(err.text), str_of(table[i].at)))
			test_fail(__FILE__, __LINE__, "%s: '%s' is not at %s", table[i].text, err.text, table[i].at);
	}
}

TEST(runs_share_a_limit_when_they_agree_in_its_paths)
{
	CLEANUP(arena_done) Arena *a = arena_open();
	Json paths = json_array(), others = json_array(), x, y;
	Err err = { 0 };

	json_push(a, &paths, json_cstr("customer.id"));
	json_push(a, &others, json_cstr("host"));
	CHECK_OK(json_parse(a, str_of("{\"customer\": {\"id\": 7}, \"n\": 1}"), NULL, &x, &err), err);
	CHECK_OK(json_parse(a, str_of("{\"customer\": {\"id\": 8}, \"n\": 1}"), NULL, &y, &err), err);
	CHECK(!str_eq(limit_key(a, 3, &paths, &x), limit_key(a, 3, &paths, &y)));
	CHECK_STR(
	    limit_key(a, 3, &others, &x), limit_key(a, 3, &others, NULL)); /* nothing there, and null, are the same */
	CHECK(!str_eq(limit_key(a, 3, &paths, &x), limit_key(a, 4, &paths, &x)));
	CHECK(str_starts(limit_key(a, 3, &paths, &x), limit_tag(a, 3, &paths)));
	CHECK(!str_starts(limit_key(a, 3, &paths, &x), limit_tag(a, 3, &others)));
	CHECK_INT(limit_policy(limit_key(a, 3, &paths, &x)), 3);
	CHECK_INT(limit_policy((Str){ 0 }), 0);
}

TEST(tokens_come_back_evenly_and_a_burst_is_the_most)
{
	PolicyDef d = { .rate_limit = 10, .rate_seconds = 1, .rate_burst = 4 };
	TimeUs full = 0, now = 1000000;

	CHECK_INT(tokens_room(&d, full, now), 4);
	full = tokens_take(&d, full, 4, now);
	CHECK_INT(tokens_room(&d, full, now), 0);
	CHECK_INT(tokens_next(&d, full), now + 100000);
	CHECK_INT(tokens_room(&d, full, now + 99999), 0);
	CHECK_INT(tokens_room(&d, full, now + 100000), 1);
	CHECK_INT(tokens_room(&d, full, now + 10000000), 4);
	d.rate_burst = 0;
	CHECK_INT(tokens_room(&d, 0, now), 10);
}
