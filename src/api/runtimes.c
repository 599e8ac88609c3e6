#include "api/resource.h"

#include "api/body.h"
#include "api/handlers.h"
#include "api/view.h"
#include "store/pack.h"
#include "store/runtime.h"

const Resource runtimes = { &runtime_table, runtime_whole, runtime_summary, "runtimes",
	offsetof(RuntimeDef, pack_ref) };

bool
runtimes_list(App *app, Req *q, Res *s, Err *err)
{
	return resource_list(app, q, s, &runtimes, (DefFilter){ 0 }, NULL, NULL, err);
}

bool
runtimes_of_pack(App *app, Req *q, Res *s, Err *err)
{
	PackDef p;

	if (!resource_of_path(app, q, &packs, "pack_ref", &p, err))
		return false;
	return resource_list(app, q, s, &runtimes, (DefFilter){ .pack_ref = p.ref }, NULL, NULL, err);
}

bool
runtime_show(App *app, Req *q, Res *s, Err *err)
{
	return resource_show(app, q, s, &runtimes, err);
}

typedef struct RuntimeWork {
	Arena *a;
	const Json *body;
	Str key;
	RuntimeDef d;
} RuntimeWork;

static const BodyField create_fields[] = {
	{ "ref", FIELD_TEXT | FIELD_NEEDED, 255 },
	{ "name", FIELD_TEXT | FIELD_NEEDED, 255 },
	{ "pack_ref", FIELD_TEXT, 255 },
	{ "description", FIELD_TEXT, 4096 },
	{ "aliases", FIELD_REFS, 0 },
	{ "distributions", FIELD_MAP, 0 },
	{ "installation", FIELD_MAP, 0 },
	{ "execution_config", FIELD_MAP, 0 },
};

static const BodyField update_fields[] = {
	{ "name", FIELD_TEXT, 255 },
	{ "description", FIELD_TEXT | FIELD_PATCH, 4096 },
	{ "aliases", FIELD_REFS, 0 },
	{ "distributions", FIELD_MAP, 0 },
	{ "installation", FIELD_MAP | FIELD_PATCH, 0 },
	{ "execution_config", FIELD_MAP, 0 },
};

static void
runtime_fill(const Json *body, RuntimeDef *d)
{
	body_text(body, "name", &d->name);
	body_patch_text(body, "description", &d->description);
	body_json(body, "aliases", &d->aliases);
	body_json(body, "distributions", &d->distributions);
	body_patch_json(body, "installation", &d->installation);
	body_json(body, "execution_config", &d->execution_config);
}

static bool
create_work(App *app, void *self, Err *err)
{
	RuntimeWork *w = self;
	PackDef pack = { 0 };
	DefPut put;

	if (!str_eq(str_lower(w->a, w->d.ref), w->d.ref))
		return err_set(
		    err, ERR_VALIDATION, "Validation failed: ref: '%.*s' must be lower case", STR_ARG(w->d.ref));
	if (!resource_makeable(app, &runtimes, w->d.ref, w->d.pack_ref, err) ||
	    !resource_ref_free(app, w->a, &runtimes, w->d.ref, err))
		return false;
	if (!str_none(w->d.pack_ref) && !pack_get_ref(app_db(app), w->a, w->d.pack_ref, &pack, err))
		return false;
	w->d.pack = pack.id;
	return runtime_put(app_db(app), w->a, &w->d, app->uow->now, &put, err) &&
	       runtime_get(app_db(app), w->a, put.id, &w->d, err);
}

bool
runtime_create(App *app, Req *q, Res *s, Err *err)
{
	Json body;
	RuntimeWork w = { .a = req_arena(q), .body = &body };

	if (!body_read(q, create_fields, countof(create_fields), &body, err))
		return false;
	w.d = (RuntimeDef){ .ref = json_get_text(&body, "ref"), .pack_ref = json_get_text(&body, "pack_ref") };
	runtime_fill(&body, &w.d);
	if (!app_define(app, create_work, &w, err))
		return false;
	return res_data(s, 201, runtime_whole(w.a, &w.d), "Runtime created successfully");
}

/* The whole row, with its versions: writing it back must not lose them. */
static bool
runtime_find(App *app, RuntimeWork *w, Err *err)
{
	return resource_held(app, w->a, &runtimes, w->key, "delete", &w->d, err) &&
	       runtime_get(app_db(app), w->a, w->d.id, &w->d, err);
}

static bool
update_work(App *app, void *self, Err *err)
{
	RuntimeWork *w = self;
	DefPut put;

	if (!runtime_find(app, w, err))
		return false;
	runtime_fill(w->body, &w->d);
	return runtime_put(app_db(app), w->a, &w->d, app->uow->now, &put, err) &&
	       runtime_get(app_db(app), w->a, put.id, &w->d, err);
}

bool
runtime_update(App *app, Req *q, Res *s, Err *err)
{
	Json body;
	RuntimeWork w = { .a = req_arena(q), .body = &body, .key = req_param(q, "ref") };

	if (!body_read(q, update_fields, countof(update_fields), &body, err) || !app_define(app, update_work, &w, err))
		return false;
	return res_data(s, 200, runtime_whole(w.a, &w.d), "Runtime updated successfully");
}

static bool
remove_work(App *app, void *self, Err *err)
{
	RuntimeWork *w = self;

	if (!runtime_find(app, w, err))
		return false;
	if (runtime_delete(app_db(app), w->a, w->d.id, app->uow->now, err))
		return true;
	if (err->code == ERR_CONFLICT)
		err->code = ERR_VALIDATION; /* in use: 422, as clients know it */
	return false;
}

bool
runtime_remove(App *app, Req *q, Res *s, Err *err)
{
	RuntimeWork w = { .a = req_arena(q), .key = req_param(q, "ref") };

	if (!app_define(app, remove_work, &w, err))
		return false;
	return answer_success(q, s, str_fmt(w.a, "Runtime '%.*s' deleted successfully", STR_ARG(w.d.ref)));
}
