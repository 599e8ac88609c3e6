#include "runtime/pack_tests.h"

#include "base/codec.h"
#include "base/uuid.h"
#include "os/fs.h"
#include "os/guardian.h"
#include "runtime/env_inner.h"
#include "runtime/environ.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
	OUTPUT_MOST = 1 << 20, /* of each stream, the last; read for what it says of the tests */
	LOOK_MS = 100,
	GONE_LOOKS = 200,
	GONE_MS = 10,
	ARGS_MOST = 12,
};

/* The end of a stream. */
typedef struct Tail {
	char *p;
	size_t n;
	int fd;
} Tail;

typedef struct Trial {
	Arena *a;
	const PackTestsConfig *c;
	const PackTestsAsk *ask;
	const atomic_bool *stopping;
	TimeUs until; /* of all */
	Sandbox *sandbox;
	SandboxKind kind;
	Str home, marker;
	/* of the runner that is being run */
	const TestRunner *r;
	const char *runtime;
	const Json *config; /* of that runtime */
	Places places;
	EnvUse env;   /* its lease */
	Str env_path; /* where the programs of its environment lie; none: it has no environment */
} Trial;

/* ---- its environment ---- */

static bool
has_file(const Trial *t, const char *name)
{
	return file_exists(str_fmt(t->a, "%.*s/%s", STR_ARG(t->places.pack_dir), name).p);
}

static void
choose_runtime(Trial *t)
{
	bool node = t->r->kind == TEST_SCRIPT && !has_file(t, "requirements.txt") && has_file(t, "package.json");

	t->runtime = node ? "nodejs" : "python";
	t->config = node ? t->ask->nodejs : t->ask->python;
}

/* The one that is there counts when it is made of the same; else one is built, in its place or where it is in nobody's way. */
static bool
environment_get(Trial *t, Str *ret_dir, Err *err)
{
	EnvsConfig c = t->c->envs;
	EnvWant want = { t->ask->pack_ref, str_of(t->runtime), t->config };
	BuildOutcome built;
	EnvFacts f;

	c.packs_base_dir = t->ask->packs_dir;
	if (!facts_find(t->a, &c, &want, &f))
		return true;
	if (!facts_hash(t->a, &c, &want, &f, err))
		return false;
	if (!env_current(t->a, &f, ret_dir) || (t->env.lease = env_lease(t->a, *ret_dir)) < 0) {
		if (!t->ask->in_place)
			c.runtime_envs_dir = str_fmt(t->a, "%.*s/envs", STR_ARG(t->ask->stage));
		if (!facts_find(t->a, &c, &want, &f) || !facts_hash(t->a, &c, &want, &f, err))
			return err->code == ERR_NONE && err_set(err, ERR_STALE, "its dependency file went away");
		if (!env_build(t->a, &c, &want, &f, false, t->stopping, &built))
			return err_set(err, ERR_INVALID, "%.*s", STR_ARG(built.problem));
		*ret_dir = built.dir;
		t->env.lease = env_lease(t->a, built.dir);
	}
	return true;
}

static void
choose_interpreter(Trial *t, bool with_env)
{
	Str binary = json_get_text(json_get(t->config, "interpreter"), "binary"), inside;
	Str found;

	if (str_none(binary) || binary.n == 0)
		binary = str_of(str_is(str_of(t->runtime), "nodejs") ? "node" : "python3");
	found = interpreter_find(t->a, &t->c->processes.interpreters, binary);
	t->places.interpreter = str_none(found) ? binary : found;
	if (!with_env)
		return;
	inside = json_get_text(json_get(t->config, "environment"), "interpreter_path");
	inside = inside.n == 0 ? inside : places_fill(t->a, &t->places, inside);
	if (inside.n > 0 && inside.p[0] == '/' && file_exists(inside.p))
		t->places.interpreter = inside;
	t->env_path = str_fmt(t->a, "%.*s/bin", STR_ARG(t->places.env_dir));
}

static bool
surround(Trial *t, Err *err)
{
	Str dir = { 0 };

	t->places =
	    (Places){ .pack_dir = str_fmt(t->a, "%.*s/%.*s", STR_ARG(t->ask->packs_dir), STR_ARG(t->ask->pack_ref)) };
	t->places.env_dir = t->places.interpreter = t->places.manifest_path = t->places.action_file = str_of("");
	t->env_path = (Str){ 0 };
	t->env.lease = -1;
	choose_runtime(t);
	if (!environment_get(t, &dir, err))
		return false;
	if (!str_none(dir))
		t->places.env_dir = dir;
	choose_interpreter(t, !str_none(dir));
	return true;
}

/* ---- its command ---- */

static bool
is_folder(const Trial *t)
{
	struct stat st;

	return stat(str_fmt(t->a, "%.*s/%.*s", STR_ARG(t->places.pack_dir), STR_ARG(t->r->entry_point)).p, &st) == 0 &&
	       S_ISDIR(st.st_mode);
}

static size_t
script_argv(const Trial *t, const char **argv, const char *entry)
{
	Str file = t->r->entry_point;

	argv[0] = str_ends(file, str_of(".sh"))                                           ? "/bin/sh"
		  : str_ends(file, str_of(".py"))                                         ? t->places.interpreter.p
		  : str_ends(file, str_of(".js")) && str_is(str_of(t->runtime), "nodejs") ? t->places.interpreter.p
											  : "/bin/bash";
	argv[1] = entry;
	return 2;
}

static const char *const *
argv_of(const Trial *t)
{
	static const char *const unittest[] = { "-m", "unittest", "-v" };
	static const char *const discover[] = { "-m", "unittest", "discover", "-v", "-t", ".", "-s" };
	static const char *const pytest[] = { "-m", "pytest", "-v", "-p", "no:cacheprovider" };
	const char *const *words = unittest;
	const char **argv = arena_array(t->a, const char *, ARGS_MOST);
	const char *entry = str_cstr(t->a, t->r->entry_point);
	size_t n = 0, count = countof(unittest);

	if (t->r->kind == TEST_SCRIPT) {
		(void)script_argv(t, argv, entry);
		return argv;
	}
	if (t->r->kind == TEST_PYTEST) {
		words = pytest;
		count = countof(pytest);
	} else if (is_folder(t)) {
		words = discover;
		count = countof(discover);
	}
	argv[n++] = t->places.interpreter.p;
	for (size_t i = 0; i < count; i++)
		argv[n++] = words[i];
	argv[n] = entry;
	return argv;
}

static bool
environment_make(Trial *t, const char *const **ret, Err *err)
{
	Json vars = json_object();
	RunSpec spec = { .pack_ref = t->ask->pack_ref, .runtime_config = t->config, .env_vars = &vars };
	EnvironFacts facts = { .config = &t->c->processes,
		.spec = &spec,
		.places = &t->places,
		.run_marker = t->marker,
		.home = t->home };
	Str path = interpreters_search_path(&t->c->processes.interpreters);

	if (t->c->processes.guardian != NULL)
		facts.worker_marker = str_of(guardian_marker(t->c->processes.guardian));
	if (!str_none(t->env_path))
		path = str_fmt(t->a, "%.*s:%.*s", STR_ARG(t->env_path), STR_ARG(path));
	json_set(t->a, &vars, "PATH", json_str(path));
	json_set(t->a, &vars, "PYTHONDONTWRITEBYTECODE", json_cstr("1")); /* its folder is not to be written to */
	return environ_make(t->a, &facts, ret, err);
}

/* ---- its process ---- */

static void
tail_read(Arena *a, Tail *t)
{
	ssize_t n;

	if (t->p == NULL)
		t->p = arena_alloc_raw(a, 2 * OUTPUT_MOST);
	for (;;) {
		if (t->n == 2 * OUTPUT_MOST) {
			memmove(t->p, t->p + OUTPUT_MOST, OUTPUT_MOST);
			t->n = OUTPUT_MOST;
		}
		n = read(t->fd, t->p + t->n, 2 * OUTPUT_MOST - t->n);
		if (n <= 0)
			return;
		t->n += (size_t)n;
	}
}

static Str
tail_text(Arena *a, const Tail *t)
{
	size_t from = t->n > OUTPUT_MOST ? t->n - OUTPUT_MOST : 0;

	return t->p == NULL ? str_of("") : str_copy(a, utf8_clean(a, (Str){ t->p + from, t->n - from }));
}

/* NULL when it ended by itself, else why it had to be ended. */
static const char *
watch(Trial *t, Child *child, Tail *out, Tail *errs, TimeUs until, ChildEnd *ret)
{
	const char *why = NULL;

	while (!child_reap(child, ret)) {
		struct pollfd p[] = { { .fd = child->pidfd, .events = POLLIN }, { .fd = out->fd, .events = POLLIN },
			{ .fd = errs->fd, .events = POLLIN } };

		(void)poll(p, countof(p), LOOK_MS);
		tail_read(t->a, out);
		tail_read(t->a, errs);
		if (why == NULL && atomic_load(t->stopping))
			why = "the server stopped";
		else if (why == NULL && clock_mono(clock_real()) > until)
			why = "it did not end in time";
		if (why != NULL)
			child_signal_tree(child->pid, t->marker.p, SIGKILL);
	}
	for (int i = 0; i < GONE_LOOKS && child_tree_alive(child->pid, t->marker.p); i++) { /* what it left behind */
		child_signal_tree(child->pid, t->marker.p, SIGKILL);
		(void)poll(NULL, 0, GONE_MS);
	}
	tail_read(t->a, out);
	tail_read(t->a, errs);
	return why;
}

static bool
open_stream(Tail *t, int *ret_theirs, Err *err)
{
	int ends[2];

	if (pipe2(ends, O_CLOEXEC) < 0)
		return err_sys(err, errno, "pipe");
	(void)fcntl(ends[0], F_SETFL, O_NONBLOCK);
	t->fd = ends[0];
	*ret_theirs = ends[1];
	return true;
}

static bool
start(Trial *t, SpawnSpec *spec, Child *ret, Err *err)
{
	SandboxPlaces places = { .readable = { t->places.pack_dir.p,
				     t->places.env_dir.n > 0 ? t->places.env_dir.p : NULL },
		.own = t->home.p };
	const RunLimits *is = &t->c->processes.limits;
	bool ok;

	spec->limits = (SpawnLimits){ .memory = (uint64_t)is->memory_mb << 20,
		.files = (uint64_t)is->open_files,
		.processes = (uint64_t)is->processes };
	spec->argv = argv_of(t);
	spec->path = spec->argv[0];
	spec->cwd = t->places.pack_dir.p;
	if (!environment_make(t, &spec->envp, err) || !sandbox_walls(t->sandbox, t->kind, &places, &spec->confine, err))
		return false;
	ok = sandbox_spawn(t->sandbox, t->kind, spec, ret, err);
	fd_done(&spec->confine.ruleset);
	return ok;
}

static bool
run_process(Trial *t, TestEnd *ret, Err *err)
{
	CLEANUP(fd_done) int null = open("/dev/null", O_RDONLY | O_CLOEXEC);
	CLEANUP(fd_done) int theirs = -1;
	CLEANUP(fd_done) int their_err = -1;
	Guardian *g = t->c->processes.guardian;
	Tail out = { .fd = -1 }, errs = { .fd = -1 };
	SpawnSpec spec = { .in = null };
	TimeUs until = clock_mono(clock_real()) + t->r->timeout;
	const char *why = NULL;
	ChildEnd end = { 0 };
	Child child;
	bool ok;

	ok = null >= 0 && open_stream(&out, &theirs, err) && open_stream(&errs, &their_err, err);
	spec.out = theirs;
	spec.err = their_err;
	ok = ok && start(t, &spec, &child, err);
	fd_done(&theirs);
	fd_done(&their_err);
	if (ok) {
		if (g != NULL)
			guardian_watch(g, child.pid);
		why = watch(t, &child, &out, &errs, until < t->until ? until : t->until, &end);
		if (g != NULL)
			guardian_forget(g, child.pid);
	}
	ret->code = end.signalled ? 128 + end.code : end.code;
	ret->out = tail_text(t->a, &out);
	ret->err = tail_text(t->a, &errs);
	fd_done(&out.fd);
	fd_done(&errs.fd);
	if (why != NULL)
		return err_set(err, ERR_TIMEOUT, "%s", why);
	return ok;
}

static bool
run_runner(Trial *t, TestEnd *ret, Err *err)
{
	Str entry;
	bool ok;

	if (!surround(t, err))
		return false;
	entry = str_fmt(t->a, "%.*s/%.*s", STR_ARG(t->places.pack_dir), STR_ARG(t->r->entry_point));
	ok = file_exists(entry.p) ||
	     err_set(err, ERR_NOT_FOUND, "there is no '%.*s' in the pack", STR_ARG(t->r->entry_point));
	ok = ok && run_process(t, ret, err);
	fd_done(&t->env.lease);
	return ok;
}

/* ---- all of them ---- */

static bool
trial_open(Trial *t, Err *err)
{
	const ProcessesConfig *p = &t->c->processes;
	SandboxConfig walls = { .usual = p->sandbox,
		.least = p->sandbox_least,
		.read = p->sandbox_read,
		.programs = p->interpreters.named,
		.api_url = p->api_url,
		.run_base = t->ask->stage,
		.hidden = p->hidden,
		.hidden_count = p->hidden_count };

	t->home = str_fmt(t->a, "%.*s/home", STR_ARG(t->ask->stage));
	t->marker = str_fmt(t->a, "ATTUNE_RUN=test:%.*s", STR_ARG(uuid_text(t->a, uuid_new(clock_wall(clock_real())))));
	t->until = clock_mono(clock_real()) + t->c->limit;
	t->sandbox = sandbox_open(&walls);
	return dirs_make(t->home.p, 0700, err) && sandbox_kind(t->sandbox, (Str){ 0 }, &t->kind, err);
}

static Json
result_json(Arena *a, const PackTestsAsk *ask, const TestCounts *counts, TimeUs began, TimeUs took, Json suites)
{
	Json o = json_object();

	json_add(a, &o, "packRef", json_str(ask->pack_ref));
	json_add(a, &o, "packVersion", json_str(ask->pack_version));
	json_add(a, &o, "executionTime", json_str(time_text(a, began)));
	json_add(a, &o, "status", json_cstr(test_status(counts)));
	json_add(a, &o, "totalTests", json_int(counts->total));
	json_add(a, &o, "passed", json_int(counts->passed));
	json_add(a, &o, "failed", json_int(counts->failed));
	json_add(a, &o, "skipped", json_int(counts->skipped));
	json_add(a, &o, "passRate", json_real(test_pass_rate(counts)));
	json_add(a, &o, "durationMs", json_int(took / US_PER_MS));
	json_add(a, &o, "testSuites", suites);
	return o;
}

Json
pack_tests_run(
    Arena *a, const PackTestsConfig *c, const PackTestsAsk *ask, const atomic_bool *stopping, TestCounts *ret_counts)
{
	Trial t = { .a = a, .c = c, .ask = ask, .stopping = stopping };
	TimeUs began = clock_wall(clock_real()), mono = clock_mono(clock_real());
	Json suites = json_array();
	Err unfit = { 0 };
	bool ok = trial_open(&t, &unfit);

	*ret_counts = (TestCounts){ 0 };
	for (size_t i = 0; i < ask->tests->runner_count; i++) {
		TimeUs from = clock_mono(clock_real());
		TestEnd end = { .out = str_of(""), .err = str_of("") };
		Err err = unfit;

		t.r = &ask->tests->runners[i];
		if (!ok || !run_runner(&t, &end, &err))
			end.problem = str_copy(a, str_of(err.text));
		end.took = clock_mono(clock_real()) - from;
		json_push(a, &suites, test_suite(a, t.r, &end, ret_counts));
	}
	sandbox_close(t.sandbox);
	return result_json(a, ask, ret_counts, began, clock_mono(clock_real()) - mono, suites);
}
