#include "packs/bundle.h"

#include "base/codec.h"
#include "os/fs.h"
#include "packs/libarchive.h"
#include "packs/unpack.h"

#include <archive.h>
#include <archive_entry.h>
#include <errno.h>
#include <fcntl.h>
#include <locale.h>
#include <sys/stat.h>
#include <unistd.h>

enum { BLOCK = 64 * 1024 };

typedef struct Bundle {
	Arena *a;
	struct archive *to;
	size_t entries, depth;
	int64_t bytes;
} Bundle;

static void
archive_done(struct archive **w)
{
	if (*w != NULL)
		archive_write_free(*w);
}

static void
entry_done(struct archive_entry **e)
{
	if (*e != NULL)
		archive_entry_free(*e);
}

static bool
unwanted(Err *err, Str name, const char *why)
{
	return err_set(err, ERR_INVALID, "The pack cannot be sent: '%.*s' %s", STR_ARG(utf8_clip(name, 200)), why);
}

static bool
failed(const Bundle *b, Err *err)
{
	const char *why = archive_error_string(b->to);

	return err_set(
	    err, ERR_SYS, "the archive of a pack cannot be written: %s", why == NULL ? "no reason given" : why);
}

static bool
counted(Bundle *b, Str name, int64_t size, Err *err)
{
	if (name.n > UNPACK_PATH || !utf8_valid(name) || b->depth > UNPACK_DEPTH)
		return unwanted(err, name, "lies too deep, or has a name that is too long or no UTF-8");
	if (++b->entries > UNPACK_ENTRIES)
		return err_set(err, ERR_TOO_LARGE, "The pack cannot be sent: it has more than %d files and folders",
		    UNPACK_ENTRIES);
	b->bytes += size;
	return (size <= UNPACK_FILE && b->bytes <= UNPACK_TOTAL) ||
	       err_set(err, ERR_TOO_LARGE,
		   "The pack cannot be sent: with '%.*s' it is larger than %lld MiB, or than %lld MiB in one file",
		   STR_ARG(utf8_clip(name, 200)), (long long)(UNPACK_TOTAL >> 20), (long long)(UNPACK_FILE >> 20));
}

static bool
header_write(Bundle *b, Str name, const struct stat *st, Err *err)
{
	CLEANUP(entry_done) struct archive_entry *e = archive_entry_new();
	bool dir = S_ISDIR(st->st_mode);

	if (e == NULL)
		return err_set(err, ERR_SYS, "the archive library cannot be used");
	archive_entry_set_pathname(e, str_cstr(b->a, name));
	archive_entry_set_filetype(e, dir ? AE_IFDIR : AE_IFREG);
	archive_entry_set_perm(e, dir || (st->st_mode & 0111) != 0 ? 0755 : 0644);
	archive_entry_set_size(e, dir ? 0 : st->st_size);
	archive_entry_set_mtime(e, st->st_mtim.tv_sec, 0);
	return archive_write_header(b->to, e) == ARCHIVE_OK || failed(b, err);
}

/* As many bytes as the header said; one that changes meanwhile is no file to be sent. */
static bool
content_write(Bundle *b, int fd, Str name, int64_t size, Err *err)
{
	char block[BLOCK];

	while (size > 0) {
		ssize_t n = read(fd, block, size < BLOCK ? (size_t)size : sizeof(block));

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return err_sys(err, errno, "read '%.*s'", STR_ARG(name));
		if (n == 0)
			return err_set(err, ERR_SYS, "'%.*s' became shorter while it was read", STR_ARG(name));
		if (archive_write_data(b->to, block, (size_t)n) != n)
			return failed(b, err);
		size -= n;
	}
	return true;
}

static bool folder_write(Bundle *b, Str path, Str name, Err *err);

static bool
one_write(Bundle *b, Str path, Str name, Err *err)
{
	CLEANUP(fd_done) int fd = open(path.p, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	struct stat st;

	if (fd < 0)
		return errno == ELOOP ? unwanted(err, name, "is a link: links are not sent")
				      : err_sys(err, errno, "read '%s'", path.p);
	if (fstat(fd, &st) < 0)
		return err_sys(err, errno, "read '%s'", path.p);
	if (!S_ISDIR(st.st_mode) && !S_ISREG(st.st_mode))
		return unwanted(err, name, "is neither a file nor a folder");
	if (!counted(b, name, S_ISDIR(st.st_mode) ? 0 : st.st_size, err) || !header_write(b, name, &st, err))
		return false;
	return S_ISDIR(st.st_mode) ? folder_write(b, path, name, err) : content_write(b, fd, name, st.st_size, err);
}

static bool
folder_write(Bundle *b, Str path, Str name, Err *err)
{
	DirEntry *entries;
	size_t n;
	bool ok;

	if (!dir_list(b->a, path.p, &entries, &n, err))
		return false;
	b->depth++;
	ok = true;
	for (size_t i = 0; ok && i < n; i++)
		ok = str_is(entries[i].name, ".git") ||
		     one_write(b, str_fmt(b->a, "%.*s/%.*s", STR_ARG(path), STR_ARG(entries[i].name)),
			 str_fmt(b->a, "%.*s/%.*s", STR_ARG(name), STR_ARG(entries[i].name)), err);
	b->depth--;
	return ok;
}

static bool
all_write(Bundle *b, Str dir, Str top, int fd, Err *err)
{
	if (archive_write_set_format_pax_restricted(b->to) != ARCHIVE_OK ||
	    archive_write_add_filter_gzip(b->to) != ARCHIVE_OK ||
	    archive_write_set_options(b->to, "gzip:compression-level=3,gzip:!timestamp") != ARCHIVE_OK ||
	    archive_write_open_fd(b->to, fd) != ARCHIVE_OK)
		return failed(b, err);
	return one_write(b, dir, top, err) && (archive_write_close(b->to) == ARCHIVE_OK || failed(b, err));
}

/* The library takes names in the letters of the thread's locale. */
bool
bundle_write(Arena *a, Str dir, Str top, int fd, Err *err)
{
	CLEANUP(archive_done) struct archive *w = NULL;
	Bundle b = { .a = a };
	locale_t letters, before;
	bool ok;

	if (!late_load(&libarchive, err))
		return false;
	letters = newlocale(LC_CTYPE_MASK, "C.UTF-8", (locale_t)0);
	before = letters == (locale_t)0 ? letters : uselocale(letters);
	b.to = w = archive_write_new();
	ok = w != NULL ? all_write(&b, dir, top, fd, err) : err_set(err, ERR_SYS, "the archive library cannot be used");

	if (letters != (locale_t)0) {
		uselocale(before);
		freelocale(letters);
	}
	return ok;
}
