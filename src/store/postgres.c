#include "store/postgres_impl.h"

#include <errno.h>
#include <stdlib.h>

#include <libpq-fe.h>

static void
postgres_store_close(Store *store)
{
	PgStore *s = (PgStore *)store;

	if (s->spare != NULL) /* else the library may not be loaded */
		PQfinish(s->spare);
	pthread_mutex_destroy(&s->lock);
	arena_close(s->a);
	free(s);
}

static bool
postgres_store_open(const StoreConfig *config, Store **ret, Err *err)
{
	PgStore *s = calloc(1, sizeof(*s));

	if (s == NULL)
		return err_sys(err, ENOMEM, "open the store");
	s->base.driver = &postgres_driver;
	s->a = arena_open();
	pthread_mutex_init(&s->lock, NULL);
	if (!pg_url_read(s, config, err) || !pg_connect(s, &s->spare, err)) {
		postgres_store_close(&s->base);
		return false;
	}
	*ret = &s->base;
	return true;
}

static void
postgres_db_close(Db *base)
{
	PgDb *db = (PgDb *)base;

	PQfinish(db->conn);
	arena_close(db->cache);
	arena_close(db->scratch);
	free(db);
}

static bool
postgres_db_open(Store *store, Db **ret, Err *err)
{
	PgDb *db = calloc(1, sizeof(*db));

	if (db == NULL)
		return err_sys(err, ENOMEM, "open a database handle");
	db->store = (PgStore *)store;
	db->base.store = store;
	db->cache = arena_open();
	db->scratch = arena_open();
	if (!pg_connect_db(db, err)) {
		postgres_db_close(&db->base);
		return false;
	}
	*ret = &db->base;
	return true;
}

/* Nothing is sent: the server hears of it together with the first statement. */
static bool
postgres_begin(Db *base, Err *err)
{
	PgDb *db = (PgDb *)base;

	pg_forget(db);
	if (db->conn == NULL && !pg_connect_db(db, err))
		return false;
	db->begun = false;
	return true;
}

static void
rolled_back(PgDb *db)
{
	if (db->conn != NULL && !pg_rollback(db) && db->conn != NULL)
		pg_lose(db); /* the server ends the transaction with the connection */
}

static bool
postgres_commit(Db *base, Err *err)
{
	PgDb *db = (PgDb *)base;
	bool begun = db->begun, ok;

	db->begun = false;
	ok = db->committing ? pg_committed(db, err) : !begun || pg_commit(db, err);
	pg_forget(db);
	if (ok)
		return true;
	if (db->conn == NULL)
		return err_wrap(err, "it is not known whether the commit was done");
	rolled_back(db); /* what was put off until now has failed, and no commit was done */
	return false;
}

static void
postgres_rollback(Db *base)
{
	PgDb *db = (PgDb *)base;
	bool begun = db->begun;

	pg_forget(db);
	db->begun = false;
	if (db->committing)
		(void)pg_committed(db, NULL); /* what was the last cannot be undone */
	if (begun)
		rolled_back(db);
}

static bool
postgres_run(Db *db, Arena *a, const Stmt *s, const Bind *binds, size_t rows, Rows *ret, Err *err)
{
	return pg_run((PgDb *)db, a, s, binds, rows, ret, err);
}

static void
postgres_ahead(Db *db, Arena *a, const Stmt *s, const Bind *binds)
{
	pg_ahead((PgDb *)db, a, s, binds);
}

static bool
postgres_later(Db *db, Arena *a, const Stmt *s, const Bind *binds, size_t rows, Err *err)
{
	return pg_later((PgDb *)db, a, s, binds, rows, err);
}

static void
postgres_last(Db *db)
{
	((PgDb *)db)->last = true;
}

static bool
postgres_read_text(Db *db, Arena *a, Str sql, const char *in, const Bind *binds, Rows *ret, Err *err)
{
	return pg_run_text((PgDb *)db, a, sql, in, binds, ret, err);
}

static bool
postgres_script(Db *db, const char *sql, Err *err)
{
	return pg_script((PgDb *)db, sql, err);
}

const Driver postgres_driver = {
	.kind = STORE_POSTGRES,
	.store_open = postgres_store_open,
	.store_close = postgres_store_close,
	.db_open = postgres_db_open,
	.db_close = postgres_db_close,
	.begin = postgres_begin,
	.commit = postgres_commit,
	.rollback = postgres_rollback,
	.run = postgres_run,
	.ahead = postgres_ahead,
	.later = postgres_later,
	.last = postgres_last,
	.read_text = postgres_read_text,
	.script = postgres_script,
};
