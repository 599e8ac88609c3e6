#include "rig.h"

#include "admin/admin.h"
#include "test.h"

#include <stdlib.h>

/* One sentence, no output, exit code 2. */
static void
refused(Arena *a, Said s, const char *part)
{
	(void)a;
	CHECK_INT(s.code, 2);
	CHECK_STR(s.out, str_of(""));
	CHECK(str_starts(s.complaint, str_of("attune: ")));
	if (!said_has(s.complaint, part))
		test_fail(__FILE__, __LINE__, "'%.*s' does not say '%s'", STR_ARG(s.complaint), part);
	CHECK(memchr(s.complaint.p, '\n', s.complaint.n) == s.complaint.p + s.complaint.n - 1);
}

TEST(what_it_does_not_understand_is_answered_with_one_sentence)
{
	CLEANUP(arena_done) Arena *a = arena_open();

	refused(a, SAYS(a, "db"), "attune db what? One of: status, migrate");
	refused(a, SAYS(a, "db", "stauts"), "does not know 'stauts', only: status, migrate");
	refused(a, SAYS(a, "db", "status", "now"), "takes no more words, but was given now");
	refused(a, SAYS(a, "db", "status", "now", "then"), "'then' is one word too many");
	refused(a, SAYS(a, "dlq", "show"), "attune dlq show wants an ID");
	refused(a, SAYS(a, "dlq", "show", "seven"), "'seven' is no id of a dead letter");
	refused(a, SAYS(a, "db", "status", "--fast"), "does not know '--fast': see attune db --help");
	refused(a, SAYS(a, "db", "status", "--data-dir"), "--data-dir wants a value: --data-dir DIR");
	refused(a, SAYS(a, "db", "status", "--json=yes"), "--json takes no value");
	refused(a, SAYS(a, "config", "docs", "-j"), "attune config docs answers with a text, which has one form only");
	refused(a, SAYS(a, "dlq", "list", "-o", "poem"), "--output is table, wide, json, yaml or name, not 'poem'");
}

TEST(help_shows_every_command_of_the_word)
{
	CLEANUP(arena_done) Arena *a = arena_open();
	Said s = SAYS(a, "dlq", "--help");

	CHECK_INT(s.code, 0);
	CHECK(said_has(s.out, "attune dlq list"));
	CHECK(said_has(s.out, "attune dlq drop     ID"));
	CHECK(said_has(s.out, "--data-dir"));
	CHECK(!said_has(s.out, "attune db"));
}

/* Codes are those of the client: scripts need not know which command works where. */
TEST(what_cannot_be_reached_ends_with_3_in_each_of_these_families)
{
	static const char *const words[][3] = { { "dlq", "list" },
		{ "dlq", "show", "01890000-0000-7000-8000-000000000001" },
		{ "dlq", "replay", "01890000-0000-7000-8000-000000000001" },
		{ "dlq", "drop", "01890000-0000-7000-8000-000000000001" } };
	static const char *const there[][2] = { { "db", "status" }, { "db", "migrate" }, { "bus", "topology" },
		{ "bus", "migrate" }, { "dlq", "list" } };
	CLEANUP(arena_done) Arena *a = arena_open();

	for (size_t i = 0; i < countof(words); i++) {
		const char *const all[] = { words[i][0], words[i][1], "--api-url", "http://127.0.0.1:1", words[i][2],
			NULL };
		Said s = tool_says(a, all);

		CHECK_INT(s.code, 3);
		CHECK(said_has(s.complaint, "http://127.0.0.1:1"));
	}
	setenv("ATTUNE__DATABASE__URL", "postgresql://attune@127.0.0.1:1/attune", 1);
	setenv("ATTUNE__MESSAGE_QUEUE__URL", "amqp://127.0.0.1:1", 1);
	for (size_t i = 0; i < countof(there); i++)
		CHECK_INT(SAYS(a, there[i][0], there[i][1], "--data-dir", "/nowhere").code, 3);
	unsetenv("ATTUNE__DATABASE__URL");
	unsetenv("ATTUNE__MESSAGE_QUEUE__URL");
}
