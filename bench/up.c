#include "up.h"

#include "report.h"
#include "wire.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

int
free_port(void)
{
	struct sockaddr_in at = { .sin_family = AF_INET };
	socklen_t n = sizeof(at);
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	must(fd >= 0 && bind(fd, (struct sockaddr *)&at, sizeof(at)) == 0 &&
		 getsockname(fd, (struct sockaddr *)&at, &n) == 0,
	    NULL, "a free port");
	close(fd);
	return ntohs(at.sin_port);
}

static int
health(int port, int *fd)
{
	static char answer[WIRE_ANSWER_MAX];
	char request[2048];
	size_t n = wire_request(request, sizeof(request), "GET", "/health/ready", NULL);
	int status;

	if (*fd < 0)
		*fd = wire_open(port);
	if (*fd < 0)
		return 0;
	status = wire_call(*fd, request, n, answer);
	if (status <= 0) { /* one that was closed stays so */
		close(*fd);
		*fd = -1;
	}
	return status;
}

/* The token that it left for its own user: wire_request sends it along. */
static void
token_take(const char *dir, int port)
{
	char path[512], token[1024] = { 0 };
	FILE *f;

	snprintf(path, sizeof(path), "%s/attune/token-%d", dir, port);
	f = fopen(path, "r");
	must(f != NULL && fgets(token, sizeof(token), f) != NULL, NULL, path);
	fclose(f);
	setenv("BENCH_TOKEN", token, 1);
}

Up
up_start(const char *attune, const char *dir)
{
	Up u = { .port = free_port(), .fd = -1 };
	TimeUs began = mono_us();
	char port[16], late[64];
	int status;

	snprintf(port, sizeof(port), "%d", u.port);
	u.pid = fork();
	must(u.pid >= 0, NULL, "fork");
	if (u.pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		setenv("XDG_STATE_HOME", dir, 1);
		dup2(STDERR_FILENO, STDOUT_FILENO); /* figures go there, not what the program says */
		execl(attune, attune, "up", "--data-dir", dir, "--port", port, "--log-level", "warn", (char *)NULL);
		perror(attune);
		_exit(127);
	}
	while ((status = health(u.port, &u.fd)) != 200) {
		snprintf(late, sizeof(late), "attune up is not ready after 30 s: it answers %d", status);
		must(mono_us() - began < 30 * US_PER_S, NULL, late);
		must(waitpid(u.pid, NULL, WNOHANG) == 0, NULL, "attune up has ended");
		usleep(500);
	}
	u.ready_ms = (double)(mono_us() - began) / US_PER_MS;
	token_take(dir, u.port);
	return u;
}

void
up_stop(Up *u)
{
	int status;

	close(u->fd);
	kill(u->pid, SIGTERM);
	must(waitpid(u->pid, &status, 0) == u->pid && status == 0, NULL, "attune up did not end well");
}

double
cpu_ms(pid_t pid)
{
	char path[64], text[1024] = { 0 };
	unsigned long user = 0, system = 0;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
	f = fopen(path, "r");
	must(f != NULL && fgets(text, sizeof(text), f) != NULL, NULL, path);
	fclose(f);
	must(
	    sscanf(strrchr(text, ')') + 1, " %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %lu %lu", &user, &system) == 2,
	    NULL, path);
	return (double)(user + system) * 1000 / (double)sysconf(_SC_CLK_TCK);
}
