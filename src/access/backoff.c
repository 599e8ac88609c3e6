#include "access/backoff.h"

#include <pthread.h>
#include <stdlib.h>

enum { ENTRIES = 4096, WAYS = 8, FORGOTTEN_S = 900, LOST_S = 60 };

typedef struct Rule {
	unsigned free;      /* failures without waiting */
	unsigned together;  /* tries at once while there are fewer */
	TimeUs first, most; /* the waits after them */
} Rule;

enum { BY_BOTH, BY_LOGIN, BY_ADDRESS, RULES };

static const Rule rules[RULES] = {
	[BY_BOTH] = { 5, 16, 6 * US_PER_S, 60 * US_PER_S },
	[BY_LOGIN] = { 20, 64, 6 * US_PER_S, 6 * US_PER_S },
	[BY_ADDRESS] = { 50, 64, US_PER_S, 30 * US_PER_S },
};

typedef struct Entry {
	uint64_t key;            /* 0: free */
	unsigned failed, flying; /* tries that have failed, and that are being looked at */
	TimeUs last, until;
} Entry;

struct Backoff {
	const Clock *clock;
	pthread_mutex_t lock;
	Entry entries[ENTRIES];
};

Backoff *
backoff_open(const Clock *clock)
{
	Backoff *b = calloc(1, sizeof(Backoff));

	if (b == NULL)
		abort();
	b->clock = clock;
	pthread_mutex_init(&b->lock, NULL);
	return b;
}

void
backoff_close(Backoff *b)
{
	if (b == NULL)
		return;
	pthread_mutex_destroy(&b->lock);
	free(b);
}

static uint64_t
key_of(size_t rule, Str login, Str address)
{
	uint64_t key = (uint64_t)rule + 1;

	if (rule != BY_ADDRESS)
		key = key * 0x9e3779b97f4a7c15ULL ^ str_hash(login);
	if (rule != BY_LOGIN)
		key = key * 0x9e3779b97f4a7c15ULL ^ str_hash(address);
	return key == 0 ? 1 : key;
}

/* One of a few places; where all are taken, the one that was quiet for the longest time gives way. */
static Entry *
entry_of(Backoff *b, uint64_t key, TimeUs now)
{
	size_t from = (size_t)(key % (ENTRIES / WAYS)) * WAYS;
	Entry *oldest = &b->entries[from];

	for (size_t i = from; i < from + WAYS; i++) {
		Entry *e = &b->entries[i];

		if (e->key == key) {
			if (now - e->last > FORGOTTEN_S * (TimeUs)US_PER_S)
				*e = (Entry){ .key = key };
			return e;
		}
		if (e->last < oldest->last)
			oldest = e;
	}
	*oldest = (Entry){ .key = key };
	return oldest;
}

/* Where many have failed, one is looked at after the other. */
static TimeUs
entry_wait(Entry *e, const Rule *r, TimeUs now)
{
	if (now - e->last > LOST_S * (TimeUs)US_PER_S)
		e->flying = 0; /* whoever asked has gone away without a result */
	if (e->until > now)
		return e->until - now;
	return e->flying >= (e->failed >= r->free ? 1 : r->together) ? US_PER_S : 0;
}

TimeUs
backoff_try(Backoff *b, Str login, Str address)
{
	TimeUs now = clock_mono(b->clock), wait = 0;
	Entry *entries[RULES];

	pthread_mutex_lock(&b->lock);
	for (size_t i = 0; i < RULES; i++) {
		TimeUs one;

		entries[i] = entry_of(b, key_of(i, login, address), now);
		one = entry_wait(entries[i], &rules[i], now);
		wait = one > wait ? one : wait;
	}
	for (size_t i = 0; wait == 0 && i < RULES; i++) {
		entries[i]->flying++;
		entries[i]->last = now;
	}
	pthread_mutex_unlock(&b->lock);
	return wait;
}

static void
failed_once(Entry *e, const Rule *r, TimeUs now)
{
	TimeUs wait = r->first;

	e->failed++;
	e->last = now;
	if (e->failed < r->free)
		return;
	for (unsigned i = r->free; i < e->failed && wait < r->most; i++)
		wait *= 2;
	e->until = now + (wait < r->most ? wait : r->most);
}

/* A try that was right forgives what this login did from here before. */
void
backoff_end(Backoff *b, Str login, Str address, TryEnd end)
{
	TimeUs now = clock_mono(b->clock);

	pthread_mutex_lock(&b->lock);
	for (size_t i = 0; i < RULES; i++) {
		Entry *e = entry_of(b, key_of(i, login, address), now);

		if (e->flying > 0)
			e->flying--;
		if (end == TRY_BAD)
			failed_once(e, &rules[i], now);
		else if (end == TRY_GOOD && i == BY_BOTH)
			e->failed = 0;
	}
	pthread_mutex_unlock(&b->lock);
}
