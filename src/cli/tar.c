#include "cli/tar.h"

#include "os/fs.h"

#include <errno.h>
#include <sys/stat.h>

enum { RECORD = 512, NAME_MAX_BYTES = 100, STORED_MAX = 65535 };

typedef struct Tar {
	Arena *a;
	Buf out;
	size_t files;
} Tar;

static void
octal(char *field, size_t width, uint64_t n)
{
	for (size_t i = width - 1; i > 0; i--, n /= 8)
		field[i - 1] = (char)('0' + n % 8);
	field[width - 1] = '\0';
}

static void
add_header(Tar *t, Str name, char type, uint64_t size, bool runs)
{
	char h[RECORD] = { 0 };
	uint64_t sum = 0;

	memcpy(h, name.p, name.n);
	octal(h + 100, 8, type == '5' || runs ? 0755 : 0644);
	octal(h + 108, 8, 0);
	octal(h + 116, 8, 0);
	octal(h + 124, 12, size);
	octal(h + 136, 12, 0); /* no times: the same folder is the same archive */
	memset(h + 148, ' ', 8);
	h[156] = type;
	memcpy(h + 257, "ustar\00000", 8);
	for (size_t i = 0; i < RECORD; i++)
		sum += (unsigned char)h[i];
	octal(h + 148, 7, sum);
	buf_add(&t->out, (Str){ h, RECORD });
}

/* One file or folder under its name in the archive. */
static bool
name_fits(Str name, Err *err)
{
	return name.n < NAME_MAX_BYTES ||
	       err_set(err, ERR_INVALID, "the name '%.*s' is longer than %d bytes", STR_ARG(name), NAME_MAX_BYTES - 1);
}

static bool
add_file(Tar *t, const char *path, Str name, bool runs, Err *err)
{
	static const char blank[RECORD];
	Str text;

	if (!name_fits(name, err) || !file_read(t->a, path, TAR_MAX, &text, err))
		return false;
	if (++t->files > TAR_FILES_MAX || t->out.n + text.n > TAR_MAX)
		return err_set(
		    err, ERR_TOO_LARGE, "the folder holds more than %d files or %d MiB", TAR_FILES_MAX, TAR_MAX >> 20);
	add_header(t, name, '0', text.n, runs);
	buf_add(&t->out, text);
	buf_add(&t->out, (Str){ blank, (RECORD - text.n % RECORD) % RECORD });
	return true;
}

static bool
add_folder(Tar *t, const char *path, Str name, unsigned depth, Err *err)
{
	DirEntry *entries;
	size_t n;

	if (depth > TAR_DEPTH_MAX)
		return err_set(err, ERR_INVALID, "'%s' lies deeper than %d folders", path, TAR_DEPTH_MAX);
	if (!name_fits(name, err) || !dir_list(t->a, path, &entries, &n, err))
		return false;
	if (name.n > 0)
		add_header(t, name, '5', 0, false);
	for (size_t i = 0; i < n; i++) {
		const char *child = str_fmt(t->a, "%s/%.*s", path, STR_ARG(entries[i].name)).p;
		Str below = str_fmt(t->a, "%.*s%.*s", STR_ARG(name), STR_ARG(entries[i].name));
		struct stat st;

		if (entries[i].name.p[0] == '.')
			continue;
		if (lstat(child, &st) < 0)
			return err_sys(err, errno, "'%s'", child);
		if (S_ISDIR(st.st_mode) &&
		    !add_folder(t, child, str_fmt(t->a, "%.*s/", STR_ARG(below)), depth + 1, err))
			return false;
		if (S_ISREG(st.st_mode) && !add_file(t, child, below, (st.st_mode & 0100) != 0, err))
			return false;
	}
	return true;
}

static uint32_t
crc_of(Str bytes)
{
	uint32_t table[256], crc = 0xffffffffu;

	for (uint32_t i = 0; i < 256; i++) {
		table[i] = i;
		for (int bit = 0; bit < 8; bit++)
			table[i] = (table[i] & 1) != 0 ? 0xedb88320u ^ (table[i] >> 1) : table[i] >> 1;
	}
	for (size_t i = 0; i < bytes.n; i++)
		crc = table[(crc ^ (unsigned char)bytes.p[i]) & 0xff] ^ (crc >> 8);
	return ~crc;
}

static void
add_number(Buf *b, uint64_t n, int bytes)
{
	for (int i = 0; i < bytes; i++, n >>= 8)
		buf_char(b, (char)(n & 0xff));
}

Str
gzip_stored(Arena *a, Str bytes)
{
	Buf b = buf_open(a);

	buf_add(&b, (Str){ "\x1f\x8b\x08\0\0\0\0\0\0\xff", 10 });
	for (size_t at = 0; at == 0 || at < bytes.n; at += STORED_MAX) {
		Str block = str_sub(bytes, at, at + STORED_MAX);

		buf_char(&b, at + STORED_MAX >= bytes.n ? 1 : 0); /* the last block says so */
		add_number(&b, block.n, 2);
		add_number(&b, ~(uint64_t)block.n, 2);
		buf_add(&b, block);
	}
	add_number(&b, crc_of(bytes), 4);
	add_number(&b, bytes.n, 4);
	return buf_str(&b);
}

bool
tar_folder(Arena *a, const char *path, Str *ret, Err *err)
{
	static const char end[2 * RECORD];
	Tar t = { .a = a, .out = buf_open(a) };

	if (!add_folder(&t, path, (Str){ "", 0 }, 0, err))
		return false;
	buf_add(&t.out, (Str){ end, sizeof(end) });
	*ret = gzip_stored(a, buf_str(&t.out));
	return true;
}
