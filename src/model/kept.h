/*
 * A file that a run has left and that becomes a version of an artifact when the run's result is stored. Plain values: the hands make it,
 * the engine stores it.
 */
#pragma once

#include "base/str.h"

typedef struct KeptFile {
	Str artifact; /* its ref, by what the result calls it */
	Str root;     /* artifacts_dir */
	Str path;     /* below it, where the file lies until the result is stored */
	int64_t bytes;
	Str retention_policy; /* of an artifact that is made for it */
	int64_t retention_limit;
	bool placed; /* it lies in the artifact's folder now: the first place can be given up after the commit */
} KeptFile;

typedef struct Kept {
	KeptFile files[2]; /* standard output and standard error */
	size_t n;
} Kept;
