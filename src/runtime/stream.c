#include "runtime/stream.h"

#include "os/fs.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

void
stream_open(Stream *s, Arena *a, const char *name, const char *path, size_t max, int fd)
{
	*s = (Stream){ .a = a, .name = name, .path = path, .max = max, .fd = fd, .file = -1, .spill.fd = -1 };
}

uint64_t
stream_dropped(const Stream *s)
{
	uint64_t kept = s->has_file && s->stored > s->head_n ? s->stored : s->head_n;

	return s->total > kept ? s->total - kept : 0;
}

static void
head_add(Stream *s, Str bytes)
{
	size_t need = s->head_n + bytes.n;

	if (need > s->head_cap) {
		size_t cap = s->head_cap == 0 ? need : need * 2 < STREAM_HEAD ? need * 2 : STREAM_HEAD;

		s->head = arena_grow(s->a, s->head, s->head_n, cap);
		s->head_cap = cap;
	}
	memcpy(s->head + s->head_n, bytes.p, bytes.n);
	s->head_n = need;
}

static bool
trouble(Stream *s, const char *what)
{
	if (s->trouble[0] == '\0')
		snprintf(s->trouble, sizeof(s->trouble), "%s.log: %.140s", s->name, what);
	fd_done(&s->file);
	return false;
}

static void
file_add(Stream *s, Str bytes)
{
	Err err = { 0 };

	if (s->file < 0)
		return;
	if (!fd_write_all(s->file, bytes, &err)) {
		trouble(s, err.text);
		return;
	}
	s->stored += bytes.n;
}

static bool
file_make(Stream *s)
{
	const char *slash = strrchr(s->path, '/');
	Err err = { 0 };

	if (s->has_file || s->trouble[0] != '\0')
		return s->has_file;
	s->file = open(s->path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0640);
	if (s->file < 0 && errno == ENOENT) {
		if (!dirs_make(str_fmt(s->a, "%.*s", (int)(slash - s->path), s->path).p, 0750, &err))
			return trouble(s, err.text);
		s->file = open(s->path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0640);
	}
	if (s->file < 0)
		return trouble(s, strerror(errno));
	s->has_file = true;
	file_add(s, (Str){ s->head, s->head_n });
	return true;
}

/* The notice may name the artifact. */
static size_t
most_kept(const Stream *s)
{
	size_t notice = STREAM_NOTICE + (s->spill.ref == NULL ? 0 : strlen(s->spill.ref));

	return s->max > notice ? s->max - notice : 0;
}

/* The log is full. */
static void
spill(Stream *s, Str bytes)
{
	Err err = { 0 };

	if (s->spill.ref == NULL || bytes.n == 0 || !s->has_file)
		return;
	if ((!s->spill.there && !spill_begin(&s->spill, s->path, &err)) || !spill_add(&s->spill, bytes, &err)) {
		spill_drop(&s->spill);
		if (s->trouble[0] == '\0')
			snprintf(s->trouble, sizeof(s->trouble), "all of %s: %.120s", s->name, err.text);
	}
}

static void
keep(Stream *s, Str bytes)
{
	uint64_t before = s->total;
	size_t head_most = most_kept(s) < STREAM_HEAD ? most_kept(s) : STREAM_HEAD;

	if (bytes.n == 0)
		return;
	s->total += bytes.n;
	if (s->shown && bytes.n > 0)
		(void)file_make(s);
	if (before < head_most) {
		Str first = str_sub(bytes, 0, head_most - (size_t)before);

		head_add(s, first);
		file_add(s, first);
		bytes = str_sub(bytes, first.n, bytes.n);
		before += first.n;
	}
	if (bytes.n == 0)
		return;
	(void)file_make(s);
	if (before < most_kept(s)) {
		Str more = str_sub(bytes, 0, most_kept(s) - (size_t)before);

		file_add(s, more);
		bytes = str_sub(bytes, more.n, bytes.n);
	}
	spill(s, bytes);
}

void
stream_show(Stream *s)
{
	s->shown = true;
	if (s->total > 0)
		(void)file_make(s);
}

/* A file that was only made for those who follow: the row has it all. */
static void
file_unmake(Stream *s)
{
	const char *slash = strrchr(s->path, '/');

	fd_done(&s->file);
	if (unlink(s->path) == 0)
		s->has_file = false;
	s->stored = 0;
	(void)rmdir(str_fmt(s->a, "%.*s", (int)(slash - s->path), s->path).p); /* when nothing else is in it */
}

void
stream_put(Stream *s, Str bytes)
{
	if (s->redact == NULL) {
		keep(s, bytes);
		return;
	}
	while (bytes.n > 0) {
		Str piece = str_sub(bytes, 0, REDACT_PIECE);

		keep(s, redact_put(s->redact, piece));
		bytes = str_sub(bytes, piece.n, bytes.n);
	}
}

bool
stream_read(Stream *s, char *scratch, size_t size, size_t most)
{
	size_t done = 0;

	while (s->fd >= 0 && done < most) {
		ssize_t n = read(s->fd, scratch, size);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return errno == EAGAIN;
		if (n == 0)
			return false;
		stream_put(s, (Str){ scratch, (size_t)n });
		done += (size_t)n;
	}
	return true;
}

void
stream_flush(Stream *s)
{
	if (s->redact != NULL)
		keep(s, redact_end(s->redact));
}

/* How much is left out of the log, and where all of it is. */
static void
note_cut(Stream *s)
{
	uint64_t kept = s->stored, dropped = stream_dropped(s);
	Str notice;

	if (dropped == 0 || s->file < 0)
		return;
	notice = str_fmt(s->a, "\n[output truncated: %llu bytes were left out%s%s%s]\n", (unsigned long long)dropped,
	    s->spill.there ? "; artifact '" : "", s->spill.there ? s->spill.ref : "",
	    s->spill.there ? "' has them" : "");
	file_add(s, notice);
	s->stored = kept;
}

void
stream_finish(Stream *s, size_t inline_most)
{
	if (s->total > inline_most)
		(void)file_make(s);
	else if (s->has_file)
		file_unmake(s);
	note_cut(s);
	spill_end(&s->spill);
	fd_done(&s->file);
}

/* The file is cut and written anew where it is, for somebody may have it open. */
void
stream_replace(Stream *s, Str text, Err *err)
{
	s->head_n = text.n < STREAM_HEAD ? text.n : STREAM_HEAD;
	s->head = arena_copy(s->a, text.p, s->head_n);
	s->head_cap = s->head_n;
	s->total = text.n;
	if (s->file < 0)
		return;
	s->stored = 0;
	if (ftruncate(s->file, 0) < 0 || lseek(s->file, 0, SEEK_SET) < 0 || !fd_write_all(s->file, text, err))
		trouble(s, "it could not be written anew without its secrets");
	else
		s->stored = text.n;
}

void
stream_close(Stream *s)
{
	fd_done(&s->fd);
	fd_done(&s->file);
	fd_done(&s->spill.fd);
}

bool
stream_all(const Stream *s, Arena *a, Str *ret, Err *err)
{
	if (s->total <= s->head_n) {
		*ret = (Str){ s->head_n == 0 ? "" : s->head, s->head_n };
		return true;
	}
	return file_read(a, s->path, s->max, ret, err);
}

Str
stream_tail(const Stream *s, Arena *a, size_t most)
{
	bool spilled = s->spill.there;
	uint64_t end = spilled ? s->spill.stored : s->stored;
	CLEANUP(fd_done) int fd = -1;
	char *bytes;
	ssize_t n;

	if (s->total <= s->head_n || !s->has_file)
		return str_sub((Str){ s->head_n == 0 ? "" : s->head, s->head_n },
		    s->head_n > most ? s->head_n - most : 0, s->head_n);
	fd = open(spilled ? s->spill.path : s->path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	if (most > end)
		most = (size_t)end;
	bytes = arena_alloc_raw(a, most + 1);
	n = fd < 0 ? -1 : pread(fd, bytes, most, (off_t)(end - most));
	return n <= 0 ? (Str){ "", 0 } : (Str){ bytes, (size_t)n };
}
