/*
 * What a seed is told of one run. Private to runtime.
 */
#pragma once

#include "os/spawn.h"

#include <stddef.h>

/* SeedJob with what lies behind it, into a room of SEED_JOB_MOST; its size, or 0: it is too long. */
size_t seed_job_write(char *room, const SpawnSpec *spec);
