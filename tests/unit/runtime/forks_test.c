/* A run that is a fork of a server behaves as `python3 script.py` does, to the byte. */
#include "rig.h"

#include "os/fs.h"
#include "os/spawn.h"
#include "os/timers.h"
#include "runtime/run.h"

#include <dirent.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static const char python_config[] =
    "{\"interpreter\":{\"binary\":\"/usr/bin/python3\",\"args\":[\"-u\"]},"
    "\"env_vars\":{\"PYTHONPATH\":{\"value\":\"{pack_dir}/lib\",\"operation\":\"prepend\"}}}";
static const char buffered_config[] = "{\"interpreter\":{\"binary\":\"/usr/bin/python3\",\"args\":[]}}";

static const struct {
	const char *name, *text;
} scripts[] = {
	{ "hello", "print('hello')\n" },
	{ "stdin", "import json, sys\nprint(json.dumps(json.load(sys.stdin)))\n" },
	{ "stdin_kind", "import sys\nprint(sys.stdin.seekable(), sys.stdin.name, sys.stdin.mode, sys.stdin.encoding, "
			"sys.stdin.errors,"
			" sys.stdin.line_buffering, sys.stdin.write_through, repr(sys.stdin.read(3)), "
			"repr(sys.stdin.readline()))\n" },
	{ "stdout_kind",
	    "import sys\nfor f in (sys.stdout, sys.stderr): print(f.seekable(), f.name, f.mode, f.encoding, f.errors,"
	    " f.line_buffering, f.write_through, f.isatty(), f.fileno())\n" },
	{ "argv", "import sys\nprint(sys.argv, sys.orig_argv, __name__, __file__, __package__, __spec__, __doc__, "
		  "__cached__)\n" },
	{ "names", "print(list(globals()), type(__loader__), __loader__.path, __builtins__)\n" },
	{ "path", "import sys, os\nprint(sys.path, os.getcwd(), sys.executable, sys.prefix, sys.flags)\n" },
	{ "environment", "import os\nprint(sorted((k, v) for k, v in os.environ.items() if 'RUN' not in k and k not in"
			 " ('ATTUNE_EXEC_ID', 'ATTUNE_EXECUTION_ID', 'ATTUNE_EXECUTION_DIR', 'HOME', 'TMPDIR')))\n" },
	{ "home", "import os, site\nh = os.environ['HOME']\nprint(os.getcwd() != h, site.USER_BASE.replace(h, 'H'),"
		  " site.USER_SITE.replace(h, 'H'), os.path.expanduser('~') == h, os.environ['TMPDIR'] == h)\n" },
	{ "name", "print(open('/proc/self/comm').read(), open('/proc/self/stat').read().split()[1])\n" },
	{ "seen", "import os\nprint(os.readlink('/proc/self/exe'))\n" },
	{ "exit3", "import sys\nsys.exit(3)\n" },
	{ "exit_text", "import sys\nsys.exit('no more')\n" },
	{ "exit_none", "raise SystemExit\n" },
	{ "exit_big", "import sys\nsys.exit(300)\n" },
	{ "os_exit", "import os\nprint('gone')\nos._exit(7)\n" },
	{ "raise", "def f():\n    raise ValueError('bad')\nf()\n" },
	{ "chain", "try:\n    1 / 0\nexcept ZeroDivisionError as e:\n    raise RuntimeError('worse') from e\n" },
	{ "context", "try:\n    1 / 0\nexcept ZeroDivisionError:\n    {}['x']\n" },
	{ "group", "raise ExceptionGroup('many', [ValueError(1), TypeError(2)])\n" },
	{ "syntax", "print('a'\nx = 1\n" },
	{ "indent", "if True:\nprint(1)\n" },
	{ "nul", "print(1)\n#\\0\n" },
	{ "warning", "print('a' is 'a', '\\d')\n" },
	{ "coding", "# -*- coding: latin-1 -*-\nprint(len('\xe4'))\n" },
	{ "bad_coding", "print('\xe4')\n" },
	{ "interrupt", "raise KeyboardInterrupt\n" },
	{ "kill", "import os, signal\nos.kill(os.getpid(), signal.SIGKILL)\n" },
	{ "term", "import os, signal\nos.kill(os.getpid(), signal.SIGTERM)\n" },
	{ "abort", "import os\nos.abort()\n" },
	{ "signals", "import signal\nprint([(s.name, signal.getsignal(s)) for s in (signal.SIGINT, signal.SIGTERM, "
		     "signal.SIGPIPE,"
		     " signal.SIGCHLD, signal.SIGHUP)], signal.pthread_sigmask(0, []))\n" },
	{ "atexit", "import atexit, sys\natexit.register(print, 'bye')\nprint('hi')\nsys.exit(4)\n" },
	{ "atexit_raise", "import atexit\natexit.register(print, 'bye')\nraise OSError(2, 'x')\n" },
	{ "hook", "import sys\nsys.excepthook = lambda t, v, tb: print('hook', t, v, tb.tb_lineno, tb.tb_next)\nraise "
		  "ValueError(1)\n" },
	{ "threads", "import threading\nt = threading.Thread(target=lambda: print('in', "
		     "threading.current_thread().name))\nt.start()\nt.join()\n"
		     "print(threading.main_thread() is threading.current_thread(), threading.active_count())\n" },
	{ "thread_raise",
	    "import threading\nt = threading.Thread(target=lambda: 1 / 0, name='w')\nt.start(); t.join()\n" },
	{ "child",
	    "import subprocess, sys\nprint(subprocess.run(['/bin/echo', 'sub'], capture_output=True).stdout)\n" },
	{ "fork", "import os\npid = os.fork()\nif pid == 0: "
		  "os._exit(5)\nprint(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))\n" },
	{ "pool", "import multiprocessing\ndef f(x): return x * x\nif __name__ == '__main__':\n"
		  "    with multiprocessing.Pool(2) as p: print(p.map(f, [1, 2, 3]))\n" },
	{ "pickle", "import pickle\nclass A: pass\nprint(type(pickle.loads(pickle.dumps(A()))), A.__module__, A)\n" },
	{ "main", "import __main__, sys\nx = 5\nprint(__main__.x, sys.modules['__main__'] is __main__, vars() is "
		  "__main__.__dict__)\n" },
	{ "descriptors", "import os\nprint(sorted(os.listdir('/proc/self/fd'), key=int)[:3], os.fstat(0).st_mode, "
			 "len(os.listdir('/proc/self/fd')))\n" },
	{ "limits", "import resource\nprint([resource.getrlimit(getattr(resource, n)) for n in dir(resource) if "
		    "n.startswith('RLIMIT_')])\n" },
	{ "session", "import os\nprint(os.getsid(0) == os.getpid(), os.getpgid(0) == os.getpid(), os.umask(0))\n" },
	{ "privileges", "print([l for l in open('/proc/self/status') if l.startswith(('NoNewPrivs', 'SigIgn', "
			"'SigCgt', 'SigBlk'))])\n" },
	{ "shadow", "import json\nprint(json.WHO)\n" },
	{ "lib", "import helper\nprint(helper.__file__)\n" },
	{ "gc", "import gc\nprint(gc.isenabled(), gc.get_threshold())\n" },
	{ "annotated", "x: int = 1\nprint(__annotations__)\n" },
	{ "future", "from __future__ import annotations\ndef f(a: nothing): pass\nprint(f.__annotations__)\n" },
	{ "async",
	    "import asyncio\nasync def f():\n    await asyncio.gather()\n    return 1\nprint(asyncio.run(f()))\n" },
	{ "inspect", "import inspect\ndef f(): pass\nprint(inspect.getsource(f), inspect.getfile(f))\n" },
	{ "trace", "import traceback\ntry:\n    1 / 0\nexcept ZeroDivisionError:\n    traceback.print_exc()\n" },
	{ "big", "import sys\nsys.stdout.write('x' * 300000)\n" },
	{ "closed", "import sys, os\nos.close(1)\nprint('x')\n" },
	{ "stderr", "import sys\nprint('e', file=sys.stderr)\nsys.stdout.write('o')\nsys.stderr.write('e2')\n" },
	{ "last", "import atexit, sys\natexit.register(lambda: print(sys.last_type, sys.last_value, "
		  "sys.last_traceback.tb_lineno))\n{}[1]\n" },
	{ "del", "class A:\n    def __del__(self): print('del')\na = A()\n" },
	{ "del_cycle", "import os\nclass A:\n    def __del__(self): print('del', os.path.sep, A)\na = A()\na.a = a\n" },
	{ "del_order",
	    "import atexit\nclass A:\n    def __init__(self, n): self.n = n\n    def __del__(self): print('del', "
	    "self.n)\na, _b, c = A(1), A(2), A(3)\natexit.register(print, 'atexit')\n" },
	{ "del_exit",
	    "class A:\n    def __del__(self): print('del')\ndef f():\n    a = A()\n    raise SystemExit(5)\nf()\n" },
	{ "unflushed",
	    "import os, sys\ndef f():\n    f = open(os.environ['TMPDIR'] + '/u', 'w', closefd=False) if 0 else "
	    "os.fdopen(os.dup(1), 'w')\n    f.write('late')\n    sys.exit(3)\nf()\n" },
	{ "unflushed_module",
	    "import helper, os\nhelper.kept = os.fdopen(os.dup(1), 'w')\nhelper.kept.write('late')\n" },
	{ "finalize", "import weakref\nclass A: pass\na = A()\nweakref.finalize(a, print, 'gone')\nprint('end')\n" },
	{ "thread_left",
	    "import threading\nthreading.Thread(target=lambda: print(sum(range(3000000)) > 0)).start()\n" },
	{ "thread_daemon",
	    "import threading\nthreading.Thread(target=threading.Event().wait, daemon=True).start()\nprint('end')\n" },
	{ "replaced", "import sys, types\nclass A:\n    def __del__(self): print('del')\nm = "
		      "sys.modules['json'] = types.ModuleType('json')\nm.a = A()\ndel m\n" },
	{ "first",
	    "import sys\nprint(sys.modules['__main__'].__dict__ is globals(), list(sys.modules).index('__main__'), "
	    "sys.modules['sys'] is sys)\n" },
	{ "exit_bool", "import sys\nsys.exit(True)\n" },
	{ "exit_minus", "import sys\nsys.exit(-1)\n" },
	{ "exit_huge", "import sys\nsys.exit(2 ** 70)\n" },
	{ "fork_falls_off",
	    "import os\npid = os.fork()\nprint('both' if pid == 0 else os.waitpid(pid, 0)[1], flush=True)\n" },
};

static void
warm(ProcessesConfig *config)
{
	config->warm = true;
}

static RunSpec
spec_of(Rig *r, const char *entry, const Json *config)
{
	RunSpec s = rig_spec(r, "python", entry);
	Json *params = arena_new(r->a, Json);

	*params = rig_json(r, "{\"a\": [1, \"\\u00e4\"], \"b\": null}");
	s.params = params;
	s.runtime_config = config;
	return s;
}

/* The server is started by the first run and ready some time after it. */
static void
warm_up(Rig *r, const Json *config)
{
	size_t before = processes_forked(r->starter);
	TimeUs until = clock_mono(clock_real()) + 60 * US_PER_S;

	while (processes_forked(r->starter) == before) {
		RunSpec s = spec_of(r, "hello.py", config);

		CHECK(clock_mono(clock_real()) < until);
		CHECK_INT(rig_run(r, &s).outcome, RUN_SUCCEEDED);
		rig_pause(r, clock_mono(clock_real()) + 20 * US_PER_MS);
	}
}

static void
fill(Rig *r)
{
	for (size_t i = 0; i < countof(scripts); i++)
		rig_file(r, str_fmt(r->a, "actions/%s.py", scripts[i].name).p, scripts[i].text);
	CHECK(system(str_fmt(r->a, "mkdir -p %s/packs/demo/lib %s/packs/demo/actions/odd", r->dir.p, r->dir.p).p) == 0);
	rig_file(r, "lib/helper.py", "");
	rig_file(r, "actions/kept.py", "import sys\nprint('datetime' in sys.modules)\n");
	rig_file(r, "actions/odd/json.py", "WHO = 'mine'\n");
	rig_file(r, "actions/odd/shadow.py", "import json\nprint(json.WHO)\n");
}

typedef struct Pair {
	Str plain, quick;
} Pair;

/* The same with a flag that servers are not used for, and that changes nothing. */
static Json
unserved(Rig *r, const char *config_text)
{
	Json plain = rig_json(r, config_text);

	json_push(r->a, (Json *)(uintptr_t)json_path(&plain, str_of("interpreter.args")), json_cstr("-Xutf8=0"));
	return plain;
}

static Pair
run_both(Rig *r, const char *entry, const Json *plain, const Json *config)
{
	RunSpec s = spec_of(r, entry, plain);
	RunEnd end = rig_run(r, &s);
	Pair ret = { .plain = rig_comparable(r, &end) };
	size_t forked = processes_forked(r->starter);

	s = spec_of(r, entry, config);
	end = rig_run(r, &s);
	CHECK_INT(processes_forked(r->starter), forked + 1);
	ret.quick = rig_comparable(r, &end);
	return ret;
}

static const char *
entry_of(Rig *r, size_t i)
{
	return i < countof(scripts) ? str_fmt(r->a, "%s.py", scripts[i].name).p : "odd/shadow.py";
}

static void
check_same(const char *name, Pair is)
{
	if (!str_eq(is.plain, is.quick))
		test_fail(
		    __FILE__, __LINE__, "%s differs:\nplain: %.800s\nquick: %.800s", name, is.plain.p, is.quick.p);
}

static bool
is_one_of(const char *name, const char *const *list, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (strcmp(name, list[i]) == 0)
			return true;
	return false;
}

static void
compare_all(Rig *r, const char *config_text)
{
	Json config = rig_json(r, config_text), plain = unserved(r, config_text);

	/* they show the flag itself; of a copy in an environment, the original */
	static const char *const other[] = { "argv.py", "path.py", "seen.py" };
	Pair kept;

	fill(r);
	warm_up(r, &config);
	kept = run_both(r, "kept.py", &plain, &config);
	CHECK(!str_eq(kept.plain, kept.quick)); /* else it would only be the interpreter again */
	for (size_t i = 0; i < countof(scripts) + 1; i++) {
		const char *name = entry_of(r, i);
		Pair is = run_both(r, name, &plain, &config);

		if (!is_one_of(name, other, countof(other)))
			check_same(name, is);
	}
}

TEST(a_fork_of_a_server_does_what_the_interpreter_does)
{
	CLEANUP(rig_done) Rig *r = rig_open_with(warm);

	compare_all(r, python_config);
}

TEST(a_fork_of_a_server_does_what_a_buffered_interpreter_does)
{
	CLEANUP(rig_done) Rig *r = rig_open_with(warm);

	compare_all(r, buffered_config);
}

/* ---- what stands before its main() ---- */

static void
compare_grown(Rig *r, const char *config_text)
{
	Json config = rig_json(r, config_text);
	TimeUs until = clock_mono(clock_real()) + 60 * US_PER_S;

	fill(r);
	while (processes_grown(r->starter) == 0) {
		RunSpec s = spec_of(r, "hello.py", &config);

		CHECK(clock_mono(clock_real()) < until);
		CHECK_INT(rig_run(r, &s).outcome, RUN_SUCCEEDED);
	}
	for (size_t i = 0; i < countof(scripts) + 1; i++) {
		RunSpec s = spec_of(r, entry_of(r, i), &config);
		RunEnd end = rig_run_loaded_anew(r, &s);
		Pair is = { .plain = rig_comparable(r, &end) };
		size_t grown = processes_grown(r->starter);

		s = spec_of(r, entry_of(r, i), &config);
		end = rig_run(r, &s);
		CHECK_INT(processes_grown(r->starter), grown + 1);
		is.quick = rig_comparable(r, &end);
		check_same(entry_of(r, i), is);
	}
}

TEST(a_python_that_was_loaded_before_does_what_a_new_one_does)
{
	CLEANUP(rig_done) Rig *r = rig_open();

	compare_grown(r, python_config);
}

/* ---- what belongs to a pack or an environment ---- */

/* An environment as it is made for a pack, and what says that it runs where it must not. */
static const char *
environment_config(Rig *r, const char *how)
{
	const char *make =
	    "d=%s/envs/demo/python && /usr/bin/python3 -m venv %s --without-pip $d && cd $d/lib/*/site-packages "
	    "&&"
	    " echo 'WHO = 1' > installed.py && printf '%%s\\n' 'import sys; sys.early = list(sys.path), sitedir' "
	    "\"import sys; "
	    "'-c' in sys.orig_argv and open('%s/escaped', 'w')\" > first.pth && cp first.pth usercustomize.pth";

	CHECK(system(str_fmt(r->a, make, r->dir.p, how, r->dir.p).p) == 0);
	rig_file(r, "actions/environment.py",
	    "import sys, site, installed\nprint(sys.path, sys.prefix, sys.exec_prefix, sys.base_prefix, "
	    "sys.base_exec_prefix,"
	    " sys.executable, sys._base_executable, sys.flags.no_site, sys.early, site.PREFIXES, site.ENABLE_USER_SITE,"
	    " installed.__file__, sys.platlibdir)\n");
	return str_fmt(r->a,
	    "{\"interpreter\":{\"binary\":\"%s/envs/demo/python/bin/python3\",\"args\":[]},\"env_vars\":"
	    "{\"PYTHONPATH\":{\"value\":\"{pack_dir}/lib\",\"operation\":\"prepend\"}}}",
	    r->dir.p)
	    .p;
}

static bool
has_escaped(Rig *r)
{
	return file_exists(str_fmt(r->a, "%s/escaped", r->dir.p).p);
}

TEST(of_an_environment_a_fork_does_what_its_interpreter_does)
{
	CLEANUP(rig_done) Rig *r = rig_open_with(warm);
	const char *text = environment_config(r, "--copies");
	Json config = rig_json(r, text), plain = unserved(r, text);

	compare_all(r, text);
	check_same("environment.py", run_both(r, "environment.py", &plain, &config));
	CHECK(!has_escaped(r));
}

TEST(of_an_environment_a_python_that_was_loaded_before_is_the_same)
{
	CLEANUP(rig_done) Rig *r = rig_open();

	compare_grown(r, environment_config(r, "--symlinks"));
}

TEST(nothing_of_a_pack_runs_in_a_server)
{
	CLEANUP(rig_done) Rig *r = rig_open_with(warm);
	Json config = rig_json(r, python_config), plain = unserved(r, python_config);
	static const char *const files[] = { "sitecustomize.py", "usercustomize.py", "json.py", "io.py",
		"encodings.py" };

	fill(r);
	for (size_t i = 0; i < countof(files); i++) {
		const char *path = str_fmt(r->a, "lib/%s", files[i]).p;

		rig_file(r, path,
		    str_fmt(r->a,
			"import sys\nif '-c' in sys.orig_argv: open('%s/escaped', 'w')\nsys.stderr and print('mine')\n",
			r->dir.p)
			.p);
		if (i == 0)
			warm_up(r, &config);
		check_same(files[i], run_both(r, "hello.py", &plain, &config));
		CHECK(remove(str_fmt(r->a, "%s/packs/demo/%s", r->dir.p, path).p) == 0);
	}
	CHECK(!has_escaped(r));
}

/* A program that a pack has brought along may be any. */
TEST(no_server_is_a_program_of_a_pack)
{
	CLEANUP(rig_done) Rig *r = rig_open_with(warm);
	Json config = rig_json(
	    r, str_fmt(r->a, "{\"interpreter\":{\"binary\":\"%s/packs/demo/python3\",\"args\":[]}}", r->dir.p).p);

	fill(r);
	rig_file(r, "python3",
	    str_fmt(r->a, "#!/bin/sh\ntest -z \"$LD_PRELOAD$ATTUNE_SEED\" || : > %s/escaped\n", r->dir.p).p);
	for (int i = 0; i < 5; i++) {
		RunSpec s = spec_of(r, "hello.py", &config);

		CHECK_INT(rig_run(r, &s).outcome, RUN_SUCCEEDED);
		rig_pause(r, clock_mono(clock_real()) + 100 * US_PER_MS);
	}
	CHECK(!has_escaped(r));
}

/* ---- when a server is gone ---- */

static pid_t
server_pid(const Rig *r)
{
	DIR *d = opendir("/proc");
	struct dirent *e;
	pid_t found = 0;

	while ((e = readdir(d)) != NULL) {
		char path[300], text[400];
		Str line;
		size_t at;

		snprintf(path, sizeof(path), "/proc/%s/cmdline", e->d_name);
		if (e->d_name[0] < '1' || e->d_name[0] > '9' || !file_read(r->a, path, 1 << 20, &line, NULL))
			continue;
		snprintf(text, sizeof(text), "/proc/%s/stat", e->d_name);
		if (str_find(line, str_of("_attune_serve"), &at) && file_read(r->a, text, 4096, &line, NULL) &&
		    str_find(line, str_fmt(r->a, ") S %d ", getpid()), &at))
			found = atoi(e->d_name);
	}
	closedir(d);
	return found;
}

TEST(a_server_that_is_killed_or_stopped_loses_no_run)
{
	CLEANUP(rig_done) Rig *r = rig_open_with(warm);
	Json config = rig_json(r, python_config);
	static const int signals[] = { SIGKILL, SIGSTOP };

	fill(r);
	for (size_t i = 0; i < countof(signals); i++) {
		RunSpec s;

		warm_up(r, &config);
		CHECK(server_pid(r) > 0 && kill(server_pid(r), signals[i]) == 0);
		for (int k = 0; k < 5; k++) {
			s = spec_of(r, "hello.py", &config);
			CHECK_STR(rig_text(&(RunEnd){ .result = rig_run(r, &s).result }, "stdout"), str_of("hello\n"));
		}
	}
}

/* The moment is a different one each time: before, while and after the server makes the child. */
TEST(killing_the_server_at_any_moment_runs_each_once)
{
	CLEANUP(rig_done) Rig *r = rig_open_with(warm);
	Json config = rig_json(r, python_config);

	fill(r);
	rig_file(r, "actions/count.py", "open('count', 'a').write('x')\n");
	for (int i = 0; i < 12; i++) {
		RunSpec s;
		pid_t pid;
		Str text;

		warm_up(r, &config);
		pid = server_pid(r);
		s = spec_of(r, "count.py", &config);
		rig_start(r, &s);
		rig_pause(r, clock_mono(clock_real()) + i * 150);
		if (pid > 0)
			kill(pid, SIGKILL);
		CHECK_INT(rig_wait(r).outcome, RUN_SUCCEEDED);
		CHECK(file_read(r->a, str_fmt(r->a, "%s/packs/demo/count", r->dir.p).p, 4096, &text, NULL));
		CHECK_INT(text.n, i + 1);
	}
}

TEST(a_fork_that_calls_setsid_is_ended_with_its_run)
{
	CLEANUP(rig_done) Rig *r = rig_open_with(warm);
	Json config = rig_json(r, python_config);
	RunSpec s;
	const char *up;
	Str text;
	int64_t pid;

	fill(r);
	up = str_fmt(r->a, "%s/packs/demo/up", r->dir.p).p;
	rig_file(r, "actions/daemon.py",
	    "import os, signal\nif os.fork() == 0:\n    os.setsid()\n    if os.fork() == 0:\n"
	    "        open('up.new', 'w').write(str(os.getpid()))\n        os.rename('up.new', 'up')\n        "
	    "signal.pause()\nsignal.pause()\n");
	warm_up(r, &config);
	s = spec_of(r, "daemon.py", &config);
	rig_start(r, &s);
	while (!file_exists(up)) /* it goes on when it is heard */
		rig_pause(r, clock_mono(clock_real()) + 10 * US_PER_MS);
	CHECK(file_read(r->a, up, 64, &text, NULL) && str_to_int(text, &pid));
	r->starter->cancel(r->starter, s.execution, s.attempt);
	CHECK_INT(rig_wait(r).outcome, RUN_CANCELLED);
	for (int i = 0; i < 3000 && process_alive((pid_t)pid); i++)
		rig_pause(r, clock_mono(clock_real()) + 10 * US_PER_MS);
	CHECK(!process_alive((pid_t)pid));
}

static void
walled(ProcessesConfig *config)
{
	config->warm = true;
	config->sandbox = SANDBOX_STANDARD;
	config->cgroup = str_of("auto");
	config->limits = (RunLimits){ .memory_mb = 512, .processes = 200, .open_files = 256 };
}

/* What a script sees of its walls, its limits and its group, and what it is refused. */
static const char walls_script[] =
    "import ctypes, os, resource\n"
    "def say(what, f):\n"
    "    try: print(what, f())\n"
    "    except OSError as e: print(what, e.errno)\n"
    "say('other', lambda: open('/proc/%d/environ' % os.getppid()).read(1))\n"
    "say('outside', lambda: open(os.path.join(os.environ['HOME'], '..', '..', 'attune-outside'), 'w'))\n"
    "say('pack', lambda: open('written', 'w'))\n"
    "say('home', lambda: open(os.path.join(os.environ['HOME'], 'x'), 'w').write('x'))\n"
    "say('root', lambda: len(os.listdir('/root')))\n"
    "libc = ctypes.CDLL(None, use_errno=True)\n"
    "print('ptrace', libc.ptrace(0, 0, 0, 0), ctypes.get_errno(), 'unshare', libc.unshare(0x10000000), "
    "ctypes.get_errno())\n"
    "print([resource.getrlimit(getattr(resource, n)) for n in sorted(dir(resource)) if n.startswith('RLIMIT_')])\n"
    "print([l for l in open('/proc/self/status') if l.startswith(('NoNewPrivs', 'Seccomp', 'Cap'))])\n"
    "print([os.path.basename(os.path.dirname(l.strip())) != '' for l in open('/proc/self/cgroup')],\n"
    "      'attune' in open('/proc/self/cgroup').read())\n";

TEST(a_fork_has_the_walls_the_limits_and_the_group_of_any_run)
{
	CLEANUP(rig_done) Rig *r = rig_open_with(walled);
	Json config = rig_json(r, python_config), plain = rig_json(r, python_config);
	RunSpec s;
	RunEnd cold, fork;
	size_t forked;

	json_push(r->a, (Json *)(uintptr_t)json_path(&plain, str_of("interpreter.args")), json_cstr("-Xutf8=0"));
	fill(r);
	rig_file(r, "actions/walls.py", walls_script);
	warm_up(r, &config);
	s = spec_of(r, "walls.py", &plain);
	cold = rig_run(r, &s);
	forked = processes_forked(r->starter);
	s = spec_of(r, "walls.py", &config);
	fork = rig_run(r, &s);
	CHECK_INT(processes_forked(r->starter), forked + 1);
	CHECK_INT(cold.outcome, RUN_SUCCEEDED);
	CHECK_STR(rig_comparable(r, &fork), rig_comparable(r, &cold));
}
