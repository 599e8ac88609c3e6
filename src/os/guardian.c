/*
 * What the guardian must know lies in memory shared with it, so watching a child costs no system call and wakes nobody. The
 * pipe carries nothing: its end is the news that the worker is gone.
 */
#include "os/guardian.h"

#include "os/fs.h"
#include "os/groups.h"
#include "os/tree.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

enum {
	SLOTS = 16 * 1024,
	MARKER_ROOM = 256,
	PATIENCE_MS = 5000,
};

typedef struct Shared {
	atomic_bool all_well;
	_Atomic uint32_t high; /* slots below this have been used */
	_Atomic int32_t sessions[SLOTS];
	atomic_bool group_on, folder_on; /* the text beside it is complete */
	char group[PATH_MAX], folder[PATH_MAX];
} Shared;

struct Guardian {
	Shared *shared;
	int pipe;
	pid_t pid;
	char marker[MARKER_ROOM];
};

static void
kill_everything(const Shared *s, const char *marker)
{
	static Hunt h;
	static pid_t sessions[SLOTS];
	size_t n = 0;

	for (uint32_t i = 0; i < atomic_load(&s->high); i++) {
		pid_t one = (pid_t)atomic_load(&s->sessions[i]);

		if (one <= 1)
			continue;
		sessions[n++] = one;
		kill(-one, SIGKILL);
	}
	if (atomic_load(&s->group_on))
		groups_sweep(s->group);
	h = (Hunt){ .sessions = sessions, .session_count = n, .marker = marker };
	hunt_down(&h, PATIENCE_MS);
	if (atomic_load(&s->folder_on))
		(void)tree_remove(s->folder);
}

static void
keep_only(int fd)
{
	int null = open("/dev/null", O_RDWR);

	dup2(fd, 3);
	for (int i = 0; i < 3; i++)
		dup2(null, i);
	close_range(4, ~0U, 0);
}

NORETURN static void
guardian_main(int fd, const Shared *shared, const char *marker)
{
	static const int deaf_to[] = { SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGPIPE, SIGUSR1, SIGUSR2, SIGTSTP };
	struct pollfd p = { .fd = 3, .events = 0 }; /* 0: only the other end's closing counts */

	setsid();
	prctl(PR_SET_NAME, "attune-guard");
	for (size_t i = 0; i < countof(deaf_to); i++)
		signal(deaf_to[i], SIG_IGN);
	keep_only(fd);
	(void)!chdir("/"); /* at worst a mount stays busy */
	while (poll(&p, 1, -1) <= 0)
		;
	if (!atomic_load(&shared->all_well))
		kill_everything(shared, marker);
	_exit(0);
}

static bool
start_process(Guardian *g, Err *err)
{
	int ends[2];

	if (pipe2(ends, O_CLOEXEC) < 0)
		return err_sys(err, errno, "pipe");
	g->pid = fork();
	if (g->pid == 0)
		guardian_main(ends[0], g->shared, g->marker[0] == '\0' ? NULL : g->marker);
	close(ends[0]);
	if (g->pid < 0) {
		close(ends[1]);
		return err_sys(err, errno, "start the guardian");
	}
	g->pipe = ends[1];
	return true;
}

bool
guardian_start(const char *marker, Guardian **ret, Err *err)
{
	Guardian *g;

	if (marker != NULL && strlen(marker) >= MARKER_ROOM)
		return err_set(err, ERR_INVALID, "the guardian's marker is too long");
	g = calloc(1, sizeof(*g));
	if (g == NULL)
		return err_set(err, ERR_SYS, "no memory for the guardian");
	if (marker != NULL)
		memcpy(g->marker, marker, strlen(marker));
	g->shared = mmap(NULL, sizeof(Shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (g->shared == MAP_FAILED) {
		free(g);
		return err_sys(err, errno, "memory for the guardian");
	}
	if (!start_process(g, err)) {
		munmap(g->shared, sizeof(Shared));
		free(g);
		return false;
	}
	*ret = g;
	return true;
}

const char *
guardian_marker(const Guardian *g)
{
	return g->marker;
}

static void
high_raise(Shared *s, uint32_t to)
{
	uint32_t high = atomic_load(&s->high);

	while (high < to && !atomic_compare_exchange_weak(&s->high, &high, to))
		;
}

/* A full table is no harm: the marker still finds the child. */
void
guardian_watch(Guardian *g, pid_t session)
{
	for (uint32_t i = 0; i < SLOTS; i++) {
		int32_t none = 0;

		if (atomic_load_explicit(&g->shared->sessions[i], memory_order_relaxed) != 0)
			continue;
		if (!atomic_compare_exchange_strong(&g->shared->sessions[i], &none, session))
			continue; /* another thread was faster */
		high_raise(g->shared, i + 1);
		return;
	}
}

void
guardian_forget(Guardian *g, pid_t session)
{
	uint32_t high = atomic_load_explicit(&g->shared->high, memory_order_relaxed);

	for (uint32_t i = 0; i < high; i++)
		if (atomic_load_explicit(&g->shared->sessions[i], memory_order_relaxed) == session)
			atomic_store(&g->shared->sessions[i], 0);
}

static void
keep_text(const char *text, char room[PATH_MAX], atomic_bool *on)
{
	if (text == NULL || snprintf(room, PATH_MAX, "%s", text) >= PATH_MAX)
		return;
	atomic_store(on, true);
}

void
guardian_sweeps(Guardian *g, const char *group, const char *folder)
{
	keep_text(group, g->shared->group, &g->shared->group_on);
	keep_text(folder, g->shared->folder, &g->shared->folder_on);
}

pid_t
guardian_pid(const Guardian *g)
{
	return g->pid;
}

void
guardian_stop(Guardian *g)
{
	if (g == NULL)
		return;
	atomic_store(&g->shared->all_well, true);
	close(g->pipe);
	while (waitpid(g->pid, NULL, 0) < 0 && errno == EINTR)
		;
	munmap(g->shared, sizeof(Shared));
	free(g);
}
