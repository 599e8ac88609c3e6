/*
 * An archive from a stranger is unpacked into a folder within folders: nothing appears beside it, in it are only plain files and
 * folders, as many and as large as they may be, and what is refused is refused as the sender's fault.
 */
#include "os/fs.h"
#include "packs/unpack.h"

#include <ftw.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerInitialize(int *argc, char ***argv);

enum { ABOVE = 4 }; /* folders above the one that is unpacked into */

static char folder[] = "/dev/shm/attune-fuzz-XXXXXX";
static size_t found;
static int64_t bytes;

static void
must(bool holds)
{
	if (!holds)
		abort();
}

static void
remove_folder(void)
{
	(void)tree_remove(folder);
}

int
LLVMFuzzerInitialize(int *argc, char ***argv)
{
	(void)argc;
	(void)argv;
	must(mkdtemp(folder) != NULL);
	return atexit(remove_folder);
}

static int
on_found(const char *path, const struct stat *st, int kind, struct FTW *at)
{
	(void)kind;
	must(S_ISREG(st->st_mode) || S_ISDIR(st->st_mode));
	must(at->level > ABOVE || S_ISDIR(st->st_mode));
	must(at->level == 0 || at->level > ABOVE || path[at->base] == 'x');
	must(st->st_size <= UNPACK_FILE + 64 * 1024 ||
	     S_ISDIR(st->st_mode)); /* it stops at the block that is too much */
	must((st->st_mode & (S_ISUID | S_ISGID | S_ISVTX | S_IWOTH)) == 0);
	found += at->level <= ABOVE;
	bytes += S_ISREG(st->st_mode) ? st->st_size : 0;
	return 0;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	CLEANUP(arena_done) Arena *a = arena_open();
	Str target = str_fmt(a, "%s/x/x/x/x", folder), top;
	Err err = { 0 };

	must(dirs_make(target.p, 0700, &err));
	if (!unpack_bytes(a, (Str){ (const char *)data, size }, target, &err))
		must(err.code == ERR_INVALID || err.code == ERR_TOO_LARGE);
	else if (!unpack_root(a, target, &top, &err))
		must(err.code == ERR_INVALID);
	else
		must(str_starts(top, target) && file_exists(str_fmt(a, "%.*s/pack.yaml", STR_ARG(top)).p));
	found = 0;
	bytes = 0;
	must(nftw(folder, on_found, 16, FTW_PHYS) == 0);
	must(found == ABOVE + 1 && bytes <= UNPACK_TOTAL + 64 * 1024);
	must(tree_remove(str_fmt(a, "%s/x", folder).p));
	return 0;
}
