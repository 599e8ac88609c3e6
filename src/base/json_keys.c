#include "base/json_inner.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/auxv.h>

enum { SMALL = 16 };

/* The first key that was there already. */
typedef struct Twice {
	bool found;
	size_t at;
	Str key;
} Twice;

static void
note_twice(Twice *t, size_t at, Str key)
{
	if (!t->found)
		*t = (Twice){ true, at, key };
}

static inline unsigned
bloom_bit(Str key)
{
	unsigned first = key.n == 0 ? 0 : (unsigned char)key.p[0];
	unsigned last = key.n == 0 ? 0 : (unsigned char)key.p[key.n - 1];

	return (first * 5 + last * 3 + (unsigned)key.n) & 63;
}

static size_t
position_small(const JsonMember *members, size_t n, Str key)
{
	for (size_t i = 0; i < n; i++)
		if (str_eq(members[i].key, key))
			return i;
	return n;
}

/* Few members: a bit per key says nearly always that there is nothing to search for. */
static void
settle_small(JsonMember *members, size_t *n, Twice *t)
{
	uint64_t seen = 0;
	size_t kept = 0;

	for (size_t i = 0; i < *n; i++) {
		uint64_t bit = 1ull << bloom_bit(members[i].key);
		size_t at = (seen & bit) == 0 ? kept : position_small(members, kept, members[i].key);

		seen |= bit;
		if (at < kept) {
			members[at].value = members[i].value;
			note_twice(t, i, members[i].key);
		} else {
			if (kept != i)
				members[kept] = members[i];
			kept++;
		}
	}
	*n = kept;
}

/* Sixteen bytes that the kernel drew for this process: keys cannot be chosen to collide. */
static uint64_t
process_seed(void)
{
	const char *random = (const char *)(uintptr_t)getauxval(AT_RANDOM);
	uint64_t seed = 0x9e3779b97f4a7c15ull;

	if (random != NULL)
		memcpy(&seed, random + 8, sizeof(seed)); /* the first half guards the stack */
	return seed | 1;
}

static inline uint64_t
fold(uint64_t a, uint64_t b)
{
	__uint128_t product = (__uint128_t)a * b;

	return (uint64_t)product ^ (uint64_t)(product >> 64);
}

static uint64_t
hash(Str key, uint64_t seed)
{
	uint64_t h = seed ^ key.n, part;
	size_t i = 0;

	for (; i + 8 <= key.n; i += 8) {
		memcpy(&part, key.p + i, 8);
		h = fold(h ^ part ^ seed, 0xa0761d6478bd642full ^ (seed << 1));
	}
	part = 0;
	if (i < key.n)
		memcpy(&part, key.p + i, key.n - i);
	return fold(h ^ part ^ 0xe7037ed1a0b428dbull, 0x8ebc6af09c88c6e3ull ^ seed);
}

static uint32_t *
table_of(size_t cap)
{
	uint32_t *table = calloc(cap, sizeof(uint32_t));

	if (table == NULL) {
		fprintf(stderr, "attune: out of memory (%zu keys)\n", cap);
		abort();
	}
	return table;
}

static void
settle_large(JsonMember *members, size_t *n, Twice *t)
{
	uint64_t seed = process_seed();
	size_t cap = 64, kept = 0;
	uint32_t *table; /* 1 + index of a kept member; 0: free */

	while (cap < *n * 2)
		cap *= 2;
	table = table_of(cap);
	for (size_t i = 0; i < *n; i++) {
		Str key = members[i].key;
		size_t at = hash(key, seed) & (cap - 1);

		while (table[at] != 0 && !str_eq(members[table[at] - 1].key, key))
			at = (at + 1) & (cap - 1);
		if (table[at] != 0) {
			members[table[at] - 1].value = members[i].value;
			note_twice(t, i, members[i].key);
			continue;
		}
		if (kept != i)
			members[kept] = members[i];
		table[at] = (uint32_t)++kept;
	}
	free(table);
	*n = kept;
}

bool
json_keys_settle(JsonMember *members, size_t *n, size_t *ret_twice, Str *ret_key)
{
	Twice t = { .found = false };

	if (*n <= SMALL)
		settle_small(members, n, &t);
	else
		settle_large(members, n, &t);
	if (t.found) {
		*ret_twice = t.at;
		*ret_key = t.key;
	}
	return !t.found;
}
