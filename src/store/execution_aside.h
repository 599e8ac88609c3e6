/*
 * Results that are too large for their row lie in a table beside it, so that whatever else is read or changed of an execution does not
 * carry them along. The row keeps a stub of their small members, which lists and counts look at. Readers select EXECUTION_RESULT.
 */
#pragma once

#include "store/db.h"

enum { RESULT_IN_ROW = 64 * 1024 };

/* The whole result of execution x. */
#define EXECUTION_RESULT "coalesce((select big.body from execution_result big where big.execution = x.id), x.result)"

bool result_is_large(const Json *result); /* NULL: no */
Json result_stub(Arena *a, const Json *result);
MUST_CHECK bool result_put_aside(Db *db, Arena *a, Id execution, const Json *result, Err *err);
