/* What the routes of packs decide without a store. */
#include "api/pack_remote.h"
#include "api/pack_sources.h"
#include "api/pack_trial.h"
#include "api/view.h"
#include "base/codec.h"
#include "os/fs.h"

#include "test.h"

#include <fcntl.h>
#include <sys/stat.h>

static Json
json(Arena *a, const char *text)
{
	Err err = { 0 };
	Json out;

	CHECK_OK(json_parse(a, str_of(text), NULL, &out, &err), err);
	return out;
}

TEST(a_secret_in_a_packs_configuration_is_shown_to_nobody)
{
	CLEANUP(arena_done) Arena *a = arena_open();
	PackDef d = { .conf_schema = json(a, "{\"password\": {\"type\": \"string\", \"secret\": true}}"),
		.config = json(a, "{\"password\": \"hunter2\", \"host\": \"h\"}") };
	Json shown = pack_config_shown(a, &d);

	CHECK(secret_is_mark(json_get(&shown, "password")));
	CHECK_STR(json_get_text(&shown, "host"), str_of("h"));
	CHECK_STR(json_get_text(&d.config, "password"), str_of("hunter2"));
}

/* ---- registries ---- */

TEST(two_urls_lead_to_one_place_when_scheme_host_and_port_are_the_same)
{
	static const struct {
		const char *one, *other;
		bool same;
	} table[] = {
		{ "https://a.example/x", "https://A.example/y?z", true },
		{ "https://a.example", "https://a.example/y", true },
		{ "https://a.example/x", "http://a.example/x", false },
		{ "https://a.example/x", "https://a.example:8443/x", false },
		{ "https://a.example/x", "https://a.example.evil.org/x", false },
		{ "file:///srv/x", "file:///srv/y", true },
		{ "x", "x", false },
	};

	for (size_t i = 0; i < countof(table); i++)
		CHECK(pack_url_same_place(str_of(table[i].one), str_of(table[i].other)) == table[i].same);
}

TEST(headers_of_a_registry_do_not_follow_its_url_to_another_host)
{
	static const char here[] = "https://a.example/i", beside[] = "https://a.example/j", mine[] = "https://mine/x";
	static const struct {
		const char *given, *url;
		bool locked;
		const char *want; /* NULL: refused */
	} table[] = {
		{ "null", here, false, "{\"X-Key\":\"old\"}" },
		{ "null", beside, false, "{\"X-Key\":\"old\"}" },
		{ "null", mine, false, NULL },
		{ "{\"X-Key\": \"********\"}", beside, false, "{\"X-Key\":\"old\"}" },
		{ "{\"X-Key\": \"********\"}", mine, false, NULL },
		{ "{\"X-Key\": \"new\"}", mine, false, "{\"X-Key\":\"new\"}" },
		{ "{}", mine, false, "{}" },
		{ "null", here, true, "{}" },
		{ "null", beside, true, NULL },
		{ "{\"X-Key\": \"********\"}", here, true, NULL },
		{ "{\"X-Key\": \"new\"}", here, true, "{\"X-Key\":\"new\"}" },
	};
	CLEANUP(arena_done) Arena *a = arena_open();

	for (size_t i = 0; i < countof(table); i++) {
		Json given = json(a, table[i].given);
		Json headers = json(a, table[i].locked ? "{}" : "{\"X-Key\": \"old\"}");
		HeadersChange c = { &given, str_of(here), str_of(table[i].url), table[i].locked };
		Err err = { 0 };
		bool ok = registry_headers_change(a, &c, &headers, &err);

		if (ok != (table[i].want != NULL))
			test_fail(__FILE__, __LINE__, "case %zu: %s", i, err.text);
		if (ok)
			CHECK_STR(json_text(a, &headers), str_of(table[i].want));
		else
			CHECK(err.code == ERR_VALIDATION);
	}
}

TEST(a_registry_whose_headers_cannot_be_opened_hinders_no_other)
{
	CLEANUP(arena_done) Arena *a = arena_open();
	Registry list[] = { { .id = 3, .url = str_of("https://a.example/i"), .enabled = true, .locked = true },
		{ .url = str_of("https://b.example/i"), .enabled = false } };
	atomic_bool stopping = false;
	Err err = { 0 };
	Json found;

	CHECK(!registries_read(NULL, a, list, countof(list), false, &found, &stopping, &err));
	CHECK(err.code == ERR_AWAY && str_find(str_of(err.text), str_of("give them anew, for registry 3"), NULL));
}

TEST(a_redirect_leads_to_a_url_or_to_a_path_of_the_same_host)
{
	static const char *const table[][2] = {
		{ "https://b.example/y", "https://b.example/y" },
		{ "/y", "https://a.example:8443/y" },
		{ "/dl?u=https://x", "https://a.example:8443/dl?u=https://x" },
		{ "//c.example/z?u=https://x", "https://c.example/z?u=https://x" },
		{ "y", "" },
		{ "", "" },
	};
	CLEANUP(arena_done) Arena *a = arena_open();

	for (size_t i = 0; i < countof(table); i++) {
		Str to = pack_url_redirect(a, str_of("https://a.example:8443/x?y"), str_of(table[i][0]));

		CHECK_STR(str_none(to) ? str_of("") : to, str_of(table[i][1]));
	}
}

/* ---- tests of packs ---- */

TEST(why_a_packs_tests_failed_is_not_cut_within_a_letter)
{
	CLEANUP(arena_done) Arena *a = arena_open();
	Buf words = buf_open(a);
	Err err = { 0 };
	PackTry try;

	buf_text(&words,
	    "{\"testSuites\": [{\"name\": \"s\", \"testCases\": [{\"name\": \"c\", \"status\": \"failed\", "
	    "\"errorMessage\": \"x");
	for (int i = 0; i < 300; i++)
		buf_text(&words, "é");
	buf_text(&words, "\"}]}]}");
	try = (PackTry){ .tested = true, .counts = { 1, 0, 1, 0 }, .result = json(a, str_cstr(a, buf_str(&words))) };
	try.files.def.ref = str_of("p");
	try.files.tests.min_pass_rate = 1;
	CHECK(!trial_passed(&try, false, &err));
	CHECK(utf8_valid(str_of(err.text)));
}

TEST(only_repositories_have_branches)
{
	static const struct {
		const char *source, *ref_spec;
		bool fine;
	} table[] = {
		{ "shop", "", true },
		{ "shop", "main", false },
		{ "/srv/shop", "main", false },
		{ "https://a.example/shop.git", "main", true },
		{ "git@a.example:shop", "main", true },
	};

	for (size_t i = 0; i < countof(table); i++) {
		Err err = { 0 };

		CHECK(pack_ref_spec_check(str_of(table[i].source), str_of(table[i].ref_spec), &err) == table[i].fine);
		CHECK(err.code == (table[i].fine ? ERR_NONE : ERR_INVALID));
	}
}

/* ---- folders of installs ---- */

static void
folder_done(Str *path)
{
	CHECK(tree_remove(path->p));
}

static void
make_old(Str path)
{
	struct timespec old[2] = { { .tv_sec = 1000 }, { .tv_sec = 1000 } };

	CHECK_INT(utimensat(AT_FDCWD, path.p, old, 0), 0);
}

TEST(an_install_that_lives_keeps_its_folder_however_old_it_is)
{
	CLEANUP(arena_done) Arena *a = arena_open();
	CLEANUP(folder_done) Str base = { 0 };
	Err err = { 0 };
	App app = { 0 };
	Str alive, dead, young;
	Config *c;
	int lock = -1;

	CHECK_OK(dir_private(a, "/tmp", "attune-test", &base, &err), err);
	{
		ConfigOption options[] = { { "packs_base_dir", base.p, "test" } };
		ConfigSource source = { .dir = "/proc/self", .options = options, .option_count = countof(options) };

		CHECK_OK(config_load(a, &source, &c, &err), err);
	}
	app.config = c;
	CHECK_OK(dir_private(a, base.p, PACK_INCOMING, &alive, &err), err);
	CHECK_OK(dir_private(a, base.p, PACK_INCOMING, &dead, &err), err);
	CHECK_OK(dir_private(a, base.p, PACK_INCOMING, &young, &err), err);
	CHECK_OK(lock_take(str_fmt(a, "%.*s/" PACK_STAGE_LOCK, STR_ARG(alive)).p, &lock, NULL, &err), err);
	make_old(alive);
	make_old(dead);
	pack_leftovers(&app, a);
	CHECK(file_exists(alive.p) && !file_exists(dead.p) && file_exists(young.p));
	lock_release(&lock);
	pack_leftovers(&app, a);
	CHECK(!file_exists(alive.p));
}
