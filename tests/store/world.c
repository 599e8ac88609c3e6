#include "world.h"

#include "store/db_impl.h"
#include "test.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static const Migration items[] = {
	{ 1, "items",
	    .sqlite =
		"create table item (id integer primary key autoincrement, n integer unique, r real, b integer,"
		" t integer, s text, j text, x blob,"
		" name text not null default 'none', constraint item_small check (n < 1000000));"
		"create table part (id integer primary key autoincrement, item integer not null references item);",
	    .pg = "create table item (id bigserial primary key, n bigint unique, r float8, b boolean,"
		  " t timestamptz, s text, j jsonb, x bytea,"
		  " name text not null default 'none', constraint item_small check (n < 1000000));"
		  "create table part (id bigserial primary key, item bigint not null references item);" },
};

bool
world_is_postgres(void)
{
	const char *kind = getenv("ATTUNE_TEST_STORE");

	return kind != NULL && strcmp(kind, "postgres") == 0;
}

const char *
world_pg_url(void)
{
	const char *url = getenv("ATTUNE_TEST_PG");

	if (url == NULL)
		test_fail(__FILE__, __LINE__, "ATTUNE_TEST_PG is not set: run the tests under dev/with-servers");
	return url;
}

static void
choose_sqlite(World *w)
{
	char dir[] = "/tmp/attune-store.XXXXXX";

	CHECK(mkdtemp(dir) != NULL);
	w->dir = str_cstr(w->a, str_of(dir));
	w->config.url = str_fmt(w->a, "sqlite:%s/attune.db", w->dir);
}

static void
choose_postgres(World *w)
{
	Uuid u = uuid_new(clock_wall(clock_real()));

	w->config.url = str_of(world_pg_url());
	w->config.schema =
	    str_fmt(w->a, "test_%llx", (unsigned long long)str_hash((Str){ (const char *)u.b, sizeof(u.b) }));
}

void
world_reopen(World *w)
{
	Err err = { 0 };

	CHECK_OK(store_open(&w->config, &w->store, &err), err);
	CHECK_OK(db_open(w->store, &w->db, &err), err);
}

void
world_close(World *w)
{
	db_done(&w->db);
	store_close(w->store);
	w->store = NULL;
}

World *
world_bare(void)
{
	Arena *a = arena_open();
	World *w = arena_new(a, World);

	w->a = a;
	if (world_is_postgres())
		choose_postgres(w);
	else
		choose_sqlite(w);
	world_reopen(w);
	return w;
}

World *
world_items(void)
{
	World *w = world_bare();
	Err err = { 0 };

	CHECK_OK(migrate_set(w->store, (MigrationSet){ items, countof(items) }, US_PER_S, NULL, &err), err);
	return w;
}

static void
drop_schema(World *w)
{
	static const char drop[] =
	    "do $$ begin execute format('drop schema if exists %I cascade', current_setting('attune.schema')); end $$";
	Err err = { 0 };

	CHECK_OK(db_begin(w->db, &err) && db_script(w->db, drop, &err) && db_commit(w->db, &err), err);
}

static void
remove_files(const World *w)
{
	static const char *const names[] = { "attune.db", "attune.db-wal", "attune.db-shm" };

	for (size_t i = 0; i < countof(names); i++)
		unlink(str_fmt(w->a, "%s/%s", w->dir, names[i]).p);
	rmdir(w->dir);
}

void
world_done(World **w)
{
	Arena *a = (*w)->a;

	if ((*w)->dir == NULL) {
		if ((*w)->store == NULL)
			world_reopen(*w);
		db_rollback((*w)->db);
		drop_schema(*w);
	}
	if ((*w)->store != NULL)
		world_close(*w);
	if ((*w)->dir != NULL)
		remove_files(*w);
	arena_close(a);
	*w = NULL;
}

int64_t
world_number(World *w, const Stmt *s)
{
	Rows rows;
	Err err = { 0 };

	CHECK_OK(db_read(w->db, w->a, s, NULL, &rows, &err), err);
	CHECK_INT((int64_t)rows.n, 1);
	return row_int(rows_at(&rows, 0), 0);
}

void
world_do(World *w, const Stmt *s, const Bind *binds)
{
	Err err = { 0 };

	CHECK_OK(db_begin(w->db, &err) && db_exec(w->db, w->a, s, binds, NULL, &err) && db_commit(w->db, &err), err);
}
