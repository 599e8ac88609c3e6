#include "engine/webhooks.h"

#include "model/webhook.h"
#include "test.h"

static Json
json(Arena *a, const char *text)
{
	Json v;
	Err err = { 0 };

	CHECK_OK(json_parse(a, str_of(text), NULL, &v, &err), err);
	return v;
}

static Vault *
vault(Arena *a, const char *key)
{
	Vault *v;
	Err err = { 0 };

	CHECK_OK(vault_open(a, str_of(key), NULL, &v, &err), err);
	return v;
}

TEST(secrets_of_a_webhook_open_only_at_their_own_trigger)
{
	CLEANUP(arena_done) Arena *a = arena_open();
	const Vault *v = vault(a, "0123456789abcdef0123456789abcdef");
	Json open =
	    json(a, "{\"hmac\":{\"enabled\":true,\"secret\":\"s1\",\"secrets\":[\"s-2\"]},\"respond\":\"wait\"}");
	Json stored, again, shown;
	Err err = { 0 };

	CHECK_OK(webhook_config_seal(v, a, 7, &open, &stored, &err), err);
	CHECK(!str_find(json_text(a, &stored), str_of("s-2"), NULL));
	shown = webhook_config_public(a, &stored);
	CHECK(str_is(json_text(a, &shown), "{\"hmac\":{\"enabled\":true,\"secret_count\":2},\"respond\":\"wait\"}"));
	CHECK_OK(webhook_config_open(v, a, 7, &stored, &again, &err), err);
	CHECK(json_eq(&again, &open));
	CHECK(!webhook_config_open(v, a, 8, &stored, &again, &err) && err.code == ERR_CORRUPT);
}

TEST(without_an_encryption_key_only_secrets_of_a_webhook_are_refused)
{
	CLEANUP(arena_done) Arena *a = arena_open();
	Json with = json(a, "{\"hmac\":{\"secret\":\"s1\"}}"), out;
	const char *const without[] = { "{}", "{\"respond\":\"wait\"}",
		"{\"hmac\":{\"enabled\":false,\"secrets\":[]}}" };
	const Vault *v = vault(a, "");
	Err err = { 0 };

	CHECK(!webhook_config_seal(v, a, 7, &with, &out, &err) && err.code == ERR_INVALID);
	CHECK(strstr(err.text, "The secrets of a webhook cannot be kept") != NULL);
	CHECK(strstr(err.text, "security.encryption_key") != NULL);
	CHECK_OK(webhook_config_open(v, a, 7, &with, &out, &err), err); /* stored by an earlier version */
	CHECK(json_eq(&out, &with));
	for (size_t i = 0; i < countof(without); i++) {
		Json config = json(a, without[i]);

		CHECK_OK(webhook_config_seal(v, a, 7, &config, &out, &err), err);
	}
}
