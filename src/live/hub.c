#include "live/hub.h"

#include "base/log.h"
#include "engine/consumer.h"
#include "live/order.h"

#include <pthread.h>
#include <stdlib.h>

enum { KEPT = 16384, LINGER_S = 60 };

struct Hub {
	Engine *engine;
	Consumer *consumer;
	Order *order; /* the hub's thread's */
	size_t kept;
	TimeUs linger;
	char series[UUID_TEXT + 1];

	pthread_mutex_t ears_lock;
	Ear *ears;
	size_t watching;
	bool awake;      /* notices are made */
	unsigned wanted; /* of which subjects; nothing is taken from it while awake */
	TimeUs left;     /* when the last who watched went; monotonic */

	pthread_rwlock_t lock; /* of what follows; only the hub's thread changes it */
	Notice *ring;          /* number s stands at s % kept */
	uint64_t head;         /* number of the last */
	uint64_t first;        /* of the oldest that is kept */
};

/* ---- who listens ---- */

void
hub_hear(Hub *h, Ear *ear)
{
	pthread_mutex_lock(&h->ears_lock);
	ear->next = h->ears;
	h->ears = ear;
	pthread_mutex_unlock(&h->ears_lock);
}

void
hub_deaf(Hub *h, Ear *ear)
{
	pthread_mutex_lock(&h->ears_lock);
	for (Ear **at = &h->ears; *at != NULL; at = &(*at)->next) {
		if (*at != ear)
			continue;
		*at = ear->next;
		break;
	}
	pthread_mutex_unlock(&h->ears_lock);
}

void
hub_enter(Hub *h)
{
	pthread_mutex_lock(&h->ears_lock);
	h->watching++;
	if (!h->awake)
		atomic_fetch_add(&h->engine->watchers, 1);
	h->awake = true;
	pthread_mutex_unlock(&h->ears_lock);
}

void
hub_want(Hub *h, unsigned subjects)
{
	pthread_mutex_lock(&h->ears_lock);
	h->wanted |= subjects;
	pthread_mutex_unlock(&h->ears_lock);
}

void
hub_exit(Hub *h)
{
	pthread_mutex_lock(&h->ears_lock);
	h->watching--;
	h->left = clock_mono(clock_real());
	pthread_mutex_unlock(&h->ears_lock);
}

Str
hub_series(const Hub *h)
{
	return str_of(h->series);
}

/* ---- the kept ones ---- */

uint64_t
hub_head(Hub *h)
{
	uint64_t head;

	pthread_rwlock_rdlock(&h->lock);
	head = h->head;
	pthread_rwlock_unlock(&h->lock);
	return head;
}

bool
hub_read(Hub *h, uint64_t *at, uint64_t upto, HubVisit *visit, void *self)
{
	bool whole;

	pthread_rwlock_rdlock(&h->lock);
	whole = *at + 1 >= h->first && *at <= h->head;
	if (upto > h->head)
		upto = h->head;
	while (whole && *at < upto) {
		bool more = visit(self, &h->ring[(*at + 1) % h->kept]);

		if (!more)
			break;
		++*at;
	}
	pthread_rwlock_unlock(&h->lock);
	return whole;
}

/* What is behind an old number is not known: nobody can go on from it. */
static void
forget(Hub *h)
{
	pthread_rwlock_wrlock(&h->lock);
	h->head++;
	h->first = h->head + 1;
	pthread_rwlock_unlock(&h->lock);
}

static void
keep(Hub *h, const Notice *notices, size_t n)
{
	pthread_rwlock_wrlock(&h->lock);
	for (size_t i = 0; i < n; i++) {
		Notice *place = &h->ring[notices[i].sequence % h->kept];

		notice_free(place);
		*place = notices[i];
		h->head = notices[i].sequence;
		if (h->head - h->first >= h->kept)
			h->first = h->head - h->kept + 1;
	}
	pthread_rwlock_unlock(&h->lock);
}

/* ---- the hub's thread ---- */

static void
tell(Hub *h, const Notice *notices, size_t n)
{
	pthread_mutex_lock(&h->ears_lock);
	for (Ear *e = h->ears; e != NULL; e = e->next)
		if (e->told != NULL)
			e->told(e->self, notices, n);
	pthread_mutex_unlock(&h->ears_lock);
}

static void
tell_ends(Hub *h, const Told *told)
{
	pthread_mutex_lock(&h->ears_lock);
	for (size_t i = 0; i < told->n; i++)
		for (Ear *e = told->items[i].ends ? h->ears : NULL; e != NULL; e = e->next)
			if (e->ended != NULL)
				e->ended(e->self, told->items[i].id);
	pthread_mutex_unlock(&h->ears_lock);
}

/* Is anybody there, and what is wanted? Some time after the last has gone the hub falls asleep. */
static bool
stays_awake(Hub *h, unsigned *ret_wanted)
{
	bool was, awake;

	pthread_mutex_lock(&h->ears_lock);
	was = h->awake;
	awake = was && (h->watching > 0 || clock_mono(clock_real()) - h->left < h->linger);
	if (was && !awake)
		atomic_fetch_sub(&h->engine->watchers, 1);
	h->awake = awake;
	if (!awake)
		h->wanted = 0;
	*ret_wanted = h->wanted;
	pthread_mutex_unlock(&h->ears_lock);
	if (was && !awake) {
		forget(h);
		order_forget(h->order);
	}
	return awake;
}

/* The announcements of some time are lost, with the queue they lay in or because their rows cannot be read. */
static void
on_lost(void *self)
{
	Hub *h = self;

	log_info("some changes are missed: those who watch are told to load again");
	forget(h);
	order_forget(h->order);
	tell(h, NULL, 0);
}

static void
leave_out(Told *told, unsigned wanted)
{
	size_t n = 0;

	for (size_t i = 0; i < told->n; i++)
		if ((wanted & 1u << change_rows[told->items[i].kind].subject) != 0)
			told->items[n++] = told->items[i];
	told->n = n;
}

static bool
on_announced(void *self, Uow *u, const Msg *msgs, size_t n, Err *err)
{
	Hub *h = self;
	Told told, sorted;
	unsigned wanted;
	Notice *notices;
	size_t count;

	arena_reset(u->arena);
	if (!told_read(u->arena, msgs, n, &told, err))
		return false;
	tell_ends(h, &told);
	if (!stays_awake(h, &wanted))
		return true;
	leave_out(&told, wanted);
	order_sort(h->order, u->arena, &told, clock_mono(clock_real()), &sorted);
	if (sorted.n == 0)
		return true;
	if (!notices_make(u->db, u->arena, &sorted, h->head + 1, &notices, &count, err)) {
		uow_say_stuck("changes cannot be told", err);
		on_lost(h);
		return true;
	}
	keep(h, notices, count);
	tell(h, notices, count);
	return true;
}

/* Until what is held back goes on. */
static TimeUs
may_rest(void *self)
{
	Hub *h = self;
	TimeUs due = order_due(h->order), now = clock_mono(clock_real());

	return due == 0 ? -1 : due > now ? due - now : 0;
}

bool
hub_open(const HubConfig *config, Hub **ret, Err *err)
{
	ConsumerConfig c = {
		.role = "watch",
		.sub = { .queue = config->queue },
		.max_items = 4096,
		.turn = on_announced,
		.lost = on_lost,
		.rest = may_rest,
	};
	Hub *h = calloc(1, sizeof(Hub));

	if (h == NULL)
		return err_set(err, ERR_SYS, "out of memory");
	h->engine = config->engine;
	h->kept = config->kept == 0 ? KEPT : config->kept;
	h->linger = config->linger == 0 ? (TimeUs)LINGER_S * US_PER_S : config->linger;
	h->first = 1;
	uuid_write(uuid_new(clock_wall(clock_real())), h->series);
	pthread_mutex_init(&h->ears_lock, NULL);
	pthread_rwlock_init(&h->lock, NULL);
	h->ring = calloc(h->kept, sizeof(Notice));
	h->order = order_open();
	c.self = h;
	if (h->ring == NULL || !consumer_start(config->engine, &c, &h->consumer, err)) {
		hub_close(h);
		return false;
	}
	*ret = h;
	return true;
}

void
hub_close(Hub *h)
{
	if (h == NULL)
		return;
	consumer_stop(h->consumer);
	if (h->awake)
		atomic_fetch_sub(&h->engine->watchers, 1);
	for (size_t i = 0; h->ring != NULL && i < h->kept; i++)
		notice_free(&h->ring[i]);
	free(h->ring);
	order_close(h->order);
	pthread_mutex_destroy(&h->ears_lock);
	pthread_rwlock_destroy(&h->lock);
	free(h);
}
