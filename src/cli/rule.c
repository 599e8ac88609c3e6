#include "cli/output.h"

static Str
path_of(const Cli *c, const char *more)
{
	return str_fmt(c->a, "/api/v1/rules/%.*s%s", STR_ARG(url_escape(c->a, c->args[0])), more);
}

static bool
change(Cli *c, const char *method, const char *more, const char *done, Err *err)
{
	Json row;

	if (!cli_call(c, method, path_of(c, more), NULL, &row, err))
		return false;
	if (!out_raw(c, &row))
		out_line(c, "Rule %.*s is %s.", STR_ARG(c->args[0]), done);
	return true;
}

bool
cmd_rule_enable(Cli *c, int *ret_code, Err *err)
{
	(void)ret_code;
	return change(c, "POST", "/enable", "enabled", err);
}

bool
cmd_rule_disable(Cli *c, int *ret_code, Err *err)
{
	(void)ret_code;
	return change(c, "POST", "/disable", "disabled", err);
}

bool
cmd_rule_delete(Cli *c, int *ret_code, Err *err)
{
	(void)ret_code;
	return change(c, "DELETE", "", "deleted", err);
}

/* A name without a dot is completed with the pack's. */
static bool
name_rule(Cli *c, Json *body, Err *err)
{
	static const char *const needed[] = { "name", "pack", "trigger", "action" };
	Str name = cli_opt(c, "name"), pack = cli_opt(c, "pack"), ref, label = cli_opt(c, "label");

	for (size_t i = 0; i < countof(needed); i++)
		if (cli_opt(c, needed[i]).n == 0)
			return err_set(err, ERR_INVALID, "'attune rule create' needs --%s", needed[i]);
	ref = memchr(name.p, '.', name.n) != NULL ? name : str_fmt(c->a, "%.*s.%.*s", STR_ARG(pack), STR_ARG(name));
	json_add(c->a, body, "ref", json_str(ref));
	json_add(c->a, body, "label", json_str(label.n > 0 ? label : name));
	json_add(c->a, body, "pack_ref", json_str(pack));
	json_add(c->a, body, "trigger_ref", json_str(cli_opt(c, "trigger")));
	json_add(c->a, body, "action_ref", json_str(cli_opt(c, "action")));
	return true;
}

/* --conditions may be an object or a list of conditions; --criteria is its other name. */
static bool
add_conditions(Cli *c, Json *body, Err *err)
{
	const char *name = cli_has(c, "conditions") ? "conditions" : "criteria";
	Str text = cli_opt(c, name);
	Json v;

	if (str_none(text))
		return true;
	if (!json_parse(c->a, text, NULL, &v, err))
		return err_wrap(err, "--%s", name);
	json_add(c->a, body, "conditions", v);
	return true;
}

static bool
add_object(Cli *c, Json *body, const char *option, const char *key, Err *err)
{
	Json v;

	if (!cli_opt_json(c, option, &v, err))
		return false;
	json_add(c->a, body, key, v);
	return true;
}

bool
cmd_rule_create(Cli *c, int *ret_code, Err *err)
{
	Json body = json_object(), row;

	(void)ret_code;
	if (!name_rule(c, &body, err) || !add_object(c, &body, "trigger-params", "trigger_params", err) ||
	    !add_object(c, &body, "action-params", "action_params", err) || !add_conditions(c, &body, err))
		return false;
	if (cli_has(c, "description"))
		json_add(c->a, &body, "description", json_str(cli_opt(c, "description")));
	json_add(c->a, &body, "enabled", json_bool(!cli_has(c, "disabled")));
	if (!cli_call(c, "POST", str_of("/api/v1/rules"), &body, &row, err))
		return false;
	if (!out_raw(c, &row))
		out_line(c, "Rule %.*s is created and %s.", STR_ARG(json_get_text(&row, "ref")),
		    json_as_bool(json_get(&row, "enabled"), false) ? "enabled" : "disabled");
	return true;
}
