#include "api/audit_log.h"

#include "store/migrate.h"
#include "test.h"
#include "world.h"

#include <pthread.h>
#include <stdio.h>

enum { NOW = 1795200000000000 };

static TimeUs
now(void *self)
{
	(void)self;
	return NOW;
}

static const Clock still = { now, now, NULL };

typedef struct Audited {
	World *w;
	AuditLog *log;
} Audited;

static Audited
audited(size_t room, TimeUs linger)
{
	Audited t = { .w = world_bare() };
	AuditLogConfig config = { .clock = &still, .room = room, .linger = linger };
	Err err = { 0 };
	int n;

	CHECK_OK(migrate(t.w->store, NOW, &n, &err), err);
	config.store = t.w->store;
	CHECK_OK(audit_log_open(&config, &t.log, &err), err);
	return t;
}

static void
read_of(AuditLog *log, const char *path)
{
	char text[64];
	AuditRow row = { .event_type = str_of("api.request"),
		.method = str_of("GET"),
		.ip = str_of("127.0.0.1"),
		.status = 200,
		.at = NOW };

	snprintf(text, sizeof(text), "%s", path);
	row.path = str_of(text);
	audit_log_add(log, &row);
	memset(text, 'x', sizeof(text) - 1); /* what was added is a copy */
}

static Json
stored(Audited *t)
{
	Slice slice = { .size = 500 };
	AuditFilter any = { 0 };
	SliceOut out;
	Err err = { 0 };

	audit_log_close(t->log);
	CHECK_OK(audit_list(t->w->db, t->w->a, &any, &slice, &out, &err), err);
	return out.rows;
}

TEST(what_is_queued_is_stored_before_the_end)
{
	Audited t = audited(0, 0);
	Json rows;

	read_of(t.log, "/a");
	read_of(t.log, "/a");
	rows = stored(&t);
	CHECK_INT(rows.n, 2);
	CHECK_STR(json_as_str(json_get(&rows.items[0], "http_path")), str_of("/a"));
	world_done(&t.w);
}

TEST(equal_reads_under_load_are_one_row_that_counts_them)
{
	Audited t = audited(0, 10 * US_PER_S);
	Json rows, one;
	Err err = { 0 };

	for (int i = 0; i < 100; i++)
		read_of(t.log, "/many");
	read_of(t.log, "/one");
	rows = stored(&t);
	CHECK_INT(rows.n, 2);
	CHECK_OK(audit_show(t.w->db, t.w->a, json_get(&rows.items[1], "id")->i, &one, &err), err);
	CHECK_INT(json_get(json_get(&one, "details"), "count")->i, 100);
	world_done(&t.w);
}

TEST(requests_that_do_not_fit_are_counted_and_said)
{
	Audited t = audited(4, 10 * US_PER_S);
	Json rows, one;
	Err err = { 0 };

	for (int i = 0; i < 10; i++)
		read_of(t.log, i % 2 == 0 ? "/even" : "/odd");
	rows = stored(&t);
	CHECK(rows.n >= 4);
	CHECK_STR(json_as_str(json_get(&rows.items[0], "event_type")), str_of("api.requests_lost"));
	CHECK_OK(audit_show(t.w->db, t.w->a, json_get(&rows.items[0], "id")->i, &one, &err), err);
	CHECK(json_get(json_get(&one, "details"), "count")->i >= 6);
	world_done(&t.w);
}

TEST(a_request_that_the_database_refuses_takes_no_other_with_it)
{
	Audited t = audited(0, 10 * US_PER_S);
	AuditRow refused = {
		.method = str_of("POST"), .path = str_of("/bad"), .status = 201, .at = NOW
	}; /* of no type */
	Json rows;

	read_of(t.log, "/before");
	audit_log_add(t.log, &refused);
	read_of(t.log, "/behind");
	rows = stored(&t);
	CHECK_INT(rows.n, 2);
	CHECK_STR(json_as_str(json_get(&rows.items[0], "http_path")), str_of("/behind"));
	CHECK_STR(json_as_str(json_get(&rows.items[1], "http_path")), str_of("/before"));
	world_done(&t.w);
}

enum { ADDED = 100 };

static void *
adder_main(void *log)
{
	AuditRow row = { .event_type = str_of("api.request"),
		.method = str_of("POST"),
		.path = str_of("/x"),
		.status = 201,
		.at = NOW };

	for (int i = 0; i < ADDED; i++)
		audit_log_add(log, &row);
	return NULL;
}

TEST(of_many_who_add_at_once_each_request_is_stored_or_counted)
{
	Audited t = audited(8, 1);
	pthread_t threads[4];
	int64_t all = 0;
	Json rows, one = { 0 };
	Err err = { 0 };

	for (size_t i = 0; i < countof(threads); i++)
		CHECK_INT(pthread_create(&threads[i], NULL, adder_main, t.log), 0);
	for (size_t i = 0; i < countof(threads); i++)
		CHECK_INT(pthread_join(threads[i], NULL), 0);
	rows = stored(&t);
	for (size_t i = 0; i < rows.n; i++) {
		bool lost = str_is(json_as_str(json_get(&rows.items[i], "event_type")), "api.requests_lost");

		if (lost)
			CHECK_OK(audit_show(t.w->db, t.w->a, json_get(&rows.items[i], "id")->i, &one, &err), err);
		all += lost ? json_get(json_get(&one, "details"), "count")->i : 1;
	}
	CHECK_INT(all, (int64_t)countof(threads) * ADDED);
	world_done(&t.w);
}

TEST(a_table_that_is_gone_does_not_hold_up_the_end)
{
	static const Stmt drop = { .sql = "drop table audit_event" };
	Audited t = audited(0, 10 * US_PER_S);

	read_of(t.log, "/a");
	world_do(t.w, &drop, NULL);
	audit_log_close(t.log);
	world_done(&t.w);
}
