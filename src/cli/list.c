#include "cli/output.h"

/* `list` and `show` of every kind of thing, told apart by the command's Thing. */

enum { PAGE = 100 }; /* as many as the API gives at once */

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

/* A page at a time, by cursor, until there are as many as wanted. Lists without pages are one answer. */
static bool
rows_read(Cli *c, Str path, int64_t want, Json *ret, Err *err)
{
	Str cursor = { 0 };

	*ret = json_array();
	do {
		HttpAsk ask = { .method = "GET", .path = path };
		const Json *rows;
		HttpReply r;

		if (cursor.n > 0)
			ask.path = str_fmt(c->a, "%.*s%cafter=%.*s", STR_ARG(path),
			    memchr(path.p, '?', path.n) == NULL ? '?' : '&', STR_ARG(url_escape(c->a, cursor)));
		if (!cli_send(c, &ask, &r, err))
			return false;
		rows = json_get(&r.body, "data");
		if (rows == NULL)
			rows = json_get(&r.body, "items");
		if (rows == NULL)
			rows = &r.body;
		for (size_t i = 0; ret->n < want && json_at(rows, i) != NULL; i++)
			json_push(c->a, ret, *json_at(rows, i));
		cursor = json_get_text(json_get(&r.body, "pagination"), "next_cursor");
	} while (cursor.n > 0 && ret->n < want);
	return true;
}

bool
cmd_list_run(Cli *c, int *ret_code, Err *err)
{
	const char *path = c->command->ask != NULL ? c->command->ask : c->command->thing->path;
	int64_t want, page;
	Json rows;
	Str full;

	(void)ret_code;
	if (!cli_opt_int(c, "limit", 0, &want, err) || !cli_opt_int(c, "page", 0, &page, err))
		return false;
	full = cli_query(c, cli_fill(c, path, NULL, true));
	if (cli_has(c, "all"))
		full = str_fmt(
		    c->a, "%.*s%climit=%d", STR_ARG(full), memchr(full.p, '?', full.n) == NULL ? '?' : '&', PAGE);
	if (cli_has(c, "all") || want > PAGE ? !rows_read(c, full, cli_has(c, "all") ? INT64_MAX : want, &rows, err)
					     : !cli_call(c, "GET", full, NULL, &rows, err))
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
