/*
 * A seed: an interpreter that has been loaded, and stands before its main(). Each run that grows from it is a copy of the process
 * which calls main() with the run's own arguments and environment: what the dynamic linker does at every start (and what a virtual
 * machine makes dear of it) is done once. To the interpreter it is an ordinary start. Python's seed stands later, where it has begun
 * already (runtime/forkserver.py).
 *
 * The worker starts the interpreter with this library preloaded: standard input is that library, in a file in memory; standard output is a
 * socket that keeps the bounds of messages. First the worker says SeedStart with the page that it shares with the seed, and the seed
 * answers SeedReady. Then for each run the worker says SeedJob with its descriptors, and the seed answers SeedBorn.
 *
 * The number of a child stands in the shared page before the child has done anything: so when the answer does not come and the seed
 * has been ended, the page says for certain whether there is a child.
 */
#pragma once

#include <stdint.h>

/* In the environment of the seed alone. One that is served later runs its main() first, which makes it ready and then calls for
 * service: a run is a copy of it as it stands there. */
#define SEED_VARIABLE "ATTUNE_SEED="
#define SEED_NOW "now"
#define SEED_LATER "later"
#define SEED_LIBRARY "LD_PRELOAD=/proc/self/fd/0"

enum {
	SEED_FILTER_MOST = 512,    /* instructions: as os/filter.h says */
	SEED_JOB_MOST = 96 * 1024, /* bytes of a message: what is longer starts plainly */
	SEED_FDS_MOST =
	    6, /* standard input, output and error, the ruleset, the gate, the cgroup's folder: in this order */
	SEED_LIMITS = 5,
	SEED_THREADS = -1, /* there are some: a copy would be half a process */
};

typedef struct SeedStart {
	int32_t parent;        /* whose children the runs are */
	uint32_t filter_count; /* instructions of the seccomp filter; 0: none */
	uint64_t filter[SEED_FILTER_MOST];
	uint64_t clone_at, clone_size; /* the arguments of the one clone3 that the filter lets through */
} SeedStart;

typedef struct SeedReady {
	int32_t error;         /* SEED_THREADS, or as errno says */
	uint32_t shows_itself; /* a child's own arguments and environment are seen from outside */
} SeedReady;

typedef struct SeedLimit {
	int32_t what; /* RLIMIT_…; -1: none */
	uint64_t most;
} SeedLimit;

/* Behind it: the folder to be in, the arguments, the environment, each with a NUL. */
typedef struct SeedJob {
	uint32_t argc, envc;
	uint8_t has_ruleset, has_gate, has_group;
	SeedLimit limits[SEED_LIMITS];
} SeedJob;

typedef struct SeedBorn {
	int32_t error; /* of the kernel: there is no child */
} SeedBorn;

/* Shared with the worker. */
typedef struct SeedPage {
	volatile int32_t child; /* 0: none was made since the worker wrote that */
} SeedPage;
