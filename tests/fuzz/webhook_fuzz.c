/*
 * Whatever a webhook's configuration, signature and sender's address are: they are read within their bounds, nobody is let in
 * without a signature that fits, and what people are shown of a configuration holds none of its secrets.
 */
#include "model/webhook.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
must(bool holds)
{
	if (!holds)
		abort();
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	CLEANUP(arena_done) Arena *a = arena_open();
	Str rest = { (const char *)data, size }, config = { 0 }, signature = { 0 }, forwarded = { 0 };
	Network trusted;
	WebhookConfig c;
	Json v, shown;
	Err err = { 0 };

	(void)(str_cut(&rest, '\n', &config) && str_cut(&rest, '\n', &signature) && str_cut(&rest, '\n', &forwarded));
	must(network_parse(str_of("10.0.0.0/8"), &trusted));
	(void)address_of_client(a, str_of("10.0.0.1"), forwarded, signature, &trusted, 1);
	if (!json_parse(a, config, NULL, &v, &err) || !webhook_config_read(a, &v, &c, &err))
		return 0;
	must(c.secret_count <= WEBHOOK_SECRETS && c.network_count <= WEBHOOK_NETWORKS);
	shown = webhook_config_public(a, &v);
	must(json_get(json_get(&shown, "hmac"), "secret") == NULL &&
	     json_get(json_get(&shown, "hmac"), "secrets") == NULL);
	if (c.signed_only)
		must(!webhook_verify(a, &c,
			 &(WebhookSignature){ .id = signature, .timestamp = str_of("1"), .standard = signature }, rest,
			 US_PER_S, &err) ||
		     c.secret_count > 0);
	if (!webhook_verify(a, &c, &(WebhookSignature){ .plain = signature }, rest, US_PER_S, &err))
		must(err.code == ERR_UNAUTHORIZED && err.text[0] != '\0');
	return 0;
}
