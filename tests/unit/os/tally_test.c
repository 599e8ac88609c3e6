#include "os/tally.h"

#include "os/fs.h"

#include "test.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

enum { NAME = 4096 }; /* what each name counts at least */

static void
folder_done(Str *path)
{
	CHECK(tree_remove(path->p));
}

static Str
folder(Arena *a)
{
	Err err = { 0 };
	Str path;

	CHECK_OK(dir_private(a, "/tmp", "attune-test", &path, &err), err);
	return path;
}

static uint64_t
counted(const char *one, const char *other)
{
	size_t names = 1000000;
	Tally t = { 0 };

	tally_begin(&t, one, other);
	CHECK(tally_step(&t, &names));
	tally_end(&t);
	return t.bytes;
}

static void
put(Arena *a, Str dir, const char *name, size_t bytes)
{
	Str text = { arena_alloc(a, bytes + 1), bytes };
	Err err = { 0 };

	CHECK_OK(file_write(str_fmt(a, "%s/%s", dir.p, name).p, text, 0600, &err), err);
}

TEST(what_lies_in_folders_is_counted_and_no_link_is_followed)
{
	CLEANUP(arena_done) Arena *a = arena_open();
	CLEANUP(folder_done) Str dir = folder(a);
	CLEANUP(folder_done) Str other = folder(a);
	Str in = str_fmt(a, "%s/in", dir.p);

	CHECK_INT(counted(dir.p, "/nowhere/at/all"), 0);
	CHECK_INT(counted(NULL, dir.p), 0);
	CHECK(mkdir(in.p, 0700) == 0);
	put(a, in, "file", 1 << 20);
	put(a, other, "more", 1 << 20);
	CHECK(counted(dir.p, NULL) >= (1 << 20) + NAME && counted(dir.p, NULL) < (1 << 20) + 4 * NAME);
	CHECK(counted(dir.p, other.p) >= 2 << 20);
	CHECK(symlink(other.p, str_fmt(a, "%s/link", dir.p).p) == 0);
	CHECK(link(str_fmt(a, "%s/file", in.p).p, str_fmt(a, "%s/again", dir.p).p) == 0); /* one file, two names */
	CHECK(counted(dir.p, NULL) < (1 << 20) + 6 * NAME);
	CHECK(symlink(other.p, str_fmt(a, "%s-link", dir.p).p) == 0);
	CHECK_INT(counted(str_fmt(a, "%s-link", dir.p).p, NULL), 0);
	CHECK(unlink(str_fmt(a, "%s-link", dir.p).p) == 0);
}

TEST(a_folder_that_was_closed_to_its_owner_is_counted_all_the_same)
{
	CLEANUP(arena_done) Arena *a = arena_open();
	CLEANUP(folder_done) Str dir = folder(a);
	Str in = str_fmt(a, "%s/in", dir.p);

	CHECK(mkdir(in.p, 0700) == 0);
	put(a, in, "file", 1 << 20);
	CHECK(chmod(in.p, 0) == 0);
	CHECK(counted(dir.p, NULL) >= 1 << 20);
}

TEST(many_names_are_counted_in_steps_and_a_count_may_be_broken_off)
{
	CLEANUP(arena_done) Arena *a = arena_open();
	CLEANUP(folder_done) Str dir = folder(a);
	size_t names = 10, steps = 1;
	Tally t = { 0 };

	for (int i = 0; i < 100; i++)
		put(a, dir, str_fmt(a, "%d", i).p, 1);
	tally_begin(&t, dir.p, NULL);
	for (; !tally_step(&t, &names); names = 10)
		steps++;
	CHECK(steps >= 10);
	CHECK_INT(t.bytes, 100 * NAME);
	tally_begin(&t, dir.p, NULL);
	names = 1;
	CHECK(!tally_step(&t, &names));
	CHECK_INT(names, 0);
	tally_end(&t);
	tally_end(&t);
}
