#include "cli/cli.h"

#include "cli/help.h"

/* One line is read in two passes: the words say which command it is, then its options are known. */

enum { COMMAND_WORDS = 3 };

static bool
takes_value(const char *arg)
{
	size_t n;
	const CliOpt *opts = cli_global_opts(&n);

	for (size_t i = 0; i < n; i++) {
		if (opts[i].value == NULL || arg[0] != '-')
			continue;
		if (arg[1] == '-' ? strcmp(arg + 2, opts[i].name) == 0
				  : opts[i].letter != '\0' && arg[1] == opts[i].letter && arg[2] == '\0')
			return true;
	}
	return false;
}

static const Command *
command_named(Str words)
{
	const Command *one;

	for (size_t i = 0; (one = cli_command_at(i)) != NULL; i++)
		if (str_is(words, one->words))
			return one;
	return NULL;
}

/* "pack" when there is a "pack list" */
static bool
is_group(Str words)
{
	const Command *one;

	for (size_t i = 0; (one = cli_command_at(i)) != NULL; i++)
		if (str_starts(str_of(one->words), words) && one->words[words.n] == ' ')
			return true;
	return false;
}

static Str
words_joined(Arena *a, const Str *words, size_t n)
{
	Buf b = buf_open(a);

	for (size_t i = 0; i < n; i++)
		buf_fmt(&b, "%s%.*s", i == 0 ? "" : " ", STR_ARG(words[i]));
	return buf_str(&b);
}

/* known: so many of the words are the beginning of a command. */
static bool
unknown_command(Arena *a, const Str *words, size_t n, size_t known, Err *err)
{
	const char *nearest = NULL;
	Str said;

	for (size_t i = n; i > 0 && nearest == NULL; i--)
		nearest = cli_nearest(words_joined(a, words, i));
	said = words_joined(a, words, nearest != NULL ? n : known < n ? known + 1 : n);
	if (nearest == NULL)
		return err_set(err, ERR_INVALID, "there is no command '%.*s'. See attune --help", STR_ARG(said));
	return err_set(
	    err, ERR_INVALID, "there is no command '%.*s'. Did you mean 'attune %s'?", STR_ARG(said), nearest);
}

/* Finds the command in the first one to three words, the longest first; used marks them in the line. */
static bool
find_command(Cli *c, int argc, char **argv, int used[COMMAND_WORDS], Err *err)
{
	Str words[COMMAND_WORDS];
	size_t n = 0, group = 0;

	for (int i = 1; i < argc && n < COMMAND_WORDS; i++) {
		if (strcmp(argv[i], "--") == 0)
			break;
		if (argv[i][0] == '-') {
			i += takes_value(argv[i]);
			continue;
		}
		used[n] = i;
		words[n++] = str_of(argv[i]);
	}
	for (size_t i = n; i > 0 && c->command == NULL; i--) {
		Str said = words_joined(c->a, words, i);

		c->command = command_named(said);
		if (c->command != NULL)
			n = i;
		else if (group == 0 && is_group(said))
			group = i;
	}
	for (size_t i = n; i < COMMAND_WORDS; i++)
		used[i] = -1;
	if (c->command != NULL || n == 0)
		return true;
	if (group == n) {
		c->group = words_joined(c->a, words, n);
		return true;
	}
	return unknown_command(c->a, words, n, group, err);
}

static const CliOpt *
opt_in(const CliOpt *opts, size_t n, Str name, char letter)
{
	for (size_t i = 0; opts != NULL && i < n && opts[i].name != NULL; i++)
		if (letter != '\0' ? opts[i].letter == letter : str_is(name, opts[i].name))
			return &opts[i];
	return NULL;
}

static const CliOpt *
opt_find(const Cli *c, Str name, char letter)
{
	const CliOpt *found = c->command == NULL ? NULL : opt_in(c->command->opts, CLI_OPTS, name, letter);
	size_t n;
	const CliOpt *global = cli_global_opts(&n);

	return found != NULL ? found : opt_in(global, n, name, letter);
}

static bool
keep(Cli *c, const CliOpt *opt, Str value, Err *err)
{
	if (c->n_given == CLI_GIVEN)
		return err_set(err, ERR_INVALID, "more than %d options", CLI_GIVEN);
	c->given[c->n_given++] = (CliGiven){ opt, value };
	return true;
}

static bool
unknown_option(const Cli *c, const char *arg, Str name, bool long_form, Err *err)
{
	const char *nearest = long_form ? cli_nearest_opt(c->command, name) : NULL;

	if (nearest == NULL)
		return err_set(err, ERR_INVALID, "there is no option '%s'", arg);
	return err_set(err, ERR_INVALID, "there is no option '--%.*s'. Did you mean '--%s'?", STR_ARG(name), nearest);
}

/* "--name", "--name=value", "--name value", "-n value", "-nvalue", "-jv" */
static bool
parse_option(Cli *c, int argc, char **argv, int *at, Err *err)
{
	const char *arg = argv[*at];
	bool long_form = arg[1] == '-';
	Str rest = str_of(long_form ? arg + 2 : arg + 1), name;
	bool more = true;

	while (more) {
		const CliOpt *opt;
		Str value = { 0 };

		if (long_form) {
			str_cut(&rest, '=', &name);
			value = rest;
			more = false;
		} else {
			name = str_sub(rest, 0, 1);
			rest = str_sub(rest, 1, rest.n);
			value = rest.n > 0 ? rest : value;
			more = rest.n > 0;
		}
		opt = opt_find(c, name, long_form ? '\0' : name.p[0]);
		if (opt == NULL)
			return unknown_option(c, arg, name, long_form, err);
		if (opt->value == NULL) {
			if (long_form && !str_none(value))
				return err_set(err, ERR_INVALID, "'--%s' takes no value", opt->name);
			if (!keep(c, opt, (Str){ "", 0 }, err))
				return false;
			continue;
		}
		if (str_none(value) && *at + 1 == argc)
			return err_set(err, ERR_INVALID, "'%s' needs a value: %s", arg, opt->value);
		if (str_none(value))
			value = str_of(argv[++*at]);
		return keep(c, opt, value, err);
	}
	return true;
}

static const struct {
	const char *name;
	CliFormat format;
} formats[] = {
	{ "table", FORMAT_TABLE },
	{ "wide", FORMAT_WIDE },
	{ "json", FORMAT_JSON },
	{ "yaml", FORMAT_YAML },
	{ "name", FORMAT_NAME },
};

bool
cli_format_named(Str name, CliFormat *ret)
{
	for (size_t i = 0; i < countof(formats); i++) {
		if (str_is(name, formats[i].name)) {
			*ret = formats[i].format;
			return true;
		}
	}
	return false;
}

/* A command may have a -o, or an --output, of its own. */
static Str
global_opt(const Cli *c, const char *name)
{
	size_t n;
	const CliOpt *global = cli_global_opts(&n);

	for (size_t i = c->n_given; i > 0; i--) {
		const CliOpt *o = c->given[i - 1].opt;

		if (o >= global && o < global + n && strcmp(o->name, name) == 0)
			return c->given[i - 1].value;
	}
	return (Str){ 0 };
}

static bool
apply_globals(Cli *c, Err *err)
{
	Str format = global_opt(c, "output"), url = global_opt(c, "api-url"), profile = global_opt(c, "profile");

	c->help = cli_has(c, "help");
	c->version = !str_none(global_opt(c, "version"));
	c->verbose = !str_none(global_opt(c, "verbose"));
	c->quiet = !str_none(global_opt(c, "quiet"));
	c->field = global_opt(c, "field");
	if (!str_none(url))
		c->url = url;
	if (!str_none(profile))
		c->profile = profile;
	c->format_given = true;
	if (!str_none(global_opt(c, "json")))
		c->format = FORMAT_JSON;
	else if (!str_none(global_opt(c, "yaml")))
		c->format = FORMAT_YAML;
	else if (str_none(format))
		c->format_given = false;
	else if (!cli_format_named(format, &c->format))
		return err_set(
		    err, ERR_INVALID, "--output is table, wide, json, yaml or name, not '%.*s'", STR_ARG(format));
	return true;
}

void
cli_args_range(const Command *cmd, size_t *ret_min, size_t *ret_max)
{
	Str rest = str_of(cmd->args), word;

	*ret_min = *ret_max = 0;
	while (cmd->args != NULL && str_cut(&rest, ' ', &word)) {
		if (word.n == 0)
			continue;
		*ret_min += word.p[0] != '[';
		*ret_max = str_find(word, str_of("..."), NULL) ? CLI_ARGS : *ret_max + 1;
	}
}

static bool
check_needed(const Cli *c, Err *err)
{
	const CliOpt *opts = c->command->opts;

	for (size_t i = 0; opts != NULL && opts[i].name != NULL; i++)
		if (opts[i].needed && !cli_has(c, opts[i].name))
			return err_set(err, ERR_INVALID, "'attune %s' needs --%s", c->command->words, opts[i].name);
	return true;
}

static bool
check_args(const Cli *c, Err *err)
{
	const Command *cmd = c->command;
	size_t least, most;

	if (cmd == NULL || c->help || c->version)
		return true;
	cli_args_range(cmd, &least, &most);
	if (c->n_args < least)
		return err_set(err, ERR_INVALID, "'attune %s' needs %s", cmd->words, cmd->args);
	if (c->n_args > most)
		return err_set(err, ERR_INVALID, "'attune %s' does not know what '%.*s' is for", cmd->words,
		    STR_ARG(c->args[most]));
	return check_needed(c, err);
}

bool
cli_parse(Cli *c, int argc, char **argv, Err *err)
{
	bool options = true;
	int used[COMMAND_WORDS];

	if (!find_command(c, argc, argv, used, err))
		return false;
	for (int i = 1; i < argc; i++) {
		if (i == used[0] || i == used[1] || i == used[2])
			continue;
		if (options && strcmp(argv[i], "--") == 0) {
			options = false;
		} else if (options && argv[i][0] == '-' && argv[i][1] != '\0') {
			if (!parse_option(c, argc, argv, &i, err))
				return false;
		} else {
			if (c->n_args == CLI_ARGS)
				return err_set(err, ERR_INVALID, "more than %d arguments", CLI_ARGS);
			c->args[c->n_args++] = str_of(argv[i]);
		}
	}
	return apply_globals(c, err) && check_args(c, err);
}

bool
cli_has(const Cli *c, const char *name)
{
	return !str_none(cli_opt(c, name));
}

Str
cli_opt(const Cli *c, const char *name)
{
	for (size_t i = c->n_given; i > 0; i--)
		if (strcmp(c->given[i - 1].opt->name, name) == 0)
			return c->given[i - 1].value;
	return (Str){ 0 };
}

bool
cli_opt_int(const Cli *c, const char *name, int64_t fallback, int64_t *ret, Err *err)
{
	Str text = cli_opt(c, name);
	int64_t n = fallback;

	if (!str_none(text) && (!str_to_int(text, &n) || n < 0))
		return err_set(err, ERR_INVALID, "--%s must be a number, not '%.*s'", name, STR_ARG(text));
	*ret = n;
	return true;
}
