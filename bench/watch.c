/*
 * What people who watch can rely on: how many changes a second go through one notifier process, how soon one is on the wire, and what
 * a client that only listens costs.
 *   bench_watch embedded|distributed DIR ATTUNE
 */
#include "notifier/notifier.h"
#include "report.h"
#include "rig.h"
#include "socket.h"
#include "store/identity.h"
#include "store/permission_set.h"
#include "store/session.h"
#include "up.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum {
	RUNS = 10000,  /* rows that are told of */
	TIMES = 4,     /* how often each is */
	AT_ONCE = 125, /* changes of one transaction */
	AHEAD = 250,   /* announced before the slowest has heard them: no more than a client may be behind */
	LISTENERS = 10,
	SINGLES = 400,
	SINGLE_EVERY_US = 2000,
	IDLE = 2000,
};

typedef struct Watch {
	const char *world;
	Rig *r;
	char *token;
	int port;
} Watch;

static void
say(const Watch *w, const char *what, double value)
{
	char name[96];

	snprintf(name, sizeof(name), "%s_%s", w->world, what);
	figure(name, value);
}

/* Of somebody who may see everything. */
static char *
token_make(Rig *r)
{
	IdentityDef who = { .login = str_of("watcher"), .attributes = json_object() };
	Session s = { .kind = str_of("password") };
	Assignment give = { 0 };
	PermissionSetDef set;
	DefPut put;
	Uow *u = r->u;
	Err err = { 0 };

	must(uow_begin(u, &err), &err, "begin");
	must(identity_put(u->db, u->arena, &who, u->now, &put, &err), &err, "an identity");
	must(permission_set_get_ref(u->db, u->arena, str_of("core.admin"), &set, &err), &err, "its permission set");
	who.id = s.identity = give.identity = put.id;
	give.set = set.id;
	must(assignment_put(u->db, u->arena, ASSIGN_SET, &give, u->now, &err), &err, "its rights");
	s.expires = u->now + 3600 * (TimeUs)US_PER_S;
	must(session_open(u->db, u->arena, &s, u->now, &err), &err, "a session");
	must(uow_commit(u, &points_access, &err), &err, "commit");
	return strdup(access_token(r->h.access, u->arena, &who, s.id).p);
}

static void
watch_open(Watch *w, const char *world, const char *dir, const char *attune)
{
	RigConfig config = {
		.embedded = strcmp(world, "embedded") == 0, .dir = dir, .attune = attune, .roles = 1u << ROLE_NOTIFIER
	};
	TimeUs until = mono_us() + 60 * US_PER_S;
	char port[16];
	int fd;

	*w = (Watch){ .world = world, .port = free_port() };
	snprintf(port, sizeof(port), "%d", w->port);
	setenv("ATTUNE__NOTIFIER__PORT", port, 1);
	w->r = rig_open(&config);
	w->token = token_make(w->r);
	while ((fd = websocket_try(w->port, w->token)) < 0) {
		must(mono_us() < until, NULL, "the notifier is not there after 60 s");
		usleep(10 * US_PER_MS);
	}
	close(fd);
}

/* ---- how many ---- */

typedef struct Hearer {
	pthread_t thread;
	Socket s;
	size_t want;
	atomic_size_t heard;
	TimeUs last;
} Hearer;

static void *
hearer_run(void *self)
{
	Hearer *h = self;

	for (size_t i = 0; i < h->want; i++) {
		(void)websocket_next(&h->s);
		atomic_store_explicit(&h->heard, i + 1, memory_order_relaxed);
	}
	h->last = mono_us();
	return NULL;
}

/* Changes of rows that are there, so that it is the notifier that is measured and not the making of runs. */
static void
announce(Rig *r, Id first, size_t n)
{
	Uow *u = r->u;
	Err err = { 0 };

	must(uow_begin(u, &err), &err, "begin");
	for (size_t i = 0; i < n; i++)
		change_add(u, CHANGE_EXECUTION_CREATED, first + (Id)i, "requested", NULL);
	must(uow_commit(u, &points_create, &err), &err, "commit");
}

static void
wait_for_slowest(Hearer *h, size_t listeners, size_t told)
{
	for (size_t i = 0; i < listeners; i++)
		while (told > AHEAD && atomic_load_explicit(&h[i].heard, memory_order_relaxed) < told - AHEAD)
			usleep(500);
}

/* Of the process that is the notifier and nothing else; on a busy machine it says more than the clock. */
static double
notifier_cpu_ms(const Watch *w)
{
	return w->r->config.embedded ? 0 : cpu_ms(w->r->pids[0]);
}

/* What each of the listeners hears, from the first announcement to the last frame. */
static void
stream_to(Watch *w, Id first, size_t listeners, const char *what)
{
	Hearer h[LISTENERS] = { 0 };
	TimeUs began, last = 0;
	double used;

	for (size_t i = 0; i < listeners; i++) {
		h[i].want = (size_t)RUNS * TIMES;
		websocket_open(&h[i].s, w->port, w->token);
		websocket_listen(&h[i].s, "entity_type:execution");
		must(pthread_create(&h[i].thread, NULL, hearer_run, &h[i]) == 0, NULL, "thread");
	}
	used = notifier_cpu_ms(w);
	began = mono_us();
	for (size_t told = 0; told < (size_t)RUNS * TIMES; told += AT_ONCE) {
		wait_for_slowest(h, listeners, told);
		announce(w->r, first + (Id)(told % RUNS), AT_ONCE);
	}
	for (size_t i = 0; i < listeners; i++) {
		pthread_join(h[i].thread, NULL);
		last = h[i].last > last ? h[i].last : last;
		websocket_close(&h[i].s);
	}
	say(w, what, (double)RUNS * TIMES * US_PER_S / (double)(last - began));
	if (!w->r->config.embedded && listeners == 1)
		say(w, "notice_cpu_us", (notifier_cpu_ms(w) - used) * US_PER_MS / ((double)RUNS * TIMES));
}

static void
many(Watch *w)
{
	Id last = 0;

	for (size_t i = 0; i < RUNS; i += AT_ONCE)
		last = rig_execute(w->r, "core.noop", AT_ONCE);
	stream_to(w, last - RUNS + 1, 1, "notices_per_s");
	stream_to(w, last - RUNS + 1, LISTENERS, "notices_to_10_per_s");
}

/* ---- how soon ---- */

/* From the begin of the commit, which makes it true, to the frame in the client's hands. */
static void
soon(Watch *w)
{
	Samples s = { 0 };
	Socket c;
	char name[64];

	websocket_open(&c, w->port, w->token);
	websocket_listen(&c, "notification_type:execution_created");
	for (int i = 0; i < SINGLES; i++) {
		Json params = json_object();
		ExecutionIn in = { .action_ref = str_of("core.noop"), .params = &params, .by = str_of("bench") };
		ExecutionOut out;
		Err err = { 0 };
		TimeUs began;

		must(uow_begin(w->r->u, &err), &err, "begin");
		must(executions_create(w->r->u, &in, 1, &out, &err), &err, "execute");
		began = mono_us();
		must(uow_commit(w->r->u, &points_create, &err), &err, "commit");
		(void)websocket_next(&c);
		samples_add(&s, (double)(mono_us() - began) / US_PER_MS);
		usleep(SINGLE_EVERY_US);
	}
	snprintf(name, sizeof(name), "%s_frame_ms", w->world);
	figures(name, &s);
	samples_done(&s);
	websocket_close(&c);
}

/* ---- how much ---- */

/* Each reads what it is sent, as a client does: what it was greeted with lies in no buffer. */
static void
idle_open(int *fds, size_t n, int port, const char *token)
{
	char greeting[1024];

	for (size_t i = 0; i < n; i++) {
		fds[i] = websocket_try(port, token);
		must(fds[i] >= 0 && read(fds[i], greeting, sizeof(greeting)) > 0, NULL, "an idle WebSocket");
	}
}

static void
idle(const char *attune, const char *dir)
{
	static int fds[IDLE];
	enum { FIRST = 100 }; /* what the first clients cost once */
	Up u = up_start(attune, dir);
	const char *token = getenv("BENCH_TOKEN");
	double before;

	idle_open(fds, FIRST, u.port, token);
	sleep(1);
	before = rss_kb(u.pid);
	idle_open(fds + FIRST, IDLE - FIRST, u.port, token);
	sleep(6); /* each was looked at again */
	figure("idle_socket_kb", (rss_kb(u.pid) - before) / (IDLE - FIRST));
	for (size_t i = 0; i < IDLE; i++)
		close(fds[i]);
	up_stop(&u);
}

int
main(int argc, char **argv)
{
	char dir[512];
	Watch w;

	must(argc == 4, NULL, "usage: bench_watch embedded|distributed DIR ATTUNE");
	snprintf(dir, sizeof(dir), "%s/idle", argv[2]);
	if (strcmp(argv[1], "embedded") == 0)
		idle(argv[3], dir);
	snprintf(dir, sizeof(dir), "%s/watch", argv[2]);
	watch_open(&w, argv[1], dir, argv[3]);
	soon(&w);
	many(&w);
	free(w.token);
	rig_close(w.r);
	return 0;
}
