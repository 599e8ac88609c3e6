/*
 * Changes of files in directories, as the kernel tells them (inotify). Each watched directory has a number; what happened in it comes as
 * its number, the name and what it was. The kernel's queue may overflow, which is told too: then whoever watches must look by itself.
 */
#pragma once

#include "base/err.h"

typedef enum FileChange {
	FILE_MADE = 1,
	FILE_WRITTEN = 2, /* closed after writing, or its attributes changed */
	FILE_TOUCHED = 4, /* written to, and perhaps still being so */
	FILE_GONE = 8,
	FILE_MOVED_FROM = 16,
	FILE_MOVED_TO = 32,
	DIR_GONE = 64, /* the watched directory itself */
	QUEUE_OVERFLOW = 128,
} FileChange;

typedef struct Watched {
	int directory;
	unsigned change; /* of FileChange */
	bool is_dir;
	uint32_t cookie; /* the same for both halves of a move */
	Str name;
} Watched;

MUST_CHECK bool watch_open(int *ret_fd, Err *err);
/* Again for a directory that is watched: the same number. */
MUST_CHECK bool watch_add(int fd, const char *directory, int *ret_number, Err *err);
void watch_remove(int fd, int number);
/* What has happened since the last time, without waiting; names in the arena. */
size_t watch_read(int fd, Arena *a, Watched *ret, size_t most);
