/*
 * Dead letters as the server shows them, whichever its bus is.
 */
#pragma once

#include "admin/tool.h"

/* A letter, wherever it was kept. */
typedef struct Letter {
	Str id, queue, key, reason, body; /* a list has no body from the server */
	TimeUs at;
} Letter;

/* Each asks the server of the profile in use. *ret_here: look at the database or the broker instead, for they were named, or nobody said
 * which server, none answers, and there is a data directory. */
MUST_CHECK bool server_letters(Tool *t, bool *ret_here, Letter **ret, size_t *ret_n, Err *err);
MUST_CHECK bool server_letter(Tool *t, Uuid id, bool *ret_here, Letter *ret, Err *err);
MUST_CHECK bool server_act(Tool *t, Uuid id, DeadAct act, bool *ret_here, Err *err);
/* The `attune up` that holds the data directory is asked. */
MUST_CHECK bool holder_act(Tool *t, Uuid id, DeadAct act, Err *err);
