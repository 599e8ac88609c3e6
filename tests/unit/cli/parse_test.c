#include "cli/handlers.h"
#include "cli/help.h"

#include "test.h"

enum { WORDS = 32 };

typedef struct Line {
	Cli cli;
	CliIo io;
	Err err;
	char *argv[WORDS];
	bool fine;
} Line;

static void
line_done(Line **l)
{
	arena_close((*l)->cli.a);
}

/* A command line cut at its blanks. */
static Line *
line_of(const char *text)
{
	Arena *a = arena_open();
	Line *l = arena_new(a, Line);
	Str rest = str_of(text), word;
	int n = 0;

	l->cli.a = a;
	l->cli.io = &l->io;
	while (str_cut(&rest, ' ', &word))
		l->argv[n++] = (char *)(uintptr_t)str_cstr(a, word);
	l->fine = cli_parse(&l->cli, n, l->argv, &l->err);
	return l;
}

TEST(options_may_stand_anywhere)
{
	static const char *const lines[] = {
		"attune execution list --status failed -j --limit=3 --api-url http://h",
		"attune --api-url http://h -j execution list -s failed -l 3",
		"attune -j --api-url=http://h execution --status=failed list -l3",
	};

	for (size_t i = 0; i < countof(lines); i++) {
		CLEANUP(line_done) Line *l = line_of(lines[i]);
		int64_t n;

		CHECK_OK(l->fine, l->err);
		CHECK_STR(str_of(l->cli.command->words), str_of("execution list"));
		CHECK_STR(cli_opt(&l->cli, "status"), str_of("failed"));
		CHECK_OK(cli_opt_int(&l->cli, "limit", 9, &n, &l->err), l->err);
		CHECK_INT(n, 3);
		CHECK_INT(l->cli.format, FORMAT_JSON);
		CHECK_STR(l->cli.url, str_of("http://h"));
	}
}

TEST(what_follows_two_dashes_is_no_option)
{
	CLEANUP(line_done) Line *l = line_of("attune action execute -w -- -strange");

	CHECK_OK(l->fine, l->err);
	CHECK_STR(l->cli.args[0], str_of("-strange"));
	CHECK(cli_has(&l->cli, "wait"));
}

TEST(short_flags_may_be_joined)
{
	CLEANUP(line_done) Line *l = line_of("attune run core.echo -wv -y");

	CHECK_OK(l->fine, l->err);
	CHECK(l->cli.verbose);
	CHECK(cli_has(&l->cli, "wait"));
	CHECK_INT(l->cli.format, FORMAT_YAML);
}

TEST(wrong_lines_say_what_is_wrong)
{
	static const struct {
		const char *line, *says;
	} wrong[] = {
		{ "attune exection list", "Did you mean 'attune execution list'?" },
		{ "attune execution lst", "Did you mean 'attune execution list'?" },
		{ "attune statsu", "Did you mean 'attune status'?" },
		{ "attune frobnicate", "there is no command 'frobnicate'" },
		{ "attune execution show", "needs ID" },
		{ "attune execution show 1 2", "what '2' is for" },
		{ "attune pack list --nothing", "there is no option '--nothing'" },
		{ "attune pack list --limit", "needs a value" },
		{ "attune run x --wait=yes", "takes no value" },
		{ "attune status --output xml", "table, wide, json, yaml or name" },
		{ "attune trigger webhook enabel x", "Did you mean 'attune trigger webhook enable'?" },
		{ "attune rule create --nam x", "Did you mean '--name'?" },
		{ "attune key create --ref a", "needs --name" },
	};

	for (size_t i = 0; i < countof(wrong); i++) {
		CLEANUP(line_done) Line *l = line_of(wrong[i].line);

		if (l->fine || strstr(l->err.text, wrong[i].says) == NULL)
			test_fail(__FILE__, __LINE__, "%s: %s", wrong[i].line, l->err.text);
	}
}

TEST(every_command_has_a_help_of_its_own_with_an_example)
{
	const Command *one;

	for (size_t i = 0; (one = cli_command_at(i)) != NULL; i++) {
		CLEANUP(arena_done) Arena *a = arena_open();
		Buf b = buf_open(a);

		cli_help(&b, one);
		CHECK(str_find(buf_str(&b), str_fmt(a, "Usage: attune %s", one->words), NULL));
		CHECK(str_find(buf_str(&b), str_of("--api-url URL"), NULL));
		CHECK(one->run != NULL && one->help[0] != '\0');
		CHECK(one->hidden || str_find(str_of(one->example), str_of("attune "), NULL));
		CHECK(one->run != cli_ask || one->ask != NULL);
		CHECK(one->run != cmd_list_run || one->thing != NULL);
	}
}

TEST(no_two_options_of_a_command_share_a_name_or_a_letter)
{
	const Command *one;

	for (size_t i = 0; (one = cli_command_at(i)) != NULL; i++) {
		bool seen[128] = { 0 };

		for (size_t k = 0; one->opts != NULL && one->opts[k].name != NULL; k++) {
			unsigned char letter = (unsigned char)one->opts[k].letter;

			CHECK(k < CLI_OPTS);
			CHECK(letter == 0 || !seen[letter]);
			seen[letter] = true;
			for (size_t j = 0; j < k; j++)
				CHECK(strcmp(one->opts[j].name, one->opts[k].name) != 0);
		}
	}
}

TEST(an_example_is_a_line_that_is_understood)
{
	const Command *one;

	for (size_t i = 0; (one = cli_command_at(i)) != NULL; i++) {
		CLEANUP(arena_done) Arena *a = arena_open();
		Str words = str_of(one->example), said;
		Line *l;

		if (one->hidden || memchr(words.p, '\'', words.n) != NULL || !str_starts(words, str_of("attune ")) ||
		    str_find(words, str_of("\""), NULL))
			continue; /* quotes are the shell's */
		str_cut(&words, '<', &said);
		words = said;
		str_cut(&words, '>', &said);
		l = line_of(str_cstr(a, str_trim(said)));
		if (!l->fine || l->cli.command != one)
			test_fail(__FILE__, __LINE__, "%s: %s", one->example, l->err.text);
		line_done(&l);
	}
}
