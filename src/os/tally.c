#include "os/tally.h"

#include "os/fs.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

/* A name costs about this on its disk even when nothing stands in it: a million empty files fill one, too. */
enum { NAME_BYTES = 4096, BLOCK = 512 };

void
tally_begin(Tally *t, const char *one, const char *other)
{
	tally_end(t);
	*t = (Tally){ .roots = { one != NULL ? one : other, one != NULL ? other : NULL } };
}

enum { HOW = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC, OPEN = S_IRUSR | S_IXUSR };

/* As its owner wants it, unless that has changed it since. */
static void
close_again(int fd, const TallyClosed *was)
{
	struct stat st;

	if (was->closed && fstat(fd, &st) == 0 && (st.st_mode & 07777) == (was->mode | OPEN) &&
	    st.st_ctim.tv_sec == was->opened.tv_sec && st.st_ctim.tv_nsec == was->opened.tv_nsec)
		(void)fchmod(fd, was->mode);
}

static void
ascend(Tally *t)
{
	DIR *d = t->open[--t->depth];

	close_again(dirfd(d), &t->was[t->depth]);
	(void)closedir(d);
}

void
tally_end(Tally *t)
{
	while (t->depth > 0)
		ascend(t);
	t->root = TALLY_ROOTS;
}

/* A folder that its owner closed to all, itself included, which is us as well: until it is counted, for names in it are looked up
 * one by one. By its descriptor: the name may be another's by now. */
static int
opened_up(int dir, const char *name, TallyClosed *was)
{
	CLEANUP(fd_done) int path = openat(dir, name, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	struct stat st;
	char self[32];
	int fd;

	if (path < 0 || fstat(path, &st) < 0)
		return -1;
	snprintf(self, sizeof(self), "/proc/self/fd/%d", path);
	was->mode = st.st_mode & 07777;
	was->closed = chmod(self, was->mode | OPEN) == 0;
	if (!was->closed || fstat(path, &st) < 0)
		return -1;
	was->opened = st.st_ctim;
	fd = openat(path, ".", HOW);
	if (fd < 0)
		(void)chmod(self, was->mode);
	return fd;
}

/* Where names can be read, but not be looked up, nothing can be counted either. */
static bool
is_shut(int fd, mode_t mode)
{
	return fd < 0 ? errno == EACCES : (mode & S_IXUSR) == 0 && faccessat(fd, ".", F_OK, AT_EACCESS) < 0;
}

static void
descend(Tally *t, int dir, const char *name, mode_t mode)
{
	int fd = openat(dir, name, HOW);
	TallyClosed *was = &t->was[t->depth];

	*was = (TallyClosed){ 0 };
	if (is_shut(fd, mode)) {
		fd_done(&fd);
		fd = opened_up(dir, name, was);
	}
	if (fd < 0)
		return;
	t->open[t->depth] = fdopendir(fd);
	if (t->open[t->depth] == NULL)
		(void)close(fd); /* there is no memory */
	else
		t->depth++;
}

static void
count(Tally *t, int dir, const char *name)
{
	struct stat st;
	uint64_t bytes;

	if (fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW) < 0 || st.st_dev != t->device)
		return;
	bytes = (uint64_t)st.st_blocks * BLOCK;
	if (bytes < NAME_BYTES)
		bytes = NAME_BYTES;
	if (S_ISDIR(st.st_mode)) {
		t->bytes += bytes;
		if (t->depth < TALLY_DEPTH)
			descend(t, dir, name, st.st_mode);
		return;
	}
	t->bytes += st.st_nlink > 1 ? bytes / st.st_nlink : bytes; /* each of its names has its part */
}

static void
next_root(Tally *t)
{
	const char *path = t->roots[t->root++];
	struct stat st;

	if (path == NULL || lstat(path, &st) < 0 || !S_ISDIR(st.st_mode))
		return;
	t->device = st.st_dev;
	descend(t, AT_FDCWD, path, st.st_mode);
}

static bool
is_dots(const char *name)
{
	return name[0] == '.' && (name[1] == '\0' || (name[1] == '.' && name[2] == '\0'));
}

bool
tally_step(Tally *t, size_t *names)
{
	while (t->depth > 0 || t->root < TALLY_ROOTS) {
		DIR *d;
		const struct dirent *e;

		if (t->depth == 0) {
			next_root(t);
			continue;
		}
		if (*names == 0)
			return false;
		--*names;
		d = t->open[t->depth - 1];
		e = readdir(d);
		if (e == NULL)
			ascend(t);
		else if (!is_dots(e->d_name))
			count(t, dirfd(d), e->d_name);
	}
	return true;
}
