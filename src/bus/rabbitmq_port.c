#include "bus/rabbitmq.h"

#include "base/log.h"

#include <linux/sockios.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

enum {
	RESEND_US = 10 * US_PER_S,
	STUCK_US = US_PER_S,              /* longest wait for room in the socket */
	SOCKET_ROOM = 128 * 1024,         /* bytes the kernel surely takes when its send queue is short */
	AROUND = 1024,                    /* bytes of a message beside its body, at most */
	WAITING_BYTES = 64 * 1024 * 1024, /* of unconfirmed messages kept */
	RETURN_LOG_US = 10 * US_PER_S,
};

/* A message the broker has not confirmed: all that is needed to send it once more. */
typedef struct Waiting Waiting;
struct Waiting {
	Waiting *next;
	uint64_t seq; /* of the channel; 0: not sent on this connection */
	TimeUs sent;  /* monotonic */
	MsgKind kind;
	char id[UUID_TEXT];
	char correlation[UUID_TEXT];
	uint64_t timestamp; /* seconds */
	Str key;
	Str body;
	char bytes[]; /* key and body */
};

typedef struct RabbitPort {
	Port port;
	Conn conn;
	Arena *scratch;
	Waiting *first; /* in the order of publishing */
	Waiting *last;
	size_t bytes;
	size_t queued_most; /* bytes that the socket may hold: as it last said, and what was sent since */
	uint64_t seq;       /* last given on this channel */
	uint64_t returned;
	TimeUs return_said;
} RabbitPort;

bool
rabbit_port_open(Bus *bus, Port **ret, Err *err)
{
	RabbitPort *p = calloc(1, sizeof(*p));
	Err away = { 0 };

	if (p == NULL)
		return err_set(err, ERR_SYS, "out of memory");
	p->port.bus = bus;
	p->scratch = arena_open();
	/* no heartbeat: nobody drives this connection between two publishes; the kernel watches the peer instead */
	p->conn = (Conn){
		.bus = (RabbitBus *)bus,
		.what = "publisher",
		.patience = CONNECT_QUICK_US,
		.confirms = true,
	};
	if (!conn_ready(&p->conn, &away))
		log_debug("%s", away.text);
	*ret = &p->port;
	return true;
}

void
rabbit_port_close(Port *port)
{
	RabbitPort *p = (RabbitPort *)port;

	while (p->first != NULL) {
		Waiting *w = p->first;

		p->first = w->next;
		free(w);
	}
	conn_goodbye(&p->conn);
	arena_close(p->scratch);
	free(p);
}

static void
forget(RabbitPort *p, Waiting **at, Waiting *before)
{
	Waiting *w = *at;

	*at = w->next;
	if (p->last == w)
		p->last = before;
	p->bytes -= w->body.n;
	free(w);
}

/* Confirms come in the order of the numbers, nearly always for the first ones. */
static void
confirmed(RabbitPort *p, uint64_t seq, bool multiple, bool accepted)
{
	Waiting **at = &p->first;
	Waiting *before = NULL;

	while (*at != NULL && (*at)->seq <= seq) {
		Waiting *w = *at;
		bool meant = w->seq != 0 && (multiple || w->seq == seq);

		if (meant && accepted) {
			forget(p, at, before);
			continue;
		}
		if (meant)
			w->sent -= RESEND_US; /* refused: again with the next publish */
		before = w;
		at = &w->next;
	}
}

static void
returned(RabbitPort *p, const amqp_basic_return_t *r)
{
	TimeUs now = clock_mono(p->port.bus->clock);
	Str key = str_of_bytes(r->routing_key);

	p->returned++;
	if (p->return_said != 0 && now - p->return_said < RETURN_LOG_US)
		return;
	p->return_said = now;
	log_error("nobody listens to '%.*s' on %.*s (%llu messages returned so far); the row waits, the sweeper"
		  " announces it again",
	    STR_ARG(key), (int)r->exchange.len, (const char *)r->exchange.bytes, (unsigned long long)p->returned);
}

static void
on_method(RabbitPort *p, const amqp_method_t *m)
{
	Conn *k = &p->conn;
	Err why = { 0 };

	if (m->id == AMQP_BASIC_ACK_METHOD) {
		const amqp_basic_ack_t *ack = m->decoded;

		confirmed(p, ack->delivery_tag, ack->multiple, true);
	} else if (m->id == AMQP_BASIC_NACK_METHOD) {
		const amqp_basic_nack_t *nack = m->decoded;

		confirmed(p, nack->delivery_tag, nack->multiple, false);
	} else if (m->id == AMQP_BASIC_RETURN_METHOD) {
		amqp_message_t message;

		returned(p, m->decoded);
		if (conn_reply(k, amqp_read_message(k->c, CHANNEL, &message, 0), &why))
			amqp_destroy_message(&message);
	} else if (m->id == AMQP_CHANNEL_CLOSE_METHOD) {
		conn_closed_by(k, m, &why);
		log_error("%s", why.text);
		conn_lost(k, why.text);
		conn_delay(k);
	}
}

/* Reads what the broker has said; waits up to `wait` for its first word. */
static void
drain(RabbitPort *p, TimeUs wait)
{
	amqp_frame_t f;

	while (p->conn.c != NULL && conn_frame(&p->conn, wait, &f)) {
		if (f.frame_type == AMQP_FRAME_METHOD)
			on_method(p, &f.payload.method);
		wait = 0;
	}
}

/* On: the kernel keeps what is sent until it fills a packet. So many small messages wake the broker once, not once each. */
static void
gather_packets(const RabbitPort *p, int on)
{
	if (p->conn.c != NULL)
		(void)setsockopt(amqp_get_sockfd(p->conn.c), IPPROTO_TCP, TCP_CORK, &on, sizeof(on));
}

/* The library's send waits without end for a peer that does not read, so it is called only when there is room. What is
 * larger than the socket's buffer can still wait, until TCP_USER_TIMEOUT. */
static bool
room_to_send(RabbitPort *p, size_t size, Err *err)
{
	Conn *k = &p->conn;
	TimeUs until = clock_mono(p->port.bus->clock) + STUCK_US;
	int queued = 0;

	if (p->queued_most + size <= SOCKET_ROOM)
		return true;
	while (
	    ioctl(amqp_get_sockfd(k->c), SIOCOUTQ, &queued) == 0 && queued > 0 && (size_t)queued + size > SOCKET_ROOM) {
		gather_packets(p, 0);
		if (k->blocked || clock_mono(p->port.bus->clock) > until)
			return err_set(err, ERR_AWAY, "broker %s takes no messages", k->bus->url.starred);
		drain(p, US_PER_MS);
		if (k->c == NULL)
			return err_set(err, ERR_AWAY, "broker %s is away", k->bus->url.starred);
	}
	p->queued_most = queued > 0 ? (size_t)queued : 0;
	return true;
}

static bool
send_one(RabbitPort *p, Waiting *w, Err *err)
{
	Conn *k = &p->conn;
	const Topic *t = &topics[w->kind];
	amqp_basic_properties_t props = {
		._flags = AMQP_BASIC_CONTENT_TYPE_FLAG | AMQP_BASIC_DELIVERY_MODE_FLAG |
			  AMQP_BASIC_CORRELATION_ID_FLAG | AMQP_BASIC_MESSAGE_ID_FLAG | AMQP_BASIC_TIMESTAMP_FLAG,
		.content_type = amqp_cstring_bytes("application/json"),
		.delivery_mode = t->durable ? 2 : 1,
		.correlation_id = { UUID_TEXT, w->correlation },
		.message_id = { UUID_TEXT, w->id },
		.timestamp = w->timestamp,
	};
	int status;

	if (!room_to_send(p, w->body.n + AROUND, err))
		return false;
	p->queued_most += w->body.n + AROUND;
	status = amqp_basic_publish(k->c, CHANNEL, amqp_cstring_bytes(k->bus->bus.exchange[t->exchange]),
	    bytes_of(w->key), t->listen == LISTEN_REQUIRED, 0, &props, bytes_of(w->body));
	if (status != AMQP_STATUS_OK) {
		conn_lost(k, amqp_error_string2(status));
		return err_set(err, ERR_AWAY, "broker %s: %s", k->bus->url.starred, amqp_error_string2(status));
	}
	w->seq = ++p->seq;
	w->sent = clock_mono(k->bus->bus.clock);
	return true;
}

/* Moves a message to the end of the list, which stays in the order of the channel's numbers. */
static void
to_end(RabbitPort *p, Waiting **at)
{
	Waiting *w = *at;

	if (p->last == w)
		return;
	*at = w->next;
	w->next = NULL;
	p->last->next = w;
	p->last = w;
}

static bool
overdue(const Waiting *w, TimeUs now)
{
	return w->seq == 0 || now - w->sent >= RESEND_US;
}

/* Sends again what a lost connection left, and what was not confirmed for too long. */
static bool
send_overdue(RabbitPort *p, Err *err)
{
	TimeUs now = clock_mono(p->port.bus->clock);
	size_t most = 0;

	for (const Waiting *w = p->first; w != NULL; w = w->next)
		most++;
	/* the list can lose its first entries while sending, so it is looked at from the front each time */
	while (most-- > 0 && p->first != NULL && overdue(p->first, now)) {
		to_end(p, &p->first);
		if (!send_one(p, p->last, err))
			return false;
	}
	return true;
}

static bool
connected(RabbitPort *p, Err *err)
{
	drain(p, 0); /* an end of the connection shows here, before anything is written to it */
	if (p->conn.c == NULL) {
		if (!conn_ready(&p->conn, err))
			return false;
		p->seq = 0;
		for (Waiting *w = p->first; w != NULL; w = w->next)
			w->seq = 0;
	}
	if (p->conn.blocked)
		return err_set(err, ERR_AWAY, "broker %s takes no messages: it is short of memory or disk",
		    p->conn.bus->url.starred);
	if (p->bytes > WAITING_BYTES)
		return err_set(err, ERR_AWAY, "broker %s does not confirm", p->conn.bus->url.starred);
	return send_overdue(p, err);
}

static Waiting *
waiting_add(RabbitPort *p, const OutGroup *g, TimeUs now)
{
	Envelope e = { uuid_new(now), g->items[0].correlation, g->kind, now, p->port.bus->process };
	Str key = name_fill(p->scratch, topics[g->kind].key, g->worker, "");
	Str body = envelope_write(p->scratch, &e, g->items, g->n);
	Waiting *w = malloc(sizeof(*w) + key.n + body.n);

	if (w == NULL)
		abort();
	*w = (Waiting){ .kind = g->kind, .timestamp = (uint64_t)(now / US_PER_S) };
	uuid_write(e.message_id, w->id);
	uuid_write(uuid_none(e.correlation) ? e.message_id : e.correlation, w->correlation);
	memcpy(w->bytes, key.p, key.n);
	memcpy(w->bytes + key.n, body.p, body.n);
	w->key = (Str){ w->bytes, key.n };
	w->body = (Str){ w->bytes + key.n, body.n };
	if (p->last == NULL)
		p->first = w;
	else
		p->last->next = w;
	p->last = w;
	p->bytes += body.n;
	return w;
}

static bool
send_groups(RabbitPort *p, const OutGroup *groups, size_t n, Err *err)
{
	TimeUs now = clock_wall(p->port.bus->clock);

	for (size_t i = 0; i < n; i++)
		if (!send_one(p, waiting_add(p, &groups[i], now), err))
			return false;
	return true;
}

bool
rabbit_port_publish(Port *port, const Outbox *o, Err *err)
{
	RabbitPort *p = (RabbitPort *)port;
	OutGroup *groups;
	size_t n;
	bool sent;

	if (!connected(p, err))
		return false;
	n = outbox_group(p->scratch, o, &groups);
	if (n > 1)
		gather_packets(p, 1);
	sent = send_groups(p, groups, n, err);
	if (n > 1)
		gather_packets(p, 0);
	arena_reset(p->scratch);
	drain(p, 0);
	return sent;
}

bool
rabbit_port_settle(Port *port, TimeUs timeout, Err *err)
{
	RabbitPort *p = (RabbitPort *)port;
	const Clock *clock = port->bus->clock;
	TimeUs until = clock_mono(clock) + timeout;
	TimeUs now;

	while (p->first != NULL && (now = clock_mono(clock)) < until) {
		Err away = { 0 };
		TimeUs rest = until - now < 50 * US_PER_MS ? until - now : 50 * US_PER_MS;

		if (connected(p, &away))
			drain(p, rest);
		else
			poll(NULL, 0, (int)(rest / US_PER_MS) + 1);
	}
	if (p->first == NULL)
		return true;
	return err_set(err, ERR_AWAY, "broker %s has not confirmed everything", p->conn.bus->url.starred);
}

uint64_t
rabbit_port_returned(const Port *p)
{
	return ((const RabbitPort *)p)->returned;
}
