#include "cli/families.h"
#include "cli/handlers.h"
#include "cli/profile.h"

static const Column columns[] = { { "NAME", "name", COLUMN_FIXED }, { "IN USE", "in_use", COLUMN_FIXED },
	{ "SERVER", "api_url", COLUMN_TEXT }, { "LOGIN", "username", COLUMN_TEXT },
	{ "DESCRIPTION", "description", COLUMN_TEXT }, { 0 } };

static const Command commands[] = {
	{ .words = "config list",
	    .run = cmd_config_list,
	    .help = "the settings of the command line",
	    .example = "attune config list" },
	{ .words = "config get",
	    .run = cmd_config_get,
	    .args = "KEY",
	    .help = "one of them: api_url, format or profile",
	    .example = "attune config get api_url" },
	{ .words = "config set",
	    .run = cmd_config_set,
	    .args = "KEY VALUE",
	    .help = "change one of them: api_url (of the profile), format or profile",
	    .example = "attune config set api_url https://attune.example.org" },
	{ .words = "config path",
	    .run = cmd_config_path,
	    .help = "the file they are kept in",
	    .example = "attune config path" },
	{ .words = "config profiles",
	    .run = cmd_config_profiles,
	    .help = "the servers and logins you use",
	    .example = "attune config profiles" },
	{ .words = "config current",
	    .run = cmd_config_current,
	    .help = "the profile in use",
	    .example = "attune config current" },
	{ .words = "config use",
	    .run = cmd_config_use,
	    .args = "NAME",
	    .help = "use another profile from now on",
	    .example = "attune config use production" },
	{ .words = "config add-profile",
	    .run = cmd_config_add,
	    .args = "NAME",
	    .opts = OPTS({ "url", 'a', "URL", NULL, "the server", KIND_TEXT, true },
		{ "description", 'd', "TEXT", NULL, "for you" }),
	    .help = "a server to use",
	    .example = "attune config add-profile production -a https://attune.example.org" },
	{ .words = "config remove-profile",
	    .run = cmd_config_remove,
	    .args = "NAME",
	    .help = "forget one, with its login",
	    .example = "attune config remove-profile production" },
	{ .words = "config show-profile",
	    .run = cmd_config_show_profile,
	    .args = "NAME",
	    .help = "one of them, tokens starred",
	    .example = "attune config show-profile default" },
};

const Family family_profile = { "Profiles", commands, countof(commands) };

/* A token shows as its first characters. */
static Json
starred(Cli *c, const Json *profile)
{
	static const char *const secret[] = { "auth_token", "refresh_token" };
	Json copy = json_is(profile, JSON_OBJECT) ? json_clone(c->a, profile) : json_object();

	for (size_t i = 0; i < countof(secret); i++) {
		Str token = json_get_text(&copy, secret[i]);

		if (token.n > 0)
			json_set(
			    c->a, &copy, secret[i], json_str(str_fmt(c->a, "%.*s****", token.n > 20 ? 6 : 0, token.p)));
	}
	return copy;
}

static Json
settings(Cli *c)
{
	Str format = json_get_text(&c->profiles, "format");
	Json all = json_object();

	json_add(c->a, &all, "profile", json_str(c->profile));
	json_add(c->a, &all, "api_url", json_str(c->url));
	json_add(c->a, &all, "format", format.n > 0 ? json_str(format) : json_cstr("table"));
	return all;
}

bool
cmd_config_list(Cli *c, int *ret_code, Err *err)
{
	Json all = settings(c);

	(void)ret_code;
	(void)err;
	if (!out_raw(c, &all))
		out_fields(c, &all);
	return true;
}

bool
cmd_config_get(Cli *c, int *ret_code, Err *err)
{
	Json all = settings(c);
	const Json *one = json_get_str(&all, c->args[0]);

	(void)ret_code;
	if (one == NULL)
		return err_set(err, ERR_INVALID, "there is no setting '%.*s', only: api_url, format, profile",
		    STR_ARG(c->args[0]));
	if (!out_raw(c, one))
		out_line(c, "%.*s", STR_ARG(cell_text(c->a, one, COLUMN_TEXT)));
	return true;
}

static bool
use(Cli *c, Str name, Err *err)
{
	if (profile_get(c, name) == NULL && !str_is(name, "default"))
		return err_set(
		    err, ERR_INVALID, "there is no profile '%.*s'. See: attune config profiles", STR_ARG(name));
	json_set(c->a, &c->profiles, "profile", json_str(name));
	return true;
}

bool
cmd_config_set(Cli *c, int *ret_code, Err *err)
{
	CliFormat unused;

	(void)ret_code;
	if (str_is(c->args[0], "api_url"))
		profile_set(c, c->profile, "api_url", json_str(c->args[1]));
	else if (str_is(c->args[0], "format") && !cli_format_named(c->args[1], &unused))
		return err_set(
		    err, ERR_INVALID, "format is table, wide, json, yaml or name, not '%.*s'", STR_ARG(c->args[1]));
	else if (str_is(c->args[0], "format"))
		json_set(c->a, &c->profiles, "format", json_str(c->args[1]));
	else if (!str_is(c->args[0], "profile"))
		return err_set(err, ERR_INVALID, "there is no setting '%.*s', only: api_url, format, profile",
		    STR_ARG(c->args[0]));
	else if (!use(c, c->args[1], err))
		return false;
	if (!profile_save(c, err))
		return false;
	out_line(c, "%.*s is now %.*s.", STR_ARG(c->args[0]), STR_ARG(c->args[1]));
	return true;
}

bool
cmd_config_path(Cli *c, int *ret_code, Err *err)
{
	Str path = profile_path(c);

	(void)ret_code;
	if (str_none(path))
		return err_set(err, ERR_INVALID, "there is none: neither XDG_CONFIG_HOME nor HOME is set");
	out_line(c, "%.*s", STR_ARG(path));
	return true;
}

bool
cmd_config_profiles(Cli *c, int *ret_code, Err *err)
{
	const Json *all = json_get(&c->profiles, "profiles");
	Json rows = json_array();

	(void)ret_code;
	(void)err;
	for (size_t i = 0; json_is(all, JSON_OBJECT) && i < all->n; i++) {
		Json row = starred(c, &all->members[i].value);

		json_set(c->a, &row, "name", json_str(all->members[i].key));
		json_set(c->a, &row, "in_use", json_bool(str_eq(all->members[i].key, c->profile)));
		json_push(c->a, &rows, row);
	}
	if (out_raw(c, &rows))
		return true;
	if (rows.n == 0)
		out_line(c, "There are no profiles. Make one: attune config add-profile NAME -a URL");
	else
		out_table(c, columns, &rows);
	return true;
}

bool
cmd_config_current(Cli *c, int *ret_code, Err *err)
{
	(void)ret_code;
	(void)err;
	out_line(c, "%.*s", STR_ARG(c->profile));
	return true;
}

bool
cmd_config_use(Cli *c, int *ret_code, Err *err)
{
	(void)ret_code;
	if (!use(c, c->args[0], err) || !profile_save(c, err))
		return false;
	out_line(c, "Profile %.*s is in use.", STR_ARG(c->args[0]));
	return true;
}

bool
cmd_config_add(Cli *c, int *ret_code, Err *err)
{
	Str url = cli_opt(c, "url");

	(void)ret_code;
	if (profile_get(c, c->args[0]) != NULL)
		return err_set(err, ERR_INVALID, "there is a profile '%.*s' already", STR_ARG(c->args[0]));
	if (!str_starts(url, str_of("http://")) && !str_starts(url, str_of("https://")))
		return err_set(err, ERR_INVALID, "'%.*s' is no URL of a server: it must begin with http:// or https://",
		    STR_ARG(url));
	profile_set(c, c->args[0], "api_url", json_str(url));
	if (cli_has(c, "description"))
		profile_set(c, c->args[0], "description", json_str(cli_opt(c, "description")));
	if (!profile_save(c, err))
		return false;
	out_line(c, "Profile %.*s is added. Use it: attune config use %.*s", STR_ARG(c->args[0]), STR_ARG(c->args[0]));
	return true;
}

bool
cmd_config_remove(Cli *c, int *ret_code, Err *err)
{
	Json profiles;

	(void)ret_code;
	if (profile_get(c, c->args[0]) == NULL)
		return err_set(err, ERR_INVALID, "there is no profile '%.*s'", STR_ARG(c->args[0]));
	if (str_is(c->args[0], "default") || str_eq(c->args[0], c->profile))
		return err_set(
		    err, ERR_INVALID, "profile '%.*s' is in use or the default, and stays", STR_ARG(c->args[0]));
	profiles = *json_get(&c->profiles, "profiles");
	json_remove(&profiles, c->args[0]);
	json_set(c->a, &c->profiles, "profiles", profiles);
	if (!profile_save(c, err))
		return false;
	out_line(c, "Profile %.*s is removed.", STR_ARG(c->args[0]));
	return true;
}

bool
cmd_config_show_profile(Cli *c, int *ret_code, Err *err)
{
	const Json *one = profile_get(c, c->args[0]);
	Json shown = starred(c, one);

	(void)ret_code;
	if (one == NULL)
		return err_set(
		    err, ERR_INVALID, "there is no profile '%.*s'. See: attune config profiles", STR_ARG(c->args[0]));
	if (!out_raw(c, &shown))
		out_fields(c, &shown);
	return true;
}
