/*
 * A pack's folder as an archive, for machines that do not have it. What it takes is what unpack.h gives back: files and folders, no
 * links, so many and so large at most; a repository's own folder is left out.
 */
#pragma once

#include "base/err.h"

/* A tar.gz, in which everything lies in a folder called top, written to fd. The same files give the same bytes. ERR_INVALID says which
 * file cannot go into it, ERR_TOO_LARGE names the limit; what is in fd then is of no use. */
MUST_CHECK bool bundle_write(Arena *a, Str dir, Str top, int fd, Err *err);
