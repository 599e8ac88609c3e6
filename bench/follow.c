/*
 * Following the log of a run: how long after a line was written who follows has it, and what a hundred who follow cost.
 *   bench_follow DIR ATTUNE
 */
#include "report.h"
#include "up.h"
#include "wire.h"

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { LINES = 100, FOLLOWERS = 100, ROOM = 8192, PATIENCE_MS = 30000 };

/* Waits for its followers, then says every 50 ms what time it is. */
#define STAMPS "sleep 1; for ((i = 0; i < 100; i++)); do echo $EPOCHREALTIME; sleep 0.05; done"

typedef struct Follower {
	char text[ROOM];
	size_t n, heard;
	bool done;
} Follower;

static void
ask(const Up *u, const char *path, const char *body, char *answer)
{
	char request[4096];
	size_t n = wire_request(request, sizeof(request), "POST", path, body);

	must(wire_call(u->fd, request, n, answer) == 201, NULL, answer);
}

static long long
stamps_start(const Up *u)
{
	char *answer = malloc(WIRE_ANSWER_MAX);
	const char *id;
	long long ret;

	must(answer != NULL, NULL, "memory");
	ask(u, "/api/v1/executions/execute", "{\"action_ref\":\"core.stamps\"}", answer);
	id = strstr(answer, "\"id\":");
	must(id != NULL, NULL, answer);
	ret = strtoll(id + 5, NULL, 10);
	free(answer);
	return ret;
}

static int
follow(const Up *u, long long execution)
{
	char path[128], request[4096];
	int fd = wire_open(u->port);
	size_t n;

	snprintf(path, sizeof(path), "/api/v1/executions/%lld/logs/stdout/stream", execution);
	n = wire_request(request, sizeof(request), "GET", path, NULL);
	must(fd >= 0 && write(fd, request, n) == (ssize_t)n, NULL, "follow a log");
	return fd;
}

static void
line_heard(Follower *f, const char *line, Samples *lags)
{
	if (strncmp(line, "event: done", 11) == 0)
		f->done = true;
	if (strncmp(line, "data: ", 6) != 0 || strchr(line, '.') == NULL)
		return;
	f->heard++;
	samples_add(lags, (double)clock_wall(clock_real()) / US_PER_MS - strtod(line + 6, NULL) * 1000);
}

static void
read_some(Follower *f, int fd, Samples *lags)
{
	ssize_t n = read(fd, f->text + f->n, ROOM - 1 - f->n);
	char *from = f->text, *end;

	must(n > 0, NULL, "a followed log ended before its run");
	f->n += (size_t)n;
	f->text[f->n] = '\0';
	for (; (end = strchr(from, '\n')) != NULL; from = end + 1) {
		*end = '\0';
		line_heard(f, from, lags);
	}
	f->n -= (size_t)(from - f->text);
	memmove(f->text, from, f->n);
}

/* Of one run that so many follow, to its end. Gives back the processor time of the server, in % of the run's own time. */
static double
followed(const Up *u, size_t n, Samples *lags)
{
	static Follower all[FOLLOWERS];
	struct pollfd p[FOLLOWERS];
	long long execution = stamps_start(u);
	TimeUs began = mono_us();
	double used = cpu_ms(u->pid);
	size_t left = n;

	memset(all, 0, sizeof(all));
	usleep(200 * US_PER_MS);
	for (size_t i = 0; i < n; i++)
		p[i] = (struct pollfd){ .fd = follow(u, execution), .events = POLLIN };
	while (left > 0) {
		must(poll(p, n, PATIENCE_MS) > 0, NULL, "nothing is heard of a followed log");
		for (size_t i = 0; i < n; i++) {
			if (p[i].revents == 0)
				continue;
			read_some(&all[i], p[i].fd, lags);
			if (!all[i].done)
				continue;
			must(all[i].heard == LINES, NULL, "a line of a followed log is missing");
			close(p[i].fd);
			p[i].fd = -1;
			left--;
		}
	}
	return (cpu_ms(u->pid) - used) * US_PER_MS * 100 / (double)(mono_us() - began);
}

int
main(int argc, char **argv)
{
	Samples one = { 0 }, hundred = { 0 };
	char *answer = malloc(WIRE_ANSWER_MAX);
	double alone;
	Up u;

	must(argc == 3 && answer != NULL, NULL, "usage: bench_follow DIR ATTUNE");
	u = up_start(argv[2], argv[1]);
	ask(&u, "/api/v1/actions",
	    "{\"ref\":\"core.stamps\",\"pack_ref\":\"core\",\"label\":\"S\",\"runtime_ref\":\"core.shell\","
	    "\"entrypoint\":\"" STAMPS "\"}",
	    answer);
	free(answer);
	alone = followed(&u, 1, &one);
	figures("follow_lag_ms", &one);
	figure("follow_hundred_cpu_percent", followed(&u, FOLLOWERS, &hundred) - alone);
	figures("follow_hundred_lag_ms", &hundred);
	samples_done(&one);
	samples_done(&hundred);
	up_stop(&u);
	return 0;
}
