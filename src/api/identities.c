/* Identities: who there is, and what each was given. */
#include "api/resource.h"

#include "api/access.h"
#include "api/body.h"
#include "api/given.h"
#include "api/administrators.h"
#include "api/handlers.h"
#include "api/identity_stop.h"
#include "api/session.h"
#include "engine/moves.h"
#include "store/execution_read.h"

/* ---- as JSON ---- */

static Json
identity_base(Arena *a, const IdentityDef *d)
{
	Json o = json_object();

	json_add(a, &o, "id", json_int(d->id));
	json_add(a, &o, "login", json_str(d->login));
	json_add(a, &o, "display_name", json_str(d->display_name));
	json_add(a, &o, "frozen", json_bool(d->frozen));
	json_add(a, &o, "attributes", d->attributes.kind == JSON_NULL ? json_object() : d->attributes);
	return o;
}

static bool
identity_json(App *app, Arena *a, const IdentityDef *d, Json *ret, Err *err)
{
	Json roles = json_array(), sets = json_array();
	Assignment *list;
	size_t n;

	if (!assignment_list(app_db(app), a, ASSIGN_ROLE, d->id, &list, &n, err))
		return false;
	for (size_t i = 0; i < n; i++)
		json_push(a, &roles, role_json(a, &list[i]));
	if (!assignment_list(app_db(app), a, ASSIGN_SET, d->id, &list, &n, err))
		return false;
	for (size_t i = 0; i < n; i++)
		json_push(a, &sets, assignment_json(a, &list[i]));
	*ret = identity_base(a, d);
	json_add(a, ret, "roles", roles);
	json_add(a, ret, "direct_permissions", sets);
	return true;
}

Target
identity_target(const IdentityDef *d, Str asked)
{
	return (
	    Target){ .id = d->id, .ref = d->login, .owner = d->id, .owner_type = str_of("identity"), .asked = asked };
}

static bool
identity_find(App *app, Arena *a, Str key, IdentityDef *ret, Err *err)
{
	Id id;

	return str_to_int(key, &id) ? identity_get(app_db(app), a, id, ret, err)
				    : identity_get_login(app_db(app), a, key, ret, err);
}

bool
identity_reach(App *app, Arena *a, Str key, const char *right, IdentityDef *ret, Err *err)
{
	Target t;

	if (!identity_find(app, a, key, ret, err))
		return false;
	t = identity_target(ret, key);
	return reach(app, right, &t, err);
}

/* ---- lists ---- */

typedef struct Roles {
	Assignment *all;
	size_t n;
} Roles;

static Json
summary(Arena *a, const IdentityDef *d, const Roles *r)
{
	Json o = identity_base(a, d), names = json_array();

	for (size_t i = 0; i < r->n; i++)
		if (r->all[i].identity == d->id)
			json_push(a, &names, json_str(r->all[i].role));
	json_add(a, &o, "roles", names);
	return o;
}

bool
identities_list(App *app, Req *q, Res *s, Err *err)
{
	Page page = req_page(q, 50, 100);
	Arena *a = req_arena(q);
	Json rows = json_array();
	ListEnd end = { 0 };
	Str after;
	Roles roles;
	void *all;
	size_t n;

	if (!page_after(a, &page, &after, err) ||
	    !def_list(app_db(app), a, &identity_table, NULL, &all, &n, NULL, err) ||
	    !assignment_list(app_db(app), a, ASSIGN_ROLE, 0, &roles.all, &roles.n, err))
		return false;
	for (size_t i = 0; i < n; i++) {
		const IdentityDef *d = (const IdentityDef *)all + i;
		Target t = identity_target(d, (Str){ 0 });

		if (!may(app, "identities:read", &t))
			continue;
		end.total++;
		if (!str_none(after) ? str_cmp(d->login, after) <= 0 : end.total <= page.offset)
			continue;
		end.more = rows.n >= page.size;
		if (end.more)
			continue;
		json_push(a, &rows, summary(a, d, &roles));
		end.last = d->login;
	}
	return answer_list(q, s, &page, rows, &end);
}

bool
identity_show(App *app, Req *q, Res *s, Err *err)
{
	Arena *a = req_arena(q);
	IdentityDef d;
	Json o;

	return identity_reach(app, a, req_param(q, "id"), "identities:read", &d, err) &&
	       identity_json(app, a, &d, &o, err) && res_data(s, 200, o, NULL);
}

/* ---- making and changing ---- */

static const BodyField fields[] = {
	{ "login", FIELD_TEXT, 0 },
	{ "password", FIELD_TEXT, 0 },
	{ "display_name", FIELD_TEXT, 255 },
	{ "attributes", FIELD_MAP, 0 },
	{ "frozen", FIELD_BOOL, 0 },
};

typedef struct IdentityWork {
	Arena *a;
	const Json *body;
	IdentityDef d;
	Str password_hash;
} IdentityWork;

static void
fill(IdentityWork *w)
{
	body_text(w->body, "display_name", &w->d.display_name);
	body_json(w->body, "attributes", &w->d.attributes);
	body_bool(w->body, "frozen", &w->d.frozen);
	if (!str_none(w->password_hash))
		w->d.password_hash = w->password_hash;
}

/* Hashed before any transaction begins; *ret_asleep: there is no answer yet. */
static bool
new_password(App *app, Req *q, Res *s, IdentityWork *w, bool *ret_asleep, Err *err)
{
	HashJob job = { .make = json_get_text(w->body, "password") };
	HashResult result;

	*ret_asleep = false;
	if (str_none(job.make))
		return true;
	if (!password_fits(job.make, "password", err) || !password_work(app, q, s, &job, &result, ret_asleep, err))
		return false;
	if (*ret_asleep)
		return true;
	if (!result.good)
		return err_set(err, ERR_SYS, "no memory to hash a password");
	w->password_hash = result.hash;
	return true;
}

static bool
create_work(App *app, void *self, Err *err)
{
	IdentityWork *w = self;
	Err why = { 0 };
	IdentityDef there;
	DefPut put;

	if (identity_get_login(app_db(app), w->a, w->d.login, &there, &why))
		return err_set(err, ERR_CONFLICT, "Identity with login '%.*s' already exists", STR_ARG(w->d.login));
	fill(w);
	return identity_put(app_db(app), w->a, &w->d, app->uow->now, &put, err);
}

bool
identity_create(App *app, Req *q, Res *s, Err *err)
{
	IdentityWork w = { .a = req_arena(q) };
	Target t;
	bool asleep;
	Json body, o;

	if (!body_read(q, fields, countof(fields), &body, err))
		return false;
	w.body = &body;
	w.d = (IdentityDef){ .login = json_get_text(&body, "login"), .attributes = json_object() };
	t = identity_target(&w.d, (Str){ 0 });
	if (!login_fits(w.d.login, err) || !need(app, "identities:create", &t, err) ||
	    !new_password(app, q, s, &w, &asleep, err))
		return false;
	if (asleep)
		return true;
	return app_define(app, create_work, &w, err) && identity_json(app, w.a, &w.d, &o, err) &&
	       res_data(s, 201, o, "Identity created successfully");
}

static bool
update_work(App *app, void *self, Err *err)
{
	IdentityWork *w = self;
	bool frozen = w->d.frozen;
	DefPut put;

	if (!identity_get(app_db(app), w->a, w->d.id, &w->d, err))
		return false;
	frozen = w->d.frozen;
	if (w->body != NULL)
		fill(w);
	if (!identity_put(app_db(app), w->a, &w->d, app->uow->now, &put, err))
		return false;
	if (!frozen && w->d.frozen && !identity_stop(app, w->d.id, "the identity was frozen", err))
		return false;
	if (frozen != w->d.frozen && !identity_rules_look(app, w->d.id, err))
		return false;
	return str_none(w->password_hash) || sessions_end(app_db(app), w->a, &(SessionsOf){ .identity = w->d.id },
						 "the password was changed", app->uow->now, err);
}

static bool
not_system(const IdentityDef *d, const char *what, Err *err)
{
	return d->id != IDENTITY_SYSTEM ||
	       err_set(err, ERR_CONFLICT, "Identity 1 is the platform itself and cannot be %s", what);
}

/* Whoever sets another's password may do all that the other may. */
static bool
may_impersonate(App *app, Arena *a, const IdentityDef *d, Err *err)
{
	return d->id == app_caller(app)->identity || delegate_identity(app, a, d->id, err);
}

bool
identity_update(App *app, Req *q, Res *s, Err *err)
{
	IdentityWork w = { .a = req_arena(q) };
	bool asleep;
	Json body, o;

	if (!body_read(q, fields, countof(fields), &body, err))
		return false;
	w.body = &body;
	if (!identity_reach(app, w.a, req_param(q, "id"), "identities:update", &w.d, err) ||
	    !not_system(&w.d, "changed", err))
		return false;
	if ((!str_none(json_get_text(&body, "password")) || json_get(&body, "attributes") != NULL) &&
	    !may_impersonate(app, w.a, &w.d, err))
		return false;
	if (!new_password(app, q, s, &w, &asleep, err))
		return false;
	if (asleep)
		return true;
	if (!define_keeping_one(app, update_work, &w, err))
		return false;
	app_rights_changed(app);
	return identity_json(app, w.a, &w.d, &o, err) && res_data(s, 200, o, "Identity updated successfully");
}

static bool
remove_work(App *app, void *self, Err *err)
{
	IdentityWork *w = self;

	return identity_stop(app, w->d.id, "the identity was deleted", err) && identity_rules_off(app, w->d.id, err) &&
	       identity_delete(app_db(app), w->a, w->d.id, app->uow->now, err);
}

bool
identity_remove(App *app, Req *q, Res *s, Err *err)
{
	IdentityWork w = { .a = req_arena(q) };

	if (!identity_reach(app, w.a, req_param(q, "id"), "identities:delete", &w.d, err) ||
	    !not_system(&w.d, "deleted", err))
		return false;
	if (w.d.id == app_caller(app)->identity)
		return err_set(err, ERR_CONFLICT, "You cannot delete yourself: ask another administrator");
	if (!define_keeping_one(app, remove_work, &w, err)) {
		if (err->code == ERR_VALIDATION)
			err_set(
			    err, ERR_VALIDATION, "Identity '%.*s' cannot be deleted: it owns keys", STR_ARG(w.d.login));
		return false;
	}
	app_rights_changed(app);
	return answer_done(s, w.a, "Identity deleted successfully");
}

/* ---- freezing ---- */

static bool
freeze_work(App *app, void *self, Err *err)
{
	IdentityWork *w = self;
	bool freeze = w->d.frozen;
	DefPut put;

	if (!identity_get(app_db(app), w->a, w->d.id, &w->d, err))
		return false;
	w->d.frozen = freeze;
	return identity_put(app_db(app), w->a, &w->d, app->uow->now, &put, err) &&
	       identity_rules_look(app, w->d.id, err) &&
	       (!freeze || identity_stop(app, w->d.id, "the identity was frozen", err));
}

static bool
identity_switch(App *app, Req *q, Res *s, bool freeze, Err *err)
{
	IdentityWork w = { .a = req_arena(q) };

	if (!identity_reach(app, w.a, req_param(q, "id"), "identities:update", &w.d, err) ||
	    !not_system(&w.d, "frozen", err))
		return false;
	if (freeze && w.d.id == app_caller(app)->identity)
		return err_set(err, ERR_CONFLICT, "You cannot freeze yourself: ask another administrator");
	w.d.frozen = freeze;
	if (!define_keeping_one(app, freeze_work, &w, err))
		return false;
	app_rights_changed(app);
	return answer_done(s, w.a, freeze ? "Identity frozen successfully" : "Identity unfrozen successfully");
}

bool
identity_freeze(App *app, Req *q, Res *s, Err *err)
{
	return identity_switch(app, q, s, true, err);
}

bool
identity_unfreeze(App *app, Req *q, Res *s, Err *err)
{
	return identity_switch(app, q, s, false, err);
}
