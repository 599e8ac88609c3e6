#include "http/spool.h"

#include "os/fs.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

enum { PATH_ROOM = 4096 };

/* Some file systems cannot make a file without a name: there it has one for a moment. */
static int
file_in(const char *dir)
{
	char path[PATH_ROOM];
	int fd = open(dir, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);

	if (fd >= 0 || (errno != EOPNOTSUPP && errno != EISDIR && errno != EINVAL))
		return fd;
	if ((size_t)snprintf(path, sizeof(path), "%s/upload-XXXXXX", dir) >= sizeof(path)) {
		errno = ENAMETOOLONG;
		return -1;
	}
	fd = mkostemp(path, O_CLOEXEC);
	if (fd >= 0)
		unlink(path);
	return fd;
}

bool
spool_open(Spool *s, Str dir, Err *err)
{
	const char *temporary = getenv("TMPDIR");
	char path[PATH_ROOM];
	int fd = -1;

	if (dir.n > 0 && dir.n < sizeof(path)) {
		snprintf(path, sizeof(path), "%.*s", STR_ARG(dir));
		if (dirs_make(path, 0750, err))
			fd = file_in(path);
	}
	if (fd < 0)
		fd = file_in(temporary != NULL ? temporary : "/var/tmp");
	if (fd < 0)
		return err_sys(err, errno, "keep the body in a file");
	*s = (Spool){ .open = true, .fd = fd };
	return true;
}

bool
spool_add(Spool *s, Str bytes, Err *err)
{
	if (!fd_write_all(s->fd, bytes, err))
		return err_wrap(err, "keep the body in a file");
	s->n += bytes.n;
	return true;
}

bool
spool_map(Spool *s, Str *ret, Err *err)
{
	if (s->map == NULL) {
		void *map = mmap(NULL, s->n, PROT_READ, MAP_PRIVATE, s->fd, 0);

		if (map == MAP_FAILED)
			return err_sys(err, errno, "read the body from its file");
		s->map = map;
	}
	*ret = (Str){ s->map, s->n };
	return true;
}

void
spool_close(Spool *s)
{
	if (!s->open)
		return;
	if (s->map != NULL)
		munmap(s->map, s->n);
	close(s->fd);
	*s = (Spool){ 0 };
}
