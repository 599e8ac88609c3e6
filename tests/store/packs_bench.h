/* A store of one of the worlds, and a folder of packs that a test writes and registers. */
#pragma once

#include "engine/register.h"
#include "world.h"

enum { NOW = 1795200000000000, LATER = NOW + 60 * US_PER_S };

typedef struct Bench {
	World *w;
	Str dir; /* packs_base_dir */
} Bench;

Bench bench_open(void);
void bench_done(Bench *b);
/* path: from packs_base_dir on */
void bench_write(Bench *b, const char *path, const char *text);
void bench_drop(Bench *b, const char *path);
RegisterResult bench_register_nth(
    Bench *b, size_t which, TimeUs now);             /* all of base_dir; the result of its n-th pack */
RegisterResult bench_register(Bench *b, TimeUs now); /* of the first, which must be good */
