#include "api/resource.h"

#include "api/body.h"
#include "api/handlers.h"
#include "api/rule_messages.h"
#include "engine/sensor_messages.h"
#include "api/view.h"
#include "base/names.h"
#include "model/params.h"
#include "model/placement.h"
#include "store/pack.h"
#include "store/runtime.h"
#include "store/sensor.h"
#include "store/trigger.h"

const Resource sensors = { &sensor_table, sensor_whole, sensor_summary, "triggers", offsetof(SensorDef, pack_ref) };

bool
sensors_list(App *app, Req *q, Res *s, Err *err)
{
	return resource_list(app, q, s, &sensors, (DefFilter){ .pack_ref = req_query(q, "pack_ref") }, NULL, NULL, err);
}

bool
sensors_enabled(App *app, Req *q, Res *s, Err *err)
{
	return resource_list(app, q, s, &sensors, (DefFilter){ .only_enabled = true }, NULL, NULL, err);
}

bool
sensors_of_pack(App *app, Req *q, Res *s, Err *err)
{
	PackDef p;

	if (!resource_of_path(app, q, &packs, "pack_ref", &p, err))
		return false;
	return resource_list(app, q, s, &sensors, (DefFilter){ .pack_ref = p.ref }, NULL, NULL, err);
}

static bool
is_sensor_of(const void *def, void *self)
{
	return ((const SensorDef *)def)->id == *(const Id *)self;
}

/* A trigger points to its sensor. */
bool
sensors_of_trigger(App *app, Req *q, Res *s, Err *err)
{
	TriggerDef t;

	if (!resource_of_path(app, q, &triggers, "trigger_ref", &t, err))
		return false;
	return resource_list(app, q, s, &sensors, (DefFilter){ 0 }, is_sensor_of, &t.sensor, err);
}

typedef struct SensorWork {
	Arena *a;
	const Json *body;
	Str key; /* ref or id of the one to be changed */
	bool on;
	SensorDef d;
} SensorWork;

/* ---- what a sensor must be ---- */

static bool
word_check(const char *key, Str value, Err *err)
{
	static const char *const retentions[] = { "versions", "days", "hours", "minutes" };

	if (str_none(value) || name_index(retentions, countof(retentions), value) >= 0)
		return true;
	return err_set(err, ERR_VALIDATION,
	    "Validation failed: %s: '%.*s' is not known: versions, days, hours, minutes", key, STR_ARG(value));
}

static bool
protocol_check(Str protocol, Err *err)
{
	return str_none(protocol) || str_is(protocol, "api") || str_is(protocol, "lines") ||
	       err_set(err, ERR_VALIDATION, "Validation failed: protocol: '%.*s' is not known: api, lines",
		   STR_ARG(protocol));
}

static bool
sensor_store(App *app, SensorWork *w, Err *err)
{
	DefPut put;

	if (!params_schema_check(w->a, &w->d.param_schema, err))
		return err_wrap(err, "Validation failed: param_schema");
	if (str_find(w->d.entrypoint, str_of("://"), NULL))
		return err_set(err, ERR_VALIDATION, "Validation failed: entrypoint: cannot be a URL");
	if (!protocol_check(w->d.protocol, err))
		return false;
	return placement_tidy(w->a, &w->d.placement, err) &&
	       word_check("log_retention_policy", w->d.log_retention_policy, err) &&
	       word_check("artifact_retention_policy", w->d.artifact_retention_policy, err) &&
	       sensor_put(app_db(app), w->a, &w->d, app->uow->now, &put, err) &&
	       sensor_get(app_db(app), w->a, put.id, &w->d, err);
}

static bool
trigger_point(App *app, SensorWork *w, TriggerDef *t, Id sensor, Str ref, Err *err)
{
	DefPut put;

	t->sensor = sensor;
	t->sensor_ref = ref;
	return trigger_put(app_db(app), w->a, t, app->uow->now, &put, err) &&
	       out_rules_of(app->uow, MSG_RULE_UPDATED, t->ref, (Str){ 0 }, err);
}

/* ---- making one ---- */

#define COMMON_FIELDS \
	{ "worker_selector", FIELD_MAP, 0 }, { "worker_tolerations", FIELD_ITEMS, 0 }, \
	    { "worker_affinity", FIELD_MAP, 0 }, { "enabled", FIELD_BOOL, 0 }, { "protocol", FIELD_TEXT, 16 }, \
	    { "param_schema", FIELD_ANY | FIELD_PATCH, 0 }, { "log_retention_policy", FIELD_TEXT | FIELD_PATCH, 16 }, \
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
	{ "runtime_ref", FIELD_TEXT | FIELD_NEEDED, 255 },
	{ "trigger_ref", FIELD_TEXT | FIELD_NEEDED, 255 },
	{ "description", FIELD_TEXT, 0 },
	{ "config", FIELD_ANY, 0 },
	COMMON_FIELDS,
};

static const BodyField update_fields[] = {
	{ "label", FIELD_TEXT, 255 },
	{ "entrypoint", FIELD_TEXT, 1024 },
	{ "description", FIELD_TEXT, 0 },
	COMMON_FIELDS,
};

static void
sensor_fill(const Json *body, SensorDef *d)
{
	body_text(body, "label", &d->label);
	body_text(body, "entrypoint", &d->entrypoint);
	body_text(body, "description", &d->description);
	body_bool(body, "enabled", &d->enabled);
	body_text(body, "protocol", &d->protocol);
	body_patch_json(body, "param_schema", &d->param_schema);
	body_json(body, "worker_selector", &d->placement.selector);
	body_json(body, "worker_tolerations", &d->placement.tolerations);
	body_json(body, "worker_affinity", &d->placement.affinity);
	body_patch_text(body, "log_retention_policy", &d->log_retention_policy);
	body_patch_int(body, "log_retention_limit", &d->log_retention_limit);
	body_patch_text(body, "artifact_retention_policy", &d->artifact_retention_policy);
	body_patch_int(body, "artifact_retention_limit", &d->artifact_retention_limit);
}

/* A trigger has one sensor: one that is fed already stays with who feeds it. */
static bool
create_work(App *app, void *self, Err *err)
{
	SensorWork *w = self;
	PackDef pack;
	RuntimeDef runtime;
	TriggerDef t;

	if (!component_ref_check(w->d.ref, err) || !resource_makeable(app, &sensors, w->d.ref, w->d.pack_ref, err) ||
	    !resource_ref_free(app, w->a, &sensors, w->d.ref, err) ||
	    !pack_get_ref(app_db(app), w->a, w->d.pack_ref, &pack, err) ||
	    !runtime_get_ref(app_db(app), w->a, w->d.runtime_ref, &runtime, err) ||
	    !trigger_get_ref(app_db(app), w->a, json_get_text(w->body, "trigger_ref"), &t, err))
		return false;
	w->d.pack = pack.id;
	w->d.runtime = runtime.id;
	if (!sensor_store(app, w, err))
		return false;
	out_sensor(app->uow, w->d.id, w->d.ref);
	return t.sensor != 0 || trigger_point(app, w, &t, w->d.id, w->d.ref, err);
}

bool
sensor_create(App *app, Req *q, Res *s, Err *err)
{
	Json body;
	SensorWork w = { .a = req_arena(q), .body = &body };

	if (!body_read(q, create_fields, countof(create_fields), &body, err))
		return false;
	w.d = (SensorDef){
		.ref = json_get_text(&body, "ref"),
		.pack_ref = json_get_text(&body, "pack_ref"),
		.runtime_ref = json_get_text(&body, "runtime_ref"),
		.config = json_object(),
		.enabled = true,
		.is_adhoc = true,
	};
	body_json(&body, "config", &w.d.config);
	sensor_fill(&body, &w.d);
	if (!app_define(app, create_work, &w, err))
		return false;
	return res_data(s, 201, sensor_whole(w.a, &w.d), "Sensor created successfully");
}

/* ---- changing it ---- */

static bool
update_work(App *app, void *self, Err *err)
{
	SensorWork *w = self;

	if (!resource_held(app, w->a, &sensors, w->key, "update", &w->d, err))
		return false;
	if (w->body != NULL)
		sensor_fill(w->body, &w->d);
	else
		w->d.enabled = w->on;
	out_sensor(app->uow, w->d.id, w->d.ref);
	return sensor_store(app, w, err);
}

bool
sensor_update(App *app, Req *q, Res *s, Err *err)
{
	Json body;
	SensorWork w = { .a = req_arena(q), .body = &body, .key = req_param(q, "ref") };

	if (!body_read(q, update_fields, countof(update_fields), &body, err) || !app_define(app, update_work, &w, err))
		return false;
	return res_data(s, 200, sensor_whole(w.a, &w.d), "Sensor updated successfully");
}

static bool
sensor_switch(App *app, Req *q, Res *s, bool on, Err *err)
{
	SensorWork w = { .a = req_arena(q), .key = req_param(q, "ref"), .on = on };

	if (!app_define(app, update_work, &w, err))
		return false;
	return res_data(
	    s, 200, sensor_whole(w.a, &w.d), on ? "Sensor enabled successfully" : "Sensor disabled successfully");
}

bool
sensor_enable(App *app, Req *q, Res *s, Err *err)
{
	return sensor_switch(app, q, s, true, err);
}

bool
sensor_disable(App *app, Req *q, Res *s, Err *err)
{
	return sensor_switch(app, q, s, false, err);
}

/* Its triggers stay, and nobody feeds them. */
static bool
remove_work(App *app, void *self, Err *err)
{
	SensorWork *w = self;
	TriggerDef *all;
	size_t n;

	if (!resource_held(app, w->a, &sensors, w->key, "delete", &w->d, err) ||
	    !trigger_list(app_db(app), w->a, NULL, &all, &n, NULL, err))
		return false;
	for (size_t i = 0; i < n; i++)
		if (all[i].sensor == w->d.id && !trigger_point(app, w, &all[i], 0, (Str){ 0 }, err))
			return false;
	out_sensor(app->uow, w->d.id, w->d.ref);
	return sensor_delete(app_db(app), w->a, w->d.id, app->uow->now, err);
}

bool
sensor_remove(App *app, Req *q, Res *s, Err *err)
{
	SensorWork w = { .a = req_arena(q), .key = req_param(q, "ref") };

	if (!app_define(app, remove_work, &w, err))
		return false;
	return answer_success(q, s, str_fmt(w.a, "Sensor '%.*s' deleted successfully", STR_ARG(w.d.ref)));
}
