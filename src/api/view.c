#include "api/view.h"

#include "model/placement.h"
#include "model/policy.h"
#include "model/secrets.h"

/* ---- pieces ---- */

/* Nothing is added for a missing value. */
static void
add_text(Arena *a, Json *o, const char *key, Str v)
{
	if (!str_none(v))
		json_add(a, o, key, json_str(v));
}

static void
add_id(Arena *a, Json *o, const char *key, Id v)
{
	if (v != 0)
		json_add(a, o, key, json_int(v));
}

static void
add_value(Arena *a, Json *o, const char *key, const Json *v)
{
	if (v->kind != JSON_NULL)
		json_add(a, o, key, *v);
}

static Json
object_of(const Json *v)
{
	return v->kind == JSON_OBJECT ? *v : json_object();
}

static Json
array_of(const Json *v)
{
	return v->kind == JSON_ARRAY ? *v : json_array();
}

static void
add_times(Arena *a, Json *o, TimeUs created, TimeUs updated)
{
	json_add(a, o, "created", json_time(a, created));
	json_add(a, o, "updated", json_time(a, updated));
}

static Json
visibility(const Reference *r)
{
	return str_none(r->visibility) ? json_cstr("public") : json_str(r->visibility);
}

static void
add_reference(Arena *a, Json *o, const Reference *r)
{
	json_add(a, o, "reference_visibility", visibility(r));
	json_add(a, o, "reference_allowed_pack_refs", array_of(&r->packs));
}

/* ---- packs ---- */

Json
pack_summary(Arena *a, const void *def)
{
	const PackDef *d = def;
	Json o = json_object();

	json_add(a, &o, "id", json_int(d->id));
	json_add(a, &o, "ref", json_str(d->ref));
	json_add(a, &o, "label", json_str(d->label));
	json_add(a, &o, "description", json_str(d->description));
	json_add(a, &o, "version", json_str(d->version));
	json_add(a, &o, "tags", array_of(&d->tags));
	json_add(a, &o, "is_standard", json_bool(d->is_standard));
	add_times(a, &o, d->created, d->updated);
	return o;
}

Json
pack_config_shown(Arena *a, const PackDef *d)
{
	Json config = object_of(&d->config);

	(void)secrets_take(a, &d->conf_schema, &config);
	return config;
}

Json
pack_whole(Arena *a, const void *def)
{
	const PackDef *d = def;
	Json o = pack_summary(a, def);

	json_add(a, &o, "conf_schema", object_of(&d->conf_schema));
	json_add(a, &o, "config", pack_config_shown(a, d));
	json_add(a, &o, "meta", object_of(&d->meta));
	json_add(a, &o, "runtime_deps", array_of(&d->runtime_deps));
	json_add(a, &o, "dependencies", array_of(&d->dependencies));
	return o;
}

/* ---- runtimes ---- */

Json
runtime_summary(Arena *a, const void *def)
{
	const RuntimeDef *d = def;
	Json o = json_object();

	json_add(a, &o, "id", json_int(d->id));
	json_add(a, &o, "ref", json_str(d->ref));
	json_add(a, &o, "pack_ref", json_str(d->pack_ref));
	json_add(a, &o, "name", json_str(d->name));
	json_add(a, &o, "description", json_str(d->description));
	add_times(a, &o, d->created, d->updated);
	return o;
}

Json
runtime_whole(Arena *a, const void *def)
{
	const RuntimeDef *d = def;
	Json o = runtime_summary(a, def);

	json_add(a, &o, "pack", json_id(d->pack));
	json_add(a, &o, "aliases", array_of(&d->aliases));
	json_add(a, &o, "distributions", object_of(&d->distributions));
	json_add(a, &o, "installation", d->installation);
	json_add(a, &o, "execution_config", object_of(&d->execution_config));
	return o;
}

/* ---- actions ---- */

/* What a pack's file has left out is completed; what it has written otherwise is shown as it is. */
static void
add_placement(Arena *a, Json *o, Placement p)
{
	Err none = { 0 };

	if (!placement_tidy(a, &p, &none))
		err_clear(&none);
	json_add(a, o, "worker_selector", object_of(&p.selector));
	json_add(a, o, "worker_tolerations", array_of(&p.tolerations));
	json_add(a, o, "worker_affinity", object_of(&p.affinity));
}

static void
add_retention(Arena *a, Json *o, Str log, int64_t log_limit, Str artifact, int64_t artifact_limit)
{
	add_text(a, o, "log_retention_policy", log);
	add_id(a, o, "log_retention_limit", log_limit);
	add_text(a, o, "artifact_retention_policy", artifact);
	add_id(a, o, "artifact_retention_limit", artifact_limit);
}

Json
action_summary(Arena *a, const void *def)
{
	const ActionDef *d = def;
	Json o = json_object();

	json_add(a, &o, "id", json_int(d->id));
	json_add(a, &o, "ref", json_str(d->ref));
	json_add(a, &o, "pack_ref", json_str(d->pack_ref));
	json_add(a, &o, "label", json_str(d->label));
	json_add(a, &o, "description", json_str(d->description));
	json_add(a, &o, "entrypoint", json_str(d->entrypoint));
	json_add(a, &o, "runtime", json_id(d->runtime));
	add_text(a, &o, "runtime_ref", d->runtime_ref);
	add_text(a, &o, "runtime_version_constraint", d->runtime_version_constraint);
	json_add(a, &o, "accesses_mcp", json_bool(d->accesses_mcp));
	json_add(a, &o, "enabled", json_bool(d->enabled));
	json_add(a, &o, "timeout_seconds", json_id(d->timeout_seconds));
	json_add(a, &o, "priority", json_int(d->priority));
	add_id(a, &o, "workflow_def", d->workflow_def);
	json_add(a, &o, "default_execution_permission_set_refs", array_of(&d->default_permission_set_refs));
	json_add(a, &o, "required_worker_runtimes", object_of(&d->required_worker_runtimes));
	add_placement(a, &o, d->placement);
	add_retention(a, &o, d->log_retention_policy, d->log_retention_limit, d->artifact_retention_policy,
	    d->artifact_retention_limit);
	add_reference(a, &o, &d->reference);
	add_times(a, &o, d->created, d->updated);
	return o;
}

Json
action_whole(Arena *a, const void *def)
{
	const ActionDef *d = def;
	Json o = action_summary(a, def);

	json_add(a, &o, "pack", json_int(d->pack));
	json_add(a, &o, "is_adhoc", json_bool(d->is_adhoc));
	json_add(a, &o, "param_schema", d->param_schema);
	json_add(a, &o, "out_schema", d->out_schema);
	json_add(a, &o, "parameter_delivery", json_str(d->parameter_delivery));
	json_add(a, &o, "parameter_format", json_str(d->parameter_format));
	json_add(a, &o, "output_format", json_str(d->output_format));
	add_value(a, &o, "retry", &d->retry);
	add_text(a, &o, "sandbox", d->sandbox);
	add_value(a, &o, "limits", &d->limits);
	return o;
}

Json
action_hit(Arena *a, const void *def)
{
	const ActionDef *d = def;
	Json o = json_object();

	json_add(a, &o, "ref", json_str(d->ref));
	json_add(a, &o, "pack_ref", json_str(d->pack_ref));
	json_add(a, &o, "label", json_str(d->label));
	add_text(a, &o, "description", d->description);
	add_text(a, &o, "runtime_ref", d->runtime_ref);
	json_add(a, &o, "is_workflow", json_bool(d->workflow_def != 0));
	json_add(a, &o, "accesses_mcp", json_bool(d->accesses_mcp));
	json_add(a, &o, "reference_visibility", visibility(&d->reference));
	return o;
}

/* ---- triggers and sensors ---- */

Json
trigger_summary(Arena *a, const void *def)
{
	const TriggerDef *d = def;
	Json o = json_object();

	json_add(a, &o, "id", json_int(d->id));
	json_add(a, &o, "ref", json_str(d->ref));
	json_add(a, &o, "pack_ref", json_str(d->pack_ref));
	json_add(a, &o, "label", json_str(d->label));
	json_add(a, &o, "description", json_str(d->description));
	json_add(a, &o, "enabled", json_bool(d->enabled));
	json_add(a, &o, "webhook_enabled", json_bool(d->webhook_enabled));
	add_reference(a, &o, &d->reference);
	add_times(a, &o, d->created, d->updated);
	return o;
}

Json
trigger_whole(Arena *a, const void *def)
{
	const TriggerDef *d = def;
	Json o = trigger_summary(a, def);

	json_add(a, &o, "pack", json_id(d->pack));
	json_add(a, &o, "is_adhoc", json_bool(d->is_adhoc));
	json_add(a, &o, "param_schema", d->param_schema);
	json_add(a, &o, "out_schema", d->out_schema);
	add_id(a, &o, "sensor", d->sensor);
	add_text(a, &o, "sensor_ref", d->sensor_ref);
	add_text(a, &o, "webhook_key", d->webhook_key);
	return o;
}

Json
sensor_summary(Arena *a, const void *def)
{
	const SensorDef *d = def;
	Json o = json_object();

	json_add(a, &o, "id", json_int(d->id));
	json_add(a, &o, "ref", json_str(d->ref));
	json_add(a, &o, "pack_ref", json_str(d->pack_ref));
	json_add(a, &o, "label", json_str(d->label));
	json_add(a, &o, "description", json_str(d->description));
	json_add(a, &o, "enabled", json_bool(d->enabled));
	add_retention(a, &o, d->log_retention_policy, d->log_retention_limit, d->artifact_retention_policy,
	    d->artifact_retention_limit);
	add_times(a, &o, d->created, d->updated);
	return o;
}

Json
sensor_whole(Arena *a, const void *def)
{
	const SensorDef *d = def;
	Json o = sensor_summary(a, def);

	json_add(a, &o, "pack", json_id(d->pack));
	json_add(a, &o, "entrypoint", json_str(d->entrypoint));
	json_add(a, &o, "protocol", json_str(d->protocol));
	json_add(a, &o, "runtime", json_int(d->runtime));
	json_add(a, &o, "runtime_ref", json_str(d->runtime_ref));
	json_add(a, &o, "param_schema", d->param_schema);
	add_placement(a, &o, d->placement);
	return o;
}

/* ---- rules ---- */

Json
rule_summary(Arena *a, const void *def)
{
	const RuleDef *d = def;
	Json o = json_object();

	json_add(a, &o, "id", json_int(d->id));
	json_add(a, &o, "ref", json_str(d->ref));
	json_add(a, &o, "pack_ref", json_str(d->pack_ref));
	json_add(a, &o, "label", json_str(d->label));
	json_add(a, &o, "description", json_str(d->description));
	json_add(a, &o, "action_ref", json_str(d->action_ref));
	json_add(a, &o, "trigger_ref", json_str(d->trigger_ref));
	json_add(a, &o, "action_params", object_of(&d->action_params));
	json_add(a, &o, "trigger_params", object_of(&d->trigger_params));
	json_add(a, &o, "permission_set_refs", d->permission_set_refs);
	json_add(a, &o, "enabled", json_bool(d->enabled));
	json_add(a, &o, "priority", json_int(d->priority));
	add_times(a, &o, d->created, d->updated);
	return o;
}

Json
rule_whole(Arena *a, const void *def)
{
	const RuleDef *d = def;
	Json o = rule_summary(a, def);

	json_add(a, &o, "pack", json_int(d->pack));
	json_add(a, &o, "action", json_id(d->action));
	json_add(a, &o, "trigger", json_id(d->trigger));
	json_add(a, &o, "conditions", d->conditions);
	json_add(a, &o, "is_adhoc", json_bool(d->is_adhoc));
	json_add(a, &o, "owner_identity", json_id(d->owner));
	for (size_t i = 0; i < d->extras.n && d->extras.kind == JSON_OBJECT; i++)
		json_set_str(a, &o, d->extras.members[i].key, d->extras.members[i].value);
	return o;
}

/* ---- policies ---- */

Json
policy_whole(Arena *a, const void *def)
{
	const PolicyDef *d = def;
	Json o = json_object();

	json_add(a, &o, "id", json_int(d->id));
	json_add(a, &o, "ref", json_str(d->ref));
	json_add(a, &o, "pack", json_id(d->pack));
	json_add(a, &o, "pack_ref", json_str(d->pack_ref));
	json_add(a, &o, "action", json_id(d->action));
	json_add(a, &o, "action_ref", json_str(d->action_ref));
	json_add(a, &o, "label", json_str(d->label));
	json_add(a, &o, "description", json_str(d->description));
	json_add(a, &o, "tags", array_of(&d->tags));
	json_add(a, &o, "enabled", json_bool(d->enabled));
	json_add(a, &o, "is_adhoc", json_bool(d->is_adhoc));
	json_add(a, &o, "concurrency", policy_concurrency(a, d));
	json_add(a, &o, "rate", policy_rate(a, d));
	json_add(a, &o, "breaker", policy_breaker(a, d));
	add_times(a, &o, d->created, d->updated);
	return o;
}

/* ---- workflows ---- */

Json
workflow_summary(Arena *a, const void *def)
{
	const WorkflowDef *d = def;
	Json o = json_object();

	json_add(a, &o, "id", json_int(d->id));
	json_add(a, &o, "ref", json_str(d->ref));
	json_add(a, &o, "pack_ref", json_str(d->pack_ref));
	json_add(a, &o, "label", json_str(d->label));
	json_add(a, &o, "description", json_str(d->description));
	json_add(a, &o, "version", json_str(d->version));
	json_add(a, &o, "tags", array_of(&d->tags));
	add_times(a, &o, d->created, d->updated);
	return o;
}

Json
workflow_whole(Arena *a, const void *def)
{
	const WorkflowDef *d = def;
	Json o = workflow_summary(a, def);

	json_add(a, &o, "pack", json_int(d->pack));
	json_add(a, &o, "param_schema", d->param_schema);
	json_add(a, &o, "out_schema", d->out_schema);
	json_add(a, &o, "definition", object_of(&d->definition));
	return o;
}
