#include "base/arena.h"

#include "test.h"

TEST(memory_is_zeroed_aligned_and_separate)
{
	CLEANUP(arena_done) Arena *a = arena_open();
	unsigned char *before = NULL;

	for (size_t size = 0; size < 5000; size += 7) {
		unsigned char *p = arena_alloc(a, size);

		CHECK_INT((int64_t)((uintptr_t)p % 16), 0);
		for (size_t i = 0; i < size; i++)
			CHECK(p[i] == 0);
		memset(p, 0xff, size);
		CHECK(p != before);
		before = p;
	}
}

TEST(a_reset_arena_gives_zeroed_memory_again)
{
	CLEANUP(arena_done) Arena *a = arena_open();

	for (int round = 0; round < 20; round++) {
		unsigned char *p = arena_alloc(a, 100000);

		for (size_t i = 0; i < 100000; i++)
			CHECK(p[i] == 0);
		memset(p, 0xff, 100000);
		arena_reset(a);
	}
	CHECK(arena_used(a) < 1000000);
}

TEST(rewinding_keeps_what_was_there_before_the_mark)
{
	CLEANUP(arena_done) Arena *a = arena_open();
	char *kept = arena_copy(a, "kept", 5);
	size_t used = 0;

	for (int i = 0; i < 100; i++) {
		ArenaMark m = arena_mark(a);

		memset(arena_alloc(a, 40000), 1, 40000);
		memset(arena_alloc(a, 400000), 1, 400000);
		arena_rewind(a, m);
		if (i == 0)
			used = arena_used(a);
		CHECK_INT((int64_t)arena_used(a), (int64_t)used);
	}
	CHECK_STR(str_of(kept), str_of("kept"));
}

TEST(rewinding_an_empty_arena_empties_it)
{
	CLEANUP(arena_done) Arena *a = arena_open();
	ArenaMark m = arena_mark(a);

	arena_alloc(a, 10);
	arena_rewind(a, m);
	CHECK_INT((int64_t)arena_used(a), 0);
	memset(arena_alloc(a, 10), 1, 10);
}

TEST(growing_keeps_the_bytes_and_grows_in_place_when_last)
{
	CLEANUP(arena_done) Arena *a = arena_open();
	char *p = arena_copy(a, "abc", 3);
	char *q = arena_grow(a, p, 3, 1000);

	CHECK(p == q);
	memset(q + 3, 'x', 997);
	arena_alloc(a, 1);
	p = arena_grow(a, q, 1000, 2000);
	CHECK(p != q);
	CHECK(memcmp(p, "abcx", 4) == 0 && p[999] == 'x');
	CHECK(arena_grow(a, p, 2000, 10) == p);
	CHECK(arena_grow(a, NULL, 0, 10) != NULL);
}

TEST(after_a_rewind_nothing_grows_over_what_was_kept)
{
	CLEANUP(arena_done) Arena *a = arena_open();
	char *p = arena_copy(a, "abc", 4);
	ArenaMark m = arena_mark(a);
	char *other;

	arena_alloc(a, 100);
	arena_rewind(a, m);
	other = arena_copy(a, "other", 6);
	p = arena_grow(a, p, 4, 64);
	memset(p + 4, 'x', 60);
	CHECK_STR(str_of(other), str_of("other"));
	CHECK(memcmp(p, "abc", 4) == 0);
}
