#include "api/workflow_work.h"

#include "api/access.h"
#include "api/handlers.h"
#include "api/view.h"
#include "base/yaml.h"
#include "engine/register.h"
#include "engine/workflow_names.h"
#include "os/fs.h"
#include "store/pack.h"
#include "store/workflow.h"

/*
 * Workflows and the files of their packs. An editor's workflow becomes two files, as people write them: the action's, which owns
 * ref, label and schemas, and the graph's beside it.
 */

static const BodyField file_fields[] = {
	{ "name", FIELD_TEXT | FIELD_NEEDED, 255 },
	{ "pack_ref", FIELD_TEXT | FIELD_NEEDED, 255 },
	{ "label", FIELD_TEXT | FIELD_NEEDED, 255 },
	{ "version", FIELD_TEXT | FIELD_NEEDED, 50 },
	{ "definition", FIELD_MAP | FIELD_NEEDED, 0 },
	WORKFLOW_FIELDS,
};

/* It becomes part of a path. */
static bool
name_check(Str name, Err *err)
{
	bool good = name.n > 0;

	for (size_t i = 0; i < name.n; i++) {
		char c = name.p[i];

		good = good && ((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_' || c == '-');
	}
	return good ||
	       err_set(err, ERR_VALIDATION,
		   "Validation failed: name: '%.*s' may hold lower-case letters, digits, - and _ only", STR_ARG(name));
}

static bool
yaml_write(App *app, Arena *a, Str pack_ref, Str file, const Json *v, Err *err)
{
	Str path = str_fmt(
	    a, "%.*s/%.*s/%.*s", STR_ARG(config_str(app->config, "packs_base_dir")), STR_ARG(pack_ref), STR_ARG(file));
	Str dir = path;
	Buf b = buf_open(a);

	while (dir.n > 1 && dir.p[dir.n - 1] != '/')
		dir.n--;
	yaml_print(&b, v);
	return dirs_make(str_cstr(a, dir), 0755, err) && file_replace(path.p, buf_str(&b), 0644, err);
}

static void
add_value(Arena *a, Json *o, const char *key, const Json *v)
{
	if (!json_is_null(v))
		json_add(a, o, key, *v);
}

static bool
action_file_write(App *app, Arena *a, const WorkflowDef *d, Str name, Str graph, Err *err)
{
	Json o = json_object(), description = json_str(d->description);

	json_add(a, &o, "ref", json_str(d->ref));
	json_add(a, &o, "label", json_str(d->label));
	add_value(a, &o, "description", &description);
	json_add(a, &o, "workflow_file", json_str(graph));
	add_value(a, &o, "parameters", &d->param_schema);
	add_value(a, &o, "output", &d->out_schema);
	if (d->tags.n > 0)
		json_add(a, &o, "tags", d->tags);
	return yaml_write(app, a, d->pack_ref, str_fmt(a, "actions/%.*s.yaml", STR_ARG(name)), &o, err);
}

/* Where the graph lies already, or where it is to lie. */
static bool
files_write(App *app, WorkflowWork *w, Err *err)
{
	Arena *a = w->a;
	size_t dot = w->d.ref.n;
	Str name, graph;
	Json o = json_object();

	while (dot > 0 && w->d.ref.p[dot - 1] != '.')
		dot--;
	name = str_sub(w->d.ref, dot, w->d.ref.n);
	graph = str_fmt(a, "workflows/%.*s.workflow.yaml", STR_ARG(name));
	json_add(a, &o, "version", json_str(w->d.version));
	for (size_t i = 0; i < w->d.definition.n; i++)
		json_set_str(a, &o, w->d.definition.members[i].key, w->d.definition.members[i].value);
	return yaml_write(app, a, w->d.pack_ref, str_fmt(a, "actions/%.*s", STR_ARG(graph)), &o, err) &&
	       action_file_write(app, a, &w->d, name, graph, err);
}

bool
workflow_file_create(App *app, Req *q, Res *s, Err *err)
{
	Json body;
	WorkflowWork w = { .a = req_arena(q), .body = &body, .last = files_write };
	PackDef p;

	if (!resource_of_path(app, q, &packs, "pack_ref", &p, err) ||
	    !body_read(q, file_fields, countof(file_fields), &body, err) ||
	    !name_check(json_get_text(&body, "name"), err))
		return false;
	w.d = (WorkflowDef){ .pack_ref = p.ref, .tags = json_array() };
	w.d.ref = str_fmt(w.a, "%.*s.%.*s", STR_ARG(p.ref), STR_ARG(json_get_text(&body, "name")));
	w.d.file = str_fmt(w.a, "actions/workflows/%.*s.workflow.yaml", STR_ARG(json_get_text(&body, "name")));
	workflow_fill(&body, &w.d);
	if (!app_define(app, workflow_create_work, &w, err))
		return false;
	return workflow_answer(app, s, 201, &w, "Workflow file saved and synced successfully", err);
}

/* One that lies in workflows/ would be there twice: its own file is the place to change it. */
static bool
is_writable(const WorkflowDef *d, Err *err)
{
	return str_none(d->file) || str_starts(d->file, str_of("actions/")) ||
	       err_set(err, ERR_CONFLICT, "Workflow '%.*s' lies in %.*s of its pack: change it there", STR_ARG(d->ref),
		   STR_ARG(d->file));
}

bool
workflow_file_update(App *app, Req *q, Res *s, Err *err)
{
	Json body;
	WorkflowWork w = { .a = req_arena(q), .body = &body, .key = req_param(q, "ref"), .last = files_write };
	WorkflowDef before;

	if (!body_read(q, file_fields, countof(file_fields), &body, err) ||
	    !resource_of_path(app, q, &workflows, "ref", &before, err) || !is_writable(&before, err) ||
	    !app_define(app, workflow_update_work, &w, err))
		return false;
	return workflow_answer(app, s, 200, &w, "Workflow file updated and synced successfully", err);
}

/* ---- what the files of a pack say ---- */

static bool
is_workflow_file(Str file)
{
	return str_starts(file, str_of("workflows/")) || str_starts(file, str_of("actions/workflows/"));
}

static void
add_line(Arena *a, Json *lists, Str file, unsigned line, Str text)
{
	const Json *before = json_get_str(lists, file);
	Json list = before == NULL ? json_array() : *before;

	json_push(a, &list, json_str(str_fmt(a, "line %u: %.*s", line, STR_ARG(text))));
	json_set_str(a, lists, file, list);
}

/* ret_bad: problems of its workflows, as {file: ["line 3: ..."]}. false: it cannot even be looked at. */
static bool
files_read(App *app, Req *q, PackDef *ret_pack, Pack *ret, Json *ret_bad, Err *err)
{
	Arena *a = req_arena(q);
	Err why = { 0 };

	*ret = (Pack){ 0 };
	*ret_bad = json_object();
	if (!resource_of_path(app, q, &packs, "ref", ret_pack, err))
		return false;
	if (str_none(ret_pack->storage_path) || pack_load(a, ret_pack->storage_path, ret, &why))
		return true;
	for (size_t i = 0; i < ret->problem_count; i++) {
		const PackProblem *p = &ret->problems[i];

		if (p->fatal && is_workflow_file(p->file))
			add_line(a, ret_bad, p->file, p->line, p->text);
	}
	return true;
}

/* What the i-th workflow of the files names outside of itself. */
static bool
names_read(App *app, Arena *a, const Pack *files, size_t i, Json *bad, Json *odd, Err *err)
{
	const WorkflowDef *d = &files->workflows[i];
	WorkflowKnown known = { .files = files };
	WorkflowProblem *problems;
	size_t n;

	if (!workflow_names_check(app_db(app), a, &known, d, &problems, &n, err))
		return false;
	for (size_t k = 0; k < n; k++) {
		unsigned line = 1, column;

		(void)yaml_locate(files->workflow_texts[i], problems[k].at, &line, &column);
		add_line(a, problems[k].warning ? odd : bad, d->file, line, problems[k].text);
	}
	return true;
}

bool
pack_workflows_validate(App *app, Req *q, Res *s, Err *err)
{
	Arena *a = req_arena(q);
	Json bad, odd = json_object(), o = json_object();
	int64_t n = 0;
	PackDef p;
	Pack files;

	if (!files_read(app, q, &p, &files, &bad, err))
		return false;
	for (size_t i = 0; i < files.problem_count; i++)
		if (!files.problems[i].fatal && is_workflow_file(files.problems[i].file))
			add_line(a, &odd, files.problems[i].file, files.problems[i].line, files.problems[i].text);
	for (size_t i = 0; i < files.workflow_count; i++)
		if (!names_read(app, a, &files, i, &bad, &odd, err))
			return false;
	for (size_t i = 0; i < bad.n; i++)
		n += bad.members[i].value.n;
	json_add(a, &o, "pack_ref", json_str(p.ref));
	json_add(a, &o, "validated_count", json_int((int64_t)files.workflow_count));
	json_add(a, &o, "error_count", json_int(n));
	json_add(a, &o, "errors", bad);
	json_add(a, &o, "warnings", odd);
	return res_data(s, 200, o, n == 0 ? "All workflows are valid" : "Some workflows have errors");
}

typedef struct SyncWork {
	Arena *a;
	const Pack *files;
	Json made; /* one object for each */
} SyncWork;

/* Those that begin with its file's name. */
static Json
warnings_of(Arena *a, const RegisterReport *report, Str file)
{
	Json list = json_array();

	for (size_t i = 0; i < report->warning_count && !str_none(file); i++)
		if (str_starts(report->warnings[i], str_fmt(a, "%.*s:", STR_ARG(file))))
			json_push(a, &list, json_str(report->warnings[i]));
	return list;
}

static bool
sync_work(App *app, void *self, Err *err)
{
	SyncWork *w = self;
	RegisterReport report;
	size_t n = w->files->workflow_count;
	bool *there = arena_array(w->a, bool, n + 1);
	WorkflowDef d;

	for (size_t i = 0; i < n; i++) {
		Err why = { 0 };

		there[i] = workflow_get_ref(app_db(app), w->a, w->files->workflows[i].ref, &d, &why);
	}
	if (!register_workflows(app_db(app), w->a, w->files, app->uow->now, &report, err))
		return false;
	for (size_t i = 0; i < n; i++) {
		Json o = json_object();

		if (!workflow_get_ref(app_db(app), w->a, w->files->workflows[i].ref, &d, err))
			return false;
		json_add(w->a, &o, "ref_name", json_str(d.ref));
		json_add(w->a, &o, "created", json_bool(!there[i]));
		json_add(w->a, &o, "workflow_def_id", json_int(d.id));
		json_add(w->a, &o, "warnings", warnings_of(w->a, &report, d.file));
		json_push(w->a, &w->made, o);
	}
	return true;
}

/* All of them or, when one is wrong, none. */
bool
pack_workflows_sync(App *app, Req *q, Res *s, Err *err)
{
	Arena *a = req_arena(q);
	Json bad, o = json_object(), errors = json_array();
	SyncWork w = { .a = a, .made = json_array() };
	PackDef p;
	Pack files;

	if (!files_read(app, q, &p, &files, &bad, err))
		return false;
	for (size_t i = 0; i < bad.n; i++)
		for (size_t k = 0; k < bad.members[i].value.n; k++)
			json_push(a, &errors,
			    json_str(str_fmt(a, "%.*s, %.*s", STR_ARG(bad.members[i].key),
				STR_ARG(json_as_str(&bad.members[i].value.items[k])))));
	w.files = &files;
	if (errors.n == 0 && files.workflow_count > 0 && !app_define(app, sync_work, &w, err))
		return false;
	json_add(a, &o, "pack_ref", json_str(p.ref));
	json_add(a, &o, "loaded_count", json_int((int64_t)files.workflow_count));
	json_add(a, &o, "registered_count", json_int((int64_t)w.made.n));
	json_add(a, &o, "workflows", w.made);
	json_add(a, &o, "errors", errors);
	return res_data(s, 200, o,
	    errors.n == 0 ? "Workflows synced successfully" : "Some workflows have errors: nothing was changed");
}
