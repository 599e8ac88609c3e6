#include "cli/execution.h"

#include <time.h>

enum { WATCH_MS = 300, WAIT_S = 300 };

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

static void
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
cmd_execution_report(const Cli *c, const Json *row)
{
	bool fine = str_is(json_get_text(row, "status"), "completed");

	if (!out_raw(c, row)) {
		print_result(c, row);
		if (!fine)
			print_failure(c, row);
	}
	return fine ? CLI_DONE : CLI_FAILED;
}

bool
cmd_execution_show(Cli *c, int *ret_code, Err *err)
{
	Json row, moves = { 0 };

	(void)ret_code;
	if (!cli_call(c, "GET", path_of(c, ""), NULL, &row, err))
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
	Buf b = buf_open(c->a);
	const Json *result;
	Json row;

	(void)ret_code;
	if (!cli_call(c, "GET", path_of(c, ""), NULL, &row, err))
		return false;
	result = json_get(&row, "result");
	if (json_is_null(result))
		return err_set(err, ERR_NOT_FOUND, "execution %.*s has no result yet: it is %.*s", STR_ARG(c->args[0]),
		    STR_ARG(json_get_text(&row, "status")));
	if (out_raw(c, result))
		return true;
	json_print_pretty(&b, result);
	print_with_end(c->io->out, buf_str(&b));
	return true;
}

/* Output up to the server's inline limit lies in the row. */
bool
cmd_execution_logs(Cli *c, int *ret_code, Err *err)
{
	const Json *result;
	Json row;

	(void)ret_code;
	if (!cli_call(c, "GET", path_of(c, ""), NULL, &row, err))
		return false;
	result = json_get(&row, "result");
	print_with_end(c->io->out, json_get_text(result, "stdout"));
	print_with_end(c->io->err, json_get_text(result, "stderr"));
	return true;
}

static size_t
print_moves(const Cli *c, const Json *row, size_t seen)
{
	const Json *moves = json_get(row, "timeline");

	for (; json_at(moves, seen) != NULL; seen++) {
		const Json *m = json_at(moves, seen);

		out_line(c, "%.*s  %.*s  %.*s", STR_ARG(cell_text(c->a, json_get(m, "at"), COLUMN_TIME)),
		    STR_ARG(json_get_text(m, "status")), STR_ARG(json_get_text(m, "by")));
	}
	fflush(c->io->out);
	return seen;
}

/* Ctrl-C ends the watching only: the run is the server's. */
bool
cmd_execution_watch(Cli *c, int *ret_code, Err *err)
{
	struct timespec little = { .tv_nsec = WATCH_MS * 1000000L };
	int64_t seconds;
	TimeUs end;
	size_t seen = 0;
	Json row;

	if (!cli_opt_int(c, "timeout", WAIT_S, &seconds, err))
		return false;
	end = clock_mono(clock_real()) + seconds * US_PER_S;
	for (;;) {
		ArenaMark m = arena_mark(c->a);

		if (!cli_call(c, "GET", path_of(c, ""), NULL, &row, err))
			return false;
		if (c->format == FORMAT_TABLE)
			seen = print_moves(c, &row, seen);
		if (status_is_terminal(json_get_text(&row, "status")))
			break;
		if (clock_mono(clock_real()) >= end)
			return err_set(
			    err, ERR_TIMEOUT, "timed out waiting for execution %.*s. It goes on", STR_ARG(c->args[0]));
		arena_rewind(c->a, m);
		nanosleep(&little, NULL);
	}
	*ret_code = cmd_execution_report(c, &row);
	return true;
}

bool
cmd_execution_cancel(Cli *c, int *ret_code, Err *err)
{
	Json row;

	(void)ret_code;
	if (!cli_call(c, "POST", path_of(c, "/cancel"), NULL, &row, err))
		return false;
	if (!out_raw(c, &row))
		out_line(c, "Execution %.*s is %.*s.", STR_ARG(c->args[0]), STR_ARG(json_get_text(&row, "status")));
	return true;
}
