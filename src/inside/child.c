#include "inside/inner.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

enum {
	CALL_RESTRICT = 446, /* landlock_restrict_self */
	CALL_CLOSE_RANGE = 436,
	HEAD_SIZE = 24, /* of a list of robust mutexes */
};

static char *strings[STRINGS_MOST];

static _Noreturn void
give_up(const char *what)
{
	const char *const said[] = { "the surroundings of this run cannot be made: ", what, ": ", strerror(errno),
		"\n" };

	for (size_t i = 0; i < sizeof(said) / sizeof(said[0]); i++)
		(void)!write(2, said[i], strlen(said[i]));
	_exit(CANNOT_RUN);
}

static void
set_limits(const SeedJob *job)
{
	for (int i = 0; i < SEED_LIMITS; i++) {
		struct rlimit limit = { job->limits[i].most, job->limits[i].most };

		if (job->limits[i].what >= 0 && setrlimit((unsigned)job->limits[i].what, &limit) < 0 && errno != EPERM)
			give_up("a limit");
	}
}

/* A run may not do what a seed may. */
static void
forget_pass(Seed *s)
{
	if (s->start.filter_count == 0)
		return;
	(void)munmap((void *)(uintptr_t)(s->start.clone_at & ~(uint64_t)(PAGE - 1)), PAGE);
	s->start.clone_at = s->start.clone_size = 0;
}

/* As the kernel names what it executes; the seed's own name may be another, for it is the file behind the links. */
static void
take_name(const char *program)
{
	const char *slash = strrchr(program, '/');

	(void)prctl(PR_SET_NAME, slash == NULL ? program : slash + 1, 0, 0, 0);
}

static char *
take_strings(char *at, size_t n, char **to)
{
	for (size_t i = 0; i < n; i++) {
		to[i] = at;
		at += strlen(at) + 1;
	}
	to[n] = NULL;
	return at;
}

static void
leave_seed(Seed *s, const Message *m)
{
	if (setsid() < 0 || prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) < 0 || getppid() != s->start.parent)
		_exit(CANNOT_RUN);
	(void)syscall(SYS_set_robust_list, s->robust, HEAD_SIZE);
	(void)munmap(s->page, sizeof(*s->page));
	for (int i = 0; i < 3; i++)
		if (dup2(m->fds[i], i) < 0)
			_exit(CANNOT_RUN);
}

/* Until the worker knows that the run is its own: the number comes, or the end. */
static void
await_gate(int gate)
{
	uint64_t open;
	ssize_t n;

	do
		n = read(gate, &open, sizeof(open));
	while (n < 0 && errno == EINTR);
	if (n != sizeof(open))
		_exit(CANNOT_RUN);
}

Grown
seed_grow(Seed *s, SeedJob *job, const Message *m)
{
	char *folder = (char *)(job + 1), *environment, *end;
	Grown g = { .argc = (int)job->argc,
		.argv = strings,
		.envp = strings + job->argc + 1,
		.text = folder + strlen(folder) + 1 };

	leave_seed(s, m);
	if (chdir(folder) < 0)
		give_up("its folder");
	set_limits(job);
	forget_pass(s);
	environment = take_strings(g.text, job->argc, g.argv);
	end = take_strings(environment, job->envc, g.envp);
	g.size = (size_t)(end - g.text);
	take_name(g.argv[0]);
	if (s->shows_itself)
		(void)show_as(&s->map, g.text, environment, end);
	if (job->has_ruleset && syscall(CALL_RESTRICT, m->fds[3], 0) < 0)
		give_up("its sandbox");
	if (job->has_gate)
		await_gate(m->fds[3 + job->has_ruleset]);
	(void)syscall(CALL_CLOSE_RANGE, 3, ~0U, 0);
	environ = g.envp;
	return g;
}
