#include "cli/output.h"

/* `list` and `show` of every kind of thing, told apart by the command's Thing. */

Str
cli_query(const Cli *c, Str path)
{
	Buf b = buf_open(c->a);
	bool first = !str_find(path, str_of("?"), NULL);

	buf_add(&b, path);
	for (size_t i = 0; i < c->n_given; i++) {
		const CliGiven *g = &c->given[i];
		Str value = g->opt->value == NULL ? str_of("true") : g->value;

		if (g->opt->key == NULL)
			continue;
		buf_fmt(&b, "%c%s=", first ? '?' : '&', g->opt->key);
		buf_add(&b, url_escape(c->a, value));
		first = false;
	}
	return buf_str(&b);
}

bool
cmd_list_run(Cli *c, int *ret_code, Err *err)
{
	const char *path = c->command->ask != NULL ? c->command->ask : c->command->thing->path;
	int64_t unused;
	Json rows;

	(void)ret_code;
	if (!cli_opt_int(c, "limit", 0, &unused, err) || !cli_opt_int(c, "page", 0, &unused, err))
		return false;
	if (!cli_call(c, "GET", cli_query(c, cli_fill(c, path, NULL, true)), NULL, &rows, err))
		return false;
	if (!out_raw(c, &rows))
		out_list(c, c->command->thing, &rows);
	return true;
}

bool
cmd_show_run(Cli *c, int *ret_code, Err *err)
{
	const char *path = c->command->ask;
	Json one;

	(void)ret_code;
	if (path == NULL)
		path = str_fmt(c->a, "%s/{0}", c->command->thing->path).p;
	if (!cli_call(c, "GET", cli_query(c, cli_fill(c, path, NULL, true)), NULL, &one, err))
		return false;
	if (!out_raw(c, &one))
		out_fields(c, &one);
	return true;
}
