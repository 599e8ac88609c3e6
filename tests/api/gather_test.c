/* Requests whose work is done together. */
#include "api/gather.h"

#include "test.h"

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>

enum { PARTS = 64 };

typedef struct Piece {
	Part part;
	size_t group; /* in which it was done, counted from 1 */
	size_t place; /* in the order of all */
	atomic_bool dropped;
} Piece;

/* Whoever does them, one group at a time, as soon as it may. */
typedef struct Desk {
	pthread_mutex_t lock;
	pthread_cond_t moved;
	bool closed;
	size_t groups, pieces, largest;
	_Atomic size_t told;
	Gather *early; /* it tells of its parts before it is through */
} Desk;

static void
desk_run(void *self, Part **parts, size_t n)
{
	Desk *d = self;

	pthread_mutex_lock(&d->lock);
	d->groups++;
	d->largest = n > d->largest ? n : d->largest;
	pthread_cond_broadcast(&d->moved);
	if (d->early != NULL)
		gather_tell(d->early);
	while (d->closed)
		pthread_cond_wait(&d->moved, &d->lock);
	for (size_t i = 0; i < n && d->early == NULL; i++) { /* else they are somebody's already */
		((Piece *)parts[i])->group = d->groups;
		((Piece *)parts[i])->place = d->pieces++;
	}
	pthread_mutex_unlock(&d->lock);
}

static void
desk_wait(Desk *d, size_t groups)
{
	pthread_mutex_lock(&d->lock);
	while (d->groups < groups)
		pthread_cond_wait(&d->moved, &d->lock);
	pthread_mutex_unlock(&d->lock);
}

static void
desk_let(Desk *d)
{
	pthread_mutex_lock(&d->lock);
	d->closed = false;
	pthread_cond_broadcast(&d->moved);
	pthread_mutex_unlock(&d->lock);
}

static void
on_done(void *self, const int64_t *keys, size_t n)
{
	(void)keys;
	atomic_fetch_add(&((Desk *)self)->told, n);
}

static void
piece_drop(Part *p)
{
	atomic_store(&((Piece *)p)->dropped, true);
}

static Gather *
begin(Desk *d, size_t most, TimeUs kept)
{
	GatherConfig config = { .name = "gather",
		.run = desk_run,
		.drop = piece_drop,
		.done = on_done,
		.self = d,
		.done_self = d,
		.most = most,
		.kept = kept };

	return gather_open(&config);
}

#define DESK(shut) \
	{ \
		.lock = PTHREAD_MUTEX_INITIALIZER, .moved = PTHREAD_COND_INITIALIZER, .closed = (shut) \
	}

TEST(what_comes_while_a_group_is_done_makes_up_the_next_in_its_order)
{
	Desk d = DESK(true);
	Gather *g = begin(&d, 0, 0);
	Piece p[PARTS] = { 0 };
	Err err = { 0 };

	CHECK(gather_take(g, -1) == NULL);
	for (int i = 0; i < PARTS; i++) {
		p[i].part.key = -1 - i;
		CHECK_OK(gather_give(g, &p[i].part, &err), err);
		if (i == 0)
			desk_wait(&d, 1); /* the first goes alone */
	}
	desk_let(&d);
	for (int i = PARTS - 1; i >= 0; i--) { /* waits where it is not done */
		CHECK(gather_take(g, -1 - i) == &p[i].part);
		CHECK(gather_take(g, -1 - i) == NULL);
		CHECK_INT((int64_t)p[i].place, i);
		CHECK_INT((int64_t)p[i].group, i == 0 ? 1 : 2);
	}
	gather_close(g);
	CHECK_INT((int64_t)d.largest, PARTS - 1);
	CHECK_INT((int64_t)atomic_load(&d.told), PARTS);
	CHECK(!atomic_load(&p[0].dropped));
}

TEST(parts_may_be_taken_while_their_group_still_has_something_to_do_and_are_told_of_once)
{
	Desk d = DESK(true);
	Gather *g = d.early = begin(&d, 0, 0);
	Piece p[2] = { 0 };
	Err err = { 0 };

	for (int i = 0; i < 2; i++) {
		p[i].part.key = 1 + i;
		CHECK_OK(gather_give(g, &p[i].part, &err), err);
		if (i == 0)
			CHECK(gather_take(g, 1) == &p[0].part); /* nobody has let the desk go on */
	}
	CHECK_INT((int64_t)d.groups, 1);
	desk_let(&d);
	CHECK(gather_take(g, 2) == &p[1].part);
	gather_close(g);
	CHECK_INT((int64_t)d.groups, 2);
	CHECK_INT((int64_t)atomic_load(&d.told), 2);
}

TEST(parts_that_are_too_many_are_refused_and_the_end_does_what_waits)
{
	enum { MOST = 8 };
	Desk d = DESK(true);
	Gather *g = begin(&d, MOST, 0);
	Piece p[MOST + 2] = { 0 };
	Err err = { 0 };

	for (int i = 0; i < MOST + 1; i++) {
		p[i].part.key = i;
		CHECK_OK(gather_give(g, &p[i].part, &err), err);
		if (i == 0)
			desk_wait(&d, 1);
	}
	CHECK(!gather_give(g, &p[MOST + 1].part, &err) && err.code == ERR_BUSY);
	desk_let(&d);
	gather_close(g);
	CHECK_INT((int64_t)d.pieces, MOST + 1);
	for (int i = 0; i < MOST + 1; i++)
		CHECK(atomic_load(&p[i].dropped)); /* nobody had come for it */
	CHECK(!atomic_load(&p[MOST + 1].dropped));
}

TEST(a_part_nobody_takes_is_dropped_though_no_other_comes)
{
	Desk d = DESK(false);
	Gather *g = begin(&d, 0, 1000);
	Piece p = { .part = { .key = 7 } };
	Err err = { 0 };

	CHECK_OK(gather_give(g, &p.part, &err), err);
	while (!atomic_load(&p.dropped))
		(void)sched_yield();
	CHECK(gather_take(g, 7) == NULL);
	gather_close(g);
}
