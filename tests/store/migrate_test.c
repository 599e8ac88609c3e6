#include "store/migrate.h"

#include "store/db_impl.h"
#include "test.h"
#include "world.h"

#include <pthread.h>

static const Migration steps[] = {
	{ 1, "one", .sqlite = "create table a (n integer); insert into a values (0)",
	    .pg = "create table a (n bigint); insert into a values (0)" },
	{ 2, "two", .sqlite = "alter table a add column m integer; update a set n = n + 1",
	    .pg = "alter table a add column m bigint; update a set n = n + 1" },
	{ 3, "three", .sqlite = "update a set n = n + 1; create table a (n integer)",
	    .pg = "update a set n = n + 1; create table a (n bigint)" },
};

static const Stmt value = { "select n from a" };

TEST(migrations_run_once_and_in_order)
{
	CLEANUP(world_done) World *w = world_bare();
	MigrationState *list;
	size_t n;
	int applied = -1;
	Err err = { 0 };

	CHECK(!migrate_set_check(w->store, (MigrationSet){ steps, 2 }, &err));
	CHECK_OK(migrate_set(w->store, (MigrationSet){ steps, 1 }, 5 * US_PER_S, &applied, &err), err);
	CHECK_INT(applied, 1);
	CHECK_OK(migrate_set_status(w->store, (MigrationSet){ steps, 2 }, w->a, &list, &n, &err), err);
	CHECK_INT((int64_t)n, 2);
	CHECK_INT(list[0].applied_at, 5 * US_PER_S);
	CHECK_INT(list[1].applied_at, 0);
	CHECK_STR(list[1].name, str_of("two"));
	CHECK(!migrate_set_check(w->store, (MigrationSet){ steps, 2 }, &err));
	CHECK_STR(
	    str_of(err.text), str_of("the database is at migration 1, this attune needs 2: run 'attune db migrate'"));
	CHECK_OK(migrate_set(w->store, (MigrationSet){ steps, 2 }, 6 * US_PER_S, &applied, &err), err);
	CHECK_INT(applied, 1);
	CHECK_OK(migrate_set(w->store, (MigrationSet){ steps, 2 }, 7 * US_PER_S, &applied, &err), err);
	CHECK_INT(applied, 0);
	CHECK_OK(migrate_set_check(w->store, (MigrationSet){ steps, 2 }, &err), err);
	CHECK_INT(world_number(w, &value), 1);
}

TEST(a_migration_that_fails_leaves_nothing_and_is_named)
{
	CLEANUP(world_done) World *w = world_bare();
	int applied;
	Err err = { 0 };

	CHECK(!migrate_set(w->store, (MigrationSet){ steps, 3 }, US_PER_S, &applied, &err));
	CHECK(str_starts(str_of(err.text), str_of("migration 3 'three': ")));
	CHECK_INT(world_number(w, &value), 1);
	CHECK_OK(migrate_set_check(w->store, (MigrationSet){ steps, 2 }, &err), err);
}

TEST(a_newer_database_is_refused)
{
	CLEANUP(world_done) World *w = world_bare();
	int applied;
	Err err = { 0 };

	CHECK_OK(migrate_set(w->store, (MigrationSet){ steps, 2 }, US_PER_S, &applied, &err), err);
	CHECK(!migrate_set_check(w->store, (MigrationSet){ steps, 1 }, &err));
	CHECK_STR(
	    str_of(err.text), str_of("the database is at migration 2, this attune knows 1: install a newer attune"));
	CHECK(!migrate_set(w->store, (MigrationSet){ steps, 1 }, US_PER_S, &applied, &err));
	CHECK_INT(err.code, ERR_UNSUPPORTED);
}

typedef struct Starter {
	StoreConfig config;
	int applied;
	bool ok;
	Err err;
} Starter;

static void *
starter(void *arg)
{
	Starter *s = arg;
	Store *store;

	s->ok = store_open(&s->config, &store, &s->err);
	if (!s->ok)
		return NULL;
	s->ok = migrate_set(store, (MigrationSet){ steps, 2 }, US_PER_S, &s->applied, &s->err);
	store_close(store);
	return NULL;
}

TEST(of_many_starters_at_once_each_migration_is_run_by_one)
{
	enum { STARTERS = 6 };
	CLEANUP(world_done) World *w = world_bare();
	Starter starters[STARTERS] = { 0 };
	pthread_t threads[STARTERS];
	int applied = 0;

	for (int i = 0; i < STARTERS; i++) {
		starters[i].config = w->config;
		CHECK(pthread_create(&threads[i], NULL, starter, &starters[i]) == 0);
	}
	for (int i = 0; i < STARTERS; i++)
		pthread_join(threads[i], NULL);
	for (int i = 0; i < STARTERS; i++) {
		CHECK_OK(starters[i].ok, starters[i].err);
		applied += starters[i].applied;
	}
	CHECK_INT(applied, 2);
	CHECK_INT(world_number(w, &value), 1);
}

TEST(the_migrations_in_the_binary_apply)
{
	CLEANUP(world_done) World *w = world_bare();
	int applied;
	Err err = { 0 };

	CHECK(migrations_embedded_count > 0);
	CHECK_OK(migrate(w->store, US_PER_S, &applied, &err), err);
	CHECK(applied == (int)migrations_embedded_count);
	CHECK_OK(migrate_check(w->store, &err), err);
}
