/*
 * One face over PostgreSQL and SQLite. A Store is the process's way to one database; a Db is one thread's handle on
 * it (a connection of its own in PostgreSQL; in SQLite a read connection of its own and a share in the one write
 * connection). All SQL of the project lives in src/store as constants of type Stmt; the same text serves both worlds
 * unless `pg` says otherwise. Parameters are $1..$n, typed by `in`; results are read by position.
 *
 * Every transaction is short: begin, statements, commit. In SQLite transactions of several threads share one commit
 * (each is a savepoint of an open transaction; the last one out commits for all), so db_commit may wait for others.
 * A Db in which a statement has failed must be rolled back. ERR_AWAY means the database cannot be reached: the
 * handle reconnects by itself at the next db_begin or db_read.
 */
#pragma once

#include "base/clock.h"
#include "base/json.h"
#include "base/uuid.h"

typedef struct Store Store;
typedef struct Db Db;

typedef struct StoreConfig {
	Str url;                  /* "sqlite:PATH", "sqlite::memory:" (tests; one Db only) or "postgresql://..." */
	Str schema;               /* PostgreSQL: "attune" when empty */
	TimeUs connect_timeout;   /* 0: 5 s */
	TimeUs statement_timeout; /* 0: 30 s */
	bool no_sync;             /* tests only: SQLite synchronous=OFF */
} StoreConfig;

typedef enum StoreKind { STORE_SQLITE, STORE_POSTGRES } StoreKind;

MUST_CHECK bool store_open(const StoreConfig *config, Store **ret, Err *err); /* connects once, to fail early */
void store_close(Store *s);                                                   /* after every Db is closed */
StoreKind store_kind(const Store *s);
uint64_t store_statements(const Store *s); /* how many have run, for the promise that idling runs none */

MUST_CHECK bool db_open(Store *s, Db **ret, Err *err);
void db_close(Db *db);
void db_done(Db **db); /* for CLEANUP */
Store *db_store(const Db *db);
StoreKind db_kind(const Db *db);

/* A statement. Constants only: the address is the key of the statement cache. One letter a parameter in `in`:
 * i int64, b bool, d double, t time, s text, j json, x bytes. A capital letter is the same and may be null. */
typedef struct Stmt {
	const char *sql;
	const char *in;
	const char *pg; /* PostgreSQL's own text, where one text cannot serve both */
} Stmt;

/* A value bound to a parameter. Made with the functions below, in the order of the statement's parameters. */
typedef struct Bind {
	char type; /* as in Stmt.in, lower case; 0 is null */
	union {
		int64_t i;
		double d;
		bool b;
		Str s;
		const Json *j;
	};
} Bind;

static inline Bind
bind_int(int64_t v)
{
	return (Bind){ .type = 'i', .i = v };
}

static inline Bind
bind_id(Id v) /* 0 is null */
{
	return (Bind){ .type = v == 0 ? (char)0 : 'i', .i = v };
}

static inline Bind
bind_bool(bool v)
{
	return (Bind){ .type = 'b', .b = v };
}

static inline Bind
bind_real(double v)
{
	return (Bind){ .type = 'd', .d = v };
}

static inline Bind
bind_time(TimeUs v) /* 0 is null */
{
	return (Bind){ .type = v == 0 ? (char)0 : 't', .i = v };
}

static inline Bind
bind_str(Str v) /* no string is null */
{
	return (Bind){ .type = v.p == NULL ? (char)0 : 's', .s = v };
}

static inline Bind
bind_text(const char *v)
{
	return bind_str(str_of(v));
}

static inline Bind
bind_json(const Json *v) /* NULL is null; a JSON null is the JSON value null */
{
	return (Bind){ .type = v == NULL ? (char)0 : 'j', .j = v };
}

static inline Bind
bind_bytes(Str v)
{
	return (Bind){ .type = v.p == NULL ? (char)0 : 'x', .s = v };
}

/* What a statement gave back. Rows and their texts lie in the arena of the call. */
typedef struct Cell {
	char type; /* 0 null, i int, d double, s text or bytes; times and bools come as i */
	union {
		int64_t i;
		double d;
		Str s;
	};
} Cell;

typedef struct Rows {
	size_t n;    /* rows */
	size_t cols;
	Cell *cells; /* n * cols */
	uint32_t *from;   /* db_batch: which row of the input a row came from; NULL from db_exec */
	int64_t affected; /* rows inserted, updated or deleted, in all */
} Rows;

typedef struct Row {
	const Cell *cells;
} Row;

static inline Row
rows_at(const Rows *r, size_t i)
{
	return (Row){ r->cells + i * r->cols };
}

static inline bool
row_null(Row r, int col)
{
	return r.cells[col].type == 0;
}

static inline int64_t
row_int(Row r, int col) /* 0 for null; ids, times and bools too */
{
	return r.cells[col].type == 'i' ? r.cells[col].i : 0;
}

static inline bool
row_bool(Row r, int col)
{
	return row_int(r, col) != 0;
}

static inline Str
row_str(Row r, int col) /* Str{0} for null */
{
	return r.cells[col].type == 's' ? r.cells[col].s : (Str){ 0 };
}

double row_real(Row r, int col);
/* Parses a JSON column; JSON null for SQL null or a text that is not JSON. */
Json row_json(Arena *a, Row r, int col);

/* A write transaction. Nested calls are a defect. crash_point "NAME" parts of the caller are its own business. */
MUST_CHECK bool db_begin(Db *db, Err *err);
MUST_CHECK bool db_commit(Db *db, Err *err); /* on failure the transaction is gone; ERR_AWAY may mean "unknown" */
void db_rollback(Db *db);                    /* also after a failed begin or commit; harmless twice */

/* Inside a write transaction. ret may be NULL. */
MUST_CHECK bool db_exec(Db *db, Arena *a, const Stmt *s, const Bind *binds, Rows *ret, Err *err);
/* The same statement for `rows` rows of binds (rows * strlen(s->in) of them), in one round trip. */
MUST_CHECK bool db_batch(Db *db, Arena *a, const Stmt *s, const Bind *binds, size_t rows, Rows *ret, Err *err);
/* Outside a transaction, one read statement on a snapshot of its own; inside one, the same as db_exec. */
MUST_CHECK bool db_read(Db *db, Arena *a, const Stmt *s, const Bind *binds, Rows *ret, Err *err);
/* For lists whose filters vary: text put together from constant pieces only, values bound; not cached for ever. */
MUST_CHECK bool db_read_text(Db *db, Arena *a, Str sql, const char *in, const Bind *binds, Rows *ret, Err *err);
