/* Files below artifacts_dir, for workers that do not share the API's disk: read, replaced, appended, deleted. */
#include "api/artifact.h"

#include "api/handlers.h"
#include "os/fs.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

/* What could lead out, or is no name, is refused by its form; what is a link is refused by the system. */
static bool
path_of(const Req *q, const char **ret, Err *err)
{
	Str path = req_param(q, "file_path"), rest = path, part;
	bool ok = path.n > 0 && path.n < 4096 && path.p[0] != '/' && memchr(path.p, '\0', path.n) == NULL;

	while (ok && str_cut(&rest, '/', &part))
		ok = part.n > 0 && part.n <= 255 && !str_is(part, "..") && !str_is(part, ".");
	if (!ok)
		return err_set(err, ERR_INVALID, "'%.*s' is no path below the folder of artifacts",
		    STR_ARG(str_sub(path, 0, 200)));
	*ret = str_cstr(req_arena(q), path);
	return true;
}

static bool
open_here(App *app, Req *q, int flags, int *ret_fd, Err *err)
{
	CLEANUP(fd_done) int root = -1;
	const char *path;

	return path_of(q, &path, err) && files_root(app, req_arena(q), &root, err) &&
	       open_beneath(root, path, flags | O_NONBLOCK, ret_fd, err);
}

/* The folders above it, one by one, each below the one before. */
static bool
folders_make(int root, char *path, Err *err)
{
	for (char *slash = strchr(path, '/'); slash != NULL; slash = strchr(slash + 1, '/')) {
		CLEANUP(fd_done) int fd = -1;
		bool ok;

		*slash = '\0';
		ok = open_beneath(root, path, O_PATH | O_DIRECTORY, &fd, err);
		if (!ok && err->code == ERR_NOT_FOUND) {
			char *name = strrchr(path, '/');
			CLEANUP(fd_done) int above = -1;

			if (name != NULL)
				*name = '\0';
			err_clear(err);
			if (!open_beneath(root, name == NULL ? "." : path, O_PATH | O_DIRECTORY, &above, err))
				return false;
			if (name != NULL)
				*name = '/';
			ok = mkdirat(above, name == NULL ? path : name + 1, 0750) == 0 || errno == EEXIST ||
			     err_sys(err, errno, "make '%s'", path);
		}
		*slash = '/';
		if (!ok)
			return false;
	}
	return true;
}

static bool
write_file(App *app, Req *q, int flags, Err *err)
{
	CLEANUP(fd_done) int root = -1;
	CLEANUP(fd_done) int fd = -1;
	struct stat st;
	const char *path;

	if (!path_of(q, &path, err) || !files_root(app, req_arena(q), &root, err) ||
	    !folders_make(root, (char *)(uintptr_t)path, err) ||
	    !open_beneath(root, path, O_WRONLY | O_CREAT | O_NONBLOCK | flags, &fd, err))
		return false;
	if (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode))
		return err_set(err, ERR_INVALID, "'%s' is no file", path);
	return fd_write_all(fd, req_body(q), err);
}

bool
internal_file_get(App *app, Req *q, Res *s, Err *err)
{
	int fd;

	return open_here(app, q, O_RDONLY, &fd, err) &&
	       answer_open_file(q, s, files_type(req_param(q, "file_path")), (Str){ 0 }, fd, err);
}

bool
internal_file_put(App *app, Req *q, Res *s, Err *err)
{
	return write_file(app, q, O_TRUNC, err) && res_empty(s, 201);
}

bool
internal_file_append(App *app, Req *q, Res *s, Err *err)
{
	return write_file(app, q, O_APPEND, err) && res_empty(s, 204);
}

bool
internal_file_remove(App *app, Req *q, Res *s, Err *err)
{
	CLEANUP(fd_done) int root = -1;
	CLEANUP(fd_done) int above = -1;
	const char *path;
	char *name;

	if (!path_of(q, &path, err) || !files_root(app, req_arena(q), &root, err))
		return false;
	name = strrchr(path, '/');
	if (name != NULL)
		*name++ = '\0';
	if (!open_beneath(root, name == NULL ? "." : path, O_PATH | O_DIRECTORY, &above, err))
		return false;
	if (unlinkat(above, name == NULL ? path : name, 0) == 0)
		return res_empty(s, 204);
	return err_set(err, errno == ENOENT || errno == EISDIR ? ERR_NOT_FOUND : ERR_SYS, "'%.*s' is not there",
	    STR_ARG(req_param(q, "file_path")));
}
