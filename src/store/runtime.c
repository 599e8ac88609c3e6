#include "store/runtime.h"

#include "model/version.h"

enum { WIDTH = 9 };

#define COLUMNS \
	"select x.id, " \
	"x.ref, x.pack, x.pack_ref, x.description, x.name, x.aliases, x.distributions, " \
	"x.installation, x.execution_config, x.created, x.updated" \
	" from runtime x"
#define FILTER \
	DEF_IN_PACK DEF_ALWAYS_ENABLED DEF_SEARCH("ref || ' ' || name || ' ' || coalesce(description, '')") \
	    DEF_NO_TRIGGER DEF_NO_ACTION

static void
runtime_read(Arena *a, Row r, void *def)
{
	RuntimeDef *d = def;

	*d = (RuntimeDef){
		.id = row_int(r, 0),
		.ref = row_str(r, 1),
		.pack = row_int(r, 2),
		.pack_ref = row_str(r, 3),
		.description = row_str(r, 4),
		.name = row_str(r, 5),
		.aliases = row_json(a, r, 6),
		.distributions = row_json(a, r, 7),
		.installation = row_json(a, r, 8),
		.execution_config = row_json(a, r, 9),
		.created = row_int(r, 10),
		.updated = row_int(r, 11),
	};
}

static void
runtime_binds(const void *def, Bind *b)
{
	const RuntimeDef *d = def;
	Bind all[WIDTH] = {
		bind_str(d->ref),
		bind_id(d->pack),
		bind_str(d->pack_ref),
		bind_str(d->description),
		bind_str(d->name),
		bind_array(&d->aliases),
		bind_object(&d->distributions),
		bind_value(&d->installation),
		bind_object(&d->execution_config),
	};

	memcpy(b, all, sizeof(all));
}

const DefTable runtime_table = {
	.kind = "runtime",
	.name = "Runtime",
	.size = sizeof(RuntimeDef),
	.ref_at = offsetof(RuntimeDef, ref),
	.width = WIDTH,
	.read = runtime_read,
	.binds = runtime_binds,
	.by_id = { .sql = COLUMNS " where x.id = $1", .in = "i" },
	.by_ref = { .sql = COLUMNS " where x.ref = $1", .in = "s" },
	.list = { .sql = COLUMNS FILTER DEF_PAGE, .in = DEF_LIST_IN },
	.count = { .sql = "select count(*) from runtime x" FILTER, .in = DEF_COUNT_IN },
	.insert = {
		.sql = "insert into runtime ("
		       "ref, pack, pack_ref, description, name, aliases, distributions, installation, "
		       "execution_config, created, updated"
		       ") values ("
		       "$1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $10"
		       ") returning id",
		.in = "sISSsjjJjt",
	},
	.update = {
		.sql = "update runtime set "
		       "ref = $1, pack = $2, pack_ref = $3, description = $4, name = $5, aliases = $6, "
		       "distributions = $7, installation = $8, execution_config = $9, updated = $10"
		       " where id = $11",
		.in = "sISSsjjJjti",
	},
	.remove = { .sql = "delete from runtime where id = $1 returning id", .in = "i" },
};

/* Versions of one runtime (id), or of all (0), in order of runtime. */
static bool
versions_read(Db *db, Arena *a, Id runtime, Rows *ret, Err *err)
{
	static const Stmt s = {
		.sql = "select runtime, id, version, is_default, execution_config, distributions, meta from "
		       "runtime_version"
		       " where $1 = 0 or runtime = $1 order by runtime, version_major, version_minor, version_patch, "
		       "version",
		.in = "i",
	};
	Bind b[] = { bind_int(runtime) };

	return db_read(db, a, &s, b, ret, err) || err_wrap(err, "read runtime versions");
}

static RuntimeVersionDef
version_read(Arena *a, Row r)
{
	return (RuntimeVersionDef){
		.id = row_int(r, 1),
		.version = row_str(r, 2),
		.is_default = row_bool(r, 3),
		.execution_config = row_json(a, r, 4),
		.distributions = row_json(a, r, 5),
		.meta = row_json(a, r, 6),
	};
}

static void
versions_take(Arena *a, const Rows *rows, RuntimeDef *d)
{
	d->versions = arena_array(a, RuntimeVersionDef, rows->n + 1);
	d->version_count = 0;
	for (size_t i = 0; i < rows->n; i++)
		if (row_int(rows_at(rows, i), 0) == d->id)
			d->versions[d->version_count++] = version_read(a, rows_at(rows, i));
}

static bool
versions_fill(Db *db, Arena *a, RuntimeDef *d, Err *err)
{
	Rows rows;

	if (!versions_read(db, a, d->id, &rows, err))
		return false;
	versions_take(a, &rows, d);
	return true;
}

bool
runtime_get(Db *db, Arena *a, Id id, RuntimeDef *ret, Err *err)
{
	return def_get(db, a, &runtime_table, id, ret, err) && versions_fill(db, a, ret, err);
}

bool
runtime_get_ref(Db *db, Arena *a, Str ref, RuntimeDef *ret, Err *err)
{
	return def_get_ref(db, a, &runtime_table, ref, ret, err) && versions_fill(db, a, ret, err);
}

bool
runtime_list(Db *db, Arena *a, const DefFilter *f, RuntimeDef **ret, size_t *ret_n, int64_t *ret_total, Err *err)
{
	RuntimeDef *made;
	void *found;
	Rows rows;

	if (!def_list(db, a, &runtime_table, f, &found, ret_n, ret_total, err) || !versions_read(db, a, 0, &rows, err))
		return false;
	made = found;
	for (size_t i = 0; i < *ret_n; i++)
		versions_take(a, &rows, &made[i]);
	*ret = made;
	return true;
}

static bool
version_same(const RuntimeVersionDef *x, const RuntimeVersionDef *y)
{
	Bind l[] = { bind_object(&x->execution_config), bind_object(&x->distributions), bind_object(&x->meta) };
	Bind r[] = { bind_object(&y->execution_config), bind_object(&y->distributions), bind_object(&y->meta) };
	bool same = str_eq(x->version, y->version) && x->is_default == y->is_default;

	for (size_t i = 0; i < countof(l) && same; i++)
		same = json_eq(l[i].j, r[i].j);
	return same;
}

static const RuntimeVersionDef *
version_of(const RuntimeDef *d, Str version)
{
	for (size_t i = 0; i < d->version_count; i++)
		if (str_eq(d->versions[i].version, version))
			return &d->versions[i];
	return NULL;
}

static bool
version_put(Db *db, Arena *a, const RuntimeDef *d, const RuntimeVersionDef *v, TimeUs now, Err *err)
{
	static const Stmt s = {
		.sql =
		    "insert into runtime_version (runtime, runtime_ref, version, version_major, version_minor, "
		    "version_patch,"
		    " execution_config, distributions, is_default, meta, created, updated)"
		    " values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $11)"
		    " on conflict (runtime, version) do update set execution_config = excluded.execution_config,"
		    " distributions = excluded.distributions, is_default = excluded.is_default, meta = excluded.meta,"
		    " updated = excluded.updated",
		.in = "issIIIjjbjt",
	};
	Version parsed = { 0 };
	bool known = version_parse(v->version, &parsed);
	Bind part[3];

	for (size_t i = 0; i < countof(part); i++)
		part[i] = known ? bind_int(parsed.part[i]) : (Bind){ 0 };
	return db_exec(db, a, &s,
	    (Bind[]){ bind_id(d->id), bind_str(d->ref), bind_str(v->version), part[0], part[1], part[2],
		bind_object(&v->execution_config), bind_object(&v->distributions), bind_bool(v->is_default),
		bind_object(&v->meta), bind_time(now) },
	    NULL, err);
}

static bool
version_drop(Db *db, Arena *a, Id id, Err *err)
{
	static const Stmt s = { .sql = "delete from runtime_version where id = $1", .in = "i" };
	Bind b[] = { bind_int(id) };

	return db_exec(db, a, &s, b, NULL, err);
}

/* Makes the stored versions those of d. */
static bool
versions_put(Db *db, Arena *a, const RuntimeDef *d, const RuntimeDef *stored, TimeUs now, bool *ret_changed, Err *err)
{
	for (size_t i = 0; i < d->version_count; i++) {
		const RuntimeVersionDef *old = version_of(stored, d->versions[i].version);

		if (old != NULL && version_same(old, &d->versions[i]))
			continue;
		*ret_changed = true;
		if (!version_put(db, a, d, &d->versions[i], now, err))
			return false;
	}
	for (size_t i = 0; i < stored->version_count; i++) {
		if (version_of(d, stored->versions[i].version) != NULL)
			continue;
		*ret_changed = true;
		if (!version_drop(db, a, stored->versions[i].id, err))
			return false;
	}
	return true;
}

bool
runtime_put(Db *db, Arena *a, RuntimeDef *d, TimeUs now, DefPut *ret, Err *err)
{
	RuntimeDef stored = { 0 };
	bool changed = false;

	if (!def_put(db, a, &runtime_table, d, now, ret, err))
		return false;
	stored.id = ret->id;
	if (!versions_fill(db, a, &stored, err) || !versions_put(db, a, d, &stored, now, &changed, err))
		return err_wrap(err, "store runtime '%.*s'", STR_ARG(d->ref));
	if (!changed || ret->changed)
		return true;
	ret->changed = true;
	return change_note(db, a, "runtime", ret->id, now, err);
}

bool
runtime_delete(Db *db, Arena *a, Id id, TimeUs now, Err *err)
{
	static const Stmt s = { .sql = "select ref from action where runtime = $1 order by ref limit 1", .in = "i" };
	Bind b[] = { bind_int(id) };
	Rows rows;

	if (!db_read(db, a, &s, b, &rows, err))
		return false;
	if (rows.n > 0)
		return err_set(err, ERR_CONFLICT, "Runtime %lld is in use: action '%.*s' runs with it", (long long)id,
		    STR_ARG(row_str(rows_at(&rows, 0), 0)));
	return def_delete(db, a, &runtime_table, id, now, err);
}
