#include "model/refs.h"

#include "test.h"

static void
arena_end(Arena **a)
{
	arena_done(a);
}

TEST(refs_are_lower_case_and_have_one_dot)
{
	static const char *const good[] = { "core.echo", "a-b.c_d9", "x.y" };
	static const char *const bad[] = { "", "core", "core.", ".echo", "a.b.c", "Core.echo", "core.9x", "core.e cho",
		"core.écho" };

	for (size_t i = 0; i < countof(good); i++)
		CHECK(ref_is_component(str_of(good[i])));
	for (size_t i = 0; i < countof(bad); i++)
		if (ref_is_component(str_of(bad[i])))
			test_fail(__FILE__, __LINE__, "'%s' was taken", bad[i]);
	CHECK(ref_is_pack(str_of("core")) && ref_is_pack(str_of("a1_-")));
	CHECK(!ref_is_pack(str_of("c")) && !ref_is_pack(str_of("Core")) && !ref_is_pack(str_of("1a")) &&
	      !ref_is_pack(str_of("a.b")));
}

TEST(names_are_made_from_refs)
{
	CLEANUP(arena_end) Arena *a = arena_open();

	CHECK_STR(ref_pack(str_of("core.echo")), str_of("core"));
	CHECK(str_none(ref_pack(str_of("core"))));
	CHECK_STR(ref_name(str_of("core.echo")), str_of("echo"));
	CHECK_STR(ref_qualify(a, str_of("core"), str_of("echo")), str_of("core.echo"));
	CHECK_STR(ref_qualify(a, str_of("core"), str_of("x.echo")), str_of("x.echo"));
	CHECK_STR(ref_label(a, str_of("core.download_packs")), str_of("Download Packs"));
}
