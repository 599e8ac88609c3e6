/*
 * Files follow their rows: a thread that removes, at its start and every so often, the files in one folder whose rows are gone. Each
 * process sweeps only what it writes itself. What it meets must be old enough to be no work in progress.
 */
#pragma once

#include "engine/engine.h"

typedef struct Broom Broom;

/* Removes what is without a row from the folder; *removed counts. false: the database failed, it is tried again the next time. */
typedef bool Sweep(Uow *u, const char *dir, int64_t *removed, Err *err);

/* Every so often is Engine.keep.every; nothing is removed while retention is off. dir may be missing. */
MUST_CHECK bool broom_start(Engine *e, Str dir, Sweep *sweep, Broom **ret, Err *err);
void broom_stop(Broom *b); /* NULL is fine */

/* Of a worker's folder: execution_7, when there is no such execution any more; its logs, when they are older than its action keeps them. */
Sweep sweep_run_folders;
/* Of artifacts_dir: versions that are too old go, and files below artifact_7 that no version names. */
Sweep sweep_artifact_files;
