#include "base/map.h"

#include "test.h"

enum { KEYS = 500, STEPS = 60000 };

static uint32_t
draw(uint32_t *state)
{
	*state ^= *state << 13;
	*state ^= *state >> 17;
	*state ^= *state << 5;
	return *state;
}

static void
check_walk(const Map *m, void *const *want, size_t live)
{
	size_t at = 0, count = 0;
	int64_t key;
	void *value;

	while (map_next(m, &at, &key, NULL, &value)) {
		CHECK(want[key + KEYS / 2] == value);
		count++;
	}
	CHECK_INT((int64_t)count, (int64_t)live);
	CHECK_INT((int64_t)m->n, (int64_t)live);
}

TEST(a_map_of_integers_holds_what_an_array_would)
{
	CLEANUP(arena_done) Arena *a = arena_open();
	Map m = map_open(a);
	void *want[KEYS] = { 0 };
	uint32_t seed = 7;
	size_t live = 0;

	for (int i = 0; i < STEPS; i++) {
		int64_t key = draw(&seed) % KEYS;
		void *value = draw(&seed) % 3 == 0 ? NULL : &want[draw(&seed) % KEYS];

		live += (value != NULL) - (size_t)(want[key] != NULL);
		want[key] = value;
		map_put(&m, key - KEYS / 2, value);
		key = draw(&seed) % KEYS;
		CHECK(map_get(&m, key - KEYS / 2) == want[key]);
		if (i % 1000 == 0)
			check_walk(&m, want, live);
	}
}

TEST(a_map_of_strings_holds_what_an_array_would)
{
	CLEANUP(arena_done) Arena *a = arena_open();
	Map m = map_open(a);
	void *want[KEYS] = { 0 };
	Str names[KEYS];
	uint32_t seed = 11;

	for (int i = 0; i < KEYS; i++)
		names[i] = str_fmt(a, "pack%d.action%d", i % 7, i);
	for (int i = 0; i < STEPS; i++) {
		uint32_t key = draw(&seed) % KEYS;

		want[key] = draw(&seed) % 2 == 0 ? NULL : &want[draw(&seed) % KEYS];
		map_put_str(&m, names[key], want[key]);
		key = draw(&seed) % KEYS;
		CHECK(map_get_str(&m, names[key]) == want[key]);
	}
}

TEST(integers_and_strings_do_not_meet)
{
	CLEANUP(arena_done) Arena *a = arena_open();
	Map m = map_open(a);
	int x, y;
	Str name = str_of("key");

	CHECK(map_get(&m, 1) == NULL && map_get_str(&m, name) == NULL);
	map_put_str(&m, name, &x);
	CHECK(map_get(&m, (int64_t)str_hash(name)) == NULL);
	map_put(&m, (int64_t)str_hash(name), &y);
	CHECK(map_get_str(&m, name) == &x && map_get(&m, (int64_t)str_hash(name)) == &y);
	map_put_str(&m, str_of(""), &y);
	CHECK(map_get_str(&m, (Str){ 0 }) == &y && map_get(&m, 0) == NULL);
}

TEST(entries_may_be_deleted_during_a_walk)
{
	CLEANUP(arena_done) Arena *a = arena_open();
	Map m = map_open(a);
	size_t at = 0, seen = 0;
	int64_t key;

	for (int64_t i = 0; i < 1000; i++)
		map_put(&m, i, a);
	while (map_next(&m, &at, &key, NULL, NULL)) {
		seen++;
		map_put(&m, key, NULL);
	}
	CHECK_INT((int64_t)seen, 1000);
	CHECK_INT((int64_t)m.n, 0);
}

TEST(coming_and_going_takes_no_more_memory)
{
	CLEANUP(arena_done) Arena *a = arena_open();
	Map m = map_open(a);
	size_t used = 0;

	for (int64_t i = 0; i < 200000; i++) {
		map_put(&m, i * 8191, a);
		if (i >= 100)
			map_put(&m, (i - 100) * 8191, NULL);
		if (i == 1000)
			used = arena_used(a);
	}
	CHECK_INT((int64_t)m.n, 100);
	CHECK_INT((int64_t)arena_used(a), (int64_t)used);
}

TEST(a_vector_keeps_order)
{
	CLEANUP(arena_done) Arena *a = arena_open();
	Vec v = vec_open(a);
	char bytes[1000];

	for (int i = 0; i < 1000; i++) {
		vec_push(&v, bytes + i);
		arena_alloc(a, 1);
	}
	for (int i = 0; i < 1000; i++)
		CHECK(v.items[i] == bytes + i);
}

TEST(filling_and_emptying_over_and_over_takes_no_more_memory)
{
	CLEANUP(arena_done) Arena *a = arena_open();
	Map m = map_open(a);
	size_t used = 0, cap = 0;

	for (int64_t round = 0; round < 50; round++) {
		for (int64_t i = 0; i < 1500; i++)
			map_put(&m, round * 1500 + i, a);
		if (round == 0) {
			used = arena_used(a);
			cap = m.cap;
		}
		for (int64_t i = 0; i < 1500; i++)
			map_put(&m, round * 1500 + i, NULL);
		CHECK_INT((int64_t)m.n, 0);
		CHECK(map_get(&m, round * 1500 + 7) == NULL);
		map_put(&m, -1 - round, a);
		CHECK(map_get(&m, -1 - round) == a);
		map_put(&m, -1 - round, NULL);
	}
	CHECK_INT((int64_t)m.cap, (int64_t)cap);
	CHECK_INT((int64_t)arena_used(a), (int64_t)used);
}

TEST(deleted_entries_do_not_make_the_table_grow)
{
	CLEANUP(arena_done) Arena *a = arena_open();
	Map m = map_open(a);

	for (int64_t i = 0; i < 1500; i++)
		map_put(&m, i, a);
	CHECK_INT((int64_t)m.cap, 2048);
	for (int64_t i = 0; i < 800; i++)
		map_put(&m, i, NULL); /* leaves gaps in the middle of long runs */
	for (int64_t i = 0; i < 20000; i++) {
		map_put(&m, 10000 + i, a);
		if (i >= 300)
			map_put(&m, 10000 + i - 300, NULL);
	}
	CHECK_INT((int64_t)m.cap, 2048);
	for (int64_t i = 0; i < 800; i++)
		CHECK(map_get(&m, i) == NULL);
}
