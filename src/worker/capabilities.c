#include "worker/capabilities.h"

#include "base/log.h"
#include "model/choice.h"
#include "runtime/detect.h"
#include "runtime/sandbox.h"
#include "store/runtime.h"

static bool
wanted(const WorkerConfig *config, Arena *a, Str name)
{
	if (config->runtimes == NULL || config->runtimes->kind != JSON_ARRAY || config->runtimes->n == 0)
		return true;
	for (size_t i = 0; i < config->runtimes->n; i++)
		if (str_eq(runtime_alias(a, json_as_str(&config->runtimes->items[i])), runtime_alias(a, name)))
			return true;
	return false;
}

typedef struct Finding {
	Arena *a;
	Json names, versions, builds, found, missing;
	bool late; /* something that is missing may only be slow */
} Finding;

static void
list_add(Arena *a, Json *list, Str version)
{
	for (size_t i = 0; i < list->n; i++)
		if (str_eq(json_as_str(&list->items[i]), version))
			return;
	json_push(a, list, json_str(version));
}

/* Each version that was found, and by which of the runtime's descriptions it is run. */
static void
versions_note(Finding *f, const RuntimeDef *r, const Detected *d)
{
	Json list = json_array(), builds = json_object();

	if (!str_none(d->base.version)) {
		list_add(f->a, &list, d->base.version);
		json_set(f->a, &builds, "", json_str(d->base.version));
	}
	for (size_t i = 0; i < r->version_count; i++) {
		if (!d->versions[i].there || str_none(d->versions[i].version))
			continue;
		list_add(f->a, &list, d->versions[i].version);
		json_set_str(f->a, &builds, r->versions[i].version, json_str(d->versions[i].version));
	}
	if (list.n == 0)
		return;
	json_set_str(f->a, &f->versions, runtime_alias(f->a, r->name), list);
	json_set_str(f->a, &f->builds, r->ref, builds);
}

static void
found_note(Finding *f, Str name, const Found *found)
{
	Json o = json_object();

	if (str_none(found->path))
		return;
	json_add(f->a, &o, "name", json_str(name));
	json_add(f->a, &o, "path", json_str(found->path));
	json_add(f->a, &o, "version", json_str(found->version));
	json_push(f->a, &f->found, o);
}

static void
missing_note(Finding *f, Str name, Str why)
{
	Json o = json_object();

	json_add(f->a, &o, "name", json_str(name));
	json_add(f->a, &o, "why", json_str(why));
	json_push(f->a, &f->missing, o);
	log_debug("runtime '%.*s' is not offered: %.*s", STR_ARG(name), STR_ARG(why));
}

static bool
some_version(const RuntimeDef *r, const Detected *d)
{
	for (size_t i = 0; i < r->version_count; i++)
		if (d->versions[i].there)
			return true;
	return false;
}

static void
runtimes_find(const WorkerConfig *config, Finding *f, TimeUs patience, const RuntimeDef *rows, size_t n)
{
	const Detected *all = runtimes_detect(f->a, &config->interpreters, patience, rows, n);

	for (size_t i = 0; i < n; i++) {
		Str name = str_lower(f->a, rows[i].name);

		if (!wanted(config, f->a, name)) {
			missing_note(f, name, str_of("worker.runtimes does not name it"));
			continue;
		}
		if (!all[i].base.there && !some_version(&rows[i], &all[i])) {
			missing_note(f, name, all[i].base.why);
			f->late = f->late || all[i].base.late;
			continue;
		}
		json_push(f->a, &f->names, json_str(name));
		found_note(f, name, &all[i].base);
		versions_note(f, &rows[i], &all[i]);
	}
}

static Json
sandboxes_given(Arena *a, bool strict)
{
	Json list = json_array();

	for (int i = 0; i < SANDBOXES; i++)
		if (i != SANDBOX_STRICT || strict)
			json_push(a, &list, json_cstr(sandbox_names[i]));
	return list;
}

bool
capabilities_find(Uow *u, const WorkerConfig *config, TimeUs patience, Arena *a, Json *ret, bool *ret_late, Err *err)
{
	DefFilter all = { 0 };
	RuntimeDef *rows;
	size_t n;
	Finding f = { a, json_array(), json_object(), json_object(), json_array(), json_array(), false };

	if (!runtime_list(u->db, a, &all, &rows, &n, NULL, err))
		return err_wrap(err, "which runtimes are there");
	runtimes_find(config, &f, patience, rows, n);
	*ret_late = f.late;
	*ret = json_object();
	json_add(a, ret, "runtimes", f.names);
	json_add(a, ret, "runtime_versions", f.versions);
	json_add(a, ret, "runtime_builds", f.builds);
	json_add(a, ret, "detected_interpreters", f.found);
	json_add(a, ret, "missing_runtimes", f.missing);
	json_add(a, ret, "max_concurrent_executions", json_int(config->slots));
	json_add(a, ret, "worker_version", json_cstr(ATTUNE_VERSION));
	if (config->labels != NULL && config->labels->kind == JSON_OBJECT)
		json_add(a, ret, "labels", json_clone(a, config->labels));
	if (config->taints != NULL && config->taints->kind == JSON_ARRAY)
		json_add(a, ret, "taints", json_clone(a, config->taints));
	if (config->isolation != NULL) {
		json_add(a, ret, "sandboxes", sandboxes_given(a, config->strict));
		json_add(a, ret, "isolation", json_clone(a, config->isolation));
	}
	log_info("Registered runtimes: %.*s", STR_ARG(json_text(a, &f.names)));
	return true;
}
