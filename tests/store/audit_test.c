#include "store/audit.h"

#include "store/migrate.h"
#include "test.h"
#include "world.h"

enum { NOW = 1795200000000000 };

static World *
world_tables(void)
{
	World *w = world_bare();
	Err err = { 0 };
	int n;

	CHECK_OK(migrate(w->store, NOW, &n, &err), err);
	return w;
}

static void
store(World *w, const AuditRow *rows, size_t n)
{
	Err err = { 0 };

	CHECK_OK(db_begin(w->db, &err) && audit_insert(w->db, w->a, rows, n, &err) && db_commit(w->db, &err), err);
}

static Json
listed(World *w, AuditFilter f)
{
	Slice slice = { .size = 50 };
	SliceOut out;
	Err err = { 0 };

	CHECK_OK(audit_list(w->db, w->a, &f, &slice, &out, &err), err);
	return out.rows;
}

static Str
text_of(const Json *rows, size_t i, const char *key)
{
	return json_as_str(json_get(&rows->items[i], key));
}

/* A login that failed, a secret that was read, and a request that came later. */
static World *
world_with_rows(void)
{
	World *w = world_tables();
	Json details = json_object();
	AuditRow rows[] = {
		{ .category = AUDIT_AUTH,
		    .outcome = AUDIT_FAILURE,
		    .event_type = str_of("auth.login"),
		    .login = str_of("mallory"),
		    .ip = str_of("192.0.2.7"),
		    .at = NOW },
		{ .category = AUDIT_SECRET,
		    .outcome = AUDIT_SUCCESS,
		    .event_type = str_of("key.decrypt"),
		    .actor = 7,
		    .login = str_of("ann"),
		    .token_type = str_of("access"),
		    .request = str_of("0191f3a2-0000-7000-8000-000000000001"),
		    .resource_type = str_of("key"),
		    .resource = 3,
		    .resource_ref = str_of("core.token"),
		    .details = &details,
		    .at = NOW + 1 },
		{ .category = AUDIT_API,
		    .outcome = AUDIT_SUCCESS,
		    .event_type = str_of("api.request"),
		    .actor = 7,
		    .login = str_of("ann"),
		    .request = str_of("0191f3a2-0000-7000-8000-000000000001"),
		    .method = str_of("GET"),
		    .path = str_of("/api/v1/keys/core.token"),
		    .status = 200,
		    .took_ms = 0,
		    .at = NOW + 2 },
	};

	json_add(w->a, &details, "why", json_cstr("asked"));
	store(w, rows, countof(rows));
	return w;
}

TEST(an_audit_row_is_given_back_whole)
{
	CLEANUP(world_done) World *w = world_with_rows();
	Json rows = listed(w, (AuditFilter){ .category = str_of("secret") }), one;
	Err err = { 0 };

	CHECK(rows.n == 1);
	CHECK_OK(audit_show(w->db, w->a, json_get(&rows.items[0], "id")->i, &one, &err), err);
	CHECK_STR(json_as_str(json_get(&one, "event_type")), str_of("key.decrypt"));
	CHECK_STR(json_as_str(json_get(&one, "actor_token_type")), str_of("access"));
	CHECK(json_get(&one, "resource_id")->i == 3);
	CHECK_STR(json_as_str(json_get(json_get(&one, "details"), "why")), str_of("asked"));
	CHECK(json_get(&one, "http_status")->kind == JSON_NULL);
	CHECK(json_get(&one, "duration_ms")->kind == JSON_NULL);
	CHECK(json_get(&one, "correlation_chain")->kind == JSON_NULL);
	CHECK(!audit_show(w->db, w->a, 999, &one, &err));
	CHECK(err.code == ERR_NOT_FOUND);
}

TEST(the_audit_is_listed_newest_first_and_by_every_filter)
{
	CLEANUP(world_done) World *w = world_with_rows();
	const AuditFilter one_each[] = {
		{ .category = str_of("auth") },
		{ .category = str_of("api") },
		{ .outcome = str_of("failure") },
		{ .event_type = str_of("key.*") },
		{ .login = str_of("mallory") },
		{ .resource_type = str_of("key"), .resource_ref = str_of("core.token") },
		{ .resource = 3 },
		{ .method = str_of("GET") },
		{ .path = str_of("/api/v1/keys/*") },
		{ .status = 200 },
		{ .since = NOW + 2 },
		{ .until = NOW },
		{ .actor = 7, .category = str_of("secret") },
	};
	Json all = listed(w, (AuditFilter){ 0 });

	CHECK(all.n == 3);
	CHECK_STR(text_of(&all, 0, "event_type"), str_of("api.request"));
	CHECK_STR(text_of(&all, 2, "event_type"), str_of("auth.login"));
	for (size_t i = 0; i < countof(one_each); i++)
		CHECK(listed(w, one_each[i]).n == 1);
}

TEST(what_one_request_did_is_listed_oldest_first)
{
	CLEANUP(world_done) World *w = world_with_rows();
	Err err = { 0 };
	Json rows;

	CHECK_OK(audit_of_request(w->db, w->a, str_of("0191f3a2-0000-7000-8000-000000000001"), &rows, &err), err);
	CHECK(rows.n == 2);
	CHECK_STR(text_of(&rows, 0, "event_type"), str_of("key.decrypt"));
	CHECK_STR(text_of(&rows, 1, "event_type"), str_of("api.request"));
}
