#include "model/pack_tests.h"

#include "base/codec.h"
#include "test.h"

typedef struct Said {
	TestRunnerKind kind;
	TestFormat format;
	const char *out, *err;
	int code;
	TestCounts want;
	const char *status;
} Said;

static const Said said[] = {
	{ TEST_SCRIPT, TEST_SIMPLE, "", "", 0, { 1, 1, 0, 0 }, "passed" },
	{ TEST_SCRIPT, TEST_SIMPLE, "", "boom", 3, { 1, 0, 1, 0 }, "failed" },
	{ TEST_SCRIPT, TEST_SIMPLE, "Total Tests: 4\nPassed: 2\n", "Failed: 1\nSkipped: 1\n", 1, { 4, 2, 1, 1 },
	    "partial" },
	{ TEST_SCRIPT, TEST_SIMPLE, "Total Tests: 2\nPassed: 2\nFailed: 0\n", "", 1, { 3, 2, 1, 0 }, "partial" },
	{ TEST_SCRIPT, TEST_SIMPLE, "Total Tests: 3\nPassed: 1\n", "", 0, { 3, 1, 2, 0 }, "partial" },
	{ TEST_PYTEST, TEST_SIMPLE, "t.py::a PASSED [ 50%]\nt.py::b[x y] FAILED [100%]\nt.py::c SKIPPED (no)\n", "", 1,
	    { 3, 1, 1, 1 }, "partial" },
	{ TEST_UNITTEST, TEST_SIMPLE, "", "test_a (t.T.test_a) ... ok\ntest_b (t.T.test_b) ... skipped 'x'\n\nOK\n", 0,
	    { 2, 1, 0, 1 }, "passed" },
	{ TEST_UNITTEST, TEST_SIMPLE, "", "test_a (t.T) ... ERROR\ntest_b (t.T) ... FAIL\n", 1, { 2, 0, 2, 0 },
	    "failed" },
	{ TEST_SCRIPT, TEST_TAP, "1..4\nok 1 - a\nnot ok 2 - b\nok 3 # SKIP no net\n", "", 0, { 4, 1, 2, 1 },
	    "partial" },
	{ TEST_SCRIPT, TEST_JSON, "hello\n{\"passed\": 2, \"failed\": 0, \"skipped\": 1}\n", "", 0, { 3, 2, 0, 1 },
	    "passed" },
	{ TEST_SCRIPT, TEST_JSON,
	    "{\"test_cases\": [{\"name\": \"a\", \"status\": \"passed\"}, {\"name\": \"b\", \"status\": \"error\"}]}",
	    "", 0, { 2, 1, 1, 0 }, "partial" },
	{ TEST_SCRIPT, TEST_JSON, "{\"passed\": 5, \"failed\": -2}", "", 0, { 5, 5, 0, 0 }, "passed" },
	{ TEST_SCRIPT, TEST_JSON, "{\"passed\": 9223372036854775807, \"skipped\": 9223372036854775807}", "", 0,
	    { 2000000000, 1000000000, 0, 1000000000 }, "passed" },
	{ TEST_SCRIPT, TEST_SIMPLE, "Passed: 9223372036854775807\nSkipped: 9223372036854775807\n", "", 0,
	    { 2000000000, 1000000000, 0, 1000000000 }, "passed" },
	{ TEST_SCRIPT, TEST_JSON, "no json", "", 0, { 1, 1, 0, 0 }, "passed" },
	{ TEST_SCRIPT, TEST_SIMPLE, "Total Tests: 1\nSkipped: 1\n", "", 0, { 1, 0, 0, 1 }, "skipped" },
};

static bool
same(const TestCounts *x, const TestCounts *y)
{
	return x->total == y->total && x->passed == y->passed && x->failed == y->failed && x->skipped == y->skipped;
}

TEST(what_runners_print_is_counted)
{
	CLEANUP(arena_done) Arena *a = arena_open();

	for (size_t i = 0; i < countof(said); i++) {
		TestRunner r = { .name = str_of("r"),
			.kind = said[i].kind,
			.format = said[i].format,
			.entry_point = str_of("tests/t") };
		TestEnd end = { .code = said[i].code, .out = str_of(said[i].out), .err = str_of(said[i].err) };
		TestCounts c = { 0 };
		Json suite = test_suite(a, &r, &end, &c);

		if (!same(&c, &said[i].want) || !str_is(str_of(test_status(&c)), said[i].status))
			test_fail(__FILE__, __LINE__, "case %zu: %lld %lld %lld %lld %s", i, (long long)c.total,
			    (long long)c.passed, (long long)c.failed, (long long)c.skipped, test_status(&c));
		CHECK(json_as_int(json_get(&suite, "total"), -1) == c.total);
	}
}

TEST(a_runner_that_could_not_run_or_was_ended_is_a_failure_with_its_reason)
{
	CLEANUP(arena_done) Arena *a = arena_open();
	TestRunner r = { .name = str_of("r"), .entry_point = str_of("tests/t") };
	TestEnd end = { .problem = str_of("it did not end in time"),
		.out = str_of("Total Tests: 1\nPassed: 1\n"),
		.err = str_of("") };
	TestCounts c = { 0 };
	Json suite = test_suite(a, &r, &end, &c);
	const Json *one = json_at(json_get(&suite, "testCases"), 0);

	CHECK(c.total == 2 && c.passed == 1 && c.failed == 1);
	CHECK(str_is(json_get_text(one, "status"), "error"));
	CHECK(str_is(json_get_text(one, "errorMessage"), "it did not end in time"));
}

TEST(what_is_good_enough_is_said_by_the_pack)
{
	PackTests t = { .min_pass_rate = 1 };
	TestCounts most = { 10, 8, 2, 0 }, none = { 0 }, skipped = { 2, 0, 0, 2 };

	CHECK(!tests_good(&t, &most) && tests_good(&t, &none) && tests_good(&t, &skipped));
	t.min_pass_rate = 0.8;
	CHECK(tests_good(&t, &most));
	CHECK(test_pass_rate(&most) > 0.79 && test_pass_rate(&most) < 0.81);
}

TEST(a_long_name_is_not_cut_within_a_letter)
{
	CLEANUP(arena_done) Arena *a = arena_open();
	TestRunner r = { .name = str_of("r"), .kind = TEST_SCRIPT, .format = TEST_TAP, .entry_point = str_of("t") };
	Buf name = buf_open(a);
	TestCounts c = { 0 };
	Json suite;

	buf_fmt(&name, "ok 1 - x");
	for (int i = 0; i < 400; i++)
		buf_fmt(&name, "é");
	suite = test_suite(a, &r, &(TestEnd){ .out = buf_str(&name), .err = str_of("") }, &c);
	CHECK(utf8_valid(json_get_text(&json_get(&suite, "testCases")->items[0], "name")));
}
