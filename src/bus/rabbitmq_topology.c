#include "bus/rabbitmq.h"

const char probe_header[] = "x-attune-probe";
const char reason_header[] = "x-attune-reason";
const char queue_header[] = "x-attune-queue";
const char exchange_header[] = "x-attune-exchange";

enum { PROBES_FETCHED = 16 };

static bool
fixed_queue(QueueId q)
{
	return !name_per_worker(queue_rows[q].name) && !name_per_process(queue_rows[q].name);
}

static bool
exchange_declare(const RabbitBus *b, Conn *k, Exchange x, bool passive, Err *err)
{
	return conn_answer(k,
	    amqp_exchange_declare(k->c, CHANNEL, amqp_cstring_bytes(b->bus.exchange[x]),
		amqp_cstring_bytes(exchange_types[x]), passive, 1, 0, 0, amqp_empty_table),
	    err);
}

/* A user without the right to configure may work on a topology that somebody else has made. */
static bool
exchange_ensure(const RabbitBus *b, Conn *k, Exchange x, Err *err)
{
	Err first = { 0 };

	if (exchange_declare(b, k, x, false, &first))
		return exchange_declare(b, k, x, true, err);
	if (first.code == ERR_FORBIDDEN && k->c != NULL && exchange_declare(b, k, x, true, err))
		return true;
	if (first.code == ERR_CONFLICT)
		return err_set(err, ERR_CONFLICT,
		    "broker %s has an exchange '%s' that is not of type %s, as an older Attune made it:"
		    " `attune bus migrate` replaces it",
		    b->url.starred, b->bus.exchange[x], exchange_types[x]);
	return err_set(err, first.code, "%s", first.text);
}

static amqp_table_entry_t
argument(const char *key, const char *text)
{
	return (amqp_table_entry_t){ .key = amqp_cstring_bytes(key),
		.value = { .kind = AMQP_FIELD_KIND_UTF8, .value.bytes = amqp_cstring_bytes(text) } };
}

static bool
queue_declare(const RabbitBus *b, Conn *k, QueueId q, Str name, Err *err)
{
	bool own = queue_rows[q].exclusive;
	amqp_table_entry_t args[2];
	amqp_table_t table = { 0, args };

	if (q != Q_DEAD)
		args[table.num_entries++] = argument("x-dead-letter-exchange", b->bus.exchange[EX_DEAD]);
	if (b->quorum && !own)
		args[table.num_entries++] = argument("x-queue-type", "quorum");
	return conn_answer(k, amqp_queue_declare(k->c, CHANNEL, bytes_of(name), 0, !own, own, own, table), err);
}

bool
queue_depth(Conn *k, Str name, QueueDepth *ret, Err *err)
{
	const amqp_queue_declare_ok_t *ok =
	    amqp_queue_declare(k->c, CHANNEL, bytes_of(name), 1, 0, 0, 0, amqp_empty_table);

	if (!conn_answer(k, ok, err))
		return false;
	*ret = (QueueDepth){ name, ok->message_count, ok->consumer_count };
	return true;
}

static bool
queue_ensure(const RabbitBus *b, Conn *k, QueueId q, Str name, bool *ret_given, Err *err)
{
	QueueDepth depth;
	Err first = { 0 };

	*ret_given = false;
	if (queue_declare(b, k, q, name, &first))
		return true;
	if (first.code == ERR_FORBIDDEN && k->c != NULL && queue_depth(k, name, &depth, err))
		return *ret_given = true;
	if (first.code == ERR_CONFLICT && strstr(first.text, "PRECONDITION_FAILED") != NULL)
		return err_set(err, ERR_CONFLICT,
		    "broker %s has a queue '%.*s' with other properties: `attune bus migrate` replaces it"
		    " when it is empty",
		    b->url.starred, STR_ARG(name));
	return err_set(err, first.code, "%s", first.text);
}

static bool
queue_bind(Conn *k, Str queue, const char *exchange, Str key, Err *err)
{
	return conn_answer(k,
	    amqp_queue_bind(
		k->c, CHANNEL, bytes_of(queue), amqp_cstring_bytes(exchange), bytes_of(key), amqp_empty_table),
	    err);
}

static bool
queue_bind_all(const RabbitBus *b, Conn *k, QueueId q, Id worker, Str name, Err *err)
{
	CLEANUP(arena_done) Arena *a = arena_open();

	if (q == Q_DEAD)
		return queue_bind(k, name, b->bus.exchange[EX_DEAD], str_of("#"), err);
	for (MsgKind m = MSG_NONE + 1; m < MSG_KINDS; m++) {
		const Topic *t = &topics[m];

		if (!queue_carries(q, m))
			continue;
		if (!queue_bind(k, name, b->bus.exchange[t->exchange], name_fill(a, t->key, worker, ""), err))
			return false;
	}
	return true;
}

bool
topology_queue(RabbitBus *b, Conn *k, QueueId q, Id worker, Err *err)
{
	CLEANUP(arena_done) Arena *a = arena_open();
	Str name = bus_queue_name(&b->bus, a, q, worker);
	Err refused = { 0 };
	bool given;

	if (!queue_ensure(b, k, q, name, &given, err))
		return false;
	if (queue_bind_all(b, k, q, worker, name, &refused))
		return true;
	/* made by somebody else, bindings too: the probe tells whether they are there */
	if (given && refused.code == ERR_FORBIDDEN && k->c != NULL)
		return true;
	return err_set(err, refused.code, "%s", refused.text);
}

bool
topology_declare(RabbitBus *b, Conn *k, Err *err)
{
	QueueDepth depth;

	for (Exchange x = 0; x < EXCHANGES; x++)
		if (!exchange_ensure(b, k, x, err))
			return false;
	for (QueueId q = 0; q < QUEUES; q++) {
		if (!fixed_queue(q))
			continue;
		if (!topology_queue(b, k, q, 0, err) || !queue_depth(k, str_of(b->bus.queue[q]), &depth, err))
			return false;
	}
	return true;
}

/* The broker's word on one published message. */
typedef struct Word {
	bool returned;
	bool acked;
	bool refused;
} Word;

static bool
word_read(Conn *k, const amqp_frame_t *f, Word *w, Err *err)
{
	amqp_message_t message;

	if (f->frame_type != AMQP_FRAME_METHOD)
		return true;
	switch (f->payload.method.id) {
	case AMQP_BASIC_RETURN_METHOD:
		w->returned = true;
		if (!conn_reply(k, amqp_read_message(k->c, CHANNEL, &message, 0), err))
			return false;
		amqp_destroy_message(&message);
		return true;
	case AMQP_BASIC_ACK_METHOD: w->acked = true; return true;
	case AMQP_BASIC_NACK_METHOD: w->refused = true; return true;
	case AMQP_CHANNEL_CLOSE_METHOD: {
		Err more = { 0 };

		conn_closed_by(k, &f->payload.method, err);
		if (!conn_channel(k, &more))
			return false;
		return false;
	}
	default: return true;
	}
}

bool
publish_confirmed(
    Conn *k, Str exchange, Str key, const amqp_basic_properties_t *p, Str body, bool *ret_returned, Err *err)
{
	Word w = { 0 };
	amqp_frame_t f;
	int status = amqp_basic_publish(k->c, CHANNEL, bytes_of(exchange), bytes_of(key), 1, 0, p, bytes_of(body));

	if (status != AMQP_STATUS_OK) {
		conn_lost(k, amqp_error_string2(status));
		return err_set(err, ERR_AWAY, "broker %s: %s", k->bus->url.starred, amqp_error_string2(status));
	}
	while (!w.acked && !w.refused) {
		if (!conn_frame(k, k->patience, &f)) {
			conn_lost(k, "no confirm");
			return err_set(err, ERR_AWAY, "broker %s does not confirm", k->bus->url.starred);
		}
		if (!word_read(k, &f, &w, err))
			return false;
	}
	if (w.refused)
		return err_set(err, ERR_AWAY, "broker %s refused a message", k->bus->url.starred);
	*ret_returned = w.returned;
	return true;
}

/* Takes probes back out of a queue that nobody consumes. Others that come first are put back where they were. */
static bool
probes_fetch(Conn *k, Str queue, Err *err)
{
	uint64_t last = 0; /* of the others; a broker refuses to take back a tag that has been acknowledged */

	for (int i = 0; i < PROBES_FETCHED; i++) {
		amqp_rpc_reply_t r = amqp_basic_get(k->c, CHANNEL, bytes_of(queue), 0);
		amqp_message_t m;
		uint64_t tag;

		if (!conn_reply(k, r, err))
			return false;
		if (r.reply.id != AMQP_BASIC_GET_OK_METHOD)
			break;
		tag = ((const amqp_basic_get_ok_t *)r.reply.decoded)->delivery_tag;
		if (!conn_reply(k, amqp_read_message(k->c, CHANNEL, &m, 0), err))
			return false;
		if (header_find(&m.properties, probe_header) != NULL)
			amqp_basic_ack(k->c, CHANNEL, tag, 0);
		else
			last = tag;
		amqp_destroy_message(&m);
		amqp_maybe_release_buffers(k->c);
	}
	if (last != 0)
		amqp_basic_nack(k->c, CHANNEL, last, 1, 1);
	return true;
}

static bool
binding_probe(RabbitBus *b, Conn *k, Exchange x, const char *key, QueueId q, Err *err)
{
	amqp_table_entry_t mark = argument(probe_header, b->bus.process);
	amqp_basic_properties_t p = {
		._flags = AMQP_BASIC_HEADERS_FLAG | AMQP_BASIC_DELIVERY_MODE_FLAG,
		.headers = { 1, &mark },
		.delivery_mode = 1,
	};
	const char *exchange = b->bus.exchange[x];
	bool returned;

	if (!publish_confirmed(k, str_of(exchange), str_of(key), &p, str_of("{}"), &returned, err))
		return err_wrap(err, "probe of '%s' on '%s'", key, exchange);
	if (returned)
		return err_set(err, ERR_CONFLICT,
		    "broker %s: exchange '%s' does not lead '%s' to queue '%s': the binding is missing", b->url.starred,
		    exchange, key, b->bus.queue[q]);
	return true;
}

static bool
queue_probe(RabbitBus *b, Conn *k, QueueId q, Err *err)
{
	Str name = str_of(b->bus.queue[q]);
	QueueDepth depth;

	for (MsgKind m = MSG_NONE + 1; m < MSG_KINDS; m++)
		if (queue_carries(q, m) && !binding_probe(b, k, topics[m].exchange, topics[m].key, q, err))
			return false;
	if (q == Q_DEAD && !binding_probe(b, k, EX_DEAD, "attune.probe", q, err))
		return false;
	if (!queue_depth(k, name, &depth, err))
		return false;
	/* a consumer drops probes by itself; behind a longer backlog they wait for one */
	return depth.consumers > 0 || depth.messages > PROBES_FETCHED || probes_fetch(k, name, err);
}

bool
topology_probe(RabbitBus *b, Conn *k, Err *err)
{
	for (QueueId q = 0; q < QUEUES; q++)
		if (fixed_queue(q) && !queue_probe(b, k, q, err))
			return false;
	return true;
}

/* Bindings an older Attune made on queues we still use: they would bring a second copy of everything. */
static bool
old_bindings_drop(RabbitBus *b, Conn *k, Err *err)
{
	static const struct {
		QueueId queue;
		Exchange exchange;
		const char *key;
	} old[] = {
		{ Q_ENFORCEMENTS, EX_EXECUTIONS, "enforcement.#" },
	};

	for (size_t i = 0; i < countof(old); i++)
		if (!conn_answer(k,
			amqp_queue_unbind(k->c, CHANNEL, amqp_cstring_bytes(b->bus.queue[old[i].queue]),
			    amqp_cstring_bytes(b->bus.exchange[old[i].exchange]), amqp_cstring_bytes(old[i].key),
			    amqp_empty_table),
			err))
			return false;
	return true;
}

static bool
exchange_replace(RabbitBus *b, Conn *k, Exchange x, Err *err)
{
	Err why = { 0 };

	if (exchange_declare(b, k, x, false, &why))
		return true;
	if (why.code != ERR_CONFLICT || k->c == NULL)
		return err_set(err, why.code, "%s", why.text);
	/* an exchange holds no messages; its bindings are made anew */
	return conn_answer(k, amqp_exchange_delete(k->c, CHANNEL, amqp_cstring_bytes(b->bus.exchange[x]), 0), err) &&
	       exchange_declare(b, k, x, false, err);
}

/* Of a queue with other properties only an empty one is replaced. */
static bool
queue_replace(RabbitBus *b, Conn *k, QueueId q, Err *err)
{
	Str name = str_of(b->bus.queue[q]);
	Err why = { 0 };

	if (topology_queue(b, k, q, 0, &why))
		return true;
	if (why.code != ERR_CONFLICT || k->c == NULL)
		return err_set(err, why.code, "%s", why.text);
	if (!conn_answer(k, amqp_queue_delete(k->c, CHANNEL, bytes_of(name), 1, 1), err))
		return err_wrap(err, "queue '%.*s' has other properties and is in use", STR_ARG(name));
	return topology_queue(b, k, q, 0, err);
}

bool
topology_migrate(RabbitBus *b, Conn *k, Err *err)
{
	for (Exchange x = 0; x < EXCHANGES; x++)
		if (!exchange_replace(b, k, x, err))
			return false;
	for (QueueId q = 0; q < QUEUES; q++)
		if (fixed_queue(q) && !queue_replace(b, k, q, err))
			return false;
	return old_bindings_drop(b, k, err);
}
