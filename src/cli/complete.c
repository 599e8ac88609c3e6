#include "cli/families.h"
#include "cli/handlers.h"
#include "cli/help.h"
#include "cli/profile.h"

/* Completion: the shells ask `attune __complete -- WORDS...` for what may stand where the last word is, and show it. */

static const Command commands[] = {
	{ .words = "completion",
	    .run = cmd_completion_run,
	    .args = "SHELL",
	    .help = "what bash, zsh or fish need to complete this command line",
	    .example = "source <(attune completion bash)" },
	{ .words = "__complete",
	    .run = cmd_complete_run,
	    .args = "[WORD...]",
	    .help = "what may come next",
	    .hidden = true },
	{ .words = "__docs", .run = cmd_docs_run, .help = "every command, as docs/cli.md has them", .hidden = true },
};

const Family family_complete = { "Shells", commands, countof(commands) };

static const struct {
	const char *shell, *script;
} scripts[] = {
	{ "bash", "_attune() {\n"
		  "\tlocal line\n"
		  "\tCOMPREPLY=()\n"
		  "\twhile IFS= read -r line; do\n"
		  "\t\tCOMPREPLY+=(\"${line%%$'\\t'*}\")\n"
		  "\tdone < <(\"${COMP_WORDS[0]}\" __complete -- \"${COMP_WORDS[@]:1:COMP_CWORD}\" 2>/dev/null)\n"
		  "}\n"
		  "complete -o default -F _attune attune\n" },
	{ "zsh", "#compdef attune\n"
		 "_attune() {\n"
		 "\tlocal -a found\n"
		 "\tlocal line\n"
		 "\tfor line in \"${(@f)$(\"$words[1]\" __complete -- \"${(@)words[2,$CURRENT]}\" 2>/dev/null)}\"; do\n"
		 "\t\t[[ -n $line ]] && found+=(\"${${line%%$'\\t'*}//:/\\\\:}:${line#*$'\\t'}\")\n"
		 "\tdone\n"
		 "\tif (( $#found )); then _describe attune found; else _files; fi\n"
		 "}\n"
		 "if [[ $funcstack[1] = _attune ]]; then _attune \"$@\"; else compdef _attune attune; fi\n" },
	{ "fish", "function __attune_complete\n"
		  "\tset -l words (commandline -opc) (commandline -ct)\n"
		  "\t$words[1] __complete -- $words[2..-1] 2>/dev/null\n"
		  "end\n"
		  "complete -c attune -a '(__attune_complete)'\n" },
};

bool
cmd_completion_run(Cli *c, int *ret_code, Err *err)
{
	(void)ret_code;
	for (size_t i = 0; i < countof(scripts); i++) {
		if (!str_is(c->args[0], scripts[i].shell))
			continue;
		out_text(c, str_of(scripts[i].script));
		return true;
	}
	return err_set(err, ERR_INVALID, "completion is for bash, zsh and fish, not for '%.*s'", STR_ARG(c->args[0]));
}

/* ---- what may come next ---- */

typedef struct Place {
	const Command *command; /* NULL: its words are not complete */
	Str said;               /* its words so far, joined */
	size_t args;            /* positional ones before the last word */
	const CliOpt *waits;    /* the option whose value is being typed */
	Str last;
} Place;

static void
offer(const Cli *c, const Place *p, Str word, Str help)
{
	if (word.n > p->last.n && str_starts(word, p->last))
		out_line(c, "%.*s\t%.*s", STR_ARG(word), STR_ARG(help));
	else if (str_eq(word, p->last))
		out_line(c, "%.*s\t%.*s", STR_ARG(word), STR_ARG(help));
}

static const CliOpt *
option_of(const Command *cmd, Str word)
{
	size_t n;
	const CliOpt *global = cli_global_opts(&n);

	for (int g = 0; g < 2; g++) {
		const CliOpt *opts = g == 1 ? global : cmd == NULL ? NULL : cmd->opts;

		for (size_t i = 0; opts != NULL && (g == 0 || i < n) && opts[i].name != NULL; i++)
			if ((word.n == 2 && word.p[1] == opts[i].letter) ||
			    (word.n > 2 && str_is(str_sub(word, 2, word.n), opts[i].name)))
				return &opts[i];
	}
	return NULL;
}

static const Command *
named(Str words)
{
	const Command *one;

	for (size_t i = 0; (one = cli_command_at(i)) != NULL; i++)
		if (str_is(words, one->words))
			return one;
	return NULL;
}

/* Reads the words before the last one. */
static Place
place_of(const Cli *c)
{
	Place p = { .said = str_of(""), .last = c->n_args > 0 ? c->args[c->n_args - 1] : str_of("") };

	for (size_t i = 0; i + 1 < c->n_args; i++) {
		Str word = c->args[i];
		Str longer = str_fmt(c->a, "%.*s%s%.*s", STR_ARG(p.said), p.said.n > 0 ? " " : "", STR_ARG(word));
		const CliOpt *o;

		if (p.waits != NULL) {
			p.waits = NULL;
		} else if (word.n > 1 && word.p[0] == '-') {
			o = option_of(p.command, word);
			p.waits = o != NULL && o->value != NULL ? o : NULL;
		} else if (named(longer) != NULL || p.command == NULL) {
			p.said = longer;
			p.command = named(longer);
		} else {
			p.args++;
		}
	}
	return p;
}

/* The word that follows those said, of every command that begins so. */
static void
offer_words(const Cli *c, const Place *p)
{
	const Command *one;
	Str before = { 0 };

	for (size_t i = 0; (one = cli_command_at(i)) != NULL; i++) {
		Str words = str_of(one->words), next;
		bool whole;

		if (one->hidden || !str_starts(words, p->said) || (p->said.n > 0 && one->words[p->said.n] != ' '))
			continue;
		words = str_sub(words, p->said.n > 0 ? p->said.n + 1 : 0, words.n);
		str_cut(&words, ' ', &next);
		whole = str_none(words);
		if (str_eq(next, before))
			continue;
		before = next;
		offer(c, p, next, str_of(whole ? one->help : "..."));
	}
}

static void
offer_server_words(const Cli *c, const Place *p)
{
	static const char *const roles[] = { "up", "api", "executor", "worker", "sensor", "notifier", "db", "bus",
		"dlq", "doctor" };

	for (size_t i = 0; p->said.n == 0 && i < countof(roles); i++)
		offer(c, p, str_of(roles[i]), str_of("see attune --help"));
}

static void
offer_options(const Cli *c, const Place *p)
{
	size_t n;
	const CliOpt *global = cli_global_opts(&n), *own = p->command == NULL ? NULL : p->command->opts;

	for (size_t i = 0; own != NULL && own[i].name != NULL; i++)
		offer(c, p, str_fmt(c->a, "--%s", own[i].name), str_of(own[i].help));
	for (size_t i = 0; i < n; i++)
		offer(c, p, str_fmt(c->a, "--%s", global[i].name), str_of(global[i].help));
}

static void
offer_from(Cli *c, const Place *p, Str path)
{
	HttpAsk ask = { .method = "GET", .path = str_fmt(c->a, "%.*s?page_size=100", STR_ARG(path)), .seconds = 2 };
	const Json *rows;
	Err unused = { 0 };
	HttpReply r;

	if (!cli_send(c, &ask, &r, &unused))
		return;
	rows = json_is(&r.body, JSON_ARRAY) ? &r.body : json_get(&r.body, "data");
	for (size_t i = 0; json_at(rows, i) != NULL; i++) {
		const Json *one = json_at(rows, i);
		Str help = json_get_text(one, "label");

		if (help.n == 0)
			help = json_get_text(one, "name");
		if (help.n == 0)
			help = json_get_text(one, "action_ref");
		offer(c, p, row_name(c->a, p->command == NULL ? NULL : p->command->thing, one), help);
	}
}

/* Which list an option's value, or an argument of this name, is from. */
static const struct {
	const char *word, *path;
} lists[] = {
	{ "pack_ref", "/api/v1/packs" },
	{ "packs", "/api/v1/packs" },
	{ "pack_name", "/api/v1/packs" },
	{ "action_ref", "/api/v1/actions" },
	{ "trigger_ref", "/api/v1/triggers" },
	{ "rule_ref", "/api/v1/rules" },
	{ "runtime_ref", "/api/v1/runtimes" },
	{ "REF_OR_PATH", "/api/v1/packs" },
	{ "TRIGGER", "/api/v1/triggers" },
	{ "SET", "/api/v1/permissions/sets" },
	{ "LOGIN", "/api/v1/identities" },
	{ "IDENTITY", "/api/v1/identities" },
};

static bool
offer_list_of(Cli *c, const Place *p, Str word)
{
	for (size_t i = 0; i < countof(lists); i++) {
		if (!str_is(word, lists[i].word))
			continue;
		offer_from(c, p, str_of(lists[i].path));
		return true;
	}
	return false;
}

static const struct {
	const char *key, *words;
} fixed[] = {
	{ "output", "table wide json yaml name" },
	{ "status", "requested scheduling scheduled running completed failed canceling cancelled timeout abandoned" },
	{ "owner_type", "system identity pack action sensor" },
	{ "scope", "system identity pack action sensor" },
	{ "visibility", "public private" },
	{ "stream", "stdout stderr" },
	{ "SHELL", "bash zsh fish" },
	{ "KIND...", "pack trigger action workflow sensor key policy rule" },
};

static bool
offer_fixed(const Cli *c, const Place *p, Str key)
{
	for (size_t i = 0; i < countof(fixed); i++) {
		Str words = str_of(fixed[i].words), word;

		if (!str_is(key, fixed[i].key))
			continue;
		while (str_cut(&words, ' ', &word))
			offer(c, p, word, (Str){ 0 });
		return true;
	}
	return false;
}

static void
offer_profiles(const Cli *c, const Place *p)
{
	const Json *all = json_get(&c->profiles, "profiles");

	for (size_t i = 0; json_is(all, JSON_OBJECT) && i < all->n; i++)
		offer(c, p, all->members[i].key, json_get_text(&all->members[i].value, "api_url"));
}

static void
offer_values(Cli *c, const Place *p)
{
	Str key = str_of(p->waits->key != NULL ? p->waits->key : p->waits->name);

	if (str_is(key, "profile"))
		offer_profiles(c, p);
	else if (!offer_fixed(c, p, key) && !offer_list_of(c, p, key) && p->command == named(str_of("rule create")))
		offer_list_of(c, p, str_fmt(c->a, "%.*s_ref", STR_ARG(key)));
}

/* "POST /api/v1/rules/{0}/enable" is about one of "/api/v1/rules". */
static Str
collection_of(Arena *a, const Command *cmd)
{
	Str path = str_of(cmd->ask), method;
	size_t at;

	if (cmd->thing != NULL && cmd->thing->path != NULL)
		return str_of(cmd->thing->path);
	if (str_find(path, str_of(" "), &at))
		str_cut(&path, ' ', &method);
	if (str_find(path, str_of("/{0}"), &at))
		return str_copy(a, str_sub(path, 0, at));
	if (str_starts(str_of(cmd->words), str_of("action ")) || strcmp(cmd->words, "run") == 0)
		return str_of("/api/v1/actions");
	if (str_starts(str_of(cmd->words), str_of("execution ")) || strcmp(cmd->words, "trace") == 0)
		return str_of("/api/v1/executions");
	if (str_starts(str_of(cmd->words), str_of("trigger ")))
		return str_of("/api/v1/triggers");
	return (Str){ 0 };
}

static void
offer_args(Cli *c, const Place *p)
{
	Str rest = str_of(p->command->args), word = { 0 }, path;

	if (p->command->args == NULL)
		return;
	for (size_t i = 0; i <= p->args; i++)
		if (!str_cut(&rest, ' ', &word))
			return;
	if (word.n > 2 && word.p[0] == '[')
		word = str_sub(word, 1, word.n - 1);
	if (str_starts(str_of(p->command->words), str_of("config ")) && str_is(word, "NAME"))
		offer_profiles(c, p);
	else if (!offer_fixed(c, p, word) && !offer_list_of(c, p, word) &&
		 (str_is(word, "REF") || str_is(word, "ID"))) {
		path = collection_of(c->a, p->command);
		if (path.n > 0)
			offer_from(c, p, path);
	}
}

bool
cmd_complete_run(Cli *c, int *ret_code, Err *err)
{
	Place p = place_of(c);

	(void)ret_code;
	(void)err;
	if (p.waits != NULL) {
		offer_values(c, &p);
		return true;
	}
	if (p.last.n > 0 && p.last.p[0] == '-') {
		offer_options(c, &p);
		return true;
	}
	if (p.args == 0) {
		offer_words(c, &p);
		offer_server_words(c, &p);
	}
	if (p.command != NULL)
		offer_args(c, &p);
	return true;
}
