#include "api/action_work.h"

#include "api/body.h"
#include "api/given.h"
#include "api/resource.h"
#include "base/names.h"
#include "model/allowance.h"
#include "model/params.h"
#include "model/placement.h"
#include "model/version.h"
#include "model/retry.h"
#include "store/action.h"
#include "store/pack.h"
#include "store/rule.h"
#include "store/runtime.h"

#define COMMON_FIELDS \
	{ "out_schema", FIELD_ANY, 0 }, { "param_schema", FIELD_ANY, 0 }, { "runtime", FIELD_NUMBER, 0 }, \
	    { "runtime_ref", FIELD_TEXT, 255 }, { "runtime_version_constraint", FIELD_TEXT | FIELD_PATCH, 0 }, \
	    { "parameter_delivery", FIELD_TEXT, 16 }, { "parameter_format", FIELD_TEXT, 16 }, \
	    { "output_format", FIELD_TEXT, 16 }, { "accesses_mcp", FIELD_BOOL, 0 }, { "enabled", FIELD_BOOL, 0 }, \
	    { "timeout_seconds", FIELD_NUMBER | FIELD_POSITIVE | FIELD_PATCH, 0 }, { "retry", FIELD_MAP, 0 }, \
	    { "priority", FIELD_NUMBER, 0 }, { "sandbox", FIELD_TEXT | FIELD_PATCH, 16 }, { "limits", FIELD_MAP, 0 }, \
	    { "default_execution_permission_set_refs", FIELD_REFS, 0 }, { "required_worker_runtimes", FIELD_MAP, 0 }, \
	    { "worker_selector", FIELD_MAP, 0 }, { "worker_tolerations", FIELD_ITEMS, 0 }, \
	    { "worker_affinity", FIELD_MAP, 0 }, { "reference_visibility", FIELD_TEXT, 16 }, \
	    { "reference_allowed_pack_refs", FIELD_REFS, 0 }, \
	    { "log_retention_policy", FIELD_TEXT | FIELD_PATCH, 16 }, \
	    { "log_retention_limit", FIELD_NUMBER | FIELD_POSITIVE | FIELD_PATCH, 0 }, \
	    { "artifact_retention_policy", FIELD_TEXT | FIELD_PATCH, 16 }, \
	{ \
		"artifact_retention_limit", FIELD_NUMBER | FIELD_POSITIVE | FIELD_PATCH, 0 \
	}

static const BodyField create_fields[] = {
	{ "ref", FIELD_TEXT | FIELD_NEEDED, 255 },
	{ "pack_ref", FIELD_TEXT | FIELD_NEEDED, 255 },
	{ "label", FIELD_TEXT | FIELD_NEEDED, 255 },
	{ "entrypoint", FIELD_TEXT | FIELD_NEEDED, 1024 },
	{ "description", FIELD_TEXT, 0 },
	COMMON_FIELDS,
};

static const BodyField update_fields[] = {
	{ "label", FIELD_TEXT, 255 },
	{ "entrypoint", FIELD_TEXT, 1024 },
	{ "description", FIELD_TEXT | FIELD_PATCH, 0 },
	COMMON_FIELDS,
};

static void
action_fill(const Json *body, ActionDef *d)
{
	body_text(body, "label", &d->label);
	body_text(body, "entrypoint", &d->entrypoint);
	body_patch_text(body, "description", &d->description);
	body_json(body, "param_schema", &d->param_schema);
	body_json(body, "out_schema", &d->out_schema);
	body_text(body, "parameter_delivery", &d->parameter_delivery);
	body_text(body, "parameter_format", &d->parameter_format);
	body_text(body, "output_format", &d->output_format);
	body_bool(body, "accesses_mcp", &d->accesses_mcp);
	body_bool(body, "enabled", &d->enabled);
	body_json(body, "retry", &d->retry);
	body_patch_text(body, "sandbox", &d->sandbox);
	body_json(body, "limits", &d->limits);
	body_json(body, "default_execution_permission_set_refs", &d->default_permission_set_refs);
	body_json(body, "required_worker_runtimes", &d->required_worker_runtimes);
	body_json(body, "worker_selector", &d->placement.selector);
	body_json(body, "worker_tolerations", &d->placement.tolerations);
	body_json(body, "worker_affinity", &d->placement.affinity);
	body_text(body, "reference_visibility", &d->reference.visibility);
	body_json(body, "reference_allowed_pack_refs", &d->reference.packs);
	body_patch_text(body, "runtime_version_constraint", &d->runtime_version_constraint);
	body_patch_int(body, "timeout_seconds", &d->timeout_seconds);
	body_patch_text(body, "log_retention_policy", &d->log_retention_policy);
	body_patch_int(body, "log_retention_limit", &d->log_retention_limit);
	body_patch_text(body, "artifact_retention_policy", &d->artifact_retention_policy);
	body_patch_int(body, "artifact_retention_limit", &d->artifact_retention_limit);
}

/* ---- what an action must be ---- */

static bool
one_of(const char *key, Str value, const char *const *names, size_t n, Err *err)
{
	if (str_none(value) || name_index(names, n, value) >= 0)
		return true;
	return err_set(err, ERR_VALIDATION, "Validation failed: %s: '%.*s' is not known", key, STR_ARG(value));
}

static bool
action_check(Arena *a, const ActionDef *d, Err *err)
{
	static const char *const deliveries[] = { "stdin", "file" };
	static const char *const formats[] = { "json", "dotenv", "yaml" };
	static const char *const outputs[] = { "text", "json", "yaml", "jsonl" };
	static const char *const retentions[] = { "versions", "days", "hours", "minutes" };

	RetryPlan plan;
	Err why = { 0 };

	if (!params_schema_check(a, &d->param_schema, err))
		return err_wrap(err, "Validation failed: param_schema");
	if (!params_schema_check(a, &d->out_schema, err))
		return err_wrap(err, "Validation failed: out_schema");
	if (!retry_read(&d->retry, &plan, &why))
		return err_set(err, ERR_VALIDATION, "Validation failed: %s", why.text + 1);
	if (!str_none(d->runtime_version_constraint) && !version_constraint_check(d->runtime_version_constraint, err))
		return err_wrap(err, "Validation failed: runtime_version_constraint");
	if (!allowance_check(&d->limits, err))
		return err_wrap(err, "Validation failed");
	return reference_check(&d->reference, err) &&
	       one_of("parameter_delivery", d->parameter_delivery, deliveries, countof(deliveries), err) &&
	       one_of("parameter_format", d->parameter_format, formats, countof(formats), err) &&
	       one_of("output_format", d->output_format, outputs, countof(outputs), err) &&
	       one_of("sandbox", d->sandbox, sandbox_words, 3, err) &&
	       one_of("log_retention_policy", d->log_retention_policy, retentions, countof(retentions), err) &&
	       one_of("artifact_retention_policy", d->artifact_retention_policy, retentions, countof(retentions), err);
}

/* `runtime`, an id, wins over `runtime_ref`. Neither: the action keeps what it has. */
static bool
action_runtime(App *app, ActionWork *w, Err *err)
{
	Id id = json_as_int(json_get(w->body, "runtime"), 0);
	Str ref = json_get_text(w->body, "runtime_ref");
	RuntimeDef r;

	if (id == 0 && str_none(ref))
		return true;
	if (id != 0 ? !runtime_get(app_db(app), w->a, id, &r, err) : !runtime_get_ref(app_db(app), w->a, ref, &r, err))
		return false;
	w->d.runtime = r.id;
	w->d.runtime_ref = r.ref;
	return true;
}

static bool
action_store(App *app, ActionWork *w, Err *err)
{
	DefPut put;

	return placement_tidy(w->a, &w->d.placement, err) && action_check(w->a, &w->d, err) &&
	       action_put(app_db(app), w->a, &w->d, app->uow->now, &put, err) &&
	       action_get(app_db(app), w->a, put.id, &w->d, err);
}

/* ---- the changes ---- */

bool
action_create_read(Req *q, ActionWork *w, Json *ret_body, Err *err)
{
	if (!body_read(q, create_fields, countof(create_fields), ret_body, err))
		return false;
	w->d = (ActionDef){
		.ref = json_get_text(ret_body, "ref"),
		.pack_ref = json_get_text(ret_body, "pack_ref"),
		.parameter_delivery = str_of("stdin"),
		.parameter_format = str_of("json"),
		.output_format = str_of("text"),
		.enabled = true,
		.is_adhoc = true,
	};
	action_fill(ret_body, &w->d);
	return body_priority(ret_body, &w->d.priority, err);
}

bool
action_update_read(Req *q, Json *ret_body, Err *err)
{
	return body_read(q, update_fields, countof(update_fields), ret_body, err);
}

bool
action_settings_check(Req *q, const Json *body, Err *err)
{
	return json_is_null(body) ||
	       body_check(q, update_fields, countof(update_fields), str_of("settings."), body, err);
}

bool
action_create_work(App *app, void *self, Err *err)
{
	ActionWork *w = self;
	PackDef pack;

	if (!component_ref_check(w->d.ref, err) || !resource_makeable(app, &actions, w->d.ref, w->d.pack_ref, err) ||
	    !delegate_refs(app, w->a, &w->d.default_permission_set_refs, err) ||
	    !resource_ref_free(app, w->a, &actions, w->d.ref, err) ||
	    !pack_get_ref(app_db(app), w->a, w->d.pack_ref, &pack, err) || !action_runtime(app, w, err))
		return false;
	if (w->d.runtime == 0)
		return err_set(err, ERR_VALIDATION,
		    "Validation failed: runtime_ref: is missing; an action is run by its runtime, e.g. core.shell");
	w->d.pack = pack.id;
	return action_store(app, w, err) && rule_resolve(app_db(app), w->a, app->uow->now, err);
}

bool
action_update_work(App *app, void *self, Err *err)
{
	ActionWork *w = self;
	Json before;

	if (!resource_held(app, w->a, &actions, w->key, "update", &w->d, err) || !action_runtime(app, w, err))
		return false;
	before = w->d.default_permission_set_refs;
	action_fill(w->body, &w->d);
	if (!body_priority(w->body, &w->d.priority, err))
		return false;
	if (!json_eq(&before, &w->d.default_permission_set_refs) &&
	    !delegate_refs(app, w->a, &w->d.default_permission_set_refs, err))
		return false;
	/* rules that might not refer to it may do so now */
	return action_store(app, w, err) && rule_resolve(app_db(app), w->a, app->uow->now, err);
}

bool
action_remove_work(App *app, void *self, Err *err)
{
	ActionWork *w = self;

	return resource_held(app, w->a, &actions, w->key, "delete", &w->d, err) &&
	       action_delete(app_db(app), w->a, w->d.id, app->uow->now, err);
}
