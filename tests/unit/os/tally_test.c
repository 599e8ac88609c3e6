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

enum { NOBODY = 65534 };

/* To whom closed folders are closed, which they are not to root. */
static void
no_longer_root(Str dir)
{
	if (geteuid() != 0)
		return;
	CHECK(chown(dir.p, NOBODY, NOBODY) == 0);
	CHECK(seteuid(NOBODY) == 0);
}

static mode_t
mode_of(Str path)
{
	struct stat st;

	CHECK(lstat(path.p, &st) == 0);
	return st.st_mode & 07777;
}

TEST(a_folder_that_was_closed_to_be_counted_is_closed_again)
{
	static const mode_t modes[] = { 0, 0100, 0300, 0400, 0600, 01700 };
	CLEANUP(arena_done) Arena *a = arena_open();
	CLEANUP(folder_done) Str dir = folder(a);
	Str in = str_fmt(a, "%s/in", dir.p), below = str_fmt(a, "%s/in/below", dir.p);
	uid_t was = geteuid();

	no_longer_root(dir);
	CHECK(mkdir(in.p, 0700) == 0 && mkdir(below.p, 0700) == 0);
	put(a, below, "file", 1 << 20);
	for (size_t i = 0; i < countof(modes); i++) {
		CHECK(chmod(below.p, modes[i]) == 0 && chmod(in.p, modes[i]) == 0);
		CHECK(counted(dir.p, NULL) >= 1 << 20);
		CHECK_INT(mode_of(in), modes[i]);
		CHECK(chmod(in.p, 0700) == 0);
		CHECK_INT(mode_of(below), modes[i]);
	}
	CHECK(chmod(below.p, 0700) == 0);
	CHECK(seteuid(was) == 0);
}

TEST(a_folder_that_is_opened_by_its_owner_while_it_is_counted_stays_open)
{
	CLEANUP(arena_done) Arena *a = arena_open();
	CLEANUP(folder_done) Str dir = folder(a);
	Str in = str_fmt(a, "%s/in", dir.p);
	uid_t was = geteuid();
	size_t names = 3; /* in the middle of it */
	Tally t = { 0 };

	no_longer_root(dir);
	CHECK(mkdir(in.p, 0700) == 0);
	for (int i = 0; i < 10; i++)
		put(a, in, str_fmt(a, "%d", i).p, 1);
	CHECK(chmod(in.p, 0300) == 0);
	tally_begin(&t, in.p, NULL);
	CHECK(!tally_step(&t, &names));
	CHECK(chmod(in.p, 0755) == 0);
	tally_end(&t);
	CHECK_INT(mode_of(in), 0755);
	CHECK(seteuid(was) == 0);
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
