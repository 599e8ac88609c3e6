#include "sensor/keeper.h"

#include "base/log.h"
#include "sensor/inner.h"

#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

enum {
	OWNERS = 64,
	LOOK_US = 5 * US_PER_S,     /* distributed: whose lease has ended, and messages that were lost */
	FAR_US = 3600LL * US_PER_S, /* embedded: neither can be */
	RETRY_US = 500 * US_PER_MS, /* while the database is away */
};

TimeUs
keeper_mono(const Keeper *k)
{
	return clock_mono(k->e->clock);
}

void
keeper_wake(void *keeper)
{
	Keeper *k = keeper;

	atomic_store(&k->changed, true);
	poll_wake(&k->poll);
}

/* ---- the database ---- */

/* While it is away nothing is read from sensors that speak in lines: their pipes fill up, and they wait. */
static void
pipes_want(Keeper *k, bool readable)
{
	for (Ward *w = k->wards; w != NULL; w = w->next)
		if (w->want.lines && w->out >= 0)
			poll_want(&k->poll, w->out, &w->out_source, readable, false);
}

static void
say_away(Keeper *k, const Err *err)
{
	if (!k->away)
		uow_say_stuck("sensors wait, their events cannot be stored", err);
	if (!k->away)
		pipes_want(k, false);
	k->away = true;
	k->retry = keeper_mono(k) + RETRY_US;
}

static void
say_back(Keeper *k)
{
	if (!k->away)
		return;
	log_info("events of sensors can be stored again");
	k->away = false;
	k->renewed = 0; /* are the leases still ours? */
	pipes_want(k, true);
}

/* ---- one turn ---- */

static bool
look_due(const Keeper *k, TimeUs now)
{
	TimeUs every = str_none(k->e->boot_id) ? LOOK_US : FAR_US;

	if (k->away)
		return now >= k->retry;
	if (atomic_load(&k->changed) || k->looked == 0 || now - k->looked >= every)
		return true;
	for (const Ward *w = k->wards; w != NULL; w = w->next)
		if (w->dirty && w->held && !w->lost)
			return true;
	return false;
}

static void
look(Keeper *k)
{
	TimeUs now = keeper_mono(k);
	Err err = { 0 };

	if (!look_due(k, now))
		return;
	atomic_store(&k->changed, false);
	if (!keeper_look(k, &err)) {
		atomic_store(&k->changed, true);
		say_away(k, &err);
		return;
	}
	say_back(k);
	k->looked = now == 0 ? 1 : now;
	if (k->probe == PROBE_WANTED) {
		keeper_probe(k);
		k->known = false;
		atomic_store(&k->changed, true);
	}
}

static void
fire_timers(Keeper *k)
{
	TimeUs now = keeper_mono(k);
	Timer *t;

	while ((t = timers_take(&k->timers, now)) != NULL)
		ward_timer(k, t->owner, now);
}

/* A drained ward is at its end once nothing more can come of it. */
static bool
feed_one(Keeper *k, Ward *w)
{
	Err err = { 0 };
	bool more = false;

	if (w->want.lines && !k->away && !ward_feed(k, w, &more, &err)) {
		uow_abort(k->u);
		say_away(k, &err);
		return false;
	}
	if (w->phase == WARD_DRAINING && w->out < 0 && w->lines.n > w->lines.whole)
		lines_end(&w->lines);
	if (w->phase == WARD_DRAINING && w->out < 0 && w->lines.n == 0)
		ward_finish_drain(k, w);
	return more || w->lines.whole > 0;
}

/* Whether there is more to do at once. */
static bool
feed_all(Keeper *k)
{
	bool more = false;

	for (Ward *w = k->wards; w != NULL; w = w->next)
		more |= feed_one(k, w);
	return more && !k->away;
}

static void
bury_lost(Keeper *k)
{
	for (Ward *w = k->wards, *next; w != NULL; w = next) {
		next = w->next;
		if (w->lost && w->phase == WARD_RESTING)
			ward_close(k, w);
	}
}

static TimeUs
sleep_for(const Keeper *k, bool more)
{
	TimeUs now = keeper_mono(k), every = str_none(k->e->boot_id) ? LOOK_US : FAR_US;
	TimeUs next = timers_next(&k->timers), until = k->away ? k->retry : k->looked + every;

	if (more || look_due(k, now))
		return 0;
	if (next != 0 && next < until)
		until = next;
	if (atomic_load(&k->stopping) && now + US_PER_S < until)
		until = now + US_PER_S; /* its deadlines are looked at */
	return until > now ? until - now : 0;
}

static void
turn(Keeper *k)
{
	void *owners[OWNERS];
	bool woken, more;
	size_t n;

	look(k);
	fire_timers(k);
	more = feed_all(k);
	bury_lost(k);
	n = poll_wait(&k->poll, sleep_for(k, more), owners, OWNERS, &woken);
	for (size_t i = 0; i < n; i++) {
		const Source *s = owners[i];

		s->ready(k, s->ward);
	}
}

/* ---- coming and going ---- */

static bool
on_changes(void *self, Uow *u, const Msg *msgs, size_t n, Err *err)
{
	(void)u;
	(void)msgs;
	(void)n;
	(void)err;
	keeper_wake(self); /* what changed is read from the database */
	return true;
}

/* They end, are heard to the end, and their leases are given back. */
static void
drain(Keeper *k)
{
	TimeUs until = keeper_mono(k) + k->config.shutdown_timeout, give_up = until + 5 * US_PER_S;
	bool killed = false;

	atomic_store(&k->changed, true);
	for (Ward *w = k->wards; w != NULL; w = w->next) {
		w->wanted = false;
		ward_stop(k, w);
		if (w->phase == WARD_RESTING) {
			timers_clear(&k->timers, &w->timer);
			w->dirty = true;
		}
	}
	while (k->wards != NULL) {
		TimeUs now = keeper_mono(k);

		if (!killed && now >= until) {
			for (Ward *w = k->wards; w != NULL; w = w->next)
				ward_kill(k, w);
			killed = true;
		}
		if (now >= give_up)
			break;
		turn(k);
	}
}

static void
keeper_run(void *self)
{
	Keeper *k = self;

	log_role("sensor");
	while (!atomic_load(&k->stopping))
		turn(k);
	drain(k);
}

static void
keeper_free(Keeper *k)
{
	consumer_stop(k->changes);
	while (k->wards != NULL) {
		if (ward_alive(k->wards))
			child_signal_tree(k->wards->child.pid, k->wards->marker.p, 9);
		ward_close(k, k->wards);
	}
	timers_close(&k->timers);
	if (k->poll.fd > 0)
		poll_close(&k->poll);
	if (k->null >= 0)
		close(k->null);
	uow_close(k->u);
	if (k->wants_a != NULL)
		arena_close(k->wants_a);
	free(k->piece);
	arena_close(k->arena);
	free(k);
}

static void
self_describe(Keeper *k)
{
	Json c = json_object();

	if (json_is(k->config.labels, JSON_OBJECT))
		json_add(k->arena, &c, "labels", json_clone(k->arena, k->config.labels));
	if (json_is(k->config.taints, JSON_ARRAY))
		json_add(k->arena, &c, "taints", json_clone(k->arena, k->config.taints));
	k->self = (WorkerDef){ .name = k->name, .capabilities = c };
}

bool
keeper_start(Engine *e, const KeeperConfig *config, Keeper **ret, Err *err)
{
	ConsumerConfig changes = { .role = "sensor", .turn = on_changes, .sub = { .queue = Q_SENSOR_CHANGES } };
	Keeper *k = calloc(1, sizeof(Keeper));

	if (k == NULL)
		return err_set(err, ERR_SYS, "out of memory");
	changes.self = k;
	k->e = e;
	k->config = *config;
	k->arena = arena_open();
	k->null = open("/dev/null", O_RDWR | O_CLOEXEC);
	k->piece = malloc(PIECE);
	k->name = str_fmt(
	    k->arena, "%.*s/%.*s", STR_ARG(e->process), STR_ARG(uuid_text(k->arena, uuid_new(clock_wall(e->clock)))));
	share_open(k);
	self_describe(k);
	if (k->piece == NULL || !uow_open(e, &k->u, err) || !poll_open(&k->poll, err) ||
	    !consumer_start(e, &changes, &k->changes, err) ||
	    !thread_start(&k->thread, "sensors", keeper_run, k, err)) {
		keeper_free(k);
		return false;
	}
	*ret = k;
	return true;
}

void
keeper_stop(Keeper *k)
{
	if (k == NULL)
		return;
	atomic_store(&k->stopping, true);
	poll_wake(&k->poll);
	thread_join(&k->thread);
	keeper_free(k);
}
