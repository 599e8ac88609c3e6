/* Integration tokens: made, shown without their secret, revoked and deleted. */
#include "api/integration.h"

#include "api/audit.h"
#include "api/body.h"
#include "api/given.h"
#include "api/handlers.h"
#include "api/session.h"
#include "api/view.h"
#include "base/codec.h"
#include "base/crypto.h"
#include "base/secret.h"
#include "store/integration_token.h"

enum { SECRET_BYTES = 32, PREFIX = 18, SUFFIX = 6 };

Str
integration_token_hash(Arena *a, Str secret)
{
	unsigned char digest[SHA256_BYTES];

	sha256(secret, digest);
	return base64url_encode(a, (Str){ (const char *)digest, sizeof(digest) });
}

static Json
token_json(App *app, Arena *a, const IntegrationToken *t)
{
	Json o = json_object();

	json_add(a, &o, "id", json_int(t->id));
	json_add(a, &o, "identity_id", json_int(t->identity));
	json_add(a, &o, "label", json_str(t->label));
	json_add(a, &o, "description", json_str(t->description));
	json_add(a, &o, "token_prefix", json_str(t->prefix));
	json_add(a, &o, "token_suffix", json_str(t->suffix));
	json_add(a, &o, "active", json_bool(t->revoked == 0 && (t->expires == 0 || t->expires > app_now(app))));
	json_add(a, &o, "created_by", json_id(t->created_by));
	json_add(a, &o, "expires_at", json_time(a, t->expires));
	json_add(a, &o, "last_used_at", json_time(a, t->last_used));
	json_add(a, &o, "last_used_ip", json_str(t->last_used_ip));
	json_add(a, &o, "revoked_at", json_time(a, t->revoked));
	json_add(a, &o, "revoked_by", json_id(t->revoked_by));
	json_add(a, &o, "revocation_reason", json_str(t->revocation_reason));
	json_add(a, &o, "created", json_time(a, t->created));
	json_add(a, &o, "updated", json_time(a, t->updated));
	return o;
}

bool
integration_tokens_list(App *app, Req *q, Res *s, Err *err)
{
	Arena *a = req_arena(q);
	Json rows = json_array();
	IntegrationToken *list;
	IdentityDef who;
	size_t n;

	if (!identity_reach(app, a, req_param(q, "id"), "identities:read", &who, err) ||
	    !integration_token_list(app_db(app), a, who.id, &list, &n, err))
		return false;
	for (size_t i = 0; i < n; i++)
		json_push(a, &rows, token_json(app, a, &list[i]));
	return res_data(s, 200, rows, NULL);
}

static const BodyField create_fields[] = {
	{ "label", FIELD_TEXT | FIELD_NEEDED, 255 },
	{ "description", FIELD_TEXT, 2000 },
	{ "expires_at", FIELD_TEXT, 0 },
};

static bool
expiry_read(App *app, const Json *body, TimeUs *ret, Err *err)
{
	Str text = json_get_text(body, "expires_at");

	*ret = 0;
	if (str_none(text))
		return true;
	if (!time_parse(text, ret) || *ret <= app_now(app))
		return err_set(err, ERR_VALIDATION,
		    "Validation failed: expires_at: must be a time to come, like 2030-01-31T12:00:00Z");
	return true;
}

static bool
create_work(App *app, void *self, Err *err)
{
	return integration_token_insert(app_db(app), app->uow->arena, self, app->uow->now, err) &&
	       audit_change(app, err);
}

/* Whoever has it may do all that the identity may. */
bool
integration_token_create(App *app, Req *q, Res *s, Err *err)
{
	Arena *a = req_arena(q);
	IntegrationToken t = { .created_by = app_caller(app)->identity };
	Json body, o = json_object();
	IdentityDef who;
	Str secret;

	if (!body_read(q, create_fields, countof(create_fields), &body, err) ||
	    !expiry_read(app, &body, &t.expires, err) ||
	    !identity_reach(app, a, req_param(q, "id"), "identities:update", &who, err))
		return false;
	if (who.id != app_caller(app)->identity && !delegate_identity(app, a, who.id, err))
		return false;
	secret = str_fmt(a, "attune_it_%.*s", STR_ARG(random_text(a, SECRET_BYTES)));
	t.identity = who.id;
	t.label = json_get_text(&body, "label");
	t.description = json_get_text(&body, "description");
	t.hash = integration_token_hash(a, secret);
	t.prefix = str_sub(secret, 0, PREFIX);
	t.suffix = str_sub(secret, secret.n - SUFFIX, secret.n);
	if (!app_work(app, &points_access, create_work, &t, err))
		return false;
	json_add(a, &o, "token", json_str(secret));
	json_add(a, &o, "integration_token", token_json(app, a, &t));
	return res_data(s, 201, o, "Integration token created: it is shown this once");
}

typedef struct TokenWork {
	Id id, by;
	Str reason;
	bool remove;
} TokenWork;

static bool
end_work(App *app, void *self, Err *err)
{
	const TokenWork *w = self;
	Arena *a = app->uow->arena;
	TimeUs now = app->uow->now;

	if (!sessions_end(app_db(app), a, &(SessionsOf){ .integration_token = w->id },
		"the integration token was revoked", now, err))
		return false;
	return (w->remove ? integration_token_delete(app_db(app), a, w->id, err)
			  : integration_token_revoke(app_db(app), a, w->id, w->by, w->reason, now, err)) &&
	       audit_change(app, err);
}

static bool
token_end(App *app, Req *q, Str reason, bool remove, IntegrationToken *ret, Err *err)
{
	TokenWork w = { .by = app_caller(app)->identity, .reason = reason, .remove = remove };
	Arena *a = req_arena(q);
	IdentityDef who;

	if (!req_id(q, "token_id", &w.id, err) ||
	    !identity_reach(app, a, req_param(q, "id"), "identities:update", &who, err) ||
	    !integration_token_get(app_db(app), a, who.id, w.id, ret, err) ||
	    !app_work(app, &points_access, end_work, &w, err))
		return false;
	app_rights_changed(app);
	return remove || integration_token_get(app_db(app), a, who.id, w.id, ret, err);
}

bool
integration_token_stop(App *app, Req *q, Res *s, Err *err)
{
	static const BodyField fields[] = { { "reason", FIELD_TEXT, 2000 } };
	IntegrationToken t;
	Json body = json_object();

	if (req_body(q).n > 0 && !body_read(q, fields, countof(fields), &body, err))
		return false;
	if (!token_end(app, q, json_get_text(&body, "reason"), false, &t, err))
		return false;
	return res_data(s, 200, token_json(app, req_arena(q), &t), "Integration token revoked successfully");
}

bool
integration_token_remove(App *app, Req *q, Res *s, Err *err)
{
	IntegrationToken t;

	return token_end(app, q, (Str){ 0 }, true, &t, err) &&
	       answer_done(s, req_arena(q), "Integration token deleted successfully");
}
