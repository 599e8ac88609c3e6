#include "cli/handlers.h"
#include "cli/input.h"
#include "cli/output.h"

/* A name without a dot is completed with the pack's. */
bool
cmd_rule_create(Cli *c, int *ret_code, Err *err)
{
	Str name = cli_opt(c, "name"), pack = cli_opt(c, "pack");
	Json body, row;

	(void)ret_code;
	if (!cli_body(c, &body, err))
		return false;
	if (memchr(name.p, '.', name.n) == NULL)
		json_set(c->a, &body, "ref", json_str(str_fmt(c->a, "%.*s.%.*s", STR_ARG(pack), STR_ARG(name))));
	else
		json_set(c->a, &body, "ref", json_str(name));
	if (!cli_has(c, "label"))
		json_set(c->a, &body, "label", json_str(name));
	if (json_get(&body, "enabled") == NULL)
		json_set(c->a, &body, "enabled", json_bool(true));
	if (!cli_call(c, "POST", str_of("/api/v1/rules"), &body, &row, err))
		return false;
	cli_said(c,
	    json_as_bool(json_get(&row, "enabled"), false) ? "Rule {ref} is created and enabled."
							   : "Rule {ref} is created and disabled.",
	    &row);
	return true;
}

/* The rule comes from a file as packs have it; what it is tried on from an option. */
bool
cmd_rule_test(Cli *c, int *ret_code, Err *err)
{
	static const Thing tried = { NULL, { { "EVENT", "event", COLUMN_FIXED }, { "MET", "met", COLUMN_FIXED },
					       { "ACTION PARAMS", "action_params", COLUMN_TEXT } } };
	Json body, rule, rows;

	(void)ret_code;
	if (!cli_json_of(c, "FILE", str_fmt(c->a, "@%.*s", STR_ARG(c->args[0])), &rule, err) ||
	    !cli_body(c, &body, err))
		return false;
	json_set(c->a, &body, "rule", rule);
	if (!cli_call(c, "POST", str_of("/api/v1/rules/test"), &body, &rows, err))
		return false;
	if (!out_raw(c, &rows))
		out_list(c, &tried, &rows);
	return true;
}
