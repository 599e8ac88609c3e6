#include "api/errands.h"

#include "os/thread.h"

#include <stdlib.h>

enum { THREADS = 3, SLOTS = 16, SLOW_MOST = 12, KEPT_S = 60 };

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

typedef struct Hand {
	Errands *e;
	Thread thread;
	bool quick; /* does nothing else */
} Hand;

struct Errands {
	void (*done)(void *self, int64_t key);
	void *self;
	TimeUs kept;
	Hand hands[THREADS];
	pthread_mutex_t lock;
	pthread_cond_t work;
	atomic_bool stopping;
	uint64_t turns;
	Slot slots[SLOTS];
};

static Slot *
next_slot(Errands *e, bool quick)
{
	Slot *first = NULL;

	for (size_t i = 0; i < SLOTS; i++)
		if (e->slots[i].state == SLOT_WAITS && (!quick || e->slots[i].errand.quick) &&
		    (first == NULL || e->slots[i].turn < first->turn))
			first = &e->slots[i];
	return first;
}

static void
slot_drop(Slot *s)
{
	if (s->state != SLOT_FREE)
		s->errand.drop(s->errand.self);
	*s = (Slot){ 0 };
}

/* Those that nobody has come for in a long time. Gives when the next will be; 0: there is none. Caller holds the lock. */
static TimeUs
drop_old(Errands *e)
{
	TimeUs now = clock_mono(clock_real()), next = 0;

	for (size_t i = 0; i < SLOTS; i++) {
		Slot *s = &e->slots[i];

		if (s->state == SLOT_DONE && s->since + e->kept <= now)
			slot_drop(s);
		else if (s->state == SLOT_DONE && (next == 0 || s->since + e->kept < next))
			next = s->since + e->kept;
	}
	return next;
}

/* Caller holds the lock. */
static void
wait_for_work(Errands *e)
{
	TimeUs until = drop_old(e);

	if (until == 0)
		pthread_cond_wait(&e->work, &e->lock);
	else
		(void)thread_wait(&e->work, &e->lock, until - clock_mono(clock_real()));
}

static void
errands_main(void *self)
{
	Hand *h = self;
	Errands *e = h->e;

	pthread_mutex_lock(&e->lock);
	while (!atomic_load(&e->stopping)) {
		Slot *s = next_slot(e, h->quick);
		int64_t key;
		bool good;

		if (s == NULL) {
			wait_for_work(e);
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
errands_open(void (*done)(void *self, int64_t key), void *self, TimeUs kept)
{
	Errands *e = calloc(1, sizeof(*e));

	if (e == NULL)
		abort();
	e->kept = kept == 0 ? KEPT_S * (TimeUs)US_PER_S : kept;
	for (size_t i = 0; i < THREADS; i++)
		e->hands[i] = (Hand){ .e = e, .quick = i == 0 };
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
		thread_join(&e->hands[i].thread);
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
	for (size_t i = 0; i < THREADS; i++) {
		Hand *h = &e->hands[i];

		if (!h->thread.started && !thread_start(&h->thread, "errands", errands_main, h, err))
			return false;
	}
	return true;
}

/* A free one; what is quick has some that nothing else may take. Caller holds the lock. */
static Slot *
slot_find(Errands *e, bool quick)
{
	Slot *free = NULL;
	size_t slow = 0;

	(void)drop_old(e);
	for (size_t i = 0; i < SLOTS; i++) {
		slow += e->slots[i].state != SLOT_FREE && !e->slots[i].errand.quick;
		if (e->slots[i].state == SLOT_FREE)
			free = &e->slots[i];
	}
	return quick || slow < SLOW_MOST ? free : NULL;
}

static bool
give(Errands *e, int64_t key, const Errand *errand, Err *err)
{
	Slot *s;

	if (atomic_load(&e->stopping))
		return err_set(err, ERR_BUSY, "The server is about to stop: try again when it has started anew");
	if (!threads_begin(e, err))
		return false;
	s = slot_find(e, errand->quick);
	if (s == NULL)
		return err_set(err, ERR_BUSY, "Too many packs are being %s already: try again later",
		    errand->quick ? "looked for" : "fetched or tested");
	*s = (Slot){ .state = SLOT_WAITS, .key = key, .turn = ++e->turns, .errand = *errand };
	pthread_cond_broadcast(&e->work); /* not all of them do everything */
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
