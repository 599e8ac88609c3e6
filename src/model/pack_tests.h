/*
 * The tests of a pack: what its pack.yaml says of them (`testing:`), and what the output of a runner means. Pure; who runs them is
 * runtime/pack_tests.h.
 */
#pragma once

#include "base/clock.h"
#include "base/json.h"

typedef enum TestRunnerKind { TEST_SCRIPT, TEST_UNITTEST, TEST_PYTEST, TEST_RUNNER_KINDS } TestRunnerKind;
typedef enum TestFormat { TEST_SIMPLE, TEST_JSON, TEST_TAP, TEST_FORMATS } TestFormat;

extern const char *const test_runner_names[TEST_RUNNER_KINDS + 1]; /* end with NULL */
extern const char *const test_format_names[TEST_FORMATS + 1];

typedef struct TestRunner {
	Str name;
	TestRunnerKind kind;
	Str entry_point; /* of the pack: a file, or a folder for unittest and pytest */
	TimeUs timeout;
	TestFormat format;
} TestRunner;

typedef struct PackTests {
	bool enabled; /* else there are none */
	TestRunner *runners;
	size_t runner_count;
	double min_pass_rate; /* 0 to 1 */
	bool only_warn;       /* a pack whose tests fail is installed all the same */
} PackTests;

typedef struct TestCounts {
	int64_t total, passed, failed, skipped;
} TestCounts;

/* How the process of a runner ended. */
typedef struct TestEnd {
	Str problem; /* it could not be started, or had to be ended: why. None: it ended by itself */
	int code;    /* exit code; 128 and the signal's number */
	Str out, err;
	TimeUs took;
} TestEnd;

/* One suite as clients see it; its numbers are added to *counts. */
Json test_suite(Arena *a, const TestRunner *r, const TestEnd *end, TestCounts *counts);
double test_pass_rate(const TestCounts *c);               /* skipped ones do not count; 1 when none is left */
const char *test_status(const TestCounts *c);             /* "passed", "failed", "partial", "skipped" */
bool tests_good(const PackTests *t, const TestCounts *c); /* is that enough for an install? */
