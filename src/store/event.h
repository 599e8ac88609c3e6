/*
 * Events and enforcements: what happened, and which rules said that something must be done. Both are written once; an enforcement
 * is moved once, from created to processed or disabled.
 */
#pragma once

#include "store/db.h"

typedef struct EventNew {
	Id trigger, source, rule;
	Str trigger_ref, source_ref, rule_ref;
	const Json *config, *payload; /* NULL: none */
	int64_t depth;                /* how many reactions to reactions led to it */
	Str tick_key;                 /* none, or unique for ever: a second event with it is not stored */
	Uuid correlation;
} EventNew;

/* ret_ids[i] is 0 where the tick was there already. */
MUST_CHECK bool event_insert(Db *db, Arena *a, const EventNew *rows, size_t n, TimeUs now, Id *ret_ids, Err *err);

typedef struct EnforcementNew {
	Id rule, event;
	Str rule_ref, trigger_ref;
	const Json *config, *conditions;
	Uuid correlation;
} EnforcementNew;

/* ret_ids[i] is 0 where that rule met that event already. */
MUST_CHECK bool enforcement_insert(
    Db *db, Arena *a, const EnforcementNew *rows, size_t n, TimeUs now, Id *ret_ids, Err *err);

/* An enforcement that this transaction has taken: it was created, now it is processed. */
typedef struct EnforcementTaken {
	Id id, rule, event;
	Str rule_ref, trigger_ref;
	Json config;
	Uuid correlation;
	TimeUs created;
} EnforcementTaken;

/* Guarded: only those that were still `created` come back. */
MUST_CHECK bool enforcement_take(
    Db *db, Arena *a, const Id *ids, size_t n, TimeUs now, EnforcementTaken **ret, size_t *ret_n, Err *err);
/* processed → disabled, in the same transaction: the rule is gone or switched off. */
MUST_CHECK bool enforcement_disable(Db *db, Arena *a, const Id *ids, size_t n, TimeUs now, Err *err);
/* Those that wait, oldest first, created before `before`. */
MUST_CHECK bool enforcement_waiting(
    Db *db, Arena *a, TimeUs before, Id after, size_t most, EnforcementTaken **ret, size_t *ret_n, Err *err);
