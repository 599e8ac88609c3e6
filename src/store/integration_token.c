#include "store/integration_token.h"

#define COLUMNS \
	"select id, identity, label, description, token_hash, token_prefix, token_suffix, created_by, expires_at," \
	" last_used_at, last_used_ip, revoked_at, revoked_by, revocation_reason, created, updated from " \
	"integration_token"

static void
token_read(Row r, IntegrationToken *ret)
{
	*ret = (IntegrationToken){
		.id = row_int(r, 0),
		.identity = row_int(r, 1),
		.label = row_str(r, 2),
		.description = row_str(r, 3),
		.hash = row_str(r, 4),
		.prefix = row_str(r, 5),
		.suffix = row_str(r, 6),
		.created_by = row_int(r, 7),
		.expires = row_int(r, 8),
		.last_used = row_int(r, 9),
		.last_used_ip = row_str(r, 10),
		.revoked = row_int(r, 11),
		.revoked_by = row_int(r, 12),
		.revocation_reason = row_str(r, 13),
		.created = row_int(r, 14),
		.updated = row_int(r, 15),
	};
}

bool
integration_token_insert(Db *db, Arena *a, IntegrationToken *t, TimeUs now, Err *err)
{
	static const Stmt s = {
		.sql = "insert into integration_token (identity, label, description, token_hash, token_prefix, "
		       "token_suffix,"
		       " created_by, expires_at, created, updated) values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $9)"
		       " returning id",
		.in = "isSsssITt",
	};
	Bind b[] = { bind_int(t->identity), bind_str(t->label), bind_str(t->description), bind_str(t->hash),
		bind_str(t->prefix), bind_str(t->suffix), bind_id(t->created_by), bind_time(t->expires),
		bind_time(now) };
	Rows rows;

	if (!db_exec(db, a, &s, b, &rows, err))
		return err_wrap(err, "store an integration token");
	t->id = row_int(rows_at(&rows, 0), 0);
	t->created = t->updated = now;
	return true;
}

static bool
one(Db *db, Arena *a, const Stmt *s, const Bind *b, IntegrationToken *ret, Err *err)
{
	Rows rows;

	if (!db_read(db, a, s, b, &rows, err))
		return err_wrap(err, "read an integration token");
	if (rows.n == 0)
		return err_set(err, ERR_NOT_FOUND, "Integration token not found");
	token_read(rows_at(&rows, 0), ret);
	return true;
}

bool
integration_token_get(Db *db, Arena *a, Id identity, Id id, IntegrationToken *ret, Err *err)
{
	static const Stmt s = { .sql = COLUMNS " where id = $1 and identity = $2", .in = "ii" };
	Bind b[] = { bind_int(id), bind_int(identity) };

	return one(db, a, &s, b, ret, err);
}

bool
integration_token_find(Db *db, Arena *a, Str hash, IntegrationToken *ret, Err *err)
{
	static const Stmt s = { .sql = COLUMNS " where token_hash = $1", .in = "s" };
	Bind b[] = { bind_str(hash) };

	return one(db, a, &s, b, ret, err);
}

bool
integration_token_list(Db *db, Arena *a, Id identity, IntegrationToken **ret, size_t *ret_n, Err *err)
{
	static const Stmt s = { .sql = COLUMNS " where identity = $1 order by id desc", .in = "i" };
	Bind b[] = { bind_int(identity) };
	Rows rows;

	if (!db_read(db, a, &s, b, &rows, err))
		return err_wrap(err, "list integration tokens");
	*ret = arena_array(a, IntegrationToken, rows.n + 1);
	*ret_n = rows.n;
	for (size_t i = 0; i < rows.n; i++)
		token_read(rows_at(&rows, i), &(*ret)[i]);
	return true;
}

bool
integration_token_used(Db *db, Arena *a, Id id, Str ip, TimeUs now, Err *err)
{
	static const Stmt s = {
		.sql = "update integration_token set last_used_at = $1, last_used_ip = $2 where id = $3",
		.in = "tSi",
	};
	Bind b[] = { bind_time(now), bind_str(ip), bind_int(id) };

	return db_exec(db, a, &s, b, NULL, err);
}

bool
integration_token_revoke(Db *db, Arena *a, Id id, Id by, Str reason, TimeUs now, Err *err)
{
	static const Stmt s = {
		.sql = "update integration_token set revoked_at = $1, revoked_by = $2, revocation_reason = $3, updated "
		       "= $1"
		       " where id = $4 and revoked_at is null",
		.in = "tISi",
	};
	Bind b[] = { bind_time(now), bind_id(by), bind_str(reason), bind_int(id) };

	return db_exec(db, a, &s, b, NULL, err);
}

bool
integration_token_delete(Db *db, Arena *a, Id id, Err *err)
{
	static const Stmt s = { .sql = "delete from integration_token where id = $1", .in = "i" };
	Bind b[] = { bind_int(id) };

	return db_exec(db, a, &s, b, NULL, err);
}
