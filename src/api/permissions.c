/* Permission sets, and who is given them, directly or by a role. */
#include "api/given.h"

#include "access/access.h"
#include "api/body.h"
#include "api/administrators.h"
#include "api/handlers.h"
#include "api/session.h"
#include "api/view.h"
#include "store/permission_set.h"

/* ---- as JSON ---- */

Json
assignment_json(Arena *a, const Assignment *x)
{
	Json o = json_object();

	json_add(a, &o, "id", json_int(x->id));
	json_add(a, &o, "identity_id", json_int(x->identity));
	json_add(a, &o, "permission_set_id", json_int(x->set));
	json_add(a, &o, "permission_set_ref", json_str(x->set_ref));
	json_add(a, &o, "created", json_time(a, x->created));
	return o;
}

Json
role_json(Arena *a, const Assignment *x)
{
	Json o = json_object();

	json_add(a, &o, "id", json_int(x->id));
	json_add(a, &o, "identity_id", json_int(x->identity));
	json_add(a, &o, "role", json_str(x->role));
	json_add(a, &o, "source", json_str(x->source));
	json_add(a, &o, "managed", json_bool(x->managed));
	json_add(a, &o, "created", json_time(a, x->created));
	json_add(a, &o, "updated", json_time(a, x->updated));
	return o;
}

Json
role_set_json(Arena *a, const Assignment *x)
{
	Json o = json_object();

	json_add(a, &o, "id", json_int(x->id));
	json_add(a, &o, "permission_set_id", json_int(x->set));
	json_add(a, &o, "permission_set_ref", json_str(x->set_ref));
	json_add(a, &o, "role", json_str(x->role));
	json_add(a, &o, "created", json_time(a, x->created));
	return o;
}

bool
answer_done(Res *s, Arena *a, const char *message)
{
	Json o = json_object();

	json_add(a, &o, "success", json_bool(true));
	json_add(a, &o, "message", json_cstr(message));
	return res_data(s, 200, o, NULL);
}

static bool
set_json(App *app, Arena *a, const PermissionSetDef *d, Json *ret, Err *err)
{
	Json roles = json_array();
	Assignment *list;
	size_t n;

	if (!assignment_list(app_db(app), a, ASSIGN_ROLE_SET, d->id, &list, &n, err))
		return false;
	for (size_t i = 0; i < n; i++)
		json_push(a, &roles, role_set_json(a, &list[i]));
	*ret = json_object();
	json_add(a, ret, "id", json_int(d->id));
	json_add(a, ret, "ref", json_str(d->ref));
	json_add(a, ret, "pack_ref", json_str(d->pack_ref));
	json_add(a, ret, "label", json_str(d->label));
	json_add(a, ret, "description", json_str(d->description));
	json_add(a, ret, "grants", d->grants.kind == JSON_ARRAY ? d->grants : json_array());
	json_add(a, ret, "roles", roles);
	return true;
}

/* ---- the limit of giving ---- */

bool
delegate_grants(App *app, Arena *a, const Json *grants, Str set_ref, Err *err)
{
	Str missing;

	if (grants_cover(app_caller(app), a, grants, &missing))
		return true;
	return err_set(err, ERR_FORBIDDEN,
	    "You cannot give more than you have: %.*s%.*s gives %.*s, which you do not hold as widely",
	    STR_ARG(str_none(set_ref) ? str_of("this") : str_of("permission set ")), STR_ARG(set_ref),
	    STR_ARG(missing));
}

static bool
delegate_sets(App *app, Arena *a, const PermissionSetDef *sets, size_t n, Err *err)
{
	for (size_t i = 0; i < n; i++)
		if (!delegate_grants(app, a, &sets[i].grants, sets[i].ref, err))
			return false;
	return true;
}

bool
delegate_role(App *app, Arena *a, Str role, Err *err)
{
	PermissionSetDef *sets;
	size_t n;

	return role_sets(app_db(app), a, role, &sets, &n, err) && delegate_sets(app, a, sets, n, err);
}

bool
delegate_identity(App *app, Arena *a, Id identity, Err *err)
{
	PermissionSetDef *sets;
	size_t n;

	return identity_sets(app_db(app), a, identity, &sets, &n, err) && delegate_sets(app, a, sets, n, err);
}

bool
delegate_refs(App *app, Arena *a, const Json *refs, Err *err)
{
	for (size_t i = 0; json_is(refs, JSON_ARRAY) && i < refs->n; i++) {
		Str ref = json_as_str(&refs->items[i]);
		PermissionSetDef d;

		if (str_is(ref, "standard"))
			continue;
		if (!permission_set_get_ref(app_db(app), a, ref, &d, err)) {
			if (err->code == ERR_NOT_FOUND)
				err_set(err, ERR_VALIDATION,
				    "Validation failed: permission_set_refs: permission set '%.*s' not found",
				    STR_ARG(ref));
			return false;
		}
		if (!delegate_grants(app, a, &d.grants, d.ref, err))
			return false;
	}
	return true;
}

/* ---- permission sets ---- */

static Target
set_target(const PermissionSetDef *d)
{
	return (Target){ .id = d->id, .ref = d->ref, .pack_ref = d->pack_ref };
}

bool
permission_sets_list(App *app, Req *q, Res *s, Err *err)
{
	DefFilter f = { .pack_ref = req_query(q, "pack_ref") };
	Arena *a = req_arena(q);
	Json rows = json_array();
	PermissionSetDef *sets;
	size_t n;

	if (!permission_set_list(app_db(app), a, &f, &sets, &n, NULL, err))
		return false;
	for (size_t i = 0; i < n; i++) {
		Target t = set_target(&sets[i]);
		Json o;

		if (!may(app, "permissions:read", &t))
			continue;
		if (!set_json(app, a, &sets[i], &o, err))
			return false;
		json_push(a, &rows, o);
	}
	return res_json(s, 200, &rows);
}

typedef struct SetWork {
	Arena *a;
	const Json *body;
	PermissionSetDef d;
} SetWork;

static bool
set_reach(App *app, Req *q, const char *right, PermissionSetDef *ret, Err *err)
{
	Target t;
	Str key = req_param(q, "id");
	Id id;

	if (str_to_int(key, &id) ? !permission_set_get(app_db(app), req_arena(q), id, ret, err)
				 : !permission_set_get_ref(app_db(app), req_arena(q), key, ret, err))
		return false;
	t = set_target(ret);
	t.asked = key;
	return reach(app, right, &t, err);
}

static bool
set_work(App *app, void *self, Err *err)
{
	SetWork *w = self;
	DefPut put;

	if (!permission_set_get(app_db(app), w->a, w->d.id, &w->d, err))
		return false;
	body_text(w->body, "label", &w->d.label);
	body_text(w->body, "description", &w->d.description);
	body_json(w->body, "grants", &w->d.grants);
	return permission_set_put(app_db(app), w->a, &w->d, app->uow->now, &put, err);
}

bool
permission_set_update(App *app, Req *q, Res *s, Err *err)
{
	static const BodyField set_fields[] = {
		{ "grants", FIELD_ITEMS | FIELD_NEEDED, 0 },
		{ "label", FIELD_TEXT, 255 },
		{ "description", FIELD_TEXT, 0 },
	};
	SetWork w = { .a = req_arena(q) };
	Json body, o;

	if (!body_read(q, set_fields, countof(set_fields), &body, err))
		return false;
	w.body = &body;
	if (!set_reach(app, q, "permissions:manage", &w.d, err) || !grants_check(json_get(&body, "grants"), err) ||
	    !delegate_grants(app, w.a, json_get(&body, "grants"), (Str){ 0 }, err) ||
	    !define_keeping_one(app, set_work, &w, err))
		return false;
	app_rights_changed(app);
	return set_json(app, w.a, &w.d, &o, err) && res_data(s, 200, o, "Permission set updated successfully");
}

/* ---- giving ---- */

typedef struct Give {
	AssignmentKind kind;
	Assignment x;
} Give;

static bool
give_work(App *app, void *self, Err *err)
{
	Give *g = self;

	return assignment_put(app_db(app), app->uow->arena, g->kind, &g->x, app->uow->now, err);
}

static bool
give(App *app, Arena *a, AssignmentKind kind, Assignment *x, Err *err)
{
	Give g = { .kind = kind, .x = *x };

	if (!app_define(app, give_work, &g, err))
		return false;
	app_rights_changed(app);
	return assignment_get(app_db(app), a, kind, g.x.id, x, err);
}

static bool
take_work(App *app, void *self, Err *err)
{
	const Give *g = self;

	return assignment_delete(app_db(app), app->uow->arena, g->kind, g->x.id, app->uow->now, err);
}

static bool
take_back(App *app, Res *s, Arena *a, AssignmentKind kind, const Assignment *x, const char *message, Err *err)
{
	Give g = { .kind = kind, .x = *x };

	if (!define_keeping_one(app, take_work, &g, err))
		return false;
	app_rights_changed(app);
	return answer_done(s, a, message);
}

static const BodyField assign_fields[] = {
	{ "identity_id", FIELD_NUMBER, 0 },
	{ "identity_login", FIELD_TEXT, 255 },
	{ "permission_set_ref", FIELD_TEXT | FIELD_NEEDED, 255 },
};

static bool
assign_read(App *app, Arena *a, const Json *body, IdentityDef *who, PermissionSetDef *set, Err *err)
{
	Id id = json_as_int(json_get(body, "identity_id"), 0);
	Str login = json_get_text(body, "identity_login");

	if (id == 0 && str_none(login))
		return err_set(err, ERR_VALIDATION, "Validation failed: identity_id: is missing, or identity_login");
	if (id != 0 ? !identity_get(app_db(app), a, id, who, err)
		    : !identity_get_login(app_db(app), a, login, who, err))
		return false;
	return permission_set_get_ref(app_db(app), a, json_get_text(body, "permission_set_ref"), set, err);
}

bool
assignment_create(App *app, Req *q, Res *s, Err *err)
{
	Arena *a = req_arena(q);
	IdentityDef who;
	PermissionSetDef set;
	Assignment x = { 0 };
	Target t;
	Json body;

	if (!body_read(q, assign_fields, countof(assign_fields), &body, err) ||
	    !assign_read(app, a, &body, &who, &set, err))
		return false;
	t = set_target(&set);
	if (!need(app, "permissions:manage", &t, err) || !delegate_grants(app, a, &set.grants, set.ref, err))
		return false;
	x.identity = who.id;
	x.set = set.id;
	return give(app, a, ASSIGN_SET, &x, err) &&
	       res_data(s, 201, assignment_json(a, &x), "Permission set assigned successfully");
}

bool
assignment_remove(App *app, Req *q, Res *s, Err *err)
{
	Arena *a = req_arena(q);
	PermissionSetDef set;
	Assignment x;
	Target t;
	Id id;

	if (!req_id(q, "id", &id, err) || !assignment_get(app_db(app), a, ASSIGN_SET, id, &x, err) ||
	    !permission_set_get(app_db(app), a, x.set, &set, err))
		return false;
	t = set_target(&set);
	return need(app, "permissions:manage", &t, err) &&
	       take_back(app, s, a, ASSIGN_SET, &x, "Permission assignment deleted successfully", err);
}

bool
identity_permissions(App *app, Req *q, Res *s, Err *err)
{
	Arena *a = req_arena(q);
	Json rows = json_array();
	IdentityDef who;
	Assignment *list;
	size_t n;
	Id id;

	if (!req_id(q, "id", &id, err) || !identity_get(app_db(app), a, id, &who, err) ||
	    !assignment_list(app_db(app), a, ASSIGN_SET, id, &list, &n, err))
		return false;
	for (size_t i = 0; i < n; i++) {
		Target t = { .id = list[i].set, .ref = list[i].set_ref };

		if (may(app, "permissions:read", &t))
			json_push(a, &rows, assignment_json(a, &list[i]));
	}
	return res_json(s, 200, &rows);
}

/* ---- roles ---- */

static const BodyField role_fields[] = {
	{ "role", FIELD_TEXT | FIELD_NEEDED, 255 },
};

bool
identity_role_create(App *app, Req *q, Res *s, Err *err)
{
	Arena *a = req_arena(q);
	IdentityDef who;
	Assignment x = { 0 };
	Json body;
	Id id;

	if (!req_id(q, "id", &id, err) || !body_read(q, role_fields, countof(role_fields), &body, err) ||
	    !identity_get(app_db(app), a, id, &who, err))
		return false;
	x.identity = who.id;
	x.role = json_get_text(&body, "role");
	return need(app, "permissions:manage", &(Target){ 0 }, err) && delegate_role(app, a, x.role, err) &&
	       give(app, a, ASSIGN_ROLE, &x, err) && res_data(s, 201, role_json(a, &x), "Role assigned successfully");
}

bool
identity_role_remove(App *app, Req *q, Res *s, Err *err)
{
	Arena *a = req_arena(q);
	Assignment x;
	Id id;

	if (!req_id(q, "id", &id, err) || !assignment_get(app_db(app), a, ASSIGN_ROLE, id, &x, err) ||
	    !need(app, "permissions:manage", &(Target){ 0 }, err))
		return false;
	if (x.managed)
		return err_set(err, ERR_CONFLICT, "Role '%.*s' is managed by %.*s: take it back there", STR_ARG(x.role),
		    STR_ARG(x.source));
	return take_back(app, s, a, ASSIGN_ROLE, &x, "Role assignment deleted successfully", err);
}

bool
permission_set_role_create(App *app, Req *q, Res *s, Err *err)
{
	Arena *a = req_arena(q);
	PermissionSetDef set;
	Assignment x = { 0 };
	Json body;

	if (!body_read(q, role_fields, countof(role_fields), &body, err) ||
	    !set_reach(app, q, "permissions:manage", &set, err) || !delegate_grants(app, a, &set.grants, set.ref, err))
		return false;
	x.set = set.id;
	x.role = json_get_text(&body, "role");
	return give(app, a, ASSIGN_ROLE_SET, &x, err) &&
	       res_data(s, 201, role_set_json(a, &x), "Permission set given to the role successfully");
}

bool
permission_set_role_remove(App *app, Req *q, Res *s, Err *err)
{
	Arena *a = req_arena(q);
	PermissionSetDef set;
	Assignment x;
	Target t;
	Id id;

	if (!req_id(q, "id", &id, err) || !assignment_get(app_db(app), a, ASSIGN_ROLE_SET, id, &x, err) ||
	    !permission_set_get(app_db(app), a, x.set, &set, err))
		return false;
	t = set_target(&set);
	return need(app, "permissions:manage", &t, err) &&
	       take_back(app, s, a, ASSIGN_ROLE_SET, &x, "Permission set role assignment deleted successfully", err);
}
