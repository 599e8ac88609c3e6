/*
 * What fuzzing starts from and what it has found (corpus/NAME), given to the same code by every run of the tests: as it is, cut off at many
 * places, and with a few bytes changed, always in the same way. A target says no by abort(); the last line names the input.
 */
#include "os/fs.h"
#include "test.h"

#include <stdio.h>
#include <stdlib.h>

enum { CUTS = 24, CHANGES = 40, INPUT_MOST = 1 << 20 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
__attribute__((weak)) int LLVMFuzzerInitialize(int *argc, char ***argv);

/* In memory of its very own size, so that a byte read behind its end is seen. */
static void
feed(Str bytes)
{
	uint8_t *copy = malloc(bytes.n > 0 ? bytes.n : 1);

	CHECK(copy != NULL);
	memcpy(copy, bytes.n > 0 ? bytes.p : "", bytes.n);
	(void)LLVMFuzzerTestOneInput(copy, bytes.n);
	free(copy);
}

static uint32_t
next_random(uint64_t *state)
{
	*state = *state * 6364136223846793005u + 1442695040888963407u;
	return (uint32_t)(*state >> 33);
}

static void
feed_changed(Arena *a, Str bytes, uint64_t *state)
{
	Str changed = str_copy(a, bytes);

	for (uint32_t n = 1 + next_random(state) % 3; n > 0 && bytes.n > 0; n--)
		((char *)(uintptr_t)changed.p)[next_random(state) % bytes.n] = (char)next_random(state);
	feed(changed);
}

static void
feed_file(Arena *a, const char *path)
{
	uint64_t state = 1;
	Str bytes;
	Err err = { 0 };

	CHECK_OK(file_read(a, path, INPUT_MOST, &bytes, &err), err);
	printf("%s\n", path);
	fflush(stdout);
	feed(bytes);
	for (size_t i = 0; i < CUTS; i++)
		feed(str_sub(bytes, 0, bytes.n * i / CUTS));
	for (size_t i = 0; i < CHANGES; i++)
		feed_changed(a, bytes, &state);
}

TEST(what_fuzzing_starts_from_and_what_it_found_harms_nothing)
{
	CLEANUP(arena_done) Arena *a = arena_open();
	DirEntry *files;
	size_t n;
	Err err = { 0 };

	if (LLVMFuzzerInitialize != NULL)
		CHECK_INT(LLVMFuzzerInitialize(NULL, NULL), 0);
	feed((Str){ 0 });
	CHECK_OK(dir_list(a, FUZZ_CORPUS, &files, &n, &err), err);
	CHECK(n > 0);
	for (size_t i = 0; i < n; i++)
		feed_file(a, str_fmt(a, FUZZ_CORPUS "/%.*s", STR_ARG(files[i].name)).p);
}
