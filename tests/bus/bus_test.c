/* What the bus promises, in both worlds. */
#include "bus/bus.h"

#include "world.h"

#include <pthread.h>
#include <stdlib.h>

TEST(messages_of_a_queue_come_in_their_order_with_all_their_fields)
{
	CLEANUP(world_done) World *w = world_open();
	Sub *s = world_sub(w, Q_STATUS, 0);
	MsgItem items[300];
	Msg msgs[300];
	size_t n;

	for (Id i = 0; i < 3; i++)
		world_publish(w, MSG_EXECUTION_STATUS_CHANGED, 0, i * 100, 100);
	n = world_take(w, s, msgs, 300, items, 300);
	for (Id i = 0; i < 300; i++) {
		CHECK_INT(items[i].id, i);
		CHECK_STR(items[i].status, str_of("running"));
		CHECK_STR(items[i].ref, str_of("core.echo"));
		CHECK_INT(items[i].worker, 0); /* not a field of this kind, in neither world */
		CHECK(!uuid_none(items[i].correlation));
	}
	CHECK_INT((int64_t)n, 6); /* 100 items are a message of 64 and one of 36 */
	CHECK_INT((int64_t)msgs[0].n, 64);
	sub_ack(s, msgs, n);
	world_no_more(w, s);
	sub_close(s);
	CHECK_INT(world_depth(w, Q_STATUS, 0), 0);
}

TEST(a_dispatch_reaches_its_worker_only)
{
	CLEANUP(world_done) World *w = world_open();
	Sub *one = world_sub(w, Q_WORKER_EXECUTIONS, 1);
	Sub *two = world_sub(w, Q_WORKER_EXECUTIONS, 2);
	Sub *cancel = world_sub(w, Q_WORKER_CANCEL, 2);
	MsgItem item;
	Msg m;

	world_publish(w, MSG_EXECUTION_SCHEDULED, 2, 77, 1);
	world_publish(w, MSG_EXECUTION_CANCEL, 2, 78, 1);
	world_take(w, two, &m, 1, &item, 1);
	CHECK_INT(item.id, 77);
	CHECK_INT(item.worker, 2);
	world_take(w, cancel, &m, 1, &item, 1);
	CHECK_INT(item.id, 78);
	world_no_more(w, one);
	world_no_more(w, two);
	sub_close(one);
	sub_close(two);
	sub_close(cancel);
}

TEST(a_heartbeat_and_a_foreign_object_arrive_whole)
{
	CLEANUP(world_done) World *w = world_open();
	Sub *beats = world_sub(w, Q_EXECUTOR_WORKERS, 0);
	Sub *rules = world_sub(w, Q_SENSOR_RULES, 0);
	Outbox o = outbox_open(w->a);
	Err err = { 0 };
	MsgItem *out;
	MsgItem item;
	Msg m;

	out = outbox_add(&o, MSG_WORKER_HEARTBEAT);
	*out = (MsgItem){ .worker = 9, .other = 3, .at = 1763689404123456, .ref = str_of("i1") };
	out = outbox_add(&o, MSG_RULE_CREATED);
	out->json = json_object();
	json_set(w->a, &out->json, "rule_id", json_int(5));
	json_set(w->a, &out->json, "trigger_params", json_object());
	CHECK_OK(port_publish(w->port, &o, &err), err);
	world_take(w, beats, &m, 1, &item, 1);
	CHECK_INT(item.id, 9);
	CHECK_INT(item.worker, 9);
	CHECK_INT(item.other, 3);
	CHECK_INT(item.at, 1763689404123456);
	CHECK_STR(item.ref, str_of("i1"));
	world_take(w, rules, &m, 1, &item, 1);
	CHECK_INT(item.id, 5);
	CHECK(json_is(json_get(&item.json, "trigger_params"), JSON_OBJECT));
	sub_close(beats);
	sub_close(rules);
}

TEST(every_worker_hears_of_a_pack)
{
	CLEANUP(world_done) World *w = world_open();
	Sub *one = world_sub(w, Q_WORKER_PACKS, 1);
	Sub *two = world_sub(w, Q_WORKER_PACKS, 2);
	MsgItem item;
	Msg m;

	world_publish(w, MSG_PACK_REGISTERED, 0, 4, 1);
	world_take(w, one, &m, 1, &item, 1);
	CHECK_STR(item.ref, str_of("core.echo"));
	world_take(w, two, &m, 1, &item, 1);
	CHECK_INT(item.id, 4);
	sub_close(one);
	sub_close(two);
}

TEST(what_was_not_acknowledged_comes_again_in_order_after_a_close)
{
	CLEANUP(world_done) World *w = world_open();
	Sub *s = world_sub(w, Q_REQUESTS, 0);
	MsgItem items[5];
	Msg msgs[5];

	for (Id i = 0; i < 5; i++)
		world_publish(w, MSG_EXECUTION_REQUESTED, 0, i, 1);
	CHECK_INT((int64_t)world_take(w, s, msgs, 5, items, 5), 5);
	sub_ack(s, &msgs[1], 1);
	sub_ack(s, &msgs[1], 1); /* twice does no harm */
	sub_ack(s, &msgs[3], 1);
	sub_close(s);
	s = world_sub(w, Q_REQUESTS, 0);
	world_take(w, s, msgs, 3, items, 3);
	for (Id i = 0; i < 3; i++) {
		CHECK_INT(items[i].id, i * 2);
		CHECK(msgs[i].redelivered);
	}
	sub_ack(s, msgs, 3);
	world_no_more(w, s);
	sub_close(s);
}

TEST(what_is_returned_comes_again)
{
	CLEANUP(world_done) World *w = world_open();
	Sub *s = world_sub(w, Q_REQUESTS, 0);
	MsgItem items[2];
	Msg msgs[2];

	world_publish(w, MSG_EXECUTION_REQUESTED, 0, 1, 1);
	world_publish(w, MSG_EXECUTION_REQUESTED, 0, 2, 1);
	world_take(w, s, msgs, 2, items, 2);
	sub_return(s, msgs, 2);
	world_take(w, s, msgs, 2, items, 2);
	CHECK_INT(items[0].id, 1);
	CHECK_INT(items[1].id, 2);
	sub_ack(s, msgs, 2);
	sub_close(s);
	CHECK_INT(world_depth(w, Q_REQUESTS, 0), 0);
}

static void
raw(World *w, const char *key, const char *body)
{
	Err err = { 0 };

	CHECK_OK(bus_publish_raw(w->bus, EX_EXECUTIONS, str_of(key), str_of(body), &err), err);
}

static bool
says(Str text, const char *what)
{
	size_t at;

	return str_find(text, str_of(what), &at);
}

TEST(a_foreign_payload_goes_to_the_dead_letters_without_touching_its_neighbours)
{
	static const char foreign[] = "{\"message_type\":\"EventCreated\",\"payload\":{\"event_id\":1}}";
	CLEANUP(world_done) World *w = world_open();
	Sub *s = world_sub(w, Q_ENFORCEMENTS, 0);
	MsgItem items[2];
	Msg msgs[2];
	DeadLetter *dead;

	world_publish(w, MSG_ENFORCEMENT_CREATED, 0, 1, 1);
	raw(w, "enforcement.created", foreign);
	raw(w, "enforcement.created", "{broken");
	raw(w, "enforcement.created", "{\"message_type\":\"Martian\",\"payload\":{}}");
	raw(w, "enforcement.created", "{\"message_type\":\"EnforcementCreated\",\"payload\":[{\"rule_id\":2}]}");
	world_publish(w, MSG_ENFORCEMENT_CREATED, 0, 2, 1);
	CHECK_INT((int64_t)world_take(w, s, msgs, 2, items, 2), 2);
	CHECK_INT(items[0].id, 1);
	CHECK_INT(items[1].id, 2);
	sub_ack(s, msgs, 2);
	dead = world_dead(w, 4);
	CHECK_STR(dead[0].queue, str_of("attune.enforcements.queue"));
	CHECK_STR(dead[0].key, str_of("enforcement.created"));
	CHECK_STR(dead[0].body, str_of(foreign));
	CHECK(says(dead[0].reason, "EventCreated does not belong on attune.enforcements.queue"));
	CHECK(says(dead[1].reason, "line 1"));
	CHECK(says(dead[2].reason, "'Martian' is no kind of message"));
	CHECK(says(dead[3].reason, "payload[0]: 'enforcement_id' is missing"));
	sub_close(s);
	CHECK_INT(world_depth(w, Q_ENFORCEMENTS, 0), 0);
}

TEST(a_consumer_can_send_a_message_to_the_dead_letters)
{
	CLEANUP(world_done) World *w = world_open();
	Sub *s = world_sub(w, Q_COMPLETED, 0);
	DeadLetter *dead;
	MsgItem item;
	Msg m;

	world_publish(w, MSG_EXECUTION_COMPLETED, 0, 6, 1);
	world_take(w, s, &m, 1, &item, 1);
	sub_dead(s, &m, "no such execution");
	dead = world_dead(w, 1);
	CHECK_STR(dead[0].reason, str_of("no such execution"));
	CHECK_STR(dead[0].key, str_of("execution.completed"));
	CHECK(uuid_eq(dead[0].id, m.message_id));
	CHECK(says(dead[0].body, "\"execution_id\":6"));
	sub_close(s);
	CHECK_INT(world_depth(w, Q_COMPLETED, 0), 0);
}

TEST(a_message_of_ten_megabytes_arrives)
{
	CLEANUP(world_done) World *w = world_open();
	Sub *s = world_sub(w, Q_INQUIRY, 0);
	size_t size = 10 * 1024 * 1024;
	char *big = arena_alloc_raw(w->a, size);
	Outbox o = outbox_open(w->a);
	MsgItem *out = outbox_add(&o, MSG_INQUIRY_RESPONDED);
	Err err = { 0 };
	MsgItem item;
	Msg m;

	memset(big, 'x', size);
	out->json = json_object();
	json_set(w->a, &out->json, "inquiry_id", json_int(1));
	json_set(w->a, &out->json, "response", json_str((Str){ big, size }));
	CHECK_OK(port_publish(w->port, &o, &err), err);
	world_take(w, s, &m, 1, &item, 1);
	CHECK_STR(json_get_text(&item.json, "response"), ((Str){ big, size }));
	sub_ack(s, &m, 1);
	sub_close(s);
}

TEST(a_required_message_that_nobody_listens_for_is_counted_and_an_announcement_is_not)
{
	CLEANUP(world_done) World *w = world_open();

	world_publish(w, MSG_EXECUTION_SCHEDULED, 404, 1, 3);
	world_publish(w, MSG_EVENT_CREATED, 0, 1, 1);
	world_publish(w, MSG_WORKER_HEARTBEAT, 3, 1, 1);
	CHECK_INT((int64_t)port_returned(w->port), 1); /* three items, one message */
}

static void *
wake(void *sub)
{
	sub_wake(sub);
	return NULL;
}

TEST(a_waiting_consumer_can_be_woken_from_another_thread)
{
	CLEANUP(world_done) World *w = world_open();
	Sub *s = world_sub(w, Q_STATUS, 0);
	TimeUs before = clock_mono(clock_real());
	pthread_t t;
	Msg m;

	CHECK(pthread_create(&t, NULL, wake, s) == 0);
	/* it would wait far longer than any machine needs to wake it */
	CHECK_INT((int64_t)sub_take(s, w->a, &m, 1, 0, 10 * WORLD_WAIT_US), 0);
	CHECK(clock_mono(clock_real()) - before < 5 * WORLD_WAIT_US);
	pthread_join(t, NULL);
	world_publish(w, MSG_EXECUTION_STATUS_CHANGED, 0, 1, 1);
	CHECK_INT((int64_t)sub_take(s, w->a, &m, 1, 0, WORLD_WAIT_US), 1);
	sub_close(s);
}

TEST(a_queue_with_an_exclusive_consumer_refuses_a_second)
{
	CLEANUP(world_done) World *w = world_open();
	SubConfig c = { .queue = Q_WORKER_EXECUTIONS, .worker = 3, .exclusive_consumer = true };
	Err err = { 0 };
	Sub *first;
	Sub *second;

	CHECK_OK(sub_open(w->bus, &c, &first, &err), err);
	CHECK(!sub_open(w->bus, &c, &second, &err));
	CHECK_INT(err.code, ERR_CONFLICT);
	sub_close(first);
	CHECK_OK(sub_open(w->bus, &c, &second, &err), err);
	sub_close(second);
}

TEST(a_queue_of_one_process_refuses_a_second_consumer_and_goes_with_its_first)
{
	CLEANUP(world_done) World *w = world_open();
	SubConfig c = { .queue = Q_SENSOR_RULES };
	Err err = { 0 };
	Sub *first = world_sub(w, Q_SENSOR_RULES, 0);
	Sub *second;
	QueueDepth d;

	CHECK(!sub_open(w->bus, &c, &second, &err));
	CHECK_INT(err.code, ERR_CONFLICT);
	sub_close(first);
	CHECK(!bus_depth(w->bus, w->a, Q_SENSOR_RULES, 0, &d, &err));
	CHECK_INT(err.code, ERR_NOT_FOUND);
}

TEST(no_more_than_the_prefetch_is_handed_out)
{
	CLEANUP(world_done) World *w = world_open();
	SubConfig c = { .queue = Q_REQUESTS, .prefetch = 4 };
	Err err = { 0 };
	MsgItem items[10];
	Msg msgs[10];
	Sub *s;

	CHECK_OK(sub_open(w->bus, &c, &s, &err), err);
	for (Id i = 0; i < 10; i++)
		world_publish(w, MSG_EXECUTION_REQUESTED, 0, i, 1);
	CHECK_INT((int64_t)world_take(w, s, msgs, 10, items, 4), 4);
	world_no_more(w, s);
	sub_ack(s, &msgs[1], 3); /* the oldest is held back; the others make room */
	CHECK_INT((int64_t)world_take(w, s, &msgs[4], 3, &items[4], 3), 3);
	CHECK_INT(items[6].id, 6);
	world_no_more(w, s);
	sub_close(s);
}

TEST(depths_are_shown_and_purging_empties_every_queue)
{
	CLEANUP(world_done) World *w = world_open();
	Err err = { 0 };
	QueueDepth *list;
	size_t n;
	int64_t sum = 0;

	sub_close(world_sub(w, Q_REQUESTS, 0));
	sub_close(world_sub(w, Q_WORKER_EXECUTIONS, 8));
	world_publish(w, MSG_EXECUTION_REQUESTED, 0, 1, 65);
	world_publish(w, MSG_EXECUTION_SCHEDULED, 8, 1, 1);
	CHECK_INT(world_depth(w, Q_REQUESTS, 0), 2);
	CHECK_INT(world_depth(w, Q_WORKER_EXECUTIONS, 8), 1);
	CHECK_OK(bus_depths(w->bus, w->a, &list, &n, &err), err);
	for (size_t i = 0; i < n; i++)
		sum += list[i].messages;
	CHECK_INT(sum, 3);
	CHECK_OK(bus_purge(w->bus, &err), err);
	CHECK_INT(world_depth(w, Q_REQUESTS, 0), 0);
	CHECK_INT(world_depth(w, Q_WORKER_EXECUTIONS, 8), 0);
}

TEST(queues_of_a_worker_that_is_gone_can_be_deleted)
{
	CLEANUP(world_done) World *w = world_open();
	QueueDepth d;
	Err err = { 0 };

	sub_close(world_sub(w, Q_WORKER_EXECUTIONS, 8));
	world_publish(w, MSG_EXECUTION_SCHEDULED, 8, 1, 1);
	CHECK_OK(bus_delete_worker_queues(w->bus, 8, &err), err);
	CHECK(!bus_depth(w->bus, w->a, Q_WORKER_EXECUTIONS, 8, &d, &err));
	CHECK_INT(err.code, ERR_NOT_FOUND);
	world_publish(w, MSG_EXECUTION_SCHEDULED, 8, 1, 1);
	CHECK_INT((int64_t)port_returned(w->port), 1);
}

TEST(a_missing_or_strange_url_is_one_clear_sentence)
{
	BusConfig c = { .clock = clock_real() };
	Err err = { 0 };
	Bus *b;

	CHECK(!bus_open(&c, &b, &err));
	CHECK_STR(str_of(err.text),
	    str_of("no message queue is configured: set message_queue.url to \"local:\" or \"amqp://...\""));
	c.url = str_of("http://x");
	CHECK(!bus_open(&c, &b, &err));
	CHECK_INT(err.code, ERR_INVALID);
}
