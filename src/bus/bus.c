#include "bus/bus.h"
#include "bus/bus_impl.h"

void
bus_init(Bus *b, const BusOps *ops, const BusConfig *config)
{
	b->ops = ops;
	b->mem = arena_open();
	b->clock = config->clock != NULL ? config->clock : clock_real();
	b->process = str_cstr(b->mem, str_none(config->process) ? str_of("attune") : config->process);
	for (int x = 0; x < EXCHANGES; x++)
		b->exchange[x] = config->exchange[x].n > 0 ? str_cstr(b->mem, config->exchange[x]) : exchange_names[x];
	for (int q = 0; q < QUEUES; q++)
		b->queue[q] = config->queue[q].n > 0 ? str_cstr(b->mem, config->queue[q]) : queue_rows[q].name;
}

void
bus_done(Bus *b)
{
	arena_close(b->mem);
}

Str
bus_queue_name(const Bus *b, Arena *a, QueueId q, Id worker)
{
	return name_fill(a, b->queue[q], worker, b->process);
}

/* Whether the key is this pattern's; a pattern with "%lld" gives the worker. */
static bool
key_fits(const char *pattern, Str key, Id *ret_worker)
{
	const char *at = strstr(pattern, "%lld");

	*ret_worker = 0;
	if (at == NULL)
		return str_is(key, pattern);
	return str_starts(key, (Str){ pattern, (size_t)(at - pattern) }) &&
	       str_to_int(str_sub(key, (size_t)(at - pattern), key.n), ret_worker);
}

static bool
row_takes(QueueId q, Exchange x, Str key, Id *ret_worker)
{
	for (MsgKind k = MSG_NONE + 1; k < MSG_KINDS; k++) {
		if (!queue_carries(q, k) || topics[k].exchange != x)
			continue;
		if (x == EX_NOTIFICATIONS || key_fits(topics[k].key, key, ret_worker))
			return true;
	}
	return false;
}

bool
bus_routes(QueueId *at, Exchange x, Str key, Id *ret_worker)
{
	*ret_worker = 0;
	while (*at < QUEUES) {
		QueueId q = (*at)++;

		if (row_takes(q, x, key, ret_worker))
			return true;
	}
	return false;
}

bool
bus_decode(const Bus *b, Arena *a, QueueId q, Str body, Msg *ret, Err *err)
{
	Envelope e;

	*ret = (Msg){ 0 };
	if (!envelope_read(a, body, &e, &ret->items, &ret->n, err))
		return false;
	if (!queue_carries(q, e.kind))
		return err_set(err, ERR_INVALID, "%s does not belong on %s", topics[e.kind].type, b->queue[q]);
	ret->kind = e.kind;
	ret->message_id = e.message_id;
	ret->correlation = e.correlation;
	return true;
}

bool
bus_open(const BusConfig *config, Bus **ret, Err *err)
{
	if (str_none(config->url) || config->url.n == 0)
		return err_set(err, ERR_INVALID,
		    "no message queue is configured: set message_queue.url to \"local:\" or \"amqp://...\"");
	if (str_starts(config->url, str_of("local:")))
		return local_open(config, ret, err);
	if (str_starts(config->url, str_of("amqp://")) || str_starts(config->url, str_of("amqps://")))
		return rabbit_open(config, ret, err);
	return err_set(err, ERR_INVALID, "message_queue.url must begin with \"local:\", \"amqp://\" or \"amqps://\"");
}

bool
bus_migrate(const BusConfig *config, Err *err)
{
	return str_starts(config->url, str_of("local:")) || rabbit_migrate(config, err);
}

void
bus_close(Bus *b)
{
	if (b != NULL)
		b->ops->close(b);
}

bool
bus_is_local(const Bus *b)
{
	return b->local;
}

const char *
bus_process(const Bus *b)
{
	return b->process;
}

bool
port_open(Bus *b, Port **ret, Err *err)
{
	return b->ops->port_open(b, ret, err);
}

void
port_close(Port *p)
{
	if (p != NULL)
		p->bus->ops->port_close(p);
}

bool
port_publish(Port *p, const Outbox *o, Err *err)
{
	return p->bus->ops->port_publish(p, o, err);
}

bool
port_settle(Port *p, TimeUs timeout, Err *err)
{
	return p->bus->ops->port_settle(p, timeout, err);
}

uint64_t
port_returned(const Port *p)
{
	return p->bus->ops->port_returned(p);
}

bool
sub_open(Bus *b, const SubConfig *config, Sub **ret, Err *err)
{
	return b->ops->sub_open(b, config, ret, err);
}

void
sub_close(Sub *s)
{
	if (s != NULL)
		s->bus->ops->sub_close(s);
}

size_t
sub_take(Sub *s, Arena *a, Msg *msgs, size_t max, size_t max_items, TimeUs wait)
{
	return s->bus->ops->sub_take(s, a, msgs, max, max_items, wait);
}

void
sub_ack(Sub *s, const Msg *msgs, size_t n)
{
	s->bus->ops->sub_ack(s, msgs, n);
}

void
sub_return(Sub *s, const Msg *msgs, size_t n)
{
	s->bus->ops->sub_return(s, msgs, n);
}

void
sub_dead(Sub *s, const Msg *m, const char *reason)
{
	s->bus->ops->sub_dead(s, m, reason);
}

void
sub_wake(Sub *s)
{
	s->bus->ops->sub_wake(s);
}

uint64_t
sub_joined(const Sub *s)
{
	return s->joined;
}

bool
sub_connected(const Sub *s)
{
	return s->bus->ops->sub_connected(s);
}

bool
bus_depths(Bus *b, Arena *a, QueueDepth **ret, size_t *ret_n, Err *err)
{
	return b->ops->depths(b, a, ret, ret_n, err);
}

bool
bus_depth(Bus *b, Arena *a, QueueId q, Id worker, QueueDepth *ret, Err *err)
{
	return b->ops->depth(b, a, q, worker, ret, err);
}

bool
bus_purge(Bus *b, Err *err)
{
	return b->ops->purge(b, err);
}

bool
bus_delete_worker_queues(Bus *b, Id worker, Err *err)
{
	return b->ops->delete_worker_queues(b, worker, err);
}

void
bus_keep_dead(Bus *b, DeadKeep *keep, void *self)
{
	b->ops->keep_dead(b, keep, self);
}

bool
bus_dead_list(Bus *b, Arena *a, size_t max, DeadLetter **ret, size_t *ret_n, Err *err)
{
	return b->ops->dead_list(b, a, max, ret, ret_n, err);
}

bool
bus_dead_act(Bus *b, Uuid id, DeadAct act, Err *err)
{
	return b->ops->dead_act(b, id, act, err);
}

bool
bus_publish_raw(Bus *b, Exchange x, Str key, Str body, Err *err)
{
	return b->ops->publish_raw(b, x, key, body, err);
}
