#include "http/listen.h"

#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

enum { BACKLOG = 1024 };

static int
try_one(const struct addrinfo *at)
{
	int fd = socket(at->ai_family, at->ai_socktype | SOCK_CLOEXEC | SOCK_NONBLOCK, at->ai_protocol);
	int on = 1, failed;

	if (fd < 0)
		return -1;
	/* a port in TIME_WAIT may be taken again; one that is listened on may not */
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	if (bind(fd, at->ai_addr, at->ai_addrlen) == 0 && listen(fd, BACKLOG) == 0)
		return fd;
	failed = errno;
	close(fd);
	errno = failed;
	return -1;
}

static int
port_of(int fd)
{
	struct sockaddr_storage at = { 0 };
	socklen_t n = sizeof(at);

	if (getsockname(fd, (struct sockaddr *)&at, &n) < 0)
		return 0;
	if (at.ss_family == AF_INET6)
		return ntohs(((struct sockaddr_in6 *)(void *)&at)->sin6_port);
	return ntohs(((struct sockaddr_in *)(void *)&at)->sin_port);
}

static bool
failed_to(Str host, int port, int errnum, Err *err)
{
	if (errnum == EADDRINUSE)
		return err_set(err, ERR_CONFLICT,
		    "Port %d on %.*s is taken by another process. Choose another with --port", port, STR_ARG(host));
	return err_sys(err, errnum, "listen on %.*s:%d", STR_ARG(host), port);
}

bool
listen_open(Str host, int port, int *ret_fd, int *ret_port, Err *err)
{
	struct addrinfo hints = { .ai_flags = AI_PASSIVE | AI_NUMERICSERV, .ai_socktype = SOCK_STREAM }, *found;
	char name[256], service[16];
	int got, fd = -1, failed = 0;

	snprintf(name, sizeof(name), "%.*s", STR_ARG(host));
	snprintf(service, sizeof(service), "%d", port);
	got = getaddrinfo(name, service, &hints, &found);
	if (got != 0)
		return err_set(err, ERR_INVALID, "listen on '%s': %s", name, gai_strerror(got));
	for (struct addrinfo *at = found; at != NULL && fd < 0; at = at->ai_next) {
		fd = try_one(at);
		failed = errno;
	}
	freeaddrinfo(found);
	if (fd < 0)
		return failed_to(host, port, failed, err);
	*ret_fd = fd;
	*ret_port = port_of(fd);
	return true;
}
