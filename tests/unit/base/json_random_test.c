#include "base/json.h"

#include "oracle.h"
#include "test.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

enum { DOCUMENTS = 3000, REALS = 200000, MUTATIONS = 20000 };

static uint64_t
draw(uint64_t *state)
{
	uint64_t x = *state += 0x9e3779b97f4a7c15ull;

	x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9ull;
	x = (x ^ (x >> 27)) * 0x94d049bb133111ebull;
	return x ^ (x >> 31);
}

static Str
random_text(Arena *a, uint64_t *seed)
{
	static const char *const pieces[] = { "a", "bc", "def", "0123456789abcdef", "\"", "\\", "\n", "\x01", "\x7f",
		"/", "\xc3\xa9", "\xe2\x82\xac", "\xf0\x9f\x98\x80", "\xe2\x80\xa8", " ", "key" };
	Buf b = buf_open(a);

	for (uint64_t n = draw(seed) % 8; n > 0; n--)
		buf_text(&b, pieces[draw(seed) % countof(pieces)]);
	return buf_str(&b);
}

static double
random_real(uint64_t *seed)
{
	uint64_t bits = draw(seed);
	double d;

	if (draw(seed) % 3 == 0)
		return (double)(int64_t)(bits % 2000000) / 1000 - 1000;
	memcpy(&d, &bits, sizeof(d));
	return isfinite(d) ? d : 0.5;
}

static Json
random_value(Arena *a, uint64_t *seed, int depth)
{
	uint64_t kind = draw(seed) % (depth > 5 ? 5 : 8);
	Json v;

	if (kind < 5) {
		Json scalars[] = { json_null(), json_bool(draw(seed) % 2 == 0),
			json_int((int64_t)draw(seed) >> draw(seed) % 64), json_real(random_real(seed)),
			json_str(random_text(a, seed)) };

		return scalars[kind];
	}
	v = kind == 5 ? json_array() : json_object();
	for (uint64_t n = draw(seed) % (draw(seed) % 20 == 0 ? 40 : 8); n > 0; n--) {
		if (v.kind == JSON_ARRAY)
			json_push(a, &v, random_value(a, seed, depth + 1));
		else
			json_set_str(a, &v, random_text(a, seed), random_value(a, seed, depth + 1));
	}
	return v;
}

/* jansson reads what we print, we read what it prints, and all of it is the same value. */
static void
check_with_oracle(Arena *a, const Json *v)
{
	Str text = json_text(a, v);
	void *theirs = oracle_parse(text.p, text.n), *again;
	Json ours, back;
	Err err = { 0 };
	char *printed;

	CHECK_OK(json_parse(a, text, NULL, &ours, &err), err);
	CHECK(json_eq(v, &ours));
	CHECK_STR(json_text(a, &ours), text);
	if (theirs == NULL)
		test_fail(__FILE__, __LINE__, "jansson refuses %.*s", STR_ARG(text));
	printed = oracle_print(theirs);
	CHECK_OK(json_parse(a, str_of(printed), NULL, &back, &err), err);
	CHECK(json_eq(v, &back));
	text = json_text(a, &back);
	again = oracle_parse(text.p, text.n);
	CHECK(again != NULL && oracle_equal(theirs, again));
	free(printed);
	oracle_free(theirs);
	oracle_free(again);
}

TEST(random_documents_agree_with_jansson)
{
	CLEANUP(arena_done) Arena *a = arena_open();

	CHECK(oracle_open());
	for (uint64_t i = 1; i <= DOCUMENTS; i++) {
		uint64_t seed = i;
		Json v = random_value(a, &seed, 0);

		check_with_oracle(a, &v);
		arena_reset(a);
	}
}

/* What jansson cannot hold though it is JSON: numbers beyond its types, keys with a NUL. */
static bool
beyond_jansson(const Json *v)
{
	bool beyond = v->kind == JSON_BIG;

	for (uint32_t i = 0; v->kind == JSON_ARRAY && i < v->n; i++)
		beyond = beyond || beyond_jansson(&v->items[i]);
	for (uint32_t i = 0; v->kind == JSON_OBJECT && i < v->n; i++) {
		Str key = v->members[i].key;

		beyond = beyond || memchr(key.p, '\0', key.n) != NULL || beyond_jansson(&v->members[i].value);
	}
	return beyond;
}

TEST(damaged_documents_are_refused_when_jansson_refuses_them)
{
	CLEANUP(arena_done) Arena *a = arena_open();
	static const char bytes[] = "{}[],:\"\\ue0123456789.-+truefalsn \n\x80\xc3\xed\xf0";
	int refused = 0;

	CHECK(oracle_open());
	for (uint64_t i = 1; i <= MUTATIONS; i++) {
		uint64_t seed = i;
		Json v = random_value(a, &seed, 3);
		Str text = json_text(a, &v);
		char *p = (char *)(uintptr_t)text.p;
		void *theirs;
		bool good;

		p[draw(&seed) % text.n] = bytes[draw(&seed) % (sizeof(bytes) - 1)];
		theirs = oracle_parse(text.p, text.n);
		good = json_parse(a, text, NULL, &v, NULL);
		if (good != (theirs != NULL) && !(good && beyond_jansson(&v)))
			test_fail(__FILE__, __LINE__, "%s what jansson does not: %.*s", good ? "takes" : "refuses",
			    STR_ARG(text));
		refused += !good;
		oracle_free(theirs);
		arena_reset(a);
	}
	CHECK(refused > MUTATIONS / 10);
}

TEST(reals_print_shortest_and_read_back_the_same)
{
	CLEANUP(arena_done) Arena *a = arena_open();
	uint64_t seed = 5;

	for (int i = 0; i < REALS; i++) {
		double d = random_real(&seed);
		Buf b = buf_open(a);
		char shorter[40];
		Err err = { 0 };
		size_t digits = 0;
		Json v;

		json_print_real(&b, d);
		CHECK_OK(json_parse(a, buf_str(&b), NULL, &v, &err), err);
		CHECK(v.kind == JSON_REAL && memcmp(&v.d, &d, sizeof(d)) == 0);
		for (size_t k = 0; k < b.n && b.p[k] != 'e'; k++)
			digits += b.p[k] >= (digits == 0 ? '1' : '0') && b.p[k] <= '9';
		if (digits > 2 && b.p[b.n - 1] != '0') { /* with one digit less it is another number */
			snprintf(shorter, sizeof(shorter), "%.*e", (int)digits - 2, d);
			CHECK(strtod(shorter, NULL) != d || digits <= 15);
		}
		arena_reset(a);
	}
}

TEST(reals_of_every_length_of_text_are_read_as_the_c_library_reads_them)
{
	CLEANUP(arena_done) Arena *a = arena_open();
	uint64_t seed = 9;

	for (int i = 0; i < REALS; i++) {
		Str text = str_fmt(a, "%llu.%0*llue%d", (unsigned long long)(draw(&seed) >> draw(&seed) % 64),
		    (int)(draw(&seed) % 6), (unsigned long long)(draw(&seed) >> draw(&seed) % 64),
		    (int)(draw(&seed) % 60) - 30);
		double want = strtod(text.p, NULL);
		Err err = { 0 };
		Json v;

		CHECK_OK(json_parse(a, text, NULL, &v, &err), err);
		CHECK(v.kind == JSON_REAL ? memcmp(&v.d, &want, sizeof(want)) == 0 : v.kind == JSON_BIG);
		arena_reset(a);
	}
}
