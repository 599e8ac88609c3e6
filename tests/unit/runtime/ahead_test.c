/* What Node does in a process that was started ahead, against a start of its own: to the letter. */
#include "rig.h"

#include "os/fs.h"
#include "os/spawn.h"
#include "os/walls.h"
#include "runtime/run.h"

#include <dirent.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

static const char node_config[] =
    "{\"interpreter\":{\"binary\":\"node\",\"args\":[]},\"env_vars\":{\"NODE_PATH\":\"/none\"}}";

static const struct {
	const char *name, *text;
} scripts[] = {
	{ "hello.js", "console.log('hello')\n" },
	{ "stdin.js", "let t = ''; process.stdin.on('data', d => t += d).on('end', () => console.log(t, "
		      "process.stdin.constructor.name))\n" },
	{ "sync.js", "const fs = require('fs'); console.log(fs.readFileSync(0, 'utf8'), fs.fstatSync(0).isFile())\n" },
	{ "argv.js", "console.log(process.argv, process.argv0, process.execArgv, process.execPath, process.title, "
		     "__filename, __dirname)\n" },
	{ "main.js", "console.log(require.main === module, module.id, module.paths[0], Object.keys(require.cache), "
		     "module.parent, module.children)\n" },
	{ "preload.js", "console.log(process._preload_modules, process.env.NODE_OPTIONS, process.cwd(), "
			"require('module').globalPaths.length)\n" },
	{ "env.js", "console.log(Object.entries(process.env).filter(([k]) => !/RUN$|EXEC|HOME|TMPDIR/.test(k)))\n" },
	{ "env_child.js", "console.log(require('child_process').execSync('env | sort | grep -v "
			  "\"RUN=\\\\|EXEC\\\\|HOME=\\\\|TMPDIR=\\\\|^_=\"').toString())\n" },
	{ "home.js", "const os = require('os'), fs = require('fs'); const h = os.homedir(); console.log(h === "
		     "process.env.HOME, h === os.tmpdir(), fs.readdirSync(h)); fs.writeFileSync(h + '/x', 'y'); "
		     "console.log(fs.readFileSync(h + '/x', 'utf8'))\n" },
	{ "files.js", "const fs = require('fs'), d = process.env.ATTUNE_EXECUTION_DIR; console.log(fs.readdirSync(d)); "
		      "fs.writeFileSync(d + '/left', 'it')\n" },
	{ "exit.js", "process.on('exit', c => console.log('exit', c)); process.exitCode = 3\n" },
	{ "exit_now.js", "console.error('e'); process.exit(7)\n" },
	{ "exit_zero.js", "console.log(1); process.exit(0)\n" },
	{ "exit_order.js", "process.on('beforeExit', c => console.log('before', c)); process.on('exit', c => "
			   "console.log('exit', c)); setTimeout(() => console.log('late'), 20)\n" },
	{ "exit_late.js", "process.on('exit', () => { process.exitCode = 5 })\n" },
	{ "exit_code.js", "process.exitCode = 6\n" },
	{ "exit_micro.js", "process.on('exit', () => { Promise.resolve().then(() => console.log('then')) })\n" },
	{ "exit_throws.js", "process.on('exit', () => { throw new Error('at the end') })\n" },
	{ "exit_patched.js", "const emit = process.emit; process.emit = function (t, c) { const r = emit.apply(this, "
			     "arguments); if (t === 'exit') console.log('after', c); return r }\n" },
	{ "exit_really.js", "const exit = process.reallyExit; process.reallyExit = c => { console.log('really', c); "
			    "exit.call(process, c) }; process.exit(0)\n" },
	{ "emit.js", "console.log(process.emit === require('events').prototype.emit, Object.keys(process).includes("
		     "'emit'), process.emit('exit', 0)); process.on('x', () => { throw new Error('x') }); "
		     "console.log('here'); process.emit('x')\n" },
	{ "thread_left.js", "const { Worker } = require('worker_threads'); new Worker('setInterval(() => {}, 1000)', "
			    "{ eval: true }).unref(); console.log('end')\n" },
	{ "throw.js", "function f() { throw new TypeError('bad') }\nf()\n" },
	{ "reject.js", "Promise.reject(new Error('no'))\n" },
	{ "syntax.js", "let x = ;\n" },
	{ "missing.js", "require('./nothing')\n" },
	{ "kill.js", "process.kill(process.pid, 'SIGKILL'); setInterval(() => {}, 1000)\n" },
	{ "term.js", "process.kill(process.pid, 'SIGTERM'); setInterval(() => {}, 1000)\n" },
	{ "trap.js", "process.on('SIGTERM', () => { console.log('term'); process.exit(4) }); process.kill(process.pid, "
		     "'SIGTERM'); setInterval(() => {}, 1000)\n" },
	{ "abort.js", "process.abort()\n" },
	{ "esm.mjs", "import fs from 'node:fs'; import * as m from './part.mjs'; console.log(import.meta.url, m.x, "
		     "typeof require, process.argv[1], fs.readFileSync(0, 'utf8'));\nawait 1\n" },
	{ "part.mjs", "export const x = 5\n" },
	{ "worker.js", "const { Worker, isMainThread } = require('worker_threads');\nif (isMainThread) new "
		       "Worker(__filename).on('exit', c => console.log('main', c));\nelse console.log('thread', "
		       "process.execArgv, process.argv.length, require.main === module)\n" },
	{ "fork.js",
	    "const cp = require('child_process');\nif (process.argv[2]) console.log('child', process.execArgv, "
	    "process.env.ATTUNE_AHEAD);\nelse cp.fork(__filename, ['x']).on('exit', c => console.log('end', c))\n" },
	{ "descriptors.js", "const fs = require('fs'); for (const f of [0, 1, 2]) { const s = fs.fstatSync(f); "
			    "console.log(s.isFIFO(), s.isFile(), s.isCharacterDevice()) } "
			    "console.log(process.stdout.isTTY, process.stdout.writableHighWaterMark, "
			    "process.stdout.constructor.name, fs.readdirSync('/proc/self/fd').length)\n" },
	{ "limits.js", "console.log(require('fs').readFileSync('/proc/self/limits', 'utf8').replace(/Max "
		       "(locked|pending).*\\n/g, ''))\n" },
	{ "privileges.js", "console.log(require('fs').readFileSync('/proc/self/status', 'utf8').split('\\n').filter(l "
			   "=> /^(NoNewPrivs|Seccomp|Sig(Ign|Blk|Cgt)|Umask|Cap)/.test(l)))\n" },
	{ "session.js", "const s = require('fs').readFileSync('/proc/self/stat', 'utf8').split(' '); console.log(s[4] "
			"== process.pid, s[5] == process.pid)\n" },
	{ "heap.js", "console.log(require('v8').getHeapStatistics().heap_size_limit, process.umask())\n" },
	{ "big.js", "process.stdout.write('x'.repeat(300000))\n" },
	{ "write.js", "try { require('fs').writeFileSync('/tmp/attune-ahead-test', 'x'); console.log('written') } "
		      "catch (e) { console.log(e.code) }\n" },
	{ "zone.js", "console.log(new Date(0).toString(), Intl.DateTimeFormat().resolvedOptions().locale)\n" },
	{ "order.js", "process.nextTick(() => console.log(1)); setImmediate(() => console.log(3)); "
		      "Promise.resolve().then(() => console.log(2)); console.log(0)\n" },
	{ "args.js", "console.log(require('vm').runInThisContext('this === globalThis'), Object.keys(globalThis), "
		     "process.exitCode, process.listeners('exit').length, process.eventNames())\n" },
};

static void
warm(ProcessesConfig *config)
{
	config->warm = true;
	config->sandbox = SANDBOX_STANDARD;
	config->cgroup = str_of("auto");
	config->limits = (RunLimits){ .processes = 200, .open_files = 256 };
	config->kill_grace = 500 * US_PER_MS;
}

static bool
has_node(void)
{
	return file_exists("/usr/bin/node");
}

static RunSpec
spec_of(Rig *r, const char *entry, const Json *config)
{
	RunSpec s = rig_spec(r, "nodejs", entry);
	Json *params = arena_new(r->a, Json);

	*params = rig_json(r, "{\"a\": [1, \"\\u00e4\"], \"b\": null}");
	s.params = params;
	s.runtime_config = config;
	return s;
}

static RunEnd
run_plainly(Rig *r, const RunSpec *spec)
{
	Processes *p = (Processes *)r->starter;
	Ahead *ahead = p->ahead;
	RunEnd end;

	p->ahead = NULL;
	end = rig_run(r, spec);
	p->ahead = ahead;
	return end;
}

/* Runs it until it ran in a process that was started ahead. */
static RunEnd
run_ahead(Rig *r, const RunSpec *spec)
{
	TimeUs until = clock_mono(clock_real()) + 120 * US_PER_S;
	size_t before = processes_ahead(r->starter);
	RunSpec again = *spec;
	RunEnd end;

	for (;;) {
		CHECK(clock_mono(clock_real()) < until);
		end = rig_run(r, &again);
		if (processes_ahead(r->starter) > before)
			return end;
		again.execution = ++r->last;
		rig_pause(r, clock_mono(clock_real()) + 50 * US_PER_MS);
	}
}

static void
fill(Rig *r)
{
	for (size_t i = 0; i < countof(scripts); i++)
		rig_file(r, str_fmt(r->a, "actions/%s", scripts[i].name).p, scripts[i].text);
}

TEST(a_process_that_was_started_ahead_does_what_node_does)
{
	CLEANUP(rig_done) Rig *r = rig_open_with(warm);
	Json config = rig_json(r, node_config);
	int wrong = 0;

	fill(r);
	for (size_t i = 0; has_node() && i < countof(scripts); i++) {
		RunSpec s = spec_of(r, scripts[i].name, &config);
		RunEnd cold = run_plainly(r, &s), ahead;
		Str x, y;

		s = spec_of(r, scripts[i].name, &config);
		ahead = run_ahead(r, &s);
		x = rig_comparable(r, &cold);
		y = rig_comparable(r, &ahead);
		if (!str_eq(x, y)) {
			fprintf(stderr, "%s differs:\nplain: %.1500s\nahead: %.1500s\n", scripts[i].name, x.p, y.p);
			wrong++;
		}
		if (strcmp(scripts[i].name, "files.js") == 0)
			CHECK_STR(rig_log(r, &ahead, "files/left"), str_of("it"));
	}
	CHECK_INT(wrong, 0);
}

/* Which cannot be seen from outside: so the script plays the end. */
TEST(the_end_of_a_good_run_is_cut_short_and_that_of_one_with_something_left_to_do_is_not)
{
	CLEANUP(rig_done) Rig *r = rig_open_with(warm);
	Json config = rig_json(r, node_config);
	RunSpec s;
	RunEnd end;

	if (!has_node())
		return;
	rig_file(r, "actions/short.js",
	    "const is = () => process.emit !== require('events').prototype.emit, t = [is()], f = () => {}; "
	    "process._exiting = true; t.push(is()); process.on('exit', f); t.push(is()); process.off('exit', f); "
	    "process.exitCode = 1; t.push(is()); process.exitCode = 0; t.push(is()); require('worker_threads'); "
	    "t.push(is()); console.log(t.join(' '))\n");
	s = spec_of(r, "short.js", &config);
	end = run_ahead(r, &s);
	CHECK_STR(rig_text(&end, "stdout"), str_of("false true false false true false\n"));
}

TEST(parameters_by_file_and_changes_of_the_script_arrive_in_what_was_started_ahead)
{
	CLEANUP(rig_done) Rig *r = rig_open_with(warm);
	Json config = rig_json(r, node_config);
	RunSpec s;
	RunEnd end;

	if (!has_node())
		return;
	rig_file(r, "actions/file.js",
	    "const fs = require('fs'); console.log(fs.readFileSync(process.env.ATTUNE_PARAMETER_FILE, 'utf8'), "
	    "fs.readFileSync(0, 'utf8').length, fs.fstatSync(0).isCharacterDevice())\n");
	s = spec_of(r, "file.js", &config);
	s.parameter_delivery = str_of("file");
	end = run_ahead(r, &s);
	CHECK_STR(rig_text(&end, "stdout"), str_of("{\"a\":[1,\"\xc3\xa4\"],\"b\":null}\n 0 true\n"));
	rig_file(r, "actions/file.js", "console.log('new')\n");
	s.execution = ++r->last;
	end = run_ahead(r, &s);
	CHECK_STR(rig_text(&end, "stdout"), str_of("new\n"));
}

/* Of those that wait. */
static size_t
waiting(const Rig *r, pid_t *ret)
{
	DIR *d = opendir("/proc");
	struct dirent *e;
	size_t found = 0;

	while ((e = readdir(d)) != NULL) {
		char path[300];
		size_t at;
		Str text;

		snprintf(path, sizeof(path), "/proc/%s/cmdline", e->d_name);
		if (e->d_name[0] < '1' || e->d_name[0] > '9' || !file_read(r->a, path, 1 << 20, &text, NULL) ||
		    !str_find(text, ((Processes *)r->starter)->home_base, &at))
			continue;
		*ret = atoi(e->d_name);
		found++;
	}
	closedir(d);
	return found;
}

static void
await_waiting(Rig *r, pid_t *ret)
{
	TimeUs until = clock_mono(clock_real()) + 60 * US_PER_S;

	while (waiting(r, ret) == 0) {
		CHECK(clock_mono(clock_real()) < until);
		rig_pause(r, clock_mono(clock_real()) + 20 * US_PER_MS);
	}
}

TEST(what_waits_may_be_killed_or_stopped_and_each_run_happens_once)
{
	CLEANUP(rig_done) Rig *r = rig_open_with(warm);
	Json config = rig_json(r, node_config);

	if (!has_node())
		return;
	rig_file(r, "actions/count.js",
	    "require('fs').appendFileSync(process.env.ATTUNE_EXECUTION_DIR + '/n', 'x'); console.log('ran')\n");
	for (int i = 0; i < 8; i++) {
		RunSpec s = spec_of(r, "count.js", &config);
		pid_t pid = 0;
		RunEnd end;

		end = run_ahead(r, &s);
		await_waiting(r, &pid);
		s = spec_of(r, "count.js", &config);
		if (i % 2 == 0) {
			kill(pid, SIGKILL);
			rig_start(r, &s);
		} else {
			rig_start(r, &s);
			rig_pause(r, clock_mono(clock_real()) + i * 100);
			kill(pid, SIGKILL);
		}
		end = rig_wait(r);
		/* taken while it was dying, it is a run whose process was killed */
		CHECK(end.outcome == RUN_SUCCEEDED || (end.outcome == RUN_FAILED && rig_int(&end, "exit_code") == 137));
		if (end.outcome == RUN_SUCCEEDED)
			CHECK_STR(rig_log(r, &end, "files/n"), str_of("x"));
	}
}

TEST(a_run_that_was_started_ahead_can_be_cancelled_and_has_its_time)
{
	CLEANUP(rig_done) Rig *r = rig_open_with(warm);
	Json config = rig_json(r, node_config);
	RunSpec s;
	RunEnd end;

	if (!has_node())
		return;
	rig_file(r, "actions/long.js",
	    "require('child_process').spawn('sleep', ['1000'], { detached: true }); setInterval(() => {}, 1000)\n");
	s = spec_of(r, "long.js", &config);
	s.timeout = 300 * US_PER_MS;
	end = run_ahead(r, &s);
	CHECK_INT(end.outcome, RUN_TIMED_OUT);
	CHECK(rig_int(&end, "duration_ms") >= 290);
	CHECK(!child_tree_alive(0, str_fmt(r->a, "ATTUNE_ARTIFACTS_DIR=%s/artifacts", r->dir.p).p));
}
