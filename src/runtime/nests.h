/*
 * The folders of runs: a HOME each, and one for what they leave behind. To make and remove them costs more than a short run, so what a run has
 * not touched is the next one's: any change of a folder, or of what lies in it, moves its time of change, which nobody can set. With them go the
 * walls of the run (sandbox.h), which are about these folders whatever they are called. Only to runs of the same pack: a descriptor of a
 * folder can be handed to another run, which may be alive still. No name of a HOME is used again. The worker's one thread owns it.
 */
#pragma once

#include "base/clock.h"
#include "runtime/sandbox.h"

typedef struct Nests Nests;

/* A folder as it was when it was made, and from when on (monotonic) each change of it shows. */
typedef struct Folder {
	uint64_t device, inode; /* inode 0: it is not there */
	struct timespec changed;
	TimeUs settled;
	mode_t mode;
	uid_t user;
	gid_t group;
} Folder;

typedef struct Nest {
	struct Nest *of_all, *next;
	uint64_t number;  /* the name of its home */
	const char *pack; /* of the runs that may have it; NULL: of none */
	Id execution;     /* whose it is; 0: nobody's */
	Folder home, files;
	Folder base; /* that `files` lies in, which its run can reach, but not write in */
	TimeUs taken;
	Walled walled;
} Nest;

/* files_base: {artifacts_dir}/{worker_name}, where folders that wait lie in .spare. Both must last, and a, too, which holds the name of each pack. */
Nests *nests_open(Arena *a, const Clock *clock, Str home_base, Str files_base);
void nests_close(Nests *n); /* also those that are taken; home_base is removed by whoever made it */

/* Empty folders for a run of this pack. *ret_files: none when there can be none, the logs will say why. Paths in a. */
MUST_CHECK bool nest_take(
    Nests *n, Arena *a, Id execution, Str pack, Nest **ret, Str *ret_home, Str *ret_files, Err *err);
/* What was left in `files` stays. alone: nothing that can reach the run's folders can be alive any more; logs: something of ours lies beside `files`. */
void nest_give(Nests *n, Arena *a, Nest *nest, bool alone, bool logs);
