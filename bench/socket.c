#include "socket.h"

#include "report.h"
#include "wire.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

enum { ROOM = 1 << 20, PATIENCE_S = 60 };

/* The head of the answer, and no byte more. */
static bool
is_taken(int fd)
{
	char head[1024];
	size_t n = 0;

	while (n + 1 < sizeof(head)) {
		if (recv(fd, head + n, 1, 0) != 1)
			return false;
		head[++n] = '\0';
		if (n >= 4 && strcmp(head + n - 4, "\r\n\r\n") == 0)
			return strncmp(head, "HTTP/1.1 101 ", 13) == 0;
	}
	return false;
}

int
websocket_try(int port, const char *token)
{
	struct timeval limit = { .tv_sec = PATIENCE_S };
	int fd = wire_open(port);
	char request[2048];
	int n = snprintf(request, sizeof(request),
	    "GET /ws HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
	    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\nAuthorization: Bearer "
	    "%s\r\n\r\n",
	    token);

	if (fd < 0)
		return -1;
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
	if (send(fd, request, (size_t)n, MSG_NOSIGNAL) == n && is_taken(fd))
		return fd;
	close(fd);
	return -1;
}

void
websocket_open(Socket *s, int port, const char *token)
{
	*s = (Socket){ .fd = websocket_try(port, token), .bytes = malloc(ROOM) };
	must(s->fd >= 0 && s->bytes != NULL, NULL, "a WebSocket");
}

void
websocket_close(Socket *s)
{
	close(s->fd);
	free(s->bytes);
}

/* At least n bytes from s->from on. */
static void
want(Socket *s, size_t n)
{
	if (s->have - s->from >= n)
		return;
	memmove(s->bytes, s->bytes + s->from, s->have - s->from);
	s->have -= s->from;
	s->from = 0;
	while (s->have < n) {
		ssize_t got = recv(s->fd, s->bytes + s->have, ROOM - s->have, 0);

		must(got > 0, NULL, "a frame");
		s->have += (size_t)got;
	}
}

Str
websocket_next(Socket *s)
{
	for (;;) {
		const unsigned char *p;
		size_t head = 2, n;
		int kind;

		want(s, 4);
		p = (const unsigned char *)s->bytes + s->from;
		kind = p[0] & 15;
		n = p[1];
		if (n == 126) {
			head = 4;
			n = (size_t)p[2] << 8 | p[3];
		}
		must(n < 127 || head == 4, NULL, "a frame of usual size");
		want(s, head + n);
		s->from += head + n;
		must(kind != 8, NULL, "the WebSocket stays open");
		if (kind == 1)
			return (Str){ s->bytes + s->from - n, n };
	}
}

void
websocket_listen(Socket *s, const char *filter)
{
	char text[160], frame[176] = { (char)0x81, 0 }; /* a mask of zeroes leaves the text as it is */
	int n = snprintf(text, sizeof(text), "{\"type\":\"subscribe\",\"filter\":\"%s\",\"id\":1}", filter);
	size_t at;

	must(n > 0 && n < 126, NULL, filter);
	frame[1] = (char)(0x80 | n);
	memcpy(frame + 6, text, (size_t)n);
	must(send(s->fd, frame, (size_t)n + 6, MSG_NOSIGNAL) == n + 6, NULL, "subscribe");
	while (!str_find(websocket_next(s), str_of("\"subscribed\""), &at))
		;
}
