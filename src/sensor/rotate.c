#include "sensor/rotate.h"

#include "os/fs.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

static void
file_open(Rotated *r)
{
	struct stat st;

	r->fd = open(r->path.p, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
	r->size = r->fd >= 0 && fstat(r->fd, &st) == 0 ? (size_t)st.st_size : 0;
}

void
rotated_open(Rotated *r, Str path, size_t max, int64_t files)
{
	*r = (Rotated){ .path = path, .fd = -1, .max = max, .files = files };
	file_open(r);
}

void
rotated_close(Rotated *r)
{
	fd_done(&r->fd);
}

static void
turn(Rotated *r)
{
	char from[4096], to[4096];

	fd_done(&r->fd);
	for (int64_t i = r->files - 1; i > 0; i--) {
		if (i == 1)
			snprintf(from, sizeof(from), "%s", r->path.p);
		else
			snprintf(from, sizeof(from), "%s.%lld", r->path.p, (long long)(i - 1));
		snprintf(to, sizeof(to), "%s.%lld", r->path.p, (long long)i);
		(void)rename(from, to);
	}
	if (r->files <= 1)
		(void)unlink(r->path.p);
	file_open(r);
}

/* What does not fit goes on in the next file, cut at the end of a line where there is one. */
void
rotated_write(Rotated *r, Str bytes)
{
	if (r->fd < 0)
		file_open(r); /* what failed before may not any more */
	while (bytes.n > 0) {
		size_t n = bytes.n;

		if (r->size >= r->max)
			turn(r);
		if (r->size + n > r->max) {
			const char *end = memrchr(bytes.p, '\n', r->max - r->size);

			n = end == NULL ? r->max - r->size : (size_t)(end - bytes.p) + 1;
			if (end == NULL && r->size > 0 && bytes.n <= r->max) {
				turn(r); /* whole in the next */
				continue;
			}
		}
		if (r->fd >= 0)
			r->full = !fd_write_all(r->fd, str_sub(bytes, 0, n), NULL);
		r->size += n;
		bytes = str_sub(bytes, n, bytes.n);
	}
}
