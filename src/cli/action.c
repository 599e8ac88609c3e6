#include "cli/execution.h"
#include "cli/handlers.h"

/* "k=v": the value is JSON when it reads as JSON, else a string; "k=@FILE" and "k=-" are read. */
static bool
add_param(Cli *c, Json *params, Str text, Err *err)
{
	Str rest = text, key;
	Json value;

	if (!str_cut(&rest, '=', &key) || str_none(rest) || key.n == 0)
		return err_set(err, ERR_INVALID, "--param must be NAME=VALUE, not '%.*s'", STR_ARG(text));
	if (!cli_text_of(c, rest, &rest, err))
		return err_wrap(err, "--param %.*s", STR_ARG(key));
	if (!json_parse(c->a, rest, NULL, &value, NULL))
		value = json_str(rest);
	json_set_str(c->a, params, key, value);
	return true;
}

bool
cli_params(Cli *c, Json *params, Err *err)
{
	Json given;

	if (cli_has(c, "params-json")) {
		if (!cli_opt_json(c, "params-json", &given, err))
			return false;
		*params = given;
	}
	for (size_t i = 0; i < c->n_given; i++)
		if (strcmp(c->given[i].opt->name, "param") == 0 && !add_param(c, params, c->given[i].value, err))
			return false;
	return true;
}

/* What --wait and --watch say of a run that was asked for. */
static bool
made(Cli *c, Json *row, int64_t seconds, int *ret_code, Err *err)
{
	Str id = json_text(c->a, json_get(row, "id"));

	if (cli_has(c, "watch") && str_starts(str_of(c->command->words), str_of("workflow ")))
		return cli_watch_tree(c, id, seconds, ret_code, err);
	if (cli_has(c, "watch"))
		return cli_watch(c, id, seconds, ret_code, err);
	if (cli_has(c, "wait")) {
		if (!status_is_terminal(json_get_text(row, "status")) && !cli_wait(c, id, seconds, row, err))
			return false;
		*ret_code = cmd_execution_report(c, row);
		return true;
	}
	cli_said(c, "Execution {id} is {status}. Follow it: attune execution watch {id}", row);
	return true;
}

bool
cli_execute(Cli *c, const Json *body, int *ret_code, Err *err)
{
	bool dry = cli_has(c, "dry-run");
	int64_t seconds;
	Json row;

	if (!cli_opt_int(c, "timeout", EXECUTION_WAIT_S, &seconds, err))
		return false;
	if (!cli_call(c, "POST", str_of(dry ? "/api/v1/executions/execute?dry_run=true" : "/api/v1/executions/execute"),
		body, &row, err))
		return false;
	if (dry) {
		cli_said(c, "The parameters are fine.", &row);
		return true;
	}
	return made(c, &row, seconds, ret_code, err);
}

bool
cmd_action_execute(Cli *c, int *ret_code, Err *err)
{
	Json body, params = json_object();

	if (!cli_params(c, &params, err) || !cli_body(c, &body, err))
		return false;
	json_set(c->a, &body, "action_ref", json_str(c->args[0]));
	json_set(c->a, &body, "parameters", params);
	return cli_execute(c, &body, ret_code, err);
}

/* A workflow from some of its tasks: everything else is as it was. */
static bool
rerun_from(Cli *c, int *ret_code, Err *err)
{
	Json body = json_object(), from = json_array(), row;
	int64_t seconds;

	for (size_t i = 0; i < c->n_given; i++) {
		const char *name = c->given[i].opt->name;

		if (strcmp(name, "from") == 0)
			json_push(c->a, &from, json_str(c->given[i].value));
		else if (strcmp(name, "param") == 0 || strcmp(name, "interactive") == 0 ||
			 strncmp(name, "params", 6) == 0 || strncmp(name, "worker", 6) == 0)
			return err_set(err, ERR_INVALID,
			    "--%s does not go with --from, which takes over what the run was given", name);
	}
	json_add(c->a, &body, "from", from);
	return cli_opt_int(c, "timeout", EXECUTION_WAIT_S, &seconds, err) &&
	       cli_call(c, "POST", cli_fill(c, "/api/v1/executions/{0}/rerun", NULL, true), &body, &row, err) &&
	       made(c, &row, seconds, ret_code, err);
}

/* What it was started with, less what is to be another. */
bool
cmd_execution_rerun(Cli *c, int *ret_code, Err *err)
{
	static const char *const same[] = { "timeout_seconds", "worker_selector", "worker_tolerations",
		"worker_affinity", "permission_set_refs" };
	Json row, body, params = json_object();
	const Json *config;
	Str what;

	if (cli_has(c, "from"))
		return rerun_from(c, ret_code, err);
	if (!cli_body(c, &body, err) ||
	    !cli_call(c, "GET", cli_fill(c, "/api/v1/executions/{0}", NULL, true), NULL, &row, err))
		return false;
	config = json_get(&row, "config");
	if (json_is(config, JSON_OBJECT))
		params = json_clone(c->a, config);
	what = str_fmt(c->a, "Parameters of %.*s, as execution %.*s had them",
	    STR_ARG(json_get_text(&row, "action_ref")), STR_ARG(c->args[0]));
	if (!cli_params(c, &params, err) || (cli_has(c, "interactive") && !cli_edit(c, what, &params, err)))
		return false;
	json_add(c->a, &body, "action_ref", json_str(json_get_text(&row, "action_ref")));
	json_add(c->a, &body, "parameters", params);
	for (size_t i = 0; i < countof(same); i++) {
		const Json *v = json_get(&row, same[i]);

		if (json_get(&body, same[i]) == NULL && !json_is_null(v) &&
		    !((json_is(v, JSON_OBJECT) || json_is(v, JSON_ARRAY)) && v->n == 0))
			json_add(c->a, &body, same[i], *v);
	}
	return cli_execute(c, &body, ret_code, err);
}
