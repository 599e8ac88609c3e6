/*
 * How many bytes lie beneath some folders, counted in small steps, so that a folder of a million files holds nobody up. Nothing is
 * followed: no link, and no other file system that is mounted there. One thread; while it counts it holds up to 64 descriptors, and a
 * folder that its owner closed to itself is open.
 */
#pragma once

#include "base/str.h"

#include <dirent.h>
#include <sys/stat.h>

enum { TALLY_ROOTS = 2, TALLY_DEPTH = 64 };

/* A folder that was opened to be counted, as it was before. */
typedef struct TallyClosed {
	bool closed;
	mode_t mode;
	struct timespec opened; /* its time of change after that */
} TallyClosed;

typedef struct Tally {
	const char *roots[TALLY_ROOTS]; /* the caller's, until it has ended; NULL: no more */
	size_t root;                    /* the next to be opened */
	DIR *open[TALLY_DEPTH];         /* what lies deeper is not counted */
	TallyClosed was[TALLY_DEPTH];
	size_t depth;
	uint64_t device; /* of the root that is being counted */
	uint64_t bytes;  /* so far */
} Tally;

void tally_begin(Tally *t, const char *one, const char *other); /* either may be NULL, or not be there */
/* Looks at so many names at most, and takes from *names what it has looked at. True: all is counted. */
bool tally_step(Tally *t, size_t *names);
void tally_end(Tally *t); /* at any time; fine when it never began */
