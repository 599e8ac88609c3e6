/*
 * Webhooks: what was asked of them and what came of it.
 */
#pragma once

#include "store/listing.h"

typedef struct WebhookLogNew {
	Id trigger;
	Str trigger_ref, key;
	Id event; /* 0: none was made */
	Str source_ip, user_agent;
	int64_t bytes, status, took_ms;
	Str error;     /* none: it was taken */
	bool verified; /* by its signature */
	bool limited, allowed;
} WebhookLogNew;

/* The lines may travel with the commit. */
MUST_CHECK bool webhook_log_add(Db *db, Arena *a, const WebhookLogNew *rows, size_t n, TimeUs now, Err *err);
/* Newest first. */
MUST_CHECK bool webhook_log_list(Db *db, Arena *a, Id trigger, const Slice *slice, SliceOut *ret, Err *err);
/* How many requests of that address there were since then, without those that were too many. */
MUST_CHECK bool webhook_recent(
    Db *db, Arena *a, Id trigger, Str key, Str source_ip, TimeUs since, int64_t *ret, Err *err);
/* Requests of one trigger are counted by one transaction at a time: until the commit. */
MUST_CHECK bool webhook_lock(Db *db, Arena *a, Id trigger, Err *err);
/* The event of that mark; 0: there is none. */
MUST_CHECK bool event_of_tick(Db *db, Arena *a, Str tick_key, Id *ret, TimeUs *ret_created, Err *err);

/* ---- re-wrapping: as for keys ---- */

/* The configuration of a trigger's webhook, which holds secrets, sealed or not (engine/webhooks.h). */
typedef struct HookRow {
	Id trigger;
	Json config;
} HookRow;

MUST_CHECK bool webhook_config_stale(
    Db *db, Arena *a, Str key_id, Id after, size_t most, HookRow **ret, size_t *ret_n, Err *err);
MUST_CHECK bool webhook_config_rewrap(
    Db *db, Arena *a, const HookRow *was, const Json *config, bool *ret_done, Err *err);
MUST_CHECK bool webhook_config_stale_count(Db *db, Arena *a, Str key_id, int64_t *ret, Err *err);

/* ---- what came of them ---- */

/* What came of an event so far, as JSON [{"id", "status", "result"}]; *ret_open: something has not ended. */
MUST_CHECK bool event_runs(Db *db, Arena *a, Id event, Json *ret, bool *ret_open, Err *err);
