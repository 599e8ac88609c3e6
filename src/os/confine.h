/*
 * Confining a process to what it may do, for ever and with all its children: no new privileges, capabilities of root that an action has no
 * use for, Landlock, seccomp. What is needed is prepared before (walls.h, filter.h); confine_self only makes system calls, so it may be
 * called in a child right after fork, even of a process with threads or of one that shares our memory (vfork).
 *
 * A seed (inside/seed.h) is not within walls itself: it enters its filter once, which its runs inherit at no price, and each run enters its
 * own ruleset. So nothing of a pack may run in a seed.
 */
#pragma once

#include "os/filter.h"

typedef struct Confine {
	bool on;              /* else only no new privileges */
	int ruleset;          /* of walls_open; -1: none */
	bool inherits;        /* the thread that forks has confined itself: no filter is installed again */
	const Filter *filter; /* NULL: none */
} Confine;

/* For a worker: nobody of its own user may look into this process, and it leaves no core file. */
void process_hide(void);
/* 0, or errno of what failed: then it must not go on. */
int confine_self(const Confine *c);
/* The part that costs most, once for a thread: all that it starts inherits it. Nothing of it can be taken back. */
int confine_thread(const Filter *filter);
