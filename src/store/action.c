#include "store/action.h"

enum { WIDTH = 35 };

#define COLUMNS \
	"select x.id, " \
	"x.ref, x.pack, x.pack_ref, x.label, x.description, x.entrypoint, x.runtime, " \
	"x.param_schema, x.out_schema, x.parameter_delivery, x.parameter_format, " \
	"x.output_format, x.is_adhoc, x.enabled, x.timeout_seconds, x.max_retries, x.retry, " \
	"x.runtime_version_constraint, x.accesses_mcp, " \
	"x.default_execution_permission_set_refs, x.log_retention_policy, " \
	"x.log_retention_limit, x.artifact_retention_policy, x.artifact_retention_limit, " \
	"x.workflow_def, x.required_worker_runtimes, x.worker_selector, " \
	"x.worker_tolerations, x.worker_affinity, x.created, x.updated, " \
	"(select ref from runtime where id = x.runtime), x.keys, x.sandbox, x.limits, x.priority, " \
	"x.reference_visibility, x.reference_allowed_pack_refs" \
	" from action x"
#define FILTER \
	DEF_IN_PACK DEF_ENABLED DEF_SEARCH("ref || ' ' || label || ' ' || coalesce(description, '')") DEF_NO_TRIGGER \
	    " and ($5 = '' or ref = $5)"

static void
action_read(Arena *a, Row r, void *def)
{
	ActionDef *d = def;

	*d = (ActionDef){
		.id = row_int(r, 0),
		.ref = row_str(r, 1),
		.pack = row_int(r, 2),
		.pack_ref = row_str(r, 3),
		.label = row_str(r, 4),
		.description = row_str(r, 5),
		.entrypoint = row_str(r, 6),
		.runtime = row_int(r, 7),
		.param_schema = row_json(a, r, 8),
		.out_schema = row_json(a, r, 9),
		.parameter_delivery = row_str(r, 10),
		.parameter_format = row_str(r, 11),
		.output_format = row_str(r, 12),
		.is_adhoc = row_bool(r, 13),
		.enabled = row_bool(r, 14),
		.timeout_seconds = row_int(r, 15),
		.retry = row_json(a, r, 17),
		.runtime_version_constraint = row_str(r, 18),
		.accesses_mcp = row_bool(r, 19),
		.default_permission_set_refs = row_json(a, r, 20),
		.log_retention_policy = row_str(r, 21),
		.log_retention_limit = row_int(r, 22),
		.artifact_retention_policy = row_str(r, 23),
		.artifact_retention_limit = row_int(r, 24),
		.workflow_def = row_int(r, 25),
		.required_worker_runtimes = row_json(a, r, 26),
		.placement.selector = row_json(a, r, 27),
		.placement.tolerations = row_json(a, r, 28),
		.placement.affinity = row_json(a, r, 29),
		.created = row_int(r, 30),
		.updated = row_int(r, 31),
		.runtime_ref = row_str(r, 32),
		.keys = row_json(a, r, 33),
		.sandbox = row_str(r, 34),
		.limits = row_json(a, r, 35),
		.priority = row_int(r, 36),
		.reference.visibility = row_str(r, 37),
		.reference.packs = row_json(a, r, 38),
	};
}

static void
action_binds(const void *def, Bind *b)
{
	const ActionDef *d = def;
	Bind all[WIDTH] = {
		bind_str(d->ref),
		bind_id(d->pack),
		bind_str(d->pack_ref),
		bind_str(d->label),
		bind_str(d->description),
		bind_str(d->entrypoint),
		bind_id(d->runtime),
		bind_value(&d->param_schema),
		bind_value(&d->out_schema),
		bind_str(d->parameter_delivery),
		bind_str(d->parameter_format),
		bind_str(d->output_format),
		bind_bool(d->is_adhoc),
		bind_bool(d->enabled),
		bind_count(d->timeout_seconds),
		bind_int(json_as_int(json_get(&d->retry, "count"), 0)),
		bind_value(&d->retry),
		bind_str(d->runtime_version_constraint),
		bind_bool(d->accesses_mcp),
		bind_array(&d->default_permission_set_refs),
		bind_str(d->log_retention_policy),
		bind_count(d->log_retention_limit),
		bind_str(d->artifact_retention_policy),
		bind_count(d->artifact_retention_limit),
		bind_id(d->workflow_def),
		bind_object(&d->required_worker_runtimes),
		bind_object(&d->placement.selector),
		bind_array(&d->placement.tolerations),
		bind_object(&d->placement.affinity),
		bind_array(&d->keys),
		bind_str(d->sandbox),
		bind_value(&d->limits),
		bind_id(d->priority),
		bind_str(d->reference.visibility),
		bind_value(&d->reference.packs),
	};

	memcpy(b, all, sizeof(all));
}

const DefTable action_table = {
	.kind = "action",
	.name = "Action",
	.size = sizeof(ActionDef),
	.ref_at = offsetof(ActionDef, ref),
	.width = WIDTH,
	.read = action_read,
	.binds = action_binds,
	.by_id = { .sql = COLUMNS " where x.id = $1", .in = "i" },
	.by_ref = { .sql = COLUMNS " where x.ref = $1", .in = "s" },
	.list = { .sql = COLUMNS FILTER DEF_PAGE, .in = DEF_LIST_IN },
	.count = { .sql = "select count(*) from action x" FILTER, .in = DEF_COUNT_IN },
	.insert = {
		.sql = "insert into action ("
		       "ref, pack, pack_ref, label, description, entrypoint, runtime, param_schema, "
		       "out_schema, parameter_delivery, parameter_format, output_format, is_adhoc, enabled, "
		       "timeout_seconds, max_retries, retry, runtime_version_constraint, accesses_mcp, "
		       "default_execution_permission_set_refs, log_retention_policy, log_retention_limit, "
		       "artifact_retention_policy, artifact_retention_limit, workflow_def, "
		       "required_worker_runtimes, worker_selector, worker_tolerations, worker_affinity, keys, sandbox, limits, priority, "
		       "reference_visibility, reference_allowed_pack_refs, created, updated"
		       ") values ("
		       "$1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, "
		       "$19, $20, $21, $22, $23, $24, $25, $26, $27, $28, $29, $30, $31, $32, $33, $34, $35, $36, $36"
		       ") returning id",
		.in = "sissSsIJJsssbbIiJSbjSISIIjjjjjSJISJt",
	},
	.update = {
		.sql = "update action set "
		       "ref = $1, pack = $2, pack_ref = $3, label = $4, description = $5, entrypoint = $6, "
		       "runtime = $7, param_schema = $8, out_schema = $9, parameter_delivery = $10, "
		       "parameter_format = $11, output_format = $12, is_adhoc = $13, enabled = $14, "
		       "timeout_seconds = $15, max_retries = $16, retry = $17, "
		       "runtime_version_constraint = $18, accesses_mcp = $19, "
		       "default_execution_permission_set_refs = $20, log_retention_policy = $21, "
		       "log_retention_limit = $22, artifact_retention_policy = $23, "
		       "artifact_retention_limit = $24, workflow_def = $25, required_worker_runtimes = $26, "
		       "worker_selector = $27, worker_tolerations = $28, worker_affinity = $29, "
		       "keys = $30, sandbox = $31, limits = $32, priority = $33, "
		       "reference_visibility = $34, reference_allowed_pack_refs = $35, updated = $36"
		       " where id = $37",
		.in = "sissSsIJJsssbbIiJSbjSISIIjjjjjSJISJti",
	},
	.remove = { .sql = "delete from action where id = $1 returning id", .in = "i" },
	.rules_touched = { .sql = "select id from rule where action = $1", .in = "i" },
};

bool
action_get(Db *db, Arena *a, Id id, ActionDef *ret, Err *err)
{
	return def_get(db, a, &action_table, id, ret, err);
}

bool
action_get_ref(Db *db, Arena *a, Str ref, ActionDef *ret, Err *err)
{
	return def_get_ref(db, a, &action_table, ref, ret, err);
}

bool
action_list(Db *db, Arena *a, const DefFilter *f, ActionDef **ret, size_t *ret_n, int64_t *ret_total, Err *err)
{
	void *made;

	if (!def_list(db, a, &action_table, f, &made, ret_n, ret_total, err))
		return false;
	*ret = made;
	return true;
}

bool
action_put(Db *db, Arena *a, ActionDef *d, TimeUs now, DefPut *ret, Err *err)
{
	return def_put(db, a, &action_table, d, now, ret, err);
}

bool
action_delete(Db *db, Arena *a, Id id, TimeUs now, Err *err)
{
	return def_delete(db, a, &action_table, id, now, err);
}
