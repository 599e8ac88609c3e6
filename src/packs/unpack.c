#include "packs/unpack.h"

#include "base/codec.h"
#include "os/fs.h"
#include "packs/libarchive.h"

#include <archive.h>
#include <archive_entry.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <locale.h>
#include <sys/stat.h>
#include <unistd.h>

enum { BLOCK = 64 * 1024 };

/* Where entries go, and how much has come. */
typedef struct Sink {
	Arena *a;
	Str dir;
	size_t entries;
	int64_t bytes;
} Sink;

static bool
unwanted(Err *err, Str name, const char *why)
{
	return err_set(err, ERR_INVALID, "The pack cannot be taken: '%.*s' %s", STR_ARG(utf8_clip(name, 200)), why);
}

/* Of "./a/b/" the part that names something; none: the top itself. */
static Str
trimmed(Str name)
{
	while (str_starts(name, str_of("./")))
		name = str_sub(name, 2, name.n);
	while (name.n > 0 && name.p[name.n - 1] == '/')
		name = str_sub(name, 0, name.n - 1);
	return str_is(name, ".") ? str_of("") : name;
}

static bool
name_check(Str name, Err *err)
{
	Str rest = name, part;
	size_t depth = 0;

	if (name.n > UNPACK_PATH || !utf8_valid(name))
		return err_set(err, ERR_INVALID, "The pack cannot be taken: a name in it is too long or no UTF-8");
	if (str_starts(name, str_of("/")))
		return unwanted(err, name, "leaves the pack");
	for (size_t i = 0; i < name.n; i++)
		if ((unsigned char)name.p[i] < ' ' || name.p[i] == 0x7f || name.p[i] == '\\')
			return unwanted(err, name, "holds a character that names of files must not hold");
	while (str_cut(&rest, '/', &part)) {
		if (str_is(part, ".."))
			return unwanted(err, name, "leaves the pack");
		if (part.n == 0 || str_is(part, "."))
			return unwanted(err, name, "has an empty part");
		if (part.n > NAME_MAX)
			return unwanted(err, name, "has a part that is too long for a file");
		if (++depth > UNPACK_DEPTH)
			return unwanted(err, name, "lies too deep");
	}
	return true;
}

static bool
sink_count(Sink *k, Err *err)
{
	return ++k->entries <= UNPACK_ENTRIES ||
	       err_set(err, ERR_TOO_LARGE, "The pack cannot be taken: it has more than %d files and folders",
		   UNPACK_ENTRIES);
}

static bool
sink_bytes(Sink *k, Str name, int64_t of_file, int64_t more, Err *err)
{
	k->bytes += more;
	if (of_file > UNPACK_FILE)
		return err_set(err, ERR_TOO_LARGE, "The pack cannot be taken: '%.*s' is larger than %lld MiB",
		    STR_ARG(utf8_clip(name, 200)), (long long)(UNPACK_FILE >> 20));
	return k->bytes <= UNPACK_TOTAL ||
	       err_set(err, ERR_TOO_LARGE, "The pack cannot be taken: unpacked it is larger than %lld MiB",
		   (long long)(UNPACK_TOTAL >> 20));
}

/* Is it, or something it lies in, a file by now? */
static bool
leads_through_file(Sink *k, Str name)
{
	struct stat st;

	for (size_t i = 1; i <= name.n; i++)
		if ((i == name.n || name.p[i] == '/') &&
		    lstat(str_fmt(k->a, "%.*s/%.*s", STR_ARG(k->dir), (int)i, name.p).p, &st) == 0 &&
		    !S_ISDIR(st.st_mode))
			return true;
	return false;
}

static bool
sink_folder(Sink *k, Str name, Err *err)
{
	if (dirs_make(str_fmt(k->a, "%.*s/%.*s", STR_ARG(k->dir), STR_ARG(name)).p, 0755, err))
		return true;
	return leads_through_file(k, name) ? unwanted(err, name, "is a file and a folder at once") : false;
}

/* A new file, with the folders above it. */
static bool
sink_file(Sink *k, Str name, bool executable, int *ret_fd, Err *err)
{
	Str path = str_fmt(k->a, "%.*s/%.*s", STR_ARG(k->dir), STR_ARG(name));
	size_t n = name.n;

	while (n > 0 && name.p[n - 1] != '/')
		n--;
	if (n > 0 && !sink_folder(k, str_sub(name, 0, n - 1), err))
		return false;
	*ret_fd = open(path.p, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, executable ? 0755 : 0644);
	if (*ret_fd >= 0)
		return true;
	return errno == EEXIST ? unwanted(err, name, "is in it twice") : err_sys(err, errno, "write '%s'", path.p);
}

/* ---- archives ---- */

static void
archive_done(struct archive **r)
{
	if (*r != NULL)
		archive_read_free(*r);
}

static bool
broken(struct archive *r, Err *err)
{
	const char *why = archive_error_string(r);

	return err_set(err, ERR_INVALID, "The archive cannot be read (tar.gz, tar and zip can): %s",
	    why == NULL ? "it is none" : why);
}

static bool
entry_data(Sink *k, struct archive *r, Str name, int fd, Err *err)
{
	char block[BLOCK];
	int64_t size = 0;

	for (;;) {
		la_ssize_t n = archive_read_data(r, block, sizeof(block));

		if (n < 0)
			return broken(r, err);
		if (n == 0)
			return true;
		size += n;
		if (!sink_bytes(k, name, size, n, err) || !fd_write_all(fd, (Str){ block, (size_t)n }, err))
			return false;
	}
}

static bool
entry_take(Sink *k, struct archive *r, struct archive_entry *e, Err *err)
{
	const char *raw = archive_entry_pathname(e);
	Str name = trimmed(str_of(raw == NULL ? "" : raw));
	unsigned type = archive_entry_filetype(e);
	CLEANUP(fd_done) int fd = -1;

	if (!sink_count(k, err))
		return false;
	if (raw == NULL)
		return err_set(err, ERR_INVALID, "The pack cannot be taken: a name in it cannot be read");
	if (name.n == 0)
		return true;
	if (!name_check(name, err))
		return false;
	if (archive_entry_hardlink(e) != NULL || archive_entry_symlink(e) != NULL ||
	    (type != AE_IFREG && type != AE_IFDIR))
		return unwanted(err, name, "is neither a file nor a folder: links and devices are not taken");
	if (type == AE_IFDIR)
		return sink_folder(k, name, err);
	return sink_file(k, name, (archive_entry_perm(e) & 0111) != 0, &fd, err) && entry_data(k, r, name, fd, err);
}

static bool
entries_take(Sink *k, struct archive *r, Err *err)
{
	struct archive_entry *e;

	for (;;) {
		int got = archive_read_next_header(r, &e);

		if (got == ARCHIVE_EOF)
			return true;
		if (got != ARCHIVE_OK && got != ARCHIVE_WARN)
			return broken(r, err);
		if (!entry_take(k, r, e, err))
			return false;
	}
}

/* The library gives names in the letters of the thread's locale, and of one that has other letters no name at all. */
static bool
entries_take_utf8(Sink *k, struct archive *r, Err *err)
{
	locale_t letters = newlocale(LC_CTYPE_MASK, "C.UTF-8", (locale_t)0);
	locale_t before = letters == (locale_t)0 ? letters : uselocale(letters);
	bool ok = entries_take(k, r, err);

	if (letters != (locale_t)0) {
		uselocale(before);
		freelocale(letters);
	}
	return ok;
}

/* NULL with a reason in err. */
static struct archive *
reader(Err *err)
{
	struct archive *r;

	if (!late_load(&libarchive, err))
		return NULL;
	r = archive_read_new();
	if (r != NULL && archive_read_support_filter_gzip(r) == ARCHIVE_OK &&
	    archive_read_support_format_tar(r) == ARCHIVE_OK && archive_read_support_format_zip(r) == ARCHIVE_OK)
		return r;
	archive_done(&r);
	err_set(err, ERR_SYS, "the archive library cannot be used");
	return NULL;
}

bool
unpack_bytes(Arena *a, Str bytes, Str dir, Err *err)
{
	CLEANUP(archive_done) struct archive *r = reader(err);
	Sink k = { .a = a, .dir = dir };

	if (r == NULL)
		return false;
	if (archive_read_open_memory(r, bytes.p, bytes.n) != ARCHIVE_OK)
		return broken(r, err);
	return entries_take_utf8(&k, r, err);
}

bool
unpack_file(Arena *a, Str path, Str dir, Err *err)
{
	CLEANUP(archive_done) struct archive *r = reader(err);
	Sink k = { .a = a, .dir = dir };

	if (r == NULL)
		return false;
	if (archive_read_open_filename(r, str_cstr(a, path), BLOCK) != ARCHIVE_OK)
		return broken(r, err);
	return entries_take_utf8(&k, r, err);
}

/* ---- folders ---- */

static bool
file_copy(Sink *k, int from, Str name, bool executable, Err *err)
{
	CLEANUP(fd_done) int fd = -1;
	char block[BLOCK];
	int64_t size = 0;

	if (!sink_file(k, name, executable, &fd, err))
		return false;
	for (;;) {
		ssize_t n = read(from, block, sizeof(block));

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return err_sys(err, errno, "read '%.*s'", STR_ARG(name));
		if (n == 0)
			return true;
		size += n;
		if (!sink_bytes(k, name, size, n, err) || !fd_write_all(fd, (Str){ block, (size_t)n }, err))
			return false;
	}
}

static bool folder_copy(Sink *k, Str from, Str name, Err *err);

static bool
one_copy(Sink *k, Str path, Str name, Err *err)
{
	CLEANUP(fd_done) int fd = open(path.p, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	struct stat st;

	if (!sink_count(k, err) || !name_check(name, err))
		return false;
	if (fd < 0)
		return errno == ELOOP ? unwanted(err, name, "is a link: links are not taken")
				      : err_sys(err, errno, "read '%s'", path.p);
	if (fstat(fd, &st) < 0)
		return err_sys(err, errno, "read '%s'", path.p);
	if (S_ISDIR(st.st_mode))
		return sink_folder(k, name, err) && folder_copy(k, path, name, err);
	if (!S_ISREG(st.st_mode))
		return unwanted(err, name, "is neither a file nor a folder");
	return file_copy(k, fd, name, (st.st_mode & 0111) != 0, err);
}

/* A repository's own folder is no part of a pack. */
static bool
folder_copy(Sink *k, Str from, Str name, Err *err)
{
	DirEntry *entries;
	size_t n;

	if (!dir_list(k->a, str_cstr(k->a, from), &entries, &n, err))
		return false;
	for (size_t i = 0; i < n; i++) {
		Str below =
		    name.n == 0 ? entries[i].name : str_fmt(k->a, "%.*s/%.*s", STR_ARG(name), STR_ARG(entries[i].name));

		if (str_is(entries[i].name, ".git"))
			continue;
		if (!one_copy(k, str_fmt(k->a, "%.*s/%.*s", STR_ARG(from), STR_ARG(entries[i].name)), below, err))
			return false;
	}
	return true;
}

bool
unpack_folder(Arena *a, Str from, Str dir, Err *err)
{
	Sink k = { .a = a, .dir = dir };

	return folder_copy(&k, from, str_of(""), err);
}

/* ---- its top ---- */

static bool
has_manifest(Arena *a, Str dir)
{
	return file_exists(str_fmt(a, "%.*s/pack.yaml", STR_ARG(dir)).p);
}

bool
unpack_root(Arena *a, Str dir, Str *ret, Err *err)
{
	Str inner = str_fmt(a, "%.*s/pack", STR_ARG(dir));
	DirEntry *entries;
	size_t n;

	*ret = has_manifest(a, dir) ? dir : has_manifest(a, inner) ? inner : (Str){ 0 };
	if (!str_none(*ret))
		return true;
	if (!dir_list(a, str_cstr(a, dir), &entries, &n, err))
		return false;
	for (size_t i = 0; i < n && str_none(*ret); i++) {
		inner = str_fmt(a, "%.*s/%.*s", STR_ARG(dir), STR_ARG(entries[i].name));
		if (entries[i].dir && has_manifest(a, inner))
			*ret = inner;
	}
	return !str_none(*ret) ||
	       err_set(err, ERR_INVALID, "There is no pack.yaml, neither at the top nor one folder below");
}
