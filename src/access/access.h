/*
 * Who asks, and what they may do. An Access belongs to the process: the key that signs tokens, and how long they live; any thread may
 * use it. A Callers belongs to one thread: what it has read of identities and permission sets, brought up to date from the
 * changes (store/change.h) once a second at most, and at once after a change made in this process. So a right that is taken away is
 * gone within a second everywhere, and asking costs no statement.
 */
#pragma once

#include "access/token.h"
#include "model/defs.h"
#include "model/grants.h"
#include "store/db.h"

typedef struct Access Access;
typedef struct Callers Callers;

typedef struct AccessConfig {
	const Clock *clock;
	Str secret; /* signs tokens */
	TimeUs access_life, refresh_life;
} AccessConfig;

MUST_CHECK bool access_open(const AccessConfig *config, Access **ret, Err *err);
void access_close(Access *x);
/* Rights were changed in this process, and committed. */
void access_changed(Access *x);
/* A name for who is not there: costs as much to check against as a real one. */
Str access_no_password(void);
TimeUs access_life(const Access *x);
TimeUs access_refresh_life(const Access *x);

/* ---- making tokens ---- */

Str access_token(Access *x, Arena *a, const IdentityDef *who, Id session);
Str access_refresh_token(Access *x, Arena *a, const IdentityDef *who, Id session, int64_t generation);
/* Lives as long as its session. */
Str access_local_token(Access *x, Arena *a, const IdentityDef *who, Id session);
/* instance: of its process (store/sensor_process.h), so that a process that was replaced reports nothing more; 0: none of ours */
Str access_sensor_token(
    Access *x, Arena *a, Id identity, Str sensor_ref, const Json *trigger_types, int64_t instance, TimeUs life);
Str access_worker_token(Access *x, Arena *a, Id worker, TimeUs life);
/* What the bearer of such a token may do, as grants. */
Json access_worker_grants(Arena *a);

typedef struct RunToken {
	Id execution, identity;
	Str action_ref, pack_ref;
	const Json *permission_set_refs; /* an array, or NULL */
	TimeUs life;
} RunToken;

Str access_run_token(Access *x, Arena *a, const RunToken *r);
MUST_CHECK bool access_read(Access *x, Arena *a, Str token, Claims *ret, Err *err);

/* Of a link by which somebody answers an inquiry: its number and a signature of it. Ask whether it is the same as the one that was sent. */
Str access_link(Access *x, Arena *a, Id link, TimeUs created);
bool access_link_id(Str token, Id *ret);

/* ---- who is it? ---- */

Callers *callers_open(Access *x);
void callers_close(Callers *c);
/* ERR_UNAUTHORIZED, and ERR_FORBIDDEN for an identity that is frozen. What *ret points to is good until the next call. */
MUST_CHECK bool callers_find(Callers *c, Db *db, Arena *a, Str token, Caller *ret, Err *err);
/* Grants of permission sets by their refs ("standard" aside); *ret_missing names one that does not exist. */
MUST_CHECK bool callers_sets(
    Db *db, Arena *a, const Json *refs, const Json ***ret, size_t *ret_n, Str *ret_missing, Err *err);
