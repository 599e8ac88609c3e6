#include "executor/dues.h"

#include "base/log.h"
#include "engine/due.h"
#include "os/thread.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

enum {
	EVERY_US = 5 * US_PER_S,
	SOON_US = US_PER_S / 5, /* what is armed often is looked at so often */
	AWAY_US = US_PER_S,
};
#define UNTIL_ARMED INT64_MAX

struct Dues {
	Uow *u;
	bool shared; /* other processes have executors too */
	pthread_t thread;
	pthread_mutex_t lock;
	pthread_cond_t changed;
	atomic_bool stopping;
	atomic_bool armed;
	TimeUs next;   /* 0: nothing has a time */
	TimeUs looked; /* mono */
	bool away;     /* could not look: again soon */
	bool failing;  /* said once */
};

static void
dues_once(Dues *d)
{
	TimeUs next = 0;
	Err err = { 0 };

	/* armed again by whatever commits from here on */
	atomic_store(&d->armed, false);
	d->looked = clock_mono(clock_real());
	if (due_turn(d->u, &next, &err)) {
		d->next = next;
		d->away = false;
		d->failing = false;
		return;
	}
	uow_abort(d->u);
	d->next = 0;
	d->away = true;
	if (!d->failing)
		uow_say_stuck("cannot look at what is due, trying again every second", &err);
	d->failing = true;
}

/* How long to sleep; UNTIL_ARMED: until something is armed. What is due is so by the wall clock, which may be set: all else is not. */
static TimeUs
dues_left(const Dues *d)
{
	TimeUs left = d->next == 0 ? UNTIL_ARMED : d->next - clock_wall(clock_real());
	TimeUs look = d->shared ? EVERY_US : UNTIL_ARMED;

	if (d->away)
		look = AWAY_US;
	if (atomic_load(&d->armed))
		look = SOON_US;
	if (look != UNTIL_ARMED)
		look -= clock_mono(clock_real()) - d->looked;
	return look < left ? look : left;
}

static bool
dues_wait(Dues *d)
{
	bool stopping;

	pthread_mutex_lock(&d->lock);
	for (;;) {
		TimeUs left = dues_left(d);

		if (d->stopping || left <= 0)
			break;
		if (left == UNTIL_ARMED)
			pthread_cond_wait(&d->changed, &d->lock);
		else
			(void)thread_wait(&d->changed, &d->lock, left < EVERY_US ? left : EVERY_US);
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
