#include "http/rate.h"

#include <pthread.h>
#include <stdlib.h>

enum { SETS = 4096, WAYS = 4, LOCKS = 64 };

typedef struct Bucket {
	uint64_t key;
	double tokens;
	TimeUs at; /* when it held them; 0: the place is free */
} Bucket;

struct RateTable {
	pthread_mutex_t locks[LOCKS];
	Bucket sets[SETS][WAYS];
};

RateTable *
rate_open(void)
{
	RateTable *t = calloc(1, sizeof(RateTable));

	if (t == NULL)
		abort();
	for (int i = 0; i < LOCKS; i++)
		pthread_mutex_init(&t->locks[i], NULL);
	return t;
}

void
rate_close(RateTable *t)
{
	if (t == NULL)
		return;
	for (int i = 0; i < LOCKS; i++)
		pthread_mutex_destroy(&t->locks[i]);
	free(t);
}

static Bucket *
bucket_of(Bucket *set, uint64_t key, int64_t burst, TimeUs now)
{
	Bucket *oldest = &set[0];

	for (int i = 0; i < WAYS; i++) {
		if (set[i].at != 0 && set[i].key == key)
			return &set[i];
		if (set[i].at < oldest->at)
			oldest = &set[i];
	}
	*oldest = (Bucket){ .key = key, .tokens = (double)burst, .at = now };
	return oldest;
}

bool
rate_take(RateTable *t, uint64_t key, int64_t per_second, int64_t burst, TimeUs now, RateState *ret)
{
	size_t set = (size_t)(key * 0x9e3779b97f4a7c15ULL >> 52) % SETS;
	pthread_mutex_t *lock = &t->locks[set % LOCKS];
	bool taken;
	Bucket *b;

	pthread_mutex_lock(lock);
	b = bucket_of(t->sets[set], key, burst, now);
	b->tokens += (double)(now - b->at) * (double)per_second / US_PER_S;
	if (b->tokens > (double)burst)
		b->tokens = (double)burst;
	b->at = now;
	taken = b->tokens >= 1;
	if (taken)
		b->tokens -= 1;
	*ret = (RateState){ .limit = burst,
		.remaining = (int64_t)b->tokens,
		.full = (TimeUs)(((double)burst - b->tokens) * US_PER_S / (double)per_second) };
	if (!taken)
		ret->wait = (TimeUs)((1 - b->tokens) * US_PER_S / (double)per_second) + 1;
	pthread_mutex_unlock(lock);
	return taken;
}
