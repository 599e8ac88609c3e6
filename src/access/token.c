#include "access/token.h"

#include "base/codec.h"
#include "base/names.h"

static const char header_text[] = "{\"alg\":\"HS256\",\"typ\":\"JWT\"}";

static const char *const type_names[TOKEN_TYPES] = {
	[TOKEN_ACCESS] = "access",
	[TOKEN_REFRESH] = "refresh",
	[TOKEN_SENSOR] = "sensor",
	[TOKEN_EXECUTION] = "execution",
	[TOKEN_WORKER] = "worker",
};

/* ---- making ---- */

static Json
claims_json(Arena *a, const Claims *c)
{
	Json o = json_object();

	json_add(a, &o, "sub", json_str(str_fmt(a, "%lld", (long long)c->subject)));
	json_add(a, &o, "login", json_str(c->login));
	json_add(a, &o, "iat", json_int(c->issued));
	json_add(a, &o, "exp", json_int(c->expires));
	json_add(a, &o, "token_type", json_cstr(type_names[c->type]));
	if (!str_none(c->scope))
		json_add(a, &o, "scope", json_str(c->scope));
	if (c->metadata.kind != JSON_NULL)
		json_add(a, &o, "metadata", c->metadata);
	if (c->session != 0)
		json_add(a, &o, "sid", json_int(c->session));
	if (c->type == TOKEN_REFRESH)
		json_add(a, &o, "gen", json_int(c->generation));
	return o;
}

Str
token_sign(Arena *a, const MacKey *key, const Claims *c)
{
	Json claims = claims_json(a, c);
	Str head = base64url_encode(a, str_of(header_text));
	Str body = base64url_encode(a, json_text(a, &claims));
	Str text = str_fmt(a, "%.*s.%.*s", STR_ARG(head), STR_ARG(body));
	unsigned char mac[MAC_BYTES];

	mac_make(key, text, mac);
	return str_fmt(
	    a, "%.*s.%.*s", STR_ARG(text), STR_ARG(base64url_encode(a, (Str){ (const char *)mac, sizeof(mac) })));
}

/* ---- reading ---- */

static bool
refuse(Err *err)
{
	return err_set(err, ERR_UNAUTHORIZED, "Invalid authentication token");
}

/* The algorithm is ours to choose, not the token's. */
static bool
header_is_ours(Arena *a, Str head)
{
	JsonLimits limits = { .size = 512, .depth = 2, .unique_keys = true };
	Str text, type;
	Json h;

	if (!base64_decode(a, head, &text))
		return false;
	if (str_is(text, header_text))
		return true;
	if (!json_parse(a, text, &limits, &h, NULL) || h.kind != JSON_OBJECT || json_get(&h, "crit") != NULL)
		return false;
	type = json_get_text(&h, "typ");
	return str_is(json_get_text(&h, "alg"), "HS256") && (json_get(&h, "typ") == NULL || str_is(type, "JWT"));
}

static bool
signature_holds(Arena *a, const MacKey *key, Str signed_text, Str signature)
{
	unsigned char mac[MAC_BYTES];
	Str given;

	mac_make(key, signed_text, mac);
	return base64_decode(a, signature, &given) && given.n == sizeof(mac) && bytes_same(mac, given.p, sizeof(mac));
}

/* Missing, it is an access token. */
static bool
type_read(const Json *claims, TokenType *ret)
{
	const Json *type = json_get(claims, "token_type");
	int at = type == NULL ? TOKEN_ACCESS : name_index(type_names, TOKEN_TYPES, json_as_str(type));

	*ret = (TokenType)at;
	return at >= 0;
}

/* A whole number, or absent. */
static bool
time_of(const Json *claims, const char *key, int64_t fallback, int64_t *ret)
{
	const Json *v = json_get(claims, key);

	*ret = fallback;
	if (v == NULL)
		return true;
	*ret = json_as_int(v, -1);
	return *ret >= 0;
}

static bool
claims_read(const Json *o, Claims *c)
{
	const Json *metadata = json_get(o, "metadata"), *audience = json_get(o, "aud");
	Str subject = json_get_text(o, "sub");

	if (!type_read(o, &c->type) || !str_to_int(subject, &c->subject) || c->subject <= 0)
		return false;
	if (audience != NULL && !str_is(json_as_str(audience), "attune"))
		return false;
	c->login = json_get_text(o, "login");
	c->scope = json_get_text(o, "scope");
	c->metadata = json_is(metadata, JSON_OBJECT) ? *metadata : json_null();
	c->session = json_as_int(json_get(o, "sid"), 0);
	c->generation = json_as_int(json_get(o, "gen"), 0);
	return !str_none(c->login);
}

/* A clock may be a little wrong, in both directions. */
static bool
times_hold(const Json *o, int64_t now, Claims *c, Err *err)
{
	int64_t begins;

	if (!time_of(o, "exp", -1, &c->expires) || !time_of(o, "iat", 0, &c->issued) ||
	    !time_of(o, "nbf", 0, &begins) || c->expires < 0)
		return refuse(err);
	if (begins > now + TOKEN_LEEWAY || c->issued > now + TOKEN_LEEWAY)
		return refuse(err);
	if (c->expires < now - TOKEN_LEEWAY)
		return err_set(err, ERR_UNAUTHORIZED, "Authentication token expired");
	return true;
}

bool
token_read(Arena *a, const MacKey *key, Str token, TimeUs now, Claims *ret, Err *err)
{
	JsonLimits limits = { .size = TOKEN_MAX, .depth = 8, .unique_keys = true };
	Str rest = token, head = { 0 }, body = { 0 }, signed_text, text;
	Claims c = { 0 };
	Json o;

	if (token.n > TOKEN_MAX || !str_cut(&rest, '.', &head) || !str_cut(&rest, '.', &body) || rest.n == 0 ||
	    memchr(rest.p, '.', rest.n) != NULL)
		return refuse(err);
	signed_text = (Str){ token.p, head.n + 1 + body.n };
	if (!header_is_ours(a, head) || !signature_holds(a, key, signed_text, rest))
		return refuse(err);
	if (!base64_decode(a, body, &text) || !json_parse(a, text, &limits, &o, NULL) || o.kind != JSON_OBJECT ||
	    !claims_read(&o, &c))
		return refuse(err);
	if (!times_hold(&o, now / US_PER_S, &c, err))
		return false;
	*ret = c;
	return true;
}
