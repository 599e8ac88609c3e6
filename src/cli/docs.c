#include "cli/families.h"
#include "cli/handlers.h"
#include "cli/help.h"

static void
print_options(Buf *b, const CliOpt *opts, size_t n)
{
	for (size_t i = 0; opts != NULL && i < n && opts[i].name != NULL; i++) {
		const CliOpt *o = &opts[i];

		buf_text(b, "- `");
		if (o->letter != '\0')
			buf_fmt(b, "-%c, ", o->letter);
		buf_fmt(b, "--%s%s%s`: %s%s\n", o->name, o->value != NULL ? " " : "", o->value != NULL ? o->value : "",
		    o->help, o->needed ? " (needed)" : "");
	}
}

static void
print_command(Buf *b, const Command *cmd)
{
	buf_fmt(b, "### attune %s%s%s\n\n%c%s.\n", cmd->words, cmd->args == NULL ? "" : " ",
	    cmd->args == NULL ? "" : cmd->args,
	    cmd->help[0] >= 'a' && cmd->help[0] <= 'z' ? cmd->help[0] - 32 : cmd->help[0], cmd->help + 1);
	if (cmd->opts != NULL) {
		buf_char(b, '\n');
		print_options(b, cmd->opts, CLI_OPTS);
	}
	if (cmd->example != NULL)
		buf_fmt(b, "\n```sh\n%s\n```\n", cmd->example);
	buf_char(b, '\n');
}

/* A test compares this with docs/cli.md. */
bool
cmd_docs_run(Cli *c, int *ret_code, Err *err)
{
	Buf b = buf_open(c->a);
	size_t n, n_global, n_words;
	const Family *const *families = cli_families(&n);
	const CliOpt *global = cli_global_opts(&n_global);
	const ServerWord *words = help_server_words(&n_words);

	(void)ret_code;
	(void)err;
	buf_text(&b, "# The command line\n\nMade by `attune __docs` from the tables that the program itself reads "
		     "(src/cli). Exit codes: 0 "
		     "done, 1 it\nfailed (also: the execution that was waited for failed), 2 wrong usage, 3 the server "
		     "cannot be "
		     "reached, 130 watching\nwas ended by Ctrl-C (the run goes on).\n\n"
		     "A value that is JSON may be `@FILE` (JSON or YAML) or `-` (standard input). Which server, and as "
		     "whom: `--api-url` "
		     "and\n`ATTUNE_API_TOKEN`, else the profile in `$XDG_CONFIG_HOME/attune/config.yaml` (`--profile`, "
		     "`ATTUNE_PROFILE`, `attune config use`). `ATTUNE_CA_FILE`, or `ca_file` of the profile, names the "
		     "certificate that vouches for it.\nTables fit the terminal, and are coloured on one unless "
		     "`NO_COLOR` is "
		     "set; without one they are plain columns.\n\n## Everywhere\n\n");
	print_options(&b, global, n_global);
	buf_text(&b, "\n## Servers\n\n");
	for (size_t i = 0; i < n_words; i++)
		buf_fmt(&b, "- `attune %s`: %s\n", words[i].words, words[i].help);
	buf_text(&b, "\nThose that look at something (`db`, `bus`, `dlq`, `config show`, `pack lint`, `doctor`) take "
		     "`-o`, `-j`, `-y`, `-q` and\n`--field` like the others and end with the same codes, 3 when the "
		     "database, the broker or the server cannot be reached.\n");
	for (size_t f = 0; f < n; f++) {
		buf_fmt(&b, "\n## %s\n\n", families[f]->title);
		for (size_t i = 0; i < families[f]->count; i++)
			if (!families[f]->commands[i].hidden)
				print_command(&b, &families[f]->commands[i]);
		b.n--; /* one blank line between sections */
	}
	out_text(c, buf_str(&b));
	return true;
}
