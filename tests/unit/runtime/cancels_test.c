/*
 * Cancels and time limits at moments that nobody has chosen, of runs that do their worst, in each way in which a process comes to run an
 * action: nothing of them is left. A few hundred each; `make cancels` has ten thousand each, `make cancels N=500 SEED=7` as many as asked.
 */
#include "rig.h"

#include "os/fs.h"
#include "runtime/run.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { SCRIPTS = 8, AT_ONCE = 6, HOMES_MOST = 70 };

typedef struct Way {
	const char *runtime, *config, *ending;
	size_t (*quick)(const Starter *s); /* how many runs have come to be this way; NULL: the plain one */
	int runs, pause_ms;                /* and how long it rests at most between two, so that some may get ready */
	const char *scripts[SCRIPTS];
} Way;

/* NAP is a number of seconds that no other process of the machine sleeps. */
static const Way plain = { "shell", NULL, NULL, NULL, 500, 0,
	{ "sleep NAP", "sleep NAP & sleep NAP & wait", "trap '' TERM; sleep NAP; sleep NAP",
	    "setsid sleep NAP & sleep NAP", "while :; do echo flood; done",
	    "(exec >/dev/null 2>&1; setsid sleep NAP) & exit 0", "mkdir -p $HOME/a/b; echo x > $HOME/a/b/c; sleep 0.01",
	    "exec <&- >&- 2>&-; sleep NAP" } };

static const Way seeds = { "shell", "{\"interpreter\":{\"binary\":\"/bin/bash\",\"args\":[]}}", "sh", processes_grown,
	400, 0,
	{ "sleep NAP", "sleep NAP & sleep NAP & wait", "trap '' TERM; sleep NAP; sleep NAP",
	    "setsid sleep NAP & sleep NAP", "while :; do echo flood; done", "while :; do :; done",
	    "(exec >/dev/null 2>&1; setsid sleep NAP) & exit 0", "mkdir -p $HOME/a/b; echo x > $HOME/a/b/c" } };

static const Way perl = { "perl", "{\"interpreter\":{\"binary\":\"/usr/bin/perl\",\"args\":[]}}", "pl", processes_grown,
	200, 0,
	{ "sleep NAP", "fork; fork; sleep NAP", "$SIG{TERM} = 'IGNORE'; 1 while 1",
	    "use POSIX; fork or setsid; sleep NAP", "print 'flood' while 1", "system 'sleep NAP'",
	    "use POSIX; if (!fork) { setsid; exec 'sleep', 'NAP' }", "mkdir \"$ENV{HOME}/a\"" } };

static const Way forks = { "python", "{\"interpreter\":{\"binary\":\"/usr/bin/python3\",\"args\":[\"-u\"]}}", "py",
	processes_forked, 400, 0,
	{ "import signal; signal.pause()", "import os, signal; os.fork(); os.fork(); signal.pause()",
	    "import signal\nsignal.signal(signal.SIGTERM, signal.SIG_IGN)\nwhile True: pass",
	    "import os, signal\nif os.fork() == 0: os.setsid()\nsignal.pause()", "while True: print('flood')",
	    "import subprocess; subprocess.run(['sleep', 'NAP'])",
	    "import os, signal\nif os.fork() == 0:\n  os.setsid()\n  if os.fork() == 0: os.closerange(0, 99); "
	    "signal.pause()",
	    "import os; os.makedirs(os.environ['HOME'] + '/a/b')" } };

static const Way ahead = { "nodejs", "{\"interpreter\":{\"binary\":\"node\",\"args\":[]}}", "js", processes_ahead, 100,
	150,
	{ "require('child_process').spawn('sleep', ['NAP'], { detached: true }); setInterval(() => {}, 1000)",
	    "setInterval(() => {}, 1000)", "process.on('SIGTERM', () => {}); for (;;);",
	    "require('child_process').spawn('sleep', ['NAP'], { detached: true, stdio: 'ignore' }).unref()",
	    "require('child_process').execSync('sleep NAP')", "(function f() { process.stdout.write('flood', f) })()",
	    "new (require('worker_threads').Worker)('for (;;);', { eval: true })",
	    "require('fs').mkdirSync(process.env.HOME + '/a')" } };

typedef struct Storm {
	Rig *r;
	const Way *way;
	Json config;
	const char *scripts; /* how their paths begin */
	char nap[32];
	unsigned seed;
	int started, ended;
	size_t quick; /* that were cancelled or over their time, and of this way */
} Storm;

static void
walled(ProcessesConfig *config)
{
	config->kill_grace = 30 * US_PER_MS;
	config->sandbox = SANDBOX_STANDARD;
	config->cgroup = str_of("auto");
	config->limits = (RunLimits){ .processes = 200, .open_files = 256 };
	config->warm = true;
}

static int
setting(const char *name, int usual)
{
	const char *text = getenv(name);

	return text == NULL ? usual : atoi(text);
}

static const char *
filled_in(Storm *s, size_t i)
{
	Buf b = buf_open(s->r->a);
	Str rest = str_of(s->way->scripts[i]);
	size_t at;

	while (str_find(rest, str_of("NAP"), &at)) {
		buf_add(&b, str_sub(rest, 0, at));
		buf_text(&b, s->nap);
		rest = str_sub(rest, at + 3, rest.n);
	}
	buf_add(&b, rest);
	return str_cstr(s->r->a, buf_str(&b));
}

static RunSpec
spec_of(Storm *s, size_t i)
{
	const Way *w = s->way;
	RunSpec spec = rig_spec(
	    s->r, w->runtime, w->ending == NULL ? filled_in(s, i) : str_fmt(s->r->a, "storm%zu.%s", i, w->ending).p);

	if (w->config != NULL)
		spec.runtime_config = &s->config;
	return spec;
}

/* Whose command line has one of the two. */
static size_t
processes_with(const char *one, const char *other, const char *without)
{
	Arena *a = arena_open();
	DIR *d = opendir("/proc");
	struct dirent *e;
	size_t found = 0;

	CHECK(d != NULL);
	while ((e = readdir(d)) != NULL) {
		char path[300];
		Str line;

		snprintf(path, sizeof(path), "/proc/%s/cmdline", e->d_name);
		if (e->d_name[0] >= '1' && e->d_name[0] <= '9' && file_read(a, path, 1 << 20, &line, NULL))
			found += (str_find(line, str_of(one), NULL) || str_find(line, str_of(other), NULL)) &&
				 (without == NULL || !str_find(line, str_of(without), NULL));
	}
	closedir(d);
	arena_close(a);
	return found;
}

/* Processes of runs: by the script that they run, or by their sleep. */
static size_t
processes_left(const Storm *s)
{
	return processes_with(s->scripts, s->nap, "/.ahead/");
}

/* Also shows that what is looked for would be seen. */
static void
check_seen(Storm *s, size_t i)
{
	RunSpec spec = spec_of(s, i);
	TimeUs until = clock_mono(clock_real()) + 60 * US_PER_S;

	rig_start(s->r, &spec);
	while (processes_left(s) == 0) {
		CHECK(clock_mono(clock_real()) < until);
		rig_pause(s->r, clock_mono(clock_real()) + US_PER_MS);
	}
	s->r->starter->cancel(s->r->starter, spec.execution, 1);
	CHECK_INT(rig_wait(s->r).outcome, RUN_CANCELLED);
	CHECK_INT(processes_left(s), 0);
}

static void
warm_up(Storm *s)
{
	TimeUs until = clock_mono(clock_real()) + 120 * US_PER_S;

	for (size_t i = 0; s->way->ending != NULL && i < SCRIPTS; i++)
		rig_file(s->r, str_fmt(s->r->a, "actions/storm%zu.%s", i, s->way->ending).p, filled_in(s, i));
	for (int i = 0; i < 2 * AT_ONCE || (s->way->quick != NULL && s->way->quick(s->r->starter) < 2); i++) {
		CHECK(clock_mono(clock_real()) < until);
		check_seen(s, 0);
		rig_pause(s->r, clock_mono(clock_real()) + 10 * US_PER_MS);
	}
}

static void
start_one(Storm *s)
{
	size_t before = s->way->quick == NULL ? 0 : s->way->quick(s->r->starter);
	RunSpec spec = spec_of(s, (size_t)rand_r(&s->seed) % SCRIPTS);
	Starter *starter = s->r->starter;

	spec.timeout = rand_r(&s->seed) % 2 == 0 ? 1 + rand_r(&s->seed) % (40 * US_PER_MS) : 60 * US_PER_S;
	rig_start(s->r, &spec);
	s->started++;
	s->quick += s->way->quick == NULL || s->way->quick(starter) > before;
	if (spec.timeout > US_PER_S) {
		rig_pause(s->r, clock_mono(clock_real()) + rand_r(&s->seed) % (20 * US_PER_MS));
		starter->cancel(starter, spec.execution, 1);
	}
}

static void
await_one(Storm *s)
{
	TimeUs until = clock_mono(clock_real()) + 60 * US_PER_S;
	Starter *starter = s->r->starter;
	Arena *a = arena_open();
	RunEnd end;

	while (starter->ended(starter, a, &end, 1) == 0) {
		CHECK(clock_mono(clock_real()) < until);
		rig_pause(s->r, until);
	}
	if (end.outcome != RUN_CANCELLED && end.outcome != RUN_TIMED_OUT && end.outcome != RUN_SUCCEEDED)
		test_fail(__FILE__, __LINE__, "run %lld ended by %d: %.*s", (long long)end.execution, end.outcome,
		    STR_ARG(rig_text(&end, "error")));
	arena_close(a);
	s->ended++;
	if (s->way->pause_ms > 0)
		rig_pause(s->r, clock_mono(clock_real()) + rand_r(&s->seed) % (unsigned)(s->way->pause_ms * US_PER_MS));
}

/* Empty ones wait for the next runs. */
static void
check_homes_empty(const Storm *s)
{
	const Processes *p = (const Processes *)s->r->starter;
	DirEntry *list;
	size_t n;
	Err err = { 0 };

	CHECK_OK(dir_list(s->r->a, p->home_base.p, &list, &n, &err), err);
	CHECK(n <= HOMES_MOST);
	for (size_t i = 0; i < n; i++)
		if (!str_starts(list[i].name, str_of("ahead-")) && list[i].name.p[0] != '.')
			CHECK_INT(rig_count(str_fmt(s->r->a, "%s/%s", p->home_base.p, list[i].name.p).p, ""), 0);
}

static void
go(Storm *s, int runs)
{
	while (s->ended < runs) {
		while (
		    s->started < runs && s->r->starter->running(s->r->starter) < (s->way->pause_ms > 0 ? 1 : AT_ONCE))
			start_one(s);
		await_one(s);
	}
	printf("%d runs, %zu of them this way\n", runs, s->quick);
	CHECK_INT(s->r->starter->running(s->r->starter), 0);
	CHECK_INT(processes_left(s), 0);
	CHECK(s->quick > (size_t)runs / 4); /* else it is not what was tried */
}

static void
storm(const Way *way)
{
	Storm s = { .r = rig_open_with(walled), .way = way, .seed = (unsigned)setting("SEED", 20261127) };
	const Processes *p = (const Processes *)s.r->starter;
	Arena *a = arena_open(); /* outlives the rig */
	/* what waits for a run: folders, and Node's processes */
	size_t more = way->pause_ms > 0 ? 2 * SCRIPTS : AT_ONCE, descriptors, groups;
	const char *homes;

	snprintf(s.nap, sizeof(s.nap), "9%09d", (int)getpid());
	s.scripts = str_fmt(a, "%s/packs/demo/actions/storm", s.r->dir.p).p;
	if (way->config != NULL)
		s.config = rig_json(s.r, way->config);
	warm_up(&s);
	homes = str_copy(a, p->home_base).p;
	descriptors = rig_count("/proc/self/fd", "");
	groups = p->groups == NULL ? 0 : rig_count(groups_path(p->groups), "");
	go(&s, setting("RUNS", way->runs));
	CHECK(rig_count("/proc/self/fd", "") <= descriptors + 4 * more + rig_count(homes, ""));
	CHECK(p->groups == NULL || rig_count(groups_path(p->groups), "") <= groups + more); /* they are used again */
	check_homes_empty(&s);
	check_seen(&s, 0); /* the worker is as it was */
	rig_done(&s.r);
	CHECK(!file_exists(homes));
	CHECK_INT(processes_with(s.scripts, s.nap, NULL), 0);
	arena_close(a);
}

TEST(cancels_and_time_limits_at_any_random_moment_leave_nothing)
{
	storm(&plain);
}

TEST(cancels_at_any_random_moment_of_what_an_interpreter_that_was_loaded_before_runs_leave_nothing)
{
	storm(&seeds);
	storm(&perl);
}

TEST(cancels_at_any_random_moment_of_forks_of_a_python_server_leave_nothing)
{
	storm(&forks);
}

TEST(cancels_at_any_random_moment_of_a_node_that_was_started_ahead_leave_nothing)
{
	storm(&ahead);
}
