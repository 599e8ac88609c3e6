/*
 * A worker that dies takes its children with it: the guardian is one small process, forked before any thread, that learns each
 * child's session through shared memory and kills all of them (and whatever carries their marker) when its pipe closes because the
 * worker is gone. It ends by itself when told that all is well. A parent-death signal on children is the second line.
 */
#pragma once

#include "base/err.h"

#include <sys/types.h>

typedef struct Guardian Guardian;

/* marker: "NAME=value" that every child of this process has in its environment. */
MUST_CHECK bool guardian_start(const char *marker, Guardian **ret, Err *err);
const char *guardian_marker(const Guardian *g); /* as given to guardian_start; empty when none */
/* From any thread. */
void guardian_watch(Guardian *g, pid_t session);
void guardian_forget(Guardian *g, pid_t session);
/* What it sweeps away too when the worker is gone: the cgroup of all its runs, and the folder of their private folders. Once each, by the
 * thread that watches; NULL changes nothing. */
void guardian_sweeps(Guardian *g, const char *group, const char *folder);
pid_t guardian_pid(const Guardian *g);
void guardian_stop(Guardian *g); /* orderly: nothing is killed */
