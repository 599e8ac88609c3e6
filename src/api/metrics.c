/* What Prometheus reads: a line for each figure, in its text format. */
#include "api/handlers.h"
#include "api/work.h"
#include "api/workers.h"
#include "http/stats.h"
#include "store/status_read.h"

#include <dirent.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

static void
family(Buf *b, const char *name, const char *type, const char *help)
{
	buf_fmt(b, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, type);
}

static void
single(Buf *b, const char *name, const char *type, const char *help, double value)
{
	family(b, name, type, help);
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

static void
add_requests(Buf *b, const Req *q)
{
	RouteCounts *counts;
	size_t n;

	req_server_stats(q, &counts, &n);
	family(b, "attune_http_requests_total", "counter", "answers by route and status");
	for (size_t i = 0; i < n; i++)
		add_counts(b, &counts[i]);
	family(b, "attune_http_request_seconds", "histogram", "from the handler's call to the answer");
	for (size_t i = 0; i < n; i++)
		add_times(b, &counts[i]);
}

/* ---- work ---- */

static bool
add_work(App *app, Arena *a, Buf *b, Err *err)
{
	static const ExecState states[] = { EXEC_REQUESTED, EXEC_SCHEDULING, EXEC_SCHEDULED, EXEC_RUNNING,
		EXEC_CANCELING };
	int64_t live[EXEC_STATES] = { 0 };
	WorkerLoadRow *loads;
	WaitingRow *waiting;
	size_t n, waiting_n;
	Crew c;

	if (!worker_loads(app_db(app), a, &loads, &n, err) ||
	    !waiting_by_reason(app_db(app), a, &waiting, &waiting_n, err) || !crew_read(app, a, (Str){ 0 }, &c, err))
		return false;
	for (size_t i = 0; i < n; i++)
		for (size_t k = 0; k < countof(states); k++)
			live[states[k]] += loads[i].live[states[k]];
	family(b, "attune_executions", "gauge", "executions that have not ended, by state, of those given to workers");
	for (size_t k = 1; k < countof(states); k++)
		buf_fmt(b, "attune_executions{status=\"%s\"} %lld\n", exec_state_name(states[k]),
		    (long long)live[states[k]]);
	family(b, "attune_executions_waiting", "gauge", "executions that wait, by reason");
	for (size_t i = 0; i < waiting_n; i++)
		buf_fmt(b, "attune_executions_waiting{reason=\"%.*s\"} %lld\n", STR_ARG(waiting[i].reason),
		    (long long)waiting[i].count);
	family(b, "attune_worker_slots", "gauge", "runs that a worker may have at once");
	for (size_t i = 0; i < c.n; i++)
		buf_fmt(b, "attune_worker_slots{worker=\"%lld\",health=\"%s\"} %lld\n", (long long)c.workers[i].id,
		    worker_health(&c, &c.workers[i]), (long long)c.workers[i].slots);
	family(b, "attune_worker_running", "gauge", "runs that a worker has");
	for (size_t i = 0; i < n; i++)
		buf_fmt(b, "attune_worker_running{worker=\"%lld\"} %lld\n", (long long)loads[i].worker,
		    (long long)load_running(&loads[i]));
	return true;
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

static void
add_process(App *app, Buf *b)
{
	struct timespec cpu = { 0 };

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &cpu);
	family(b, "attune_build_info", "gauge", "the version that runs");
	buf_fmt(b, "attune_build_info{version=\"" ATTUNE_VERSION "\"} 1\n");
	single(b, "attune_database_statements_total", "counter", "statements run by this process",
	    (double)store_statements(app->engine->store));
	single(b, "process_cpu_seconds_total", "counter", "processor time used",
	    (double)cpu.tv_sec + (double)cpu.tv_nsec / 1e9);
	single(b, "process_resident_memory_bytes", "gauge", "memory held", resident_bytes());
	single(b, "process_open_fds", "gauge", "descriptors open", open_descriptors());
}

/* While the database is away the process itself can still be looked at. */
bool
metrics_show(App *app, Req *q, Res *s, Err *err)
{
	Arena *a = req_arena(q);
	Buf b = buf_open(a), work = buf_open(a);
	bool up = add_work(app, a, &work, err);

	if (!up && err->code != ERR_AWAY)
		return false;
	err_clear(err);
	single(&b, "attune_database_up", "gauge", "1 while the database answers", up);
	if (up)
		buf_add(&b, buf_str(&work));
	add_process(app, &b);
	add_requests(&b, q);
	return res_bytes(s, 200, "text/plain; version=0.0.4; charset=utf-8", buf_str(&b));
}
