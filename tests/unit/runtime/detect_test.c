/* The core pack's runtimes as their files describe them, with interpreters that are here, and stand-ins for those that are not. */
#include "runtime/detect.h"

#include "base/yaml.h"
#include "os/fs.h"
#include "rig.h"
#include "runtime/container.h"

#include <stdlib.h>
#include <unistd.h>

/* Behaves as the command line of the interpreter of that name does, and takes scripts of bash for its own. */
typedef struct StandIn {
	const char *runtime, *binary, *script, *version;
} StandIn;

static const StandIn stand_ins[] = {
	{ "ruby", "ruby", "case $1 in --version) echo 'ruby 3.1.2p20 (2022-04-12)';; *) exec /bin/bash \"$@\";; esac",
	    "3.1.2" },
	{ "go", "go",
	    "case $1 in version) echo 'go version go1.19.8 linux/amd64';; run) shift; exec /bin/bash \"$@\";; esac",
	    "1.19.8" },
	{ "java", "java",
	    "case $1 in -version) echo 'openjdk version \"17.0.9\" 2023-10-17' >&2;; -cp) shift 2; exec /bin/bash "
	    "\"$@\";; esac",
	    "17.0.9" },
	{ "r", "Rscript",
	    "case $1 in --version) echo 'Rscript (R) version 4.2.2 (2022-10-31)' >&2;; --vanilla) shift; exec "
	    "/bin/bash \"$@\";; esac",
	    "4.2.2" },
};

static Str
program(Rig *r, const char *name, const char *script)
{
	Str folder = str_fmt(r->a, "%s/bin", r->dir.p);
	Err err = { 0 };

	CHECK_OK(dirs_make(folder.p, 0700, &err), err);
	CHECK_OK(file_write(
		     str_fmt(r->a, "%s/%s", folder.p, name).p, str_fmt(r->a, "#!/bin/bash\n%s\n", script), 0755, &err),
	    err);
	return folder;
}

static RuntimeDef
core_runtime(Rig *r, const char *name)
{
	const char *path = str_fmt(r->a, ATTUNE_SOURCE_ROOT "/packs/core/runtimes/%s.yaml", name).p;
	Json doc, versions;
	RuntimeDef d;
	Err err = { 0 };
	Str text;

	CHECK_OK(file_read(r->a, path, 1 << 20, &text, &err), err);
	CHECK_OK(yaml_parse(r->a, path, text, NULL, &doc, &err), err);
	d = (RuntimeDef){ .ref = json_get_text(&doc, "ref"), .name = json_get_text(&doc, "name") };
	d.distributions = *json_get(&doc, "distributions");
	d.execution_config = *json_get(&doc, "execution_config");
	versions = json_get(&doc, "versions") == NULL ? json_array() : *json_get(&doc, "versions");
	d.versions = arena_array(r->a, RuntimeVersionDef, versions.n + 1);
	for (; d.version_count < versions.n; d.version_count++) {
		const Json *v = json_at(&versions, d.version_count);

		d.versions[d.version_count] = (RuntimeVersionDef){ .version = json_get_text(v, "version"),
			.distributions = *json_get(v, "distributions"),
			.execution_config = *json_get(v, "execution_config") };
	}
	return d;
}

/* Whatever the interpreter, its action is a script of bash here. */
static void
check_action(Rig *r, const RuntimeDef *d, const char *ending)
{
	const char *file = str_fmt(r->a, "act%s", ending).p;
	RunSpec spec = rig_spec(r, d->name.p, file);
	Json params = rig_json(r, "{\"a\":\"x'y\"}");
	RunEnd end;

	rig_file(r, str_fmt(r->a, "actions/%s", file).p, "read -r line; echo \"$ATTUNE_ACTION $line\"");
	spec.runtime_config = &d->execution_config;
	spec.params = &params;
	end = rig_run(r, &spec);
	CHECK_STR(rig_text(&end, "stdout"), str_of("demo.act {\"a\":\"x'y\"}\n"));
	CHECK_INT(end.outcome, RUN_SUCCEEDED);
}

static Str search_path;

static void
look_there(ProcessesConfig *config)
{
	config->interpreters.path = search_path;
}

TEST(each_language_of_the_core_pack_is_found_by_its_row_and_runs_its_file)
{
	CLEANUP(rig_done) Rig *seat = rig_open();
	Rig *r;

	for (size_t i = 0; i < countof(stand_ins); i++)
		search_path =
		    str_fmt(seat->a, "%s:/usr/bin:/bin", program(seat, stand_ins[i].binary, stand_ins[i].script).p);
	r = rig_open_with(look_there);
	for (size_t i = 0; i < countof(stand_ins); i++) {
		RuntimeDef d = core_runtime(r, stand_ins[i].runtime);
		const Detected *found = runtimes_detect(r->a, &r->config.interpreters, DETECT_US, &d, 1);

		CHECK_STR(found->base.why, (Str){ 0 });
		CHECK(found->base.there);
		CHECK_STR(found->base.version, str_of(stand_ins[i].version));
		CHECK(str_ends(found->base.path, str_fmt(r->a, "/bin/%s", stand_ins[i].binary)));
		check_action(r, &d, json_get_text(json_get(&d.execution_config, "interpreter"), "file_extension").p);
	}
	rig_done(&r);
}

TEST(perl_runs_as_its_row_says)
{
	CLEANUP(rig_done) Rig *r = rig_open();
	RuntimeDef d = core_runtime(r, "perl");
	const Detected *found = runtimes_detect(r->a, &r->config.interpreters, DETECT_US, &d, 1);
	RunSpec spec = rig_spec(r, "perl", "act.pl");
	RunEnd end;

	CHECK_STR(found->base.why, (Str){ 0 });
	CHECK(str_starts(found->base.version, str_of("5.")));
	rig_file(r, "actions/act.pl", "use strict; my $p = <STDIN>; print \"got $p $INC[0]\\n\"; exit 0;");
	spec.runtime_config = &d.execution_config;
	end = rig_run(r, &spec);
	CHECK_INT(end.outcome, RUN_SUCCEEDED);
	CHECK_STR(rig_text(&end, "stdout"), str_fmt(r->a, "got {}\n %s/packs/demo/lib\n", r->dir.p));
}

TEST(why_a_runtime_is_missing_is_said_of_each_command)
{
	static const char *const rows[][2] = {
		{ "{\"verification\":{\"commands\":[{\"binary\":\"no-such-thing\"}]}}",
		    "'no-such-thing' is not in /usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin" },
		{ "{\"verification\":{\"commands\":[{\"binary\":\"/bin/false\"}]}}",
		    "'/bin/false' exited with code 1" },
		{ "{\"verification\":{\"commands\":[{\"binary\":\"/bin/"
		  "echo\",\"args\":[\"v7.0\"],\"pattern\":\"v8\\\\.\"}]}}",
		    "it said 'v7.0', which does not match 'v8\\.'" },
		{ "{\"verification\":{\"commands\":[{\"binary\":\"/bin/echo\",\"args\":[\"x\"],\"pattern\":\"(\"}]}}",
		    "its pattern cannot be read" },
		{ "{\"verification\":{\"commands\":[{\"binary\":\"/bin/"
		  "false\",\"priority\":2},{\"binary\":\"none-such\","
		  "\"priority\":1}]}}",
		    "'none-such' is not in /usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin; '/bin/false' "
		    "exited" },
	};
	CLEANUP(rig_done) Rig *r = rig_open();

	for (size_t i = 0; i < countof(rows); i++) {
		RuntimeDef d = { .distributions = rig_json(r, rows[i][0]) };
		const Detected *found = runtimes_detect(r->a, &r->config.interpreters, DETECT_US, &d, 1);

		CHECK(!found->base.there);
		CHECK_STR(str_sub(found->base.why, 0, strlen(rows[i][1])), str_of(rows[i][1]));
	}
}

TEST(commands_are_tried_in_order_and_one_that_succeeds_is_enough)
{
	CLEANUP(rig_done) Rig *r = rig_open();
	RuntimeDef d[] = {
		{ .distributions =
			rig_json(r, "{\"verification\":{\"commands\":[{\"binary\":\"/bin/echo\",\"args\":[\"v2.0\"],"
				    "\"priority\":2},{\"binary\":\"/bin/false\",\"priority\":1}]}}") },
		{ .distributions = rig_json(
		      r, "{\"verification\":{\"commands\":[{\"binary\":\"/bin/false\",\"exit_code\":1}]}}") },
		{ .distributions = rig_json(
		      r, "{\"verification\":{\"commands\":[{\"binary\":\"/bin/false\",\"optional\":true}]}}") },
		{ .distributions = rig_json(r, "{\"verification\":{\"always_available\":true}}") },
	};
	const Detected *found = runtimes_detect(r->a, &r->config.interpreters, DETECT_US, d, countof(d));

	CHECK_STR(found[0].base.version, str_of("2.0"));
	for (size_t i = 0; i < countof(d); i++)
		CHECK(found[i].base.there);
}

TEST(the_interpreter_that_an_operator_names_is_taken_for_that_binary)
{
	CLEANUP(rig_done) Rig *seat = rig_open();
	Str folder = program(seat, "mine", "case $1 in --version) echo mine 9.9;; *) echo \"mine ran $1\";; esac");
	Json named = json_object();
	Interpreters in = { .named = &named };
	RuntimeDef d = { .execution_config = rig_json(seat, "{\"interpreter\":{\"binary\":\"thing\"}}") };
	const Detected *found;

	json_add(seat->a, &named, "thing", json_str(str_fmt(seat->a, "%s/mine", folder.p)));
	found = runtimes_detect(seat->a, &in, DETECT_US, &d, 1);
	CHECK_STR(found->base.version, str_of("9.9"));
	CHECK(str_ends(found->base.path, str_of("/bin/mine")));
}

TEST(a_program_that_has_not_answered_in_time_is_late_and_one_that_answers_wrongly_is_not)
{
	CLEANUP(rig_done) Rig *seat = rig_open();
	Json named = json_object();
	Interpreters in = { .named = &named };
	RuntimeDef slow = { .execution_config = rig_json(seat, "{\"interpreter\":{\"binary\":\"slow\"}}") };
	RuntimeDef wrong = { .execution_config = rig_json(seat, "{\"interpreter\":{\"binary\":\"wrong\"}}") };
	Str bin = program(seat, "slow", "exec sleep 60");

	json_add(seat->a, &named, "slow", json_str(str_fmt(seat->a, "%s/slow", bin.p)));
	bin = program(seat, "wrong", "exit 3");
	json_add(seat->a, &named, "wrong", json_str(str_fmt(seat->a, "%s/wrong", bin.p)));
	CHECK(runtimes_detect(seat->a, &in, 50 * US_PER_MS, &slow, 1)->base.late);
	CHECK(!runtimes_detect(seat->a, &in, DETECT_US, &wrong, 1)->base.late);
}

/* ---- containers ---- */

/* Takes podman's command line apart and runs the command right here, with the environment that a container would get. */
static const char podman[] =
    "echo \"$*\" >>\"$(dirname \"$0\")/log\"\n"
    "case $1 in version) echo 4.3.1; exit;; ps) exit;; rm) echo gone >\"$(dirname \"$0\")/removed\"; exit;; esac\n"
    "shift; env=(PATH=/usr/bin:/bin); where=/\n"
    "while :; do case $1 in --rm|--interactive|--init) shift;;\n"
    "--env) case $2 in *=*) env+=(\"$2\");; *) env+=(\"$2=${!2}\");; esac; shift 2;;\n"
    "--workdir) where=$2; shift 2;; -*) shift 2;; *) break;; esac; done\n"
    "[ \"$1\" = my/image:1 ] || exit 125\n"
    "shift; cd \"$where\" && exec env -i \"${env[@]}\" \"$@\"";

static Str
podman_log(Rig *seat)
{
	Err err = { 0 };
	Str text;

	CHECK_OK(file_read(seat->a, str_fmt(seat->a, "%s/bin/log", seat->dir.p).p, 1 << 20, &text, &err), err);
	return text;
}

TEST(a_container_gets_parameters_environment_and_folders_and_nothing_secret_by_its_command_line)
{
	CLEANUP(rig_done) Rig *seat = rig_open();
	RuntimeDef d = core_runtime(seat, "container");
	Json params = rig_json(seat, "{\"a\":1}"), env = rig_json(seat, "{\"KEY\":\"s3cret\"}");
	Json own = rig_json(seat,
	    "{\"container\":{\"image\":\"my/image:1\",\"network\":\"none\",\"args\":[\"--read-only\",\"x\"]},"
	    "\"interpreter\":{\"binary\":\"bash\"}}");
	const Detected *found;
	RunSpec spec;
	RunEnd end;
	Rig *r;

	search_path = str_fmt(seat->a, "%s:/usr/bin:/bin", program(seat, "podman", podman).p);
	r = rig_open_with(look_there);
	found = runtimes_detect(r->a, &r->config.interpreters, DETECT_US, &d, 1);
	CHECK_STR(found->base.version, str_of("4.3.1"));
	spec = rig_spec(r, "container", "my/image:1  /bin/bash -c env;cat;exit");
	spec.runtime_config = &d.execution_config;
	spec.params = &params;
	spec.env_vars = &env;
	spec.api_token = str_of("t0ken");
	end = rig_run(r, &spec);
	CHECK_INT(end.outcome, RUN_SUCCEEDED);
	for (size_t i = 0; i < 4; i++) {
		static const char *const parts[] = { "KEY=s3cret\n", "ATTUNE_API_TOKEN=***\n", "{\"a\":1}\n",
			"HOME=/" };

		if (!str_find(rig_text(&end, "stdout"), str_of(parts[i]), NULL))
			CHECK_STR(rig_text(&end, "stdout"), str_of(parts[i]));
	}
	CHECK(
	    !str_find(podman_log(seat), str_of("s3cret"), NULL) && !str_find(podman_log(seat), str_of("t0ken"), NULL));
	/* a runtime of a pack that names the image runs files of the pack in it */
	rig_file(r, "actions/in.sh", "cat; pwd; exit 3");
	spec = rig_spec(r, "boxed", "in.sh");
	spec.runtime_config = &own;
	spec.params = &params;
	spec.parameter_delivery = str_of("file");
	end = rig_run(r, &spec);
	CHECK_INT(end.outcome, RUN_FAILED);
	CHECK_INT(rig_int(&end, "exit_code"), 3);
	CHECK_STR(rig_text(&end, "stdout"), str_fmt(r->a, "%s/packs/demo\n", r->dir.p));
	CHECK(str_find(podman_log(seat), str_of("--network none"), NULL));
	CHECK(str_find(podman_log(seat), str_of(" --label attune.worker=w1 --label attune.artifacts=/"), NULL));
	CHECK(str_find(
	    podman_log(seat), str_fmt(r->a, "--volume %s/packs/demo:%s/packs/demo:ro", r->dir.p, r->dir.p), NULL));
	CHECK(str_find(podman_log(seat), str_of("--read-only x my/image:1 bash"), NULL));
	/* its limits are its engine's, not those of the client */
	spec = rig_spec(r, "container", "my/image:1 /bin/bash limits.sh");
	spec.runtime_config = &d.execution_config;
	rig_file(r, "limits.sh", "ulimit -d; ulimit -n\n");
	spec.limits = (RunLimits){ .memory_mb = 96, .processes = 7, .open_files = 33 };
	spec.timeout = 2500 * US_PER_MS;
	spec.sandbox = str_of("strict");
	end = rig_run(r, &spec);
	CHECK_INT(end.outcome, RUN_SUCCEEDED);
	CHECK(str_starts(rig_text(&end, "stdout"), str_of("unlimited\n")));
	CHECK(!str_find(rig_text(&end, "stdout"), str_of("\n33\n"), NULL));
	CHECK(str_find(podman_log(seat),
	    str_of("--network none --memory 96m --memory-swap 96m --pids-limit 7 --ulimit nofile=33:33 --ulimit "),
	    NULL));
	CHECK(str_find(podman_log(seat), str_of(" --timeout 18 "), NULL));
	/* what is no image is said before anything runs */
	spec = rig_spec(r, "container", "--privileged my/image:1");
	spec.runtime_config = &d.execution_config;
	end = rig_run(r, &spec);
	CHECK_INT(end.outcome, RUN_UNSTARTED);
	CHECK_STR(rig_text(&end, "error"), str_of("action 'demo.act' names no image to run"));
	rig_done(&r);
}

static void
hasty(ProcessesConfig *config)
{
	look_there(config);
	config->kill_grace = 0;
}

TEST(a_container_whose_client_was_killed_is_removed)
{
	CLEANUP(rig_done) Rig *seat = rig_open();
	RuntimeDef d = core_runtime(seat, "container");
	TimeUs until = clock_mono(clock_real()) + 60 * US_PER_S;
	RunSpec spec;
	RunEnd end;
	Rig *r;

	search_path = str_fmt(seat->a, "%s:/usr/bin:/bin", program(seat, "podman", podman).p);
	r = rig_open_with(hasty);
	spec = rig_spec(r, "container", "my/image:1 /bin/sleep 1000");
	spec.runtime_config = &d.execution_config;
	spec.timeout = 50 * US_PER_MS;
	end = rig_run(r, &spec);
	CHECK_INT(end.outcome, RUN_TIMED_OUT);
	while (!file_exists(str_fmt(r->a, "%s/bin/removed", seat->dir.p).p)) {
		CHECK(clock_mono(clock_real()) < until);
		rig_pause(r, clock_mono(clock_real()) + US_PER_MS);
	}
	CHECK(
	    str_find(podman_log(seat), str_fmt(r->a, "rm --force attune-w1-%lld-1-", (long long)spec.execution), NULL));
	rig_done(&r);
}

TEST(the_engine_that_is_asked_whether_it_is_there_is_the_one_that_the_worker_was_told_of)
{
	CLEANUP(rig_done) Rig *seat = rig_open();
	Interpreters in = { .path = program(seat, "docker", "[ \"$DOCKER_HOST\" = unix:///mine ] && echo 20.10.24") };
	RuntimeDef d = core_runtime(seat, "container");
	const Detected *found;

	in.path = str_fmt(seat->a, "%.*s:/nowhere", STR_ARG(in.path));
	CHECK(!runtimes_detect(seat->a, &in, DETECT_US, &d, 1)->base.there);
	setenv("DOCKER_HOST", "unix:///mine", 1);
	found = runtimes_detect(seat->a, &in, DETECT_US, &d, 1);
	unsetenv("DOCKER_HOST");
	CHECK_STR(found->base.why, (Str){ 0 });
	CHECK_STR(found->base.version, str_of("20.10.24"));
}
