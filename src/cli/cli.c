#include "cli/cli.h"

#include "cli/help.h"
#include "cli/profile.h"

#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

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

	if (!profile_apply(c, &err)) {
		print_error(c, &err);
		return CLI_USAGE;
	}
	if (c->command->run(c, &code, &err))
		return code == CLI_DONE && c->missing ? CLI_FAILED : code;
	if (err.code == ERR_INVALID && c->client == NULL)
		return usage(c, &err);
	print_error(c, &err);
	return exit_code_of(&err);
}

static int
help(Cli *c)
{
	Buf b = buf_open(c->a);

	if (c->command == NULL && c->group.n > 0)
		cli_help_family(&b, c->group);
	else
		cli_help(&b, c->command);
	fputs(buf_str(&b).p, c->help ? c->io->out : c->io->err);
	return c->help ? CLI_DONE : CLI_USAGE;
}

int
cli_run(const CliIo *io, int argc, char **argv)
{
	CLEANUP(arena_done) Arena *a = arena_open();
	CLEANUP(arena_done) Arena *kept = arena_open();
	Cli c = { .io = io, .a = a, .kept = kept };
	Err err = { 0 };
	int code;

	if (!cli_parse(&c, argc, argv, &err))
		return usage(&c, &err);
	if (c.version) {
		fputs("attune " ATTUNE_VERSION "\n", io->out);
		return CLI_DONE;
	}
	if (c.help || c.command == NULL)
		return help(&c);
	code = run(&c);
	client_close(c.client);
	return code;
}

static void
terminal_size(CliIo *io)
{
	struct winsize w = { 0 };

	if (!isatty(STDOUT_FILENO))
		return;
	if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &w) != 0 || w.ws_col == 0 || w.ws_row == 0)
		w = (struct winsize){ .ws_col = 80, .ws_row = 24 };
	io->width = w.ws_col;
	io->height = w.ws_row;
}

static bool
colour_wanted(void)
{
	const char *no = getenv("NO_COLOR"), *term = getenv("TERM");

	return isatty(STDOUT_FILENO) && (no == NULL || no[0] == '\0') && (term == NULL || strcmp(term, "dumb") != 0);
}

CliIo
cli_io(Arena *a)
{
	const char *token = getenv("ATTUNE_API_TOKEN"), *config = getenv("XDG_CONFIG_HOME"), *home = getenv("HOME");
	CliIo io = { .in = stdin,
		.out = stdout,
		.err = stderr,
		.colour = colour_wanted(),
		.asks = isatty(STDIN_FILENO) && isatty(STDERR_FILENO),
		.api_url = getenv("ATTUNE_API_URL"),
		.profile = getenv("ATTUNE_PROFILE"),
		.ca_file = getenv("ATTUNE_CA_FILE") };

	terminal_size(&io);
	io.editor = getenv("VISUAL");
	if (io.editor == NULL || io.editor[0] == '\0')
		io.editor = getenv("EDITOR");
	if (io.editor == NULL || io.editor[0] == '\0')
		io.editor = "vi";
	io.token = token != NULL ? token : getenv("ATTUNE_AUTH_TOKEN");
	if (config != NULL && config[0] == '/')
		io.config_home = config;
	else if (home != NULL && home[0] == '/')
		io.config_home = str_fmt(a, "%s/.config", home).p;
	return io;
}

int
cli_main(int argc, char **argv, CliPackTest *pack_test)
{
	CLEANUP(arena_done) Arena *a = arena_open();
	CliIo io = cli_io(a);
	int code;

	io.pack_test = pack_test;
	code = cli_run(&io, argc, argv);
	if (fflush(stdout) != 0 && code == CLI_DONE)
		return CLI_FAILED; /* the disk is full, or nobody reads */
	return code;
}
