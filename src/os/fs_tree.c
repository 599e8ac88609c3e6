/* Directories as wholes: listing, removing, and opening what lies beneath one. */
#include "os/fs.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

enum {
	REMOVE_DEPTH = 64, /* below this, subtrees are moved up first: no recursion and no descriptors without end */
	REMOVE_ROUNDS = 100000,
};

static void
dir_done(DIR **d)
{
	if (*d != NULL)
		closedir(*d);
}

static bool
is_dots(const char *name)
{
	return strcmp(name, ".") == 0 || strcmp(name, "..") == 0;
}

static bool
is_dir(int dir, const struct dirent *e)
{
	struct stat st;

	if (e->d_type != DT_LNK && e->d_type != DT_UNKNOWN)
		return e->d_type == DT_DIR;
	return fstatat(dir, e->d_name, &st, 0) == 0 && S_ISDIR(st.st_mode);
}

static int
by_name(const void *left, const void *right)
{
	return str_cmp(((const DirEntry *)left)->name, ((const DirEntry *)right)->name);
}

bool
dir_list(Arena *a, const char *path, DirEntry **ret, size_t *ret_count, Err *err)
{
	CLEANUP(dir_done) DIR *d = opendir(path);
	DirEntry *list = NULL;
	size_t n = 0, cap = 0;
	struct dirent *e;

	if (d == NULL && (errno == ENOENT || errno == ENOTDIR))
		return err_set(err, ERR_NOT_FOUND, "there is no folder '%s'", path);
	if (d == NULL)
		return err_sys(err, errno, "open folder '%s'", path);
	while ((e = readdir(d)) != NULL) {
		if (is_dots(e->d_name))
			continue;
		if (n == cap) {
			cap = cap == 0 ? 16 : cap * 2;
			list = arena_grow(a, list, n * sizeof(*list), cap * sizeof(*list));
		}
		list[n].dir = is_dir(dirfd(d), e);
		list[n].name = (Str){ NULL, strlen(e->d_name) };
		list[n].name.p = arena_copy(a, e->d_name, list[n].name.n + 1);
		n++;
	}
	if (n > 0)
		qsort(list, n, sizeof(*list), by_name);
	*ret = list;
	*ret_count = n;
	return true;
}

typedef struct Removal {
	int top;        /* the directory that is being emptied */
	unsigned moved; /* names given to subtrees moved up */
	bool again;     /* something was moved up: another round */
	bool failed;
} Removal;

static void remove_entry(Removal *r, int dir, const char *name, int depth);

static void
remove_contents(Removal *r, int fd, int depth)
{
	CLEANUP(dir_done) DIR *d = fdopendir(fd);
	struct dirent *e;

	if (d == NULL) {
		close(fd);
		r->failed = true;
		return;
	}
	while ((e = readdir(d)) != NULL)
		if (!is_dots(e->d_name))
			remove_entry(r, dirfd(d), e->d_name, depth);
}

static void
move_up(Removal *r, int dir, const char *name)
{
	char fresh[64];

	snprintf(fresh, sizeof(fresh), ".removing-%ld-%u", (long)getpid(), r->moved++);
	if (renameat(dir, name, r->top, fresh) < 0)
		r->failed = true;
	r->again = true;
}

static void
remove_entry(Removal *r, int dir, const char *name, int depth)
{
	int fd;

	if (unlinkat(dir, name, 0) == 0 || errno == ENOENT)
		return;
	if (unlinkat(dir, name, AT_REMOVEDIR) == 0)
		return;
	if (depth >= REMOVE_DEPTH) {
		move_up(r, dir, name);
		return;
	}
	fd = openat(dir, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0 && errno == EACCES && fchmodat(dir, name, 0700, 0) == 0)
		fd = openat(dir, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0) {
		r->failed = true;
		return;
	}
	(void)fchmod(fd, 0700); /* else what lies in a read-only directory of our own could not be removed */
	remove_contents(r, fd, depth + 1);
	if (unlinkat(dir, name, AT_REMOVEDIR) < 0 && !r->again)
		r->failed = true;
}

bool
tree_remove(const char *path)
{
	Removal r = { .again = true };

	if (rmdir(path) == 0 || errno == ENOENT)
		return true;
	if (errno == ENOTDIR)
		return unlink(path) == 0;
	CLEANUP(fd_done) int top = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (top < 0)
		return false;
	r.top = top;
	for (int i = 0; i < REMOVE_ROUNDS && r.again && !r.failed; i++) {
		r.again = false;
		remove_contents(&r, openat(top, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC), 1);
	}
	return rmdir(path) == 0;
}

bool
open_beneath(int dir, const char *path, int flags, int *ret_fd, Err *err)
{
	struct open_how how = {
		.flags = (unsigned)flags | O_CLOEXEC,
		.mode = (flags & O_CREAT) != 0 ? 0640 : 0,
		.resolve = RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS,
	};
	long fd;

	do {
		fd = syscall(SYS_openat2, dir, path, &how, sizeof(how));
	} while (fd < 0 && (errno == EINTR || errno == EAGAIN));
	if (fd < 0 && errno == EXDEV)
		return err_set(err, ERR_FORBIDDEN, "'%s' leads out of its folder", path);
	if (fd < 0 && (errno == ENOENT || errno == ENOTDIR || errno == ENAMETOOLONG))
		return err_set(err, ERR_NOT_FOUND, "'%s' is not there", path);
	if (fd < 0)
		return err_sys(err, errno, "open '%s'", path);
	*ret_fd = (int)fd;
	return true;
}
