/*
 * Following the log of a run: how long after a line was written who follows has it, what a hundred who follow cost, and how it is while
 * the run writes 100 MB to its other stream.
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

/* The same on standard error, with a megabyte to standard output between any two. */
#define FLOOD \
	"sleep 1; for ((i = 0; i < 100; i++)); do echo $EPOCHREALTIME >&2; yes xxxxxxx | head -c 1M; sleep 0.05; done"

typedef struct Show {
	const char *action, *stream;
	double grown_mb; /* the server's memory, at most, while it was followed */
} Show;

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

static void
action_make(const Up *u, const char *name, const char *code)
{
	char *answer = malloc(WIRE_ANSWER_MAX), body[1024];

	must(answer != NULL, NULL, "memory");
	snprintf(body, sizeof(body),
	    "{\"ref\":\"core.%s\",\"pack_ref\":\"core\",\"label\":\"S\",\"runtime_ref\":\"core.shell\",\"entrypoint\":"
	    "\"%s\"}",
	    name, code);
	ask(u, "/api/v1/actions", body, answer);
	free(answer);
}

static long long
run_start(const Up *u, const char *action)
{
	char *answer = malloc(WIRE_ANSWER_MAX), body[128];
	const char *id;
	long long ret;

	must(answer != NULL, NULL, "memory");
	snprintf(body, sizeof(body), "{\"action_ref\":\"core.%s\"}", action);
	ask(u, "/api/v1/executions/execute", body, answer);
	id = strstr(answer, "\"id\":");
	must(id != NULL, NULL, answer);
	ret = strtoll(id + 5, NULL, 10);
	free(answer);
	return ret;
}

static int
follow(const Up *u, long long execution, const char *stream)
{
	char path[128], request[4096];
	int fd = wire_open(u->port);
	size_t n;

	snprintf(path, sizeof(path), "/api/v1/executions/%lld/logs/%s/stream", execution, stream);
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
followed(const Up *u, size_t n, Show *show, Samples *lags)
{
	static Follower all[FOLLOWERS];
	struct pollfd p[FOLLOWERS];
	long long execution = run_start(u, show->action);
	TimeUs began = mono_us();
	double used = cpu_ms(u->pid), memory = rss_kb(u->pid);
	size_t left = n;

	memset(all, 0, sizeof(all));
	usleep(200 * US_PER_MS);
	for (size_t i = 0; i < n; i++)
		p[i] = (struct pollfd){ .fd = follow(u, execution, show->stream), .events = POLLIN };
	while (left > 0) {
		must(poll(p, n, PATIENCE_MS) > 0, NULL, "nothing is heard of a followed log");
		if (rss_kb(u->pid) - memory > show->grown_mb * 1024)
			show->grown_mb = (rss_kb(u->pid) - memory) / 1024;
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
	Samples one = { 0 }, hundred = { 0 }, flood = { 0 };
	Show stamps = { "stamps", "stdout", 0 }, flooded = { "flooded", "stderr", 0 };
	double alone;
	Up u;

	must(argc == 3, NULL, "usage: bench_follow DIR ATTUNE");
	u = up_start(argv[2], argv[1]);
	action_make(&u, "stamps", STAMPS);
	action_make(&u, "flooded", FLOOD);
	alone = followed(&u, 1, &stamps, &one);
	figures("follow_lag_ms", &one);
	figure("follow_hundred_cpu_percent", followed(&u, FOLLOWERS, &stamps, &hundred) - alone);
	figures("follow_hundred_lag_ms", &hundred);
	(void)followed(&u, 1, &flooded, &flood);
	figures("follow_flood_lag_ms", &flood);
	figure("follow_flood_grown_mb", flooded.grown_mb);
	samples_done(&one);
	samples_done(&hundred);
	samples_done(&flood);
	up_stop(&u);
	return 0;
}
