/* How runs are stopped: limits, cancels, and that nothing of their trees remains. */
#include "rig.h"

#include "os/fs.h"
#include "os/guardian.h"
#include "os/spawn.h"
#include "os/thread.h"

#include <sys/stat.h>
#include <stdlib.h>

static void
short_grace(ProcessesConfig *config)
{
	config->kill_grace = 200 * US_PER_MS;
}

static bool
any_left(Rig *r)
{
	return child_tree_alive(0, str_fmt(r->a, "RIG=%s", r->dir.p).p);
}

/* Every process of the run bears RIG=<folder>; "ready" is a FIFO on which it says that it has begun. */
static RunSpec
marked(Rig *r, const char *code)
{
	RunSpec spec = rig_spec(r, "shell", code);
	Json *vars = arena_new(r->a, Json);

	*vars = json_object();
	json_add(r->a, vars, "RIG", json_str(r->dir));
	spec.env_vars = vars;
	CHECK(mkfifo(str_fmt(r->a, "%s/packs/demo/ready", r->dir.p).p, 0600) == 0);
	return spec;
}

/* Longer than a test waits for any end: whoever ends a run has not waited for it. */
static void
long_grace(ProcessesConfig *config)
{
	config->kill_grace = 1000 * US_PER_S;
}

TEST(a_time_limit_ends_the_run_as_failed_and_says_so)
{
	CLEANUP(rig_done) Rig *r = rig_open_with(long_grace);
	RunSpec spec = rig_spec(r, "shell", "echo begun; sleep 1000");
	RunEnd end;

	spec.timeout = US_PER_S;
	end = rig_run(r, &spec);
	CHECK_INT(end.outcome, RUN_TIMED_OUT);
	CHECK(json_as_bool(json_get(&end.result, "timed_out"), false));
	CHECK(!json_as_bool(json_get(&end.result, "succeeded"), true));
	CHECK_INT(rig_int(&end, "exit_code"), -1);
	CHECK_STR(rig_text(&end, "error"), str_of("Execution timed out after 1 s"));
	CHECK_STR(rig_text(&end, "stdout"), str_of("begun\n"));
	CHECK(rig_int(&end, "duration_ms") >= 1000);
}

TEST(a_child_that_ignores_TERM_is_killed_after_the_grace)
{
	CLEANUP(rig_done) Rig *r = rig_open_with(short_grace);
	RunSpec spec = marked(r, "trap '' TERM; (trap '' TERM; sleep 1000) & sleep 1000; sleep 1000");
	RunEnd end;

	spec.timeout = 200 * US_PER_MS;
	end = rig_run(r, &spec);
	CHECK_INT(end.outcome, RUN_TIMED_OUT);
	CHECK(rig_int(&end, "duration_ms") >= 400);
	CHECK_STR(rig_text(&end, "error"), str_of("Execution timed out after 0.2 s"));
	CHECK(!any_left(r));
}

TEST(cancel_takes_the_whole_tree_with_what_called_setsid)
{
	CLEANUP(rig_done) Rig *r = rig_open_with(short_grace);
	RunSpec spec =
	    marked(r, "setsid bash -c 'trap \"\" TERM; echo up > ready; while :; do sleep 1000; done' & sleep 1000");
	RunEnd end;

	rig_start(r, &spec);
	CHECK_STR(rig_await(r, "ready"), str_of("up"));
	CHECK(any_left(r));
	r->starter->cancel(r->starter, spec.execution, spec.attempt + 1); /* another attempt: nothing happens */
	CHECK_INT(r->starter->running(r->starter), 1);
	r->starter->cancel(r->starter, spec.execution, spec.attempt);
	end = rig_wait(r);
	CHECK_INT(end.outcome, RUN_CANCELLED);
	CHECK(json_as_bool(json_get(&end.result, "cancelled"), false));
	CHECK(!json_as_bool(json_get(&end.result, "succeeded"), true));
	CHECK_INT(rig_int(&end, "exit_code"), 143);
	CHECK_STR(rig_text(&end, "error"), str_of("Execution was cancelled"));
	CHECK(!any_left(r));
}

TEST(cancel_lets_the_action_clean_up_and_keeps_its_output)
{
	CLEANUP(rig_done) Rig *r = rig_open();
	RunSpec spec = marked(r, "trap 'echo cleaned; exit 9' TERM; echo up > ready; while :; do sleep 0.01; done");
	RunEnd end;

	rig_start(r, &spec);
	(void)rig_await(r, "ready");
	r->starter->cancel(r->starter, spec.execution, 1);
	r->starter->cancel(r->starter, spec.execution, 1);
	end = rig_wait(r);
	CHECK_INT(end.outcome, RUN_CANCELLED);
	CHECK_INT(rig_int(&end, "exit_code"), 9);
	CHECK_STR(rig_text(&end, "stdout"), str_of("cleaned\n"));
}

TEST(cancel_at_once_before_any_output_ends_the_run)
{
	CLEANUP(rig_done) Rig *r = rig_open();

	for (int i = 0; i < 20; i++) {
		RunSpec spec = rig_spec(r, "shell", "sleep 1000");
		RunEnd end;

		rig_start(r, &spec);
		r->starter->cancel(r->starter, spec.execution, 1);
		end = rig_wait(r);
		CHECK_INT(end.outcome, RUN_CANCELLED);
	}
	r->starter->cancel(r->starter, 12345, 1); /* unknown: nothing */
}

TEST(a_background_child_ends_with_the_run_and_does_not_hold_it_up)
{
	CLEANUP(rig_done) Rig *r = rig_open();
	RunSpec spec = marked(r, "sleep 1000 & set -m; sleep 1000 & echo done");
	RunEnd end = rig_run(r, &spec); /* which does not wait for 1000 s */

	CHECK_INT(end.outcome, RUN_SUCCEEDED);
	CHECK_STR(rig_text(&end, "stdout"), str_of("done\n"));
	CHECK(!any_left(r));
}

TEST(a_child_that_called_setsid_but_holds_the_output_ends_with_the_run_too)
{
	CLEANUP(rig_done) Rig *r = rig_open();
	RunSpec spec =
	    marked(r, "setsid bash -c 'echo up > ready; exec sleep 1000' & cat > /dev/null; cat ready > /dev/null");
	RunEnd end = rig_run(r, &spec);

	CHECK_INT(end.outcome, RUN_SUCCEEDED);
	CHECK(!any_left(r));
}

TEST(closing_takes_what_called_setsid_and_outlived_its_run)
{
	Rig *r = rig_open();
	RunSpec spec = marked(
	    r, "setsid bash -c 'echo up > ready; exec sleep 1000' > /dev/null 2>&1 & cat > /dev/null; echo done");
	Arena *a = arena_open();
	const char *marker = str_fmt(a, "RIG=%s", r->dir.p).p;
	RunEnd end;

	rig_start(r, &spec);
	(void)rig_await(r, "ready");
	end = rig_wait(r);
	CHECK_INT(end.outcome, RUN_SUCCEEDED);
	rig_done(&r);
	CHECK(!child_tree_alive(0, marker));
	arena_close(a);
}

TEST(kill_all_ends_every_run_at_once)
{
	CLEANUP(rig_done) Rig *r = rig_open();
	RunSpec first = marked(r, "trap '' TERM; echo up > ready; sleep 1000; sleep 1000");
	RunSpec second = rig_spec(r, "shell", "sleep 1000");
	RunSpec third = rig_spec(r, "internal", "core.sleep");
	Json params = rig_json(r, "{\"seconds\":1000}");
	RunEnd ends[3];
	size_t n = 0;

	third.params = &params;
	rig_start(r, &first);
	rig_start(r, &second);
	rig_start(r, &third);
	(void)rig_await(r, "ready");
	CHECK_INT(r->starter->running(r->starter), 3);
	r->starter->kill_all(r->starter);
	while (n < 3) {
		rig_pause(r, 0);
		n += r->starter->ended(r->starter, r->a, ends + n, 3 - n);
	}
	for (size_t i = 0; i < 3; i++)
		CHECK_INT(ends[i].outcome, RUN_CANCELLED);
	CHECK(!any_left(r));
}

TEST(a_flood_does_not_outlive_its_time_limit)
{
	CLEANUP(rig_done) Rig *r = rig_open();
	RunSpec spec = rig_spec(r, "shell", "exec yes");
	RunEnd end;

	spec.timeout = 300 * US_PER_MS;
	end = rig_run(r, &spec);
	CHECK_INT(end.outcome, RUN_TIMED_OUT);
	CHECK(json_as_bool(json_get(&end.result, "stdout_truncated"), false));
	CHECK(rig_log(r, &end, "stdout.log").n <= 10 << 20);
}

static void
wake(void *self)
{
	((Starter *)self)->wake(self);
}

TEST(wake_from_another_thread_ends_the_sleep_even_when_it_came_before)
{
	CLEANUP(rig_done) Rig *r = rig_open();
	RunSpec spec = rig_spec(r, "internal", "core.sleep");
	Json params = rig_json(r, "{\"seconds\":1000}");
	Thread t = { 0 };
	Err err = { 0 };
	RunEnd end;

	spec.params = &params;
	rig_start(r, &spec);
	CHECK_OK(thread_start(&t, "waker", wake, r->starter, &err), err);
	rig_pause(r, 0);
	thread_join(&t);
	r->starter->wake(r->starter);
	CHECK_INT(r->starter->ended(r->starter, r->a, &end, 1), 0); /* sees the wake, must not swallow it */
	rig_pause(r, 0);
	rig_pause(r, clock_mono(clock_real()) + US_PER_MS);
	CHECK_INT(r->starter->running(r->starter), 1);
}

TEST(what_an_earlier_worker_left_is_cleared_away)
{
	CLEANUP(arena_done) Arena *a = arena_open();
	Str left = str_of("/tmp/attune-w1-4194303-0123456789abcdef"); /* no such pid: above the kernel's largest */
	Err err = { 0 };
	Rig *r;

	CHECK_OK(dirs_make(str_fmt(a, "%s/1-1/x", left.p).p, 0700, &err), err);
	r = rig_open();
	CHECK(!file_exists(left.p));
	rig_done(&r);
}

static Guardian *guardian;

static void
with_guardian(ProcessesConfig *config)
{
	Err err = { 0 };

	CHECK_OK(guardian_start("ATTUNE_WORKER=incarnation-7", &guardian, &err), err);
	config->guardian = guardian;
}

TEST(runs_bear_the_guardians_marker)
{
	Rig *r = rig_open_with(with_guardian);
	RunEnd end = rig_shell(r, "echo $ATTUNE_WORKER $ATTUNE_RUN");

	CHECK_STR(rig_text(&end, "stdout"), str_of("incarnation-7 incarnation-7:1:1\n"));
	rig_done(&r);
	guardian_stop(guardian);
}
