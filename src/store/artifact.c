#include "store/artifact.h"

#define COLUMNS \
	"select x.id, x.ref, x.scope, x.owner, x.type, x.visibility, x.name, x.description, x.content_type," \
	" coalesce(x.size_bytes, -1), x.data, x.retention_policy, x.retention_limit, x.created, x.updated from " \
	"artifact x"

static const char from[] = " from artifact x";

static const Column summary[] = {
	{ "x.id", "id", COL_INT, false },
	{ "x.ref", "ref", COL_TEXT, false },
	{ "x.scope", "scope", COL_TEXT, false },
	{ "x.owner", "owner", COL_TEXT, false },
	{ "x.type", "type", COL_TEXT, false },
	{ "x.visibility", "visibility", COL_TEXT, false },
	{ "x.name", "name", COL_TEXT, false },
	{ "x.content_type", "content_type", COL_TEXT, false },
	{ "x.size_bytes", "size_bytes", COL_INT, false },
	{ "x.created", "created", COL_TIME, false },
	{ "x.updated", "updated", COL_TIME, false },
};

static const ScopeColumns scope_columns = {
	.ref = "x.ref",
	.id = "x.id",
	.pack_ref = "(case when x.scope = 'pack' then x.owner when x.scope = 'action' or x.scope = 'sensor' then"
		    " (select d.pack_ref from action d where d.ref = x.owner union all"
		    " select d.pack_ref from sensor d where d.ref = x.owner limit 1) end)",
	.owner = "(select i.id from identity i where x.scope = 'identity' and"
		 " (i.login = x.owner or cast(i.id as text) = x.owner) limit 1)",
	.owner_type = "x.scope",
	.owner_ref = "x.owner",
	.visibility = "x.visibility",
};

static ArtifactRow
artifact_read(Arena *a, Row r)
{
	return (ArtifactRow){
		.id = row_int(r, 0),
		.ref = row_str(r, 1),
		.scope = row_str(r, 2),
		.owner = row_str(r, 3),
		.type = row_str(r, 4),
		.visibility = row_str(r, 5),
		.name = row_str(r, 6),
		.description = row_str(r, 7),
		.content_type = row_str(r, 8),
		.size_bytes = row_int(r, 9),
		.data = row_json(a, r, 10),
		.retention_policy = row_str(r, 11),
		.retention_limit = row_int(r, 12),
		.created = row_int(r, 13),
		.updated = row_int(r, 14),
	};
}

static bool
missing(Id id, Err *err)
{
	return err_set(err, ERR_NOT_FOUND, "Artifact with ID %lld not found", (long long)id);
}

bool
artifact_get(Db *db, Arena *a, Id id, ArtifactRow *ret, Err *err)
{
	static const Stmt s = { .sql = COLUMNS " where x.id = $1", .in = "i" };
	Bind b[] = { bind_int(id) };
	Rows rows;

	if (!db_read(db, a, &s, b, &rows, err))
		return err_wrap(err, "read artifact");
	if (rows.n == 0)
		return missing(id, err);
	*ret = artifact_read(a, rows_at(&rows, 0));
	return true;
}

bool
artifact_find(Db *db, Arena *a, Str ref, ArtifactRow *ret, bool *ret_found, Err *err)
{
	static const Stmt s = { .sql = COLUMNS " where x.ref = $1", .in = "s" };
	Bind b[] = { bind_str(ref) };
	Rows rows;

	if (!db_read(db, a, &s, b, &rows, err))
		return err_wrap(err, "read artifact");
	*ret_found = rows.n > 0;
	if (rows.n > 0)
		*ret = artifact_read(a, rows_at(&rows, 0));
	return true;
}

bool
artifact_insert(Db *db, Arena *a, ArtifactRow *x, TimeUs now, Err *err)
{
	static const Stmt s = {
		.sql =
		    "insert into artifact (ref, scope, owner, type, visibility, name, description, content_type, data,"
		    " retention_policy, retention_limit, created, updated)"
		    " values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $12) on conflict (ref) do nothing"
		    " returning id",
		.in = "sssssSSSJsit",
	};
	Bind b[] = { bind_str(x->ref), bind_str(x->scope), bind_str(x->owner), bind_str(x->type),
		bind_str(x->visibility), bind_str(x->name), bind_str(x->description), bind_str(x->content_type),
		bind_json(x->data.kind == JSON_NULL ? NULL : &x->data), bind_str(x->retention_policy),
		bind_int(x->retention_limit), bind_time(now) };
	Rows rows;

	if (!db_exec(db, a, &s, b, &rows, err))
		return err_wrap(err, "store artifact '%.*s'", STR_ARG(x->ref));
	if (rows.n == 0)
		return err_set(err, ERR_CONFLICT, "Artifact '%.*s' already exists", STR_ARG(x->ref));
	x->id = row_int(rows_at(&rows, 0), 0);
	x->size_bytes = -1;
	x->created = x->updated = now;
	return true;
}

bool
artifact_run_keeps(Db *db, Arena *a, Id execution, Str *ret_policy, int64_t *ret_limit, Err *err)
{
	static const Stmt s = {
		.sql =
		    "with recursive above(id, parent, action, policy, most, up) as (select id, parent, action,"
		    " artifact_retention_policy, artifact_retention_limit, 0 from execution where id = $1 union all"
		    " select x.id, x.parent, x.action, x.artifact_retention_policy, x.artifact_retention_limit, "
		    "above.up + 1"
		    " from execution x join above on x.id = above.parent)"
		    " select coalesce(case when above.most > 0 then above.policy else d.artifact_retention_policy end,"
		    " 'versions'), coalesce(above.most, d.artifact_retention_limit)"
		    " from above left join action d on d.id = above.action"
		    " where coalesce(above.most, d.artifact_retention_limit) > 0 order by above.up desc limit 1",
		.in = "i",
	};
	Bind b[] = { bind_int(execution) };
	Rows rows;

	*ret_limit = 0;
	if (!db_read(db, a, &s, b, &rows, err))
		return err_wrap(err, "how long artifacts of execution %lld are kept", (long long)execution);
	if (rows.n > 0) {
		*ret_policy = row_str(rows_at(&rows, 0), 0);
		*ret_limit = row_int(rows_at(&rows, 0), 1);
	}
	return true;
}

bool
artifact_update(Db *db, Arena *a, const ArtifactRow *x, TimeUs now, Err *err)
{
	static const Stmt s = {
		.sql = "update artifact set scope = $2, owner = $3, type = $4, visibility = $5, name = $6, description "
		       "= $7,"
		       " content_type = $8, data = $9, retention_policy = $10, retention_limit = $11, updated = $12"
		       " where id = $1",
		.in = "issssSSSJsit",
	};
	Bind b[] = { bind_int(x->id), bind_str(x->scope), bind_str(x->owner), bind_str(x->type),
		bind_str(x->visibility), bind_str(x->name), bind_str(x->description), bind_str(x->content_type),
		bind_json(x->data.kind == JSON_NULL ? NULL : &x->data), bind_str(x->retention_policy),
		bind_int(x->retention_limit), bind_time(now) };

	return db_exec(db, a, &s, b, NULL, err) || err_wrap(err, "store artifact %lld", (long long)x->id);
}

bool
artifact_lock(Db *db, Arena *a, ArtifactRow *x, TimeUs now, Err *err)
{
	static const Stmt s = { .sql = "update artifact set updated = $2 where id = $1", .in = "it" };
	Bind b[] = { bind_int(x->id), bind_time(now) };

	return (db_exec(db, a, &s, b, NULL, err) || err_wrap(err, "change artifact")) &&
	       artifact_get(db, a, x->id, x, err);
}

static void
files_of(Arena *a, const Rows *rows, ArtifactFiles *ret)
{
	*ret = (ArtifactFiles){ .paths = arena_array(a, Str, rows->n + 1) };
	for (size_t i = 0; i < rows->n; i++)
		if (!row_null(rows_at(rows, i), 0))
			ret->paths[ret->n++] = row_str(rows_at(rows, i), 0);
}

bool
artifact_delete(Db *db, Arena *a, Id id, ArtifactFiles *ret, Err *err)
{
	static const Stmt versions = { .sql = "delete from artifact_version where artifact = $1 returning file_path",
		.in = "i" };
	static const Stmt s = { .sql = "delete from artifact where id = $1", .in = "i" };
	Bind b[] = { bind_int(id) };
	Rows rows, gone;

	if (!db_exec(db, a, &versions, b, &rows, err) || !db_exec(db, a, &s, b, &gone, err))
		return err_wrap(err, "delete artifact");
	if (gone.affected == 0)
		return missing(id, err);
	files_of(a, &rows, ret);
	return true;
}

bool
artifact_list(
    Db *db, Arena *a, const ArtifactFilter *f, const Scope *scope, const Slice *slice, SliceOut *ret, Err *err)
{
	Listing l;

	listing_open(&l, a, from, summary, countof(summary));
	listing_text(&l, "x.scope", f->scope, false);
	listing_text(&l, "x.owner", f->owner, false);
	listing_text(&l, "x.type", f->type, false);
	listing_text(&l, "x.visibility", f->visibility, false);
	if (!str_none(f->name) && f->name.n > 0)
		listing_where(&l, "lower(x.name) like '%' || lower($?) escape '\\'", 's',
		    bind_str(listing_pattern(a, f->name, "%")));
	if (f->execution != 0)
		listing_where(&l, "x.id in (select v.artifact from artifact_version v where v.execution = $?)", 'i',
		    bind_int(f->execution));
	return listing_scope(&l, scope, &scope_columns, err) &&
	       (listing_read(db, &l, slice, ret, err) || err_wrap(err, "list artifacts"));
}
