#include "api/artifact.h"

#include "api/body.h"
#include "api/handlers.h"
#include "api/page.h"
#include "api/view.h"
#include "base/names.h"
#include "store/execution_read.h"

#include <stdio.h>

enum { PAGE_DEFAULT = 20, PAGE_MOST = 100, PROGRESS_MOST = 10000 };

static const char *const scopes[] = { "system", "identity", "pack", "action", "sensor" };
static const char *const types[] = { "file_binary", "file_datatable", "file_image", "file_text", "other", "progress",
	"url" };
static const char *const visibilities[] = { "public", "private" };
static const char *const policies[] = { "versions", "days", "hours", "minutes" };

/* ---- what they have in common ---- */

bool
artifact_is_file(Str type)
{
	return str_starts(type, str_of("file_"));
}

Target
artifact_target(const ArtifactRow *x)
{
	Target t = {
		.id = x->id, .ref = x->ref, .owner_type = x->scope, .owner_ref = x->owner, .visibility = x->visibility
	};
	Str rest = x->owner;

	if (str_is(x->scope, "pack"))
		t.pack_ref = x->owner;
	if (str_is(x->scope, "action") || str_is(x->scope, "sensor"))
		(void)str_cut(&rest, '.', &t.pack_ref);
	if (str_is(x->scope, "identity"))
		(void)str_to_int(x->owner, &t.owner);
	return t;
}

bool
artifact_of_path(App *app, Req *q, const char *right, ArtifactRow *ret, Err *err)
{
	Target t;
	Id id;

	if (!req_id(q, "id", &id, err) || !artifact_get(app_db(app), req_arena(q), id, ret, err))
		return false;
	t = artifact_target(ret);
	return reach(app, right, &t, err);
}

static Json
known_int(int64_t v)
{
	return v < 0 ? json_null() : json_int(v);
}

Json
artifact_json(Arena *a, const ArtifactRow *x)
{
	Json o = json_object();

	json_add(a, &o, "id", json_int(x->id));
	json_add(a, &o, "ref", json_str(x->ref));
	json_add(a, &o, "scope", json_str(x->scope));
	json_add(a, &o, "owner", json_str(x->owner));
	json_add(a, &o, "type", json_str(x->type));
	json_add(a, &o, "visibility", json_str(x->visibility));
	json_add(a, &o, "name", json_str(x->name));
	json_add(a, &o, "description", json_str(x->description));
	json_add(a, &o, "content_type", json_str(x->content_type));
	json_add(a, &o, "size_bytes", known_int(x->size_bytes));
	if (x->data.kind != JSON_NULL)
		json_add(a, &o, "data", x->data);
	json_add(a, &o, "retention_policy", json_str(x->retention_policy));
	json_add(a, &o, "retention_limit", json_int(x->retention_limit));
	json_add(a, &o, "created", json_time(a, x->created));
	json_add(a, &o, "updated", json_time(a, x->updated));
	return o;
}

static bool
word_check(const char *field, Str given, const char *const *names, size_t n, Err *err)
{
	char all[200] = "";
	size_t at = 0;

	if (str_none(given) || name_index(names, n, given) >= 0)
		return true;
	for (size_t i = 0; i < n; i++)
		at += (size_t)snprintf(all + at, sizeof(all) - at, "%s%s", i == 0 ? "" : ", ", names[i]);
	return err_set(err, ERR_INVALID, "'%.*s' is no %s: %s", STR_ARG(str_sub(given, 0, 100)), field, all);
}

bool
artifact_words_check(const ArtifactRow *x, Err *err)
{
	return word_check("scope", x->scope, scopes, countof(scopes), err) &&
	       word_check("type", x->type, types, countof(types), err) &&
	       word_check("visibility", x->visibility, visibilities, countof(visibilities), err) &&
	       word_check("retention_policy", x->retention_policy, policies, countof(policies), err) &&
	       (x->retention_limit > 0 || x->retention_limit == LIMIT_UNSAID ||
		   err_set(err, ERR_INVALID, "retention_limit must be greater than 0, not %lld",
		       (long long)x->retention_limit));
}

/* It becomes part of paths and names of files. */
bool
artifact_ref_check(Str ref, Err *err)
{
	bool ok = ref.n > 0 && ref.n <= 255 && ref.p[0] != '.' && !str_find(ref, str_of(".."), NULL);

	for (size_t i = 0; ok && i < ref.n; i++)
		ok = (ref.p[i] >= 'a' && ref.p[i] <= 'z') || (ref.p[i] >= 'A' && ref.p[i] <= 'Z') ||
		     (ref.p[i] >= '0' && ref.p[i] <= '9') || strchr("._-:", ref.p[i]) != NULL;
	return ok || err_set(err, ERR_VALIDATION,
			 "Validation failed: ref: '%.*s' must be letters, digits, '.', '_', '-' and ':'",
			 STR_ARG(str_sub(ref, 0, 100)));
}

void
artifact_fill(ArtifactRow *x)
{
	if (str_none(x->visibility))
		x->visibility = str_of(str_is(x->type, "progress") ? "public" : "private");
	if (str_none(x->owner))
		x->owner = (Str){ "", 0 };
}

static bool
retention_fill(App *app, Arena *a, ArtifactRow *x, Id execution, int64_t usual, Err *err)
{
	bool unsaid = str_none(x->retention_policy) && x->retention_limit == LIMIT_UNSAID;
	int64_t limit = 0;

	if (unsaid && execution != 0 &&
	    !artifact_run_keeps(app_db(app), a, execution, &x->retention_policy, &limit, err))
		return false;
	if (str_none(x->retention_policy))
		x->retention_policy = str_of("versions");
	if (x->retention_limit == LIMIT_UNSAID)
		x->retention_limit = limit > 0 ? limit : usual;
	return true;
}

bool
artifact_make(App *app, Arena *a, ArtifactRow *x, Id execution, int64_t usual, Err *err)
{
	if (!retention_fill(app, a, x, execution, usual, err) ||
	    !artifact_insert(app_db(app), a, x, app->uow->now, err))
		return false;
	change_add(app->uow, CHANGE_ARTIFACT_CREATED, x->id, NULL, NULL);
	return true;
}

bool
artifact_execution(App *app, Req *q, Id given, Id *ret, Err *err)
{
	const Caller *c = app_caller(app);
	Target t = { .id = given, .execution = given };
	Json shown;

	*ret = c->kind == CALLER_EXECUTION ? c->execution : given;
	if (given == 0 || given == *ret)
		if (given == 0 || c->kind == CALLER_EXECUTION)
			return true;
	if (!execution_show(app_db(app), req_arena(q), given, &shown, err))
		return err->code == ERR_NOT_FOUND
			   ? err_set(err, ERR_INVALID, "Execution with ID %lld not found", (long long)given)
			   : false;
	t.owner = json_as_int(json_get(&shown, "executor"), 0);
	t.ref = json_get_text(&shown, "action_ref");
	*ret = given;
	return see(app, "executions:read", &t, err);
}

/* ---- reading ---- */

static bool
list_answer(App *app, Req *q, Res *s, const ArtifactFilter *f, Err *err)
{
	Page page = req_page(q, PAGE_DEFAULT, PAGE_MOST);
	Scope scope = app_scope(app, req_arena(q), "artifacts:read");
	Slice slice;
	SliceOut out;

	page.totals = true;
	return page_slice(req_arena(q), &page, &slice, err) &&
	       artifact_list(app_db(app), req_arena(q), f, &scope, &slice, &out, err) &&
	       answer_slice(q, s, &page, &out);
}

bool
artifacts_list(App *app, Req *q, Res *s, Err *err)
{
	ArtifactRow words = { .scope = req_query(q, "scope"),
		.type = req_query(q, "type"),
		.visibility = req_query(q, "visibility"),
		.retention_limit = 1 };
	ArtifactFilter f = { .scope = words.scope,
		.owner = req_query(q, "owner"),
		.type = words.type,
		.visibility = words.visibility,
		.name = req_query(q, "name") };

	return artifact_words_check(&words, err) && query_id(q, "execution", &f.execution, err) &&
	       list_answer(app, q, s, &f, err);
}

/* All of them in one answer: a run makes few. */
bool
artifacts_of_execution(App *app, Req *q, Res *s, Err *err)
{
	Scope scope = app_scope(app, req_arena(q), "artifacts:read");
	Slice slice = { .size = 1000 };
	ArtifactFilter f = { 0 };
	SliceOut out;

	return req_id(q, "execution_id", &f.execution, err) &&
	       artifact_list(app_db(app), req_arena(q), &f, &scope, &slice, &out, err) &&
	       res_data(s, 200, out.rows, NULL);
}

bool
artifact_show(App *app, Req *q, Res *s, Err *err)
{
	ArtifactRow x;

	return artifact_of_path(app, q, "artifacts:read", &x, err) &&
	       res_data(s, 200, artifact_json(req_arena(q), &x), NULL);
}

bool
artifact_show_ref(App *app, Req *q, Res *s, Err *err)
{
	Str ref = req_param(q, "ref");
	ArtifactRow x;
	Target t;
	bool found;

	if (!artifact_find(app_db(app), req_arena(q), ref, &x, &found, err))
		return false;
	if (!found)
		return err_set(err, ERR_NOT_FOUND, "Artifact '%.*s' not found", STR_ARG(ref));
	t = artifact_target(&x);
	t.asked = ref;
	return see(app, "artifacts:read", &t, err) && res_data(s, 200, artifact_json(req_arena(q), &x), NULL);
}

/* ---- making and changing ---- */

static const BodyField create_fields[] = {
	{ "ref", FIELD_TEXT | FIELD_NEEDED, 255 },
	{ "scope", FIELD_TEXT | FIELD_NEEDED, 20 },
	{ "owner", FIELD_TEXT | FIELD_NEEDED, 0 },
	{ "type", FIELD_TEXT | FIELD_NEEDED, 20 },
	{ "visibility", FIELD_TEXT, 20 },
	{ "name", FIELD_TEXT, 255 },
	{ "description", FIELD_TEXT, 0 },
	{ "content_type", FIELD_TEXT, 255 },
	{ "data", FIELD_ANY, 0 },
	{ "retention_policy", FIELD_TEXT, 20 },
	{ "retention_limit", FIELD_NUMBER, 0 },
};

typedef struct ArtifactWork {
	Arena *a;
	Req *q;
	const Json *body;
	ArtifactRow x;
	ArtifactFiles files;
} ArtifactWork;

static bool
storable_check(const Json *body, Err *err)
{
	return !json_has_nul(body) ||
	       err_set(err, ERR_VALIDATION, "Validation failed: a text holds U+0000, which cannot be kept");
}

static bool
create_work(App *app, void *self, Err *err)
{
	ArtifactWork *w = self;

	return artifact_make(app, w->a, &w->x, app_caller(app)->execution, KEEP_USUAL, err);
}

bool
artifact_create(App *app, Req *q, Res *s, Err *err)
{
	Json body;
	ArtifactWork w = { .a = req_arena(q), .body = &body };
	Target t;

	if (!body_read(q, create_fields, countof(create_fields), &body, err) || !storable_check(&body, err))
		return false;
	w.x = (ArtifactRow){ .ref = json_get_text(&body, "ref"),
		.scope = json_get_text(&body, "scope"),
		.owner = json_get_text(&body, "owner"),
		.type = json_get_text(&body, "type"),
		.visibility = json_get_text(&body, "visibility"),
		.name = json_get_text(&body, "name"),
		.description = json_get_text(&body, "description"),
		.content_type = json_get_text(&body, "content_type"),
		.retention_policy = json_get_text(&body, "retention_policy"),
		.retention_limit = json_as_int(json_get(&body, "retention_limit"), LIMIT_UNSAID) };
	body_json(&body, "data", &w.x.data);
	if (!artifact_ref_check(w.x.ref, err) || !artifact_words_check(&w.x, err))
		return false;
	artifact_fill(&w.x);
	t = artifact_target(&w.x);
	return need(app, "artifacts:create", &t, err) && app_work(app, &points_create, create_work, &w, err) &&
	       res_data(s, 201, artifact_json(w.a, &w.x), "Artifact created successfully");
}

static const BodyField update_fields[] = {
	{ "scope", FIELD_TEXT, 20 },
	{ "owner", FIELD_TEXT, 0 },
	{ "type", FIELD_TEXT, 20 },
	{ "visibility", FIELD_TEXT, 20 },
	{ "name", FIELD_TEXT | FIELD_PATCH, 255 },
	{ "description", FIELD_TEXT | FIELD_PATCH, 0 },
	{ "content_type", FIELD_TEXT | FIELD_PATCH, 255 },
	{ "data", FIELD_ANY | FIELD_PATCH, 0 },
	{ "retention_policy", FIELD_TEXT, 20 },
	{ "retention_limit", FIELD_NUMBER, 0 },
};

static bool
updated(App *app, ArtifactWork *w, Err *err)
{
	change_add(app->uow, CHANGE_ARTIFACT_UPDATED, w->x.id, NULL, NULL);
	return artifact_update(app_db(app), w->a, &w->x, app->uow->now, err);
}

static bool
update_work(App *app, void *self, Err *err)
{
	ArtifactWork *w = self;
	ArtifactRow *x = &w->x;
	Target t;

	if (!artifact_lock(app_db(app), w->a, x, app->uow->now, err))
		return false;
	body_text(w->body, "scope", &x->scope);
	body_text(w->body, "owner", &x->owner);
	body_text(w->body, "type", &x->type);
	body_text(w->body, "visibility", &x->visibility);
	body_patch_text(w->body, "name", &x->name);
	body_patch_text(w->body, "description", &x->description);
	body_patch_text(w->body, "content_type", &x->content_type);
	body_patch_json(w->body, "data", &x->data);
	body_text(w->body, "retention_policy", &x->retention_policy);
	body_int(w->body, "retention_limit", &x->retention_limit);
	t = artifact_target(x);
	return artifact_words_check(x, err) && need(app, "artifacts:update", &t, err) && updated(app, w, err);
}

bool
artifact_change(App *app, Req *q, Res *s, Err *err)
{
	Json body;
	ArtifactWork w = { .a = req_arena(q), .body = &body };

	if (!body_read(q, update_fields, countof(update_fields), &body, err) || !storable_check(&body, err) ||
	    !artifact_of_path(app, q, "artifacts:update", &w.x, err))
		return false;
	return app_work(app, &points_create, update_work, &w, err) &&
	       res_data(s, 200, artifact_json(w.a, &w.x), "Artifact updated successfully");
}

static bool
remove_work(App *app, void *self, Err *err)
{
	ArtifactWork *w = self;

	return artifact_delete(app_db(app), w->a, w->x.id, &w->files, err);
}

bool
artifact_remove(App *app, Req *q, Res *s, Err *err)
{
	ArtifactWork w = { .a = req_arena(q) };

	if (!artifact_of_path(app, q, "artifacts:delete", &w.x, err) ||
	    !app_work(app, &points_create, remove_work, &w, err))
		return false;
	files_remove(app, w.a, &w.files);
	return answer_success(q, s, str_fmt(w.a, "Artifact '%.*s' deleted successfully", STR_ARG(w.x.ref)));
}

/* ---- data and progress ---- */

static bool
data_work(App *app, void *self, Err *err)
{
	ArtifactWork *w = self;

	if (!artifact_lock(app_db(app), w->a, &w->x, app->uow->now, err))
		return false;
	w->x.data = *json_get(w->body, "data");
	return updated(app, w, err);
}

bool
artifact_set_data(App *app, Req *q, Res *s, Err *err)
{
	static const BodyField fields[] = { { "data", FIELD_ANY | FIELD_NEEDED, 0 } };
	Json body;
	ArtifactWork w = { .a = req_arena(q), .body = &body };

	return body_read(q, fields, countof(fields), &body, err) && storable_check(&body, err) &&
	       artifact_of_path(app, q, "artifacts:update", &w.x, err) &&
	       app_work(app, &points_create, data_work, &w, err) &&
	       res_data(s, 200, artifact_json(w.a, &w.x), "Artifact data updated successfully");
}

/* Nobody else appends in between, and the oldest go when there are too many to be read at once. */
static bool
progress_work(App *app, void *self, Err *err)
{
	ArtifactWork *w = self;
	Json list = json_array();
	const Json *had;

	if (!artifact_lock(app_db(app), w->a, &w->x, app->uow->now, err))
		return false;
	if (!str_is(w->x.type, "progress"))
		return err_set(err, ERR_INVALID,
		    "Artifact '%.*s' is of type %.*s: entries are appended to progress only", STR_ARG(w->x.ref),
		    STR_ARG(w->x.type));
	had = json_is(&w->x.data, JSON_ARRAY) ? &w->x.data : &list;
	for (size_t i = had->n >= PROGRESS_MOST ? had->n - PROGRESS_MOST + 1 : 0; i < had->n; i++)
		json_push(w->a, &list, had->items[i]);
	json_push(w->a, &list, *json_get(w->body, "entry"));
	w->x.data = list;
	return updated(app, w, err);
}

bool
artifact_append_progress(App *app, Req *q, Res *s, Err *err)
{
	static const BodyField fields[] = { { "entry", FIELD_MAP | FIELD_NEEDED, 0 } };
	Json body;
	ArtifactWork w = { .a = req_arena(q), .body = &body };

	return body_read(q, fields, countof(fields), &body, err) && storable_check(&body, err) &&
	       artifact_of_path(app, q, "artifacts:update", &w.x, err) &&
	       app_work(app, &points_create, progress_work, &w, err) &&
	       res_data(s, 200, artifact_json(w.a, &w.x), "Progress entry appended");
}
