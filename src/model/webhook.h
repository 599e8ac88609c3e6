/*
 * Webhooks as values: what their configuration may say, what of a body is the payload, and whether a request is signed by one of
 * the secrets. Pure: the time is an argument.
 */
#pragma once

#include "base/address.h"
#include "base/clock.h"
#include "base/crypto.h"
#include "base/json.h"

enum { WEBHOOK_SECRETS = 8, WEBHOOK_NETWORKS = 256, WEBHOOK_WAIT_MOST = 60, WEBHOOK_ID_MOST = 255 };
/* how far the clock of a sender may be from ours */
#define WEBHOOK_TOLERANCE (5 * 60 * US_PER_S)

typedef struct WebhookConfig {
	int64_t size_limit; /* bytes of the body; 0: none of its own */
	bool limited_ips;
	Network *networks; /* none of them: nobody may */
	size_t network_count;
	int64_t requests; /* of one address in a window; 0: any number */
	TimeUs window;
	bool signed_only;
	HashKind algorithm;
	Str secrets[WEBHOOK_SECRETS];
	size_t secret_count;
	bool wait; /* answer with what came of it */
	int64_t wait_seconds;
} WebhookConfig;

/* ERR_VALIDATION "Validation failed: hmac.algorithm: ..." when it cannot be understood: nothing of it is guessed. */
MUST_CHECK bool webhook_config_read(Arena *a, const Json *config, WebhookConfig *ret, Err *err);
/* As people may see it: without the secrets, sealed or not, only how many there are. */
Json webhook_config_public(Arena *a, const Json *config);
/* Does a new one leave the secrets as they are? */
bool webhook_config_keeps(const Json *given);
/* What is to be stored of a new one: secrets that it does not mention are those of the old. */
Json webhook_config_merge(Arena *a, const Json *old, const Json *given);

/* {"payload": ...} with at most the known wrapper keys is unwrapped; anything else is the payload. headers: NULL when none. */
void webhook_unwrap(const Json *body, const Json **ret_payload, const Json **ret_headers);

/* What a sender signs with, as it stands in the request; none where the header is missing. */
typedef struct WebhookSignature {
	Str id, timestamp, standard; /* webhook-id, webhook-timestamp, webhook-signature */
	Str plain;                   /* X-Webhook-Signature, else X-Hub-Signature-256 */
} WebhookSignature;

/* ERR_UNAUTHORIZED says what is missing or wrong. */
MUST_CHECK bool webhook_verify(
    Arena *a, const WebhookConfig *c, const WebhookSignature *s, Str body, TimeUs now, Err *err);
