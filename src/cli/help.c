#include "cli/help.h"

#include "base/near.h"

enum { HELP_AT = 30 };

/* `attune --help` names these too; they are main's. */
static const ServerWord server_words[] = {
	{ "up", "run everything in one process" },
	{ "api | executor | worker | sensor | notifier", "run one role" },
	{ "db status|migrate", "look at the database, bring it up to date" },
	{ "bus topology|docs|migrate", "who publishes what to whom" },
	{ "dlq list|show|replay|drop", "messages that could not be read" },
	{ "config show|docs", "the server's configuration in force, and where it comes from" },
	{ "pack lint DIR", "check a pack's files, each problem with file, line and column" },
	{ "doctor", "check this installation, and say how to cure what is wrong" },
};

const ServerWord *
help_server_words(size_t *ret_count)
{
	*ret_count = countof(server_words);
	return server_words;
}

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

static bool
letter_taken(const CliOpt *own, char letter)
{
	for (size_t i = 0; own != NULL && own[i].name != NULL; i++)
		if (own[i].letter == letter)
			return true;
	return false;
}

/* A letter that is one of the command's own is not shown for an option of all. */
static void
options(Buf *b, const CliOpt *opts, size_t n, const CliOpt *own)
{
	for (size_t i = 0; opts != NULL && i < n && opts[i].name != NULL; i++) {
		Buf left = buf_open(b->a);

		if (opts[i].letter != '\0' && !letter_taken(own, opts[i].letter))
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
	    cmd->args == NULL ? "" : " ", cmd->args == NULL ? "" : cmd->args, cmd->opts == NULL ? "" : " [options]");
	if (cmd->opts != NULL) {
		buf_text(b, "\nOptions:\n");
		options(b, cmd->opts, CLI_OPTS, NULL);
	}
	if (cmd->example != NULL)
		buf_fmt(b, "\nExample:\n  %s\n", cmd->example);
}

static void
command_line(Buf *b, const Command *cmd)
{
	if (!cmd->hidden)
		two_columns(b,
		    str_fmt(
			b->a, "%s%s%s", cmd->words, cmd->args == NULL ? "" : " ", cmd->args == NULL ? "" : cmd->args),
		    cmd->help);
}

static const char foot[] = "\n'attune COMMAND --help' says more about one of them.\n";

static void
help_all(Buf *b)
{
	size_t n;
	const Family *const *families = cli_families(&n);

	buf_text(b, "attune: run things when things happen\n\nUsage: attune COMMAND [options]\n\nServers:\n");
	for (size_t i = 0; i < countof(server_words); i++)
		two_columns(b, str_of(server_words[i].words), server_words[i].help);
	for (size_t f = 0; f < n; f++) {
		if (families[f]->title == NULL)
			continue;
		buf_fmt(b, "\n%s:\n", families[f]->title);
		for (size_t i = 0; i < families[f]->count; i++)
			command_line(b, &families[f]->commands[i]);
	}
	buf_text(b, foot);
	buf_text(b, "Exit codes: 0 done, 1 it failed, 2 wrong usage, 3 the server cannot be reached.\n");
}

void
cli_help_family(Buf *b, Str word)
{
	const Command *one;

	buf_fmt(b, "Usage: attune %.*s COMMAND [options]\n\n", STR_ARG(word));
	for (size_t i = 0; (one = cli_command_at(i)) != NULL; i++)
		if (str_starts(str_of(one->words), word) && one->words[word.n] == ' ')
			command_line(b, one);
	buf_text(b, foot);
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
	options(b, global, n, one == NULL ? NULL : one->opts);
}

const char *
cli_nearest(Str words)
{
	size_t best = 2 + words.n / 4;
	const char *found = NULL;
	const Command *one;

	for (size_t i = 0; (one = cli_command_at(i)) != NULL; i++) {
		size_t d = str_distance(words, str_of(one->words));

		if (!one->hidden && d <= best && (found == NULL || d < best)) {
			best = d;
			found = one->words;
		}
	}
	return found;
}

static const char *
nearest_in(const CliOpt *opts, size_t n, Str name, size_t *best)
{
	const char *found = NULL;

	for (size_t i = 0; opts != NULL && i < n && opts[i].name != NULL; i++) {
		size_t d = str_distance(name, str_of(opts[i].name));

		if (d < *best) {
			*best = d;
			found = opts[i].name;
		}
	}
	return found;
}

const char *
cli_nearest_opt(const Command *cmd, Str name)
{
	size_t n, best = 3 + name.n / 4;
	const CliOpt *global = cli_global_opts(&n);
	const char *own = cmd == NULL ? NULL : nearest_in(cmd->opts, CLI_OPTS, name, &best);
	const char *other = nearest_in(global, n, name, &best);

	return other != NULL ? other : own;
}
