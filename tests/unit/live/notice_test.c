#include "live/notice.h"

#include "test.h"

static bool
reads(Arena *a, MsgItem *items, size_t n, Told *ret, Err *err)
{
	Msg m = { .kind = MSG_NOTIFICATION, .items = items, .n = n };

	return told_read(a, &m, 1, ret, err);
}

TEST(one_announcement_tells_of_many_rows_in_their_order)
{
	CLEANUP(arena_done) Arena *a = arena_open();
	MsgItem items[] = {
		{ .ref = str_of("execution_status_changed"),
		    .ref2 = str_of("3,1,2"),
		    .status = str_of("completed"),
		    .previous = str_of("running"),
		    .at = 5 },
		{ .ref = str_of("event_created"), .ref2 = str_of("9") },
		{ .ref = str_of("something_of_a_later_version"), .ref2 = str_of("4,5") },
	};
	Err err = { 0 };
	Told t;

	CHECK_OK(reads(a, items, 3, &t, &err), err);
	CHECK_INT((int64_t)t.n, 4);
	CHECK(t.items[0].id == 3 && t.items[1].id == 1 && t.items[2].id == 2 && t.items[3].id == 9);
	CHECK(t.items[0].ends && t.items[0].at == 5 && !t.items[3].ends);
	CHECK_INT(t.items[3].kind, CHANGE_EVENT_CREATED);
}

TEST(ids_that_are_none_are_said_so)
{
	CLEANUP(arena_done) Arena *a = arena_open();
	static const char *const wrong[] = { "x", "1,,2", "1,2,", "", "1 ", "99999999999999999999" };

	for (size_t i = 0; i < countof(wrong); i++) {
		MsgItem item = { .ref = str_of("event_created"), .ref2 = str_of(wrong[i]) };
		Err err = { 0 };
		Told t;

		CHECK(!reads(a, &item, 1, &t, &err));
		CHECK_INT(err.code, ERR_INVALID);
	}
}
