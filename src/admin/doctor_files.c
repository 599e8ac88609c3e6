#include "admin/doctor.h"

#include "os/fs.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

enum { SECRET_LEAST = 32 };

static const uint64_t room_bad = 100ull << 20, room_low = 1ull << 30;

static bool
open_to_others(mode_t mode)
{
	return (mode & 077) != 0;
}

static void
private_file(Doctor *d, const char *path, const char *what)
{
	const char *cure = str_fmt(d->t->arena, "chmod 600 %s", path).p;
	struct stat st;

	if (stat(path, &st) < 0)
		return;
	if (open_to_others(st.st_mode))
		finds(d, HEALTH_BAD, what, cure, "%s can be read by others (mode %03o)", path, st.st_mode & 0777);
	else if (access(path, R_OK) < 0)
		finds(d, HEALTH_WARN, what, "Run this as the user that runs attune.", "%s cannot be read by you", path);
	else
		finds(d, HEALTH_OK, what, NULL, "%s, mode %03o", path, st.st_mode & 0777);
}

/* Who has it? The lock is tried and given back. */
static void
holder(Doctor *d, const char *dir)
{
	CLEANUP(lock_release) int lock = -1;
	const char *path = str_fmt(d->t->arena, "%s/attune.lock", dir).p;
	pid_t pid = 0;
	Err err = { 0 };

	if (!file_exists(path))
		return;
	if (!lock_take(path, &lock, &pid, &err) && err.code == ERR_CONFLICT) {
		d->running = true;
		finds(d, HEALTH_OK, "process", NULL, "attune up runs on it (pid %d)", (int)pid);
	}
}

static void
data_directory(Doctor *d, const char *dir)
{
	const char *cure = str_fmt(d->t->arena, "chmod 700 %s", dir).p;
	struct stat st;

	if (stat(dir, &st) < 0) {
		finds(d, HEALTH_WARN, "data directory",
		    "`attune up` makes it at its first start; --data-dir names another.", "%s is not there", dir);
		return;
	}
	if (open_to_others(st.st_mode))
		finds(d, HEALTH_BAD, "data directory", cure, "%s can be looked into by others (mode %03o)", dir,
		    st.st_mode & 0777);
	else if (access(dir, R_OK | W_OK | X_OK) < 0)
		finds(d, HEALTH_BAD, "data directory", "Run attune as the user whose it is.",
		    "%s cannot be written by you", dir);
	else
		finds(d, HEALTH_OK, "data directory", NULL, "%s", dir);
	holder(d, dir);
	private_file(d, str_fmt(d->t->arena, "%s/jwt_secret", dir).p, "token secret");
	private_file(d, str_fmt(d->t->arena, "%s/encryption_key", dir).p, "encryption key");
}

static void
room(Doctor *d, const char *what, const char *dir)
{
	const char *cure = "Make room there, or move it: docs/operating.md.";
	struct statvfs fs;
	uint64_t left;

	if (statvfs(dir, &fs) < 0)
		return;
	left = (uint64_t)fs.f_bavail * fs.f_frsize;
	finds(d,
	    left < room_bad   ? HEALTH_BAD
	    : left < room_low ? HEALTH_WARN
			      : HEALTH_OK,
	    what, cure, "%.1f GiB left for %s", (double)left / (double)(1ull << 30), dir);
	if (fs.f_files > 0 && fs.f_favail < 1000)
		finds(d, HEALTH_BAD, what, "Remove files there.", "no file can be made in %s: %llu inodes left", dir,
		    (unsigned long long)fs.f_favail);
}

static void
folder(Doctor *d, const char *key, bool written)
{
	const char *dir = config_cstr(d->t->config, key);
	const char *cure = str_fmt(d->t->arena, "Make it, or name another: %s.", key).p;
	struct stat st;

	if (dir == NULL || (stat(dir, &st) < 0 && !str_none(d->t->dir)))
		return; /* `attune up` makes it when it is needed */
	if (stat(dir, &st) < 0)
		finds(d, HEALTH_WARN, key, cure, "%s: %s", dir, strerror(errno));
	else if (access(dir, written ? R_OK | W_OK | X_OK : R_OK | X_OK) < 0)
		finds(d, HEALTH_BAD, key, "Give it to the user that runs attune.", "%s: %s", dir, strerror(errno));
	else if ((st.st_mode & 002) != 0)
		finds(d, HEALTH_BAD, key, str_fmt(d->t->arena, "chmod o-w %s", dir).p, "%s can be written by anybody",
		    dir);
	else
		finds(d, HEALTH_OK, key, NULL, "%s", dir);
}

/* A secret that somebody else could guess is none. */
static void
secret(Doctor *d, const char *key)
{
	static const char *const known[] = { "secret", "change", "default", "password", "example", "test" };
	const char *cure = "Make another: head -c 32 /dev/urandom | base64";
	Str value = config_str(d->t->config, key), lower;
	bool guessable = false;
	size_t distinct = 0;
	bool seen[256] = { 0 };

	if (value.n == 0) {
		if (str_none(d->t->dir))
			finds(d, HEALTH_BAD, key, "Give every role the same one.", "is not set");
		return;
	}
	lower = str_lower(d->t->arena, value);
	for (size_t i = 0; i < countof(known); i++)
		guessable = guessable || str_find(lower, str_of(known[i]), NULL);
	for (size_t i = 0; i < value.n; i++) {
		distinct += !seen[(unsigned char)value.p[i]];
		seen[(unsigned char)value.p[i]] = true;
	}
	if (value.n < SECRET_LEAST)
		finds(d, HEALTH_BAD, key, cure, "has %zu characters, fewer than %d", value.n, SECRET_LEAST);
	else if (guessable || distinct < 8)
		finds(d, HEALTH_BAD, key, cure, "can be guessed");
	else
		finds(d, HEALTH_OK, key, NULL, "set, %zu characters", value.n);
}

void
doctor_data(Doctor *d)
{
	if (str_none(d->t->dir))
		return;
	data_directory(d, d->t->dir.p);
	room(d, "room", d->t->dir.p);
}

void
doctor_files(Doctor *d)
{
	struct stat st;

	if (str_none(d->t->dir) && d->t->config_file != NULL && stat(d->t->config_file, &st) == 0 &&
	    (st.st_mode & 044) != 0 && config_has(d->t->config, "security.jwt_secret"))
		finds(d, HEALTH_WARN, "configuration file",
		    str_fmt(d->t->arena, "chmod 640 %s, or less", d->t->config_file).p,
		    "%s holds secrets and has mode %03o", d->t->config_file, st.st_mode & 0777);
	secret(d, "security.jwt_secret");
	secret(d, "security.encryption_key");
	folder(d, "packs_base_dir", false);
	folder(d, "artifacts_dir", true);
	if (str_none(d->t->dir) && config_cstr(d->t->config, "artifacts_dir") != NULL)
		room(d, "room", config_cstr(d->t->config, "artifacts_dir"));
}
