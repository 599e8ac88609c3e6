/*
 * Answers kept under the key that their caller gave, so that the same request sent again gets the same answer and does nothing.
 * Any thread, through its own Db.
 */
#pragma once

#include "store/db.h"

typedef struct KeptAnswer {
	Str fingerprint; /* of the request */
	int64_t status;
	Str body;
} KeptAnswer;

/* One that was made after `since`. */
MUST_CHECK bool answer_find(
    Db *db, Arena *a, Str caller, Str key, TimeUs since, bool *ret_found, KeptAnswer *ret, Err *err);
/* In the transaction of what the request did. *ret_kept false: there is one already, made after `since`; then what was done here
 * must not be. Whoever does the same at the same time is waited for. */
MUST_CHECK bool answer_keep(Db *db, Arena *a, Str caller, Str key, const KeptAnswer *answer, TimeUs since, TimeUs now,
    bool *ret_kept, Err *err);
/* Removes some of those made before that. */
MUST_CHECK bool answers_trim(Db *db, Arena *a, TimeUs before, Err *err);
