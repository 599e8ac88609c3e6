#include "cli/output.h"

/* `list` and `show` of every kind of thing, told apart by the command's Thing. */

static Str
list_path(const Cli *c)
{
	Buf b = buf_open(c->a);

	buf_text(&b, c->command->thing->path);
	for (size_t i = 0, n = 0; i < c->n_given; i++) {
		const CliGiven *g = &c->given[i];
		Str value = g->opt->value == NULL ? str_of("true") : g->value;

		if (g->opt->query == NULL)
			continue;
		buf_fmt(&b, "%c%s=", n++ == 0 ? '?' : '&', g->opt->query);
		buf_add(&b, url_escape(c->a, value));
	}
	return buf_str(&b);
}

bool
cmd_list_run(Cli *c, int *ret_code, Err *err)
{
	int64_t unused;
	Json rows;

	(void)ret_code;
	if (!cli_opt_int(c, "limit", 0, &unused, err) || !cli_opt_int(c, "page", 0, &unused, err))
		return false;
	if (!cli_call(c, "GET", list_path(c), NULL, &rows, err))
		return false;
	if (out_raw(c, &rows))
		return true;
	if (rows.n == 0)
		out_line(c, "Nothing found.");
	else
		out_table(c, c->command->thing->columns, &rows);
	return true;
}

bool
cmd_show_run(Cli *c, int *ret_code, Err *err)
{
	Json one;

	(void)ret_code;
	if (!cli_call(c, "GET",
		str_fmt(c->a, "%s/%.*s", c->command->thing->path, STR_ARG(url_escape(c->a, c->args[0]))), NULL, &one,
		err))
		return false;
	if (!out_raw(c, &one))
		out_fields(c, &one);
	return true;
}
