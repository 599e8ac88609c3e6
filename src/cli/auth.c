#include "cli/families.h"
#include "cli/handlers.h"
#include "cli/profile.h"

static const Thing tokens = { NULL,
	{ { "ID", "id", COLUMN_FIXED }, { "LABEL", "label", COLUMN_TEXT }, { "BEGINS", "token_prefix", COLUMN_FIXED },
	    { "ENDS", "token_suffix", COLUMN_FIXED }, { "ACTIVE", "active", COLUMN_FIXED },
	    { "UNTIL", "expires_at", COLUMN_TIME }, { "LAST USED", "last_used_at", COLUMN_TIME },
	    { "CREATED", "created", COLUMN_TIME, true } } };

#define WHERE_OPTS \
	{ "url", '\0', "URL", NULL, "the server; kept in the profile" }, \
	{ \
		"save-profile", '\0', "NAME", NULL, "keep it under this profile and use that from now on" \
	}

#define ID_OPT \
	{ \
		"identity-id", '\0', "ID", NULL, "whose (default: yours)" \
	}

static const Command commands[] = {
	{ .words = "auth login",
	    .run = cmd_auth_login,
	    .opts = OPTS({ "username", 'u', "LOGIN", NULL, "who you are" },
		{ "password", '\0', "TEXT", NULL, "@FILE or - keeps it off the command line; else it is asked for" },
		WHERE_OPTS),
	    .help = "log in with a password, and stay so",
	    .example = "attune auth login -u admin" },
	{ .words = "auth token-login",
	    .run = cmd_auth_token_login,
	    .opts = OPTS({ "token", '\0', "TOKEN", NULL, "@FILE or -; else it is asked for" }, WHERE_OPTS),
	    .help = "log in with an integration token",
	    .example = "attune auth token-login --token @token.txt" },
	{ .words = "auth sso-login",
	    .run = cmd_auth_sso_login,
	    .opts = OPTS(WHERE_OPTS),
	    .help = "log in through another provider (OIDC)",
	    .example = "attune auth sso-login" },
	{ .words = "auth whoami",
	    .run = cmd_show_run,
	    .ask = "/auth/me",
	    .help = "who you are, and what you may do",
	    .example = "attune auth whoami --field login" },
	{ .words = "auth refresh",
	    .run = cmd_auth_refresh,
	    .help = "renew the token of the profile now",
	    .example = "attune auth refresh" },
	{ .words = "auth logout",
	    .run = cmd_auth_logout,
	    .help = "forget the tokens of the profile",
	    .example = "attune auth logout" },
	{ .words = "auth token create",
	    .run = cmd_token_create,
	    .opts = OPTS(ID_OPT, { "label", 'l', "TEXT", "label", "what it is for", KIND_TEXT, true },
		{ "description", 'd', "TEXT", "description", "for people" },
		{ "expires-at", '\0', "TIME", "expires_at", "when it ends (RFC 3339)" }),
	    .help = "a token for a program; it is shown once",
	    .example = "attune auth token create --label ci" },
	{ .words = "auth token list",
	    .run = cmd_token_list,
	    .opts = OPTS(ID_OPT),
	    .thing = &tokens,
	    .help = "the tokens there are",
	    .example = "attune auth token list" },
	{ .words = "auth token revoke",
	    .run = cmd_token_revoke,
	    .args = "TOKEN_ID",
	    .opts = OPTS(ID_OPT, { "reason", 'r', "TEXT", "reason", "why" }),
	    .help = "end one at once",
	    .example = "attune auth token revoke 3 --reason leaked" },
	{ .words = "auth token delete",
	    .run = cmd_token_delete,
	    .args = "TOKEN_ID",
	    .opts = OPTS(ID_OPT),
	    .confirm = "Delete token {0}?",
	    .help = "end one and forget it",
	    .example = "attune auth token delete 3" },
};

const Family family_auth = { "Logging in", commands, countof(commands) };

/* Where to log in, and the profile that keeps it. */
static void
choose_server(Cli *c)
{
	Str url = cli_opt(c, "url"), name = cli_opt(c, "save-profile");

	if (url.n > 0)
		c->url = url;
	if (name.n > 0) {
		c->profile = name;
		json_set(c->a, &c->profiles, "profile", json_str(name));
	}
}

static bool
given_or_asked(Cli *c, const char *option, const char *question, bool secret, Str *ret, Err *err)
{
	Str text = cli_opt(c, option);

	if (str_none(text))
		return cli_prompt(c, question, secret, ret, err);
	if (!cli_text_of(c, text, ret, err))
		return false;
	*ret = str_trim(*ret);
	return true;
}

/* The tokens of an answer into the profile. */
static bool
keep_login(Cli *c, const Json *data, const char *method, Err *err)
{
	Str login = json_get_text(json_get(data, "user"), "login");
	const Json *access = json_get(data, "access_token"), *refresh = json_get(data, "refresh_token");

	if (!json_is(access, JSON_STRING))
		return err_set(err, ERR_CORRUPT, "the server's answer holds no token");
	profile_set(c, c->profile, "api_url", json_str(c->url));
	profile_set(c, c->profile, "auth_token", *access);
	profile_set(c, c->profile, "refresh_token", refresh != NULL ? *refresh : json_null());
	profile_set(c, c->profile, "auth_method", json_cstr(method));
	profile_set(c, c->profile, "username", json_str(login));
	if (!profile_save(c, err))
		return false;
	out_line(c, "Logged in to %.*s as %.*s (profile %.*s).", STR_ARG(c->url), STR_ARG(login), STR_ARG(c->profile));
	return true;
}

bool
cmd_auth_login(Cli *c, int *ret_code, Err *err)
{
	Json body = json_object(), data;
	Str login, password;

	(void)ret_code;
	choose_server(c);
	if (!given_or_asked(c, "username", "Login", false, &login, err) ||
	    !given_or_asked(c, "password", "Password", true, &password, err))
		return false;
	json_add(c->a, &body, "login", json_str(login));
	json_add(c->a, &body, "password", json_str(password));
	return cli_call(c, "POST", str_of("/auth/login"), &body, &data, err) && keep_login(c, &data, "password", err);
}

bool
cmd_auth_token_login(Cli *c, int *ret_code, Err *err)
{
	Json body = json_object(), data;
	Str token;

	(void)ret_code;
	choose_server(c);
	if (!given_or_asked(c, "token", "Token", true, &token, err))
		return false;
	json_add(c->a, &body, "token", json_str(token));
	return cli_call(c, "POST", str_of("/auth/token-login"), &body, &data, err) &&
	       keep_login(c, &data, "token", err);
}

bool
cmd_auth_sso_login(Cli *c, int *ret_code, Err *err)
{
	Json unused;

	(void)ret_code;
	choose_server(c);
	if (!cli_call(c, "GET", str_of("/auth/oidc/login"), NULL, &unused, err))
		return false;
	return err_set(err, ERR_UNSUPPORTED,
	    "logging in through another provider (OIDC) is not offered by this server. Use: attune auth login");
}

bool
cmd_auth_refresh(Cli *c, int *ret_code, Err *err)
{
	(void)ret_code;
	if (json_get_text(profile_get(c, c->profile), "refresh_token").n == 0)
		return err_set(err, ERR_UNAUTHORIZED, "profile '%.*s' is not logged in. Log in: attune auth login",
		    STR_ARG(c->profile));
	if (!profile_client(c, false, &c->client, err))
		return false;
	if (!profile_renew(c, err))
		return err->code == ERR_AWAY ? false
					     : err_set(err, ERR_UNAUTHORIZED,
						   "the token cannot be renewed. Log in again: attune auth login");
	out_line(c, "The token of profile %.*s is renewed.", STR_ARG(c->profile));
	return true;
}

bool
cmd_auth_logout(Cli *c, int *ret_code, Err *err)
{
	static const char *const keys[] = { "auth_token", "refresh_token", "auth_method", "username" };
	bool in = profile_get(c, c->profile) != NULL;

	(void)ret_code;
	for (size_t i = 0; in && i < countof(keys); i++)
		profile_set(c, c->profile, keys[i], json_null());
	if (in && !profile_save(c, err))
		return false;
	out_line(c, "Profile %.*s is logged out.", STR_ARG(c->profile));
	return true;
}

/* ---- integration tokens ---- */

static bool
tokens_path(Cli *c, const char *more, Str *ret, Err *err)
{
	Str id = cli_opt(c, "identity-id");
	Json me;

	if (id.n == 0) {
		if (!cli_call(c, "GET", str_of("/auth/me"), NULL, &me, err))
			return false;
		id = json_text(c->a, json_get(&me, "id"));
	}
	*ret = str_fmt(c->a, "/api/v1/identities/%.*s/integration-tokens%s", STR_ARG(url_escape(c->a, id)), more);
	return true;
}

bool
cmd_token_create(Cli *c, int *ret_code, Err *err)
{
	Json body, row;
	Str path;

	(void)ret_code;
	if (!cli_body(c, &body, err) || !tokens_path(c, "", &path, err) || !cli_call(c, "POST", path, &body, &row, err))
		return false;
	if (out_raw(c, &row))
		return true;
	out_line(c, "%.*s", STR_ARG(json_get_text(&row, "token")));
	out_note(c, "Keep it: it is not shown again.");
	return true;
}

bool
cmd_token_list(Cli *c, int *ret_code, Err *err)
{
	Json rows;
	Str path;

	(void)ret_code;
	if (!tokens_path(c, "", &path, err) || !cli_call(c, "GET", path, NULL, &rows, err))
		return false;
	if (!out_raw(c, &rows))
		out_list(c, &tokens, &rows);
	return true;
}

bool
cmd_token_revoke(Cli *c, int *ret_code, Err *err)
{
	Json body, row;
	Str path;

	(void)ret_code;
	if (!cli_body(c, &body, err) || !tokens_path(c, cli_fill(c, "/{0}/revoke", NULL, true).p, &path, err) ||
	    !cli_call(c, "POST", path, &body, &row, err))
		return false;
	cli_said(c, "Token {0} is revoked.", &row);
	return true;
}

bool
cmd_token_delete(Cli *c, int *ret_code, Err *err)
{
	Json row;
	Str path;

	(void)ret_code;
	if (!cli_sure(c, cli_fill(c, c->command->confirm, NULL, false)))
		return err_set(err, ERR_CONFLICT, "left as it is");
	if (!tokens_path(c, cli_fill(c, "/{0}", NULL, true).p, &path, err) ||
	    !cli_call(c, "DELETE", path, NULL, &row, err))
		return false;
	cli_said(c, "Token {0} is deleted.", &row);
	return true;
}
