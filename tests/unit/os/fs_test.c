#include "os/fs.h"

#include "test.h"

#include <fcntl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static void
folder_done(Str *path)
{
	CHECK(tree_remove(path->p));
	CHECK(!file_exists(path->p));
}

static Str
folder(Arena *a)
{
	Err err = { 0 };
	Str path;

	CHECK_OK(dir_private(a, "/tmp", "attune-test", &path, &err), err);
	return path;
}

TEST(a_file_comes_back_as_it_was_written)
{
	CLEANUP(arena_done) Arena *a = arena_open();
	CLEANUP(folder_done) Str dir = folder(a);
	const char *path = str_fmt(a, "%s/x", dir.p).p;
	Str bytes = { "a\0b\n", 4 }, got;
	Err err = { 0 };

	CHECK_OK(file_write(path, bytes, 0600, &err), err);
	CHECK_OK(file_read(a, path, 4, &got, &err), err);
	CHECK_STR(got, bytes);
	CHECK(!file_read(a, path, 3, &got, &err));
	CHECK_INT(err.code, ERR_TOO_LARGE);
	CHECK(!file_read(a, str_fmt(a, "%s/none", dir.p).p, 9, &got, &err));
	CHECK_INT(err.code, ERR_NOT_FOUND);
	CHECK(!file_read(a, dir.p, 9, &got, &err));
	CHECK_OK(file_read(a, "/proc/self/stat", 4096, &got, &err), err);
	CHECK(got.n > 10);
}

TEST(replacing_a_file_leaves_only_the_new_one)
{
	CLEANUP(arena_done) Arena *a = arena_open();
	CLEANUP(folder_done) Str dir = folder(a);
	const char *path = str_fmt(a, "%s/x", dir.p).p;
	DirEntry *list;
	size_t n;
	Err err = { 0 };
	Str got;

	CHECK_OK(file_replace(path, str_of("old"), 0600, &err), err);
	CHECK_OK(file_replace(path, str_of("new"), 0600, &err), err);
	CHECK_OK(file_read(a, path, 10, &got, &err), err);
	CHECK_STR(got, str_of("new"));
	CHECK_OK(dir_list(a, dir.p, &list, &n, &err), err);
	CHECK_INT(n, 1);
	CHECK(!file_replace(str_fmt(a, "%s/no/x", dir.p).p, str_of("new"), 0600, &err));
}

TEST(two_folders_change_their_names_at_once)
{
	CLEANUP(arena_done) Arena *a = arena_open();
	CLEANUP(folder_done) Str dir = folder(a);
	const char *one = str_fmt(a, "%s/one", dir.p).p, *other = str_fmt(a, "%s/other", dir.p).p;
	Err err = { 0 };
	Str got;

	CHECK_OK(dirs_make(one, 0700, &err) && dirs_make(other, 0700, &err), err);
	CHECK_OK(file_write(str_fmt(a, "%s/x", one).p, str_of("1"), 0600, &err), err);
	CHECK_OK(file_write(str_fmt(a, "%s/x", other).p, str_of("2"), 0600, &err), err);
	CHECK_OK(paths_swap(one, other, &err), err);
	CHECK_OK(file_read(a, str_fmt(a, "%s/x", one).p, 9, &got, &err), err);
	CHECK_STR(got, str_of("2"));
	CHECK_OK(file_read(a, str_fmt(a, "%s/x", other).p, 9, &got, &err), err);
	CHECK_STR(got, str_of("1"));
	CHECK(!paths_swap(one, str_fmt(a, "%s/none", dir.p).p, &err));
}

TEST(directories_are_made_with_their_parents_and_listed_in_order)
{
	CLEANUP(arena_done) Arena *a = arena_open();
	CLEANUP(folder_done) Str dir = folder(a);
	DirEntry *list;
	Err err = { 0 };
	size_t n;

	CHECK_OK(dirs_make(str_fmt(a, "%s/b/c/d", dir.p).p, 0700, &err), err);
	CHECK_OK(dirs_make(str_fmt(a, "%s/b/c/d", dir.p).p, 0700, &err), err);
	CHECK_OK(file_write(str_fmt(a, "%s/a", dir.p).p, str_of(""), 0600, &err), err);
	CHECK(!dirs_make(str_fmt(a, "%s/a/x", dir.p).p, 0700, &err));
	CHECK(!dirs_make(str_fmt(a, "%s/a", dir.p).p, 0700, &err));
	CHECK_OK(dir_list(a, dir.p, &list, &n, &err), err);
	CHECK_INT(n, 2);
	CHECK_STR(list[0].name, str_of("a"));
	CHECK(!list[0].dir && list[1].dir);
	CHECK(!dir_list(a, "/nowhere", &list, &n, &err));
	CHECK_INT(err.code, ERR_NOT_FOUND);
}

TEST(a_very_deep_tree_and_a_read_only_folder_are_removed_and_links_not_followed)
{
	CLEANUP(arena_done) Arena *a = arena_open();
	CLEANUP(folder_done) Str keep = folder(a);
	Str dir = folder(a);
	struct rlimit limit;
	Err err = { 0 };
	int fd, next;

	CHECK_OK(file_write(str_fmt(a, "%s/precious", keep.p).p, str_of("x"), 0600, &err), err);
	CHECK_INT(symlink(keep.p, str_fmt(a, "%s/link", dir.p).p), 0);
	CHECK_OK(dirs_make(str_fmt(a, "%s/ro", dir.p).p, 0700, &err), err);
	CHECK_OK(file_write(str_fmt(a, "%s/ro/x", dir.p).p, str_of("x"), 0600, &err), err);
	CHECK_INT(chmod(str_fmt(a, "%s/ro", dir.p).p, 0500), 0);
	fd = open(dir.p, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	for (int i = 0; i < 1500; i++) {
		CHECK_INT(mkdirat(fd, "deeper-and-deeper", 0700), 0);
		next = openat(fd, "deeper-and-deeper", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		close(fd);
		fd = next;
	}
	close(fd);
	getrlimit(RLIMIT_NOFILE, &limit);
	setrlimit(RLIMIT_NOFILE, &(struct rlimit){ 200, limit.rlim_max }); /* fewer than the tree is deep */
	CHECK(tree_remove(dir.p));
	setrlimit(RLIMIT_NOFILE, &limit);
	CHECK(!file_exists(dir.p));
	CHECK(file_exists(str_fmt(a, "%s/precious", keep.p).p));
	CHECK(tree_remove(dir.p)); /* gone already is fine */
}

TEST(what_leads_out_of_a_folder_is_refused)
{
	CLEANUP(arena_done) Arena *a = arena_open();
	CLEANUP(folder_done) Str dir = folder(a);
	CLEANUP(fd_done) int base = open(dir.p, O_PATH | O_DIRECTORY | O_CLOEXEC);
	CLEANUP(fd_done) int fd = -1;
	static const char *const outs[] = { "../x", "/etc/passwd", "a/../../x", "link/x", "file" };
	Err err = { 0 };

	CHECK_OK(dirs_make(str_fmt(a, "%s/a", dir.p).p, 0700, &err), err);
	CHECK_OK(file_write(str_fmt(a, "%s/in", dir.p).p, str_of("x"), 0600, &err), err);
	CHECK_INT(symlink("/tmp", str_fmt(a, "%s/link", dir.p).p), 0);
	CHECK_INT(symlink("/etc/passwd", str_fmt(a, "%s/file", dir.p).p), 0);
	for (size_t i = 0; i < countof(outs); i++) {
		CHECK(!open_beneath(base, outs[i], O_RDONLY, &fd, &err));
		CHECK_INT(err.code, ERR_FORBIDDEN);
	}
	CHECK(!open_beneath(base, "none", O_RDONLY, &fd, &err));
	CHECK_INT(err.code, ERR_NOT_FOUND);
	CHECK_OK(open_beneath(base, "a/../in", O_RDONLY, &fd, &err), err);
}

TEST(a_lock_names_the_process_that_holds_it)
{
	CLEANUP(arena_done) Arena *a = arena_open();
	CLEANUP(folder_done) Str dir = folder(a);
	const char *path = str_fmt(a, "%s/lock", dir.p).p;
	pid_t holder = 0;
	int fd, other = -1;
	Err err = { 0 };

	CHECK_OK(lock_take(path, &fd, NULL, &err), err);
	CHECK(!lock_take(path, &other, &holder, &err));
	CHECK_INT(err.code, ERR_CONFLICT);
	CHECK_INT(holder, getpid());
	CHECK(strstr(err.text, str_fmt(a, "process %ld", (long)getpid()).p) != NULL);
	lock_release(&fd);
	CHECK_OK(lock_take(path, &other, &holder, &err), err);
	lock_release(&other);
}

TEST(a_pipe_in_place_of_a_file_keeps_nobody_waiting)
{
	CLEANUP(arena_done) Arena *a = arena_open();
	CLEANUP(folder_done) Str dir = folder(a);
	const char *pipe = str_fmt(a, "%s/pipe", dir.p).p, *path = str_fmt(a, "%s/x", dir.p).p;
	Err err = { 0 };
	Str got;

	CHECK_INT(mkfifo(pipe, 0600), 0);
	CHECK(!file_read_regular(a, pipe, 9, &got, &err));
	CHECK_INT(err.code, ERR_INVALID);
	CHECK(!file_read_regular(a, "/dev/zero", 9, &got, &err));
	CHECK_INT(err.code, ERR_INVALID);
	CHECK_OK(file_write(path, str_of("abc"), 0600, &err), err);
	CHECK_OK(file_read_regular(a, path, 9, &got, &err), err);
	CHECK_STR(got, str_of("abc"));
}
