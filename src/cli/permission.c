#include "cli/families.h"
#include "cli/handlers.h"

static const Thing sets = { "/api/v1/permissions/sets",
	{ { "REF", "ref", COLUMN_FIXED }, { "LABEL", "label", COLUMN_TEXT }, { "ROLES", "roles", COLUMN_TEXT },
	    { "DESCRIPTION", "description", COLUMN_TEXT }, { "GRANTS", "grants", COLUMN_TEXT, true },
	    { "ID", "id", COLUMN_FIXED, true } } };
static const Thing assignments = { NULL,
	{ { "ID", "id", COLUMN_FIXED }, { "IDENTITY", "identity_id", COLUMN_FIXED },
	    { "PERMISSION SET", "permission_set_ref", COLUMN_TEXT }, { "CREATED", "created", COLUMN_TIME } } };

static const Command commands[] = {
	{ .words = "permission set list",
	    .run = cmd_list_run,
	    .opts = OPTS({ "pack", 'p', "REF", "pack_ref", "only of this pack" }),
	    .thing = &sets,
	    .help = "what may be given",
	    .example = "attune permission set list" },
	{ .words = "permission set show",
	    .run = cmd_permission_show,
	    .args = "REF",
	    .help = "one set with its grants",
	    .example = "attune permission set show core.viewer" },
	{ .words = "permission set update",
	    .run = cmd_permission_update,
	    .args = "REF",
	    .opts = OPTS({ "label", 'l', "TEXT", "label", "for people" },
		{ "description", 'd', "TEXT", "description", "for people" },
		{ "grants", 'g', "JSON", "grants", "[{resource, actions, constraints}]; @FILE or -", KIND_JSON, true }),
	    .help = "change it",
	    .example = "attune permission set update core.viewer --grants @grants.yaml" },
	{ .words = "permission list",
	    .run = cmd_list_run,
	    .args = "IDENTITY",
	    .ask = "/api/v1/identities/{0}/permissions",
	    .thing = &assignments,
	    .help = "the sets that an identity was given",
	    .example = "attune permission list 3" },
	{ .words = "permission grant",
	    .run = cmd_permission_grant,
	    .args = "LOGIN SET",
	    .help = "give a permission set to an identity (login or id)",
	    .example = "attune permission grant ada core.editor" },
	{ .words = "permission revoke",
	    .run = cmd_permission_revoke,
	    .args = "LOGIN SET",
	    .help = "take it back",
	    .example = "attune permission revoke ada core.editor" },
	{ .words = "permission role add",
	    .run = cmd_set_role_add,
	    .args = "SET ROLE",
	    .help = "give a permission set to everybody with a role",
	    .example = "attune permission role add core.editor operators" },
	{ .words = "permission role remove",
	    .run = cmd_set_role_remove,
	    .args = "SET ROLE",
	    .help = "take it back",
	    .example = "attune permission role remove core.editor operators" },
};

const Family family_permission = { "Permissions", commands, countof(commands) };

/* By ref or id; the API lists sets and has no route for one. */
static bool
find_set(Cli *c, Str name, Json *ret, Err *err)
{
	Json all;

	if (!cli_call(c, "GET", str_of("/api/v1/permissions/sets"), NULL, &all, err))
		return false;
	for (size_t i = 0; json_at(&all, i) != NULL; i++) {
		const Json *one = json_at(&all, i);

		if (!str_eq(json_get_text(one, "ref"), name) && !str_eq(json_text(c->a, json_get(one, "id")), name))
			continue;
		*ret = *one;
		return true;
	}
	return err_set(
	    err, ERR_NOT_FOUND, "there is no permission set '%.*s'. See: attune permission set list", STR_ARG(name));
}

static bool
find_identity(Cli *c, Str name, Str *ret_id, Err *err)
{
	int64_t id;
	Json page;

	*ret_id = name;
	if (str_to_int(name, &id))
		return true;
	for (int64_t n = 1;; n++) {
		if (!cli_call(c, "GET", str_fmt(c->a, "/api/v1/identities?page_size=100&page=%lld", (long long)n), NULL,
			&page, err))
			return false;
		for (size_t i = 0; json_at(&page, i) != NULL; i++) {
			if (!str_eq(json_get_text(json_at(&page, i), "login"), name))
				continue;
			*ret_id = json_text(c->a, json_get(json_at(&page, i), "id"));
			return true;
		}
		if (!json_is(&page, JSON_ARRAY) || page.n == 0)
			return err_set(err, ERR_NOT_FOUND, "there is no identity '%.*s'. See: attune identity list",
			    STR_ARG(name));
	}
}

bool
cmd_permission_show(Cli *c, int *ret_code, Err *err)
{
	Json set;

	(void)ret_code;
	if (!find_set(c, c->args[0], &set, err))
		return false;
	if (!out_raw(c, &set))
		out_fields(c, &set);
	return true;
}

bool
cmd_permission_update(Cli *c, int *ret_code, Err *err)
{
	Json set, body, row;

	(void)ret_code;
	if (!cli_body(c, &body, err) || !find_set(c, c->args[0], &set, err))
		return false;
	if (!cli_call(c, "PUT", cli_fill(c, "/api/v1/permissions/sets/{id}", &set, true), &body, &row, err))
		return false;
	cli_said(c, "Permission set {ref} is changed.", &row);
	return true;
}

bool
cmd_permission_grant(Cli *c, int *ret_code, Err *err)
{
	Json body = json_object(), row;
	int64_t id;

	(void)ret_code;
	if (str_to_int(c->args[0], &id))
		json_add(c->a, &body, "identity_id", json_int(id));
	else
		json_add(c->a, &body, "identity_login", json_str(c->args[0]));
	json_add(c->a, &body, "permission_set_ref", json_str(c->args[1]));
	if (!cli_call(c, "POST", str_of("/api/v1/permissions/assignments"), &body, &row, err))
		return false;
	cli_said(c, "{0} has {permission_set_ref}.", &row);
	return true;
}

/* Finds in a list the row whose member is the text, and removes it by its id. */
static bool
remove_by(Cli *c, const Json *rows, const char *member, Str text, const char *path, Err *err)
{
	for (size_t i = 0; json_at(rows, i) != NULL; i++) {
		const Json *one = json_at(rows, i);
		Json row;

		if (!str_eq(json_get_text(one, member), text))
			continue;
		if (!cli_call(c, "DELETE", cli_fill(c, path, one, true), NULL, &row, err))
			return false;
		cli_said(c, "{0} no longer has {1}.", &row);
		return true;
	}
	return err_set(err, ERR_NOT_FOUND, "%.*s does not have %.*s", STR_ARG(c->args[0]), STR_ARG(c->args[1]));
}

bool
cmd_permission_revoke(Cli *c, int *ret_code, Err *err)
{
	Json rows;
	Str id;

	(void)ret_code;
	if (!find_identity(c, c->args[0], &id, err) ||
	    !cli_call(c, "GET", str_fmt(c->a, "/api/v1/identities/%.*s/permissions", STR_ARG(url_escape(c->a, id))),
		NULL, &rows, err))
		return false;
	return remove_by(c, &rows, "permission_set_ref", c->args[1], "/api/v1/permissions/assignments/{id}", err);
}

bool
cmd_set_role_add(Cli *c, int *ret_code, Err *err)
{
	Json set, body = json_object(), row;

	(void)ret_code;
	if (!find_set(c, c->args[0], &set, err))
		return false;
	json_add(c->a, &body, "role", json_str(c->args[1]));
	if (!cli_call(c, "POST", cli_fill(c, "/api/v1/permissions/sets/{id}/roles", &set, true), &body, &row, err))
		return false;
	cli_said(c, "Whoever has the role {1} has {0}.", &row);
	return true;
}

bool
cmd_set_role_remove(Cli *c, int *ret_code, Err *err)
{
	Json set;

	(void)ret_code;
	return find_set(c, c->args[0], &set, err) &&
	       remove_by(c, json_get(&set, "roles"), "role", c->args[1], "/api/v1/permissions/sets/roles/{id}", err);
}
