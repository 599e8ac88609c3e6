#include "cli/tar.h"

#include "os/fs.h"
#include "test.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

static Str
fresh(Arena *a)
{
	Str dir;
	Err err = { 0 };

	CHECK_OK(dir_private(a, "/tmp", "tar-test", &dir, &err), err);
	return dir;
}

static void
put(Arena *a, Str dir, const char *name, const char *text, mode_t mode)
{
	Err err = { 0 };

	CHECK_OK(file_write(str_fmt(a, "%.*s/%s", STR_ARG(dir), name).p, str_of(text), mode, &err), err);
}

/* What tar itself says of the archive. */
static Str
listed(Arena *a, Str dir, Str archive)
{
	const char *path = str_fmt(a, "%.*s/.out.tar.gz", STR_ARG(dir)).p;
	Buf b = buf_open(a);
	Err err = { 0 };
	FILE *f;
	int c;

	CHECK_OK(file_write(path, archive, 0600, &err), err);
	f = popen(str_fmt(a, "tar -tzvf %s --numeric-owner 2>&1 | awk '{print $1, $3, $6}' && tar -xzOf %s a/b.txt",
		      path, path)
		      .p,
	    "r");
	CHECK(f != NULL);
	while ((c = fgetc(f)) != EOF)
		buf_char(&b, (char)c);
	CHECK(pclose(f) == 0);
	return buf_str(&b);
}

TEST(a_folder_becomes_an_archive_that_tar_reads)
{
	CLEANUP(arena_done) Arena *a = arena_open();
	Str dir = fresh(a), archive;
	Err err = { 0 };

	CHECK_OK(dirs_make(str_fmt(a, "%.*s/a", STR_ARG(dir)).p, 0700, &err), err);
	put(a, dir, "a/b.txt", "hello\n", 0600);
	put(a, dir, "run.sh", "#!/bin/sh\n", 0700);
	put(a, dir, ".hidden", "x", 0600);
	CHECK(symlink("/etc/passwd", str_fmt(a, "%.*s/link", STR_ARG(dir)).p) == 0);
	CHECK_OK(tar_folder(a, dir.p, &archive, &err), err);
	CHECK_STR(
	    listed(a, dir, archive), str_of("drwxr-xr-x 0 a/\n-rw-r--r-- 6 a/b.txt\n-rwxr-xr-x 10 run.sh\nhello\n"));
	CHECK(tree_remove(dir.p));
}

TEST(what_is_larger_than_one_block_is_stored_in_several)
{
	CLEANUP(arena_done) Arena *a = arena_open();
	Str dir = fresh(a), archive;
	Buf text = buf_open(a);
	Err err = { 0 };

	CHECK_OK(dirs_make(str_fmt(a, "%.*s/a", STR_ARG(dir)).p, 0700, &err), err);
	for (int i = 0; i < 40000; i++)
		buf_text(&text, "some text\n");
	put(a, dir, "a/b.txt", buf_str(&text).p, 0600);
	CHECK_OK(tar_folder(a, dir.p, &archive, &err), err);
	CHECK(str_ends(listed(a, dir, archive), buf_str(&text)));
	CHECK(tree_remove(dir.p));
}

TEST(a_name_that_does_not_fit_is_named)
{
	CLEANUP(arena_done) Arena *a = arena_open();
	Str dir = fresh(a), archive;
	char name[120];
	Err err = { 0 };

	memset(name, 'n', sizeof(name));
	name[sizeof(name) - 1] = '\0';
	put(a, dir, name, "x", 0600);
	CHECK(!tar_folder(a, dir.p, &archive, &err));
	CHECK(str_find(str_of(err.text), str_of("is longer than 99 bytes"), NULL));
	CHECK(!tar_folder(a, "/no/such/folder", &archive, &err));
	CHECK(tree_remove(dir.p));
}
