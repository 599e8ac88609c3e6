/*
 * The data directory of `attune up`: locked by the process that uses it, with the secrets made at its first start and the core pack laid
 * beside the operator's own packs.
 */
#pragma once

#include "base/config.h"

typedef struct DataDir {
	Str path;
	int lock;
	bool rekeyed; /* a database was there, the key of what is sealed in it was not */
	Str boot_id;  /* new at each start: rows that bear another one belong to a process that is gone */
} DataDir;

/* given: --data-dir, may be NULL. ERR_CONFLICT names the pid of the process that holds it. */
MUST_CHECK bool datadir_open(Arena *a, const char *given, DataDir *ret, Err *err);
void datadir_close(DataDir *d);
/* Secrets that the configuration does not give: read from the directory, made (mode 0600) when they are not there. */
MUST_CHECK bool datadir_secrets(Arena *a, DataDir *d, Config *c, Err *err);
/* The folder of the core pack: the one that came with the program, else that in packs_base_dir. */
MUST_CHECK bool datadir_core_find(Arena *a, Str packs_base_dir, Str *ret, Err *err);
/* Copies the core pack that came with the program to packs_base_dir, when it is not there or another. */
MUST_CHECK bool datadir_core_pack(Arena *a, Str packs_base_dir, Err *err);
