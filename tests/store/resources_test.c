#include "store/inquiry.h"
#include "store/migrate.h"
#include "store/pack.h"
#include "store/pack_index.h"
#include "store/pack_test.h"
#include "store/policy.h"
#include "store/retention.h"
#include "store/trigger.h"
#include "store/webhook.h"
#include "store/workflow.h"
#include "store/execution.h"
#include "test.h"
#include "world.h"

enum { NOW = 1795200000000000, LATER = NOW + 60 * US_PER_S };

static World *
world_tables(void)
{
	World *w = world_bare();
	Err err = { 0 };
	int n;

	CHECK_OK(migrate(w->store, NOW, &n, &err), err);
	return w;
}

#define IN_ONE(w, call) \
	do { \
		Err own = { 0 }; \
		CHECK_OK(db_begin((w)->db, &own), own); \
		CHECK_OK(call, own); \
		CHECK_OK(db_commit((w)->db, &own), own); \
	} while (0)

static Json
json(World *w, const char *text)
{
	Json v;
	Err err = { 0 };

	CHECK_OK(json_parse(w->a, str_of(text), NULL, &v, &err), err);
	return v;
}

static PackDef
pack_made(World *w)
{
	PackDef d = { .ref = str_of("p1"), .label = str_of("Pack"), .version = str_of("1.0.0") };
	DefPut put;

	IN_ONE(w, pack_put(w->db, w->a, &d, NOW, &put, &own));
	return d;
}

static Id
run_made(World *w, Id parent)
{
	ExecNew row = { .action_ref = str_of("p1.act"),
		.parent = parent,
		.status = EXEC_REQUESTED,
		.wait = WAIT_QUEUED,
		.wait_class = str_of("1"),
		.correlation = uuid_new(NOW),
		.by = str_of("test") };
	Id id = 0;

	IN_ONE(w, execution_insert(w->db, w->a, &row, 1, NOW, &id, &own));
	return id;
}

TEST(a_policy_comes_back_as_it_was_stored_and_goes_with_its_pack)
{
	CLEANUP(world_done) World *w = world_tables();
	PackDef p = pack_made(w);
	PolicyDef d = { .ref = str_of("p1.few"),
		.pack = p.id,
		.pack_ref = p.ref,
		.label = str_of("Few"),
		.tags = json(w, "[\"t\"]"),
		.enabled = true,
		.limit = 2,
		.key = json(w, "[\"a.b\"]"),
		.method = str_of("cancel_oldest"),
		.rate_limit = 5,
		.rate_seconds = 60,
		.rate_key = json_array(),
		.rate_method = str_of("delay") };
	PolicyDef got;
	DefPut put;
	Err err = { 0 };

	IN_ONE(w, policy_put(w->db, w->a, &d, NOW, &put, &own));
	CHECK_OK(policy_get_ref(w->db, w->a, d.ref, &got, &err), err);
	CHECK_INT(got.limit, 2);
	CHECK_INT(got.rate_seconds, 60);
	CHECK_INT(got.rate_burst, 0);
	CHECK_STR(got.method, str_of("cancel_oldest"));
	CHECK(json_eq(&got.key, &d.key) && json_eq(&got.tags, &d.tags) && got.enabled && got.action == 0);
	IN_ONE(w, policy_put(w->db, w->a, &d, LATER, &put, &own));
	CHECK(!put.changed);
	IN_ONE(w, pack_delete(w->db, w->a, p.id, LATER, &own));
	CHECK(!policy_get_ref(w->db, w->a, d.ref, &got, &err) && err.code == ERR_NOT_FOUND);
}

TEST(a_workflow_comes_back_as_it_was_stored)
{
	CLEANUP(world_done) World *w = world_tables();
	PackDef p = pack_made(w);
	WorkflowDef d = { .ref = str_of("p1.flow"),
		.pack = p.id,
		.pack_ref = p.ref,
		.label = str_of("Flow"),
		.version = str_of("1"),
		.definition = json(w, "{\"tasks\":[{\"name\":\"a\",\"action\":\"x.y\"}]}"),
		.tags = json(w, "[\"t\"]"),
		.file = str_of("workflows/flow.yaml") };
	WorkflowDef got;
	DefPut put;
	Err err = { 0 };

	IN_ONE(w, workflow_put(w->db, w->a, &d, NOW, &put, &own));
	CHECK_OK(workflow_get(w->db, w->a, put.id, &got, &err), err);
	CHECK(json_eq(&got.definition, &d.definition) && json_eq(&got.tags, &d.tags) && !got.is_adhoc);
	CHECK_STR(got.file, d.file);
	CHECK(got.param_schema.kind == JSON_NULL);
}

TEST(an_inquiry_is_answered_once_and_in_time)
{
	CLEANUP(world_done) World *w = world_tables();
	Inquiry soon = { .execution = run_made(w, 0), .prompt = str_of("?"), .timeout_at = LATER }, got;
	Inquiry open = { .execution = run_made(w, 0), .prompt = str_of("?") };
	Json answer = json(w, "{\"yes\":true}");
	bool done = false, due = true;
	Err err = { 0 };

	IN_ONE(w, inquiry_insert(w->db, w->a, &soon, NOW, &own));
	IN_ONE(w, inquiry_insert(w->db, w->a, &open, NOW, &own));
	CHECK_OK(inquiry_any_due(w->db, w->a, LATER - 1, &due, &err), err);
	CHECK(!due);
	IN_ONE(w, inquiry_respond(w->db, w->a, soon.id, &answer, LATER, &done, &own)); /* its time is over */
	CHECK(!done);
	IN_ONE(w, inquiry_time_out(w->db, w->a, soon.id, LATER, &done, &own));
	CHECK(done);
	IN_ONE(w, inquiry_time_out(w->db, w->a, soon.id, LATER, &done, &own));
	CHECK(!done);
	IN_ONE(w, inquiry_respond(w->db, w->a, open.id, &answer, LATER, &done, &own));
	CHECK(done);
	IN_ONE(w, inquiry_respond(w->db, w->a, open.id, &answer, LATER, &done, &own));
	CHECK(!done);
	CHECK_OK(inquiry_get(w->db, w->a, open.id, &got, &err), err);
	CHECK(str_is(got.status, "responded") && json_eq(&got.response, &answer) && got.responded_at == LATER);
	CHECK_OK(db_begin(w->db, &err), err);
	CHECK(!inquiry_insert(w->db, w->a, &open, NOW, &err) && err.code == ERR_CONFLICT);
	db_rollback(w->db);
}

TEST(requests_to_webhooks_are_counted_by_address_and_go_when_they_are_old)
{
	CLEANUP(world_done) World *w = world_tables();
	TriggerDef t = { .ref = str_of("p1.hook"), .label = str_of("Hook"), .webhook_key = str_of("wh_1") }, got;
	WebhookLogNew row = {
		.trigger_ref = t.ref, .key = t.webhook_key, .source_ip = str_of("10.0.0.1"), .status = 200
	};
	RetainStep step = { .before = LATER + 1, .window = 1000 };
	bool found = false;
	int64_t n = 0;
	DefPut put;
	Err err = { 0 };

	IN_ONE(w, trigger_put(w->db, w->a, &t, NOW, &put, &own));
	row.trigger = put.id;
	IN_ONE(w, webhook_log_add(w->db, w->a, &row, 1, NOW, &own));
	IN_ONE(w, webhook_log_add(w->db, w->a, &row, 1, LATER, &own));
	row.limited = true;
	IN_ONE(w, webhook_log_add(w->db, w->a, &row, 1, LATER, &own));
	row.source_ip = str_of("10.0.0.2");
	IN_ONE(w, webhook_log_add(w->db, w->a, &row, 1, LATER + 2, &own));
	CHECK_OK(webhook_recent(w->db, w->a, put.id, row.key, str_of("10.0.0.1"), NOW - 1, &n, &err), err);
	CHECK_INT(n, 2);
	CHECK_OK(webhook_recent(w->db, w->a, put.id, row.key, str_of("10.0.0.1"), NOW, &n, &err), err);
	CHECK_INT(n, 1);
	CHECK_OK(trigger_get_webhook(w->db, w->a, str_of("wh_1"), &got, &found, &err), err);
	CHECK(found && got.id == put.id);
	CHECK_OK(trigger_get_webhook(w->db, w->a, str_of("wh_2"), &got, &found, &err), err);
	CHECK(!found);
	IN_ONE(w, retain_step(w->db, w->a, RETAIN_WEBHOOK_EVENT_LOGS, &step, &own));
	CHECK_INT(step.removed, 3);
}

TEST(how_the_tests_of_a_pack_ended_is_kept_newest_first_and_goes_with_it)
{
	static const Stmt count = { .sql = "select count(*) from pack_test_execution", .in = "" };
	CLEANUP(world_done) World *w = world_tables();
	PackDef p = pack_made(w);
	Json result = json(w, "{\"status\": \"partial\", \"said\": \"a\\u0000b\"}");
	PackTestRow row = { .pack = p.id,
		.version = str_of("1.0.0"),
		.reason = PACK_TEST_INSTALL,
		.began = NOW,
		.took_ms = 12,
		.counts = { 4, 1, 1, 2 },
		.result = &result };
	Slice slice = { .size = 1 };
	SliceOut out;
	Err err = { 0 };

	IN_ONE(w, pack_test_add(w->db, w->a, &row, NOW, &own));
	row.reason = PACK_TEST_MANUAL;
	IN_ONE(w, pack_test_add(w->db, w->a, &row, LATER, &own));
	CHECK_OK(pack_test_list(w->db, w->a, p.id, &slice, &out, &err), err);
	CHECK(out.rows.n == 1 && out.more);
	CHECK_STR(json_get_text(&out.rows.items[0], "triggerReason"), str_of("manual"));
	CHECK(json_as_real(json_get(&out.rows.items[0], "passRate"), 0) == 0.5);
	CHECK_INT(json_as_int(json_get(&out.rows.items[0], "durationMs"), 0), 12);
	CHECK_STR(json_get_text(json_get(&out.rows.items[0], "result"), "status"), str_of("partial"));
	CHECK_OK(pack_test_list(w->db, w->a, p.id + 1, &slice, &out, &err), err);
	CHECK(out.rows.n == 0);
	IN_ONE(w, pack_delete(w->db, w->a, p.id, LATER, &own));
	CHECK_INT(world_number(w, &count), 0);
}

TEST(registries_are_asked_in_their_order_and_their_headers_are_found_for_a_new_key)
{
	CLEANUP(world_done) World *w = world_tables();
	PackIndexRow one = { .url = str_of("https://a/1"), .position = -1, .enabled = true };
	PackIndexRow two = { .url = str_of("https://a/2"),
		.name = str_of("two"),
		.position = -1,
		.headers = str_of("sealed"),
		.key_id = str_of("k1") };
	PackIndexRow *list;
	int64_t stale;
	size_t n;
	bool done;
	Err err = { 0 };

	IN_ONE(w, pack_index_add(w->db, w->a, &one, NOW, &own));
	IN_ONE(w, pack_index_add(w->db, w->a, &two, NOW, &own));
	CHECK(one.position == 0 && two.position == 1);
	two.position = 0;
	one.position = 5;
	IN_ONE(w, pack_index_set(w->db, w->a, &one, LATER, &own));
	IN_ONE(w, pack_index_set(w->db, w->a, &two, LATER, &own));
	CHECK_OK(pack_index_list(w->db, w->a, &list, &n, &err), err);
	CHECK(n == 2 && list[0].id == two.id && list[1].id == one.id && list[1].updated == LATER);
	CHECK(!list[0].enabled && list[1].enabled && str_none(list[1].name) && str_none(list[1].headers));
	CHECK_OK(pack_index_stale_count(w->db, w->a, str_of("k2"), &stale, &err), err);
	CHECK_INT(stale, 1);
	CHECK_OK(pack_index_stale(w->db, w->a, str_of("k2"), 0, 10, &list, &n, &err), err);
	CHECK(n == 1 && list[0].id == two.id);
	IN_ONE(w, pack_index_rewrap(w->db, w->a, &two, str_of("again"), str_of("k2"), &done, &own));
	CHECK(done);
	IN_ONE(w, pack_index_rewrap(w->db, w->a, &two, str_of("late"), str_of("k3"), &done, &own));
	CHECK(!done);
	CHECK_OK(pack_index_stale_count(w->db, w->a, str_of("k2"), &stale, &err), err);
	CHECK_INT(stale, 0);
	CHECK_OK(db_begin(w->db, &err), err);
	CHECK(!pack_index_add(w->db, w->a, &(PackIndexRow){ .url = two.url }, NOW, &err) && err.code == ERR_CONFLICT);
	db_rollback(w->db);
	err_clear(&err);
	IN_ONE(w, pack_index_delete(w->db, w->a, two.id, &own));
	CHECK(!pack_index_get(w->db, w->a, two.id, &two, &err) && err.code == ERR_NOT_FOUND);
}
