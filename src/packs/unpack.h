/*
 * Packs from outside into a fresh folder: archives (tar, tar.gz, zip) and folders. Nothing of them is believed: only files and
 * folders below the target are made, no links, so many and so large at most. The target must be empty and nobody else's; on failure
 * what is in it is of no use.
 */
#pragma once

#include "base/err.h"

enum { UNPACK_ENTRIES = 10000, UNPACK_DEPTH = 32, UNPACK_PATH = 1024 };
#define UNPACK_FILE ((int64_t)50 << 20)   /* bytes of one file */
#define UNPACK_TOTAL ((int64_t)100 << 20) /* of all */

/* ERR_INVALID says which entry is not wanted, and why; ERR_TOO_LARGE names the limit. */
MUST_CHECK bool unpack_bytes(Arena *a, Str bytes, Str dir, Err *err);
MUST_CHECK bool unpack_file(Arena *a, Str path, Str dir, Err *err);
MUST_CHECK bool unpack_folder(Arena *a, Str from, Str dir, Err *err);
/* Where its pack.yaml lies: at the top, in pack/, or in the one folder that has one. ERR_INVALID: nowhere. */
MUST_CHECK bool unpack_root(Arena *a, Str dir, Str *ret, Err *err);
