#include "bus/rabbitmq.h"

#include "base/log.h"

#include <poll.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

enum {
	PREFETCH = 256,
	HEARTBEAT_US = 30 * US_PER_S,
	RING_FIRST = 512,
	TAG_BITS = 48, /* above: the number of the connection, so that a tag of a lost one means nothing */
	REASON_MAX = 500,
};

/* What became of a delivery. */
enum { OPEN, DONE, ANSWERED };

typedef struct RabbitSub {
	Sub sub;
	SubConfig config;
	Conn conn;
	Arena *mem;
	Str name;
	int wake_fd;
	bool said; /* why it cannot consume */
	uint64_t generation;
	unsigned char *ring; /* states of deliveries from first up to next */
	size_t cap;          /* power of two */
	uint64_t first;
	uint64_t next;
} RabbitSub;

static unsigned char *
state(RabbitSub *s, uint64_t tag)
{
	return &s->ring[tag & (s->cap - 1)];
}

static void
ring_add(RabbitSub *s, uint64_t tag)
{
	if (s->next - s->first == s->cap) {
		unsigned char *ring = calloc(s->cap, 2);

		if (ring == NULL)
			abort();
		for (uint64_t t = s->first; t < s->next; t++)
			ring[t & (s->cap * 2 - 1)] = *state(s, t);
		free(s->ring);
		s->ring = ring;
		s->cap *= 2;
	}
	s->next = tag + 1;
	*state(s, tag) = OPEN;
}

static bool
consume(RabbitSub *s, Err *err)
{
	Conn *k = &s->conn;
	uint16_t prefetch = (uint16_t)(s->config.prefetch == 0 ? PREFETCH : s->config.prefetch);

	return topology_queue(k->bus, k, s->config.queue, s->config.worker, err) &&
	       conn_answer(k, amqp_basic_qos(k->c, CHANNEL, 0, prefetch, 0), err) &&
	       conn_answer(k,
		   amqp_basic_consume(k->c, CHANNEL, bytes_of(s->name), amqp_empty_bytes, 0, 0,
		       s->config.exclusive_consumer, amqp_empty_table),
		   err);
}

static bool
subscribe(RabbitSub *s, Err *err)
{
	s->generation++;
	s->first = s->next = 1;
	if (consume(s, err)) {
		s->sub.joined++;
		return true;
	}
	conn_lost(&s->conn, "cannot consume");
	conn_delay(&s->conn);
	return false;
}

static bool
reconnect(RabbitSub *s)
{
	Err err = { 0 };

	if (!conn_ready(&s->conn, &err))
		return false;
	if (subscribe(s, &err)) {
		if (s->said)
			log_info("%s works again", s->conn.what);
		s->said = false;
		return true;
	}
	if (!s->said)
		log_warn("%s: %s; trying again", s->conn.what, err.text);
	s->said = true;
	return false;
}

/* A broker that is away is waited for; one that says no is an error of whoever opens. */
static bool
first_connect(RabbitSub *s, Err *err)
{
	Err why = { 0 };

	if (conn_connect(&s->conn, &why) && subscribe(s, &why))
		return true;
	if (why.code != ERR_AWAY)
		return err_set(err, why.code, "%s", why.text);
	log_warn("%s: %s; trying again until the broker is there", s->conn.what, why.text);
	s->said = true;
	return true;
}

bool
rabbit_sub_open(Bus *bus, const SubConfig *config, Sub **ret, Err *err)
{
	RabbitBus *b = (RabbitBus *)bus;
	RabbitSub *s = calloc(1, sizeof(*s));

	if (s == NULL)
		return err_set(err, ERR_SYS, "out of memory");
	s->sub = (Sub){ bus, config->queue, config->worker, 0 };
	s->config = *config;
	s->mem = arena_open();
	s->name = bus_queue_name(bus, s->mem, config->queue, config->worker);
	s->cap = RING_FIRST;
	s->ring = calloc(s->cap, 1);
	s->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	s->conn = (Conn){
		.bus = b,
		.what = str_fmt(s->mem, "consumer of %.*s", STR_ARG(s->name)).p,
		.patience = CONNECT_PATIENT_US,
		.heartbeat = b->heartbeat > 0 ? b->heartbeat : HEARTBEAT_US,
	};
	if (s->ring == NULL || s->wake_fd < 0 || !first_connect(s, err)) {
		rabbit_sub_close(&s->sub);
		return false;
	}
	rabbit_know(b, config->queue, config->worker);
	*ret = &s->sub;
	return true;
}

void
rabbit_sub_close(Sub *sub)
{
	RabbitSub *s = (RabbitSub *)sub;

	conn_goodbye(&s->conn);
	if (s->wake_fd >= 0)
		close(s->wake_fd);
	free(s->ring);
	arena_close(s->mem);
	free(s);
}

static void
sent(RabbitSub *s, int status)
{
	if (status != AMQP_STATUS_OK)
		conn_lost(&s->conn, amqp_error_string2(status));
}

/* Acknowledges all that is done in front with one word to the broker. */
static void
ack_front(RabbitSub *s)
{
	uint64_t last = 0;

	while (s->first < s->next && *state(s, s->first) != OPEN) {
		if (*state(s, s->first) == DONE)
			last = s->first;
		s->first++;
	}
	if (last != 0 && s->conn.c != NULL)
		sent(s, amqp_basic_ack(s->conn.c, CHANNEL, last, 1));
}

/* The channel's tag; 0 when it is of a lost connection or has been answered. */
static uint64_t
open_tag(RabbitSub *s, uint64_t tag)
{
	uint64_t t = tag & (((uint64_t)1 << TAG_BITS) - 1);

	if (s->conn.c == NULL || tag >> TAG_BITS != (s->generation & 0xffff) || t < s->first || t >= s->next)
		return 0;
	return *state(s, t) == OPEN ? t : 0;
}

void
rabbit_sub_ack(Sub *sub, const Msg *msgs, size_t n)
{
	RabbitSub *s = (RabbitSub *)sub;

	for (size_t i = 0; i < n; i++) {
		uint64_t t = open_tag(s, msgs[i].tag);

		if (t != 0)
			*state(s, t) = DONE;
	}
	ack_front(s);
	/* what lies behind one that is still open is answered one by one */
	for (uint64_t t = s->first; t < s->next && s->conn.c != NULL; t++) {
		if (*state(s, t) != DONE)
			continue;
		*state(s, t) = ANSWERED;
		sent(s, amqp_basic_ack(s->conn.c, CHANNEL, t, 0));
	}
}

void
rabbit_sub_return(Sub *sub, const Msg *msgs, size_t n)
{
	RabbitSub *s = (RabbitSub *)sub;

	for (size_t i = 0; i < n; i++) {
		uint64_t t = open_tag(s, msgs[i].tag);

		if (t == 0)
			continue;
		*state(s, t) = ANSWERED;
		sent(s, amqp_basic_nack(s->conn.c, CHANNEL, t, 0, 1));
	}
	ack_front(s);
}

static amqp_table_entry_t
header(const char *name, Str text)
{
	return (amqp_table_entry_t){ .key = amqp_cstring_bytes(name),
		.value = { .kind = AMQP_FIELD_KIND_UTF8, .value.bytes = bytes_of(text) } };
}

/* Where a message came from and what it was. */
typedef struct Refused {
	Str exchange;
	Str key;
	amqp_bytes_t id;
	amqp_bytes_t correlation;
	Str body;
} Refused;

/* To the dead letters by our own hand: the broker's own way would lose the reason. On one channel the broker handles
 * this before the acknowledgement that follows. */
static void
dead_publish(RabbitSub *s, const Refused *r, Str reason)
{
	amqp_table_entry_t headers[] = {
		header(reason_header, str_sub(reason, 0, REASON_MAX)),
		header(queue_header, s->name),
		header(exchange_header, r->exchange),
	};
	amqp_basic_properties_t p = {
		._flags = AMQP_BASIC_HEADERS_FLAG | AMQP_BASIC_DELIVERY_MODE_FLAG | AMQP_BASIC_MESSAGE_ID_FLAG |
			  AMQP_BASIC_CORRELATION_ID_FLAG | AMQP_BASIC_TIMESTAMP_FLAG,
		.headers = { countof(headers), headers },
		.delivery_mode = 2,
		.message_id = r->id,
		.correlation_id = r->correlation,
		.timestamp = (uint64_t)(clock_wall(s->sub.bus->clock) / US_PER_S),
	};

	sent(s, amqp_basic_publish(s->conn.c, CHANNEL, amqp_cstring_bytes(s->sub.bus->exchange[EX_DEAD]),
		    bytes_of(r->key), 0, 0, &p, bytes_of(r->body)));
	log_warn("a message on %.*s (%.*s) was refused: %.*s", STR_ARG(s->name), STR_ARG(r->key), STR_ARG(reason));
}

void
rabbit_sub_dead(Sub *sub, const Msg *m, const char *reason)
{
	RabbitSub *s = (RabbitSub *)sub;
	CLEANUP(arena_done) Arena *a = arena_open();
	uint64_t t = open_tag(s, m->tag);
	const Topic *topic = &topics[m->kind];
	Envelope e = { m->message_id, m->correlation, m->kind, clock_wall(sub->bus->clock), sub->bus->process };
	Str id = uuid_text(a, m->message_id);
	Str correlation = uuid_text(a, m->correlation);

	if (t == 0)
		return;
	dead_publish(s,
	    &(Refused){
		.exchange = str_of(sub->bus->exchange[topic->exchange]),
		.key = name_fill(a, topic->key, m->n > 0 ? m->items[0].worker : 0, ""),
		.id = bytes_of(id),
		.correlation = bytes_of(correlation),
		.body = envelope_write(a, &e, m->items, m->n),
	    },
	    str_of(reason));
	*state(s, t) = DONE;
	rabbit_sub_ack(sub, NULL, 0);
}

/* Ours to handle: true with *ret filled. Probes and what cannot be read end here. */
static bool
accept_message(RabbitSub *s, Arena *a, const amqp_basic_deliver_t *d, const amqp_message_t *m, Msg *ret)
{
	Err err = { 0 };
	uint64_t tag = d->delivery_tag;

	ring_add(s, tag);
	if (header_find(&m->properties, probe_header) == NULL) {
		if (bus_decode(s->sub.bus, a, s->config.queue, str_of_bytes(m->body), ret, &err)) {
			ret->tag = (s->generation & 0xffff) << TAG_BITS | tag;
			ret->redelivered = d->redelivered != 0;
			return true;
		}
		dead_publish(s,
		    &(Refused){ str_of_bytes(d->exchange), str_of_bytes(d->routing_key), m->properties.message_id,
			m->properties.correlation_id, str_of_bytes(m->body) },
		    str_of(err.text));
	}
	*state(s, tag) = DONE;
	rabbit_sub_ack(&s->sub, NULL, 0);
	return false;
}

static bool
on_delivery(RabbitSub *s, Arena *a, const amqp_basic_deliver_t *d, Msg *ret)
{
	Conn *k = &s->conn;
	Err err = { 0 };
	amqp_message_t m;
	bool taken;

	if (!conn_reply(k, amqp_read_message(k->c, CHANNEL, &m, 0), &err)) {
		conn_lost(k, err.text);
		return false;
	}
	taken = accept_message(s, a, d, &m, ret);
	amqp_destroy_message(&m);
	return taken;
}

static bool
on_frame(RabbitSub *s, Arena *a, const amqp_frame_t *f, Msg *ret)
{
	const amqp_method_t *m = &f->payload.method;
	Err why = { 0 };

	if (f->frame_type != AMQP_FRAME_METHOD)
		return false;
	if (m->id == AMQP_BASIC_DELIVER_METHOD)
		return on_delivery(s, a, m->decoded, ret);
	if (m->id == AMQP_BASIC_CANCEL_METHOD) {
		log_warn("%s: the queue was deleted; it is made again", s->conn.what);
		conn_lost(&s->conn, "cancelled");
	} else if (m->id == AMQP_CHANNEL_CLOSE_METHOD) {
		conn_closed_by(&s->conn, m, &why);
		log_warn("%s: %s; trying again", s->conn.what, why.text);
		conn_lost(&s->conn, why.text);
		conn_delay(&s->conn);
	}
	return false;
}

/* All that is there now, without waiting. */
static size_t
take_ready(RabbitSub *s, Arena *a, Msg *msgs, size_t max, size_t max_items)
{
	size_t n = 0;
	size_t items = 0;
	amqp_frame_t f;

	while (n < max && (max_items == 0 || items < max_items) && s->conn.c != NULL && conn_frame(&s->conn, 0, &f))
		if (on_frame(s, a, &f, &msgs[n]))
			items += msgs[n++].n;
	return n;
}

/* Waits for the broker or for sub_wake, which gives false. */
static bool
await(RabbitSub *s, TimeUs wait)
{
	struct pollfd fds[] = {
		{ .fd = s->wake_fd, .events = POLLIN },
		{ .fd = s->conn.c != NULL ? amqp_get_sockfd(s->conn.c) : -1, .events = POLLIN },
	};
	struct timespec t = { .tv_sec = wait / US_PER_S, .tv_nsec = wait % US_PER_S * 1000 };
	uint64_t count;

	if (ppoll(fds, countof(fds), &t, NULL) <= 0 || fds[0].revents == 0)
		return true;
	return read(s->wake_fd, &count, sizeof(count)) < 0;
}

/* How long nothing needs to be done for the connection itself. */
static TimeUs
calm(const RabbitSub *s, TimeUs now)
{
	if (s->conn.c == NULL)
		return s->conn.next_try > now ? s->conn.next_try - now : 0;
	return s->conn.heartbeat / 2;
}

size_t
rabbit_sub_take(Sub *sub, Arena *a, Msg *msgs, size_t max, size_t max_items, TimeUs wait)
{
	RabbitSub *s = (RabbitSub *)sub;
	const Clock *clock = sub->bus->clock;
	TimeUs now = clock_mono(clock);
	TimeUs until = now + wait;

	for (bool calling = true;; calling = false) {
		bool back = s->conn.c == NULL && reconnect(s);
		size_t n = 0;
		TimeUs rest;

		if (back && queue_rows[sub->queue].exclusive)
			return 0; /* its reader must know that messages are lost */
		if (s->conn.c != NULL)
			n = take_ready(s, a, msgs, max, max_items);
		now = clock_mono(clock);
		rest = until - now < calm(s, now) ? until - now : calm(s, now);
		if (n > 0 || (now >= until && !calling))
			return n;
		if (!await(s, rest > 0 ? rest : 0))
			return 0;
	}
}

void
rabbit_sub_wake(Sub *sub)
{
	uint64_t one = 1;

	/* a full counter wakes as well */
	if (write(((RabbitSub *)sub)->wake_fd, &one, sizeof(one)) < 0)
		return;
}

bool
rabbit_sub_connected(const Sub *s)
{
	return ((const RabbitSub *)s)->conn.c != NULL;
}
