#include "cli/execution.h"

#include "cli/handlers.h"
#include "cli/profile.h"
#include "cli/tail.h"

#include <stdlib.h>

enum { DAY_S = 86400, LIST_DEFAULT = 20 };

static const Column timeline[] = {
	{ "STATUS", "status", COLUMN_STATUS },
	{ "AT", "at", COLUMN_TIME },
	{ "BY", "by", COLUMN_TEXT },
	{ "NOTE", "note", COLUMN_TEXT },
	{ 0 },
};

static Str
path_of(const Cli *c, const char *more)
{
	return str_fmt(c->a, "/api/v1/executions/%.*s%s", STR_ARG(url_escape(c->a, c->args[0])), more);
}

void
print_with_end(FILE *f, Str text)
{
	if (text.n == 0)
		return;
	fwrite(text.p, 1, text.n, f);
	if (text.p[text.n - 1] != '\n')
		fputc('\n', f);
}

static void
print_result(const Cli *c, const Json *row)
{
	const Json *result = json_get(row, "result"), *data = json_get(result, "data");
	Str out = json_get_text(result, "stdout");
	Buf b = buf_open(c->a);

	if (out.n > 0) {
		print_with_end(c->io->out, out);
		return;
	}
	if (json_is_null(data))
		data = result;
	if (json_is_null(data))
		return;
	json_print_pretty(&b, data);
	print_with_end(c->io->out, buf_str(&b));
}

static void
print_failure(const Cli *c, const Json *row)
{
	const Json *result = json_get(row, "result");
	Str error = json_get_text(result, "error"), status = json_get_text(row, "status");

	print_with_end(c->io->err, json_get_text(result, "stderr"));
	fprintf(c->io->err, "Error: execution %lld is %.*s%s%.*s\n", (long long)json_as_int(json_get(row, "id"), 0),
	    STR_ARG(status), error.n > 0 ? ": " : "", STR_ARG(error));
}

int
cmd_execution_verdict(Cli *c, const Json *row)
{
	bool fine = str_is(json_get_text(row, "status"), "completed");

	if (!fine)
		print_failure(c, row);
	return fine ? CLI_DONE : CLI_FAILED;
}

/* It names its tasks; why they failed stands with them. */
static void
say_where(const Cli *c, const Json *row)
{
	if (str_starts(json_get_text(json_get(row, "result"), "error"), str_of("Workflow failed: ")))
		out_note(c, "Why: attune workflow watch %lld", (long long)json_as_int(json_get(row, "id"), 0));
}

int
cmd_execution_report(Cli *c, const Json *row)
{
	int code;

	if (out_raw(c, row))
		return str_is(json_get_text(row, "status"), "completed") ? CLI_DONE : CLI_FAILED;
	print_result(c, row);
	code = cmd_execution_verdict(c, row);
	say_where(c, row);
	return code;
}

bool
cmd_execution_show(Cli *c, int *ret_code, Err *err)
{
	Json row, moves = { 0 };

	(void)ret_code;
	if (!cli_call(c, "GET", cli_query(c, path_of(c, "")), NULL, &row, err))
		return false;
	if (out_raw(c, &row))
		return true;
	if (json_is(json_get(&row, "timeline"), JSON_ARRAY))
		moves = *json_get(&row, "timeline");
	json_remove(&row, str_of("timeline"));
	out_fields(c, &row);
	if (moves.n > 0) {
		out_line(c, "\nTimeline");
		out_table(c, timeline, &moves);
	}
	return true;
}

bool
cmd_execution_result(Cli *c, int *ret_code, Err *err)
{
	Str format = cli_opt(c, "format");
	const Json *result;
	Json row;

	(void)ret_code;
	if (format.n > 0 && !cli_format_named(format, &c->format))
		return err_set(err, ERR_INVALID, "--format is json or yaml, not '%.*s'", STR_ARG(format));
	if (!cli_call(c, "GET", path_of(c, ""), NULL, &row, err))
		return false;
	result = json_get(&row, "result");
	if (json_is_null(result))
		return err_set(err, ERR_NOT_FOUND, "execution %.*s has no result yet: it is %.*s", STR_ARG(c->args[0]),
		    STR_ARG(json_get_text(&row, "status")));
	if (c->format == FORMAT_TABLE || c->format == FORMAT_WIDE)
		c->format = FORMAT_JSON;
	out_raw(c, result);
	return true;
}

/* What one stream holds by now; of a server without that route, what the row holds of it. */
static bool
print_stream(Cli *c, const char *stream, FILE *out, const Json *row, Err *err)
{
	HttpAsk ask = { .method = "GET", .accept = "text/plain, application/json", .path = path_of(c, "/logs/") };
	HttpReply r;
	Err why = { 0 };

	ask.path = str_fmt(c->a, "%.*s%s", STR_ARG(ask.path), stream);
	if (cli_send(c, &ask, &r, &why))
		print_with_end(out, r.text);
	else if (why.code != ERR_NOT_FOUND)
		return err_set(err, why.code, "%s", why.text);
	else
		print_with_end(out, json_get_text(json_get(row, "result"), stream));
	return true;
}

static bool
follow_one(Cli *c, const char *stream)
{
	Tail t = { .id = c->args[0], .stream = stream, .out = c->io->out };
	Err unused = { 0 };
	TailEnd end;

	if (!profile_client(c, true, &t.client, &unused))
		return false;
	end = tail_run(&t);
	if (t.midline)
		fputc('\n', t.out);
	return end != TAIL_UNSUPPORTED;
}

bool
cmd_execution_logs(Cli *c, int *ret_code, Err *err)
{
	Str only = cli_opt(c, "stream");
	bool follow = cli_has(c, "follow");
	Json row;

	if (only.n > 0 && !str_is(only, "stdout") && !str_is(only, "stderr"))
		return err_set(err, ERR_INVALID, "--stream is stdout or stderr, not '%.*s'", STR_ARG(only));
	if (!cli_call(c, "GET", path_of(c, ""), NULL, &row, err))
		return false;
	follow = follow && !status_is_terminal(json_get_text(&row, "status"));
	if (follow && only.n == 0) {
		if (!cli_watch(c, c->args[0], DAY_S, ret_code, err))
			return false;
		if (*ret_code == CLI_FAILED)
			*ret_code = CLI_DONE; /* it is the output that was asked for */
		return true;
	}
	if (only.n > 0)
		return (follow && follow_one(c, only.p)) || print_stream(c, only.p, c->io->out, &row, err);
	return print_stream(c, "stdout", c->io->out, &row, err) && print_stream(c, "stderr", c->io->err, &row, err);
}

/* ---- lists ---- */

/* The API takes one status: several are asked for one after the other, and the latest of all are shown. */
static bool
rows_of_status(Cli *c, Str status, Json *ret, Err *err)
{
	Cli one = *c;
	bool fine;

	one.n_given = 0;
	for (size_t i = 0; i < c->n_given; i++)
		if (strcmp(c->given[i].opt->name, "status") != 0 || str_eq(c->given[i].value, status))
			one.given[one.n_given++] = c->given[i];
	fine = cli_call(&one, "GET", cli_query(&one, str_of(c->command->thing->path)), NULL, ret, err);
	c->client = one.client;
	return fine;
}

static int
latest_first(const void *a, const void *b)
{
	int64_t left = json_as_int(json_get(a, "id"), 0), right = json_as_int(json_get(b, "id"), 0);

	return left < right ? 1 : left > right ? -1 : 0;
}

bool
cmd_execution_list(Cli *c, int *ret_code, Err *err)
{
	Json all = json_array(), rows;
	size_t statuses = 0;
	int64_t limit;

	for (size_t i = 0; i < c->n_given; i++)
		statuses += strcmp(c->given[i].opt->name, "status") == 0;
	if (statuses < 2)
		return cmd_list_run(c, ret_code, err);
	if (!cli_opt_int(c, "limit", LIST_DEFAULT, &limit, err))
		return false;
	if (cli_has(c, "page"))
		return err_set(err, ERR_INVALID, "--page goes with one --status alone");
	for (size_t i = 0; i < c->n_given; i++) {
		if (strcmp(c->given[i].opt->name, "status") != 0)
			continue;
		if (!rows_of_status(c, c->given[i].value, &rows, err))
			return false;
		for (size_t r = 0; json_at(&rows, r) != NULL; r++)
			json_push(c->a, &all, *json_at(&rows, r));
	}
	if (all.n > 1)
		qsort(all.items, all.n, sizeof(Json), latest_first);
	if (all.n > limit)
		all.n = (uint32_t)limit;
	if (!out_raw(c, &all))
		out_list(c, c->command->thing, &all);
	return true;
}
