#include "admin/admin.h"

#include "admin/run.h"
#include "admin/commands.h"

#include <stddef.h>

typedef struct ToolCommand {
	const char *command, *word;
	const char *arg; /* NULL: none */
	ToolRun *run;
	const Thing *thing; /* what its answer calls a row; NULL: it answers with a text alone */
	const char *help;
} ToolCommand;

static const Thing letters = { .name = "message_id" }, settings_shown = { .name = "key" },
		   findings = { .name = "what" }, problems = { .name = "file" }, plain = { 0 };

static const ToolCommand commands[] = {
	{ "db", "status", NULL, db_status_run, &plain, "the migrations and when each was applied" },
	{ "db", "migrate", NULL, db_migrate_run, &plain, "bring the database up to date" },
	{ "bus", "topology", NULL, bus_topology_run, &plain,
	    "exchanges, queues, kinds of messages, and what follows from what" },
	{ "bus", "docs", NULL, bus_docs_run, NULL, "the same tables, as docs/messages.md has them" },
	{ "bus", "migrate", NULL, bus_migrate_run, &plain, "make a broker with older exchanges fit" },
	{ "dlq", "list", NULL, dlq_list_run, &letters, "the messages that nobody could read or handle" },
	{ "dlq", "show", "ID", dlq_show_run, &letters, "one of them whole" },
	{ "dlq", "replay", "ID", dlq_replay_run, &letters, "put it back where it came from" },
	{ "dlq", "drop", "ID", dlq_drop_run, &letters, "throw it away" },
	{ "config", "show", NULL, config_show_run, &settings_shown,
	    "what is in force, and where each value came from" },
	{ "pack", "lint", "DIR", pack_lint_run, &problems,
	    "check a pack's files, each problem with file, line and column" },
	{ "doctor", NULL, NULL, doctor_run, &findings, "check this installation, and say how to cure what is wrong" },
	{ "config", "docs", NULL, config_docs_run, NULL, "every setting there is, as docs/configuration.md has them" },
};

typedef struct Option {
	const char *word, *brief;
	size_t at; /* offset of its value in Tool */
	bool flag; /* no value follows */
	const char *value, *help;
	const char *only; /* the command that has it; NULL: each */
} Option;

static const Option options[] = {
	{ "--config", "-c", offsetof(Tool, config_file), false, "FILE", "read this file: servers of roles on their own",
	    NULL },
	{ "--data-dir", NULL, offsetof(Tool, data_dir), false, "DIR", "of `attune up`, where it is not the usual one",
	    NULL },
	{ "--api-url", NULL, offsetof(Tool, api_url), false, "URL", "of the server, where it is not your profile's",
	    "dlq" },
	{ "--profile", "-p", offsetof(Tool, profile), false, "NAME", "of yours: which server, and as whom", "dlq" },
	{ "--output", "-o", offsetof(Tool, output), false, "FORMAT", "table, wide, json, yaml or name", NULL },
	{ "--json", "-j", offsetof(Tool, json), true, NULL, "the same as --output json", NULL },
	{ "--yaml", "-y", offsetof(Tool, yaml), true, NULL, "the same as --output yaml", NULL },
	{ "--field", NULL, offsetof(Tool, field), false, "PATH", "print only this part of the answer", NULL },
	{ "--quiet", "-q", offsetof(Tool, quiet), true, NULL, "print names and ids alone", NULL },
	{ "--help", "-h", offsetof(Tool, help), true, NULL, "this text", NULL },
};

static void
usage(const char *command, Buf *b)
{
	buf_text(b, "commands:\n");
	for (size_t i = 0; i < countof(commands); i++) {
		const ToolCommand *c = &commands[i];

		if (strcmp(c->command, command) == 0)
			buf_fmt(b, "  attune %s %-8s %-3s %s\n", c->command, c->word == NULL ? "" : c->word,
			    c->arg == NULL ? "" : c->arg, c->help);
	}
	buf_text(b, "options:\n");
	for (size_t i = 0; i < countof(options); i++) {
		const Option *o = &options[i];

		if (o->only != NULL && strcmp(o->only, command) != 0)
			continue;
		buf_fmt(b, "  %3s%s%-11s %-5s %s\n", o->brief == NULL ? "" : o->brief, o->brief == NULL ? "  " : ", ",
		    o->word, o->value == NULL ? "" : o->value, o->help);
	}
}

static const Option *
option_find(const char *command, const char *word, size_t n)
{
	for (size_t i = 0; i < countof(options); i++) {
		const Option *o = &options[i];

		if (o->only != NULL && strcmp(o->only, command) != 0)
			continue;
		if ((strlen(o->word) == n && strncmp(o->word, word, n) == 0) ||
		    (o->brief != NULL && strlen(o->brief) == n && strncmp(o->brief, word, n) == 0))
			return o;
	}
	return NULL;
}

static bool
option_take(Tool *t, int argc, char **argv, int *at, Err *err)
{
	const char *word = argv[*at];
	const char *equals = word[1] == '-' ? strchr(word, '=') : NULL;
	const Option *o = option_find(t->command, word, equals == NULL ? strlen(word) : (size_t)(equals - word));
	char *field = (char *)t + (o == NULL ? 0 : o->at);

	if (o == NULL)
		return err_set(err, ERR_INVALID, "attune %s does not know '%s': see attune %s --help", t->command, word,
		    t->command);
	if (o->flag && equals != NULL)
		return err_set(err, ERR_INVALID, "%s takes no value", o->word);
	if (o->flag) {
		*(bool *)field = true;
		return true;
	}
	if (equals == NULL && *at + 1 >= argc)
		return err_set(err, ERR_INVALID, "%s wants a value: %s %s", word, o->word, o->value);
	*(const char **)field = equals != NULL ? equals + 1 : argv[++*at];
	return true;
}

static bool
words_take(Tool *t, int argc, char **argv, Err *err)
{
	for (int i = 1; i < argc; i++) {
		if (argv[i][0] == '-' && argv[i][1] != '\0') {
			if (!option_take(t, argc, argv, &i, err))
				return false;
		} else if (t->word == NULL) {
			t->word = argv[i];
		} else if (t->arg == NULL) {
			t->arg = argv[i];
		} else {
			return err_set(
			    err, ERR_INVALID, "attune %s %s: '%s' is one word too many", t->command, t->word, argv[i]);
		}
	}
	return true;
}

static bool
command_find(const Tool *t, const ToolCommand **ret, Err *err)
{
	Buf known = buf_open(t->arena);

	for (size_t i = 0; i < countof(commands); i++) {
		const ToolCommand *c = &commands[i];

		if (strcmp(c->command, t->command) != 0)
			continue;
		if (c->word == NULL && t->word == NULL) {
			*ret = c;
			return true;
		}
		if (c->word == NULL)
			return err_set(
			    err, ERR_INVALID, "attune %s takes no more words, but was given %s", c->command, t->word);
		buf_fmt(&known, "%s%s", known.n > 0 ? ", " : "", c->word);
		if (t->word == NULL || strcmp(c->word, t->word) != 0)
			continue;
		*ret = c;
		if ((c->arg == NULL) != (t->arg == NULL))
			return err_set(err, ERR_INVALID, "attune %s %s %s %s", c->command, c->word,
			    c->arg == NULL ? "takes no more words, but was given" : "wants an",
			    c->arg == NULL ? t->arg : c->arg);
		return true;
	}
	if (t->word == NULL)
		return err_set(err, ERR_INVALID, "attune %s what? One of: %s", t->command, buf_str(&known).p);
	return err_set(
	    err, ERR_INVALID, "attune %s does not know '%s', only: %s", t->command, t->word, buf_str(&known).p);
}

static bool
form_choose(Tool *t, const ToolCommand *c, Err *err)
{
	Cli *way = &t->way;

	t->self = (Command){ .words = t->command, .thing = c->thing };
	*way = (Cli){ .io = &t->io, .a = t->arena, .kept = t->arena, .command = &t->self, .quiet = t->quiet };
	way->field = str_of(t->field);
	if (c->thing == NULL && (t->output != NULL || t->field != NULL || t->json || t->yaml || t->quiet))
		return err_set(err, ERR_INVALID, "attune %s %s answers with a text, which has one form only: no %s",
		    c->command, c->word, "-o, -j, -y, -q or --field");
	if (t->output != NULL && !cli_format_named(str_of(t->output), &way->format))
		return err_set(err, ERR_INVALID, "--output is table, wide, json, yaml or name, not '%s'", t->output);
	if (t->json || t->yaml)
		way->format = t->json ? FORMAT_JSON : FORMAT_YAML;
	return true;
}

static int
code_of(const Tool *t, const Err *err)
{
	if (t->wrong_input)
		return ADMIN_USAGE;
	return err->code == ERR_AWAY ? ADMIN_AWAY : ADMIN_FAILED;
}

static int
run(Tool *t, int argc, char **argv, Err *err)
{
	const ToolCommand *c = NULL;

	if (!words_take(t, argc, argv, err))
		return ADMIN_USAGE;
	if (t->help) {
		usage(t->command, &t->out);
		return ADMIN_DONE;
	}
	if (!command_find(t, &c, err) || !form_choose(t, c, err))
		return ADMIN_USAGE;
	return c->run(t, err) ? ADMIN_DONE : code_of(t, err);
}

int
admin_run(int argc, char **argv, FILE *out, FILE *complaints)
{
	CLEANUP(arena_done) Arena *a = arena_open();
	Tool t = { .arena = a, .command = argv[0], .out = buf_open(a), .io = { .out = out, .err = complaints } };
	Err err = { 0 };
	int code = run(&t, argc, argv, &err);
	Str text = buf_str(&t.out);

	if (fwrite(text.p, 1, text.n, out) != text.n || fflush(out) != 0) {
		fprintf(complaints, "attune %s: what it has to say cannot be written\n", t.command);
		return ADMIN_FAILED;
	}
	if (code != ADMIN_DONE)
		fprintf(complaints, "attune: %s\n", err.text);
	return code == ADMIN_DONE && t.way.missing ? ADMIN_FAILED : code;
}
