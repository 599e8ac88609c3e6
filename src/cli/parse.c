#include "cli/cli.h"

/* One line is read in two passes: the words say which command it is, then its options are known. */

static bool
takes_value(const char *arg)
{
	size_t n;
	const CliOpt *opts = cli_global_opts(&n);

	for (size_t i = 0; i < n; i++)
		if (opts[i].value != NULL && arg[0] == '-' && arg[1] == '-' && strcmp(arg + 2, opts[i].name) == 0)
			return true;
	return false;
}

static const Command *
command_named(Str words)
{
	size_t n;
	const Command *all = cli_commands(&n);

	for (size_t i = 0; i < n; i++)
		if (str_is(words, all[i].words))
			return &all[i];
	return NULL;
}

/* "pack" when there is a "pack list" */
static bool
is_group(Str word)
{
	size_t n;
	const Command *all = cli_commands(&n);

	for (size_t i = 0; i < n; i++)
		if (str_starts(str_of(all[i].words), word) && all[i].words[word.n] == ' ')
			return true;
	return false;
}

static bool
unknown_command(Str first, Str both, Err *err)
{
	const char *nearest = cli_nearest(both);
	Str shown = is_group(first) || nearest != NULL ? both : first;

	if (nearest == NULL)
		nearest = cli_nearest(first);
	if (nearest == NULL)
		return err_set(err, ERR_INVALID, "there is no command '%.*s'. See attune --help", STR_ARG(shown));
	return err_set(
	    err, ERR_INVALID, "there is no command '%.*s'. Did you mean 'attune %s'?", STR_ARG(shown), nearest);
}

/* Finds the command in the first one or two words; ret_used marks them in the line. */
static bool
find_command(Cli *c, int argc, char **argv, int used[2], Err *err)
{
	Str words[2] = { 0 }, both;
	size_t n = 0;

	used[0] = used[1] = -1;
	for (int i = 1; i < argc && n < 2; i++) {
		if (strcmp(argv[i], "--") == 0)
			break;
		if (argv[i][0] == '-') {
			i += takes_value(argv[i]);
			continue;
		}
		used[n] = i;
		words[n++] = str_of(argv[i]);
	}
	if (n == 0)
		return true;
	both = n == 2 ? str_fmt(c->a, "%.*s %.*s", STR_ARG(words[0]), STR_ARG(words[1])) : words[0];
	c->command = command_named(both);
	if (c->command != NULL)
		return true;
	c->command = command_named(words[0]);
	used[1] = -1;
	if (c->command != NULL || (n == 1 && is_group(words[0])))
		return true;
	return unknown_command(words[0], both, err);
}

static const CliOpt *
opt_in(const CliOpt *opts, size_t n, Str name, char letter)
{
	for (size_t i = 0; i < n && opts[i].name != NULL; i++)
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
			return err_set(err, ERR_INVALID, "there is no option '%s'", arg);
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

static bool
apply_globals(Cli *c, Err *err)
{
	Str format = cli_opt(c, "output"), url = cli_opt(c, "api-url");

	c->help = cli_has(c, "help");
	c->version = cli_has(c, "version");
	c->verbose = cli_has(c, "verbose");
	if (!str_none(url))
		c->url = url;
	if (cli_has(c, "json") || str_is(format, "json"))
		c->format = FORMAT_JSON;
	else if (cli_has(c, "yaml") || str_is(format, "yaml"))
		c->format = FORMAT_YAML;
	else if (!str_none(format) && !str_is(format, "table"))
		return err_set(err, ERR_INVALID, "--output is table, json or yaml, not '%.*s'", STR_ARG(format));
	return true;
}

static bool
check_args(const Cli *c, Err *err)
{
	const Command *cmd = c->command;

	if (cmd == NULL || c->help)
		return true;
	if (c->n_args < cmd->args_min)
		return err_set(err, ERR_INVALID, "'attune %s' needs %s", cmd->words, cmd->args);
	if (c->n_args > cmd->args_max)
		return err_set(err, ERR_INVALID, "'attune %s' does not know what '%.*s' is for", cmd->words,
		    STR_ARG(c->args[cmd->args_max]));
	return true;
}

bool
cli_parse(Cli *c, int argc, char **argv, Err *err)
{
	bool options = true;
	int used[2];

	if (!find_command(c, argc, argv, used, err))
		return false;
	for (int i = 1; i < argc; i++) {
		if (i == used[0] || i == used[1])
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

bool
cli_opt_json(Cli *c, const char *name, Json *ret, Err *err)
{
	Str text = cli_opt(c, name);
	Json v = json_object();

	if (!str_none(text) && !json_parse(c->a, text, NULL, &v, err))
		return err_wrap(err, "--%s", name);
	if (!json_is(&v, JSON_OBJECT))
		return err_set(err, ERR_INVALID, "--%s must be a JSON object", name);
	*ret = v;
	return true;
}
