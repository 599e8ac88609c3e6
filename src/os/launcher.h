/*
 * A thread that has confined itself, and starts children on behalf of others: they inherit its filter, which to install anew in
 * each would cost more than all the rest of the start. A child's parent is this thread, so it must live as long as they do.
 */
#pragma once

#include "os/spawn.h"

typedef struct Launcher Launcher;

/* filter: may be NULL. ERR_SYS: the kernel refuses. */
MUST_CHECK bool launcher_open(const Filter *filter, Launcher **ret, Err *err);
/* As spawn; one caller at a time. */
MUST_CHECK bool launcher_spawn(Launcher *l, const SpawnSpec *spec, Child *ret, Err *err);
void launcher_close(Launcher *l); /* NULL is fine. What it started and still runs is killed by the kernel */
