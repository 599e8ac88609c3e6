#include "sensor/rotate.h"

#include "os/fs.h"
#include "test.h"

#include <stdlib.h>

static Str
file(Arena *a, const char *dir, const char *name)
{
	Err err = { 0 };
	Str text = { 0 };

	return file_read(a, str_fmt(a, "%s/%s", dir, name).p, 1 << 20, &text, &err) ? text : (Str){ 0 };
}

TEST(a_log_is_bounded_in_size_and_number_and_its_last_bytes_are_the_newest)
{
	CLEANUP(arena_done) Arena *a = arena_open();
	char dir[] = "/tmp/attune-rotate-XXXXXX";
	Rotated r;

	CHECK(mkdtemp(dir) != NULL);
	rotated_open(&r, str_fmt(a, "%s/x.log", dir), 100, 3);
	for (int i = 0; i < 100; i++)
		rotated_write(&r, str_fmt(a, "line number %04d\n", i));
	CHECK(str_ends(file(a, dir, "x.log"), str_of("line number 0099\n")));
	CHECK(file(a, dir, "x.log.1").n > 0 && file(a, dir, "x.log.1").n <= 100);
	CHECK(file(a, dir, "x.log.2").n > 0 && file(a, dir, "x.log.2").n <= 100);
	CHECK(str_none(file(a, dir, "x.log.3")));
	CHECK(str_ends(file(a, dir, "x.log.1"), str_of("\n"))); /* cut between lines */
	rotated_close(&r);
	rotated_open(&r, str_fmt(a, "%s/x.log", dir), 100, 3); /* goes on where it was */
	rotated_write(&r, str_of("again\n"));
	CHECK(str_ends(file(a, dir, "x.log"), str_of("again\n")));
	for (int i = 0; i < 5; i++) /* no line end in sight */
		rotated_write(&r, str_fmt(a, "%0250d", i));
	CHECK(file(a, dir, "x.log").n <= 100);
	rotated_close(&r);
	CHECK(tree_remove(dir));
}

TEST(a_log_that_could_not_be_opened_is_written_as_soon_as_it_can_be)
{
	CLEANUP(arena_done) Arena *a = arena_open();
	char dir[] = "/tmp/attune-rotate-XXXXXX";
	Rotated r;
	Err err = { 0 };

	CHECK(mkdtemp(dir) != NULL);
	rotated_open(&r, str_fmt(a, "%s/later/x.log", dir), 100, 3);
	rotated_write(&r, str_of("lost\n"));
	CHECK_OK(dirs_make(str_fmt(a, "%s/later", dir).p, 0700, &err), err);
	rotated_write(&r, str_of("kept\n"));
	CHECK_STR(file(a, dir, "later/x.log"), str_of("kept\n"));
	rotated_close(&r);
	CHECK(tree_remove(dir));
}
