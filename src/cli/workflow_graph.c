#include "cli/handlers.h"
#include "cli/output.h"

bool
cmd_workflow_graph(Cli *c, int *ret_code, Err *err)
{
	Str format = cli_opt(c, "format");
	bool people = c->field.n == 0 && (c->format == FORMAT_TABLE || c->format == FORMAT_WIDE);
	HttpAsk ask = { .method = "GET", .accept = "*/*" };
	HttpReply r;
	Json graph;

	(void)ret_code;
	if (format.n > 0 && !str_is(format, "text") && !str_is(format, "dot") && !str_is(format, "svg"))
		return err_set(err, ERR_INVALID, "--format is text, dot or svg, not '%.*s'", STR_ARG(format));
	ask.path = cli_fill(c, "/api/v1/workflows/{0}/graph", NULL, true);
	if (format.n == 0 && !people)
		return cli_call(c, "GET", ask.path, NULL, &graph, err) && (out_raw(c, &graph), true);
	ask.path =
	    str_fmt(c->a, "%.*s?format=%.*s", STR_ARG(ask.path), STR_ARG(format.n > 0 ? format : str_of("text")));
	if (!cli_send(c, &ask, &r, err))
		return false;
	fwrite(r.text.p, 1, r.text.n, c->io->out);
	return true;
}
