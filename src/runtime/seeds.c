#include "runtime/seeds.h"

#include "base/log.h"
#include "inside/image.h"
#include "inside/seed.h"
#include "os/fs.h"
#include "os/guardian.h"
#include "os/handover.h"
#include "runtime/seed_job.h"
#include "runtime/seed_kinds.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
	SEEDS_MOST = 16,
	RUNS_MOST = 20000,
	MEMORY_LOOK = 64,               /* runs between two looks at its memory */
	MEMORY_MOST = 200 << 20,        /* bytes */
	ERROR_MOST = 4095,              /* of the kernel; what else is said was said by another */
	PATIENCE_MS = 2000,             /* for the answer: it takes a tenth of a millisecond */
	START_PATIENCE = 30 * US_PER_S, /* for a seed to be ready */
	IDLE = 300 * US_PER_S,          /* one that is not used for this long ends */
	AGE_MOST = 600 * US_PER_S,      /* the libraries that it has loaded may be older than those on the disk */
	SULK = 600 * US_PER_S,          /* an interpreter of which no seed can be made is left alone */
};

typedef enum SeedState { SEED_STARTING, SEED_READY, SEED_ENDING, SEED_SULKING } SeedState;

typedef struct Seed {
	struct Seed *next;
	Seeds *seeds;
	Arena *a;
	const SeedKind *of;
	Str key;
	const char *path;
	SandboxKind kind;
	size_t runs;
	FileMark mark, program; /* of what a run names, and of what is loaded in its place */
	SeedState state;
	Child child;
	int sock, mute; /* mute: the other end of its standard error, where nothing comes */
	SeedPage *page;
	bool shows_itself;
	Source said, ended;
	TimeUs used, since;
} Seed;

struct Seeds {
	Processes *p;
	Seed *first;
	size_t n;
	int image; /* the library to preload, in memory */
	char *message;
	Arena *scratch;
};

/* ---- what can be served ---- */

static const SeedKind *
kind_of(const Seeds *s, const SpawnSpec *spec)
{
	if (s->p->config.warm && seed_of_python.serves(spec))
		return &seed_of_python;
	return s->p->config.seeds && seed_of_start.serves(spec) ? &seed_of_start : NULL;
}

/* Valid until the next one is made. */
static Str
key_of(Seeds *s, const SeedKind *of, const SpawnSpec *spec, SandboxKind kind)
{
	Buf b;

	arena_reset(s->scratch);
	b = buf_open(s->scratch);
	buf_fmt(&b, "%s\n%d\n", spec->path, (int)kind);
	of->add_key(&b, spec);
	return buf_str(&b);
}

static Seed *
find(const Seeds *s, Str key)
{
	for (Seed *one = s->first; one != NULL; one = one->next)
		if (one->state != SEED_ENDING && str_eq(one->key, key))
			return one;
	return NULL;
}

/* ---- the life of a seed ---- */

static void
seed_free(Seeds *s, Seed *one)
{
	for (Seed **at = &s->first; *at != NULL; at = &(*at)->next)
		if (*at == one) {
			*at = one->next;
			break;
		}
	s->n--;
	if (one->page != NULL)
		(void)munmap(one->page, sizeof(*one->page));
	fd_done(&one->mute);
	arena_close(one->a);
	free(one);
}

static void
hang_up(Seeds *s, Seed *one)
{
	if (one->sock >= 0 && one->state == SEED_STARTING)
		poll_remove(&s->p->poll, one->sock);
	fd_done(&one->sock);
}

static void
seed_end(Seeds *s, Seed *one, SeedState state)
{
	if (one->child.pidfd >= 0)
		child_kill(&one->child); /* not its group: a child that was born just now is still in it */
	hang_up(s, one);
	one->state = state;
	one->since = clock_mono(s->p->config.clock);
}

static void
sulk(Seeds *s, Seed *one, const char *why)
{
	log_info("%s is started anew for each run from now on: it cannot be kept loaded (%s)", one->path, why);
	seed_end(s, one, SEED_SULKING);
}

/* A script that calls itself `bash` is run by another program, which would be the one that is loaded. */
static bool
is_itself(const Seed *one)
{
	char path[32];
	FileMark mark;

	snprintf(path, sizeof(path), "/proc/%d/exe", (int)one->child.pid);
	return file_mark_of(path, &mark) && file_mark_same(&mark, &one->program);
}

static void
on_seed_said(Processes *p, void *self)
{
	Seed *one = self;
	SeedReady ready = { 0 };
	ssize_t n = one->sock < 0 ? -1 : recv(one->sock, &ready, sizeof(ready), MSG_DONTWAIT);

	if (one->sock < 0 || one->state != SEED_STARTING || (n < 0 && (errno == EAGAIN || errno == EINTR)))
		return;
	poll_remove(&p->poll, one->sock); /* from here on its answers are waited for */
	one->state = SEED_READY;
	one->shows_itself = ready.shows_itself != 0;
	if (n != sizeof(ready) || ready.error < SEED_THREADS || ready.error > ERROR_MOST)
		sulk(p->seeds, one, "it does not load what it is given");
	else if (ready.error == SEED_THREADS)
		sulk(p->seeds, one, "it has threads");
	else if (ready.error != 0)
		sulk(p->seeds, one, strerror(ready.error));
	else if (!is_itself(one))
		sulk(p->seeds, one, "it is run by another program");
}

static void
reap(Seeds *s, Seed *one)
{
	ChildEnd end;

	while (!child_reap(&one->child, &end))
		usleep(100);
	if (s->p->config.guardian != NULL)
		guardian_forget(s->p->config.guardian, one->child.pid);
}

static void
on_seed_end(Processes *p, void *self)
{
	Seed *one = self;

	if (one->child.pidfd < 0)
		return;
	poll_remove(&p->poll, one->child.pidfd);
	reap(p->seeds, one);
	if (one->state == SEED_STARTING)
		sulk(p->seeds, one, "it ends");
	hang_up(p->seeds, one);
	if (one->state != SEED_SULKING)
		one->state = SEED_ENDING; /* freed by the next tick: its source may still be in this batch */
}

static bool
share_page(Seed *one, int *ret_fd)
{
	CLEANUP(fd_done) int fd = memfd_create("seed page", MFD_CLOEXEC);

	if (fd < 0 || ftruncate(fd, sizeof(SeedPage)) < 0)
		return false;
	one->page = mmap(NULL, sizeof(*one->page), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	(void)mlock(one->page, sizeof(*one->page)); /* so that it can always be written */
	if (one->page == MAP_FAILED) {
		one->page = NULL;
		return false;
	}
	*ret_fd = fd_take(&fd);
	return true;
}

/* What its children inherit. */
static void
put_filter(SandboxKind kind, SeedStart *start)
{
	FilterPass pass;
	size_t n;

	if (kind == SANDBOX_OFF)
		return;
	n = filter_for_server(kind == SANDBOX_STRICT ? FILTER_STRICT : FILTER_STANDARD, &pass, start->filter);
	start->filter_count = (uint32_t)n;
	if (n == 0)
		return;
	start->clone_at = pass.at;
	start->clone_size = pass.size;
}

static bool
say_start(Seed *one)
{
	CLEANUP(fd_done) int page = -1;
	SeedStart start = { .parent = getpid() };
	bool ok;

	if (!share_page(one, &page))
		return false;
	put_filter(one->kind, &start);
	ok = handover_message(one->sock, &start, sizeof(start), &page, 1);
	explicit_bzero(&start, sizeof(start));
	return ok;
}

static const char *const *
environment_of(const Seed *one, const SpawnSpec *like)
{
	const char **list;
	size_t n = 0, k = 0;

	while (like->envp[n] != NULL)
		n++;
	list = arena_array(one->a, const char *, n + 4);
	list[k++] = one->of->variable;
	list[k++] = SEED_LIBRARY;
	list[k++] = "HOME=/";
	for (size_t i = 0; i < n; i++)
		if (one->of->keeps(like->envp[i]))
			list[k++] = str_cstr(one->a, str_of(like->envp[i]));
	return list;
}

static bool
seed_spawn(Seeds *s, Seed *one, const SpawnSpec *like, Err *err)
{
	CLEANUP(fd_done) int theirs = -1;
	CLEANUP(fd_done) int mute = -1;
	const char *program = seed_program(one->a, one->of, &s->p->config, one->path);
	int ends[2];

	if (program == NULL || !file_mark_of(program, &one->program) ||
	    (!file_mark_same(&one->mark, &one->program) && !seed_is_copy(one->path, program)))
		return err_set(err, ERR_FORBIDDEN, "it is not one of the machine's own");
	if (!handover_pair(&one->sock, &theirs) || pipe2(ends, O_CLOEXEC) < 0)
		return err_sys(err, errno, "a socket");
	one->mute = ends[0];
	mute = ends[1];
	SpawnSpec spec = { .path = program,
		.argv = one->of->argv(one->a, program, like),
		.envp = environment_of(one, like),
		.cwd = "/",
		.in = s->image,
		.out = theirs,
		.err = mute,
		.confine = { .on = one->kind != SANDBOX_OFF, .ruleset = -1 } };

	if (!say_start(one))
		return err_sys(err, errno, "a page of memory");
	return sandbox_spawn_server(s->p->sandbox, one->kind, &spec, &one->child, err);
}

static void
seed_start(Seeds *s, const SeedKind *of, const SpawnSpec *like, SandboxKind kind, Str key)
{
	Seed *one = calloc(1, sizeof(*one));
	Err err = { 0 };

	if (one == NULL)
		abort();
	one->a = arena_open();
	one->of = of;
	one->path = str_cstr(one->a, str_of(like->path));
	one->key = str_copy(one->a, key);
	one->seeds = s;
	one->kind = kind;
	one->sock = one->mute = -1;
	one->child = (Child){ -1, -1 };
	one->used = one->since = clock_mono(s->p->config.clock);
	one->said = (Source){ .self = one, .other = on_seed_said };
	one->ended = (Source){ .self = one, .other = on_seed_end };
	one->next = s->first;
	s->first = one;
	s->n++;
	if (!file_mark_of(one->path, &one->mark) || !seed_spawn(s, one, like, &err) ||
	    !poll_add(&s->p->poll, one->child.pidfd, &one->ended, &err) ||
	    !poll_add(&s->p->poll, one->sock, &one->said, &err)) {
		sulk(s, one, err.text);
		return;
	}
	if (s->p->config.guardian != NULL)
		guardian_watch(s->p->config.guardian, one->child.pid);
}

/* The one that was used the longest ago makes room. */
static void
make_room(Seeds *s)
{
	Seed *oldest = NULL;

	for (Seed *one = s->first; one != NULL; one = one->next)
		if (one->state != SEED_ENDING && (oldest == NULL || one->used < oldest->used))
			oldest = one;
	if (oldest != NULL)
		seed_end(s, oldest, SEED_ENDING);
}

void
seeds_want(Seeds *s, const SpawnSpec *spec, SandboxKind kind)
{
	const SeedKind *of = s == NULL || s->image < 0 ? NULL : kind_of(s, spec);
	Str key;

	if (of == NULL)
		return;
	key = key_of(s, of, spec, kind);
	if (find(s, key) != NULL || seed_program(s->scratch, of, &s->p->config, spec->path) == NULL)
		return;
	if (s->n >= SEEDS_MOST)
		make_room(s);
	if (s->n < 2 * SEEDS_MOST)
		seed_start(s, of, spec, kind, key);
}

/* ---- one run ---- */

static bool
send_job(Seeds *s, const Seed *one, const SpawnSpec *spec)
{
	int fds[SEED_FDS_MOST] = { spec->in, spec->out, spec->err };
	size_t n = 3, size = seed_job_write(s->message, spec);

	if (size == 0)
		return false;
	if (spec->confine.on && spec->confine.ruleset >= 0)
		fds[n++] = spec->confine.ruleset;
	if (spec->gated)
		fds[n++] = spec->gate;
	if (spec->group_on)
		fds[n++] = spec->group;
	one->page->child = 0;
	return handover_message(one->sock, s->message, size, fds, n);
}

/* Without an answer it is ended, so that what the page says stays true. */
static void
await_answer(Seeds *s, Seed *one)
{
	SeedBorn born;

	if (handover_await(one->sock, &born, sizeof(born), PATIENCE_MS) == sizeof(born)) {
		if (born.error != 0 && born.error != EAGAIN && born.error != ENOMEM) /* those pass */
			sulk(s, one, strerror(born.error));
		return;
	}
	poll_remove(&s->p->poll, one->child.pidfd);
	child_kill(&one->child);
	reap(s, one);
	hang_up(s, one);
	one->state = SEED_ENDING;
}

/* What grows on the way, grows in it: it does not go on for ever. */
static bool
is_worn(const Seed *one, TimeUs now)
{
	return now - one->since > AGE_MOST || one->runs >= RUNS_MOST ||
	       (one->runs % MEMORY_LOOK == MEMORY_LOOK - 1 && process_memory(one->child.pid) > MEMORY_MOST);
}

static Seed *
usable(Seeds *s, const SpawnSpec *spec, SandboxKind kind, TimeUs now)
{
	const SeedKind *of = s == NULL ? NULL : kind_of(s, spec);
	Seed *one = of == NULL ? NULL : find(s, key_of(s, of, spec, kind));
	FileMark mark;

	if (one == NULL || one->state != SEED_READY || (!spec->group_on && !one->shows_itself))
		return NULL; /* what is neither in a group nor shows its mark could not be found again */
	if (!file_mark_of(spec->path, &mark) || !file_mark_same(&mark, &one->mark) || is_worn(one, now)) {
		seed_end(s, one, SEED_ENDING);
		return NULL;
	}
	return one;
}

SeedAnswer
seeds_grow(Seeds *s, const SpawnSpec *spec, SandboxKind kind, Child *ret, Err *err)
{
	TimeUs now = s == NULL ? 0 : clock_mono(s->p->config.clock);
	Seed *one = usable(s, spec, kind, now);

	if (one == NULL || !send_job(s, one, spec))
		return SEED_NONE;
	one->used = now;
	one->runs++;
	await_answer(s, one);
	if (one->page->child == 0)
		return SEED_NONE;
	ret->pid = one->page->child;
	ret->pidfd = child_adopt(ret->pid);
	if (ret->pidfd < 0) {
		(void)err_sys(err, errno, "start '%s'", spec->path);
		child_drop(ret->pid);
		return SEED_FAILED;
	}
	*(one->of == &seed_of_python ? &s->p->forked : &s->p->grown) += 1;
	return SEED_GROWN;
}

/* ---- coming and going ---- */

TimeUs
seeds_tick(Seeds *s, TimeUs now)
{
	TimeUs next = 0;
	Seed *after;

	for (Seed *one = s == NULL ? NULL : s->first; one != NULL; one = after) {
		TimeUs due = one->state == SEED_STARTING ? one->since + START_PATIENCE
			     : one->state == SEED_READY  ? one->used + IDLE
							 : one->since + SULK;

		after = one->next;
		if (one->child.pidfd < 0 && (one->state == SEED_ENDING || (one->state == SEED_SULKING && now >= due))) {
			seed_free(s, one);
			continue;
		}
		if (now >= due && one->state == SEED_STARTING)
			sulk(s, one, "it is not ready in time");
		else if (now >= due && one->state == SEED_READY)
			seed_end(s, one, SEED_ENDING);
		else if (one->state != SEED_ENDING && (next == 0 || due < next))
			next = due;
	}
	return next;
}

/* What is written in it cannot be changed any more, by whoever maps it. */
static int
image_open(void)
{
	CLEANUP(fd_done) int fd = memfd_create("seed", MFD_CLOEXEC | MFD_ALLOW_SEALING);

	if (fd < 0 || !fd_write_all(fd, (Str){ (const char *)seed_image, seed_image_size }, NULL) ||
	    fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL) < 0 ||
	    lseek(fd, 0, SEEK_SET) < 0) /* Python looks where its standard input stands: a run's stands at its start */
		return -1;
	return fd_take(&fd);
}

Seeds *
seeds_open(Processes *p)
{
	Seeds *s = calloc(1, sizeof(*s));

	if (s == NULL || (s->message = malloc(SEED_JOB_MOST)) == NULL)
		abort();
	s->p = p;
	s->scratch = arena_open();
	s->image = image_open();
	return s;
}

void
seeds_close(Seeds *s)
{
	if (s == NULL)
		return;
	while (s->first != NULL) {
		Seed *one = s->first;

		seed_end(s, one, SEED_ENDING);
		if (one->child.pidfd >= 0)
			on_seed_end(s->p, one);
		seed_free(s, one);
	}
	fd_done(&s->image);
	free(s->message);
	arena_close(s->scratch);
	free(s);
}
