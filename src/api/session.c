#include "api/session.h"

#include "access/access.h"
#include "access/backoff.h"
#include "base/codec.h"

enum { PASSWORD_WAIT_S = 20 };

static const char access_cookie[] = "attune_access_token";
static const char refresh_cookie[] = "attune_refresh_token";

/* ---- cookies ---- */

Str
cookie_of(Req *q, const char *name)
{
	Str rest = req_header(q, "Cookie"), pair = { 0 }, key = { 0 };

	while (str_cut(&rest, ';', &pair)) {
		Str value = str_trim(pair);

		if (str_cut(&value, '=', &key) && str_is(key, name) && !str_none(value) && value.n > 0)
			return value;
	}
	return (Str){ 0 };
}

Str
bearer_of(Req *q, bool *ret_cookie)
{
	Str header = req_header(q, "Authorization");

	*ret_cookie = false;
	if (str_starts(header, str_of("Bearer ")) && header.n > 7)
		return str_sub(header, 7, header.n);
	if (!str_none(header) && header.n > 0)
		return header; /* something that we do not know: refused, not looked past */
	*ret_cookie = true;
	return cookie_of(q, access_cookie);
}

static bool
only_tls(const App *app)
{
	return !str_none(config_str(app->config, "server.tls_cert")) ||
	       str_starts(config_str(app->config, "server.public_url"), str_of("https://")) ||
	       str_is(config_str(app->config, "environment"), "production");
}

static void
cookie_set(App *app, Req *q, Res *s, const char *name, Str value, int64_t seconds)
{
	res_header(s, "Set-Cookie",
	    str_fmt(req_arena(q), "%s=%.*s; Path=/; HttpOnly; SameSite=Lax; Max-Age=%lld%s", name, STR_ARG(value),
		(long long)seconds, only_tls(app) ? "; Secure" : ""));
}

void
session_cookies(App *app, Req *q, Res *s, const Json *tokens)
{
	cookie_set(
	    app, q, s, access_cookie, json_get_text(tokens, "access_token"), access_life(app->access) / US_PER_S);
	cookie_set(app, q, s, refresh_cookie, json_get_text(tokens, "refresh_token"),
	    access_refresh_life(app->access) / US_PER_S);
}

void
session_cookies_clear(App *app, Req *q, Res *s)
{
	cookie_set(app, q, s, access_cookie, str_of(""), 0);
	cookie_set(app, q, s, refresh_cookie, str_of(""), 0);
}

/* ---- beginning one ---- */

Json
session_tokens(App *app, Arena *a, const IdentityDef *who, const Session *session, bool with_user)
{
	Json o = json_object(), user = json_object();

	json_add(a, &o, "access_token", json_str(access_token(app->access, a, who, session->id)));
	json_add(a, &o, "refresh_token",
	    json_str(access_refresh_token(app->access, a, who, session->id, session->generation)));
	json_add(a, &o, "token_type", json_cstr("Bearer"));
	json_add(a, &o, "expires_in", json_int(access_life(app->access) / US_PER_S));
	if (!with_user)
		return o;
	json_add(a, &user, "id", json_int(who->id));
	json_add(a, &user, "login", json_str(who->login));
	json_add(a, &user, "display_name", json_str(who->display_name));
	json_add(a, &o, "user", user);
	return o;
}

bool
audit_login(App *app, const IdentityDef *who, AuditOutcome outcome, Str login, Err *err)
{
	AuditNote note = { .category = AUDIT_AUTH,
		.outcome = outcome,
		.event_type = "auth.login",
		.resource_type = "identity",
		.id = who == NULL ? 0 : who->id,
		.login = login };

	return outcome == AUDIT_SUCCESS ? audit_add(app, app->req, &note, err) : audit_now(app, app->req, &note, err);
}

typedef struct Login {
	Session session;
	const IdentityDef *who;
} Login;

static bool
open_work(App *app, void *self, Err *err)
{
	Login *w = self;

	return session_open(app_db(app), app->uow->arena, &w->session, app->uow->now, err) &&
	       audit_login(app, w->who, AUDIT_SUCCESS, w->who->login, err);
}

bool
session_answer(App *app, Req *q, Res *s, const IdentityDef *who, const char *kind, Id integration_token, Err *err)
{
	Login w = { .session = { .identity = who->id,
			.kind = str_of(kind),
			.integration_token = integration_token,
			.expires = app_now(app) + access_refresh_life(app->access) },
		.who = who };
	Json tokens;

	if (!app_work(app, &points_access, open_work, &w, err))
		return false;
	tokens = session_tokens(app, req_arena(q), who, &w.session, true);
	session_cookies(app, q, s, &tokens);
	return res_data(s, 200, tokens, NULL);
}

void
app_rights_changed(App *app)
{
	access_changed(app->access);
}

/* ---- passwords ---- */

bool
too_many(Req *q, Res *s, TimeUs wait, const char *what, Err *err)
{
	long long seconds = (long long)((wait + US_PER_S - 1) / US_PER_S);

	res_header(s, "Retry-After", str_fmt(req_arena(q), "%lld", seconds));
	return err_set(err, ERR_BUSY, "%s: try again in %lld seconds", what, seconds);
}

bool
password_work(App *app, Req *q, Res *s, const HashJob *job, HashResult *ret, bool *ret_asleep, Err *err)
{
	int64_t key = -req_serial(q); /* ids of executions, which requests also wait for, are positive */
	HashState state = hasher_take(app->hasher, req_arena(q), key, ret);

	*ret_asleep = false;
	if (state == HASH_DONE)
		return true;
	if (state == HASH_NONE && req_waited(q))
		return err_set(err, ERR_TIMEOUT, "The password was not looked at in time");
	if (state == HASH_NONE && !hasher_give(app->hasher, key, job))
		return too_many(q, s, US_PER_S, "Too many logins at once", err);
	*ret_asleep = true;
	return res_wait(s, key, req_began(q) + PASSWORD_WAIT_S * (TimeUs)US_PER_S);
}

bool
password_guess(App *app, Req *q, Res *s, Str login, HashJob *job, HashResult *ret, bool *ret_asleep, Err *err)
{
	TimeUs wait = req_waited(q) ? 0 : backoff_try(app->backoff, login, req_peer(q));
	bool known = !str_none(job->against), done;

	if (wait > 0)
		return too_many(q, s, wait, "Too many failed logins", err);
	if (!known)
		job->against = access_no_password();
	done = password_work(app, q, s, job, ret, ret_asleep, err);
	if (done && *ret_asleep)
		return true;
	if (done)
		ret->good = ret->good && known;
	backoff_end(app->backoff, login, req_peer(q), !done ? TRY_UNKNOWN : ret->good ? TRY_GOOD : TRY_BAD);
	return done;
}

bool
password_fits(Str password, const char *key, Err *err)
{
	enum { LEAST = 8, MOST = 128 };
	size_t n = utf8_length(password);

	return (n >= LEAST && n <= MOST) ||
	       err_set(err, ERR_VALIDATION, "Validation failed: %s: must have 8 to 128 characters", key);
}

bool
login_fits(Str login, Err *err)
{
	enum { LEAST = 3, MOST = 255 };
	size_t n = utf8_length(login);

	if (n < LEAST || n > MOST)
		return err_set(err, ERR_VALIDATION, "Validation failed: login: must have 3 to 255 characters");
	for (size_t i = 0; i < login.n; i++)
		if ((unsigned char)login.p[i] <= ' ' || login.p[i] == ':' || login.p[i] == 0x7f)
			return err_set(err, ERR_VALIDATION,
			    "Validation failed: login: must hold no white space, no control characters and no colon, "
			    "which "
			    "the platform's own have");
	return true;
}
