#include "store/artifact.h"

#define HEAD \
	"select x.id, x.artifact, x.version, x.execution, x.content_type, coalesce(x.size_bytes, -1)," \
	" x.content_json is not null, x.file_path, x.meta, x.created_by, x.created"
#define FROM " from artifact_version x where x.artifact = $1"

static VersionRow
version_read(Arena *a, Row r)
{
	return (VersionRow){
		.id = row_int(r, 0),
		.artifact = row_int(r, 1),
		.version = row_int(r, 2),
		.execution = row_int(r, 3),
		.content_type = row_str(r, 4),
		.size_bytes = row_int(r, 5),
		.has_json = row_bool(r, 6),
		.file_path = row_str(r, 7),
		.meta = row_json(a, r, 8),
		.created_by = row_str(r, 9),
		.created = row_int(r, 10),
	};
}

static void
files_add(Arena *a, const Rows *rows, ArtifactFiles *ret)
{
	ret->paths = arena_grow(a, ret->paths, ret->n * sizeof(Str), (ret->n + rows->n + 1) * sizeof(Str));
	for (size_t i = 0; i < rows->n; i++)
		if (!row_null(rows_at(rows, i), 0))
			ret->paths[ret->n++] = row_str(rows_at(rows, i), 0);
}

/* Beyond the number that the artifact keeps, oldest first. */
static bool
keep_some(Db *db, Arena *a, Id artifact, int64_t most, ArtifactFiles *ret, Err *err)
{
	static const Stmt s = {
		.sql = "delete from artifact_version where artifact = $1 and version <="
		       " (select v.version from artifact_version v where v.artifact = $1 order by v.version desc"
		       " limit 1 offset $2) returning file_path",
		.in = "ii",
	};
	Bind b[] = { bind_int(artifact), bind_int(most) };
	Rows rows;

	if (!db_exec(db, a, &s, b, &rows, err))
		return false;
	files_add(a, &rows, ret);
	return true;
}

/* The row of the artifact is held from here to the commit: nobody else gets a number in between. */
static bool
number_take(Db *db, Arena *a, VersionRow *v, TimeUs now, Str *ret_policy, int64_t *ret_limit, Err *err)
{
	static const Stmt s = {
		.sql = "update artifact set last_version = last_version + 1, size_bytes = $2,"
		       " content_type = coalesce($3, content_type), updated = $4 where id = $1"
		       " returning last_version, retention_policy, retention_limit",
		.in = "iISt",
	};
	Bind b[] = { bind_int(v->artifact), v->size_bytes < 0 ? bind_id(0) : bind_int(v->size_bytes),
		bind_str(v->content_type), bind_time(now) };
	Rows rows;
	Row r;

	if (!db_exec(db, a, &s, b, &rows, err))
		return false;
	if (rows.n == 0)
		return err_set(err, ERR_NOT_FOUND, "Artifact with ID %lld not found", (long long)v->artifact);
	r = rows_at(&rows, 0);
	v->version = row_int(r, 0);
	*ret_policy = row_str(r, 1);
	*ret_limit = row_int(r, 2);
	return true;
}

bool
version_add(Db *db, Arena *a, VersionRow *v, TimeUs now, ArtifactFiles *ret, Err *err)
{
	static const Stmt s = {
		.sql = "insert into artifact_version (artifact, version, execution, content_type, size_bytes, content,"
		       " content_json, file_path, meta, created_by, created)"
		       " values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11) returning id",
		.in = "iiISIXJSJSt",
	};
	Str policy = { 0 };
	int64_t limit = 0;
	Rows rows;

	*ret = (ArtifactFiles){ 0 };
	if (!number_take(db, a, v, now, &policy, &limit, err))
		return false;
	Bind b[] = { bind_int(v->artifact), bind_int(v->version), bind_id(v->execution), bind_str(v->content_type),
		v->size_bytes < 0 ? bind_id(0) : bind_int(v->size_bytes), bind_bytes(v->content),
		bind_json(v->has_json ? &v->content_json : NULL), bind_str(v->file_path),
		bind_json(v->meta.kind == JSON_NULL ? NULL : &v->meta), bind_str(v->created_by), bind_time(now) };
	if (!db_exec(db, a, &s, b, &rows, err))
		return err_wrap(err, "store a version of artifact %lld", (long long)v->artifact);
	v->id = row_int(rows_at(&rows, 0), 0);
	v->created = now;
	return !str_is(policy, "versions") || keep_some(db, a, v->artifact, limit, ret, err) ||
	       err_wrap(err, "retention");
}

bool
version_set_file(Db *db, Arena *a, Id id, Str path, Err *err)
{
	static const Stmt s = { .sql = "update artifact_version set file_path = $2 where id = $1", .in = "is" };
	Bind b[] = { bind_int(id), bind_str(path) };

	return db_exec(db, a, &s, b, NULL, err) || err_wrap(err, "store a version");
}

bool
version_get(Db *db, Arena *a, Id artifact, int64_t version, VersionRow *ret, Err *err)
{
	static const Stmt s = {
		.sql = HEAD ", x.content, x.content_json" FROM
			    " and (x.version = $2 or $2 = 0) order by x.version desc limit 1",
		.in = "ii",
	};
	Bind b[] = { bind_int(artifact), bind_int(version) };
	Rows rows;
	Row r;

	if (!db_read(db, a, &s, b, &rows, err))
		return err_wrap(err, "read version");
	if (rows.n == 0 && version == 0)
		return err_set(err, ERR_NOT_FOUND, "Artifact %lld has no versions", (long long)artifact);
	if (rows.n == 0)
		return err_set(err, ERR_NOT_FOUND, "Version %lld of artifact %lld not found", (long long)version,
		    (long long)artifact);
	r = rows_at(&rows, 0);
	*ret = version_read(a, r);
	ret->content = row_str(r, 11);
	ret->content_json = row_json(a, r, 12);
	return true;
}

bool
version_list(Db *db, Arena *a, Id artifact, VersionRow **ret, size_t *ret_n, Err *err)
{
	static const Stmt s = { .sql = HEAD FROM " order by x.version desc limit 1000", .in = "i" };
	Bind b[] = { bind_int(artifact) };
	Rows rows;

	if (!db_read(db, a, &s, b, &rows, err))
		return err_wrap(err, "list versions");
	*ret = arena_array(a, VersionRow, rows.n + 1);
	*ret_n = rows.n;
	for (size_t i = 0; i < rows.n; i++)
		(*ret)[i] = version_read(a, rows_at(&rows, i));
	return true;
}

bool
version_delete(Db *db, Arena *a, Id artifact, int64_t version, ArtifactFiles *ret, Err *err)
{
	static const Stmt s = {
		.sql = "delete from artifact_version where artifact = $1 and version = $2 returning file_path",
		.in = "ii",
	};
	Bind b[] = { bind_int(artifact), bind_int(version) };
	Rows rows;

	if (!db_exec(db, a, &s, b, &rows, err))
		return err_wrap(err, "delete version");
	if (rows.n == 0)
		return err_set(err, ERR_NOT_FOUND, "Version %lld of artifact %lld not found", (long long)version,
		    (long long)artifact);
	*ret = (ArtifactFiles){ 0 };
	files_add(a, &rows, ret);
	return true;
}

TimeUs
retention_unit(Str policy)
{
	static const struct {
		const char *policy;
		int64_t seconds;
	} units[] = { { "minutes", 60 }, { "hours", 3600 }, { "days", 86400 } };

	for (size_t i = 0; i < countof(units); i++)
		if (str_is(policy, units[i].policy))
			return units[i].seconds * US_PER_S;
	return 0;
}

/* The latest stays: what an artifact is does not end with its age. */
static bool
expire_one(Db *db, Arena *a, Id artifact, TimeUs before, ArtifactFiles *ret, Err *err)
{
	static const Stmt s = {
		.sql = "delete from artifact_version where artifact = $1 and created < $2 and version <"
		       " (select max(v.version) from artifact_version v where v.artifact = $1) returning file_path",
		.in = "it",
	};
	Bind b[] = { bind_int(artifact), bind_time(before) };
	Rows rows;

	if (!db_exec(db, a, &s, b, &rows, err))
		return false;
	files_add(a, &rows, ret);
	return true;
}

bool
version_expire(Db *db, Arena *a, TimeUs now, Id *after, size_t most, ArtifactFiles *ret, Err *err)
{
	static const Stmt s = {
		.sql = "select id, retention_policy, retention_limit from artifact where retention_policy <> 'versions'"
		       " and id > $1 order by id limit $2",
		.in = "ii",
	};
	Bind b[] = { bind_int(*after), bind_int((int64_t)most) };
	Rows rows;

	*ret = (ArtifactFiles){ 0 };
	if (!db_exec(db, a, &s, b, &rows, err))
		return err_wrap(err, "retention of artifacts");
	for (size_t i = 0; i < rows.n; i++) {
		Row r = rows_at(&rows, i);

		if (!expire_one(db, a, row_int(r, 0), now - retention_unit(row_str(r, 1)) * row_int(r, 2), ret, err))
			return err_wrap(err, "retention of artifacts");
		*after = row_int(r, 0);
	}
	if (rows.n < most)
		*after = 0;
	return true;
}

bool
version_file_known(Db *db, Arena *a, Id artifact, Str path, bool *ret, Err *err)
{
	static const Stmt s = {
		.sql = "select 1 from artifact_version where artifact = $1 and file_path = $2 limit 1",
		.in = "is",
	};
	Bind b[] = { bind_int(artifact), bind_str(path) };
	Rows rows;

	if (!db_read(db, a, &s, b, &rows, err))
		return err_wrap(err, "read version");
	*ret = rows.n > 0;
	return true;
}

bool
version_run_file_known(Db *db, Arena *a, Id execution, Str path, bool *ret, Err *err)
{
	static const Stmt s = {
		.sql = "select 1 from artifact_version where execution = $1 and file_path = $2 limit 1",
		.in = "is",
	};
	Bind b[] = { bind_int(execution), bind_str(path) };
	Rows rows;

	if (!db_read(db, a, &s, b, &rows, err))
		return err_wrap(err, "read version");
	*ret = rows.n > 0;
	return true;
}
