#include "api/pack_trial.h"

#include "api/access.h"
#include "api/body.h"
#include "api/handlers.h"
#include "api/rule_messages.h"
#include "api/view.h"
#include "base/log.h"
#include "engine/register.h"
#include "engine/sensor_messages.h"
#include "model/params.h"
#include "model/refs.h"
#include "model/version.h"
#include "os/fs.h"
#include "model/secrets.h"
#include "store/pack.h"
#include "store/pack_test.h"
#include "store/rule.h"
#include "store/sensor.h"
#include "store/sensor_process.h"

#include <stdio.h>
#include <stdlib.h>

const Resource packs = { &pack_table, pack_whole, pack_summary, "packs", offsetof(PackDef, ref) };

bool
packs_list(App *app, Req *q, Res *s, Err *err)
{
	return resource_list(app, q, s, &packs, (DefFilter){ .search = req_query(q, "search") }, NULL, NULL, err);
}

bool
pack_show(App *app, Req *q, Res *s, Err *err)
{
	return resource_show(app, q, s, &packs, err);
}

typedef struct PackWork {
	Arena *a;
	const Json *body;
	Str key;
	PackDef d;
} PackWork;

static void
out_pack(Uow *u, MsgKind kind, const PackDef *d, const Json *runtime_names)
{
	Arena *a = u->out.a;
	Json o = json_object();

	json_add(a, &o, "pack_id", json_int(d->id));
	json_add(a, &o, "pack_ref", json_str(str_copy(a, d->ref)));
	if (kind == MSG_PACK_REGISTERED) {
		json_add(a, &o, "version", json_str(str_copy(a, d->version)));
		json_add(a, &o, "runtime_names", runtime_names == NULL ? json_array() : json_clone(a, runtime_names));
	}
	*outbox_add(&u->out, kind) = (MsgItem){
		.id = d->id, .ref = str_copy(a, d->ref), .at = u->now, .correlation = uuid_new(u->now), .json = o
	};
}

/* ---- creating and changing by hand ---- */

#define COMMON_FIELDS \
	{ "description", FIELD_TEXT | FIELD_PATCH, 0 }, { "conf_schema", FIELD_MAP, 0 }, { "config", FIELD_MAP, 0 }, \
	    { "meta", FIELD_MAP, 0 }, { "tags", FIELD_REFS, 0 }, { "runtime_deps", FIELD_REFS, 0 }, \
	    { "dependencies", FIELD_REFS, 0 }, \
	{ \
		"is_standard", FIELD_BOOL, 0 \
	}

static const BodyField create_fields[] = {
	{ "ref", FIELD_TEXT | FIELD_NEEDED, 255 },
	{ "label", FIELD_TEXT | FIELD_NEEDED, 255 },
	{ "version", FIELD_TEXT | FIELD_NEEDED, 50 },
	COMMON_FIELDS,
};

static const BodyField update_fields[] = {
	{ "label", FIELD_TEXT, 255 },
	{ "version", FIELD_TEXT, 50 },
	COMMON_FIELDS,
};

/* Where a mark comes back that stands for a secret, the secret stays as it was. */
static bool
config_keep(Arena *a, const PackDef *before, PackDef *d, Err *err)
{
	Json old = json_clone(a, &before->config);
	Secrets kept = secrets_take(a, &before->conf_schema, &old);

	secrets_put(a, &d->config, kept.list, kept.n);
	return !secrets_marked(&d->config) ||
	       err_set(err, ERR_VALIDATION,
		   "Validation failed: config: give the secret value, not the mark that stands for it");
}

static void
pack_fill(const Json *body, PackDef *d)
{
	body_text(body, "label", &d->label);
	body_text(body, "version", &d->version);
	body_patch_text(body, "description", &d->description);
	body_json(body, "conf_schema", &d->conf_schema);
	body_json(body, "config", &d->config);
	body_json(body, "meta", &d->meta);
	body_json(body, "tags", &d->tags);
	body_json(body, "runtime_deps", &d->runtime_deps);
	body_json(body, "dependencies", &d->dependencies);
	body_bool(body, "is_standard", &d->is_standard);
}

static bool
pack_store(App *app, PackWork *w, Err *err)
{
	Json config = w->d.config;
	DefPut put;

	if (!version_is_semver(w->d.version))
		return err_set(
		    err, ERR_VALIDATION, "Validation failed: version: '%.*s' is not like 1.2.3", STR_ARG(w->d.version));
	if (!params_schema_check(w->a, &w->d.conf_schema, err))
		return err_wrap(err, "Validation failed: conf_schema");
	if (!pack_put(app_db(app), w->a, &w->d, app->uow->now, &put, err))
		return false;
	/* storing a pack leaves its configuration alone; here it is the operator who speaks */
	return pack_set_config(app_db(app), w->a, put.id, &config, app->uow->now, err) &&
	       pack_get(app_db(app), w->a, put.id, &w->d, err);
}

static bool
create_work(App *app, void *self, Err *err)
{
	PackWork *w = self;

	if (!ref_is_pack(w->d.ref))
		return err_set(err, ERR_VALIDATION,
		    "Validation failed: ref: '%.*s' must begin with a letter and hold lower-case letters, digits, - "
		    "and _ only",
		    STR_ARG(w->d.ref));
	return resource_makeable(app, &packs, w->d.ref, w->d.ref, err) &&
	       resource_ref_free(app, w->a, &packs, w->d.ref, err) && pack_store(app, w, err);
}

bool
pack_create(App *app, Req *q, Res *s, Err *err)
{
	Json body;
	PackWork w = { .a = req_arena(q), .body = &body };

	if (!body_read(q, create_fields, countof(create_fields), &body, err))
		return false;
	w.d = (PackDef){ .ref = json_get_text(&body, "ref"), .config = json_object() };
	pack_fill(&body, &w.d);
	if (!config_keep(w.a, &(PackDef){ 0 }, &w.d, err) || !app_define(app, create_work, &w, err))
		return false;
	return res_data(s, 201, pack_whole(w.a, &w.d), "Pack created successfully");
}

static bool
update_work(App *app, void *self, Err *err)
{
	PackWork *w = self;
	PackDef before;

	if (!resource_held(app, w->a, &packs, w->key, "configure", &before, err))
		return false;
	w->d = before;
	pack_fill(w->body, &w->d);
	return config_keep(w->a, &before, &w->d, err) && pack_store(app, w, err);
}

bool
pack_update(App *app, Req *q, Res *s, Err *err)
{
	Json body;
	PackWork w = { .a = req_arena(q), .body = &body, .key = req_param(q, "ref") };

	if (!body_read(q, update_fields, countof(update_fields), &body, err) || !app_define(app, update_work, &w, err))
		return false;
	return res_data(s, 200, pack_whole(w.a, &w.d), "Pack updated successfully");
}

/* ---- deleting ---- */

static bool
remove_work(App *app, void *self, Err *err)
{
	PackWork *w = self;

	if (!resource_held(app, w->a, &packs, w->key, "delete", &w->d, err) ||
	    !out_rules_of(app->uow, MSG_RULE_DELETED, (Str){ 0 }, w->d.ref, err))
		return false;
	if (!pack_delete(app_db(app), w->a, w->d.id, app->uow->now, err)) {
		if (err->code == ERR_VALIDATION)
			err_set(err, ERR_VALIDATION,
			    "Pack '%.*s' cannot be deleted: something outside it still uses its runtimes, or it owns "
			    "keys",
			    STR_ARG(w->d.ref));
		return false;
	}
	out_pack(app->uow, MSG_PACK_DELETED, &w->d, NULL);
	return true;
}

/* Their programs may be others now, which no row says. */
static bool
sensors_anew(App *app, Arena *a, Str pack_ref, Err *err)
{
	DefFilter of = { .pack_ref = pack_ref };
	SensorProcess p;
	SensorDef *all;
	size_t n;

	if (!sensor_list(app_db(app), a, &of, &all, &n, NULL, err))
		return false;
	for (size_t i = 0; i < n; i++) {
		if (!sensor_process_get(app_db(app), a, all[i].id, &p, err))
			return false;
		out_sensor(app->uow, all[i].id, all[i].ref);
		if (p.instance != 0 && !p.stop &&
		    !sensor_process_ask(app_db(app), a, all[i].id, SENSOR_RESTART, app->uow->now, err))
			return false;
	}
	return true;
}

/* Do both name the same folder, whatever links lie on the way? */
static bool
same_folder(Arena *a, Str x, Str y)
{
	char *real_x = str_none(x) ? NULL : realpath(str_cstr(a, x), NULL);
	char *real_y = str_none(y) ? NULL : realpath(str_cstr(a, y), NULL);
	bool same = real_x != NULL && real_y != NULL && strcmp(real_x, real_y) == 0;

	free(real_x);
	free(real_y);
	return same;
}

Str
pack_folder(App *app, Arena *a, Str ref)
{
	return str_fmt(a, "%.*s/%.*s", STR_ARG(config_str(app->config, "packs_base_dir")), STR_ARG(ref));
}

/* Else the next start would bring the pack back. Only the one among the packs: what lies elsewhere is somebody's own. It is moved away
 * first, so that a kill leaves all of it where it was, or nothing. */
static void
folder_remove(App *app, Arena *a, const PackDef *d)
{
	Str folder = pack_folder(app, a, d->ref), stage;
	Err err = { 0 };
	bool moved;

	if (!same_folder(a, folder, d->storage_path))
		return;
	if (!dir_private(a, config_cstr(app->config, "packs_base_dir"), PACK_INCOMING, &stage, &err)) {
		log_warn("the folder %.*s of the deleted pack cannot be removed: %s", STR_ARG(folder), err.text);
		return;
	}
	moved = rename(folder.p, str_fmt(a, "%.*s/deleted", STR_ARG(stage)).p) == 0;
	if (!tree_remove(stage.p) || (!moved && !tree_remove(folder.p)))
		log_warn("the folder %.*s of the deleted pack cannot be removed", STR_ARG(folder));
}

bool
pack_remove(App *app, Req *q, Res *s, Err *err)
{
	PackWork w = { .a = req_arena(q), .key = req_param(q, "ref") };

	if (!app_define(app, remove_work, &w, err))
		return false;
	folder_remove(app, w.a, &w.d);
	return answer_success(q, s, str_fmt(w.a, "Pack '%.*s' deleted successfully", STR_ARG(w.d.ref)));
}

/* ---- registering a folder ---- */

static const BodyField register_fields[] = {
	{ "path", FIELD_TEXT | FIELD_NEEDED, 4096 },
	{ "force", FIELD_BOOL, 0 },
	{ "skip_tests", FIELD_BOOL, 0 },
};

static const RuleDef *
rule_named(const RuleDef *all, size_t n, Str ref)
{
	for (size_t i = 0; i < n; i++)
		if (str_eq(all[i].ref, ref))
			return &all[i];
	return NULL;
}

/* What the registration did to the rules of the pack. */
static void
out_rules_moved(Uow *u, const RuleDef *before, size_t before_n, const RuleDef *after, size_t after_n)
{
	for (size_t i = 0; i < before_n; i++)
		if (rule_named(after, after_n, before[i].ref) == NULL)
			out_rule(u, MSG_RULE_DELETED, &before[i]);
	for (size_t i = 0; i < after_n; i++) {
		const RuleDef *old = rule_named(before, before_n, after[i].ref);

		if (old == NULL)
			out_rule(u, MSG_RULE_CREATED, &after[i]);
		else if (old->updated != after[i].updated)
			out_rule_changed(u, old, &after[i]);
	}
}

static bool
tests_store(App *app, Arena *a, const PackTry *try, const RegisterReport *report, Err *err)
{
	PackTestRow row;

	if (try == NULL || !try->tested)
		return true;
	row = (PackTestRow){ .pack = report->pack,
		.version = try->files.def.version,
		.reason = report->made ? PACK_TEST_INSTALL : PACK_TEST_UPDATE,
		.began = try->began,
		.took_ms = json_as_int(json_get(&try->result, "durationMs"), 0),
		.counts = try->counts,
		.result = &try->result };
	return pack_test_add(app_db(app), a, &row, app->uow->now, err);
}

/* What its files say that nobody understands, and what they name that is not there. */
static Json
warnings_of(Arena *a, const Pack *p, const RegisterReport *report)
{
	Json all = json_array();

	for (size_t i = 0; i < p->problem_count; i++) {
		const PackProblem *one = &p->problems[i];

		json_push(a, &all,
		    json_str(str_fmt(
			a, "%.*s:%u:%u: %.*s", STR_ARG(one->file), one->line, one->column, STR_ARG(one->text))));
	}
	for (size_t i = 0; i < report->warning_count; i++)
		json_push(a, &all, json_str(str_copy(a, report->warnings[i])));
	return all;
}

void
pack_warnings_add(Arena *a, Json *o, const PackRegistration *w)
{
	if (w->warnings.n > 0)
		json_add(a, o, "warnings", w->warnings);
}

bool
pack_register_work(App *app, void *self, Err *err)
{
	PackRegistration *w = self;
	DefFilter of = { .pack_ref = w->files->def.ref };
	RuleDef *before, *after;
	size_t before_n, after_n;
	RegisterReport report;
	Json names = json_array();
	Target t = { .ref = w->files->def.ref, .pack_ref = w->files->def.ref };

	if (!need(app, "packs:install", &t, err) ||
	    (!w->force && !resource_ref_free(app, w->a, &packs, w->files->def.ref, err)))
		return false;
	if (!rule_list(app_db(app), w->a, &of, &before, &before_n, NULL, err) ||
	    !register_pack(app_db(app), w->a, w->files, app->uow->now, &report, err) ||
	    !rule_list(app_db(app), w->a, &of, &after, &after_n, NULL, err) ||
	    !pack_set_checksum(app_db(app), w->a, report.pack, (Str){ 0 }, err) ||
	    !pack_get(app_db(app), w->a, report.pack, &w->d, err) || !tests_store(app, w->a, w->tested, &report, err) ||
	    (w->source != NULL && !pack_set_source(app_db(app), w->a, report.pack, w->source, app->uow->now, err)))
		return false;
	w->warnings = warnings_of(w->a, w->files, &report);
	for (size_t i = 0; i < w->files->runtime_count; i++)
		json_push(w->a, &names, json_str(w->files->runtimes[i].name));
	out_rules_moved(app->uow, before, before_n, after, after_n);
	if (!sensors_anew(app, w->a, w->d.ref, err))
		return false;
	out_pack(app->uow, MSG_PACK_REGISTERED, &w->d, &names);
	return w->last == NULL || w->last(app, w->self, err);
}

bool
pack_folder_load(App *app, Arena *a, Str path, Pack *ret, Err *err)
{
	Str folder;

	if (!file_exists(str_fmt(a, "%.*s/pack.yaml", STR_ARG(path)).p))
		return err_set(err, ERR_NOT_FOUND, "There is no pack.yaml in '%.*s' on the server", STR_ARG(path));
	if (!pack_load(a, path, ret, err))
		return false;
	folder = pack_folder(app, a, ret->def.ref);
	return same_folder(a, folder, path) ||
	       err_set(err, ERR_VALIDATION,
		   "Pack '%.*s' must lie in %.*s, where workers look for its files, not in %.*s", STR_ARG(ret->def.ref),
		   STR_ARG(folder), STR_ARG(path));
}

/* What stands in the body, read and allowed. */
static bool
register_read(App *app, Req *q, PackTrial *t, Err *err)
{
	PackTry *try = &t->tries[0];
	bool skip = false;
	Json body;

	if (!body_read(q, register_fields, countof(register_fields), &body, err))
		return false;
	body_bool(&body, "force", &t->force);
	body_bool(&body, "skip_tests", &skip);
	*try = (PackTry){ .path = str_copy(t->a, json_get_text(&body, "path")), .wanted = !skip, .in_place = true };
	try->packs_dir = t->tests->envs.packs_base_dir;
	try->read = pack_folder_load(app, t->a, try->path, &try->files, err);
	return try->read && trial_allowed(app, t->a, try, t->force, err);
}

static bool
register_tried(App *app, Req *q, Res *s, const PackTrial *t, Err *err)
{
	const PackTry *try = &t->tries[0];
	PackRegistration w = { .a = req_arena(q), .files = &try->files, .force = t->force, .tested = try };
	Json o;

	if (!trial_passed(try, t->force, err)) {
		trial_note(app, try);
		return false;
	}
	if (!app_define(app, pack_register_work, &w, err))
		return false;
	o = pack_whole(w.a, &w.d);
	pack_warnings_add(w.a, &o, &w);
	return res_data(s, 201, o, "Pack registered successfully");
}

bool
pack_register(App *app, Req *q, Res *s, Err *err)
{
	PackTrial *t;
	bool asleep, ok;

	if (!trial_back(app, q, s, &t, &asleep, err))
		return false;
	if (asleep)
		return true;
	if (t == NULL) {
		if (!trial_open(app, 1, &t, err))
			return false;
		if (!register_read(app, q, t, err)) {
			trial_close(t);
			return false;
		}
		if (trial_wants(t))
			return trial_test(app, q, s, t, err);
	}
	ok = register_tried(app, q, s, t, err);
	trial_close(t);
	return ok;
}
