/* Tests of packs: real processes, within the walls of actions. */
#include "rig.h"

#include "os/fs.h"
#include "runtime/pack_tests.h"

#include <stdlib.h>
#include <unistd.h>

typedef struct TestRig {
	Rig *r;
	PackTestsConfig config;
	PackTests tests;
	TestRunner runner;
	PackTestsAsk ask;
	TestCounts counts;
	atomic_bool stopping;
	Json result;
} TestRig;

static void
test_rig(TestRig *t)
{
	Rig *r = rig_open();

	*t = (TestRig){ .r = r };
	t->config = (PackTestsConfig){ .processes = r->config,
		.envs = { .clock = clock_real(),
		    .packs_base_dir = r->config.packs_base_dir,
		    .runtime_envs_dir = r->config.runtime_envs_dir,
		    .build_timeout = 60 * US_PER_S },
		.limit = 60 * US_PER_S };
	t->config.processes.sandbox = SANDBOX_STANDARD;
	t->runner = (TestRunner){ .name = str_of("unit"), .entry_point = str_of("t.sh"), .timeout = 60 * US_PER_S };
	t->tests = (PackTests){ .enabled = true, .runners = &t->runner, .runner_count = 1, .min_pass_rate = 1 };
	t->ask = (PackTestsAsk){ .pack_ref = str_of("demo"),
		.pack_version = str_of("1.0.0"),
		.packs_dir = r->config.packs_base_dir,
		.stage = str_fmt(r->a, "%s/stage", r->dir.p),
		.tests = &t->tests };
}

static const Json *
run(TestRig *t)
{
	t->result = pack_tests_run(t->r->a, &t->config, &t->ask, &t->stopping, &t->counts);
	return json_at(json_get(json_at(json_get(&t->result, "testSuites"), 0), "testCases"), 0);
}

TEST(the_tests_of_a_pack_run_in_its_folder_with_an_environment_of_their_own)
{
	TestRig t;
	const Json *one;

	test_rig(&t);
	setenv("SECRET_OF_THE_SERVER", "s3cret", 1);
	rig_file(
	    t.r, "t.sh", "pwd; env; test -z \"$SECRET_OF_THE_SERVER\" && touch \"$HOME/mine\" && ! touch ./no 2>&1\n");
	one = run(&t);
	CHECK_STR(json_get_text(&t.result, "status"), str_of("passed"));
	CHECK(str_find(json_get_text(one, "stdout"), str_of("packs/demo\n"), NULL));
	CHECK(str_find(json_get_text(one, "stdout"), str_of("ATTUNE_PACK_REF=demo\n"), NULL));
	CHECK(t.counts.total == 1 && t.counts.passed == 1);
	CHECK(!file_exists(str_fmt(t.r->a, "%s/packs/demo/no", t.r->dir.p).p) || geteuid() != 0);
	rig_done(&t.r);
}

TEST(a_test_that_does_not_end_is_ended_with_all_that_it_began)
{
	TestRig t;
	const Json *one;

	test_rig(&t);
	t.runner.timeout = US_PER_S / 2;
	rig_file(t.r, "t.sh", "setsid sleep 600 & echo begun; wait\n");
	one = run(&t);
	CHECK_STR(json_get_text(one, "status"), str_of("error"));
	CHECK_STR(json_get_text(one, "errorMessage"), str_of("it did not end in time"));
	CHECK_STR(str_trim(json_get_text(one, "stdout")), str_of("begun"));
	CHECK(!child_tree_alive(0, str_fmt(t.r->a, "HOME=%s/stage/home", t.r->dir.p).p));
	rig_done(&t.r);
}

TEST(what_tests_print_is_bounded_and_its_end_counts)
{
	TestRig t;
	const Json *one;

	test_rig(&t);
	rig_file(t.r, "t.sh", "head -c 5000000 /dev/zero | tr '\\0' x; printf '\\nTotal Tests: 7\\nPassed: 7\\n'\n");
	one = run(&t);
	CHECK(t.counts.total == 7 && t.counts.passed == 7);
	CHECK(json_get_text(one, "stdout").n <= 16 * 1024);
	rig_done(&t.r);
}

TEST(a_runner_whose_file_is_missing_says_so)
{
	TestRig t;
	const Json *one;

	test_rig(&t);
	one = run(&t);
	CHECK_STR(json_get_text(one, "errorMessage"), str_of("there is no 't.sh' in the pack"));
	CHECK(t.counts.failed == 1);
	rig_done(&t.r);
}

TEST(python_tests_have_the_environment_of_the_pack_and_one_on_trial_is_built_in_nobodys_way)
{
	TestRig t;
	Json python;

	test_rig(&t);
	python = rig_json(t.r, "{\"interpreter\":{\"binary\":\"python3\"},"
			       "\"environment\":{\"env_type\":\"other\",\"create_command\":[\"/bin/sh\",\"-c\","
			       "\"mkdir -p {env_dir}/lib && cp {manifest_path} {env_dir}/lib/wanted.py\"]},"
			       "\"dependencies\":{\"manifest_file\":\"requirements.txt\",\"install_command\":[]},"
			       "\"env_vars\":{\"PYTHONPATH\":\"{env_dir}/lib\"}}");
	t.ask.python = &python;
	t.runner.kind = TEST_UNITTEST;
	t.runner.entry_point = str_of("t.py");
	rig_file(t.r, "requirements.txt", "ANSWER = 42\n");
	rig_file(t.r, "t.py",
	    "import unittest, wanted\n"
	    "class T(unittest.TestCase):\n"
	    "    def test_a(self): self.assertEqual(wanted.ANSWER, 42)\n"
	    "    def test_b(self): self.assertEqual(wanted.ANSWER, 43)\n");
	(void)run(&t);
	CHECK(t.counts.total == 2 && t.counts.passed == 1 && t.counts.failed == 1);
	CHECK_STR(json_get_text(&t.result, "status"), str_of("partial"));
	CHECK(!file_exists(t.r->config.runtime_envs_dir.p));
	rig_done(&t.r);
}
