#include "http/figures.h"

#include "http/stats.h"

#include <dirent.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

void
figure_family(Buf *b, const char *name, const char *type, const char *help)
{
	buf_fmt(b, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, type);
}

void
figure_single(Buf *b, const char *name, const char *type, const char *help, double value)
{
	figure_family(b, name, type, help);
	buf_fmt(b, "%s %.17g\n", name, value);
}

/* ---- requests ---- */

static void
add_route(Buf *b, const RouteCounts *c)
{
	if (c->route == NULL)
		buf_text(b, "method=\"\",route=\"\"");
	else
		buf_fmt(b, "method=\"%s\",route=\"%s\"", c->route->method, c->route->path);
}

static void
add_counts(Buf *b, const RouteCounts *c)
{
	for (int i = 0; i < STAT_CODES; i++) {
		if (c->codes[i] == 0)
			continue;
		buf_text(b, "attune_http_requests_total{");
		add_route(b, c);
		buf_fmt(b, ",status=\"%d\"} %llu\n", stat_codes[i], (unsigned long long)c->codes[i]);
	}
}

static void
add_times(Buf *b, const RouteCounts *c)
{
	uint64_t n = 0;

	for (int i = 0; i <= STAT_STEPS; i++) {
		n += c->steps[i];
		buf_text(b, "attune_http_request_seconds_bucket{");
		add_route(b, c);
		if (i < STAT_STEPS)
			buf_fmt(b, ",le=\"%g\"} %llu\n", (double)stat_steps[i] / US_PER_S, (unsigned long long)n);
		else
			buf_fmt(b, ",le=\"+Inf\"} %llu\n", (unsigned long long)n);
	}
	buf_text(b, "attune_http_request_seconds_sum{");
	add_route(b, c);
	buf_fmt(b, "} %.6f\nattune_http_request_seconds_count{", (double)c->us / US_PER_S);
	add_route(b, c);
	buf_fmt(b, "} %llu\n", (unsigned long long)n);
}

void
figures_requests(Buf *b, const Req *q)
{
	RouteCounts *counts;
	size_t n;

	req_server_stats(q, &counts, &n);
	figure_family(b, "attune_http_requests_total", "counter", "answers by route and status");
	for (size_t i = 0; i < n; i++)
		add_counts(b, &counts[i]);
	figure_family(b, "attune_http_request_seconds", "histogram", "from the handler's call to the answer");
	for (size_t i = 0; i < n; i++)
		add_times(b, &counts[i]);
}

/* ---- the process ---- */

static double
resident_bytes(void)
{
	unsigned long pages = 0;
	FILE *f = fopen("/proc/self/statm", "re");

	if (f == NULL)
		return 0;
	if (fscanf(f, "%*u %lu", &pages) != 1)
		pages = 0;
	fclose(f);
	return (double)pages * (double)sysconf(_SC_PAGESIZE);
}

static double
open_descriptors(void)
{
	DIR *d = opendir("/proc/self/fd");
	double n = -1; /* its own is one of them */

	if (d == NULL)
		return 0;
	for (struct dirent *e = readdir(d); e != NULL; e = readdir(d))
		n += e->d_name[0] != '.';
	closedir(d);
	return n;
}

void
figures_process(Buf *b)
{
	struct timespec cpu = { 0 };

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &cpu);
	figure_family(b, "attune_build_info", "gauge", "the version that runs");
	buf_fmt(b, "attune_build_info{version=\"" ATTUNE_VERSION "\"} 1\n");
	figure_single(b, "process_cpu_seconds_total", "counter", "processor time used",
	    (double)cpu.tv_sec + (double)cpu.tv_nsec / 1e9);
	figure_single(b, "process_resident_memory_bytes", "gauge", "memory held", resident_bytes());
	figure_single(b, "process_open_fds", "gauge", "descriptors open", open_descriptors());
}

bool
res_figures(Res *s, Buf *b)
{
	return res_bytes(s, 200, "text/plain; version=0.0.4; charset=utf-8", buf_str(b));
}
