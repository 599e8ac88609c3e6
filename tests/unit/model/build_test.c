#include "model/build.h"

#include "test.h"

static Json
json(Arena *a, const char *text)
{
	Err err = { 0 };
	Json v;

	CHECK_OK(json_parse(a, str_of(text), NULL, &v, &err), err);
	return v;
}

TEST(a_run_is_started_by_the_description_whose_version_it_asks_for)
{
	static const struct {
		const char *constraint, *builds, *version;
	} rows[] = {
		{ "", "{\"\":\"3.11.2\",\"3.12\":\"3.12.1\"}", NULL },
		{ ">=3.9", "{\"\":\"3.11.2\",\"3.12\":\"3.12.1\"}", NULL },
		{ ">=3.12", "{\"\":\"3.11.2\",\"3.12\":\"3.12.1\",\"3.13\":\"3.13.0\"}", "3.13" },
		{ "3.12", "{\"\":\"3.11.2\",\"3.12\":\"3.12.1\",\"3.13\":\"3.13.0\"}", "3.12" },
		{ ">=3.9", "{\"3.12\":\"3.12.1\"}", "3.12" }, /* there is no usual one */
		{ ">=4", "{\"\":\"3.11.2\",\"3.12\":\"3.12.1\"}", NULL },
		{ ">=3.12", "{\"\":\"3.11.2\",\"3.12\":\"what?\"}", NULL },
	};
	CLEANUP(arena_done) Arena *a = arena_open();
	RuntimeVersionDef versions[] = { { .version = str_of("3.12") }, { .version = str_of("3.13") } };
	RuntimeDef r = { .ref = str_of("core.python"), .versions = versions, .version_count = 2 };

	for (size_t i = 0; i < countof(rows); i++) {
		Json capabilities = json_object(), builds = json_object();
		const Json *got;
		Str version;

		json_add(a, &builds, "core.python", json(a, rows[i].builds));
		json_add(a, &capabilities, "runtime_builds", builds);
		got = build_choose(&r, &capabilities, str_of(rows[i].constraint), &version);
		CHECK_STR(version, str_of(rows[i].version));
		CHECK(str_none(version) ? got == &r.execution_config
					: got == &versions[str_is(version, "3.13")].execution_config);
	}
	/* a worker of another make says nothing about it */
	{
		Str version;

		CHECK(build_choose(&r, NULL, str_of(">=3.12"), &version) == &r.execution_config && str_none(version));
	}
}
