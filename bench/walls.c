/*
 * What limits and walls cost: a shell action from its start to its being reaped inside the worker, against the bare start of the same
 * file by turns; and what five hundred sleeping actions cost the worker itself.
 *   bench_walls DIR
 */
#include "report.h"

#include "os/fs.h"
#include "runtime/processes.h"

#include <spawn.h>
#include <stdio.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { WARM = 30, PAIRS = 300, SLEEPERS = 500, WATCH_S = 5, SHORT = 5 };

extern char **environ;

typedef struct Walls {
	Arena *a;
	const char *script;
	Starter *starter;
	Id last;
	Json runtime;
} Walls;

static void
bare_once(const Walls *w)
{
	char *argv[] = { (char *)"bash", (char *)w->script, NULL };
	pid_t pid;
	int status;

	must(posix_spawn(&pid, "/bin/bash", NULL, NULL, argv, environ) == 0, NULL, "posix_spawn");
	must(waitpid(pid, &status, 0) == pid && status == 0, NULL, "wait for bash");
}

static void
start(Walls *w, const char *entry, const char *sandbox)
{
	RunSpec spec = { .execution = ++w->last,
		.attempt = 1,
		.action_ref = str_of("demo.act"),
		.pack_ref = str_of("demo"),
		.entrypoint = str_of(entry),
		.runtime = str_of("shell"),
		.runtime_config = &w->runtime,
		.parameter_delivery = str_of("stdin"),
		.parameter_format = str_of("json"),
		.output_format = str_of("text"),
		.timeout = 600 * US_PER_S,
		.sandbox = str_of(sandbox),
		.limits = { .memory_mb = 512, .processes = 100, .open_files = 256, .output_bytes = 1 << 20 } };
	Err err = { 0 };

	must(w->starter->start(w->starter, &spec, &err), &err, "start");
}

static void
walled_once(Walls *w, const char *sandbox)
{
	Arena *a = arena_open();
	RunEnd end;

	start(w, "empty.sh", sandbox);
	while (w->starter->ended(w->starter, a, &end, 1) == 0)
		w->starter->sleep(w->starter, 0);
	must(end.outcome == RUN_SUCCEEDED, NULL, "a run within walls");
	arena_close(a);
}

static void
pairs(Walls *w)
{
	Samples bare = { 0 }, walled = { 0 }, plain = { 0 };

	for (int i = 0; i < WARM + PAIRS; i++) {
		TimeUs t0 = mono_us(), t1, t2, t3;

		bare_once(w);
		t1 = mono_us();
		walled_once(w, "standard");
		t2 = mono_us();
		walled_once(w, "off");
		t3 = mono_us();
		if (i < WARM)
			continue;
		samples_add(&bare, (double)(t1 - t0));
		samples_add(&walled, (double)(t2 - t1));
		samples_add(&plain, (double)(t3 - t2));
	}
	figure("walls_bare_us", samples_at(&bare, 0.5));
	figure("walls_standard_us", samples_at(&walled, 0.5));
	figure("walls_off_us", samples_at(&plain, 0.5));
	samples_done(&bare);
	samples_done(&walled);
	samples_done(&plain);
}

static double
resident_kib(void)
{
	unsigned long pages = 0;
	FILE *f = fopen("/proc/self/statm", "re");

	must(f != NULL && fscanf(f, "%*u %lu", &pages) == 1, NULL, "statm");
	fclose(f);
	return (double)pages * (double)sysconf(_SC_PAGESIZE) / 1024;
}

static double
own_cpu(void)
{
	struct timespec t;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* Runs the loop without anything to do for so long. */
static void
idle(Walls *w, TimeUs until)
{
	RunEnd end;

	while (mono_us() < until) {
		w->starter->sleep(w->starter, until);
		must(w->starter->ended(w->starter, w->a, &end, 1) == 0, NULL, "a sleeper ended");
	}
}

static void
sleepers(Walls *w)
{
	double before = resident_kib(), cpu;

	for (int i = 0; i < SLEEPERS; i++)
		start(w, "sleep.sh", "standard");
	idle(w, mono_us() + SHORT * US_PER_S); /* until they are past their first moments */
	figure("walls_sleeper_kib", (resident_kib() - before) / SLEEPERS);
	cpu = own_cpu();
	idle(w, mono_us() + WATCH_S * US_PER_S);
	figure("walls_sleepers_cpu_percent", (own_cpu() - cpu) / WATCH_S * 100);
}

int
main(int argc, char **argv)
{
	Walls w = { .a = arena_open() };
	ProcessesConfig config = { .clock = clock_real(),
		.worker_name = str_of("bench"),
		.api_url = str_of("http://127.0.0.1:8080"),
		.stdout_max = 10 << 20,
		.stderr_max = 10 << 20,
		.inline_output = 4096,
		.kill_grace = 5 * US_PER_S,
		.sandbox = SANDBOX_STANDARD,
		.cgroup = str_of("auto") };
	const char *actions;
	Err err = { 0 };

	must(argc == 2, NULL, "bench_walls DIR");
	config.packs_base_dir = str_fmt(w.a, "%s/packs", argv[1]);
	config.runtime_envs_dir = str_fmt(w.a, "%s/envs", argv[1]);
	config.artifacts_dir = str_fmt(w.a, "%s/artifacts", argv[1]);
	actions = str_fmt(w.a, "%s/packs/demo/actions", argv[1]).p;
	must(dirs_make(actions, 0700, &err), &err, actions);
	w.script = str_fmt(w.a, "%s/empty.sh", actions).p;
	must(file_write(w.script, str_of(""), 0700, &err) &&
		 file_write(str_fmt(w.a, "%s/sleep.sh", actions).p, str_of("exec sleep 1000\n"), 0700, &err),
	    &err, "scripts");
	must(
	    json_parse(w.a, str_of("{\"interpreter\":{\"binary\":\"/bin/bash\",\"args\":[]}}"), NULL, &w.runtime, &err),
	    &err, "runtime");
	must(processes_open(&config, &w.starter, &err), &err, "processes");
	pairs(&w);
	sleepers(&w);
	w.starter->close(w.starter);
	arena_close(w.a);
	return 0;
}
