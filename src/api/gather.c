#include "api/gather.h"

#include "os/thread.h"

#include <pthread.h>
#include <stdlib.h>

enum { BUCKETS = 256, MOST = 4096, KEPT_S = 60 };

struct Gather {
	GatherConfig config;
	Thread thread;
	pthread_mutex_t lock;   /* of what follows */
	pthread_cond_t came;    /* for the thread */
	pthread_cond_t ended;   /* a group, for those who look too early */
	Part *buckets[BUCKETS]; /* all of them, by key, until they are taken */
	Part *first, **end;     /* those that wait */
	size_t waiting, kept;
	TimeUs swept;
	bool quit;

	/* the thread's own: the group that it does */
	Part *group[GATHER_GROUP_MOST];
	int64_t keys[GATHER_GROUP_MOST];
	size_t n;
	bool told;
};

static Part **
bucket_of(Gather *g, int64_t key)
{
	return &g->buckets[((uint64_t)key * 0x9e3779b97f4a7c15ULL) >> 56];
}

/* Those that nobody has come for in a long time: their requests were broken off. Caller holds the lock. */
static void
sweep(Gather *g, TimeUs before)
{
	for (size_t i = 0; i < BUCKETS && g->kept > 0; i++) {
		for (Part **at = &g->buckets[i]; *at != NULL;) {
			Part *p = *at;

			if (!p->done || p->since > before) {
				at = &p->next;
				continue;
			}
			*at = p->next;
			g->kept--;
			g->config.drop(p);
		}
	}
}

/* Until something came. Caller holds the lock. */
static void
wait_for_parts(Gather *g)
{
	while (g->first == NULL && !g->quit) {
		TimeUs now = clock_mono(clock_real()), until = g->swept + g->config.kept;

		if (g->kept == 0) {
			pthread_cond_wait(&g->came, &g->lock);
		} else if (until > now) {
			(void)thread_wait(&g->came, &g->lock, until - now);
		} else {
			sweep(g, now - g->config.kept);
			g->swept = now;
		}
	}
}

/* Caller holds the lock. */
static void
group_take(Gather *g)
{
	g->n = 0;
	g->told = false;
	for (; g->first != NULL && g->n < GATHER_GROUP_MOST; g->first = g->first->waits)
		g->group[g->n++] = g->first;
	if (g->first == NULL)
		g->end = &g->first;
	g->waiting -= g->n;
}

/* From the moment that the lock is free the parts may be taken: what is needed of them afterwards is copied. Caller holds the lock. */
static void
group_done(Gather *g)
{
	TimeUs now = clock_mono(clock_real());

	for (size_t i = 0; i < g->n; i++) {
		g->keys[i] = g->group[i]->key;
		g->group[i]->done = true;
		g->group[i]->since = now;
	}
	g->kept += g->n;
	pthread_cond_broadcast(&g->ended);
}

void
gather_tell(Gather *g)
{
	if (g->told)
		return;
	g->told = true;
	pthread_mutex_lock(&g->lock);
	group_done(g);
	pthread_mutex_unlock(&g->lock);
	g->config.done(g->config.done_self, g->keys, g->n);
}

static void
gather_main(void *self)
{
	Gather *g = self;

	pthread_mutex_lock(&g->lock);
	for (;;) {
		wait_for_parts(g);
		group_take(g);
		if (g->n == 0)
			break;
		pthread_mutex_unlock(&g->lock);
		g->config.run(g->config.self, g->group, g->n);
		gather_tell(g);
		pthread_mutex_lock(&g->lock);
	}
	pthread_mutex_unlock(&g->lock);
}

Gather *
gather_open(const GatherConfig *config)
{
	Gather *g = calloc(1, sizeof(Gather));

	if (g == NULL)
		abort();
	g->config = *config;
	if (g->config.most == 0)
		g->config.most = MOST;
	if (g->config.kept == 0)
		g->config.kept = KEPT_S * (TimeUs)US_PER_S;
	g->end = &g->first;
	pthread_mutex_init(&g->lock, NULL);
	pthread_cond_init(&g->came, NULL);
	pthread_cond_init(&g->ended, NULL);
	return g;
}

void
gather_close(Gather *g)
{
	if (g == NULL)
		return;
	pthread_mutex_lock(&g->lock);
	g->quit = true;
	pthread_cond_signal(&g->came);
	pthread_mutex_unlock(&g->lock);
	thread_join(&g->thread);
	sweep(g, INT64_MAX);
	pthread_cond_destroy(&g->ended);
	pthread_cond_destroy(&g->came);
	pthread_mutex_destroy(&g->lock);
	free(g);
}

/* Caller holds the lock. */
static bool
give(Gather *g, Part *part, Err *err)
{
	Part **bucket = bucket_of(g, part->key);

	if (g->quit)
		return err_set(err, ERR_BUSY, "The server is about to stop: try again when it has started anew");
	if (g->waiting >= g->config.most)
		return err_set(
		    err, ERR_BUSY, "%zu requests wait for the database already: try again later", g->waiting);
	if (!g->thread.started && !thread_start(&g->thread, g->config.name, gather_main, g, err))
		return false;
	part->done = false;
	part->next = *bucket;
	*bucket = part;
	part->waits = NULL;
	*g->end = part;
	g->end = &part->waits;
	if (++g->waiting == 1)
		pthread_cond_signal(&g->came);
	return true;
}

bool
gather_give(Gather *g, Part *part, Err *err)
{
	bool ok;

	pthread_mutex_lock(&g->lock);
	ok = give(g, part, err);
	pthread_mutex_unlock(&g->lock);
	return ok;
}

static Part **
find(Gather *g, int64_t key)
{
	Part **at = bucket_of(g, key);

	while (*at != NULL && (*at)->key != key)
		at = &(*at)->next;
	return at;
}

Part *
gather_take(Gather *g, int64_t key)
{
	Part **at, *found;

	pthread_mutex_lock(&g->lock);
	for (at = find(g, key); *at != NULL && !(*at)->done; at = find(g, key))
		pthread_cond_wait(&g->ended, &g->lock);
	found = *at;
	if (found != NULL) {
		*at = found->next;
		g->kept--;
	}
	pthread_mutex_unlock(&g->lock);
	return found;
}
