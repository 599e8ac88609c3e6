#include "access/hasher.h"

#include "test.h"

#include <pthread.h>
#include <stdio.h>

typedef struct Told {
	pthread_mutex_t lock;
	pthread_cond_t changed;
	int done;
} Told;

static void
on_done(void *self, int64_t key)
{
	Told *t = self;

	(void)key;
	pthread_mutex_lock(&t->lock);
	t->done++;
	pthread_cond_broadcast(&t->changed);
	pthread_mutex_unlock(&t->lock);
}

static void
wait_done(Told *t, int n)
{
	pthread_mutex_lock(&t->lock);
	while (t->done < n)
		pthread_cond_wait(&t->changed, &t->lock);
	pthread_mutex_unlock(&t->lock);
}

TEST(a_password_is_hashed_and_known_again_and_another_is_not)
{
	CLEANUP(arena_done) Arena *a = arena_open();
	Told told = { PTHREAD_MUTEX_INITIALIZER, PTHREAD_COND_INITIALIZER, 0 };
	HasherConfig config = { .clock = clock_real(), .threads = 1, .done = on_done, .self = &told };
	HashResult made, same, other;
	Hasher *h;
	Err err = { 0 };

	CHECK(secret_init(&err) && hasher_open(&config, &h, &err));
	CHECK(hasher_give(h, -1, &(HashJob){ .make = str_of("correct horse") }));
	wait_done(&told, 1);
	CHECK(hasher_take(h, a, -1, &made) == HASH_DONE && made.good);
	CHECK(str_starts(made.hash, str_of("$argon2id$v=19$m=19456,t=2,p=1$")));
	CHECK(hasher_take(h, a, -1, &made) == HASH_NONE);
	CHECK(hasher_give(h, -2, &(HashJob){ .check = str_of("correct horse"), .against = made.hash }));
	CHECK(hasher_give(h, -3, &(HashJob){ .check = str_of("wrong horse"), .against = made.hash }));
	wait_done(&told, 3);
	CHECK(hasher_take(h, a, -2, &same) == HASH_DONE && same.good);
	CHECK(hasher_take(h, a, -3, &other) == HASH_DONE && !other.good);
	hasher_close(h);
}

TEST(whoever_gives_a_password_longer_than_any_is_woken_at_once)
{
	CLEANUP(arena_done) Arena *a = arena_open();
	Told told = { PTHREAD_MUTEX_INITIALIZER, PTHREAD_COND_INITIALIZER, 0 };
	HasherConfig config = { .clock = clock_real(), .threads = 1, .done = on_done, .self = &told };
	char *password = arena_alloc(a, 5000);
	HashResult none;
	Hasher *h;
	Err err = { 0 };

	memset(password, 'x', 5000);
	CHECK(secret_init(&err) && hasher_open(&config, &h, &err));
	CHECK(hasher_give(h, -1, &(HashJob){ .check = { password, 5000 }, .against = str_of("$argon2id$") }));
	CHECK_INT(told.done, 1);
	CHECK(hasher_take(h, a, -1, &none) == HASH_DONE && !none.good);
	hasher_close(h);
}

static TimeUs
time_of(void *self)
{
	return *(const TimeUs *)self;
}

TEST(those_who_have_gone_without_their_answer_keep_nobody_out)
{
	Told told = { PTHREAD_MUTEX_INITIALIZER, PTHREAD_COND_INITIALIZER, 0 };
	TimeUs now = US_PER_S;
	Clock clock = { .wall = time_of, .mono = time_of, .self = &now };
	HasherConfig config = { .clock = &clock, .threads = 1, .done = on_done, .self = &told };
	char password[5000];
	HashJob job = { .check = { password, sizeof(password) }, .against = str_of("$argon2id$") };
	int64_t key = 0;
	Hasher *h;
	Err err = { 0 };

	memset(password, 'x', sizeof(password));
	CHECK(secret_init(&err) && hasher_open(&config, &h, &err));
	while (key > -1000 && hasher_give(h, key - 1, &job))
		key--;
	CHECK(key < 0 && key > -1000); /* there is an end of places */
	now += 3 * US_PER_S;
	CHECK(hasher_give(h, -2000, &job));
	hasher_close(h);
}

TEST(a_full_queue_refuses_at_once)
{
	Told told = { PTHREAD_MUTEX_INITIALIZER, PTHREAD_COND_INITIALIZER, 0 };
	HasherConfig config = { .clock = clock_real(), .threads = 1, .queue = 2, .done = on_done, .self = &told };
	int taken = 0;
	Hasher *h;
	Err err = { 0 };

	CHECK(secret_init(&err) && hasher_open(&config, &h, &err));
	for (int i = 1; i <= 20; i++)
		taken += hasher_give(h, -i, &(HashJob){ .make = str_of("correct horse") });
	CHECK(taken >= 2 && taken <= 4);
	wait_done(&told, taken);
	hasher_close(h);
}

/* One of many at once: a hash of a password of its own, which fits it and no other. */
typedef struct Asker {
	pthread_t thread;
	Hasher *h;
	Told *told;
	int64_t key;
	bool wrong;
} Asker;

static HashResult
ask(Asker *k, Arena *a, const HashJob *job)
{
	HashResult r = { 0 };
	int done = 0;
	bool given = false;

	for (;;) {
		pthread_mutex_lock(&k->told->lock);
		done = k->told->done;
		pthread_mutex_unlock(&k->told->lock);
		given = given || hasher_give(k->h, k->key, job);
		if (given && hasher_take(k->h, a, k->key, &r) == HASH_DONE)
			return r;
		wait_done(k->told, done + 1);
	}
}

static void *
asker_main(void *self)
{
	Asker *k = self;
	CLEANUP(arena_done) Arena *a = arena_open();
	char text[32];
	Str mine = { text, (size_t)snprintf(text, sizeof(text), "password %lld", (long long)k->key) };
	HashResult made = ask(k, a, &(HashJob){ .make = mine });

	k->wrong = !made.good || !ask(k, a, &(HashJob){ .check = mine, .against = made.hash }).good ||
		   ask(k, a, &(HashJob){ .check = str_of("another"), .against = made.hash }).good;
	return NULL;
}

TEST(many_who_ask_at_once_each_get_their_own_answer)
{
	Told told = { PTHREAD_MUTEX_INITIALIZER, PTHREAD_COND_INITIALIZER, 0 };
	HasherConfig config = { .clock = clock_real(), .threads = 2, .queue = 2, .done = on_done, .self = &told };
	Asker askers[6];
	Hasher *h;
	Err err = { 0 };

	CHECK(secret_init(&err) && hasher_open(&config, &h, &err));
	for (size_t i = 0; i < countof(askers); i++) {
		askers[i] = (Asker){ .h = h, .told = &told, .key = (int64_t)i + 1 };
		CHECK_INT(pthread_create(&askers[i].thread, NULL, asker_main, &askers[i]), 0);
	}
	for (size_t i = 0; i < countof(askers); i++) {
		CHECK_INT(pthread_join(askers[i].thread, NULL), 0);
		CHECK(!askers[i].wrong);
	}
	hasher_close(h);
}

TEST(closing_does_not_wait_for_what_is_queued)
{
	Told told = { PTHREAD_MUTEX_INITIALIZER, PTHREAD_COND_INITIALIZER, 0 };
	HasherConfig config = { .clock = clock_real(), .threads = 2, .queue = 64, .done = on_done, .self = &told };
	Hasher *h;
	Err err = { 0 };

	CHECK(secret_init(&err) && hasher_open(&config, &h, &err));
	for (int i = 1; i <= 64; i++)
		CHECK(hasher_give(h, i, &(HashJob){ .make = str_of("correct horse") }));
	wait_done(&told, 1);
	hasher_close(h);
	CHECK(told.done < 64);
}
