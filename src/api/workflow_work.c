#include "api/workflow_work.h"

#include "api/access.h"
#include "api/view.h"
#include "api/workflow_secrets.h"
#include "model/params.h"
#include "store/action.h"
#include "store/pack.h"
#include "store/rule.h"
#include "store/workflow.h"
#include "workflow/validate.h"

enum { PROBLEMS_SAID = 5 };

void
workflow_fill(const Json *body, WorkflowDef *d)
{
	body_text(body, "label", &d->label);
	body_text(body, "version", &d->version);
	body_text(body, "description", &d->description);
	body_json(body, "definition", &d->definition);
	body_json(body, "param_schema", &d->param_schema);
	body_json(body, "out_schema", &d->out_schema);
	body_json(body, "tags", &d->tags);
}

/* "Validation failed: definition/tasks/0: 'action' is missing, definition/..."; warnings go into the answer. */
static bool
problems_tell(WorkflowWork *w, const WorkflowProblem *problems, size_t n, Err *err)
{
	Buf b = buf_open(w->a);
	size_t fatal = 0;

	for (size_t i = 0; i < n; i++) {
		Str text = str_fmt(w->a, "definition%.*s: %.*s", STR_ARG(problems[i].at), STR_ARG(problems[i].text));

		if (problems[i].warning)
			json_push(w->a, &w->warnings, json_str(text));
		else if (fatal++ < PROBLEMS_SAID)
			buf_item(&b, "%.*s", STR_ARG(text));
	}
	if (fatal > PROBLEMS_SAID)
		buf_fmt(&b, " and %zu more", fatal - PROBLEMS_SAID);
	return fatal == 0 || err_set(err, ERR_VALIDATION, "Validation failed: %.*s", STR_ARG(buf_str(&b)));
}

static bool
definition_check(WorkflowWork *w, const Json *definition, Err *err)
{
	WorkflowProblem *problems;
	size_t n;

	size_t bytes = json_text(w->a, definition).n;

	if (bytes > WORKFLOW_BYTES_MOST)
		return err_set(err, ERR_VALIDATION,
		    "Validation failed: definition: has %zu bytes, a workflow at most %d: keep what is large in "
		    "parameters, "
		    "keys or artifacts",
		    bytes, WORKFLOW_BYTES_MOST);
	(void)workflow_check(w->a, definition, &problems, &n);
	return problems_tell(w, problems, n, err);
}

bool
workflow_known_read(Arena *a, const Json *body, WorkflowKnown *ret, Err *err)
{
	enum { MOST = 1000 };
	const Json *list = json_get(body, "known");
	WorkflowDef *also;

	*ret = (WorkflowKnown){ 0 };
	if (!json_is(list, JSON_ARRAY))
		return true;
	if (list->n > MOST)
		return err_set(err, ERR_VALIDATION, "Validation failed: known: at most %d definitions", MOST);
	also = arena_array(a, WorkflowDef, list->n + 1);
	for (size_t i = 0; i < list->n; i++) {
		const Json *one = &list->items[i];

		also[i].ref = json_get_text(one, "ref");
		if (also[i].ref.n == 0)
			return err_set(err, ERR_VALIDATION,
			    "Validation failed: known/%zu: an object with ref, param_schema and, of a workflow, "
			    "definition "
			    "is wanted",
			    i);
		body_json(one, "param_schema", &also[i].param_schema);
		body_json(one, "definition", &also[i].definition);
		if (!params_schema_check(a, &also[i].param_schema, err))
			return err_wrap(err, "Validation failed: known/%zu: param_schema", i);
	}
	ret->also = also;
	ret->also_n = list->n;
	return true;
}

/* What it names is looked at when it is given: that something has gone since is no reason to refuse another label. */
static bool
names_check(App *app, WorkflowWork *w, Err *err)
{
	WorkflowProblem *problems;
	WorkflowKnown known;
	size_t n;

	if (json_is_null(json_get(w->body, "definition")))
		return true;
	return workflow_known_read(w->a, w->body, &known, err) &&
	       workflow_names_check(app_db(app), w->a, &known, &w->d, &problems, &n, err) &&
	       problems_tell(w, problems, n, err);
}

static bool
workflow_valid(WorkflowWork *w, Err *err)
{
	Arena *a = w->a;
	const WorkflowDef *d = &w->d;

	w->warnings = json_array();
	if (!params_schema_check(a, &d->param_schema, err))
		return err_wrap(err, "Validation failed: param_schema");
	if (!params_schema_check(a, &d->out_schema, err))
		return err_wrap(err, "Validation failed: out_schema");
	return definition_check(w, &d->definition, err);
}

/* What of the action is the workflow's. */
static void
action_follow(const WorkflowDef *d, ActionDef *action)
{
	action->label = d->label;
	action->description = d->description;
	action->param_schema = d->param_schema;
	action->out_schema = d->out_schema;
	action->workflow_def = d->id;
	action->runtime = 0;
}

static ActionDef
action_new(const WorkflowDef *d)
{
	return (ActionDef){ .ref = d->ref,
		.pack = d->pack,
		.pack_ref = d->pack_ref,
		.entrypoint = str_none(d->file) ? str_of("workflow") : d->file,
		.parameter_delivery = str_of("stdin"),
		.parameter_format = str_of("json"),
		.output_format = str_of("text"),
		.enabled = true,
		.is_adhoc = d->is_adhoc };
}

/* The action goes with its workflow: made when it is missing. */
static bool
workflow_store(App *app, WorkflowWork *w, Err *err)
{
	ActionDef action;
	DefPut put;
	Err why = { 0 };

	if (!workflow_valid(w, err) || !workflow_put(app_db(app), w->a, &w->d, app->uow->now, &put, err) ||
	    !workflow_get(app_db(app), w->a, put.id, &w->d, err))
		return false;
	if (!action_get_ref(app_db(app), w->a, w->d.ref, &action, &why)) {
		if (why.code != ERR_NOT_FOUND) {
			*err = why;
			return false;
		}
		action = action_new(&w->d);
	}
	action_follow(&w->d, &action);
	return action_put(app_db(app), w->a, &action, app->uow->now, &put, err) && names_check(app, w, err) &&
	       rule_resolve(app_db(app), w->a, app->uow->now, err) && (w->last == NULL || w->last(app, w, err));
}

bool
workflow_answer(App *app, Res *s, int status, WorkflowWork *w, const char *message, Err *err)
{
	Json o;

	if (!workflow_secrets_hide(app, w->a, &w->d, err))
		return false;
	o = workflow_whole(w->a, &w->d);
	if (w->warnings.n > 0)
		json_add(w->a, &o, "warnings", w->warnings);
	return res_data(s, status, o, message);
}

static Target
target_of(const WorkflowWork *w)
{
	return (Target){ .ref = w->d.ref, .pack_ref = w->d.pack_ref, .asked = w->key };
}

bool
workflow_create_work(App *app, void *self, Err *err)
{
	WorkflowWork *w = self;
	Target t = target_of(w);
	PackDef pack;

	if (!component_ref_check(w->d.ref, err) || !need(app, "actions:create", &t, err) ||
	    !resource_ref_free(app, w->a, &workflows, w->d.ref, err) ||
	    !resource_ref_free(app, w->a, &actions, w->d.ref, err) ||
	    !pack_get_ref(app_db(app), w->a, w->d.pack_ref, &pack, err))
		return false;
	w->d.pack = pack.id;
	return workflow_secrets_keep(app, w->a, NULL, &w->d, err) && workflow_store(app, w, err);
}

bool
workflow_update_work(App *app, void *self, Err *err)
{
	WorkflowWork *w = self;
	WorkflowDef before;
	Target t;

	if (!resource_find(app, w->a, &workflows, w->key, &w->d, err))
		return false;
	t = target_of(w);
	if (!reach(app, "actions:update", &t, err))
		return false;
	before = w->d;
	workflow_fill(w->body, &w->d);
	return workflow_secrets_keep(app, w->a, &before, &w->d, err) && workflow_store(app, w, err);
}

bool
workflow_remove_work(App *app, void *self, Err *err)
{
	WorkflowWork *w = self;
	ActionDef action;
	Target t;
	Err why = { 0 };

	if (!resource_find(app, w->a, &workflows, w->key, &w->d, err))
		return false;
	t = target_of(w);
	if (!reach(app, "actions:delete", &t, err))
		return false;
	if (action_get_ref(app_db(app), w->a, w->d.ref, &action, &why) && action.workflow_def == w->d.id) {
		if (!action_delete(app_db(app), w->a, action.id, app->uow->now, err))
			return false;
	} else if (why.code != ERR_NONE && why.code != ERR_NOT_FOUND) {
		*err = why;
		return false;
	}
	return workflow_delete(app_db(app), w->a, w->d.id, app->uow->now, err);
}
