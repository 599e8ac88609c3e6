/*
 * Which runtimes this machine really has: each one's verification commands are run, all at once, and what they print is looked at. By
 * distributions.verification of its row, in order of priority; without commands, by asking its interpreter for its version.
 */
#pragma once

#include "model/defs.h"
#include "runtime/interpreters.h"

typedef struct Found {
	bool there;
	Str path;    /* of the program that answered; none: there is none to ask */
	Str version; /* "3.11.2"; none: it said none */
	Str why;     /* not there: one sentence */
	bool late;   /* not there, because a program had not answered in time */
} Found;

typedef struct Detected {
	Found base;
	Found *versions; /* of each row of RuntimeDef.versions */
} Detected;

enum { DETECT_US = 10 * US_PER_S }; /* no program needs longer than this to say its version */

/* One answer per row, in the arena, after the patience given at the latest. */
Detected *runtimes_detect(Arena *a, const Interpreters *in, TimeUs patience, const RuntimeDef *rows, size_t n);
