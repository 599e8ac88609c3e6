/*
 * What happened to executions and workers, as clients know it: a record for each change, newest first. An execution's records are
 * made of the timeline in its row when they are asked for, so that a run costs no further write; what was noted about it beside
 * that (a late result) lies in execution_history. A worker's lie in worker_history.
 */
#pragma once

#include "store/listing.h"

/* One line of an execution's timeline. */
typedef struct Move {
	Str state;
	TimeUs at;
	Str by;
	int64_t attempt;
	Str note;
} Move;

/* The next line of a timeline, which is cut off it; false at the end. What cannot be read is passed over. */
bool move_next(Str *moves, Move *ret);

typedef struct HistoryFilter {
	Id entity;
	Str ref;              /* action of an execution, name of a worker */
	Str operation, field; /* none: any */
	TimeUs since, until;  /* both inclusive; 0: any */
	Id executor;          /* of executions: for whom it runs; 0: any */
	Str outcome;          /* of audit events; none: any */
	const Scope *scope;   /* of executions; NULL: all */
} HistoryFilter;

/* Executions newest first, and the records of one newest first. */
MUST_CHECK bool history_of_executions(
    Db *db, Arena *a, const HistoryFilter *f, const Slice *slice, SliceOut *ret, Err *err);
MUST_CHECK bool history_of_workers(
    Db *db, Arena *a, const HistoryFilter *f, const Slice *slice, SliceOut *ret, Err *err);

/* What executions did, as audit events of the category execution: made of the timelines too. Ids are those of audit_execution_id. */
MUST_CHECK bool audit_of_executions(
    Db *db, Arena *a, const HistoryFilter *f, Str event_type, const Slice *slice, SliceOut *ret, Err *err);
/* Is it such an id? ERR_NOT_FOUND when it is one and its execution is gone, or not in the scope. */
bool audit_is_of_execution(Id id);
MUST_CHECK bool audit_execution_show(Db *db, Arena *a, Id id, const Scope *scope, Json *ret, Err *err);

/* A worker has changed: before and after hold the fields that differ; before NULL: it is new. */
MUST_CHECK bool worker_note(
    Db *db, Arena *a, Id worker, Str name, const Json *before, const Json *after, TimeUs now, Err *err);
