#include "store/session.h"

#include "store/change.h"

enum { KEPT_DAYS = 7 };

static const TimeUs DAY_US = 86400LL * US_PER_S;

bool
session_open(Db *db, Arena *a, Session *s, TimeUs now, Err *err)
{
	static const Stmt trim = {
		.sql = "delete from auth_session where identity = $1 and (expires_at < $2 or ended_at < $2)",
		.in = "it",
	};
	static const Stmt make = {
		.sql = "insert into auth_session (identity, kind, integration_token, created, last_used, expires_at)"
		       " values ($1, $2, $3, $4, $4, $5) returning id",
		.in = "isItt",
	};
	Bind old[] = { bind_int(s->identity), bind_time(now - KEPT_DAYS * DAY_US) };
	Bind b[] = { bind_int(s->identity), bind_str(s->kind), bind_id(s->integration_token), bind_time(now),
		bind_time(s->expires) };
	Rows rows;

	if (!db_exec(db, a, &trim, old, NULL, err) || !db_exec(db, a, &make, b, &rows, err))
		return err_wrap(err, "open a session");
	s->id = row_int(rows_at(&rows, 0), 0);
	return true;
}

bool
session_get(Db *db, Arena *a, Id id, Session *ret, Err *err)
{
	static const Stmt s = {
		.sql = "select id, identity, kind, integration_token, generation, expires_at, ended_at"
		       " from auth_session where id = $1",
		.in = "i",
	};
	Bind key = bind_int(id);
	Rows rows;
	Row r;

	if (!db_read(db, a, &s, &key, &rows, err))
		return err_wrap(err, "read a session");
	if (rows.n == 0)
		return err_set(err, ERR_NOT_FOUND, "Session with ID %lld not found", (long long)id);
	r = rows_at(&rows, 0);
	*ret = (Session){
		.id = row_int(r, 0),
		.identity = row_int(r, 1),
		.kind = row_str(r, 2),
		.integration_token = row_int(r, 3),
		.generation = row_int(r, 4),
		.expires = row_int(r, 5),
		.ended = row_int(r, 6),
	};
	return true;
}

bool
session_refresh(Db *db, Arena *a, Id id, int64_t generation, TimeUs expires, TimeUs now, bool *ret_ok, Err *err)
{
	static const Stmt s = {
		.sql = "update auth_session set generation = generation + 1, last_used = $1, expires_at = $2"
		       " where id = $3 and generation = $4 and ended_at is null",
		.in = "ttii",
	};
	Bind b[] = { bind_time(now), bind_time(expires), bind_int(id), bind_int(generation) };
	Rows rows;

	if (!db_exec(db, a, &s, b, &rows, err))
		return err_wrap(err, "refresh a session");
	*ret_ok = rows.affected > 0;
	return true;
}

bool
session_end(Db *db, Arena *a, Id id, const char *reason, TimeUs now, Err *err)
{
	static const Stmt s = {
		.sql = "update auth_session set ended_at = $1, ended_reason = $2 where id = $3 and ended_at is null",
		.in = "tsi",
	};
	Bind b[] = { bind_time(now), bind_text(reason), bind_int(id) };

	return db_exec(db, a, &s, b, NULL, err) && change_note(db, a, "session", id, now, err);
}

bool
sessions_end(Db *db, Arena *a, const SessionsOf *of, const char *reason, TimeUs now, Err *err)
{
	static const Stmt s = {
		.sql = "select id from auth_session where ended_at is null and ($1 = 0 or identity = $1)"
		       " and ($2 = 0 or integration_token = $2) and ($3 = '' or kind = $3) and id <> $4",
		.in = "iisi",
	};
	Bind b[] = { bind_int(of->identity), bind_int(of->integration_token),
		bind_text(of->kind == NULL ? "" : of->kind), bind_int(of->but) };
	Rows rows;

	if (!db_exec(db, a, &s, b, &rows, err))
		return err_wrap(err, "look for sessions");
	for (size_t i = 0; i < rows.n; i++)
		if (!session_end(db, a, row_int(rows_at(&rows, i), 0), reason, now, err))
			return false;
	return true;
}

bool
sessions_ended(Db *db, Arena *a, TimeUs since, Id **ret, size_t *ret_n, Err *err)
{
	static const Stmt s = { .sql = "select id from auth_session where ended_at >= $1", .in = "t" };
	Bind b[] = { bind_time(since) };
	Rows rows;

	if (!db_read(db, a, &s, b, &rows, err))
		return err_wrap(err, "look for ended sessions");
	*ret = arena_array(a, Id, rows.n + 1);
	*ret_n = rows.n;
	for (size_t i = 0; i < rows.n; i++)
		(*ret)[i] = row_int(rows_at(&rows, i), 0);
	return true;
}
