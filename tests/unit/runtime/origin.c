#include "origin.h"

#include "test.h"

#include <arpa/inet.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

/* One request with its body; false: the other side has gone. */
static bool
take_request(int fd, char *text, size_t size, size_t *ret_n)
{
	size_t n = 0, body = 0, head = 0, at;

	while (head == 0 || n < head + body) {
		ssize_t got = read(fd, text + n, size - 1 - n);

		if (got <= 0 || n + (size_t)got >= size - 1)
			return false;
		n += (size_t)got;
		text[n] = '\0';
		if (head == 0 && str_find((Str){ text, n }, str_of("\r\n\r\n"), &at)) {
			const char *length = strcasestr(text, "\r\ncontent-length:");

			head = at + 4;
			body = length == NULL ? 0 : (size_t)atol(length + 17);
		}
	}
	*ret_n = n;
	return true;
}

static Str
answer_for(Origin *o, const char *request, size_t n)
{
	Str rest = { request, n }, method, path;
	Str none = str_of("HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n");

	if (!str_cut(&rest, ' ', &method) || !str_cut(&rest, ' ', &path))
		return none;
	for (size_t i = 0; i < o->n; i++)
		if (str_starts(path, str_of(o->answers[i].path)))
			return o->answers[i].answer;
	return none;
}

static void *
serve(void *arg)
{
	Origin *o = ((void **)arg)[0];
	int fd = (int)(intptr_t)((void **)arg)[1];
	char text[8192];
	size_t n;

	free(arg);
	while (take_request(fd, text, sizeof(text), &n)) {
		Str answer = answer_for(o, text, n);

		pthread_mutex_lock(&o->lock);
		memcpy(o->asked, text, n);
		o->asked_n = n;
		o->requests++;
		pthread_mutex_unlock(&o->lock);
		if (str_none(answer))
			continue; /* until the other side gives up */
		if (send(fd, answer.p, answer.n, MSG_NOSIGNAL) < 0)
			break;
	}
	close(fd);
	pthread_mutex_lock(&o->lock);
	o->connections--;
	pthread_mutex_unlock(&o->lock);
	return NULL;
}

static void *
listen_on(void *arg)
{
	Origin *o = arg;
	int fd;

	while ((fd = accept(o->listener, NULL, NULL)) >= 0) {
		void **both = malloc(2 * sizeof(void *));
		pthread_t thread;

		both[0] = o;
		both[1] = (void *)(intptr_t)fd;
		pthread_mutex_lock(&o->lock);
		o->connections++;
		pthread_mutex_unlock(&o->lock);
		CHECK(pthread_create(&thread, NULL, serve, both) == 0);
		pthread_detach(thread);
	}
	return NULL;
}

Origin *
origin_open(void)
{
	struct sockaddr_in at = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	Origin *o = calloc(1, sizeof(*o));
	socklen_t n = sizeof(at);

	pthread_mutex_init(&o->lock, NULL);
	o->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	CHECK(bind(o->listener, (struct sockaddr *)&at, sizeof(at)) == 0 && listen(o->listener, 64) == 0);
	CHECK(getsockname(o->listener, (struct sockaddr *)&at, &n) == 0);
	o->port = ntohs(at.sin_port);
	CHECK(pthread_create(&o->thread, NULL, listen_on, o) == 0);
	return o;
}

/* After the Starter was closed, so that no connection is left. */
void
origin_done(Origin **origin)
{
	Origin *o = *origin;
	int left;

	shutdown(o->listener, SHUT_RDWR);
	pthread_join(o->thread, NULL);
	close(o->listener);
	do {
		pthread_mutex_lock(&o->lock);
		left = o->connections;
		pthread_mutex_unlock(&o->lock);
		sched_yield();
	} while (left > 0);
	free(o);
}

void
origin_answer(Origin *o, const char *path, Str answer)
{
	CHECK(o->n < ORIGIN_ANSWERS);
	o->answers[o->n].path = path;
	o->answers[o->n++].answer = answer;
}

Str
origin_asked(Origin *o, Arena *a)
{
	Str text;

	pthread_mutex_lock(&o->lock);
	text = str_copy(a, (Str){ o->asked, o->asked_n });
	pthread_mutex_unlock(&o->lock);
	return text;
}

int
origin_requests(Origin *o)
{
	int n;

	pthread_mutex_lock(&o->lock);
	n = o->requests;
	pthread_mutex_unlock(&o->lock);
	return n;
}
