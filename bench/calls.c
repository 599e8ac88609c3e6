/*
 * core.http_request inside a worker: what a call costs when ten are under way, against a server of this process. Parameters in, result
 * object out; no store.
 *   bench_calls DIR
 */
#include "report.h"

#include "http/libmicrohttpd.h"
#include "runtime/processes.h"

#include <microhttpd.h>

enum { WARM = 200, CALLS = 10000, AT_ONCE = 10 };

static enum MHD_Result
answer(void *self, struct MHD_Connection *c, const char *url, const char *method, const char *version, const char *data,
    size_t *n, void **state)
{
	static char body[] = "{\"data\":[]}";
	struct MHD_Response *r;
	enum MHD_Result ok;

	(void)self, (void)url, (void)method, (void)version, (void)data, (void)n;
	if (*state == NULL) {
		*state = body;
		return MHD_YES;
	}
	r = MHD_create_response_from_buffer(sizeof(body) - 1, body, MHD_RESPMEM_PERSISTENT);
	ok = MHD_queue_response(c, 200, r);
	MHD_destroy_response(r);
	return ok;
}

/* So many calls, AT_ONCE of them under way. */
static void
call(Starter *s, const RunSpec *like, size_t n)
{
	Arena *a = arena_open();
	RunSpec spec = *like;
	size_t begun = 0, done = 0, got;
	RunEnd ends[AT_ONCE];
	Err err = { 0 };

	while (done < n) {
		for (; begun < n && begun - done < AT_ONCE; begun++) {
			spec.execution++;
			must(s->start(s, &spec, &err), &err, "start");
		}
		s->sleep(s, 0);
		got = s->ended(s, a, ends, AT_ONCE);
		for (size_t i = 0; i < got; i++)
			must(ends[i].outcome == RUN_SUCCEEDED, NULL, json_text(a, &ends[i].result).p);
		done += got;
		arena_reset(a);
	}
	arena_close(a);
}

int
main(int argc, char **argv)
{
	struct MHD_Daemon *d = NULL;
	Arena *a = arena_open();
	Json params = json_object();
	RunSpec spec = { .attempt = 1,
		.action_ref = str_of("core.http_request"),
		.entrypoint = str_of("core.http_request"),
		.runtime = str_of("internal"),
		.output_format = str_of("json"),
		.params = &params,
		.timeout = 60 * US_PER_S };
	Network loopback;
	ProcessesConfig config = { .clock = clock_real(),
		.worker_name = str_of("bench"),
		.stdout_max = 10 << 20,
		.stderr_max = 10 << 20,
		.inline_output = 4096,
		.reach = { &loopback, 1 } };
	Starter *s;
	TimeUs began;
	Err err = { 0 };

	if (late_load(&libmicrohttpd, &err))
		d = MHD_start_daemon(MHD_USE_EPOLL_INTERNAL_THREAD, 0, NULL, NULL, answer, NULL, MHD_OPTION_END);
	must(argc == 2 && d != NULL && network_parse(str_of("127.0.0.1"), &loopback), NULL, "usage: bench_calls DIR");
	json_add(a, &params, "url",
	    json_str(str_fmt(a, "http://127.0.0.1:%d/", MHD_get_daemon_info(d, MHD_DAEMON_INFO_BIND_PORT)->port)));
	config.artifacts_dir = config.packs_base_dir = config.runtime_envs_dir = str_of(argv[1]);
	must(processes_open(&config, &s, &err), &err, "worker");
	call(s, &spec, WARM);
	spec.execution += WARM;
	began = mono_us();
	call(s, &spec, CALLS);
	figure("http_request_us", (double)(mono_us() - began) / CALLS);
	s->close(s);
	MHD_stop_daemon(d);
	arena_close(a);
	return 0;
}
