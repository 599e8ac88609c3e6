/*
 * Behind db.h: what the two drivers give and what they share. db.c has checked the calls (a transaction is open, the
 * binds fit the statement) before a driver sees them. Each driver puts its own fields behind Store and Db.
 */
#pragma once

#include "store/migrate.h"

#include <stdatomic.h>

typedef struct Driver {
	StoreKind kind;
	bool (*store_open)(const StoreConfig *config, Store **ret, Err *err);
	void (*store_close)(Store *s);
	bool (*db_open)(Store *s, Db **ret, Err *err);
	void (*db_close)(Db *db);
	bool (*begin)(Db *db, Err *err);
	bool (*commit)(Db *db, Err *err); /* the transaction is gone afterwards, whatever the answer */
	void (*rollback)(Db *db);
	/* In the transaction when there is one, else (db_read) on a snapshot of its own. ret may be NULL. */
	bool (*run)(Db *db, Arena *a, const Stmt *s, const Bind *binds, size_t rows, Rows *ret, Err *err);
	void (*ahead)(Db *db, Arena *a, const Stmt *s, const Bind *binds); /* NULL: nothing is gained by it */
	/* Without an answer, no later than the commit. NULL: at once. */
	bool (*later)(Db *db, Arena *a, const Stmt *s, const Bind *binds, size_t rows, Err *err);
	void (*last)(Db *db); /* the commit may travel with the next statement. NULL: nothing is gained by it */
	bool (*read_text)(Db *db, Arena *a, Str sql, const char *in, const Bind *binds, Rows *ret, Err *err);
	/* Several statements in one text, without parameters, in the transaction: migrations. */
	bool (*script)(Db *db, const char *sql, Err *err);
} Driver;

struct Store {
	const Driver *driver;
	_Atomic uint64_t statements; /* that have run */
	_Atomic uint64_t commits;    /* real ones: several transactions may share one */
	_Atomic TimeUs full_at;      /* monotonic: when a disk was last found full; 0: it has room */
};

/* What may pass by itself is said once by whoever opened the store, and not by each who had to wait. */
void store_full(Store *s, const char *why);
void store_committed(Store *s);

struct Db {
	Store *store;
	bool open;      /* between begin and commit or rollback */
	bool failed;    /* a statement of the transaction has failed: only rollback helps */
	bool unhurried; /* migrations: no time limit on statements */
};

extern const Driver sqlite_driver;
extern const Driver postgres_driver;

/* The rows of a result as they come. start makes room for cols cells a row; next gives the cells of one more row. */
typedef struct RowSink {
	Arena *a;
	Rows rows;
	size_t cap;     /* rows there is room for */
	bool want_from; /* db_batch */
} RowSink;

void row_sink_start(RowSink *sink, size_t cols, size_t expect);
Cell *row_sink_next(RowSink *sink, uint32_t from);

/* The start of a statement, for error texts; statements are constants, so nothing secret is in them. */
enum { SQL_SHOWN = 72 };

static inline void
store_count(Store *s, size_t statements)
{
	atomic_fetch_add_explicit(&s->statements, statements, memory_order_relaxed);
}

/* What a constraint says, alike in both worlds. The name is the constraint's or column's, or "". */
typedef enum BrokenRule { BROKEN_UNIQUE, BROKEN_CHECK, BROKEN_NOT_NULL, BROKEN_REFERENCE, BROKEN_RULES } BrokenRule;

bool broken_rule(BrokenRule rule, const char *name, const char *sql, Err *err);

uint64_t store_commits(const Store *s); /* real commits, for tests of combining */
bool db_script(Db *db, const char *sql, Err *err);

/* The migrations of migrations/, in order; made at build time. */
extern const Migration migrations_embedded[];
extern const size_t migrations_embedded_count;

typedef struct MigrationSet {
	const Migration *items;
	size_t count;
} MigrationSet;

bool migrate_set(Store *s, MigrationSet set, TimeUs now, int *ret_applied, Err *err);
bool migrate_set_check(Store *s, MigrationSet set, Err *err);
bool migrate_set_status(Store *s, MigrationSet set, Arena *a, MigrationState **ret, size_t *ret_count, Err *err);
