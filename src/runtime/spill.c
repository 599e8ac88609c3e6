#include "runtime/spill.h"

#include "os/fs.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

enum { NOTE = 128 };

static size_t
room(const Spill *s)
{
	size_t most = s->most > NOTE ? s->most - NOTE : 0;

	return s->stored < most ? most - (size_t)s->stored : 0;
}

bool
spill_add(Spill *s, Str bytes, Err *err)
{
	Str kept = str_sub(bytes, 0, room(s));

	s->came += bytes.n;
	if (s->fd < 0 || kept.n == 0)
		return true;
	if (!fd_write_all(s->fd, kept, err))
		return false;
	s->stored += kept.n;
	return true;
}

bool
spill_begin(Spill *s, const char *log, Err *err)
{
	CLEANUP(fd_done) int from = open(log, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	char piece[16 * 1024];
	ssize_t n;

	if (from < 0)
		return err_sys(err, errno, "open '%s'", log);
	s->fd = open(s->path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0640);
	if (s->fd < 0)
		return err_sys(err, errno, "open '%s'", s->path);
	s->there = true;
	while ((n = read(from, piece, sizeof(piece))) > 0)
		if (!spill_add(s, (Str){ piece, (size_t)n }, err))
			return false;
	return n == 0 || err_sys(err, errno, "read '%s'", log);
}

uint64_t
spill_left_out(const Spill *s)
{
	return s->came - s->stored;
}

void
spill_end(Spill *s)
{
	char note[NOTE];
	Err err = { 0 };
	int n;

	if (s->fd >= 0 && spill_left_out(s) > 0) {
		n = snprintf(note, sizeof(note), "\n[output truncated: %llu bytes were left out]\n",
		    (unsigned long long)spill_left_out(s));
		(void)!fd_write_all(s->fd, (Str){ note, (size_t)n }, &err); /* the result says it too */
	}
	fd_done(&s->fd);
}

void
spill_drop(Spill *s)
{
	fd_done(&s->fd);
	if (s->there)
		(void)unlink(s->path);
	s->there = false;
	s->ref = NULL;
}
