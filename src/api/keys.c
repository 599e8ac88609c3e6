#include "api/access.h"
#include "api/audit.h"
#include "api/body.h"
#include "api/handlers.h"
#include "api/page.h"
#include "api/resource.h"
#include "api/view.h"
#include "engine/keys.h"
#include "store/action.h"
#include "store/change.h"
#include "store/pack.h"
#include "store/sensor.h"

enum { PAGE_DEFAULT = 50, PAGE_MOST = 100 };

/* ---- what is known of a key ---- */

static Target
target_of(const KeyRow *k)
{
	Str refs[] = { k->owner_pack_ref, k->owner_action_ref, k->owner_sensor_ref };
	Target t = { .id = k->id,
		.ref = k->ref,
		.pack_ref = k->owner_pack_ref,
		.owner_type = k->owner_type,
		.owner = k->owner_identity,
		.encrypted = k->encrypted ? 1 : -1,
		.asked = k->ref };

	for (size_t i = 0; i < countof(refs); i++)
		if (!str_none(refs[i]))
			t.owner_ref = refs[i];
	return t;
}

static bool
say(App *app, Req *q, const char *what, AuditOutcome outcome, const KeyRow *k, bool alone, Err *err)
{
	AuditNote note = { .category = AUDIT_SECRET,
		.outcome = outcome,
		.event_type = what,
		.resource_type = "key",
		.id = k->id,
		.ref = k->ref };

	return alone ? audit_now(app, q, &note, err) : audit_add(app, q, &note, err);
}

static Json
key_json(Arena *a, const KeyRow *k, Json value)
{
	Json o = json_object();

	json_add(a, &o, "id", json_int(k->id));
	json_add(a, &o, "ref", json_str(k->ref));
	json_add(a, &o, "name", json_str(k->name));
	json_add(a, &o, "owner_type", json_str(k->owner_type));
	json_add(a, &o, "owner", json_str(k->owner));
	json_add(a, &o, "owner_identity", json_id(k->owner_identity));
	json_add(a, &o, "owner_pack", json_id(k->owner_pack));
	json_add(a, &o, "owner_pack_ref", json_str(k->owner_pack_ref));
	json_add(a, &o, "owner_action", json_id(k->owner_action));
	json_add(a, &o, "owner_action_ref", json_str(k->owner_action_ref));
	json_add(a, &o, "owner_sensor", json_id(k->owner_sensor));
	json_add(a, &o, "owner_sensor_ref", json_str(k->owner_sensor_ref));
	json_add(a, &o, "encrypted", json_bool(k->encrypted));
	json_add(a, &o, "value", value);
	json_add(a, &o, "created", json_time(a, k->created));
	json_add(a, &o, "updated", json_time(a, k->updated));
	return o;
}

/* ---- reading ---- */

bool
keys_list(App *app, Req *q, Res *s, Err *err)
{
	KeyFilter f = { req_query(q, "owner_type"), req_query(q, "owner") };
	Page page = req_page(q, PAGE_DEFAULT, PAGE_MOST);
	Scope scope = app_scope(app, req_arena(q), "keys:read");
	Slice slice;
	SliceOut out;

	if (!page_slice_by(req_arena(q), &page, &slice, err) ||
	    !key_list(app_db(app), req_arena(q), &f, &scope, &slice, &out, err))
		return false;
	return answer_slice(q, s, &page, &out);
}

/* Plain values are read with the key; what is encrypted needs a right of its own. */
bool
key_show(App *app, Req *q, Res *s, Err *err)
{
	Arena *a = req_arena(q);
	Json value = json_null();
	KeyRow k;
	Target t;
	bool open;

	if (!key_get(app_db(app), a, req_param(q, "ref"), &k, err))
		return false;
	t = target_of(&k);
	if (!see(app, "keys:read", &t, err))
		return false;
	open = !k.encrypted || may(app, "keys:decrypt", &t);
	if (open && !key_plain(app->engine->vault, a, &k, &value, err))
		return false;
	return say(app, q, k.encrypted && open ? "key.decrypt" : "key.read", AUDIT_SUCCESS, &k, true, err) &&
	       res_data(s, 200, key_json(a, &k, value), NULL);
}

/* ---- whose it is ---- */

/* One way for a key to belong to something: the field with its id, the one with its ref (or the word `owner`). */
typedef struct OwnerKind {
	const char *type, *id, *ref;
	bool (*find)(App *app, Arena *a, Str key, KeyRow *k, Err *err);
} OwnerKind;

static bool
own_identity(App *app, Arena *a, Str key, KeyRow *k, Err *err)
{
	bool found;

	if (!key_identity(app_db(app), a, key, &k->owner_identity, &found, err))
		return false;
	return found || err_set(err, ERR_INVALID, "Identity '%.*s' not found", STR_ARG(key));
}

static bool
own_pack(App *app, Arena *a, Str key, KeyRow *k, Err *err)
{
	PackDef d;

	if (!resource_find(app, a, &packs, key, &d, err))
		return false;
	k->owner_pack = d.id;
	k->owner_pack_ref = d.ref;
	return true;
}

static bool
own_action(App *app, Arena *a, Str key, KeyRow *k, Err *err)
{
	ActionDef d;

	if (!resource_find(app, a, &actions, key, &d, err))
		return false;
	k->owner_action = d.id;
	k->owner_action_ref = d.ref;
	return true;
}

static bool
own_sensor(App *app, Arena *a, Str key, KeyRow *k, Err *err)
{
	SensorDef d;

	if (!resource_find(app, a, &sensors, key, &d, err))
		return false;
	k->owner_sensor = d.id;
	k->owner_sensor_ref = d.ref;
	return true;
}

static const OwnerKind owner_kinds[] = {
	{ "system", NULL, NULL, NULL },
	{ "identity", "owner_identity", NULL, own_identity },
	{ "pack", "owner_pack", "owner_pack_ref", own_pack },
	{ "action", "owner_action", "owner_action_ref", own_action },
	{ "sensor", "owner_sensor", "owner_sensor_ref", own_sensor },
};

static const OwnerKind *
kind_of(Str type)
{
	for (size_t i = 0; i < countof(owner_kinds); i++)
		if (str_is(type, owner_kinds[i].type))
			return &owner_kinds[i];
	return NULL;
}

static const char *
given_owner_field(const OwnerKind *k, const Json *body)
{
	if (k->id != NULL && !json_is_null(json_get(body, k->id)))
		return k->id;
	return k->ref != NULL && !json_is_null(json_get(body, k->ref)) ? k->ref : NULL;
}

/* Exactly the owner that its type wants, and no other. */
static bool
owner_read(App *app, Arena *a, const Json *body, KeyRow *k, Err *err)
{
	const OwnerKind *kind = kind_of(k->owner_type);
	const char *field;
	Str key;

	if (kind == NULL)
		return err_set(err, ERR_INVALID, "'%.*s' is no owner_type: system, identity, pack, action or sensor",
		    STR_ARG(k->owner_type));
	for (size_t i = 0; i < countof(owner_kinds); i++) {
		field = &owner_kinds[i] == kind ? NULL : given_owner_field(&owner_kinds[i], body);
		if (field != NULL)
			return err_set(err, ERR_INVALID, "A key of owner_type %s has no %s", kind->type, field);
	}
	k->owner = str_of("system");
	if (kind->find == NULL)
		return true;
	field = given_owner_field(kind, body);
	if (field == NULL)
		field = "owner";
	key = json_is(json_get(body, field), JSON_INT)
		  ? str_fmt(a, "%lld", (long long)json_as_int(json_get(body, field), 0))
		  : json_get_text(body, field);
	if (str_none(key) || key.n == 0)
		return err_set(err, ERR_INVALID, "A key of owner_type %s needs %s", kind->type,
		    kind->ref != NULL ? kind->ref : kind->id);
	if (!kind->find(app, a, key, k, err)) {
		if (err->code == ERR_NOT_FOUND)
			err->code = ERR_INVALID; /* the key is what was asked for, and it is not missing */
		return false;
	}
	k->owner =
	    str_fmt(a, "%lld", (long long)(k->owner_identity + k->owner_pack + k->owner_action + k->owner_sensor));
	return true;
}

/* ---- making ---- */

static const BodyField create_fields[] = {
	{ "ref", FIELD_TEXT | FIELD_NEEDED, 255 },
	{ "name", FIELD_TEXT | FIELD_NEEDED, 255 },
	{ "owner_type", FIELD_TEXT | FIELD_NEEDED, 20 },
	{ "owner", FIELD_TEXT, 255 },
	{ "owner_identity", FIELD_NUMBER, 0 },
	{ "owner_pack", FIELD_NUMBER, 0 },
	{ "owner_pack_ref", FIELD_TEXT, 255 },
	{ "owner_action", FIELD_NUMBER, 0 },
	{ "owner_action_ref", FIELD_TEXT, 255 },
	{ "owner_sensor", FIELD_NUMBER, 0 },
	{ "owner_sensor_ref", FIELD_TEXT, 255 },
	{ "encrypted", FIELD_BOOL, 0 },
};

typedef struct KeyWork {
	Arena *a;
	Req *q;
	const Json *body;
	KeyRow k;
	Json plain;
} KeyWork;

/* Segments with dots between them, lower case. */
static bool
ref_check(Str ref, Err *err)
{
	bool ok = ref.n > 0 && ref.p[0] != '.' && ref.p[ref.n - 1] != '.' && !str_find(ref, str_of(".."), NULL);

	for (size_t i = 0; ok && i < ref.n; i++)
		ok = (unsigned char)ref.p[i] > ' ' && ref.p[i] != '/' && ref.p[i] != 127 &&
		     !(ref.p[i] >= 'A' && ref.p[i] <= 'Z');
	return ok || err_set(err, ERR_VALIDATION,
			 "Validation failed: ref: '%.*s' is not lower-case segments with dots between them",
			 STR_ARG(str_sub(ref, 0, 100)));
}

static bool
value_check(const Json *value, Err *err)
{
	if (value == NULL)
		return err_set(err, ERR_VALIDATION, "Validation failed: value: is missing");
	if (json_has_vast(value))
		return err_set(err, ERR_VALIDATION,
		    "Validation failed: value: holds a number of more than 4096 digits or beyond 1e1000, which cannot "
		    "be kept");
	return !json_has_nul(value) ||
	       err_set(err, ERR_VALIDATION, "Validation failed: value: holds U+0000, which cannot be kept");
}

static bool
create_work(App *app, void *self, Err *err)
{
	KeyWork *w = self;
	Target t;

	if (!owner_read(app, w->a, w->body, &w->k, err))
		return false;
	t = target_of(&w->k);
	return need(app, "keys:create", &t, err) && key_seal(app->engine->vault, w->a, &w->k, &w->plain, err) &&
	       key_insert(app_db(app), w->a, &w->k, app->uow->now, err) &&
	       say(app, w->q, "key.create", AUDIT_SUCCESS, &w->k, false, err);
}

bool
key_create(App *app, Req *q, Res *s, Err *err)
{
	Json body;
	KeyWork w = { .a = req_arena(q), .q = q, .body = &body };

	if (!body_read(q, create_fields, countof(create_fields), &body, err) ||
	    !ref_check(json_get_text(&body, "ref"), err) || !value_check(json_get(&body, "value"), err))
		return false;
	w.k = (KeyRow){ .ref = json_get_text(&body, "ref"),
		.name = json_get_text(&body, "name"),
		.owner_type = json_get_text(&body, "owner_type"),
		.encrypted = json_as_bool(json_get(&body, "encrypted"), false) };
	w.plain = *json_get(&body, "value");
	return app_work(app, &points_create, create_work, &w, err) &&
	       res_data(s, 201, key_json(w.a, &w.k, w.plain), "Key created successfully");
}

/* ---- changing ---- */

static const BodyField update_fields[] = {
	{ "name", FIELD_TEXT, 255 },
	{ "encrypted", FIELD_BOOL, 0 },
};

static bool
key_reach(App *app, KeyWork *w, const char *right, Err *err)
{
	Target t;

	if (!key_get(app_db(app), w->a, req_param(w->q, "ref"), &w->k, err))
		return false;
	t = target_of(&w->k);
	return reach(app, right, &t, err);
}

/* The stored value is made what `encrypted` says, whether a new one is given or not. To show what was encrypted is to decrypt it. */
static bool
update_work(App *app, void *self, Err *err)
{
	KeyWork *w = self;
	const Json *given = json_get(w->body, "value");
	bool was;
	Target t;

	if (!change_lock(app_db(app), w->a, err) || !key_reach(app, w, "keys:update", err))
		return false;
	was = w->k.encrypted;
	t = target_of(&w->k);
	body_text(w->body, "name", &w->k.name);
	if (given != NULL)
		w->plain = *given;
	else if (!key_plain(app->engine->vault, w->a, &w->k, &w->plain, err))
		return false;
	body_bool(w->body, "encrypted", &w->k.encrypted);
	if (was && !w->k.encrypted && given == NULL && !need(app, "keys:decrypt", &t, err))
		return false;
	if (!key_seal(app->engine->vault, w->a, &w->k, &w->plain, err) ||
	    !key_update(app_db(app), w->a, &w->k, app->uow->now, err))
		return false;
	w->k.updated = app->uow->now;
	if (was && given == NULL && !may(app, "keys:decrypt", &t))
		w->plain = json_null();
	return say(app, w->q, "key.update", AUDIT_SUCCESS, &w->k, false, err);
}

bool
key_change(App *app, Req *q, Res *s, Err *err)
{
	Json body;
	KeyWork w = { .a = req_arena(q), .q = q, .body = &body };

	if (!body_read(q, update_fields, countof(update_fields), &body, err))
		return false;
	if (json_get(&body, "value") != NULL && !value_check(json_get(&body, "value"), err))
		return false;
	return app_work(app, &points_create, update_work, &w, err) &&
	       res_data(s, 200, key_json(w.a, &w.k, w.plain), "Key updated successfully");
}

static bool
remove_work(App *app, void *self, Err *err)
{
	KeyWork *w = self;

	return key_reach(app, w, "keys:delete", err) && key_delete(app_db(app), w->a, &w->k, app->uow->now, err) &&
	       say(app, w->q, "key.delete", AUDIT_SUCCESS, &w->k, false, err);
}

bool
key_remove(App *app, Req *q, Res *s, Err *err)
{
	KeyWork w = { .a = req_arena(q), .q = q };

	return app_work(app, &points_create, remove_work, &w, err) &&
	       answer_success(q, s, str_fmt(w.a, "Key '%.*s' deleted successfully", STR_ARG(w.k.ref)));
}
