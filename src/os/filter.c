/*
 * What is refused answers EPERM, so that a program can say so; clone3 and io_uring answer ENOSYS, for every C library has
 * another way then (of clone3 the flags lie in memory, where a filter cannot look: that is also why one place is let through).
 */
#include "os/filter.h"

#include <errno.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <pthread.h>
#include <sched.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#if defined(__x86_64__)
#define OUR_ARCH AUDIT_ARCH_X86_64
#define OTHER_ABI 0x40000000u /* x32: the same calls under other numbers */
#elif defined(__aarch64__)
#define OUR_ARCH AUDIT_ARCH_AARCH64
#define OTHER_ABI 0x7fffffffu
#else
#define OUR_ARCH 0
#define OTHER_ABI 0x7fffffffu
#endif

enum {
	NAMESPACES = CLONE_NEWNS | CLONE_NEWCGROUP | CLONE_NEWUTS | CLONE_NEWIPC | CLONE_NEWUSER | CLONE_NEWPID |
		     CLONE_NEWNET | 0x80 /* CLONE_NEWTIME */,
	TYPE_BITS = 0xf, /* of socket's second argument; the rest are flags */
	TCP = 6,
	FAST_OPEN = 0x20000000, /* MSG_FASTOPEN connects without the call that Landlock looks at */
};

/* Numbers newer than the headers that we build with are the same for all processors. */
static const int refused[] = {
	/* into other processes */
	SYS_ptrace,
	SYS_process_vm_readv,
	SYS_process_vm_writev,
	SYS_kcmp,
	438 /* pidfd_getfd */,
	440 /* process_madvise */,
	/* other namespaces, other roots, mounts */
	SYS_mount,
	SYS_umount2,
	SYS_pivot_root,
	SYS_chroot,
	SYS_unshare,
	SYS_setns,
	428 /* open_tree */,
	429 /* move_mount */,
	430 /* fsopen */,
	431 /* fsconfig */,
	432 /* fsmount */,
	433 /* fspick */,
	442 /* mount_setattr */,
	467 /* open_tree_attr */,
	SYS_open_by_handle_at,
	/* the kernel itself */
	SYS_bpf,
	SYS_perf_event_open,
	SYS_keyctl,
	SYS_add_key,
	SYS_request_key,
	SYS_init_module,
	SYS_finit_module,
	SYS_delete_module,
	SYS_kexec_load,
	SYS_kexec_file_load,
	SYS_reboot,
	SYS_swapon,
	SYS_swapoff,
	SYS_syslog,
	SYS_acct,
	SYS_quotactl,
	443 /* quotactl_fd */,
	SYS_userfaultfd,
	SYS_fanotify_init,
	SYS_lookup_dcookie,
	SYS_vhangup,
	/* the machine's name and clock */
	SYS_sethostname,
	SYS_setdomainname,
	SYS_settimeofday,
	SYS_clock_settime,
	SYS_clock_adjtime,
#ifdef __x86_64__
	SYS_iopl,
	SYS_ioperm,
	SYS_modify_ldt,
	SYS_uselib,
	SYS__sysctl,
#endif
};

static const int unknown[] = { 425 /* io_uring_setup */, 426 /* io_uring_enter */, 427 /* io_uring_register */ };

typedef struct Code {
	struct sock_filter ops[FILTER_MOST];
	size_t n;
} Code;

static void
op(Code *c, uint16_t code, uint32_t k, uint8_t yes, uint8_t no)
{
	c->ops[c->n++] = (struct sock_filter){ .code = code, .jt = yes, .jf = no, .k = k };
}

static void
load(Code *c, size_t offset)
{
	op(c, BPF_LD | BPF_W | BPF_ABS, (uint32_t)offset, 0, 0);
}

/* Of little-endian processors: the lower half. */
static void
load_argument(Code *c, int which)
{
	load(c, offsetof(struct seccomp_data, args) + (size_t)which * 8);
}

static void
answer(Code *c, uint32_t what)
{
	op(c, BPF_RET | BPF_K, what, 0, 0);
}

static void
answer_error(Code *c, int number)
{
	answer(c, SECCOMP_RET_ERRNO | ((uint32_t)number & SECCOMP_RET_DATA));
}

/* Skips the next `length` instructions unless it is call `number`; afterwards the number must be loaded again. */
static void
only_for(Code *c, int number, uint8_t length)
{
	op(c, BPF_JMP | BPF_JEQ | BPF_K, (uint32_t)number, 0, length);
}

static void
load_number(Code *c)
{
	load(c, offsetof(struct seccomp_data, nr));
}

/* EPERM for call `number` when the comparison of its argument turns out as `when`. */
static void
refuse(Code *c, int number, int argument, uint16_t comparison, uint32_t value, bool when)
{
	only_for(c, number, 4);
	load_argument(c, argument);
	op(c, BPF_JMP | comparison | BPF_K, value, !when, when);
	answer_error(c, EPERM);
	load_number(c);
}

static void
refuse_list(Code *c, const int *calls, size_t n, int number)
{
	for (size_t i = 0; i < n; i++)
		op(c, BPF_JMP | BPF_JEQ | BPF_K, (uint32_t)calls[i], (uint8_t)(n - i), 0);
	op(c, BPF_JMP | BPF_JA, 1, 0, 0);
	answer_error(c, number);
}

static FilterPass pass; /* of the threads of this process */
static pthread_mutex_t pass_lock = PTHREAD_MUTEX_INITIALIZER;

/* Some 2^45 places: who tries them one by one needs weeks, and wins a namespace in which the rest of the filter holds all the same. */
static FilterPass
roll_pass(void)
{
	enum { ARGS = 88, STEPS = 128 };
	uint64_t dice[3] = { 0 }, page, size;

	(void)!getrandom(dice, sizeof(dice), 0);
	page = dice[0] % (UINT64_C(1) << 46) & ~(uint64_t)(FILTER_PAGE - 1);
	size = ARGS + 8 * (dice[1] % STEPS);
	return (FilterPass){ page + 8 * (dice[2] % ((FILTER_PAGE - size) / 8)), size };
}

static void
make_pass(void)
{
	uintptr_t inside;
	void *page;

	pass = roll_pass();
	inside = (uintptr_t)pass.at % FILTER_PAGE;
	page = mmap((void *)((uintptr_t)pass.at - inside), FILTER_PAGE, PROT_READ | PROT_WRITE,
	    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (page == MAP_FAILED)
		abort();
	pass.at = (uintptr_t)page + inside;
}

static void
refuse_clone3(Code *c, const FilterPass *pass_of)
{
	only_for(c, SYS_clone3, 8);
	load_argument(c, 0);
	op(c, BPF_JMP | BPF_JEQ | BPF_K, (uint32_t)pass_of->at, 0, 4);
	load(c, offsetof(struct seccomp_data, args) + 4);
	op(c, BPF_JMP | BPF_JEQ | BPF_K, (uint32_t)(pass_of->at >> 32), 0, 2);
	load_argument(c, 1);
	op(c, BPF_JMP | BPF_JEQ | BPF_K, (uint32_t)pass_of->size, 1, 0);
	answer_error(c, ENOSYS);
	load_number(c);
}

void *
filter_clone_take(size_t *ret_size)
{
	pthread_mutex_lock(&pass_lock);
	*ret_size = (size_t)pass.size;
	return (void *)(uintptr_t)pass.at;
}

void
filter_clone_give(void *args)
{
	memset(args, 0, pass.size);
	pthread_mutex_unlock(&pass_lock);
}

static void
standard(Code *c, const FilterPass *pass_of)
{
	load(c, offsetof(struct seccomp_data, arch));
	op(c, BPF_JMP | BPF_JEQ | BPF_K, OUR_ARCH, 1, 0);
	answer(c, SECCOMP_RET_KILL_PROCESS); /* 32-bit programs have other numbers: what they ask cannot be told */
	load_number(c);
	op(c, BPF_JMP | BPF_JGE | BPF_K, OTHER_ABI, 0, 1);
	answer(c, SECCOMP_RET_KILL_PROCESS);
	refuse_list(c, refused, countof(refused), EPERM);
	refuse_list(c, unknown, countof(unknown), ENOSYS);
	refuse_clone3(c, pass_of);
	refuse(c, SYS_clone, 0, BPF_JSET, NAMESPACES, true);
	refuse(c, SYS_prlimit64, 0, BPF_JEQ, 0, false); /* another's limits: the worker is of the same user */
	refuse(c, SYS_ioctl, 1, BPF_JEQ, TIOCSTI, true);
	refuse(c, SYS_ioctl, 1, BPF_JEQ, TIOCLINUX, true);
}

/* Streams of TCP only: what Landlock cannot look at is not there at all. Routes may be asked for: getaddrinfo does. */
static void
strict(Code *c)
{
	refuse(c, SYS_sendto, 3, BPF_JSET, FAST_OPEN, true);
	refuse(c, SYS_sendmsg, 2, BPF_JSET, FAST_OPEN, true);
	refuse(c, SYS_sendmmsg, 3, BPF_JSET, FAST_OPEN, true);
	only_for(c, SYS_socket, 17);
	load_argument(c, 0);
	op(c, BPF_JMP | BPF_JEQ | BPF_K, AF_INET, 3, 0);
	op(c, BPF_JMP | BPF_JEQ | BPF_K, AF_INET6, 2, 0);
	op(c, BPF_JMP | BPF_JEQ | BPF_K, AF_NETLINK, 9, 0);
	answer_error(c, EACCES);
	load_argument(c, 1);
	op(c, BPF_ALU | BPF_AND | BPF_K, TYPE_BITS, 0, 0);
	op(c, BPF_JMP | BPF_JEQ | BPF_K, SOCK_STREAM, 1, 0);
	answer_error(c, EACCES);
	load_argument(c, 2);
	op(c, BPF_JMP | BPF_JEQ | BPF_K, 0, 4, 0);
	op(c, BPF_JMP | BPF_JEQ | BPF_K, TCP, 3, 0);
	answer_error(c, EACCES);
	load_argument(c, 2); /* netlink: routes are its protocol 0 */
	op(c, BPF_JMP | BPF_JEQ | BPF_K, 0, 0, 1);
	answer(c, SECCOMP_RET_ALLOW);
	answer_error(c, EACCES);
}

static Code codes[FILTERS];
static Filter filters[FILTERS];
static bool works;
static pthread_once_t once = PTHREAD_ONCE_INIT;

static void
make(Code *c, FilterKind kind, const FilterPass *pass_of)
{
	standard(c, pass_of);
	if (kind == FILTER_STRICT)
		strict(c);
	answer(c, SECCOMP_RET_ALLOW);
}

static void
make_all(void)
{
	uint32_t action = SECCOMP_RET_ERRNO;

	make_pass();
	works = OUR_ARCH != 0 && syscall(SYS_seccomp, SECCOMP_GET_ACTION_AVAIL, 0, &action) == 0;
	for (int kind = 0; kind < FILTERS; kind++) {
		make(&codes[kind], (FilterKind)kind, &pass);
		filters[kind] = (Filter){ (uint16_t)codes[kind].n, codes[kind].ops };
	}
}

size_t
filter_for_server(FilterKind kind, FilterPass *ret_pass, uint64_t ret_code[FILTER_MOST])
{
	Code c = { .n = 0 };

	pthread_once(&once, make_all);
	if (!works)
		return 0;
	*ret_pass = roll_pass();
	make(&c, kind, ret_pass);
	memcpy(ret_code, c.ops, c.n * sizeof(c.ops[0]));
	return c.n;
}

const Filter *
filter_of(FilterKind kind)
{
	pthread_once(&once, make_all);
	return works ? &filters[kind] : NULL;
}
