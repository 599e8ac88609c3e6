#include "store/postgres_impl.h"

#include "base/log.h"

#include <errno.h>
#include <poll.h>

#include <libpq-fe.h>

enum {
	VERSION_LEAST = 140000, /* pipeline mode and the SQL we use */
	VERSION_UNIT = 10000,
	SILENCE_EXTRA =
	    5 * US_PER_S, /* the server ends a slow statement by itself; after this it is not there any more */
};

static bool
wait_for(PGconn *c, short events, TimeUs until, short *ret_events)
{
	struct pollfd p = { .fd = PQsocket(c), .events = events };
	TimeUs left;
	int n;

	do {
		left = until == 0 ? 0 : until - clock_mono(clock_real());
		n = poll(&p, 1, until == 0 ? -1 : left <= 0 ? 0 : (int)(left / US_PER_MS) + 1);
	} while (n < 0 && errno == EINTR);
	*ret_events = p.revents;
	return n > 0;
}

/* "connection to ... failed: FATAL:  28P01: password ...\nLOCATION: ...": the state is there because we ask for verbose
 * errors; the lines are put in one, without what is of use to PostgreSQL's authors only. */
static Str
tidy(Arena *a, const char *message, char state[6])
{
	Str rest = str_of(message), line, part;
	Buf b = buf_open(a);
	size_t at;

	state[0] = '\0';
	while (str_cut(&rest, '\n', &line)) {
		part = str_trim(line);
		if (part.n == 0 || str_starts(part, str_of("LOCATION:")))
			continue;
		if (str_find(part, str_of(":  "), &at) && part.n > at + 8 && part.p[at + 8] == ':') {
			memcpy(state, part.p + at + 3, 5);
			state[5] = '\0';
			buf_add(&b, str_sub(part, 0, at + 2));
			part = str_sub(part, at + 9, part.n);
			part = str_trim(part);
		}
		if (b.n > 0 && b.p[b.n - 1] != ' ')
			buf_text(&b, "; ");
		buf_add(&b, part);
	}
	return buf_str(&b);
}

static bool
connect_fail(const PgStore *s, PGconn *c, bool in_time, Err *err)
{
	CLEANUP(arena_done) Arena *a = arena_open();
	char state[6];
	Str text = tidy(a, c == NULL ? "" : PQerrorMessage(c), state);
	ErrCode code = state[0] == '\0' ? ERR_AWAY : pg_state_code(state);

	if (!in_time)
		text = str_of("no answer in time");
	if (code == ERR_AWAY && c != NULL && PQconnectionNeedsPassword(c))
		code = ERR_UNAUTHORIZED;
	return err_set(err, code, "cannot connect to %s: %.*s", s->shown, STR_ARG(text));
}

/* true when it is over, for good or bad. */
static bool
connect_wait(PGconn *c, TimeUs until)
{
	PostgresPollingStatusType next = PGRES_POLLING_WRITING;
	short events;

	while (next != PGRES_POLLING_OK && next != PGRES_POLLING_FAILED) {
		if (PQstatus(c) == CONNECTION_BAD)
			return true;
		if (!wait_for(c, next == PGRES_POLLING_READING ? POLLIN : POLLOUT, until, &events))
			return false;
		next = PQconnectPoll(c);
	}
	return true;
}

static void
no_notice(void *self, const PGresult *r)
{
	(void)self;
	(void)r;
}

static bool
check_version(const PgStore *s, PGconn *c, Err *err)
{
	int version = PQserverVersion(c);

	if (version >= VERSION_LEAST)
		return true;
	return err_set(err, ERR_UNSUPPORTED, "PostgreSQL at %s is version %d; 14 or newer is needed", s->shown,
	    version / VERSION_UNIT);
}

bool
pg_connect(PgStore *s, PGconn **ret, Err *err)
{
	PGconn *c = PQconnectStartParams(s->keys, s->values, 0);
	TimeUs until = clock_mono(clock_real()) + s->connect_timeout;
	bool in_time = true, ok = false;

	if (c != NULL) {
		PQsetErrorVerbosity(c, PQERRORS_VERBOSE);
		PQsetNoticeReceiver(c, no_notice, NULL);
		in_time = connect_wait(c, until);
	}
	if (!in_time || PQstatus(c) != CONNECTION_OK)
		connect_fail(s, c, in_time, err);
	else if (check_version(s, c, err)) {
		ok = PQsetnonblocking(c, 1) == 0 && PQenterPipelineMode(c) == 1;
		if (!ok)
			err_set(err, ERR_INTERNAL, "pipeline mode: %s", PQerrorMessage(c));
	}
	if (!ok) {
		PQfinish(c);
		return false;
	}
	*ret = c;
	return true;
}

static PGconn *
take_spare(PgStore *s)
{
	PGconn *c;

	pthread_mutex_lock(&s->lock);
	c = s->spare;
	s->spare = NULL;
	pthread_mutex_unlock(&s->lock);
	return c;
}

bool
pg_connect_db(PgDb *db, Err *err)
{
	PgStore *s = db->store;
	Err why = { 0 };

	db->conn = take_spare(s);
	if (db->conn == NULL && !pg_connect(s, &db->conn, &why)) {
		if (!atomic_exchange(&s->away, true))
			log_warn("the database is away, work waits and goes on when it is back: %s", why.text);
		/* it has worked before: whatever is wrong now may pass */
		return err_set(err, ERR_AWAY, "%s", why.text);
	}
	if (atomic_exchange(&s->away, false))
		log_info("the database %s is back", s->shown);
	arena_reset(db->cache);
	db->statements = map_open(db->cache);
	db->prepared = 0;
	db->begun = false;
	return true;
}

void
pg_lose(PgDb *db)
{
	PQfinish(db->conn);
	db->conn = NULL;
	db->begun = db->committing = false;
}

bool
pg_away(PgDb *db, const char *what, Err *err)
{
	CLEANUP(arena_done) Arena *a = arena_open();
	char state[6];
	Str text = tidy(a, db->conn == NULL ? "" : PQerrorMessage(db->conn), state);

	err_set(err, ERR_AWAY, "lost the connection to %s: %s%s%.*s", db->store->shown, what, text.n > 0 ? ": " : "",
	    STR_ARG(text));
	pg_lose(db);
	return false;
}

static TimeUs
patience(const PgDb *db)
{
	return db->base.unhurried ? 0 : clock_mono(clock_real()) + db->store->statement_timeout + SILENCE_EXTRA;
}

bool
pg_flush(PgDb *db)
{
	short events;
	int left;

	while ((left = PQflush(db->conn)) == 1) {
		if (!wait_for(db->conn, POLLIN | POLLOUT, patience(db), &events))
			return false;
		if ((events & ~POLLOUT) != 0 && !PQconsumeInput(db->conn))
			return false;
	}
	return left == 0;
}

bool
pg_next(PgDb *db, PGresult **ret)
{
	short events;

	while (PQisBusy(db->conn)) {
		if (!wait_for(db->conn, POLLIN, patience(db), &events) || !PQconsumeInput(db->conn))
			return false;
	}
	*ret = PQgetResult(db->conn);
	return *ret != NULL || PQstatus(db->conn) == CONNECTION_OK;
}
