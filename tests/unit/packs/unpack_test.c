/* Archives that lie ready; what clients send over the wire is tested with the whole program. */
#include "os/fs.h"
#include "packs/unpack.h"

#include "test.h"

#include <stdlib.h>

typedef struct Target {
	Arena *a;
	Str dir;
} Target;

static Target
target_open(void)
{
	Arena *a = arena_open();
	char dir[] = "/tmp/attune-unpack.XXXXXX";

	CHECK(mkdtemp(dir) != NULL);
	return (Target){ a, str_copy(a, str_of(dir)) };
}

static void
target_done(Target *t)
{
	CHECK(tree_remove(str_cstr(t->a, t->dir)));
	arena_close(t->a);
}

static bool
unpacks(Target *t, const char *name, Err *err)
{
	Str path = str_fmt(t->a, "%s/tests/fuzz/corpus/unpack/%s", ATTUNE_SOURCE_ROOT, name);

	return unpack_file(t->a, path, t->dir, err);
}

TEST(a_name_with_letters_beyond_ascii_is_taken_from_every_kind_of_archive)
{
	static const char *const archives[][2] = { { "pax", "gr\u00fc\u00dfe.txt" }, { "zip", "actions/gr\u00fc.sh" } };

	for (size_t i = 0; i < countof(archives); i++) {
		CLEANUP(target_done) Target t = target_open();
		Err err = { 0 };

		CHECK_OK(unpacks(&t, archives[i][0], &err), err);
		CHECK(file_exists(str_fmt(t.a, "%.*s/%s", STR_ARG(t.dir), archives[i][1]).p));
	}
}

TEST(names_that_no_file_can_have_are_the_senders_fault)
{
	static const char *const archives[][2] = { { "both", "'a' is a file and a folder at once" },
		{ "long", "has a part that is too long for a file" } };

	for (size_t i = 0; i < countof(archives); i++) {
		CLEANUP(target_done) Target t = target_open();
		Err err = { 0 };
		size_t at;

		CHECK(!unpacks(&t, archives[i][0], &err));
		CHECK_INT(err.code, ERR_INVALID);
		CHECK(str_find(str_of(err.text), str_of(archives[i][1]), &at));
	}
}
