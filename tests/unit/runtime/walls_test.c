/* What hostile actions can and cannot do within limits and sandbox. Where the machine cannot give a wall, that it says so. */
#include "rig.h"

#include "os/filter.h"
#include "os/fs.h"
#include "os/walls.h"
#include "runtime/run.h"

#include <fcntl.h>
#include <pwd.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <netinet/in.h>
#include <arpa/inet.h>
#include <unistd.h>

static void
walled(ProcessesConfig *config)
{
	config->kill_grace = 500 * US_PER_MS;
	config->sandbox = SANDBOX_STANDARD;
	config->cgroup = str_of("auto");
	config->limits = (RunLimits){ .processes = 200, .open_files = 256 };
}

static RunSpec
python(Rig *r, const char *code)
{
	RunSpec spec = rig_spec(r, "python", code);

	return spec;
}

static bool
has_walls(void)
{
	return walls_version() >= WALLS_FILES && filter_of(FILTER_STANDARD) != NULL;
}

/* The worker is as it was: it runs the next action. */
static void
check_works(Rig *r)
{
	RunEnd end = rig_shell(r, "echo well");

	CHECK_STR(rig_text(&end, "error"), (Str){ 0 });
	CHECK_INT(end.outcome, RUN_SUCCEEDED);
	CHECK_STR(rig_text(&end, "stdout"), str_of("well\n"));
}

/* Started at a terminal, as by `attune up`: 0, or which of its tries was not refused. */
static int
tried_at_terminal(const char *terminal)
{
	static const struct {
		const char *runtime, *code;
	} tries[] = { { "shell", "for t in /dev/tty %s; do (echo x >$t) 2>&- && echo $t; done; echo tried" },
		{ "python", "import os\nfor t in '/dev/tty', '%s':\n  try: os.open(t, os.O_RDWR); print(t)\n  except "
			    "OSError: pass\n"
			    "print('tried')" } };
	Rig *r;

	if (setsid() < 0 || open(terminal, O_RDWR) < 0 || open("/dev/tty", O_RDWR | O_CLOEXEC) < 0)
		return 100;
	r = rig_open_with(walled);
	for (size_t i = 0; i < countof(tries); i++) {
		RunSpec spec = rig_spec(r, tries[i].runtime, str_fmt(r->a, tries[i].code, terminal).p);
		RunEnd end = rig_run(r, &spec);

		if (!str_is(str_trim(rig_text(&end, "stdout")), "tried"))
			return (int)i + 1;
	}
	rig_done(&r);
	return 0;
}

TEST(the_terminal_at_which_the_worker_was_started_is_closed_to_runs)
{
	CLEANUP(fd_done) int master = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
	int status = 0;
	pid_t child;

	CHECK(master >= 0 && grantpt(master) == 0 && unlockpt(master) == 0);
	if (!has_walls())
		return;
	child = fork();
	if (child == 0)
		_exit(tried_at_terminal(ptsname(master)));
	CHECK(child > 0 && waitpid(child, &status, 0) == child);
	CHECK(WIFEXITED(status));
	CHECK_INT(WEXITSTATUS(status), 0);
}

/* Whether a run of a worker of that account can make a terminal. */
static bool
makes_terminal(Rig *r, const struct passwd *account)
{
	SandboxConfig config = { .usual = SANDBOX_STANDARD, .run_base = r->dir };
	SandboxPlaces places = { .own = r->dir.p };
	pid_t child = fork();
	int status = 0;

	if (child == 0) {
		Confine walls;
		Err err = { 0 };

		if (setgid(account->pw_gid) < 0 || setuid(account->pw_uid) < 0 ||
		    !sandbox_walls(sandbox_open(&config), SANDBOX_STANDARD, &places, &walls, &err) ||
		    confine_self(&walls) != 0)
			_exit(2);
		_exit(open("/dev/ptmx", O_RDWR | O_NOCTTY | O_CLOEXEC) >= 0);
	}
	CHECK(child > 0 && waitpid(child, &status, 0) == child);
	CHECK(WIFEXITED(status) && WEXITSTATUS(status) < 2);
	return WEXITSTATUS(status) == 1;
}

enum { ACCOUNTS_MOST = 50 }; /* a directory may have thousands */

TEST(only_runs_of_an_account_that_nobody_logs_in_as_make_terminals)
{
	CLEANUP(rig_done) Rig *r = rig_open_with(walled);
	const struct passwd *account;

	if (!has_walls() || geteuid() != 0)
		return;
	setpwent();
	for (int i = 0; i < ACCOUNTS_MOST && (account = getpwent()) != NULL; i++) {
		if (account->pw_uid == 0)
			continue;
		if (makes_terminal(r, account))
			CHECK(str_ends(str_of(account->pw_shell), str_of("nologin")) ||
			      str_ends(str_of(account->pw_shell), str_of("false")));
		else
			CHECK(!str_ends(str_of(account->pw_shell), str_of("nologin")));
	}
	endpwent();
}

TEST(ordinary_work_goes_on_within_the_standard_sandbox)
{
	CLEANUP(rig_done) Rig *r = rig_open_with(walled);
	RunEnd end;
	RunSpec spec;

	end = rig_shell(r,
	    "set -e; echo x > /dev/null; cat /etc/hosts /etc/resolv.conf >/dev/null; getent passwd root >/dev/null; "
	    "date >/dev/null; cd \"$HOME\"; mkdir -p a/b; echo data > a/b/c; mv a/b/c d; cp d e; ln -s d l; "
	    "sort e | uniq -c | grep -q data; mktemp >/dev/null; echo warn >&2; rm -r a d e l; "
	    "diff <(echo 1) <(echo 1); cat /proc/self/status /proc/meminfo >/dev/null; echo done");
	CHECK_STR(rig_text(&end, "error"), (Str){ 0 });
	CHECK_STR(rig_text(&end, "stdout"), str_of("done\n"));
	spec = python(r, "import ssl, json, socket, tempfile, subprocess, multiprocessing, hashlib, locale\n"
			 "ssl.create_default_context()\nlock = multiprocessing.Lock()\n"
			 "with multiprocessing.Pool(2) as p: print(sum(p.map(abs, [-1, -2])))\n"
			 "tempfile.NamedTemporaryFile().write(b'x')\n"
			 "print(subprocess.run(['uname'], capture_output=True).returncode)\n"
			 "s = socket.socket(); s.bind(('127.0.0.1', 0)); s.listen(); s2 = "
			 "socket.create_connection(s.getsockname())\n");
	end = rig_run(r, &spec);
	CHECK_STR(rig_text(&end, "error"), (Str){ 0 });
	CHECK_STR(rig_text(&end, "stdout"), str_of("3\n0\n"));
}

TEST(what_belongs_to_the_worker_and_to_other_actions_cannot_be_read)
{
	CLEANUP(rig_done) Rig *r = rig_open_with(walled);
	Err err = { 0 };
	const char *const others[] = { "/root", "/home", "/etc/shadow", "/etc/ssh/ssh_host_rsa_key",
		str_fmt(r->a, "%s/config.yaml", r->dir.p).p, str_fmt(r->a, "%s/attune.db", r->dir.p).p,
		str_fmt(r->a, "%s/packs/other/secret", r->dir.p).p,
		str_fmt(r->a, "%s/artifacts/w1/execution_1/stdout.log", r->dir.p).p,
		str_fmt(r->a, "/proc/%d/environ", (int)getpid()).p, str_fmt(r->a, "/proc/%d/mem", (int)getpid()).p,
		str_fmt(r->a, "/proc/%d/fd/0", (int)getpid()).p, str_fmt(r->a, "/proc/%d/maps", (int)getpid()).p };
	RunSpec sleeper =
	    rig_spec(r, "shell", "echo mine > $HOME/private; echo $HOME/private; echo $$; exec sleep 1000");
	RunEnd end;

	CHECK_OK(dirs_make(str_fmt(r->a, "%s/packs/other", r->dir.p).p, 0700, &err), err);
	CHECK_OK(dirs_make(str_fmt(r->a, "%s/artifacts/w1/execution_1", r->dir.p).p, 0700, &err), err);
	for (size_t i = 4; i < 8; i++)
		CHECK_OK(file_write(others[i], str_of("secret"), 0644, &err), err);
	rig_start(r, &sleeper);
	for (size_t i = 0; has_walls() && i < countof(others); i++) {
		RunSpec spec = rig_spec(r, "shell",
		    str_fmt(r->a, "if [ -d %s ]; then ls %s; else head -c 1 %s; fi", others[i], others[i], others[i])
			.p);

		rig_start(r, &spec);
		end = rig_wait(r);
		if (end.outcome == RUN_SUCCEEDED)
			test_fail(__FILE__, __LINE__, "%s can be read", others[i]);
	}
	/* a run beside it: neither its files, nor its environment, nor a signal */
	{
		RunSpec spec = rig_spec(r, "shell",
		    "for p in $(pgrep -x sleep); do head -c 1 /proc/$p/environ 2>/dev/null && exit 1; kill -9 $p "
		    "2>/dev/null && exit 2; done; "
		    "cat \"${HOME%-*/*}\"*/*/private 2>/dev/null && exit 3; ls \"$HOME/..\" 2>/dev/null && exit 4; "
		    "exit 0");

		rig_start(r, &spec);
		end = rig_wait(r);
		if (has_walls() && walls_version() >= WALLS_SCOPES)
			CHECK_INT(rig_int(&end, "exit_code"), 0);
	}
	CHECK_INT(r->starter->running(r->starter), 1);
	r->starter->cancel(r->starter, sleeper.execution, 1);
	CHECK_INT(rig_wait(r).outcome, RUN_CANCELLED);
	check_works(r);
}

TEST(nothing_can_be_written_but_the_runs_own_folder)
{
	CLEANUP(rig_done) Rig *r = rig_open_with(walled);
	RunEnd end = rig_shell(r,
	    "for d in /tmp /var/tmp /etc /usr/local /dev/shm/. . /proc/self /run; do "
	    "{ echo x > $d/attune-walls-test && echo \"$d can be written\"; } 2>/dev/null; done; "
	    "mkdir /dev/shm/attune-walls-test 2>/dev/null && echo made; rm -f /dev/shm/attune-walls-test; true");

	if (has_walls())
		CHECK_STR(rig_text(&end, "stdout"), str_of("/dev/shm/. can be written\n"));
	else
		CHECK(!str_none(sandbox_missing(r->a)));
}

TEST(what_a_run_leaves_in_its_folder_stays_and_nobody_else_writes_there)
{
	CLEANUP(rig_done) Rig *r = rig_open_with(walled);
	RunEnd end = rig_shell(
	    r, "echo mine > $ATTUNE_EXECUTION_DIR/report.txt; ln -s /etc/passwd $ATTUNE_EXECUTION_DIR/stdout.log");
	Id first = end.execution;

	CHECK_INT(end.outcome, RUN_SUCCEEDED);
	CHECK_STR(rig_log(r, &end, "files/report.txt"), str_of("mine\n"));
	end = rig_shell(
	    r, str_fmt(r->a, "cat ${ATTUNE_EXECUTION_DIR%%/*/*}/execution_%lld/files/report.txt", (long long)first).p);
	CHECK_INT(end.outcome, has_walls() ? RUN_FAILED : RUN_SUCCEEDED);
	end = rig_shell(r, ":"); /* who leaves nothing has no folder */
	CHECK(!file_exists(str_fmt(r->a, "%s/artifacts/w1/execution_%lld", r->dir.p, (long long)end.execution).p));
}

static Json named_programs;

static void
named(ProcessesConfig *config)
{
	walled(config);
	config->interpreters.named = &named_programs;
}

TEST(an_interpreter_that_was_named_may_be_run_wherever_it_lies)
{
	CLEANUP(rig_done) Rig *seat = rig_open();
	const char *home = seat->dir.p, *link = str_fmt(seat->a, "%s/link", home).p;
	const char *there = str_fmt(seat->a, "%s/tool/bin/mine", home).p;
	Err err = { 0 };
	RunSpec spec;
	RunEnd end;
	Json own;
	Rig *r;

	CHECK_OK(dirs_make(str_fmt(seat->a, "%s/tool/bin", home).p, 0755, &err), err);
	CHECK_OK(dirs_make(str_fmt(seat->a, "%s/tool/lib", home).p, 0755, &err), err);
	CHECK_OK(file_write(str_fmt(seat->a, "%s/tool/lib/words", home).p, str_of("of its own"), 0644, &err), err);
	CHECK_OK(file_write(str_fmt(seat->a, "%s/tool/secret", home).p, str_of("of another"), 0644, &err), err);
	CHECK_OK(
	    file_write(there, str_fmt(seat->a, "#!/bin/bash\ncat %s/tool/lib/words; cat %s/tool/secret\n", home, home),
		0755, &err),
	    err);
	CHECK(symlink(there, link) == 0);
	named_programs = json_object();
	json_add(seat->a, &named_programs, "mine", json_str(str_of(link)));
	r = rig_open_with(named);
	rig_file(r, "actions/x", "");
	own = rig_json(r, "{\"interpreter\": {\"binary\": \"mine\"}}");
	spec = rig_spec(r, "special", "x");
	spec.runtime_config = &own;
	end = rig_run(r, &spec);
	CHECK_STR(rig_text(&end, "stdout"), has_walls() ? str_of("of its own") : str_of("of its ownof another"));
	rig_done(&r);
}

TEST(calls_into_the_kernel_are_refused_to_an_action)
{
	CLEANUP(rig_done) Rig *r = rig_open_with(walled);
	RunSpec spec = python(r,
	    "import ctypes, os\nl = ctypes.CDLL(None, use_errno=True)\n"
	    "def no(name, *a):\n    r = l.syscall(*a)\n    if r >= 0 or ctypes.get_errno() != 1: print(name, r, "
	    "ctypes.get_errno())\n"
	    "if os.uname().machine == 'x86_64':\n"
	    "    no('ptrace', 101, 16, os.getppid(), 0, 0)\n    no('mount', 165, b'x', b'/', b'tmpfs', 0, 0)\n"
	    "    no('unshare', 272, 0x10000000)\n    no('bpf', 321, 0, 0, 0)\n    no('keyctl', 250, 0, -3, 0, 0)\n");
	RunEnd end = rig_run(r, &spec);

	CHECK_INT(end.outcome, RUN_SUCCEEDED);
	if (filter_of(FILTER_STANDARD) != NULL)
		CHECK(!rig_has(&end, "stdout"));
	else
		CHECK(!str_none(sandbox_missing(r->a)));
}

TEST(a_fork_bomb_is_ended_and_says_why)
{
	CLEANUP(rig_done) Rig *r = rig_open_with(walled);
	Json told = processes_isolation(r->starter, r->a);
	RunSpec spec = rig_spec(r, "shell", "bomb() { bomb | bomb & }; bomb 2>/dev/null; sleep 1000");
	RunEnd end;

	if (!str_starts(json_get_text(&told, "processes"), str_of("of a run")) && geteuid() == 0)
		return; /* and that is what it tells: "none for root" */
	spec.timeout = 20 * US_PER_S;
	end = rig_run(r, &spec);
	if (str_ends(json_get_text(&told, "processes"), str_of("each second"))) {
		CHECK_INT(end.outcome, RUN_OVER);
		CHECK_STR(rig_text(&end, "limit_exceeded"), str_of("processes"));
		CHECK_STR(rig_text(&end, "error"), str_of("Execution had more than its 200 processes"));
	} else {
		CHECK(end.outcome != RUN_SUCCEEDED);
	}
	check_works(r);
}

TEST(a_memory_bomb_gets_no_more_than_its_limit)
{
	CLEANUP(rig_done) Rig *r = rig_open_with(walled);
	RunSpec spec = python(r, "x = []\nwhile True: x.append(bytearray(1 << 20))\n");
	RunEnd end;

	spec.limits.memory_mb = 64;
	end = rig_run(r, &spec);
	CHECK(end.outcome == RUN_FAILED || end.outcome == RUN_OVER);
	CHECK(end.outcome == RUN_OVER || str_is(rig_text(&end, "error"), "MemoryError"));
	/* many that together take too much */
	if (str_is(json_get_text((Json[]){ processes_isolation(r->starter, r->a) }, "ended"), "by cgroup: exactly")) {
		spec = python(r, "import os, signal\nfor i in range(4): os.fork()\nx = bytearray(32 << 20)\n"
				 "for i in range(0, len(x), 4096): x[i] = 1\nsignal.pause()\n");
		spec.limits.memory_mb = 128;
		spec.timeout = 60 * US_PER_S;
		end = rig_run(r, &spec);
		CHECK_INT(end.outcome, RUN_OVER);
		CHECK_STR(rig_text(&end, "limit_exceeded"), str_of("memory"));
		CHECK_STR(rig_text(&end, "error"), str_of("Execution used more than its 128 MB of memory"));
		CHECK(!json_as_bool(json_get(&end.result, "succeeded"), true));
	}
	check_works(r);
}

/* Those that wait for the next run. */
static void
check_homes_empty(const Rig *r)
{
	const Processes *p = (const Processes *)r->starter;
	DirEntry *list;
	size_t n;
	Err err = { 0 };

	CHECK_OK(dir_list(r->a, p->home_base.p, &list, &n, &err), err);
	CHECK(n <= 64);
	for (size_t i = 0; i < n; i++)
		CHECK_INT(rig_count(str_fmt(r->a, "%s/%s", p->home_base.p, list[i].name.p).p, ""), 0);
}

/* In steps of a megabyte, so that it is still at it when it is looked at. */
static const char filler[] = "mkdir -p $HOME/a/b; while :; do head -c 1M /dev/zero >>$HOME/a/b/fill; sleep 0.01; done";

TEST(what_fills_its_folder_is_ended_and_the_others_go_on)
{
	CLEANUP(rig_done) Rig *r = rig_open_with(walled);
	RunSpec other = rig_spec(r, "shell", "head -c 5M /dev/zero >$HOME/some; sleep 3; echo well"), spec;
	RunEnd ends[2];

	other.limits.disk_mb = 20;
	spec = rig_spec(r, "shell", filler);
	spec.limits.disk_mb = 20;
	rig_start(r, &other);
	rig_start(r, &spec);
	ends[0] = rig_wait(r);
	ends[1] = rig_wait(r);
	CHECK_INT(ends[0].execution, spec.execution);
	CHECK_INT(ends[0].outcome, RUN_OVER);
	CHECK_STR(rig_text(&ends[0], "limit_exceeded"), str_of("disk"));
	CHECK_STR(rig_text(&ends[0], "error"), str_of("Execution wrote more than its 20 MB of disk"));
	CHECK_STR(rig_text(&ends[1], "stdout"), str_of("well\n"));
	check_homes_empty(r);
	spec = rig_spec(r, "shell", "while :; do head -c 1M /dev/zero >>$ATTUNE_EXECUTION_DIR/fill; done");
	spec.limits.disk_mb = 20;
	ends[0] = rig_run(r, &spec); /* what is to stay counts as well */
	CHECK_STR(rig_text(&ends[0], "limit_exceeded"), str_of("disk"));
	check_works(r);
}

TEST(a_million_names_are_too_much_as_well_and_hold_up_nobody)
{
	CLEANUP(rig_done) Rig *r = rig_open_with(walled);
	RunSpec spec = python(r, "import os\nos.chdir(os.environ['HOME'])\nfor i in range(1000000): open(str(i), "
				 "'w').close()\n");
	RunEnd end;

	spec.limits.disk_mb = 20; /* 5,120 names */
	end = rig_run(r, &spec);
	CHECK_STR(rig_text(&end, "limit_exceeded"), str_of("disk"));
	check_works(r);
}

static void
never_enough(ProcessesConfig *config)
{
	walled(config);
	config->disk_reserve_mb = 1 << 30;
}

TEST(where_too_little_is_free_whoever_goes_on_writing_is_ended_and_why_nothing_is_taken_is_said)
{
	CLEANUP(rig_done) Rig *r = rig_open_with(never_enough);
	Str why = r->starter->full(r->starter);
	RunSpec quiet = rig_spec(r, "shell", "sleep 3; echo well"), spec = rig_spec(r, "shell", filler);
	RunEnd ends[2];

	CHECK(str_starts(why, str_of("only ")) && str_ends(why, str_of("make room there, or choose another place")));
	rig_start(r, &quiet);
	rig_start(r, &spec);
	ends[0] = rig_wait(r);
	ends[1] = rig_wait(r);
	CHECK_INT(ends[0].execution, spec.execution);
	CHECK_STR(rig_text(&ends[0], "limit_exceeded"), str_of("disk"));
	CHECK(str_starts(rig_text(&ends[0], "error"), str_of("Execution was ended for filling the disk: only ")));
	CHECK_STR(rig_text(&ends[1], "stdout"), str_of("well\n"));
}

static void
pause_for(Rig *r, TimeUs long_enough)
{
	TimeUs until = clock_mono(clock_real()) + long_enough;

	while (clock_mono(clock_real()) < until)
		rig_pause(r, until);
}

TEST(who_fills_the_disk_is_found_among_more_names_than_are_counted_at_once)
{
	CLEANUP(rig_done) Rig *r = rig_open_with(walled);
	RunSpec spec = rig_spec(r, "shell", filler);
	RunSpec quiet = python(r, "import os, signal\nos.chdir(os.environ['HOME'])\n"
				  "for i in range(5000): open(str(i), 'w').close()\n"
				  "signal.pause()\n");
	Processes *p = (Processes *)r->starter;
	RunEnd end;

	spec.timeout = 30 * US_PER_S;
	rig_start(r, &quiet);
	while (!file_exists(str_fmt(r->a, "%s/4999", p->live.first->dir.p).p))
		pause_for(r, 10 * US_PER_MS);
	pause_for(r, 2 * US_PER_S); /* its names were made long ago */
	p->config.disk_reserve_mb = 1 << 30;
	rig_start(r, &spec);
	end = rig_wait(r);
	CHECK_INT(end.execution, spec.execution);
	CHECK_STR(rig_text(&end, "limit_exceeded"), str_of("disk"));
	r->starter->cancel(r->starter, quiet.execution, 1);
	CHECK_INT(rig_wait(r).outcome, RUN_CANCELLED);
}

TEST(what_was_written_long_before_the_disk_was_full_does_not_fill_it)
{
	CLEANUP(rig_done) Rig *r = rig_open_with(walled);
	RunSpec spec = rig_spec(r, "shell", "head -c 20M /dev/zero >$HOME/x; sleep 6; echo well");
	RunEnd end;

	rig_start(r, &spec);
	pause_for(r, 2500 * US_PER_MS);
	((Processes *)r->starter)->config.disk_reserve_mb = 1 << 30;
	end = rig_wait(r);
	CHECK_STR(rig_text(&end, "error"), (Str){ 0 });
	CHECK_STR(rig_text(&end, "stdout"), str_of("well\n"));
}

/* The HOME of the second of two runs, the first of which found it as it was made long ago. */
static bool
given_on(Rig *r, const char *sandbox)
{
	RunSpec spec = rig_spec(r, "shell", "where.sh");
	RunEnd end;
	Str first;

	rig_file(r, "actions/where.sh", "echo $HOME\n"); /* what is no file is written into its HOME */
	spec.sandbox = str_of(sandbox);
	(void)rig_run(r, &spec);
	pause_for(r, 200 * US_PER_MS);
	spec.execution = ++r->last;
	end = rig_run(r, &spec);
	first = str_copy(r->a, rig_text(&end, "stdout"));
	spec.execution = ++r->last;
	end = rig_run(r, &spec);
	return str_eq(rig_text(&end, "stdout"), first);
}

TEST(only_a_run_that_could_not_leave_its_group_gives_its_folders_on)
{
	CLEANUP(rig_done) Rig *r = rig_open_with(walled);
	const Processes *p = (const Processes *)r->starter;

	CHECK(!given_on(r, "off")); /* it may have had them mounted elsewhere */
	CHECK(given_on(r, "standard") == (p->groups != NULL && sandbox_encloses(SANDBOX_STANDARD)));
}

TEST(open_files_and_output_end_at_their_limits)
{
	CLEANUP(rig_done) Rig *r = rig_open_with(walled);
	RunSpec spec = python(r, "import os\nn = 0\ntry:\n    while True: os.open('/dev/null', 0); n += 1\nexcept "
				 "OSError as e: print(n < 256, e.errno)\n");
	RunEnd end = rig_run(r, &spec);

	CHECK_STR(rig_text(&end, "stdout"), str_of("True 24\n"));
	spec = rig_spec(r, "shell", "head -c 30000000 /dev/zero | tr '\\0' x");
	spec.limits.output_bytes = 10000;
	end = rig_run(r, &spec);
	CHECK_INT(end.outcome, RUN_SUCCEEDED);
	CHECK(json_as_bool(json_get(&end.result, "stdout_truncated"), false));
	check_works(r);
}

TEST(strict_leaves_only_the_port_of_the_api_or_is_refused)
{
	CLEANUP(rig_done) Rig *r = rig_open_with(walled);
	RunSpec spec = rig_spec(r, "python", "");
	struct sockaddr_in at = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t n = sizeof(at);
	int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	RunEnd end;

	CHECK(bind(listener, (struct sockaddr *)&at, sizeof(at)) == 0 && listen(listener, 5) == 0);
	CHECK(getsockname(listener, (struct sockaddr *)&at, &n) == 0);
	spec.entrypoint = str_fmt(r->a,
	    "import socket\ndef tried(f):\n    try: f(); return 'yes'\n    except ConnectionRefusedError: return "
	    "'nobody'\n"
	    "    except OSError as e: return str(e.errno)\n"
	    "print(tried(lambda: socket.create_connection(('127.0.0.1', %d))), tried(lambda: "
	    "socket.create_connection(('127.0.0.1', 8080))), "
	    "tried(lambda: socket.socket(socket.AF_INET, socket.SOCK_DGRAM)), tried(lambda: "
	    "socket.socket(socket.AF_UNIX)), "
	    "tried(lambda: socket.socket().bind(('127.0.0.1', 0))))\n",
	    ntohs(at.sin_port));
	spec.sandbox = str_of("strict");
	end = rig_run(r, &spec);
	if (str_none(sandbox_strict_missing(r->a))) {
		CHECK_STR(rig_text(&end, "error"), (Str){ 0 });
		CHECK_STR(rig_text(&end, "stdout"), str_of("13 nobody 13 13 13\n"));
	} else {
		CHECK_INT(end.outcome, RUN_UNSTARTED);
		CHECK(str_starts(rig_text(&end, "error"), str_of("this worker cannot give 'sandbox: strict': ")));
	}
	close(listener);
	spec = rig_spec(r, "shell", "true");
	spec.sandbox = str_of("tight");
	end = rig_run(r, &spec);
	CHECK_STR(rig_text(&end, "error"), str_of("there is no sandbox 'tight' (off, standard, strict)"));
}

static void
at_least_standard(ProcessesConfig *config)
{
	walled(config);
	config->sandbox_least = SANDBOX_STANDARD;
	config->worker_name = str_of("w2");
}

TEST(an_action_may_switch_its_sandbox_off_unless_the_worker_forbids_it)
{
	CLEANUP(rig_done) Rig *r = rig_open_with(walled);
	CLEANUP(rig_done) Rig *strict = rig_open_with(at_least_standard);
	const char *code = "grep -c 'Seccomp:.2' /proc/self/status";
	RunSpec spec = rig_spec(r, "shell", code);
	RunEnd end;

	spec.sandbox = str_of("off");
	end = rig_run(r, &spec);
	CHECK_STR(rig_text(&end, "stdout"), str_of("0\n"));
	spec = rig_spec(strict, "shell", code);
	spec.sandbox = str_of("off");
	end = rig_run(strict, &spec);
	CHECK_STR(rig_text(&end, "stdout"), filter_of(FILTER_STANDARD) == NULL ? str_of("0\n") : str_of("1\n"));
}

TEST(a_daemon_that_let_go_of_everything_ends_with_its_run)
{
	CLEANUP(rig_done) Rig *r = rig_open_with(walled);
	Json told = processes_isolation(r->starter, r->a);
	RunEnd end;

	if (!str_is(json_get_text(&told, "ended"), "by cgroup: exactly")) {
		CHECK(str_starts(json_get_text(&told, "ended"), str_of("by session and a mark")));
		return;
	}
	end = rig_shell(r,
	    "read pid < <(env -i setsid bash -c 'trap \"\" TERM HUP; echo $$; exec </dev/null >/dev/null 2>&1; "
	    "while :; do /bin/sleep 1000; done'); echo $pid");
	CHECK_INT(end.outcome, RUN_SUCCEEDED);
	CHECK(!child_tree_alive(
	    (pid_t)strtol(rig_text(&end, "stdout").p, NULL, 10), NULL)); /* it led a session of its own */
}
