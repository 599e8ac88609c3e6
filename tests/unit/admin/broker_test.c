/* Against a real broker: ATTUNE_TEST_AMQP, with a virtual host of its own for each test. */
#include "rig.h"

#include "bus/bus.h"
#include "test.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static const char *
needed(const char *name)
{
	const char *value = getenv(name);

	if (value == NULL)
		test_fail(__FILE__, __LINE__, "%s is not set: run under dev/with-servers", name);
	return value;
}

static void
ctl(Arena *a, const char *words)
{
	Str command = str_fmt(a, "%s %s >/dev/null 2>&1", needed("ATTUNE_TEST_AMQP_CTL"), words);

	CHECK_INT(system(command.p), 0);
}

/* A fresh virtual host, and the tools pointed at it. */
static BusConfig
vhost_open(Arena *a)
{
	static int count;
	Str name = str_fmt(a, "admin%d-%d", (int)getpid(), ++count);
	BusConfig config = { .process = str_of("p1"), .clock = clock_real() };

	ctl(a, str_fmt(a, "add_vhost %s", name.p).p);
	ctl(a, str_fmt(a, "set_permissions -p %s guest '.*' '.*' '.*'", name.p).p);
	config.url = str_fmt(a, "%s/%s", needed("ATTUNE_TEST_AMQP"), name.p);
	setenv("ATTUNE__MESSAGE_QUEUE__URL", config.url.p, 1);
	return config;
}

TEST(topology_shows_depths_and_dead_letters_come_back)
{
	CLEANUP(arena_done) Arena *a = arena_open();
	BusConfig config = vhost_open(a);
	SubConfig requests = { .queue = Q_REQUESTS };
	Err err = { 0 };
	Bus *bus;
	Sub *sub;
	Msg m;
	Said s;
	Json v;
	Str id;

	CHECK_OK(bus_open(&config, &bus, &err), err);
	CHECK_OK(sub_open(bus, &requests, &sub, &err), err);
	CHECK_OK(bus_publish_raw(bus, EX_EXECUTIONS, str_of("execution.requested"), str_of("not json"), &err), err);
	do {
		CHECK_INT((int64_t)sub_take(sub, a, &m, 1, 0, 50 * US_PER_MS), 0);
		s = SAYS(a, "dlq", "list", "-j", "--data-dir", "/nowhere");
		CHECK_STR(s.complaint, str_of(""));
		v = said_json(a, &s);
	} while (v.n == 0);
	CHECK_INT(v.n, 1);
	id = json_get_text(&v.items[0], "message_id");
	CHECK_STR(json_get_text(&v.items[0], "queue"), str_of("attune.execution.requests.queue"));
	CHECK(said_has(SAYS(a, "dlq", "show", id.p, "--data-dir", "/nowhere").out, "not json"));

	sub_close(sub); /* so that what is put back stays where it is put */
	CHECK_STR(SAYS(a, "dlq", "replay", id.p, "--data-dir", "/nowhere").out, str_fmt(a, "put back %s\n", id.p));
	s = SAYS(a, "bus", "topology", "--data-dir", "/nowhere");
	CHECK_STR(s.complaint, str_of(""));
	CHECK(said_has(s.out, "What lies there now"));
	s = SAYS(a, "bus", "topology", "-j", "--data-dir", "/nowhere");
	v = said_json(a, &s);
	CHECK_INT(json_as_int(json_get(json_at(json_get(&v, "queues"), Q_REQUESTS), "messages"), -1), 1);
	CHECK_INT(json_as_int(json_get(json_at(json_get(&v, "queues"), Q_DEAD), "messages"), -1), 0);
	s = SAYS(a, "dlq", "drop", id.p, "--data-dir", "/nowhere");
	CHECK_INT(s.code, 1);
	CHECK(said_has(s.complaint, "no dead letter"));
	bus_close(bus);
}

TEST(an_old_direct_exchange_is_named_and_replaced)
{
	CLEANUP(arena_done) Arena *a = arena_open();
	BusConfig config = vhost_open(a);
	size_t at;
	Said s;

	/* what an older Attune left behind */
	CHECK(str_find(config.url, str_of("admin"), &at));
	ctl(a, str_fmt(a,
		   "eval 'rabbit_exchange:declare({resource, <<\"%s\">>, exchange, <<\"attune.dlx\">>}, direct, true, "
		   "false, false, [], <<\"test\">>).'",
		   config.url.p + at)
		   .p);
	s = SAYS(a, "bus", "topology", "--data-dir", "/nowhere");
	CHECK_INT(s.code, 1);
	CHECK(said_has(s.out, "attune.dlx"));
	CHECK(said_has(s.complaint, "attune bus migrate"));
	s = SAYS(a, "bus", "migrate", "--data-dir", "/nowhere");
	CHECK_STR(s.complaint, str_of(""));
	CHECK_INT(s.code, 0);
	CHECK_INT(SAYS(a, "bus", "topology", "--data-dir", "/nowhere").code, 0);
}

TEST(a_broker_that_is_not_there_is_one_sentence_without_its_password)
{
	CLEANUP(arena_done) Arena *a = arena_open();
	Said s;

	setenv("ATTUNE__MESSAGE_QUEUE__URL", "amqp://u:hidden@127.0.0.1:1", 1);
	s = SAYS(a, "dlq", "list", "--data-dir", "/nowhere");
	CHECK_INT(s.code, 3);
	CHECK(said_has(s.complaint, "127.0.0.1:1") && !said_has(s.complaint, "hidden"));
	unsetenv("ATTUNE__MESSAGE_QUEUE__URL");
}
