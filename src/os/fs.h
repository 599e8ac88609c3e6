/*
 * Files and directories: whole-file reads with a limit, atomic replacement, listings in a fixed order, private directories,
 * locks that name their holder, and opens that cannot leave a directory. Every descriptor made here is close-on-exec.
 */
#pragma once

#include "base/err.h"

#include <sys/types.h>

/* For CLEANUP, and for giving a descriptor away. */
void fd_done(int *fd);
int fd_take(int *fd);

/* ERR_NOT_FOUND when it is not there, ERR_TOO_LARGE beyond max bytes. dir may be AT_FDCWD. */
MUST_CHECK bool file_read(Arena *a, const char *path, size_t max, Str *ret, Err *err);
MUST_CHECK bool file_read_at(Arena *a, int dir, const char *path, size_t max, Str *ret, Err *err);
/* ERR_INVALID for what is no regular file: a pipe or a device could make its reader wait for ever. */
MUST_CHECK bool file_read_regular(Arena *a, const char *path, size_t max, Str *ret, Err *err);
MUST_CHECK bool file_write(const char *path, Str bytes, mode_t mode, Err *err); /* makes or truncates */
/* All or nothing, and on disk when it returns: a new file is written, synced and renamed over the old. */
MUST_CHECK bool file_replace(const char *path, Str bytes, mode_t mode, Err *err);
MUST_CHECK bool fd_write_all(int fd, Str bytes, Err *err);
bool file_exists(const char *path);
/* Each gets the other's name in one step: who looks, or comes after a kill, finds both as they were or both as they are to be.
 * ERR_UNSUPPORTED where the file system cannot. */
MUST_CHECK bool paths_swap(const char *one, const char *other, Err *err);

typedef struct DirEntry {
	Str name;
	bool dir; /* a symbolic link counts as what it points to */
} DirEntry;

/* In byte order of the names, without "." and "..". */
MUST_CHECK bool dir_list(Arena *a, const char *path, DirEntry **ret, size_t *ret_count, Err *err);
/* With all its parents; fine when it is there. */
MUST_CHECK bool dirs_make(const char *path, mode_t mode, Err *err);
/* A fresh directory base/prefix-XXXXXXXX, mode 0700, with a random name. */
MUST_CHECK bool dir_private(Arena *a, const char *base, const char *prefix, Str *ret, Err *err);
/* A file or a whole tree, whatever its depth; links are removed, never followed. What is not there is fine. */
bool tree_remove(const char *path);

/* path is relative to dir and stays in it: "..", absolute paths and links that leave are ERR_FORBIDDEN. */
MUST_CHECK bool open_beneath(int dir, const char *path, int flags, int *ret_fd, Err *err);

/* Locks the file and writes our pid into it. ERR_CONFLICT names the pid of the process that holds it (also in
 * *ret_holder, which may be NULL; 0 when unknown). The lock ends with the process or lock_release. */
MUST_CHECK bool lock_take(const char *path, int *ret_fd, pid_t *ret_holder, Err *err);
void lock_release(int *fd);

/* The absolute path of the data directory of `attune up`: the one given, else (NULL) $XDG_DATA_HOME/attune, ~/.local/share/attune,
 * or /var/lib/attune for a user without a home. Makes nothing. */
Str data_dir_path(Arena *a, const char *given);
/* Where `attune up` leaves the token with which its user may ask the API on this port: $XDG_STATE_HOME/attune/token-PORT, else under
 * ~/.local/state; none for a user without a home. */
Str token_file_path(Arena *a, int port);
