#include "notifier/notifier.h"

#include "base/log.h"
#include "http/figures.h"
#include "notifier/listener.h"
#include "notifier/door.h"
#include "os/poll.h"
#include "os/thread.h"

#include <stdlib.h>

enum {
	TICK_US = US_PER_S,
	LOOK_EVERY_US = 4 * US_PER_S, /* a token that does not count any more is noticed within five */
	OWNERS = 64,
};

struct Notifier {
	NotifierConfig config;
	HttpServer *http; /* of its own, or NULL */
	Ear ear;
	Poll poll;
	bool polls;
	Thread thread;
	Db *db; /* the thread's */
	Listener *clients;
	Listener *gone;

	pthread_mutex_t lock; /* of what follows */
	Listener *arrived;    /* handed over, not taken in yet; linked by `after` */
	size_t connected, filters;
	bool stopping;
};

/* ---- from other threads ---- */

static void
on_told(void *self, const Notice *notices, size_t n)
{
	Notifier *t = self;

	(void)notices;
	(void)n;
	poll_wake(&t->poll);
}

bool
notifier_arrive(Notifier *t, Listener *c)
{
	bool stopping;

	pthread_mutex_lock(&t->lock);
	stopping = t->stopping;
	if (!stopping) {
		c->after = t->arrived;
		t->arrived = c;
		t->connected++;
	}
	pthread_mutex_unlock(&t->lock);
	if (!stopping)
		poll_wake(&t->poll);
	return !stopping;
}

const NotifierConfig *
notifier_config(const Notifier *t)
{
	return &t->config;
}

bool
notifier_has_room(Notifier *t)
{
	size_t most = (size_t)config_int(t->config.config, "notifier.max_connections");
	bool room;

	pthread_mutex_lock(&t->lock);
	room = t->connected < most && !t->stopping;
	pthread_mutex_unlock(&t->lock);
	return room;
}

Json
notifier_stats(void *notifier, Arena *a)
{
	Notifier *t = notifier;
	Json o = json_object();
	size_t connected, filters;

	pthread_mutex_lock(&t->lock);
	connected = t->connected;
	filters = t->filters;
	pthread_mutex_unlock(&t->lock);
	json_add(a, &o, "connected_clients", json_int((int64_t)connected));
	json_add(a, &o, "total_subscriptions", json_int((int64_t)filters));
	return o;
}

void
notifier_figures(void *notifier, Buf *b)
{
	Notifier *t = notifier;
	size_t connected, filters;

	pthread_mutex_lock(&t->lock);
	connected = t->connected;
	filters = t->filters;
	pthread_mutex_unlock(&t->lock);
	figure_single(b, "attune_notifier_clients", "gauge", "WebSockets that are connected", (double)connected);
	figure_single(b, "attune_notifier_subscriptions", "gauge", "what they want to hear", (double)filters);
	figure_single(
	    b, "attune_notifier_notices_total", "counter", "changes that were told", (double)hub_head(t->config.hub));
}

/* ---- the thread ---- */

static void
listener_leaves(Notifier *t, Listener *c)
{
	poll_remove(&t->poll, c->fd);
	if (c->before != NULL)
		c->before->after = c->after;
	else
		t->clients = c->after;
	if (c->after != NULL)
		c->after->before = c->before;
	c->after = t->gone;
	t->gone = c;
}

/* Freed at the end of the turn: it may stand once more among the owners that the poll set gave. */
static void
gone_free(Notifier *t)
{
	size_t n = 0;

	for (Listener *c; (c = t->gone) != NULL; n++) {
		t->gone = c->after;
		hub_exit(t->config.hub);
		listener_free(c);
	}
	if (n == 0)
		return;
	pthread_mutex_lock(&t->lock);
	t->connected -= n;
	pthread_mutex_unlock(&t->lock);
}

static void
listener_enters(Notifier *t, Listener *c, TimeUs now)
{
	Err err = { 0 };

	for (const Listener *l = t->clients; l != NULL; l = l->after) {
		if (!str_eq(l->pass->token, c->pass->token) || l->pass->refused)
			continue;
		listener_share(c, l);
		break;
	}
	c->before = NULL;
	c->after = t->clients;
	if (t->clients != NULL)
		t->clients->before = c;
	t->clients = c;
	if (!poll_add(&t->poll, c->fd, c, &err)) {
		log_warn("a WebSocket cannot be served: %s", err.text);
		c->gone = true;
		return;
	}
	listener_welcome(c);
	listener_write(c, now);
	listener_read(c, now); /* what came with the handshake */
}

static void
arrived_take(Notifier *t, TimeUs now)
{
	Listener *c;

	pthread_mutex_lock(&t->lock);
	c = t->arrived;
	t->arrived = NULL;
	pthread_mutex_unlock(&t->lock);
	while (c != NULL) {
		Listener *next = c->after;

		listener_enters(t, c, now);
		c = next;
	}
}

static void
listener_serve(Listener *c, TimeUs now)
{
	if (c->stuck)
		listener_write(c, now);
	listener_read(c, now);
}

/* Who has gone is not waited for any more. */
static void
owner_serve(Notifier *t, Listener *c, TimeUs now)
{
	listener_serve(c, now);
	if (c->gone)
		listener_leaves(t, c);
}

static size_t
listeners_count(Notifier *t)
{
	size_t n;

	pthread_mutex_lock(&t->lock);
	n = t->connected;
	pthread_mutex_unlock(&t->lock);
	return n;
}

/* Everything that has arrived, before anybody is told anything: what a client subscribed to before it asked for something else is
 * in force when that is announced. */
static bool
read_all(Notifier *t, TimeUs wait)
{
	void *owners[OWNERS];
	bool woken = false, ever = false;
	size_t n, rounds = listeners_count(t) / OWNERS + 1; /* each is seen once: what cannot be read now stays ready */

	do {
		TimeUs now;

		n = poll_wait(&t->poll, wait, owners, OWNERS, &woken);
		ever |= woken;
		now = clock_mono(clock_real());
		if (woken)
			arrived_take(t, now);
		for (size_t i = 0; i < n; i++)
			owner_serve(t, owners[i], now);
		wait = 0;
	} while (n == OWNERS && rounds-- > 0);
	return ever;
}

static void
listener_turn(Notifier *t, Listener *c, uint64_t upto, bool look, TimeUs now)
{
	bool was = c->stuck;

	if (look && c->end_by == 0)
		listener_look(c, t->db, LOOK_EVERY_US, now);
	listener_tell(c, upto, now);
	if (c->end_by != 0 && now >= c->end_by)
		c->gone = true;
	if (c->gone)
		listener_leaves(t, c);
	else if (was != c->stuck || c->stuck)
		poll_want(&t->poll, c->fd, c, !c->stuck, c->stuck);
}

static void
clients_turn(Notifier *t, uint64_t upto, bool look)
{
	TimeUs now = clock_mono(clock_real());
	size_t filters = 0;

	for (Listener *c = t->clients, *next; c != NULL; c = next) {
		next = c->after;
		listener_turn(t, c, upto, look, now);
		filters += c->gone ? 0 : c->filters_n;
	}
	gone_free(t);
	pthread_mutex_lock(&t->lock);
	t->filters = filters;
	pthread_mutex_unlock(&t->lock);
}

static bool
is_stopping(Notifier *t)
{
	bool stopping;

	pthread_mutex_lock(&t->lock);
	stopping = t->stopping;
	pthread_mutex_unlock(&t->lock);
	return stopping;
}

static void
notifier_run(void *self)
{
	Notifier *t = self;
	TimeUs looked = 0;

	log_role("notifier");
	while (!is_stopping(t)) {
		uint64_t upto;
		bool look;
		TimeUs now;

		(void)read_all(t, t->clients == NULL ? -1 : TICK_US);
		upto = hub_head(t->config.hub);
		(void)read_all(t, 0);
		now = clock_mono(clock_real());
		look = now - looked >= TICK_US;
		if (look)
			looked = now;
		clients_turn(t, upto, look);
	}
	for (Listener *c = t->clients; c != NULL; c = c->after)
		listener_close(c, WS_GOING_AWAY, str_of("the notifier stops"), clock_mono(clock_real()));
}

/* ---- beginning and end ---- */

bool
notifier_start(const NotifierConfig *config, Notifier **ret, Err *err)
{
	Notifier *t = calloc(1, sizeof(Notifier));

	if (t == NULL)
		return err_set(err, ERR_SYS, "out of memory");
	t->config = *config;
	pthread_mutex_init(&t->lock, NULL);
	t->ear = (Ear){ .told = on_told, .self = t };
	t->polls = poll_open(&t->poll, err);
	if (!t->polls || !db_open(config->engine->store, &t->db, err) ||
	    !thread_start(&t->thread, "notifier", notifier_run, t, err)) {
		notifier_stop(t);
		return false;
	}
	hub_hear(config->hub, &t->ear);
	if (config->serves && !door_start(t, &t->http, err)) {
		notifier_stop(t);
		return false;
	}
	*ret = t;
	return true;
}

void
notifier_stop(Notifier *t)
{
	if (t == NULL)
		return;
	hub_deaf(t->config.hub, &t->ear);
	pthread_mutex_lock(&t->lock);
	t->stopping = true;
	pthread_mutex_unlock(&t->lock);
	if (t->polls)
		poll_wake(&t->poll);
	thread_join(&t->thread);
	arrived_take(t, clock_mono(clock_real()));
	while (t->clients != NULL)
		listener_leaves(t, t->clients);
	gone_free(t);
	if (t->http != NULL)
		http_stop(t->http, US_PER_S);
	db_close(t->db);
	if (t->polls)
		poll_close(&t->poll);
	pthread_mutex_destroy(&t->lock);
	free(t);
}

int
notifier_port(const Notifier *t)
{
	return http_port(t->http);
}
