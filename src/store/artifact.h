/*
 * Artifacts: things that runs and people leave behind, and their numbered versions. What is large lies in a file, which this only
 * names: files go after the commit that removed their rows (the names come back for it).
 */
#pragma once

#include "store/listing.h"

typedef struct ArtifactRow {
	Id id;
	Str ref, scope, owner; /* scope: a kind of owner; owner: its ref or id, empty for the system */
	Str type, visibility, name, description, content_type;
	int64_t size_bytes; /* -1: not known */
	Json data;
	Str retention_policy; /* "versions" "days" "hours" "minutes" */
	int64_t retention_limit;
	TimeUs created, updated;
} ArtifactRow;

typedef struct VersionRow {
	Id id, artifact;
	int64_t version;
	Id execution;
	Str content_type;
	int64_t size_bytes; /* -1: not known */
	bool has_json;
	Str content;       /* bytes in the row; read by version_get only */
	Json content_json; /* when has_json */
	Str file_path;     /* below artifacts_dir */
	Json meta;         /* null: none */
	Str created_by;
	TimeUs created;
} VersionRow;

/* Names of files that lost their rows. */
typedef struct ArtifactFiles {
	Str *paths;
	size_t n;
} ArtifactFiles;

MUST_CHECK bool artifact_get(Db *db, Arena *a, Id id, ArtifactRow *ret, Err *err); /* ERR_NOT_FOUND */
MUST_CHECK bool artifact_find(Db *db, Arena *a, Str ref, ArtifactRow *ret, bool *ret_found, Err *err);
/* Sets id and times. ERR_CONFLICT when the ref is taken. */
MUST_CHECK bool artifact_insert(Db *db, Arena *a, ArtifactRow *x, TimeUs now, Err *err);
/* How long what this run leaves is kept: as the action of the outermost run says that is above it and says so, else its own; limit 0: none
 * says. */
MUST_CHECK bool artifact_run_keeps(Db *db, Arena *a, Id execution, Str *ret_policy, int64_t *ret_limit, Err *err);
MUST_CHECK bool artifact_update(Db *db, Arena *a, const ArtifactRow *x, TimeUs now, Err *err);
/* Nobody else changes it until the commit; *x is read anew. ERR_NOT_FOUND. */
MUST_CHECK bool artifact_lock(Db *db, Arena *a, ArtifactRow *x, TimeUs now, Err *err);
MUST_CHECK bool artifact_delete(Db *db, Arena *a, Id id, ArtifactFiles *ret, Err *err);

typedef struct ArtifactFilter {
	Str scope, owner, type, visibility;
	Str name;     /* a piece of it, whatever the case */
	Id execution; /* some version was made by it */
} ArtifactFilter;

MUST_CHECK bool artifact_list(
    Db *db, Arena *a, const ArtifactFilter *f, const Scope *scope, const Slice *slice, SliceOut *ret, Err *err);

/* ---- versions ---- */

TimeUs retention_unit(Str policy); /* of "days", "hours", "minutes"; 0: it counts versions */

/* Takes the next number, which is never given again, and applies the retention by count. v->id and v->version are set; size and type
 * become the artifact's too. Numbers are handed out one at a time, whoever asks. */
MUST_CHECK bool version_add(Db *db, Arena *a, VersionRow *v, TimeUs now, ArtifactFiles *ret, Err *err);
MUST_CHECK bool version_set_file(Db *db, Arena *a, Id id, Str path, Err *err);
/* version 0: the latest. ERR_NOT_FOUND. */
MUST_CHECK bool version_get(Db *db, Arena *a, Id artifact, int64_t version, VersionRow *ret, Err *err);
/* Newest first, without contents; 1,000 at most. */
MUST_CHECK bool version_list(Db *db, Arena *a, Id artifact, VersionRow **ret, size_t *ret_n, Err *err);
MUST_CHECK bool version_delete(Db *db, Arena *a, Id artifact, int64_t version, ArtifactFiles *ret, Err *err);
/* Removes versions that are older than their artifact keeps them, but never its latest, of some artifacts behind *after, which is
 * 0 when all were looked at. */
MUST_CHECK bool version_expire(Db *db, Arena *a, TimeUs now, Id *after, size_t most, ArtifactFiles *ret, Err *err);
/* Does a row name this file? */
/* Does a version that this run has left lie in that file? */
MUST_CHECK bool version_run_file_known(Db *db, Arena *a, Id execution, Str path, bool *ret, Err *err);
MUST_CHECK bool version_file_known(Db *db, Arena *a, Id artifact, Str path, bool *ret, Err *err);
