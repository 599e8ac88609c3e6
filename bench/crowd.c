#include "crowd.h"

#include "wire.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

/*
 * One thread has all connections: the crowd shares the processors with what it measures, and a thread for each of them would cost a
 * change of threads for every answer, which no client of another machine costs.
 */
enum { LINES = 16, RUN_US = 2000000, DIGITS = sizeof(CROWD_NUMBER) - 1 };

typedef struct Asker {
	int fd;
	char *request, *number; /* where its number stands; NULL: all are the same */
	char *answer;
	size_t have, whole;
	TimeUs began;
} Asker;

typedef struct Crowd {
	Asker askers[LINES];
	size_t n; /* bytes of a request */
	int status, epoll;
	unsigned asked, open; /* how many were sent, how many wait for their answer */
	Samples *s;
} Crowd;

static void
ask(Crowd *c, Asker *k)
{
	unsigned number = c->asked++;

	for (int i = DIGITS; k->number != NULL && i > 0; number /= 10)
		k->number[--i] = (char)('0' + number % 10);
	k->have = k->whole = 0;
	k->began = mono_us();
	must(send(k->fd, k->request, c->n, MSG_NOSIGNAL) == (ssize_t)c->n, NULL, "send a request");
	c->open++;
}

/* Takes what came; true: the answer is whole, and what it should be. */
static bool
hear(Crowd *c, Asker *k)
{
	ssize_t got = recv(k->fd, k->answer + k->have, WIRE_ANSWER_MAX - 1 - k->have, MSG_DONTWAIT);

	if (got < 0 && (errno == EAGAIN || errno == EINTR))
		return false;
	must(got > 0, NULL, "the connection broke");
	k->have += (size_t)got;
	k->answer[k->have] = '\0';
	if (k->whole == 0)
		k->whole = wire_answer_length(k->answer);
	if (k->whole == 0 || k->have < k->whole)
		return false;
	must(wire_status(k->answer) == c->status, NULL, k->answer);
	samples_add(c->s, (double)(mono_us() - k->began) / US_PER_MS);
	c->open--;
	return true;
}

static void
asker_open(Crowd *c, Asker *k, int port, const char *request)
{
	struct epoll_event e = { .events = EPOLLIN, .data.ptr = k };

	*k = (Asker){ .fd = wire_open(port), .request = malloc(c->n + 1), .answer = malloc(WIRE_ANSWER_MAX) };
	must(k->fd >= 0 && k->request != NULL && k->answer != NULL, NULL, "open a connection");
	memcpy(k->request, request, c->n);
	k->request[c->n] = '\0';
	k->number = strstr(k->request, CROWD_NUMBER);
	must(epoll_ctl(c->epoll, EPOLL_CTL_ADD, k->fd, &e) == 0, NULL, "epoll");
}

static void
asker_close(Asker *k)
{
	close(k->fd);
	free(k->request);
	free(k->answer);
}

/* Until its time is over, and then until all have been answered. */
static void
crowd_go(Crowd *c, TimeUs until)
{
	struct epoll_event come[LINES];

	for (int i = 0; i < LINES; i++)
		ask(c, &c->askers[i]);
	while (c->open > 0) {
		int n = epoll_wait(c->epoll, come, LINES, -1);

		must(n > 0 || errno == EINTR, NULL, "epoll");
		for (int i = 0; i < n; i++)
			if (hear(c, come[i].data.ptr) && mono_us() < until)
				ask(c, come[i].data.ptr);
	}
}

double
crowd_run(int port, const char *request, size_t n, int status, Samples *all)
{
	Crowd c = { .n = n, .status = status, .epoll = epoll_create1(EPOLL_CLOEXEC), .s = all };
	size_t before = all->n;
	TimeUs began;
	double took;

	must(c.epoll >= 0, NULL, "epoll");
	for (int i = 0; i < LINES; i++)
		asker_open(&c, &c.askers[i], port, request);
	began = mono_us();
	crowd_go(&c, began + RUN_US);
	took = (double)(mono_us() - began) / US_PER_S;
	for (int i = 0; i < LINES; i++)
		asker_close(&c.askers[i]);
	close(c.epoll);
	return (double)(all->n - before) / took;
}
