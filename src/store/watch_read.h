/*
 * What those who watch are told of a row that has changed: its columns as the payload of a notification, and what must be known of
 * it to decide who may see it. Rows are read after the commit that changed them, many at once; what a later commit may have
 * changed again (states, times) comes with the change, not from the row.
 */
#pragma once

#include "model/changes.h"
#include "model/grants.h"
#include "store/db.h"

/* A row of the subject. Everything lies in the arena of the call. */
typedef struct Watched {
	Id id;
	Id user;       /* on whose behalf; 0: nobody's */
	Target target; /* for the rights of those who watch */
	Row row;
} Watched;

/* Those of the ids that exist, in any order. */
MUST_CHECK bool watched_read(
    Db *db, Arena *a, Subject subject, const Id *ids, size_t n, Watched **ret, size_t *ret_n, Err *err);

typedef struct WatchedChange {
	ChangeKind kind;
	Str status, previous; /* none: the kind has none */
	TimeUs at;
} WatchedChange;

/* The payload: one object on one line. */
void watched_print(Buf *b, const Watched *w, const WatchedChange *c);
