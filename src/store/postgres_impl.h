/*
 * Inside the PostgreSQL driver. Each handle has a connection of its own that stays in pipeline mode: what one call sends
 * (begin, prepare, a statement for each row) goes out together and ends with a sync, so that it costs one round trip.
 */
#pragma once

#include "store/db_impl.h"

#include "base/map.h"

#include <pthread.h>
#include <stdatomic.h>

struct pg_conn;
struct pg_result;

typedef struct PgStore {
	Store base;
	Arena *a;
	const char **keys; /* of the connection, ended by NULL */
	const char **values;
	const char *shown; /* the URL for people, its password starred */
	TimeUs connect_timeout;
	TimeUs statement_timeout;
	pthread_mutex_t lock;
	struct pg_conn *spare; /* the one opened to fail early; the first handle takes it */
	atomic_bool away;      /* said once for all connections */
} PgStore;

/* A statement announced by db_ahead, and what came back of it when it has been sent. */
typedef struct PgAhead {
	const Stmt *stmt;
	const Bind *binds;
	RowSink sink;
	bool sent, taken;
} PgAhead;

/* A statement whose answer nobody waits for, until it is sent with another. */
typedef struct PgLater {
	const Stmt *stmt;
	const Bind *binds;
	size_t rows;
} PgLater;

enum { PG_AHEAD_MOST = 8, PG_LATER_MOST = 8 };

typedef struct PgDb {
	Db base;
	PgStore *store;
	struct pg_conn *conn; /* NULL: lost, or not there yet */
	Arena *cache;         /* of the statements of this connection */
	Map statements;       /* by address of Stmt */
	unsigned prepared;
	bool begun;      /* the server has heard of the open transaction */
	bool last;       /* its commit goes with the next statement */
	bool committing; /* it has gone, and its answer was not read yet */
	Arena *scratch;
	PgAhead ahead[PG_AHEAD_MOST];
	size_t ahead_n;
	PgLater later[PG_LATER_MOST];
	size_t later_n;
} PgDb;

/* postgres_url.c: what to connect with. */
bool pg_url_read(PgStore *s, const StoreConfig *config, Err *err);

/* postgres_conn.c */
bool pg_connect(PgStore *s, struct pg_conn **ret, Err *err);
bool pg_connect_db(PgDb *db, Err *err); /* ERR_AWAY when it fails */
void pg_lose(PgDb *db);
/* Sends all there is to send, reading meanwhile; false when the connection is lost. */
bool pg_flush(PgDb *db);
/* The next result, or NULL between two; false when the connection is lost. */
bool pg_next(PgDb *db, struct pg_result **ret);
bool pg_away(PgDb *db, const char *what, Err *err); /* loses the connection, saying why */

/* postgres_error.c */
bool pg_fail(PgStore *s, const struct pg_result *r, const char *sql, Err *err);
bool pg_is_lost(const struct pg_result *r); /* the server has ended the connection */
ErrCode pg_state_code(const char *state);

/* postgres_value.c */
typedef struct PgParams {
	int n;
	const char **values;
	int *lengths;
	int *formats;
} PgParams;

unsigned *pg_types(Arena *a, const char *in);
PgParams pg_params(Arena *a, size_t n);
void pg_param(PgParams *p, size_t i, Str value);
Str pg_encode_one(Arena *a, const Bind *b);
PgParams pg_encode(Arena *a, const char *in, const Bind *binds);
bool pg_decode(const struct pg_result *r, RowSink *sink, uint32_t from, Err *err);
bool pg_decode_set(
    const struct pg_result *r, RowSink *sink, Err *err); /* its last column numbers the rows of the batch */

/* postgres_set.c: a batch as one statement. Of the columns in `same` every row has the same value: bit 1 << i for $(i + 1). */
const char *pg_set_text(Arena *a, const char *sql, const char *in, uint64_t same); /* NULL: it is of another form */
unsigned *pg_set_types(Arena *a, const char *in, uint64_t same);
PgParams pg_set_encode(Arena *a, const char *in, const Bind *binds, size_t rows, uint64_t same);
uint64_t pg_set_same(const char *in, const Bind *binds, size_t rows);
bool pg_bind_same(const Bind *a, const Bind *b);

/* postgres_run.c: one round trip. */
bool pg_run(PgDb *db, Arena *a, const Stmt *s, const Bind *binds, size_t rows, Rows *ret, Err *err);
void pg_ahead(PgDb *db, Arena *a, const Stmt *s, const Bind *binds);
bool pg_later(PgDb *db, Arena *a, const Stmt *s, const Bind *binds, size_t rows, Err *err);
void pg_forget(PgDb *db);           /* what was announced or put off */
bool pg_commit(PgDb *db, Err *err); /* with what was put off; when it fails for that, the transaction is still there */
bool pg_committed(PgDb *db, Err *err); /* waits for the commit that went with a statement */
bool pg_run_text(PgDb *db, Arena *a, Str sql, const char *in, const Bind *binds, Rows *ret, Err *err);
bool pg_rollback(PgDb *db);
bool pg_script(PgDb *db, const char *sql, Err *err);
