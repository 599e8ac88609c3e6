/*
 * Between clone and exec the child shares our memory while we stand still, so it must not touch anything that the sanitizers,
 * the allocator or another thread care about: only system calls, on a stack of its own, with all signals blocked.
 */
#include "os/spawn.h"

#include "os/bare.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/close_range.h>
#include <linux/sched.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

enum {
	STACK = 32 * 1024,
	PATH_ROOM = 4096,
	SIGNALS = 64,
	KERNEL_SIGSET = 8, /* bytes of the kernel's signal set */
};

/* What the kernel calls struct sigaction; all zero is "default". */
typedef struct KernelAction {
	uintptr_t handler;
	unsigned long flags;
	uintptr_t restorer;
	uint64_t mask;
} KernelAction;

typedef struct Launch {
	const SpawnSpec *spec;
	const char *path;
	pid_t parent;
	volatile int error; /* written by the child, read by us when it has gone on */
} Launch;

/* Never more than we are allowed ourselves: then what we have stays. */
BARE static bool
set_limit(int what, uint64_t value)
{
	struct rlimit64 limit = { value, value };

	return value == 0 || syscall(SYS_prlimit64, 0, what, &limit, NULL) == 0 || errno == EPERM;
}

BARE static bool
set_limits(const SpawnLimits *l)
{
	struct rlimit64 none = { 0, 0 };

	return syscall(SYS_prlimit64, 0, RLIMIT_CORE, &none, NULL) == 0 && set_limit(RLIMIT_FSIZE, l->file_size) &&
	       set_limit(RLIMIT_DATA, l->memory) && set_limit(RLIMIT_NOFILE, l->files) &&
	       set_limit(RLIMIT_NPROC, l->processes);
}

/* A handler of ours must not run in the child, and what we ignore (SIGPIPE) the action should not. */
BARE static void
reset_signals(void)
{
	KernelAction plain = { 0 };
	uint64_t none = 0;

	for (int s = 1; s <= SIGNALS; s++)
		(void)syscall(SYS_rt_sigaction, s, &plain, NULL, KERNEL_SIGSET);
	(void)syscall(SYS_rt_sigprocmask, SIG_SETMASK, &none, NULL, KERNEL_SIGSET);
}

BARE static bool
set_descriptors(const SpawnSpec *spec)
{
	long fd[3] = { spec->in, spec->out, spec->err };

	for (int i = 0; i < 3; i++) /* out of the way first: 1 may be wanted as 0 */
		if (fd[i] < 3 && (fd[i] = syscall(SYS_fcntl, fd[i], F_DUPFD_CLOEXEC, 3)) < 0)
			return false;
	for (int i = 0; i < 3; i++)
		if (syscall(SYS_dup3, fd[i], i, 0) < 0)
			return false;
	/* an old kernel refuses; all of ours are close-on-exec anyway */
	(void)syscall(SYS_close_range, 3, ~0U, CLOSE_RANGE_CLOEXEC);
	return true;
}

/* Where it could not be born there. */
BARE static bool
enter_group(const SpawnSpec *spec)
{
#ifndef __x86_64__
	long fd;
	bool ok;

	if (!spec->group_on)
		return true;
	fd = syscall(SYS_openat, spec->group, "cgroup.procs", O_WRONLY | O_CLOEXEC);
	ok = fd >= 0 && syscall(SYS_write, fd, "0", 1) == 1;
	if (fd >= 0)
		(void)syscall(SYS_close, fd);
	return ok;
#else
	(void)spec;
	return true;
#endif
}

BARE static bool
prepare(const Launch *l)
{
	const SpawnSpec *spec = l->spec;

	if (syscall(SYS_setsid) < 0)
		return false;
	if (!enter_group(spec))
		return false;
	if (syscall(SYS_prctl, PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) < 0)
		return false;
	if (syscall(SYS_getppid) != l->parent) /* our parent went before the line above */
		return false;
	if (!set_descriptors(spec))
		return false;
	if (spec->cwd != NULL && syscall(SYS_chdir, spec->cwd) < 0)
		return false;
	if (!set_limits(&spec->limits))
		return false;
	reset_signals();
	return (errno = confine_self(&spec->confine)) == 0;
}

BARE static int
child_main(void *arg)
{
	Launch *l = arg;

	if (prepare(l))
		(void)syscall(SYS_execve, l->path, l->spec->argv, l->spec->envp);
	l->error = errno == 0 ? ESRCH : errno;
	(void)syscall(SYS_exit_group, 127);
	return 127;
}

#ifdef __x86_64__
/*
 * Born in its cgroup: to be moved there afterwards costs the child much more than its birth. The C library has no clone3; here the
 * child gets a stack of its own and never comes back.
 */
BARE static pid_t
clone_with(Launch *l, struct clone_args *args, size_t size)
{
	register int (*run)(void *) __asm__("r12") = child_main;
	register void *arg __asm__("r13") = l;
	long got = SYS_clone3;

	__asm__ volatile("syscall\n\t"
			 "test %%rax, %%rax\n\t"
			 "jnz 1f\n\t"
			 "xor %%ebp, %%ebp\n\t"
			 "mov %%r13, %%rdi\n\t"
			 "call *%%r12\n\t"
			 "hlt\n"
			 "1:"
			 : "+a"(got)
			 : "D"(args), "S"(size), "r"(run), "r"(arg)
			 : "rcx", "r11", "memory", "cc");
	if (got < 0) {
		errno = (int)-got;
		return -1;
	}
	return (pid_t)got;
}

static pid_t
clone_into(Launch *l, void *stack, size_t stack_size, int *ret_pidfd)
{
	struct clone_args ours = {
		.flags = CLONE_VM | CLONE_VFORK | CLONE_PIDFD | CLONE_INTO_CGROUP,
		.pidfd = (uintptr_t)ret_pidfd,
		.exit_signal = SIGCHLD,
		.stack = (uintptr_t)stack,
		.stack_size = stack_size,
		.cgroup = (unsigned)l->spec->group,
	};
	struct clone_args *args = &ours;
	size_t size = sizeof(ours);
	pid_t pid;
	int why;

	if (!l->spec->confine.inherits)
		return clone_with(l, args, size);
	args = filter_clone_take(&size); /* the thread has a filter on, which knows this place */
	*args = ours;
	pid = clone_with(l, args, size);
	why = errno;
	filter_clone_give(args);
	errno = why;
	return pid;
}
#else
static pid_t
clone_into(Launch *l, void *stack, size_t size, int *ret_pidfd)
{
	return clone(child_main, (char *)stack + size, CLONE_VM | CLONE_VFORK | CLONE_PIDFD | SIGCHLD, l, ret_pidfd);
}
#endif

static bool
clone_child(Launch *l, Child *ret, Err *err)
{
	_Alignas(16) char stack[STACK];
	sigset_t all, old;
	Child c = { -1, -1 };
	int cancel, why;

	sigfillset(&all);
	pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &cancel);
	pthread_sigmask(SIG_SETMASK, &all, &old);
	if (l->spec->group_on)
		c.pid = clone_into(l, stack, sizeof(stack), &c.pidfd);
	else
		c.pid = clone(
		    child_main, stack + sizeof(stack), CLONE_VM | CLONE_VFORK | CLONE_PIDFD | SIGCHLD, l, &c.pidfd);
	why = errno;
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	pthread_setcancelstate(cancel, NULL);
	if (c.pid < 0)
		return err_sys(err, why, "start '%s'", l->path);
	if (l->error != 0) {
		while (waitpid(c.pid, NULL, 0) < 0 && errno == EINTR)
			;
		close(c.pidfd);
		return err_sys(err, l->error, "start '%s'", l->path);
	}
	*ret = c;
	return true;
}

static const char *
path_of(const char *const *envp)
{
	for (size_t i = 0; envp[i] != NULL; i++)
		if (strncmp(envp[i], "PATH=", 5) == 0)
			return envp[i] + 5;
	return "/usr/bin:/bin";
}

static bool
find_program(const SpawnSpec *spec, char room[PATH_ROOM], Err *err)
{
	Str rest = str_of(path_of(spec->envp)), folder;
	int why = ENOENT;

	while (str_cut(&rest, ':', &folder)) {
		if (folder.n == 0 || folder.p[0] != '/') /* a relative folder would mean one of ours */
			continue;
		if (snprintf(room, PATH_ROOM, "%.*s/%s", STR_ARG(folder), spec->path) >= PATH_ROOM)
			continue;
		if (faccessat(AT_FDCWD, room, X_OK, AT_EACCESS) == 0)
			return true;
		if (errno != ENOENT && errno != ENOTDIR)
			why = errno;
	}
	return err_sys(err, why, "'%s' is not in the PATH", spec->path);
}

bool
spawn(const SpawnSpec *spec, Child *ret, Err *err)
{
	char room[PATH_ROOM];
	Launch l = { .spec = spec, .path = spec->path, .parent = getpid() };

	if (strchr(spec->path, '/') == NULL) {
		if (!find_program(spec, room, err))
			return false;
		l.path = room;
	}
	return clone_child(&l, ret, err);
}

static TimeUs
time_of(const struct timeval *tv)
{
	return (TimeUs)tv->tv_sec * US_PER_S + tv->tv_usec;
}

bool
child_reap(Child *c, ChildEnd *ret)
{
	struct rusage used = { 0 };
	int status = 0;
	pid_t got;

	do {
		got = wait4(c->pid, &status, WNOHANG, &used);
	} while (got < 0 && errno == EINTR);
	if (got == 0)
		return false;
	close(c->pidfd);
	c->pidfd = -1;
	*ret = (ChildEnd){
		.signalled = got > 0 && WIFSIGNALED(status),
		.code = got < 0               ? -1
			: WIFSIGNALED(status) ? WTERMSIG(status)
					      : WEXITSTATUS(status),
		.cpu = time_of(&used.ru_utime) + time_of(&used.ru_stime),
		.max_rss = (uint64_t)used.ru_maxrss * 1024,
	};
	return true;
}
