#include "store/execution_breaker.h"

/* word for word the conditions of the partial indexes */
#define WENT_WRONG \
	"breaker = $1 and breaker is not null and started_at is not null and (status = 'failed' or status = " \
	"'timeout')"
#define PROBES "breaker = $1 and breaker_probe"

bool
breaker_read(Db *db, Arena *a, Str breaker, BreakerSeen *ret, Err *err)
{
	/* what never ran says nothing, however often it was given to a worker */
	static const Stmt probe = {
		.sql = "select finished_at, status from execution where " PROBES
		       " and finished_at is not null and started_at is not null"
		       " and status in ('completed', 'failed', 'timeout')"
		       " order by finished_at desc limit 1",
		.in = "s",
	};
	static const Stmt failures = {
		.sql = "select finished_at from execution where " WENT_WRONG " and finished_at > $2"
		       " order by finished_at desc limit 1000",
		.in = "st",
	};
	Bind b[] = { bind_str(breaker), bind_time(1) };
	TimeUs *ends;
	Rows rows;

	*ret = (BreakerSeen){ 0 };
	if (!db_exec(db, a, &probe, b, &rows, err))
		return err_wrap(err, "read a breaker");
	if (rows.n > 0) {
		ret->probe_ended = row_int(rows_at(&rows, 0), 0);
		ret->probe_failed = !str_is(row_str(rows_at(&rows, 0), 1), "completed");
		b[1] = bind_time(ret->probe_ended);
	}
	if (ret->probe_failed)
		return true;
	if (!db_exec(db, a, &failures, b, &rows, err))
		return err_wrap(err, "read a breaker");
	ends = arena_array(a, TimeUs, rows.n + 1);
	for (size_t i = 0; i < rows.n; i++)
		ends[i] = row_int(rows_at(&rows, i), 0);
	ret->failures = ends;
	ret->n = rows.n;
	return true;
}

bool
breaker_probe(Db *db, Arena *a, Str breaker, Id *ret, Err *err)
{
	static const Stmt s = {
		.sql = "select id from execution where " PROBES " and finished_at is null order by id limit 1",
		.in = "s",
	};
	Bind b[] = { bind_str(breaker) };
	Rows rows;

	if (!db_exec(db, a, &s, b, &rows, err))
		return err_wrap(err, "read a breaker");
	*ret = rows.n == 0 ? 0 : row_int(rows_at(&rows, 0), 0);
	return true;
}

bool
breaker_probe_mark(Db *db, Arena *a, Id id, Err *err)
{
	static const Stmt s = { .sql = "update execution set breaker_probe = $2 where id = $1", .in = "ib" };
	Bind b[] = { bind_int(id), bind_bool(true) };

	return db_exec(db, a, &s, b, NULL, err) || err_wrap(err, "mark what a breaker lets through");
}
