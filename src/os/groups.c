#include "os/groups.h"

#include "os/fs.h"
#include "os/spawn.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/xattr.h>
#include <time.h>
#include <unistd.h>

enum {
	TEXT_ROOM = 16 * 1024,
	SPARE_MOST = 64, /* four descriptors each at most */
	SIGNAL_MOST = 1024,
	SWEEP_MS = 5000,
	END_MS = 100, /* a worker's loop must not stand still for longer */
};

struct Group {
	Group *next;
	int dir, events, killer, procs;
	unsigned number;
	bool killed; /* once; Linux 6.18 kills what is born into such a group later, too */
	GroupLimits set;
	uint64_t oom_before;
};

struct Groups {
	char path[PATH_MAX];
	bool memory, processes;
	unsigned made;
	Group *spare;
	size_t spares;
};

/* ---- small files ---- */

/* What a file of the kernel's says, with a NUL behind; empty when there is none. */
static size_t
text_at(int dir, const char *name, char *text, size_t room)
{
	int fd = openat(dir, name, O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? -1 : read(fd, text, room - 1);

	if (fd >= 0)
		close(fd);
	text[n < 0 ? 0 : n] = '\0';
	return n < 0 ? 0 : (size_t)n;
}

static bool
say_at(int dir, const char *name, const char *text)
{
	int fd = openat(dir, name, O_WRONLY | O_CLOEXEC), why;
	bool ok = fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text);

	why = errno;
	if (fd >= 0)
		close(fd);
	errno = why;
	return ok;
}

static bool
say_number(int dir, const char *name, uint64_t value)
{
	char text[32] = "max";

	if (value != 0)
		snprintf(text, sizeof(text), "%llu", (unsigned long long)value);
	return say_at(dir, name, text);
}

static bool
has_word(const char *text, const char *word)
{
	size_t n = strlen(word);

	for (const char *at = text; (at = strstr(at, word)) != NULL; at += n)
		if ((at == text || at[-1] == ' ' || at[-1] == '\n') && (at[n] == ' ' || at[n] == '\n' || at[n] == '\0'))
			return true;
	return false;
}

/* "key N" in lines. */
static uint64_t
number_of(const char *text, const char *key)
{
	size_t n = strlen(key);

	for (const char *at = text; at != NULL && *at != '\0'; at = strchr(at, '\n'), at += at != NULL)
		if (strncmp(at, key, n) == 0 && at[n] == ' ')
			return strtoull(at + n + 1, NULL, 10);
	return 0;
}

static int
open_folder(const char *path)
{
	return open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
}

/* ---- the end of a folder ---- */

static void
remove_folders(int dir)
{
	DIR *d = fdopendir(dir);
	struct dirent *e;

	while (d != NULL && (e = readdir(d)) != NULL) {
		int inner;

		if (e->d_type != DT_DIR || e->d_name[0] == '.')
			continue;
		inner = openat(dirfd(d), e->d_name, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
		if (inner >= 0)
			remove_folders(inner);
		(void)unlinkat(dirfd(d), e->d_name, AT_REMOVEDIR);
	}
	if (d != NULL)
		closedir(d);
	else
		close(dir);
}

static bool
populated(int events)
{
	char text[256];
	ssize_t n = pread(events, text, sizeof(text) - 1, 0);

	if (n <= 0)
		return false;
	text[n] = '\0';
	return number_of(text, "populated") != 0;
}

static int64_t
now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static bool
await_empty(int events, int patience_ms)
{
	int64_t until = now_ms() + patience_ms, left;

	while (populated(events)) {
		struct pollfd p = { .fd = events, .events = POLLPRI };

		left = until - now_ms();
		if (left <= 0)
			return false;
		(void)poll(&p, 1, (int)left);
	}
	return true;
}

void
groups_sweep(const char *path)
{
	int dir = open_folder(path), events;

	if (dir < 0)
		return;
	events = openat(dir, "cgroup.events", O_RDONLY | O_CLOEXEC);
	(void)say_at(dir, "cgroup.kill", "1");
	if (events >= 0) {
		(void)await_empty(events, SWEEP_MS);
		close(events);
	}
	remove_folders(dir);
	(void)rmdir(path);
}

/* ---- where ---- */

/* The mount of the hierarchy of version 2, and what of it is mounted there. */
static bool
find_mount(char *mount, char *root)
{
	FILE *f = fopen("/proc/self/mountinfo", "re");
	char line[PATH_MAX * 2];
	bool found = false;

	while (f != NULL && !found && fgets(line, sizeof(line), f) != NULL)
		if (strstr(line, " - cgroup2 ") != NULL)
			found = sscanf(line, "%*s %*s %*s %4095s %4095s", root, mount) == 2;
	if (f != NULL)
		fclose(f);
	return found;
}

/* The line "0::/path". */
static bool
own_path(char *ret)
{
	char text[TEXT_ROOM], *at;

	(void)text_at(AT_FDCWD, "/proc/self/cgroup", text, sizeof(text));
	at = strncmp(text, "0::", 3) == 0 ? text : strstr(text, "\n0::");
	if (at == NULL)
		return false;
	at = strchr(at, '/');
	if (at == NULL)
		return false;
	at[strcspn(at, "\n")] = '\0';
	snprintf(ret, PATH_MAX, "%s", at);
	return true;
}

static bool
find_own(char *ret, Err *err)
{
	static char mount[PATH_MAX], root[PATH_MAX], own[PATH_MAX];
	const char *beneath = own;

	if (!find_mount(mount, root) || !own_path(own))
		return err_set(err, ERR_NOT_FOUND, "no cgroups of version 2 are mounted");
	if (strcmp(root, "/") != 0 && strncmp(own, root, strlen(root)) == 0)
		beneath += strlen(root);
	if (strcmp(beneath, "/") == 0)
		beneath = "";
	if (snprintf(ret, PATH_MAX, "%s%s", mount, beneath) >= PATH_MAX)
		return err_set(err, ERR_INVALID, "the path of our cgroup is too long");
	return true;
}

static void
sweep_dead(const char *parent, const char *prefix)
{
	DIR *d = opendir(parent);
	struct dirent *e;

	while (d != NULL && (e = readdir(d)) != NULL) {
		char path[PATH_MAX], *end;
		long pid;

		if (strncmp(e->d_name, prefix, strlen(prefix)) != 0)
			continue;
		pid = strtol(e->d_name + strlen(prefix), &end, 10);
		if (pid <= 0 || *end != '\0' || (pid != getpid() && process_alive((pid_t)pid)))
			continue;
		if (snprintf(path, sizeof(path), "%s/%s", parent, e->d_name) < (int)sizeof(path))
			groups_sweep(path);
	}
	if (d != NULL)
		closedir(d);
}

/* ---- controllers ---- */

/* A cgroup that a manager made for us to divide: systemd says so on the folder. What an ordinary user can write to was given to it. */
static bool
is_delegated(const char *parent, bool told)
{
	char value[4];

	return told || geteuid() != 0 || getxattr(parent, "user.delegate", value, sizeof(value)) > 0 ||
	       getxattr(parent, "trusted.delegate", value, sizeof(value)) > 0;
}

static void
move_to(int dir, pid_t pid)
{
	char text[16];

	snprintf(text, sizeof(text), "%d", (int)pid);
	(void)say_at(dir, "cgroup.procs", text);
}

/* A cgroup whose children have controllers may hold no process itself: so we go into a child of it. */
static void
step_aside(int parent, pid_t helper)
{
	int leaf;

	if (mkdirat(parent, "attune-main", 0755) < 0 && errno != EEXIST)
		return;
	leaf = openat(parent, "attune-main", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (leaf < 0)
		return;
	move_to(leaf, getpid());
	if (helper > 0)
		move_to(leaf, helper);
	close(leaf);
}

static void
take_controllers(Groups *g, const char *parent, bool told, pid_t helper, int dir)
{
	static const char *const wanted[] = { "memory", "pids" };
	bool *have[] = { &g->memory, &g->processes };
	char text[TEXT_ROOM];
	int above = open_folder(parent);
	bool root = faccessat(above, "cgroup.type", F_OK, 0) < 0;

	(void)text_at(above, "cgroup.controllers", text, sizeof(text));
	for (size_t i = 0; i < countof(wanted) && (root || is_delegated(parent, told)); i++) {
		char on[16];

		if (!has_word(text, wanted[i]))
			continue;
		snprintf(on, sizeof(on), "+%s", wanted[i]);
		if (!say_at(above, "cgroup.subtree_control", on) && errno == EBUSY) {
			step_aside(above, helper);
			(void)say_at(above, "cgroup.subtree_control", on);
		}
		*have[i] = say_at(dir, "cgroup.subtree_control", on);
	}
	close(above);
}

/* ---- coming and going ---- */

static bool
make_folder(Groups *g, const char *parent, bool told, pid_t helper, Err *err)
{
	int dir;

	if (mkdir(g->path, 0755) < 0)
		return err_sys(err, errno, "make the cgroup '%s'", g->path);
	dir = open_folder(g->path);
	if (dir < 0 || faccessat(dir, "cgroup.kill", W_OK, 0) < 0) {
		if (dir >= 0)
			close(dir);
		(void)rmdir(g->path);
		return err_set(err, ERR_INVALID, "the kernel's cgroups cannot be killed (that needs Linux 5.14)");
	}
	take_controllers(g, parent, told, helper, dir);
	close(dir);
	return true;
}

bool
groups_open(const char *parent, const char *name, pid_t helper, Groups **ret, Err *err)
{
	static char own[PATH_MAX];
	char prefix[256];
	Groups *g;

	if (parent == NULL && !find_own(own, err))
		return false;
	g = calloc(1, sizeof(*g));
	if (g == NULL)
		abort();
	snprintf(prefix, sizeof(prefix), "attune-%.200s-", name);
	sweep_dead(parent == NULL ? own : parent, prefix);
	if (snprintf(g->path, sizeof(g->path), "%s/%s%d", parent == NULL ? own : parent, prefix, (int)getpid()) >=
	    (int)sizeof(g->path)) {
		free(g);
		return err_set(err, ERR_INVALID, "the path of our cgroup is too long");
	}
	if (!make_folder(g, parent == NULL ? own : parent, parent != NULL, helper, err)) {
		free(g);
		return false;
	}
	*ret = g;
	return true;
}

static void
group_free(Group *one)
{
	fd_done(&one->dir);
	fd_done(&one->events);
	fd_done(&one->killer);
	fd_done(&one->procs);
	free(one);
}

void
groups_close(Groups *g)
{
	Group *next;

	if (g == NULL)
		return;
	for (Group *one = g->spare; one != NULL; one = next) {
		next = one->next;
		group_free(one);
	}
	groups_sweep(g->path);
	free(g);
}

const char *
groups_path(const Groups *g)
{
	return g->path;
}

bool
groups_count_memory(const Groups *g)
{
	return g->memory;
}

bool
groups_count_processes(const Groups *g)
{
	return g->processes;
}

/* ---- one group ---- */

static uint64_t
oom_kills(const Group *one)
{
	char text[1024];

	(void)text_at(one->dir, "memory.events", text, sizeof(text));
	return number_of(text, "oom_kill");
}

/* All of a run is ended for its memory, not the process that happened to be largest; and swap is not its way out. */
static bool
set_limits(const Groups *g, Group *one, const GroupLimits *l, Err *err)
{
	if (g->memory && l->memory != one->set.memory) {
		if (!say_number(one->dir, "memory.max", l->memory))
			return err_sys(err, errno, "limit memory in '%s'", g->path);
		(void)say_at(one->dir, "memory.oom.group", "1");
		(void)say_at(one->dir, "memory.swap.max", l->memory == 0 ? "max" : "0");
	}
	if (g->processes && l->processes != one->set.processes && !say_number(one->dir, "pids.max", l->processes))
		return err_sys(err, errno, "limit processes in '%s'", g->path);
	one->set = *l;
	one->oom_before = g->memory && l->memory != 0 ? oom_kills(one) : 0;
	return true;
}

static bool
group_make(Groups *g, Group **ret, Err *err)
{
	Group *one = calloc(1, sizeof(*one));
	char path[PATH_MAX + 16];

	if (one == NULL)
		abort();
	*one = (Group){ .dir = -1, .events = -1, .killer = -1, .procs = -1, .number = ++g->made };
	snprintf(path, sizeof(path), "%s/r%u", g->path, one->number);
	if (mkdir(path, 0755) == 0) {
		one->dir = open_folder(path);
		one->events = openat(one->dir, "cgroup.events", O_RDONLY | O_CLOEXEC);
		one->killer = openat(one->dir, "cgroup.kill", O_WRONLY | O_CLOEXEC);
	}
	if (one->dir < 0 || one->events < 0 || one->killer < 0) {
		(void)err_sys(err, errno, "make the cgroup '%s'", path);
		(void)rmdir(path);
		group_free(one);
		return false;
	}
	*ret = one;
	return true;
}

static void
group_drop(Groups *g, Group *one)
{
	char path[PATH_MAX + 16];

	snprintf(path, sizeof(path), "%s/r%u", g->path, one->number);
	if (rmdir(path) < 0 && errno != ENOENT)
		groups_sweep(path); /* what cannot be killed yet is swept away with all the rest */
	group_free(one);
}

bool
group_take(Groups *g, const GroupLimits *limits, Group **ret, Err *err)
{
	Group *one = g->spare;

	if (one != NULL) {
		g->spare = one->next;
		g->spares--;
	} else if (!group_make(g, &one, err)) {
		return false;
	}
	if (!set_limits(g, one, limits, err)) {
		group_drop(g, one);
		return false;
	}
	*ret = one;
	return true;
}

int
group_folder(const Group *one)
{
	return one->dir;
}

bool
group_empty(const Group *one)
{
	return !populated(one->events);
}

bool
group_await_empty(const Group *one, int patience_ms)
{
	return await_empty(one->events, patience_ms);
}

static size_t
pids_in(char *text, pid_t *ret, size_t max)
{
	char *end;
	size_t n = 0;

	for (long pid; n < max && (pid = strtol(text, &end, 10)) > 0 && *end == '\n'; text = end + 1)
		ret[n++] = (pid_t)pid;
	return n;
}

static size_t
pids_of(const Group *one, pid_t *ret, size_t max)
{
	char text[TEXT_ROOM];

	(void)text_at(one->dir, "cgroup.procs", text, sizeof(text));
	return pids_in(text, ret, max);
}

/* Resident without what is shared with files: the second and third number of statm, in pages. */
static uint64_t
memory_of(pid_t pid)
{
	char path[32], text[128];
	unsigned long resident = 0, shared = 0;

	snprintf(path, sizeof(path), "/proc/%d/statm", (int)pid);
	(void)text_at(AT_FDCWD, path, text, sizeof(text));
	if (sscanf(text, "%*u %lu %lu", &resident, &shared) != 2 || shared > resident)
		return 0;
	return (uint64_t)(resident - shared) * (uint64_t)sysconf(_SC_PAGESIZE);
}

/* Asked once a second of every run: the file stays open. More processes than its text has room for are too many for any limit that would
 * not have ended them by then. */
size_t
group_use(Group *one, uint64_t *ret_memory)
{
	char text[TEXT_ROOM];
	pid_t pids[SIGNAL_MOST];
	size_t n = 0;
	ssize_t got;

	if (one->procs < 0)
		one->procs = openat(one->dir, "cgroup.procs", O_RDONLY | O_CLOEXEC);
	got = pread(one->procs, text, sizeof(text) - 1, 0);
	if (ret_memory != NULL)
		*ret_memory = 0;
	if (got <= 0)
		return 0;
	text[got] = '\0';
	for (ssize_t i = 0; i < got; i++)
		n += text[i] == '\n';
	if (ret_memory != NULL)
		for (size_t i = 0, known = pids_in(text, pids, SIGNAL_MOST); i < known; i++)
			*ret_memory += memory_of(pids[i]);
	return n;
}

/* One that has ended meanwhile may have left its number to another: who is still in the group behind its descriptor is the one meant. */
static void
signal_each(const Group *one, int sig)
{
	static pid_t first[SIGNAL_MOST], again[SIGNAL_MOST];
	static int fds[SIGNAL_MOST];
	size_t n = pids_of(one, first, SIGNAL_MOST), m;

	for (size_t i = 0; i < n; i++)
		fds[i] = (int)syscall(SYS_pidfd_open, first[i], 0);
	m = pids_of(one, again, SIGNAL_MOST);
	for (size_t i = 0; i < n; i++) {
		bool still = false;

		for (size_t k = 0; k < m && !still; k++)
			still = again[k] == first[i];
		if (still && fds[i] >= 0)
			(void)syscall(SYS_pidfd_send_signal, fds[i], sig, NULL, 0);
		if (fds[i] >= 0)
			close(fds[i]);
	}
}

void
group_signal(Group *one, int sig)
{
	if (sig != SIGKILL) {
		signal_each(one, sig);
		return;
	}
	one->killed = true;
	(void)!write(one->killer, "1", 1);
}

bool
group_out_of_memory(const Group *one)
{
	return one->set.memory != 0 && oom_kills(one) > one->oom_before;
}

bool
group_give(Groups *g, Group *one)
{
	bool empty = !populated(one->events);

	if (!empty) {
		group_signal(one, SIGKILL);
		empty = await_empty(one->events, END_MS);
	}
	if (one->killed || g->spares >= SPARE_MOST) {
		group_drop(g, one);
		return empty;
	}
	one->next = g->spare;
	g->spare = one;
	g->spares++;
	return empty;
}
