#include "rig.h"

static RunEnd
internal(Rig *r, const char *entry, const char *params)
{
	RunSpec spec = rig_spec(r, "internal", entry);
	Json given = rig_json(r, params);

	spec.params = &given;
	return rig_run(r, &spec);
}

TEST(noop_says_its_message_and_exits_with_the_code)
{
	CLEANUP(rig_done) Rig *r = rig_open();
	RunEnd end = internal(r, "core.noop", "{\"message\":\"hi\"}");

	CHECK_INT(end.outcome, RUN_SUCCEEDED);
	CHECK_STR(rig_text(&end, "stdout"), str_of("[NOOP] hi\nNo operation completed\n"));
	CHECK_INT(rig_int(&end, "exit_code"), 0);
	end = internal(r, "noop", "{\"exit_code\":7}");
	CHECK_INT(end.outcome, RUN_FAILED);
	CHECK_INT(rig_int(&end, "exit_code"), 7);
	CHECK_STR(rig_text(&end, "error"), str_of("Command exited with code 7"));
	end = internal(r, "core.noop", "{\"exit_code\":256}");
	CHECK_INT(rig_int(&end, "exit_code"), 1);
	CHECK_STR(rig_text(&end, "error"), str_of("ERROR: exit_code must be a whole number from 0 to 255"));
	end = internal(r, "core.noop", "null");
	CHECK_INT(end.outcome, RUN_SUCCEEDED);
}

TEST(an_unknown_internal_action_is_named)
{
	CLEANUP(rig_done) Rig *r = rig_open();
	RunEnd end = internal(r, "core.nope", "{}");

	CHECK_INT(end.outcome, RUN_UNSTARTED);
	CHECK_STR(rig_text(&end, "error"),
	    str_of("there is no internal action 'core.nope' (available: core.noop, core.sleep, core.http_request)"));
}

TEST(sleep_takes_its_time_without_a_process)
{
	CLEANUP(rig_done) Rig *r = rig_open();
	RunEnd end = internal(r, "core.sleep", "{\"seconds\":1,\"message\":\"zzz\"}");

	CHECK_INT(end.outcome, RUN_SUCCEEDED);
	CHECK_STR(rig_text(&end, "stdout"), str_of("zzz\nSlept for 1 seconds\n"));
	CHECK(rig_int(&end, "duration_ms") >= 1000);
	end = internal(r, "core.sleep", "{\"seconds\":0}");
	CHECK_STR(rig_text(&end, "stdout"), str_of("Slept for 0 seconds\n"));
	end = internal(r, "core.sleep", "{\"seconds\":-1}");
	CHECK_INT(rig_int(&end, "exit_code"), 1);
}

TEST(sleep_obeys_its_time_limit_and_cancel)
{
	CLEANUP(rig_done) Rig *r = rig_open();
	RunSpec spec = rig_spec(r, "internal", "core.sleep");
	Json params = rig_json(r, "{\"seconds\":1000}");
	RunEnd end;

	spec.params = &params;
	spec.timeout = 50 * US_PER_MS;
	end = rig_run(r, &spec);
	CHECK_INT(end.outcome, RUN_TIMED_OUT);
	CHECK_STR(rig_text(&end, "error"), str_of("Execution timed out after 0.05 s"));
	spec.execution++;
	spec.timeout = 0;
	rig_start(r, &spec);
	r->starter->cancel(r->starter, spec.execution, 1);
	end = rig_wait(r);
	CHECK_INT(end.outcome, RUN_CANCELLED);
}

TEST(ten_thousand_runs_without_a_process_all_come_out)
{
	CLEANUP(rig_done) Rig *r = rig_open();
	Arena *turn = arena_open();
	RunEnd ends[256];
	size_t done = 0, n;

	for (int i = 0; i < 10000; i++) {
		RunSpec spec = rig_spec(r, "internal", "core.noop");

		rig_start(r, &spec);
		if (i % 256 != 255)
			continue;
		n = r->starter->ended(r->starter, turn, ends, 256);
		for (size_t k = 0; k < n; k++)
			CHECK_INT(ends[k].outcome, RUN_SUCCEEDED);
		done += n;
		arena_reset(turn);
	}
	while ((n = r->starter->ended(r->starter, turn, ends, 256)) > 0)
		done += n;
	CHECK_INT(done, 10000);
	arena_close(turn);
}
