#include "bus/topics.h"

#include "base/config.h"
#include "bus/bus_impl.h"
#include "bus/librabbitmq.h"
#include "bus/rabbitmq.h"
#include "test.h"

static bool
wild(const char *key)
{
	return strpbrk(key, "#*") != NULL;
}

static unsigned
queues_of(MsgKind k)
{
	unsigned n = 0;

	for (QueueId q = 0; q < QUEUES; q++)
		n += queue_carries(q, k);
	return n;
}

TEST(every_kind_has_a_name_of_its_own)
{
	for (MsgKind k = MSG_NONE + 1; k < MSG_KINDS; k++) {
		CHECK(topics[k].type != NULL && topics[k].key != NULL && topics[k].why != NULL);
		CHECK_INT(topic_of_type(str_of(topics[k].type)), k);
	}
	CHECK_INT(topic_of_type(str_of("Nothing")), MSG_NONE);
	CHECK_INT(topic_of_type((Str){ 0 }), MSG_NONE);
}

TEST(every_kind_has_a_routing_key_of_its_own_without_wildcards)
{
	for (MsgKind k = MSG_NONE + 1; k < MSG_KINDS; k++) {
		CHECK(!wild(topics[k].key));
		for (MsgKind m = k + 1; m < MSG_KINDS; m++)
			CHECK(strcmp(topics[k].key, topics[m].key) != 0);
	}
}

TEST(a_required_kind_has_exactly_one_queue_and_only_notifications_have_two)
{
	for (MsgKind k = MSG_NONE + 1; k < MSG_KINDS; k++) {
		CHECK(queues_of(k) <= (k == MSG_NOTIFICATION ? 2 : 1));
		if (topics[k].listen == LISTEN_REQUIRED)
			CHECK_INT(queues_of(k), 1);
	}
}

/* Kinds of two readers on one queue was how messages reached a reader who did not understand them. */
TEST(a_queue_of_several_kinds_carries_only_one_family)
{
	for (QueueId q = 0; q < QUEUES; q++) {
		Str family = { 0 };

		for (MsgKind k = MSG_NONE + 1; k < MSG_KINDS; k++) {
			Str rest = str_of(topics[k].key);
			Str first;

			if (!queue_carries(q, k))
				continue;
			CHECK(str_cut(&rest, '.', &first));
			CHECK(str_none(family) || str_eq(family, first));
			family = first;
		}
	}
}

TEST(what_waits_on_a_queue_of_one_worker_is_named_by_worker_or_meant_for_all)
{
	for (QueueId q = 0; q < QUEUES; q++)
		for (MsgKind k = MSG_NONE + 1; k < MSG_KINDS; k++)
			if (queue_carries(q, k) && topic_per_worker(k))
				CHECK(name_per_worker(queue_rows[q].name));
}

TEST(internal_kinds_are_transient_and_foreign_facing_ones_last)
{
	for (MsgKind k = MSG_NONE + 1; k < MSG_KINDS; k++)
		if (k != MSG_NOTIFICATION)
			CHECK(topics[k].internal != topics[k].durable);
}

TEST(no_consumer_publishes_a_kind_to_itself_that_only_it_reads_and_only_it_sends)
{
	for (QueueId q = 0; q < QUEUES; q++)
		for (MsgKind k = MSG_NONE + 1; k < MSG_KINDS; k++)
			if (queue_carries(q, k))
				CHECK(topics[k].publishers != 1u << queue_rows[q].consumer);
}

/* The bindings, word for word: a change here is a change of the contract. */
TEST(the_bindings_are_these)
{
	static const char want[] = "attune.enforcements.queue attune.executions enforcement.created\n"
				   "attune.execution.requests.queue attune.executions execution.requested\n"
				   "attune.execution.status.queue attune.executions execution.status.changed\n"
				   "attune.execution.completed.queue attune.executions execution.completed\n"
				   "attune.inquiry.responses.queue attune.executions inquiry.responded\n"
				   "worker.7.executions attune.executions worker.7\n"
				   "worker.7.cancel attune.executions execution.cancel.worker.7\n"
				   "worker.7.packs attune.events pack.registered\n"
				   "worker.7.packs attune.events pack.deleted\n"
				   "worker.7.packs attune.events pack.environment\n"
				   "executor.p.workers attune.executions worker.heartbeat\n"
				   "sensor.p.rules attune.events rule.created\n"
				   "sensor.p.rules attune.events rule.updated\n"
				   "sensor.p.rules attune.events rule.enabled\n"
				   "sensor.p.rules attune.events rule.disabled\n"
				   "sensor.p.rules attune.events rule.deleted\n"
				   "sensor.p.sensors attune.events sensor.changed\n"
				   "notifier.api.p.changes attune.notifications notification.created\n"
				   "notifier.p.changes attune.notifications notification.created\n";
	CLEANUP(arena_done) Arena *a = arena_open();
	Buf b = buf_open(a);

	for (QueueId q = 0; q < QUEUES; q++) {
		for (MsgKind k = MSG_NONE + 1; k < MSG_KINDS; k++) {
			if (!queue_carries(q, k))
				continue;
			buf_add(&b, name_fill(a, queue_rows[q].name, 7, "p"));
			buf_fmt(&b, " %s ", exchange_names[topics[k].exchange]);
			buf_add(&b, name_fill(a, topics[k].key, 7, "p"));
			buf_char(&b, '\n');
		}
	}
	CHECK_STR(buf_str(&b), str_of(want));
}

TEST(a_routing_key_leads_to_its_queue_and_worker)
{
	QueueId at = 0;
	Id worker;

	CHECK(bus_routes(&at, EX_EXECUTIONS, str_of("execution.cancel.worker.12"), &worker));
	CHECK_INT(at - 1, Q_WORKER_CANCEL);
	CHECK_INT(worker, 12);
	CHECK(!bus_routes(&at, EX_EXECUTIONS, str_of("execution.cancel.worker.12"), &worker));
	at = 0;
	CHECK(bus_routes(&at, EX_EXECUTIONS, str_of("worker.heartbeat"), &worker));
	CHECK_INT(at - 1, Q_EXECUTOR_WORKERS);
	at = 0;
	CHECK(!bus_routes(&at, EX_EVENTS, str_of("enforcement.created"), &worker));
}

TEST(a_password_with_a_question_mark_is_not_taken_for_an_option_and_said_aloud)
{
	static const char *const urls[] = { "amqp://u:12?s3cret@h:5672/v", "amqp://u:s3?cret@h?verify=verify_peer",
		"amqp://u:12?s3=cret@h" };
	CLEANUP(arena_done) Arena *a = arena_open();
	RabbitUrl u;
	Err err = { 0 };

	CHECK(late_load(&librabbitmq, &err));
	for (size_t i = 0; i < countof(urls); i++) {
		CHECK(!rabbit_url_parse(a, str_of(urls[i]), &u, &err) && err.code == ERR_INVALID);
		CHECK(strstr(err.text, "cret") == NULL && strstr(err.text, "s3") == NULL);
		CHECK(strstr(u.starred, "s3") == NULL);
	}
	CHECK(rabbit_url_parse(a, str_of("amqp://u:s3%3Fcret@h:1/v?cacertfile=/a@b"), &u, &err));
	CHECK_STR(str_of(u.password), str_of("s3?cret"));
	CHECK_STR(str_of(u.cacert), str_of("/a@b"));
}

TEST(passwords_are_starred)
{
	CLEANUP(arena_done) Arena *a = arena_open();

	CHECK_STR(url_starred(a, str_of("amqp://u:s3cret@h:1/v")), str_of("amqp://u:***@h:1/v"));
	CHECK_STR(url_starred(a, str_of("amqp://u:a/b@c@h/v")), str_of("amqp://u:***@h/v"));
	CHECK_STR(url_starred(a, str_of("amqp://h:1")), str_of("amqp://h:1"));
	CHECK_STR(url_starred(a, str_of("local:")), str_of("local:"));
}
