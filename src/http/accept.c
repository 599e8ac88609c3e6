#include "http/steps.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/socket.h>

enum {
	FULL_PAUSE_MS = 20,
	LOOK_AGAIN_MS = 20,      /* while somebody waits at the door of a thread */
	AWAY_US = 2 * US_PER_MS, /* in one turn: it has begun something long */
};

/*
 * If the threads shared the listening socket, whichever is awake would take all that stand in line: then one has every connection of a
 * client that opens several, and serves them one after another. So each new connection is laid down at the door of the thread that
 * seems to come to it first; and when it has begun something long instead, another one gets it.
 *
 * How many there are is counted here, from accept4 to NOTIFY_CLOSED. The library counts a connection only when its thread comes to it,
 * so its number says nothing of those that still wait there; and at its own limit version 0.9.75 keeps a lock for ever. Its limit is
 * one that this count never lets a thread exceed.
 */

static bool
is_away(HttpThread *t, TimeUs now)
{
	TimeUs since = atomic_load(&t->since);

	return since != 0 && now - since >= AWAY_US;
}

/* Fewer wait for it, it is here, it has fewer connections: the first that tells them apart. */
static bool
comes_sooner(HttpThread *a, HttpThread *b, TimeUs now)
{
	unsigned waiting = atomic_load(&a->waiting), waiting_b = atomic_load(&b->waiting);
	bool away = is_away(a, now), away_b = is_away(b, now);

	if (waiting != waiting_b)
		return waiting < waiting_b;
	if (away != away_b)
		return away_b;
	return atomic_load(&a->links) < atomic_load(&b->links);
}

/* Of those that are alike, each in its turn. */
static HttpThread *
thread_for_next(HttpServer *s, TimeUs now)
{
	unsigned n = s->config.threads, from = s->turn++ % n;
	HttpThread *best = &s->threads[from];

	for (unsigned i = 1; i < n; i++) {
		HttpThread *t = &s->threads[(from + i) % n];

		if (comes_sooner(t, best, now))
			best = t;
	}
	return best;
}

/* False: nothing could be taken just now, for there are enough of them or no descriptor is left. */
static bool
accept_one(HttpServer *s)
{
	Guest come = { .n = sizeof(come.from) }, *g;

	if (atomic_load(&s->taken) >= s->connections_most)
		return false; /* they stand in the system's line until others go */
	come.fd = accept4(s->fd, (struct sockaddr *)&come.from, &come.n, SOCK_CLOEXEC | SOCK_NONBLOCK);
	if (come.fd < 0)
		return errno == EAGAIN || errno == EINTR || errno == ECONNABORTED;
	g = malloc(sizeof(Guest));
	if (g == NULL)
		abort();
	*g = come;
	atomic_fetch_add(&s->taken, 1);
	guest_give(thread_for_next(s, mono_now()), g);
	return true;
}

static bool
has_waiting(HttpServer *s)
{
	for (unsigned i = 0; i < s->config.threads; i++)
		if (atomic_load(&s->threads[i].waiting) > 0)
			return true;
	return false;
}

/* Who waits for a thread that is away goes to one that is not. */
static void
deal_again(HttpServer *s)
{
	TimeUs now = mono_now();

	for (unsigned i = 0; i < s->config.threads; i++) {
		HttpThread *t = &s->threads[i];

		while (atomic_load(&t->waiting) > 0 && is_away(t, now)) {
			HttpThread *other = thread_for_next(s, now);
			Guest *g;

			if (atomic_load(&other->waiting) > 0 || is_away(other, now))
				return;
			g = guest_take_back(t);
			if (g != NULL)
				guest_give(other, g);
		}
	}
}

static void *
acceptor_main(void *self)
{
	HttpServer *s = self;
	struct pollfd listening = { .fd = s->fd, .events = POLLIN };

	while (!atomic_load(&s->closed)) {
		bool come = poll(&listening, 1, has_waiting(s) ? LOOK_AGAIN_MS : -1) > 0;

		deal_again(s);
		if (come && !atomic_load(&s->closed) && !accept_one(s))
			(void)poll(NULL, 0, FULL_PAUSE_MS);
	}
	return NULL;
}

bool
acceptor_start(HttpServer *s, Err *err)
{
	int got = pthread_create(&s->acceptor, NULL, acceptor_main, s);

	if (got != 0)
		return err_sys(err, got, "start the HTTP server's thread for new connections");
	s->acceptor_runs = true;
	return true;
}

void
acceptor_stop(HttpServer *s)
{
	if (!s->acceptor_runs)
		return;
	atomic_store(&s->closed, true);
	shutdown(s->fd, SHUT_RDWR); /* ends its sleep, and whoever comes now is refused */
	pthread_join(s->acceptor, NULL);
	s->acceptor_runs = false;
}
