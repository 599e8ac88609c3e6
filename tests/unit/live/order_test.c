#include "live/order.h"

#include "test.h"

static ToldItem
created(Id id)
{
	return (ToldItem){ .kind = CHANGE_EXECUTION_CREATED, .id = id, .status = str_of("requested") };
}

static ToldItem
moved(Id id, const char *from, const char *to)
{
	return (ToldItem){ .kind = CHANGE_EXECUTION_STATUS, .id = id, .status = str_of(to), .previous = str_of(from) };
}

/* What may be told, as "7:running 7:completed". */
static Str
sorted(Order *o, Arena *a, const ToldItem *items, size_t n, TimeUs now)
{
	Told told = { (ToldItem *)(uintptr_t)items, n }, out;
	Buf b = buf_open(a);

	order_sort(o, a, &told, now, &out);
	for (size_t i = 0; i < out.n; i++)
		buf_fmt(&b, "%s%lld:%.*s", i > 0 ? " " : "", (long long)out.items[i].id, STR_ARG(out.items[i].status));
	return buf_str(&b);
}

TEST(a_change_that_came_too_soon_waits_for_the_one_before)
{
	CLEANUP(arena_done) Arena *a = arena_open();
	Order *o = order_open();
	ToldItem first[] = { created(8), moved(7, "requested", "scheduled"), moved(7, "scheduled", "running") };
	ToldItem then[] = { moved(8, "requested", "scheduled"), created(7) };

	CHECK_STR(sorted(o, a, first, 3, 1000), str_of("8:requested"));
	CHECK_INT(order_due(o), 1000 + 50000);
	CHECK_STR(sorted(o, a, then, 2, 2000), str_of("8:scheduled 7:requested 7:scheduled 7:running"));
	CHECK_INT(order_due(o), 0);
	order_close(o);
}

TEST(what_has_waited_long_enough_is_told_all_the_same)
{
	CLEANUP(arena_done) Arena *a = arena_open();
	Order *o = order_open();
	ToldItem items[] = { moved(7, "scheduled", "running"), moved(7, "running", "completed") };

	CHECK_STR(sorted(o, a, items, 2, 1000), str_of(""));
	CHECK_STR(sorted(o, a, NULL, 0, 40000), str_of(""));
	CHECK_STR(sorted(o, a, NULL, 0, 51000), str_of("7:running 7:completed"));
	order_close(o);
}

TEST(a_run_that_was_given_back_goes_the_same_way_twice)
{
	CLEANUP(arena_done) Arena *a = arena_open();
	Order *o = order_open();
	ToldItem items[] = { created(7), moved(7, "requested", "scheduled"), moved(7, "requested", "scheduled"),
		moved(7, "scheduled", "requested") };

	CHECK_STR(sorted(o, a, items, 4, 1000), str_of("7:requested 7:scheduled 7:requested 7:scheduled"));
	order_close(o);
}

TEST(rows_of_other_kinds_with_the_same_id_do_not_mix)
{
	CLEANUP(arena_done) Arena *a = arena_open();
	Order *o = order_open();
	ToldItem items[] = {
		{ .kind = CHANGE_ENFORCEMENT_CREATED, .id = 7, .status = str_of("created") },
		created(7),
		{ .kind = CHANGE_EVENT_CREATED, .id = 7 },
		{ .kind = CHANGE_ENFORCEMENT_STATUS,
		    .id = 7,
		    .status = str_of("processed"),
		    .previous = str_of("created") },
		moved(7, "requested", "scheduled"),
	};

	CHECK_STR(sorted(o, a, items, 5, 1000), str_of("7:created 7:requested 7: 7:processed 7:scheduled"));
	order_close(o);
}

TEST(after_forgetting_nothing_is_held_and_nothing_known)
{
	CLEANUP(arena_done) Arena *a = arena_open();
	Order *o = order_open();
	ToldItem items[] = { created(7), moved(8, "scheduled", "running") },
		 next[] = { moved(7, "requested", "scheduled") };

	CHECK_STR(sorted(o, a, items, 2, 1000), str_of("7:requested"));
	order_forget(o);
	CHECK_INT(order_due(o), 0);
	CHECK_STR(sorted(o, a, next, 1, 2000), str_of(""));
	order_close(o);
}
