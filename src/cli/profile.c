#include "cli/profile.h"

#include "cli/credentials.h"
#include "cli/output.h"

#include "base/yaml.h"
#include "os/fs.h"

#include <stdlib.h>

#define DEFAULT_URL "http://127.0.0.1:8080"

enum { FILE_MAX = 1 << 20 };

Str
profile_path(const Cli *c)
{
	return c->io->config_home == NULL ? (Str){ 0 } : str_fmt(c->a, "%s/attune/config.yaml", c->io->config_home);
}

/* The member itself, made as an object when it is not one. */
static Json *
member_of(Arena *a, Json *object, Str key)
{
	if (!json_is(json_get_str(object, key), JSON_OBJECT))
		json_set_str(a, object, key, json_object());
	for (size_t i = 0;; i++)
		if (str_eq(object->members[i].key, key))
			return &object->members[i].value;
}

static bool
read_file(Cli *c, Err *err)
{
	Str path = profile_path(c), text;
	Err gone = { 0 };

	c->profiles = json_object();
	if (str_none(path))
		return true;
	if (!file_read(c->kept, path.p, FILE_MAX, &text, &gone))
		return gone.code == ERR_NOT_FOUND || err_set(err, gone.code, "%s", gone.text);
	if (!yaml_parse(c->kept, path.p, text, NULL, &c->profiles, err))
		return err_wrap(err, "your profiles");
	if (json_is_null(&c->profiles))
		c->profiles = json_object();
	if (!json_is(&c->profiles, JSON_OBJECT))
		return err_set(err, ERR_CORRUPT, "%s holds no settings: remove it, or write it anew", path.p);
	return true;
}

static Str
either(const Json *v, const char *key, const char *older)
{
	Str s = json_get_text(v, key);

	return s.n > 0 ? s : json_get_text(v, older);
}

const Json *
profile_get(const Cli *c, Str name)
{
	const Json *one = json_get_str(json_get(&c->profiles, "profiles"), name);

	return json_is(one, JSON_OBJECT) ? one : NULL;
}

static Str
name_in_use(const Cli *c)
{
	Str name = c->profile;

	if (name.n == 0)
		name = str_of(c->io->profile);
	if (name.n == 0)
		name = either(&c->profiles, "profile", "current_profile");
	return name.n > 0 ? name : str_of("default");
}

bool
profile_apply(Cli *c, Err *err)
{
	bool named = c->profile.n > 0 || (c->io->profile != NULL && c->io->profile[0] != '\0');
	const Json *one;
	Str format;

	if (!read_file(c, err))
		return false;
	c->profile = name_in_use(c);
	one = profile_get(c, c->profile);
	if (one == NULL && named && !str_starts(str_of(c->command->words), str_of("config ")) &&
	    !str_is(c->profile, "default") && !cli_has(c, "save-profile"))
		return err_set(err, ERR_INVALID,
		    "there is no profile '%.*s'. Make it: attune config add-profile %.*s -a URL", STR_ARG(c->profile),
		    STR_ARG(c->profile));
	if (c->url.n == 0)
		c->url = str_of(c->io->api_url);
	if (c->url.n == 0)
		c->url = json_get_text(one, "api_url");
	if (c->url.n == 0)
		c->url = str_of(DEFAULT_URL);
	format = either(&c->profiles, "format", "default_output_format");
	if (!c->format_given && format.n > 0 && !cli_format_named(format, &c->format))
		out_note(c, "Warning: the format '%.*s' of your profiles is unknown", STR_ARG(format));
	return true;
}

void
profile_set(Cli *c, Str name, const char *key, Json value)
{
	Json *all = member_of(c->kept, &c->profiles, str_of("profiles")), *one = member_of(c->kept, all, name);

	if (json_is_null(&value))
		json_remove(one, str_of(key));
	else
		json_set(c->kept, one, key, json_clone(c->kept, &value));
}

bool
profile_save(Cli *c, Err *err)
{
	Str path = profile_path(c);
	Buf b = buf_open(c->a);

	if (str_none(path))
		return err_set(
		    err, ERR_INVALID, "there is no place for your profiles: neither XDG_CONFIG_HOME nor HOME is set");
	if (!dirs_make(str_fmt(c->a, "%s/attune", c->io->config_home).p, 0700, err))
		return err_wrap(err, "your profiles");
	yaml_print(&b, &c->profiles);
	if (!file_replace(path.p, buf_str(&b), 0600, err))
		return err_wrap(err, "your profiles");
	return true;
}

/* ---- tokens ---- */

/* A token is sent to the server it came from and to no other. */
static bool
same_server(const Cli *c)
{
	Str of_profile = json_get_text(profile_get(c, c->profile), "api_url");

	return of_profile.n == 0 || str_eq(of_profile, c->url);
}

Str
profile_token(const Cli *c)
{
	if (c->io->token != NULL && c->io->token[0] != '\0')
		return str_of(c->io->token);
	if (same_server(c) && !str_none(json_get_text(profile_get(c, c->profile), "auth_token")))
		return json_get_text(profile_get(c, c->profile), "auth_token");
	return credentials_local(c->a, c->url);
}

bool
profile_client(const Cli *c, bool token, HttpClient **ret, Err *err)
{
	Str ca_file = str_of(c->io->ca_file);

	if (!client_open(c->url, token ? profile_token(c) : (Str){ 0 }, ret, err))
		return false;
	client_trust(*ret, ca_file.n > 0 ? ca_file : json_get_text(profile_get(c, c->profile), "ca_file"));
	return true;
}

bool
profile_renew(Cli *c, Err *err)
{
	Str refresh = json_get_text(profile_get(c, c->profile), "refresh_token"), fresh;
	Json body = json_object();
	const Json *data;
	HttpReply r;

	if ((c->io->token != NULL && c->io->token[0] != '\0') || refresh.n == 0 || !same_server(c))
		return false;
	json_add(c->a, &body, "refresh_token", json_str(refresh));
	client_token(c->client, (Str){ 0 });
	if (!client_call(c->client, c->a, "POST", str_of("/auth/refresh"), &body, &r, err) || r.status >= 400)
		return false;
	data = json_get(&r.body, "data");
	fresh = json_get_text(data, "access_token");
	if (fresh.n == 0)
		return false;
	profile_set(c, c->profile, "auth_token", json_str(fresh));
	if (!json_is_null(json_get(data, "refresh_token")))
		profile_set(c, c->profile, "refresh_token", *json_get(data, "refresh_token"));
	if (!profile_save(c, err))
		out_note(c, "Warning: the renewed token is lost: %s", err->text);
	client_token(c->client, fresh);
	return true;
}

Str
profile_advice(const Cli *c, const char *said)
{
	if (str_starts(str_of(c->command->words), str_of("auth ")))
		return str_copy(c->a, str_of(said)); /* it may lie in the error that it is put into */
	if (c->io->token != NULL && c->io->token[0] != '\0')
		return str_fmt(c->a, "%s. The token of ATTUNE_API_TOKEN is refused: take another, or unset it", said);
	return str_fmt(c->a, "%s. Log in: attune auth login -u NAME", said);
}
