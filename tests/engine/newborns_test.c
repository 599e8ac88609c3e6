/* Runs that enforcements make: given to workers in their first row, and never before what comes first. Over both stores. */
#include "rig.h"

#include "model/policy.h"
#include "store/action.h"
#include "store/policy.h"
#include "store/rule.h"
#include "store/worker.h"

#include "test.h"

#include <pthread.h>
#include <stdio.h>

enum { MOST = 64 };

/* ---- what the tests do ---- */

/* n events, and what their enforcements are called; nothing is made of them yet. */
static size_t
happen(Rig *r, size_t n, Id *ret)
{
	static const Stmt waiting = { .sql = "select id from enforcement where status = 'created' order by id",
		.in = "" };
	Json none = json_object();
	EventIn in[MOST];
	EventOut out[MOST];
	Err err = { 0 };
	Rows rows;

	for (size_t i = 0; i < n; i++)
		in[i] = (EventIn){ .trigger_ref = str_of("test.happened"), .payload = &none };
	CHECK_OK(uow_begin(r->u, &err), err);
	CHECK_OK(ingest(r->u, in, n, out, &err), err);
	CHECK_OK(db_exec(r->u->db, r->u->arena, &waiting, NULL, &rows, &err), err);
	CHECK(rows.n <= MOST);
	for (size_t i = 0; i < rows.n; i++)
		ret[i] = row_int(rows_at(&rows, i), 0);
	n = rows.n;
	CHECK_OK(uow_commit(r->u, &points_ingest, &err), err);
	return n;
}

/* The run that an enforcement has made. */
static Id
made_of(Rig *r, Id enforcement)
{
	static const Stmt s = { .sql = "select id from execution where enforcement = $1", .in = "i" };
	Bind b[] = { bind_int(enforcement) };
	Err err = { 0 };
	Rows rows;
	Id id;

	CHECK_OK(uow_begin(r->u, &err), err);
	CHECK_OK(db_exec(r->u->db, r->u->arena, &s, b, &rows, &err), err);
	CHECK_INT((int64_t)rows.n, 1);
	id = row_int(rows_at(&rows, 0), 0);
	CHECK_OK(uow_commit(r->u, &points_create, &err), err);
	return id;
}

static void
enforce_all(Rig *r, const Id *ids, size_t n)
{
	Err err = { 0 };

	CHECK_OK(uow_begin(r->u, &err), err);
	CHECK_OK(enforce(r->u, ids, n, &err), err);
	CHECK_OK(uow_commit(r->u, &points_enforce, &err), err);
}

/* n events become runs; ret_runs: in the order of the enforcements. */
static size_t
come(Rig *r, size_t n, Id *ret_runs)
{
	Id ids[MOST];

	n = happen(r, n, ids);
	enforce_all(r, ids, n);
	for (size_t i = 0; i < n; i++)
		ret_runs[i] = made_of(r, ids[i]);
	return n;
}

static void
check_given(Rig *r, const Id *runs, size_t n, size_t given)
{
	for (size_t i = 0; i < n; i++)
		check_status(r, runs[i], i < given ? EXEC_SCHEDULED : EXEC_REQUESTED);
}

/* Several at once are only written down: they wait until somebody schedules. */
static void
ask_many(Rig *r, size_t n, int64_t priority, TimeUs due, Id *ret)
{
	ExecutionIn in[MOST];
	ExecutionOut out[MOST];
	Err err = { 0 };

	for (size_t i = 0; i < n; i++)
		in[i] = (ExecutionIn){
			.action_ref = str_of("test.do"), .by = str_of("tester"), .priority = priority, .due = due
		};
	CHECK_OK(uow_begin(r->u, &err), err);
	CHECK_OK(executions_create(r->u, in, n, out, &err), err);
	CHECK_OK(uow_commit(r->u, &points_create, &err), err);
	for (size_t i = 0; i < n; i++)
		ret[i] = out[i].id;
}

/* As many as that of the action at a time. */
static void
limit_to(Rig *r, Id action, const char *action_ref, const char *concurrency)
{
	PolicyDef d = { .ref = str_of("test.limit"),
		.label = str_of("Limit"),
		.enabled = true,
		.action = action,
		.action_ref = str_of(action_ref) };
	Json c, none = json_null();
	DefPut put;
	Err err = { 0 };

	CHECK_OK(uow_begin(r->u, &err), err);
	CHECK_OK(json_parse(r->u->arena, str_of(concurrency), NULL, &c, &err), err);
	d.tags = json_array();
	CHECK_OK(policy_limits_read(&c, &none, &none, &d, &err), err);
	CHECK_OK(policy_put(r->u->db, r->u->arena, &d, r->u->now, &put, &err), err);
	CHECK_OK(uow_commit(r->u, &points_create, &err), err);
}

static void
limit_none(Rig *r)
{
	PolicyDef d;
	Err err = { 0 };

	CHECK_OK(uow_begin(r->u, &err), err);
	CHECK_OK(policy_get_ref(r->u->db, r->u->arena, str_of("test.limit"), &d, &err), err);
	CHECK_OK(policy_delete(r->u->db, r->u->arena, d.id, r->u->now, &err), err);
	CHECK_OK(uow_commit(r->u, &points_create, &err), err);
}

/* Another rule on the same trigger, of a higher priority; with an action of its own when it has a name. */
static Id
rule_urgent(Rig *r, const char *action_ref)
{
	ActionDef action;
	RuleDef rule;
	DefPut put;
	Err err = { 0 };
	Id id = r->action;

	CHECK_OK(uow_begin(r->u, &err), err);
	CHECK_OK(action_get(r->u->db, r->u->arena, r->action, &action, &err), err);
	if (action_ref != NULL) {
		action.id = 0;
		action.ref = str_of(action_ref);
		CHECK_OK(action_put(r->u->db, r->u->arena, &action, r->u->now, &put, &err), err);
		id = put.id;
	}
	CHECK_OK(rule_get(r->u->db, r->u->arena, r->rule, &rule, &err), err);
	rule.id = 0;
	rule.ref = str_of("test.urgent");
	rule.priority = 50;
	rule.action = id;
	rule.action_ref = action.ref;
	CHECK_OK(rule_put(r->u->db, r->u->arena, &rule, r->u->now, &put, &err), err);
	CHECK_OK(uow_commit(r->u, &points_create, &err), err);
	return id;
}

/* ---- who comes first ---- */

TEST(of_runs_that_come_together_the_first_get_the_room_and_what_waits_comes_before_them)
{
	CLEANUP(rig_done) Rig *r = rig_open();
	Id waits[2], runs[5], later[2];

	ask_many(r, 2, 0, 0, waits);
	rig_worker(r, "i1", 3, "shell"); /* and one at the door */
	CHECK_INT((int64_t)come(r, 5, runs), 5);
	check_given(r, waits, 2, 2);
	check_given(r, runs, 5, 2);
	/* who comes when some wait stands behind them, though there may be room again */
	CHECK(rig_claim(r, waits[0], 1, "i1") && rig_finish(r, waits[0], 1, EV_EXIT_OK));
	CHECK_INT((int64_t)come(r, 2, later), 2);
	check_given(r, runs, 5, 3);
	check_given(r, later, 2, 0);
}

TEST(of_runs_that_come_together_the_urgent_get_the_room)
{
	CLEANUP(rig_done) Rig *r = rig_open();
	Id runs[6];
	size_t n;

	rig_worker(r, "i1", 2, "shell");
	(void)rule_urgent(r, NULL);
	n = come(r, 3, runs);
	CHECK_INT((int64_t)n, 6);
	CHECK_INT(rig_number(r, "select count(*) from execution where status = 'scheduled' and priority = 50"), 3);
	CHECK_INT(rig_number(r, "select count(*) from execution where status = 'scheduled' and priority = 0"), 0);
}

TEST(what_is_urgent_and_limited_finds_its_room)
{
	CLEANUP(rig_done) Rig *r = rig_open();
	Id runs[6], urgent;

	rig_worker(r, "i1", 2, "shell");
	urgent = rule_urgent(r, "test.urgent_do");
	limit_to(r, urgent, "test.urgent_do", "{\"limit\": 2}");
	CHECK_INT((int64_t)come(r, 3, runs), 6);
	CHECK_INT(rig_number(r, "select count(*) from execution where status = 'scheduled' and priority = 50"), 2);
	CHECK_INT(rig_number(r, "select count(*) from execution where status = 'scheduled' and priority = 0"), 1);
}

/* ---- who gets none ---- */

TEST(a_limit_holds_runs_that_come_together)
{
	CLEANUP(rig_done) Rig *r = rig_open();
	Id runs[5], more[3];

	rig_worker(r, "i1", 8, "shell");
	limit_to(r, r->action, "test.do", "{\"limit\": 2}");
	CHECK_INT((int64_t)come(r, 5, runs), 5);
	check_given(r, runs, 5, 2);
	CHECK_INT(rig_look(r, runs[2]).reason, WAIT_CONCURRENCY);
	/* and those that began without it count */
	limit_none(r);
	rig_schedule(r);
	check_given(r, runs, 5, 5);
	limit_to(r, r->action, "test.do", "{\"limit\": 6}");
	CHECK_INT((int64_t)come(r, 3, more), 3);
	check_given(r, more, 3, 1);
}

TEST(a_worker_that_is_cordoned_gone_or_of_another_kind_gets_none_of_them)
{
	static const char *const kinds[] = { "cordoned", "gone", "other" };

	for (size_t k = 0; k < countof(kinds); k++) {
		CLEANUP(rig_done) Rig *r = rig_open();
		static const Stmt cordon = { .sql = "update worker set cordoned = true", .in = "" };
		static const Stmt gone = { .sql = "update worker set status = 'inactive'", .in = "" };
		Id runs[3];

		rig_worker(r, "i1", 8, k == 2 ? "ruby" : "shell");
		if (k < 2)
			world_do(r->w, k == 0 ? &cordon : &gone, NULL);
		CHECK_INT((int64_t)come(r, 3, runs), 3);
		check_given(r, runs, 3, 0);
		CHECK_INT(rig_look(r, runs[0]).reason, WAIT_NO_WORKER);
	}
}

/* ---- a line before a limit of which only the head is read ---- */

TEST(a_limit_that_is_raised_or_gone_wakes_the_whole_line)
{
	CLEANUP(rig_done) Rig *r = rig_open();
	Id runs[MOST];

	rig_worker(r, "i1", MOST, "shell");
	limit_to(r, r->action, "test.do", "{\"limit\": 2}");
	ask_many(r, MOST, 0, 0, runs);
	rig_schedule(r);
	check_given(r, runs, MOST, 2);
	limit_to(r, r->action, "test.do", "{\"limit\": 40}");
	rig_schedule(r);
	check_given(r, runs, MOST, 40);
	limit_to(r, r->action, "test.do", "{\"limit\": 41, \"key\": [\"customer\"]}");
	rig_schedule(r);
	check_given(r, runs, MOST, 41);
	limit_none(r);
	rig_schedule(r);
	check_given(r, runs, MOST, MOST);
}

TEST(a_limit_that_cancels_sees_the_whole_line)
{
	CLEANUP(rig_done) Rig *r = rig_open();
	Id runs[MOST];

	rig_worker(r, "i1", MOST, "shell");
	limit_to(r, r->action, "test.do", "{\"limit\": 2, \"method\": \"cancel\"}");
	ask_many(r, MOST, 0, 0, runs);
	rig_schedule(r);
	for (size_t i = 0; i < MOST; i++)
		check_status(r, runs[i], i < 2 ? EXEC_SCHEDULED : EXEC_CANCELLED);
}

/* ---- how often a row is written ---- */

/* Every update of a run is noted. */
static void
watch_updates(Rig *r)
{
	static const Stmt table = { .sql = "create table touched (id bigint)", .in = "" };
	static const Stmt function = {
		.sql = "select 1",
		.pg = "create function touch() returns trigger language plpgsql as "
		      "'begin insert into touched values (new.id); return new; end'",
		.in = "",
	};
	static const Stmt trigger = {
		.sql =
		    "create trigger touching after update on execution begin insert into touched values (new.id); end",
		.pg = "create trigger touching after update on execution for each row execute function touch()",
		.in = "",
	};

	world_do(r->w, &table, NULL);
	world_do(r->w, &function, NULL);
	world_do(r->w, &trigger, NULL);
}

TEST(runs_that_find_room_are_written_once_and_limited_ones_when_they_go)
{
	CLEANUP(rig_done) Rig *r = rig_open();
	Id runs[MOST];
	bool more;
	Err err = { 0 };

	rig_worker(r, "i1", 100, "shell");
	watch_updates(r);
	CHECK_INT((int64_t)come(r, 20, runs), 20);
	check_given(r, runs, 20, 20);
	CHECK_INT(rig_number(r, "select count(*) from touched"), 0);
	/* a priority, a time, a limit: all is in the row that is made */
	limit_to(r, r->action, "test.do", "{\"limit\": 22}");
	ask_many(r, 20, 7, 0, runs);
	ask_many(r, 20, 0, r->now + 60 * US_PER_S, runs + 20);
	CHECK_INT(rig_number(r, "select count(*) from touched"), 0);
	CHECK_INT(rig_number(r, "select count(*) from execution where priority = 7 and slot is not null"), 20);
	CHECK_INT(rig_number(r, "select count(*) from execution where due_at is not null and wait_class is null and "
				"parked_class is not null and wait_reason = 'delay'"),
	    20);
	/* two go, the head of the others is told why it waits, and those before the limit learn that they have it */
	rig_schedule(r);
	check_given(r, runs, 20, 2);
	CHECK_INT(rig_number(r, "select count(*) from touched"), 2 + 1 + 20);
	r->now += 60 * US_PER_S;
	CHECK_OK(uow_begin(r->u, &err), err);
	CHECK_OK(schedule_due(r->u, &more, &err), err);
	CHECK_OK(uow_commit(r->u, &points_schedule, &err), err);
	check_given(r, runs, 40, 2);
	CHECK_INT(
	    rig_number(r, "select count(*) from execution where wait_class is not null and status = 'requested'"), 38);
}

/* ---- two executors ---- */

typedef struct Other {
	Uow *u;
	const Id *ids;
	size_t n;
	bool ok;
} Other;

static void *
other_enforces(void *arg)
{
	Other *o = arg;
	Err err = { 0 };

	o->ok = uow_begin(o->u, &err) && enforce(o->u, o->ids, o->n, &err) && uow_commit(o->u, &points_enforce, &err);
	if (!o->ok)
		fprintf(stderr, "%s\n", err.text);
	return NULL;
}

static void
until_somebody_waits(Rig *r)
{
	/* each look is a round trip to the server */
	for (int i = 0; i < 100000; i++)
		if (rig_number(r, "select count(*) from pg_locks l where not l.granted and (l.database is null or "
				  "l.database = (select oid from pg_database where datname = current_database()))") > 0)
			return;
	CHECK(!"nobody waits");
}

/* The first has given all the room there is and not yet committed; what the other has counted before is not true any more. */
TEST(two_executors_never_give_a_worker_more_than_it_has_room_for)
{
	CLEANUP(rig_done) Rig *r = rig_open();
	ExecutionIn in[3] = { 0 };
	ExecutionOut out[3];
	Id ids[3];
	Other other = { .ids = ids };
	pthread_t thread;
	Err err = { 0 };

	if (!world_is_postgres())
		return; /* SQLite has one writer */
	rig_worker(r, "i1", 2, "shell");
	other.n = happen(r, 3, ids);
	CHECK_OK(uow_open(&r->engine, &other.u, &err), err);
	for (size_t i = 0; i < countof(in); i++)
		in[i] = (ExecutionIn){ .action_ref = str_of("test.do"), .by = str_of("tester") };
	CHECK_OK(uow_begin(r->u, &err), err);
	CHECK_OK(executions_create(r->u, in, countof(in), out, &err), err);
	CHECK_OK(schedule(r->u, &err), err);
	CHECK_INT(pthread_create(&thread, NULL, other_enforces, &other), 0);
	until_somebody_waits(r);
	CHECK_OK(uow_commit(r->u, &points_create, &err), err);
	CHECK_INT(pthread_join(thread, NULL), 0);
	uow_close(other.u);
	CHECK(other.ok);
	CHECK_INT(rig_number(r, "select count(*) from execution where status = 'scheduled'"), 3);
	CHECK_INT(rig_number(r, "select count(*) from execution where status = 'requested'"), 3);
}

TEST(two_executors_make_one_run_of_an_enforcement)
{
	CLEANUP(rig_done) Rig *r = rig_open();
	Id ids[8], backwards[8];
	Other other = { .ids = backwards };
	pthread_t thread;
	Err err = { 0 };

	if (!world_is_postgres())
		return; /* SQLite has one writer */
	rig_worker(r, "i1", 20, "shell");
	other.n = happen(r, 8, ids);
	for (size_t i = 0; i < 8; i++)
		backwards[i] = ids[7 - i];
	CHECK_OK(uow_open(&r->engine, &other.u, &err), err);
	CHECK_OK(uow_begin(r->u, &err), err);
	CHECK_OK(enforce(r->u, ids, 5, &err), err);
	CHECK_INT(pthread_create(&thread, NULL, other_enforces, &other), 0);
	until_somebody_waits(r);
	CHECK_OK(uow_commit(r->u, &points_enforce, &err), err);
	CHECK_INT(pthread_join(thread, NULL), 0);
	uow_close(other.u);
	CHECK(other.ok);
	CHECK_INT(rig_number(r, "select count(*) from execution"), 8);
	for (size_t i = 0; i < 8; i++)
		check_status(r, made_of(r, ids[i]), EXEC_SCHEDULED);
}
