/*
 * Runs the tests of a pack, one runner after the other, as processes with what its actions have: its environment (which is built when it
 * is not there), its lib folder, the walls of the sandbox, nothing of ours. Blocks: for a thread that may be away for minutes.
 */
#pragma once

#include "model/pack_tests.h"
#include "runtime/envs.h"
#include "runtime/processes.h"

#include <stdatomic.h>

typedef struct PackTestsConfig {
	ProcessesConfig processes; /* as a worker's; its Starter is not used */
	EnvsConfig envs;
	TimeUs limit; /* of all runners of a pack together */
} PackTestsConfig;

typedef struct PackTestsAsk {
	Str pack_ref, pack_version;
	Str packs_dir; /* {packs_dir}/{pack_ref} is the pack */
	Str stage;     /* a private folder, for homes; and for an environment where none is to be made in its place */
	bool in_place; /* the pack lies where it is used: so does its environment */
	const PackTests *tests;
	const Json *python, *nodejs; /* execution_config of these runtimes; NULL: as the machine has them */
} PackTestsAsk;

/* The result as clients see it (PackTestResult), whatever came of it. */
Json pack_tests_run(
    Arena *a, const PackTestsConfig *c, const PackTestsAsk *ask, const atomic_bool *stopping, TestCounts *ret_counts);
