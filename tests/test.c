#include "test.h"

#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

/* Tests in the order in which their files wrote them. */
static TestCase *first;
static TestCase **end = &first;

void
test_add(TestCase *t)
{
	*end = t;
	end = &t->next;
}

void
test_fail(const char *file, int line, const char *fmt, ...)
{
	char text[2000];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	print_error("%s\n", text);
	_fail(file, line);
	abort();
}

void
test_check(bool holds, const char *text, const char *file, int line)
{
	if (!holds)
		test_fail(file, line, "does not hold: %s", text);
}

void
test_check_str(Str got, Str want, const char *file, int line)
{
	if (!str_eq(got, want))
		test_fail(file, line, "got '%.*s', not '%.*s'", STR_ARG(got), STR_ARG(want));
}

void
test_check_int(int64_t got, int64_t want, const char *text, const char *file, int line)
{
	if (got != want)
		test_fail(file, line, "%s is %lld, not %lld", text, (long long)got, (long long)want);
}

void
test_skip(const char *why)
{
	print_message("skipped: %s\n", why);
	skip();
}

static void
run_one(void **state)
{
	const TestCase *t = *state;

	t->run();
}

static bool
chosen(const TestCase *t, int argc, char **argv)
{
	for (int i = 1; i < argc; i++)
		if (strstr(t->name, argv[i]) != NULL)
			return true;
	return argc < 2;
}

int
main(int argc, char **argv)
{
	struct CMUnitTest tests[512];
	size_t n = 0;

	for (TestCase *t = first; t != NULL; t = t->next) {
		if (!chosen(t, argc, argv))
			continue;
		if (n == countof(tests)) {
			fprintf(stderr, "more than %zu tests in one program\n", countof(tests));
			return 2;
		}
		tests[n++] = (struct CMUnitTest){ .name = t->name, .test_func = run_one, .initial_state = t };
	}
	if (n == 0) {
		fprintf(stderr, "no such test\n");
		return 2;
	}
	return _cmocka_run_group_tests("tests", tests, n, NULL, NULL);
}
