#include "api/resource.h"

#include "api/access.h"
#include "api/body.h"
#include "api/handlers.h"
#include "api/view.h"
#include "api/workers.h"
#include "model/policy.h"
#include "store/action.h"
#include "store/pack.h"
#include "store/policy.h"

const Resource policies = { &policy_table, policy_whole, policy_whole, "rules", offsetof(PolicyDef, pack_ref) };

bool
policies_list(App *app, Req *q, Res *s, Err *err)
{
	DefFilter f = { .pack_ref = req_query(q, "pack_ref"), .action_ref = req_query(q, "action_ref") };

	return resource_list(app, q, s, &policies, f, NULL, NULL, err);
}

bool
policies_of_pack(App *app, Req *q, Res *s, Err *err)
{
	PackDef p;

	if (!resource_of_path(app, q, &packs, "pack_ref", &p, err))
		return false;
	return resource_list(app, q, s, &policies, (DefFilter){ .pack_ref = p.ref }, NULL, NULL, err);
}

bool
policies_of_action(App *app, Req *q, Res *s, Err *err)
{
	ActionDef d;

	if (!resource_of_path(app, q, &actions, "action_ref", &d, err))
		return false;
	return resource_list(app, q, s, &policies, (DefFilter){ .action_ref = d.ref }, NULL, NULL, err);
}

bool
policy_show(App *app, Req *q, Res *s, Err *err)
{
	return resource_show(app, q, s, &policies, err);
}

typedef struct PolicyWork {
	Arena *a;
	const Json *body;
	Str key; /* ref or id of the one to be changed */
	bool on;
	PolicyDef d;
} PolicyWork;

static const BodyField create_fields[] = {
	{ "ref", FIELD_TEXT | FIELD_NEEDED, 255 },
	{ "label", FIELD_TEXT | FIELD_NEEDED, 255 },
	{ "pack_ref", FIELD_TEXT, 255 },
	{ "action_ref", FIELD_TEXT, 255 },
	{ "description", FIELD_TEXT, 0 },
	{ "tags", FIELD_REFS, 0 },
	{ "enabled", FIELD_BOOL, 0 },
	{ "concurrency", FIELD_MAP, 0 },
	{ "rate", FIELD_MAP, 0 },
	{ "breaker", FIELD_MAP, 0 },
};

static const BodyField update_fields[] = {
	{ "label", FIELD_TEXT, 255 },
	{ "action_ref", FIELD_TEXT | FIELD_PATCH, 255 },
	{ "description", FIELD_TEXT | FIELD_PATCH, 0 },
	{ "tags", FIELD_REFS, 0 },
	{ "enabled", FIELD_BOOL, 0 },
	{ "concurrency", FIELD_MAP | FIELD_PATCH, 0 },
	{ "rate", FIELD_MAP | FIELD_PATCH, 0 },
	{ "breaker", FIELD_MAP | FIELD_PATCH, 0 },
};

/* "/rate/limit: is missing" as the rest of the API says it. */
static bool
limits_read(Arena *a, const Json *concurrency, const Json *rate, const Json *breaker, PolicyDef *d, Err *err)
{
	Str text;

	if (policy_limits_read(concurrency, rate, breaker, d, err))
		return true;
	text = str_copy(a, str_of(err->text + 1));
	for (size_t i = 0; i < text.n && text.p[i] != ':'; i++)
		if (text.p[i] == '/')
			((char *)(uintptr_t)text.p)[i] = '.'; /* our own copy */
	return err_set(err, ERR_VALIDATION, "Validation failed: %.*s", STR_ARG(text));
}

static bool
policy_fill(Arena *a, const Json *body, PolicyDef *d, Err *err)
{
	Json concurrency = policy_concurrency(a, d), rate = policy_rate(a, d), breaker = policy_breaker(a, d);

	body_text(body, "label", &d->label);
	body_patch_text(body, "description", &d->description);
	body_patch_text(body, "action_ref", &d->action_ref);
	body_json(body, "tags", &d->tags);
	body_bool(body, "enabled", &d->enabled);
	body_patch_json(body, "concurrency", &concurrency);
	body_patch_json(body, "rate", &rate);
	body_patch_json(body, "breaker", &breaker);
	return limits_read(a, &concurrency, &rate, &breaker, d, err);
}

static bool
policy_allowed(App *app, const PolicyWork *w, const char *right, Err *err)
{
	Target t = { .id = w->d.id, .ref = w->d.ref, .pack_ref = w->d.pack_ref, .asked = w->key };

	return w->d.id == 0 ? need(app, right, &t, err) : reach(app, right, &t, err);
}

/* What it limits: its action, else its pack, else all. */
static bool
policy_store(App *app, PolicyWork *w, Err *err)
{
	ActionDef action = { 0 };
	PackDef pack = { 0 };
	DefPut put;

	if ((!str_none(w->d.pack_ref) && !pack_get_ref(app_db(app), w->a, w->d.pack_ref, &pack, err)) ||
	    (!str_none(w->d.action_ref) && !action_get_ref(app_db(app), w->a, w->d.action_ref, &action, err)))
		return false;
	w->d.pack = pack.id;
	w->d.action = action.id;
	return policy_put(app_db(app), w->a, &w->d, app->uow->now, &put, err) &&
	       policy_get(app_db(app), w->a, put.id, &w->d, err);
}

static bool
create_work(App *app, void *self, Err *err)
{
	PolicyWork *w = self;

	return component_ref_check(w->d.ref, err) && policy_allowed(app, w, "rules:create", err) &&
	       resource_ref_free(app, w->a, &policies, w->d.ref, err) && policy_store(app, w, err);
}

/* What a policy held may go now, and need not wait until somebody looks; also where a more particular one comes. */
static bool
policy_define(App *app, Work *work, PolicyWork *w, Err *err)
{
	if (!app_define(app, work, w, err))
		return false;
	waiting_schedule(app, "a policy was made, changed or removed");
	return true;
}

bool
policy_create(App *app, Req *q, Res *s, Err *err)
{
	Json body;
	PolicyWork w = { .a = req_arena(q), .body = &body };

	if (!body_read(q, create_fields, countof(create_fields), &body, err))
		return false;
	w.d = (PolicyDef){ .ref = json_get_text(&body, "ref"),
		.pack_ref = json_get_text(&body, "pack_ref"),
		.tags = json_array(),
		.enabled = true,
		.is_adhoc = true };
	if (!policy_fill(w.a, &body, &w.d, err) || !policy_define(app, create_work, &w, err))
		return false;
	return res_data(s, 201, policy_whole(w.a, &w.d), "Policy created successfully");
}

static bool
update_work(App *app, void *self, Err *err)
{
	PolicyWork *w = self;

	if (!resource_find(app, w->a, &policies, w->key, &w->d, err) || !policy_allowed(app, w, "rules:update", err))
		return false;
	if (w->body == NULL)
		w->d.enabled = w->on;
	else if (!policy_fill(w->a, w->body, &w->d, err))
		return false;
	return policy_store(app, w, err);
}

bool
policy_update(App *app, Req *q, Res *s, Err *err)
{
	Json body;
	PolicyWork w = { .a = req_arena(q), .body = &body, .key = req_param(q, "ref") };

	if (!body_read(q, update_fields, countof(update_fields), &body, err) ||
	    !policy_define(app, update_work, &w, err))
		return false;
	return res_data(s, 200, policy_whole(w.a, &w.d), "Policy updated successfully");
}

bool
policy_enable(App *app, Req *q, Res *s, Err *err)
{
	PolicyWork w = { .a = req_arena(q), .key = req_param(q, "ref"), .on = true };

	if (!policy_define(app, update_work, &w, err))
		return false;
	return res_data(s, 200, policy_whole(w.a, &w.d), "Policy enabled successfully");
}

bool
policy_disable(App *app, Req *q, Res *s, Err *err)
{
	PolicyWork w = { .a = req_arena(q), .key = req_param(q, "ref") };

	if (!policy_define(app, update_work, &w, err))
		return false;
	return res_data(s, 200, policy_whole(w.a, &w.d), "Policy disabled successfully");
}

static bool
remove_work(App *app, void *self, Err *err)
{
	PolicyWork *w = self;

	return resource_find(app, w->a, &policies, w->key, &w->d, err) && policy_allowed(app, w, "rules:delete", err) &&
	       policy_delete(app_db(app), w->a, w->d.id, app->uow->now, err);
}

bool
policy_remove(App *app, Req *q, Res *s, Err *err)
{
	PolicyWork w = { .a = req_arena(q), .key = req_param(q, "ref") };

	if (!policy_define(app, remove_work, &w, err))
		return false;
	return answer_gone(q, s, str_fmt(w.a, "Policy '%.*s' deleted successfully", STR_ARG(w.d.ref)), !w.d.is_adhoc);
}
