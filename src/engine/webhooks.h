/*
 * The secrets that senders of webhooks sign with, as they are stored: sealed in the configuration of their trigger, whose `hmac`
 * then has `sealed`, `key_id` and `secret_count` instead of them. What was stored in plain text before is read too, and sealed by the
 * next change or re-wrapping.
 */
#pragma once

#include "engine/engine.h"
#include "store/webhook.h"

/* With its secrets, as model/webhook.h reads it. */
MUST_CHECK bool webhook_config_open(const Vault *v, Arena *a, Id trigger, const Json *stored, Json *ret, Err *err);
/* As it may be stored. ERR_INVALID when there are secrets and no encryption key. */
MUST_CHECK bool webhook_config_seal(const Vault *v, Arena *a, Id trigger, const Json *open, Json *ret, Err *err);

/* For keys_rewrap. */
MUST_CHECK bool webhook_rewrap(Uow *u, const HookRow *was, int64_t *done, int64_t *unreadable, Err *err);
