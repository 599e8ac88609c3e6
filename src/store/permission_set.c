#include "store/permission_set.h"

enum { WIDTH = 6 };

#define COLUMNS \
	"select x.id, " \
	"x.ref, x.pack, x.pack_ref, x.label, x.description, x.grants, x.created, x.updated" \
	" from permission_set x"
#define FILTER \
	DEF_IN_PACK DEF_ALWAYS_ENABLED DEF_SEARCH( \
	    "ref || ' ' || coalesce(label, '') || ' ' || coalesce(description, '')") DEF_NO_TRIGGER DEF_NO_ACTION

static void
permission_set_read(Arena *a, Row r, void *def)
{
	PermissionSetDef *d = def;

	*d = (PermissionSetDef){
		.id = row_int(r, 0),
		.ref = row_str(r, 1),
		.pack = row_int(r, 2),
		.pack_ref = row_str(r, 3),
		.label = row_str(r, 4),
		.description = row_str(r, 5),
		.grants = row_json(a, r, 6),
		.created = row_int(r, 7),
		.updated = row_int(r, 8),
	};
}

static void
permission_set_binds(const void *def, Bind *b)
{
	const PermissionSetDef *d = def;
	Bind all[WIDTH] = {
		bind_str(d->ref),
		bind_id(d->pack),
		bind_str(d->pack_ref),
		bind_str(d->label),
		bind_str(d->description),
		bind_array(&d->grants),
	};

	memcpy(b, all, sizeof(all));
}

const DefTable permission_set_table = {
	.kind = "permission_set",
	.name = "Permission set",
	.size = sizeof(PermissionSetDef),
	.ref_at = offsetof(PermissionSetDef, ref),
	.width = WIDTH,
	.read = permission_set_read,
	.binds = permission_set_binds,
	.by_id = { .sql = COLUMNS " where x.id = $1", .in = "i" },
	.by_ref = { .sql = COLUMNS " where x.ref = $1", .in = "s" },
	.list = { .sql = COLUMNS FILTER DEF_PAGE, .in = DEF_LIST_IN },
	.count = { .sql = "select count(*) from permission_set x" FILTER, .in = DEF_COUNT_IN },
	.insert = {
		.sql = "insert into permission_set ("
		       "ref, pack, pack_ref, label, description, grants, created, updated"
		       ") values ("
		       "$1, $2, $3, $4, $5, $6, $7, $7"
		       ") returning id",
		.in = "sISSSjt",
	},
	.update = {
		.sql = "update permission_set set "
		       "ref = $1, pack = $2, pack_ref = $3, label = $4, description = $5, grants = $6, "
		       "updated = $7"
		       " where id = $8",
		.in = "sISSSjti",
	},
	.remove = { .sql = "delete from permission_set where id = $1 returning id", .in = "i" },
};

bool
permission_set_get(Db *db, Arena *a, Id id, PermissionSetDef *ret, Err *err)
{
	return def_get(db, a, &permission_set_table, id, ret, err);
}

bool
permission_set_get_ref(Db *db, Arena *a, Str ref, PermissionSetDef *ret, Err *err)
{
	return def_get_ref(db, a, &permission_set_table, ref, ret, err);
}

bool
permission_set_list(
    Db *db, Arena *a, const DefFilter *f, PermissionSetDef **ret, size_t *ret_n, int64_t *ret_total, Err *err)
{
	void *made;

	if (!def_list(db, a, &permission_set_table, f, &made, ret_n, ret_total, err))
		return false;
	*ret = made;
	return true;
}

bool
permission_set_put(Db *db, Arena *a, PermissionSetDef *d, TimeUs now, DefPut *ret, Err *err)
{
	return def_put(db, a, &permission_set_table, d, now, ret, err);
}

bool
permission_set_delete(Db *db, Arena *a, Id id, TimeUs now, Err *err)
{
	return def_delete(db, a, &permission_set_table, id, now, err);
}
