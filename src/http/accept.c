#include "http/steps.h"

#include <errno.h>
#include <poll.h>
#include <sys/socket.h>

enum { FULL_PAUSE_MS = 20 };

/*
 * libmicrohttpd's threads would share the listening socket, and whichever is awake takes all that stand in line: then one thread has
 * every connection of a client that opens several, and serves them one after another. What is handed over goes to the thread that the
 * number of its descriptor names: those of a burst, which are numbered one after another, to each in turn.
 *
 * How many there are is counted here, from accept4 to NOTIFY_CLOSED. The library counts a connection only when its thread comes to it,
 * so its number says nothing of those that still wait there; and at its own limit version 0.9.75 keeps a lock for ever. Its limit is
 * one that this count never lets a thread reach.
 */

/* False: nothing could be taken just now, for there are enough of them or no descriptor is left. The library closes what it refuses. */
static bool
accept_one(HttpServer *s)
{
	struct sockaddr_storage from;
	socklen_t n = sizeof(from);
	int fd;

	if (atomic_load(&s->taken) >= s->connections_most)
		return false; /* they stand in the system's line until others go */
	fd = accept4(s->fd, (struct sockaddr *)&from, &n, SOCK_CLOEXEC | SOCK_NONBLOCK);
	if (fd < 0)
		return errno == EAGAIN || errno == EINTR || errno == ECONNABORTED;
	atomic_fetch_add(&s->taken, 1);
	if (MHD_add_connection(s->daemon, fd, (const struct sockaddr *)&from, n) != MHD_YES)
		atomic_fetch_sub(&s->taken, 1);
	return true;
}

static void *
acceptor_main(void *self)
{
	HttpServer *s = self;
	struct pollfd listening = { .fd = s->fd, .events = POLLIN };

	while (!atomic_load(&s->closed)) {
		if (poll(&listening, 1, -1) > 0 && !atomic_load(&s->closed) && !accept_one(s))
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
