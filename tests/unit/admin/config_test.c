#include "admin/config.h"

#include "test.h"

#include <stdlib.h>

/* What config_show prints for a configuration with a port from the environment and a password in a URL. */
static Str
shown(Arena *a, bool as_json)
{
	char port[] = "ATTUNE__SERVER__PORT=9", url[] = "ATTUNE__DATABASE__URL=postgresql://u:hidden@h/d";
	char *env[] = { port, url, NULL };
	const ConfigSource src = { .env = env, .dir = "/nowhere" };
	Config *c;
	Err err = { 0 };
	char *text = NULL;
	size_t n = 0;
	FILE *f = open_memstream(&text, &n);
	Str got;

	CHECK_OK(config_load(a, &src, &c, &err), err);
	CHECK(f != NULL);
	CHECK_INT(config_show(c, as_json, f), 0);
	fclose(f);
	got = str_copy(a, (Str){ text, n });
	free(text);
	return got;
}

TEST(the_table_has_key_value_and_origin_of_every_setting)
{
	CLEANUP(arena_done) Arena *a = arena_open();
	Str text = shown(a, false), line;
	size_t lines = 0, at;
	bool port = false;

	CHECK(str_starts(text, str_of("KEY ")));
	CHECK(!str_find(text, str_of("hidden"), &at));
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
	Json list;
	Err err = { 0 };

	CHECK_OK(json_parse(a, shown(a, true), NULL, &list, &err), err);
	CHECK_INT(list.n, (int64_t)setting_count);
	for (uint32_t i = 0; i < list.n; i++) {
		if (!str_is(json_get_text(&list.items[i], "key"), "database.url"))
			continue;
		CHECK_STR(json_get_text(&list.items[i], "value"), str_of("postgresql://u:***@h/d"));
		CHECK_STR(
		    json_get_text(&list.items[i], "origin"), str_of("environment ATTUNE__DATABASE__URL"));
		return;
	}
	CHECK(false);
}

TEST(output_that_cannot_be_written_is_a_failure)
{
	CLEANUP(arena_done) Arena *a = arena_open();
	const ConfigSource src = { .dir = "/nowhere" };
	Config *c;
	Err err = { 0 };
	FILE *full = fopen("/dev/full", "we");

	CHECK_OK(config_load(a, &src, &c, &err), err);
	CHECK(full != NULL);
	CHECK_INT(config_show(c, false, full), 1);
	fclose(full);
}
