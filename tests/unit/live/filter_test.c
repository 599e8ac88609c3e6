#include "live/filter.h"

#include "test.h"

static bool
parses(const char *text, Filter *ret)
{
	Err err = { 0 };

	return filter_parse(str_of(text), ret, &err) || (CHECK_INT(err.code, ERR_INVALID), false);
}

static bool
lets_through(const char *text, ChangeKind kind, Id id, Id user)
{
	Notice n = { .kind = kind, .id = id, .user = user };
	Filter f = { 0 };

	CHECK(parses(text, &f));
	return filter_match(&f, &n);
}

TEST(a_filter_lets_through_what_it_names)
{
	CHECK(lets_through("all", CHANGE_EVENT_CREATED, 1, 0));
	CHECK(lets_through("entity_type:execution", CHANGE_EXECUTION_STATUS, 1, 0));
	CHECK(!lets_through("entity_type:execution", CHANGE_EVENT_CREATED, 1, 0));
	CHECK(lets_through("entity:execution:7", CHANGE_EXECUTION_CREATED, 7, 0));
	CHECK(!lets_through("entity:execution:7", CHANGE_EXECUTION_CREATED, 8, 0));
	CHECK(!lets_through("entity:execution:7", CHANGE_EVENT_CREATED, 7, 0));
	CHECK(lets_through("user:3", CHANGE_EXECUTION_CREATED, 7, 3));
	CHECK(!lets_through("user:3", CHANGE_EXECUTION_CREATED, 3, 0));
	CHECK(lets_through("notification_type:enforcement_status_changed", CHANGE_ENFORCEMENT_STATUS, 1, 0));
	CHECK(!lets_through("notification_type:enforcement_created", CHANGE_ENFORCEMENT_STATUS, 1, 0));
	CHECK(!lets_through("entity_type:work_queue", CHANGE_EVENT_CREATED, 1, 0));
	CHECK(!lets_through("notification_type:work_queue_item_updated", CHANGE_EVENT_CREATED, 1, 0));
}

TEST(what_is_no_filter_is_refused)
{
	static const char *const wrong[] = { "", "All", "all ", "entity", "entity:", "entity:execution",
		"entity:execution:", "entity:execution:0", "entity:execution:-1", "entity:execution:1x",
		"entity:execution:1:2", "entity:rule:1", "entity_type:", "entity_type:executions", "user:", "user:me",
		"user:99999999999999999999", "notification_type:", "notification_type:execution" };
	Filter f;

	for (size_t i = 0; i < countof(wrong); i++)
		CHECK(!parses(wrong[i], &f));
}

TEST(the_same_filter_is_known_again)
{
	Filter a, b, c;

	CHECK(parses("entity:event:12", &a) && parses("entity:event:12", &b) && parses("entity:event:13", &c));
	CHECK(filter_same(&a, &b));
	CHECK(!filter_same(&a, &c));
}

TEST(a_filter_names_the_subjects_that_it_may_let_through)
{
	static const struct {
		const char *text;
		unsigned want;
	} cases[] = {
		{ "all", (1u << SUBJECTS) - 1 },
		{ "user:1", (1u << SUBJECTS) - 1 },
		{ "entity_type:event", 1u << SUBJECT_EVENT },
		{ "entity:execution:7", 1u << SUBJECT_EXECUTION },
		{ "notification_type:inquiry_created", 1u << SUBJECT_INQUIRY },
		{ "entity_type:work_queue", 0 },
	};

	for (size_t i = 0; i < countof(cases); i++) {
		Err err = { 0 };
		Filter f;

		CHECK_OK(filter_parse(str_of(cases[i].text), &f, &err), err);
		CHECK_INT(filter_subjects(&f), cases[i].want);
	}
}
