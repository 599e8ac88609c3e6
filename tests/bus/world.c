#include "world.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

bool
world_rabbit(void)
{
	const char *which = getenv("ATTUNE_TEST_BUS");

	return which != NULL && strcmp(which, "rabbitmq") == 0;
}

static const char *
needed(const char *name)
{
	const char *value = getenv(name);

	if (value == NULL)
		test_fail(__FILE__, __LINE__, "%s is not set: run under dev/with-servers", name);
	return value;
}

static void
run(const char *command)
{
	int status = system(command);

	if (status != 0)
		test_fail(__FILE__, __LINE__, "'%s' ended with %d", command, status);
}

void
world_ctl(const World *w, const char *fmt, ...)
{
	Str rest;
	va_list ap;

	va_start(ap, fmt);
	rest = str_vfmt(w->a, fmt, ap);
	va_end(ap);
	run(str_fmt(w->a, "%s %.*s >/dev/null 2>&1", needed("ATTUNE_TEST_AMQP_CTL"), STR_ARG(rest)).p);
}

void
world_broker(const char *what)
{
	CLEANUP(arena_done) Arena *a = arena_open();

	run(str_fmt(a, "%s %s >/dev/null 2>&1", needed("ATTUNE_TEST_RABBIT_CTL"), what).p);
}

Str
world_url(const World *w, const char *user, const char *password)
{
	Str url = str_of(needed("ATTUNE_TEST_AMQP"));
	size_t at;

	CHECK(str_find(url, str_of("@"), &at));
	return str_fmt(w->a, "amqp://%s:%s%.*s/%s", user, password, STR_ARG(str_sub(url, at, url.n)), w->vhost);
}

static bool
keep(void *self, const DeadLetter *d)
{
	World *w = self;
	DeadLetter *k = &w->kept[w->kept_n++];

	*k = *d;
	k->queue = str_copy(w->a, d->queue);
	k->key = str_copy(w->a, d->key);
	k->reason = str_copy(w->a, d->reason);
	k->body = str_copy(w->a, d->body);
	return true;
}

World *
world_bare(void)
{
	static int count;
	World *w = calloc(1, sizeof(*w));

	w->a = arena_open();
	w->config = (BusConfig){ .url = str_of("local:"), .process = str_of("p1"), .clock = clock_real() };
	if (!world_rabbit())
		return w;
	snprintf(w->vhost, sizeof(w->vhost), "t%d-%d", (int)getpid(), ++count);
	world_ctl(w, "add_vhost %s", w->vhost);
	world_ctl(w, "set_permissions -p %s guest '.*' '.*' '.*'", w->vhost);
	w->config.url = world_url(w, "guest", "guest");
	return w;
}

World *
world_open(void)
{
	World *w = world_bare();
	Err err = { 0 };

	CHECK_OK(bus_open(&w->config, &w->bus, &err), err);
	CHECK_OK(port_open(w->bus, &w->port, &err), err);
	bus_keep_dead(w->bus, keep, w);
	return w;
}

void
world_done(World **at)
{
	World *w = *at;

	port_close(w->port);
	bus_close(w->bus);
	if (world_rabbit())
		world_ctl(w, "delete_vhost %s", w->vhost);
	arena_close(w->a);
	free(w);
}

Sub *
world_sub(World *w, QueueId q, Id worker)
{
	SubConfig c = { .queue = q, .worker = worker };
	Err err = { 0 };
	Sub *s;

	CHECK_OK(sub_open(w->bus, &c, &s, &err), err);
	return s;
}

void
world_publish(World *w, MsgKind kind, Id worker, Id first, Id n)
{
	Outbox o = outbox_open(w->a);
	Err err = { 0 };

	for (Id i = 0; i < n; i++) {
		MsgItem *m = outbox_add(&o, kind);

		m->id = first + i;
		m->worker = worker;
		m->status = m->previous = str_of("running");
		m->ref = str_of("core.echo");
	}
	CHECK_OK(port_publish(w->port, &o, &err), err);
	CHECK_OK(port_settle(w->port, WORLD_WAIT_US, &err), err);
}

size_t
world_take(World *w, Sub *s, Msg *msgs, size_t max, MsgItem *items, size_t want)
{
	TimeUs until = clock_mono(clock_real()) + WORLD_WAIT_US;
	size_t n = 0;
	size_t got = 0;

	while (got < want && n < max) {
		size_t more = sub_take(s, w->a, &msgs[n], max - n, 0, US_PER_S);

		for (size_t i = n; i < n + more; i++)
			for (size_t j = 0; j < msgs[i].n && got < want; j++)
				items[got++] = msgs[i].items[j];
		n += more;
		if (clock_mono(clock_real()) > until)
			test_fail(__FILE__, __LINE__, "%zu items came, not %zu", got, want);
	}
	return n;
}

/* Everything that was on its way has been confirmed, so a short wait is enough to see what should not come. */
void
world_no_more(World *w, Sub *s)
{
	Msg m;

	CHECK_INT((int64_t)sub_take(s, w->a, &m, 1, 0, 100 * US_PER_MS), 0);
}

DeadLetter *
world_dead(World *w, size_t want)
{
	TimeUs until = clock_mono(clock_real()) + WORLD_WAIT_US;
	Err err = { 0 };
	DeadLetter *list = w->kept;
	size_t n = w->kept_n;

	while (world_rabbit()) {
		CHECK_OK(bus_dead_list(w->bus, w->a, 1000, &list, &n, &err), err);
		if (n == want || clock_mono(clock_real()) > until)
			break;
	}
	CHECK_INT((int64_t)n, (int64_t)want);
	return list;
}

int64_t
world_depth(World *w, QueueId q, Id worker)
{
	QueueDepth d;
	Err err = { 0 };

	CHECK_OK(bus_depth(w->bus, w->a, q, worker, &d, &err), err);
	return d.messages;
}
