#include "bus/local_bus.h"

#include "os/thread.h"

#include <stdlib.h>

enum { PREFETCH = 256, RING_FIRST = 64 };

/* Parcels handed out and not yet answered: a ring, whose place is the tag. It grows when an old one is held back. */
typedef struct LocalSub {
	Sub sub;
	LocalQueue *q;
	bool exclusive;
	bool woken; /* guarded by the queue's lock */
	Parcel **out;
	size_t cap;     /* power of two */
	uint64_t first; /* tag of the oldest unanswered */
	uint64_t next;  /* tag of the next to be handed out */
	size_t unanswered;
	size_t prefetch;
} LocalSub;

static LocalQueue *
queue_find(LocalSet *set, QueueId id, Id worker)
{
	for (size_t i = 0; i < set->n; i++)
		if (set->queues[i]->worker == worker)
			return set->queues[i];
	if (set->n == set->cap) {
		set->cap = set->cap == 0 ? 4 : set->cap * 2;
		set->queues = realloc(set->queues, set->cap * sizeof(*set->queues));
		if (set->queues == NULL)
			abort();
	}
	return set->queues[set->n++] = local_queue_new(id, worker);
}

static bool
queue_join(LocalBus *b, const SubConfig *c, LocalQueue **ret)
{
	bool alone = c->exclusive_consumer || queue_rows[c->queue].exclusive;
	bool joined = false;
	LocalQueue *q;

	pthread_rwlock_wrlock(&b->lock);
	q = queue_find(&b->sets[c->queue], c->queue, c->worker);
	if (!q->held && (!alone || q->consumers == 0)) {
		q->held = alone;
		q->consumers++;
		*ret = q;
		joined = true;
	}
	pthread_rwlock_unlock(&b->lock);
	return joined;
}

bool
local_sub_open(Bus *bus, const SubConfig *c, Sub **ret, Err *err)
{
	LocalBus *b = (LocalBus *)bus;
	CLEANUP(arena_done) Arena *a = arena_open();
	LocalQueue *q;
	LocalSub *s;

	if (!queue_join(b, c, &q))
		return err_set(err, ERR_CONFLICT, "queue '%.*s' has another consumer",
		    STR_ARG(bus_queue_name(bus, a, c->queue, c->worker)));
	s = calloc(1, sizeof(*s));
	if (s == NULL)
		abort();
	s->sub = (Sub){ bus, c->queue, c->worker, 1 };
	s->q = q;
	s->exclusive = q->held;
	s->prefetch = c->prefetch == 0 ? PREFETCH : c->prefetch;
	s->cap = RING_FIRST;
	s->out = calloc(s->cap, sizeof(*s->out));
	if (s->out == NULL)
		abort();
	s->first = s->next = 1;
	*ret = &s->sub;
	return true;
}

static Parcel **
slot(LocalSub *s, uint64_t tag)
{
	return &s->out[tag & (s->cap - 1)];
}

/* The parcel of a tag leaves the ring; NULL when it was answered before. */
static Parcel *
answered(LocalSub *s, uint64_t tag)
{
	Parcel *p;

	if (tag < s->first || tag >= s->next)
		return NULL;
	p = *slot(s, tag);
	*slot(s, tag) = NULL;
	s->unanswered -= p != NULL;
	while (s->first < s->next && *slot(s, s->first) == NULL)
		s->first++;
	return p;
}

static void
ring_grow(LocalSub *s)
{
	size_t cap = s->cap * 2;
	Parcel **out = calloc(cap, sizeof(*out));

	if (out == NULL)
		abort();
	for (uint64_t t = s->first; t < s->next; t++)
		out[t & (cap - 1)] = *slot(s, t);
	free(s->out);
	s->out = out;
	s->cap = cap;
}

static uint64_t
remember(LocalSub *s, Parcel *p)
{
	if (s->next - s->first == s->cap)
		ring_grow(s);
	*slot(s, s->next) = p;
	s->unanswered++;
	return s->next++;
}

static void
put_back(LocalSub *s, Parcel *p)
{
	if (p == NULL)
		return;
	p->redelivered = true;
	local_queue_push_front(s->q, p);
}

static void
queue_leave(LocalBus *b, LocalQueue *q)
{
	LocalSet *set = &b->sets[q->id];

	pthread_rwlock_wrlock(&b->lock);
	q->consumers--;
	q->held = false;
	if (queue_rows[q->id].exclusive && q->consumers == 0) {
		for (size_t i = 0; i < set->n; i++)
			if (set->queues[i] == q)
				set->queues[i--] = set->queues[--set->n];
		local_queue_free(q);
	}
	pthread_rwlock_unlock(&b->lock);
}

void
local_sub_close(Sub *sub)
{
	LocalSub *s = (LocalSub *)sub;

	while (s->next > s->first) {
		s->next--;
		put_back(s, *slot(s, s->next));
	}
	queue_leave((LocalBus *)sub->bus, s->q);
	free(s->out);
	free(s);
}

/* Called with the queue's lock. Waits until there is something to hand out, or a wake, or the time is up. */
static void
await(LocalSub *s, size_t room, TimeUs wait)
{
	LocalQueue *q = s->q;
	TimeUs until;

	if (wait <= 0 || s->woken || (q->head != NULL && room > 0))
		return;
	until = clock_mono(clock_real()) + wait;
	q->waiting++;
	while (!s->woken && (q->head == NULL || room == 0))
		if (!thread_wait(&q->more, &q->lock, until - clock_mono(clock_real())))
			break;
	q->waiting--;
}

/* Cuts the first parcels off, with the queue's lock. */
static Parcel *
cut(LocalQueue *q, size_t max, size_t max_items)
{
	Parcel *first = q->head;
	Parcel *last = NULL;
	size_t items = 0;
	size_t n = 0;

	for (Parcel *p = first; p != NULL && n < max && (max_items == 0 || items < max_items); p = p->next) {
		n++;
		items += topics[p->kind].internal ? p->n : 1;
		q->bytes -= p->size;
		last = p;
	}
	if (last == NULL)
		return NULL;
	q->head = last->next;
	last->next = NULL;
	if (q->head == NULL)
		q->tail = NULL;
	q->n -= n;
	return first;
}

static void
refuse(LocalSub *s, Parcel *p, const char *reason)
{
	LocalBus *b = (LocalBus *)s->sub.bus;
	CLEANUP(arena_done) Arena *a = arena_open();
	TimeUs now = clock_wall(b->bus.clock);
	DeadLetter d = {
		.id = p->message_id,
		.queue = bus_queue_name(&b->bus, a, s->sub.queue, s->sub.worker),
		.key = parcel_key(p, a),
		.reason = str_of(reason),
		.body = parcel_body(p, a, now, b->bus.process),
		.at = now,
	};

	local_dead(b, &d);
	parcel_free(p);
}

static size_t
hand_out(LocalSub *s, Arena *a, Parcel *p, Msg *msgs)
{
	size_t n = 0;

	while (p != NULL) {
		Parcel *next = p->next;
		Err err = { 0 };

		if (parcel_open(p, a, &msgs[n], &err)) {
			msgs[n++].tag = remember(s, p);
		} else {
			refuse(s, p, err.text);
		}
		p = next;
	}
	return n;
}

size_t
local_sub_take(Sub *sub, Arena *a, Msg *msgs, size_t max, size_t max_items, TimeUs wait)
{
	LocalSub *s = (LocalSub *)sub;
	size_t room = s->prefetch - s->unanswered;
	Parcel *list;

	if (max > room)
		max = room;
	pthread_mutex_lock(&s->q->lock);
	await(s, room, wait);
	s->woken = false;
	list = cut(s->q, max, max_items);
	pthread_mutex_unlock(&s->q->lock);
	return hand_out(s, a, list, msgs);
}

void
local_sub_ack(Sub *sub, const Msg *msgs, size_t n)
{
	for (size_t i = 0; i < n; i++)
		parcel_free(answered((LocalSub *)sub, msgs[i].tag));
}

void
local_sub_return(Sub *sub, const Msg *msgs, size_t n)
{
	LocalSub *s = (LocalSub *)sub;

	while (n-- > 0)
		put_back(s, answered(s, msgs[n].tag));
}

void
local_sub_dead(Sub *sub, const Msg *m, const char *reason)
{
	Parcel *p = answered((LocalSub *)sub, m->tag);

	if (p != NULL)
		refuse((LocalSub *)sub, p, reason);
}

void
local_sub_wake(Sub *sub)
{
	LocalSub *s = (LocalSub *)sub;

	pthread_mutex_lock(&s->q->lock);
	s->woken = true;
	pthread_mutex_unlock(&s->q->lock);
	pthread_cond_broadcast(&s->q->more);
}

bool
local_sub_connected(const Sub *s)
{
	(void)s;
	return true;
}
