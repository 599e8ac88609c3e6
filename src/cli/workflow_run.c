#include "cli/execution.h"
#include "cli/handlers.h"

/* What was to be a list, an object or a quoted text, and is none. */
static bool
is_broken(Str text)
{
	return text.n > 0 && strchr("{[\"", text.p[0]) != NULL;
}

/* "TASK=JSON": what is no JSON is a text. */
static bool
add_result(Cli *c, Json *results, Str text, Err *err)
{
	Str rest = text, task;
	Err why = { 0 };
	Json v;

	if (!str_cut(&rest, '=', &task) || str_none(rest) || task.n == 0)
		return err_set(err, ERR_INVALID, "--result must be TASK=JSON, not '%.*s'", STR_ARG(text));
	if (!cli_text_of(c, rest, &rest, err))
		return err_wrap(err, "--result %.*s", STR_ARG(task));
	if (!json_parse(c->a, rest, NULL, &v, &why)) {
		if (is_broken(rest))
			return err_set(err, ERR_INVALID, "--result %.*s is no JSON: %s", STR_ARG(task), why.text);
		v = json_str(rest);
	}
	json_set_str(c->a, results, task, v);
	return true;
}

static bool
dry_body(Cli *c, const Json *params, Json *ret, Err *err)
{
	Json results = json_object(), failed = json_array();

	for (size_t i = 0; i < c->n_given; i++) {
		if (strcmp(c->given[i].opt->name, "fail") == 0)
			json_push(c->a, &failed, json_str(c->given[i].value));
		else if (strcmp(c->given[i].opt->name, "result") == 0 &&
			 !add_result(c, &results, c->given[i].value, err))
			return false;
	}
	*ret = json_object();
	json_add(c->a, ret, "parameters", *params);
	json_add(c->a, ret, "results", results);
	json_add(c->a, ret, "failed", failed);
	return true;
}

/* ---- what it would do, for people ---- */

static Str
name_of(Cli *c, const Json *step)
{
	Str task = json_get_text(step, "task");
	int64_t round = json_as_int(json_get(step, "iteration"), 0);
	const Json *index = json_get(step, "index");
	Buf b = buf_open(c->a);

	buf_fmt(&b, "%.*s", STR_ARG(task));
	if (!json_is_null(index))
		buf_fmt(&b, "[%lld]", (long long)json_as_int(index, 0));
	if (round > 1)
		buf_fmt(&b, " (round %lld)", (long long)round);
	return buf_str(&b);
}

static void
print_start(Cli *c, const Json *step, Str name)
{
	Str error = json_get_text(step, "error");

	if (error.n > 0)
		out_clean(c, "starts   %.*s  cannot: %.*s", STR_ARG(name), STR_ARG(error));
	else
		out_clean(c, "starts   %.*s  %.*s %.*s", STR_ARG(name), STR_ARG(json_get_text(step, "action")),
		    STR_ARG(json_text(c->a, json_get(step, "input"))));
}

static void
print_step(Cli *c, const Json *step)
{
	Str what = json_get_text(step, "event"), name = name_of(c, step), status = json_get_text(step, "status");
	const Json *published = json_get(step, "published");

	if (str_is(what, "start"))
		print_start(c, step, name);
	else if (str_is(what, "end"))
		out_clean(c, "ends     %.*s  %.*s with %.*s%s", STR_ARG(name), STR_ARG(status),
		    STR_ARG(json_text(c->a, json_get(step, "result"))),
		    json_as_bool(json_get(step, "assumed"), false) ? ", assumed" : "");
	else if (str_is(what, "wait"))
		out_clean(
		    c, "waits    %.*s s for %.*s", STR_ARG(json_text(c->a, json_get(step, "seconds"))), STR_ARG(name));
	else if (str_is(what, "note"))
		out_clean(c, "note     %.*s%s%.*s", STR_ARG(name), name.n > 0 ? ": " : "",
		    STR_ARG(json_get_text(step, "note")));
	else
		out_clean(c, "task     %.*s  %.*s%s%.*s", STR_ARG(name), STR_ARG(status),
		    published != NULL && published->n > 0 ? ", publishes " : "",
		    STR_ARG(published != NULL && published->n > 0 ? json_text(c->a, published) : str_of("")));
}

static bool
dry_run(Cli *c, const Json *params, int *ret_code, Err *err)
{
	const Json *steps;
	Json body, row;
	Str status;

	if (!dry_body(c, params, &body, err) ||
	    !cli_call(c, "POST", cli_fill(c, "/api/v1/workflows/{0}/dry-run", NULL, true), &body, &row, err))
		return false;
	status = json_get_text(&row, "status");
	*ret_code = str_is(status, "completed") ? CLI_DONE : CLI_FAILED;
	if (out_raw(c, &row))
		return true;
	steps = json_get(&row, "steps");
	for (size_t i = 0; json_at(steps, i) != NULL; i++)
		print_step(c, json_at(steps, i));
	if (json_as_bool(json_get(&row, "cut_off"), false))
		out_clean(c, "…        it goes on: only so many steps are taken");
	else
		out_clean(c, "%.*s  %.*s", STR_ARG(status), STR_ARG(json_text(c->a, json_get(&row, "result"))));
	return true;
}

bool
cmd_workflow_run(Cli *c, int *ret_code, Err *err)
{
	Json body = json_object(), params = json_object();

	if (!cli_params(c, &params, err))
		return false;
	if (cli_has(c, "dry-run"))
		return dry_run(c, &params, ret_code, err);
	if (cli_has(c, "result") || cli_has(c, "fail"))
		return err_set(
		    err, ERR_INVALID, "--result and --fail go with --dry-run: what really runs gives its own results");
	json_set(c->a, &body, "action_ref", json_str(c->args[0]));
	json_set(c->a, &body, "parameters", params);
	return cli_execute(c, &body, ret_code, err);
}
