/* Logging in and out. Who has failed waits; who is not there costs as much as who is. */
#include "access/access.h"
#include "api/body.h"
#include "api/handlers.h"
#include "api/integration.h"
#include "api/session.h"
#include "store/integration_token.h"

/* ---- passwords ---- */

static const BodyField login_fields[] = {
	{ "login", FIELD_TEXT | FIELD_NEEDED, 255 },
	{ "password", FIELD_TEXT | FIELD_NEEDED, 0 },
};

static bool
bad_login(Err *err)
{
	return err_set(err, ERR_UNAUTHORIZED, "Invalid login or password");
}

/* Zeroes where there is none: its password is nobody's. */
static bool
identity_look(App *app, Arena *a, Str login, IdentityDef *ret, Err *err)
{
	*ret = (IdentityDef){ 0 };
	if (identity_get_login(app_db(app), a, login, ret, err))
		return true;
	if (err->code != ERR_NOT_FOUND)
		return false;
	err_clear(err);
	return true;
}

static bool
not_frozen(const IdentityDef *who, Err *err)
{
	return !who->frozen || err_set(err, ERR_FORBIDDEN, "The identity '%.*s' is frozen", STR_ARG(who->login));
}

static bool
login_checked(App *app, Req *q, Res *s, Str login, const IdentityDef *who, const HashResult *r, Err *err)
{
	if (!r->good)
		return audit_login(app, who, AUDIT_FAILURE, login, err) && bad_login(err);
	if (who->frozen && !audit_login(app, who, AUDIT_DENIED, login, err))
		return false;
	return not_frozen(who, err) && session_answer(app, q, s, who, "password", 0, err);
}

bool
auth_login(App *app, Req *q, Res *s, Err *err)
{
	IdentityDef who;
	HashJob job = { 0 };
	HashResult result;
	Str login;
	bool asleep;
	Json body;

	if (!body_read(q, login_fields, countof(login_fields), &body, err))
		return false;
	login = json_get_text(&body, "login");
	if (!identity_look(app, req_arena(q), login, &who, err))
		return false;
	job.check = json_get_text(&body, "password");
	job.against = who.password_hash;
	if (!password_guess(app, q, s, login, &job, &result, &asleep, err))
		return false;
	return asleep || login_checked(app, q, s, login, &who, &result, err);
}

/* ---- registering ---- */

static const BodyField register_fields[] = {
	{ "login", FIELD_TEXT | FIELD_NEEDED, 0 },
	{ "password", FIELD_TEXT | FIELD_NEEDED, 0 },
	{ "display_name", FIELD_TEXT, 255 },
};

static bool
register_work(App *app, void *self, Err *err)
{
	IdentityDef *d = self, there;
	Err why = { 0 };
	DefPut put;

	if (identity_get_login(app_db(app), app->uow->arena, d->login, &there, &why))
		return err_set(err, ERR_CONFLICT, "Identity with login '%.*s' already exists", STR_ARG(d->login));
	return identity_put(app_db(app), app->uow->arena, d, app->uow->now, &put, err);
}

bool
auth_register(App *app, Req *q, Res *s, Err *err)
{
	IdentityDef d = { .attributes = json_object() };
	HashResult result;
	HashJob job = { 0 };
	bool asleep;
	Json body;

	if (!config_bool(app->config, "security.allow_self_registration"))
		return err_set(err, ERR_FORBIDDEN,
		    "Registration is off: ask an administrator for an identity (security.allow_self_registration)");
	if (!body_read(q, register_fields, countof(register_fields), &body, err))
		return false;
	d.login = json_get_text(&body, "login");
	body_text(&body, "display_name", &d.display_name);
	job.make = json_get_text(&body, "password");
	if (!login_fits(d.login, err) || !password_fits(job.make, "password", err) ||
	    !password_work(app, q, s, &job, &result, &asleep, err))
		return false;
	if (asleep)
		return true;
	if (!result.good)
		return err_set(err, ERR_SYS, "no memory to hash a password");
	d.password_hash = result.hash;
	return app_define(app, register_work, &d, err) && session_answer(app, q, s, &d, "password", 0, err);
}

/* ---- integration tokens ---- */

static const BodyField token_fields[] = {
	{ "token", FIELD_TEXT | FIELD_NEEDED, 0 },
};

static bool
bad_token(App *app, const IdentityDef *who, Err *err)
{
	err_clear(err);
	return audit_login(app, who, AUDIT_FAILURE, who == NULL ? (Str){ 0 } : who->login, err) &&
	       err_set(err, ERR_UNAUTHORIZED, "Invalid token");
}

typedef struct TokenUse {
	Id id;
	Str ip;
} TokenUse;

static bool
used_work(App *app, void *self, Err *err)
{
	const TokenUse *use = self;

	return integration_token_used(app_db(app), app->uow->arena, use->id, use->ip, app->uow->now, err);
}

bool
auth_token_login(App *app, Req *q, Res *s, Err *err)
{
	Arena *a = req_arena(q);
	IntegrationToken t;
	IdentityDef who;
	TokenUse use;
	Json body;

	if (!body_read(q, token_fields, countof(token_fields), &body, err))
		return false;
	if (!integration_token_find(app_db(app), a, integration_token_hash(a, json_get_text(&body, "token")), &t, err))
		return err->code == ERR_NOT_FOUND ? bad_token(app, NULL, err) : false;
	if (t.revoked != 0 || (t.expires != 0 && t.expires <= app_now(app)))
		return bad_token(app, NULL, err);
	if (!identity_get(app_db(app), a, t.identity, &who, err))
		return err->code == ERR_NOT_FOUND ? bad_token(app, NULL, err) : false;
	if (who.frozen)
		return bad_token(app, &who, err);
	use = (TokenUse){ .id = t.id, .ip = req_peer(q) };
	return app_work(app, &points_access, used_work, &use, err) &&
	       session_answer(app, q, s, &who, "token", t.id, err);
}

/* ---- refreshing ---- */

typedef struct Refresh {
	Claims claims;
	Session session;
	bool good, ended;
	TimeUs life;
} Refresh;

/* A token that was used before is in two hands: nobody knows whose are the right ones, so the session ends. */
static bool
refresh_work(App *app, void *self, Err *err)
{
	Refresh *w = self;
	Arena *a = app->uow->arena;
	TimeUs now = app->uow->now;
	AuditNote note = { .category = AUDIT_AUTH,
		.outcome = AUDIT_DENIED,
		.event_type = "auth.refresh",
		.resource_type = "identity",
		.id = w->claims.subject };

	if (!session_refresh(
		app_db(app), a, w->claims.session, w->claims.generation, now + w->life, now, &w->good, err))
		return false;
	if (!session_get(app_db(app), a, w->claims.session, &w->session, err))
		return err->code == ERR_NOT_FOUND ? err_set(err, ERR_UNAUTHORIZED, "Invalid refresh token") : false;
	w->session.kind = (Str){ 0 };
	if (w->good || w->session.ended != 0)
		return true;
	w->ended = true;
	return session_end(app_db(app), a, w->claims.session, "a refresh token was used twice", now, err) &&
	       audit_add(app, app->req, &note, err);
}

static bool
refresh_token_of(Req *q, Str *ret, bool *ret_cookie, Err *err)
{
	static const BodyField fields[] = { { "refresh_token", FIELD_TEXT | FIELD_NEEDED, 0 } };
	Json body;

	*ret_cookie = req_body(q).n == 0;
	if (*ret_cookie) {
		*ret = cookie_of(q, "attune_refresh_token");
		return !str_none(*ret) || err_set(err, ERR_UNAUTHORIZED, "Missing refresh token");
	}
	if (!body_read(q, fields, countof(fields), &body, err))
		return false;
	*ret = json_get_text(&body, "refresh_token");
	return true;
}

static bool
refresh_read(App *app, Arena *a, Str token, Claims *ret, Err *err)
{
	return access_read(app->access, a, token, ret, err) &&
	       ((ret->type == TOKEN_REFRESH && ret->session != 0) ||
		   err_set(err, ERR_UNAUTHORIZED, "Invalid refresh token"));
}

/* A sensor has no refresh token: it shows the token that it has. */
static bool
sensor_refresh(App *app, Req *q, Res *s, const Claims *c, Err *err)
{
	enum { LIFE = 24 * 3600 };
	Arena *a = req_arena(q);
	const Json *types = json_get(&c->metadata, "trigger_types"), none = json_array();
	int64_t instance = json_as_int(json_get(&c->metadata, "instance"), 0);
	IdentityDef who;
	Json o = json_object();
	Str token;

	if (!identity_get(app_db(app), a, c->subject, &who, err))
		return err->code == ERR_NOT_FOUND ? err_set(err, ERR_UNAUTHORIZED, "Invalid authentication token")
						  : false;
	if (!not_frozen(&who, err))
		return false;
	token = access_sensor_token(
	    app->access, a, who.id, c->login, types == NULL ? &none : types, instance, (TimeUs)LIFE * US_PER_S);
	json_add(a, &o, "access_token", json_str(token));
	json_add(a, &o, "refresh_token", json_str(token));
	json_add(a, &o, "token_type", json_cstr("Bearer"));
	json_add(a, &o, "expires_in", json_int(LIFE));
	return res_data(s, 200, o, NULL);
}

/* *ret: of the sensor token that came along, without anything else. */
static bool
sensor_shown(App *app, Req *q, Claims *ret)
{
	bool cookie;
	Str bearer = bearer_of(q, &cookie), body = str_trim(req_body(q));

	return (body.n == 0 || str_is(body, "{}")) && !str_none(bearer) && !cookie &&
	       access_read(app->access, req_arena(q), bearer, ret, NULL) && ret->type == TOKEN_SENSOR;
}

bool
auth_refresh(App *app, Req *q, Res *s, Err *err)
{
	Refresh w = { .life = access_refresh_life(app->access) };
	Arena *a = req_arena(q);
	IdentityDef who;
	bool cookie;
	Json tokens;
	Str token;

	if (sensor_shown(app, q, &w.claims))
		return sensor_refresh(app, q, s, &w.claims, err);
	if (!refresh_token_of(q, &token, &cookie, err) || !refresh_read(app, a, token, &w.claims, err))
		return false;
	if (!identity_get(app_db(app), a, w.claims.subject, &who, err))
		return err->code == ERR_NOT_FOUND ? err_set(err, ERR_UNAUTHORIZED, "Invalid refresh token") : false;
	if (!not_frozen(&who, err) || !app_work(app, &points_access, refresh_work, &w, err))
		return false;
	if (w.ended)
		app_rights_changed(app);
	if (!w.good)
		return err_set(err, ERR_UNAUTHORIZED, "Invalid refresh token: the session is over, log in again");
	tokens = session_tokens(app, a, &who, &w.session, false);
	if (cookie)
		session_cookies(app, q, s, &tokens);
	return res_data(s, 200, tokens, NULL);
}

/* ---- logging out ---- */

static bool
end_work(App *app, void *self, Err *err)
{
	return session_end(app_db(app), app->uow->arena, *(const Id *)self, "logout", app->uow->now, err) &&
	       audit_change(app, err);
}

/* Of the tokens that came along, whichever can be read. */
static Id
session_given(App *app, Req *q)
{
	bool cookie;
	Str tokens[] = { bearer_of(q, &cookie), cookie_of(q, "attune_refresh_token") };
	Claims c;

	for (size_t i = 0; i < countof(tokens); i++)
		if (!str_none(tokens[i]) && access_read(app->access, req_arena(q), tokens[i], &c, NULL) &&
		    c.session != 0 && (c.type == TOKEN_ACCESS || c.type == TOKEN_REFRESH))
			return c.session;
	return 0;
}

bool
auth_logout(App *app, Req *q, Res *s, Err *err)
{
	Id session = session_given(app, q);

	if (session != 0) {
		if (!app_work(app, &points_access, end_work, &session, err))
			return false;
		app_rights_changed(app);
	}
	session_cookies_clear(app, q, s);
	res_header(s, "Location", str_of("/login"));
	return res_empty(s, 307);
}

/* ---- what the login page asks ---- */

bool
auth_settings(App *app, Req *q, Res *s, Err *err)
{
	static const struct {
		const char *key, *setting; /* no setting: not in this version */
	} flags[] = {
		{ "authentication_enabled", "security.enable_auth" },
		{ "local_password_visible_by_default", "security.login_page.show_local_login" },
		{ "oidc_enabled", NULL },
		{ "oidc_visible_by_default", "security.login_page.show_oidc_login" },
		{ "ldap_enabled", NULL },
		{ "ldap_visible_by_default", "security.login_page.show_ldap_login" },
		{ "self_registration_enabled", "security.allow_self_registration" },
	};
	static const char *const nothing[] = { "oidc_provider_name", "oidc_provider_label", "oidc_provider_icon_url",
		"ldap_provider_name", "ldap_provider_label", "ldap_provider_icon_url" };
	Arena *a = req_arena(q);
	Json o = json_object();

	(void)err;
	json_add(a, &o, "local_password_enabled", json_bool(true));
	for (size_t i = 0; i < countof(flags); i++)
		json_add(a, &o, flags[i].key,
		    json_bool(flags[i].setting != NULL && config_bool(app->config, flags[i].setting)));
	for (size_t i = 0; i < countof(nothing); i++)
		json_add(a, &o, nothing[i], json_null());
	return res_data(s, 200, o, NULL);
}

/* ---- what this version does not do ---- */

bool
auth_oidc(App *app, Req *q, Res *s, Err *err)
{
	(void)app;
	(void)q;
	(void)s;
	return err_set(err, ERR_UNSUPPORTED, "Login with OpenID Connect is not in this version: use POST /auth/login");
}

bool
auth_ldap(App *app, Req *q, Res *s, Err *err)
{
	(void)app;
	(void)q;
	(void)s;
	return err_set(err, ERR_UNSUPPORTED, "Login with LDAP is not in this version: use POST /auth/login");
}
