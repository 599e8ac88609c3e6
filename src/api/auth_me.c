/* What users see and change of themselves, and the tokens of sensors. */
#include "access/access.h"
#include "api/access.h"
#include "api/body.h"
#include "api/handlers.h"
#include "api/session.h"

/* ---- who am I? ---- */

static bool
me_json(App *app, Arena *a, Json *ret, Err *err)
{
	IdentityDef d;
	PermissionSetDef *sets;
	Json refs = json_array();
	size_t n;

	if (!identity_get(app_db(app), a, app_caller(app)->identity, &d, err) ||
	    !identity_sets(app_db(app), a, d.id, &sets, &n, err))
		return false;
	for (size_t i = 0; i < n; i++)
		json_push(a, &refs, json_str(sets[i].ref));
	*ret = json_object();
	json_add(a, ret, "id", json_int(d.id));
	json_add(a, ret, "login", json_str(d.login));
	json_add(a, ret, "display_name", json_str(d.display_name));
	json_add(a, ret, "auth_provider", json_cstr("local"));
	json_add(a, ret, "is_local", json_bool(true));
	json_add(a, ret, "can_change_password", json_bool(!str_none(d.password_hash)));
	json_add(a, ret, "effective_permissions", grants_json(a, app_caller(app)->grants));
	json_add(a, ret, "assigned_permission_set_refs", refs);
	return true;
}

bool
auth_me(App *app, Req *q, Res *s, Err *err)
{
	Json me;

	return me_json(app, req_arena(q), &me, err) && res_data(s, 200, me, NULL);
}

typedef struct MeWork {
	Id id, session;
	const Json *body;
	Str password_hash; /* none: stays */
} MeWork;

static bool
me_work(App *app, void *self, Err *err)
{
	MeWork *w = self;
	Arena *a = app->uow->arena;
	IdentityDef d;
	DefPut put;

	if (!identity_get(app_db(app), a, w->id, &d, err))
		return false;
	if (w->body != NULL)
		body_text(w->body, "display_name", &d.display_name);
	if (str_none(w->password_hash))
		return identity_put(app_db(app), a, &d, app->uow->now, &put, err);
	d.password_hash = w->password_hash;
	return identity_put(app_db(app), a, &d, app->uow->now, &put, err) &&
	       sessions_end(app_db(app), a, &(SessionsOf){ .identity = w->id, .but = w->session },
		   "the password was changed", app->uow->now, err);
}

bool
auth_me_update(App *app, Req *q, Res *s, Err *err)
{
	static const BodyField fields[] = { { "display_name", FIELD_TEXT, 255 } };
	MeWork w = { .id = app_caller(app)->identity };
	Json body, me;

	if (!body_read(q, fields, countof(fields), &body, err))
		return false;
	w.body = &body;
	return app_define(app, me_work, &w, err) && me_json(app, req_arena(q), &me, err) && res_data(s, 200, me, NULL);
}

/* ---- changing the password ---- */

static const BodyField password_fields[] = {
	{ "current_password", FIELD_TEXT | FIELD_NEEDED, 0 },
	{ "new_password", FIELD_TEXT | FIELD_NEEDED, 0 },
};

static bool
password_store(App *app, Req *q, Res *s, const HashResult *r, Err *err)
{
	MeWork w = { .id = app_caller(app)->identity, .session = app_caller(app)->session, .password_hash = r->hash };
	AuditNote wrong = { .category = AUDIT_AUTH,
		.outcome = AUDIT_FAILURE,
		.event_type = "auth.change-password",
		.resource_type = "identity",
		.id = w.id };
	Json o = json_object();

	if (!r->good)
		return audit_now(app, q, &wrong, err) &&
		       err_set(err, ERR_UNAUTHORIZED, "The current password is wrong");
	if (!app_define(app, me_work, &w, err))
		return false;
	app_rights_changed(app);
	json_add(req_arena(q), &o, "success", json_bool(true));
	json_add(req_arena(q), &o, "message", json_cstr("Password changed; other sessions have ended"));
	return res_data(s, 200, o, NULL);
}

bool
auth_change_password(App *app, Req *q, Res *s, Err *err)
{
	HashResult result;
	HashJob job = { 0 };
	IdentityDef who;
	bool asleep;
	Json body;

	if (!body_read(q, password_fields, countof(password_fields), &body, err))
		return false;
	job.check = json_get_text(&body, "current_password");
	job.make = json_get_text(&body, "new_password");
	if (!password_fits(job.make, "new_password", err) ||
	    !identity_get(app_db(app), req_arena(q), app_caller(app)->identity, &who, err))
		return false;
	job.against = who.password_hash;
	if (!password_guess(app, q, s, who.login, &job, &result, &asleep, err))
		return false;
	return asleep || password_store(app, q, s, &result, err);
}

/* ---- tokens of sensors ---- */

enum { SENSOR_LEAST = 3600, SENSOR_USUAL = 86400, SENSOR_MOST = 259200 };

static const BodyField sensor_fields[] = {
	{ "sensor_ref", FIELD_TEXT | FIELD_NEEDED, 255 },
	{ "trigger_types", FIELD_REFS | FIELD_NEEDED, 0 },
	{ "ttl_seconds", FIELD_NUMBER, 0 },
};

/* Each sensor has an identity of its own, without a password. */
static bool
sensor_identity(App *app, void *self, Err *err)
{
	IdentityDef *d = self;
	DefPut put;
	Err why = { 0 };
	IdentityDef there;

	if (identity_get_login(app_db(app), app->uow->arena, d->login, &there, &why)) {
		d->id = there.id;
		d->frozen = there.frozen;
		return true;
	}
	if (why.code == ERR_NOT_FOUND)
		return identity_put(app_db(app), app->uow->arena, d, app->uow->now, &put, err);
	*err = why;
	return false;
}

static bool
sensor_answer(App *app, Req *q, Res *s, const Json *body, Err *err)
{
	Arena *a = req_arena(q);
	Str ref = json_get_text(body, "sensor_ref");
	const Json *types = json_get(body, "trigger_types");
	int64_t life = json_as_int(json_get(body, "ttl_seconds"), SENSOR_USUAL);
	IdentityDef d = { .login = str_fmt(a, "sensor:%.*s", STR_ARG(ref)), .attributes = json_object() };
	Json o = json_object();

	if (types->n == 0 || life < SENSOR_LEAST || life > SENSOR_MOST)
		return err_set(err, ERR_VALIDATION,
		    "Validation failed: trigger_types must name a trigger, ttl_seconds be from %d to %d", SENSOR_LEAST,
		    SENSOR_MOST);
	if (!app_define(app, sensor_identity, &d, err))
		return false;
	if (d.frozen)
		return err_set(err, ERR_FORBIDDEN, "The identity '%.*s' is frozen", STR_ARG(d.login));
	json_add(a, &o, "identity_id", json_int(d.id));
	json_add(a, &o, "sensor_ref", json_str(ref));
	json_add(a, &o, "token", json_str(access_sensor_token(app->access, a, d.id, ref, types, 0, life * US_PER_S)));
	json_add(a, &o, "expires_at", json_str(time_text(a, app_now(app) / US_PER_S * US_PER_S + life * US_PER_S)));
	json_add(a, &o, "trigger_types", *types);
	return res_data(s, 200, o, NULL);
}

bool
auth_sensor_token(App *app, Req *q, Res *s, Err *err)
{
	Target t = { 0 };
	Json body;

	if (!body_read(q, sensor_fields, countof(sensor_fields), &body, err))
		return false;
	t.ref = json_get_text(&body, "sensor_ref");
	t.pack_ref = ref_pack(t.ref);
	return need(app, "triggers:update", &t, err) && sensor_answer(app, q, s, &body, err);
}

/* For workers, which look after sensors. */
bool
auth_internal_sensor_token(App *app, Req *q, Res *s, Err *err)
{
	Json body;

	return body_read(q, sensor_fields, countof(sensor_fields), &body, err) && sensor_answer(app, q, s, &body, err);
}
