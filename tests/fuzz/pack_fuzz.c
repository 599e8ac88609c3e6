/*
 * A pack whose files are the pieces between lines of "===". It loads, or the error names the first of its problems; every problem
 * has a place and can be read, and what is loaded is called as it may be.
 */
#include "base/codec.h"
#include "model/refs.h"
#include "os/fs.h"
#include "packs/pack.h"

#include <stdlib.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerInitialize(int *argc, char ***argv);

/* A piece each, in this order; where there are fewer pieces, the files that are left are not there. */
static const char *const files[] = { "pack.yaml", "actions/a.yaml", "actions/b.yaml", "triggers/t.yaml", "rules/r.yaml",
	"sensors/s.yaml", "runtimes/r.yaml", "permission_sets/p.yaml" };

static void
must(bool holds)
{
	if (!holds)
		abort();
}

static char folder[] = "/dev/shm/attune-fuzz-XXXXXX";

static void
remove_folder(void)
{
	(void)tree_remove(folder);
}

int
LLVMFuzzerInitialize(int *argc, char ***argv)
{
	static const char *const folders[] = { "actions", "triggers", "rules", "sensors", "runtimes",
		"permission_sets" };
	CLEANUP(arena_done) Arena *a = arena_open();
	Err err = { 0 };

	(void)argc;
	(void)argv;
	must(mkdtemp(folder) != NULL);
	for (size_t i = 0; i < countof(folders); i++)
		must(dirs_make(str_fmt(a, "%s/%s", folder, folders[i]).p, 0700, &err));
	must(file_write(str_fmt(a, "%s/actions/a.sh", folder).p, str_of("true\n"), 0600, &err));
	return atexit(remove_folder);
}

static void
write_files(Arena *a, Str rest)
{
	Str mark = str_of("\n===\n");

	for (size_t i = 0; i < countof(files); i++) {
		const char *path = str_fmt(a, "%s/%s", folder, files[i]).p;
		size_t at = rest.n;
		Err err;

		if (rest.n == 0) {
			(void)unlink(path);
			continue;
		}
		(void)str_find(rest, mark, &at);
		must(file_write(path, str_sub(rest, 0, at), 0600, &err));
		rest = str_sub(rest, at + mark.n, rest.n);
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	CLEANUP(arena_done) Arena *a = arena_open();
	Err err = { 0 };
	bool loaded, fatal = false;
	Pack p;

	write_files(a, (Str){ (const char *)data, size });
	loaded = pack_load(a, str_of(folder), &p, &err);
	for (size_t i = 0; i < p.problem_count; i++) {
		must(p.problems[i].line >= 1 && p.problems[i].column >= 1);
		must(p.problems[i].text.n > 0 && utf8_valid(p.problems[i].text));
		fatal = fatal || p.problems[i].fatal;
	}
	must(loaded != fatal);
	must(loaded || (err.code == ERR_VALIDATION && str_starts(str_of(err.text), str_of(folder))));
	must(!loaded || ref_is_pack(p.def.ref));
	for (size_t i = 0; loaded && i < p.action_count; i++)
		must(ref_is_component(p.actions[i].ref) && str_eq(p.actions[i].pack_ref, p.def.ref));
	return 0;
}
