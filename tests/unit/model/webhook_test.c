#include "model/webhook.h"

#include "base/codec.h"
#include "test.h"

#define AT INT64_C(1795200000)
#define SENT INT64_C(1614265330)

static Json
json(Arena *a, const char *text)
{
	Json v;
	Err err = { 0 };

	CHECK_OK(json_parse(a, str_of(text), NULL, &v, &err), err);
	return v;
}

static WebhookConfig
config(Arena *a, const char *text)
{
	Json v = json(a, text);
	WebhookConfig c;
	Err err = { 0 };

	CHECK_OK(webhook_config_read(a, &v, &c, &err), err);
	return c;
}

static bool
verify(Arena *a, const WebhookConfig *c, const WebhookSignature *s, const char *body)
{
	Err err = { 0 };
	bool ok = webhook_verify(a, c, s, str_of(body), AT * US_PER_S, &err);

	CHECK(ok || err.code == ERR_UNAUTHORIZED);
	return ok;
}

TEST(hmac_gives_the_digests_of_rfc_2202_and_4231)
{
	static const char text[] = "what do ya want for nothing?";
	static const struct {
		HashKind kind;
		const char *hex;
	} table[] = {
		{ HASH_SHA1, "effcdf6ae5eb2fa2d27416d5f184df9c259a7c79" },
		{ HASH_SHA256, "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843" },
		{ HASH_SHA512,
		    "164b7a7bfcf819e2e395fbe73b56e0a387bd64222e831fd610270cd7ea2505549758bf75c05a994a6d034f65f8f0e"
		    "6fdcaeab1a34d4a6b4b636e070a38bce737" },
	};
	CLEANUP(arena_done) Arena *a = arena_open();
	unsigned char digest[HMAC_MOST];

	for (size_t i = 0; i < countof(table); i++) {
		size_t n = keyed_hash(table[i].kind, str_of("Jefe"), str_of(text), digest);

		CHECK(str_is(hex_encode(a, (Str){ (char *)digest, n }), table[i].hex));
	}
}

/* The example of the Standard Webhooks specification's own libraries. */
TEST(a_standard_signature_of_any_secret_is_taken_and_nothing_that_was_changed)
{
	CLEANUP(arena_done) Arena *a = arena_open();
	WebhookConfig c = config(a, "{\"hmac\":{\"enabled\":true,\"secrets\":[\"other\","
				    "\"whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw\"]}}");
	WebhookSignature good = { .id = str_of("msg_p5jXN8AQM9LWM0D4loKWxJek"),
		.timestamp = str_of("1614265330"),
		.standard = str_of(
		    "v1,bm9ldHUjKzFob2VudXRob2VodWUzMjRvdWVvdW9ldQo= v2,MzJsNDk4MzI0K2VvdSMjMTEjQEBAQDEyMzMzMzEyMwo="
		    " v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=") };
	WebhookSignature bad;
	Str body = str_of("{\"test\": 2432232314}");
	Err err = { 0 };

	CHECK(webhook_verify(a, &c, &good, body, SENT * US_PER_S, &err));
	CHECK(webhook_verify(a, &c, &good, body, (SENT + 299) * US_PER_S, &err));
	CHECK(!webhook_verify(a, &c, &good, body, (SENT + 301) * US_PER_S, &err));
	CHECK(!webhook_verify(a, &c, &good, body, (SENT - 301) * US_PER_S, &err));
	CHECK(!webhook_verify(a, &c, &good, str_of("{\"test\":2432232314}"), SENT * US_PER_S, &err));
	bad = good;
	bad.id = str_of("msg_p5jXN8AQM9LWM0D4loKWxJel");
	CHECK(!webhook_verify(a, &c, &bad, body, SENT * US_PER_S, &err));
	bad = good;
	bad.timestamp = str_of("1614265331");
	CHECK(!webhook_verify(a, &c, &bad, body, SENT * US_PER_S, &err));
	bad = good;
	bad.timestamp = (Str){ 0 };
	CHECK(!webhook_verify(a, &c, &bad, body, SENT * US_PER_S, &err));
	bad = good;
	bad.standard = str_of("v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OF=");
	CHECK(!webhook_verify(a, &c, &bad, body, SENT * US_PER_S, &err));
	bad.timestamp = str_of("9223372036854775807");
	CHECK(!webhook_verify(a, &c, &bad, body, SENT * US_PER_S, &err));
}

TEST(a_plain_signature_is_hex_of_the_body_by_the_algorithm_agreed_on)
{
	static const char body[] = "Hello, World!";
	CLEANUP(arena_done) Arena *a = arena_open();
	WebhookConfig c = config(a, "{\"hmac\":{\"enabled\":true,\"secret\":\"It's a Secret to Everybody\"}}");
	static const struct {
		const char *signature;
		bool fits;
	} table[] = {
		{ "sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17",
		    true }, /* GitHub's example */
		{ "757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17", true },
		{ "757107EA0EB2509FC211221CCE984B8A37570B6D7586C22C46F4379C8B043E17", true },
		{ "sha512=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17", false },
		{ "sha1=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17", false },
		{ "sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e16", false },
		{ "sha256=757107ea", false },
		{ "sha256=", false },
		{ "", false },
		{ "sha256=zz", false },
	};

	for (size_t i = 0; i < countof(table); i++)
		CHECK_INT(
		    verify(a, &c, &(WebhookSignature){ .plain = str_of(table[i].signature) }, body), table[i].fits);
	CHECK(!verify(a, &c, &(WebhookSignature){ 0 }, body));
}

TEST(a_configuration_that_cannot_be_understood_is_refused_by_its_field)
{
	static const struct {
		const char *config, *field;
	} table[] = {
		{ "[]", "webhook configuration" },
		{ "{\"hmca\":{}}", "hmca" },
		{ "{\"hmac\":{\"enabled\":true}}", "hmac.secrets" },
		{ "{\"hmac\":{\"enabled\":true,\"secrets\":[\"\"]}}", "hmac.secrets" },
		{ "{\"hmac\":{\"enabled\":\"yes\",\"secret\":\"x\"}}", "hmac.enabled" },
		{ "{\"hmac\":{\"enabled\":true,\"secret\":\"x\",\"algorithm\":\"md5\"}}", "hmac.algorithm" },
		{ "{\"hmac\":{\"secrets\":[\"1\",\"2\",\"3\",\"4\",\"5\",\"6\",\"7\",\"8\",\"9\"]}}", "hmac.secrets" },
		{ "{\"ip_whitelist\":{\"enabled\":true,\"ips\":[\"10.0.0.0/40\"]}}", "ip_whitelist.ips[0]" },
		{ "{\"ip_whitelist\":{\"enable\":true}}", "ip_whitelist.enable" },
		{ "{\"ip_whitelist\":\"10.0.0.1\"}", "ip_whitelist" },
		{ "{\"rate_limit\":{\"enabled\":true}}", "rate_limit.requests" },
		{ "{\"rate_limit\":{\"enabled\":true,\"requests\":-1}}", "rate_limit.requests" },
		{ "{\"rate_limit\":{\"enabled\":true,\"requests\":1,\"window_seconds\":0}}",
		    "rate_limit.window_seconds" },
		{ "{\"payload_size_limit_kb\":0}", "payload_size_limit_kb" },
		{ "{\"respond\":\"later\"}", "respond" },
		{ "{\"wait_seconds\":61}", "wait_seconds" },
	};
	CLEANUP(arena_done) Arena *a = arena_open();

	for (size_t i = 0; i < countof(table); i++) {
		Json v = json(a, table[i].config);
		WebhookConfig c;
		Err err = { 0 };

		CHECK(!webhook_config_read(a, &v, &c, &err));
		CHECK_INT(err.code, ERR_VALIDATION);
		CHECK(NULL != strstr(err.text, table[i].field));
	}
}

TEST(secrets_stay_when_they_are_not_mentioned_and_are_never_shown)
{
	CLEANUP(arena_done) Arena *a = arena_open();
	Json old = json(a, "{\"hmac\":{\"enabled\":true,\"secrets\":[\"s1\",\"s2\"]}}");
	Json shown = webhook_config_public(a, &old), merged, given;

	CHECK(str_is(json_text(a, &shown), "{\"hmac\":{\"enabled\":true,\"secret_count\":2}}"));
	merged = webhook_config_merge(a, &old, &shown); /* what was read may be sent back */
	CHECK(json_eq(&merged, &old));
	given = json(a, "{\"hmac\":{\"enabled\":true,\"secrets\":[\"s3\"]}}");
	merged = webhook_config_merge(a, &old, &given);
	CHECK(json_eq(&merged, &given));
	given = json(a, "{}");
	merged = webhook_config_merge(a, &old, &given);
	CHECK(json_eq(&merged, &given));
}

TEST(a_wrapper_is_unwrapped_and_anything_else_is_the_payload)
{
	static const struct {
		const char *body, *payload;
	} table[] = {
		{ "{\"payload\":{\"a\":1},\"headers\":{\"x\":1},\"source_ip\":\"1.1.1.1\",\"user_agent\":\"u\"}",
		    "{\"a\":1}" },
		{ "{\"payload\":null}", "null" },
		{ "{\"payload\":{\"a\":1},\"action\":\"opened\"}", "{\"payload\":{\"a\":1},\"action\":\"opened\"}" },
		{ "{\"ref\":\"main\"}", "{\"ref\":\"main\"}" },
		{ "[1,2]", "[1,2]" },
		{ "7", "7" },
	};
	CLEANUP(arena_done) Arena *a = arena_open();

	for (size_t i = 0; i < countof(table); i++) {
		Json body = json(a, table[i].body);
		const Json *payload, *headers;

		webhook_unwrap(&body, &payload, &headers);
		CHECK(str_is(json_text(a, payload), table[i].payload));
		CHECK_INT(headers != NULL, i == 0);
	}
}
