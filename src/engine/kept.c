/* Files that runs have left: each becomes a version of its artifact in the transaction that stores the result. */
#include "engine/inner.h"

#include "base/log.h"
#include "store/artifact.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* The artifact of that ref, whoever made it first. */
static bool
artifact_ensure(Uow *u, const KeptFile *f, Str action_ref, ArtifactRow *ret, Err *err)
{
	Err taken = { 0 };
	bool found;

	if (!artifact_find(u->db, u->arena, f->artifact, ret, &found, err) || found)
		return found;
	*ret = (ArtifactRow){ .ref = f->artifact,
		.scope = str_of("action"),
		.owner = action_ref,
		.type = str_of("file_text"),
		.visibility = str_of("private"),
		.content_type = str_of("text/plain"),
		.description = str_of("what was too much for the logs of its runs"),
		.retention_policy = f->retention_policy,
		.retention_limit = f->retention_limit };
	if (artifact_insert(u->db, u->arena, ret, u->now, &taken)) {
		change_add(u, CHANGE_ARTIFACT_CREATED, ret->id, NULL, NULL);
		return true;
	}
	if (taken.code != ERR_CONFLICT) {
		*err = taken;
		return false;
	}
	return artifact_find(u->db, u->arena, f->artifact, ret, &found, err) &&
	       (found || err_set(err, ERR_STALE, "artifact '%.*s' has just gone", STR_ARG(f->artifact)));
}

/* A second name for the file, in the folder of the artifact: a commit that fails has then lost nothing. What bears the name already is of
 * such a commit. */
static bool
file_place(Uow *u, const KeptFile *f, Str path)
{
	const char *from = str_fmt(u->arena, "%.*s/%.*s", STR_ARG(f->root), STR_ARG(f->path)).p;
	const char *to = str_fmt(u->arena, "%.*s/%.*s", STR_ARG(f->root), STR_ARG(path)).p;
	const char *slash = strrchr(to, '/');
	Str folder = str_fmt(u->arena, "%.*s", (int)(slash - to), to);

	if (mkdir(folder.p, 0750) < 0 && errno != EEXIST) {
		log_warn("'%s' stays where its run wrote it: make '%s': %s", from, folder.p, strerror(errno));
		return false;
	}
	(void)unlink(to);
	if (link(from, to) == 0)
		return true;
	log_warn("'%s' stays where its run wrote it: %s", from, strerror(errno));
	return false;
}

static bool
keep_one(Uow *u, Id execution, Str action_ref, KeptFile *f, Err *err)
{
	ArtifactRow x;
	VersionRow v = { .execution = execution,
		.content_type = str_of("text/plain"),
		.size_bytes = f->bytes,
		.meta = json_null(),
		.created_by = str_of("worker") };
	ArtifactFiles gone; /* found by the look for files without rows */
	Str path;

	if (!artifact_ensure(u, f, action_ref, &x, err))
		return false;
	v.artifact = x.id;
	if (!version_add(u->db, u->arena, &v, u->now, &gone, err))
		return false;
	change_add(u, CHANGE_ARTIFACT_UPDATED, x.id, NULL, NULL);
	path = str_fmt(u->arena, "artifact_%lld/v%lld.txt", (long long)x.id, (long long)v.version);
	f->placed = file_place(u, f, path);
	return version_set_file(u->db, u->arena, v.id, f->placed ? path : f->path, err);
}

bool
kept_store(Uow *u, Id execution, Str action_ref, Kept *kept, Err *err)
{
	for (size_t i = 0; i < kept->n; i++)
		if (!keep_one(u, execution, action_ref, &kept->files[i], err))
			return err_wrap(err, "keep the output of execution %lld", (long long)execution);
	return true;
}
