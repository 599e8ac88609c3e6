#include "access/hasher.h"

#include "os/thread.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>

enum {
	THREADS_MOST = 8,
	SLOTS = 128,
	PASSWORD_MOST = 1024,
	HASH_MOST = 256,
	FETCHED_S = 2,
	NICE = 15,
};

typedef enum SlotState { SLOT_FREE, SLOT_WAITS, SLOT_RUNS, SLOT_DONE } SlotState;

typedef struct Slot {
	SlotState state;
	int64_t key;
	uint64_t turn; /* the oldest goes first */
	TimeUs since;
	char check[PASSWORD_MOST], against[HASH_MOST], make[PASSWORD_MOST];
	size_t check_n, against_n, make_n;
	bool checks, makes, good;
	char hash[HASH_MOST];
	size_t hash_n;
} Slot;

struct Hasher {
	HasherConfig config;
	Thread threads[THREADS_MOST];
	pthread_mutex_t lock;
	pthread_cond_t work;
	bool quit;
	size_t waiting;
	uint64_t turns;
	Slot slots[SLOTS];
};

static void
slot_free(Slot *s)
{
	bytes_wipe(s, sizeof(*s));
}

static Slot *
next_job(Hasher *h)
{
	Slot *first = NULL;

	for (size_t i = 0; i < SLOTS; i++)
		if (h->slots[i].state == SLOT_WAITS && (first == NULL || h->slots[i].turn < first->turn))
			first = &h->slots[i];
	return first;
}

/* Without the lock: nobody else touches a slot that runs. */
static void
slot_run(Slot *s)
{
	CLEANUP(arena_done) Arena *a = arena_open();
	Err err = { 0 };
	Str hash;

	s->good = !s->checks || password_check((Str){ s->check, s->check_n }, (Str){ s->against, s->against_n });
	if (!s->makes || !s->good)
		return;
	s->good = password_hash(a, (Str){ s->make, s->make_n }, &hash, &err) && hash.n <= HASH_MOST;
	if (!s->good)
		return;
	memcpy(s->hash, hash.p, hash.n);
	s->hash_n = hash.n;
}

static void
hasher_main(void *self)
{
	Hasher *h = self;

	setpriority(PRIO_PROCESS, (id_t)gettid(), NICE); /* of this thread: others' requests go first */
	pthread_mutex_lock(&h->lock);
	while (!h->quit) {
		Slot *s = next_job(h);
		int64_t key;

		if (s == NULL) {
			pthread_cond_wait(&h->work, &h->lock);
			continue;
		}
		s->state = SLOT_RUNS;
		h->waiting--;
		key = s->key;
		pthread_mutex_unlock(&h->lock);
		slot_run(s);
		bytes_wipe(s->check, sizeof(s->check));
		bytes_wipe(s->make, sizeof(s->make));
		pthread_mutex_lock(&h->lock);
		s->state = SLOT_DONE;
		s->since = clock_mono(h->config.clock);
		pthread_mutex_unlock(&h->lock);
		h->config.done(h->config.self, key);
		pthread_mutex_lock(&h->lock);
	}
	pthread_mutex_unlock(&h->lock);
}

bool
hasher_open(const HasherConfig *config, Hasher **ret, Err *err)
{
	Hasher *h = calloc(1, sizeof(Hasher));
	long cpus = sysconf(_SC_NPROCESSORS_ONLN);

	if (h == NULL)
		return err_set(err, ERR_SYS, "out of memory");
	h->config = *config;
	if (h->config.threads == 0)
		h->config.threads = cpus <= 2 ? 1 : (unsigned)cpus / 2;
	if (h->config.threads > THREADS_MOST)
		h->config.threads = THREADS_MOST;
	if (h->config.queue == 0)
		h->config.queue = 8 * h->config.threads;
	pthread_mutex_init(&h->lock, NULL);
	pthread_cond_init(&h->work, NULL);
	for (unsigned i = 0; i < h->config.threads; i++) {
		if (!thread_start(&h->threads[i], "passwords", hasher_main, h, err)) {
			hasher_close(h);
			return false;
		}
	}
	*ret = h;
	return true;
}

void
hasher_close(Hasher *h)
{
	if (h == NULL)
		return;
	pthread_mutex_lock(&h->lock);
	h->quit = true;
	pthread_cond_broadcast(&h->work);
	pthread_mutex_unlock(&h->lock);
	for (size_t i = 0; i < THREADS_MOST; i++)
		thread_join(&h->threads[i]);
	for (size_t i = 0; i < SLOTS; i++)
		slot_free(&h->slots[i]);
	pthread_cond_destroy(&h->work);
	pthread_mutex_destroy(&h->lock);
	free(h);
}

/*
 * A free one, else the one whose result has lain longest: whoever is still there fetches it within moments, so that those who have
 * gone keep nobody out. Caller holds the lock.
 */
static Slot *
slot_find(Hasher *h)
{
	TimeUs old = clock_mono(h->config.clock) - FETCHED_S * (TimeUs)US_PER_S;
	Slot *left = NULL;

	for (size_t i = 0; i < SLOTS; i++) {
		Slot *s = &h->slots[i];

		if (s->state == SLOT_FREE)
			return s;
		if (s->state == SLOT_DONE && s->since < old && (left == NULL || s->since < left->since))
			left = s;
	}
	if (left != NULL)
		slot_free(left);
	return left;
}

static bool
put(char *to, size_t room, size_t *ret_n, Str from)
{
	if (from.n > room)
		return false;
	if (from.n > 0)
		memcpy(to, from.p, from.n);
	*ret_n = from.n;
	return true;
}

static bool
slot_fill(Slot *s, int64_t key, const HashJob *job)
{
	s->key = key;
	s->checks = !str_none(job->check);
	s->makes = !str_none(job->make);
	return put(s->check, sizeof(s->check), &s->check_n, job->check) &&
	       put(s->against, sizeof(s->against), &s->against_n, job->against) &&
	       put(s->make, sizeof(s->make), &s->make_n, job->make);
}

bool
hasher_give(Hasher *h, int64_t key, const HashJob *job)
{
	Slot *s = NULL;
	bool over = false;

	pthread_mutex_lock(&h->lock);
	if (h->waiting < h->config.queue)
		s = slot_find(h);
	if (s != NULL && !slot_fill(s, key, job)) {
		over = true;
		slot_free(s); /* nobody's password is that long: it fits nothing */
		s->key = key;
		s->state = SLOT_DONE;
		s->since = clock_mono(h->config.clock);
	} else if (s != NULL) {
		s->state = SLOT_WAITS;
		s->turn = ++h->turns;
		h->waiting++;
		pthread_cond_signal(&h->work);
	}
	pthread_mutex_unlock(&h->lock);
	if (over)
		h->config.done(h->config.self, key); /* no thread will say so */
	return s != NULL;
}

HashState
hasher_take(Hasher *h, Arena *a, int64_t key, HashResult *ret)
{
	HashState state = HASH_NONE;

	pthread_mutex_lock(&h->lock);
	for (size_t i = 0; i < SLOTS; i++) {
		Slot *s = &h->slots[i];

		if (s->state == SLOT_FREE || s->key != key)
			continue;
		state = s->state == SLOT_DONE ? HASH_DONE : HASH_WAITS;
		if (state == HASH_DONE) {
			*ret = (HashResult){ .good = s->good, .hash = str_copy(a, (Str){ s->hash, s->hash_n }) };
			slot_free(s);
		}
		break;
	}
	pthread_mutex_unlock(&h->lock);
	return state;
}
