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

void
tally_end(Tally *t)
{
	while (t->depth > 0)
		(void)closedir(t->open[--t->depth]);
	t->root = TALLY_ROOTS;
}

enum { HOW = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC };

/* A folder that its owner closed to all, itself included, which is us as well. By its descriptor: the name may be another's by now. */
static int
opened_up(int dir, const char *name)
{
	CLEANUP(fd_done) int path = openat(dir, name, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	char self[32];

	if (path < 0)
		return -1;
	snprintf(self, sizeof(self), "/proc/self/fd/%d", path);
	return chmod(self, 0700) < 0 ? -1 : openat(path, ".", HOW);
}

static void
descend(Tally *t, int dir, const char *name)
{
	int fd = openat(dir, name, HOW);

	if (fd < 0 && errno == EACCES)
		fd = opened_up(dir, name);
	if (fd < 0)
		return;
	t->open[t->depth] = fdopendir(fd);
	if (t->open[t->depth] == NULL)
		(void)close(fd);
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
			descend(t, dir, name);
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
	descend(t, AT_FDCWD, path);
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
			(void)closedir(t->open[--t->depth]);
		else if (!is_dots(e->d_name))
			count(t, dirfd(d), e->d_name);
	}
	return true;
}
