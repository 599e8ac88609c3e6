#include "store/migrate.h"
#include "store/db_impl.h"

enum { LOCK_NUMBER = 0x61747475 }; /* "attu"; the other half of the lock's key is the schema */

static const Stmt no_hurry_sql = { "select 1", "", "set statement_timeout = 0" };
static const Stmt lock_sql = { "select 1", "i",
	"select pg_advisory_lock($1::int, hashtext(current_setting('attune.schema')))" };
static const Stmt unlock_sql = { "select 1", "i",
	"select pg_advisory_unlock($1::int, hashtext(current_setting('attune.schema')))" };
/* Asked first: creating needs a right that an existing schema does not. */
static const char schema_sql[] =
    "do $$ begin"
    " if not exists (select from pg_namespace where nspname = current_setting('attune.schema')) then"
    "  execute format('create schema if not exists %I', current_setting('attune.schema'));"
    " end if;"
    "end $$";
static const Stmt create_sql = { "create table if not exists schema_migration"
				 " (number integer primary key, name text not null, applied_at integer not null)",
	"",
	"create table if not exists schema_migration"
	" (number integer primary key, name text not null, applied_at timestamptz not null)" };
static const Stmt exists_sql = { "select 1 from sqlite_master where type = 'table' and name = 'schema_migration'", "",
	"select 1 from pg_tables where schemaname = current_schema() and tablename = 'schema_migration'" };
static const Stmt list_sql = { "select number, name, applied_at from schema_migration order by number" };
static const Stmt newest_sql = { "select coalesce(max(number), 0) from schema_migration" };
static const Stmt record_sql = { "insert into schema_migration (number, name, applied_at) values ($1, $2, $3)", "ist" };

static bool
is_postgres(const Db *db)
{
	return db_kind(db) == STORE_POSTGRES;
}

static bool
refuse_newer(MigrationSet set, int64_t newest, Err *err)
{
	if (newest <= (int64_t)set.count)
		return true;
	return err_set(err, ERR_UNSUPPORTED,
	    "the database is at migration %lld, this attune knows %zu: install a newer attune", (long long)newest,
	    set.count);
}

/* Inside a transaction; SQLite's writers are alone in theirs, so the number cannot change before the commit. */
static bool
newest_applied(Db *db, Arena *a, int64_t *ret, Err *err)
{
	Rows rows;

	if (!db_read(db, a, &newest_sql, NULL, &rows, err))
		return false;
	*ret = row_int(rows_at(&rows, 0), 0);
	return true;
}

static bool
prepare_table(Db *db, Arena *a, Err *err)
{
	bool ok = db_begin(db, err);

	ok = ok && (!is_postgres(db) || db_script(db, schema_sql, err));
	ok = ok && db_exec(db, a, &create_sql, NULL, NULL, err) && db_commit(db, err);
	db_rollback(db);
	return ok || err_wrap(err, "preparing the database");
}

static bool
apply(Db *db, Arena *a, const Migration *m, TimeUs now, Err *err)
{
	Bind binds[] = { bind_int(m->number), bind_text(m->name), bind_time(now) };

	return db_script(db, is_postgres(db) ? m->pg : m->sqlite, err) && db_exec(db, a, &record_sql, binds, NULL, err);
}

/* One migration in one transaction. *ret_done: there was none left. */
static bool
apply_next(Db *db, Arena *a, MigrationSet set, TimeUs now, bool *ret_done, Err *err)
{
	const Migration *m = NULL;
	int64_t newest = 0;
	bool ok = db_begin(db, err) && newest_applied(db, a, &newest, err) && refuse_newer(set, newest, err);

	*ret_done = ok && newest == (int64_t)set.count;
	if (ok && !*ret_done) {
		m = &set.items[newest];
		ok = apply(db, a, m, now, err) && db_commit(db, err);
	}
	db_rollback(db);
	return ok || m == NULL ? ok : err_wrap(err, "migration %d '%s'", m->number, m->name);
}

static bool
apply_all(Db *db, Arena *a, MigrationSet set, TimeUs now, int *applied, Err *err)
{
	bool done = false;

	if (!prepare_table(db, a, err))
		return false;
	while (!done) {
		if (!apply_next(db, a, set, now, &done, err))
			return false;
		*applied += !done;
	}
	return true;
}

bool
migrate_set(Store *s, MigrationSet set, TimeUs now, int *ret_applied, Err *err)
{
	CLEANUP(arena_done) Arena *a = arena_open();
	CLEANUP(db_done) Db *db = NULL;
	Bind lock = bind_int(LOCK_NUMBER);
	int applied = 0;
	bool ok;

	if (!db_open(s, &db, err))
		return false;
	db->unhurried = true; /* another starter may hold the lock for as long as its migrations take */
	if (!db_read(db, a, &no_hurry_sql, NULL, NULL, err) || !db_read(db, a, &lock_sql, &lock, NULL, err))
		return false;
	ok = apply_all(db, a, set, now, &applied, err);
	if (!db_read(db, a, &unlock_sql, &lock, NULL, NULL))
		ok = ok && true; /* the connection is closed next, and the lock with it */
	if (ok && ret_applied != NULL)
		*ret_applied = applied;
	return ok;
}

bool
migrate_set_status(Store *s, MigrationSet set, Arena *a, MigrationState **ret, size_t *ret_count, Err *err)
{
	CLEANUP(db_done) Db *db = NULL;
	Rows table, rows = { 0 };
	MigrationState *list;
	size_t n;

	if (!db_open(s, &db, err) || !db_read(db, a, &exists_sql, NULL, &table, err))
		return false;
	if (table.n > 0 && !db_read(db, a, &list_sql, NULL, &rows, err))
		return false;
	n = rows.n > set.count ? rows.n : set.count;
	list = arena_array(a, MigrationState, n);
	for (size_t i = 0; i < n; i++) {
		if (i < rows.n) {
			Row r = rows_at(&rows, i);

			list[i] = (MigrationState){ (int)row_int(r, 0), row_str(r, 1), row_int(r, 2) };
		} else
			list[i] = (MigrationState){ set.items[i].number, str_of(set.items[i].name), 0 };
	}
	*ret = list;
	*ret_count = n;
	return true;
}

bool
migrate_set_check(Store *s, MigrationSet set, Err *err)
{
	CLEANUP(arena_done) Arena *a = arena_open();
	MigrationState *list;
	size_t n, applied = 0;

	if (!migrate_set_status(s, set, a, &list, &n, err))
		return false;
	while (applied < n && list[applied].applied_at != 0)
		applied++;
	if (!refuse_newer(set, (int64_t)applied, err))
		return false;
	if (applied == set.count)
		return true;
	return err_set(err, ERR_UNSUPPORTED,
	    "the database is at migration %zu, this attune needs %zu: run 'attune db migrate'", applied, set.count);
}

static MigrationSet
embedded(void)
{
	return (MigrationSet){ migrations_embedded, migrations_embedded_count };
}

bool
migrate(Store *s, TimeUs now, int *ret_applied, Err *err)
{
	return migrate_set(s, embedded(), now, ret_applied, err);
}

bool
migrate_check(Store *s, Err *err)
{
	return migrate_set_check(s, embedded(), err);
}

bool
migrate_status(Store *s, Arena *a, MigrationState **ret, size_t *ret_count, Err *err)
{
	return migrate_set_status(s, embedded(), a, ret, ret_count, err);
}
