#include "store/idempotency.h"

bool
answer_find(Db *db, Arena *a, Str caller, Str key, TimeUs since, bool *ret_found, KeptAnswer *ret, Err *err)
{
	static const Stmt s = {
		.sql = "select fingerprint, status, body from idempotency_key"
		       " where caller = $1 and key = $2 and created >= $3",
		.in = "sst",
	};
	Bind b[] = { bind_str(caller), bind_str(key), bind_time(since) };
	Rows rows;

	if (!db_read(db, a, &s, b, &rows, err))
		return err_wrap(err, "look for the answer kept under an Idempotency-Key");
	*ret_found = rows.n > 0;
	if (rows.n > 0) {
		Row r = rows_at(&rows, 0);

		*ret = (KeptAnswer){ row_str(r, 0), row_int(r, 1), row_str(r, 2) };
	}
	return true;
}

bool
answer_keep(
    Db *db, Arena *a, Str caller, Str key, const KeptAnswer *answer, TimeUs since, TimeUs now, bool *ret_kept, Err *err)
{
	static const Stmt s = {
		.sql = "insert into idempotency_key (caller, key, fingerprint, status, body, created)"
		       " values ($1, $2, $3, $4, $5, $6) on conflict (caller, key) do update set"
		       " fingerprint = excluded.fingerprint, status = excluded.status, body = excluded.body,"
		       " created = excluded.created where idempotency_key.created < $7",
		.in = "sssistt",
	};
	Bind b[] = { bind_str(caller), bind_str(key), bind_str(answer->fingerprint), bind_int(answer->status),
		bind_str(answer->body), bind_time(now), bind_time(since) };
	Rows rows;

	if (!db_exec(db, a, &s, b, &rows, err))
		return err_wrap(err, "keep the answer under its Idempotency-Key");
	*ret_kept = rows.affected > 0;
	return true;
}

bool
answers_trim(Db *db, Arena *a, TimeUs before, Err *err)
{
	static const Stmt s = {
		.sql = "delete from idempotency_key where created < $1"
		       " and id < (select min(id) from idempotency_key) + 1000",
		.in = "t",
	};
	Bind b[] = { bind_time(before) };

	return db_exec(db, a, &s, b, NULL, err) || err_wrap(err, "remove answers kept under an Idempotency-Key");
}
