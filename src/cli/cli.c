#include "cli/cli.h"

#include <stdlib.h>
#include <sys/ioctl.h>
#include <unistd.h>

#define DEFAULT_URL "http://127.0.0.1:8080"

static int
exit_code_of(const Err *err)
{
	return err->code == ERR_AWAY ? CLI_AWAY : CLI_FAILED;
}

static void
print_error(const Cli *c, const Err *err)
{
	fflush(c->io->out);
	fprintf(c->io->err, "Error: %s\n", err->text);
}

static int
usage(const Cli *c, const Err *err)
{
	print_error(c, err);
	if (c->command != NULL)
		fprintf(c->io->err, "See: attune %s --help\n", c->command->words);
	return CLI_USAGE;
}

/* What the server refuses is a failure; what we refuse before asking it is wrong usage. */
static int
run(Cli *c)
{
	Err err = { 0 };
	int code = CLI_DONE;

	if (c->command->run(c, &code, &err))
		return code;
	if (err.code == ERR_INVALID && c->client == NULL)
		return usage(c, &err);
	print_error(c, &err);
	return exit_code_of(&err);
}

int
cli_run(const CliIo *io, int argc, char **argv)
{
	CLEANUP(arena_done) Arena *a = arena_open();
	Cli c = { .io = io, .a = a, .url = str_of(io->api_url) };
	Err err = { 0 };
	int code;

	if (c.url.n == 0)
		c.url = str_of(DEFAULT_URL);
	if (!cli_parse(&c, argc, argv, &err))
		return usage(&c, &err);
	if (c.version) {
		fputs("attune " ATTUNE_VERSION "\n", io->out);
		return CLI_DONE;
	}
	if (c.help || c.command == NULL) {
		Buf b = buf_open(a);

		cli_help(&b, c.command);
		fputs(buf_str(&b).p, c.help ? io->out : io->err);
		return c.help ? CLI_DONE : CLI_USAGE;
	}
	code = run(&c);
	client_close(c.client);
	return code;
}

static unsigned
terminal_width(void)
{
	struct winsize w = { 0 };

	if (!isatty(STDOUT_FILENO))
		return 0;
	return ioctl(STDOUT_FILENO, TIOCGWINSZ, &w) == 0 && w.ws_col > 0 ? w.ws_col : 80;
}

int
cli_main(int argc, char **argv)
{
	const char *token = getenv("ATTUNE_API_TOKEN");
	CliIo io = { .out = stdout, .err = stderr, .width = terminal_width(), .api_url = getenv("ATTUNE_API_URL") };
	int code;

	io.token = token != NULL ? token : getenv("ATTUNE_AUTH_TOKEN");
	code = cli_run(&io, argc, argv);
	if (fflush(stdout) != 0 && code == CLI_DONE)
		return CLI_FAILED; /* the disk is full, or nobody reads */
	return code;
}
