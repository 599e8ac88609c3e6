#include "api/resource.h"

#include "api/access.h"
#include "api/body.h"
#include "api/handlers.h"
#include "api/rule_messages.h"
#include "api/view.h"
#include "model/params.h"
#include "store/pack.h"
#include "store/rule.h"
#include "store/trigger.h"

const Resource triggers = { &trigger_table, trigger_whole, trigger_summary, "triggers",
	offsetof(TriggerDef, pack_ref) };

bool
triggers_list(App *app, Req *q, Res *s, Err *err)
{
	return resource_list(
	    app, q, s, &triggers, (DefFilter){ .pack_ref = req_query(q, "pack_ref") }, NULL, NULL, err);
}

bool
triggers_enabled(App *app, Req *q, Res *s, Err *err)
{
	return resource_list(app, q, s, &triggers, (DefFilter){ .only_enabled = true }, NULL, NULL, err);
}

bool
triggers_of_pack(App *app, Req *q, Res *s, Err *err)
{
	PackDef p;

	if (!resource_of_path(app, q, &packs, "pack_ref", &p, err))
		return false;
	return resource_list(app, q, s, &triggers, (DefFilter){ .pack_ref = p.ref }, NULL, NULL, err);
}

bool
trigger_show(App *app, Req *q, Res *s, Err *err)
{
	Arena *a = req_arena(q);
	TriggerDef d;
	Target t;
	Json shown;

	if (!resource_of_path(app, q, &triggers, "ref", &d, err))
		return false;
	t = (Target){ .id = d.id, .ref = d.ref, .pack_ref = d.pack_ref };
	shown = trigger_whole(a, &d);
	if (!may(app, "triggers:update", &t)) /* whoever knows it reports events: to read a trigger is not enough */
		(void)json_remove(&shown, str_of("webhook_key"));
	return res_data(s, 200, shown, NULL);
}

typedef struct TriggerWork {
	Arena *a;
	const Json *body;
	Str key; /* ref or id of the one to be changed */
	bool on;
	TriggerDef d;
} TriggerWork;

static const BodyField create_fields[] = {
	{ "ref", FIELD_TEXT | FIELD_NEEDED, 255 },
	{ "label", FIELD_TEXT | FIELD_NEEDED, 255 },
	{ "pack_ref", FIELD_TEXT, 255 },
	{ "description", FIELD_TEXT, 0 },
	{ "enabled", FIELD_BOOL, 0 },
	{ "param_schema", FIELD_ANY, 0 },
	{ "out_schema", FIELD_ANY, 0 },
	{ "reference_visibility", FIELD_TEXT, 16 },
	{ "reference_allowed_pack_refs", FIELD_REFS, 0 },
};

static const BodyField update_fields[] = {
	{ "label", FIELD_TEXT, 255 },
	{ "description", FIELD_TEXT | FIELD_PATCH, 0 },
	{ "enabled", FIELD_BOOL, 0 },
	{ "param_schema", FIELD_ANY | FIELD_PATCH, 0 },
	{ "out_schema", FIELD_ANY | FIELD_PATCH, 0 },
	{ "reference_visibility", FIELD_TEXT, 16 },
	{ "reference_allowed_pack_refs", FIELD_REFS, 0 },
};

static void
trigger_fill(const Json *body, TriggerDef *d)
{
	body_text(body, "label", &d->label);
	body_patch_text(body, "description", &d->description);
	body_bool(body, "enabled", &d->enabled);
	body_patch_json(body, "param_schema", &d->param_schema);
	body_patch_json(body, "out_schema", &d->out_schema);
	body_text(body, "reference_visibility", &d->reference.visibility);
	body_json(body, "reference_allowed_pack_refs", &d->reference.packs);
}

static bool
trigger_store(App *app, TriggerWork *w, Err *err)
{
	DefPut put;

	if (!params_schema_check(w->a, &w->d.param_schema, err))
		return err_wrap(err, "Validation failed: param_schema");
	if (!params_schema_check(w->a, &w->d.out_schema, err))
		return err_wrap(err, "Validation failed: out_schema");
	return reference_check(&w->d.reference, err) &&
	       trigger_put(app_db(app), w->a, &w->d, app->uow->now, &put, err) &&
	       trigger_get(app_db(app), w->a, put.id, &w->d, err);
}

static bool
create_work(App *app, void *self, Err *err)
{
	TriggerWork *w = self;
	PackDef pack = { 0 };

	if (!component_ref_check(w->d.ref, err) || !resource_makeable(app, &triggers, w->d.ref, w->d.pack_ref, err) ||
	    !resource_ref_free(app, w->a, &triggers, w->d.ref, err))
		return false;
	if (!str_none(w->d.pack_ref) && !pack_get_ref(app_db(app), w->a, w->d.pack_ref, &pack, err))
		return false;
	w->d.pack = pack.id;
	return trigger_store(app, w, err) && rule_part(app_db(app), w->a, &w->d, app->uow->now, err) &&
	       rule_resolve(app_db(app), w->a, app->uow->now, err);
}

bool
trigger_create(App *app, Req *q, Res *s, Err *err)
{
	Json body;
	TriggerWork w = { .a = req_arena(q), .body = &body };

	if (!body_read(q, create_fields, countof(create_fields), &body, err))
		return false;
	w.d = (TriggerDef){ .ref = json_get_text(&body, "ref"),
		.pack_ref = json_get_text(&body, "pack_ref"),
		.enabled = true,
		.is_adhoc = true };
	trigger_fill(&body, &w.d);
	if (!app_define(app, create_work, &w, err))
		return false;
	return res_data(s, 201, trigger_whole(w.a, &w.d), "Trigger created successfully");
}

static bool
update_work(App *app, void *self, Err *err)
{
	TriggerWork *w = self;
	bool before;

	if (!resource_held(app, w->a, &triggers, w->key, "update", &w->d, err))
		return false;
	before = w->d.enabled;
	if (w->body != NULL)
		trigger_fill(w->body, &w->d);
	else
		w->d.enabled = w->on;
	/* rules that might not refer to it may do so now */
	if (!trigger_store(app, w, err) || !rule_resolve(app_db(app), w->a, app->uow->now, err))
		return false;
	/* sensors listen for rules: those of the trigger begin or stop to tick */
	return before == w->d.enabled || out_rules_of(app->uow, MSG_RULE_UPDATED, w->d.ref, (Str){ 0 }, err);
}

bool
trigger_update(App *app, Req *q, Res *s, Err *err)
{
	Json body;
	TriggerWork w = { .a = req_arena(q), .body = &body, .key = req_param(q, "ref") };

	if (!body_read(q, update_fields, countof(update_fields), &body, err) || !app_define(app, update_work, &w, err))
		return false;
	return res_data(s, 200, trigger_whole(w.a, &w.d), "Trigger updated successfully");
}

bool
trigger_enable(App *app, Req *q, Res *s, Err *err)
{
	TriggerWork w = { .a = req_arena(q), .key = req_param(q, "ref"), .on = true };

	if (!app_define(app, update_work, &w, err))
		return false;
	return res_data(s, 200, trigger_whole(w.a, &w.d), "Trigger enabled successfully");
}

bool
trigger_disable(App *app, Req *q, Res *s, Err *err)
{
	TriggerWork w = { .a = req_arena(q), .key = req_param(q, "ref") };

	if (!app_define(app, update_work, &w, err))
		return false;
	return res_data(s, 200, trigger_whole(w.a, &w.d), "Trigger disabled successfully");
}

static bool
remove_work(App *app, void *self, Err *err)
{
	TriggerWork *w = self;

	return resource_held(app, w->a, &triggers, w->key, "delete", &w->d, err) &&
	       trigger_delete(app_db(app), w->a, w->d.id, app->uow->now, err) &&
	       out_rules_of(app->uow, MSG_RULE_UPDATED, w->d.ref, (Str){ 0 }, err);
}

bool
trigger_remove(App *app, Req *q, Res *s, Err *err)
{
	TriggerWork w = { .a = req_arena(q), .key = req_param(q, "ref") };

	if (!app_define(app, remove_work, &w, err))
		return false;
	return answer_success(q, s, str_fmt(w.a, "Trigger '%.*s' deleted successfully", STR_ARG(w.d.ref)));
}
