/*
 * Executions as people and programs see them: lists with filters, one by id, counts. Everything comes as JSON in the shape of the
 * API. Pages are walks over an index; nothing is counted that was not asked for.
 */
#pragma once

#include "model/lifecycle.h"
#include "store/listing.h"

/* What is none or 0 is no filter. The refs may hold *. */
typedef struct ExecFilter {
	ExecState status;
	Id executor, enforcement, parent;
	Str action_ref, rule_ref, trigger_ref;
	Str pack; /* actions of this pack */
	Str result_contains;
	bool top_level_only;
	const Scope *scope; /* NULL: all */
} ExecFilter;

MUST_CHECK bool execution_list(Db *db, Arena *a, const ExecFilter *f, const Slice *slice, SliceOut *ret, Err *err);
/* With the timeline; ERR_NOT_FOUND. */
MUST_CHECK bool execution_show(Db *db, Arena *a, Id id, Json *ret, Err *err);
/* Which of these are there? */
MUST_CHECK bool executions_exist(Db *db, Arena *a, const Id *ids, size_t n, bool *ret, Err *err);
/* How long the logs of an execution are kept, when it has ended, as its action says or else as is usual (limit 0: for ever); how many of the
 * same action came after it, counted up to the limit, is asked for where versions are kept. */
MUST_CHECK bool execution_logs_over(
    Db *db, Arena *a, Id id, Str usual_policy, int64_t usual_limit, TimeUs now, bool *ret, Err *err);
/* Is it terminal? ERR_NOT_FOUND. */
MUST_CHECK bool execution_status(Db *db, Arena *a, Id id, ExecState *ret, Err *err);
/* The same, and what the runs it asks for have as ancestors. */
MUST_CHECK bool execution_standing(Db *db, Arena *a, Id id, ExecState *ret, Str *ret_ancestors, Err *err);
/* How many there are in each state, exactly. */
MUST_CHECK bool execution_counts(Db *db, Arena *a, int64_t ret[EXEC_STATES], Err *err);
/* The same, but completed ones are not counted beyond some most; *ret_capped says whether there are more. */
MUST_CHECK bool execution_counts_capped(Db *db, Arena *a, int64_t ret[EXEC_STATES], bool *ret_capped, Err *err);
/* Where its output is looked for. ERR_NOT_FOUND. */
typedef struct ExecutionPlace {
	ExecState status;
	Str worker; /* name; none: no worker has it */
} ExecutionPlace;

MUST_CHECK bool execution_place(Db *db, Arena *a, Id id, ExecutionPlace *ret, Err *err);
