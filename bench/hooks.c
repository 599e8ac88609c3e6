/*
 * What comes in from outside: webhooks on sixteen connections, each stored as an event before it is answered, and events by the thousand.
 *   bench_hooks embedded|distributed DIR ATTUNE [PART]      PART, for a profiler: webhooks
 */
#include "crowd.h"
#include "report.h"
#include "rig.h"
#include "up.h"
#include "wire.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum { BATCH = 1000, BATCHES = 100, REQUEST_MAX = 1 << 18, WORD_MAX = 1200 };

typedef struct Hooks {
	const char *world;
	int port;
	char key[WORD_MAX];
	char *request, *answer;
	bool webhooks_only;
} Hooks;

static void
say(const Hooks *h, const char *what, double value)
{
	char name[96];

	snprintf(name, sizeof(name), "%s_%s", h->world, what);
	figure(name, value);
}

static void
ask(Hooks *h, const char *path, const char *body, int status)
{
	int fd = wire_open(h->port);
	size_t n = wire_request(h->request, REQUEST_MAX, "POST", path, body);

	must(wire_call(fd, h->request, n, h->answer) == status, NULL, h->answer);
	close(fd);
}

/* A text member of the answer. */
static void
take(const Hooks *h, const char *member, char *to)
{
	const char *at = strstr(h->answer, member);

	must(at != NULL && strlen(at) > strlen(member) + 3, NULL, member);
	at += strlen(member) + strlen("\":\"");
	snprintf(to, WORD_MAX, "%.*s", (int)strcspn(at, "\""), at);
}

static void
webhooks(Hooks *h)
{
	char path[WORD_MAX + 32], name[96];
	Samples s = { 0 };
	size_t n;

	ask(h, "/api/v1/triggers", "{\"ref\":\"core.bench_hook\",\"pack_ref\":\"core\",\"label\":\"Bench\"}", 201);
	ask(h, "/api/v1/triggers/core.bench_hook/webhooks/enable", "{}", 200);
	take(h, "webhook_key", h->key);
	unsetenv("BENCH_TOKEN"); /* senders have none */
	snprintf(path, sizeof(path), "/api/v1/webhooks/%s", h->key);
	n = wire_request(h->request, REQUEST_MAX, "POST", path,
	    "{\"ref\":\"refs/heads/main\",\"repository\":{\"name\":\"attune\"},\"commits\":[{\"id\":\"4f1c" CROWD_NUMBER
	    "\"}]}");
	say(h, "webhooks_per_s", crowd_run(h->port, h->request, n, 200, &s));
	snprintf(name, sizeof(name), "%s_webhook_ms", h->world);
	figures(name, &s);
	samples_done(&s);
}

static void
batches(Hooks *h)
{
	static char body[REQUEST_MAX / 2];
	size_t at = 0, n;
	int fd = wire_open(h->port);
	TimeUs began;

	for (int i = 0; i < BATCH; i++)
		at += (size_t)snprintf(body + at, sizeof(body) - at,
		    "%c{\"trigger_ref\":\"core.alert\",\"payload\":{\"number\":%d}}", i == 0 ? '[' : ',', i);
	snprintf(body + at, sizeof(body) - at, "]");
	n = wire_request(h->request, REQUEST_MAX, "POST", "/api/v1/events", body);
	must(n > 0, NULL, "a request of a thousand events");
	began = mono_us();
	for (int i = 0; i < BATCHES; i++)
		must(wire_call(fd, h->request, n, h->answer) == 201, NULL, h->answer);
	say(h, "batch_events_per_s", (double)BATCH * BATCHES * US_PER_S / (double)(mono_us() - began));
	close(fd);
}

/* ---- worlds ---- */

static void
embedded(Hooks *h, const char *dir, const char *attune)
{
	Up u = up_start(attune, dir);

	h->port = u.port;
	if (!h->webhooks_only)
		batches(h);
	webhooks(h);
	up_stop(&u);
}

static void
log_in(Hooks *h)
{
	TimeUs until = mono_us() + 30 * US_PER_S;
	char body[512], token[WORD_MAX];
	int fd;

	while ((fd = wire_open(h->port)) < 0) {
		must(mono_us() < until, NULL, "the API is not there after 30 s");
		usleep(10 * US_PER_MS);
	}
	close(fd);
	snprintf(body, sizeof(body), "{\"login\":\"%s\",\"password\":\"%s\"}", getenv("ATTUNE_ADMIN_LOGIN"),
	    getenv("ATTUNE_ADMIN_PASSWORD"));
	ask(h, "/auth/login", body, 200);
	take(h, "\"access_token", token);
	setenv("BENCH_TOKEN", token, 1);
}

static void
distributed(Hooks *h, const char *dir, const char *attune)
{
	RigConfig config = { .dir = dir, .attune = attune, .roles = 1u << ROLE_API };
	char port[16];
	Rig *r;

	h->port = free_port();
	snprintf(port, sizeof(port), "%d", h->port);
	setenv("ATTUNE__SERVER__PORT", port, 1);
	r = rig_open(&config);
	log_in(h);
	if (!h->webhooks_only)
		batches(h);
	webhooks(h);
	rig_close(r);
}

int
main(int argc, char **argv)
{
	Hooks h = { .request = malloc(REQUEST_MAX), .answer = malloc(WIRE_ANSWER_MAX) };

	must(argc == 4 || argc == 5, NULL, "usage: bench_hooks embedded|distributed DIR ATTUNE [PART]");
	h.webhooks_only = argc == 5 && strcmp(argv[4], "webhooks") == 0;
	h.world = argv[1];
	if (strcmp(h.world, "embedded") == 0)
		embedded(&h, argv[2], argv[3]);
	else
		distributed(&h, argv[2], argv[3]);
	free(h.request);
	free(h.answer);
	return 0;
}
