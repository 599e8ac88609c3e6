#include "store/postgres_impl.h"

#include <stdio.h>
#include <stdlib.h>

#include <libpq-fe.h>

enum {
	ROWS_PER_FLUSH = 32,
	NAME_ROOM = 16,
	SET_LEAST = 3,   /* fewer rows are cheaper one by one */
	FORM_LEAST = 64, /* rows that are worth a preparation of their own */
	FORMS_MOST = 8,
};

/* A statement as this connection knows it. */
typedef struct Prepared {
	char name[NAME_ROOM];
	const char *sql;
	const unsigned *types;
	uint64_t same;         /* of a batch: see pg_set_text */
	struct Prepared *next; /* the same statement in another form */
	bool known;            /* to the server */
	bool on_trip;          /* its preparation is on the way */
} Prepared;

/* One statement of a round trip, with the rows of binds it runs for. */
typedef struct Ask {
	const Stmt *stmt; /* NULL: sent as a text, once */
	const char *sql;
	const char *in;
	const Bind *binds;
	size_t rows;
	bool set;      /* all rows in one statement */
	RowSink *sink; /* NULL: nobody wants the rows */
	Prepared *prepared;
	bool prepares; /* its preparation goes ahead of it */
} Ask;

/* One round trip: what to send, and what came back. */
typedef struct Trip {
	Ask *asks;
	size_t n;
	bool begins;  /* "begin" goes ahead of all */
	bool commits; /* "commit" goes behind all, and its answer is left to be read later */
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
prepared_new(PgDb *db, const Ask *q, uint64_t same)
{
	Prepared *p = arena_new(db->cache, Prepared);

	snprintf(p->name, sizeof(p->name), "s%u", ++db->prepared);
	p->same = same;
	p->sql = q->set ? pg_set_text(db->cache, q->sql, q->in, same) : q->sql;
	if (p->sql == NULL)
		abort(); /* a defect: a statement marked `set` is of neither form, and every batch of it would look like a lost server */
	p->types = q->set ? pg_set_types(db->cache, q->in, same) : pg_types(db->cache, q->in);
	return p;
}

/* Of the forms that are there the one that fits and sends the least; a large batch gets one of its own, while there are few. */
static Prepared *
form_of(PgDb *db, const Ask *q, Prepared *first)
{
	uint64_t same = pg_set_same(q->in, q->binds, q->rows);
	Prepared *best = first;
	size_t n = 0;

	for (Prepared *p = first; p != NULL; p = p->next, n++)
		if ((p->same & ~same) == 0 && __builtin_popcountll(p->same) > __builtin_popcountll(best->same))
			best = p;
	if (best->same == same || q->rows < FORM_LEAST || n >= FORMS_MOST)
		return best;
	best = prepared_new(db, q, same);
	best->next = first->next;
	first->next = best;
	return best;
}

static Prepared *
prepared_of(PgDb *db, const Ask *q)
{
	int64_t key = (int64_t)((intptr_t)q->stmt | q->set); /* statements lie at even addresses */
	Prepared *p = map_get(&db->statements, key);

	if (p == NULL) {
		p = prepared_new(db, q, 0);
		map_put(&db->statements, key, p);
	}
	return q->set ? form_of(db, q, p) : p;
}

static size_t
ask_statements(const Ask *q)
{
	return q->set ? 1 : q->rows;
}

static bool
send_row(PgDb *db, const Ask *q, size_t row)
{
	size_t width = strlen(q->in);
	PgParams p = q->set ? pg_set_encode(db->scratch, q->in, q->binds, q->rows, q->prepared->same)
			    : pg_encode(db->scratch, q->in, q->binds + row * width);
	int ok;

	if (q->prepared != NULL)
		ok = PQsendQueryPrepared(db->conn, q->prepared->name, p.n, p.values, p.lengths, p.formats, 1);
	else
		ok = PQsendQueryParams(
		    db->conn, q->sql, p.n, pg_types(db->scratch, q->in), p.values, p.lengths, p.formats, 1);
	arena_reset(db->scratch); /* libpq has copied it */
	return ok == 1;
}

/* A large batch fills the server's socket with questions and ours with answers: so each part is flushed while reading. */
static bool
send_ask(PgDb *db, Ask *q)
{
	q->prepared = q->stmt == NULL ? NULL : prepared_of(db, q);
	q->prepares = q->prepared != NULL && !q->prepared->known && !q->prepared->on_trip;
	if (q->prepares &&
	    !PQsendPrepare(db->conn, q->prepared->name, q->prepared->sql, (int)strlen(q->in), q->prepared->types))
		return false;
	if (q->prepares)
		q->prepared->on_trip = true;
	for (size_t i = 0; i < ask_statements(q); i++) {
		if (!send_row(db, q, i))
			return false;
		if (i % ROWS_PER_FLUSH == ROWS_PER_FLUSH - 1 && !pg_flush(db))
			return false;
	}
	store_count(db->base.store, ask_statements(q));
	return true;
}

static bool
send_trip(PgDb *db, Trip *t)
{
	if (t->begins && !PQsendQueryParams(db->conn, "begin", 0, NULL, NULL, NULL, NULL, 1))
		return false;
	store_count(db->base.store, t->begins);
	for (size_t i = 0; i < t->n; i++)
		if (!send_ask(db, &t->asks[i]))
			return false;
	/* what is asked is answered before the commit is done */
	if (t->commits &&
	    (!PQsendFlushRequest(db->conn) || !PQsendQueryParams(db->conn, "commit", 0, NULL, NULL, NULL, NULL, 1)))
		return false;
	store_count(db->base.store, t->commits);
	return PQpipelineSync(db->conn) == 1 && pg_flush(db);
}

static size_t
trip_results(const Trip *t)
{
	size_t n = t->begins;

	for (size_t i = 0; i < t->n; i++)
		n += t->asks[i].prepares + ask_statements(&t->asks[i]);
	return n;
}

/* Rows inserted, updated or deleted; "SELECT 5" counts where it is what a batch gave back of its inserts. */
static int64_t
affected(const Ask *q, PGresult *r)
{
	const char *kinds = q->set ? "IUDMS" : "IUDM";

	return strchr(kinds, *PQcmdStatus(r)) == NULL ? 0 : atoll(PQcmdTuples(r));
}

/* Which ask a result belongs to: *at counts within it, its preparation first; NULL is the begin's. */
static Ask *
ask_of(const Trip *t, size_t *at)
{
	if (t->begins && (*at)-- == 0)
		return NULL;
	for (size_t i = 0; i < t->n; i++) {
		size_t results = t->asks[i].prepares + ask_statements(&t->asks[i]);

		if (*at < results)
			return &t->asks[i];
		*at -= results;
	}
	return NULL;
}

static void
take_rows(Ask *q, PGresult *r, size_t at, Trip *t, Err *err)
{
	if (q->sink == NULL)
		return;
	if (PQresultStatus(r) == PGRES_TUPLES_OK)
		t->failed = q->set ? !pg_decode_set(r, q->sink, err) : !pg_decode(r, q->sink, (uint32_t)at, err);
	q->sink->rows.affected += affected(q, r);
}

static void
take_result(PgDb *db, Trip *t, PGresult *r, size_t at, Err *err)
{
	Ask *q = ask_of(t, &at);
	ExecStatusType status = PQresultStatus(r);

	if (t->failed)
		return; /* the first error tells; what follows was not run */
	if (status == PGRES_TUPLES_OK || status == PGRES_COMMAND_OK) {
		snprintf(t->tag, sizeof(t->tag), "%s", PQcmdStatus(r));
		if (q != NULL && q->prepares && at == 0)
			q->prepared->known = true;
		else if (q != NULL)
			take_rows(q, r, at - q->prepares, t, err);
		return;
	}
	t->failed = true;
	t->lost = pg_is_lost(r);
	pg_fail(db->store, r, q == NULL ? "begin" : q->sql, err);
}

/* Reads up to the sync, or, when all is well, up to the commit that goes behind; false when the connection is lost. */
static bool
receive(PgDb *db, Trip *t, Err *err)
{
	size_t last = t->commits ? trip_results(t) : 0;
	PGresult *r = NULL;
	bool gap = false;

	for (size_t at = 0;;) {
		if (t->commits && at == last && !t->failed)
			return true;
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
	if (t->lost) { /* and with it what it had prepared */
		pg_lose(db);
		return false;
	}
	for (size_t i = 0; i < t->n; i++)
		if (t->asks[i].prepares)
			t->asks[i].prepared->on_trip = false;
	if (t->begins)
		db->begun = true;
	db->committing = t->commits && !t->failed;
	if (db->committing)
		db->begun = false;
	return !t->failed;
}

bool
pg_committed(PgDb *db, Err *err)
{
	Trip t = { 0 };

	db->committing = false;
	if (!receive(db, &t, err) || t.lost) {
		if (!t.failed)
			(void)pg_away(db, "no answer to commit", err);
		else
			pg_lose(db);
		return false;
	}
	store_committed(db->base.store);
	if (t.failed || strcmp(t.tag, "COMMIT") == 0)
		return !t.failed;
	return err_set(err, ERR_INTERNAL, "PostgreSQL answered '%s' to commit", t.tag);
}

/* A server that has gone away while nothing was asked of it. */
static bool
gone_meanwhile(PgDb *db)
{
	bool there = db->conn != NULL && PQconsumeInput(db->conn) == 1 && PQconsumeInput(db->conn) == 1 &&
		     PQstatus(db->conn) == CONNECTION_OK;

	if (!there && db->conn != NULL)
		pg_lose(db);
	return !there;
}

static void
sinks_empty(const Trip *t)
{
	for (size_t i = 0; i < t->n; i++) {
		RowSink *sink = t->asks[i].sink;

		if (sink != NULL)
			*sink = (RowSink){ .a = sink->a, .want_from = sink->want_from };
	}
}

/*
 * A connection that died while idle shows it only now. As long as nothing of the transaction has reached the server, the
 * trip is made again on a new one.
 */
static bool
trip_again(PgDb *db, Ask *asks, size_t n, bool commits, Err *err)
{
	bool nothing_yet = !db->base.open || !db->begun;
	bool fresh = db->conn == NULL || (commits && nothing_yet && gone_meanwhile(db));
	Trip t = { .asks = asks, .n = n, .commits = commits };
	Err why = { 0 };

	if (fresh && (db->begun || !pg_connect_db(db, err)))
		return false;
	if (trip(db, &t, &why))
		return true;
	/* a commit that went along may have been done */
	if (db->conn == NULL && !fresh && nothing_yet && !commits && pg_connect_db(db, &why)) {
		t = (Trip){ .asks = asks, .n = n };
		sinks_empty(&t);
		if (trip(db, &t, &why))
			return true;
	}
	if (err != NULL)
		*err = why;
	return false;
}

static Ask
ask_for(const Stmt *s, const Bind *binds, size_t rows, RowSink *sink)
{
	return (Ask){
		.stmt = s,
		.sql = sql_of(s),
		.in = in_of(s),
		.binds = binds,
		.rows = rows,
		.set = s->set && rows >= SET_LEAST,
		.sink = sink,
	};
}

/* ---- statements announced ahead of their time ---- */

static PgAhead *
ahead_find(PgDb *db, const Stmt *s, const Bind *binds)
{
	for (size_t i = 0; i < db->ahead_n; i++) {
		PgAhead *h = &db->ahead[i];
		size_t same = 0, n = strlen(in_of(s));

		if (h->stmt != s || h->taken)
			continue;
		while (same < n && pg_bind_same(&h->binds[same], &binds[same]))
			same++;
		if (same == n)
			return h;
	}
	return NULL;
}

static void
ahead_tidy(PgDb *db)
{
	size_t kept = 0;

	for (size_t i = 0; i < db->ahead_n; i++)
		if (!db->ahead[i].taken)
			db->ahead[kept++] = db->ahead[i];
	db->ahead_n = kept;
}

void
pg_ahead(PgDb *db, Arena *a, const Stmt *s, const Bind *binds)
{
	size_t n = strlen(in_of(s));
	PgAhead *before = ahead_find(db, s, binds);

	/* who announces it again wants to see what is there by then, not what nobody has asked for */
	if (before != NULL)
		before->taken = true;
	ahead_tidy(db);
	if (db->ahead_n == PG_AHEAD_MOST)
		return;
	db->ahead[db->ahead_n++] = (PgAhead){
		.stmt = s,
		.binds = n == 0 ? NULL : arena_copy(a, binds, n * sizeof(Bind)),
		.sink = { .a = a },
	};
}

void
pg_forget(PgDb *db)
{
	db->ahead_n = db->later_n = 0;
	db->last = false;
}

static size_t
later_take(PgDb *db, Ask *ret)
{
	size_t n = db->later_n;

	for (size_t i = 0; i < n; i++)
		ret[i] = ask_for(db->later[i].stmt, db->later[i].binds, db->later[i].rows, NULL);
	db->later_n = 0;
	return n;
}

/* What was put off goes first; all that were announced travel with it, in the order of their announcement, and before what is asked
 * now, if anything is. */
static bool
send_with_ahead(PgDb *db, const Ask *now, Err *err)
{
	Ask asks[PG_LATER_MOST + PG_AHEAD_MOST + 1];
	size_t n = later_take(db, asks);
	bool commits = now != NULL && db->last;

	for (size_t i = 0; i < db->ahead_n; i++) {
		PgAhead *h = &db->ahead[i];

		if (!h->sent)
			asks[n++] = ask_for(h->stmt, h->binds, 1, &h->sink);
		h->sent = true;
	}
	if (now != NULL)
		asks[n++] = *now;
	if (commits)
		db->last = false;
	return trip_again(db, asks, n, commits, err);
}

/* What is asked after the last statement begins when that one's commit is done. */
static bool
ended_before(PgDb *db, Err *err)
{
	return !db->committing || pg_committed(db, err);
}

/* ---- the face ---- */

bool
pg_run(PgDb *db, Arena *a, const Stmt *s, const Bind *binds, size_t rows, Rows *ret, Err *err)
{
	PgAhead *h = rows == 1 ? ahead_find(db, s, binds) : NULL;
	RowSink sink = { .a = a, .want_from = rows > 1 };
	Ask q = ask_for(s, binds, rows, ret == NULL ? NULL : &sink);

	if (h != NULL) {
		h->taken = true;
		if (!h->sent && (!ended_before(db, err) || !send_with_ahead(db, NULL, err)))
			return false;
		sink = h->sink;
	} else if (!ended_before(db, err) || !send_with_ahead(db, &q, err)) {
		return false;
	}
	if (ret != NULL)
		*ret = sink.rows;
	return true;
}

bool
pg_run_text(PgDb *db, Arena *a, Str sql, const char *in, const Bind *binds, Rows *ret, Err *err)
{
	RowSink sink = { .a = a };
	Ask q = { .sql = sql.p, .in = in, .binds = binds, .rows = 1, .sink = ret == NULL ? NULL : &sink };

	if (!ended_before(db, err) || !send_with_ahead(db, &q, err))
		return false;
	if (ret != NULL)
		*ret = sink.rows;
	return true;
}

static Bind *
binds_keep(Arena *a, const Bind *binds, size_t n)
{
	Bind *kept = arena_copy(a, binds, n * sizeof(Bind));

	for (size_t i = 0; i < n; i++)
		if (kept[i].type == 's' || kept[i].type == 'x')
			kept[i].s = str_copy(a, kept[i].s);
	return kept;
}

bool
pg_later(PgDb *db, Arena *a, const Stmt *s, const Bind *binds, size_t rows, Err *err)
{
	if (!db->begun || db->later_n == PG_LATER_MOST)
		return pg_run(db, a, s, binds, rows, NULL, err);
	db->later[db->later_n++] = (PgLater){ s, binds_keep(a, binds, rows * strlen(in_of(s))), rows };
	return true;
}

static bool
command(PgDb *db, Ask *asks, size_t n, const char *sql, const char *want_tag, Err *err)
{
	Trip t = { .asks = asks, .n = n + 1 };

	asks[n] = (Ask){ .sql = sql, .in = "", .rows = 1 };
	if (!trip(db, &t, err))
		return false;
	if (strcmp(t.tag, want_tag) == 0)
		return true;
	return err_set(err, ERR_INTERNAL, "PostgreSQL answered '%s' to %s", t.tag, sql);
}

/* Commit or rollback: the transaction is closed already as far as our own side is concerned. */
bool
pg_commit(PgDb *db, Err *err)
{
	Ask asks[PG_LATER_MOST + 1];

	if (!command(db, asks, later_take(db, asks), "commit", "COMMIT", err))
		return false;
	store_committed(db->base.store);
	return true;
}

bool
pg_rollback(PgDb *db)
{
	Ask q;

	return command(db, &q, 0, "rollback", "ROLLBACK", NULL);
}

/* Several statements in one text are beyond the pipeline's protocol. */
bool
pg_script(PgDb *db, const char *sql, Err *err)
{
	Ask nothing = { .sql = "select 1", .in = "", .rows = 1 };
	Trip begin = { .asks = &nothing, .n = 1 };
	PGresult *r;
	bool ok;

	if (!ended_before(db, err) || (!db->begun && !trip(db, &begin, err)))
		return false;
	if (db->later_n > 0 && !send_with_ahead(db, NULL, err))
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
