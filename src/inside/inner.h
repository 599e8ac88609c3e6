/*
 * What the files of the preloaded library share. It runs in a process with one thread, in a program that is not ours: so it is small,
 * uses the kernel directly, and keeps nothing of one run for the next.
 */
#pragma once

#include "inside/seed.h"

#include <linux/prctl.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/prctl.h>

enum { CANNOT_RUN = 126, PAGE = 4096 };

typedef struct Seed {
	SeedStart start;
	SeedPage *page;
	struct prctl_mm_map map;
	bool shows_itself;
	int *thread; /* where the C library keeps this thread's number */
	void *robust;
} Seed;

typedef struct Message {
	size_t n;
	int fds[SEED_FDS_MOST];
	size_t fd_count;
} Message;

/* What a run is to be. */
typedef struct Grown {
	int argc;
	char **argv, **envp;
	char *text; /* both, each word with its NUL */
	size_t size;
} Grown;

/* What a program does around a division of its process. NULL: nothing. */
typedef struct Around {
	void (*before)(void), (*parent)(void), (*child)(void);
} Around;

/* serve.c: what the worker says at first is heard, and the filter is on. */
void seed_begin(void);
/* Comes back in each child, which is then where and how its run is to be. */
Grown seed_serve(const Around *around);

/* child.c: from here on it is a run, and no longer the seed. `job` with what lies behind it. */
Grown seed_grow(Seed *s, SeedJob *job, const Message *m);
enum { STRINGS_MOST = SEED_JOB_MOST / 2 };

/* show.c: what others see of a process, its arguments and its environment. */
bool show_learn(struct prctl_mm_map *ret);
bool show_as(const struct prctl_mm_map *learned, char *arguments, char *environment, char *end);
/* Some of the numbers of /proc/self/stat; `first` counts from 1. */
bool show_numbers(unsigned long long *ret, size_t first, size_t n);
