#include "wire.h"

#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

int
wire_open(int port)
{
	struct sockaddr_in to = { .sin_family = AF_INET, .sin_port = htons((uint16_t)port) };
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), on = 1;

	to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	if (fd < 0)
		return -1;
	if (connect(fd, (struct sockaddr *)&to, sizeof(to)) < 0) {
		close(fd);
		return -1;
	}
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	return fd;
}

size_t
wire_answer_length(const char *text)
{
	const char *end = strstr(text, "\r\n\r\n");
	const char *length = strcasestr(text, "\r\ncontent-length:");

	if (end == NULL)
		return 0;
	return (size_t)(end - text) + 4 + (length == NULL ? 0 : (size_t)strtoul(length + 17, NULL, 10));
}

int
wire_status(const char *answer)
{
	return atoi(answer + sizeof("HTTP/1.1"));
}

int
wire_call(int fd, const char *request, size_t n, char *answer)
{
	size_t have = 0, whole = 0;

	if (send(fd, request, n, MSG_NOSIGNAL) != (ssize_t)n)
		return 0;
	while (whole == 0 || have < whole) {
		ssize_t got = recv(fd, answer + have, WIRE_ANSWER_MAX - 1 - have, 0);

		if (got <= 0)
			return 0;
		have += (size_t)got;
		answer[have] = '\0';
		if (whole == 0)
			whole = wire_answer_length(answer);
	}
	return wire_status(answer);
}

size_t
wire_request(char *to, size_t room, const char *method, const char *path, const char *body)
{
	const char *token = getenv("BENCH_TOKEN");
	char bearer[1100] = "";
	int n;

	if (token != NULL)
		snprintf(bearer, sizeof(bearer), "Authorization: Bearer %s\r\n", token);
	if (body == NULL)
		n = snprintf(to, room, "%s %s HTTP/1.1\r\nHost: localhost\r\n%s\r\n", method, path, bearer);
	else
		n = snprintf(to, room,
		    "%s %s HTTP/1.1\r\nHost: localhost\r\n%sContent-Type: application/json\r\nContent-Length: "
		    "%zu\r\n\r\n%s",
		    method, path, bearer, strlen(body), body);
	return n < 0 || (size_t)n >= room ? 0 : (size_t)n;
}
