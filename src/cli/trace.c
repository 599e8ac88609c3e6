#include "cli/handlers.h"
#include "cli/output.h"

static const Column hops[] = {
	{ "HOP", "what", COLUMN_TEXT },
	{ "AT", "at", COLUMN_TIME },
	{ "TOOK", "took_us", COLUMN_MICROS },
	{ "BY", "by", COLUMN_TEXT },
	{ 0 },
};

/* One line per link of the chain; what names it depends on its kind. */
static const struct {
	const char *key;
	const char *names[3];
} chain[] = {
	{ "event", { "id", "trigger_ref", "created" } },
	{ "rule", { "id", "ref", NULL } },
	{ "enforcement", { "id", "status", "created" } },
	{ "execution", { "id", "action_ref", "status" } },
	{ "worker", { "id", "name", NULL } },
};

static void
print_link(const Cli *c, size_t i, const Json *one)
{
	Buf b = buf_open(c->a);

	buf_fmt(&b, "%-12s%s", chain[i].key, json_is_null(one) ? " none" : "");
	for (size_t n = 0; !json_is_null(one) && n < countof(chain[i].names) && chain[i].names[n] != NULL; n++) {
		buf_char(&b, ' ');
		buf_add(&b, cell_text(c->a, json_get(one, chain[i].names[n]), COLUMN_TEXT));
	}
	out_line(c, "%s", buf_str(&b).p);
}

bool
cmd_trace_run(Cli *c, int *ret_code, Err *err)
{
	const Json *rows;
	Json all;

	(void)ret_code;
	if (!cli_call(
		c, "GET", str_fmt(c->a, "/api/v1/trace/%.*s", STR_ARG(url_escape(c->a, c->args[0]))), NULL, &all, err))
		return false;
	if (out_raw(c, &all))
		return true;
	for (size_t i = 0; i < countof(chain); i++)
		print_link(c, i, json_get(&all, chain[i].key));
	rows = json_get(&all, "hops");
	if (json_is(rows, JSON_ARRAY) && rows->n > 0) {
		out_line(c, "%s", "");
		out_table(c, hops, rows);
	}
	return true;
}
