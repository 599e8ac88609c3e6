#include "api/artifact.h"

#include "base/log.h"
#include "base/uuid.h"
#include "http/negotiate.h"
#include "http/range.h"
#include "os/fs.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

/* ---- names ---- */

static const struct {
	const char *type, *ending;
} endings[] = {
	{ "text/plain", ".txt" },
	{ "application/json", ".json" },
	{ "text/csv", ".csv" },
	{ "text/html", ".html" },
	{ "text/markdown", ".md" },
	{ "text/x-log", ".log" },
	{ "application/yaml", ".yaml" },
	{ "application/xml", ".xml" },
	{ "application/pdf", ".pdf" },
	{ "application/zip", ".zip" },
	{ "application/gzip", ".gz" },
	{ "image/png", ".png" },
	{ "image/jpeg", ".jpg" },
	{ "image/gif", ".gif" },
	{ "image/svg+xml", ".svg" },
	{ "image/webp", ".webp" },
	{ "application/octet-stream", ".bin" },
};

Str
files_ending(Str content_type)
{
	Str type = content_type, plain;

	if (!str_none(type) && str_cut(&type, ';', &plain))
		for (size_t i = 0; i < countof(endings); i++)
			if (str_eq_nocase(str_trim(plain), str_of(endings[i].type)))
				return str_of(endings[i].ending);
	return str_of(".bin");
}

Str
files_type(Str path)
{
	for (size_t i = 0; i < countof(endings); i++)
		if (str_ends(path, str_of(endings[i].ending)))
			return str_of(endings[i].type);
	return str_of("application/octet-stream");
}

Str
files_path(Arena *a, Id artifact, int64_t version, Str content_type)
{
	return str_fmt(
	    a, "artifact_%lld/v%lld%.*s", (long long)artifact, (long long)version, STR_ARG(files_ending(content_type)));
}

/* ---- files ---- */

bool
files_root(App *app, Arena *a, int *ret_fd, Err *err)
{
	const char *dir = str_cstr(a, config_str(app->config, "artifacts_dir"));

	if (!dirs_make(dir, 0750, err))
		return err_wrap(err, "artifacts_dir");
	*ret_fd = open(dir, O_PATH | O_DIRECTORY | O_CLOEXEC);
	return *ret_fd >= 0 || err_sys(err, errno, "artifacts_dir '%s'", dir);
}

static bool
dir_make(Arena *a, int root, Id artifact, Err *err)
{
	const char *dir = str_fmt(a, "artifact_%lld", (long long)artifact).p;

	return mkdirat(root, dir, 0750) == 0 || errno == EEXIST || err_sys(err, errno, "make '%s'", dir);
}

bool
files_dir(App *app, Arena *a, Id artifact, Err *err)
{
	CLEANUP(fd_done) int root = -1;

	return files_root(app, a, &root, err) && dir_make(a, root, artifact, err);
}

bool
files_write(App *app, Arena *a, Id artifact, Str bytes, Str *ret_temporary, Err *err)
{
	CLEANUP(fd_done) int root = -1;
	CLEANUP(fd_done) int fd = -1;
	Str name = str_fmt(
	    a, "artifact_%lld/.new-%s", (long long)artifact, uuid_text(a, uuid_new(clock_wall(clock_real()))).p);

	if (!files_root(app, a, &root, err) || !dir_make(a, root, artifact, err))
		return false;
	if (!open_beneath(root, name.p, O_WRONLY | O_CREAT | O_EXCL, &fd, err))
		return false;
	*ret_temporary = name;
	if (!fd_write_all(fd, bytes, err) || (fsync(fd) < 0 && !err_sys(err, errno, "sync"))) {
		unlinkat(root, name.p, 0);
		return err_wrap(err, "store the content");
	}
	return true;
}

bool
files_name(App *app, Arena *a, Str temporary, Str path, Err *err)
{
	CLEANUP(fd_done) int root = -1;

	if (!files_root(app, a, &root, err))
		return false;
	return renameat(root, temporary.p, root, str_cstr(a, path)) == 0 ||
	       err_sys(err, errno, "name the file '%s'", str_cstr(a, path));
}

/* What cannot be removed now is found by the next look for files without rows. */
void
files_remove(App *app, Arena *a, const ArtifactFiles *files)
{
	CLEANUP(fd_done) int root = -1;
	Err err = { 0 };

	if (files->n == 0)
		return;
	if (!files_root(app, a, &root, &err)) {
		log_warn("files of removed artifacts stay: %s", err.text);
		return;
	}
	for (size_t i = 0; i < files->n; i++) {
		const char *path = str_cstr(a, files->paths[i]);
		char *slash;

		if (unlinkat(root, path, 0) < 0 && errno != ENOENT)
			log_warn("the file '%s' of a removed artifact stays: %s", path, strerror(errno));
		slash = strrchr(path, '/');
		if (slash == NULL)
			continue;
		*slash = '\0';
		(void)unlinkat(root, path, AT_REMOVEDIR); /* only when it is empty */
	}
}

/* ---- answers ---- */

static void
headers(Res *s, Str tag, Str disposition)
{
	if (!str_none(tag))
		res_header(s, "ETag", tag);
	if (!str_none(disposition))
		res_header(s, "Content-Disposition", disposition);
	res_header(s, "Accept-Ranges", str_of("bytes"));
}

typedef enum Ask { ASK_ALL, ASK_PART, ASK_NOTHING, ASK_BAD } Ask;

/* A range counts only for the content that the client has seen the beginning of. */
static Ask
asked(const Req *q, Str tag, uint64_t size, Range *ret)
{
	Str known = req_header(q, "If-None-Match"), same = req_header(q, "If-Range");

	*ret = (Range){ 0, size };
	if (!str_none(tag) && !str_none(known) && etag_matches(known, tag))
		return ASK_NOTHING;
	if (str_none(req_header(q, "Range")) || (!str_none(same) && !str_eq(same, tag)))
		return ASK_ALL;
	switch (range_parse(req_header(q, "Range"), size, ret)) {
	case RANGE_PART: return ASK_PART;
	case RANGE_BAD: return ASK_BAD;
	default: return ASK_ALL;
	}
}

static void
refuse_range(Res *s, Arena *a, uint64_t size)
{
	Json o = json_object();

	json_add(a, &o, "error",
	    json_str(str_fmt(
		a, "None of the range asked for is there: the content has %llu bytes", (unsigned long long)size)));
	json_add(a, &o, "code", json_cstr("RANGE_NOT_SATISFIABLE"));
	res_json(s, 416, &o);
}

/* What needs no bytes, or says which of them come. *ret_done: the answer is made. */
static int
begin(Req *q, Res *s, Str tag, Str disposition, uint64_t size, Range *ret, bool *ret_done)
{
	Ask ask = asked(q, tag, size, ret);

	headers(s, tag, disposition);
	*ret_done = ask == ASK_NOTHING || ask == ASK_BAD;
	if (ask == ASK_NOTHING)
		res_empty(s, 304);
	if (ask == ASK_BAD) {
		res_header(s, "Content-Range", str_fmt(req_arena(q), "bytes */%llu", (unsigned long long)size));
		refuse_range(s, req_arena(q), size);
	}
	if (ask == ASK_PART)
		res_header(s, "Content-Range",
		    str_fmt(req_arena(q), "bytes %llu-%llu/%llu", (unsigned long long)ret->from,
			(unsigned long long)(ret->from + ret->n - 1), (unsigned long long)size));
	return ask == ASK_PART ? 206 : 200;
}

bool
answer_content(Req *q, Res *s, Str type, Str tag, Str disposition, Str bytes)
{
	bool done;
	Range range;
	int status = begin(q, s, tag, disposition, bytes.n, &range, &done);

	if (done)
		return true;
	return res_bytes(s, status, str_cstr(req_arena(q), type),
	    str_sub(bytes.p == NULL ? (Str){ "", 0 } : bytes, range.from, range.from + range.n));
}

/* Such a file may still grow: its tag says how far it is. */
bool
answer_open_file(Req *q, Res *s, Str type, Str disposition, int fd, Err *err)
{
	Arena *a = req_arena(q);
	struct stat st;
	bool done;
	Range range;
	int status;
	Str tag;

	if (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode)) {
		close(fd);
		return err_set(err, ERR_NOT_FOUND, "There is no such file");
	}
	tag = str_fmt(a, "\"f%llx-%llx-%llx\"", (unsigned long long)st.st_ino, (unsigned long long)st.st_size,
	    (unsigned long long)st.st_mtim.tv_sec * 1000000000ULL + (unsigned long long)st.st_mtim.tv_nsec);
	status = begin(q, s, tag, disposition, (uint64_t)st.st_size, &range, &done);
	if (done) {
		close(fd);
		return true;
	}
	return res_file(s, status, str_cstr(a, type), fd, range.from, range.n);
}
