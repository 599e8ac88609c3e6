#include "rig.h"

#include "admin/admin.h"
#include "test.h"

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
	refused(a, SAYS(a, "db", "migrate", "-j"), "attune db migrate has no -j");
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
