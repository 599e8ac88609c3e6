#include "store/postgres_impl.h"

#include <stdio.h>
#include <stdlib.h>

#include <libpq-fe.h>

enum {
	ROWS_PER_FLUSH = 32,
	NAME_ROOM = 16,
	SET_LEAST = 3, /* fewer rows are cheaper one by one */
};

/* A statement as this connection knows it. */
typedef struct Prepared {
	char name[NAME_ROOM];
	const char *sql;
	const unsigned *types;
	bool known; /* to the server */
} Prepared;

/* One round trip: what to send, and what came back. */
typedef struct Trip {
	const char *sql;
	const char *in;
	Prepared *prepared; /* NULL: sent as a text, once */
	const Bind *binds;
	size_t rows;
	bool set;      /* all rows in one statement */
	RowSink *sink; /* NULL: nobody wants the rows */
	bool begins;   /* "begin" goes ahead of it */
	bool prepares; /* then the preparation */
	bool failed;
	bool lost;    /* the connection */
	char tag[24]; /* of the last statement: "INSERT 0 1" */
} Trip;

static const char *
in_of(const Stmt *s)
{
	return s->in == NULL ? "" : s->in;
}

static const char *
sql_of(const Stmt *s)
{
	return s->pg != NULL ? s->pg : s->sql;
}

static Prepared *
prepared_of(PgDb *db, const Stmt *s, bool set)
{
	int64_t key = (int64_t)((intptr_t)s | set); /* statements lie at even addresses */
	Prepared *p = map_get(&db->statements, key);

	if (p != NULL)
		return p;
	p = arena_new(db->cache, Prepared);
	snprintf(p->name, sizeof(p->name), "s%u", ++db->prepared);
	p->sql = set ? pg_set_text(db->cache, sql_of(s), in_of(s)) : sql_of(s);
	p->types = set ? pg_set_types(db->cache, in_of(s)) : pg_types(db->cache, in_of(s));
	map_put(&db->statements, key, p);
	return p;
}

static bool
send_row(PgDb *db, const Trip *t, size_t row)
{
	size_t width = strlen(t->in);
	PgParams p = t->set ? pg_set_encode(db->scratch, t->in, t->binds, t->rows)
			    : pg_encode(db->scratch, t->in, t->binds + row * width);
	int ok;

	if (t->prepared != NULL)
		ok = PQsendQueryPrepared(db->conn, t->prepared->name, p.n, p.values, p.lengths, p.formats, 1);
	else
		ok = PQsendQueryParams(
		    db->conn, t->sql, p.n, pg_types(db->scratch, t->in), p.values, p.lengths, p.formats, 1);
	arena_reset(db->scratch); /* libpq has copied it */
	return ok == 1;
}

/* A large batch fills the server's socket with questions and ours with answers: so each part is flushed while reading. */
static bool
send_rows(PgDb *db, const Trip *t)
{
	for (size_t i = 0; i < (t->set ? 1 : t->rows); i++) {
		if (!send_row(db, t, i))
			return false;
		if (i % ROWS_PER_FLUSH == ROWS_PER_FLUSH - 1 && !pg_flush(db))
			return false;
	}
	return true;
}

static bool
send_trip(PgDb *db, Trip *t)
{
	if (t->begins && !PQsendQueryParams(db->conn, "begin", 0, NULL, NULL, NULL, NULL, 1))
		return false;
	t->prepares = t->prepared != NULL && !t->prepared->known;
	if (t->prepares && !PQsendPrepare(
				db->conn, t->prepared->name, t->prepared->sql, (int)strlen(t->in), t->prepared->types))
		return false;
	store_count(db->base.store, (t->set ? 1 : t->rows) + t->begins);
	return send_rows(db, t) && PQpipelineSync(db->conn) == 1 && pg_flush(db);
}

/* Rows changed; "SELECT 5" does not count. */
static int64_t
affected(PGresult *r)
{
	return strchr("IUDM", *PQcmdStatus(r)) == NULL ? 0 : atoll(PQcmdTuples(r));
}

/* `at` counts results: the begin and the preparation come first. */
static void
take_result(PgDb *db, Trip *t, PGresult *r, size_t at, Err *err)
{
	size_t ahead = (size_t)t->begins + t->prepares;
	ExecStatusType status = PQresultStatus(r);

	if (t->failed)
		return; /* the first error tells; what follows was not run */
	if (status == PGRES_TUPLES_OK && at >= ahead && t->sink != NULL)
		t->failed = t->set ? !pg_decode_set(r, t->sink, err)
				   : !pg_decode(r, t->sink, (uint32_t)(at - ahead), err);
	if (status == PGRES_TUPLES_OK || status == PGRES_COMMAND_OK) {
		if (t->prepares && at + 1 == ahead)
			t->prepared->known = true;
		if (at >= ahead && t->sink != NULL)
			t->sink->rows.affected += affected(r) + (t->set && *PQcmdStatus(r) == 'S' ? PQntuples(r) : 0);
		snprintf(t->tag, sizeof(t->tag), "%s", PQcmdStatus(r));
		return;
	}
	t->failed = true;
	t->lost = pg_is_lost(r);
	pg_fail(db->store, r, t->sql, err);
}

/* Reads up to the sync; false when the connection is lost. */
static bool
receive(PgDb *db, Trip *t, Err *err)
{
	PGresult *r = NULL;
	bool gap = false;

	for (size_t at = 0;;) {
		if (!pg_next(db, &r))
			return false;
		if (r == NULL) { /* one between two results */
			if (gap)
				return false;
			gap = true;
			at++;
			continue;
		}
		gap = false;
		if (PQresultStatus(r) == PGRES_PIPELINE_SYNC)
			break;
		take_result(db, t, r, at, err);
		PQclear(r);
	}
	PQclear(r);
	return true;
}

static bool
trip(PgDb *db, Trip *t, Err *err)
{
	t->begins = db->base.open && !db->begun;
	if (!send_trip(db, t) || !receive(db, t, err)) {
		t->lost = true;
		if (!t->failed) /* else the server has said why */
			return pg_away(db, "no answer", err);
	}
	if (t->lost) {
		pg_lose(db);
		return false;
	}
	if (t->begins)
		db->begun = true;
	return !t->failed;
}

/*
 * A connection that died while idle shows it only now. As long as nothing of the transaction has reached the server, the
 * trip is made again on a new one.
 */
static bool
trip_again(PgDb *db, Trip *t, const Stmt *s, Err *err)
{
	bool fresh = db->conn == NULL, nothing_yet = !db->base.open || !db->begun;
	Trip first = *t;
	Err why = { 0 };

	if (fresh && (db->begun || !pg_connect_db(db, err)))
		return false;
	t->prepared = s == NULL ? NULL : prepared_of(db, s, t->set);
	if (trip(db, t, &why))
		return true;
	if (db->conn == NULL && !fresh && nothing_yet && pg_connect_db(db, &why)) {
		RowSink *sink = t->sink;

		*t = first;
		if (sink != NULL)
			*sink = (RowSink){ .a = sink->a, .want_from = sink->want_from };
		t->prepared = s == NULL ? NULL : prepared_of(db, s, t->set);
		if (trip(db, t, &why))
			return true;
	}
	if (err != NULL)
		*err = why;
	return false;
}

bool
pg_run(PgDb *db, Arena *a, const Stmt *s, const Bind *binds, size_t rows, Rows *ret, Err *err)
{
	RowSink sink = { .a = a, .want_from = rows > 1 };
	Trip t = { .sql = sql_of(s), .in = in_of(s), .binds = binds, .rows = rows, .set = s->set && rows >= SET_LEAST };

	t.sink = ret == NULL ? NULL : &sink;
	if (!trip_again(db, &t, s, err))
		return false;
	if (ret != NULL)
		*ret = sink.rows;
	return true;
}

bool
pg_run_text(PgDb *db, Arena *a, Str sql, const char *in, const Bind *binds, Rows *ret, Err *err)
{
	RowSink sink = { .a = a };
	Trip t = { .sql = sql.p, .in = in, .binds = binds, .rows = 1 };

	t.sink = ret == NULL ? NULL : &sink;
	if (!trip_again(db, &t, NULL, err))
		return false;
	if (ret != NULL)
		*ret = sink.rows;
	return true;
}

/* Commit or rollback: the transaction is closed already as far as our own side is concerned. */
bool
pg_command(PgDb *db, const char *sql, const char *want_tag, Err *err)
{
	Trip t = { .sql = sql, .in = "", .rows = 1 };

	if (!trip(db, &t, err))
		return false;
	if (strcmp(t.tag, want_tag) == 0)
		return true;
	return err_set(err, ERR_INTERNAL, "PostgreSQL answered '%s' to %s", t.tag, sql);
}

/* Several statements in one text are beyond the pipeline's protocol. */
bool
pg_script(PgDb *db, const char *sql, Err *err)
{
	Trip begin = { .sql = "select 1", .in = "", .rows = 1 };
	PGresult *r;
	bool ok;

	if (!db->begun && !trip(db, &begin, err))
		return false;
	if (!PQexitPipelineMode(db->conn))
		return pg_away(db, "leaving pipeline mode", err);
	PQsetnonblocking(db->conn, 0);
	r = PQexec(db->conn, sql);
	store_count(db->base.store, 1);
	ok = PQresultStatus(r) == PGRES_COMMAND_OK || PQresultStatus(r) == PGRES_TUPLES_OK;
	if (!ok)
		pg_fail(db->store, r, sql, err);
	PQclear(r);
	PQsetnonblocking(db->conn, 1);
	if (PQstatus(db->conn) != CONNECTION_OK || !PQenterPipelineMode(db->conn))
		return pg_away(db, "running a script", err);
	return ok;
}
