#include "ear.h"

#include "bus/librabbitmq.h"
#include "report.h"

#include <amqp.h>
#include <amqp_framing.h>
#include <amqp_tcp_socket.h>
#include <stdlib.h>

struct Ear {
	amqp_connection_state_t c;
};

static void
bound(amqp_connection_state_t c)
{
	amqp_queue_declare_ok_t *q = amqp_queue_declare(c, 1, amqp_empty_bytes, 0, 0, 1, 1, amqp_empty_table);
	amqp_bytes_t name;

	must(q != NULL, NULL, "a queue to listen with");
	name = amqp_bytes_malloc_dup(q->queue);
	must(amqp_queue_bind(c, 1, name, amqp_cstring_bytes(exchange_names[EX_EXECUTIONS]),
		 amqp_cstring_bytes(topics[MSG_EXECUTION_COMPLETED].key), amqp_empty_table) != NULL,
	    NULL, "bind");
	must(amqp_basic_consume(c, 1, name, amqp_empty_bytes, 0, 1, 1, amqp_empty_table) != NULL, NULL, "consume");
	amqp_bytes_free(name);
}

Ear *
ear_open(const char *url)
{
	Ear *e = calloc(1, sizeof(Ear));
	char *copy = strdup(url);
	struct amqp_connection_info to;
	Err err = { 0 };

	must(e != NULL && copy != NULL, NULL, "memory");
	must(late_load(&librabbitmq, &err), &err, "librabbitmq");
	e->c = amqp_new_connection();
	amqp_default_connection_info(&to);
	must(amqp_parse_url(copy, &to) == 0, NULL, url);
	must(amqp_socket_open(amqp_tcp_socket_new(e->c), to.host, to.port) == 0, NULL, "RabbitMQ");
	must(amqp_login(e->c, to.vhost, 0, 131072, 0, AMQP_SASL_METHOD_PLAIN, to.user, to.password).reply_type ==
		 AMQP_RESPONSE_NORMAL,
	    NULL, "log in to RabbitMQ");
	must(amqp_channel_open(e->c, 1) != NULL, NULL, "channel");
	bound(e->c);
	free(copy);
	return e;
}

void
ear_close(Ear *e)
{
	if (e == NULL)
		return;
	amqp_connection_close(e->c, AMQP_REPLY_SUCCESS);
	amqp_destroy_connection(e->c);
	free(e);
}

size_t
ear_take(Ear *e, Arena *a, MsgItem **ret)
{
	struct timeval patience = { .tv_sec = 30 };
	amqp_envelope_t got;
	Envelope head;
	Err err = { 0 };
	size_t n = 0;

	amqp_maybe_release_buffers(e->c);
	must(amqp_consume_message(e->c, &got, &patience, 0).reply_type == AMQP_RESPONSE_NORMAL, NULL,
	    "nothing ended within 30 s");
	/* what is no envelope is a probe of the topology */
	if (!envelope_read(a, (Str){ got.message.body.bytes, got.message.body.len }, &head, ret, &n, &err))
		n = 0;
	amqp_destroy_envelope(&got);
	return n;
}
