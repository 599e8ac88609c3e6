#include "store/pack.h"

enum { WIDTH = 12 };

#define COLUMNS \
	"select x.id, " \
	"x.ref, x.label, x.description, x.version, x.conf_schema, x.config, x.meta, x.tags, " \
	"x.runtime_deps, x.dependencies, x.is_standard, x.storage_path, x.created, x.updated" \
	" from pack x"
#define FILTER \
	" where ($1 = '' or ref = $1)" DEF_ALWAYS_ENABLED DEF_SEARCH( \
	    "ref || ' ' || label || ' ' || coalesce(description, '')") DEF_NO_TRIGGER DEF_NO_ACTION

static void
pack_read(Arena *a, Row r, void *def)
{
	PackDef *d = def;

	*d = (PackDef){
		.id = row_int(r, 0),
		.ref = row_str(r, 1),
		.label = row_str(r, 2),
		.description = row_str(r, 3),
		.version = row_str(r, 4),
		.conf_schema = row_json(a, r, 5),
		.config = row_json(a, r, 6),
		.meta = row_json(a, r, 7),
		.tags = row_json(a, r, 8),
		.runtime_deps = row_json(a, r, 9),
		.dependencies = row_json(a, r, 10),
		.is_standard = row_bool(r, 11),
		.storage_path = row_str(r, 12),
		.created = row_int(r, 13),
		.updated = row_int(r, 14),
	};
}

static void
pack_binds(const void *def, Bind *b)
{
	const PackDef *d = def;
	Bind all[WIDTH] = {
		bind_str(d->ref),
		bind_str(d->label),
		bind_str(d->description),
		bind_str(d->version),
		bind_object(&d->conf_schema),
		bind_object(&d->config),
		bind_object(&d->meta),
		bind_array(&d->tags),
		bind_array(&d->runtime_deps),
		bind_array(&d->dependencies),
		bind_bool(d->is_standard),
		bind_str(d->storage_path),
	};

	memcpy(b, all, sizeof(all));
}

/* The operator's configuration outlives every new version of the pack. */
static void
pack_merge(void *def, const void *before, TimeUs now)
{
	PackDef *d = def;
	const PackDef *old = before;

	(void)now;
	if (old != NULL)
		d->config = old->config;
}

const DefTable pack_table = {
	.kind = "pack",
	.name = "Pack",
	.size = sizeof(PackDef),
	.ref_at = offsetof(PackDef, ref),
	.width = WIDTH,
	.read = pack_read,
	.binds = pack_binds,
	.merge = pack_merge,
	.by_id = { .sql = COLUMNS " where x.id = $1", .in = "i" },
	.by_ref = { .sql = COLUMNS " where x.ref = $1", .in = "s" },
	.list = { .sql = COLUMNS FILTER DEF_PAGE, .in = DEF_LIST_IN },
	.count = { .sql = "select count(*) from pack x" FILTER, .in = DEF_COUNT_IN },
	.insert = {
		.sql = "insert into pack ("
		       "ref, label, description, version, conf_schema, config, meta, tags, runtime_deps, "
		       "dependencies, is_standard, storage_path, created, updated"
		       ") values ("
		       "$1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $13"
		       ") returning id",
		.in = "ssSsjjjjjjbSt",
	},
	.update = {
		.sql = "update pack set "
		       "ref = $1, label = $2, description = $3, version = $4, conf_schema = $5, "
		       "config = $6, meta = $7, tags = $8, runtime_deps = $9, dependencies = $10, "
		       "is_standard = $11, storage_path = $12, updated = $13"
		       " where id = $14",
		.in = "ssSsjjjjjjbSti",
	},
	.remove = { .sql = "delete from pack where id = $1 returning id", .in = "i" },
};

bool
pack_get(Db *db, Arena *a, Id id, PackDef *ret, Err *err)
{
	return def_get(db, a, &pack_table, id, ret, err);
}

bool
pack_get_ref(Db *db, Arena *a, Str ref, PackDef *ret, Err *err)
{
	return def_get_ref(db, a, &pack_table, ref, ret, err);
}

bool
pack_list(Db *db, Arena *a, const DefFilter *f, PackDef **ret, size_t *ret_n, int64_t *ret_total, Err *err)
{
	void *made;

	if (!def_list(db, a, &pack_table, f, &made, ret_n, ret_total, err))
		return false;
	*ret = made;
	return true;
}

bool
pack_put(Db *db, Arena *a, PackDef *d, TimeUs now, DefPut *ret, Err *err)
{
	return def_put(db, a, &pack_table, d, now, ret, err);
}

/* Everything of the pack, and the rules of others that lose what they point to. */
static const Stmt pack_parts = {
	.sql = "select 'action', id from action where pack = $1"
	       " union all select 'trigger', id from \"trigger\" where pack = $1"
	       " union all select 'sensor', id from sensor where pack = $1"
	       " union all select 'runtime', id from runtime where pack = $1"
	       " union all select 'permission_set', id from permission_set where pack = $1"
	       " union all select 'rule', id from rule where pack = $1"
	       " or action in (select id from action where pack = $1)"
	       " or \"trigger\" in (select id from \"trigger\" where pack = $1)",
	.in = "i",
};

bool
pack_delete(Db *db, Arena *a, Id id, TimeUs now, Err *err)
{
	Bind key = bind_int(id);
	Rows parts;

	if (!db_exec(db, a, &pack_parts, &key, &parts, err))
		return false;
	for (size_t i = 0; i < parts.n; i++) {
		Row r = rows_at(&parts, i);

		if (!change_note(db, a, str_cstr(a, row_str(r, 0)), row_int(r, 1), now, err))
			return false;
	}
	return def_delete(db, a, &pack_table, id, now, err);
}

bool
pack_set_config(Db *db, Arena *a, Id id, const Json *config, TimeUs now, Err *err)
{
	static const Stmt s = {
		.sql = "update pack set config = $2, updated = $3 where id = $1 returning id",
		.in = "ijt",
	};
	Bind b[] = { bind_int(id), bind_object(config), bind_time(now) };
	Rows rows;

	if (!db_exec(db, a, &s, b, &rows, err))
		return err_wrap(err, "configure pack %lld", (long long)id);
	if (rows.n == 0)
		return err_set(err, ERR_NOT_FOUND, "Pack with ID %lld not found", (long long)id);
	return change_note(db, a, "pack", id, now, err);
}

bool
pack_checksum(Db *db, Arena *a, Str ref, Str *ret, Err *err)
{
	static const Stmt s = { .sql = "select checksum from pack where ref = $1", .in = "s" };
	Bind b[] = { bind_str(ref) };
	Rows rows;

	if (!db_read(db, a, &s, b, &rows, err))
		return err_wrap(err, "read pack '%.*s'", STR_ARG(ref));
	*ret = rows.n == 0 ? (Str){ 0 } : row_str(rows_at(&rows, 0), 0);
	return true;
}

bool
pack_set_checksum(Db *db, Arena *a, Id id, Str checksum, Err *err)
{
	static const Stmt s = { .sql = "update pack set checksum = $2 where id = $1", .in = "iS" };
	Bind b[] = { bind_int(id), bind_str(checksum) };

	return db_exec(db, a, &s, b, NULL, err);
}

bool
pack_set_source(Db *db, Arena *a, Id id, const PackSource *source, TimeUs now, Err *err)
{
	static const Stmt s = {
		.sql = "update pack set source_type = $2, source_url = $3, source_ref = $4, checksum_verified = $5,"
		       " installed_at = $6, installed_by = $7, installation_method = 'api' where id = $1",
		.in = "isSSbtI",
	};
	Bind b[] = { bind_int(id), bind_text(source->type), bind_str(source->url), bind_str(source->ref),
		bind_bool(source->verified), bind_time(now), bind_id(source->by) };

	return db_exec(db, a, &s, b, NULL, err) || err_wrap(err, "store where pack %lld comes from", (long long)id);
}
