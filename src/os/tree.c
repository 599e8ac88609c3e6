#include "os/tree.h"
#include "os/spawn.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

enum {
	STAT_ROOM = 512,
	ENVIRON_STEP = 8 * 1024,
	MARKER_ROOM = 512,
	ROUNDS = 20,
	PATIENCE_MS = 50, /* for the killed to be gone; a worker's loop must not stand still for longer */
	EMPTY_LOOKS = 4,
	EXEC_LOOKS = 250,
	EXEC_NAP_NS = 200 * 1000,
};

/* Of /proc/PID/stat, as proc(5) counts them. */
enum {
	FIRST_FIELD = 4,
	GROUP_FIELD = 5,
	SESSION_FIELD = 6,
	FLAGS_FIELD = 9,
	ENV_END_FIELD = 51,
	KERNEL_THREAD = 0x00200000, /* of the flags */
};

/* What follows the state, field 4 (parent) on; the text is the caller's room. NULL when it is gone or already dead. */
static char *
process_stat(int dir, char text[STAT_ROOM])
{
	int fd = openat(dir, "stat", O_RDONLY | O_CLOEXEC);
	ssize_t n;
	char *at;

	if (fd < 0)
		return NULL;
	n = read(fd, text, STAT_ROOM - 1);
	close(fd);
	if (n <= 0)
		return NULL;
	text[n] = '\0';
	at = strrchr(text, ')'); /* the name before it may hold anything, also ')' */
	if (at == NULL || at[1] != ' ' || at[2] == 'Z' || at[2] == 'X')
		return NULL;
	return at + 3;
}

static unsigned long long
stat_field(char *stat, int which)
{
	unsigned long long value = 0;

	for (int i = FIRST_FIELD; i <= which; i++)
		value = strtoull(stat, &stat, 10); /* a negative one wraps: it is not asked for */
	return value;
}

/* text holds "\0NAME=value\0"; the first entry of an environment gets its leading NUL from the caller. */
static bool
environ_read(int dir, const char *marker, bool *ret_empty)
{
	char text[ENVIRON_STEP + MARKER_ROOM], wanted[MARKER_ROOM];
	size_t length = strlen(marker), have = 1;
	int fd = openat(dir, "environ", O_RDONLY | O_CLOEXEC);
	bool found = false;
	ssize_t n;

	*ret_empty = false;
	if (fd < 0)
		return false;
	if (length + 2 <= sizeof(wanted)) {
		wanted[0] = '\0';
		memcpy(wanted + 1, marker, length + 1);
		text[0] = '\0';
		*ret_empty = true;
		while (!found && (n = read(fd, text + have, ENVIRON_STEP)) > 0) {
			size_t keep;

			*ret_empty = false;
			have += (size_t)n;
			found = memmem(text, have, wanted, length + 2) != NULL;
			keep = have < length + 1 ? have : length + 1;
			memmove(text, text + have - keep, keep);
			have = keep;
		}
	}
	close(fd);
	return found;
}

/*
 * An environment is nowhere while the process becomes another program: the old memory is gone, the new not filled. It is there
 * by the next look, unless the next program has begun by then or there is none: a kernel's thread, or one that wanted none.
 */
static bool
environ_has(int dir, const char *marker)
{
	bool empty, found = environ_read(dir, marker, &empty);

	for (int looks = 0, settled = 0; empty && settled < EMPTY_LOOKS && looks < EXEC_LOOKS; looks++) {
		char text[STAT_ROOM], *stat = process_stat(dir, text);

		if (stat == NULL || (stat_field(stat, FLAGS_FIELD) & KERNEL_THREAD) != 0)
			return false;
		if (stat_field(stat, ENV_END_FIELD) != 0)
			settled++;
		else
			nanosleep(&(struct timespec){ .tv_nsec = EXEC_NAP_NS }, NULL);
		found = environ_read(dir, marker, &empty);
	}
	return found;
}

static bool
hunted(const Hunt *h, int dir)
{
	char text[STAT_ROOM], *stat = process_stat(dir, text);
	pid_t session;

	if (stat == NULL || (h->told != 0 && (pid_t)stat_field(stat, GROUP_FIELD) == h->told))
		return false;
	session = (pid_t)stat_field(stat, SESSION_FIELD);
	for (size_t i = 0; i < h->session_count; i++)
		if (h->sessions[i] == session)
			return true;
	return h->marker != NULL && environ_has(dir, h->marker);
}

static bool
note_seen(Hunt *h, pid_t pid)
{
	for (size_t i = 0; i < h->seen_count; i++)
		if (h->seen[i] == pid)
			return false;
	if (h->seen_count < HUNT_SEEN)
		h->seen[h->seen_count++] = pid;
	return true;
}

static bool
hunt_process(Hunt *h, int proc, const char *name)
{
	pid_t pid = (pid_t)strtol(name, NULL, 10);
	bool match, fresh;
	int dir;

	if (pid <= 1 || pid == getpid())
		return false;
	dir = openat(proc, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (dir < 0)
		return false;
	match = hunted(h, dir);
	fresh = match && note_seen(h, pid);
	if (fresh && h->sig != 0 && syscall(SYS_pidfd_send_signal, dir, h->sig, NULL, 0) < 0 && errno == ENOSYS)
		kill(pid, h->sig);
	close(dir);
	return fresh;
}

size_t
hunt_once(Hunt *h)
{
	DIR *proc = opendir("/proc");
	struct dirent *e;
	size_t found = 0;

	if (proc == NULL)
		return 0;
	while ((e = readdir(proc)) != NULL)
		if (e->d_name[0] >= '1' && e->d_name[0] <= '9')
			found += hunt_process(h, dirfd(proc), e->d_name);
	closedir(proc);
	return found;
}

static int64_t
now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

/* SIGKILL has been sent, but dying takes a moment. A number that is another's by now costs at most the time. */
static void
wait_gone(const Hunt *h, int patience_ms)
{
	int64_t until = now_ms() + patience_ms, left;

	for (size_t i = 0; i < h->seen_count && (left = until - now_ms()) > 0; i++) {
		struct pollfd p = { .fd = (int)syscall(SYS_pidfd_open, h->seen[i], 0), .events = POLLIN };

		if (p.fd < 0)
			continue;
		(void)poll(&p, 1, (int)left);
		close(p.fd);
	}
}

void
hunt_down(Hunt *h, int patience_ms)
{
	h->sig = SIGKILL;
	for (int i = 0; i < ROUNDS && hunt_once(h) > 0; i++)
		;
	wait_gone(h, patience_ms);
}

void
child_signal_tree(pid_t session, const char *marker, int sig)
{
	Hunt h = { .sessions = &session, .session_count = session > 1, .marker = marker, .sig = sig };

	if (session > 1)
		kill(-session, sig);
	if (sig == SIGKILL) {
		hunt_down(&h, PATIENCE_MS);
		return;
	}
	h.told = session > 1 ? session
			     : 0; /* who cleans up when it is told to end must not be told again in the middle of it */
	hunt_once(&h);
}

bool
child_tree_alive(pid_t session, const char *marker)
{
	Hunt h = { .sessions = &session, .session_count = session > 1, .marker = marker, .sig = 0 };

	return hunt_once(&h) > 0;
}

void
child_kill(const Child *c)
{
	kill(c->pid, SIGKILL);
}

/* A copy of a seed that was born just now has no group of its own yet. */
void
child_signal_group(const Child *c, int sig)
{
	if (kill(-c->pid, sig) < 0)
		kill(c->pid, sig);
}

void
child_kill_group(const Child *c)
{
	child_signal_group(c, SIGKILL);
}

bool
child_group_left(const Child *c)
{
	return kill(-c->pid, 0) == 0;
}

bool
process_alive(pid_t pid)
{
	return kill(pid, 0) == 0 || errno != ESRCH;
}
