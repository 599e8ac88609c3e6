/*
 * Workers, leases, role processes and dead letters: what the platform knows of itself.
 */
#pragma once

#include "model/defs.h"
#include "store/db.h"

/* The row of a name, made inactive when there is none: a worker's queues are named by its id. */
MUST_CHECK bool worker_reserve(Db *db, Arena *a, Str name, TimeUs now, Id *ret_id, Err *err);
/* Registers under a name: makes the row or takes it over with a new incarnation. ret_before is the incarnation whose runs must
 * be settled (none when there was none). The caller notes the change. */
MUST_CHECK bool worker_register(
    Db *db, Arena *a, const WorkerDef *w, TimeUs now, Id *ret_id, Str *ret_before, Err *err);
MUST_CHECK bool worker_list(Db *db, Arena *a, Str role, WorkerDef **ret, size_t *ret_n, Err *err);
MUST_CHECK bool worker_get(Db *db, Arena *a, Id id, WorkerDef *ret, Err *err); /* ERR_NOT_FOUND */
/* Last sign of life; makes a stale worker active again (*ret_woken). */
MUST_CHECK bool worker_beat(Db *db, Arena *a, Id id, Str incarnation, TimeUs now, bool *ret_woken, Err *err);
typedef struct WorkerBeat {
	Id worker;
	Str incarnation;
	TimeUs at;
} WorkerBeat;

/* The last signs of life as they are written, for who does not hear them on the bus. */
MUST_CHECK bool worker_beats(Db *db, Arena *a, WorkerBeat **ret, size_t *ret_n, Err *err);
void worker_beats_ahead(Db *db, Arena *a); /* see db_ahead */
MUST_CHECK bool worker_set_status(Db *db, Arena *a, Id id, Str incarnation, const char *status, TimeUs now, Err *err);
/* What it can do, found out anew; nothing, if it is not this process of that name any more. */
MUST_CHECK bool worker_set_capabilities(
    Db *db, Arena *a, Id id, Str incarnation, const Json *capabilities, TimeUs now, Err *err);
/* It drains: alive, but nothing more is given to it. */
MUST_CHECK bool worker_no_slots(Db *db, Arena *a, Id id, Str incarnation, TimeUs now, Err *err);
/* It takes nothing for now, and why; none: it has these slots again. */
MUST_CHECK bool worker_set_full(Db *db, Arena *a, Id id, Str incarnation, Str why, int64_t slots, TimeUs now, Err *err);
MUST_CHECK bool worker_cordon(Db *db, Arena *a, Id id, bool cordoned, Str reason, Id by, TimeUs now, Err *err);

/* Takes or renews a lease; false in *ret_held while somebody else has it. */
MUST_CHECK bool lease_take(
    Db *db, Arena *a, const char *name, Str holder, TimeUs now, TimeUs length, bool *ret_held, Err *err);
MUST_CHECK bool lease_drop(Db *db, Arena *a, const char *name, Str holder, Err *err);

typedef struct RoleInstance {
	Str process, role, host;
	int64_t pid;
	TimeUs started, last_seen;
} RoleInstance;

MUST_CHECK bool role_seen(Db *db, Arena *a, const RoleInstance *r, Err *err); /* insert or renew */
MUST_CHECK bool role_gone(Db *db, Arena *a, Str process, Err *err);
MUST_CHECK bool role_forget(Db *db, Arena *a, TimeUs before, Err *err); /* those not seen since */
MUST_CHECK bool role_list(Db *db, Arena *a, TimeUs since, RoleInstance **ret, size_t *ret_n, Err *err);

typedef struct DeadRow {
	Id id;
	Str message_id, queue, routing_key, reason, body;
	TimeUs created;
} DeadRow;

MUST_CHECK bool dead_insert(Db *db, Arena *a, const DeadRow *d, Err *err);
MUST_CHECK bool dead_list(Db *db, Arena *a, int64_t limit, int64_t offset, DeadRow **ret, size_t *ret_n, Err *err);
MUST_CHECK bool dead_get(Db *db, Arena *a, Str message_id, DeadRow *ret, Err *err); /* ERR_NOT_FOUND */
MUST_CHECK bool dead_drop(Db *db, Arena *a, Str message_id, Err *err);              /* ERR_NOT_FOUND */
