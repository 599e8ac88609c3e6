#include "inside/inner.h"

#include <errno.h>
#include <linux/sched.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { SECCOMP_FILTER = 1, SOCKET = 1, NUMBER_OF_THREADS = 20 /* in /proc/self/stat */ };

/* As the kernel's struct sock_fprog. */
typedef struct Program {
	uint16_t n;
	const void *code;
} Program;

static Seed seed;
/* On pages of its own: what the kernel shows of a process it reads from memory without a file alone. */
static _Alignas(PAGE) char room[SEED_JOB_MOST];

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

static void
say_ready(int error)
{
	SeedReady ready = { .error = error, .shows_itself = seed.shows_itself };

	answer(&ready, sizeof(ready));
	if (error != 0)
		_exit(1);
}

/* ---- one run ---- */

static bool
is_whole(const SeedJob *job, const Message *m)
{
	size_t n = 0;

	if (m->n <= sizeof(*job) || room[m->n - 1] != '\0' ||
	    m->fd_count != 3u + job->has_ruleset + job->has_gate + job->has_group)
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

static void
call(void (*what)(void))
{
	if (what != NULL)
		what();
}

/* True in a child, with what it is to be in `ret`. */
static bool
serve_one(const Around *around, Message *ret)
{
	SeedJob *job = (SeedJob *)(void *)room;
	SeedBorn born = { 0 };
	long pid;

	if (!receive(room, sizeof(room), ret))
		_exit(0);
	if (!is_whole(job, ret)) {
		born.error = EBADMSG;
	} else {
		call(around->before);
		pid = divide(job, ret);
		if (pid == 0)
			return true;
		born.error = pid < 0 ? errno : 0;
	}
	answer(&born, sizeof(born));
	if (born.error != EBADMSG)
		call(around->parent);
	for (size_t i = 0; i < ret->fd_count; i++)
		close(ret->fds[i]);
	memset(room, 0, ret->n); /* there may be secrets in it */
	return false;
}

Grown
seed_serve(const Around *around)
{
	unsigned long long threads = 1;
	Grown g;
	Message m;

	say_ready(show_numbers(&threads, NUMBER_OF_THREADS, 1) && threads != 1 ? SEED_THREADS : 0);
	while (!serve_one(around, &m))
		;
	g = seed_grow(&seed, (SeedJob *)(void *)room, &m);
	call(around->child);
	return g;
}

/* ---- the beginning ---- */

/* Its children inherit the filter: to install it in each costs more than to make it. */
static bool
enter_filter(void)
{
	Program filter = { (uint16_t)seed.start.filter_count, seed.start.filter };
	void *page = (void *)(uintptr_t)(seed.start.clone_at & ~(uint64_t)(PAGE - 1));
	bool ok;

	if (filter.n == 0)
		return true;
	ok = mmap(page, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0) ==
		 page &&
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
	seed.shows_itself = show_learn(&seed.map);
	return seed.page != MAP_FAILED && enter_filter() && prctl(PR_GET_TID_ADDRESS, &seed.thread) == 0 &&
	       seed.thread != NULL && syscall(SYS_get_robust_list, 0, &seed.robust, &size) == 0;
}

void
seed_begin(void)
{
	if (!get_ready())
		say_ready(ENOSYS);
}
