/*
 * Keys as their owners mean them: sealed and opened where they stand, delivered to actions, re-wrapped when the encryption key
 * changes.
 */
#pragma once

#include "engine/engine.h"
#include "store/key.h"
#include "store/pack_index.h"

/* Makes value and key_id of the plain value, as k->encrypted says; ref and owner must stand. ERR_INVALID without a key. */
MUST_CHECK bool key_seal(const Vault *v, Arena *a, KeyRow *k, const Json *plain, Err *err);
MUST_CHECK bool key_plain(const Vault *v, Arena *a, const KeyRow *k, Json *ret, Err *err);

/* Headers of a registry of packs (an object of texts): where they stand is said by its URL. */
MUST_CHECK bool index_headers_seal(const Vault *v, Arena *a, const Json *plain, PackIndexRow *row, Err *err);
MUST_CHECK bool index_headers_plain(const Vault *v, Arena *a, const PackIndexRow *row, Json *ret, Err *err);

/* Puts into *params what the action is given: the keys of its pack and its own, and the system keys that it declares. What *params
 * holds already stays; its own win over those of its pack, these over the system's. Each value given is pushed on *given.
 * Between defs_enter and defs_leave. */
MUST_CHECK bool keys_deliver(Uow *u, const ActionDef *action, Json *params, Json *given, Err *err);

/* For a rule's parameters: of the keys named, those of the rule's pack, and the system keys that its action declares, by name. None may go
 * into a parameter that is not secret: where the action has changed since, none is given, and the log says why. One that cannot be
 * opened is missing. Between defs_enter and defs_leave. */
MUST_CHECK bool keys_for_rule(Uow *u, const RuleDef *rule, const ActionDef *action, Json *ret, Err *err);

/* What must be given by hand: the action's schema, without the demand for those secret parameters that a key of their name gives.
 * Between defs_enter and defs_leave. */
Json keys_spare(Uow *u, const ActionDef *action);
/* The same from what is stored. */
MUST_CHECK bool keys_spare_read(Db *db, Arena *a, const ActionDef *action, Json *ret, Err *err);

/* In this order. */
typedef enum RewrapStage { REWRAP_KEYS, REWRAP_SECRETS, REWRAP_WEBHOOKS, REWRAP_INDICES, REWRAP_STAGES } RewrapStage;

typedef struct Rewrap {
	RewrapStage stage; /* which table it has come to */
	Id after;          /* how far in it */
	bool done;
	int64_t rewrapped, unreadable; /* of this step */
} Rewrap;

/* One step, in the caller's transaction: what does not bear the current key gets it. Stands where it came to in *r. */
MUST_CHECK bool keys_rewrap(Uow *u, Rewrap *r, Err *err);
/* How many do not bear it. */
MUST_CHECK bool keys_stale(Db *db, Arena *a, const Vault *v, int64_t *ret, Err *err);
