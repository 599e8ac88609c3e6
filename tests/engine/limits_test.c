/* Policies, retries, delays and pauses, over both stores. */
#include "rig.h"

#include "model/policy.h"
#include "store/execution_read.h"
#include "store/action.h"
#include "store/policy.h"
#include "store/rule.h"

#include "test.h"

static Json
text_json(Arena *a, const char *text)
{
	Json v;
	Err err = { 0 };

	CHECK_OK(json_parse(a, str_of(text), NULL, &v, &err), err);
	return v;
}

/* A policy of the action, or with pack for its pack, or for all. */
static void
policy_all(Rig *r, const char *ref, const char *of, const char *concurrency, const char *rate, const char *breaker)
{
	Uow *u = r->u;
	Err err = { 0 };
	DefPut put;
	PolicyDef d = { .ref = str_of(ref), .label = str_of(ref), .enabled = true };
	Json c, t, b;

	CHECK_OK(uow_begin(u, &err), err);
	b = breaker == NULL ? json_null() : text_json(u->arena, breaker);
	c = concurrency == NULL ? json_null() : text_json(u->arena, concurrency);
	t = rate == NULL ? json_null() : text_json(u->arena, rate);
	d.tags = json_array();
	d.action = strcmp(of, "action") == 0 ? r->action : 0;
	if (d.action != 0)
		d.action_ref = str_of("test.do");
	CHECK_OK(policy_limits_read(&c, &t, &b, &d, &err), err);
	CHECK_OK(policy_put(u->db, u->arena, &d, u->now, &put, &err), err);
	CHECK_OK(uow_commit(u, &points_create, &err), err);
}

static void
policy(Rig *r, const char *ref, const char *of, const char *concurrency, const char *rate)
{
	policy_all(r, ref, of, concurrency, rate, NULL);
}

static void
action_retries(Rig *r, const char *retry)
{
	ActionDef d;
	Err err = { 0 };
	DefPut put;

	CHECK_OK(uow_begin(r->u, &err), err);
	CHECK_OK(action_get(r->u->db, r->u->arena, r->action, &d, &err), err);
	d.retry = text_json(r->u->arena, retry);
	CHECK_OK(action_put(r->u->db, r->u->arena, &d, r->u->now, &put, &err), err);
	CHECK_OK(uow_commit(r->u, &points_create, &err), err);
}

static Id
ask(Rig *r, const char *params, int64_t priority, TimeUs due)
{
	ExecutionIn in = { .action_ref = str_of("test.do"), .by = str_of("tester"), .priority = priority, .due = due };
	ExecutionOut out;
	Err err = { 0 };
	Json values;

	CHECK_OK(uow_begin(r->u, &err), err);
	values = params == NULL ? json_null() : text_json(r->u->arena, params);
	in.params = params == NULL ? NULL : &values;
	CHECK_OK(execution_create(r->u, &in, &out, &err), err);
	CHECK_OK(uow_commit(r->u, &points_create, &err), err);
	return out.id;
}

static Json
show(Rig *r, Id id)
{
	Json o;
	Err err = { 0 };

	arena_reset(r->u->arena);
	CHECK_OK(execution_show(r->u->db, r->u->arena, id, &o, &err), err);
	return o;
}

static void
end(Rig *r, Id id, ExecEvent how)
{
	ExecLive e = rig_look(r, id);

	CHECK(rig_claim(r, id, e.attempt, "i1"));
	CHECK(rig_finish(r, id, e.attempt, how));
	rig_schedule(r);
}

TEST(a_concurrency_limit_lets_its_runs_through_in_order)
{
	CLEANUP(rig_done) Rig *r = rig_open();
	Id ids[4], other;

	rig_worker(r, "i1", 8, "shell");
	policy(r, "test.one", "action", "{\"limit\": 1, \"key\": [\"customer\"]}", NULL);
	for (size_t i = 0; i < countof(ids); i++)
		ids[i] = ask(r, "{\"customer\": 7}", 0, 0);
	rig_schedule(r);
	check_status(r, ids[0], EXEC_SCHEDULED);
	check_status(r, ids[1], EXEC_REQUESTED);
	/* another key has a line of its own */
	other = ask(r, "{\"customer\": 8}", 0, 0);
	rig_schedule(r);
	check_status(r, other, EXEC_SCHEDULED);
	for (size_t i = 0; i + 1 < countof(ids); i++) {
		Json o = show(r, ids[i + 1]);

		CHECK_STR(json_get_text(&o, "wait_reason"), str_of("concurrency_limit: test.one"));
		CHECK_INT(json_as_int(json_get(&o, "wait_place"), 0), 1);
		end(r, ids[i], EV_EXIT_OK);
		check_status(r, ids[i + 1], EXEC_SCHEDULED);
		if (i + 2 < countof(ids))
			check_status(r, ids[i + 2], EXEC_REQUESTED);
	}
}

TEST(a_limit_that_is_new_counts_what_runs_already_and_one_that_is_gone_holds_nobody)
{
	CLEANUP(rig_done) Rig *r = rig_open();
	Id first, second, third;
	Err err = { 0 };
	PolicyDef d;

	rig_worker(r, "i1", 8, "shell");
	first = ask(r, NULL, 0, 0);
	check_status(r, first, EXEC_SCHEDULED);
	policy(r, "test.all", "all", "{\"limit\": 2}", NULL);
	second = ask(r, NULL, 0, 0);
	third = ask(r, NULL, 0, 0);
	rig_schedule(r);
	check_status(r, second, EXEC_SCHEDULED);
	check_status(r, third, EXEC_REQUESTED);
	CHECK_OK(uow_begin(r->u, &err), err);
	CHECK_OK(policy_get_ref(r->u->db, r->u->arena, str_of("test.all"), &d, &err), err);
	CHECK_OK(policy_delete(r->u->db, r->u->arena, d.id, r->u->now, &err), err);
	CHECK_OK(uow_commit(r->u, &points_create, &err), err);
	rig_schedule(r);
	check_status(r, third, EXEC_SCHEDULED);
}

TEST(a_limit_may_cancel_what_comes_or_what_is_there)
{
	CLEANUP(rig_done) Rig *r = rig_open();
	Id a, b, c;

	rig_worker(r, "i1", 8, "shell");
	policy(r, "test.new", "action", "{\"limit\": 1, \"method\": \"cancel\"}", NULL);
	a = ask(r, NULL, 0, 0);
	b = ask(r, NULL, 0, 0);
	rig_schedule(r);
	check_status(r, a, EXEC_SCHEDULED);
	check_status(r, b, EXEC_CANCELLED);
	policy(r, "test.new", "action", "{\"limit\": 1, \"method\": \"cancel_oldest\"}", NULL);
	CHECK(rig_claim(r, a, rig_look(r, a).attempt, "i1"));
	b = ask(r, NULL, 0, 0);
	c = ask(r, NULL, 0, 0);
	rig_schedule(r);
	check_status(r, a, EXEC_CANCELING);
	check_status(r, b, EXEC_CANCELLED);
	check_status(r, c, EXEC_REQUESTED); /* until the old one's process is gone */
	CHECK(rig_finish(r, a, rig_look(r, a).attempt, EV_EXIT_BAD));
	rig_schedule(r);
	check_status(r, c, EXEC_SCHEDULED);
}

TEST(a_rate_lets_a_burst_through_and_then_one_at_a_time)
{
	CLEANUP(rig_done) Rig *r = rig_open();
	Id ids[5];
	size_t begun = 0;

	rig_worker(r, "i1", 8, "shell");
	policy(r, "test.rate", "action", NULL, "{\"limit\": 6, \"per_seconds\": 60, \"burst\": 2}");
	for (size_t i = 0; i < countof(ids); i++)
		ids[i] = ask(r, NULL, 0, 0);
	rig_schedule(r);
	check_status(r, ids[1], EXEC_SCHEDULED);
	check_status(r, ids[2], EXEC_REQUESTED);
	CHECK_INT(rig_look(r, ids[2]).due, r->now + 10 * US_PER_S);
	r->now += 9 * US_PER_S;
	rig_sweep(r);
	check_status(r, ids[2], EXEC_REQUESTED);
	r->now += US_PER_S;
	rig_sweep(r);
	check_status(r, ids[2], EXEC_SCHEDULED);
	check_status(r, ids[3], EXEC_REQUESTED);
	r->now += 20 * US_PER_S;
	rig_sweep(r);
	for (size_t i = 0; i < countof(ids); i++)
		begun += rig_look(r, ids[i]).status != EXEC_REQUESTED;
	CHECK_INT((int64_t)begun, 5);
}

/* Another action of the same pack. */
static Id
other_action(Rig *r)
{
	ActionDef d;
	DefPut put;
	Err err = { 0 };

	CHECK_OK(uow_begin(r->u, &err), err);
	CHECK_OK(action_get(r->u->db, r->u->arena, r->action, &d, &err), err);
	d.id = 0;
	d.ref = str_of("test.other");
	CHECK_OK(action_put(r->u->db, r->u->arena, &d, r->now, &put, &err), err);
	CHECK_OK(uow_commit(r->u, &points_create, &err), err);
	return put.id;
}

static Id
ask_of(Rig *r, const char *action_ref, int64_t priority)
{
	ExecutionIn in = { .action_ref = str_of(action_ref), .by = str_of("tester"), .priority = priority };
	ExecutionOut out;
	Err err = { 0 };

	CHECK_OK(uow_begin(r->u, &err), err);
	CHECK_OK(execution_create(r->u, &in, &out, &err), err);
	CHECK_OK(uow_commit(r->u, &points_create, &err), err);
	return out.id;
}

TEST(actions_under_one_policy_share_its_slots_and_stand_in_one_line)
{
	CLEANUP(rig_done) Rig *r = rig_open();
	Id ids[4];

	rig_worker(r, "i1", 8, "shell");
	CHECK(other_action(r) != r->action);
	policy(r, "test.all", "all", "{\"limit\": 1}", NULL);
	for (size_t i = 0; i < countof(ids); i++)
		ids[i] = ask_of(r, i % 2 == 0 ? "test.do" : "test.other", 0);
	rig_schedule(r);
	for (size_t i = 0; i < countof(ids); i++) {
		check_status(r, ids[i], EXEC_SCHEDULED);
		for (size_t k = i + 1; k < countof(ids); k++)
			check_status(r, ids[k], EXEC_REQUESTED);
		end(r, ids[i], EV_EXIT_OK);
	}
}

TEST(actions_under_one_policy_share_its_tokens_and_high_priorities_of_any_have_the_next)
{
	CLEANUP(rig_done) Rig *r = rig_open();
	Id low[3], high[2];

	rig_worker(r, "i1", 8, "shell");
	other_action(r);
	policy(r, "test.rate", "all", NULL, "{\"limit\": 1, \"per_seconds\": 10, \"burst\": 1}");
	for (size_t i = 0; i < countof(low); i++)
		low[i] = ask_of(r, "test.do", 0);
	rig_schedule(r);
	check_status(r, low[0], EXEC_SCHEDULED);
	for (size_t i = 0; i < countof(high); i++)
		high[i] = ask_of(r, "test.other", 5);
	rig_schedule(r);
	for (size_t i = 0; i < countof(high); i++) {
		check_status(r, high[i], EXEC_REQUESTED);
		r->now += 10 * US_PER_S;
		rig_sweep(r);
		check_status(r, high[i], EXEC_SCHEDULED);
		check_status(r, low[1], EXEC_REQUESTED);
	}
	r->now += 10 * US_PER_S;
	rig_sweep(r);
	check_status(r, low[1], EXEC_SCHEDULED);
	check_status(r, low[2], EXEC_REQUESTED);
}

/* What stood behind the policy before is put right first, and would else come second. */
TEST(a_high_priority_has_the_next_token_of_a_policy_that_has_just_taken_the_place_of_another)
{
	CLEANUP(rig_done) Rig *r = rig_open();
	Id high, low;
	PolicyDef d;
	Err err = { 0 };

	policy(r, "test.old", "all", NULL, "{\"limit\": 1, \"per_seconds\": 1000, \"burst\": 1}");
	rig_schedule(r);
	high = ask_of(r, "test.do", 5);
	CHECK_OK(uow_begin(r->u, &err), err);
	CHECK_OK(policy_get_ref(r->u->db, r->u->arena, str_of("test.old"), &d, &err), err);
	CHECK_OK(policy_delete(r->u->db, r->u->arena, d.id, r->now, &err), err);
	CHECK_OK(uow_commit(r->u, &points_create, &err), err);
	policy(r, "test.new", "all", NULL, "{\"limit\": 1, \"per_seconds\": 1000, \"burst\": 1}");
	low = ask_of(r, "test.do", 0);
	rig_worker(r, "i1", 8, "shell");
	rig_schedule(r);
	check_status(r, high, EXEC_SCHEDULED);
	check_status(r, low, EXEC_REQUESTED);
}

TEST(a_run_that_fails_is_tried_again_in_its_time_and_not_for_ever)
{
	CLEANUP(rig_done) Rig *r = rig_open();
	Id first, next;
	Json o;
	Err err = { 0 };

	rig_worker(r, "i1", 8, "shell");
	action_retries(r, "{\"count\": 2, \"delay\": 10, \"backoff\": \"exponential\"}");
	first = ask(r, "{\"a\": 1}", 0, 0);
	end(r, first, EV_EXIT_BAD);
	next = first + 1;
	o = show(r, next);
	CHECK_STR(json_get_text(&o, "wait_reason"), str_of("retry_delay"));
	CHECK_INT(json_as_int(json_get(&o, "original_execution"), 0), first);
	CHECK_INT(json_as_int(json_get(&o, "retry_count"), 0), 1);
	CHECK_INT(rig_look(r, next).due, r->now + 10 * US_PER_S);
	CHECK_INT(r->u->due == 0 ? r->now + 10 * US_PER_S : r->u->due, r->now + 10 * US_PER_S);
	rig_schedule(r);
	check_status(r, next, EXEC_REQUESTED);
	r->now += 10 * US_PER_S;
	rig_sweep(r);
	check_status(r, next, EXEC_SCHEDULED);
	end(r, next, EV_EXIT_BAD);
	CHECK_INT(rig_look(r, next + 1).due, r->now + 20 * US_PER_S);
	r->now += 20 * US_PER_S;
	rig_sweep(r);
	end(r, next + 1, EV_EXIT_BAD);
	CHECK_INT(rig_look(r, next + 2).id, 0);
	/* a person may go on */
	CHECK_OK(uow_begin(r->u, &err), err);
	CHECK_OK(execution_retry(r->u, next + 1, str_of("tester"), &next, &err), err);
	CHECK_OK(uow_commit(r->u, &points_create, &err), err);
	o = show(r, next);
	CHECK_INT(json_as_int(json_get(&o, "original_execution"), 0), first);
	CHECK_INT(json_as_int(json_path(&o, str_of("config.a")), 0), 1);
	rig_schedule(r);
	check_status(r, next, EXEC_SCHEDULED);
}

static ErrCode
again(Rig *r, Id of, Id *ret)
{
	Err err = { 0 };

	CHECK_OK(uow_begin(r->u, &err), err);
	if (execution_retry(r->u, of, str_of("tester"), ret, &err))
		CHECK_OK(uow_commit(r->u, &points_create, &err), err);
	else
		uow_abort(r->u);
	return err.code;
}

TEST(what_was_cancelled_before_its_time_may_be_run_again_and_what_never_waited_not)
{
	static const Stmt never = { .sql = "update execution set wait_class = null, parked_class = null where id = $1",
		.in = "i" };
	CLEANUP(rig_done) Rig *r = rig_open();
	Id later, made;
	ExecState now;
	Bind b[1];
	Err err = { 0 };

	rig_worker(r, "i1", 8, "shell");
	later = ask(r, NULL, 0, r->now + 60 * US_PER_S);
	CHECK_OK(uow_begin(r->u, &err), err);
	CHECK_OK(execution_cancel(r->u, later, str_of("tester"), &now, &err), err);
	CHECK_OK(uow_commit(r->u, &points_cancel, &err), err);
	CHECK_INT(again(r, later, &made), ERR_NONE);
	rig_schedule(r);
	check_status(r, made, EXEC_SCHEDULED);
	/* as one that was refused when it was made */
	b[0] = bind_int(later);
	CHECK_OK(uow_begin(r->u, &err), err);
	CHECK_OK(db_exec(r->u->db, r->u->arena, &never, b, NULL, &err), err);
	CHECK_OK(uow_commit(r->u, &points_cancel, &err), err);
	CHECK_INT(again(r, later, &made), ERR_CONFLICT);
}

TEST(what_was_given_a_secret_that_nobody_can_open_any_more_is_not_tried_again)
{
	CLEANUP(rig_done) Rig *r = rig_open();
	Vault *key, *other;
	ActionDef d;
	DefPut put;
	Id first, made;
	Err err = { 0 };

	CHECK_OK(vault_open(r->w->a, str_of("0123456789abcdef0123456789abcdef"), NULL, &key, &err), err);
	CHECK_OK(vault_open(r->w->a, str_of("another-key-another-key-another-k"), NULL, &other, &err), err);
	r->engine.vault = key;
	rig_worker(r, "i1", 8, "shell");
	action_retries(r, "{\"count\": 2}");
	CHECK_OK(uow_begin(r->u, &err), err);
	CHECK_OK(action_get(r->u->db, r->u->arena, r->action, &d, &err), err);
	d.param_schema = text_json(r->u->arena, "{\"token\": {\"type\": \"string\", \"secret\": true}}");
	CHECK_OK(action_put(r->u->db, r->u->arena, &d, r->u->now, &put, &err), err);
	CHECK_OK(uow_commit(r->u, &points_create, &err), err);
	first = ask(r, "{\"token\": \"hush-hush-hush\"}", 0, 0);
	CHECK(rig_claim(r, first, 1, "i1"));
	r->engine.vault = other;
	CHECK(rig_finish(r, first, 1, EV_EXIT_BAD));
	check_status(r, first, EXEC_FAILED);
	CHECK_INT(rig_look(r, first + 1).id, 0);
	CHECK_INT(again(r, first, &made), ERR_VALIDATION);
	r->engine.vault = key;
	CHECK_INT(again(r, first, &made), ERR_NONE);
}

TEST(a_run_that_is_tried_again_came_of_the_same_runs)
{
	CLEANUP(rig_done) Rig *r = rig_open();
	ExecutionIn in = { .action_ref = str_of("test.do"), .by = str_of("tester") };
	ExecutionOut out;
	ExecState status;
	Str ancestors;
	Id again;
	Err err = { 0 };

	rig_worker(r, "i1", 8, "shell");
	in.parent = rig_create(r);
	CHECK_OK(uow_begin(r->u, &err), err);
	CHECK_OK(execution_create(r->u, &in, &out, &err), err);
	CHECK_OK(uow_commit(r->u, &points_create, &err), err);
	end(r, out.id, EV_EXIT_BAD);
	CHECK_OK(uow_begin(r->u, &err), err);
	CHECK_OK(execution_retry(r->u, out.id, str_of("tester"), &again, &err), err);
	CHECK_OK(execution_standing(r->u->db, r->u->arena, again, &status, &ancestors, &err), err);
	CHECK_STR(ancestors, str_fmt(r->u->arena, "/%lld/", (long long)in.parent));
	uow_abort(r->u);
}

TEST(a_run_for_later_waits_for_its_time_and_a_paused_one_for_people)
{
	CLEANUP(rig_done) Rig *r = rig_open();
	Id later, paused;
	Err err = { 0 };

	rig_worker(r, "i1", 8, "shell");
	later = ask(r, NULL, 0, r->now + 60 * US_PER_S);
	CHECK_INT(r->u->due, r->now + 60 * US_PER_S);
	CHECK(!rig_sweep(r).waiting); /* nobody need look before its time */
	check_status(r, later, EXEC_REQUESTED);
	r->now += 60 * US_PER_S;
	rig_sweep(r);
	check_status(r, later, EXEC_SCHEDULED);

	policy(r, "test.one", "action", "{\"limit\": 1}", NULL);
	paused = ask(r, NULL, 0, 0);
	CHECK_OK(uow_begin(r->u, &err), err);
	CHECK_OK(execution_hold(r->u, paused, true, &err), err);
	CHECK(!execution_hold(r->u, paused, true, &err) && err.code == ERR_CONFLICT);
	CHECK_OK(uow_commit(r->u, &points_cancel, &err), err);
	end(r, later, EV_EXIT_OK);
	check_status(r, paused, EXEC_REQUESTED);
	err = (Err){ 0 };
	CHECK_OK(uow_begin(r->u, &err), err);
	CHECK_OK(execution_hold(r->u, paused, false, &err), err);
	CHECK_OK(uow_commit(r->u, &points_cancel, &err), err);
	rig_schedule(r);
	check_status(r, paused, EXEC_SCHEDULED);
}

TEST(a_high_priority_goes_first)
{
	CLEANUP(rig_done) Rig *r = rig_open();
	Id low, high;

	low = ask(r, NULL, 0, 0);
	high = ask(r, NULL, 5, 0);
	rig_worker(r, "i1", 1, "shell");
	CHECK(rig_claim(r, low, 1, "i1") == false);
	policy(r, "test.one", "action", "{\"limit\": 1}", NULL);
	rig_schedule(r);
	check_status(r, high, EXEC_SCHEDULED);
	check_status(r, low, EXEC_REQUESTED);
	end(r, high, EV_EXIT_OK);
	check_status(r, low, EXEC_SCHEDULED);
}

/* By the rule r->rule, from its event on. */
static Id
ask_by_rule(Rig *r)
{
	static const Stmt waiting = { .sql = "select id from enforcement where status = 'created' and id > $1",
		.in = "i" };
	static const Stmt last = { .sql = "select max(id) from execution where id > $1", .in = "i" };
	Json none = json_object();
	EventIn in = { .trigger_ref = str_of("test.happened"), .payload = &none };
	EventOut out;
	Bind b[] = { bind_int(0) };
	Err err = { 0 };
	Rows rows;
	Id e;

	CHECK_OK(uow_begin(r->u, &err), err);
	CHECK_OK(ingest(r->u, &in, 1, &out, &err), err);
	CHECK_OK(db_exec(r->u->db, r->u->arena, &waiting, b, &rows, &err), err);
	e = row_int(rows_at(&rows, 0), 0);
	CHECK_OK(uow_commit(r->u, &points_ingest, &err), err);
	CHECK_OK(uow_begin(r->u, &err), err);
	CHECK_OK(enforce(r->u, &e, 1, &err), err);
	CHECK_OK(db_exec(r->u->db, r->u->arena, &last, b, &rows, &err), err);
	e = row_int(rows_at(&rows, 0), 0);
	CHECK_OK(uow_commit(r->u, &points_enforce, &err), err);
	return e;
}

static void
prefer(Rig *r, int64_t of_action, int64_t of_rule)
{
	ActionDef d;
	RuleDef rule;
	DefPut put;
	Err err = { 0 };

	CHECK_OK(uow_begin(r->u, &err), err);
	CHECK_OK(action_get(r->u->db, r->u->arena, r->action, &d, &err), err);
	d.priority = of_action;
	CHECK_OK(action_put(r->u->db, r->u->arena, &d, r->u->now, &put, &err), err);
	CHECK_OK(rule_get(r->u->db, r->u->arena, r->rule, &rule, &err), err);
	rule.priority = of_rule;
	CHECK_OK(rule_put(r->u->db, r->u->arena, &rule, r->u->now, &put, &err), err);
	CHECK_OK(uow_commit(r->u, &points_create, &err), err);
}

TEST(a_run_has_its_own_priority_else_that_of_its_rule_else_that_of_its_action)
{
	CLEANUP(rig_done) Rig *r = rig_open();
	Id order[5];

	order[4] = ask(r, NULL, 0, 0);
	prefer(r, 10, 0);
	order[2] = ask(r, NULL, 0, 0);
	order[3] = ask_by_rule(r);
	prefer(r, 10, 30);
	order[1] = ask_by_rule(r);
	order[0] = ask(r, NULL, 99, 0);
	CHECK_INT(json_as_int(json_get(&(Json[]){ show(r, order[1]) }[0], "priority"), 0), 30);
	CHECK_INT(json_as_int(json_get(&(Json[]){ show(r, order[2]) }[0], "priority"), 0), 10);
	rig_worker(r, "i1", 1, "shell");
	rig_schedule(r);
	for (size_t i = 0; i < countof(order); i++) {
		size_t given = 0;

		for (size_t k = 0; k < countof(order); k++) { /* a worker is given a few ahead: the first of them */
			bool waits = rig_look(r, order[k]).status == EXEC_REQUESTED;

			CHECK(given == k || waits);
			given += !waits;
		}
		CHECK(given > i && (i > 0 || given < countof(order)));
		end(r, order[i], EV_EXIT_OK);
	}
}

static Id
one_ends(Rig *r, const char *params, ExecEvent how)
{
	Id id = ask(r, params, 0, 0);

	rig_schedule(r);
	check_status(r, id, EXEC_SCHEDULED);
	end(r, id, how);
	return id;
}

TEST(a_breaker_opens_after_so_many_failures_lets_one_through_and_closes_when_that_is_well)
{
	CLEANUP(rig_done) Rig *r = rig_open();
	Id waits, next, probe;
	Json o;

	rig_worker(r, "i1", 8, "shell");
	policy_all(r, "test.breaker", "action", NULL, NULL, "{\"failures\": 3, \"within\": \"10s\", \"open_for\": 60}");
	one_ends(r, NULL, EV_EXIT_BAD);
	r->now += 11 * US_PER_S; /* the first is too long ago */
	one_ends(r, NULL, EV_EXIT_BAD);
	one_ends(r, NULL, EV_EXIT_OK);
	one_ends(r, NULL, EV_EXIT_BAD);
	one_ends(r, NULL, EV_EXIT_OK);
	one_ends(r, NULL, EV_EXIT_BAD);
	waits = ask(r, NULL, 0, 0);
	next = ask(r, NULL, 0, 0);
	rig_schedule(r);
	check_status(r, waits, EXEC_REQUESTED);
	o = show(r, waits);
	CHECK_STR(json_get_text(&o, "wait_reason"), str_of("breaker_open: test.breaker"));
	o = show(r, next);
	CHECK_STR(json_get_text(&o, "wait_reason"), str_of("breaker_open: test.breaker"));
	CHECK_STR(json_get_text(&o, "wait_policy"), str_of("test.breaker"));
	CHECK_INT(json_as_int(json_get(&o, "wait_place"), 0), 2);
	CHECK(rig_look(r, waits).due > r->now + 59 * US_PER_S && rig_look(r, waits).due <= r->now + 61 * US_PER_S);
	/* half open: one goes, the other waits for how it ends; it fails, and the breaker is open anew */
	r->now += 62 * US_PER_S;
	rig_sweep(r);
	rig_schedule(r);
	check_status(r, waits, EXEC_SCHEDULED);
	check_status(r, next, EXEC_REQUESTED);
	end(r, waits, EV_EXIT_BAD);
	rig_schedule(r);
	check_status(r, next, EXEC_REQUESTED);
	CHECK(rig_look(r, next).due > r->now + 59 * US_PER_S);
	r->now += 62 * US_PER_S;
	rig_sweep(r);
	rig_schedule(r);
	check_status(r, next, EXEC_SCHEDULED);
	probe = ask(r, NULL, 0, 0);
	rig_schedule(r);
	check_status(r, probe, EXEC_REQUESTED);
	end(r, next, EV_EXIT_OK);
	rig_schedule(r);
	check_status(r, probe, EXEC_SCHEDULED);
	end(r, probe, EV_EXIT_BAD);
	one_ends(r, NULL, EV_EXIT_BAD); /* two are not three: what was before the probe does not count */
	waits = ask(r, NULL, 0, 0);
	rig_schedule(r);
	check_status(r, waits, EXEC_SCHEDULED);
}

TEST(a_breaker_has_a_key_and_may_refuse_at_once)
{
	CLEANUP(rig_done) Rig *r = rig_open();
	Id refused, other;
	Json o;

	rig_worker(r, "i1", 8, "shell");
	policy_all(r, "test.breaker", "action", "{\"limit\": 1}", NULL,
	    "{\"failures\": 1, \"within\": 10, \"open_for\": \"1m\", \"key\": [\"host\"], \"method\": \"fail\"}");
	one_ends(r, "{\"host\": \"a\"}", EV_EXIT_BAD);
	refused = ask(r, "{\"host\": \"a\"}", 0, 0);
	other = ask(r, "{\"host\": \"b\"}", 0, 0);
	rig_schedule(r);
	check_status(r, refused, EXEC_FAILED);
	o = show(r, refused);
	CHECK(str_find(json_get_text(json_get(&o, "result"), "error"), str_of("test.breaker"), NULL));
	check_status(r, other, EXEC_SCHEDULED);
	end(r, other, EV_EXIT_OK);
	/* what was refused did not run, and so does not count as a failure: a minute later one is let through */
	r->now += 61 * US_PER_S;
	one_ends(r, "{\"host\": \"a\"}", EV_EXIT_OK);
	one_ends(r, "{\"host\": \"a\"}", EV_EXIT_OK);
}

TEST(what_a_breaker_lets_through_and_nobody_starts_is_still_the_one)
{
	CLEANUP(rig_done) Rig *r = rig_open();
	Id first, probe, next;
	Err err = { 0 };
	int attempt = 1;

	rig_worker(r, "i1", 8, "shell");
	policy_all(r, "test.breaker", "action", NULL, NULL, "{\"failures\": 1, \"within\": 10, \"open_for\": 30}");
	first = one_ends(r, NULL, EV_EXIT_BAD);
	r->now += 31 * US_PER_S;
	probe = ask(r, NULL, 0, 0);
	next = ask(r, NULL, 5, 0);
	CHECK(first < probe);
	rig_schedule(r);
	check_status(r, next, EXEC_SCHEDULED); /* it has the higher priority */
	check_status(r, probe, EXEC_REQUESTED);
	CHECK_OK(uow_begin(r->u, &err), err);
	CHECK_OK(runs_return(r->u, &next, &attempt, 1, str_of("w1"), str_of("not started"), &err), err);
	CHECK_OK(uow_commit(r->u, &points_worker, &err), err);
	rig_schedule(r);
	check_status(r, next, EXEC_SCHEDULED);
	check_status(r, probe, EXEC_REQUESTED);
}

static void
give_back(Rig *r, Id id)
{
	int attempt = rig_look(r, id).attempt;
	Err err = { 0 };

	CHECK_OK(uow_begin(r->u, &err), err);
	CHECK_OK(runs_return(r->u, &id, &attempt, 1, str_of("w1"), str_of("not started"), &err), err);
	CHECK_OK(uow_commit(r->u, &points_worker, &err), err);
}

static void
hold(Rig *r, Id id, bool held)
{
	Err err = { 0 };

	CHECK_OK(uow_begin(r->u, &err), err);
	CHECK_OK(execution_hold(r->u, id, held, &err), err);
	CHECK_OK(uow_commit(r->u, &points_cancel, &err), err);
}

/* It stands before those who wait already, and would have waited for ever behind what they were told. */
TEST(who_goes_on_waiting_is_told_that_there_is_no_worker_too)
{
	CLEANUP(rig_done) Rig *r = rig_open();
	Id id = rig_create(r), other = rig_create(r);

	rig_worker(r, "i1", 2, "python");
	hold(r, id, true);
	rig_schedule(r);
	CHECK_INT(rig_look(r, other).reason, WAIT_NO_WORKER);
	hold(r, id, false);
	rig_schedule(r);
	CHECK_INT(rig_look(r, id).reason, WAIT_NO_WORKER);
	r->now += 301 * US_PER_S;
	CHECK_INT((int64_t)rig_sweep(r).refused, 2);
	check_status(r, id, EXEC_FAILED);
}

TEST(a_breaker_does_not_wait_for_one_that_came_back_and_was_paused)
{
	CLEANUP(rig_done) Rig *r = rig_open();
	Id probe, next;

	rig_worker(r, "i1", 8, "shell");
	policy_all(r, "test.breaker", "action", NULL, NULL, "{\"failures\": 1, \"within\": 10, \"open_for\": 30}");
	one_ends(r, NULL, EV_EXIT_BAD);
	r->now += 31 * US_PER_S;
	probe = ask(r, NULL, 0, 0);
	next = ask(r, NULL, 0, 0);
	rig_schedule(r);
	check_status(r, probe, EXEC_SCHEDULED);
	check_status(r, next, EXEC_REQUESTED);
	give_back(r, probe);
	hold(r, probe, true);
	rig_schedule(r);
	check_status(r, next, EXEC_SCHEDULED);
}

TEST(what_was_given_to_a_worker_and_never_began_says_nothing_to_a_breaker)
{
	CLEANUP(rig_done) Rig *r = rig_open();
	Id id, next;

	rig_worker(r, "i1", 8, "shell");
	policy_all(r, "test.breaker", "action", NULL, NULL, "{\"failures\": 1, \"within\": 600, \"open_for\": 30}");
	id = ask(r, NULL, 0, 0);
	rig_schedule(r);
	check_status(r, id, EXEC_SCHEDULED);
	rig_worker(r, "i2", 8, "python"); /* it can do that no more: what it held comes back, and nobody takes it */
	rig_schedule(r);
	check_status(r, id, EXEC_REQUESTED);
	CHECK_INT(rig_look(r, id).attempt, 1);
	r->now += 301 * US_PER_S;
	rig_sweep(r);
	check_status(r, id, EXEC_FAILED);
	rig_worker(r, "i3", 8, "shell");
	next = ask(r, NULL, 0, 0);
	rig_schedule(r);
	check_status(r, next, EXEC_SCHEDULED);
}

TEST(what_a_policy_holds_does_not_fail_for_want_of_a_worker)
{
	CLEANUP(rig_done) Rig *r = rig_open();
	Id low[2], high;

	policy(r, "test.one", "action", "{\"limit\": 1}", NULL);
	low[0] = ask(r, NULL, 0, 0);
	low[1] = ask(r, NULL, 0, 0);
	rig_schedule(r);
	CHECK(rig_look(r, low[1]).due != 0);
	rig_worker(r, "i1", 8, "shell");
	high = ask(r, NULL, 5, 0); /* another class, in the same line */
	rig_schedule(r);
	check_status(r, high, EXEC_SCHEDULED);
	r->now += 301 * US_PER_S;
	rig_sweep(r);
	check_status(r, low[0], EXEC_REQUESTED);
	check_status(r, low[1], EXEC_REQUESTED);
}

TEST(of_what_is_due_only_those_without_a_worker_are_looked_at_to_be_refused)
{
	CLEANUP(rig_done) Rig *r = rig_open();
	Id id = ask(r, NULL, 0, r->now + 60 * US_PER_S);
	ExecWaiting *rows;
	size_t n;
	Err err = { 0 };

	hold(r, id, true);
	CHECK_OK(uow_begin(r->u, &err), err);
	CHECK_OK(execution_wait_due(r->u->db, r->u->arena, r->now + 61 * US_PER_S, 1, &rows, &n, &err), err);
	CHECK_INT((int64_t)n, 0);
	uow_abort(r->u);
}
