#include "bus/rabbitmq.h"

#include "base/log.h"

#include <stdlib.h>
#include <time.h>

/* Dead letters are looked at with basic.get and put back unsettled; the order stays. */

/*
 * While somebody has letters, they are not in the queue: two who look at once would each miss what the other holds, and call it gone.
 * So one looks at a time. A queue that is one connection's alone is a lock in the broker that goes when the connection does.
 */
static const char turn_name[] = "attune.dead_letters.turn";

enum { TURN_PATIENCE_S = 5, TURN_AGAIN_MS = 10 };

typedef struct Letter {
	DeadLetter dead;
	Str exchange; /* by which it first came */
	uint64_t tag;
} Letter;

/* The broker's own record of a message it dead-lettered itself: the latest is the first. */
static Str
death_text(const amqp_basic_properties_t *p, const char *name)
{
	const amqp_table_entry_t *e = header_find(p, "x-death");
	const amqp_table_t *t;

	if (e == NULL || e->value.kind != AMQP_FIELD_KIND_ARRAY || e->value.value.array.num_entries == 0 ||
	    e->value.value.array.entries[0].kind != AMQP_FIELD_KIND_TABLE)
		return (Str){ 0 };
	t = &e->value.value.array.entries[0].value.table;
	for (int i = 0; i < t->num_entries; i++)
		if (str_is(str_of_bytes(t->entries[i].key), name) && t->entries[i].value.kind == AMQP_FIELD_KIND_UTF8)
			return str_of_bytes(t->entries[i].value.value.bytes);
	return (Str){ 0 };
}

static Str
header_or_death(Arena *a, const amqp_basic_properties_t *p, const char *header, const char *death)
{
	Str text = header_text(p, header);

	if (str_none(text))
		text = death_text(p, death);
	return str_copy(a, text);
}

/* Foreign messages may have no id: then their content is their name, so that people can point at them. */
static Uuid
letter_id(const amqp_message_t *m, Str key)
{
	Str id = str_of_bytes(m->properties.message_id);
	uint64_t parts[2] = { str_hash(str_of_bytes(m->body)), str_hash(key) };
	Uuid u;

	if ((m->properties._flags & AMQP_BASIC_MESSAGE_ID_FLAG) != 0 && uuid_parse(id, &u))
		return u;
	memcpy(u.b, parts, sizeof(parts));
	return u;
}

static void
letter_fill(Arena *a, const amqp_message_t *m, Str key, Letter *ret)
{
	const amqp_basic_properties_t *p = &m->properties;
	bool timed = (p->_flags & AMQP_BASIC_TIMESTAMP_FLAG) != 0;

	ret->exchange = header_or_death(a, p, exchange_header, "exchange");
	ret->dead = (DeadLetter){
		.id = letter_id(m, key),
		.queue = header_or_death(a, p, queue_header, "queue"),
		.key = str_copy(a, key),
		.reason = header_or_death(a, p, reason_header, "reason"),
		.body = str_copy(a, str_of_bytes(m->body)),
		.at = timed ? (TimeUs)p->timestamp * US_PER_S : 0,
	};
}

/* The next letter; false at the end of the queue with err unset. Probes are dropped on the way. */
static bool
letter_next(Conn *k, const char *queue, Arena *a, Letter *ret, Err *err)
{
	for (;;) {
		amqp_rpc_reply_t r = amqp_basic_get(k->c, CHANNEL, amqp_cstring_bytes(queue), 0);
		const amqp_basic_get_ok_t *got;
		amqp_message_t m;
		bool probe;

		if (!conn_reply(k, r, err) || r.reply.id != AMQP_BASIC_GET_OK_METHOD)
			return false;
		got = r.reply.decoded;
		ret->tag = got->delivery_tag;
		if (!conn_reply(k, amqp_read_message(k->c, CHANNEL, &m, 0), err))
			return false;
		probe = header_find(&m.properties, probe_header) != NULL;
		if (probe)
			amqp_basic_ack(k->c, CHANNEL, ret->tag, 0);
		else
			letter_fill(a, &m, str_of_bytes(got->routing_key), ret);
		amqp_destroy_message(&m);
		amqp_maybe_release_buffers(k->c);
		if (!probe)
			return true;
	}
}

/* Whatever was read and not acknowledged lies in the queue as before. */
static bool
put_all_back(Conn *k, uint64_t last, Err *err)
{
	int status;

	if (k->c == NULL)
		return false;
	if (last == 0)
		return true;
	status = amqp_basic_nack(k->c, CHANNEL, last, 1, 1);
	if (status == AMQP_STATUS_OK)
		return true;
	conn_lost(k, amqp_error_string2(status));
	return err_set(err, ERR_AWAY, "broker %s: %s", k->bus->url.starred, amqp_error_string2(status));
}

static bool
turn_take(Conn *k, Err *err)
{
	struct timespec little = { .tv_nsec = TURN_AGAIN_MS * 1000000L };
	const Clock *clock = k->bus->bus.clock;
	TimeUs until = clock_mono(clock) + TURN_PATIENCE_S * US_PER_S;
	Err why = { 0 };

	while (!conn_answer(
	    k, amqp_queue_declare(k->c, CHANNEL, amqp_cstring_bytes(turn_name), 0, 0, 1, 0, amqp_empty_table), &why)) {
		if (why.code != ERR_CONFLICT || k->c == NULL)
			return err_set(err, why.code, "%s", why.text);
		if (clock_mono(clock) > until)
			return err_set(err, ERR_CONFLICT,
			    "somebody else is busy with the dead letters of broker %s: try again in a moment",
			    k->bus->url.starred);
		nanosleep(&little, NULL);
		err_clear(&why);
	}
	return true;
}

static void
turn_give(Conn *k)
{
	Err why = { 0 };

	if (k->c != NULL &&
	    !conn_answer(k, amqp_queue_delete(k->c, CHANNEL, amqp_cstring_bytes(turn_name), 0, 0), &why))
		log_debug("%s", why.text);
}

static bool
list_read(RabbitBus *b, Conn *k, Arena *a, size_t max, DeadLetter **ret, size_t *ret_n, Err *err)
{
	Err why = { 0 };
	Letter letter;
	uint64_t last = 0;
	size_t cap = 0;
	DeadLetter *list = NULL;

	*ret_n = 0;
	while (*ret_n < max && letter_next(k, b->bus.queue[Q_DEAD], a, &letter, &why)) {
		last = letter.tag;
		if (*ret_n == cap) {
			size_t more = cap == 0 ? 16 : cap * 2;

			list = arena_grow(a, list, cap * sizeof(*list), more * sizeof(*list));
			cap = more;
		}
		list[(*ret_n)++] = letter.dead;
	}
	*ret = list;
	if (why.code != ERR_NONE)
		return err_set(err, why.code, "%s", why.text);
	return put_all_back(k, last, err);
}

bool
rabbit_dead_list(Bus *bus, Arena *a, size_t max, DeadLetter **ret, size_t *ret_n, Err *err)
{
	RabbitBus *b = (RabbitBus *)bus;
	Conn *k = admin_take(b, err);
	bool ok;

	if (k == NULL)
		return false;
	ok = turn_take(k, err);
	if (ok) {
		ok = list_read(b, k, a, max, ret, ret_n, err);
		turn_give(k);
	}
	admin_give(b);
	return ok;
}

/* The exchange a letter came by; without a record of it, the one its routing key belongs to. */
static bool
letter_exchange(const RabbitBus *b, const Letter *l, Str *ret)
{
	QueueId at;
	Id worker;

	if (l->exchange.n > 0) {
		*ret = l->exchange;
		return true;
	}
	for (Exchange x = 0; x < EX_NOTIFICATIONS; x++) {
		at = 0;
		if (bus_routes(&at, x, l->dead.key, &worker)) {
			*ret = str_of(b->bus.exchange[x]);
			return true;
		}
	}
	return false;
}

static bool
letter_replay(RabbitBus *b, Conn *k, Arena *a, const Letter *l, Err *err)
{
	Str id = uuid_text(a, l->dead.id);
	amqp_basic_properties_t p = {
		._flags = AMQP_BASIC_DELIVERY_MODE_FLAG | AMQP_BASIC_CONTENT_TYPE_FLAG | AMQP_BASIC_MESSAGE_ID_FLAG,
		.delivery_mode = 2,
		.content_type = amqp_cstring_bytes("application/json"),
		.message_id = bytes_of(id),
	};
	bool returned;
	Str exchange;

	if (!letter_exchange(b, l, &exchange))
		return err_set(err, ERR_CONFLICT, "nothing says by which exchange dead letter %.*s came", STR_ARG(id));
	if (!publish_confirmed(k, exchange, l->dead.key, &p, l->dead.body, &returned, err))
		return false;
	if (returned)
		return err_set(err, ERR_CONFLICT, "no queue takes '%.*s' of '%.*s' now; the dead letter stays",
		    STR_ARG(l->dead.key), STR_ARG(exchange));
	return true;
}

/* Looks for the letter and acts on it; *ret_last is the highest tag that is to be put back. */
static bool
act_on(RabbitBus *b, Conn *k, Uuid id, DeadAct act, uint64_t *ret_last, Err *err)
{
	CLEANUP(arena_done) Arena *a = arena_open();
	Err why = { 0 };
	Letter l;
	int status;

	*ret_last = 0;
	for (int i = 0; i < DEAD_LETTERS_MOST && letter_next(k, b->bus.queue[Q_DEAD], a, &l, &why); i++) {
		if (!uuid_eq(l.dead.id, id)) {
			*ret_last = l.tag;
			arena_reset(a);
			continue;
		}
		if (act == DEAD_REPLAY && !letter_replay(b, k, a, &l, err)) {
			*ret_last = l.tag;
			return false;
		}
		status = amqp_basic_ack(k->c, CHANNEL, l.tag, 0);
		return status == AMQP_STATUS_OK || err_set(err, ERR_AWAY, "%s", amqp_error_string2(status));
	}
	if (why.code != ERR_NONE)
		return err_set(err, why.code, "%s", why.text);
	return err_set(err, ERR_NOT_FOUND, "there is no dead letter %.*s", STR_ARG(uuid_text(a, id)));
}

bool
rabbit_dead_act(Bus *bus, Uuid id, DeadAct act, Err *err)
{
	RabbitBus *b = (RabbitBus *)bus;
	Conn *k = admin_take(b, err);
	Err why = { 0 };
	uint64_t last;
	bool ok;

	if (k == NULL)
		return false;
	ok = turn_take(k, err);
	if (ok) {
		ok = act_on(b, k, id, act, &last, err);
		/* the letter itself is settled; giving back the others fails only with the connection, which gives them back */
		if (!put_all_back(k, last, &why))
			conn_lost(k, why.text);
		turn_give(k);
	}
	admin_give(b);
	return ok;
}

void
rabbit_keep_dead(Bus *b, DeadKeep *keep, void *self)
{
	(void)b;
	(void)keep;
	(void)self;
}
