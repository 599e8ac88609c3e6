#include "cli/cli.h"

#include "os/fs.h"
#include "test.h"

#include <stdlib.h>

/*
 * The exit codes of every command there is, from the tables that the program reads: what is called wrongly ends with 2, what cannot
 * reach its server with 3. Nobody listens on port 1.
 */

enum { WORDS_MOST = 40 };

typedef struct Line {
	Arena *a;
	Str dir; /* with a file of that kind for each argument that names one */
	char *argv[WORDS_MOST];
	int argc;
} Line;

/* Those that need no server: what they do here, with arguments that mean nothing. */
static const struct {
	const char *words;
	int code;
} at_home[] = {
	{ "pack new", 0 },
	{ "pack checksum", 0 },
	{ "pack index-entry", 1 }, /* no folder of a pack */
	{ "pack index-update", 2 },
	{ "pack index-merge", 2 },
	{ "workflow upload", 1 },  /* no such file */
	{ "auth login", 2 },       /* nobody can be asked */
	{ "auth token-login", 2 }, /* nobody can be asked */
	{ "auth refresh", 1 },     /* nobody is logged in */
	{ "auth logout", 0 },
	{ "config list", 0 },
	{ "config get", 2 }, /* 1 is none of its settings */
	{ "config set", 2 },
	{ "config path", 0 },
	{ "config profiles", 0 },
	{ "config current", 0 },
	{ "config use", 2 },
	{ "config add-profile", 2 },
	{ "config remove-profile", 2 },
	{ "config show-profile", 2 },
	{ "completion", 2 },
	{ "__complete", 0 },
	{ "__docs", 0 },
};

static void
word(Line *l, Str text)
{
	CHECK(l->argc + 1 < WORDS_MOST);
	l->argv[l->argc++] = (char *)(uintptr_t)str_cstr(l->a, text);
	l->argv[l->argc] = NULL;
}

static void
words(Line *l, const char *text)
{
	Str rest = str_of(text), one;

	while (str_cut(&rest, ' ', &one))
		word(l, one);
}

static Line
line_of(Arena *a, Str dir, const Command *cmd)
{
	Line l = { .a = a, .dir = dir };

	words(&l, "attune");
	words(&l, cmd->words);
	return l;
}

static Str
value_for(const Line *l, const char *what)
{
	if (str_find(str_of(what), str_of("FILE"), NULL) || str_find(str_of(what), str_of("PATH"), NULL))
		return str_fmt(l->a, "%s/file", l->dir.p);
	if (str_find(str_of(what), str_of("DIR"), NULL))
		return str_fmt(l->a, "%s/folder", l->dir.p);
	if (str_find(str_of(what), str_of("JSON"), NULL))
		return str_of("{\"a\": 1}");
	return str_of("1");
}

/* The least that it takes: each argument and option that must be there, and one option for those that change something. */
static void
whole(Line *l, const Command *cmd)
{
	Str rest = str_of(cmd->args), one;

	while (cmd->args != NULL && str_cut(&rest, ' ', &one))
		if (one.n > 0 && one.p[0] != '[')
			word(l, value_for(l, str_cstr(l->a, one)));
	for (size_t i = 0; cmd->opts != NULL && cmd->opts[i].name != NULL; i++) {
		const CliOpt *o = &cmd->opts[i];
		bool changes = i == 0 && cmd->ask != NULL && str_starts(str_of(cmd->ask), str_of("PUT"));

		if (!o->needed && !changes)
			continue;
		word(l, str_fmt(l->a, "--%s", o->name));
		if (o->value != NULL)
			word(l, o->kind == KIND_BOOL ? str_of("true") : value_for(l, o->value));
	}
	words(l, "--yes");
}

/* Two have an --output of their own: where to. */
static bool
writes_files(const Command *cmd)
{
	for (size_t i = 0; cmd->opts != NULL && cmd->opts[i].name != NULL; i++)
		if (strcmp(cmd->opts[i].name, "output") == 0)
			return true;
	return false;
}

static int
ends(Line *l, Str *ret_said)
{
	char *out, *said;
	size_t out_n, said_n;
	CliIo io = { .in = fopen("/dev/null", "r"),
		.api_url = "http://127.0.0.1:1",
		.config_home = l->dir.p,
		.editor = "true" };
	int code;

	io.out = open_memstream(&out, &out_n);
	io.err = open_memstream(&said, &said_n);
	code = cli_run(&io, l->argc, l->argv);
	fclose(io.in);
	fclose(io.out);
	fclose(io.err);
	*ret_said = str_copy(l->a, (Str){ said, said_n });
	free(out);
	free(said);
	return code;
}

static void
ends_with(Line *l, int wanted)
{
	Buf all = buf_open(l->a);
	Str said;
	int code = ends(l, &said);

	for (int i = 0; i < l->argc; i++)
		buf_fmt(&all, "%s ", l->argv[i]);
	if (code != wanted)
		test_fail(__FILE__, __LINE__, "%.*sends with %d, not %d: %.*s", STR_ARG(buf_str(&all)), code, wanted,
		    STR_ARG(said));
}

static void
folder_done(Str *path)
{
	CHECK(tree_remove(path->p));
}

TEST(every_command_that_cannot_reach_its_server_ends_with_3)
{
	CLEANUP(arena_done) Arena *a = arena_open();
	CLEANUP(folder_done) Str dir = str_of(NULL);
	const Command *cmd;
	Err err = { 0 };

	CHECK_OK(dir_private(a, "/tmp", "attune-test", &dir, &err), err);
	CHECK_OK(file_write(str_fmt(a, "%s/file", dir.p).p, str_of("kind: rule\nref: a.b\n"), 0600, &err), err);
	CHECK_OK(dirs_make(str_fmt(a, "%s/folder", dir.p).p, 0700, &err), err);
	for (size_t i = 0; (cmd = cli_command_at(i)) != NULL; i++) {
		Line l = line_of(a, dir, cmd);
		int wanted = CLI_AWAY;

		for (size_t k = 0; k < countof(at_home); k++)
			if (strcmp(at_home[k].words, cmd->words) == 0)
				wanted = at_home[k].code;
		whole(&l, cmd);
		ends_with(&l, wanted);
	}
}

TEST(every_command_that_is_called_wrongly_ends_with_2)
{
	CLEANUP(arena_done) Arena *a = arena_open();
	const Command *cmd;
	size_t least, most;

	for (size_t i = 0; (cmd = cli_command_at(i)) != NULL; i++) {
		Line unknown = line_of(a, str_of("/nowhere"), cmd), few = unknown, many = unknown, form = unknown;

		whole(&unknown, cmd);
		words(&unknown, "--no-such-option");
		ends_with(&unknown, CLI_USAGE);
		whole(&form, cmd);
		words(&form, "--output=poem");
		if (!writes_files(cmd))
			ends_with(&form, CLI_USAGE);
		cli_args_range(cmd, &least, &most);
		if (least > 0)
			ends_with(&few, CLI_USAGE);
		for (size_t k = 0; most < CLI_ARGS && k <= most; k++)
			words(&many, "1");
		if (most < CLI_ARGS)
			ends_with(&many, CLI_USAGE);
	}
}
