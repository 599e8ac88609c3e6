#include "test.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

typedef struct Place {
	const char *file; /* NULL: none */
	int line;
} Place;

/*
 * A test ends by a jump that only the thread it runs on can make. Another thread that finds something wrong says so at once, notes the
 * first of it here, and ends; the test fails by it at its next check, or at its end.
 */
static _Thread_local bool runs_tests;
static pthread_mutex_t noting = PTHREAD_MUTEX_INITIALIZER;
static Place noted;

/* Tests in the order in which their files wrote them. */
static TestCase *first;
static TestCase **end = &first;

void
test_add(TestCase *t)
{
	*end = t;
	end = &t->next;
}

/* Keeps the first until it is taken, by noting none; returns what was there. */
static Place
note(Place what)
{
	Place was;

	pthread_mutex_lock(&noting);
	was = noted;
	if (what.file == NULL || was.file == NULL)
		noted = what;
	pthread_mutex_unlock(&noting);
	return was;
}

static void
fail_by_note(void)
{
	Place was = { NULL, 0 };

	if (runs_tests)
		was = note(was);
	if (was.file != NULL)
		_fail(was.file, was.line);
}

void
test_fail(const char *file, int line, const char *fmt, ...)
{
	char text[2000];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	if (!runs_tests) {
		fprintf(stderr, "%s:%d, on a thread of the test: %s\n", file, line, text);
		note((Place){ file, line });
		pthread_exit(NULL);
	}
	print_error("%s\n", text);
	_fail(file, line);
	abort();
}

void
test_check(bool holds, const char *text, const char *file, int line)
{
	fail_by_note();
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

	note((Place){ NULL, 0 }); /* of a thread that the test before did not wait for */
	t->run();
	fail_by_note();
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

	runs_tests = true;
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
