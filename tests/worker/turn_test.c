/* The worker's turn, where the world in which runs happen and the database fail it at once. */
#include "rig.h"
#include "worker/worker.h"

#include "test.h"

/* ---- a commit that happens, and of which nobody hears ---- */

static bool breaks; /* the next one does; the linker gives a wrap no other way to know it */

MUST_CHECK bool __wrap_db_commit(Db *db, Err *err);
MUST_CHECK bool __real_db_commit(Db *db, Err *err);

bool
__wrap_db_commit(Db *db, Err *err)
{
	bool broken = breaks;

	breaks = false;
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
