/*
 * Preloaded into an interpreter: see seed.h. What is here runs before main(), in a process with one thread, in a program that is not ours:
 * so it is small, uses the kernel directly, keeps nothing of one run for the next, and lets go of everything before main() is called.
 */
#include "inside/seed.h"

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/prctl.h>
#include <linux/sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

enum {
	CALL_RESTRICT = 446, /* landlock_restrict_self */
	CALL_CLOSE_RANGE = 436,
	SECCOMP_FILTER = 1,
	SOCKET = 1,
	PAGE = 4096,
	CANNOT_RUN = 126,
	STRINGS_MOST = SEED_JOB_MOST / 2,
	STAT_ROOM = 2048,
	HEAD_SIZE = 24, /* of a list of robust mutexes */
};

typedef int (*Main)(int argc, char **argv, char **envp);
typedef int (*Start)(
    Main run, int argc, char **argv, void (*init)(void), void (*fini)(void), void (*loader_fini)(void), void *stack);

int __libc_start_main(
    Main run, int argc, char **argv, void (*init)(void), void (*fini)(void), void (*loader_fini)(void), void *stack);

/* As the kernel's struct sock_fprog. */
typedef struct Program {
	uint16_t n;
	const void *code;
} Program;

typedef struct Seed {
	SeedStart start;
	SeedPage *page;
	struct prctl_mm_map map;
	bool shows_itself;
	int *thread; /* where the C library keeps this thread's number */
	void *robust;
} Seed;

typedef struct Message {
	size_t n;
	int fds[SEED_FDS_MOST];
	size_t fd_count;
} Message;

static Main interpreter;
static Seed seed;
static _Alignas(16) char room[SEED_JOB_MOST];
static char *strings[STRINGS_MOST];

/* ---- messages ---- */

static bool
receive(void *to, size_t size, Message *m)
{
	_Alignas(struct cmsghdr) char control[CMSG_SPACE(sizeof(m->fds))];
	struct iovec part = { to, size };
	struct msghdr head = {
		.msg_iov = &part, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof(control)
	};
	struct cmsghdr *c;
	ssize_t n;

	do {
		n = recvmsg(SOCKET, &head, MSG_CMSG_CLOEXEC);
	} while (n < 0 && errno == EINTR);
	if (n <= 0)
		return false;
	*m = (Message){ .n = (size_t)n };
	c = CMSG_FIRSTHDR(&head);
	if (c != NULL && c->cmsg_type == SCM_RIGHTS) {
		m->fd_count = (c->cmsg_len - CMSG_LEN(0)) / sizeof(int);
		memcpy(m->fds, CMSG_DATA(c), m->fd_count * sizeof(int));
	}
	return (head.msg_flags & (MSG_TRUNC | MSG_CTRUNC)) == 0;
}

static void
answer(const void *what, size_t n)
{
	if (send(SOCKET, what, n, MSG_NOSIGNAL) != (ssize_t)n)
		_exit(0); /* nobody is there any more */
}

/* ---- what others see of a process: its arguments and its environment ---- */

/* The 26th word of its line and some behind it. The name, in brackets, may hold anything. */
static bool
numbers_of_stat(unsigned long long *ret, size_t first, size_t n)
{
	char text[STAT_ROOM], *at;
	int fd = open("/proc/self/stat", O_RDONLY | O_CLOEXEC);
	ssize_t got = fd < 0 ? -1 : read(fd, text, sizeof(text) - 1);

	if (fd >= 0)
		close(fd);
	if (got <= 0)
		return false;
	text[got] = '\0';
	at = strrchr(text, ')');
	for (size_t word = 2; at != NULL && word < first + n; word++) {
		if (word >= first)
			ret[word - first] = strtoull(at, NULL, 10);
		at = strchr(at, ' ');
		at = at == NULL ? NULL : at + 1;
	}
	return at != NULL;
}

static bool
set_map(struct prctl_mm_map *map)
{
	return prctl(PR_SET_MM, PR_SET_MM_MAP, map, sizeof(*map), 0) == 0;
}

/* The heap's bounds as they are, and all else as it was; a kernel without this refuses. */
static void
learn_map(void)
{
	unsigned long long code[3], data[7];

	if (!numbers_of_stat(code, 26, 3) || !numbers_of_stat(data, 45, 7))
		return;
	seed.map = (struct prctl_mm_map){
		.start_code = code[0],
		.end_code = code[1],
		.start_stack = code[2],
		.start_data = data[0],
		.end_data = data[1],
		.start_brk = data[2],
		.brk = (uintptr_t)sbrk(0),
		.arg_start = data[3],
		.arg_end = data[4],
		.env_start = data[5],
		.env_end = data[6],
		.exe_fd = (uint32_t)-1,
	};
	seed.shows_itself = set_map(&seed.map);
}

static void
show_itself(char *arguments, char *environment, char *end)
{
	struct prctl_mm_map map = seed.map;

	if (!seed.shows_itself)
		return;
	map.brk = (uintptr_t)sbrk(0);
	map.arg_start = (uintptr_t)arguments;
	map.arg_end = map.env_start = (uintptr_t)environment;
	map.env_end = (uintptr_t)end;
	(void)set_map(&map);
}

/* ---- the child ---- */

static _Noreturn void
give_up(const char *what)
{
	static const char head[] = "the surroundings of this run cannot be made: ";

	(void)!write(2, head, sizeof(head) - 1);
	(void)!write(2, what, strlen(what));
	(void)!write(2, "\n", 1);
	_exit(CANNOT_RUN);
}

static void
set_limits(const SeedJob *job)
{
	for (int i = 0; i < SEED_LIMITS; i++) {
		struct rlimit limit = { job->limits[i].most, job->limits[i].most };

		if (job->limits[i].what >= 0 && setrlimit(job->limits[i].what, &limit) < 0 && errno != EPERM)
			give_up("a limit");
	}
}

static void *
pass_page(void)
{
	return (void *)(uintptr_t)(seed.start.clone_at & ~(uint64_t)(PAGE - 1));
}

/* A run may not do what a seed may. */
static void
forget_pass(void)
{
	if (seed.start.filter_count == 0)
		return;
	(void)munmap(pass_page(), PAGE);
	seed.start.clone_at = seed.start.clone_size = 0;
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

/* From here on it is a run, and no longer the seed. */
static int
grow(const SeedJob *job, const Message *m)
{
	char *folder = room + sizeof(*job), *arguments = folder + strlen(folder) + 1;
	char **argv = strings, **envp = strings + job->argc + 1, *environment, *end;

	if (setsid() < 0 || prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) < 0 || getppid() != seed.start.parent)
		_exit(CANNOT_RUN);
	(void)syscall(SYS_set_robust_list, seed.robust, HEAD_SIZE);
	(void)munmap(seed.page, sizeof(*seed.page));
	for (int i = 0; i < 3; i++)
		if (dup2(m->fds[i], i) < 0)
			_exit(CANNOT_RUN);
	if (chdir(folder) < 0)
		give_up("its folder");
	set_limits(job);
	forget_pass();
	environment = take_strings(arguments, job->argc, argv);
	end = take_strings(environment, job->envc, envp);
	show_itself(arguments, environment, end);
	if (job->has_ruleset && syscall(CALL_RESTRICT, m->fds[3], 0) < 0)
		give_up("its sandbox");
	(void)syscall(CALL_CLOSE_RANGE, 3, ~0U, 0);
	environ = envp;
	program_invocation_name = argv[0];
	program_invocation_short_name = strrchr(argv[0], '/') == NULL ? argv[0] : strrchr(argv[0], '/') + 1;
	return interpreter((int)job->argc, argv, envp);
}

/* ---- the seed ---- */

static bool
is_whole(const SeedJob *job, const Message *m)
{
	size_t n = 0;

	if (m->n <= sizeof(*job) || room[m->n - 1] != '\0' || m->fd_count != 3u + job->has_ruleset + job->has_group)
		return false;
	for (size_t i = sizeof(*job); i < m->n; i++)
		n += room[i] == '\0';
	return n == 1u + job->argc + job->envc && n + 2 < STRINGS_MOST;
}

/* In its cgroup from birth: to be moved there costs more than all the rest. The number is written by the kernel before the child runs. */
static long
divide(const SeedJob *job, const Message *m)
{
	struct clone_args args = {
		.flags = CLONE_PARENT | CLONE_PARENT_SETTID | CLONE_CHILD_SETTID | CLONE_CHILD_CLEARTID,
		.parent_tid = (uintptr_t)&seed.page->child,
		.child_tid = (uintptr_t)seed.thread,
	};

	if (job->has_group) {
		args.flags |= CLONE_INTO_CGROUP;
		args.cgroup = (unsigned)m->fds[m->fd_count - 1];
	}
	if (seed.start.filter_count == 0)
		return syscall(SYS_clone3, &args, sizeof(args));
	memcpy((void *)(uintptr_t)seed.start.clone_at, &args, sizeof(args));
	return syscall(SYS_clone3, seed.start.clone_at, seed.start.clone_size);
}

/* True in a child, with what it is to be in `ret`. */
static bool
serve_one(Message *ret)
{
	SeedJob *job = (SeedJob *)(void *)room;
	SeedBorn born = { 0 };
	long pid;

	if (!receive(room, sizeof(room), ret))
		_exit(0);
	if (!is_whole(job, ret)) {
		born.error = EBADMSG;
	} else {
		pid = divide(job, ret);
		if (pid == 0)
			return true;
		born.error = pid < 0 ? errno : 0;
	}
	for (size_t i = 0; i < ret->fd_count; i++)
		close(ret->fds[i]);
	memset(room, 0, ret->n); /* there may be secrets in it */
	answer(&born, sizeof(born));
	return false;
}

/* Its children inherit the filter: to install it in each costs more than to make it. */
static bool
enter_filter(void)
{
	Program filter = { (uint16_t)seed.start.filter_count, seed.start.filter };
	bool ok;

	if (filter.n == 0)
		return true;
	ok = mmap(pass_page(), PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1,
		 0) == pass_page() &&
	     syscall(SYS_seccomp, SECCOMP_FILTER, 0, &filter) == 0;
	memset(seed.start.filter, 0, sizeof(seed.start.filter)); /* the place stands in it */
	return ok;
}

static bool
get_ready(void)
{
	Message m;
	size_t size;

	if (!receive(&seed.start, sizeof(seed.start), &m) || m.fd_count != 1)
		return false;
	seed.page = mmap(NULL, sizeof(*seed.page), PROT_READ | PROT_WRITE, MAP_SHARED, m.fds[0], 0);
	close(m.fds[0]);
	learn_map();
	return seed.page != MAP_FAILED && enter_filter() && prctl(PR_GET_TID_ADDRESS, &seed.thread) == 0 &&
	       seed.thread != NULL && syscall(SYS_get_robust_list, 0, &seed.robust, &size) == 0;
}

static int
stand(int argc, char **argv, char **envp)
{
	SeedReady ready = { 0 };
	Message m;

	if (getenv("ATTUNE_SEED") == NULL)
		return interpreter(argc, argv, envp);
	ready.error = get_ready() ? 0 : ENOSYS;
	ready.shows_itself = seed.shows_itself;
	answer(&ready, sizeof(ready));
	if (ready.error != 0)
		_exit(1);
	while (!serve_one(&m))
		;
	return grow((const SeedJob *)(const void *)room, &m);
}

/* Of the same name as the C library's, which calls main(): so ours is called instead. */
int
__libc_start_main(
    Main run, int argc, char **argv, void (*init)(void), void (*fini)(void), void (*loader_fini)(void), void *stack)
{
	Start next;

	*(void **)&next = dlsym(RTLD_NEXT, "__libc_start_main");
	if (next == NULL)
		_exit(CANNOT_RUN);
	interpreter = run;
	return next(stand, argc, argv, init, fini, loader_fini, stack);
}
