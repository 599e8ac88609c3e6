#include "store/sqlite_impl.h"

#include <sqlite3.h>

#include <errno.h>
#include <stdio.h>

enum {
	BUSY_MS = 5000,       /* last resort: another program holds the file */
	DEADLINE_OPS = 20000, /* steps of SQLite's machine between two looks at the clock */
	TEXTS_KEPT = 64,      /* prepared texts of a connection */
	LOOKASIDE_SIZE = 1200,
	LOOKASIDE_COUNT = 500,
};

/* A prepared statement. SQLite numbers $1, $2 by first appearance: at[i] is its number for our parameter i. */
typedef struct Prepared {
	sqlite3_stmt *stmt;
	bool counts;    /* changes rows */
	bool json;      /* has parameters whose text is made in the scratch arena */
	bool gives_id;  /* an insert whose row's id is wanted */
	const char *in; /* of a text */
	int *at;
} Prepared;

typedef struct Fault {
	int code;
	ErrCode err;
	const char *cure;
} Fault;

static const Fault faults[] = {
	{ SQLITE_FULL, ERR_AWAY, "the disk is full: free some space, what is stored is safe" },
	{ SQLITE_IOERR, ERR_AWAY, "reading or writing it failed: look at the disk and the system's log" },
	{ SQLITE_BUSY, ERR_AWAY, "another program holds it locked: let that one finish" },
	{ SQLITE_LOCKED, ERR_AWAY, "it is locked by another connection of this process" },
	{ SQLITE_NOMEM, ERR_AWAY, "there is no memory left for it" },
	{ SQLITE_CORRUPT, ERR_CORRUPT, "it is damaged: stop, keep a copy of it and restore a backup" },
	{ SQLITE_NOTADB, ERR_CORRUPT, "it is not a SQLite database: name another file or move this one away" },
	{ SQLITE_CANTOPEN, ERR_SYS, "it cannot be opened: its directory must exist and be writable" },
	{ SQLITE_READONLY, ERR_SYS, "it may not be written: give this user the right to write it and its directory" },
	{ SQLITE_PERM, ERR_SYS, "it may not be opened: give this user the right to" },
	{ SQLITE_INTERRUPT, ERR_TIMEOUT, "a statement ran longer than its time limit" },
	{ SQLITE_TOOBIG, ERR_TOO_LARGE, "a value is too large for it" },
	{ SQLITE_MISMATCH, ERR_VALIDATION, "a value has the wrong type for its column" },
	{ SQLITE_CONSTRAINT, ERR_VALIDATION, "a value breaks a rule of its table" },
};

static const struct {
	int code;
	BrokenRule rule;
} constraints[] = {
	{ SQLITE_CONSTRAINT_UNIQUE, BROKEN_UNIQUE }, { SQLITE_CONSTRAINT_PRIMARYKEY, BROKEN_UNIQUE },
	{ SQLITE_CONSTRAINT_ROWID, BROKEN_UNIQUE }, { SQLITE_CONSTRAINT_CHECK, BROKEN_CHECK },
	{ SQLITE_CONSTRAINT_NOTNULL, BROKEN_NOT_NULL }, { SQLITE_CONSTRAINT_FOREIGNKEY, BROKEN_REFERENCE },
	{ SQLITE_CONSTRAINT_TRIGGER, BROKEN_REFERENCE }, /* foreign keys with actions; we have no triggers */
};

/* "UNIQUE constraint failed: pack.ref" names the rule after the colon; nothing of the row is in it. */
static bool
constraint_fail(int code, const char *message, const char *sql, Err *err)
{
	const char *colon = strchr(message, ':');

	for (size_t i = 0; i < countof(constraints); i++)
		if (constraints[i].code == code)
			return broken_rule(constraints[i].rule, colon == NULL ? "" : colon + 2, sql, err);
	return err_set(err, ERR_VALIDATION, "%s (in '%.*s')", message, SQL_SHOWN, sql);
}

bool
conn_fail(Conn *c, int code, const char *sql, Err *err)
{
	const char *message = c->db == NULL ? sqlite3_errstr(code) : sqlite3_errmsg(c->db);
	int os = c->db == NULL ? 0 : sqlite3_system_errno(c->db);
	bool say = os != 0 && os != EINTR;
	Err why = { 0 };

	if ((code & 0xff) == SQLITE_CONSTRAINT)
		return constraint_fail(code, message, sql, err);
	for (size_t i = 0; i < countof(faults); i++) {
		if (faults[i].code != (code & 0xff))
			continue;
		(void)err_set(&why, faults[i].err, "database file '%s': %s%s%s", c->path, faults[i].cure,
		    say ? ": " : "", say ? strerror(os) : "");
		if (faults[i].code == SQLITE_FULL)
			store_full(c->store, why.text);
		return err_set(err, why.code, "%s", why.text);
	}
	return err_set(err, ERR_INTERNAL, "%s (in '%.*s')", message, SQL_SHOWN, sql);
}

static int
past_deadline(void *self)
{
	const Conn *c = self;

	return c->deadline != 0 && clock_mono(clock_real()) > c->deadline;
}

/* "LIKE" tells upper from lower case in PostgreSQL, so here too; the page cache is the larger part of our memory. */
static const char shared_pragmas[] =
    "pragma foreign_keys=on; pragma secure_delete=off; pragma temp_store=memory; pragma mmap_size=0;"
    "pragma case_sensitive_like=on; pragma trusted_schema=off;";

static const char *const kind_pragmas[] = {
	[CONN_WRITER] = "pragma cache_size=-16000; pragma journal_size_limit=33554432;",
	[CONN_READER] = "pragma cache_size=-2000; pragma query_only=on;",
	[CONN_CHECKPOINTER] = "pragma cache_size=-100;",
};

static bool
conn_settings(Conn *c, ConnKind kind, bool no_sync, Err *err)
{
	int off = 0;

	sqlite3_extended_result_codes(c->db, 1);
	if (kind == CONN_WRITER) /* before anything else: small pieces come from here instead of malloc */
		sqlite3_db_config(c->db, SQLITE_DBCONFIG_LOOKASIDE, NULL, LOOKASIDE_SIZE, LOOKASIDE_COUNT);
	sqlite3_busy_timeout(c->db, BUSY_MS);
	sqlite3_db_config(c->db, SQLITE_DBCONFIG_DQS_DML, 0, &off); /* "x" is a name, never a string */
	sqlite3_db_config(c->db, SQLITE_DBCONFIG_DQS_DDL, 0, &off);
	if (kind == CONN_READER)
		sqlite3_progress_handler(c->db, DEADLINE_OPS, past_deadline, c);
	return conn_script(c, shared_pragmas, err) && conn_script(c, kind_pragmas[kind], err) &&
	       conn_script(c, no_sync ? "pragma synchronous=off" : "pragma synchronous=full", err);
}

bool
sqlite_conn_open(Conn *c, Store *store, const char *path, ConnKind kind, bool no_sync, Err *err)
{
	int flags = SQLITE_OPEN_NOMUTEX | (kind == CONN_READER ? SQLITE_OPEN_READONLY : SQLITE_OPEN_READWRITE);
	int code;

	if (strcmp(path, ":memory:") == 0)
		flags |= SQLITE_OPEN_CREATE;
	c->store = store;
	c->path = path;
	c->a = arena_open();
	c->scratch = arena_open();
	c->statements = map_open(c->a);
	code = sqlite3_open_v2(path, &c->db, flags, NULL);
	if (code != SQLITE_OK)
		conn_fail(c, code, "open", err);
	else if (conn_settings(c, kind, no_sync, err))
		return true;
	sqlite_conn_close(c);
	return false;
}

static void
texts_forget(Conn *c)
{
	void *value = NULL;
	size_t at = 0;

	while (map_next(&c->texts, &at, NULL, NULL, &value))
		sqlite3_finalize(((Prepared *)value)->stmt);
	if (c->texts_a == NULL)
		c->texts_a = arena_open();
	arena_reset(c->texts_a);
	c->texts = map_open(c->texts_a);
}

void
sqlite_conn_close(Conn *c)
{
	void *value = NULL;
	size_t at = 0;

	if (c->a == NULL)
		return;
	while (map_next(&c->statements, &at, NULL, NULL, &value))
		sqlite3_finalize(((Prepared *)value)->stmt);
	if (c->texts_a != NULL)
		texts_forget(c);
	arena_close(c->texts_a);
	sqlite3_close(c->db);
	arena_close(c->a);
	arena_close(c->scratch);
	*c = (Conn){ 0 };
}

static bool
counts_rows(sqlite3_stmt *stmt, const char *sql)
{
	static const char *const words[] = { "insert", "update", "delete", "replace", "with" };

	while (*sql == ' ' || *sql == '\n' || *sql == '\t')
		sql++;
	for (size_t i = 0; i < countof(words); i++)
		if (strncasecmp(sql, words[i], strlen(words[i])) == 0)
			return !sqlite3_stmt_readonly(stmt);
	return false;
}

static bool
prepare(Conn *c, Arena *a, Str sql, const char *in, unsigned flags, Prepared *p, Err *err)
{
	size_t width = in == NULL ? 0 : strlen(in);
	int code = sqlite3_prepare_v3(c->db, sql.p, (int)sql.n, flags, &p->stmt, NULL);
	char name[24];

	if (code != SQLITE_OK)
		return conn_fail(c, code, sql.p, err);
	p->counts = counts_rows(p->stmt, sql.p);
	p->json = in != NULL && strpbrk(in, "jJ") != NULL;
	p->at = arena_array(a, int, width + 1);
	for (size_t i = 0; i < width; i++) {
		snprintf(name, sizeof(name), "$%zu", i + 1);
		p->at[i] = sqlite3_bind_parameter_index(p->stmt, name);
	}
	if ((size_t)sqlite3_bind_parameter_count(p->stmt) <= width)
		return true;
	sqlite3_finalize(p->stmt);
	return err_set(err, ERR_INTERNAL, "'%.*s' has more parameters than its %zu types", SQL_SHOWN, sql.p, width);
}

static Prepared *
cached(Conn *c, const Stmt *s, Err *err)
{
	Prepared *p = map_get(&c->statements, (int64_t)(intptr_t)s);

	if (p != NULL)
		return p;
	p = arena_new(c->a, Prepared);
	if (!prepare(c, c->a, str_of(s->sql), s->in, SQLITE_PREPARE_PERSISTENT, p, err))
		return NULL;
	p->gives_id = s->gives_id;
	map_put(&c->statements, (int64_t)(intptr_t)s, p);
	return p;
}

static int
bind_one(sqlite3_stmt *stmt, int at, const Bind *b, Arena *scratch)
{
	Str text;

	switch (b->type) {
	case 'i':
	case 't': return sqlite3_bind_int64(stmt, at, b->i);
	case 'b': return sqlite3_bind_int64(stmt, at, b->b);
	case 'd': return sqlite3_bind_double(stmt, at, b->d);
	case 's': return sqlite3_bind_text64(stmt, at, b->s.p, b->s.n, SQLITE_STATIC, SQLITE_UTF8);
	case 'x': return sqlite3_bind_blob64(stmt, at, b->s.p, b->s.n, SQLITE_STATIC);
	case 'j':
		text = json_text(scratch, b->j);
		return sqlite3_bind_text64(stmt, at, text.p, text.n, SQLITE_STATIC, SQLITE_UTF8);
	default: return sqlite3_bind_null(stmt, at);
	}
}

static int
bind_row(const Prepared *p, const Bind *binds, size_t width, Arena *scratch)
{
	int code = SQLITE_OK;

	for (size_t i = 0; i < width && code == SQLITE_OK; i++)
		if (p->at[i] > 0)
			code = bind_one(p->stmt, p->at[i], &binds[i], scratch);
	return code;
}

static Str
column_bytes(sqlite3_stmt *stmt, int col, Arena *a)
{
	const void *p = sqlite3_column_blob(stmt, col);
	size_t n = (size_t)sqlite3_column_bytes(stmt, col);
	char *copy = arena_alloc_raw(a, n + 1);

	if (n > 0)
		memcpy(copy, p, n);
	copy[n] = '\0';
	return (Str){ copy, n };
}

static void
read_row(sqlite3_stmt *stmt, RowSink *sink, uint32_t from)
{
	int cols = sqlite3_column_count(stmt);
	Cell *cells;

	row_sink_start(sink, (size_t)cols, 0);
	cells = row_sink_next(sink, from);
	for (int i = 0; i < cols; i++) {
		switch (sqlite3_column_type(stmt, i)) {
		case SQLITE_INTEGER: cells[i] = (Cell){ .type = 'i', .i = sqlite3_column_int64(stmt, i) }; break;
		case SQLITE_FLOAT: cells[i] = (Cell){ .type = 'd', .d = sqlite3_column_double(stmt, i) }; break;
		case SQLITE_NULL: cells[i] = (Cell){ 0 }; break;
		default: cells[i] = (Cell){ .type = 's', .s = column_bytes(stmt, i, sink->a) };
		}
	}
}

static void
made_row(const Conn *c, RowSink *sink, uint32_t from)
{
	row_sink_start(sink, 1, 0);
	row_sink_next(sink, from)[0] = (Cell){ .type = 'i', .i = sqlite3_last_insert_rowid(c->db) };
}

/* One row of binds. sink is NULL when nobody wants the rows. */
static bool
run_row(Conn *c, const Prepared *p, const Bind *binds, size_t width, RowSink *sink, uint32_t from)
{
	int code = bind_row(p, binds, width, c->scratch);

	if (code != SQLITE_OK)
		return false;
	while ((code = sqlite3_step(p->stmt)) == SQLITE_ROW)
		if (sink != NULL)
			read_row(p->stmt, sink, from);
	if (code != SQLITE_DONE)
		return false;
	if (p->counts && sink != NULL)
		sink->rows.affected += sqlite3_changes64(c->db);
	if (p->gives_id && sink != NULL && sqlite3_changes64(c->db) > 0)
		made_row(c, sink, from);
	return true;
}

static bool
run_prepared(Conn *c, const Prepared *p, const char *sql, const char *in, const Bind *binds, size_t rows, RowSink *sink,
    Err *err)
{
	size_t width = in == NULL ? 0 : strlen(in);

	store_count(c->store, rows);
	if (sink != NULL)
		sink->rows.cols = p->gives_id ? 1 : (size_t)sqlite3_column_count(p->stmt); /* known even of no rows */
	for (size_t i = 0; i < rows; i++) {
		const Bind *row = binds == NULL ? NULL : binds + i * width;
		bool ok = run_row(c, p, row, width, sink, (uint32_t)i);

		if (!ok)
			conn_fail(c, sqlite3_extended_errcode(c->db), sql, err);
		sqlite3_reset(p->stmt);
		if (p->json)
			arena_reset(c->scratch);
		if (!ok)
			return false;
	}
	return true;
}

bool
conn_run(Conn *c, Arena *a, const Stmt *s, const Bind *binds, size_t rows, Rows *ret, Err *err)
{
	RowSink sink = { .a = a, .want_from = rows > 1 };
	const Prepared *p = cached(c, s, err);

	if (p == NULL)
		return false;
	if (!run_prepared(c, p, s->sql, s->in, binds, rows, ret == NULL ? NULL : &sink, err))
		return false;
	if (ret != NULL)
		*ret = sink.rows;
	return true;
}

/* Lists put their text together from a few pieces, so the same texts come again. */
static Prepared *
cached_text(Conn *c, Str sql, const char *in, Err *err)
{
	Prepared *p = c->texts_a == NULL ? NULL : map_get_str(&c->texts, sql);

	if (p != NULL && strcmp(p->in, in) == 0)
		return p;
	if (c->texts_a == NULL || p != NULL || c->texts.n >= TEXTS_KEPT)
		texts_forget(c);
	p = arena_new(c->texts_a, Prepared);
	if (!prepare(c, c->texts_a, sql, in, SQLITE_PREPARE_PERSISTENT, p, err))
		return NULL;
	p->in = str_cstr(c->texts_a, str_of(in));
	map_put_str(&c->texts, str_copy(c->texts_a, sql), p);
	return p;
}

bool
conn_run_text(Conn *c, Arena *a, Str sql, const char *in, const Bind *binds, Rows *ret, Err *err)
{
	const Prepared *p = cached_text(c, sql, in, err);
	RowSink sink = { .a = a };

	if (p == NULL || !run_prepared(c, p, sql.p, in, binds, 1, ret == NULL ? NULL : &sink, err))
		return false;
	if (ret != NULL)
		*ret = sink.rows;
	return true;
}

bool
conn_simple(Conn *c, const Stmt *s, Err *err)
{
	const Prepared *p = cached(c, s, err);

	return p != NULL && run_prepared(c, p, s->sql, NULL, NULL, 1, NULL, err);
}

bool
conn_script(Conn *c, const char *sql, Err *err)
{
	char *message = NULL;
	int code = sqlite3_exec(c->db, sql, NULL, NULL, &message);

	store_count(c->store, 1);
	if (code == SQLITE_OK)
		return true;
	conn_fail(c, sqlite3_extended_errcode(c->db), sql, err);
	sqlite3_free(message);
	return false;
}
