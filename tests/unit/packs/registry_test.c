#include "packs/registry.h"

#include "test.h"

static Json
index_of(Arena *a, const char *text)
{
	Err err = { 0 };
	size_t bad;
	Json out;

	CHECK_OK(registry_read(a, str_of(text), &out, &bad, &err), err);
	return out;
}

TEST(an_index_is_read_and_what_is_no_entry_is_left_out)
{
	CLEANUP(arena_done) Arena *a = arena_open();
	Err err = { 0 };
	size_t bad;
	Json out;

	CHECK_OK(registry_read(a,
		     str_of("{\"packs\": [{\"ref\": \"shop\", \"version\": \"1.0.0\", \"contents\": {\"actions\": 3, "
			    "\"rules\": [\"r\"]},"
			    " \"keywords\": [\"a\", 2]}, {\"ref\": \"Shop\", \"version\": \"1.0.0\"}, 7,"
			    " {\"ref\": \"shop\", \"version\": \"1\"}]}"),
		     &out, &bad, &err),
	    err);
	CHECK(out.n == 1 && bad == 3);
	CHECK(json_get(json_get(&out.items[0], "contents"), "actions")->n == 0);
	CHECK_STR(json_get_text(json_at(json_path(&out.items[0], str_of("contents.rules")), 0), "name"), str_of("r"));
	CHECK(json_get(&out.items[0], "keywords")->n == 1);
	CHECK_STR(json_get_text(&out.items[0], "author"), str_of(""));
}

TEST(what_is_no_index_is_refused)
{
	static const char *const texts[] = { "", "[]", "{}", "{\"packs\": {}}", "<html>" };
	CLEANUP(arena_done) Arena *a = arena_open();

	for (size_t i = 0; i < countof(texts); i++) {
		Err err = { 0 };
		size_t bad;
		Json out;

		CHECK(!registry_read(a, str_of(texts[i]), &out, &bad, &err) && err.code == ERR_INVALID);
	}
}

TEST(packs_are_found_by_words_and_by_ref_and_version)
{
	CLEANUP(arena_done) Arena *a = arena_open();
	Json out = index_of(a, "{\"packs\": [{\"ref\": \"shop\", \"version\": \"1.0.0\", \"label\": \"Corner Shop\", "
			       "\"keywords\": [\"Retail\"]}]}");
	const Json *one = &out.items[0];
	Str ref, version;

	CHECK(registry_matches(a, one, str_of("CORNER")) && registry_matches(a, one, str_of("retail")));
	CHECK(registry_matches(a, one, (Str){ 0 }) && registry_matches(a, one, str_of(" ")));
	CHECK(!registry_matches(a, one, str_of("weather")));
	registry_wish(str_of("shop@1.0.0"), &ref, &version);
	CHECK(registry_is(one, ref, version));
	registry_wish(str_of("shop@latest"), &ref, &version);
	CHECK(registry_is(one, ref, version));
	registry_wish(str_of("shop@2.0.0"), &ref, &version);
	CHECK(!registry_is(one, ref, version));
	registry_wish(str_of("shop"), &ref, &version);
	CHECK(registry_is(one, ref, version));
}

TEST(what_came_must_have_the_digest_that_was_promised)
{
	CLEANUP(arena_done) Arena *a = arena_open();
	Err err = { 0 };
	Str abc = str_of("abc");

	CHECK_OK(registry_verify(
		     a, str_of("sha256:BA7816BF8F01CFEA414140DE5DAE2223B00361A396177A9CB410FF61F20015AD"), abc, &err),
	    err);
	CHECK_OK(registry_verify(a, str_of("md5:900150983cd24fb0d6963f7d28e17f72"), abc, &err), err);
	CHECK_OK(registry_verify(a, str_of("sha1:a9993e364706816aba3e25717850c26c9cd0d89d"), abc, &err), err);
	CHECK(!registry_verify(a, str_of("md5:900150983cd24fb0d6963f7d28e17f73"), abc, &err));
	CHECK(!registry_verify(a, str_of("md5:"), abc, &err));
	CHECK(!registry_verify(a, str_of(""), abc, &err));
	CHECK(!registry_verify(a, str_of("crc32:352441c2"), abc, &err));
}
