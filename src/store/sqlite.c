#include "store/sqlite_impl.h"

#include <sqlite3.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

typedef struct SqliteStore {
	Store base;
	Arena *a;
	const char *path;
	bool in_memory; /* one connection for all, since each would see a database of its own */
	bool no_sync;
	TimeUs statement_timeout;
	Writer writer;
	Checkpointer checkpointer;
} SqliteStore;

typedef struct SqliteDb {
	Db base;
	SqliteStore *store;
	Share share;
	Conn reader; /* opened at the first read outside a transaction */
} SqliteDb;

enum { STATEMENT_SECONDS = 30, ZEROS = 64 * 1024 };

/* Made by us and not by SQLite, so that nobody else may read it. Only a new file: closing a descriptor of a file that
 * SQLite has open in this process would drop its locks. */
static void
make_private(const char *path)
{
	int fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);

	if (fd >= 0)
		close(fd);
}

static bool
journal_mode(SqliteStore *s, Err *err)
{
	static const Stmt wal = { "pragma journal_mode=wal" };
	CLEANUP(arena_done) Arena *a = arena_open();
	Rows rows;

	if (sqlite3_db_readonly(s->writer.conn.db, "main") == 1)
		return conn_fail(&s->writer.conn, SQLITE_READONLY, "open", err);
	if (!conn_run(&s->writer.conn, a, &wal, NULL, 1, &rows, err))
		return false;
	if (rows.n == 1 && str_is(row_str(rows_at(&rows, 0), 0), "wal"))
		return true;
	return err_set(err, ERR_UNSUPPORTED,
	    "database file '%s': its file system cannot share memory between processes: put it on a local disk",
	    s->path);
}

static bool
write_zeros(int fd, off_t from, off_t to)
{
	static const char zeros[ZEROS];
	ssize_t n;

	while (from < to) {
		n = pwrite(fd, zeros, to - from < ZEROS ? (size_t)(to - from) : ZEROS, from);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return false;
		from += n;
	}
	return fdatasync(fd) == 0;
}

/* Gives the log its working size. Commits then overwrite blocks that exist, so that syncing one writes no file size
 * along. Zeros behind the last frame read as its end. A full disk is no reason not to start. */
static bool
make_room(SqliteStore *s, Err *err)
{
	const char *path = str_fmt(s->a, "%s-wal", s->path).p;
	struct stat st;
	int fd;

	if (!conn_script(&s->writer.conn, "begin immediate", err)) /* nobody else writes the log meanwhile */
		return false;
	fd = open(path, O_WRONLY | O_CLOEXEC);
	if (fd >= 0) {
		if (fstat(fd, &st) == 0 && st.st_size < WAL_ROOM)
			(void)!write_zeros(fd, st.st_size, WAL_ROOM);
		close(fd);
	}
	return conn_script(&s->writer.conn, "rollback", err);
}

static bool
open_parts(SqliteStore *s, Err *err)
{
	if (!s->in_memory)
		make_private(s->path);
	if (!sqlite_conn_open(&s->writer.conn, &s->base, s->path, CONN_WRITER, s->no_sync, err))
		return false;
	writer_open(&s->writer);
	if (s->in_memory)
		return true;
	return journal_mode(s, err) && (s->no_sync || make_room(s, err)) &&
	       checkpointer_open(&s->checkpointer, &s->writer, s->no_sync, err);
}

static void
sqlite_store_close(Store *store)
{
	SqliteStore *s = (SqliteStore *)store;

	checkpointer_close(&s->checkpointer);
	if (s->writer.conn.db != NULL)
		writer_close(&s->writer);
	arena_close(s->a);
	free(s);
}

static bool
sqlite_store_open(const StoreConfig *config, Store **ret, Err *err)
{
	SqliteStore *s;

	if (config->url.n == strlen("sqlite:"))
		return err_set(err, ERR_INVALID, "the database URL 'sqlite:' lacks the path of a file");
	/* These two are the process's; once SQLite runs they are refused, which does no harm. */
	sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0);
	sqlite3_config(SQLITE_CONFIG_STMTJRNL_SPILL, -1);
	s = calloc(1, sizeof(*s));
	if (s == NULL)
		return err_sys(err, ENOMEM, "open the store");
	s->base.driver = &sqlite_driver;
	s->a = arena_open();
	s->path = str_cstr(s->a, str_sub(config->url, strlen("sqlite:"), config->url.n));
	s->in_memory = strcmp(s->path, ":memory:") == 0;
	s->no_sync = config->no_sync;
	s->statement_timeout =
	    config->statement_timeout == 0 ? (TimeUs)STATEMENT_SECONDS * US_PER_S : config->statement_timeout;
	if (!open_parts(s, err)) {
		sqlite_store_close(&s->base);
		return false;
	}
	*ret = &s->base;
	return true;
}

static bool
sqlite_db_open(Store *store, Db **ret, Err *err)
{
	SqliteDb *db = calloc(1, sizeof(*db));

	if (db == NULL)
		return err_sys(err, ENOMEM, "open a database handle");
	db->store = (SqliteStore *)store;
	pthread_cond_init(&db->share.wait.cond, NULL);
	*ret = &db->base;
	return true;
}

static void
sqlite_db_close(Db *base)
{
	SqliteDb *db = (SqliteDb *)base;

	sqlite_conn_close(&db->reader);
	pthread_cond_destroy(&db->share.wait.cond);
	free(db);
}

static bool
sqlite_begin(Db *base, Err *err)
{
	SqliteDb *db = (SqliteDb *)base;

	return writer_begin(&db->store->writer, &db->share, err);
}

static bool
sqlite_commit(Db *base, Err *err)
{
	SqliteDb *db = (SqliteDb *)base;

	return writer_commit(&db->store->writer, &db->share, err);
}

static void
sqlite_rollback(Db *base)
{
	SqliteDb *db = (SqliteDb *)base;

	writer_rollback(&db->store->writer, &db->share);
}

/* What a call runs: a prepared statement for some rows, or a text once. */
typedef struct Call {
	Arena *a;
	const Stmt *stmt; /* NULL: text */
	Str text;
	const char *in;
	const Bind *binds;
	size_t rows;
	Rows *ret;
} Call;

static bool
call_on(Conn *c, const Call *call, Err *err)
{
	if (call->stmt != NULL)
		return conn_run(c, call->a, call->stmt, call->binds, call->rows, call->ret, err);
	return conn_run_text(c, call->a, call->text, call->in, call->binds, call->ret, err);
}

static bool
call_reader(SqliteDb *db, const Call *call, Err *err)
{
	SqliteStore *s = db->store;
	bool ok;

	if (s->in_memory) {
		writer_take_alone(&s->writer, &db->share.wait);
		ok = call_on(&s->writer.conn, call, err);
		writer_give(&s->writer);
		return ok;
	}
	if (db->reader.db == NULL && !sqlite_conn_open(&db->reader, &s->base, s->path, CONN_READER, s->no_sync, err))
		return false;
	db->reader.deadline = db->base.unhurried ? 0 : clock_mono(clock_real()) + s->statement_timeout;
	return call_on(&db->reader, call, err);
}

static bool
call_run(SqliteDb *db, const Call *call, Err *err)
{
	Err why = { 0 };

	if (!db->base.open)
		return call_reader(db, call, err);
	if (call_on(&db->store->writer.conn, call, &why))
		return true;
	writer_failed(&db->store->writer, &why);
	if (err != NULL)
		*err = why;
	return false;
}

static bool
sqlite_run(Db *db, Arena *a, const Stmt *s, const Bind *binds, size_t rows, Rows *ret, Err *err)
{
	Call call = { .a = a, .stmt = s, .binds = binds, .rows = rows, .ret = ret };

	return call_run((SqliteDb *)db, &call, err);
}

static bool
sqlite_read_text(Db *db, Arena *a, Str sql, const char *in, const Bind *binds, Rows *ret, Err *err)
{
	Call call = { .a = a, .text = sql, .in = in, .binds = binds, .rows = 1, .ret = ret };

	return call_run((SqliteDb *)db, &call, err);
}

static bool
sqlite_script(Db *base, const char *sql, Err *err)
{
	SqliteDb *db = (SqliteDb *)base;
	Err why = { 0 };

	if (conn_script(&db->store->writer.conn, sql, &why))
		return true;
	writer_failed(&db->store->writer, &why);
	if (err != NULL)
		*err = why;
	return false;
}

const Driver sqlite_driver = {
	.kind = STORE_SQLITE,
	.store_open = sqlite_store_open,
	.store_close = sqlite_store_close,
	.db_open = sqlite_db_open,
	.db_close = sqlite_db_close,
	.begin = sqlite_begin,
	.commit = sqlite_commit,
	.rollback = sqlite_rollback,
	.run = sqlite_run,
	.read_text = sqlite_read_text,
	.script = sqlite_script,
};
