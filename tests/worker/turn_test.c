/* The worker's turn, where the world in which runs happen and the database fail it at once. */
#include "rig.h"

#include "model/policy.h"
#include "store/action.h"
#include "store/policy.h"
#include "store/runtime.h"
#include "worker/worker.h"

#include "test.h"

/* ---- a commit that happens, and of which nobody hears ---- */

static bool breaks;    /* the next one does; the linker gives a wrap no other way to know it */
static bool fails;     /* the next one does not happen at all */
static size_t commits; /* that were tried */

MUST_CHECK bool __wrap_db_commit(Db *db, Err *err);
MUST_CHECK bool __real_db_commit(Db *db, Err *err);

bool
__wrap_db_commit(Db *db, Err *err)
{
	bool broken = breaks;

	breaks = false;
	commits++;
	if (fails) {
		fails = false;
		return err_set(err, ERR_AWAY, "the connection broke before the commit");
	}
	return __real_db_commit(db, err) && (!broken || err_set(err, ERR_AWAY, "the connection broke in the commit"));
}

/* ---- runs that end when the test says so ---- */

typedef struct Hands {
	Starter face;
	const Rig *r;
	Id started;
	size_t starts;
	bool ends, full;
} Hands;

static bool
hands_start(Starter *face, const RunSpec *spec, Err *err)
{
	Hands *h = (Hands *)face;

	(void)err;
	h->started = spec->execution;
	h->starts++;
	return true;
}

static size_t
hands_ended(Starter *face, Arena *a, RunEnd *ret, size_t max)
{
	Hands *h = (Hands *)face;

	if (!h->ends || max == 0)
		return 0;
	h->ends = false;
	ret[0] = (RunEnd){ .execution = h->started,
		.attempt = 1,
		.outcome = RUN_SUCCEEDED,
		.started_at = h->r->now,
		.finished_at = h->r->now + 1000,
		.result = json_object() };
	json_add(a, &ret[0].result, "succeeded", json_bool(true));
	return 1;
}

static Str
hands_full(Starter *face)
{
	return ((Hands *)face)->full ? str_of("the disk is full") : (Str){ 0 };
}

static void
turn_ok(WorkerTurn *t)
{
	Err err = { 0 };
	bool more;

	CHECK_OK(worker_turn(t, &more, &err), err);
}

/* Given back it would be nobody's: its row is this worker's already. */
TEST(a_run_whose_claim_is_stored_unheard_of_is_started_though_the_worker_is_full_by_then)
{
	CLEANUP(rig_done) Rig *r = rig_open();
	Hands h = { .face = { .start = hands_start, .ended = hands_ended, .full = hands_full }, .r = r };
	WorkerConfig config = { .name = str_of("w1"), .slots = 1, .starter = &h.face };
	Id ours = rig_create(r), next = rig_create(r);
	WorkerTurn *t;
	Err err = { 0 };
	bool more;

	rig_worker(r, "i1", 2, "shell");
	rig_schedule(r);
	t = worker_turn_open(r->u, &config, r->worker, str_of("i1"));
	worker_turn_dispatch(t, ours, 1, r->action);
	worker_turn_dispatch(t, next, 1, r->action);
	breaks = true;
	CHECK(!worker_turn(t, &more, &err));
	uow_abort(r->u);
	check_status(r, ours, EXEC_RUNNING);
	h.full = true;
	turn_ok(t);
	CHECK_INT(h.started, ours);
	turn_ok(t);
	check_status(r, next, EXEC_REQUESTED);
	h.ends = true;
	turn_ok(t);
	check_status(r, ours, EXEC_COMPLETED);
	CHECK_INT((int64_t)h.starts, 1);
	CHECK_INT((int64_t)worker_turn_running(t), 0);
	worker_turn_close(t);
}

static void
one_at_a_time(Rig *r)
{
	Uow *u = r->u;
	PolicyDef d = {
		.ref = str_of("one"), .label = str_of("one"), .enabled = true, .action_ref = str_of("test.do")
	};
	Json limit, none = json_null();
	DefPut put;
	Err err = { 0 };

	CHECK_OK(uow_begin(u, &err), err);
	d.action = r->action;
	d.tags = json_array();
	CHECK_OK(json_parse(u->arena, str_of("{\"limit\": 1}"), NULL, &limit, &err), err);
	CHECK_OK(policy_limits_read(&limit, &none, &none, &d, &err), err);
	CHECK_OK(policy_put(u->db, u->arena, &d, u->now, &put, &err), err);
	CHECK_OK(uow_commit(u, &points_create, &err), err);
}

/* Nobody sends it a message about what it has given itself. */
TEST(what_a_worker_s_own_transaction_gives_it_begins_at_once)
{
	CLEANUP(rig_done) Rig *r = rig_open();
	Hands h = { .face = { .start = hands_start, .ended = hands_ended, .full = hands_full }, .r = r };
	WorkerConfig config = { .name = str_of("w1"), .slots = 2, .starter = &h.face };
	Id first, next;
	WorkerTurn *t;
	Err err = { 0 };
	bool more;

	one_at_a_time(r);
	first = rig_create(r);
	next = rig_create(r);
	rig_worker(r, "i1", 2, "shell");
	rig_schedule(r);
	check_status(r, next, EXEC_REQUESTED);
	t = worker_turn_open(r->u, &config, r->worker, str_of("i1"));
	worker_turn_dispatch(t, first, 1, r->action);
	turn_ok(t);
	CHECK_INT(h.started, first);
	h.ends = true;
	CHECK_OK(worker_turn(t, &more, &err), err);
	check_status(r, first, EXEC_COMPLETED);
	check_status(r, next, EXEC_SCHEDULED);
	CHECK(more);
	turn_ok(t);
	CHECK_INT(h.started, next);
	check_status(r, next, EXEC_RUNNING);
	worker_turn_close(t);
}

/* An end that is stored unheard of, with what followed it, follows once; and one whose transaction failed is tried without what follows it. */
TEST(what_follows_an_end_is_made_once_though_nobody_hears_of_its_commit)
{
	CLEANUP(rig_done) Rig *r = rig_open();
	Hands h = { .face = { .start = hands_start, .ended = hands_ended, .full = hands_full }, .r = r };
	WorkerConfig config = { .name = str_of("w1"), .slots = 2, .starter = &h.face };
	Id first, next, last;
	WorkerTurn *t;
	Err err = { 0 };
	bool more;

	one_at_a_time(r);
	first = rig_create(r);
	next = rig_create(r);
	last = rig_create(r);
	rig_worker(r, "i1", 2, "shell");
	rig_schedule(r);
	t = worker_turn_open(r->u, &config, r->worker, str_of("i1"));
	worker_turn_dispatch(t, first, 1, r->action);
	turn_ok(t);
	h.ends = breaks = true;
	CHECK(!worker_turn(t, &more, &err));
	uow_abort(r->u);
	turn_ok(t);
	check_status(r, first, EXEC_COMPLETED);
	check_status(r, next, EXEC_SCHEDULED);
	check_status(r, last, EXEC_REQUESTED);
	CHECK_INT((int64_t)h.starts, 1); /* of the next it will be told by the sweeper */
	worker_turn_dispatch(t, next, 1, r->action);
	turn_ok(t);
	CHECK_INT(h.started, next);
	worker_turn_close(t);
}

/* ---- runs that are done at once ---- */

enum { QUICK_MOST = 64 };

typedef struct Quick {
	Starter face;
	const Rig *r;
	RunSpec under_way[QUICK_MOST];
	size_t n, starts;
} Quick;

static bool
quick_start(Starter *face, const RunSpec *spec, Err *err)
{
	Quick *h = (Quick *)face;

	(void)err;
	CHECK(h->n < QUICK_MOST);
	h->under_way[h->n++] = *spec;
	h->starts++;
	return true;
}

static size_t
quick_ended(Starter *face, Arena *a, RunEnd *ret, size_t max)
{
	Quick *h = (Quick *)face;
	size_t n = h->n;

	CHECK(n <= max);
	for (size_t i = 0; i < n; i++) {
		ret[i] = (RunEnd){ .execution = h->under_way[i].execution,
			.attempt = h->under_way[i].attempt,
			.outcome = RUN_SUCCEEDED,
			.started_at = h->r->now,
			.finished_at = h->r->now,
			.result = json_object() };
		json_add(a, &ret[i].result, "succeeded", json_bool(true));
	}
	h->n = 0;
	return n;
}

static Str
quick_full(Starter *face)
{
	(void)face;
	return (Str){ 0 };
}

/* The rig's action becomes core.noop. */
static void
made_quick(Rig *r)
{
	Uow *u = r->u;
	RuntimeDef runtime;
	ActionDef action;
	DefPut put;
	Err err = { 0 };

	CHECK_OK(uow_begin(u, &err), err);
	CHECK_OK(action_get_ref(u->db, u->arena, str_of("test.do"), &action, &err), err);
	CHECK_OK(runtime_get_ref(u->db, u->arena, str_of("test.shell"), &runtime, &err), err);
	runtime.name = str_of("internal");
	action.entrypoint = str_of("core.noop");
	CHECK_OK(runtime_put(u->db, u->arena, &runtime, u->now, &put, &err), err);
	CHECK_OK(action_put(u->db, u->arena, &action, u->now, &put, &err), err);
	CHECK_OK(uow_commit(u, &points_create, &err), err);
}

static WorkerTurn *
quick_line(Rig *r, Quick *h, WorkerConfig *config, Id *ids, size_t n)
{
	WorkerTurn *t;

	*h = (Quick){ .face = { .start = quick_start, .ended = quick_ended, .full = quick_full }, .r = r };
	*config = (WorkerConfig){ .name = str_of("w1"), .slots = 2, .starter = &h->face, .quick_at_once = true };
	made_quick(r);
	one_at_a_time(r);
	for (size_t i = 0; i < n; i++)
		ids[i] = rig_create(r);
	rig_worker(r, "i1", 2, "internal");
	rig_schedule(r);
	t = worker_turn_open(r->u, config, r->worker, str_of("i1"));
	worker_turn_dispatch(t, ids[0], 1, r->action);
	return t;
}

TEST(quick_runs_that_wait_for_each_other_before_a_limit_share_commits)
{
	CLEANUP(rig_done) Rig *r = rig_open();
	enum { LINE = 20 };
	WorkerConfig config;
	Id ids[LINE];
	Quick h;
	WorkerTurn *t = quick_line(r, &h, &config, ids, LINE);
	Err err = { 0 };
	bool more = true;

	commits = 0;
	while (more)
		CHECK_OK(worker_turn(t, &more, &err), err);
	CHECK(commits < LINE / 2);
	for (size_t i = 0; i < LINE; i++)
		check_status(r, ids[i], EXEC_COMPLETED);
	CHECK_INT((int64_t)h.starts, LINE);
	CHECK_INT((int64_t)worker_turn_running(t), 0);
	worker_turn_close(t);
}

/* Runs that exist by the transaction only are gone with it, and come again with the next. */
TEST(quick_runs_whose_common_commit_fails_are_done_by_the_next)
{
	CLEANUP(rig_done) Rig *r = rig_open();
	enum { LINE = 40, FIRST = 16 }; /* so many are done by one transaction */
	WorkerConfig config;
	Id ids[LINE];
	Quick h;
	WorkerTurn *t = quick_line(r, &h, &config, ids, LINE);
	Err err = { 0 };
	bool more;

	turn_ok(t);
	check_status(r, ids[FIRST - 1], EXEC_COMPLETED);
	check_status(r, ids[FIRST], EXEC_SCHEDULED);
	fails = true;
	h.starts = 0;
	CHECK(!worker_turn(t, &more, &err));
	uow_abort(r->u);
	CHECK(h.starts > 1); /* several were done, and none of it was */
	check_status(r, ids[FIRST], EXEC_SCHEDULED);
	check_status(r, ids[FIRST + 1], EXEC_REQUESTED);
	turn_ok(t);
	check_status(r, ids[FIRST], EXEC_COMPLETED);
	rig_schedule(r); /* the transaction after one that failed leaves that to others */
	worker_turn_dispatch(t, ids[FIRST + 1], 1, r->action);
	for (more = true; more;)
		CHECK_OK(worker_turn(t, &more, &err), err);
	for (size_t i = 0; i < LINE; i++)
		check_status(r, ids[i], EXEC_COMPLETED);
	worker_turn_close(t);
}
