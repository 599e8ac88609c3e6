#include "rig.h"

#include "admin/follows.h"
#include "admin/topology.h"
#include "os/fs.h"
#include "test.h"

TEST(no_handler_publishes_what_it_reads_about_the_same_row)
{
	for (size_t i = 0; i < follows_count; i++)
		for (QueueId q = 0; q < QUEUES; q++)
			if (follows[i].heard >> q & 1)
				CHECK_INT(follows[i].publishes & queue_rows[q].kinds & ~follows[i].others, 0);
}

TEST(what_is_published_agrees_with_the_table_of_kinds)
{
	unsigned published[MSG_KINDS] = { 0 };

	for (size_t i = 0; i < follows_count; i++)
		for (MsgKind k = MSG_NONE + 1; k < MSG_KINDS; k++)
			if (follows[i].publishes >> k & 1)
				published[k] |= 1u << follows[i].role;
	for (MsgKind k = MSG_NONE + 1; k < MSG_KINDS; k++)
		if ((published[k] & ~topics[k].publishers) != 0)
			test_fail(
			    __FILE__, __LINE__, "%s is published by a role that its row does not name", topics[k].type);
}

TEST(every_reader_is_the_consumer_of_its_queue)
{
	for (size_t i = 0; i < follows_count; i++)
		for (QueueId q = 0; q < QUEUES; q++)
			if (follows[i].heard >> q & 1)
				CHECK_INT(follows[i].role, queue_rows[q].consumer);
	for (QueueId q = 0; q < QUEUES; q++)
		CHECK(acks[q].when != NULL && acks[q].why != NULL);
}

TEST(the_tables_stand_in_the_docs)
{
	CLEANUP(arena_done) Arena *a = arena_open();
	Said s = SAYS(a, "bus", "docs");
	Str doc;
	size_t at;
	Err err = { 0 };

	CHECK_INT(s.code, 0);
	CHECK_OK(file_read(a, ATTUNE_SOURCE_ROOT "/docs/messages.md", 1 << 20, &doc, &err), err);
	if (!str_find(doc, s.out, &at))
		test_fail(
		    __FILE__, __LINE__, "docs/messages.md has other tables: put in what `attune bus docs` prints");
}

TEST(topology_in_process_shows_everything_but_depths)
{
	CLEANUP(arena_done) Arena *a = arena_open();
	Said s = SAYS(a, "bus", "topology", "--data-dir", "/nowhere");
	Json v;

	CHECK_INT(s.code, 0);
	for (QueueId q = 0; q < QUEUES; q++)
		if (strchr(queue_rows[q].name, '%') == NULL)
			CHECK(said_has(s.out, queue_rows[q].name));
	for (MsgKind k = MSG_NONE + 1; k < MSG_KINDS; k++)
		CHECK(said_has(s.out, topics[k].type));
	CHECK(said_has(s.out, "worker.{id}.executions") && !said_has(s.out, "%lld"));
	CHECK(!said_has(s.out, "lies there now"));
	s = SAYS(a, "bus", "topology", "-j", "--data-dir", "/nowhere");
	v = said_json(a, &s);
	CHECK_INT(json_get(&v, "queues")->n, QUEUES);
	CHECK_INT(json_get(&v, "kinds")->n, MSG_KINDS - 1);
	CHECK(json_is_null(json_get(&v, "depths")));
}
