#include "store/trigger.h"

enum { WIDTH = 16 };

#define COLUMNS \
	"select x.id, " \
	"x.ref, x.pack, x.pack_ref, x.label, x.description, x.enabled, x.is_adhoc, " \
	"x.param_schema, x.out_schema, x.webhook_enabled, x.webhook_key, x.webhook_config, " \
	"x.sensor, x.sensor_ref, x.created, x.updated, x.reference_visibility, x.reference_allowed_pack_refs" \
	" from \"trigger\" x"
#define FILTER \
	DEF_IN_PACK DEF_ENABLED DEF_SEARCH( \
	    "ref || ' ' || label || ' ' || coalesce(description, '')") " and ($4 = '' or ref = $4)" DEF_NO_ACTION

static void
trigger_read(Arena *a, Row r, void *def)
{
	TriggerDef *d = def;

	*d = (TriggerDef){
		.id = row_int(r, 0),
		.ref = row_str(r, 1),
		.pack = row_int(r, 2),
		.pack_ref = row_str(r, 3),
		.label = row_str(r, 4),
		.description = row_str(r, 5),
		.enabled = row_bool(r, 6),
		.is_adhoc = row_bool(r, 7),
		.param_schema = row_json(a, r, 8),
		.out_schema = row_json(a, r, 9),
		.webhook_enabled = row_bool(r, 10),
		.webhook_key = row_str(r, 11),
		.webhook_config = row_json(a, r, 12),
		.sensor = row_int(r, 13),
		.sensor_ref = row_str(r, 14),
		.created = row_int(r, 15),
		.updated = row_int(r, 16),
		.reference.visibility = row_str(r, 17),
		.reference.packs = row_json(a, r, 18),
	};
}

static void
trigger_binds(const void *def, Bind *b)
{
	const TriggerDef *d = def;
	Bind all[WIDTH] = {
		bind_str(d->ref),
		bind_id(d->pack),
		bind_str(d->pack_ref),
		bind_str(d->label),
		bind_str(d->description),
		bind_bool(d->enabled),
		bind_bool(d->is_adhoc),
		bind_value(&d->param_schema),
		bind_value(&d->out_schema),
		bind_bool(d->webhook_enabled),
		bind_str(d->webhook_key),
		bind_object(&d->webhook_config),
		bind_id(d->sensor),
		bind_str(d->sensor_ref),
		bind_str(d->reference.visibility),
		bind_value(&d->reference.packs),
	};

	memcpy(b, all, sizeof(all));
}

const DefTable trigger_table = {
	.kind = "trigger",
	.name = "Trigger",
	.size = sizeof(TriggerDef),
	.ref_at = offsetof(TriggerDef, ref),
	.width = WIDTH,
	.read = trigger_read,
	.binds = trigger_binds,
	.by_id = { .sql = COLUMNS " where x.id = $1", .in = "i" },
	.by_ref = { .sql = COLUMNS " where x.ref = $1", .in = "s" },
	.list = { .sql = COLUMNS FILTER DEF_PAGE, .in = DEF_LIST_IN },
	.count = { .sql = "select count(*) from \"trigger\" x" FILTER, .in = DEF_COUNT_IN },
	.insert = {
		.sql = "insert into \"trigger\" ("
		       "ref, pack, pack_ref, label, description, enabled, is_adhoc, param_schema, "
		       "out_schema, webhook_enabled, webhook_key, webhook_config, sensor, sensor_ref, "
		       "reference_visibility, reference_allowed_pack_refs, created, updated"
		       ") values ("
		       "$1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $17"
		       ") returning id",
		.in = "sISsSbbJJbSjISSJt",
	},
	.update = {
		.sql = "update \"trigger\" set "
		       "ref = $1, pack = $2, pack_ref = $3, label = $4, description = $5, enabled = $6, "
		       "is_adhoc = $7, param_schema = $8, out_schema = $9, webhook_enabled = $10, "
		       "webhook_key = $11, webhook_config = $12, sensor = $13, sensor_ref = $14, "
		       "reference_visibility = $15, reference_allowed_pack_refs = $16, updated = $17"
		       " where id = $18",
		.in = "sISsSbbJJbSjISSJti",
	},
	.remove = { .sql = "delete from \"trigger\" where id = $1 returning id", .in = "i" },
	.rules_touched = { .sql = "select id from rule where \"trigger\" = $1", .in = "i" },
};

bool
trigger_get(Db *db, Arena *a, Id id, TriggerDef *ret, Err *err)
{
	return def_get(db, a, &trigger_table, id, ret, err);
}

bool
trigger_get_ref(Db *db, Arena *a, Str ref, TriggerDef *ret, Err *err)
{
	return def_get_ref(db, a, &trigger_table, ref, ret, err);
}

bool
trigger_get_webhook(Db *db, Arena *a, Str key, TriggerDef *ret, bool *ret_found, Err *err)
{
	static const Stmt s = { .sql = COLUMNS " where x.webhook_key = $1", .in = "s" };
	Bind b[] = { bind_str(key) };
	Rows rows;

	if (!db_read(db, a, &s, b, &rows, err))
		return err_wrap(err, "look for a webhook");
	*ret_found = rows.n > 0;
	if (*ret_found)
		trigger_read(a, rows_at(&rows, 0), ret);
	return true;
}

bool
trigger_list(Db *db, Arena *a, const DefFilter *f, TriggerDef **ret, size_t *ret_n, int64_t *ret_total, Err *err)
{
	void *made;

	if (!def_list(db, a, &trigger_table, f, &made, ret_n, ret_total, err))
		return false;
	*ret = made;
	return true;
}

bool
trigger_put(Db *db, Arena *a, TriggerDef *d, TimeUs now, DefPut *ret, Err *err)
{
	return def_put(db, a, &trigger_table, d, now, ret, err);
}

bool
trigger_delete(Db *db, Arena *a, Id id, TimeUs now, Err *err)
{
	return def_delete(db, a, &trigger_table, id, now, err);
}
