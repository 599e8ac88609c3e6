/* Workflows stepped through without starting anything. */
#include "api/workflow_secrets.h"
#include "api/workflow_work.h"

#include "api/access.h"
#include "api/handlers.h"
#include "api/view.h"
#include "model/params.h"
#include "store/action.h"
#include "store/pack.h"
#include "workflow/dry.h"

typedef struct Looks {
	App *app;
	Arena *a;
} Looks;

/* As a run of it would fail that was really asked for. */
static Str
action_problem(void *self, const WfTask *t)
{
	Looks *x = self;
	ActionDef d;
	Err err = { 0 };

	if (!action_get_ref(app_db(x->app), x->a, t->action, &d, &err))
		return str_fmt(x->a, "Action '%.*s' not found", STR_ARG(t->action));
	return d.enabled ? (Str){ 0 } : str_fmt(x->a, "Action '%.*s' is disabled", STR_ARG(t->action));
}

static const BodyField dry_fields[] = {
	{ "parameters", FIELD_MAP, 0 },
	{ "results", FIELD_MAP, 0 },
	{ "failed", FIELD_REFS, 0 },
};

static void
take(const Json *body, const char *key, Json empty, Json *ret)
{
	const Json *v = json_get(body, key);

	*ret = json_is_null(v) ? empty : *v;
}

/* The configuration of its pack, for who may read that; as they may, so marks stand for what is secret. */
static Json
config_of(App *app, Arena *a, const WorkflowDef *d)
{
	PackDef p;
	Target t = { .ref = d->pack_ref, .pack_ref = d->pack_ref };
	Err err = { 0 };

	if (!may(app, "packs:read", &t) || !pack_get_ref(app_db(app), a, d->pack_ref, &p, &err) ||
	    p.config.kind != JSON_OBJECT)
		return json_object();
	return pack_config_shown(a, &p);
}

bool
workflow_dry_run(App *app, Req *q, Res *s, Err *err)
{
	Arena *a = req_arena(q);
	Looks looks = { app, a };
	WfDry in = { .problem = action_problem, .self = &looks };
	WorkflowDef d;
	WfGraph *g;
	Json body, out;

	if (!body_read(q, dry_fields, countof(dry_fields), &body, err) ||
	    !resource_of_path(app, q, &workflows, "ref", &d, err) || !workflow_secrets_hide(app, a, &d, err) ||
	    !workflow_graph_of(a, &d, &g, err))
		return false;
	take(&body, "parameters", json_object(), &in.parameters);
	take(&body, "results", json_object(), &in.results);
	take(&body, "failed", json_array(), &in.failed);
	in.config = config_of(app, a, &d);
	return params_prepare(a, "workflow", d.ref, &d.param_schema, &in.parameters, false, err) &&
	       wf_dry(a, g, &in, app_now(app), &out, err) && res_data(s, 200, out, NULL);
}
