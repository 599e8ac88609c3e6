#include "rig.h"

#include "os/fs.h"

#include <sys/stat.h>
#include <unistd.h>

static RunEnd
run_of(Rig *r, const char *runtime, const char *entry)
{
	RunSpec spec = rig_spec(r, runtime, entry);

	return rig_run(r, &spec);
}

static void
check_unstarted(const RunEnd *end, const char *words)
{
	size_t at;

	CHECK_INT(end->outcome, RUN_UNSTARTED);
	CHECK(!json_as_bool(json_get(&end->result, "succeeded"), true));
	if (!str_find(rig_text(end, "error"), str_of(words), &at))
		test_fail(__FILE__, __LINE__, "'%.*s' does not say '%s'", STR_ARG(rig_text(end, "error")), words);
	CHECK_INT(end->result.n, 2); /* succeeded and error, as the contract has it */
}

TEST(a_file_of_the_pack_runs_in_the_packs_folder)
{
	CLEANUP(rig_done) Rig *r = rig_open();
	RunEnd end;

	rig_file(r, "actions/where.sh", "pwd; echo \"$0\"\n");
	end = run_of(r, "shell", "where.sh");
	CHECK_INT(end.outcome, RUN_SUCCEEDED);
	CHECK_STR(rig_text(&end, "stdout"),
	    str_fmt(r->a, "%s/packs/demo\n%s/packs/demo/actions/where.sh\n", r->dir.p, r->dir.p));
}

TEST(a_missing_file_is_named_and_no_process_runs)
{
	CLEANUP(rig_done) Rig *r = rig_open();
	RunEnd end = run_of(r, "python", "gone.py");

	check_unstarted(&end, "entry point 'gone.py' of action 'demo.act' not found in pack 'demo'");
	end = run_of(r, "shell", "gone.sh");
	check_unstarted(&end, "'gone.sh'");
	end = run_of(r, "native", "gone");
	check_unstarted(&end, "'gone'");
	end = run_of(r, "shell", "");
	check_unstarted(&end, "no entry point");
}

TEST(an_entry_point_cannot_leave_its_pack)
{
	CLEANUP(rig_done) Rig *r = rig_open();
	RunSpec spec;
	RunEnd end;

	end = run_of(r, "shell", "../../x");
	check_unstarted(&end, "leads out of pack 'demo'");
	end = run_of(r, "native", "../../../../../../../bin/true");
	check_unstarted(&end, "leads out of pack 'demo'");
	CHECK_INT(symlink("/bin/true", str_fmt(r->a, "%s/packs/demo/actions/link", r->dir.p).p), 0);
	end = run_of(r, "native", "link");
	check_unstarted(&end, "leads out of pack 'demo'");
	spec = rig_spec(r, "shell", "x");
	spec.pack_ref = str_of("../demo");
	end = rig_run(r, &spec);
	check_unstarted(&end, "cannot be the folder of a pack");
}

TEST(a_native_action_is_executed_itself_and_says_when_it_cannot_be)
{
	CLEANUP(rig_done) Rig *r = rig_open();
	RunEnd end;

	rig_file(r, "actions/tool", "#!/bin/sh\necho native $#\n");
	end = run_of(r, "native", "tool");
	CHECK_STR(rig_text(&end, "stdout"), str_of("native 0\n"));
	CHECK_INT(chmod(str_fmt(r->a, "%s/packs/demo/actions/tool", r->dir.p).p, 0644), 0);
	end = run_of(r, "native", "tool");
	check_unstarted(&end, "Permission denied");
}

TEST(interpreter_arguments_and_placeholders_are_filled_in)
{
	CLEANUP(rig_done) Rig *r = rig_open();
	Json config = rig_json(r, "{\"interpreter\":{\"binary\":\"/bin/"
				  "echo\",\"args\":[\"-n\",\"{pack_dir}|{env_dir}|{interpreter}|{other}\"]},"
				  "\"dependencies\":{\"manifest_file\":\"req.txt\"},"
				  "\"env_vars\":{\"A\":\"{manifest_path}\"}}");
	RunSpec spec = rig_spec(r, "thing", "x.sh");
	RunEnd end;
	const char *d = r->dir.p;

	rig_file(r, "actions/x.sh", "");
	spec.runtime_config = &config;
	end = rig_run(r, &spec);
	CHECK_STR(rig_text(&end, "stdout"),
	    str_fmt(r->a, "%s/packs/demo|%s/envs/demo/thing|/bin/echo|{other} %s/packs/demo/actions/x.sh", d, d, d));
	config = rig_json(r, "{\"interpreter\":{\"binary\":\"/bin/echo\",\"args\":[\"[{action_file}]\"]}}");
	spec.execution++;
	end = rig_run(r, &spec);
	CHECK_STR(rig_text(&end, "stdout"), str_fmt(r->a, "[%s/packs/demo/actions/x.sh]\n", d));
}

TEST(the_environments_interpreter_is_used_when_it_is_there)
{
	CLEANUP(rig_done) Rig *r = rig_open();
	Json config = rig_json(r, "{\"interpreter\":{\"binary\":\"/bin/bash\"},"
				  "\"environment\":{\"env_type\":\"x\",\"interpreter_path\":\"{env_dir}/bin/mine\"}}");
	RunSpec spec = rig_spec(r, "thing", "x.sh");
	Err err = { 0 };
	RunEnd end;

	rig_file(r, "actions/x.sh", "echo plain");
	spec.runtime_config = &config;
	end = rig_run(r, &spec);
	CHECK_STR(rig_text(&end, "stdout"), str_of("plain\n"));
	CHECK_OK(dirs_make(str_fmt(r->a, "%s/envs/demo/thing/bin", r->dir.p).p, 0700, &err), err);
	CHECK_OK(file_write(str_fmt(r->a, "%s/envs/demo/thing/bin/mine", r->dir.p).p, str_of("#!/bin/sh\necho mine\n"),
		     0755, &err),
	    err);
	spec.execution++;
	end = rig_run(r, &spec);
	CHECK_STR(rig_text(&end, "stdout"), str_of("mine\n"));
}

TEST(inline_shell_code_sees_its_parameters_and_keeps_its_line_numbers)
{
	CLEANUP(rig_done) Rig *r = rig_open();
	RunSpec spec = rig_spec(r, "shell",
	    "echo \"$PARAM_MY_NAME|$name|$PARAM_PATH|$PARAM_OBJ\"\n(env | grep -c PARAM_); ls /bin/sh\ncat; "
	    "no_such_command");
	Json params = rig_json(r, "{\"my-name\":\"a'b\",\"name\":\"n\\n2\",\"PATH\":\"/evil\",\"obj\":{\"x\":1}}");
	Json config = rig_json(
	    r, "{\"interpreter\":{\"binary\":\"/bin/bash\"},\"inline_execution\":{\"strategy\":\"temp_file\"}}");
	RunEnd end;
	size_t at;

	spec.params = &params;
	spec.runtime_config = &config;
	end = rig_run(r, &spec);
	CHECK_INT(rig_int(&end, "exit_code"), 127);
	CHECK_STR(rig_text(&end, "stdout"), str_of("a'b|n\n2|/evil|{\"x\":1}\n0\n/bin/sh\n")); /* stdin was empty */
	CHECK(str_find(rig_text(&end, "error"), str_of("line 3: no_such_command"), &at));
}

TEST(inline_python_calls_run_when_defined_and_else_is_the_script)
{
	CLEANUP(rig_done) Rig *r = rig_open();
	RunSpec spec = rig_spec(r, "python", "def run(a, b=2):\n    return {'sum': a + b}\n");
	Json params = rig_json(r, "{\"a\":40}");
	RunEnd end;

	spec.params = &params;
	spec.output_format = str_of("json");
	end = rig_run(r, &spec);
	CHECK_INT(json_as_int(json_path(&end.result, str_of("data.sum")), 0), 42);

	spec = rig_spec(r, "python", "import sys, json\nprint(json.load(sys.stdin)['a'] + 1, __name__)\n");
	spec.params = &params;
	end = rig_run(r, &spec);
	CHECK_STR(rig_text(&end, "stdout"), str_of("41 __main__\n"));

	spec = rig_spec(r, "python", "async def run(**p):\n    raise ValueError('not ' + str(p['a']))\n");
	spec.params = &params;
	end = rig_run(r, &spec);
	CHECK_INT(end.outcome, RUN_FAILED);
	CHECK_STR(rig_text(&end, "error"), str_of("ValueError: not 40"));
}

TEST(inline_node_code_runs)
{
	CLEANUP(rig_done) Rig *r = rig_open();
	RunSpec spec = rig_spec(r, "nodejs",
	    "const p = JSON.parse(require('fs').readFileSync(0));\nconsole.log(JSON.stringify({twice: p.a * 2}))");
	Json params = rig_json(r, "{\"a\":21}");
	RunEnd end;

	if (!file_exists("/usr/bin/node"))
		test_skip("no node here");
	spec.params = &params;
	spec.output_format = str_of("json");
	end = rig_run(r, &spec);
	CHECK_INT(json_as_int(json_path(&end.result, str_of("data.twice")), 0), 42);
}
