/*
 * What changed among definitions and workers, in order. Every cache reads the rows behind the last one it has seen, in the same
 * transaction in which it uses what it caches. Ids become visible in their order: whoever notes holds a lock until its commit.
 */
#pragma once

#include "store/db.h"

/* The same row may stand for a change and for a deletion: look whether the entity is still there. */
typedef struct Change {
	Id id;
	Str kind; /* "pack" "runtime" "action" "trigger" "sensor" "rule" "permission_set" "worker" */
	Id entity;
} Change;

/* Taken by change_note itself; earlier, where a decision to write depends on what is read. PostgreSQL only; SQLite has one writer. */
MUST_CHECK bool change_lock(Db *db, Arena *a, Err *err);
MUST_CHECK bool change_note(Db *db, Arena *a, const char *kind, Id entity, TimeUs now, Err *err);
MUST_CHECK bool change_since(Db *db, Arena *a, Id last, Change **ret, size_t *ret_n, Err *err);
void change_since_ahead(Db *db, Arena *a, Id last);               /* see db_ahead */
MUST_CHECK bool change_last(Db *db, Arena *a, Id *ret, Err *err); /* 0: none yet */
/* Forgets rows older than `before`, but never the last. A cache that is further behind must start anew: see change_first. */
MUST_CHECK bool change_trim(Db *db, Arena *a, TimeUs before, Err *err);
MUST_CHECK bool change_first(Db *db, Arena *a, Id *ret, Err *err); /* the oldest that is kept; 0: none */
