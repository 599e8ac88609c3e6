#include "engine/consumer.h"

#include "base/log.h"
#include "os/thread.h"

#include <stdatomic.h>
#include <stdlib.h>

enum {
	MSGS_MAX = 256,
	ITEMS_MAX = 256,
	PAUSE_FIRST_US = 50 * US_PER_MS,
	PAUSE_MOST_US = 2 * US_PER_S,
	WAIT_US = 600 * US_PER_S, /* sub_wake ends it earlier */
};

struct Consumer {
	ConsumerConfig config;
	Uow *u;
	Sub *sub;
	Arena *arena; /* of the messages taken: outlives the turn's own */
	pthread_t thread;
	pthread_mutex_t lock;
	pthread_cond_t stopped;
	atomic_bool stopping;
	bool away; /* said once that the database is away */
};

/* Tries all together, then, when something in them is bad, each alone. */
size_t
consumer_handle(Uow *u, Turn *turn, void *self, Arena *a, const Msg *msgs, size_t n, bool *ret_away, Str *why, Err *err)
{
	size_t refused = 0;

	*ret_away = false;
	for (size_t i = 0; i < n; i++)
		why[i] = (Str){ 0 };
	if (turn(self, u, msgs, n, err))
		return 0;
	uow_abort(u);
	if (err_passes(err->code)) {
		*ret_away = true;
		return 0;
	}
	for (size_t i = 0; i < n; i++) {
		Err one = { 0 };

		if (turn(self, u, &msgs[i], 1, &one))
			continue;
		uow_abort(u);
		if (err_passes(one.code)) {
			*ret_away = true;
			*err = one;
			return refused;
		}
		why[i] = str_copy(a, str_of(one.text));
		refused++;
	}
	return refused;
}

static void
pause_for(Consumer *c, TimeUs length)
{
	pthread_mutex_lock(&c->lock);
	if (!atomic_load(&c->stopping))
		(void)thread_wait(&c->stopped, &c->lock, length);
	pthread_mutex_unlock(&c->lock);
}

static void
say_away(Consumer *c, const Err *err)
{
	if (!c->away)
		uow_say_stuck("consuming stops until the database is back", err);
	c->away = true;
}

static void
say_back(Consumer *c)
{
	if (c->away)
		log_debug("consuming goes on");
	c->away = false;
}

static void
batch_settle(Consumer *c, const Msg *msgs, size_t n, const Str *why)
{
	for (size_t i = 0; i < n; i++) {
		if (!str_none(why[i])) {
			log_error("a message cannot be handled and goes to the dead letters: %s", why[i].p);
			sub_dead(c->sub, &msgs[i], why[i].p);
		} else {
			sub_ack(c->sub, &msgs[i], 1);
		}
	}
}

/* Holds a batch until it is handled or the consumer stops. */
static void
batch_handle(Consumer *c, const Msg *msgs, size_t n)
{
	Str why[MSGS_MAX];
	TimeUs wait = PAUSE_FIRST_US;

	for (;;) {
		Err err = { 0 };
		bool away;
		size_t refused =
		    consumer_handle(c->u, c->config.turn, c->config.self, c->arena, msgs, n, &away, why, &err);

		if (!away) {
			say_back(c);
			if (refused == 0)
				sub_ack(c->sub, msgs, n);
			else
				batch_settle(c, msgs, n, why);
			return;
		}
		say_away(c, &err);
		if (atomic_load(&c->stopping)) {
			sub_return(c->sub, msgs, n);
			return;
		}
		pause_for(c, wait);
		wait = wait * 2 > PAUSE_MOST_US ? PAUSE_MOST_US : wait * 2;
	}
}

static void *
consumer_run(void *arg)
{
	Consumer *c = arg;
	Msg msgs[MSGS_MAX];
	size_t items = c->config.max_items == 0 ? ITEMS_MAX : c->config.max_items;
	uint64_t joined = sub_joined(c->sub);

	log_role(c->config.role);
	while (!atomic_load(&c->stopping)) {
		TimeUs rest = c->config.rest == NULL ? -1 : c->config.rest(c->config.self);
		size_t n;

		arena_reset(c->arena);
		n = sub_take(c->sub, c->arena, msgs, MSGS_MAX, items, rest < 0 ? (TimeUs)WAIT_US : rest);
		if (sub_joined(c->sub) != joined && joined != 0 && c->config.lost != NULL)
			c->config.lost(c->config.self);
		joined = sub_joined(c->sub);
		if (n > 0 || rest >= 0)
			batch_handle(c, msgs, n);
	}
	return NULL;
}

static void
consumer_free(Consumer *c)
{
	if (c->sub != NULL)
		sub_close(c->sub);
	uow_close(c->u);
	arena_close(c->arena);
	pthread_mutex_destroy(&c->lock);
	pthread_cond_destroy(&c->stopped);
	free(c);
}

bool
consumer_start(Engine *e, const ConsumerConfig *config, Consumer **ret, Err *err)
{
	Consumer *c = calloc(1, sizeof(Consumer));

	if (c == NULL)
		return err_set(err, ERR_SYS, "out of memory");
	c->config = *config;
	c->arena = arena_open();
	pthread_mutex_init(&c->lock, NULL);
	pthread_cond_init(&c->stopped, NULL);
	if (!uow_open(e, &c->u, err) || !sub_open(e->bus, &config->sub, &c->sub, err)) {
		consumer_free(c);
		return false;
	}
	if (pthread_create(&c->thread, NULL, consumer_run, c) != 0) {
		consumer_free(c);
		return err_set(err, ERR_SYS, "cannot start a thread");
	}
	*ret = c;
	return true;
}

void
consumer_stop(Consumer *c)
{
	if (c == NULL)
		return;
	pthread_mutex_lock(&c->lock);
	atomic_store(&c->stopping, true);
	pthread_cond_broadcast(&c->stopped);
	pthread_mutex_unlock(&c->lock);
	sub_wake(c->sub);
	pthread_join(c->thread, NULL);
	consumer_free(c);
}

bool
consumer_connected(const Consumer *c)
{
	return sub_connected(c->sub);
}
