/* Environments: built once, beside the old one, by installers that are processes like any other. */
#include "rig.h"

#include "os/fs.h"
#include "os/spawn.h"
#include "runtime/envs.h"

#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

/* A runtime whose installer is the pack's own script: it gets the environment's folder and the manifest. */
static const char config_text[] =
    "{\"interpreter\":{\"binary\":\"/bin/sh\",\"args\":[]},"
    "\"environment\":{\"env_type\":\"other\",\"create_command\":[\"/bin/sh\",\"-c\",\"mkdir -p {env_dir}/bin\"],"
    "\"interpreter_path\":\"{env_dir}/bin/sh\"},"
    "\"dependencies\":{\"manifest_file\":\"needs.txt\","
    "\"install_command\":[\"/bin/sh\",\"{pack_dir}/install.sh\",\"{env_dir}\",\"{manifest_path}\"]},"
    "\"env_vars\":{\"ENV_DIR\":\"{env_dir}\"}}";

static const char install[] = "echo x >>\"$(dirname \"$2\")/built\"\ncp /bin/sh \"$1/bin/sh\"\ncp \"$2\" \"$1/what\"\n";

static Envs *shared; /* of the rig being opened */

static Envs *
envs_for(const ProcessesConfig *config)
{
	EnvsConfig c = {
		.clock = clock_real(),
		.packs_base_dir = config->packs_base_dir,
		.runtime_envs_dir = config->runtime_envs_dir,
		.build_timeout = 60 * US_PER_S,
	};
	Envs *e = envs_open(&c);
	Err err = { 0 };

	CHECK_OK(envs_start(e, NULL, NULL, &err), err);
	return e;
}

static void
with_envs(ProcessesConfig *config)
{
	config->envs = shared = envs_for(config);
}

typedef struct EnvRig {
	Rig *r;
	Envs *envs;
	Json config;
} EnvRig;

static EnvRig
env_rig(void)
{
	EnvRig e = { .r = rig_open_with(with_envs) };

	e.envs = shared;
	e.config = rig_json(e.r, config_text);
	rig_file(e.r, "install.sh", install);
	rig_file(e.r, "needs.txt", "one\n");
	rig_file(e.r, "actions/show.sh", "cat \"$ENV_DIR/what\"; readlink /proc/$$/exe\n");
	return e;
}

static void
env_rig_done(EnvRig *e)
{
	Envs *envs = e->envs;

	rig_done(&e->r);
	envs_close(envs);
}

static RunSpec
env_spec(EnvRig *e, const char *entry)
{
	RunSpec s = rig_spec(e->r, "demo-sh", entry);

	s.runtime_config = &e->config;
	return s;
}

static size_t
times_built(EnvRig *e)
{
	Str text;

	return file_read(e->r->a, str_fmt(e->r->a, "%s/packs/demo/built", e->r->dir.p).p, 1 << 16, &text, NULL)
		   ? text.n / 2
		   : 0;
}

/* Folders "demo-sh@...". */
static size_t
folders(EnvRig *e)
{
	DirEntry *list;
	size_t n, found = 0, at;

	if (!dir_list(e->r->a, str_fmt(e->r->a, "%s/envs/demo", e->r->dir.p).p, &list, &n, NULL))
		return 0;
	for (size_t i = 0; i < n; i++)
		found += str_find(list[i].name, str_of("@"), &at);
	return found;
}

TEST(a_run_waits_for_its_environment_and_the_next_finds_it)
{
	CLEANUP(env_rig_done) EnvRig e = env_rig();
	RunSpec s = env_spec(&e, "show.sh");
	RunEnd end = rig_run(e.r, &s);

	CHECK_INT(end.outcome, RUN_SUCCEEDED);
	CHECK(str_starts(rig_text(&end, "stdout"), str_of("one\n/tmp/attune-rig")));
	for (int i = 0; i < 3; i++) {
		s = env_spec(&e, "show.sh");
		CHECK_INT(rig_run(e.r, &s).outcome, RUN_SUCCEEDED);
	}
	CHECK_INT(times_built(&e), 1);
}

TEST(a_pack_without_a_dependency_file_needs_no_environment)
{
	CLEANUP(env_rig_done) EnvRig e = env_rig();
	RunSpec s = env_spec(&e, "bare.sh");
	RunEnd end;

	CHECK(unlink(str_fmt(e.r->a, "%s/packs/demo/needs.txt", e.r->dir.p).p) == 0);
	rig_file(e.r, "actions/bare.sh", "echo here\n");
	end = rig_run(e.r, &s);
	CHECK_STR(rig_text(&end, "stdout"), str_of("here\n"));
	CHECK_INT(times_built(&e), 0);
}

TEST(another_dependency_file_makes_another_environment_and_the_old_one_goes)
{
	CLEANUP(env_rig_done) EnvRig e = env_rig();
	RunSpec s = env_spec(&e, "show.sh");
	RunEnd end;

	CHECK_INT(rig_run(e.r, &s).outcome, RUN_SUCCEEDED);
	rig_file(e.r, "needs.txt", "two two\n");
	s = env_spec(&e, "show.sh");
	end = rig_run(e.r, &s);
	CHECK(str_starts(rig_text(&end, "stdout"), str_of("two two\n")));
	CHECK_INT(times_built(&e), 2);
	envs_stop(e.envs); /* the builders have tidied up */
	CHECK_INT(folders(&e), 1);
}

TEST(an_environment_in_use_is_not_removed)
{
	CLEANUP(env_rig_done) EnvRig e = env_rig();
	RunSpec old, next;
	RunEnd end;
	TimeUs until = clock_mono(clock_real()) + 30 * US_PER_S;

	CHECK(mkfifo(str_fmt(e.r->a, "%s/packs/demo/hold", e.r->dir.p).p, 0600) == 0);
	rig_file(e.r, "actions/hold.sh", "read x <hold; cat \"$ENV_DIR/what\"\n");
	old = env_spec(&e, "hold.sh");
	rig_start(e.r, &old);
	for (bool started = false; !started;) { /* it has begun when it reads */
		int fd = open(str_fmt(e.r->a, "%s/packs/demo/hold", e.r->dir.p).p, O_WRONLY | O_NONBLOCK | O_CLOEXEC);

		CHECK(clock_mono(clock_real()) < until);
		started = fd >= 0;
		if (!started) {
			CHECK_INT(e.r->starter->ended(e.r->starter, e.r->a, &end, 1), 0);
			continue;
		}
		rig_file(e.r, "needs.txt", "new\n");
		next = env_spec(&e, "show.sh");
		end = (rig_start(e.r, &next), rig_wait(e.r));
		CHECK_INT(end.execution, next.execution);
		CHECK(str_starts(rig_text(&end, "stdout"), str_of("new\n")));
		CHECK(write(fd, "x\n", 2) == 2);
		close(fd);
	}
	end = rig_wait(e.r);
	CHECK_STR(rig_text(&end, "stdout"), str_of("one\n"));
	envs_stop(e.envs);
}

TEST(a_failed_build_says_the_installers_words_and_leaves_the_old_one)
{
	CLEANUP(env_rig_done) EnvRig e = env_rig();
	RunSpec s = env_spec(&e, "show.sh");
	RunEnd end;
	size_t at;

	CHECK_INT(rig_run(e.r, &s).outcome, RUN_SUCCEEDED);
	rig_file(e.r, "install.sh", "echo 'ERROR: no such package: grue' >&2; exit 3\n");
	rig_file(e.r, "needs.txt", "grue\n");
	s = env_spec(&e, "show.sh");
	end = rig_run(e.r, &s);
	CHECK_INT(end.outcome, RUN_UNSTARTED);
	CHECK(str_find(rig_text(&end, "error"), str_of("no such package: grue"), &at));
	CHECK(str_find(rig_text(&end, "error"), str_of("exited with code 3"), &at));
	CHECK_INT(folders(&e), 1);
	rig_file(e.r, "needs.txt", "one\n");
	s = env_spec(&e, "show.sh");
	CHECK_INT(rig_run(e.r, &s).outcome, RUN_SUCCEEDED);
	CHECK_INT(times_built(&e), 1);
}

TEST(an_installer_that_does_not_end_is_ended_with_all_it_started)
{
	CLEANUP(rig_done) Rig *r = rig_open();
	EnvsConfig c = { .clock = clock_real(),
		.packs_base_dir = r->config.packs_base_dir,
		.runtime_envs_dir = r->config.runtime_envs_dir,
		.build_timeout = US_PER_S / 2 };
	Envs *e = envs_open(&c);
	Json config = rig_json(r, config_text);
	EnvWant want = { str_of("demo"), str_of("demo-sh"), &config };
	EnvUse use;
	Err err = { 0 };
	size_t at;

	CHECK_OK(envs_start(e, NULL, NULL, &err), err);
	rig_file(r, "needs.txt", "one\n");
	rig_file(r, "install.sh", "setsid sleep 1234321 & sleep 1234321\n");
	while (envs_use(e, r->a, &want, &use) == ENV_BUILDING)
		rig_pause(r, clock_mono(clock_real()) + US_PER_MS);
	CHECK(str_find(use.problem, str_of("did not end within"), &at));
	CHECK(!child_tree_alive(0, "ATTUNE_PACK=none"));
	CHECK(system("! pgrep -f '[s]leep 1234321' >/dev/null") == 0);
	envs_close(e);
}

/* Two processes, each with its builders, at once. */
TEST(two_workers_on_one_machine_build_once)
{
	CLEANUP(env_rig_done) EnvRig e = env_rig();
	Envs *other = envs_for(&e.r->config);
	EnvWant want = { str_of("demo"), str_of("demo-sh"), &e.config };
	EnvUse use;
	RunSpec s = env_spec(&e, "show.sh");

	rig_start(e.r, &s);
	while (envs_use(other, e.r->a, &want, &use) == ENV_BUILDING)
		rig_pause(e.r, clock_mono(clock_real()) + US_PER_MS);
	CHECK(use.lease >= 0);
	close(use.lease);
	CHECK_INT(rig_wait(e.r).outcome, RUN_SUCCEEDED);
	CHECK_INT(times_built(&e), 1);
	envs_close(other);
}

/* Dies in the middle of an installer; its lock dies with it. */
TEST(a_builder_that_is_killed_leaves_nothing_half_made_in_use)
{
	CLEANUP(env_rig_done) EnvRig e = env_rig();
	const char *fifo = str_fmt(e.r->a, "%s/packs/demo/midway", e.r->dir.p).p;
	EnvWant want = { str_of("demo"), str_of("demo-sh"), &e.config };
	EnvUse use;
	RunSpec s;
	RunEnd end;
	pid_t child;

	CHECK(mkfifo(fifo, 0600) == 0);
	rig_file(e.r, "install.sh",
	    "echo half >\"$1/what\"; cp /bin/sh \"$1/bin/sh\"; echo >\"$(dirname \"$2\")/midway\"; sleep 600\n");
	child = fork();
	if (child == 0) {
		Envs *mine = envs_for(&e.r->config);

		(void)envs_use(mine, e.r->a, &want, &use);
		for (;;)
			pause();
	}
	(void)rig_await(e.r, "install.sh"); /* is there */
	{
		char byte;
		int fd = open(fifo, O_RDONLY | O_CLOEXEC);

		CHECK(read(fd, &byte, 1) == 1);
		close(fd);
	}
	CHECK(kill(child, SIGKILL) == 0 && waitpid(child, NULL, 0) == child);
	CHECK_INT(folders(&e), 1); /* the half */
	rig_file(e.r, "install.sh", install);
	s = env_spec(&e, "show.sh");
	end = rig_run(e.r, &s);
	CHECK(str_starts(rig_text(&end, "stdout"), str_of("one\n")));
	envs_stop(e.envs);
	CHECK_INT(folders(&e), 1);
}

TEST(cancelling_a_run_that_waits_for_its_environment_ends_it)
{
	CLEANUP(env_rig_done) EnvRig e = env_rig();
	RunSpec s;

	rig_file(e.r, "install.sh", "sleep 600\n");
	s = env_spec(&e, "show.sh");
	rig_start(e.r, &s);
	CHECK_INT(e.r->starter->running(e.r->starter), 1);
	e.r->starter->cancel(e.r->starter, s.execution, s.attempt);
	CHECK_INT(rig_wait(e.r).outcome, RUN_CANCELLED);
	s = env_spec(&e, "show.sh");
	rig_start(e.r, &s);
	e.r->starter->kill_all(e.r->starter);
	CHECK_INT(rig_wait(e.r).outcome, RUN_CANCELLED);
	envs_stop(e.envs);
}

TEST(an_environment_can_be_built_anew_and_forgotten)
{
	CLEANUP(env_rig_done) EnvRig e = env_rig();
	EnvWant want = { str_of("demo"), str_of("demo-sh"), &e.config };
	RunSpec s = env_spec(&e, "show.sh");

	CHECK_INT(rig_run(e.r, &s).outcome, RUN_SUCCEEDED);
	envs_ensure(e.envs, &want, true);
	while (times_built(&e) < 2 || folders(&e) > 1) /* the old one stays as long as a run has it */
		rig_pause(e.r, clock_mono(clock_real()) + US_PER_MS);
	s = env_spec(&e, "show.sh");
	CHECK_INT(rig_run(e.r, &s).outcome, RUN_SUCCEEDED);
	envs_stop(e.envs);
	CHECK_INT(folders(&e), 1);
	envs_forget(e.envs, str_of("demo"));
	CHECK(!file_exists(str_fmt(e.r->a, "%s/envs/demo", e.r->dir.p).p));
}
