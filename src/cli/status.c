#include "cli/handlers.h"
#include "cli/output.h"

typedef struct Part {
	const char *title;
	const char *key;
	Column columns[TABLE_COLUMNS];
} Part;

static const Part parts[] = {
	{ "Roles", "roles",
	    { { "ROLE", "role", COLUMN_TEXT }, { "NAME", "name", COLUMN_TEXT }, { "STATE", "state", COLUMN_STATUS },
		{ "FOR", "since", COLUMN_AGE } } },
	{ "Workers", "workers",
	    { { "ID", "id", COLUMN_TEXT }, { "NAME", "name", COLUMN_TEXT }, { "STATUS", "status", COLUMN_STATUS },
		{ "SLOTS", "slots", COLUMN_TEXT }, { "RUNNING", "running", COLUMN_TEXT },
		{ "ASSIGNED", "assigned", COLUMN_TEXT }, { "RUNTIMES", "runtimes", COLUMN_TEXT },
		{ "LAST SEEN", "last_seen", COLUMN_TIME } } },
	{ "Queues", "queues",
	    { { "QUEUE", "name", COLUMN_TEXT }, { "MESSAGES", "messages", COLUMN_TEXT },
		{ "CONSUMERS", "consumers", COLUMN_TEXT } } },
	{ "Waiting", "waiting",
	    { { "WHY", "reason", COLUMN_TEXT }, { "EXECUTIONS", "count", COLUMN_TEXT },
		{ "OLDEST", "oldest_id", COLUMN_TEXT }, { "FOR", "oldest_at", COLUMN_AGE } } },
};

static void
print_counts(const Cli *c, const Json *counts)
{
	Buf b = buf_open(c->a);

	for (size_t i = 0; json_is(counts, JSON_OBJECT) && i < counts->n; i++)
		buf_fmt(&b, "%s%lld %.*s", i == 0 ? "" : ", ", (long long)json_as_int(&counts->members[i].value, 0),
		    STR_ARG(counts->members[i].key));
	out_line(c, "\nExecutions: %s", b.n == 0 ? "none" : buf_str(&b).p);
}

bool
cmd_status_run(Cli *c, int *ret_code, Err *err)
{
	Json all;

	(void)ret_code;
	if (!cli_call(c, "GET", str_of("/api/v1/status"), NULL, &all, err))
		return false;
	if (out_raw(c, &all))
		return true;
	for (size_t i = 0; i < countof(parts); i++) {
		const Json *rows = json_get(&all, parts[i].key);

		out_line(c, "%s%s%s", i == 0 ? "" : "\n", parts[i].title,
		    json_is(rows, JSON_ARRAY) && rows->n > 0 ? "" : ": none");
		if (json_is(rows, JSON_ARRAY) && rows->n > 0)
			out_table(c, parts[i].columns, rows);
	}
	print_counts(c, json_get(&all, "executions"));
	return true;
}
