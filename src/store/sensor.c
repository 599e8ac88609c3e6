#include "store/sensor.h"

enum { WIDTH = 21 };

#define COLUMNS \
	"select x.id, " \
	"x.ref, x.pack, x.pack_ref, x.label, x.description, x.entrypoint, x.runtime, " \
	"x.runtime_ref, x.enabled, x.is_adhoc, x.param_schema, x.config, " \
	"x.runtime_version_constraint, x.worker_selector, x.worker_tolerations, " \
	"x.worker_affinity, x.log_retention_policy, x.log_retention_limit, " \
	"x.artifact_retention_policy, x.artifact_retention_limit, x.protocol, x.created, x.updated" \
	" from sensor x"
#define FILTER \
	DEF_IN_PACK DEF_ENABLED DEF_SEARCH("ref || ' ' || label || ' ' || coalesce(description, '')") \
	    DEF_NO_TRIGGER DEF_NO_ACTION

static void
sensor_read(Arena *a, Row r, void *def)
{
	SensorDef *d = def;

	*d = (SensorDef){
		.id = row_int(r, 0),
		.ref = row_str(r, 1),
		.pack = row_int(r, 2),
		.pack_ref = row_str(r, 3),
		.label = row_str(r, 4),
		.description = row_str(r, 5),
		.entrypoint = row_str(r, 6),
		.runtime = row_int(r, 7),
		.runtime_ref = row_str(r, 8),
		.enabled = row_bool(r, 9),
		.is_adhoc = row_bool(r, 10),
		.param_schema = row_json(a, r, 11),
		.config = row_json(a, r, 12),
		.runtime_version_constraint = row_str(r, 13),
		.placement.selector = row_json(a, r, 14),
		.placement.tolerations = row_json(a, r, 15),
		.placement.affinity = row_json(a, r, 16),
		.log_retention_policy = row_str(r, 17),
		.log_retention_limit = row_int(r, 18),
		.artifact_retention_policy = row_str(r, 19),
		.artifact_retention_limit = row_int(r, 20),
		.protocol = row_str(r, 21),
		.created = row_int(r, 22),
		.updated = row_int(r, 23),
	};
}

static void
sensor_binds(const void *def, Bind *b)
{
	const SensorDef *d = def;
	Bind all[WIDTH] = {
		bind_str(d->ref),
		bind_id(d->pack),
		bind_str(d->pack_ref),
		bind_str(d->label),
		bind_str(d->description),
		bind_str(d->entrypoint),
		bind_id(d->runtime),
		bind_str(d->runtime_ref),
		bind_bool(d->enabled),
		bind_bool(d->is_adhoc),
		bind_value(&d->param_schema),
		bind_value(&d->config),
		bind_str(d->runtime_version_constraint),
		bind_object(&d->placement.selector),
		bind_array(&d->placement.tolerations),
		bind_object(&d->placement.affinity),
		bind_str(d->log_retention_policy),
		bind_count(d->log_retention_limit),
		bind_str(d->artifact_retention_policy),
		bind_count(d->artifact_retention_limit),
		str_none(d->protocol) ? bind_text("api") : bind_str(d->protocol),
	};

	memcpy(b, all, sizeof(all));
}

const DefTable sensor_table = {
	.kind = "sensor",
	.name = "Sensor",
	.size = sizeof(SensorDef),
	.ref_at = offsetof(SensorDef, ref),
	.width = WIDTH,
	.read = sensor_read,
	.binds = sensor_binds,
	.by_id = { .sql = COLUMNS " where x.id = $1", .in = "i" },
	.by_ref = { .sql = COLUMNS " where x.ref = $1", .in = "s" },
	.list = { .sql = COLUMNS FILTER DEF_PAGE, .in = DEF_LIST_IN },
	.count = { .sql = "select count(*) from sensor x" FILTER, .in = DEF_COUNT_IN },
	.insert = {
		.sql = "insert into sensor ("
		       "ref, pack, pack_ref, label, description, entrypoint, runtime, runtime_ref, enabled, "
		       "is_adhoc, param_schema, config, runtime_version_constraint, worker_selector, "
		       "worker_tolerations, worker_affinity, log_retention_policy, log_retention_limit, "
		       "artifact_retention_policy, artifact_retention_limit, protocol, created, updated"
		       ") values ("
		       "$1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, "
		       "$19, $20, $21, $22, $22"
		       ") returning id",
		.in = "sISsSsisbbJJSjjjSISIst",
	},
	.update = {
		.sql = "update sensor set "
		       "ref = $1, pack = $2, pack_ref = $3, label = $4, description = $5, entrypoint = $6, "
		       "runtime = $7, runtime_ref = $8, enabled = $9, is_adhoc = $10, param_schema = $11, "
		       "config = $12, runtime_version_constraint = $13, worker_selector = $14, "
		       "worker_tolerations = $15, worker_affinity = $16, log_retention_policy = $17, "
		       "log_retention_limit = $18, artifact_retention_policy = $19, "
		       "artifact_retention_limit = $20, protocol = $21, updated = $22"
		       " where id = $23",
		.in = "sISsSsisbbJJSjjjSISIsti",
	},
	.remove = { .sql = "delete from sensor where id = $1 returning id", .in = "i" },
};

bool
sensor_get(Db *db, Arena *a, Id id, SensorDef *ret, Err *err)
{
	return def_get(db, a, &sensor_table, id, ret, err);
}

bool
sensor_get_ref(Db *db, Arena *a, Str ref, SensorDef *ret, Err *err)
{
	return def_get_ref(db, a, &sensor_table, ref, ret, err);
}

bool
sensor_list(Db *db, Arena *a, const DefFilter *f, SensorDef **ret, size_t *ret_n, int64_t *ret_total, Err *err)
{
	void *made;

	if (!def_list(db, a, &sensor_table, f, &made, ret_n, ret_total, err))
		return false;
	*ret = made;
	return true;
}

bool
sensor_put(Db *db, Arena *a, SensorDef *d, TimeUs now, DefPut *ret, Err *err)
{
	return def_put(db, a, &sensor_table, d, now, ret, err);
}

bool
sensor_delete(Db *db, Arena *a, Id id, TimeUs now, Err *err)
{
	return def_delete(db, a, &sensor_table, id, now, err);
}
