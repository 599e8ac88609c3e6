/* What the system that this one takes over from did wrong, and no other test would notice: docs/proofs.md has the whole list. */
#include "flow.h"
#include "rig.h"

#include "engine/keys.h"
#include "model/policy.h"
#include "store/action.h"
#include "store/policy.h"

#include "test.h"

TEST(a_run_is_given_the_defaults_of_its_action_whoever_asks_for_it)
{
	CLEANUP(rig_done) Rig *r = rig_open();
	RunClaim c = { .attempt = 1 };
	Json count = json_object(), schema = json_object();
	ActionDef d;
	DefPut put;
	Err err = { 0 };

	rig_worker(r, "i1", 2, "shell");
	CHECK_OK(uow_begin(r->u, &err), err);
	CHECK_OK(action_get(r->u->db, r->u->arena, r->action, &d, &err), err);
	json_add(r->u->arena, &count, "type", json_cstr("integer"));
	json_add(r->u->arena, &count, "default", json_int(7));
	json_add(r->u->arena, &schema, "count", count);
	d.param_schema = schema;
	CHECK_OK(action_put(r->u->db, r->u->arena, &d, r->now, &put, &err), err);
	CHECK_OK(uow_commit(r->u, &points_create, &err), err);
	c.execution = rig_create(r);
	rig_schedule(r);
	CHECK_OK(uow_begin(r->u, &err), err);
	CHECK_OK(runs_claim(r->u, r->worker, str_of("i1"), str_of("w1"), &c, 1, &err), err);
	CHECK(c.claimed);
	CHECK_INT(json_as_int(json_get(&c.params, "count"), 0), 7);
	CHECK_OK(uow_commit(r->u, &points_worker, &err), err);
}

/* The worker's process is killed and starts again. */
static void
worker_dies(Flow *r)
{
	WorkerDef w = { .name = str_of("w1"),
		.type = str_of("local"),
		.role = str_of("action"),
		.host = str_of("here"),
		.incarnation = str_of("another"),
		.boot_id = str_of("boot"),
		.slots = 1000 };
	Json names = json_array();
	Err err = { 0 };

	CHECK_OK(uow_begin(r->u, &err), err);
	json_push(r->u->arena, &names, json_cstr("shell"));
	w.capabilities = w.meta = json_object();
	json_add(r->u->arena, &w.capabilities, "runtimes", names);
	CHECK_OK(worker_enter(r->u, &w, &r->worker, &err), err);
	CHECK_OK(uow_commit(r->u, &points_worker, &err), err);
}

static void
claim_first(Flow *r)
{
	static const Stmt given = { .sql = "select id, attempt from execution where status = 'scheduled' and id >= $1 "
					   "order by id limit 1",
		.in = "i" };
	Rows rows = flow_rows(r, &given, 0);
	RunClaim c = { .execution = row_int(rows_at(&rows, 0), 0), .attempt = (int)row_int(rows_at(&rows, 0), 1) };
	Err err = { 0 };

	CHECK_OK(uow_begin(r->u, &err), err);
	CHECK_OK(runs_claim(r->u, r->worker, str_of("inc"), str_of("w1"), &c, 1, &err), err);
	CHECK(c.claimed);
	CHECK_OK(uow_commit(r->u, &points_worker, &err), err);
}

TEST(a_run_that_is_lost_with_its_worker_is_a_failure_of_its_task)
{
	CLEANUP(flow_done) Flow *r = flow_open();
	Id id;

	flow_workflow(r, "test.flow",
	    "{tasks: [{name: a, action: test.ok, with_items: '{{ range(3) }}', concurrency: 2, next: [{when: failed(), "
	    "do: b}]}, {name: b, action: test.ok}]}",
	    NULL);
	id = flow_start(r, "test.flow", "{}");
	flow_step(r);
	claim_first(r);
	worker_dies(r);
	flow_run(r);
	flow_check(r, id, "completed", "a#0? a#1 a#2 b", "{\"succeeded\":true}");
}

/* How often the end of this run was told. */
static size_t
ends_told(Sub *sub, Arena *a, Id id)
{
	Msg msgs[64];
	size_t n, told = 0;

	while ((n = sub_take(sub, a, msgs, countof(msgs), 256, 0)) > 0) {
		for (size_t i = 0; i < n; i++)
			for (size_t k = 0; k < msgs[i].n; k++)
				told += msgs[i].items[k].id == id;
		sub_ack(sub, msgs, n);
	}
	return told;
}

TEST(the_end_of_a_workflow_is_told_like_that_of_any_run)
{
	CLEANUP(flow_done) Flow *r = flow_open();
	SubConfig completed = { .queue = Q_COMPLETED };
	Sub *sub;
	Err err = { 0 };
	Id id;

	CHECK_OK(sub_open(r->bus, &completed, &sub, &err), err);
	flow_workflow(r, "test.flow", "{tasks: [{name: a, action: test.ok}]}", NULL);
	id = flow_start(r, "test.flow", "{}");
	flow_run(r);
	CHECK_STR(flow_state(r, id), str_of("completed"));
	CHECK_INT((int64_t)ends_told(sub, r->a, id), 1);
	sub_close(sub);
}

/* Of an action, or of all. */
static void
limit_one(Flow *r, const char *action_ref)
{
	PolicyDef d = { .ref = str_of("test.one"), .label = str_of("One"), .enabled = true };
	Json limit, none = json_null();
	ActionDef action;
	DefPut put;
	Err err = { 0 };

	CHECK_OK(uow_begin(r->u, &err), err);
	if (action_ref != NULL) {
		CHECK_OK(action_get_ref(r->u->db, r->u->arena, str_of(action_ref), &action, &err), err);
		d.action = action.id;
		d.action_ref = action.ref;
	}
	d.tags = json_array();
	CHECK_OK(json_parse(r->u->arena, str_of("{\"limit\": 1}"), NULL, &limit, &err), err);
	CHECK_OK(policy_limits_read(&limit, &none, &none, &d, &err), err);
	CHECK_OK(policy_put(r->u->db, r->u->arena, &d, r->now, &put, &err), err);
	CHECK_OK(uow_commit(r->u, &points_create, &err), err);
}

static void
cancel(Flow *r, Id id)
{
	ExecState now;
	Err err = { 0 };

	CHECK_OK(uow_begin(r->u, &err), err);
	CHECK_OK(execution_cancel(r->u, id, str_of("tester"), &now, &err), err);
	CHECK_OK(uow_commit(r->u, &points_cancel, &err), err);
}

TEST(a_policy_of_a_workflow_lets_one_after_the_other_begin)
{
	CLEANUP(flow_done) Flow *r = flow_open();
	static const Stmt why = { .sql = "select wait_reason, wait_detail from execution where id = $1", .in = "i" };
	Id ids[5];
	Rows rows;

	flow_workflow(
	    r, "test.flow", "{tasks: [{name: a, action: test.ok, next: [{do: b}]}, {name: b, action: test.ok}]}", NULL);
	ids[0] = flow_start(r, "test.flow", "{}"); /* from before there was a policy */
	flow_step(r);
	limit_one(r, "test.flow");
	for (size_t i = 1; i < countof(ids); i++)
		ids[i] = flow_start(r, "test.flow", "{}");
	flow_step(r);
	CHECK_STR(flow_state(r, ids[0]), str_of("running"));
	for (size_t i = 1; i < countof(ids); i++)
		CHECK_STR(flow_state(r, ids[i]), str_of("requested"));
	rows = flow_rows(r, &why, ids[1]);
	CHECK_STR(row_str(rows_at(&rows, 0), 0), str_of("concurrency_limit"));
	CHECK_STR(row_str(rows_at(&rows, 0), 1), str_of("test.one"));
	cancel(r, ids[2]); /* in line, and the one that has the slot */
	cancel(r, ids[0]);
	for (int i = 0; i < 4 && str_is(flow_state(r, ids[1]), "requested"); i++) {
		flow_work(r);
		flow_step(r);
	}
	CHECK_STR(flow_state(r, ids[0]), str_of("cancelled"));
	CHECK_STR(flow_state(r, ids[1]), str_of("running"));
	CHECK_STR(flow_state(r, ids[3]), str_of("requested"));
	flow_run(r);
	flow_check(r, ids[1], "completed", "a b", "{\"succeeded\":true}");
	CHECK_STR(flow_state(r, ids[2]), str_of("cancelled"));
	flow_check(r, ids[3], "completed", "a b", "{\"succeeded\":true}");
	flow_check(r, ids[4], "completed", "a b", "{\"succeeded\":true}");
}

TEST(what_is_limited_for_all_does_not_make_a_workflow_wait_for_its_own_tasks)
{
	CLEANUP(flow_done) Flow *r = flow_open();
	Id id;

	flow_workflow(r, "test.flow",
	    "{tasks: [{name: a, action: test.ok, next: [{do: [b, c]}]}, {name: b, action: test.ok}, {name: c, action: "
	    "test.ok}]}",
	    NULL);
	limit_one(r, NULL);
	id = flow_start(r, "test.flow", "{}");
	flow_run(r);
	flow_check(r, id, "completed", "a b c", "{\"succeeded\":true}");
}

static void
pack_key(Flow *r, const char *name, const char *value)
{
	Uow *u = r->u;
	Json plain = json_cstr(value);
	KeyRow k = { .name = str_of(name),
		.owner_type = str_of("pack"),
		.owner_pack = r->pack,
		.owner_pack_ref = str_of("test"),
		.encrypted = true };
	Err err = { 0 };

	CHECK_OK(uow_begin(u, &err), err);
	k.ref = str_fmt(u->arena, "test.%s", name);
	k.owner = str_fmt(u->arena, "%lld", (long long)r->pack);
	CHECK_OK(key_seal(r->engine.vault, u->arena, &k, &plain, &err), err);
	CHECK_OK(key_insert(u->db, u->arena, &k, u->now, &err), err);
	CHECK_OK(uow_commit(u, &points_create, &err), err);
}

TEST(a_key_is_there_in_a_workflow_for_parameters_that_are_secret_and_lies_sealed)
{
	static const Stmt of_task = {
		.sql = "select config, result from execution where parent = $1 and action_ref = 'test.secret'",
		.in = "i"
	};
	CLEANUP(flow_done) Flow *r = flow_open();
	Vault *v;
	Json result;
	Rows rows;
	Err err = { 0 };
	Id id;

	CHECK_OK(vault_open(r->a, str_of("0123456789abcdef0123456789abcdef"), NULL, &v, &err), err);
	r->engine.vault = v;
	pack_key(r, "door", "s3cret");
	flow_workflow(r, "test.flow",
	    "{tasks: [{name: a, action: test.secret, input: {token: 'Bearer {{ keystore.door }}'}}]}", NULL);
	id = flow_start(r, "test.flow", "{}");
	flow_run(r);
	CHECK_STR(flow_trace(r, id), str_of("a"));
	rows = flow_rows(r, &of_task, id);
	CHECK(!str_find(row_str(rows_at(&rows, 0), 0), str_of("s3cret"), NULL));
	/* what the action was given, it has given back */
	result = row_json(r->a, rows_at(&rows, 0), 1);
	CHECK_STR(json_get_text(json_path(&result, str_of("data.got")), "token"), str_of("Bearer s3cret"));
}
