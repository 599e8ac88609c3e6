#include "sim.h"

#include "base/crash.h"
#include "base/log.h"
#include "test.h"

#include <stdlib.h>

enum { SEEDS = 200, GUARD_SEEDS = 60 };

/* Roles say much in a storm; a seed's own log is the trace. */
static void
be_quiet(void)
{
	LogConfig quiet = { .level = LOG_ERROR, .file = "/dev/null" };
	Err err = { 0 };

	CHECK_OK(log_open(&quiet, &err), err);
}

typedef struct Range {
	uint64_t from, to;
} Range;

/* SEED=7, SEEDS=1:1000, or the usual ones. */
static Range
seeds(void)
{
	const char *one = getenv("SEED"), *some = getenv("SEEDS");
	Range r = { 1, SEEDS };
	char *end;

	if (one != NULL)
		r.from = r.to = strtoull(one, NULL, 10);
	else if (some != NULL) {
		r.from = strtoull(some, &end, 10);
		r.to = *end == ':' ? strtoull(end + 1, NULL, 10) : r.from;
	}
	return r;
}

/* Of processes, logins, definitions and sensors there are none: tests/e2e dies at those (test_access.py, test_command_kills.py,
 * test_chain_kills.py). */
static bool
is_elsewhere(Str name)
{
	static const char *const kinds[] = { "access.", "define.", "presence.", "ward." };

	for (size_t i = 0; i < countof(kinds); i++)
		if (str_starts(name, str_of(kinds[i])))
			return true;
	return false;
}

static void
check_points(uint64_t passed)
{
	size_t n;
	const char *const *names = crash_points(&n);

	CHECK(n <= POINTS_MAX);
	for (size_t i = 0; i < n; i++)
		if ((passed >> i & 1) == 0 && !is_elsewhere(str_of(names[i])))
			test_fail(__FILE__, __LINE__, "no seed passed the crash point %s", names[i]);
}

/* And every crash point is passed on the way. */
TEST(every_seed_keeps_the_promises)
{
	Range r = seeds();
	SimResult sum = { 0 };
	size_t failed = 0;

	be_quiet();
	for (uint64_t seed = r.from; seed <= r.to; seed++) {
		SimOptions options = { .seed = seed, .log = getenv("SIM_LOG") != NULL ? stderr : NULL };
		SimResult one = sim_run(&options);

		failed += one.failed;
		sum.points |= one.points;
		sum.steps += one.steps;
		sum.executions += one.executions;
		sum.starts += one.starts;
		sum.crashes += one.crashes;
		sum.flows += one.flows;
		sum.signals += one.signals;
	}
	printf("sim: %llu seeds, %zu steps, %zu executions, %zu of them workflows, %zu starts, %zu deaths of "
	       "processes, %zu events before rules that remember\n",
	    (unsigned long long)(r.to - r.from + 1), sum.steps, sum.executions, sum.flows, sum.starts, sum.crashes,
	    sum.signals);
	CHECK(failed == 0);
	if (r.to - r.from + 1 >= SEEDS)
		check_points(sum.points);
}

TEST(the_same_seed_is_the_same_story)
{
	be_quiet();
	for (uint64_t seed = 1; seed <= 8; seed++) {
		SimOptions options = { .seed = seed };
		SimResult first = sim_run(&options), again = sim_run(&options);

		CHECK(first.trace == again.trace);
		CHECK(again.steps == first.steps);
	}
}

/* Runs seeds without this guard until one fails; it must fail for the reason that the guard is there for. */
static void
check_guard(Sabotage guard, const char *reason, const char *other)
{
	be_quiet();
	for (uint64_t seed = 1; seed <= GUARD_SEEDS; seed++) {
		SimOptions options = { .seed = seed, .sabotage = guard };
		SimResult r = sim_run(&options);

		if (!r.failed)
			continue;
		if (strncmp(r.why, reason, strlen(reason)) != 0 && strncmp(r.why, other, strlen(other)) != 0)
			test_fail(__FILE__, __LINE__, "seed %llu failed by '%s', not by '%s'", (unsigned long long)seed,
			    r.why, reason);
		return;
	}
	test_fail(__FILE__, __LINE__, "no seed of %d noticed that a guard is gone", GUARD_SEEDS);
}

TEST(a_claim_without_its_guard_makes_a_seed_fail)
{
	/* a second claim finds the run under way, or over already: quick ones end with their first */
	check_guard(SABOTAGE_CLAIM, "I2", "I5");
}

TEST(a_result_without_its_guard_makes_a_seed_fail)
{
	check_guard(SABOTAGE_FINISH, "I6", "I6");
}

TEST(a_tick_without_its_key_makes_a_seed_fail)
{
	check_guard(SABOTAGE_TICK, "ticks", "ticks");
}

TEST(without_a_sweeper_a_seed_fails)
{
	check_guard(SABOTAGE_SWEEP, "I1", "I1");
}

TEST(a_worker_that_claims_beyond_its_slots_makes_a_seed_fail)
{
	check_guard(SABOTAGE_SLOTS, "slots", "slots");
}

TEST(without_its_policy_a_limit_makes_a_seed_fail)
{
	check_guard(SABOTAGE_LIMIT, "limit", "limit");
}

TEST(without_its_breaker_a_seed_fails)
{
	check_guard(SABOTAGE_BREAKER, "breaker", "breaker");
}

TEST(when_a_pause_holds_nothing_a_seed_fails)
{
	check_guard(SABOTAGE_PAUSE, "paused", "paused");
}

TEST(a_workflow_that_is_not_told_of_an_end_makes_a_seed_fail)
{
	check_guard(SABOTAGE_NEWS, "I1", "I1");
}

TEST(when_nobody_looks_at_what_is_due_a_seed_fails)
{
	check_guard(SABOTAGE_DUE, "I1", "I1");
}

TEST(a_task_that_is_tried_again_too_often_makes_a_seed_fail)
{
	check_guard(SABOTAGE_AGAIN, "flow", "flow");
}

TEST(when_nobody_ends_windows_a_seed_fails)
{
	check_guard(SABOTAGE_WINDOW, "I1", "windows");
}

TEST(a_throttle_that_does_not_count_makes_a_seed_fail)
{
	check_guard(SABOTAGE_COUNT, "windows", "windows");
}

TEST(a_pair_that_leaves_its_half_behind_makes_a_seed_fail)
{
	check_guard(SABOTAGE_PART, "windows", "windows");
}
