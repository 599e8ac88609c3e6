#include "model/webhook.h"

#include "base/codec.h"
#include "base/names.h"

enum { WAIT_USUAL = 30, LIMIT_MOST = 1 << 20 };

static const char *const algorithms[] = { [HASH_SHA1] = "sha1", [HASH_SHA256] = "sha256", [HASH_SHA512] = "sha512" };

/* ---- its configuration ---- */

static bool
bad(Err *err, const char *field, const char *what)
{
	return err_set(err, ERR_VALIDATION, "Validation failed: %s: %s", field, what);
}

static bool
is_kind(const Json *v, JsonKind kind, const char *field, Err *err)
{
	if (json_is_null(v) || v->kind == kind)
		return true;
	return err_set(err, ERR_VALIDATION, "Validation failed: %s: must be %s, not %s", field, json_kind_name(kind),
	    json_kind_name(v->kind));
}

/* A whole number above 0; *ret stays when there is none. */
static bool
read_count(const Json *of, const char *key, const char *field, int64_t most, int64_t *ret, Err *err)
{
	const Json *v = json_get(of, key);
	int64_t n;

	if (json_is_null(v))
		return true;
	n = json_as_int(v, 0);
	if (n <= 0 || n > most)
		return err_set(err, ERR_VALIDATION, "Validation failed: %s: must be a whole number from 1 to %lld",
		    field, (long long)most);
	*ret = n;
	return true;
}

static bool
keys_known(const Json *of, const char *where, const char *const *keys, size_t n, Err *err)
{
	for (size_t i = 0; json_is(of, JSON_OBJECT) && i < of->n; i++)
		if (name_index(keys, n, of->members[i].key) < 0)
			return err_set(err, ERR_VALIDATION, "Validation failed: %s%.*s: is not known", where,
			    STR_ARG(of->members[i].key));
	return true;
}

/* {"enabled", "ips"}, or the list alone */
static bool
read_ips(Arena *a, const Json *config, WebhookConfig *ret, Err *err)
{
	static const char *const keys[] = { "enabled", "ips" };
	const Json *v = json_get(config, "ip_whitelist"), *ips = v;

	if (json_is_null(v))
		return true;
	ret->limited_ips = true;
	if (v->kind == JSON_OBJECT) {
		if (!keys_known(v, "ip_whitelist.", keys, countof(keys), err) ||
		    !is_kind(json_get(v, "enabled"), JSON_BOOL, "ip_whitelist.enabled", err))
			return false;
		ret->limited_ips = json_as_bool(json_get(v, "enabled"), false);
		ips = json_get(v, "ips");
	}
	if (json_is_null(ips))
		return true;
	if (ips->kind != JSON_ARRAY || ips->n > WEBHOOK_NETWORKS)
		return bad(err, "ip_whitelist", "must be {enabled, ips: [...]} with at most 256 addresses or networks");
	ret->networks = arena_array(a, Network, ips->n + 1);
	for (size_t i = 0; i < ips->n; i++)
		if (!network_parse(json_as_str(&ips->items[i]), &ret->networks[i]))
			return err_set(err, ERR_VALIDATION,
			    "Validation failed: ip_whitelist.ips[%zu]: is no address or network like 10.0.0.0/8", i);
	ret->network_count = ips->n;
	return true;
}

static bool
read_rate(const Json *config, WebhookConfig *ret, Err *err)
{
	static const char *const keys[] = { "enabled", "requests", "window_seconds" };
	const Json *v = json_get(config, "rate_limit");
	int64_t requests = 0, seconds = 60;

	if (!is_kind(v, JSON_OBJECT, "rate_limit", err) || !keys_known(v, "rate_limit.", keys, countof(keys), err) ||
	    !is_kind(json_get(v, "enabled"), JSON_BOOL, "rate_limit.enabled", err) ||
	    !read_count(v, "requests", "rate_limit.requests", LIMIT_MOST, &requests, err) ||
	    !read_count(v, "window_seconds", "rate_limit.window_seconds", 24 * 3600, &seconds, err))
		return false;
	if (!json_as_bool(json_get(v, "enabled"), false))
		return true;
	if (requests == 0)
		return bad(err, "rate_limit.requests", "is missing");
	ret->requests = requests;
	ret->window = seconds * US_PER_S;
	return true;
}

static bool
add_secret(const Json *v, WebhookConfig *ret, Err *err)
{
	Str s = json_as_str(v);

	if (str_none(s) || s.n == 0 || ret->secret_count == WEBHOOK_SECRETS)
		return bad(err, "hmac.secrets", "must hold one to eight texts, none of them empty");
	ret->secrets[ret->secret_count++] = s;
	return true;
}

static bool
read_secrets(const Json *hmac, WebhookConfig *ret, Err *err)
{
	const Json *one = json_get(hmac, "secret"), *many = json_get(hmac, "secrets");

	if (!json_is_null(one) && !add_secret(one, ret, err))
		return false;
	if (!is_kind(many, JSON_ARRAY, "hmac.secrets", err))
		return false;
	for (size_t i = 0; !json_is_null(many) && i < many->n; i++)
		if (!add_secret(&many->items[i], ret, err))
			return false;
	return !ret->signed_only || ret->secret_count > 0 ||
	       bad(err, "hmac.secrets", "is missing: a signature needs a secret");
}

static bool
read_hmac(const Json *config, WebhookConfig *ret, Err *err)
{
	static const char *const keys[] = { "enabled", "secret", "secrets", "algorithm" };
	const Json *v = json_get(config, "hmac");
	Str name = json_get_text(v, "algorithm");
	int at = str_none(name) ? HASH_SHA256 : name_index(algorithms, countof(algorithms), name);

	if (!is_kind(v, JSON_OBJECT, "hmac", err) || !keys_known(v, "hmac.", keys, countof(keys), err) ||
	    !is_kind(json_get(v, "enabled"), JSON_BOOL, "hmac.enabled", err) ||
	    !is_kind(json_get(v, "algorithm"), JSON_STRING, "hmac.algorithm", err))
		return false;
	if (at < 0)
		return bad(err, "hmac.algorithm", "must be sha1, sha256 or sha512");
	ret->algorithm = (HashKind)at;
	ret->signed_only = json_as_bool(json_get(v, "enabled"), false);
	return read_secrets(v, ret, err);
}

static bool
read_respond(const Json *config, WebhookConfig *ret, Err *err)
{
	static const char *const ways[] = { "async", "wait" };
	Str way = json_get_text(config, "respond");

	if (!is_kind(json_get(config, "respond"), JSON_STRING, "respond", err))
		return false;
	if (!str_none(way) && name_index(ways, countof(ways), way) < 0)
		return bad(err, "respond", "must be async or wait");
	ret->wait = str_is(way, "wait");
	return read_count(config, "wait_seconds", "wait_seconds", WEBHOOK_WAIT_MOST, &ret->wait_seconds, err);
}

bool
webhook_config_read(Arena *a, const Json *config, WebhookConfig *ret, Err *err)
{
	static const char *const keys[] = { "payload_size_limit_kb", "ip_whitelist", "rate_limit", "hmac", "respond",
		"wait_seconds" };
	int64_t kb = 0;

	*ret = (WebhookConfig){ .algorithm = HASH_SHA256, .wait_seconds = WAIT_USUAL };
	if (json_is_null(config))
		return true;
	if (config->kind != JSON_OBJECT)
		return bad(err, "webhook configuration", "must be an object");
	if (!keys_known(config, "", keys, countof(keys), err) ||
	    !read_count(config, "payload_size_limit_kb", "payload_size_limit_kb", LIMIT_MOST, &kb, err))
		return false;
	ret->size_limit = kb * 1024;
	return read_ips(a, config, ret, err) && read_rate(config, ret, err) && read_hmac(config, ret, err) &&
	       read_respond(config, ret, err);
}

/* ---- its secrets ---- */

static bool
has_secrets(const Json *hmac)
{
	return !json_is_null(json_get(hmac, "secret")) || !json_is_null(json_get(hmac, "secrets"));
}

Json
webhook_config_public(Arena *a, const Json *config)
{
	static const char *const hidden[] = { "secret", "secrets", "sealed", "key_id" };
	Json out = json_is(config, JSON_OBJECT) ? json_clone(a, config) : json_object(), hmac;
	const Json *v = json_get(&out, "hmac");
	int64_t n;

	if (!json_is(v, JSON_OBJECT))
		return out;
	n = json_as_int(json_get(v, "secret_count"), 0); /* where they are sealed */
	n += !json_is_null(json_get(v, "secret"));
	n += json_is(json_get(v, "secrets"), JSON_ARRAY) ? json_get(v, "secrets")->n : 0;
	hmac = *v;
	for (size_t i = 0; i < countof(hidden); i++)
		(void)json_remove(&hmac, str_of(hidden[i]));
	json_set(a, &hmac, "secret_count", json_int(n));
	json_set(a, &out, "hmac", hmac);
	return out;
}

bool
webhook_config_keeps(const Json *given)
{
	const Json *hmac = json_get(given, "hmac");

	return json_is(hmac, JSON_OBJECT) && !has_secrets(hmac);
}

Json
webhook_config_merge(Arena *a, const Json *old, const Json *given)
{
	static const char *const keys[] = { "secret", "secrets" };
	const Json *before = json_get(old, "hmac"), *now = json_get(given, "hmac");
	Json out = json_clone(a, given), hmac;

	if (!json_is(now, JSON_OBJECT))
		return out;
	hmac = json_clone(a, now);
	(void)json_remove(&hmac, str_of("secret_count")); /* it was read and comes back */
	for (size_t i = 0; !has_secrets(now) && i < countof(keys); i++)
		if (!json_is_null(json_get(before, keys[i])))
			json_set(a, &hmac, keys[i], json_clone(a, json_get(before, keys[i])));
	json_set(a, &out, "hmac", hmac);
	return out;
}

/* ---- a request ---- */

void
webhook_unwrap(const Json *body, const Json **ret_payload, const Json **ret_headers)
{
	static const char *const wrapper[] = { "payload", "headers", "source_ip", "user_agent" };

	*ret_payload = body;
	*ret_headers = NULL;
	if (!json_is(body, JSON_OBJECT) || json_get(body, "payload") == NULL)
		return;
	for (size_t i = 0; i < body->n; i++)
		if (name_index(wrapper, countof(wrapper), body->members[i].key) < 0)
			return;
	*ret_payload = json_get(body, "payload");
	*ret_headers = json_get(body, "headers");
}

static bool
refused(Err *err, const char *why)
{
	return err_set(err, ERR_UNAUTHORIZED, "%s", why);
}

/* The key of a secret as Standard Webhooks writes it: whsec_ and base64; any other text is the key itself. */
static Str
standard_key(Arena *a, Str secret)
{
	Str prefix = str_of("whsec_"), key;

	if (str_starts(secret, prefix) && base64_decode(a, str_sub(secret, prefix.n, secret.n), &key))
		return key;
	return secret;
}

/* "v1,<base64> v1,<base64>": does one of them fit? All are looked at. */
static bool
standard_fits(Arena *a, Str list, Str digest)
{
	Str one, rest = list, given;
	bool fits = false;

	while (str_cut(&rest, ' ', &one))
		if (str_starts(one, str_of("v1,")) && base64_decode(a, str_sub(one, 3, one.n), &given))
			fits = same_secret(given, digest) || fits;
	return fits;
}

static bool
verify_standard(Arena *a, const WebhookConfig *c, const WebhookSignature *s, Str body, TimeUs now, Err *err)
{
	unsigned char digest[HMAC_MOST];
	int64_t seconds;
	Buf text = buf_open(a);
	bool fits = false;

	if (s->id.n == 0 || s->timestamp.n == 0)
		return refused(err, "Signature required: webhook-id and webhook-timestamp belong to webhook-signature");
	if (!str_to_int(s->timestamp, &seconds) || seconds < 0 || seconds > INT64_MAX / US_PER_S)
		return refused(err, "Invalid webhook signature: webhook-timestamp is no number of seconds");
	if (now - seconds * US_PER_S > WEBHOOK_TOLERANCE || seconds * US_PER_S - now > WEBHOOK_TOLERANCE)
		return refused(err, "Invalid webhook signature: webhook-timestamp is more than 5 minutes away");
	buf_fmt(&text, "%.*s.%.*s.", STR_ARG(s->id), STR_ARG(s->timestamp));
	buf_add(&text, body);
	for (size_t i = 0; i < c->secret_count; i++) {
		size_t n = keyed_hash(HASH_SHA256, standard_key(a, c->secrets[i]), buf_str(&text), digest);

		fits = standard_fits(a, s->standard, (Str){ (const char *)digest, n }) || fits;
	}
	return fits || refused(err, "Invalid webhook signature");
}

static bool
verify_plain(Arena *a, const WebhookConfig *c, Str signature, Str body, Err *err)
{
	unsigned char digest[HMAC_MOST];
	Str rest = signature, given;
	bool fits = false;
	size_t at;

	if (str_find(signature, str_of("="), &at)) {
		if (!str_is(str_sub(signature, 0, at), algorithms[c->algorithm]))
			return err_set(err, ERR_UNAUTHORIZED, "Invalid webhook signature: it must be made with %s",
			    algorithms[c->algorithm]);
		rest = str_sub(signature, at + 1, signature.n);
	}
	if (!hex_decode(a, rest, &given))
		return refused(err, "Invalid webhook signature: it is no hexadecimal number");
	for (size_t i = 0; i < c->secret_count; i++) {
		size_t n = keyed_hash(c->algorithm, c->secrets[i], body, digest);

		fits = same_secret(given, (Str){ (const char *)digest, n }) || fits;
	}
	return fits || refused(err, "Invalid webhook signature");
}

bool
webhook_verify(Arena *a, const WebhookConfig *c, const WebhookSignature *s, Str body, TimeUs now, Err *err)
{
	if (!str_none(s->standard))
		return verify_standard(a, c, s, body, now, err);
	if (!str_none(s->plain))
		return verify_plain(a, c, str_trim(s->plain), body, err);
	return refused(err, "Signature required");
}
