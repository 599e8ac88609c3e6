#include "http/steps.h"

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/prctl.h>
#include <unistd.h>

enum { LEAVING_MS = 10 };

/*
 * The threads at work. Each waits for its connections and its bell, and lets the library serve what is ready. The library is not
 * told of anything from outside but here, on the thread that its daemon belongs to; only the waking of sleeping requests is safe
 * from elsewhere, and needs the bell as well.
 */

/* ---- the bell and the door ---- */

void
thread_wake(HttpThread *t)
{
	uint64_t once = 1;

	if (!atomic_exchange(&t->rung, true))
		(void)!write(t->bell, &once, sizeof(once)); /* cannot fail: its count is 0 or 1 */
}

/* Before looking for what it was rung for: what comes later rings again. */
static void
bell_answer(HttpThread *t)
{
	uint64_t n;

	(void)!read(t->bell, &n, sizeof(n));
	atomic_store(&t->rung, false);
}

void
guest_give(HttpThread *t, Guest *g)
{
	g->next = NULL;
	pthread_mutex_lock(&t->server->door);
	if (t->last != NULL)
		t->last->next = g;
	else
		t->first = g;
	t->last = g;
	atomic_fetch_add(&t->waiting, 1);
	atomic_fetch_add(&t->links, 1);
	pthread_mutex_unlock(&t->server->door);
	thread_wake(t);
}

static Guest *
guest_next(HttpThread *t)
{
	Guest *g;

	pthread_mutex_lock(&t->server->door);
	g = t->first;
	if (g != NULL) {
		t->first = g->next;
		if (t->first == NULL)
			t->last = NULL;
		atomic_fetch_sub(&t->waiting, 1);
	}
	pthread_mutex_unlock(&t->server->door);
	return g;
}

/* By another thread than that at whose door it is. */
Guest *
guest_take_back(HttpThread *t)
{
	Guest *g = guest_next(t);

	if (g != NULL)
		atomic_fetch_sub(&t->links, 1);
	return g;
}

void
held_give(HttpHeld *held)
{
	HttpThread *t = held->request->thread;

	pthread_mutex_lock(&t->server->door);
	held->next = t->released;
	t->released = held;
	pthread_mutex_unlock(&t->server->door);
	thread_wake(t);
}

static void
held_let_go(HttpThread *t)
{
	HttpHeld *held;

	pthread_mutex_lock(&t->server->door);
	held = t->released;
	t->released = NULL;
	pthread_mutex_unlock(&t->server->door);
	while (held != NULL) {
		HttpHeld *next = held->next;

		upgrade_let_go(held->request, held->handle);
		free(held);
		held = next;
	}
}

static void
guest_gone(HttpThread *t)
{
	atomic_fetch_sub(&t->links, 1);
	atomic_fetch_sub(&t->server->taken, 1);
}

/* The library closes what it refuses; when it had begun with it, on_connection has counted that. */
static void
guests_serve(HttpThread *t)
{
	Guest *g;

	while ((g = guest_next(t)) != NULL) {
		unsigned begun = t->begun;

		if (MHD_add_connection(t->daemon, g->fd, (const struct sockaddr *)&g->from, g->n) != MHD_YES &&
		    t->begun == begun)
			guest_gone(t);
		free(g);
	}
}

static void
guests_refuse(HttpThread *t)
{
	Guest *g;

	while ((g = guest_next(t)) != NULL) {
		guest_gone(t);
		close(g->fd);
		free(g);
	}
}

/* ---- work ---- */

/* How long at most, in milliseconds; -1: until something happens. */
static int
nap(HttpThread *t)
{
	unsigned long long ms, most = t->leaving > 0 ? LEAVING_MS : INT_MAX;

	if (MHD_get_timeout(t->daemon, &ms) != MHD_YES)
		return t->leaving > 0 ? LEAVING_MS : -1;
	return (int)(ms < most ? ms : most);
}

/* A connection that is let go ends in steps, and says nothing when one is to follow: mostly it is the next. */
static void
serve(HttpThread *t)
{
	MHD_run(t->daemon);
	if (t->leaving > 0)
		MHD_run(t->daemon);
}

/* Writing to a connection that is gone is an error like others. */
static void
sigpipe_block(void)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGPIPE);
	pthread_sigmask(SIG_BLOCK, &set, NULL);
}

static void *
thread_main(void *self)
{
	HttpThread *t = self;
	struct pollfd fds[] = { { .fd = MHD_get_daemon_info(t->daemon, MHD_DAEMON_INFO_EPOLL_FD)->epoll_fd,
				    .events = POLLIN },
		{ .fd = t->bell, .events = POLLIN } };

	prctl(PR_SET_NAME, "http");
	sigpipe_block();
	while (!atomic_load(&t->server->over)) {
		atomic_store(&t->since, 0);
		if (poll(fds, countof(fds), nap(t)) < 0)
			fds[1].revents = 0; /* a signal */
		atomic_store(&t->since, mono_now());
		if (fds[1].revents != 0) {
			bell_answer(t);
			guests_serve(t);
			held_let_go(t);
		}
		serve(t);
	}
	guests_refuse(t);
	held_let_go(t);
	MHD_stop_daemon(t->daemon);
	thread_app_close(t);
	return NULL;
}

/* ---- beginning and end ---- */

static bool
thread_begin(HttpServer *s, HttpThread *t, Err *err)
{
	int why;

	t->server = s;
	t->stats = calloc(s->config.route_count + 1, sizeof(RouteStats));
	if (t->stats == NULL)
		abort();
	t->bell = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (t->bell < 0)
		return err_sys(err, errno, "start the HTTP server: eventfd");
	if (!daemon_start(t, err))
		return false;
	why = pthread_create(&t->id, NULL, thread_main, t);
	if (why != 0)
		return err_sys(err, why, "start a thread of the HTTP server");
	t->runs = true;
	return true;
}

bool
pool_start(HttpServer *s, Err *err)
{
	s->threads = calloc(s->config.threads, sizeof(HttpThread));
	if (s->threads == NULL)
		abort();
	for (unsigned i = 0; i < s->config.threads; i++)
		s->threads[i].bell = -1;
	for (unsigned i = 0; i < s->config.threads; i++)
		if (!thread_begin(s, &s->threads[i], err))
			return false;
	return true;
}

static void
thread_end(HttpThread *t)
{
	if (t->runs)
		pthread_join(t->id, NULL);
	else if (t->daemon != NULL)
		MHD_stop_daemon(t->daemon);
	if (t->bell >= 0)
		close(t->bell);
	thread_free(t);
}

void
pool_stop(HttpServer *s)
{
	if (s->threads == NULL)
		return;
	atomic_store(&s->over, true);
	for (unsigned i = 0; i < s->config.threads; i++)
		if (s->threads[i].runs)
			thread_wake(&s->threads[i]);
	for (unsigned i = 0; i < s->config.threads; i++)
		thread_end(&s->threads[i]);
	free(s->threads);
	s->threads = NULL;
}
