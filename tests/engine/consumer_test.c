/* A batch of messages of which some cannot be handled. */
#include "engine/consumer.h"

#include "rig.h"
#include "test.h"

typedef struct Mood {
	Id away_at; /* the database goes away when it comes to this one alone */
	int batches, alone;
} Mood;

/* Odd ones cannot be handled. */
static bool
turn(void *self, Uow *u, const Msg *msgs, size_t n, Err *err)
{
	Mood *m = self;

	if (!uow_begin(u, err))
		return false;
	*(n == 1 ? &m->alone : &m->batches) += 1;
	for (size_t i = 0; i < n; i++) {
		Id id = msgs[i].items[0].id;

		if (n == 1 && id == m->away_at)
			return err_set(err, ERR_AWAY, "the database is away");
		if (id % 2 != 0)
			return err_set(err, ERR_INTERNAL, "%lld is odd", (long long)id);
	}
	return uow_commit(u, &points_create, err);
}

enum { MESSAGES = 5 };

static size_t
handled(Rig *r, Mood *m, bool *ret_away, Str *why, Err *err)
{
	static MsgItem items[MESSAGES];
	Msg msgs[MESSAGES] = { 0 };

	for (size_t i = 0; i < MESSAGES; i++) {
		items[i] = (MsgItem){ .id = (Id)i + 1 };
		msgs[i] = (Msg){ .kind = MSG_EXECUTION_REQUESTED, .items = &items[i], .n = 1 };
	}
	return consumer_handle(r->u, turn, m, r->w->a, msgs, MESSAGES, ret_away, why, err);
}

TEST(of_a_batch_each_message_that_cannot_be_handled_is_refused_with_its_own_reason)
{
	CLEANUP(rig_done) Rig *r = rig_open();
	Mood m = { 0 };
	Str why[MESSAGES];
	bool away;
	Err err = { 0 };

	CHECK(handled(r, &m, &away, why, &err) == 3);
	CHECK(!away);
	for (size_t i = 0; i < MESSAGES; i++)
		if (i % 2 == 0)
			CHECK_STR(why[i], str_fmt(r->w->a, "%zu is odd", i + 1));
		else
			CHECK(str_none(why[i]));
	CHECK_INT(m.batches, 1);
	CHECK_INT(m.alone, MESSAGES);
}

TEST(a_batch_during_which_the_database_goes_away_comes_again_as_a_whole)
{
	CLEANUP(rig_done) Rig *r = rig_open();
	Mood m = { .away_at = 2 };
	Str why[MESSAGES];
	bool away;
	Err err = { 0 };

	handled(r, &m, &away, why, &err);
	CHECK(away && err.code == ERR_AWAY);
	m.away_at = 0;
	CHECK(handled(r, &m, &away, why, &err) == 3);
	CHECK(!away);
}
