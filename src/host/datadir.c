#include "host/datadir.h"

#include "base/codec.h"
#include "base/log.h"
#include "base/uuid.h"
#include "os/fs.h"
#include "os/spawn.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

enum { SECRET_BYTES = 32, FILE_MAX = 16 << 20, DEPTH_MAX = 8, LOCK_LOOK_US = 10000, LOCK_PATIENCE_US = 15000000 };

/*
 * A process that was killed has the lock for a moment longer: its guardian, which was born with it, ends the runs first. What is started
 * again at once waits for that.
 */
static bool
lock_wait(const char *path, DataDir *d, pid_t *ret_holder, Err *err)
{
	TimeUs until = clock_mono(clock_real()) + LOCK_PATIENCE_US;
	bool said = false;

	while (!lock_take(path, &d->lock, ret_holder, err)) {
		if (err->code != ERR_CONFLICT || *ret_holder <= 0 || process_alive(*ret_holder) ||
		    clock_mono(clock_real()) >= until)
			return false;
		if (!said)
			log_info("data directory '%s': process %d is gone, what it had started is being ended: waiting",
			    d->path.p, (int)*ret_holder);
		said = true;
		*err = (Err){ 0 };
		usleep(LOCK_LOOK_US);
	}
	return true;
}

bool
datadir_open(Arena *a, const char *given, DataDir *ret, Err *err)
{
	Str path = data_dir_path(a, given);
	pid_t holder = 0;

	*ret = (DataDir){ .path = path, .lock = -1 };
	if (!dirs_make(path.p, 0700, err))
		return err_wrap(err, "data directory '%s' cannot be made (choose another with --data-dir)", path.p);
	if (!lock_wait(str_fmt(a, "%s/attune.lock", path.p).p, ret, &holder, err)) {
		if (err->code == ERR_CONFLICT)
			return err_set(err, ERR_CONFLICT,
			    "data directory '%s' is in use by process %d: stop it, or choose another with --data-dir",
			    path.p, (int)holder);
		return err_wrap(err, "data directory '%s'", path.p);
	}
	ret->boot_id = uuid_text(a, uuid_new(clock_wall(clock_real())));
	return true;
}

void
datadir_close(DataDir *d)
{
	if (d->lock >= 0)
		lock_release(&d->lock);
}

/* ---- secrets ---- */

typedef struct Secret {
	const char *key, *file;
} Secret;

static const Secret secrets[] = {
	{ "security.jwt_secret", "jwt_secret" },
	{ "security.encryption_key", "encryption_key" },
};

static bool
secret_read(Arena *a, const char *path, Str *ret, Err *err)
{
	unsigned char bytes[SECRET_BYTES];

	if (file_exists(path)) {
		if (!file_read(a, path, FILE_MAX, ret, err))
			return false;
		*ret = str_trim(*ret);
		return ret->n >= SECRET_BYTES ||
		       err_set(err, ERR_CORRUPT, "'%s' is shorter than %d characters", path, SECRET_BYTES);
	}
	if (getrandom(bytes, sizeof(bytes), 0) != (ssize_t)sizeof(bytes))
		return err_sys(err, errno, "random bytes");
	*ret = base64url_encode(a, (Str){ (char *)bytes, sizeof(bytes) });
	return file_replace(path, *ret, 0600, err);
}

bool
datadir_secrets(Arena *a, DataDir *d, Config *c, Err *err)
{
	for (size_t i = 0; i < countof(secrets); i++) {
		const char *path = str_fmt(a, "%s/%s", d->path.p, secrets[i].file).p;
		Str value;

		if (config_has(c, secrets[i].key))
			continue;
		d->rekeyed = !file_exists(path) && file_exists(str_fmt(a, "%s/attune.db", d->path.p).p);
		if (!secret_read(a, path, &value, err) || !config_set(c, secrets[i].key, value, path, err))
			return err_wrap(err, "%s", secrets[i].key);
	}
	return true;
}

/* ---- the core pack ---- */

/* Beside the program as it was built, or where `make install` puts it. */
static bool
core_pack_find(Arena *a, Str *ret)
{
	static const char *const places[] = { "../packs/core", "packs/core", "../share/attune/packs/core" };
	char exe[PATH_MAX];
	ssize_t n = readlink("/proc/self/exe", exe, sizeof(exe) - 1);
	char *slash;

	if (n <= 0)
		return false;
	exe[n] = '\0';
	slash = strrchr(exe, '/');
	*slash = '\0';
	for (size_t i = 0; i < countof(places); i++) {
		Str dir = str_fmt(a, "%s/%s", exe, places[i]);

		if (file_exists(str_fmt(a, "%s/pack.yaml", dir.p).p)) {
			*ret = dir;
			return true;
		}
	}
	return false;
}

bool
datadir_core_find(Arena *a, Str packs_base_dir, Str *ret, Err *err)
{
	if (core_pack_find(a, ret))
		return true;
	*ret = str_fmt(a, "%.*s/core", STR_ARG(packs_base_dir));
	return file_exists(str_fmt(a, "%s/pack.yaml", ret->p).p) ||
	       err_set(err, ERR_NOT_FOUND,
		   "the core pack was not found beside the program: install it, or set packs_base_dir");
}

static bool
file_same(Arena *a, const char *path, Str text)
{
	Str is;
	Err err = { 0 };

	return file_read(a, path, FILE_MAX, &is, &err) && str_eq(is, text);
}

static bool
file_copy(Arena *a, const char *from, const char *to, Err *err)
{
	struct stat st;
	Str text;

	if (stat(from, &st) < 0)
		return err_sys(err, errno, "look at '%s'", from);
	if (!file_read(a, from, FILE_MAX, &text, err))
		return false;
	return file_same(a, to, text) || file_replace(to, text, st.st_mode & 0777, err);
}

static bool
tree_copy(Arena *a, const char *from, const char *to, int depth, Err *err)
{
	DirEntry *entries;
	size_t n;

	if (depth > DEPTH_MAX)
		return err_set(err, ERR_INVALID, "'%s' is too deep", from);
	if (!dirs_make(to, 0755, err) || !dir_list(a, from, &entries, &n, err))
		return false;
	for (size_t i = 0; i < n; i++) {
		Str source = str_fmt(a, "%s/%.*s", from, STR_ARG(entries[i].name));
		Str target = str_fmt(a, "%s/%.*s", to, STR_ARG(entries[i].name));

		if (entries[i].dir ? !tree_copy(a, source.p, target.p, depth + 1, err)
				   : !file_copy(a, source.p, target.p, err))
			return false;
	}
	return true;
}

bool
datadir_core_pack(Arena *a, Str packs_base_dir, Err *err)
{
	Str from, to = str_fmt(a, "%.*s/core", STR_ARG(packs_base_dir));
	char real_from[PATH_MAX], real_to[PATH_MAX];

	if (!datadir_core_find(a, packs_base_dir, &from, err))
		return false;
	/* an installed service may not write there, and need not: what is there is good enough */
	if (access(packs_base_dir.p, W_OK) < 0 && file_exists(str_fmt(a, "%s/pack.yaml", to.p).p))
		return true;
	if (realpath(from.p, real_from) != NULL && realpath(to.p, real_to) != NULL && strcmp(real_from, real_to) == 0)
		return true;
	if (!tree_copy(a, from.p, to.p, 0, err))
		return err_wrap(err, "lay out the core pack");
	return true;
}
