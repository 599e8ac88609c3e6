#include "os/fs.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
	READ_STEP = 64 * 1024,
	PATH_ROOM = 4096,
	PRIVATE_TRIES = 16,
};

void
fd_done(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

int
fd_take(int *fd)
{
	int taken = *fd;

	*fd = -1;
	return taken;
}

static bool
open_failed(Err *err, int errnum, const char *path)
{
	if (errnum == ENOENT || errnum == ENOTDIR)
		return err_set(err, ERR_NOT_FOUND, "'%s' is not there", path);
	return err_sys(err, errnum, "open '%s'", path);
}

/* Files of /proc say they have size 0, so reading goes on to the end, whatever fstat says. */
static bool
fd_read_all(Arena *a, int fd, const char *path, size_t max, Str *ret, Err *err)
{
	Buf b = buf_open(a);
	struct stat st;
	size_t step = READ_STEP;
	ssize_t n;

	if (fstat(fd, &st) == 0 && S_ISDIR(st.st_mode))
		return err_sys(err, EISDIR, "read '%s'", path);
	if (st.st_size > 0 && st.st_size < READ_STEP)
		step = (size_t)st.st_size + 1;
	for (;;) {
		n = read(fd, buf_room(&b, step), step);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return err_sys(err, errno, "read '%s'", path);
		if (n == 0)
			break;
		b.n += (size_t)n;
		if (b.n > max)
			return err_set(err, ERR_TOO_LARGE, "'%s' is larger than %zu bytes", path, max);
	}
	*ret = buf_str(&b);
	return true;
}

bool
file_read_at(Arena *a, int dir, const char *path, size_t max, Str *ret, Err *err)
{
	CLEANUP(fd_done) int fd = openat(dir, path, O_RDONLY | O_CLOEXEC | O_NOCTTY);

	if (fd < 0)
		return open_failed(err, errno, path);
	return fd_read_all(a, fd, path, max, ret, err);
}

bool
file_read(Arena *a, const char *path, size_t max, Str *ret, Err *err)
{
	return file_read_at(a, AT_FDCWD, path, max, ret, err);
}

bool
file_read_regular(Arena *a, const char *path, size_t max, Str *ret, Err *err)
{
	CLEANUP(fd_done) int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	struct stat st;

	if (fd < 0)
		return open_failed(err, errno, path);
	if (fstat(fd, &st) < 0)
		return err_sys(err, errno, "look at '%s'", path);
	return S_ISREG(st.st_mode) ? fd_read_all(a, fd, path, max, ret, err)
				   : err_set(err, ERR_INVALID, "'%s' is no regular file", path);
}

bool
fd_write_all(int fd, Str bytes, Err *err)
{
	while (bytes.n > 0) {
		ssize_t n = write(fd, bytes.p, bytes.n);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return err_sys(err, errno, "write");
		bytes.p += n;
		bytes.n -= (size_t)n;
	}
	return true;
}

bool
file_write(const char *path, Str bytes, mode_t mode, Err *err)
{
	CLEANUP(fd_done) int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, mode);

	if (fd < 0)
		return open_failed(err, errno, path);
	if (!fd_write_all(fd, bytes, err))
		return err_wrap(err, "'%s'", path);
	return true;
}

static bool
sync_folder_of(const char *path, Err *err)
{
	char folder[PATH_ROOM];
	const char *slash = strrchr(path, '/');
	int length = slash == NULL ? 1 : slash == path ? 1 : (int)(slash - path);

	snprintf(folder, sizeof(folder), "%.*s", length, slash == NULL ? "." : path);
	CLEANUP(fd_done) int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0 || fsync(fd) < 0)
		return err_sys(err, errno, "sync folder '%s'", folder);
	return true;
}

static bool
write_and_sync(const char *path, Str bytes, mode_t mode, Err *err)
{
	CLEANUP(fd_done) int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode);

	if (fd < 0)
		return open_failed(err, errno, path);
	if (!fd_write_all(fd, bytes, err))
		return err_wrap(err, "'%s'", path);
	if (fsync(fd) < 0)
		return err_sys(err, errno, "sync '%s'", path);
	return true;
}

bool
file_replace(const char *path, Str bytes, mode_t mode, Err *err)
{
	char fresh[PATH_ROOM];
	uint64_t dice = 0;

	if (getrandom(&dice, sizeof(dice), 0) < 0)
		return err_sys(err, errno, "random");
	if (snprintf(fresh, sizeof(fresh), "%s.%016llx", path, (unsigned long long)dice) >= (int)sizeof(fresh))
		return err_sys(err, ENAMETOOLONG, "'%s'", path);
	if (!write_and_sync(fresh, bytes, mode, err)) {
		unlink(fresh);
		return false;
	}
	if (rename(fresh, path) < 0) {
		int why = errno;

		unlink(fresh);
		return err_sys(err, why, "replace '%s'", path);
	}
	return sync_folder_of(path, err);
}

bool
file_exists(const char *path)
{
	return access(path, F_OK) == 0;
}

bool
dirs_make(const char *path, mode_t mode, Err *err)
{
	char part[PATH_ROOM];
	size_t n = strlen(path);
	struct stat st;

	if (n == 0 || n >= sizeof(part))
		return err_sys(err, n == 0 ? ENOENT : ENAMETOOLONG, "make directory '%s'", path);
	if (mkdir(path, mode) == 0)
		return true;
	memcpy(part, path, n + 1);
	for (size_t i = 1; i <= n && errno == ENOENT; i++) {
		if (part[i] != '/')
			continue;
		part[i] = '\0';
		if (mkdir(part, mode) < 0 && errno != EEXIST)
			return err_sys(err, errno, "make directory '%s'", part);
		part[i] = '/';
		errno = ENOENT;
	}
	if (mkdir(path, mode) == 0)
		return true;
	if (errno == EEXIST && stat(path, &st) == 0 && S_ISDIR(st.st_mode))
		return true;
	return err_sys(err, errno == EEXIST ? ENOTDIR : errno, "make directory '%s'", path);
}

bool
paths_swap(const char *one, const char *other, Err *err)
{
	if (renameat2(AT_FDCWD, one, AT_FDCWD, other, RENAME_EXCHANGE) == 0)
		return true;
	if (errno == EINVAL || errno == ENOSYS)
		return err_set(err, ERR_UNSUPPORTED, "'%s' and '%s' cannot change their names at once", one, other);
	return err_sys(err, errno, "let '%s' and '%s' change their names", one, other);
}

bool
dir_private(Arena *a, const char *base, const char *prefix, Str *ret, Err *err)
{
	for (int i = 0; i < PRIVATE_TRIES; i++) {
		uint64_t dice = 0;
		Str path;

		if (getrandom(&dice, sizeof(dice), 0) < 0)
			return err_sys(err, errno, "random");
		path = str_fmt(a, "%s/%s-%016llx", base, prefix, (unsigned long long)dice);
		if (mkdir(path.p, 0700) == 0) {
			*ret = path;
			return true;
		}
		if (errno != EEXIST)
			return err_sys(err, errno, "make directory '%s'", path.p);
	}
	return err_sys(err, EEXIST, "make a directory in '%s'", base);
}

bool
lock_take(const char *path, int *ret_fd, pid_t *ret_holder, Err *err)
{
	CLEANUP(fd_done) int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	char text[32] = { 0 };
	int n;

	if (fd < 0)
		return err_sys(err, errno, "open '%s'", path);
	if (flock(fd, LOCK_EX | LOCK_NB) < 0) {
		int why = errno;
		long holder = pread(fd, text, sizeof(text) - 1, 0) > 0 ? strtol(text, NULL, 10) : 0;

		if (why != EWOULDBLOCK)
			return err_sys(err, why, "lock '%s'", path);
		if (ret_holder != NULL)
			*ret_holder = (pid_t)holder;
		return err_set(err, ERR_CONFLICT, "'%s' is locked by process %ld", path, holder);
	}
	n = snprintf(text, sizeof(text), "%ld\n", (long)getpid());
	if (ftruncate(fd, 0) < 0 || pwrite(fd, text, (size_t)n, 0) != n)
		return err_sys(err, errno, "write '%s'", path);
	*ret_fd = fd_take(&fd);
	return true;
}

void
lock_release(int *fd)
{
	fd_done(fd); /* the file stays: removing it would let two processes lock two files of one name */
}

Str
data_dir_path(Arena *a, const char *given)
{
	const char *share = getenv("XDG_DATA_HOME"), *home = getenv("HOME");
	char cwd[PATH_ROOM];

	if (given != NULL && (given[0] == '/' || getcwd(cwd, sizeof(cwd)) == NULL))
		return str_copy(a, str_of(given));
	if (given != NULL)
		return str_fmt(a, "%s/%s", cwd, given);
	if (share != NULL && share[0] == '/')
		return str_fmt(a, "%s/attune", share);
	if (home != NULL && home[0] == '/')
		return str_fmt(a, "%s/.local/share/attune", home);
	return str_of("/var/lib/attune");
}

Str
token_file_path(Arena *a, int port)
{
	const char *state = getenv("XDG_STATE_HOME"), *home = getenv("HOME");

	if (state != NULL && state[0] == '/')
		return str_fmt(a, "%s/attune/token-%d", state, port);
	if (home != NULL && home[0] == '/')
		return str_fmt(a, "%s/.local/state/attune/token-%d", home, port);
	return (Str){ 0 };
}
