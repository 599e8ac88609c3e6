#include "engine/liveness.h"

#include "base/map.h"

#include <pthread.h>

enum {
	STALE_BEATS = 3,
	AHEAD_DEFAULT = 1,
	INCARNATION_MAX = 64,
	GAP_LEAST_US = 12 * US_PER_S, /* who looks every 5 s and was kept busy once has not missed anything yet */
};

typedef struct Beat {
	TimeUs at;
	int64_t ahead;
	char incarnation[INCARNATION_MAX];
} Beat;

struct Liveness {
	pthread_mutex_t lock;
	Arena *arena;
	Map beats;                    /* worker id → Beat */
	TimeUs watched, silent_until; /* of liveness_watch; until then silence says nothing */
	Str boot_id;
	TimeUs heartbeat;
};

Liveness *
liveness_open(Str boot_id, TimeUs heartbeat)
{
	Arena *a = arena_open();
	Liveness *l = arena_new(a, Liveness);

	pthread_mutex_init(&l->lock, NULL);
	l->arena = a;
	l->beats = map_open(a);
	l->boot_id = str_none(boot_id) ? boot_id : str_copy(a, boot_id);
	l->heartbeat = heartbeat;
	return l;
}

void
liveness_close(Liveness *l)
{
	if (l == NULL)
		return;
	pthread_mutex_destroy(&l->lock);
	arena_close(l->arena);
}

static bool
same_run(const Beat *b, Str incarnation)
{
	return str_is(incarnation, b->incarnation);
}

static Beat *
beat_of(Liveness *l, Id worker)
{
	Beat *b = map_get(&l->beats, worker);

	if (b != NULL)
		return b;
	b = arena_new(l->arena, Beat);
	map_put(&l->beats, worker, b);
	return b;
}

static void
beat_set(Beat *b, Str incarnation, int64_t ahead, TimeUs at)
{
	b->at = at;
	b->ahead = ahead;
	if (!same_run(b, incarnation) && incarnation.n < INCARNATION_MAX) {
		memcpy(b->incarnation, incarnation.p, incarnation.n);
		b->incarnation[incarnation.n] = '\0';
	}
}

void
liveness_beat(Liveness *l, Id worker, Str incarnation, int64_t ahead, TimeUs now)
{
	pthread_mutex_lock(&l->lock);
	beat_set(beat_of(l, worker), incarnation, ahead, now);
	pthread_mutex_unlock(&l->lock);
}

void
liveness_read(Liveness *l, Id worker, Str incarnation, TimeUs at)
{
	Beat *b;

	pthread_mutex_lock(&l->lock);
	b = beat_of(l, worker);
	if (!same_run(b, incarnation))
		beat_set(b, incarnation, AHEAD_DEFAULT, at);
	else if (at > b->at)
		b->at = at;
	pthread_mutex_unlock(&l->lock);
}

void
liveness_watch(Liveness *l, TimeUs now)
{
	TimeUs stale = STALE_BEATS * l->heartbeat;
	TimeUs gap = stale / 2 < GAP_LEAST_US ? GAP_LEAST_US : stale / 2;

	pthread_mutex_lock(&l->lock);
	if (now < l->watched - US_PER_S || now > l->watched + gap)
		l->silent_until = now + stale;
	l->watched = now;
	pthread_mutex_unlock(&l->lock);
}

/* A sign of a time to come was given before the clock was set back: it says nothing. */
static bool
fresh(const Liveness *l, TimeUs at, TimeUs now)
{
	TimeUs stale = STALE_BEATS * l->heartbeat;

	return at >= now - stale && at <= now + stale;
}

/* Heard on the bus, or written in the row, or nobody could have heard it. */
static bool
heard(Liveness *l, const WorkerDef *w, TimeUs now)
{
	const Beat *b;
	bool ok;

	pthread_mutex_lock(&l->lock);
	b = map_get(&l->beats, w->id);
	ok = fresh(l, w->last_heartbeat, now) || (b != NULL && same_run(b, w->incarnation) && fresh(l, b->at, now)) ||
	     (now < l->silent_until && now >= l->watched - US_PER_S);
	pthread_mutex_unlock(&l->lock);
	return ok;
}

bool
liveness_alive(Liveness *l, const WorkerDef *w, TimeUs now)
{
	if (!str_is(w->status, "active") && !str_is(w->status, "busy"))
		return false;
	if (!str_none(l->boot_id))
		return str_eq(w->boot_id, l->boot_id);
	return heard(l, w, now);
}

int64_t
liveness_ahead(Liveness *l, const WorkerDef *w)
{
	int64_t ahead = AHEAD_DEFAULT;
	const Beat *b;

	pthread_mutex_lock(&l->lock);
	b = map_get(&l->beats, w->id);
	if (b != NULL && same_run(b, w->incarnation))
		ahead = b->ahead;
	pthread_mutex_unlock(&l->lock);
	return ahead;
}
