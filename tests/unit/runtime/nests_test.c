/* Folders that are used again: only those of which it is certain that nobody has touched them. */
#include "rig.h"

#include "os/fs.h"
#include "runtime/nests.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

enum { SETTLED_US = 60 * US_PER_MS, TICK_NS = 20 * 1000 * 1000 };

typedef struct Wood {
	Arena *a;
	Clock clock;
	TimeUs now; /* of the nests */
	Str dir;
	Nests *n;
	Str home, files; /* of the nest that was taken last */
} Wood;

static TimeUs
time_of(void *self)
{
	return ((const Wood *)self)->now;
}

static Wood *
wood_open(void)
{
	Wood *w = calloc(1, sizeof(*w));
	Err err = { 0 };

	w->a = arena_open();
	w->clock = (Clock){ .wall = time_of, .mono = time_of, .self = w };
	w->now = US_PER_S;
	CHECK_OK(dir_private(w->a, "/tmp", "attune-wood", &w->dir, &err), err);
	CHECK_OK(dirs_make(str_fmt(w->a, "%s/homes", w->dir.p).p, 0700, &err), err);
	w->n = nests_open(
	    w->a, &w->clock, str_fmt(w->a, "%s/homes", w->dir.p), str_fmt(w->a, "%s/artifacts/w1", w->dir.p));
	return w;
}

static void
wood_done(Wood **at)
{
	Wood *w = *at;

	nests_close(w->n);
	CHECK(tree_remove(w->dir.p));
	arena_close(w->a);
	free(w);
}

static Nest *
take_for(Wood *w, Id execution, const char *pack)
{
	Nest *nest;
	Err err = { 0 };

	CHECK_OK(nest_take(w->n, w->a, execution, str_of(pack), &nest, &w->home, &w->files, &err), err);
	CHECK_INT(rig_count(w->home.p, ""), 0);
	CHECK(file_exists(w->files.p));
	return nest;
}

static Nest *
take(Wood *w, Id execution)
{
	return take_for(w, execution, "demo");
}

static void
give(Wood *w, Nest *nest)
{
	nest_give(w->n, w->a, nest, true, false);
}

static struct stat
look(const char *path)
{
	struct stat st;

	CHECK(stat(path, &st) == 0);
	return st;
}

static ino_t
inode(const char *path)
{
	return look(path).st_ino;
}

static void
put(Str folder, const char *name)
{
	char path[4096];
	int fd;

	snprintf(path, sizeof(path), "%s/%s", folder.p, name);
	fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	CHECK(fd >= 0);
	close(fd);
}

static void
take_away(Str folder, const char *name)
{
	char path[4096];

	snprintf(path, sizeof(path), "%s/%s", folder.p, name);
	CHECK(unlink(path) == 0);
}

/* Until every change of what was made before shows: the clock of files has moved on, and so has ours. */
static void
wait_settled(Wood *w)
{
	struct timespec before, is;

	put(w->dir, "tick");
	before = is = look(w->dir.p).st_ctim;
	while (is.tv_sec == before.tv_sec && is.tv_nsec - before.tv_nsec < TICK_NS) {
		take_away(w->dir, "tick");
		put(w->dir, "tick");
		is = look(w->dir.p).st_ctim;
	}
	w->now += SETTLED_US;
}

/* One of which every change shows. */
static void
settle(Wood *w)
{
	give(w, take(w, 1));
	wait_settled(w);
}

TEST(folders_that_a_run_did_not_touch_are_the_next_ones)
{
	CLEANUP(wood_done) Wood *w = wood_open();
	ino_t home, files;
	Nest *nest;

	settle(w);
	nest = take(w, 2);
	home = inode(w->home.p);
	files = inode(w->files.p);
	give(w, nest);
	CHECK(!file_exists(str_fmt(w->a, "%s/artifacts/w1/execution_2", w->dir.p).p)); /* it has left nothing */
	nest = take(w, 3);
	CHECK_INT(inode(w->home.p), home);
	CHECK_INT(inode(w->files.p), files);
	CHECK_STR(w->files, str_fmt(w->a, "%s/artifacts/w1/execution_3/files", w->dir.p));
	give(w, nest);
}

/* The inode's number may be given again, so what is seen is that the folder is as it was made. */
TEST(what_was_done_to_a_home_is_not_there_for_the_next_run)
{
	CLEANUP(wood_done) Wood *w = wood_open();
	struct stat st;
	Nest *nest;

	settle(w);
	nest = take(w, 2);
	put(w->home, ".bashrc");
	give(w, nest);
	wait_settled(w);
	nest = take(w, 3);
	CHECK(chmod(w->home.p, 0777) == 0);
	give(w, nest);
	wait_settled(w);
	nest = take(w, 4);
	CHECK(stat(w->home.p, &st) == 0);
	CHECK_INT(st.st_mode & 07777, 0700);
	give(w, nest);
}

/* As long as the clock of files has not moved on since a folder was made, a change of it does not show. */
TEST(a_folder_that_has_just_been_made_is_not_trusted)
{
	CLEANUP(wood_done) Wood *w = wood_open();
	Nest *nest = take(w, 1);
	struct timespec made = look(w->home.p).st_ctim, is;

	give(w, nest);
	wait_settled(w);
	nest = take(w, 1);
	is = look(w->home.p).st_ctim; /* of another, for whether the first was touched was not to be seen */
	CHECK(is.tv_sec != made.tv_sec || is.tv_nsec != made.tv_nsec);
	give(w, nest);
	for (Id i = 1; i < 50; i++) {
		nest = take(w, i);
		put(w->home, "x");
		give(w, nest); /* the next take() looks */
	}
}

TEST(what_was_touched_while_it_waited_is_not_used)
{
	CLEANUP(wood_done) Wood *w = wood_open();
	Nest *nest;

	settle(w);
	nest = take(w, 2);
	give(w, nest);
	put(w->home, "x");
	CHECK(tree_remove(str_fmt(w->a, "%s/artifacts/w1/.spare", w->dir.p).p));
	nest = take(w, 3); /* looks */
	give(w, nest);
}

TEST(what_a_run_left_stays_and_is_its_own)
{
	CLEANUP(wood_done) Wood *w = wood_open();
	Str left;
	Nest *nest;

	settle(w);
	nest = take(w, 2);
	left = w->files;
	put(left, "report");
	give(w, nest);
	CHECK_INT(rig_count(left.p, ""), 1);
	nest = take(w, 3);
	CHECK_INT(rig_count(w->files.p, ""), 0);
	give(w, nest);
	CHECK_INT(rig_count(left.p, ""), 1);
}

TEST(attempts_of_one_run_share_what_they_leave_and_nobody_else_gets_it)
{
	CLEANUP(wood_done) Wood *w = wood_open();
	Nest *first, *second, *other;
	Str files;

	settle(w);
	first = take(w, 2);
	files = w->files;
	second = take(w, 2);
	CHECK_STR(w->files, files);
	give(w, second);
	CHECK(file_exists(str_fmt(w->a, "%s/artifacts/w1", w->dir.p).p));
	second = take(w, 2);
	put(w->files, "report");
	take_away(w->files, "report"); /* as long as one is there it is theirs, whoever touched it */
	give(w, first);
	other = take(w, 3);
	CHECK(!str_eq(w->files, files));
	give(w, other);
	give(w, second);
}

TEST(logs_beside_what_a_run_leaves_stay_where_they_are)
{
	CLEANUP(wood_done) Wood *w = wood_open();
	Str base = str_fmt(w->a, "%s/artifacts/w1/execution_2", w->dir.p);
	Nest *nest;

	settle(w);
	nest = take(w, 2);
	put(base, "stdout.log");
	nest_give(w->n, w->a, nest, true, true);
	CHECK_INT(rig_count(base.p, ""), 1);
	nest = take(w, 2); /* another attempt, without logs */
	give(w, nest);
	CHECK_INT(rig_count(base.p, "stdout"), 1);
	wait_settled(w);
	nest = take(w, 2);
	give(w, nest);
	CHECK_INT(rig_count(base.p, "stdout"), 1);
}

TEST(folders_of_a_run_of_which_something_may_be_alive_are_nobody_elses)
{
	CLEANUP(wood_done) Wood *w = wood_open();
	Nest *nest;
	Str home;

	settle(w);
	nest = take(w, 2);
	home = w->home;
	nest_give(w->n, w->a, nest, false, false);
	CHECK(!file_exists(home.p));
	CHECK(!file_exists(str_fmt(w->a, "%s/artifacts/w1/execution_2", w->dir.p).p));
	nest = take(w, 3);
	CHECK(!str_eq(w->home, home)); /* what is alive knows the name */
	give(w, nest);
}

TEST(the_name_of_a_home_that_is_made_anew_is_new)
{
	CLEANUP(wood_done) Wood *w = wood_open();
	Nest *nest;
	Str home;

	settle(w);
	nest = take(w, 2);
	home = w->home;
	put(w->home, "x");
	give(w, nest);
	wait_settled(w);
	nest = take(w, 3);
	CHECK(!str_eq(w->home, home));
	home = w->home;
	give(w, nest);
	put(home, "x"); /* while it waits */
	nest = take(w, 4);
	CHECK(!str_eq(w->home, home));
	give(w, nest);
}

TEST(folders_are_given_on_only_to_runs_of_the_same_pack)
{
	CLEANUP(wood_done) Wood *w = wood_open();
	Str home, files;
	Nest *nest;

	settle(w);
	nest = take(w, 2);
	home = w->home;
	give(w, nest);
	nest = take_for(w, 3, "other");
	CHECK(!str_eq(w->home, home));
	give(w, nest);
	nest = take(w, 4);
	CHECK_STR(w->home, home);
	give(w, nest);
	give(w, take_for(w, 5, ""));
	wait_settled(w);
	nest = take_for(w, 6, "");
	files = w->home;
	give(w, nest);
	nest = take_for(w, 7, ""); /* of no pack, so of anybody */
	CHECK(!str_eq(w->home, files));
	give(w, nest);
}

TEST(of_many_packs_those_that_ran_last_find_their_folders)
{
	CLEANUP(wood_done) Wood *w = wood_open();
	Str first, last;
	Nest *nest;

	for (Id i = 1; i <= 80; i++) {
		give(w, take_for(w, i, str_fmt(w->a, "pack%lld", (long long)i).p));
		first = i == 1 ? w->home : first;
	}
	CHECK_INT(rig_count(str_fmt(w->a, "%s/homes", w->dir.p).p, ""), 64);
	CHECK_INT(rig_count(str_fmt(w->a, "%s/artifacts/w1/.spare", w->dir.p).p, ""), 64);
	wait_settled(w);
	nest = take_for(w, 81, "pack80");
	last = w->home;
	give(w, nest);
	nest = take_for(w, 82, "pack80");
	CHECK_STR(w->home, last);
	give(w, nest);
	CHECK(!file_exists(first.p));
}

static const char around[] = "user.attune";

/* A run can reach the folder around what it leaves: it may not write there, but it owns it. */
TEST(a_change_of_the_folder_around_what_a_run_leaves_is_not_there_for_the_next)
{
	CLEANUP(wood_done) Wood *w = wood_open();
	struct timespec old[2] = { { .tv_sec = 1 }, { .tv_sec = 1 } };
	Str base = str_fmt(w->a, "%s/artifacts/w1/execution_2", w->dir.p);
	Nest *nest;

	settle(w);
	nest = take(w, 2); /* its time has not moved on */
	CHECK(chmod(base.p, 0777) == 0);
	give(w, nest);
	wait_settled(w);
	nest = take(w, 2);
	CHECK_INT(look(base.p).st_mode & 07777, 0750);
	if (setxattr(base.p, around, "x", 1, 0) == 0) {
		give(w, nest);
		wait_settled(w);
		nest = take(w, 2);
		CHECK(getxattr(base.p, around, NULL, 0) < 0);
	}
	wait_settled(w);
	CHECK(utimensat(AT_FDCWD, base.p, old, 0) == 0);
	give(w, nest);
	wait_settled(w);
	nest = take(w, 2);
	CHECK(look(base.p).st_mtim.tv_sec != 1);
	give(w, nest);
}

TEST(nothing_is_left_of_folders_that_wait)
{
	CLEANUP(wood_done) Wood *w = wood_open();

	for (Id i = 1; i < 200; i++)
		give(w, take(w, i));
	CHECK(rig_count(str_fmt(w->a, "%s/homes", w->dir.p).p, "") <= 64);
	nests_close(w->n);
	CHECK_INT(rig_count(str_fmt(w->a, "%s/artifacts/w1", w->dir.p).p, ""), 0);
	w->n = NULL;
}

TEST(folders_that_waited_with_a_worker_that_was_killed_are_removed_by_the_next)
{
	CLEANUP(wood_done) Wood *w = wood_open();
	Str base = str_fmt(w->a, "%s/artifacts/w1", w->dir.p);
	Nests *killed = w->n;

	settle(w);
	CHECK_INT(rig_count(str_fmt(w->a, "%s/.spare", base.p).p, ""), 1);
	w->n = nests_open(w->a, &w->clock, str_fmt(w->a, "%s/others", w->dir.p), base);
	CHECK_INT(rig_count(base.p, ""), 0);
	nests_close(killed); /* its memory */
}
