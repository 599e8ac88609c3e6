/*
 * What interpreters cost that have started already: a Python action that is a fork, and a Node action in a process that was started ahead,
 * from their start to their being reaped inside the worker, with limits and the standard sandbox; beside a cold start of the same script,
 * bare, and a shell action, by turns. Ten of each a second; then, of shell and Python, as many a second as can be, four at once. And the
 * first run of each of many environments of Python, which nothing is kept ready for, beside a cold start by that environment's own.
 *   bench_warm DIR
 */
#include "report.h"

#include "os/fs.h"
#include "runtime/processes.h"

#include <spawn.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

enum {
	WARM = 20,
	ROUNDS = 100,
	PAUSE = 100 * US_PER_MS,
	MANY = 1500,
	AT_ONCE = 4,
	PYTHON = 1,
	COLD = 20,
	COLD_PAUSE = 300 * US_PER_MS
};

extern char **environ;

typedef struct Kind {
	const char *name, *runtime, *binary, *script, *text;
	bool many; /* how many a second is asked, too */
} Kind;

static const Kind kinds[] = {
	{ "shell", "shell", "/bin/bash", "x.sh", "", true },
	{ "python", "python", "/usr/bin/python3", "x.py", "import json\n", true },
	{ "node", "nodejs", "/usr/bin/node", "x.js", "", false },
};

typedef struct Warm {
	Arena *a;
	const char *actions;
	Starter *starter;
	Id last;
	Json runtimes[countof(kinds)];
	Samples bare[countof(kinds)], ours[countof(kinds)];
} Warm;

static double
bare_once(const Warm *w, const char *binary, size_t k)
{
	char *argv[] = { (char *)(uintptr_t)binary,
		(char *)(uintptr_t)str_fmt(w->a, "%s/%s", w->actions, kinds[k].script).p, NULL };
	TimeUs t0 = mono_us();
	pid_t pid;
	int status;

	must(posix_spawn(&pid, argv[0], NULL, NULL, argv, environ) == 0, NULL, argv[0]);
	must(waitpid(pid, &status, 0) == pid && status == 0, NULL, argv[0]);
	return (double)(mono_us() - t0);
}

static void
start(Warm *w, size_t k)
{
	RunSpec spec = { .execution = ++w->last,
		.attempt = 1,
		.action_ref = str_of("demo.act"),
		.pack_ref = str_of("demo"),
		.entrypoint = str_of(kinds[k].script),
		.runtime = str_of(kinds[k].runtime),
		.runtime_config = &w->runtimes[k],
		.parameter_delivery = str_of("stdin"),
		.parameter_format = str_of("json"),
		.output_format = str_of("text"),
		.timeout = 60 * US_PER_S,
		.limits = { .processes = 100, .open_files = 256, .output_bytes = 1 << 20 } };
	Err err = { 0 };

	must(w->starter->start(w->starter, &spec, &err), &err, "start");
}

static void
await_one(Warm *w, size_t k)
{
	Arena *a = arena_open();
	RunEnd end;

	while (w->starter->ended(w->starter, a, &end, 1) == 0)
		w->starter->sleep(w->starter, 0);
	must(end.outcome == RUN_SUCCEEDED, NULL, kinds[k].script);
	arena_close(a);
}

static double
ours_once(Warm *w, size_t k)
{
	TimeUs t0 = mono_us();

	start(w, k);
	await_one(w, k);
	return (double)(mono_us() - t0);
}

static void
many(Warm *w, size_t k)
{
	TimeUs t0 = mono_us();
	char name[64];

	for (int i = 0; i < MANY; i++) {
		if (i >= AT_ONCE)
			await_one(w, k);
		start(w, k);
	}
	for (int i = 0; i < AT_ONCE; i++)
		await_one(w, k);
	snprintf(name, sizeof(name), "warm_%s_per_s", kinds[k].name);
	figure(name, MANY * (double)US_PER_S / (double)(mono_us() - t0));
}

/* The worker's loop goes on, as it does between runs. */
static void
pause_until(Warm *w, TimeUs until)
{
	RunEnd end;

	while (mono_us() < until) {
		w->starter->sleep(w->starter, until);
		must(w->starter->ended(w->starter, w->a, &end, 1) == 0, NULL, "nothing runs");
	}
}

static void
measure(Warm *w, size_t k)
{
	char name[64];

	for (int i = 0; i < WARM + ROUNDS; i++) {
		TimeUs next = mono_us() + PAUSE;
		double ours = ours_once(w, k);

		if (i >= WARM)
			samples_add(&w->ours[k], ours);
		pause_until(w, next);
	}
	for (int i = 0; i < WARM + ROUNDS / 2; i++) {
		double bare = bare_once(w, kinds[k].binary, k);

		if (i >= WARM)
			samples_add(&w->bare[k], bare);
	}
	snprintf(name, sizeof(name), "warm_%s_us", kinds[k].name);
	figure(name, samples_at(&w->ours[k], 0.5));
	snprintf(name, sizeof(name), "warm_bare_%s_us", kinds[k].name);
	figure(name, samples_at(&w->bare[k], 0.5));
	samples_done(&w->ours[k]);
	samples_done(&w->bare[k]);
	if (kinds[k].many)
		many(w, k);
}

/* A folder that Python takes for an environment. */
static const char *
environment_make(Warm *w, const char *dir, int number)
{
	const char *home = str_fmt(w->a, "%s/cold/%d", dir, number).p;
	const char *binary = str_fmt(w->a, "%s/bin/python3", home).p;
	Err err = { 0 };

	must(dirs_make(str_fmt(w->a, "%s/bin", home).p, 0755, &err) &&
		 file_write(str_fmt(w->a, "%s/pyvenv.cfg", home).p,
		     str_of("home = /usr/bin\ninclude-system-site-packages = false\n"), 0644, &err),
	    &err, home);
	must(symlink(kinds[PYTHON].binary, binary) == 0, NULL, binary);
	return binary;
}

static void
measure_first(Warm *w, const char *dir)
{
	Samples ours = { 0 }, bare = { 0 };
	Err err = { 0 };

	for (int i = 0; i < COLD; i++) {
		const char *binary = environment_make(w, dir, i);
		Str text = str_fmt(w->a, "{\"interpreter\":{\"binary\":\"%s\",\"args\":[]}}", binary);

		must(json_parse(w->a, text, NULL, &w->runtimes[PYTHON], &err), &err, binary);
		samples_add(&bare, bare_once(w, binary, PYTHON));
		samples_add(&ours, ours_once(w, PYTHON));
		pause_until(w, mono_us() + COLD_PAUSE); /* what it keeps ready from now on is started by then */
	}
	figure("warm_first_python_us", samples_at(&ours, 0.5));
	figure("warm_first_bare_us", samples_at(&bare, 0.5));
	samples_done(&ours);
	samples_done(&bare);
}

int
main(int argc, char **argv)
{
	Warm w = { .a = arena_open() };
	ProcessesConfig config = { .clock = clock_real(),
		.worker_name = str_of("bench"),
		.api_url = str_of("http://127.0.0.1:8080"),
		.stdout_max = 10 << 20,
		.stderr_max = 10 << 20,
		.inline_output = 4096,
		.kill_grace = 5 * US_PER_S,
		.warm = true,
		.sandbox = SANDBOX_STANDARD,
		.cgroup = str_of("auto") };
	Json readable = json_array();
	Err err = { 0 };

	must(argc == 2, NULL, "bench_warm DIR");
	json_push(w.a, &readable, json_str(str_fmt(w.a, "%s/cold", argv[1])));
	config.sandbox_read = &readable;
	config.packs_base_dir = str_fmt(w.a, "%s/packs", argv[1]);
	config.runtime_envs_dir = str_fmt(w.a, "%s/envs", argv[1]);
	config.artifacts_dir = str_fmt(w.a, "%s/artifacts", argv[1]);
	w.actions = str_fmt(w.a, "%s/packs/demo/actions", argv[1]).p;
	must(dirs_make(w.actions, 0700, &err) && dirs_make(str_fmt(w.a, "%s/cold", argv[1]).p, 0755, &err), &err,
	    w.actions);
	must(processes_open(&config, &w.starter, &err), &err, "processes");
	for (size_t k = 0; k < countof(kinds); k++) {
		Str text = str_fmt(w.a, "{\"interpreter\":{\"binary\":\"%s\",\"args\":[]}}", kinds[k].binary);

		if (access(kinds[k].binary, X_OK) != 0)
			continue; /* its rows stay empty */
		must(json_parse(w.a, text, NULL, &w.runtimes[k], &err) &&
			 file_write(
			     str_fmt(w.a, "%s/%s", w.actions, kinds[k].script).p, str_of(kinds[k].text), 0700, &err),
		    &err, kinds[k].script);
		measure(&w, k);
	}
	if (access(kinds[PYTHON].binary, X_OK) == 0)
		measure_first(&w, argv[1]);
	w.starter->close(w.starter);
	arena_close(w.a);
	return 0;
}
