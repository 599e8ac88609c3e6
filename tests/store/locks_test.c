/* Locks of PostgreSQL: one installation has them for itself, another in the same database does not notice, an earlier version does. */
#include "store/change.h"
#include "store/db_impl.h"
#include "store/execution.h"
#include "store/migrate.h"
#include "store/rule_window.h"
#include "store/webhook.h"

#include "test.h"
#include "world.h"

static bool
right_take(Db *db, Arena *a, bool *ret, Err *err)
{
	return execution_schedule_now(db, a, ret, err);
}

static bool
right_of_newborn(Db *db, Arena *a, bool *ret, Err *err)
{
	return execution_schedule_try(db, a, ret, err);
}

/* As schedule() takes it, which waits: it wants something that waits. */
static bool
right_wait(Db *db, Arena *a, bool *ret, Err *err)
{
	ExecNew row = { .action_ref = str_of("test.do"),
		.status = EXEC_REQUESTED,
		.wait_class = str_of("test"),
		.wait = WAIT_CAPACITY,
		.by = str_of("tester") };
	Id id;

	return execution_insert(db, a, &row, 1, US_PER_S, &id, err) && execution_schedule_alone(db, a, ret, err);
}

static bool
taken(bool ok, bool *ret)
{
	*ret = true;
	return ok;
}

static bool
change_take(Db *db, Arena *a, bool *ret, Err *err)
{
	return taken(change_lock(db, a, err), ret);
}

static bool
window_take(Db *db, Arena *a, bool *ret, Err *err)
{
	return taken(rule_window_lock(db, a, 7, err), ret);
}

static bool
webhook_take(Db *db, Arena *a, bool *ret, Err *err)
{
	return taken(webhook_lock(db, a, 7, err), ret);
}

static const struct {
	bool (*take)(Db *db, Arena *a, bool *ret, Err *err);
	const Stmt earlier; /* what earlier versions lock, without waiting */
} locks[] = {
	{ right_take, { "select pg_try_advisory_xact_lock(74711)", "" } },
	{ right_of_newborn, { "select pg_try_advisory_xact_lock(74711)", "" } },
	{ right_wait, { "select pg_try_advisory_xact_lock(74711)", "" } },
	{ change_take, { "select pg_try_advisory_xact_lock(74710)", "" } },
	{ window_take, { "select pg_try_advisory_xact_lock(74712, 7)", "" } },
	{ webhook_take, { "select pg_try_advisory_xact_lock(74713, 7)", "" } },
};

static World *
installed(void)
{
	World *w = world_bare();
	Err err = { 0 };

	CHECK_OK(migrate(w->store, US_PER_S, NULL, &err), err);
	return w;
}

/* Those that wait for a lock wait a moment only, and who got none has failed. */
static void
open_soon(Db *db)
{
	Err err = { 0 };

	CHECK_OK(db_begin(db, &err) && db_script(db, "set local lock_timeout = 100", &err), err);
}

static bool
gets(World *w, Db *db, size_t lock)
{
	Err err = { 0 };
	bool right;

	return locks[lock].take(db, w->a, &right, &err) && right;
}

static bool
earlier_gets(World *w, Db *db, size_t lock)
{
	Rows rows;
	Err err = { 0 };

	CHECK_OK(db_exec(db, w->a, &locks[lock].earlier, NULL, &rows, &err), err);
	return row_bool(rows_at(&rows, 0), 0);
}

TEST(two_installations_of_one_database_hold_the_same_locks_at_once)
{
	CLEANUP(world_done) World *one = installed();
	CLEANUP(world_done) World *other = installed();

	for (size_t i = 0; i < countof(locks); i++) {
		open_soon(one->db);
		open_soon(other->db);
		CHECK(gets(one, one->db, i));
		CHECK(gets(other, other->db, i));
		db_rollback(one->db);
		db_rollback(other->db);
	}
}

TEST(of_one_installation_one_transaction_holds_a_lock_until_it_ends)
{
	CLEANUP(world_done) World *w = installed();
	CLEANUP(db_done) Db *second = NULL;
	Err err = { 0 };

	CHECK_OK(db_open(w->store, &second, &err), err);
	for (size_t i = 0; i < countof(locks); i++) {
		open_soon(w->db);
		open_soon(second);
		CHECK(gets(w, w->db, i));
		CHECK(!gets(w, second, i));
		db_rollback(second);
		db_rollback(w->db);
		open_soon(second);
		CHECK(gets(w, second, i));
		db_rollback(second);
	}
}

TEST(a_process_of_an_earlier_version_and_one_of_this_keep_each_other_out)
{
	CLEANUP(world_done) World *w = installed();
	CLEANUP(db_done) Db *earlier = NULL;
	Err err = { 0 };

	CHECK_OK(db_open(w->store, &earlier, &err), err);
	for (size_t i = 0; i < countof(locks); i++) {
		open_soon(w->db);
		CHECK(gets(w, w->db, i));
		CHECK_OK(db_begin(earlier, &err), err);
		CHECK(!earlier_gets(w, earlier, i));
		db_rollback(w->db);
		CHECK(earlier_gets(w, earlier, i));
		open_soon(w->db);
		CHECK(!gets(w, w->db, i));
		db_rollback(w->db);
		db_rollback(earlier);
	}
}

TEST(locks_of_different_rows_do_not_wait_for_each_other)
{
	CLEANUP(world_done) World *w = installed();
	CLEANUP(db_done) Db *second = NULL;
	Err err = { 0 };

	CHECK_OK(db_open(w->store, &second, &err), err);
	open_soon(w->db);
	open_soon(second);
	CHECK_OK(rule_window_lock(w->db, w->a, 7, &err) && webhook_lock(w->db, w->a, 8, &err), err);
	CHECK_OK(rule_window_lock(second, w->a, 8, &err) && webhook_lock(second, w->a, 7, &err), err);
	db_rollback(w->db);
	db_rollback(second);
}
