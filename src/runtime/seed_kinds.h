/*
 * Of which interpreters seeds are made, for which starts one is good, and how it is started itself. Private to runtime.
 */
#pragma once

#include "os/spawn.h"

typedef struct SeedKind {
	const char *variable; /* SEED_VARIABLE with its value */
	bool (*serves)(const SpawnSpec *spec);
	/* What must be the same for a seed to be good for a start, beside the interpreter and the sandbox. */
	void (*add_key)(Buf *b, const SpawnSpec *spec);
	/* Its arguments and what it has in its environment beside what makes it a seed. */
	const char *const *(*argv)(Arena *a, const SpawnSpec *like);
	bool (*keeps)(const char *variable);
} SeedKind;

extern const SeedKind seed_of_start;  /* stands before its main() */
extern const SeedKind seed_of_python; /* where Python has begun */
