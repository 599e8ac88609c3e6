#include "bus/bus_impl.h"

#include "test.h"

static void
add(Outbox *o, MsgKind kind, Id id, Id worker)
{
	MsgItem *m = outbox_add(o, kind);

	m->id = id;
	m->worker = worker;
}

TEST(items_of_a_kind_share_messages_of_64_in_their_order)
{
	CLEANUP(arena_done) Arena *a = arena_open();
	Outbox o = outbox_open(a);
	OutGroup *g;

	for (Id i = 0; i < 130; i++) {
		add(&o, MSG_EXECUTION_COMPLETED, i, 5); /* its key names no worker */
		add(&o, MSG_EXECUTION_STATUS_CHANGED, 1000 + i, 0);
	}
	CHECK_INT((int64_t)outbox_group(a, &o, &g), 6);
	for (size_t i = 0; i < 6; i++) {
		Id base = (g[i].kind == MSG_EXECUTION_COMPLETED ? 0 : 1000) + (Id)(i / 2) * 64;

		CHECK_INT((int64_t)g[i].n, i < 4 ? 64 : 2);
		CHECK_INT(g[i].worker, 0);
		for (size_t j = 0; j < g[i].n; j++)
			CHECK_INT(g[i].items[j].id, base + (Id)j);
	}
}

TEST(each_worker_gets_its_own_messages)
{
	CLEANUP(arena_done) Arena *a = arena_open();
	Outbox o = outbox_open(a);
	OutGroup *g;

	for (Id i = 0; i < 30; i++)
		add(&o, MSG_EXECUTION_SCHEDULED, i, 1 + i % 3);
	CHECK_INT((int64_t)outbox_group(a, &o, &g), 3);
	for (size_t i = 0; i < 3; i++) {
		CHECK_INT(g[i].worker, (Id)i + 1);
		CHECK_INT((int64_t)g[i].n, 10);
		for (size_t j = 0; j < 10; j++)
			CHECK_INT(g[i].items[j].id, (Id)(i + 3 * j));
	}
}

TEST(a_foreign_facing_message_holds_one_object)
{
	CLEANUP(arena_done) Arena *a = arena_open();
	Outbox o = outbox_open(a);
	OutGroup *g;

	add(&o, MSG_RULE_CREATED, 1, 0);
	add(&o, MSG_RULE_CREATED, 2, 0);
	CHECK_INT((int64_t)outbox_group(a, &o, &g), 2);
}

TEST(an_empty_outbox_makes_no_message)
{
	CLEANUP(arena_done) Arena *a = arena_open();
	Outbox o = outbox_open(a);
	OutGroup *g;

	CHECK_INT((int64_t)outbox_group(a, &o, &g), 0);
}
