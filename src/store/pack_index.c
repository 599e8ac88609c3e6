#include "store/pack_index.h"

#define COLUMNS \
	"select x.id, x.name, x.url, x.position, x.enabled, x.headers, x.key_id, x.created, x.updated" \
	" from pack_registry_index x"
#define STALE " where x.headers is not null and coalesce(x.key_id, '') <> $1"

static PackIndexRow
row_read(Row r)
{
	return (PackIndexRow){ .id = row_int(r, 0),
		.name = row_str(r, 1),
		.url = row_str(r, 2),
		.position = row_int(r, 3),
		.enabled = row_bool(r, 4),
		.headers = row_str(r, 5),
		.key_id = row_str(r, 6),
		.created = row_int(r, 7),
		.updated = row_int(r, 8) };
}

static void
rows_give(Arena *a, Rows *rows, PackIndexRow **ret, size_t *ret_n)
{
	*ret = arena_array(a, PackIndexRow, rows->n + 1);
	*ret_n = rows->n;
	for (size_t i = 0; i < rows->n; i++)
		(*ret)[i] = row_read(rows_at(rows, i));
}

bool
pack_index_list(Db *db, Arena *a, PackIndexRow **ret, size_t *ret_n, Err *err)
{
	static const Stmt s = { .sql = COLUMNS " order by x.position, x.id", .in = "" };
	Rows rows;

	if (!db_read(db, a, &s, NULL, &rows, err))
		return err_wrap(err, "list registries of packs");
	rows_give(a, &rows, ret, ret_n);
	return true;
}

bool
pack_index_get(Db *db, Arena *a, Id id, PackIndexRow *ret, Err *err)
{
	static const Stmt s = { .sql = COLUMNS " where x.id = $1", .in = "i" };
	Bind b[] = { bind_int(id) };
	Rows rows;

	if (!db_read(db, a, &s, b, &rows, err))
		return err_wrap(err, "read a registry of packs");
	if (rows.n == 0)
		return err_set(err, ERR_NOT_FOUND, "Registry of packs %lld not found", (long long)id);
	*ret = row_read(rows_at(&rows, 0));
	return true;
}

static bool
fail(const PackIndexRow *row, Err *err)
{
	if (err->code == ERR_CONFLICT)
		return err_set(err, ERR_CONFLICT, "There is a registry of packs at '%.*s' already", STR_ARG(row->url));
	return err_wrap(err, "store a registry of packs");
}

bool
pack_index_add(Db *db, Arena *a, PackIndexRow *row, TimeUs now, Err *err)
{
	static const Stmt s = {
		.sql =
		    "insert into pack_registry_index (name, url, position, enabled, headers, key_id, created, updated)"
		    " select $1, $2, case when $3 >= 0 then $3 else coalesce(max(position) + 1, 0) end, $4, $5, $6, $7,"
		    " $7 from pack_registry_index returning id, position",
		.in = "SsibSSt",
	};
	Bind b[] = { bind_str(row->name), bind_str(row->url), bind_int(row->position), bind_bool(row->enabled),
		bind_str(row->headers), bind_str(row->key_id), bind_time(now) };
	Rows rows;

	if (!db_exec(db, a, &s, b, &rows, err))
		return fail(row, err);
	row->id = row_int(rows_at(&rows, 0), 0);
	row->position = row_int(rows_at(&rows, 0), 1);
	row->created = row->updated = now;
	return true;
}

bool
pack_index_set(Db *db, Arena *a, PackIndexRow *row, TimeUs now, Err *err)
{
	static const Stmt s = {
		.sql = "update pack_registry_index set name = $2, url = $3, position = $4, enabled = $5, headers = $6,"
		       " key_id = $7, updated = $8 where id = $1",
		.in = "iSsibSSt",
	};
	Bind b[] = { bind_int(row->id), bind_str(row->name), bind_str(row->url), bind_int(row->position),
		bind_bool(row->enabled), bind_str(row->headers), bind_str(row->key_id), bind_time(now) };

	row->updated = now;
	return db_exec(db, a, &s, b, NULL, err) || fail(row, err);
}

bool
pack_index_delete(Db *db, Arena *a, Id id, Err *err)
{
	static const Stmt s = { .sql = "delete from pack_registry_index where id = $1 returning id", .in = "i" };
	Bind b[] = { bind_int(id) };
	Rows rows;

	if (!db_exec(db, a, &s, b, &rows, err))
		return err_wrap(err, "delete a registry of packs");
	return rows.n > 0 || err_set(err, ERR_NOT_FOUND, "Registry of packs %lld not found", (long long)id);
}

/* ---- re-wrapping ---- */

bool
pack_index_stale(Db *db, Arena *a, Str key_id, Id after, size_t most, PackIndexRow **ret, size_t *ret_n, Err *err)
{
	static const Stmt s = { .sql = COLUMNS STALE " and x.id > $2 order by x.id limit $3", .in = "sii" };
	Bind b[] = { bind_str(key_id), bind_int(after), bind_int((int64_t)most) };
	Rows rows;

	if (!db_read(db, a, &s, b, &rows, err))
		return err_wrap(err, "read registries of packs");
	rows_give(a, &rows, ret, ret_n);
	return true;
}

bool
pack_index_rewrap(Db *db, Arena *a, const PackIndexRow *was, Str headers, Str key_id, bool *ret_done, Err *err)
{
	static const Stmt s = {
		.sql = "update pack_registry_index set headers = $3, key_id = $4 where id = $1 and headers = $2"
		       " returning id",
		.in = "isss",
	};
	Bind b[] = { bind_int(was->id), bind_str(was->headers), bind_str(headers), bind_str(key_id) };
	Rows rows;

	if (!db_exec(db, a, &s, b, &rows, err))
		return err_wrap(err, "re-wrap the headers of a registry of packs");
	*ret_done = rows.n > 0;
	return true;
}

bool
pack_index_stale_count(Db *db, Arena *a, Str key_id, int64_t *ret, Err *err)
{
	static const Stmt s = { .sql = "select count(*) from pack_registry_index x" STALE, .in = "s" };
	Bind b[] = { bind_str(key_id) };
	Rows rows;

	if (!db_read(db, a, &s, b, &rows, err))
		return err_wrap(err, "count registries of packs");
	*ret = row_int(rows_at(&rows, 0), 0);
	return true;
}
