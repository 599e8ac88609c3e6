/* Environments that nobody wants any more, and the lock of those who build. */
#include "runtime/env_inner.h"

#include "os/fs.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <sys/file.h>
#include <unistd.h>

enum { LOOK_US = 50 * 1000, TIDY_PATIENCE = 5 };

bool
env_lock(Arena *a, const EnvFacts *f, TimeUs until, const atomic_bool *stopping, int *ret_fd, Err *err)
{
	const char *path = str_fmt(a, "%s/.%.*s.lock", f->home.p, STR_ARG(f->runtime)).p;
	CLEANUP(fd_done) int fd = -1;

	if (!dirs_make(f->home.p, 0755, err))
		return false;
	fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	if (fd < 0)
		return err_sys(err, errno, "open '%s'", path);
	while (flock(fd, LOCK_EX | LOCK_NB) < 0) {
		if (errno != EWOULDBLOCK && errno != EINTR)
			return err_sys(err, errno, "lock '%s'", path);
		if (atomic_load(stopping))
			return err_set(err, ERR_BUSY, "the worker stops");
		if (clock_mono(clock_real()) > until)
			return err_set(
			    err, ERR_TIMEOUT, "another worker builds it, and did not come to an end in time");
		usleep(LOOK_US);
	}
	*ret_fd = fd_take(&fd);
	return true;
}

/* Is it one of "RUNTIME@..."; of any runtime when that is none. */
static bool
is_environment(Str name, Str runtime)
{
	size_t at;

	if (runtime.n == 0)
		return str_find(name, str_of("@"), &at);
	return name.n > runtime.n && name.p[runtime.n] == '@' && str_starts(name, runtime);
}

/* A half-made one has no lease yet, but its builder holds the lock that we hold. */
static void
remove_unused(Arena *a, Str dir)
{
	CLEANUP(fd_done) int fd = open(str_fmt(a, "%s/" ENV_LEASE, dir.p).p, O_RDONLY | O_CLOEXEC);

	if (fd >= 0 && flock(fd, LOCK_EX | LOCK_NB) < 0)
		return;
	(void)unlink(str_fmt(a, "%s/" ENV_MARKER, dir.p).p); /* first: from now on nobody takes it for whole */
	(void)tree_remove(dir.p);
}

static void
remove_others(Arena *a, Str home, Str runtime, Str kept)
{
	DirEntry *list;
	size_t n;

	if (!dir_list(a, home.p, &list, &n, NULL))
		return;
	for (size_t i = 0; i < n; i++)
		if (is_environment(list[i].name, runtime) && !str_eq(list[i].name, kept))
			remove_unused(a, str_fmt(a, "%s/%.*s", home.p, STR_ARG(list[i].name)));
}

void
env_tidy(Arena *a, const EnvFacts *f, const atomic_bool *stopping)
{
	CLEANUP(fd_done) int lock = -1;
	char name[NAME_MAX + 1];
	ssize_t n;

	if (!env_lock(a, f, clock_mono(clock_real()) + TIDY_PATIENCE * US_PER_S, stopping, &lock, NULL))
		return;
	n = readlink(f->places.env_dir.p, name, sizeof(name));
	if (n > 0 && (size_t)n < sizeof(name))
		remove_others(a, f->home, f->runtime, (Str){ name, (size_t)n });
}

void
env_remove_all(Arena *a, Str home)
{
	DirEntry *list;
	size_t n;

	if (!dir_list(a, home.p, &list, &n, NULL))
		return;
	for (size_t i = 0; i < n; i++) { /* links first: nobody finds the way in any more */
		char room[2];
		const char *path = str_fmt(a, "%s/%.*s", home.p, STR_ARG(list[i].name)).p;

		if (readlink(path, room, sizeof(room)) > 0)
			(void)unlink(path);
	}
	remove_others(a, home, (Str){ 0 }, (Str){ 0 });
	for (size_t i = 0; i < n; i++)
		if (str_ends(list[i].name, str_of(".lock")))
			(void)unlink(str_fmt(a, "%s/%.*s", home.p, STR_ARG(list[i].name)).p);
	(void)rmdir(home.p);
}
