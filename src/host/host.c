#include "host/host.h"

#include "base/crash.h"
#include "base/log.h"
#include "host/inner.h"
#include "os/guardian.h"
#include "os/signals.h"

#include <malloc.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

/* glibc gives memory back to the kernel too eagerly for transactions that take and free megabytes: several times slower. */
static void
heap_tune(void)
{
	mallopt(M_TRIM_THRESHOLD, 16 << 20);
	mallopt(M_MMAP_THRESHOLD,
	    4 << 20); /* above the chunks of arenas; with the other set, glibc does not raise this by itself */
	mallopt(M_TOP_PAD, 1 << 20);
	mallopt(M_ARENA_MAX, 4);
}

static bool
guard_children(Host *h, Err *err)
{
	Str marker;

	if ((h->options.roles & (1u << ROLE_WORKER | 1u << ROLE_SENSOR | 1u << ROLE_API)) == 0)
		return true;
	marker = str_fmt(
	    h->arena, "ATTUNE_WORKER_RUN=%.*s", STR_ARG(uuid_text(h->arena, uuid_new(clock_wall(clock_real())))));
	return guardian_start(marker.p, &h->guardian, err);
}

static bool
host_open(Host *h, Err *err)
{
	return host_config(h, err) && guard_children(h, err) && host_engine(h, err) && host_packs(h, err) &&
	       host_access(h, err) && host_roles(h, err);
}

void
host_close(Host *h)
{
	uow_close(h->uow);
	doorman_close(h->doorman);
	access_close(h->access);
	if (h->bus != NULL)
		bus_close(h->bus);
	if (h->store != NULL)
		store_close(h->store);
	defs_close(h->engine.defs);
	liveness_close(h->engine.live);
	if (h->guardian != NULL)
		guardian_stop(h->guardian);
	if (h->options.up)
		datadir_close(&h->data);
	log_close();
	arena_close(h->arena);
}

static void
say_ready(const Host *h)
{
	Str took = duration_text(h->arena, clock_mono(clock_real()) - h->began);
	Str store = url_starred(h->arena, config_str(h->config, "database.url"));
	Str bus = url_starred(h->arena, config_str(h->config, "message_queue.url"));

	log_info("attune %s %s is ready after %.*s (store %.*s, bus %.*s)", h->options.command, ATTUNE_VERSION,
	    STR_ARG(took), STR_ARG(store), STR_ARG(bus));
	if (h->api != NULL)
		log_info("listening on %s://%.*s:%d; look: attune status, attune execution list, attune trace ID",
		    config_has(h->config, "server.tls_cert") ? "https" : "http",
		    STR_ARG(config_str(h->config, "server.host")), api_port(h->api));
}

static void
host_drain(Host *h, int number)
{
	log_info("%s: no new work, what runs may end", signal_name(number));
	host_roles_stop(h);
	host_token_take(h);
	log_info("stopped");
}

static int
host_run(Host *h)
{
	Err err = { 0 };
	int number;

	if (!signals_open(&h->signals, &err) || !host_open(h, &err)) {
		fprintf(stderr, "attune %s: %s\n", h->options.command, err.text);
		host_roles_stop(h);
		host_close(h);
		return 1;
	}
	say_ready(h);
	if (config_bool(h->config, "demo") && !host_demo(h, &err)) {
		uow_abort(h->uow);
		log_warn("%s", err.text);
	}
	do
		number = signals_wait(h->signals, -1);
	while (number == 0 || number == SIGHUP);
	host_drain(h, number);
	signals_close(h->signals);
	host_close(h);
	return 0;
}

int
host_main(int argc, char **argv)
{
	Host h = { .data = { .lock = -1 } };
	Err err = { 0 };

	if (!host_options(argc, argv, &h.options, &err)) {
		fprintf(stderr, "attune: %s\n", err.text);
		return 2;
	}
	h.arena = arena_open();
	if (h.options.help) {
		Buf b = buf_open(h.arena);

		host_usage(&h.options, &b);
		fputs(buf_str(&b).p, stdout);
		arena_close(h.arena);
		return 0;
	}
	heap_tune();
	crash_from_env();
	h.began = clock_mono(clock_real());
	return host_run(&h);
}
