#include "runtime/forks.h"

#include "base/log.h"
#include "os/fs.h"
#include "os/guardian.h"
#include "os/handover.h"
#include "runtime/scripts.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>

enum {
	SERVERS_MOST = 16,
	RUNS_MOST = 2000,
	MEMORY_LOOK = 64,               /* runs between two looks at a server's memory */
	MEMORY_MOST = 200 << 20,        /* bytes */
	IDLE = 300 * US_PER_S,          /* a server that is not used for this long ends */
	PATIENCE = 2 * US_PER_S,        /* for the child of a fork to say that it is there */
	START_PATIENCE = 30 * US_PER_S, /* for a server to be ready */
	SULK = 600 * US_PER_S,          /* an environment whose server could not serve is left alone */
	MARKER_ROOM = 200,
	KEY_WORDS = 8,
	HANDED_MOST = 7,
};

typedef enum ServerState { SERVER_STARTING, SERVER_READY, SERVER_ENDING, SERVER_SULKING } ServerState;

typedef struct Server {
	struct Server *next;
	Forks *forks;
	Arena *a;
	Str key;
	ServerState state;
	Child child;
	int sock;
	int mute; /* the other end of its standard output, where nothing comes */
	Source said, ended;
	size_t runs;
	TimeUs used, since;
} Server;

struct Forks {
	Processes *p;
	Server *servers;
	size_t n;
};

/* What a fork was begun with, to begin it plainly if need be. In the run's arena. */
struct Forking {
	SpawnSpec spec; /* in, out, err and the ruleset are its own */
	SandboxKind kind;
	Server *server;
	int own;
	Source said;
};

/* ---- what can be served ---- */

static const char *
last_part(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash == NULL ? path : slash + 1;
}

static bool
is_plain_flag(const char *arg)
{
	static const char *const flags[] = { "-u", "-B", "-E", "-s", "-S", "-O", "-OO", "-b", "-bb", "-q" };

	for (size_t i = 0; i < countof(flags); i++)
		if (strcmp(arg, flags[i]) == 0)
			return true;
	return false;
}

/* python [flags] script.py */
static bool
can_serve(const SpawnSpec *spec)
{
	size_t n = 0;

	if (strncmp(last_part(spec->path), "python", 6) != 0)
		return false;
	while (spec->argv[n] != NULL)
		n++;
	if (n < 2 || n > KEY_WORDS || spec->argv[n - 1][0] != '/' ||
	    !str_ends(str_of(spec->argv[n - 1]), str_of(".py")))
		return false;
	for (size_t i = 1; i + 1 < n; i++)
		if (!is_plain_flag(spec->argv[i]))
			return false;
	return true;
}

/* What an interpreter looks at when it starts: a server is good for those who have the same. */
static bool
is_of_start(const char *variable)
{
	static const char *const heads[] = { "PYTHON", "LC_", "LANG", "LD_", "TZ=", "MALLOC_", "GLIBC_",
		"PATH=", "ATTUNE_WORKER=", "__PYVENV" };

	for (size_t i = 0; i < countof(heads); i++)
		if (strncmp(variable, heads[i], strlen(heads[i])) == 0)
			return true;
	return false;
}

static Str
key_of(Arena *a, const SpawnSpec *spec, SandboxKind kind)
{
	Buf b = buf_open(a);

	buf_fmt(&b, "%s\n%d\n", spec->path, (int)kind);
	for (size_t i = 1; spec->argv[i] != NULL && spec->argv[i + 1] != NULL; i++)
		buf_fmt(&b, "%s\n", spec->argv[i]);
	for (size_t i = 0; spec->envp[i] != NULL; i++)
		if (is_of_start(spec->envp[i]))
			buf_fmt(&b, "%s\n", spec->envp[i]);
	return buf_str(&b);
}

static Server *
find(Forks *f, Str key)
{
	for (Server *s = f->servers; s != NULL; s = s->next)
		if (s->state != SERVER_ENDING && str_eq(s->key, key))
			return s;
	return NULL;
}

/* ---- the life of a server ---- */

static void
server_free(Forks *f, Server *s)
{
	for (Server **at = &f->servers; *at != NULL; at = &(*at)->next)
		if (*at == s) {
			*at = s->next;
			break;
		}
	f->n--;
	fd_done(&s->mute);
	arena_close(s->a);
	free(s);
}

static void
server_hang_up(Forks *f, Server *s)
{
	if (s->sock >= 0)
		poll_remove(&f->p->poll, s->sock);
	fd_done(&s->sock);
}

/* It ends by itself when its socket is closed; one that cannot hear that is killed. */
static void
server_end(Forks *f, Server *s, ServerState state)
{
	if (s->state != SERVER_READY && s->child.pidfd >= 0)
		child_kill_group(&s->child);
	server_hang_up(f, s);
	s->state = state;
	s->since = clock_mono(f->p->config.clock);
}

static void
server_sulk(Forks *f, Server *s, const char *why)
{
	Str command = str_sub(s->key, 0, 200), line;

	(void)str_cut(&command, '\n', &line);
	log_warn("%.*s is started anew for each run from now on: its fork server %s", STR_ARG(line), why);
	server_end(f, s, SERVER_SULKING);
}

static void
on_server_said(Processes *p, void *self)
{
	Server *s = self;
	char byte;
	ssize_t n = s->sock < 0 ? -1 : read(s->sock, &byte, 1);

	if (n == 1 && s->state == SERVER_STARTING) {
		s->state = SERVER_READY;
		return;
	}
	if (n > 0 || (n < 0 && (errno == EAGAIN || errno == EINTR)))
		return;
	server_hang_up(p->forks, s); /* its end is heard by the other descriptor */
}

static void
on_server_end(Processes *p, void *self)
{
	Server *s = self;
	ChildEnd end;
	bool starting = s->state == SERVER_STARTING;

	if (s->child.pidfd < 0)
		return;
	child_kill_group(&s->child); /* children of it that have not said yet that they are there */
	poll_remove(&p->poll, s->child.pidfd);
	while (!child_reap(&s->child, &end))
		usleep(100);
	child_reap_group(s->child.pid);
	if (p->config.guardian != NULL)
		guardian_forget(p->config.guardian, s->child.pid);
	server_hang_up(p->forks, s);
	if (s->state == SERVER_SULKING)
		return;
	if (starting)
		server_sulk(p->forks, s, end.code == 3 ? "has threads" : "does not start");
	else
		s->state = SERVER_ENDING; /* freed by the next tick: its source may still be in this batch */
}

static const char *const *
server_environment(Arena *a, const SpawnSpec *spec)
{
	const char **list;
	char *room = arena_alloc(a, MARKER_ROOM + 16);
	size_t n = 0, k = 0;

	while (spec->envp[n] != NULL)
		n++;
	list = arena_array(a, const char *, n + 4);
	memcpy(room, "ATTUNE_RUN=", 11);
	memset(room + 11, '-', MARKER_ROOM);
	list[k++] = room;
	list[k++] = "HOME=/";
	for (size_t i = 0; i < n; i++)
		if (is_of_start(spec->envp[i]))
			list[k++] = str_cstr(a, str_of(spec->envp[i]));
	return list;
}

static bool
server_spawn(Forks *f, Server *s, const SpawnSpec *like, SandboxKind kind, Err *err)
{
	size_t n = 0;
	const char **argv;
	CLEANUP(fd_done) int theirs = -1;
	int ends[2];
	bool ok;

	while (like->argv[n] != NULL)
		n++;
	argv = arena_array(s->a, const char *, n + 3);
	memcpy(argv, like->argv, (n - 1) * sizeof(*argv));
	argv[n - 1] = "-c";
	argv[n] = forkserver_text;
	if (!handover_pair(&s->sock, &theirs) || pipe2(ends, O_CLOEXEC) < 0)
		return err_sys(err, errno, "a socket");
	s->mute = ends[0];
	SpawnSpec spec = { .path = like->path,
		.argv = argv,
		.envp = server_environment(s->a, like),
		.cwd = "/",
		.in = theirs,
		.out = ends[1],
		.err = ends[1],
		.confine = { .ruleset = -1, .filter = like->confine.filter } };

	/* within the filter of its forks, which they inherit; their rules are their own */
	ok = sandbox_spawn(f->p->sandbox, kind, &spec, &s->child, err);
	close(ends[1]);
	return ok;
}

static void
server_start(Forks *f, const SpawnSpec *like, SandboxKind kind, Str key)
{
	Server *s = calloc(1, sizeof(*s));
	Err err = { 0 };

	if (s == NULL)
		abort();
	*s = (Server){ .forks = f, .a = arena_open(), .sock = -1, .mute = -1, .child = { -1, -1 } };
	s->key = str_copy(s->a, key);
	s->used = s->since = clock_mono(f->p->config.clock);
	s->said = (Source){ .self = s, .other = on_server_said };
	s->ended = (Source){ .self = s, .other = on_server_end };
	s->next = f->servers;
	f->servers = s;
	f->n++;
	if (!server_spawn(f, s, like, kind, &err) || !poll_add(&f->p->poll, s->child.pidfd, &s->ended, &err) ||
	    !poll_add(&f->p->poll, s->sock, &s->said, &err)) {
		server_sulk(f, s, err.text);
		return;
	}
	f->p->spawned = true;
	if (f->p->config.guardian != NULL)
		guardian_watch(f->p->config.guardian, s->child.pid);
}

/* The one that was used the longest ago makes room. */
static void
make_room(Forks *f)
{
	Server *oldest = NULL;

	for (Server *s = f->servers; s != NULL; s = s->next)
		if (s->state != SERVER_ENDING && (oldest == NULL || s->used < oldest->used))
			oldest = s;
	if (oldest != NULL)
		server_end(f, oldest, SERVER_ENDING);
}

void
forks_want(Forks *f, const Run *run, const SpawnSpec *spec, SandboxKind kind)
{
	Str key;

	if (f == NULL || !can_serve(spec))
		return;
	key = key_of(run->a, spec, kind);
	if (find(f, key) != NULL)
		return;
	if (f->n >= SERVERS_MOST)
		make_room(f);
	if (f->n < 2 * SERVERS_MOST)
		server_start(f, spec, kind, key);
}

/* ---- one run ---- */

static void
add_limits(Buf *b, const SpawnLimits *l)
{
	const struct {
		int what;
		uint64_t most;
	} all[] = { { RLIMIT_FSIZE, l->file_size }, { RLIMIT_DATA, l->memory }, { RLIMIT_NOFILE, l->files },
		{ RLIMIT_NPROC, l->processes } };

	buf_fmt(b, "%d=0 ", RLIMIT_CORE);
	for (size_t i = 0; i < countof(all); i++)
		if (all[i].most != 0)
			buf_fmt(b, "%d=%llu ", all[i].what, (unsigned long long)all[i].most);
}

static Str
job_text(Arena *a, const Run *run, const SpawnSpec *spec)
{
	Buf b = buf_open(a);
	size_t n = 0;

	while (spec->argv[n] != NULL)
		n++;
	buf_fmt(&b, "%s%c%.*s%c", spec->cwd, 0, STR_ARG(run->marker), 0);
	add_limits(&b, &spec->limits);
	buf_fmt(&b, "%c%d%d%c%zu", 0, spec->confine.on && spec->confine.ruleset >= 0, spec->group_on, 0, n);
	for (size_t i = 0; i < n; i++)
		buf_fmt(&b, "%c%s", 0, i == 0 ? spec->path : spec->argv[i]);
	for (size_t i = 0; spec->envp[i] != NULL; i++)
		buf_fmt(&b, "%c%s", 0, spec->envp[i]);
	return buf_str(&b);
}

static bool
hand_over(Server *s, Run *run, const SpawnSpec *spec, int *ret_own)
{
	CLEANUP(fd_done) int job = -1;
	CLEANUP(fd_done) int theirs = -1;
	CLEANUP(fd_done) int own = -1;
	int fds[HANDED_MOST];
	size_t n = 0;

	if (!handover_job(job_text(run->a, run, spec), &job) || !handover_pair(&own, &theirs))
		return false;
	fds[n++] = spec->in;
	fds[n++] = spec->out;
	fds[n++] = spec->err;
	fds[n++] = job;
	fds[n++] = theirs;
	if (spec->confine.on && spec->confine.ruleset >= 0)
		fds[n++] = spec->confine.ruleset;
	if (spec->group_on)
		fds[n++] = spec->group;
	if (!handover_send(s->sock, fds, n))
		return false;
	*ret_own = fd_take(&own);
	return true;
}

static void
forking_done(Processes *p, Run *run)
{
	Forking *g = run->forking;

	run->forking = NULL;
	timers_clear(&p->timers, &run->timer);
	if (g->own >= 0)
		poll_remove(&p->poll, g->own);
	fd_done(&g->own);
}

static void
hands_close(Forking *g)
{
	fd_done(&g->spec.in);
	fd_done(&g->spec.out);
	fd_done(&g->spec.err);
	fd_done(&g->spec.confine.ruleset);
}

/* False: it is not there, or does not wait any more, and has been reaped; it has run nothing. */
static bool
let_go(Forking *g, Child *c)
{
	ChildEnd end;

	c->pidfd = child_adopt(c->pid);
	if (c->pidfd < 0)
		return false;
	if (handover_go(g->own))
		return true;
	child_kill_group(c);
	while (!child_reap(c, &end))
		usleep(100);
	return false;
}

static void
on_child_said(Processes *p, Run *run)
{
	Forking *g = run->forking;
	Child c = { -1, -1 };
	bool gone;

	if (g == NULL || run->phase != PHASE_FORKING)
		return;
	if (!handover_number(g->own, &c.pid, &gone)) {
		if (gone)
			run_plain(p, run);
		return;
	}
	if (!let_go(g, &c)) {
		run_plain(p, run);
		return;
	}
	run->child = c;
	forking_done(p, run);
	hands_close(g);
	run_begun(p, run);
}

static void
look_at_memory(Forks *f, Server *s)
{
	if (s->runs >= RUNS_MOST || (s->runs % MEMORY_LOOK == 0 && process_memory(s->child.pid) > MEMORY_MOST))
		server_end(f, s, SERVER_ENDING); /* the next run starts plainly, and another server with it */
}

bool
forks_try(Forks *f, Run *run, const SpawnSpec *spec, SandboxKind kind)
{
	Server *s;
	Forking *g;
	int own;

	if (f == NULL || !can_serve(spec))
		return false;
	s = find(f, key_of(run->a, spec, kind));
	if (s == NULL || s->state != SERVER_READY || s->sock < 0)
		return false;
	s->used = clock_mono(f->p->config.clock);
	if (!hand_over(s, run, spec, &own)) {
		server_end(f, s, SERVER_ENDING);
		return false;
	}
	g = arena_new(run->a, Forking);
	*g = (Forking){ .spec = *spec, .kind = kind, .server = s, .own = own };
	if (spec->confine.ruleset >= 0)
		g->spec.confine.ruleset = fcntl(spec->confine.ruleset, F_DUPFD_CLOEXEC, 3);
	g->spec.in = fcntl(spec->in, F_DUPFD_CLOEXEC, 3);
	g->spec.out = fcntl(spec->out, F_DUPFD_CLOEXEC, 3);
	g->spec.err = fcntl(spec->err, F_DUPFD_CLOEXEC, 3);
	run->forking = g;
	run->phase = PHASE_FORKING;
	run->fork_source = (Source){ .run = run, .ready = on_child_said };
	timers_set(&f->p->timers, &run->timer, s->used + PATIENCE);
	s->runs++;
	f->p->forked++;
	if (!poll_add(&f->p->poll, own, &run->fork_source, NULL))
		timers_set(&f->p->timers, &run->timer, s->used); /* as if it did not answer */
	look_at_memory(f, s);
	return true;
}

bool
forks_plain(Processes *p, Run *run, Err *err)
{
	Forking *g = run->forking;
	bool ok;

	forking_done(p, run);
	ok = sandbox_spawn(p->sandbox, g->kind, &g->spec, &run->child, err);
	hands_close(g);
	return ok;
}

void
forks_drop(Forks *f, Run *run)
{
	Forking *g = run->forking;

	if (g == NULL)
		return;
	forking_done(f->p, run);
	hands_close(g);
}

void
forks_late(Forks *f, Run *run)
{
	Server *s = run->forking->server;

	for (Server *at = f->servers; at != NULL; at = at->next)
		if (at == s && s->state == SERVER_READY) {
			child_kill_group(&s->child); /* it may be stopped, and would not notice that we hang up */
			server_end(f, s, SERVER_ENDING);
		}
	run_plain(f->p, run);
}

TimeUs
forks_tick(Forks *f, TimeUs now)
{
	TimeUs next = 0;
	Server *after;

	for (Server *s = f == NULL ? NULL : f->servers; s != NULL; s = after) {
		TimeUs due = s->state == SERVER_STARTING ? s->since + START_PATIENCE
			     : s->state == SERVER_READY  ? s->used + IDLE
							 : s->since + SULK;

		after = s->next;
		if (s->state == SERVER_ENDING || (s->state == SERVER_SULKING && now >= due)) {
			if (s->child.pidfd < 0) {
				server_free(f, s);
				continue;
			}
			due = 0;
		} else if (now >= due) {
			if (s->state == SERVER_STARTING)
				server_sulk(f, s, "is not ready in time");
			else
				server_end(f, s, SERVER_ENDING);
			due = 0;
		}
		if (due != 0 && (next == 0 || due < next))
			next = due;
	}
	return next;
}

Forks *
forks_open(Processes *p)
{
	Forks *f = calloc(1, sizeof(*f));

	if (f == NULL)
		abort();
	f->p = p;
	return f;
}

void
forks_close(Forks *f)
{
	if (f == NULL)
		return;
	while (f->servers != NULL) {
		Server *s = f->servers;

		if (s->child.pidfd >= 0) {
			child_kill_group(&s->child);
			on_server_end(f->p, s);
		}
		server_hang_up(f, s);
		server_free(f, s);
	}
	free(f);
}
