/*
 * What the files of the artifacts' routes share: how they are found and shown, and where their files lie. Everything below
 * artifacts_dir is opened so that no name and no link leads out of it.
 */
#pragma once

#include "api/access.h"
#include "api/work.h"
#include "store/artifact.h"

#define LIMIT_UNSAID \
	INT64_MIN /* as the retention_limit of one that is read from a request; 0 is a limit that is refused */

enum {
	ARTIFACT_MOST = 50 * 1024 * 1024, /* bytes of one upload */
	ARTIFACT_INLINE = 64 * 1024,      /* bytes of a content that still lies in the row */
	KEEP_USUAL = 5,                   /* versions that are kept */
	KEEP_FILES = 10,                  /* of an artifact that versions/file has made */
};

Target artifact_target(const ArtifactRow *x);
/* The one whose id the path names, if the caller may do that with it: "artifacts:read" or more. */
MUST_CHECK bool artifact_of_path(App *app, Req *q, const char *right, ArtifactRow *ret, Err *err);
Json artifact_json(Arena *a, const ArtifactRow *x);
Json version_json(Arena *a, const VersionRow *v, bool whole);
bool artifact_is_file(Str type); /* of a type whose content is a file */
/* ERR_INVALID names the field and what it may be. A field that is none is fine, and so is LIMIT_UNSAID. */
MUST_CHECK bool artifact_words_check(const ArtifactRow *x, Err *err);
MUST_CHECK bool artifact_ref_check(Str ref, Err *err);
/* What is not given gets what is usual for it; retention apart. */
void artifact_fill(ArtifactRow *x);
/* Stores a new one. Where nothing was said of its retention, that run's action has its say, and else so many versions are kept.
 * execution 0: it is no run's. */
MUST_CHECK bool artifact_make(App *app, Arena *a, ArtifactRow *x, Id execution, int64_t usual, Err *err);
/* The execution whose token the caller bears; else the one given, which must be there and be seen. */
MUST_CHECK bool artifact_execution(App *app, Req *q, Id given, Id *ret, Err *err);

/* artifact_files.c */
/* artifacts_dir, made when it is missing. */
MUST_CHECK bool files_root(App *app, Arena *a, int *ret_fd, Err *err);
/* "artifact_7/v3.txt" */
Str files_path(Arena *a, Id artifact, int64_t version, Str content_type);
/* A file under a name of its own, on disk when it returns; it becomes the path with files_name. */
MUST_CHECK bool files_write(App *app, Arena *a, Id artifact, Str bytes, Str *ret_temporary, Err *err);
/* The folder in which the files of its versions lie. */
MUST_CHECK bool files_dir(App *app, Arena *a, Id artifact, Err *err);
MUST_CHECK bool files_name(App *app, Arena *a, Str temporary, Str path, Err *err);
void files_remove(App *app, Arena *a, const ArtifactFiles *files);
Str files_type(Str path);           /* by its ending */
Str files_ending(Str content_type); /* with its dot */
/* Answers with the bytes or the file, whole or the part that was asked for. tag: of this content; none: none. */
bool answer_content(Req *q, Res *s, Str type, Str tag, Str disposition, Str bytes);
MUST_CHECK bool answer_open_file(Req *q, Res *s, Str type, Str disposition, int fd, Err *err);
