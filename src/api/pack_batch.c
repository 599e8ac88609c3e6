/* Many packs at once, and what packs need of others. */
#include "api/pack_trial.h"

#include "api/body.h"
#include "api/handlers.h"
#include "api/view.h"
#include "model/version.h"
#include "store/pack.h"

/* ---- what a pack needs ---- */

/* "ref", "ref@1.0.0", "ref>=1.0" */
static void
dependency_cut(Str text, Str *ret_ref, Str *ret_constraint)
{
	size_t n = 0;

	text = str_trim(text);
	while (n < text.n && strchr("@<>=~^! ", text.p[n]) == NULL)
		n++;
	*ret_ref = str_sub(text, 0, n);
	if (n < text.n && text.p[n] == '@')
		n++;
	*ret_constraint = str_trim(str_sub(text, n, text.n));
	if (str_is(*ret_constraint, "*") || str_is(*ret_constraint, "latest"))
		*ret_constraint = str_of("");
}

static bool
dependency_met(App *app, Arena *a, Str text, Buf *missing, Err *err)
{
	Str ref, constraint;
	Err why = { 0 };
	PackDef p;

	dependency_cut(text, &ref, &constraint);
	if (!pack_get_ref(app_db(app), a, ref, &p, &why)) {
		if (why.code != ERR_NOT_FOUND) {
			*err = why;
			return false;
		}
		buf_fmt(missing, "%sRequired pack '%.*s' is not installed", missing->n > 0 ? "; " : "", STR_ARG(ref));
	} else if (!version_meets(p.version, constraint, BARE_EXACT)) {
		buf_fmt(missing, "%sPack '%.*s' version %.*s does not satisfy constraint '%.*s'",
		    missing->n > 0 ? "; " : "", STR_ARG(ref), STR_ARG(p.version), STR_ARG(constraint));
	}
	return true;
}

bool
pack_needs_met(App *app, Arena *a, const PackDef *d, Err *err)
{
	Buf missing = buf_open(a);

	for (size_t i = 0; json_is(&d->dependencies, JSON_ARRAY) && i < d->dependencies.n; i++)
		if (!dependency_met(app, a, json_as_str(&d->dependencies.items[i]), &missing, err))
			return false;
	return missing.n == 0 ||
	       err_set(err, ERR_INVALID, "Pack dependency validation failed: %.*s", STR_ARG(buf_str(&missing)));
}

/* ---- registering many ---- */

static const BodyField paths_fields[] = { { "pack_paths", FIELD_REFS | FIELD_NEEDED, 0 }, { "force", FIELD_BOOL, 0 },
	{ "skip_tests", FIELD_BOOL, 0 } };

static Json
counts(Arena *a, const Pack *p, int64_t *ret_all)
{
	Json o = json_object();

	json_add(a, &o, "actions", json_int((int64_t)p->action_count));
	json_add(a, &o, "sensors", json_int((int64_t)p->sensor_count));
	json_add(a, &o, "triggers", json_int((int64_t)p->trigger_count));
	json_add(a, &o, "rules", json_int((int64_t)p->rule_count));
	json_add(a, &o, "workflows", json_int((int64_t)p->workflow_count));
	json_add(a, &o, "policies", json_int((int64_t)p->policy_count));
	*ret_all += (int64_t)(p->action_count + p->sensor_count + p->trigger_count + p->rule_count + p->workflow_count +
			      p->policy_count);
	return o;
}

/* What came of the tests, in short; null: they were not run. */
static Json
tests_in_short(Arena *a, const PackTry *try)
{
	Json o = json_object();

	if (!try->tested)
		return json_null();
	json_add(a, &o, "status", json_cstr(test_status(&try->counts)));
	json_add(a, &o, "total_tests", json_int(try->counts.total));
	json_add(a, &o, "passed", json_int(try->counts.passed));
	json_add(a, &o, "failed", json_int(try->counts.failed));
	return o;
}

static Json
batch_failed(Arena *a, const PackTry *try, const char *stage, const Err *err)
{
	Json o = json_object();

	json_add(
	    a, &o, "pack_ref", json_str(str_none(try->files.def.ref) ? str_of("") : str_copy(a, try->files.def.ref)));
	json_add(a, &o, "pack_path", json_str(str_copy(a, try->path)));
	json_add(a, &o, "error", json_str(str_copy(a, str_of(err->text))));
	json_add(a, &o, "error_stage", json_cstr(stage));
	return o;
}

static Json
batch_one(App *app, Arena *a, const PackTry *try, bool force, int64_t *ret_parts, bool *ret_ok)
{
	PackRegistration r = { .a = a, .files = &try->files, .force = force, .tested = try };
	Json o = json_object(), valid = json_object();
	Err err = { 0 };

	*ret_ok = false;
	if (!try->read)
		return batch_failed(a, try, "validation", &try->err);
	if (!trial_passed(try, force, &err)) {
		trial_note(app, try);
		return batch_failed(a, try, "testing", &err);
	}
	if (!app_define(app, pack_register_work, &r, &err))
		return batch_failed(a, try, "registration", &err);
	*ret_ok = true;
	json_add(a, &valid, "valid", json_bool(true));
	json_add(a, &valid, "errors", json_array());
	json_add(a, &o, "pack_ref", json_str(r.d.ref));
	json_add(a, &o, "pack_id", json_int(r.d.id));
	json_add(a, &o, "pack_version", json_str(r.d.version));
	json_add(a, &o, "storage_path", json_str(r.d.storage_path));
	json_add(a, &o, "components_registered", counts(a, &try->files, ret_parts));
	json_add(a, &o, "test_result", tests_in_short(a, try));
	json_add(a, &o, "validation_results", valid);
	return o;
}

static bool
batch_answer(App *app, Req *q, Res *s, const PackTrial *t)
{
	Arena *a = req_arena(q);
	Json o = json_object(), good = json_array(), bad = json_array(), summary = json_object();
	int64_t parts = 0;

	for (size_t i = 0; i < t->n; i++) {
		bool ok;
		Json one = batch_one(app, a, &t->tries[i], t->force, &parts, &ok);

		json_push(a, ok ? &good : &bad, one);
	}
	json_add(a, &summary, "total_packs", json_int((int64_t)t->n));
	json_add(a, &summary, "success_count", json_int((int64_t)good.n));
	json_add(a, &summary, "failure_count", json_int((int64_t)bad.n));
	json_add(a, &summary, "total_components", json_int(parts));
	json_add(a, &summary, "duration_ms", json_int((clock_mono(clock_real()) - req_began(q)) / US_PER_MS));
	json_add(a, &o, "registered_packs", good);
	json_add(a, &o, "failed_packs", bad);
	json_add(a, &o, "summary", summary);
	return res_data(s, 200, o, NULL);
}

static bool
batch_read(App *app, Req *q, PackTrial **ret, Err *err)
{
	const Json *paths;
	bool skip = false;
	PackTrial *t;
	Json body;

	if (!body_read(q, paths_fields, countof(paths_fields), &body, err))
		return false;
	paths = json_get(&body, "pack_paths");
	if (!trial_open(app, paths->n, &t, err))
		return false;
	body_bool(&body, "force", &t->force);
	body_bool(&body, "skip_tests", &skip);
	for (size_t i = 0; i < paths->n; i++) {
		PackTry *try = &t->tries[i];

		*try = (PackTry){ .path = str_copy(t->a, json_as_str(&paths->items[i])),
			.packs_dir = t->tests->envs.packs_base_dir,
			.in_place = true,
			.wanted = !skip };
		try->read = pack_folder_load(app, t->a, try->path, &try->files, &try->err);
		try->wanted = try->wanted && try->read && trial_allowed(app, t->a, try, t->force, &(Err){ 0 });
	}
	*ret = t;
	return true;
}

bool
packs_register(App *app, Req *q, Res *s, Err *err)
{
	PackTrial *t;
	bool asleep, ok;

	if (!trial_back(app, q, s, &t, &asleep, err))
		return false;
	if (asleep)
		return true;
	if (t == NULL) {
		if (!batch_read(app, q, &t, err))
			return false;
		if (trial_wants(t))
			return trial_test(app, q, s, t, err);
	}
	ok = batch_answer(app, q, s, t);
	trial_close(t);
	return ok;
}

/* ---- what packs need ---- */

typedef struct Needs {
	Json packs, all, missing, errors;
} Needs;

static bool
needs_of(App *app, Arena *a, Needs *n, const Pack *p, Err *err)
{
	const Json *list = &p->def.dependencies;

	for (size_t i = 0; json_is(list, JSON_ARRAY) && i < list->n; i++) {
		Buf missing = buf_open(a);
		Json o = json_object();
		Str ref, constraint;

		dependency_cut(json_as_str(&list->items[i]), &ref, &constraint);
		if (!dependency_met(app, a, json_as_str(&list->items[i]), &missing, err))
			return false;
		json_add(a, &o, "pack_ref", json_str(ref));
		json_add(a, &o, "version_spec", json_str(constraint.n == 0 ? str_of("*") : constraint));
		json_add(a, &o, "required_by", json_str(p->def.ref));
		json_add(a, &o, "already_installed", json_bool(missing.n == 0));
		json_push(a, &n->all, o);
		if (missing.n > 0)
			json_push(a, &n->missing, o);
	}
	return true;
}

static bool
needs_read(App *app, Arena *a, Needs *n, Str path, Err *err)
{
	Json o = json_object();
	Pack files = { 0 };
	Err why = { 0 };

	if (!pack_load(a, path, &files, &why)) {
		json_add(a, &o, "pack_path", json_str(path));
		json_add(a, &o, "error", json_str(str_copy(a, str_of(why.text))));
		json_push(a, &n->errors, o);
		return true;
	}
	json_add(a, &o, "pack_path", json_str(path));
	json_add(a, &o, "pack_ref", json_str(files.def.ref));
	json_add(a, &o, "has_dependencies", json_bool(files.def.dependencies.n > 0));
	json_add(a, &o, "dependency_count", json_int((int64_t)files.def.dependencies.n));
	json_push(a, &n->packs, o);
	return needs_of(app, a, n, &files, err);
}

bool
packs_dependencies(App *app, Req *q, Res *s, Err *err)
{
	Arena *a = req_arena(q);
	Needs n = { json_array(), json_array(), json_array(), json_array() };
	Json body, o = json_object();
	const Json *paths;

	if (!body_read(q, paths_fields, countof(paths_fields), &body, err))
		return false;
	paths = json_get(&body, "pack_paths");
	for (size_t i = 0; i < paths->n; i++)
		if (!needs_read(app, a, &n, json_as_str(&paths->items[i]), err))
			return false;
	json_add(a, &o, "dependencies", n.all);
	json_add(a, &o, "missing_dependencies", n.missing);
	json_add(a, &o, "analyzed_packs", n.packs);
	json_add(a, &o, "errors", n.errors);
	json_add(a, &o, "runtime_requirements", json_object());
	return res_data(s, 200, o, NULL);
}
