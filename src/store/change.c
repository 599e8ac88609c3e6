#include "store/change.h"

#include "store/lock.h"

bool
change_lock(Db *db, Arena *a, Err *err)
{
	static const Stmt s = { .sql = "select " LOCK_TAKE(LOCK_TABLE("definition_change"), "74710"), .in = "" };

	return db_kind(db) != STORE_POSTGRES || db_exec(db, a, &s, NULL, NULL, err);
}

bool
change_note(Db *db, Arena *a, const char *kind, Id entity, TimeUs now, Err *err)
{
	static const Stmt s = {
		.sql = "insert into definition_change (kind, entity, created) values ($1, $2, $3)",
		.in = "sit",
	};
	Bind b[] = { bind_text(kind), bind_int(entity), bind_time(now) };

	if (!change_lock(db, a, err) || !db_exec(db, a, &s, b, NULL, err))
		return err_wrap(err, "note a change of %s %lld", kind, (long long)entity);
	return true;
}

static const Stmt since_stmt = {
	.sql = "select id, kind, entity from definition_change where id > $1 order by id",
	.in = "i",
};

void
change_since_ahead(Db *db, Arena *a, Id last)
{
	Bind b[] = { bind_int(last) };

	db_ahead(db, a, &since_stmt, b);
}

bool
change_since(Db *db, Arena *a, Id last, Change **ret, size_t *ret_n, Err *err)
{
	Bind b[] = { bind_int(last) };
	Rows rows;

	if (!db_read(db, a, &since_stmt, b, &rows, err))
		return err_wrap(err, "read changes");
	*ret = arena_array(a, Change, rows.n + 1);
	*ret_n = rows.n;
	for (size_t i = 0; i < rows.n; i++) {
		Row r = rows_at(&rows, i);

		(*ret)[i] = (Change){ row_int(r, 0), row_str(r, 1), row_int(r, 2) };
	}
	return true;
}

static bool
one_id(Db *db, Arena *a, const Stmt *s, Id *ret, Err *err)
{
	Rows rows;

	if (!db_read(db, a, s, NULL, &rows, err))
		return err_wrap(err, "read changes");
	*ret = rows.n == 0 ? 0 : row_int(rows_at(&rows, 0), 0);
	return true;
}

bool
change_last(Db *db, Arena *a, Id *ret, Err *err)
{
	static const Stmt s = { .sql = "select max(id) from definition_change", .in = "" };

	return one_id(db, a, &s, ret, err);
}

bool
change_first(Db *db, Arena *a, Id *ret, Err *err)
{
	static const Stmt s = { .sql = "select min(id) from definition_change", .in = "" };

	return one_id(db, a, &s, ret, err);
}

bool
change_trim(Db *db, Arena *a, TimeUs before, Err *err)
{
	static const Stmt s = {
		.sql =
		    "delete from definition_change where created < $1 and id < (select max(id) from definition_change)",
		.in = "t",
	};
	Bind b[] = { bind_time(before) };

	return db_exec(db, a, &s, b, NULL, err);
}
