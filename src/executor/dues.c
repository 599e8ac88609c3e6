#include "executor/dues.h"

#include "base/log.h"
#include "engine/due.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

enum {
	EVERY_US = 5 * US_PER_S,
	SOON_US = US_PER_S / 5, /* what is armed often is looked at so often */
	AWAY_US = US_PER_S,
};

struct Dues {
	Uow *u;
	bool shared; /* other processes have executors too */
	pthread_t thread;
	pthread_mutex_t lock;
	pthread_cond_t changed;
	atomic_bool stopping;
	atomic_bool armed;
	TimeUs next; /* 0: nothing has a time */
	TimeUs looked;
	bool failing; /* said once */
};

static void
dues_once(Dues *d)
{
	TimeUs next = 0;
	Err err = { 0 };

	/* armed again by whatever commits from here on */
	atomic_store(&d->armed, false);
	d->looked = clock_wall(d->u->e->clock);
	if (due_turn(d->u, &next, &err)) {
		d->next = next;
		d->failing = false;
		return;
	}
	uow_abort(d->u);
	d->next = d->looked + AWAY_US;
	if (!d->failing)
		uow_say_stuck("cannot look at what is due, trying again every second", &err);
	d->failing = true;
}

/* Until when to sleep; 0: until something is armed. */
static TimeUs
dues_until(const Dues *d)
{
	TimeUs until = d->next, look = d->looked + EVERY_US;

	if (d->shared && (until == 0 || look < until))
		until = look;
	if (atomic_load(&d->armed) && (until == 0 || d->looked + SOON_US < until))
		until = d->looked + SOON_US;
	return until;
}

static bool
dues_wait(Dues *d)
{
	bool stopping;

	pthread_mutex_lock(&d->lock);
	for (;;) {
		TimeUs until = dues_until(d);
		struct timespec ts = { .tv_sec = until / US_PER_S, .tv_nsec = until % US_PER_S * 1000 };

		if (d->stopping || (until != 0 && clock_wall(clock_real()) >= until))
			break;
		if (until == 0)
			pthread_cond_wait(&d->changed, &d->lock);
		else
			pthread_cond_timedwait(&d->changed, &d->lock, &ts);
	}
	stopping = d->stopping;
	pthread_mutex_unlock(&d->lock);
	return !stopping;
}

static void *
dues_run(void *arg)
{
	Dues *d = arg;

	log_role("executor");
	do
		dues_once(d);
	while (dues_wait(d));
	return NULL;
}

void
dues_arm(Dues *d)
{
	if (atomic_exchange(&d->armed, true))
		return;
	pthread_mutex_lock(&d->lock);
	pthread_cond_broadcast(&d->changed);
	pthread_mutex_unlock(&d->lock);
}

static void
dues_free(Dues *d)
{
	uow_close(d->u);
	pthread_mutex_destroy(&d->lock);
	pthread_cond_destroy(&d->changed);
	free(d);
}

bool
dues_start(Engine *e, Dues **ret, Err *err)
{
	Dues *d = calloc(1, sizeof(Dues));

	if (d == NULL)
		return err_set(err, ERR_SYS, "out of memory");
	d->shared = str_none(e->boot_id);
	pthread_mutex_init(&d->lock, NULL);
	pthread_cond_init(&d->changed, NULL);
	if (!uow_open(e, &d->u, err)) {
		dues_free(d);
		return false;
	}
	if (pthread_create(&d->thread, NULL, dues_run, d) != 0) {
		dues_free(d);
		return err_set(err, ERR_SYS, "cannot start a thread");
	}
	*ret = d;
	return true;
}

void
dues_stop(Dues *d)
{
	if (d == NULL)
		return;
	pthread_mutex_lock(&d->lock);
	d->stopping = true;
	pthread_cond_broadcast(&d->changed);
	pthread_mutex_unlock(&d->lock);
	pthread_join(d->thread, NULL);
	dues_free(d);
}
