/*
 * Webhooks that one thread has met lately, as they stood in the database when the definitions had the version that is kept with them. Who
 * uses one has its version compared in the transaction that follows (api/webhook_group.h), so that a change is seen by the next request;
 * and refuses nobody on its word alone. Secrets are kept as they are stored: sealed.
 */
#pragma once

#include "engine/engine.h"

typedef struct HooksKnown HooksKnown;

HooksKnown *hooks_known_open(void);
void hooks_known_close(HooksKnown *k);
/* The trigger of that key, read anew if `fresh`, or if it is not known; *ret_version is 0 when it was read. Good until the next call. */
MUST_CHECK bool hooks_known_get(HooksKnown *k, Uow *u, Str key, bool fresh, const TriggerDef **ret,
    int64_t *ret_version, Err *err); /* *ret NULL: there is none */
