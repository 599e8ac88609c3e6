#include "bus/local_bus.h"

#include "base/log.h"

#include <stdlib.h>

typedef struct LocalPort {
	Port port;
	Arena *scratch;
	uint64_t returned;
} LocalPort;

void
local_dead(LocalBus *b, const DeadLetter *d)
{
	DeadKeep *keep;
	void *self;

	pthread_mutex_lock(&b->dead_lock);
	keep = b->keep;
	self = b->keep_self;
	pthread_mutex_unlock(&b->dead_lock);
	if (keep == NULL || !keep(self, d))
		log_warn("a message on %.*s (%.*s) was refused: %.*s", STR_ARG(d->queue), STR_ARG(d->key),
		    STR_ARG(d->reason));
}

size_t
local_put(LocalBus *b, Arena *scratch, Id worker, const ParcelHead *head, const MsgItem *items, size_t n)
{
	QueueId id = b->route[head->kind];
	size_t given = 0;

	if (id == QUEUES)
		return 0;
	pthread_rwlock_rdlock(&b->lock);
	for (size_t i = 0; i < b->sets[id].n; i++) {
		LocalQueue *q = b->sets[id].queues[i];

		if (worker != 0 && q->worker != worker)
			continue;
		given += local_queue_push(q, parcel_make(scratch, head, items, n));
	}
	pthread_rwlock_unlock(&b->lock);
	return given;
}

static bool
local_port_open(Bus *bus, Port **ret, Err *err)
{
	LocalPort *p = calloc(1, sizeof(*p));

	if (p == NULL)
		return err_set(err, ERR_SYS, "out of memory");
	p->port.bus = bus;
	p->scratch = arena_open();
	*ret = &p->port;
	return true;
}

static void
local_port_close(Port *port)
{
	LocalPort *p = (LocalPort *)port;

	arena_close(p->scratch);
	free(p);
}

static bool
local_port_publish(Port *port, const Outbox *o, Err *err)
{
	LocalPort *p = (LocalPort *)port;
	LocalBus *b = (LocalBus *)port->bus;
	TimeUs now = clock_wall(b->bus.clock);
	OutGroup *groups;
	size_t n = outbox_group(p->scratch, o, &groups);

	(void)err;
	for (size_t i = 0; i < n; i++) {
		const OutGroup *g = &groups[i];
		ParcelHead head = { g->kind, uuid_new(now), g->items[0].correlation };
		size_t given = local_put(b, p->scratch, g->worker, &head, g->items, g->n);

		if (given == 0 && topics[g->kind].listen == LISTEN_REQUIRED)
			p->returned++;
	}
	arena_reset(p->scratch);
	return true;
}

static bool
local_port_settle(Port *p, TimeUs timeout, Err *err)
{
	(void)p;
	(void)timeout;
	(void)err;
	return true;
}

static uint64_t
local_port_returned(const Port *p)
{
	return ((const LocalPort *)p)->returned;
}

static QueueDepth
depth_of(const LocalBus *b, Arena *a, LocalQueue *q)
{
	QueueDepth d = { .name = bus_queue_name(&b->bus, a, q->id, q->worker), .consumers = q->consumers };

	pthread_mutex_lock(&q->lock);
	d.messages = (int64_t)q->n;
	pthread_mutex_unlock(&q->lock);
	return d;
}

static bool
local_depths(Bus *bus, Arena *a, QueueDepth **ret, size_t *ret_n, Err *err)
{
	LocalBus *b = (LocalBus *)bus;
	size_t n = 0;
	QueueDepth *list;

	(void)err;
	pthread_rwlock_rdlock(&b->lock);
	for (int id = 0; id < QUEUES; id++)
		n += b->sets[id].n;
	list = arena_array(a, QueueDepth, n);
	n = 0;
	for (int id = 0; id < QUEUES; id++)
		for (size_t i = 0; i < b->sets[id].n; i++)
			list[n++] = depth_of(b, a, b->sets[id].queues[i]);
	pthread_rwlock_unlock(&b->lock);
	*ret = list;
	*ret_n = n;
	return true;
}

static bool
local_depth(Bus *bus, Arena *a, QueueId id, Id worker, QueueDepth *ret, Err *err)
{
	LocalBus *b = (LocalBus *)bus;
	bool found = false;

	pthread_rwlock_rdlock(&b->lock);
	for (size_t i = 0; i < b->sets[id].n && !found; i++) {
		if (b->sets[id].queues[i]->worker != worker)
			continue;
		*ret = depth_of(b, a, b->sets[id].queues[i]);
		found = true;
	}
	pthread_rwlock_unlock(&b->lock);
	return found || err_set(err, ERR_NOT_FOUND, "queue '%.*s' has never been opened",
			    STR_ARG(bus_queue_name(bus, a, id, worker)));
}

static bool
local_purge(Bus *bus, Err *err)
{
	LocalBus *b = (LocalBus *)bus;

	(void)err;
	pthread_rwlock_rdlock(&b->lock);
	for (int id = 0; id < QUEUES; id++)
		for (size_t i = 0; i < b->sets[id].n; i++)
			local_queue_purge(b->sets[id].queues[i]);
	pthread_rwlock_unlock(&b->lock);
	return true;
}

/* A queue that still has its consumer is only emptied: the consumer goes first. */
static void
worker_queue_delete(LocalSet *set, Id worker)
{
	for (size_t i = 0; i < set->n; i++) {
		LocalQueue *q = set->queues[i];

		if (q->worker != worker)
			continue;
		local_queue_purge(q);
		if (q->consumers > 0)
			continue;
		set->queues[i--] = set->queues[--set->n];
		local_queue_free(q);
	}
}

static bool
local_delete_worker_queues(Bus *bus, Id worker, Err *err)
{
	LocalBus *b = (LocalBus *)bus;

	(void)err;
	pthread_rwlock_wrlock(&b->lock);
	for (int id = 0; id < QUEUES; id++)
		if (name_per_worker(queue_rows[id].name))
			worker_queue_delete(&b->sets[id], worker);
	pthread_rwlock_unlock(&b->lock);
	return true;
}

static void
local_keep_dead(Bus *bus, DeadKeep *keep, void *self)
{
	LocalBus *b = (LocalBus *)bus;

	pthread_mutex_lock(&b->dead_lock);
	b->keep = keep;
	b->keep_self = self;
	pthread_mutex_unlock(&b->dead_lock);
}

static bool
local_dead_list(Bus *b, Arena *a, size_t max, DeadLetter **ret, size_t *ret_n, Err *err)
{
	(void)b;
	(void)a;
	(void)max;
	(void)ret;
	(void)ret_n;
	return err_set(err, ERR_UNSUPPORTED, "the in-process bus keeps no dead letters: the store has them");
}

static bool
local_dead_act(Bus *b, Uuid id, DeadAct act, Err *err)
{
	(void)b;
	(void)id;
	(void)act;
	return err_set(err, ERR_UNSUPPORTED, "the in-process bus keeps no dead letters: the store has them");
}

static bool
queue_open_for(LocalBus *b, QueueId id, Id worker)
{
	bool found = false;

	pthread_rwlock_rdlock(&b->lock);
	for (size_t i = 0; i < b->sets[id].n && !found; i++)
		found = worker == 0 || b->sets[id].queues[i]->worker == worker;
	pthread_rwlock_unlock(&b->lock);
	return found;
}

static void
raw_to_queue(LocalBus *b, Arena *a, QueueId id, Id worker, DeadLetter *d)
{
	Err err = { 0 };
	Msg m;

	if (!queue_open_for(b, id, worker))
		return;
	if (bus_decode(&b->bus, a, id, d->body, &m, &err)) {
		ParcelHead head = { m.kind, m.message_id, m.correlation };

		local_put(b, a, worker, &head, m.items, m.n);
		return;
	}
	d->id = uuid_new(d->at);
	d->queue = bus_queue_name(&b->bus, a, id, worker);
	d->reason = str_of(err.text);
	local_dead(b, d);
}

static bool
local_publish_raw(Bus *bus, Exchange x, Str key, Str body, Err *err)
{
	LocalBus *b = (LocalBus *)bus;
	CLEANUP(arena_done) Arena *a = arena_open();
	DeadLetter d = { .key = key, .body = body, .at = clock_wall(bus->clock) };
	QueueId at = 0;
	Id worker;

	(void)err;
	if (x == EX_DEAD) {
		d.id = uuid_new(d.at);
		d.queue = str_of(bus->queue[Q_DEAD]);
		d.reason = str_of("published to the dead letters");
		local_dead(b, &d);
	}
	while (bus_routes(&at, x, key, &worker))
		raw_to_queue(b, a, at - 1, worker, &d);
	return true;
}

static void
local_close(Bus *bus)
{
	LocalBus *b = (LocalBus *)bus;

	for (int id = 0; id < QUEUES; id++) {
		for (size_t i = 0; i < b->sets[id].n; i++)
			local_queue_free(b->sets[id].queues[i]);
		free(b->sets[id].queues);
	}
	pthread_rwlock_destroy(&b->lock);
	pthread_mutex_destroy(&b->dead_lock);
	bus_done(bus);
	free(b);
}

static const BusOps local_ops = {
	.close = local_close,
	.port_open = local_port_open,
	.port_close = local_port_close,
	.port_publish = local_port_publish,
	.port_settle = local_port_settle,
	.port_returned = local_port_returned,
	.sub_open = local_sub_open,
	.sub_close = local_sub_close,
	.sub_take = local_sub_take,
	.sub_ack = local_sub_ack,
	.sub_return = local_sub_return,
	.sub_dead = local_sub_dead,
	.sub_wake = local_sub_wake,
	.sub_connected = local_sub_connected,
	.depths = local_depths,
	.depth = local_depth,
	.purge = local_purge,
	.delete_worker_queues = local_delete_worker_queues,
	.keep_dead = local_keep_dead,
	.dead_list = local_dead_list,
	.dead_act = local_dead_act,
	.publish_raw = local_publish_raw,
};

bool
local_open(const BusConfig *config, Bus **ret, Err *err)
{
	LocalBus *b = calloc(1, sizeof(*b));

	if (b == NULL)
		return err_set(err, ERR_SYS, "out of memory");
	bus_init(&b->bus, &local_ops, config);
	b->bus.local = true;
	pthread_rwlock_init(&b->lock, NULL);
	pthread_mutex_init(&b->dead_lock, NULL);
	for (int k = 0; k < MSG_KINDS; k++) {
		b->route[k] = QUEUES;
		for (QueueId q = 0; q < QUEUES; q++)
			if (queue_carries(q, (MsgKind)k))
				b->route[k] = q;
	}
	*ret = &b->bus;
	return true;
}
