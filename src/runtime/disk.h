/*
 * What runs write, and what room is left where they write it. One run is counted at a time. Private to runtime.
 */
#pragma once

#include "base/clock.h"
#include "os/tally.h"

typedef struct Processes Processes;
typedef struct Run Run;

typedef struct DiskUse {
	uint64_t bytes, grew;       /* at the last look, and since the one before */
	TimeUs counted, due, pause; /* counted: when; 0: never */
	TimeUs patience;            /* how long a count may take; 0: none was cut short yet */
} DiskUse;

typedef struct Disk {
	Tally tally;
	Run *at;      /* whose count is not complete; NULL: none */
	TimeUs begun; /* that count */
	TimeUs next, looked;
	TimeUs since; /* from when on it has been full */
	TimeUs round; /* since when each is counted once; 0: that is to begin */
	Arena *a;     /* of full, from look to look */
	Str full;     /* why no more runs are taken; none: there is room */
} Disk;

/* When next, monotonic; 0: never. */
TimeUs disk_tick(Processes *p, TimeUs now);
/* Why no runs should be taken now, until the next call; none: there is room. */
Str disk_full(Processes *p);
void disk_forget(Processes *p, const Run *run);
