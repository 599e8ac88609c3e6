/*
 * What is told of executions that have ended, to rules that react to that: read in the transaction that ends them.
 */
#pragma once

#include "store/db.h"

typedef struct Completion {
	Id id, action, parent, enforcement;
	Str action_ref, status, rule_ref, trigger_ref;
	TimeUs started, finished;
	bool timed_out;
	Uuid correlation;
	int64_t depth; /* of the event that led to it, itself or through its parents; 0: none did */
} Completion;

MUST_CHECK bool completions_read(
    Db *db, Arena *a, const Id *executions, size_t n, Completion **ret, size_t *ret_n, Err *err);
/* The same depth alone, of one execution. */
MUST_CHECK bool execution_depth(Db *db, Arena *a, Id execution, int64_t *ret, Err *err);
