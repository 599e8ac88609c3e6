#include "cli/cli.h"

enum { HELP_AT = 30, WORDS_MAX = 64 };

/* `attune --help` names these too; they are main's. */
static const struct {
	const char *words, *help;
} others[] = {
	{ "up", "run everything in one process" },
	{ "api | executor | worker | sensor | notifier", "run one role" },
	{ "db status|migrate", "look at the database, bring it up to date" },
	{ "bus topology", "who publishes what to whom" },
	{ "dlq list|show|replay|drop", "messages that could not be read" },
	{ "config show", "the configuration in force, and where it comes from" },
};

static void
two_columns(Buf *b, Str left, const char *right)
{
	buf_fmt(b, "  %.*s", STR_ARG(left));
	if (left.n + 2 >= HELP_AT)
		buf_fmt(b, "\n%*s", HELP_AT, "");
	else
		buf_fmt(b, "%*s", (int)(HELP_AT - 2 - left.n), "");
	buf_fmt(b, "%s\n", right);
}

static void
options(Buf *b, const CliOpt *opts, size_t n)
{
	for (size_t i = 0; i < n && opts[i].name != NULL; i++) {
		Buf left = buf_open(b->a);

		if (opts[i].letter != '\0')
			buf_fmt(&left, "-%c, ", opts[i].letter);
		buf_fmt(&left, "--%s", opts[i].name);
		if (opts[i].value != NULL)
			buf_fmt(&left, " %s", opts[i].value);
		two_columns(b, buf_str(&left), opts[i].help);
	}
}

static void
help_one(Buf *b, const Command *cmd)
{
	buf_fmt(b, "attune %s: %s\n\nUsage: attune %s%s%s%s\n", cmd->words, cmd->help, cmd->words,
	    cmd->args[0] == '\0' ? "" : " ", cmd->args, cmd->opts[0].name == NULL ? "" : " [options]");
	if (cmd->opts[0].name != NULL) {
		buf_text(b, "\nOptions:\n");
		options(b, cmd->opts, CLI_OPTS);
	}
}

static void
help_all(Buf *b)
{
	size_t n;
	const Command *all = cli_commands(&n);

	buf_text(b, "attune: run things when things happen\n\nUsage: attune COMMAND [options]\n\nServers:\n");
	for (size_t i = 0; i < countof(others); i++)
		two_columns(b, str_of(others[i].words), others[i].help);
	buf_text(b, "\nCommands:\n");
	for (size_t i = 0; i < n; i++)
		two_columns(b, str_fmt(b->a, "%s%s%s", all[i].words, all[i].args[0] == '\0' ? "" : " ", all[i].args),
		    all[i].help);
	buf_text(b, "\n'attune COMMAND --help' says more about one of them.\n"
		    "Exit codes: 0 done, 1 it failed, 2 wrong usage, 3 the server cannot be reached.\n");
}

void
cli_help(Buf *b, const Command *one)
{
	size_t n;
	const CliOpt *global = cli_global_opts(&n);

	if (one != NULL)
		help_one(b, one);
	else
		help_all(b);
	buf_text(b, "\nEverywhere:\n");
	options(b, global, n);
}

/* Edits between two words; both are short. */
static size_t
distance(Str a, Str b)
{
	size_t row[WORDS_MAX + 1];

	if (a.n > WORDS_MAX || b.n > WORDS_MAX)
		return WORDS_MAX;
	for (size_t j = 0; j <= b.n; j++)
		row[j] = j;
	for (size_t i = 1; i <= a.n; i++) {
		size_t before = row[0];

		row[0] = i;
		for (size_t j = 1; j <= b.n; j++) {
			size_t best = before + (a.p[i - 1] != b.p[j - 1]);

			before = row[j];
			if (row[j] + 1 < best)
				best = row[j] + 1;
			if (row[j - 1] + 1 < best)
				best = row[j - 1] + 1;
			row[j] = best;
		}
	}
	return row[b.n];
}

const char *
cli_nearest(Str words)
{
	size_t n, best = 2 + words.n / 4;
	const Command *all = cli_commands(&n);
	const char *found = NULL;

	for (size_t i = 0; i < n; i++) {
		size_t d = distance(words, str_of(all[i].words));

		if (d <= best && (found == NULL || d < best)) {
			best = d;
			found = all[i].words;
		}
	}
	return found;
}
