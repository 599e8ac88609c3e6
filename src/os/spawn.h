/*
 * Starting and reaping child processes. posix-like, but by clone(CLONE_VM|CLONE_VFORK) with a pidfd: cost does not grow with
 * the parent's memory, and no other thread's descriptors leak (everything of ours is O_CLOEXEC). The child gets its own
 * session, a clean signal state, exactly the three descriptors named, the environment given and no other, limits,
 * no_new_privs, no core file, and its cgroup and confinement when it is given any.
 */
#pragma once

#include "base/err.h"
#include "os/confine.h"

#include <sys/types.h>

typedef struct SpawnLimits {
	uint64_t file_size; /* RLIMIT_FSIZE bytes; 0: none */
	uint64_t memory;    /* RLIMIT_DATA bytes, of each process; 0: none */
	uint64_t files;     /* RLIMIT_NOFILE; 0: inherit */
	uint64_t processes; /* RLIMIT_NPROC, of all that the user has; 0: inherit */
} SpawnLimits;

typedef struct SpawnSpec {
	const char *path; /* absolute, or searched in PATH of envp */
	const char *const *argv;
	const char *const *envp;
	const char *cwd;  /* NULL: stay */
	int in, out, err; /* descriptors; not closed by spawn */
	SpawnLimits limits;
	Confine confine;
	int group; /* folder of the cgroup it is born in, and group_on says that there is one */
	bool group_on;
	int gate; /* an eventfd that a copy of a seed waits for before it does anything of its own; only where gated */
	bool gated;
} SpawnSpec;

typedef struct Child {
	pid_t pid; /* also its session and process group */
	int pidfd;
} Child;

typedef struct ChildEnd {
	bool signalled;
	int code; /* exit code, or the signal's number */
	TimeUs cpu;
	uint64_t max_rss;
} ChildEnd;

/* ERR_SYS with the reason when the program cannot be executed (missing, not executable, bad interpreter). */
MUST_CHECK bool spawn(const SpawnSpec *spec, Child *ret, Err *err);
/* After the pidfd is readable: reaps and closes it. false while it still runs. */
bool child_reap(Child *c, ChildEnd *ret);
/* To the child's whole session: its process group, every process of that session, and every process that carries
 * `marker` ("NAME=value") in its environment (those that called setsid). marker may be NULL. */
void child_signal_tree(pid_t session, const char *marker, int sig);
bool child_tree_alive(pid_t session, const char *marker);
/* Itself alone. Safe before child_reap, as the next is. */
void child_kill(const Child *c);
/* The process group alone, at the price of one system call. Safe before child_reap: the number cannot be another's yet. */
void child_signal_group(const Child *c, int sig);
void child_kill_group(const Child *c);
/* After child_reap: whether others of its group live on (or are just dying). */
bool child_group_left(const Child *c);
bool process_alive(pid_t pid); /* any process of that number, ours or not */
