/*
 * Of which interpreters seeds are made, for which starts one is good, and how it is started itself. Private to runtime.
 */
#pragma once

#include "os/spawn.h"
#include "runtime/processes.h"

#include <sys/stat.h>

/* Which file a program is; another one by the same name has another. */
typedef struct FileMark {
	dev_t device;
	ino_t number;
	struct timespec changed;
} FileMark;

MUST_CHECK bool file_mark_of(const char *path, FileMark *ret);
bool file_mark_same(const FileMark *a, const FileMark *b);

typedef struct SeedKind {
	const char *variable; /* SEED_VARIABLE with its value */
	bool takes_copies;    /* the original may stand for them: /proc/self/exe shows it */
	bool (*serves)(const SpawnSpec *spec);
	/* What must be the same for a seed to be good for a start, beside the interpreter and the sandbox. */
	void (*add_key)(Buf *b, const SpawnSpec *spec);
	/* Its arguments, the first of which is `program`, and what it has in its environment beside what makes it a seed. */
	const char *const *(*argv)(Arena *a, const char *program, const SpawnSpec *like);
	bool (*keeps)(const char *variable);
} SeedKind;

/* The file behind a path, without links; of a copy in a Python environment, what it is said to be a copy of, if it may be. A seed is not
 * within the walls of a run, so it is made of the machine's own programs, or of those that the operator named; NULL: it is none. */
const char *seed_program(Arena *a, const SeedKind *of, const ProcessesConfig *config, const char *path);
bool seed_is_copy(const char *path, const char *of);

extern const SeedKind seed_of_start;  /* stands before its main() */
extern const SeedKind seed_of_python; /* where Python has begun */
