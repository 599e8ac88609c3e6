/*
 * Sessions: each login is one, and lives as long as it is refreshed. Its end is noted as a change of "session" (change.h), so that
 * every process refuses its tokens.
 */
#pragma once

#include "store/db.h"

typedef struct Session {
	Id id, identity;
	Str kind;             /* "password", "token" (of an integration), "local" (of this machine) */
	Id integration_token; /* 0: none */
	int64_t generation;   /* how often it was refreshed */
	TimeUs expires, ended;
} Session;

/* Forgets the identity's sessions that are long over. s->id is set. */
MUST_CHECK bool session_open(Db *db, Arena *a, Session *s, TimeUs now, Err *err);
/* ERR_NOT_FOUND */
MUST_CHECK bool session_get(Db *db, Arena *a, Id id, Session *ret, Err *err);
/* *ret_ok: it was of this generation, and is of the next one now. */
MUST_CHECK bool session_refresh(
    Db *db, Arena *a, Id id, int64_t generation, TimeUs expires, TimeUs now, bool *ret_ok, Err *err);
MUST_CHECK bool session_end(Db *db, Arena *a, Id id, const char *reason, TimeUs now, Err *err);

/* Which sessions to end; what is 0 or NULL does not matter. */
typedef struct SessionsOf {
	Id identity, integration_token, but;
	const char *kind;
} SessionsOf;

MUST_CHECK bool sessions_end(Db *db, Arena *a, const SessionsOf *of, const char *reason, TimeUs now, Err *err);
/* Those that ended since. */
MUST_CHECK bool sessions_ended(Db *db, Arena *a, TimeUs since, Id **ret, size_t *ret_n, Err *err);
