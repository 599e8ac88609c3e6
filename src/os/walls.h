/*
 * Which files and ports an action may reach: rulesets for Landlock, by its raw system calls. A ruleset is a descriptor; whoever
 * enters it (confine_self) keeps for ever, and hands to its children, only what was allowed in it. Each one that enters also stands in a
 * domain of its own: it can neither look into nor signal what is outside. Any thread.
 */
#pragma once

#include "base/err.h"

typedef enum Allow {
	ALLOW_READ,   /* read, list and execute, of a file or of all beneath a folder */
	ALLOW_LIST,   /* only the names in it and beneath */
	ALLOW_DEVICE, /* read, write and control */
	ALLOW_SHARED, /* make, read, write and remove files whose names are known, but not list them */
	ALLOW_OWN,    /* everything */
} Allow;

/* What the kernel's Landlock can do, by its version; 0: it has none. */
enum { WALLS_FILES = 1, WALLS_PORTS = 4, WALLS_SCOPES = 6 };
int walls_version(void);

/* ports: connecting and listening by TCP is refused too, but for what walls_allow_port names. */
MUST_CHECK bool walls_open(bool ports, int *ret_ruleset, Err *err);
/* path: a descriptor, O_PATH is enough. What was allowed is allowed for that file whatever becomes of its name. */
MUST_CHECK bool walls_allow(int ruleset, int path, Allow what, Err *err);
MUST_CHECK bool walls_allow_port(int ruleset, int port, Err *err);
