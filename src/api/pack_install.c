#include "api/pack_work.h"

#include "api/body.h"
#include "api/handlers.h"
#include "api/view.h"
#include "base/log.h"
#include "model/version.h"
#include "os/fs.h"
#include "packs/unpack.h"
#include "store/pack.h"

#include <errno.h>
#include <stdio.h>

/*
 * Packs from outside: unpacked beside the others, under a name that is no pack's, read and checked there, and put in their place
 * by the last step of the transaction that registers them. What was there before comes back when that fails.
 */

typedef struct Install {
	Arena *a;
	Str stage; /* a folder of our own below packs_base_dir */
	Str content, before;
	Str root, final;        /* where its pack.yaml lies, and where it is to lie */
	bool placed, had, lost; /* lost: what was there lies in the stage still, and cannot be put back */
	Pack files;
} Install;

static bool
install_open(App *app, Install *w, Err *err)
{
	const char *base = config_cstr(app->config, "packs_base_dir");

	if (!dirs_make(base, 0755, err) || !dir_private(w->a, base, PACK_INCOMING, &w->stage, err))
		return false;
	pack_leftovers(app, w->a);
	w->content = str_fmt(w->a, "%.*s/content", STR_ARG(w->stage));
	w->before = str_fmt(w->a, "%.*s/before", STR_ARG(w->stage));
	return dirs_make(w->content.p, 0755, err);
}

static void
install_close(Install *w)
{
	if (!str_none(w->stage) && !w->lost && !tree_remove(w->stage.p))
		log_warn("the folder %.*s cannot be removed", STR_ARG(w->stage));
}

static void
say_lost(Install *w)
{
	w->lost = true;
	log_error("the files of a pack lie in %s and belong in %s", w->before.p, w->final.p);
}

static bool
place(App *app, void *self, Err *err)
{
	Install *w = self;

	(void)app;
	w->had = file_exists(w->final.p);
	if (w->had && rename(w->final.p, w->before.p) < 0)
		return err_sys(err, errno, "move '%s' away", w->final.p);
	if (rename(str_cstr(w->a, w->root), w->final.p) == 0) {
		w->placed = true;
		return true;
	}
	err_sys(err, errno, "move the pack to '%s'", w->final.p);
	if (w->had && rename(w->before.p, w->final.p) < 0)
		say_lost(w);
	return false;
}

/* The transaction failed after all. */
static void
place_undo(Install *w)
{
	Str away = str_fmt(w->a, "%.*s/refused", STR_ARG(w->stage));

	if (!w->placed)
		return;
	if (rename(w->final.p, away.p) < 0 || (w->had && rename(w->before.p, w->final.p) < 0))
		say_lost(w);
}

/* ---- what it needs ---- */

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

static bool
dependencies_met(App *app, Arena *a, const PackDef *d, Err *err)
{
	Buf missing = buf_open(a);

	for (size_t i = 0; json_is(&d->dependencies, JSON_ARRAY) && i < d->dependencies.n; i++)
		if (!dependency_met(app, a, json_as_str(&d->dependencies.items[i]), &missing, err))
			return false;
	return missing.n == 0 ||
	       err_set(err, ERR_INVALID, "Pack dependency validation failed: %.*s", STR_ARG(buf_str(&missing)));
}

/* ---- installing ---- */

/* What lies in w->content becomes a pack. */
static bool
install_content(App *app, Install *w, bool force, bool skip_deps, PackDef *ret, Err *err)
{
	PackRegistration r = { .a = w->a, .files = &w->files, .force = force, .last = place, .self = w };

	if (!unpack_root(w->a, w->content, &w->root, err) || !pack_load(w->a, w->root, &w->files, err) ||
	    (!skip_deps && !dependencies_met(app, w->a, &w->files.def, err)))
		return false;
	w->final = pack_folder(app, w->a, w->files.def.ref);
	w->files.def.storage_path = w->final;
	if (!app_define(app, pack_register_work, &r, err)) {
		place_undo(w);
		return false;
	}
	*ret = r.d;
	return true;
}

static bool
installed(Res *s, Arena *a, int status, const PackDef *d)
{
	Json o = json_object();

	json_add(a, &o, "pack", pack_whole(a, d));
	json_add(a, &o, "test_result", json_null());
	json_add(a, &o, "tests_skipped", json_bool(true));
	return res_data(s, status, o, "Pack installed successfully");
}

static const BodyField install_fields[] = {
	{ "source", FIELD_TEXT | FIELD_NEEDED, 4096 },
	{ "ref_spec", FIELD_TEXT, 255 },
	{ "skip_tests", FIELD_BOOL, 0 },
	{ "skip_deps", FIELD_BOOL, 0 },
};

static bool
is_remote(Str source)
{
	return str_find(source, str_of("://"), NULL) || str_starts(source, str_of("git@"));
}

static bool
content_read(Install *w, Str source, Err *err)
{
	Str manifest = str_fmt(w->a, "%.*s/.", STR_ARG(source));

	if (is_remote(source))
		return err_set(err, ERR_UNSUPPORTED,
		    "Packs are installed from a folder or an archive on the server only: '%.*s' lies elsewhere. Upload "
		    "it to /api/v1/packs/upload",
		    STR_ARG(source));
	if (!str_find(source, str_of("/"), NULL))
		return err_set(err, ERR_UNSUPPORTED,
		    "Packs are not installed from registries: '%.*s' is no path of a folder or an archive",
		    STR_ARG(source));
	if (!file_exists(str_cstr(w->a, source)))
		return err_set(err, ERR_NOT_FOUND, "There is nothing at '%.*s' on the server", STR_ARG(source));
	return file_exists(manifest.p) ? unpack_folder(w->a, source, w->content, err)
				       : unpack_file(w->a, source, w->content, err);
}

bool
pack_install(App *app, Req *q, Res *s, Err *err)
{
	Json body;
	Install w = { .a = req_arena(q) };
	bool skip_deps = false, ok;
	PackDef d;

	if (!body_read(q, install_fields, countof(install_fields), &body, err))
		return false;
	body_bool(&body, "skip_deps", &skip_deps);
	ok = install_open(app, &w, err) && content_read(&w, json_get_text(&body, "source"), err) &&
	     install_content(app, &w, true, skip_deps, &d, err);
	install_close(&w);
	return ok && installed(s, w.a, 200, &d);
}

static bool
form_bool(const Form *f, const char *name, bool *ret, Err *err)
{
	Str text;

	if (!form_text(f, name, 8, &text, err))
		return false;
	*ret = str_is(text, "true");
	return *ret || text.n == 0 || str_is(text, "false") ||
	       err_set(err, ERR_INVALID, "The form's field '%s' must be true or false", name);
}

bool
pack_upload(App *app, Req *q, Res *s, Err *err)
{
	Install w = { .a = req_arena(q) };
	Form *form = arena_new(w.a, Form);
	const FormPart *part;
	bool force, skip_tests, ok;
	PackDef d;

	if (!req_form(q, form, err) || !form_bool(form, "force", &force, err) ||
	    !form_bool(form, "skip_tests", &skip_tests, err))
		return false;
	part = form_part(form, "pack");
	if (part == NULL || part->body.n == 0)
		return err_set(err, ERR_INVALID, "The form needs a part 'pack', the archive");
	ok = install_open(app, &w, err) && unpack_bytes(w.a, part->body, w.content, err) &&
	     install_content(app, &w, force, true, &d, err);
	install_close(&w);
	return ok && installed(s, w.a, 201, &d);
}

/* ---- many at once ---- */

static const BodyField paths_fields[] = { { "pack_paths", FIELD_REFS | FIELD_NEEDED, 0 }, { "force", FIELD_BOOL, 0 } };

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

static Json
batch_one(App *app, Arena *a, Str path, bool force, int64_t *ret_parts, bool *ret_ok)
{
	Pack files = { 0 };
	PackRegistration r = { .a = a, .files = &files, .force = force };
	bool read;
	Json o = json_object(), valid = json_object();
	Err err = { 0 };

	read = pack_folder_load(app, a, path, &files, &err);
	*ret_ok = read && app_define(app, pack_register_work, &r, &err);
	json_add(a, &o, "pack_ref", json_str(str_none(files.def.ref) ? str_of("") : files.def.ref));
	if (!*ret_ok) {
		json_add(a, &o, "pack_path", json_str(path));
		json_add(a, &o, "error", json_str(str_copy(a, str_of(err.text))));
		json_add(a, &o, "error_stage", json_cstr(read ? "registration" : "validation"));
		return o;
	}
	json_add(a, &valid, "valid", json_bool(true));
	json_add(a, &valid, "errors", json_array());
	json_add(a, &o, "pack_id", json_int(r.d.id));
	json_add(a, &o, "pack_version", json_str(r.d.version));
	json_add(a, &o, "storage_path", json_str(r.d.storage_path));
	json_add(a, &o, "components_registered", counts(a, &files, ret_parts));
	json_add(a, &o, "test_result", json_null());
	json_add(a, &o, "validation_results", valid);
	return o;
}

bool
packs_register(App *app, Req *q, Res *s, Err *err)
{
	Arena *a = req_arena(q);
	Json body, o = json_object(), good = json_array(), bad = json_array(), summary = json_object();
	const Json *paths;
	bool force = false;
	int64_t parts = 0;

	if (!body_read(q, paths_fields, countof(paths_fields), &body, err))
		return false;
	body_bool(&body, "force", &force);
	paths = json_get(&body, "pack_paths");
	for (size_t i = 0; i < paths->n; i++) {
		bool ok;
		Json one = batch_one(app, a, json_as_str(&paths->items[i]), force, &parts, &ok);

		json_push(a, ok ? &good : &bad, one);
	}
	json_add(a, &summary, "total_packs", json_int((int64_t)paths->n));
	json_add(a, &summary, "success_count", json_int((int64_t)good.n));
	json_add(a, &summary, "failure_count", json_int((int64_t)bad.n));
	json_add(a, &summary, "total_components", json_int(parts));
	json_add(a, &summary, "duration_ms", json_int((clock_mono(clock_real()) - req_began(q)) / US_PER_MS));
	json_add(a, &o, "registered_packs", good);
	json_add(a, &o, "failed_packs", bad);
	json_add(a, &o, "summary", summary);
	return res_data(s, 200, o, NULL);
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

/* ---- what this version does not do ---- */

bool
packs_download(App *app, Req *q, Res *s, Err *err)
{
	(void)app;
	(void)q;
	(void)s;
	return err_set(err, ERR_UNSUPPORTED,
	    "This version fetches no packs from elsewhere: upload them to /api/v1/packs/upload, or install them from a "
	    "path of the server");
}

bool
packs_build(App *app, Req *q, Res *s, Err *err)
{
	(void)app;
	(void)q;
	(void)s;
	return err_set(err, ERR_UNSUPPORTED,
	    "This version builds environments on its workers, not on the server: use POST "
	    "/api/v1/packs/{ref}/environments/rebuild");
}

bool
pack_test(App *app, Req *q, Res *s, Err *err)
{
	PackDef p;

	(void)s;
	return resource_of_path(app, q, &packs, "ref", &p, err) &&
	       err_set(err, ERR_UNSUPPORTED, "This version runs no tests of packs: run those of '%.*s' by hand",
		   STR_ARG(p.ref));
}

bool
pack_tests(App *app, Req *q, Res *s, Err *err)
{
	Page page = req_page(q, 50, 100);
	ListEnd end = { 0 };
	PackDef p;

	return resource_of_path(app, q, &packs, "ref", &p, err) && answer_list(q, s, &page, json_array(), &end);
}

bool
pack_tests_latest(App *app, Req *q, Res *s, Err *err)
{
	PackDef p;

	(void)s;
	return resource_of_path(app, q, &packs, "ref", &p, err) &&
	       err_set(err, ERR_NOT_FOUND, "Pack '%.*s' has no test results", STR_ARG(p.ref));
}
