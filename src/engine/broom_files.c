/* What lies in the folders, held against the rows. */
#include "engine/broom.h"

#include "os/fs.h"
#include "store/artifact.h"
#include "store/execution_read.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum { CHUNK = 200, YOUNG_S = 3600 };

/* "execution_7" → 7 */
static bool
number_of(Str name, const char *prefix, Id *ret)
{
	return str_starts(name, str_of(prefix)) && str_to_int(str_sub(name, strlen(prefix), name.n), ret) && *ret >= 0;
}

/* A version lies there, for it could not be placed with its artifact: it goes with that. */
static bool
is_version(Uow *u, const char *dir, Id id, const char *name, bool *ret, Err *err)
{
	const char *slash = strrchr(dir, '/');
	Str path = str_fmt(u->arena, "%s/execution_%lld/%s", slash == NULL ? dir : slash + 1, (long long)id, name);

	return version_run_file_known(u->db, u->arena, id, path, ret, err);
}

/* The row still has how its output began. What the run left behind stays as long as the row. */
static bool
remove_logs(Uow *u, const char *dir, Id id, int64_t *removed, Err *err)
{
	static const char *const names[] = { "stdout.log", "stderr.log", "stdout.whole.log", "stderr.whole.log" };
	const char *paths[countof(names)];
	bool some = false, over;

	for (size_t i = 0; i < countof(names); i++) {
		paths[i] = str_fmt(u->arena, "%s/execution_%lld/%s", dir, (long long)id, names[i]).p;
		some |= file_exists(paths[i]);
	}
	if (!some)
		return true;
	if (!execution_logs_over(
		u->db, u->arena, id, u->e->log_policy, u->e->log_limit, clock_wall(u->e->clock), &over, err))
		return false;
	for (size_t i = 0; over && i < countof(names); i++) {
		bool kept = false;

		if (!is_version(u, dir, id, names[i], &kept, err))
			return false;
		*removed += !kept && unlink(paths[i]) == 0;
	}
	if (over)
		(void)rmdir(str_fmt(u->arena, "%s/execution_%lld", dir, (long long)id).p); /* when that was all */
	return true;
}

static bool
remove_gone(Uow *u, const char *dir, const Id *ids, size_t n, int64_t *removed, Err *err)
{
	bool there[CHUNK];

	if (!executions_exist(u->db, u->arena, ids, n, there, err))
		return false;
	for (size_t i = 0; i < n; i++)
		if (!there[i])
			*removed += tree_remove(str_fmt(u->arena, "%s/execution_%lld", dir, (long long)ids[i]).p);
		else if (!remove_logs(u, dir, ids[i], removed, err))
			return false;
	return true;
}

bool
sweep_run_folders(Uow *u, const char *dir, int64_t *removed, Err *err)
{
	DirEntry *entries;
	size_t n, some = 0;
	Id ids[CHUNK];

	if (!dir_list(u->arena, dir, &entries, &n, err))
		return false;
	for (size_t i = 0; i < n; i++) {
		if (!entries[i].dir || !number_of(entries[i].name, "execution_", &ids[some]))
			continue;
		if (++some < CHUNK)
			continue;
		if (!remove_gone(u, dir, ids, some, removed, err))
			return false;
		some = 0;
	}
	return some == 0 || remove_gone(u, dir, ids, some, removed, err);
}

/* ---- artifacts ---- */

static bool
is_young(int dir, const char *name)
{
	struct stat st;

	return fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW) < 0 || st.st_mtime > time(NULL) - YOUNG_S;
}

/* An upload's file is there before its row: what is young stays. */
static bool
sweep_artifact(Uow *u, const char *dir, Str folder, Id artifact, int64_t *removed, Err *err)
{
	Str path = str_fmt(u->arena, "%s/%.*s", dir, STR_ARG(folder));
	CLEANUP(fd_done) int fd = open(path.p, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
	DirEntry *entries;
	size_t n;

	if (fd < 0 || !dir_list(u->arena, path.p, &entries, &n, NULL))
		return true; /* somebody removed it */
	for (size_t i = 0; i < n; i++) {
		const char *name = str_cstr(u->arena, entries[i].name);
		bool known;

		if (entries[i].dir || is_young(fd, name))
			continue;
		if (!version_file_known(
			u->db, u->arena, artifact, str_fmt(u->arena, "%.*s/%s", STR_ARG(folder), name), &known, err))
			return false;
		if (!known && unlinkat(fd, name, 0) == 0)
			++*removed;
	}
	(void)rmdir(path.p); /* only when it is empty */
	return true;
}

static bool
expire(Uow *u, const char *dir, int64_t *removed, Err *err)
{
	enum { ARTIFACTS = 500 };
	ArtifactFiles gone;
	Id after = 0;

	do {
		if (!uow_begin_keep(u, err) ||
		    !version_expire(u->db, u->arena, u->now, &after, ARTIFACTS, &gone, err) ||
		    !uow_commit(u, &points_sweep, err))
			return false;
		for (size_t i = 0; i < gone.n; i++)
			*removed += unlink(str_fmt(u->arena, "%s/%.*s", dir, STR_ARG(gone.paths[i])).p) == 0;
	} while (after != 0);
	return true;
}

bool
sweep_artifact_files(Uow *u, const char *dir, int64_t *removed, Err *err)
{
	DirEntry *entries;
	size_t n;
	Id artifact;

	if (!expire(u, dir, removed, err) || !dir_list(u->arena, dir, &entries, &n, err))
		return false;
	for (size_t i = 0; i < n; i++)
		if (entries[i].dir && number_of(entries[i].name, "artifact_", &artifact) &&
		    !sweep_artifact(u, dir, entries[i].name, artifact, removed, err))
			return false;
	return true;
}
