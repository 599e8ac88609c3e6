/* What a run gives back: every row of the contract's table, its output, its environment. */
#include "rig.h"

#include "os/fs.h"

#include <dirent.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

static size_t
open_descriptors(void)
{
	DIR *d = opendir("/proc/self/fd");
	size_t n = 0;

	while (readdir(d) != NULL)
		n++;
	closedir(d);
	return n;
}

TEST(success_tells_code_duration_and_output)
{
	CLEANUP(rig_done) Rig *r = rig_open();
	TimeUs before = clock_wall(clock_real());
	RunEnd end = rig_shell(r, "echo hello");

	CHECK_INT(end.outcome, RUN_SUCCEEDED);
	CHECK(json_as_bool(json_get(&end.result, "succeeded"), false));
	CHECK_INT(rig_int(&end, "exit_code"), 0);
	CHECK(rig_int(&end, "duration_ms") >= 0);
	CHECK_STR(rig_text(&end, "stdout"), str_of("hello\n"));
	CHECK_INT(end.result.n, 4);
	CHECK(end.started_at >= before && end.finished_at >= end.started_at);
	CHECK(str_none(rig_log(r, &end, "stdout.log"))); /* small: in the row alone */
	end = rig_shell(r, ":");
	CHECK(!rig_has(&end, "stdout"));
	end = rig_shell(r, "echo note >&2");
	CHECK_INT(end.outcome, RUN_SUCCEEDED);
	CHECK_STR(rig_text(&end, "stderr"), str_of("note\n"));
}

TEST(parsed_output_is_data_and_no_stdout)
{
	CLEANUP(rig_done) Rig *r = rig_open();
	RunSpec spec = rig_spec(r, "shell", "echo '{\"a\":1,\"queue_ack\":{\"version\":1}}'");
	RunEnd end;

	spec.output_format = str_of("json");
	end = rig_run(r, &spec);
	CHECK_INT(json_as_int(json_path(&end.result, str_of("data.a")), 0), 1);
	CHECK_INT(json_as_int(json_path(&end.result, str_of("queue_ack.version")), 0), 1);
	CHECK(!rig_has(&end, "stdout"));

	spec = rig_spec(r, "shell", "echo working; echo '[1,2]'");
	spec.output_format = str_of("json");
	end = rig_run(r, &spec);
	CHECK_INT(json_get(&end.result, "data")->n, 2);
	CHECK_STR(rig_log(r, &end, "stdout.log"), str_of("working\n[1,2]\n")); /* the value does not hold all of it */
	CHECK_STR(rig_log(r, &end, "result.json"), str_of("[1,2]"));

	spec = rig_spec(r, "shell", "echo not json");
	spec.output_format = str_of("json");
	end = rig_run(r, &spec);
	CHECK_INT(end.outcome, RUN_SUCCEEDED);
	CHECK_STR(rig_text(&end, "stdout"), str_of("not json\n"));
	CHECK(!rig_has(&end, "data"));
}

TEST(failure_says_why)
{
	CLEANUP(rig_done) Rig *r = rig_open();
	RunEnd end = rig_shell(r, "echo out; exit 3");

	CHECK_INT(end.outcome, RUN_FAILED);
	CHECK_INT(rig_int(&end, "exit_code"), 3);
	CHECK(!json_as_bool(json_get(&end.result, "succeeded"), true));
	CHECK_STR(rig_text(&end, "error"), str_of("Command exited with code 3"));
	CHECK_STR(rig_text(&end, "stdout"), str_of("out\n"));
	end = rig_shell(r, "echo one >&2; echo two >&2; exit 1");
	CHECK_STR(rig_text(&end, "error"), str_of("one\ntwo"));
	end = rig_shell(r, "seq 1 9 >&2; exit 1");
	CHECK_STR(rig_text(&end, "error"), str_of("9"));
	end = rig_shell(r, "yes line | head -c 200000 >&2; echo the end >&2; exit 1");
	CHECK_STR(rig_text(&end, "error"), str_of("the end"));
	CHECK_STR(rig_text(&end, "stderr_log"),
	    str_fmt(r->a, "%s/artifacts/w1/execution_%lld/stderr.log", r->dir.p, (long long)end.execution));
	CHECK(!rig_has(&end, "stderr"));
}

TEST(a_signal_is_named)
{
	CLEANUP(rig_done) Rig *r = rig_open();
	RunEnd end = rig_shell(r, "echo last words >&2; kill -9 $$");

	CHECK_INT(end.outcome, RUN_FAILED);
	CHECK_INT(rig_int(&end, "exit_code"), 137);
	CHECK_STR(rig_text(&end, "error"), str_of("killed by signal 9 (SIGKILL)"));
	CHECK_STR(rig_text(&end, "stderr"), str_of("last words\n"));
}

TEST(larger_output_goes_to_files_and_the_row_holds_its_beginning)
{
	CLEANUP(rig_done) Rig *r = rig_open();
	RunEnd end = rig_shell(r, "head -c 10000 /dev/zero | tr '\\0' x");

	CHECK_INT(rig_text(&end, "stdout").n, 10000);
	CHECK_STR(rig_log(r, &end, "stdout.log"), rig_text(&end, "stdout"));
	CHECK(!rig_has(&end, "stdout_truncated"));
	end = rig_shell(r, "head -c 200000 /dev/zero | tr '\\0' y");
	CHECK_INT(rig_text(&end, "stdout").n, 65536);
	CHECK_INT(rig_log(r, &end, "stdout.log").n, 200000);
	CHECK(json_as_bool(json_get(&end.result, "stdout_truncated"), false));
	CHECK_INT(rig_int(&end, "stdout_bytes_truncated"), 200000 - 65536);
	CHECK(rig_has(&end, "stdout_log"));
}

TEST(a_flood_of_fifty_megabytes_is_cut_with_a_note_and_the_run_succeeds)
{
	CLEANUP(rig_done) Rig *r = rig_open();
	RunEnd end = rig_shell(r, "head -c 52428800 /dev/zero | tr '\\0' z; echo done >&2");
	Str text = rig_log(r, &end, "stdout.log");
	size_t at;

	CHECK_INT(end.outcome, RUN_SUCCEEDED);
	CHECK_STR(rig_text(&end, "stderr"), str_of("done\n"));
	CHECK_INT(rig_int(&end, "stdout_bytes_truncated"), 52428800 - 65536);
	CHECK(text.n <= 10 << 20);
	CHECK(text.n > (10 << 20) - 200);
	CHECK(str_find(
	    str_sub(text, text.n - 100, text.n), str_of("[output truncated: 41943168 bytes were left out]"), &at));
	CHECK(arena_used(r->a) < 64 << 20);
}

static void
spilling(ProcessesConfig *config)
{
	config->spill_max = 150 << 20;
}

/* The most that was resident since the last call, in bytes. */
static size_t
resident_most(void)
{
	Arena *a = arena_open();
	Str text, line, name;
	int64_t kb = 0;

	CHECK(file_read(a, "/proc/self/status", 1 << 16, &text, NULL));
	while (kb == 0 && str_cut(&text, '\n', &line))
		if (str_cut(&line, ':', &name) && str_is(name, "VmHWM"))
			kb = strtol(str_cstr(a, line), NULL, 10);
	CHECK(kb > 0 && file_write("/proc/self/clear_refs", str_of("5"), 0, NULL));
	arena_close(a);
	return (size_t)kb << 10;
}

static off_t
size_of(Rig *r, const KeptFile *f)
{
	struct stat st;

	CHECK(stat(str_fmt(r->a, "%.*s/%.*s", STR_ARG(f->root), STR_ARG(f->path)).p, &st) == 0);
	return st.st_size;
}

TEST(a_hundred_megabytes_are_kept_whole_beside_the_log_and_not_in_memory)
{
	CLEANUP(rig_done) Rig *r = rig_open_with(spilling);
	size_t before;
	RunEnd end;
	Str log;

	end = rig_shell(r, "head -c 20000000 /dev/zero | tr '\\0' x"); /* what is made once is there */
	CHECK_INT(end.kept.n, 1);
	(void)resident_most();
	before = resident_most();
	end = rig_shell(r, "head -c 104857600 /dev/zero | tr '\\0' y; yes eeeeeee | head -c 30000000 >&2; "
			   "echo last words >&2; exit 1");
	CHECK(resident_most() <= before + (8 << 20));
	CHECK_INT(end.outcome, RUN_FAILED);
	CHECK_STR(rig_text(&end, "error"), str_of("last words"));
	CHECK_STR(rig_text(&end, "stdout_artifact"), str_of("demo.act.stdout.log"));
	CHECK_STR(rig_text(&end, "stderr_artifact"), str_of("demo.act.stderr.log"));
	CHECK(!rig_has(&end, "stdout_artifact_bytes_truncated"));
	CHECK_INT(end.kept.n, 2);
	CHECK_INT(end.kept.files[0].bytes, 104857600);
	CHECK_INT(size_of(r, &end.kept.files[0]), 104857600);
	CHECK_INT(size_of(r, &end.kept.files[1]), 30000000 + 11);
	log = rig_log(r, &end, "stdout.log");
	CHECK(log.n <= 10 << 20);
	CHECK(str_ends(log, str_of("bytes were left out; artifact 'demo.act.stdout.log' has them]\n")));
}

TEST(what_is_kept_beside_the_log_has_a_limit_too)
{
	CLEANUP(rig_done) Rig *r = rig_open_with(spilling);
	RunSpec spec = rig_spec(r, "shell", "head -c 200000000 /dev/zero | tr '\\0' y");
	RunEnd end;

	end = rig_run(r, &spec);
	CHECK_INT(end.outcome, RUN_SUCCEEDED);
	CHECK(size_of(r, &end.kept.files[0]) <= 150 << 20);
	CHECK_INT(rig_int(&end, "stdout_artifact_bytes_truncated"), 200000000 - end.kept.files[0].bytes);
	end = rig_shell(r, "seq 1 9");
	CHECK_INT(end.kept.n, 0);
}

static void
files_always(ProcessesConfig *config)
{
	config->inline_output = 0;
	config->stdout_max = 1000;
}

TEST(with_inline_zero_files_are_always_written_but_not_for_empty_streams)
{
	CLEANUP(rig_done) Rig *r = rig_open_with(files_always);
	RunSpec spec = rig_spec(r, "shell", "echo 1");
	RunEnd end;

	spec.output_format = str_of("json");
	end = rig_run(r, &spec);
	CHECK_STR(rig_log(r, &end, "stdout.log"), str_of("1\n"));
	CHECK_STR(rig_log(r, &end, "result.json"), str_of("1"));
	CHECK(str_none(rig_log(r, &end, "stderr.log")));
	end = rig_shell(r, "head -c 5000 /dev/zero | tr '\\0' x");
	CHECK_INT(rig_text(&end, "stdout").n, 1000 - 128);
	CHECK_INT(rig_int(&end, "stdout_bytes_truncated"), 5000 - 872);
	CHECK(rig_log(r, &end, "stdout.log").n <= 1000);
}

TEST(bytes_that_are_no_text_are_replaced)
{
	CLEANUP(rig_done) Rig *r = rig_open();
	RunEnd end = rig_shell(r, "printf 'a\\377b\\303'");

	CHECK_STR(rig_text(&end, "stdout"), str_of("a\xEF\xBF\xBD"
						   "b\xEF\xBF\xBD"));
}

TEST(a_log_that_cannot_be_written_is_said_and_harms_nothing)
{
	CLEANUP(rig_done) Rig *r = rig_open();
	Err err = { 0 };
	RunEnd end;

	CHECK_OK(file_write(str_fmt(r->a, "%s/artifacts", r->dir.p).p, str_of("x"), 0600, &err), err);
	end = rig_shell(r, "head -c 200000 /dev/zero | tr '\\0' y");
	CHECK_INT(end.outcome, RUN_SUCCEEDED);
	CHECK_INT(rig_text(&end, "stdout").n, 65536);
	CHECK(rig_has(&end, "log_error"));
}

TEST(writing_to_dev_stderr_adds_to_the_log)
{
	CLEANUP(rig_done) Rig *r = rig_open();
	RunEnd end = rig_shell(r, "echo one >&2; echo two > /dev/stderr; echo a; echo b > /dev/stdout");

	CHECK_STR(rig_text(&end, "stderr"), str_of("one\ntwo\n"));
	CHECK_STR(rig_text(&end, "stdout"), str_of("a\nb\n"));
}

TEST(an_action_may_write_large_files)
{
	CLEANUP(rig_done) Rig *r = rig_open();
	RunEnd end = rig_shell(r, "head -c 20000000 /dev/zero > big && wc -c < big && rm big");

	CHECK_STR(rig_text(&end, "stdout"), str_of("20000000\n"));
}

TEST(a_megabyte_of_parameters_may_be_ignored_or_read)
{
	CLEANUP(rig_done) Rig *r = rig_open();
	char *text = arena_alloc(r->a, 1 << 20);
	Json params = json_object();
	RunSpec spec = rig_spec(r, "shell", "exec 0<&-; echo fine");
	RunEnd end;

	memset(text, 'p', 1 << 20);
	json_add(r->a, &params, "big", json_str((Str){ text, 1 << 20 }));
	spec.params = &params;
	end = rig_run(r, &spec);
	CHECK_STR(rig_text(&end, "stdout"), str_of("fine\n"));
	spec = rig_spec(r, "native", "count");
	rig_file(r, "actions/count", "#!/bin/sh\nwc -c\n");
	spec.params = &params;
	end = rig_run(r, &spec);
	CHECK_STR(str_trim(rig_text(&end, "stdout")), str_fmt(r->a, "%d", (1 << 20) + 11));
}

TEST(parameters_by_file_are_in_a_private_read_only_file_and_stdin_is_empty)
{
	CLEANUP(rig_done) Rig *r = rig_open();
	RunSpec spec = rig_spec(r, "native", "show");
	Json params = rig_json(r, "{\"a\":{\"b\":1}}");
	RunEnd end;

	rig_file(r, "actions/show",
	    "#!/bin/sh\nstat -c %a \"$ATTUNE_PARAMETER_FILE\"; cat \"$ATTUNE_PARAMETER_FILE\"; cat\n"
	    "echo $ATTUNE_PARAMETER_DELIVERY $ATTUNE_PARAMETER_FORMAT; echo \"$ATTUNE_PARAMETER_FILE\"\n");
	spec.parameter_delivery = str_of("file");
	spec.parameter_format = str_of("dotenv");
	spec.params = &params;
	end = rig_run(r, &spec);
	CHECK(str_starts(rig_text(&end, "stdout"), str_of("400\na.b='1'\nfile dotenv\n/")));
	Str path = str_trim(str_sub(rig_text(&end, "stdout"), 28, 1000));
	CHECK(!file_exists(str_cstr(r->a, path)));
}

static const char wanted_env[] = "ATTUNE_ACTION=demo.act\n"
				 "ATTUNE_API_TOKEN=tok\n"
				 "ATTUNE_API_URL=http://127.0.0.1:8080\n"
				 "ATTUNE_ARTIFACTS_DIR=%s/artifacts\n"
				 "ATTUNE_CONTEXT_WHO_AM_I=me\n"
				 "ATTUNE_CORRELATION_ID=01020304-0000-0000-0000-000000000000\n"
				 "ATTUNE_EXECUTION_DIR=%s/artifacts/w1/execution_%d/files\n"
				 "ATTUNE_EXECUTION_ID=%d\n"
				 "ATTUNE_EXEC_ID=%d\n"
				 "ATTUNE_PACK_REF=demo\n"
				 "ATTUNE_PARAMETER_DELIVERY=stdin\n"
				 "ATTUNE_PARAMETER_FORMAT=json\n"
				 "ATTUNE_RULE=demo.rule\n"
				 "ATTUNE_RUNTIME_ENVS_DIR=%s/envs\n"
				 "ATTUNE_TRIGGER=demo.trig\n"
				 "HOMEY=/lib:/mine\n"
				 "LANG=C\n"
				 "LC_CTYPE=C.UTF-8\n"
				 "MINE=both\n"
				 "PATH=/first:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin\n"
				 "SHLVL=1\n"
				 "TZ=UTC\n";

TEST(the_environment_is_made_from_nothing)
{
	CLEANUP(rig_done) Rig *r = rig_open();
	RunSpec spec = rig_spec(r, "native", "env");
	Json config =
	    rig_json(r, "{\"env_vars\":{\"PATH\":{\"value\":\"/first\",\"operation\":\"prepend\"},\"HOMEY\":\"/lib\","
			"\"MINE\":\"runtime\"}}");
	Json vars = rig_json(
	    r, "{\"MINE\":\"both\",\"HOMEY\":\"/lib:/mine\",\"ATTUNE_EXEC_ID\":\"forged\",\"ATTUNE_RUN\":\"x\"}");
	Json params = rig_json(r, "{\"context\":{\"who-am-i\":\"me\"}}");
	const char *d = r->dir.p;
	RunEnd end;
	int id;

	setenv("SECRET_OF_THE_WORKER", "x", 1);
	rig_file(r, "actions/env",
	    "#!/usr/bin/python3\nimport os\nprint(''.join(sorted(f'{k}={v}\\n' for k, v in os.environ.items()\n"
	    "    if k not in ('HOME','TMPDIR','ATTUNE_RUN','ATTUNE_WORKER'))), end='')\n"
	    "assert os.environ['HOME'] == os.environ['TMPDIR'] and os.stat(os.environ['HOME']).st_mode & 0o777 == "
	    "0o700\n"
	    "assert os.environ['ATTUNE_RUN'].endswith(':' + os.environ['ATTUNE_EXEC_ID'] + ':1')\n"
	    "assert 'ATTUNE_WORKER' in os.environ\n");
	spec.runtime_config = &config;
	spec.env_vars = &vars;
	spec.params = &params;
	spec.rule_ref = str_of("demo.rule");
	spec.trigger_ref = str_of("demo.trig");
	spec.api_token = str_of("tok");
	spec.correlation = (Uuid){ { 1, 2, 3, 4 } };
	end = rig_run(r, &spec);
	id = (int)spec.execution;
	unsetenv("SECRET_OF_THE_WORKER");
	CHECK_INT(rig_int(&end, "exit_code"), 0);
	CHECK_STR(rig_text(&end, "stdout"), str_fmt(r->a, wanted_env, d, d, id, id, id, d));
	vars = rig_json(r, "{\"A=B\":\"x\"}");
	spec.execution++;
	end = rig_run(r, &spec);
	CHECK_INT(end.outcome, RUN_UNSTARTED);
}

TEST(the_private_home_is_empty_at_first_and_gone_afterwards_with_all_that_was_put_there)
{
	CLEANUP(rig_done) Rig *r = rig_open();
	RunSpec spec = rig_spec(r, "native", "home");
	RunEnd end;

	rig_file(r, "actions/home",
	    "#!/bin/sh\nls -A \"$HOME\"; mkdir -p ~/a/b; echo x > ~/a/b/c; chmod 500 ~/a/b; echo ~\n");
	end = rig_run(r, &spec);
	CHECK(str_starts(rig_text(&end, "stdout"), str_of("/")));
	CHECK(!file_exists(str_cstr(r->a, str_trim(rig_text(&end, "stdout")))));
}

TEST(an_attempt_that_runs_is_not_started_again)
{
	CLEANUP(rig_done) Rig *r = rig_open();
	RunSpec spec = rig_spec(r, "shell", "cat > /dev/null; echo once");
	Err err = { 0 };
	RunEnd end;

	rig_start(r, &spec);
	CHECK(!r->starter->start(r->starter, &spec, &err));
	CHECK_INT(err.code, ERR_CONFLICT);
	end = rig_wait(r);
	CHECK_STR(rig_text(&end, "stdout"), str_of("once\n"));
	CHECK_INT(r->starter->ended(r->starter, r->a, &end, 1), 0);
}

TEST(two_hundred_runs_leave_no_descriptor_and_no_child)
{
	CLEANUP(rig_done) Rig *r = rig_open();
	size_t before, done = 0;
	RunEnd ends[8];

	(void)rig_shell(r, ":");
	before = open_descriptors();
	for (int i = 0; i < 200; i++) {
		RunSpec spec = rig_spec(r, "shell", i % 5 == 0 ? "exit 1" : "echo x; echo y >&2");

		rig_start(r, &spec);
		while (r->starter->running(r->starter) >= 8) {
			rig_pause(r, 0);
			done += r->starter->ended(r->starter, r->a, ends, 8);
		}
	}
	while (done < 200) {
		rig_pause(r, 0);
		done += r->starter->ended(r->starter, r->a, ends, 8);
	}
	CHECK_INT(r->starter->running(r->starter), 0);
	CHECK_INT(open_descriptors(), before);
}

TEST(what_the_output_schema_says_is_secret_is_taken_out_everywhere_and_what_breaks_it_is_said)
{
	CLEANUP(rig_done) Rig *r = rig_open_with(files_always);
	Json schema = rig_json(r,
	    "{\"token\":{\"type\":\"string\",\"secret\":true},\"n\":{\"type\":\"integer\",\"required\":true},"
	    "\"deep\":{\"type\":\"object\",\"properties\":{\"pin\":{\"type\":\"string\",\"secret\":true}}}}");
	RunSpec spec = rig_spec(r, "shell",
	    "echo working with hunter22; echo "
	    "'{\"token\":\"hunter22\",\"n\":1,\"deep\":{\"pin\":\"9876-abc\",\"x\":2}}'");
	RunEnd end;

	spec.output_format = str_of("json");
	spec.out_schema = &schema;
	end = rig_run(r, &spec);
	CHECK_INT(end.outcome, RUN_SUCCEEDED);
	CHECK(!str_find(json_text(r->a, &end.result), str_of("hunter22"), NULL));
	CHECK(!str_find(json_text(r->a, &end.result), str_of("9876"), NULL));
	CHECK(!rig_has(&end, "output_error"));
	CHECK_INT(json_as_int(json_path(&end.result, str_of("data.deep.x")), -1), 2);
	CHECK_INT(end.secrets.n, 2);
	CHECK_STR(rig_log(r, &end, "stdout.log"),
	    str_of("working with ***\n{\"token\":\"***\",\"n\":1,\"deep\":{\"pin\":\"***\",\"x\":2}}\n"));
	CHECK(!str_find(rig_log(r, &end, "result.json"), str_of("hunter22"), NULL));
	/* put back, it is what it was */
	secrets_put(r->a, &end.result, end.secrets.list, end.secrets.n);
	CHECK_STR(json_as_str(json_path(&end.result, str_of("data.token"))), str_of("hunter22"));
	CHECK_STR(json_as_str(json_path(&end.result, str_of("data.deep.pin"))), str_of("9876-abc"));
	spec.execution++;
	spec.entrypoint = str_of("echo '{\"n\":\"many\"}'");
	end = rig_run(r, &spec);
	CHECK_INT(end.outcome, RUN_SUCCEEDED);
	CHECK(str_find(rig_text(&end, "output_error"), str_of("/n"), NULL));
}

TEST(the_token_of_a_run_does_not_stand_in_what_it_prints)
{
	CLEANUP(rig_done) Rig *r = rig_open();
	RunSpec spec = rig_spec(r, "shell", "echo $ATTUNE_API_TOKEN; env >&2; test ${#ATTUNE_API_TOKEN} = 17");
	RunEnd end;

	spec.api_token = str_of("head.its-own.sign");
	end = rig_run(r, &spec);
	CHECK_INT(end.outcome, RUN_SUCCEEDED);
	CHECK_STR(rig_text(&end, "stdout"), str_of("***\n"));
	CHECK(!str_find(json_text(r->a, &end.result), spec.api_token, NULL));
}
