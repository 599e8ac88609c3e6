#include "packs/load.h"

#include "model/refs.h"
#include "os/fs.h"
#include "workflow/validate.h"

#define AT(member) offsetof(WorkflowDef, member)

static const Field fields[] = {
	{ "ref", NULL, FIELD_TEXT, .at = AT(ref) },
	{ "label", "name", FIELD_TEXT, .at = AT(label) },
	{ "description", NULL, FIELD_TEXT, .at = AT(description) },
	{ "version", NULL, FIELD_TEXT, .required = true, .at = AT(version) },
	{ "parameters", "param_schema", FIELD_SCHEMA, .at = AT(param_schema) },
	{ "output", "output_schema", FIELD_SCHEMA, .at = AT(out_schema) },
	{ "tags", "keywords", FIELD_TEXTS, .at = AT(tags) },
	{ "tasks", NULL, FIELD_ANY, .at = AT(definition) }, /* by workflow_check, as all that follow */
	{ "vars", NULL, FIELD_IGNORED },
	{ "output_map", NULL, FIELD_IGNORED },
	{ "cancellation_policy", NULL, FIELD_IGNORED },
	{ "max_iterations", NULL, FIELD_IGNORED },
	{ "timeout", NULL, FIELD_IGNORED },
	{ "meta", "metadata", FIELD_IGNORED },
	{ "enabled", NULL, FIELD_IGNORED },
	{ "__chart_meta__", NULL, FIELD_IGNORED },
};

/* Of the file that was read last. */
static void
take_graph(Load *l, WorkflowDef *d)
{
	WorkflowProblem *problems;
	size_t n;

	fields_read(l, fields, countof(fields), d);
	d->definition = workflow_definition(l->a, &l->root);
	(void)workflow_check(l->a, &d->definition, &problems, &n);
	for (size_t i = 0; i < n; i++)
		(problems[i].warning ? load_warn : load_fatal)(
		    l, str_cstr(l->a, problems[i].at), "%.*s", STR_ARG(problems[i].text));
}

/* The graph of a file; what the file does not say of itself is known before. */
static bool
read_graph(Load *l, Str file, WorkflowDef *d)
{
	d->pack_ref = l->pack->def.ref;
	d->tags = json_array();
	d->file = file;
	if (!load_file(l, file))
		return false;
	take_graph(l, d);
	return true;
}

bool
workflow_text_read(Arena *a, Str file, Str text, WorkflowDef *ret, PackProblem **ret_problems, size_t *ret_n)
{
	Load l = { .a = a, .dir_fd = -1, .problems = vec_open(a) };

	*ret = (WorkflowDef){ .tags = json_array() };
	if (load_text(&l, file, text))
		take_graph(&l, ret);
	*ret_problems = load_problems(&l, ret_n);
	return !l.fatal;
}

typedef struct Read {
	WorkflowDef d;
	Str text;
} Read;

static void
add(Vec *all, const Load *l, const WorkflowDef *d)
{
	Read *one = arena_new(l->a, Read);

	*one = (Read){ *d, l->text };
	vec_push(all, one);
}

/* The action owns ref, label, description and schemas; the file adds what is not said there. */
static void
read_of_action(Load *l, ActionDef *action, Vec *all)
{
	WorkflowDef d = { .ref = action->ref, .label = action->label, .description = action->description };

	if (!read_graph(l, str_fmt(l->a, "actions/%.*s", STR_ARG(action->workflow_file)), &d))
		return;
	d.ref = action->ref;
	d.label = action->label;
	if (!json_is_null(&action->param_schema))
		d.param_schema = action->param_schema;
	if (!json_is_null(&action->out_schema))
		d.out_schema = action->out_schema;
	action->param_schema = d.param_schema;
	action->out_schema = d.out_schema;
	add(all, l, &d);
}

static Str
stem(Str name)
{
	static const char *const tails[] = { ".yaml", ".yml", ".workflow" };

	for (size_t i = 0; i < countof(tails); i++)
		if (str_ends(name, str_of(tails[i])))
			name = str_sub(name, 0, name.n - strlen(tails[i]));
	return name;
}

/* One that stands alone: an action of the same ref is made, so that it can be run. */
static void
read_alone(Load *l, Str name, Vec *all, Vec *made)
{
	Str file = str_fmt(l->a, "workflows/%.*s", STR_ARG(name));
	WorkflowDef d = { .ref = stem(name) };
	ActionDef *action = arena_new(l->a, ActionDef);

	if (!read_graph(l, file, &d))
		return;
	d.ref = ref_qualify(l->a, l->pack->def.ref, d.ref);
	if (!ref_is_component(d.ref))
		load_fatal(l, "/ref", "'%.*s' is no ref like pack.thing", STR_ARG(d.ref));
	if (str_none(d.label))
		d.label = ref_label(l->a, d.ref);
	for (size_t i = 0; i < l->pack->action_count; i++)
		if (str_eq(l->pack->actions[i].ref, d.ref))
			load_fatal(l, "/ref", "there is an action '%.*s' already: name this file in its workflow_file",
			    STR_ARG(d.ref));
	add(all, l, &d);
	*action = (ActionDef){ .ref = d.ref,
		.pack_ref = d.pack_ref,
		.label = d.label,
		.description = d.description,
		.entrypoint = file,
		.workflow_file = file,
		.param_schema = d.param_schema,
		.out_schema = d.out_schema,
		.parameter_delivery = str_of("stdin"),
		.parameter_format = str_of("json"),
		.output_format = str_of("text"),
		.enabled = true,
		.required_worker_runtimes = json_object(),
		.default_permission_set_refs = json_array(),
		.placement = { json_object(), json_array(), json_object() } };
	vec_push(made, action);
}

static void
actions_add(Load *l, const Vec *made)
{
	Pack *p = l->pack;
	ActionDef *all = arena_array(l->a, ActionDef, p->action_count + made->n + 1);

	for (size_t i = 0; i < p->action_count; i++)
		all[i] = p->actions[i];
	for (size_t i = 0; i < made->n; i++)
		all[p->action_count + i] = *(ActionDef *)made->items[i];
	p->actions = all;
	p->action_count += made->n;
}

static void
read_folder(Load *l, Vec *all, Vec *made)
{
	Str path = str_fmt(l->a, "%s/workflows", l->dir);
	DirEntry *entries;
	Err err = { 0 };
	size_t n;

	if (!file_exists(path.p))
		return;
	if (!dir_list(l->a, path.p, &entries, &n, &err)) {
		l->file = str_of("workflows");
		l->text = (Str){ 0 };
		load_fatal(l, "", "%s", err.text);
		return;
	}
	for (size_t i = 0; i < n; i++)
		if (!entries[i].dir && entries[i].name.p[0] != '.' &&
		    (str_ends(entries[i].name, str_of(".yaml")) || str_ends(entries[i].name, str_of(".yml"))))
			read_alone(l, entries[i].name, all, made);
}

void
workflows_read(Load *l)
{
	Vec all = vec_open(l->a), made = vec_open(l->a);
	Pack *p = l->pack;

	for (size_t i = 0; i < p->action_count; i++)
		if (!str_none(p->actions[i].workflow_file) && !str_none(p->actions[i].ref))
			read_of_action(l, &p->actions[i], &all);
	read_folder(l, &all, &made);
	actions_add(l, &made);
	p->workflow_count = all.n;
	p->workflows = arena_array(l->a, WorkflowDef, all.n + 1);
	p->workflow_texts = arena_array(l->a, Str, all.n + 1);
	for (size_t i = 0; i < all.n; i++) {
		const Read *one = all.items[i];

		p->workflows[i] = one->d;
		p->workflow_texts[i] = one->text;
	}
}
