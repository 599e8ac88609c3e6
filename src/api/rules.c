#include "api/resource.h"

#include "api/body.h"
#include "api/given.h"
#include "api/handlers.h"
#include "api/rule_messages.h"
#include "api/rule_secrets.h"
#include "api/view.h"
#include "engine/keys.h"
#include "model/condition.h"
#include "model/extras.h"
#include "model/keystore.h"
#include "model/params.h"
#include "model/schedule.h"
#include "store/action.h"
#include "store/pack.h"
#include "store/rule.h"
#include "store/trigger.h"

const Resource rules = { &rule_table, rule_whole, rule_summary, "rules", offsetof(RuleDef, pack_ref),
	rule_secrets_hide };

/* ---- lists ---- */

static bool
is_disabled(const void *def, void *self)
{
	(void)self;
	return !((const RuleDef *)def)->enabled;
}

bool
rules_list(App *app, Req *q, Res *s, Err *err)
{
	DefFilter f = { .pack_ref = req_query(q, "pack_ref"),
		.action_ref = req_query(q, "action_ref"),
		.trigger_ref = req_query(q, "trigger_ref") };
	bool asked = !str_none(req_query(q, "enabled"));

	if (!req_query_bool(q, "enabled", false, &f.only_enabled, err))
		return false;
	return resource_list(app, q, s, &rules, f, asked && !f.only_enabled ? is_disabled : NULL, NULL, err);
}

bool
rules_enabled(App *app, Req *q, Res *s, Err *err)
{
	return resource_list(app, q, s, &rules, (DefFilter){ .only_enabled = true }, NULL, NULL, err);
}

bool
rules_of_pack(App *app, Req *q, Res *s, Err *err)
{
	PackDef p;

	if (!resource_of_path(app, q, &packs, "pack_ref", &p, err))
		return false;
	return resource_list(app, q, s, &rules, (DefFilter){ .pack_ref = p.ref }, NULL, NULL, err);
}

bool
rules_of_action(App *app, Req *q, Res *s, Err *err)
{
	ActionDef d;

	if (!resource_of_path(app, q, &actions, "action_ref", &d, err))
		return false;
	return resource_list(app, q, s, &rules, (DefFilter){ .action_ref = d.ref }, NULL, NULL, err);
}

bool
rules_of_trigger(App *app, Req *q, Res *s, Err *err)
{
	TriggerDef t;

	if (!resource_of_path(app, q, &triggers, "trigger_ref", &t, err))
		return false;
	return resource_list(app, q, s, &rules, (DefFilter){ .trigger_ref = t.ref }, NULL, NULL, err);
}

bool
rule_show(App *app, Req *q, Res *s, Err *err)
{
	RuleDef d;

	return resource_of_path(app, q, &rules, "ref", &d, err) && rule_secrets_show(app, q, &d, err) &&
	       res_data(s, 200, rule_whole(req_arena(q), &d), NULL);
}

static bool
rule_answer(App *app, Res *s, int status, Arena *a, RuleDef *d, const char *message, Err *err)
{
	return rule_secrets_hide(app, a, d, 1, err) && res_data(s, status, rule_whole(a, d), message);
}

/* ---- what a rule must be ---- */

static bool
params_check(Arena *a, const char *kind, Str ref, const Json *schema, const Json *params, Err *err)
{
	Json copy = json_clone(a, params); /* what is stored is what was given, templates and all */

	return params_prepare(a, kind, ref, schema, &copy, true, err);
}

static bool
timer_check(App *app, const RuleDef *d, Err *err)
{
	return schedule_check(d->trigger_ref, &d->trigger_params, app->uow->now, err) ||
	       err_wrap(err, "Invalid parameters for trigger '%.*s'", STR_ARG(d->trigger_ref));
}

/* Who lets a rule use the keys of its pack must be allowed to see them: its action may do with them what it likes. */
static bool
keys_check(App *app, Arena *a, const RuleDef *d, const ActionDef *action, Err *err)
{
	Target t = target_pack_keys(d->pack_ref);

	if (!keystore_wanted(a, &d->action_params))
		return true;
	return keystore_check(a, "action_params", action->ref, &action->param_schema, &d->action_params, err) &&
	       need(app, "keys:decrypt", &t, err);
}

/* Action and trigger must be there, the parameters must fit them; refs become ids. before: NULL for a new rule. */
static bool
rule_refer(App *app, Arena *a, RuleDef *d, const RuleDef *before, Err *err)
{
	TriggerDef t;
	ActionDef action;
	Json schema;

	if (!action_get_ref(app_db(app), a, d->action_ref, &action, err) ||
	    !trigger_get_ref(app_db(app), a, d->trigger_ref, &t, err) ||
	    !keys_spare_read(app_db(app), a, &action, &schema, err))
		return false;
	d->action = action.id;
	d->trigger = t.id;
	return rule_may_run(d, before, &action, err) && rule_may_hear(d, before, &t, err) &&
	       params_check(a, "trigger", t.ref, &t.param_schema, &d->trigger_params, err) &&
	       timer_check(app, d, err) && params_check(a, "action", action.ref, &schema, &d->action_params, err) &&
	       keys_check(app, a, d, &action, err);
}

static bool
extras_check(Arena *a, const RuleDef *d, Err *err)
{
	RuleExtras extras;
	bool config = false;

	return (extras_compile(a, d, &extras, &config, err) && extras_keys_check(a, d, err)) ||
	       err_wrap(err, "Invalid rule '%.*s'", STR_ARG(d->ref));
}

static bool
conditions_check(Arena *a, const RuleDef *d, Err *err)
{
	const Condition *c;
	Str problem = { 0 };

	if (condition_compile(a, &d->conditions, &c, &problem))
		return extras_check(a, d, err);
	return err_set(
	    err, ERR_VALIDATION, "Invalid conditions for rule '%.*s': %.*s", STR_ARG(d->ref), STR_ARG(problem));
}

/* Those of a rule on several. */
static bool
triggers_there(App *app, Arena *a, const RuleDef *d, const RuleDef *before, Err *err)
{
	const Json *list = json_get(&d->extras, "triggers");
	TriggerDef t;

	for (size_t i = 0; list != NULL && json_at(list, i) != NULL; i++) {
		Str ref = json_get_text(json_at(list, i), "trigger_ref");

		if (ref.n > 0 && (!trigger_get_ref(app_db(app), a, ref, &t, err) || !rule_may_hear(d, before, &t, err)))
			return false;
	}
	return true;
}

/* ---- creating ---- */

typedef struct RuleWork {
	Arena *a;
	const Json *body;
	Str key; /* ref or id of the one to be changed */
	RuleDef d;
} RuleWork;

static const BodyField create_fields[] = {
	{ "ref", FIELD_TEXT | FIELD_NEEDED, 255 },
	{ "pack_ref", FIELD_TEXT | FIELD_NEEDED, 255 },
	{ "label", FIELD_TEXT | FIELD_NEEDED, 255 },
	{ "description", FIELD_TEXT, 0 },
	{ "action_ref", FIELD_TEXT | FIELD_NEEDED, 255 },
	{ "trigger_ref", FIELD_TEXT, 255 }, /* needed, unless there are triggers */
	{ "conditions", FIELD_MAP | FIELD_ITEMS, 0 },
	{ "action_params", FIELD_MAP, 0 },
	{ "trigger_params", FIELD_MAP, 0 },
	{ "throttle", FIELD_MAP, 0 },
	{ "debounce", FIELD_MAP, 0 },
	{ "once_within", FIELD_MAP, 0 },
	{ "triggers", FIELD_ITEMS, 0 },
	{ "correlate", FIELD_MAP, 0 },
	{ "permission_set_refs", FIELD_REFS, 0 },
	{ "enabled", FIELD_BOOL, 0 },
	{ "priority", FIELD_NUMBER, 0 },
};

/* Each is set, or with null taken away; the rule's first trigger is that of its list. */
static void
extras_fill(Arena *a, const Json *body, RuleDef *d)
{
	Json all = d->extras.kind == JSON_OBJECT ? json_clone(a, &d->extras) : json_object();
	Str first;

	for (size_t i = 0; i < extras_names_n; i++) {
		const Json *v = json_get(body, extras_names[i]);

		if (v == NULL)
			continue;
		(void)json_remove(&all, str_of(extras_names[i]));
		if (v->kind != JSON_NULL)
			json_add(a, &all, extras_names[i], *v);
	}
	d->extras = all.n == 0 ? json_null() : all;
	first = json_get_text(json_at(json_get(&all, "triggers"), 0), "trigger_ref");
	if (json_get(body, "trigger_ref") == NULL && !str_none(first))
		d->trigger_ref = first;
}

static void
rule_fill(Arena *a, const Json *body, RuleDef *d)
{
	body_text(body, "label", &d->label);
	body_text(body, "description", &d->description);
	body_text(body, "action_ref", &d->action_ref);
	body_text(body, "trigger_ref", &d->trigger_ref);
	body_json(body, "conditions", &d->conditions);
	body_json(body, "action_params", &d->action_params);
	body_json(body, "trigger_params", &d->trigger_params);
	body_bool(body, "enabled", &d->enabled);
	extras_fill(a, body, d);
	if (json_get(body, "permission_set_refs") != NULL) /* null is a value here: as the action says */
		d->permission_set_refs = *json_get(body, "permission_set_refs");
}

/* A rule runs its action: whoever makes it must be allowed to. */
static bool
may_execute(App *app, Str action_ref, Err *err)
{
	Target t = { .ref = action_ref, .pack_ref = ref_pack(action_ref) };

	return need(app, "actions:execute", &t, err);
}

static bool
create_work(App *app, void *self, Err *err)
{
	RuleWork *w = self;
	PackDef pack;
	DefPut put;

	if (!component_ref_check(w->d.ref, err) || !resource_makeable(app, &rules, w->d.ref, w->d.pack_ref, err) ||
	    !delegate_refs(app, w->a, &w->d.permission_set_refs, err) || !may_execute(app, w->d.action_ref, err) ||
	    !resource_ref_free(app, w->a, &rules, w->d.ref, err) ||
	    !pack_get_ref(app_db(app), w->a, w->d.pack_ref, &pack, err))
		return false;
	w->d.pack = pack.id;
	if (str_none(w->d.trigger_ref))
		return err_set(err, ERR_VALIDATION, "trigger_ref is missing: say which trigger the rule is on");
	if (!rule_secrets_keep(app, w->a, NULL, &w->d, err) || !rule_refer(app, w->a, &w->d, NULL, err) ||
	    !triggers_there(app, w->a, &w->d, NULL, err) || !conditions_check(w->a, &w->d, err) ||
	    !rule_put(app_db(app), w->a, &w->d, app->uow->now, &put, err))
		return false;
	out_rule(app->uow, MSG_RULE_CREATED, &w->d);
	return rule_get(app_db(app), w->a, put.id, &w->d, err);
}

bool
rule_create(App *app, Req *q, Res *s, Err *err)
{
	Json body;
	RuleWork w = { .a = req_arena(q), .body = &body };

	if (!body_read(q, create_fields, countof(create_fields), &body, err))
		return false;
	w.d = (RuleDef){
		.ref = json_get_text(&body, "ref"),
		.pack_ref = json_get_text(&body, "pack_ref"),
		.conditions = json_object(),
		.action_params = json_object(),
		.trigger_params = json_object(),
		.owner = app_caller(app)->identity,
		.enabled = true,
		.is_adhoc = true,
	};
	rule_fill(w.a, &body, &w.d);
	if (!body_priority(&body, &w.d.priority, err) || !app_define(app, create_work, &w, err))
		return false;
	return rule_answer(app, s, 201, w.a, &w.d, "Rule created successfully", err);
}

/* ---- changing ---- */

static const BodyField update_fields[] = {
	{ "label", FIELD_TEXT, 255 },
	{ "description", FIELD_TEXT | FIELD_PATCH, 0 },
	{ "action_ref", FIELD_TEXT, 255 },
	{ "trigger_ref", FIELD_TEXT, 255 },
	{ "conditions", FIELD_MAP | FIELD_ITEMS, 0 },
	{ "action_params", FIELD_MAP, 0 },
	{ "trigger_params", FIELD_MAP, 0 },
	{ "throttle", FIELD_MAP, 0 },
	{ "debounce", FIELD_MAP, 0 },
	{ "once_within", FIELD_MAP, 0 },
	{ "triggers", FIELD_ITEMS, 0 },
	{ "correlate", FIELD_MAP, 0 },
	{ "permission_set_refs", FIELD_REFS, 0 },
	{ "enabled", FIELD_BOOL, 0 },
	{ "priority", FIELD_NUMBER, 0 },
};

/* Parameters are looked at only when they, or what they are for, change: a rule whose action has grown stays changeable. */
static bool
rule_recheck(App *app, Arena *a, RuleDef *d, const RuleDef *before, Err *err)
{
	bool same = str_eq(d->action_ref, before->action_ref) && str_eq(d->trigger_ref, before->trigger_ref) &&
		    json_eq(&d->action_params, &before->action_params) &&
		    json_eq(&d->trigger_params, &before->trigger_params);

	if (!same && !rule_refer(app, a, d, before, err))
		return false;
	return (json_eq(&d->conditions, &before->conditions) && json_eq(&d->extras, &before->extras)) ||
	       (triggers_there(app, a, d, before, err) && conditions_check(a, d, err));
}

static bool
rule_store(App *app, Arena *a, RuleDef *d, const RuleDef *before, Err *err)
{
	DefPut put;

	if (!rule_put(app_db(app), a, d, app->uow->now, &put, err))
		return false;
	if (put.changed)
		out_rule_changed(app->uow, before, d);
	return rule_get(app_db(app), a, put.id, d, err);
}

static bool
update_work(App *app, void *self, Err *err)
{
	RuleWork *w = self;
	RuleDef before;

	if (!resource_held(app, w->a, &rules, w->key, "update", &before, err))
		return false;
	w->d = before;
	rule_fill(w->a, w->body, &w->d);
	if (!body_priority(w->body, &w->d.priority, err))
		return false;
	body_patch_text(w->body, "description", &w->d.description);
	if ((!json_eq(&before.permission_set_refs, &w->d.permission_set_refs) &&
		!delegate_refs(app, w->a, &w->d.permission_set_refs, err)) ||
	    (!str_eq(before.action_ref, w->d.action_ref) && !may_execute(app, w->d.action_ref, err)))
		return false;
	return rule_secrets_keep(app, w->a, &before, &w->d, err) && rule_recheck(app, w->a, &w->d, &before, err) &&
	       rule_store(app, w->a, &w->d, &before, err);
}

bool
rule_update(App *app, Req *q, Res *s, Err *err)
{
	Json body;
	RuleWork w = { .a = req_arena(q), .body = &body, .key = req_param(q, "ref") };

	if (!body_read(q, update_fields, countof(update_fields), &body, err) || !app_define(app, update_work, &w, err))
		return false;
	return rule_answer(app, s, 200, w.a, &w.d, "Rule updated successfully", err);
}

typedef struct Switch {
	Arena *a;
	Str key;
	bool on;
	RuleDef d;
} Switch;

static bool
switch_work(App *app, void *self, Err *err)
{
	Switch *w = self;
	RuleDef before;

	if (!resource_held(app, w->a, &rules, w->key, "update", &before, err))
		return false;
	w->d = before;
	w->d.enabled = w->on;
	return rule_store(app, w->a, &w->d, &before, err);
}

static bool
rule_switch(App *app, Req *q, Res *s, bool on, Err *err)
{
	Switch w = { .a = req_arena(q), .key = req_param(q, "ref"), .on = on };

	if (!app_define(app, switch_work, &w, err))
		return false;
	return rule_answer(
	    app, s, 200, w.a, &w.d, on ? "Rule enabled successfully" : "Rule disabled successfully", err);
}

bool
rule_enable(App *app, Req *q, Res *s, Err *err)
{
	return rule_switch(app, q, s, true, err);
}

bool
rule_disable(App *app, Req *q, Res *s, Err *err)
{
	return rule_switch(app, q, s, false, err);
}

static bool
remove_work(App *app, void *self, Err *err)
{
	RuleWork *w = self;

	if (!resource_held(app, w->a, &rules, w->key, "delete", &w->d, err) ||
	    !rule_delete(app_db(app), w->a, w->d.id, app->uow->now, err))
		return false;
	out_rule(app->uow, MSG_RULE_DELETED, &w->d);
	return true;
}

bool
rule_remove(App *app, Req *q, Res *s, Err *err)
{
	RuleWork w = { .a = req_arena(q), .key = req_param(q, "ref") };

	if (!app_define(app, remove_work, &w, err))
		return false;
	return answer_success(q, s, str_fmt(w.a, "Rule '%.*s' deleted successfully", STR_ARG(w.d.ref)));
}
