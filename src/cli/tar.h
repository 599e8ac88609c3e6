/*
 * A folder as a .tar.gz in memory, to send it to a server: ustar records in stored (uncompressed) deflate blocks. Files and
 * folders only: links, devices and what begins with a dot are left out.
 */
#pragma once

#include "base/err.h"

enum { TAR_MAX = 100 * 1024 * 1024, TAR_FILES_MAX = 10000, TAR_DEPTH_MAX = 16 };

MUST_CHECK bool tar_folder(Arena *a, const char *path, Str *ret, Err *err);
/* The bytes as a gzip file; for tests. */
Str gzip_stored(Arena *a, Str bytes);
