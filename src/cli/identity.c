#include "cli/families.h"
#include "cli/handlers.h"

static const Thing identities = { "/api/v1/identities",
	{ { "ID", "id", COLUMN_FIXED }, { "LOGIN", "login", COLUMN_TEXT }, { "NAME", "display_name", COLUMN_TEXT },
	    { "ROLES", "roles", COLUMN_TEXT }, { "FROZEN", "frozen", COLUMN_FIXED } } };

#define WHO_OPTS \
	{ "name", 'n', "TEXT", "display_name", "for people" }, \
	    { "password", '\0', "TEXT", "password", "@FILE or - (standard input) keeps it off the command line", \
		    KIND_FILE_TEXT }, \
	{ \
		"attributes", '\0', "JSON", "attributes", "what grants may ask for", KIND_OBJECT \
	}

static const Command commands[] = {
	{ .words = "identity list",
	    .run = cmd_list_run,
	    .opts = OPTS(LIST_OPTS),
	    .thing = &identities,
	    .help = "who may log in",
	    .example = "attune identity list" },
	{ .words = "identity show",
	    .run = cmd_show_run,
	    .args = "ID",
	    .thing = &identities,
	    .help = "one of them, with roles and permission sets",
	    .example = "attune identity show 1" },
	{ .words = "identity create",
	    .run = cli_ask,
	    .args = "LOGIN",
	    .ask = "POST /api/v1/identities login={0}",
	    .opts = OPTS(WHO_OPTS),
	    .done = "Identity {id} ({login}) is created. It may do nothing yet: attune permission grant",
	    .help = "let somebody log in",
	    .example = "attune identity create ada --password - < password.txt" },
	{ .words = "identity update",
	    .run = cli_ask,
	    .args = "ID",
	    .ask = "PUT /api/v1/identities/{0}",
	    .opts = OPTS(WHO_OPTS),
	    .done = "Identity {0} is changed.",
	    .help = "change name, password or attributes",
	    .example = "attune identity update 3 --name 'Ada L.'" },
	{ .words = "identity delete",
	    .run = cli_ask,
	    .args = "ID",
	    .ask = "DELETE /api/v1/identities/{0}",
	    .confirm = "Delete identity {0}?",
	    .done = "Identity {0} is deleted.",
	    .help = "remove it",
	    .example = "attune identity delete 3" },
	{ .words = "identity freeze",
	    .run = cli_ask,
	    .args = "ID",
	    .ask = "POST /api/v1/identities/{0}/freeze",
	    .done = "Identity {0} is frozen.",
	    .help = "let it in no more",
	    .example = "attune identity freeze 3" },
	{ .words = "identity unfreeze",
	    .run = cli_ask,
	    .args = "ID",
	    .ask = "POST /api/v1/identities/{0}/unfreeze",
	    .done = "Identity {0} may log in again.",
	    .help = "let it in again",
	    .example = "attune identity unfreeze 3" },
	{ .words = "identity role add",
	    .run = cli_ask,
	    .args = "ID ROLE",
	    .ask = "POST /api/v1/identities/{0}/roles role={1}",
	    .done = "Identity {0} has the role {1}.",
	    .help = "give it a role",
	    .example = "attune identity role add 3 operators" },
	{ .words = "identity role remove",
	    .run = cmd_role_remove,
	    .args = "ID ROLE",
	    .help = "take a role from it",
	    .example = "attune identity role remove 3 operators" },
};

const Family family_identity = { "Identities", commands, countof(commands) };

/* Assignments are removed by their own id: it is found by the role's name. */
bool
cmd_role_remove(Cli *c, int *ret_code, Err *err)
{
	const Json *roles;
	Json one;

	(void)ret_code;
	if (!cli_call(c, "GET", cli_fill(c, "/api/v1/identities/{0}", NULL, true), NULL, &one, err))
		return false;
	roles = json_get(&one, "roles");
	for (size_t i = 0; json_at(roles, i) != NULL; i++) {
		const Json *role = json_at(roles, i);

		if (!str_eq(json_get_text(role, "role"), c->args[1]))
			continue;
		if (!cli_call(c, "DELETE",
			str_fmt(c->a, "/api/v1/identities/roles/%.*s", STR_ARG(json_text(c->a, json_get(role, "id")))),
			NULL, &one, err))
			return false;
		if (!out_raw(c, &one))
			out_line(
			    c, "Identity %.*s no longer has the role %.*s.", STR_ARG(c->args[0]), STR_ARG(c->args[1]));
		return true;
	}
	return err_set(err, ERR_NOT_FOUND, "identity %.*s does not have the role '%.*s'", STR_ARG(c->args[0]),
	    STR_ARG(c->args[1]));
}
