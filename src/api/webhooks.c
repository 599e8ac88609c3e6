#include "api/resource.h"

#include "api/access.h"
#include "api/body.h"
#include "api/handlers.h"
#include "api/view.h"
#include "base/crypto.h"
#include "engine/webhooks.h"
#include "model/webhook.h"
#include "store/trigger.h"
#include "store/webhook.h"

enum { KEY_BYTES = 16, PAGE_DEFAULT = 50, PAGE_MOST = 100 };

typedef struct HookWork HookWork;
typedef bool HookChange(HookWork *w, Err *err);

struct HookWork {
	Arena *a;
	Str key; /* ref or id of the trigger */
	HookChange *change;
	const Json *given;
	const Vault *vault;
	TriggerDef d;
};

static Target
target_of(const TriggerDef *d, Str asked)
{
	return (Target){ .id = d->id, .ref = d->ref, .pack_ref = d->pack_ref, .asked = asked };
}

static bool
change_work(App *app, void *self, Err *err)
{
	HookWork *w = self;
	Target t;
	DefPut put;

	if (!resource_find(app, w->a, &triggers, w->key, &w->d, err))
		return false;
	t = target_of(&w->d, w->key);
	return reach(app, "triggers:update", &t, err) && w->change(w, err) &&
	       trigger_put(app_db(app), w->a, &w->d, app->uow->now, &put, err) &&
	       trigger_get(app_db(app), w->a, put.id, &w->d, err);
}

static bool
webhook_change(App *app, Req *q, Res *s, HookChange *change, const char *message, Err *err)
{
	HookWork w = { .a = req_arena(q), .key = req_param(q, "ref"), .change = change };

	if (!app_define(app, change_work, &w, err))
		return false;
	return res_data(s, 200, trigger_whole(w.a, &w.d), message);
}

static Str
key_new(Arena *a)
{
	return str_fmt(a, "wh_%.*s", STR_ARG(random_hex(a, KEY_BYTES)));
}

static bool
change_enable(HookWork *w, Err *err)
{
	(void)err;
	if (str_none(w->d.webhook_key))
		w->d.webhook_key = key_new(w->a);
	w->d.webhook_enabled = true;
	return true;
}

/* The configuration stays for the next time. */
static bool
change_disable(HookWork *w, Err *err)
{
	(void)err;
	w->d.webhook_key = (Str){ 0 };
	w->d.webhook_enabled = false;
	return true;
}

static bool
change_key(HookWork *w, Err *err)
{
	if (!w->d.webhook_enabled)
		return err_set(err, ERR_INVALID, "Webhooks are not enabled for trigger '%.*s'", STR_ARG(w->d.ref));
	w->d.webhook_key = key_new(w->a);
	return true;
}

bool
webhook_enable(App *app, Req *q, Res *s, Err *err)
{
	return webhook_change(app, q, s, change_enable, "Webhooks enabled successfully", err);
}

bool
webhook_disable(App *app, Req *q, Res *s, Err *err)
{
	return webhook_change(app, q, s, change_disable, "Webhooks disabled successfully", err);
}

bool
webhook_regenerate(App *app, Req *q, Res *s, Err *err)
{
	return webhook_change(app, q, s, change_key, "Webhook key regenerated successfully", err);
}

/* ---- its configuration ---- */

static bool
hook_see(App *app, Req *q, TriggerDef *ret, Err *err)
{
	Target t;

	if (!resource_of_path(app, q, &triggers, "ref", ret, err))
		return false;
	t = target_of(ret, req_param(q, "ref"));
	return see(app, "triggers:read", &t, err);
}

bool
webhook_config_show(App *app, Req *q, Res *s, Err *err)
{
	TriggerDef d;

	if (!hook_see(app, q, &d, err))
		return false;
	return res_data(s, 200, webhook_config_public(req_arena(q), &d.webhook_config), NULL);
}

static bool
change_config(HookWork *w, Err *err)
{
	WebhookConfig parsed;
	Json old = json_null(), merged;

	if (webhook_config_keeps(w->given) &&
	    !webhook_config_open(w->vault, w->a, w->d.id, &w->d.webhook_config, &old, err))
		return err_wrap(err, "The secrets of the webhook of '%.*s' cannot be kept", STR_ARG(w->d.ref));
	merged = webhook_config_merge(w->a, &old, w->given);
	return webhook_config_read(w->a, &merged, &parsed, err) &&
	       webhook_config_seal(w->vault, w->a, w->d.id, &merged, &w->d.webhook_config, err);
}

bool
webhook_config_update(App *app, Req *q, Res *s, Err *err)
{
	Json body;
	HookWork w = { .a = req_arena(q),
		.key = req_param(q, "ref"),
		.change = change_config,
		.given = &body,
		.vault = app->engine->vault };

	if (!req_json(q, &body, err) || !app_define(app, change_work, &w, err))
		return false;
	return res_data(s, 200, webhook_config_public(w.a, &w.d.webhook_config), "Webhook configuration updated");
}

bool
webhook_log(App *app, Req *q, Res *s, Err *err)
{
	Page page = req_page(q, PAGE_DEFAULT, PAGE_MOST);
	TriggerDef d;
	Slice slice;
	SliceOut out;

	if (!hook_see(app, q, &d, err) || !page_slice(req_arena(q), &page, &slice, err) ||
	    !webhook_log_list(app_db(app), req_arena(q), d.id, &slice, &out, err))
		return false;
	return answer_slice(q, s, &page, &out);
}
