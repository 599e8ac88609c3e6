/*
 * TEST(name) writes a test whose name is the promise; CHECK(x) fails it with file and line. A test program is one or more
 * files of tests linked with test.c; it runs them all in order, or those whose names hold one of its arguments. A CHECK that does not
 * hold ends the thread it is on: another one than the test's own lets the test fail by it later, when that has waited for it.
 */
#pragma once

#include "base/err.h"

typedef struct TestCase TestCase;
struct TestCase {
	const char *name;
	void (*run)(void);
	TestCase *next;
};

void test_add(TestCase *t);
void test_check(bool holds, const char *text, const char *file, int line);
void test_check_str(Str got, Str want, const char *file, int line);
void test_check_int(int64_t got, int64_t want, const char *text, const char *file, int line);
NORETURN void test_fail(const char *file, int line, const char *fmt, ...) PRINTF(3, 4);
void test_skip(const char *why); /* does not return */

#define TEST(id) \
	static void id(void); \
	__attribute__((constructor)) static void add_##id(void) \
	{ \
		static TestCase t = { .name = #id, .run = id }; \
		test_add(&t); \
	} \
	static void id(void)

#define CHECK(x) test_check((x), #x, __FILE__, __LINE__)
#define CHECK_STR(got, want) test_check_str((got), (want), __FILE__, __LINE__)
#define CHECK_INT(got, want) test_check_int((got), (want), #got, __FILE__, __LINE__)
#define CHECK_OK(call, err) ((call) ? (void)0 : test_fail(__FILE__, __LINE__, "%s: %s", #call, (err).text))
