#include "runtime/ahead.h"

#include "base/codec.h"
#include "base/log.h"
#include "inside/image.h"
#include "os/fs.h"
#include "os/guardian.h"
#include "runtime/scripts.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
	LINES_MOST = 16,
	SPARES_MOST = 8,        /* of all lines: each is some 40 MB */
	DEPTH_MOST = 2,         /* of one that is used often */
	OFTEN = US_PER_S,       /* since its last use */
	DELAY = 20 * US_PER_MS, /* after which the next is started: the run that has just begun comes first */
	IDLE = 300 * US_PER_S,
	SULK = 600 * US_PER_S, /* a script whose processes do not stay is left alone */
	FAILURES_MOST = 3,
	JOB_MOST = 60 * 1024, /* what a pipe takes at once */
};

typedef struct Line Line;

/* A process that waits. */
typedef struct Spare {
	struct Spare *next;
	Line *line;
	Child child;
	Source ended;
	Group *group;
	int in, out, err; /* in: -1 when it reads nothing */
	char home[PATH_MAX], files[PATH_MAX];
} Spare;

/* Of one script with all that a process has from its birth. */
struct Line {
	Line *next;
	Arena *a;
	Str key;
	SpawnSpec spec;    /* a copy, with what is needed to wait */
	const char **envp; /* the first is the folder's */
	AheadWant want;
	Spare *spares;
	size_t n, wish;
	int failures;     /* one after the other */
	TimeUs used, due; /* due: when another is to be started; 0: none is */
};

struct Ahead {
	Processes *p;
	Line *lines;
	size_t n, spares;
	unsigned made;
	const char *folder, *script; /* script: nodeahead.cjs in it */
	Spare *gone;                 /* freed by the next tick: a source may still be in this batch */
};

/* ---- what can be served ---- */

/* node /a/script.js */
static bool
can_serve(const AheadWant *w)
{
	const char *name = strrchr(w->spec->path, '/'), *const *argv = w->spec->argv;
	Str script;

	if (name == NULL || strcmp(name, "/node") != 0 || argv[1] == NULL || argv[2] != NULL || argv[1][0] != '/')
		return false;
	script = str_of(argv[1]);
	return str_ends(script, str_of(".js")) || str_ends(script, str_of(".cjs")) || str_ends(script, str_of(".mjs"));
}

/* What Node looks at before it comes to the script. */
static bool
is_of_start(const char *variable)
{
	static const char *const heads[] = { "NODE", "UV_", "LC_", "LANG", "LD_", "TZ=", "MALLOC_", "GLIBC_",
		"PATH=", "ICU_", "OPENSSL_", "SSL_", "NO_COLOR", "FORCE_COLOR", "ATTUNE_WORKER=" };

	for (size_t i = 0; i < countof(heads); i++)
		if (strncmp(variable, heads[i], strlen(heads[i])) == 0)
			return true;
	return false;
}

/* Rules are about folders that were there, not about names: a pack that was replaced is another. */
static void
add_place(Buf *b, const char *path)
{
	struct stat st = { 0 };

	if (path != NULL)
		(void)stat(path, &st);
	buf_fmt(b, "%s %llu:%llu\n", path == NULL ? "" : path, (unsigned long long)st.st_dev,
	    (unsigned long long)st.st_ino);
}

static Str
key_of(Arena *a, const AheadWant *w)
{
	const SpawnSpec *s = w->spec;
	Buf b = buf_open(a);

	buf_fmt(&b, "%s\n%s\n%d %d\n", s->path, s->argv[1], (int)w->kind, w->in_null);
	buf_fmt(&b, "%llu %llu %llu %llu %llu\n", (unsigned long long)s->limits.memory,
	    (unsigned long long)s->limits.files, (unsigned long long)s->limits.processes,
	    (unsigned long long)w->limits.memory, (unsigned long long)w->limits.processes);
	add_place(&b, s->cwd);
	for (size_t i = 0; i < countof(w->readable); i++)
		add_place(&b, w->readable[i]);
	for (size_t i = 0; s->envp[i] != NULL; i++)
		if (is_of_start(s->envp[i]))
			buf_fmt(&b, "%s\n", s->envp[i]);
	return buf_str(&b);
}

/* ---- the life of one ---- */

static void
spare_unlink(Spare *s)
{
	for (Spare **at = &s->line->spares; *at != NULL; at = &(*at)->next)
		if (*at == s) {
			*at = s->next;
			s->line->n--;
			return;
		}
}

/* What it holds; not the process. */
static void
spare_done(Ahead *h, Spare *s)
{
	fd_done(&s->in);
	fd_done(&s->out);
	fd_done(&s->err);
	if (s->group != NULL)
		group_give(h->p->groups, s->group);
	s->group = NULL;
	if (s->home[0] != '\0')
		(void)tree_remove(s->home);
	if (s->files[0] != '\0')
		(void)rmdir(s->files);
	s->next = h->gone;
	h->gone = s;
	h->spares--;
}

static void
spare_end(Ahead *h, Spare *s)
{
	ChildEnd end;

	poll_remove(&h->p->poll, s->child.pidfd);
	child_kill_group(&s->child);
	while (!child_reap(&s->child, &end))
		usleep(100);
	if (h->p->config.guardian != NULL)
		guardian_forget(h->p->config.guardian, s->child.pid);
	spare_unlink(s);
	spare_done(h, s);
}

/* By itself: it could not start, or somebody killed it. */
static void
on_spare_end(Processes *p, void *self)
{
	Spare *s = self;
	Line *l = s->line;

	if (s->child.pidfd < 0)
		return;
	spare_end(p->ahead, s);
	l->due = 0;
	if (++l->failures == FAILURES_MOST)
		log_warn("%s is started plainly for each run from now on: what is started ahead for it does not stay",
		    l->spec.argv[3]);
}

static bool
make_places(Ahead *h, Spare *s, Err *err)
{
	unsigned number = ++h->made;
	char go[PATH_MAX + 8];

	snprintf(s->home, sizeof(s->home), "%s/ahead-%u", h->p->home_base.p, number);
	if (mkdir(s->home, 0700) < 0) {
		s->home[0] = '\0';
		return err_sys(err, errno, "make a folder");
	}
	snprintf(go, sizeof(go), "%s/.go", s->home);
	if (mkfifo(go, 0600) < 0)
		return err_sys(err, errno, "make '%s'", go);
	if (!dirs_make(h->p->logs_base.p, 0750, err))
		return false;
	snprintf(s->files, sizeof(s->files), "%s/.ahead-%u", h->p->logs_base.p, number);
	if (mkdir(s->files, 0750) < 0 && errno != EEXIST)
		return err_sys(err, errno, "make '%s'", s->files);
	return true;
}

static bool
make_streams(const Ahead *h, Spare *s, int theirs[3], Err *err)
{
	int out[2], errs[2];

	theirs[0] =
	    s->line->want.in_null ? fcntl(h->p->null, F_DUPFD_CLOEXEC, 3) : memfd_create("parameters", MFD_CLOEXEC);
	if (theirs[0] < 0)
		return err_sys(err, errno, "standard input");
	if (!s->line->want.in_null)
		s->in = fcntl(theirs[0], F_DUPFD_CLOEXEC, 3);
	if (pipe2(out, O_CLOEXEC) < 0)
		return err_sys(err, errno, "pipe");
	s->out = out[0];
	theirs[1] = out[1];
	if (pipe2(errs, O_CLOEXEC) < 0)
		return err_sys(err, errno, "pipe");
	s->err = errs[0];
	theirs[2] = errs[1];
	(void)fcntl(s->out, F_SETFL, O_NONBLOCK);
	(void)fcntl(s->err, F_SETFL, O_NONBLOCK);
	return true;
}

static bool
spare_spawn(Ahead *h, Spare *s, const int theirs[3], Err *err)
{
	const Line *l = s->line;
	SandboxPlaces places = {
		.readable = { l->want.readable[0], l->want.readable[1], h->folder }, .own = s->home, .files = s->files
	};
	SpawnSpec spec = l->spec;
	char folder[PATH_MAX + 16];
	bool ok;

	snprintf(folder, sizeof(folder), "ATTUNE_AHEAD=%s", s->home);
	l->envp[0] = folder;
	spec.envp = l->envp;
	spec.in = theirs[0];
	spec.out = theirs[1];
	spec.err = theirs[2];
	if (h->p->groups != NULL) {
		if (!group_take(h->p->groups, &l->want.limits, &s->group, err))
			return false;
		spec.group = group_folder(s->group);
		spec.group_on = true;
	}
	if (!sandbox_walls(h->p->sandbox, l->want.kind, &places, &spec.confine, err))
		return false;
	ok = sandbox_spawn(h->p->sandbox, l->want.kind, &spec, &s->child, err);
	fd_done(&spec.confine.ruleset);
	return ok;
}

static bool
spare_make(Ahead *h, Spare *s, Err *err)
{
	int theirs[3] = { -1, -1, -1 };
	bool ok = make_places(h, s, err) && make_streams(h, s, theirs, err) && spare_spawn(h, s, theirs, err);

	for (size_t i = 0; i < countof(theirs); i++)
		fd_done(&theirs[i]);
	return ok;
}

static void
spare_start(Ahead *h, Line *l)
{
	Spare *s = calloc(1, sizeof(*s));
	Err err = { 0 };

	if (s == NULL)
		abort();
	*s = (Spare){ .line = l, .child = { -1, -1 }, .in = -1, .out = -1, .err = -1 };
	s->ended = (Source){ .self = s, .other = on_spare_end };
	h->spares++;
	if (!spare_make(h, s, &err)) {
		log_warn("%s is not started ahead: %s", l->spec.argv[3], err.text);
		l->failures = FAILURES_MOST;
		spare_done(h, s);
		return;
	}
	h->p->spawned = h->p->spawned || s->group == NULL;
	if (h->p->config.guardian != NULL)
		guardian_watch(h->p->config.guardian, s->child.pid);
	s->next = l->spares;
	l->spares = s;
	l->n++;
	if (!poll_add(&h->p->poll, s->child.pidfd, &s->ended, &err))
		spare_end(h, s);
}

/* ---- lines ---- */

static Line *
line_find(Ahead *h, Str key)
{
	for (Line *l = h->lines; l != NULL; l = l->next)
		if (str_eq(l->key, key))
			return l;
	return NULL;
}

static void
line_close(Ahead *h, Line *l)
{
	for (Line **at = &h->lines; *at != NULL; at = &(*at)->next)
		if (*at == l) {
			*at = l->next;
			break;
		}
	while (l->spares != NULL)
		spare_end(h, l->spares);
	h->n--;
	arena_close(l->a);
	free(l);
}

static const char *
kept(Arena *a, const char *text)
{
	return text == NULL ? NULL : str_cstr(a, str_of(text));
}

static Line *
line_open(Ahead *h, Str key, const AheadWant *w)
{
	Line *l = calloc(1, sizeof(*l));
	const char **argv;
	size_t n = 0, k = 1;

	if (l == NULL)
		abort();
	l->a = arena_open();
	l->key = str_copy(l->a, key);
	l->want = *w;
	for (size_t i = 0; i < countof(w->readable); i++)
		l->want.readable[i] = kept(l->a, w->readable[i]);
	argv = arena_array(l->a, const char *, 5);
	argv[0] = kept(l->a, w->spec->argv[0]);
	argv[1] = "--require";
	argv[2] = h->script;
	argv[3] = kept(l->a, w->spec->argv[1]);
	while (w->spec->envp[n] != NULL)
		n++;
	l->envp = arena_array(l->a, const char *, n + 2);
	for (size_t i = 0; i < n; i++)
		if (is_of_start(w->spec->envp[i]))
			l->envp[k++] = kept(l->a, w->spec->envp[i]);
	l->spec = (SpawnSpec){ .path = kept(l->a, w->spec->path),
		.argv = argv,
		.cwd = kept(l->a, w->spec->cwd),
		.limits = w->spec->limits,
		.confine = { .ruleset = -1 } };
	l->want.spec = NULL;
	l->next = h->lines;
	h->lines = l;
	h->n++;
	return l;
}

static Line *
line_oldest(Ahead *h, const Line *but, bool with_spares)
{
	Line *oldest = NULL;

	for (Line *l = h->lines; l != NULL; l = l->next)
		if (l != but && (!with_spares || l->n > 0) && (oldest == NULL || l->used < oldest->used))
			oldest = l;
	return oldest;
}

static Line *
line_of(Ahead *h, Arena *a, const AheadWant *w, TimeUs now)
{
	Str key = key_of(a, w);
	Line *l = line_find(h, key);

	if (l == NULL) {
		if (h->n >= LINES_MOST)
			line_close(h, line_oldest(h, NULL, false));
		l = line_open(h, key, w);
	}
	l->wish = l->used != 0 && now < l->used + OFTEN ? DEPTH_MOST : 1;
	l->used = now;
	if (l->due == 0 && l->failures < FAILURES_MOST)
		l->due = now + DELAY;
	return l;
}

/* ---- one run ---- */

static bool
job_text(Arena *a, const SpawnSpec *spec, Str *ret)
{
	Json list = json_array();

	for (size_t i = 0; spec->envp[i] != NULL; i++) {
		Str value = str_of(spec->envp[i]), name;
		Json pair = json_array();

		if (!str_cut(&value, '=', &name) || !utf8_valid(str_of(spec->envp[i])))
			return false;
		json_push(a, &pair, json_str(name));
		json_push(a, &pair, json_str(value));
		json_push(a, &list, pair);
	}
	*ret = json_text(a, &list);
	return ret->n <= JOB_MOST;
}

/* Its place in the file is also ours: it is written without moving it. */
static bool
copy_input(Processes *p, int from, int to)
{
	off_t at = 0;
	ssize_t n;

	if (to < 0)
		return true;
	while ((n = pread(from, p->scratch, SCRATCH, at)) > 0) {
		if (pwrite(to, p->scratch, (size_t)n, at) != n)
			return false;
		at += n;
	}
	return n == 0;
}

/* The folders that it may write become those of the run, with what is in them already. */
static bool
swap_places(Spare *s, Run *run)
{
	char given[PATH_MAX + 32], taken[PATH_MAX + 32];

	snprintf(given, sizeof(given), "%s/.parameters", run->dir.p);
	snprintf(taken, sizeof(taken), "%s/.parameters", s->home);
	if (rename(given, taken) < 0 && errno != ENOENT)
		return false;
	if ((rmdir(run->dir.p) < 0 && errno != ENOENT) || rename(s->home, run->dir.p) < 0) {
		(void)mkdir(run->dir.p, 0700);
		(void)rename(taken, given);
		return false;
	}
	s->home[0] = '\0';
	snprintf(taken, sizeof(taken), "%s/.go", run->dir.p);
	(void)unlink(taken);
	if (!str_none(run->files) && rename(s->files, run->files.p) == 0)
		s->files[0] = '\0';
	return true;
}

/* True when it goes on as soon as *ret_go is closed. */
static bool
prepare(Ahead *h, Spare *s, Run *run, const AheadWant *w, int *ret_go)
{
	char go[PATH_MAX + 8];
	Str job;

	snprintf(go, sizeof(go), "%s/.go", s->home);
	if (!job_text(run->a, w->spec, &job))
		return false;
	*ret_go = open(go, O_WRONLY | O_NONBLOCK | O_CLOEXEC); /* it cannot be opened as long as nobody waits in it */
	return *ret_go >= 0 && copy_input(h->p, w->in, s->in) && swap_places(s, run) &&
	       write(*ret_go, job.p, job.n) == (ssize_t)job.n;
}

static void
adopt(Ahead *h, Spare *s, Run *run)
{
	poll_remove(&h->p->poll, s->child.pidfd);
	if (h->p->config.guardian != NULL)
		guardian_forget(h->p->config.guardian, s->child.pid);
	run->child = s->child;
	run->group = s->group;
	fd_done(&run->out.fd);
	fd_done(&run->err.fd);
	run->out.fd = fd_take(&s->out);
	run->err.fd = fd_take(&s->err);
	s->group = NULL;
	s->child = (Child){ -1, -1 };
	spare_unlink(s);
	spare_done(h, s);
}

static bool
use(Ahead *h, Spare *s, Run *run, const AheadWant *w)
{
	CLEANUP(fd_done) int go = -1;

	if (prepare(h, s, run, w, &go)) {
		adopt(h, s, run);
		h->p->ahead_used++;
		return true;
	}
	if (go < 0)
		return false; /* it has not come so far, or has gone */
	spare_end(h, s);      /* before its pipe is closed */
	(void)mkdir(run->dir.p, 0700);
	return false;
}

bool
ahead_try(Ahead *h, Run *run, const AheadWant *want)
{
	Spare *next;
	Line *l;

	if (h == NULL || !can_serve(want))
		return false;
	l = line_of(h, run->a, want, clock_mono(h->p->config.clock));
	for (Spare *s = l->spares; s != NULL; s = next) {
		next = s->next;
		if (use(h, s, run, want)) {
			l->failures = 0;
			return true;
		}
	}
	return false;
}

/* ---- the time between ---- */

static void
line_tick(Ahead *h, Line *l, TimeUs now)
{
	Line *oldest;

	if (now >= l->used + (l->failures >= FAILURES_MOST ? SULK : IDLE)) {
		line_close(h, l);
		return;
	}
	if (l->due == 0 || now < l->due)
		return;
	if (l->n < l->wish && h->spares >= SPARES_MOST && (oldest = line_oldest(h, l, true)) != NULL)
		spare_end(h, oldest->spares);
	if (l->n < l->wish && h->spares < SPARES_MOST)
		spare_start(h, l);
	l->due = l->n < l->wish && l->failures < FAILURES_MOST ? now + DELAY : 0;
}

TimeUs
ahead_tick(Ahead *h, TimeUs now)
{
	TimeUs next = 0;
	Line *after;

	if (h == NULL)
		return 0;
	while (h->gone != NULL) {
		Spare *s = h->gone;

		h->gone = s->next;
		free(s);
	}
	for (Line *l = h->lines; l != NULL; l = after) {
		after = l->next;
		line_tick(h, l, now);
	}
	for (Line *l = h->lines; l != NULL; l = l->next) {
		TimeUs due = l->due != 0 ? l->due : l->used + (l->failures >= FAILURES_MOST ? SULK : IDLE);

		if (next == 0 || due < next)
			next = due;
	}
	return next;
}

static void
remove_left_overs(Processes *p, Arena *a)
{
	DirEntry *list;
	size_t n;

	if (!dir_list(a, p->logs_base.p, &list, &n, NULL))
		return;
	for (size_t i = 0; i < n; i++)
		if (str_starts(list[i].name, str_of(".ahead-")))
			(void)tree_remove(str_fmt(a, "%s/%s", p->logs_base.p, list[i].name.p).p);
}

static bool
write_files(const Ahead *h, Err *err)
{
	Str leave = { (const char *)leave_image, leave_image_size };

	return dirs_make(h->folder, 0700, err) && file_write(h->script, str_of(nodeahead_text), 0444, err) &&
	       file_write(str_fmt(h->p->a, "%s/leave.node", h->folder).p, leave, 0444, err);
}

Ahead *
ahead_open(Processes *p)
{
	Ahead *h = calloc(1, sizeof(*h));
	Err err = { 0 };

	if (h == NULL)
		abort();
	h->p = p;
	h->folder = str_fmt(p->a, "%s/.ahead", p->home_base.p).p;
	h->script = str_fmt(p->a, "%s/start.cjs", h->folder).p;
	remove_left_overs(p, p->a);
	if (write_files(h, &err))
		return h;
	log_warn("nothing is started ahead: %s", err.text);
	free(h);
	return NULL;
}

void
ahead_close(Ahead *h)
{
	if (h == NULL)
		return;
	while (h->lines != NULL)
		line_close(h, h->lines);
	(void)ahead_tick(h, 0);
	free(h);
}
