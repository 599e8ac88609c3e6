/* One hub and many threads: who publishes, who reads on, who comes and goes, who is slow. Also built to be watched for races. */
#include "rig.h"

#include "engine/changes.h"

#include "test.h"

/* One that watches. */
typedef struct Watcher {
	Hub *hub;
	pthread_t thread;
	Ear ear;
	pthread_mutex_t lock; /* of what follows */
	pthread_cond_t came;
	uint64_t told;
	bool deaf;          /* must not be called any more */
	bool late;          /* and was */
	uint64_t sequences; /* of what it was told, mixed */

	uint64_t at;
	size_t want, seen, missed; /* notices; how often some were not kept */
	int64_t sum;               /* of the ids it has seen */
	uint64_t hash;             /* of their texts */
	bool wrong;
} Watcher;

static void
on_told(void *self, const Notice *notices, size_t n)
{
	Watcher *w = self;

	pthread_mutex_lock(&w->lock);
	w->told++;
	w->late |= w->deaf;
	for (size_t i = 0; i < n; i++)
		w->sequences ^= notices[i].sequence;
	pthread_cond_signal(&w->came);
	pthread_mutex_unlock(&w->lock);
}

static void
watcher_enter_for(Watcher *w, Hub *hub, unsigned subjects)
{
	*w = (Watcher){ .hub = hub, .lock = PTHREAD_MUTEX_INITIALIZER, .came = PTHREAD_COND_INITIALIZER };
	w->ear = (Ear){ .told = on_told, .self = w };
	hub_enter(hub);
	hub_want(hub, subjects);
	hub_hear(hub, &w->ear);
	w->at = hub_head(hub);
}

static void
watcher_enter(Watcher *w, Hub *hub)
{
	watcher_enter_for(w, hub, 1u << SUBJECT_EXECUTION);
}

static void
watcher_exit(Watcher *w)
{
	hub_deaf(w->hub, &w->ear);
	pthread_mutex_lock(&w->lock);
	w->deaf = true;
	pthread_mutex_unlock(&w->lock);
	hub_exit(w->hub);
}

/* Looks at all that a notice owns. */
static bool
on_notice(void *self, const Notice *n)
{
	Watcher *w = self;

	w->wrong |= n->sequence <= w->at || n->kind != CHANGE_EXECUTION_CREATED || !str_starts(n->text, str_of("{")) ||
		    n->text.p[n->text.n - 1] != '}';
	w->hash ^= str_hash(n->text) ^ str_hash(n->target.pack_ref);
	w->sum += n->id;
	w->seen++;
	return true;
}

static void
watcher_read(Watcher *w)
{
	if (hub_read(w->hub, &w->at, UINT64_MAX, on_notice, w))
		return;
	w->missed++;
	w->at = hub_head(w->hub);
}

static uint64_t
watcher_told(Watcher *w)
{
	uint64_t told;

	pthread_mutex_lock(&w->lock);
	told = w->told;
	pthread_mutex_unlock(&w->lock);
	return told;
}

static void
watcher_wait(Watcher *w, uint64_t told)
{
	pthread_mutex_lock(&w->lock);
	while (w->told == told)
		pthread_cond_wait(&w->came, &w->lock);
	pthread_mutex_unlock(&w->lock);
}

static void
watcher_follow(Watcher *w, size_t want)
{
	for (;;) {
		uint64_t told = watcher_told(w);

		watcher_read(w);
		if (w->seen >= want)
			return;
		watcher_wait(w, told);
	}
}

static void *
follower_main(void *self)
{
	Watcher *w = self;

	watcher_follow(w, w->want);
	watcher_exit(w);
	return NULL;
}

/* Comes and goes until it is told to stop; a new ear each time, of memory that is used again. */
typedef struct Visitor {
	Hub *hub;
	pthread_t thread;
	atomic_bool stop;
	bool wrong;
} Visitor;

static void *
visitor_main(void *self)
{
	Visitor *v = self;

	do {
		Watcher w;

		watcher_enter(&w, v->hub);
		watcher_read(&w);
		(void)hub_series(v->hub);
		watcher_exit(&w);
		v->wrong |= w.wrong || w.late;
	} while (!atomic_load(&v->stop));
	return NULL;
}

static void
visitors_start(Visitor *v, size_t n, Hub *hub)
{
	for (size_t i = 0; i < n; i++) {
		v[i].hub = hub;
		CHECK_INT(pthread_create(&v[i].thread, NULL, visitor_main, &v[i]), 0);
	}
}

static void
visitors_join(Visitor *v, size_t n)
{
	for (size_t i = 0; i < n; i++)
		atomic_store(&v[i].stop, true);
	for (size_t i = 0; i < n; i++) {
		CHECK_INT(pthread_join(v[i].thread, NULL), 0);
		CHECK(!v[i].wrong);
	}
}

TEST(each_who_watches_reads_every_change_once_while_others_come_and_go)
{
	enum { TURNS = 40 };
	CLEANUP(rig_done) Rig *r = rig_open(0, 0);
	Publisher publishers[2] = { 0 };
	Watcher followers[3];
	Visitor visitors[2] = { 0 };
	size_t all = countof(publishers) * TURNS * PUBLISHED;
	int64_t sum = 0;

	for (size_t i = 0; i < countof(followers); i++) {
		watcher_enter(&followers[i], r->hub);
		followers[i].want = all;
		CHECK_INT(pthread_create(&followers[i].thread, NULL, follower_main, &followers[i]), 0);
	}
	visitors_start(visitors, countof(visitors), r->hub);
	for (size_t i = 0; i < countof(publishers); i++)
		publisher_start(&publishers[i], r, TURNS);
	for (size_t i = 0; i < countof(publishers); i++) {
		publisher_join(&publishers[i]);
		sum += publishers[i].sum;
	}
	for (size_t i = 0; i < countof(followers); i++) {
		CHECK_INT(pthread_join(followers[i].thread, NULL), 0);
		CHECK(!followers[i].wrong && !followers[i].late);
		CHECK_INT((int64_t)followers[i].seen, (int64_t)all);
		CHECK_INT((int64_t)followers[i].missed, 0);
		CHECK_INT(followers[i].sum, sum);
	}
	visitors_join(visitors, countof(visitors));
	CHECK_INT((int64_t)hub_head(r->hub), (int64_t)all);
}

TEST(a_slow_one_learns_that_it_missed_some_and_holds_up_nobody)
{
	enum { KEPT = 16, TURNS = 40 };
	CLEANUP(rig_done) Rig *r = rig_open(KEPT, 0);
	Publisher publishers[2] = { 0 };
	Watcher slow, quick;
	uint64_t all = countof(publishers) * TURNS * PUBLISHED;

	watcher_enter(&slow, r->hub);
	watcher_enter(&quick, r->hub);
	for (size_t i = 0; i < countof(publishers); i++)
		publisher_start(&publishers[i], r, TURNS);
	while (quick.at < all) { /* reads from places that are filled anew meanwhile */
		uint64_t told = watcher_told(&quick);

		watcher_read(&quick);
		if (quick.at < all)
			watcher_wait(&quick, told);
	}
	for (size_t i = 0; i < countof(publishers); i++)
		publisher_join(&publishers[i]);
	CHECK(!quick.wrong && quick.seen > 0);
	watcher_read(&slow);
	CHECK(slow.missed == 1 && slow.seen == 0 && slow.at == all);
	slow.at = all - KEPT;
	watcher_read(&slow);
	CHECK(slow.missed == 1 && slow.seen == KEPT && !slow.wrong);
	watcher_exit(&slow);
	watcher_exit(&quick);
}

/* A change of a row that is not there, after all that was published before: it is told of, without a notice. */
static void
announce_event(Rig *r)
{
	Err err = { 0 };
	Uow *u;

	CHECK_OK(uow_open(&r->engine, &u, &err), err);
	CHECK_OK(uow_begin(u, &err), err);
	change_add(u, CHANGE_EVENT_CREATED, 1, NULL, NULL);
	CHECK_OK(uow_commit(u, &points_create, &err), err);
	uow_close(u);
}

TEST(of_what_nobody_wants_no_notice_is_made_until_somebody_does)
{
	CLEANUP(rig_done) Rig *r = rig_open(0, 0);
	Publisher p = { 0 };
	Watcher w, other;
	uint64_t told;

	watcher_enter_for(&w, r->hub, 1u << SUBJECT_EVENT);
	told = watcher_told(&w);
	publisher_start(&p, r, 5);
	publisher_join(&p);
	announce_event(r);
	watcher_wait(&w, told);
	CHECK_INT((int64_t)hub_head(r->hub), 0);
	watcher_enter_for(&other, r->hub, 1u << SUBJECT_EXECUTION);
	publisher_start(&p, r, 1);
	publisher_join(&p);
	watcher_follow(&other, PUBLISHED);
	CHECK(!other.wrong && other.missed == 0);
	CHECK_INT((int64_t)hub_head(r->hub), PUBLISHED);
	watcher_exit(&other);
	publisher_start(&p, r, 1); /* they go on being made for who comes back */
	publisher_join(&p);
	watcher_follow(&w, 2 * PUBLISHED);
	CHECK(!w.wrong && w.missed == 0);
	watcher_exit(&w);
}

TEST(a_hub_that_fell_asleep_wakes_for_the_next_who_comes)
{
	CLEANUP(rig_done) Rig *r = rig_open(0, 1);
	Publisher busy[2] = { 0 };
	Visitor visitors[2] = { 0 };
	Watcher w;

	visitors_start(visitors, countof(visitors), r->hub);
	for (size_t i = 0; i < countof(busy); i++)
		publisher_start(&busy[i], r, 40);
	for (size_t i = 0; i < countof(busy); i++)
		publisher_join(&busy[i]);
	visitors_join(visitors, countof(visitors));
	watcher_enter(&w, r->hub);
	while (w.seen == 0) { /* more than once only if it fell asleep just now: it says so, and the next is heard */
		Publisher one = { 0 };
		uint64_t told = watcher_told(&w);

		publisher_start(&one, r, 1);
		publisher_join(&one);
		watcher_wait(&w, told);
		watcher_read(&w);
	}
	CHECK(!w.wrong);
	watcher_exit(&w);
}

TEST(a_hub_that_closes_under_load_leaves_nobody_waiting)
{
	CLEANUP(rig_done) Rig *r = rig_open(0, 0);
	Publisher busy[2] = { 0 };
	Visitor visitors[2] = { 0 };
	Watcher w;

	watcher_enter(&w, r->hub);
	visitors_start(visitors, countof(visitors), r->hub);
	for (size_t i = 0; i < countof(busy); i++)
		publisher_start(&busy[i], r, 0);
	watcher_follow(&w, 40);
	visitors_join(visitors, countof(visitors));
	watcher_exit(&w);
	hub_close(r->hub);
	r->hub = NULL;
	CHECK(!w.wrong && !w.late);
	CHECK_INT(atomic_load(&r->engine.watchers), 0); /* changes are not collected for nobody */
	for (size_t i = 0; i < countof(busy); i++) {
		atomic_store(&busy[i].stop, true);
		publisher_join(&busy[i]);
	}
}
