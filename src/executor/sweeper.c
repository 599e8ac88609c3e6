#include "executor/sweeper.h"

#include "base/log.h"
#include "os/thread.h"
#include "store/retention.h"
#include "store/worker.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

enum {
	EVERY_US = 5 * US_PER_S, /* and what it naps at most, for the wall clock may be set meanwhile */
	LEASE_US = 15 * US_PER_S,
};
#define UNTIL_WOKEN INT64_MAX

struct Sweeper {
	Uow *u;
	bool leased; /* distributed: others may sweep too */
	pthread_t thread;
	pthread_mutex_t lock;
	pthread_cond_t changed;
	atomic_bool stopping;
	atomic_bool armed;
	TimeUs due;   /* wall: when something has to be looked at; 0: never */
	bool failing; /* said once */
	bool swept;
	TimeUs retained; /* monotonic: when the old was last looked for; 0: never */
	TimeUs every;    /* as that look's plan said */
};

bool
sweeper_turn(Uow *u, bool leased, bool first, SweepReport *ret, Err *err)
{
	bool held = true;

	*ret = (SweepReport){ 0 };
	if (!uow_begin(u, err))
		return false;
	liveness_watch(u->e->live, u->now);
	if (leased && !lease_take(u->db, u->arena, "sweeper", u->e->process, u->now, LEASE_US, &held, err))
		return false;
	/* whose time has come is looked after by everybody: who made it known may not be who sweeps */
	if (!held && !schedule_due(u, &ret->more, err))
		return false;
	if (held && !(first ? sweep_first(u, ret, err) : sweep(u, ret, err)))
		return false;
	ret->held = held;
	return uow_commit(u, &points_sweep, err);
}

static void
say(const SweepReport *r)
{
	if (r->returned + r->abandoned + r->refused + r->workers_lost == 0)
		return;
	log_info("swept: %zu messages sent again, %zu runs given back, %zu abandoned, %zu refused, %zu workers lost",
	    r->announced, r->returned, r->abandoned, r->refused, r->workers_lost);
}

bool
retain_turn(Uow *u, Retain *at, int64_t *ret_removed, bool *ret_more, Err *err)
{
	if (!uow_begin(u, err) || !retain(u, at, ret_removed, ret_more, err))
		return false;
	if (!at->plan.dry_run)
		return uow_commit(u, &points_sweep, err);
	uow_abort(u);
	return true;
}

/* A plan that was stored since the last look may want the next one sooner. */
static bool
retain_due(Sweeper *s, TimeUs now)
{
	RetainPlan plan = s->u->e->keep;
	Err err = { 0 };

	if (s->retained == 0 || now - s->retained >= s->every)
		return true;
	if (!retain_plan_read(s->u->db, s->u->arena, &plan, &err))
		return false;
	s->every = plan.every * US_PER_S;
	return now - s->retained >= s->every;
}

/* Removes what is old, one short transaction after the other. */
static void
retain_all(Sweeper *s)
{
	TimeUs now = clock_mono(s->u->e->clock);
	Retain at = { 0 };
	int64_t all = 0, removed;
	bool more = true;

	if (!retain_due(s, now))
		return;
	s->retained = now;
	while (more && !s->stopping) {
		Err err = { 0 };

		if (!retain_turn(s->u, &at, &removed, &more, &err)) {
			uow_abort(s->u);
			uow_say_stuck("what is old cannot be removed now", &err);
			return;
		}
		all += removed;
		s->every = at.plan.every * US_PER_S;
	}
	if (all > 0)
		log_info(at.plan.dry_run ? "%lld old rows would be removed: retention is a dry run"
					 : "%lld old rows removed",
		    (long long)all);
}

static void
sweeper_once(Sweeper *s)
{
	SweepReport report;
	Err err = { 0 };

	/* armed again by whatever commits from here on */
	atomic_store(&s->armed, false);
	pthread_mutex_lock(&s->lock);
	s->due = 0;
	pthread_mutex_unlock(&s->lock);
	if (!sweeper_turn(s->u, s->leased, !s->swept, &report, &err)) {
		uow_abort(s->u);
		atomic_store(&s->armed, true);
		if (!s->failing)
			uow_say_stuck("cannot sweep, trying again every 5 s", &err);
		s->failing = true;
		return;
	}
	s->failing = false;
	s->swept |= report.held;
	say(&report);
	if (report.waiting)
		atomic_store(&s->armed, true);
	if (s->u->due != 0 || report.more)
		sweeper_wake_at(s, report.more ? clock_wall(clock_real()) : s->u->due);
	if (report.held)
		retain_all(s);
}

/* How long it may sleep; UNTIL_WOKEN: until something waits. What is due is so by the wall clock, which may be set: all else is not. */
static TimeUs
sweeper_left(const Sweeper *s, TimeUs latest)
{
	bool looks = s->leased || atomic_load(&s->armed);
	TimeUs left = looks ? latest - clock_mono(clock_real()) : UNTIL_WOKEN;
	TimeUs due = s->due == 0 ? UNTIL_WOKEN : s->due - clock_wall(clock_real());

	return due < left ? due : left;
}

/* Waits five seconds, or until the time of something has come; when nothing waits for anybody, until something does. */
static bool
sweeper_wait(Sweeper *s)
{
	TimeUs latest = clock_mono(clock_real()) + EVERY_US, left;
	bool stopping;

	pthread_mutex_lock(&s->lock);
	while (!s->stopping) {
		left = sweeper_left(s, latest);
		if (left <= 0)
			break;
		if (left == UNTIL_WOKEN) {
			pthread_cond_wait(&s->changed, &s->lock);
			latest = clock_mono(clock_real()) + EVERY_US;
			continue;
		}
		(void)thread_wait(&s->changed, &s->lock, left < EVERY_US ? left : EVERY_US);
	}
	stopping = s->stopping;
	pthread_mutex_unlock(&s->lock);
	return !stopping;
}

static void *
sweeper_run(void *arg)
{
	Sweeper *s = arg;

	log_role("executor");
	do
		sweeper_once(s);
	while (sweeper_wait(s));
	return NULL;
}

void
sweeper_arm(Sweeper *s)
{
	if (atomic_exchange(&s->armed, true))
		return;
	pthread_mutex_lock(&s->lock);
	pthread_cond_broadcast(&s->changed);
	pthread_mutex_unlock(&s->lock);
}

void
sweeper_wake_at(Sweeper *s, TimeUs at)
{
	pthread_mutex_lock(&s->lock);
	if (s->due == 0 || at < s->due) {
		s->due = at;
		pthread_cond_broadcast(&s->changed);
	}
	pthread_mutex_unlock(&s->lock);
}

static void
sweeper_free(Sweeper *s)
{
	uow_close(s->u);
	pthread_mutex_destroy(&s->lock);
	pthread_cond_destroy(&s->changed);
	free(s);
}

bool
sweeper_start(Engine *e, Sweeper **ret, Err *err)
{
	Sweeper *s = calloc(1, sizeof(Sweeper));

	if (s == NULL)
		return err_set(err, ERR_SYS, "out of memory");
	s->leased = str_none(e->boot_id);
	atomic_store(&s->armed, true); /* the first sweep finds what an earlier process left */
	pthread_mutex_init(&s->lock, NULL);
	pthread_cond_init(&s->changed, NULL);
	if (!uow_open(e, &s->u, err)) {
		sweeper_free(s);
		return false;
	}
	if (pthread_create(&s->thread, NULL, sweeper_run, s) != 0) {
		sweeper_free(s);
		return err_set(err, ERR_SYS, "cannot start a thread");
	}
	*ret = s;
	return true;
}

void
sweeper_stop(Sweeper *s)
{
	if (s == NULL)
		return;
	pthread_mutex_lock(&s->lock);
	s->stopping = true;
	pthread_cond_broadcast(&s->changed);
	pthread_mutex_unlock(&s->lock);
	pthread_join(s->thread, NULL);
	sweeper_free(s);
}
