/* Work that requests leave behind while they sleep. */
#include "api/errands.h"

#include "test.h"

#include <pthread.h>
#include <sched.h>

/* One errand, and who hears of its end. */
typedef struct Job {
	atomic_bool fail, dropped, began;
	bool endless; /* until it is told to stop */
	bool quick;
} Job;

typedef struct Ears {
	pthread_mutex_t lock;
	pthread_cond_t came;
	int64_t last;
	int heard;
} Ears;

static void
on_done(void *self, int64_t key)
{
	Ears *e = self;

	pthread_mutex_lock(&e->lock);
	e->last = key;
	e->heard++;
	pthread_cond_broadcast(&e->came);
	pthread_mutex_unlock(&e->lock);
}

static void
ears_wait(Ears *e, int heard)
{
	pthread_mutex_lock(&e->lock);
	while (e->heard < heard)
		pthread_cond_wait(&e->came, &e->lock);
	pthread_mutex_unlock(&e->lock);
}

static bool
job_run(void *self, const atomic_bool *stopping, Err *err)
{
	Job *j = self;

	atomic_store(&j->began, true);
	while (j->endless && !atomic_load(stopping))
		(void)sched_yield();
	return !atomic_load(&j->fail) || err_set(err, ERR_INVALID, "it failed");
}

static void
job_drop(void *self)
{
	atomic_store(&((Job *)self)->dropped, true);
}

static bool
give(Errands *e, int64_t key, Job *j, Err *err)
{
	Errand errand = { job_run, job_drop, j, j->quick };

	return errands_give(e, key, &errand, err);
}

#define EARS \
	{ \
		PTHREAD_MUTEX_INITIALIZER, PTHREAD_COND_INITIALIZER, 0, 0 \
	}

TEST(an_errand_comes_back_once_with_how_it_went)
{
	Ears ears = EARS;
	Errands *e = errands_open(on_done, &ears, 0);
	Job good = { 0 }, bad = { .fail = true };
	void *self = NULL;
	bool ok = false;
	Err err = { 0 };

	CHECK(errands_take(e, -1, &self, &ok, &err) == ERRAND_NONE);
	CHECK_OK(give(e, -1, &good, &err), err);
	ears_wait(&ears, 1);
	CHECK(errands_take(e, -2, &self, &ok, &err) == ERRAND_NONE);
	CHECK(errands_take(e, -1, &self, &ok, &err) == ERRAND_DONE && ok && self == &good);
	CHECK(errands_take(e, -1, &self, &ok, &err) == ERRAND_NONE);
	CHECK_OK(give(e, -3, &bad, &err), err);
	ears_wait(&ears, 2);
	CHECK(ears.last == -3);
	CHECK(errands_take(e, -3, &self, &ok, &err) == ERRAND_DONE && !ok && err.code == ERR_INVALID);
	errands_close(e);
	CHECK(!atomic_load(&good.dropped) && !atomic_load(&bad.dropped));
}

TEST(errands_that_are_too_many_are_refused_and_a_stop_ends_all)
{
	enum { MANY = 32 };
	Ears ears = EARS;
	Errands *e = errands_open(on_done, &ears, 0);
	Job jobs[MANY] = { 0 }, late = { 0 };
	size_t given = 0, taken = 0;
	void *self;
	bool ok;
	Err err = { 0 };

	for (; given < MANY; given++) {
		jobs[given].endless = true;
		if (!give(e, -1 - (int64_t)given, &jobs[given], &err))
			break;
	}
	CHECK(given > 1 && given < MANY && err.code == ERR_BUSY);
	CHECK(errands_take(e, -1, &self, &ok, &err) == ERRAND_WAITS);
	errands_stop(e);
	err_clear(&err);
	CHECK(!give(e, -99, &late, &err) && err.code == ERR_BUSY);
	for (size_t i = 0; i + 1 < given; i++)
		taken += errands_take(e, -1 - (int64_t)i, &self, &ok, &err) == ERRAND_DONE;
	CHECK_INT((int64_t)taken, (int64_t)given - 1);
	CHECK(!ok && err.code == ERR_BUSY); /* the last of them was never begun */
	errands_close(e);
	CHECK(atomic_load(&jobs[given - 1].dropped) && !atomic_load(&jobs[0].dropped));
}

TEST(what_is_quick_waits_for_nothing_that_is_slow)
{
	enum { MANY = 32 };
	Ears ears = EARS;
	Errands *e = errands_open(on_done, &ears, 0);
	Job slow[MANY] = { 0 }, quick = { .quick = true };
	size_t given = 0;
	void *self = NULL;
	bool ok = false;
	Err err = { 0 };

	for (; given < MANY; given++) {
		slow[given].endless = true;
		if (!give(e, -1 - (int64_t)given, &slow[given], &err))
			break;
	}
	err_clear(&err);
	CHECK_OK(give(e, -99, &quick, &err), err);
	ears_wait(&ears, 1);
	CHECK(errands_take(e, -99, &self, &ok, &err) == ERRAND_DONE && ok && self == &quick);
	errands_close(e);
}

TEST(what_nobody_takes_back_is_dropped_though_nobody_gives_another)
{
	Ears ears = EARS;
	Errands *e = errands_open(on_done, &ears, 1000);
	Job j = { 0 };
	void *self = NULL;
	bool ok = false;
	Err err = { 0 };

	CHECK_OK(give(e, -1, &j, &err), err);
	while (!atomic_load(&j.dropped))
		(void)sched_yield();
	CHECK(errands_take(e, -1, &self, &ok, &err) == ERRAND_NONE);
	errands_close(e);
}
