#include "rig.h"

#include "admin/run.h"
#include "base/config.h"
#include "test.h"

#include <stdlib.h>

/* What it shows for a configuration with a port from the environment and a password in a URL. */
static Said
shown(Arena *a, const char *flag)
{
	Said s;

	setenv("ATTUNE__SERVER__PORT", "9", 1);
	setenv("ATTUNE__DATABASE__URL", "postgresql://u:hidden@h/d", 1);
	s = SAYS(a, "config", "show", "--data-dir", "/nowhere", flag);
	unsetenv("ATTUNE__SERVER__PORT");
	unsetenv("ATTUNE__DATABASE__URL");
	CHECK_INT(s.code, 0);
	CHECK_STR(s.complaint, str_of(""));
	return s;
}

TEST(the_table_has_key_value_and_origin_of_every_setting)
{
	CLEANUP(arena_done) Arena *a = arena_open();
	Said s = shown(a, NULL);
	Str text = s.out, line;
	size_t lines = 0, at;
	bool port = false;

	CHECK(str_starts(text, str_of("KEY ")));
	CHECK(!said_has(text, "hidden"));
	while (str_cut(&text, '\n', &line)) {
		lines += line.n > 0 ? 1 : 0;
		if (!str_starts(line, str_of("server.port ")))
			continue;
		CHECK(str_find(line, str_of(" 9 "), &at));
		CHECK(str_ends(line, str_of("  environment ATTUNE__SERVER__PORT")));
		port = true;
	}
	CHECK(port);
	CHECK_INT((int64_t)lines, (int64_t)setting_count + 1);
}

TEST(the_json_form_says_the_same)
{
	CLEANUP(arena_done) Arena *a = arena_open();
	Said s = shown(a, "-j");
	Json list = said_json(a, &s);

	CHECK_INT(list.n, (int64_t)setting_count);
	for (uint32_t i = 0; i < list.n; i++) {
		if (!str_is(json_get_text(&list.items[i], "key"), "database.url"))
			continue;
		CHECK_STR(json_get_text(&list.items[i], "value"), str_of("postgresql://u:***@h/d"));
		CHECK_STR(json_get_text(&list.items[i], "origin"), str_of("environment ATTUNE__DATABASE__URL"));
		return;
	}
	CHECK(false);
}

TEST(a_configuration_file_that_is_not_there_is_named)
{
	CLEANUP(arena_done) Arena *a = arena_open();
	Said s = SAYS(a, "config", "show", "-c", "/nowhere/x.yaml");

	CHECK_INT(s.code, 1);
	CHECK(said_has(s.complaint, "/nowhere/x.yaml"));
}

TEST(output_that_cannot_be_written_is_a_failure)
{
	char command[] = "config", word[] = "docs";
	char *argv[] = { command, word, NULL };
	FILE *full = fopen("/dev/full", "we"), *complaints = fopen("/dev/null", "we");

	CHECK(full != NULL && complaints != NULL);
	CHECK_INT(admin_run(2, argv, full, complaints), 1);
	fclose(full);
	fclose(complaints);
}
