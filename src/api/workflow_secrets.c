#include "api/workflow_secrets.h"

#include "api/rule_secrets.h"
#include "base/map.h"
#include "model/secrets.h"
#include "workflow/uses.h"

typedef struct Schemas {
	App *app;
	Arena *a;
	Map known; /* of actions that are there: ref to Json */
	Err *err;
} Schemas;

static bool
schema_of(Schemas *s, const WorkflowUse *use, const Json **ret)
{
	Json *made = map_get_str(&s->known, use->action);
	bool known;

	*ret = made;
	if (made != NULL)
		return true;
	made = arena_new(s->a, Json);
	if (!secret_schema_of_action(s->app, s->a, use->action, use->input, made, &known, s->err))
		return false;
	if (known)
		map_put_str(&s->known, use->action, made);
	*ret = made;
	return true;
}

static bool
is_empty(const WorkflowUse *use)
{
	return use->input == NULL || use->input->n == 0;
}

/* The definition is ours to write to. */
static Json *
input_of(const WorkflowUse *use)
{
	return (Json *)(uintptr_t)use->input;
}

/* Into taken[i] what the i-th task says itself. */
static bool
take_all(Schemas *s, const WorkflowUse *uses, size_t n, Secrets *taken)
{
	for (size_t i = 0; i < n; i++) {
		const Json *schema;

		taken[i] = (Secrets){ 0 };
		if (is_empty(&uses[i]))
			continue;
		if (!schema_of(s, &uses[i], &schema))
			return false;
		taken[i] = secret_literals_take(s->a, schema, input_of(&uses[i]));
	}
	return true;
}

bool
workflow_secrets_hide(App *app, Arena *a, WorkflowDef *d, Err *err)
{
	Schemas s = { app, a, map_open(a), err };
	size_t n;
	WorkflowUse *uses;

	d->definition = json_clone(a, &d->definition);
	uses = workflow_uses(a, &d->definition, &n);
	return take_all(&s, uses, n, arena_array(a, Secrets, n + 1));
}

bool
workflow_secrets_show(App *app, Req *q, WorkflowDef *d, Err *err)
{
	bool asked;

	return secrets_asked(app, q, "workflow", d->id, d->pack_ref, &asked, err) &&
	       (asked || workflow_secrets_hide(app, req_arena(q), d, err));
}

static void
put_back(Arena *a, const WorkflowUse *use, const WorkflowUse *old, size_t old_n, const Secrets *had)
{
	for (size_t i = 0; i < old_n; i++)
		if (str_eq(old[i].task, use->task) && str_eq(old[i].action, use->action))
			secrets_put(a, input_of(use), had[i].list, had[i].n);
}

bool
workflow_secrets_keep(App *app, Arena *a, const WorkflowDef *before, WorkflowDef *d, Err *err)
{
	Schemas s = { app, a, map_open(a), err };
	WorkflowUse *uses, *old = NULL;
	size_t n, old_n = 0;
	Secrets *had;
	Json was;

	if (!secrets_marked(&d->definition))
		return true;
	if (before != NULL) {
		was = json_clone(a, &before->definition);
		old = workflow_uses(a, &was, &old_n);
	}
	had = arena_array(a, Secrets, old_n + 1);
	if (!take_all(&s, old, old_n, had))
		return false;
	d->definition = json_clone(a, &d->definition);
	uses = workflow_uses(a, &d->definition, &n);
	for (size_t i = 0; i < n; i++)
		if (uses[i].input != NULL && secrets_marked(uses[i].input))
			put_back(a, &uses[i], old, old_n, had);
	return !secrets_marked(&d->definition) ||
	       err_set(err, ERR_VALIDATION,
		   "Validation failed: definition: give the secret value, not the mark that stands for it");
}
