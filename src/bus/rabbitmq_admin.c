#include "bus/rabbitmq.h"

#include <stdlib.h>

Conn *
admin_take(RabbitBus *b, Err *err)
{
	amqp_frame_t f;

	pthread_mutex_lock(&b->lock);
	/* an end of the connection that came meanwhile shows here */
	while (b->admin.c != NULL && conn_frame(&b->admin, 0, &f))
		;
	if (b->admin.c != NULL || conn_connect(&b->admin, err))
		return &b->admin;
	pthread_mutex_unlock(&b->lock);
	return NULL;
}

void
admin_give(RabbitBus *b)
{
	if (b->admin.c != NULL)
		amqp_maybe_release_buffers(b->admin.c);
	pthread_mutex_unlock(&b->lock);
}

void
rabbit_know(RabbitBus *b, QueueId id, Id worker)
{
	if (!name_per_worker(queue_rows[id].name))
		return;
	pthread_mutex_lock(&b->lock);
	for (size_t i = 0; i < b->known_n; i++) {
		if (b->known[i].id == id && b->known[i].worker == worker) {
			pthread_mutex_unlock(&b->lock);
			return;
		}
	}
	if (b->known_n == b->known_cap) {
		b->known_cap = b->known_cap == 0 ? 8 : b->known_cap * 2;
		b->known = realloc(b->known, b->known_cap * sizeof(*b->known));
		if (b->known == NULL)
			abort();
	}
	b->known[b->known_n++] = (KnownQueue){ id, worker };
	pthread_mutex_unlock(&b->lock);
}

/* The queues this process can look at: the fixed ones and those of workers it has opened. Under the lock. */
static size_t
queues_seen(RabbitBus *b, Arena *a, Str **ret)
{
	Str *names = arena_array(a, Str, QUEUES + b->known_n);
	size_t n = 0;

	for (QueueId q = 0; q < QUEUES; q++)
		if (!name_per_worker(queue_rows[q].name) && !name_per_process(queue_rows[q].name))
			names[n++] = bus_queue_name(&b->bus, a, q, 0);
	for (size_t i = 0; i < b->known_n; i++)
		names[n++] = bus_queue_name(&b->bus, a, b->known[i].id, b->known[i].worker);
	*ret = names;
	return n;
}

bool
rabbit_depths(Bus *bus, Arena *a, QueueDepth **ret, size_t *ret_n, Err *err)
{
	RabbitBus *b = (RabbitBus *)bus;
	Conn *k = admin_take(b, err);
	QueueDepth *list;
	Str *names;
	size_t n;

	if (k == NULL)
		return false;
	n = queues_seen(b, a, &names);
	list = arena_array(a, QueueDepth, n);
	for (size_t i = 0; i < n; i++) {
		if (k->c == NULL || !queue_depth(k, names[i], &list[i], err))
			list[i] = (QueueDepth){ names[i], -1, -1 };
		list[i].name = names[i];
	}
	if (k->c == NULL) {
		admin_give(b);
		return false;
	}
	admin_give(b);
	*ret = list;
	*ret_n = n;
	return true;
}

bool
rabbit_depth(Bus *bus, Arena *a, QueueId q, Id worker, QueueDepth *ret, Err *err)
{
	RabbitBus *b = (RabbitBus *)bus;
	Str name = bus_queue_name(bus, a, q, worker);
	Conn *k = admin_take(b, err);
	bool ok = k != NULL && queue_depth(k, name, ret, err);

	if (k != NULL)
		admin_give(b);
	return ok;
}

bool
rabbit_purge(Bus *bus, Err *err)
{
	RabbitBus *b = (RabbitBus *)bus;
	CLEANUP(arena_done) Arena *a = arena_open();
	Conn *k = admin_take(b, err);
	Err why = { 0 };
	bool ok = true;
	Str *names;
	size_t n;

	if (k == NULL)
		return false;
	n = queues_seen(b, a, &names);
	for (size_t i = 0; i < n && ok; i++) {
		ok = conn_answer(k, amqp_queue_purge(k->c, CHANNEL, bytes_of(names[i])), &why);
		if (!ok && why.code == ERR_NOT_FOUND && k->c != NULL)
			ok = true; /* a worker's queue that was deleted meanwhile */
	}
	admin_give(b);
	return ok || err_set(err, why.code, "%s", why.text);
}

bool
rabbit_delete_worker_queues(Bus *bus, Id worker, Err *err)
{
	RabbitBus *b = (RabbitBus *)bus;
	CLEANUP(arena_done) Arena *a = arena_open();
	Conn *k = admin_take(b, err);
	bool ok = k != NULL;

	for (QueueId q = 0; q < QUEUES && ok; q++) {
		if (!name_per_worker(queue_rows[q].name))
			continue;
		ok = conn_answer(
		    k, amqp_queue_delete(k->c, CHANNEL, bytes_of(bus_queue_name(bus, a, q, worker)), 0, 0), err);
	}
	if (k != NULL)
		admin_give(b);
	return ok;
}

bool
rabbit_publish_raw(Bus *bus, Exchange x, Str key, Str body, Err *err)
{
	RabbitBus *b = (RabbitBus *)bus;
	Conn *k = admin_take(b, err);
	amqp_basic_properties_t p = {
		._flags = AMQP_BASIC_DELIVERY_MODE_FLAG | AMQP_BASIC_CONTENT_TYPE_FLAG,
		.delivery_mode = 2,
		.content_type = amqp_cstring_bytes("application/json"),
	};
	bool returned;
	bool ok = k != NULL && publish_confirmed(k, str_of(bus->exchange[x]), key, &p, body, &returned, err);

	if (k != NULL)
		admin_give(b);
	return ok;
}
