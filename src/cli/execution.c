#include "cli/execution.h"

#include "cli/handlers.h"
#include "cli/tail.h"

enum { DAY_S = 86400 };

static const Column timeline[] = {
	{ "STATUS", "status", COLUMN_TEXT },
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

int
cmd_execution_report(Cli *c, const Json *row)
{
	if (out_raw(c, row))
		return str_is(json_get_text(row, "status"), "completed") ? CLI_DONE : CLI_FAILED;
	print_result(c, row);
	return cmd_execution_verdict(c, row);
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

typedef struct Source {
	const char *stream;
	FILE *out;
} Source;

/* One stream from the server, else what its row holds of it. */
static void
print_stream(Cli *c, const Source *s, const Json *row, bool follow)
{
	Tail t = { .c = c, .id = c->args[0], .stream = s->stream, .out = s->out, .once = !follow };

	if (tail_run(&t) != TAIL_UNSUPPORTED) {
		if (t.midline)
			fputc('\n', s->out);
		return;
	}
	print_with_end(s->out, json_get_text(json_get(row, "result"), s->stream));
}

bool
cmd_execution_logs(Cli *c, int *ret_code, Err *err)
{
	const Source sources[] = { { "stdout", c->io->out }, { "stderr", c->io->err } };
	Str only = cli_opt(c, "stream");
	bool follow = cli_has(c, "follow"), ended;
	Json row;

	if (only.n > 0 && !str_is(only, "stdout") && !str_is(only, "stderr"))
		return err_set(err, ERR_INVALID, "--stream is stdout or stderr, not '%.*s'", STR_ARG(only));
	if (!cli_call(c, "GET", path_of(c, ""), NULL, &row, err))
		return false;
	ended = status_is_terminal(json_get_text(&row, "status"));
	if (follow && !ended && only.n == 0) {
		if (!cli_watch(c, c->args[0], DAY_S, ret_code, err))
			return false;
		if (*ret_code == CLI_FAILED)
			*ret_code = CLI_DONE; /* it is the output that was asked for */
		return true;
	}
	for (size_t i = 0; i < countof(sources); i++)
		if (only.n == 0 || str_is(only, sources[i].stream))
			print_stream(c, &(Source){ sources[i].stream, only.n > 0 ? c->io->out : sources[i].out }, &row,
			    follow || ended);
	return true;
}
