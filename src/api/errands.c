#include "api/errands.h"

#include "os/thread.h"

#include <stdlib.h>

enum { THREADS = 2, SLOTS = 16, KEPT_S = 60 };

typedef enum SlotState { SLOT_FREE, SLOT_WAITS, SLOT_RUNS, SLOT_DONE } SlotState;

typedef struct Slot {
	SlotState state;
	int64_t key;
	uint64_t turn; /* the oldest goes first */
	TimeUs since;
	Errand errand;
	bool good;
	Err err;
} Slot;

struct Errands {
	void (*done)(void *self, int64_t key);
	void *self;
	Thread threads[THREADS];
	pthread_mutex_t lock;
	pthread_cond_t work;
	atomic_bool stopping;
	uint64_t turns;
	Slot slots[SLOTS];
};

static Slot *
next_slot(Errands *e)
{
	Slot *first = NULL;

	for (size_t i = 0; i < SLOTS; i++)
		if (e->slots[i].state == SLOT_WAITS && (first == NULL || e->slots[i].turn < first->turn))
			first = &e->slots[i];
	return first;
}

static void
errands_main(void *self)
{
	Errands *e = self;

	pthread_mutex_lock(&e->lock);
	while (!atomic_load(&e->stopping)) {
		Slot *s = next_slot(e);
		int64_t key;
		bool good;

		if (s == NULL) {
			pthread_cond_wait(&e->work, &e->lock);
			continue;
		}
		s->state = SLOT_RUNS; /* nobody else touches it now */
		key = s->key;
		pthread_mutex_unlock(&e->lock);
		good = s->errand.run(s->errand.self, &e->stopping, &s->err);
		pthread_mutex_lock(&e->lock);
		s->good = good;
		s->state = SLOT_DONE;
		s->since = clock_mono(clock_real());
		pthread_mutex_unlock(&e->lock);
		e->done(e->self, key);
		pthread_mutex_lock(&e->lock);
	}
	pthread_mutex_unlock(&e->lock);
}

Errands *
errands_open(void (*done)(void *self, int64_t key), void *self)
{
	Errands *e = calloc(1, sizeof(*e));

	if (e == NULL)
		abort();
	e->done = done;
	e->self = self;
	pthread_mutex_init(&e->lock, NULL);
	pthread_cond_init(&e->work, NULL);
	return e;
}

void
errands_stop(Errands *e)
{
	if (e == NULL)
		return;
	pthread_mutex_lock(&e->lock);
	atomic_store(&e->stopping, true);
	pthread_cond_broadcast(&e->work);
	pthread_mutex_unlock(&e->lock);
	for (size_t i = 0; i < THREADS; i++)
		thread_join(&e->threads[i]);
}

static void
slot_drop(Slot *s)
{
	if (s->state != SLOT_FREE)
		s->errand.drop(s->errand.self);
	*s = (Slot){ 0 };
}

void
errands_close(Errands *e)
{
	if (e == NULL)
		return;
	errands_stop(e);
	for (size_t i = 0; i < SLOTS; i++)
		slot_drop(&e->slots[i]);
	pthread_cond_destroy(&e->work);
	pthread_mutex_destroy(&e->lock);
	free(e);
}

/* Caller holds the lock. */
static bool
threads_begin(Errands *e, Err *err)
{
	for (size_t i = 0; i < THREADS; i++)
		if (!e->threads[i].started && !thread_start(&e->threads[i], "errands", errands_main, e, err))
			return false;
	return true;
}

/* A free one, else one that nobody has come for in a long time. Caller holds the lock. */
static Slot *
slot_find(Errands *e)
{
	TimeUs old = clock_mono(clock_real()) - KEPT_S * (TimeUs)US_PER_S;

	for (size_t i = 0; i < SLOTS; i++)
		if (e->slots[i].state == SLOT_DONE && e->slots[i].since < old)
			slot_drop(&e->slots[i]);
	for (size_t i = 0; i < SLOTS; i++)
		if (e->slots[i].state == SLOT_FREE)
			return &e->slots[i];
	return NULL;
}

static bool
give(Errands *e, int64_t key, const Errand *errand, Err *err)
{
	Slot *s;

	if (atomic_load(&e->stopping))
		return err_set(err, ERR_BUSY, "The server is about to stop: try again when it has started anew");
	if (!threads_begin(e, err))
		return false;
	s = slot_find(e);
	if (s == NULL)
		return err_set(err, ERR_BUSY, "%d packs are being fetched or tested already: try again later", SLOTS);
	*s = (Slot){ .state = SLOT_WAITS, .key = key, .turn = ++e->turns, .errand = *errand };
	pthread_cond_signal(&e->work);
	return true;
}

bool
errands_give(Errands *e, int64_t key, const Errand *errand, Err *err)
{
	bool ok;

	pthread_mutex_lock(&e->lock);
	ok = give(e, key, errand, err);
	pthread_mutex_unlock(&e->lock);
	return ok;
}

/* What waits when the server stops will not be run any more. */
static ErrandState
slot_take(Errands *e, Slot *s, void **ret_self, bool *ret, Err *err)
{
	if (s->state == SLOT_WAITS && atomic_load(&e->stopping)) {
		s->good = err_set(&s->err, ERR_BUSY, "The server is about to stop: try again when it has started anew");
		s->state = SLOT_DONE;
	}
	if (s->state != SLOT_DONE)
		return ERRAND_WAITS;
	*ret_self = s->errand.self;
	*ret = s->good;
	if (!s->good)
		*err = s->err;
	*s = (Slot){ 0 };
	return ERRAND_DONE;
}

ErrandState
errands_take(Errands *e, int64_t key, void **ret_self, bool *ret, Err *err)
{
	ErrandState state = ERRAND_NONE;

	pthread_mutex_lock(&e->lock);
	for (size_t i = 0; i < SLOTS; i++) {
		if (e->slots[i].state == SLOT_FREE || e->slots[i].key != key)
			continue;
		state = slot_take(e, &e->slots[i], ret_self, ret, err);
		break;
	}
	pthread_mutex_unlock(&e->lock);
	return state;
}
