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
#include "base/uuid.h"
#include "store/row.h"

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
/*
 * A hint: this very statement will be asked in this transaction, and what the transaction does until then does not change its
 * answer. Where an answer takes a round trip, those that are announced make it together with the next statement. What is
 * announced again before it was asked for is looked at anew.
 */
void db_ahead(Db *db, Arena *a, const Stmt *s, const Bind *binds);
/*
 * Statements whose answer nobody reads: they may travel with the next one that is asked, at the latest with the commit, and should they
 * fail, that one does. Whatever JSON the binds point at must live until then.
 */
MUST_CHECK bool db_later(Db *db, Arena *a, const Stmt *s, const Bind *binds, size_t rows, Err *err);
/*
 * A promise: the next statement is the last that this transaction needs. Where a commit takes a round trip it makes it with that
 * statement, whose answer is there while the commit is still on its way; db_commit waits for it, and nothing undoes it. What is asked
 * all the same is a transaction of its own, which the same db_commit ends.
 */
void db_last(Db *db);
/* For lists whose filters vary: text put together from constant pieces only, values bound; not cached for ever. */
MUST_CHECK bool db_read_text(Db *db, Arena *a, Str sql, const char *in, const Bind *binds, Rows *ret, Err *err);
