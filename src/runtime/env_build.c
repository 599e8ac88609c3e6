/* Building one environment, from top to bottom, on a thread that may take its time. */
#include "runtime/env_inner.h"

#include "base/codec.h"
#include "base/uuid.h"
#include "os/fs.h"
#include "os/spawn.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
	TAIL_MOST = 64 * 1024, /* of what installers print, the last is kept */
	WORDS_MOST = 2000,     /* and this much of it stands in the error of a run */
	LOOK_MS = 100,
	VARIABLES_MOST = 64,
};

typedef struct Build {
	Arena *a;
	const EnvsConfig *c;
	const EnvWant *w;
	const EnvFacts *f;
	Places places; /* env_dir: the new folder */
	const atomic_bool *stopping;
	TimeUs until;
	Str marker, home; /* home: HOME and TMPDIR of the installers */
	const char *const *envp;
	char *tail;
	size_t tail_n;
} Build;

/* ---- one command ---- */

static void
keep(Build *b, const char *bytes, size_t n)
{
	if (b->tail_n + n > TAIL_MOST) {
		size_t drop = b->tail_n + n - TAIL_MOST;

		memmove(b->tail, b->tail + drop, b->tail_n - drop);
		b->tail_n -= drop;
	}
	memcpy(b->tail + b->tail_n, bytes, n);
	b->tail_n += n;
}

static void
drain(Build *b, int fd)
{
	char bytes[4096];
	ssize_t n;

	while ((n = read(fd, bytes, sizeof(bytes))) > 0)
		keep(b, bytes, (size_t)n);
}

/* False: it had to be killed. */
static bool
watch(Build *b, Child *child, int out, ChildEnd *ret)
{
	bool in_time = true;

	while (!child_reap(child, ret)) {
		struct pollfd p[] = { { .fd = child->pidfd, .events = POLLIN }, { .fd = out, .events = POLLIN } };

		(void)poll(p, p[1].fd >= 0 ? 2 : 1, LOOK_MS);
		drain(b, out);
		if (in_time && (atomic_load(b->stopping) || clock_mono(clock_real()) > b->until)) {
			in_time = false;
			child_signal_tree(child->pid, b->marker.p, SIGKILL);
		}
	}
	child_signal_tree(child->pid, b->marker.p, SIGKILL); /* what it left behind */
	drain(b, out);
	return in_time;
}

static const char *const *
argv_of(const Build *b, const Json *command)
{
	const char **argv = arena_array(b->a, const char *, command->n + 1U);
	Str named;

	for (size_t i = 0; i < command->n; i++)
		argv[i] = str_cstr(b->a, places_fill(b->a, &b->places, json_as_str(json_at(command, i))));
	named = interpreter_find(b->a, &b->c->interpreters, str_of(argv[0]));
	if (!str_none(named))
		argv[0] = str_cstr(b->a, named);
	return argv;
}

static bool
run_command(Build *b, const Json *command, Err *err)
{
	CLEANUP(fd_done) int null = open("/dev/null", O_RDWR | O_CLOEXEC);
	CLEANUP(fd_done) int ours = -1;
	CLEANUP(fd_done) int theirs = -1;
	SpawnSpec spec = { .envp = b->envp, .cwd = b->places.pack_dir.p, .in = null };
	int ends[2];
	ChildEnd end;
	Child child;

	if (!json_is(command, JSON_ARRAY) || command->n == 0)
		return true;
	if (null < 0 || pipe2(ends, O_CLOEXEC | O_NONBLOCK) < 0)
		return err_sys(err, errno, "pipe");
	ours = ends[0];
	theirs = ends[1];
	(void)fcntl(theirs, F_SETFL, 0);
	spec.out = spec.err = theirs;
	spec.argv = argv_of(b, command);
	spec.path = spec.argv[0];
	if (!spawn(&spec, &child, err))
		return false;
	fd_done(&theirs);
	if (!watch(b, &child, ours, &end))
		return atomic_load(b->stopping) ? err_set(err, ERR_BUSY, "the worker stopped")
						: err_set(err, ERR_TIMEOUT, "'%s' did not end within %lld s", spec.path,
						      (long long)(b->c->build_timeout / US_PER_S));
	if (end.signalled)
		return err_set(err, ERR_INVALID, "'%s' was killed by signal %d", spec.path, end.code);
	return end.code == 0 || err_set(err, ERR_INVALID, "'%s' exited with code %d", spec.path, end.code);
}

/* ---- its surroundings ---- */

static void
make_environment(Build *b)
{
	const Json *more = b->c->variables;
	const char **list = arena_array(b->a, const char *, VARIABLES_MOST + 12);
	size_t n = 0;

	list[n++] = b->marker.p;
	if (b->c->marker.n > 0)
		list[n++] = str_cstr(b->a, b->c->marker);
	list[n++] = str_fmt(b->a, "PATH=%.*s", STR_ARG(interpreters_search_path(&b->c->interpreters))).p;
	list[n++] = str_fmt(b->a, "HOME=%s", b->home.p).p;
	list[n++] = str_fmt(b->a, "TMPDIR=%s", b->home.p).p;
	list[n++] = "LANG=C.UTF-8";
	list[n++] = "TZ=UTC";
	list[n++] = "SHLVL=1";
	for (size_t i = 0; json_is(more, JSON_OBJECT) && i < more->n && i < VARIABLES_MOST; i++)
		list[n++] = str_fmt(
		    b->a, "%.*s=%.*s", STR_ARG(more->members[i].key), STR_ARG(json_as_str(&more->members[i].value)))
				.p;
	b->envp = list;
}

/* npm installs into the folder of the package.json: so that is copied, and whatever it may name beside itself can be reached. */
static bool
stage_node(Build *b, Err *err)
{
	static const char *const copied[] = { "package.json", "package-lock.json", "npm-shrinkwrap.json" };
	DirEntry *list;
	size_t n;

	if (!dir_list(b->a, b->places.pack_dir.p, &list, &n, err))
		return false;
	for (size_t i = 0; i < n; i++) {
		const char *from = str_fmt(b->a, "%s/%s", b->places.pack_dir.p, str_cstr(b->a, list[i].name)).p;
		const char *to = str_fmt(b->a, "%s/%s", b->places.env_dir.p, str_cstr(b->a, list[i].name)).p;
		bool copy = false;
		Str bytes;

		for (size_t k = 0; k < countof(copied); k++)
			copy = copy || str_is(list[i].name, copied[k]);
		if (str_is(list[i].name, "node_modules") ||
		    (list[i].name.p[0] == '.' && !str_is(list[i].name, ".npmrc")))
			continue;
		if (copy && (!file_read(b->a, from, 16 << 20, &bytes, err) || !file_write(to, bytes, 0644, err)))
			return false;
		if (!copy && symlink(from, to) < 0)
			return err_sys(err, errno, "link '%s'", to);
	}
	return true;
}

static bool
make_folders(Build *b, Err *err)
{
	const Json *environment = json_get(b->w->config, "environment");

	if (!dirs_make(b->places.env_dir.p, 0755, err) || !dirs_make(b->home.p, 0700, err))
		return false;
	return !str_is(json_get_text(environment, "env_type"), "node_modules") || stage_node(b, err);
}

/* The interpreter in it, else the runtime's own. */
static void
choose_interpreter(Build *b)
{
	const Json *environment = json_get(b->w->config, "environment");
	Str binary = json_get_text(json_get(b->w->config, "interpreter"), "binary");
	Str inside = json_get_text(environment, "interpreter_path");
	Str path;

	b->places.interpreter = str_none(binary) ? str_of("") : binary;
	if (inside.n == 0)
		return;
	path = places_fill(b->a, &b->places, inside);
	if (path.p[0] == '/' && (file_exists(path.p) || str_starts(path, b->places.env_dir)))
		b->places.interpreter = path;
}

/* ---- the whole ---- */

static bool
settle(Build *b, Err *err)
{
	Str marker = str_fmt(b->a, "%s/" ENV_MARKER, b->places.env_dir.p);
	Str link = str_fmt(b->a, "%s/.%.*s.new", b->f->home.p, STR_ARG(b->f->runtime));
	struct stat st;

	if (b->places.interpreter.p[0] == '/' && access(b->places.interpreter.p, X_OK) < 0)
		return err_sys(err, errno, "'%s' was not made", b->places.interpreter.p);
	if (!file_write(str_fmt(b->a, "%s/" ENV_LEASE, b->places.env_dir.p).p, str_of(""), 0644, err) ||
	    !file_replace(marker.p, str_fmt(b->a, "%.*s\n", STR_ARG(b->f->hash)), 0644, err))
		return false;
	(void)unlink(link.p);
	if (symlink(b->places.env_dir.p + b->f->home.n + 1, link.p) < 0)
		return err_sys(err, errno, "make the link '%s'", link.p);
	if (lstat(b->f->places.env_dir.p, &st) == 0 &&
	    S_ISDIR(st.st_mode)) /* of another Attune: not ours to know what it is */
		(void)rename(b->f->places.env_dir.p, str_fmt(b->a, "%s@before", b->f->places.env_dir.p).p);
	if (rename(link.p, b->f->places.env_dir.p) < 0)
		return err_sys(err, errno, "move the link '%s'", b->f->places.env_dir.p);
	return true;
}

static bool
build_in_folder(Build *b, Err *err)
{
	if (!make_folders(b, err))
		return false;
	choose_interpreter(b);
	make_environment(b);
	if (!run_command(b, json_get(json_get(b->w->config, "environment"), "create_command"), err))
		return false;
	choose_interpreter(b); /* it may be there only now */
	if (b->f->manifest && !run_command(b, json_get(json_get(b->w->config, "dependencies"), "install_command"), err))
		return false;
	return settle(b, err);
}

/* The last lines, and none that is cut. */
static Str
last_words(Arena *a, Str log)
{
	Str text = str_trim(log);
	size_t at;

	if (text.n <= WORDS_MOST)
		return text;
	text = str_sub(text, text.n - WORDS_MOST, text.n);
	if (str_find(text, str_of("\n"), &at))
		text = str_sub(text, at + 1, text.n);
	return utf8_clean(a, text);
}

static void
explain(const Build *b, BuildOutcome *ret, const Err *err)
{
	ret->problem = str_fmt(b->a, "The environment of pack '%.*s' for %.*s cannot be built: %s%s%.*s",
	    STR_ARG(b->w->pack_ref), STR_ARG(b->w->runtime), err->text, b->tail_n > 0 ? ". It said:\n" : "",
	    STR_ARG(last_words(b->a, ret->log)));
}

static void
prepare(Build *b)
{
	Str unique = uuid_text(b->a, uuid_new(clock_wall(b->c->clock)));

	b->places = b->f->places;
	b->places.env_dir = str_fmt(
	    b->a, "%s/%.*s@%.12s.%s", b->f->home.p, STR_ARG(b->f->runtime), b->f->hash.p, unique.p + unique.n - 8);
	b->home = str_fmt(b->a, "%s/.attune_build", b->places.env_dir.p);
	b->marker = str_fmt(b->a, "ATTUNE_BUILD=%s", unique.p);
	b->until = clock_mono(clock_real()) + b->c->build_timeout;
	b->tail = arena_alloc_raw(b->a, TAIL_MOST);
}

bool
env_build(Arena *a, const EnvsConfig *c, const EnvWant *w, EnvFacts *f, bool force, const atomic_bool *stopping,
    BuildOutcome *ret)
{
	Build b = { .a = a, .c = c, .w = w, .f = f, .stopping = stopping };
	CLEANUP(fd_done) int lock = -1;
	Str before = str_of("");
	Err err = { 0 };
	bool ok;

	*ret = (BuildOutcome){ 0 };
	prepare(&b);
	(void)env_current(a, f, &before);
	if (!env_lock(a, f, b.until, stopping, &lock, &err)) {
		explain(&b, ret, &err);
		return false;
	}
	if (env_current(a, f, &ret->dir) && (!force || !str_eq(before, ret->dir)))
		return true; /* it is there, or somebody else has built it anew while we waited */
	b.until = clock_mono(clock_real()) + c->build_timeout;
	ret->built = true;
	ret->dir = b.places.env_dir;
	ok = build_in_folder(&b, &err);
	(void)tree_remove(b.home.p);
	ret->log = utf8_clean(a, (Str){ b.tail, b.tail_n });
	if (ok)
		return true;
	(void)tree_remove(b.places.env_dir.p);
	explain(&b, ret, &err);
	return false;
}
