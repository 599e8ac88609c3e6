#include "cli/execution.h"

enum { WAIT_S = 300 };

/* "k=v": the value is JSON when it reads as JSON, else a string. */
static bool
add_param(Cli *c, Json *params, Str text, Err *err)
{
	Str rest = text, key;
	Json value;

	if (!str_cut(&rest, '=', &key) || str_none(rest) || key.n == 0)
		return err_set(err, ERR_INVALID, "--param must be NAME=VALUE, not '%.*s'", STR_ARG(text));
	if (!json_parse(c->a, rest, NULL, &value, NULL))
		value = json_str(rest);
	json_set_str(c->a, params, key, value);
	return true;
}

static bool
read_params(Cli *c, Json *ret, Err *err)
{
	if (!cli_opt_json(c, "params-json", ret, err))
		return false;
	for (size_t i = 0; i < c->n_given; i++)
		if (strcmp(c->given[i].opt->name, "param") == 0 && !add_param(c, ret, c->given[i].value, err))
			return false;
	return true;
}

bool
cmd_action_execute(Cli *c, int *ret_code, Err *err)
{
	Json body = json_object(), params, row;
	int64_t seconds;
	Str id;

	if (!read_params(c, &params, err) || !cli_opt_int(c, "timeout", WAIT_S, &seconds, err))
		return false;
	json_add(c->a, &body, "action_ref", json_str(c->args[0]));
	json_add(c->a, &body, "parameters", params);
	if (!cli_call(c, "POST", str_of("/api/v1/executions/execute"), &body, &row, err))
		return false;
	id = json_text(c->a, json_get(&row, "id"));
	if (cli_has(c, "wait") || cli_has(c, "watch")) {
		if (!status_is_terminal(json_get_text(&row, "status")) && !cli_wait(c, id, seconds, &row, err))
			return false;
		*ret_code = cmd_execution_report(c, &row);
		return true;
	}
	if (!out_raw(c, &row))
		out_line(c, "Execution %.*s is %.*s. Follow it: attune execution watch %.*s", STR_ARG(id),
		    STR_ARG(json_get_text(&row, "status")), STR_ARG(id));
	return true;
}
