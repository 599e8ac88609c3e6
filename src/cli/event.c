#include "cli/output.h"

bool
cmd_event_emit(Cli *c, int *ret_code, Err *err)
{
	Json body = json_object(), payload, row;

	(void)ret_code;
	if (!cli_opt_json(c, "payload", &payload, err))
		return false;
	json_add(c->a, &body, "trigger_ref", json_str(c->args[0]));
	json_add(c->a, &body, "payload", payload);
	if (!cli_call(c, "POST", str_of("/api/v1/events"), &body, &row, err))
		return false;
	if (!out_raw(c, &row))
		out_line(c, "Event %lld of %.*s is stored.", (long long)json_as_int(json_get(&row, "id"), 0),
		    STR_ARG(c->args[0]));
	return true;
}
