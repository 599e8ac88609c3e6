#include "access/access.h"

#include "access/inner.h"
#include "base/codec.h"

#include <stdlib.h>

enum { LOCAL_YEARS = 10, LATE_US = 60 * US_PER_S };

static const TimeUs YEAR_US = 365LL * 86400 * US_PER_S;

bool
access_open(const AccessConfig *config, Access **ret, Err *err)
{
	Access *x;

	if (!secret_init(err))
		return false;
	x = calloc(1, sizeof(Access));
	if (x == NULL)
		return err_set(err, ERR_SYS, "out of memory");
	x->config = *config;
	mac_key(config->secret, &x->key);
	x->config.secret = (Str){ 0 };
	*ret = x;
	return true;
}

void
access_close(Access *x)
{
	if (x == NULL)
		return;
	bytes_wipe(&x->key, sizeof(x->key));
	free(x);
}

void
access_changed(Access *x)
{
	atomic_fetch_add(&x->version, 1);
}

Str
access_no_password(void)
{
	/* made like a real one, of bytes that nobody knows a password for */
	return str_of(
	    "$argon2id$v=19$m=19456,t=2,p=1$8THBn8UeW1RA13FN+bU/KQ$OxjlAA4XcCImnLSMEKDD+oDPrBqD0+Dg5g+gi32iSBQ");
}

TimeUs
access_life(const Access *x)
{
	return x->config.access_life;
}

TimeUs
access_refresh_life(const Access *x)
{
	return x->config.refresh_life;
}

/* ---- making tokens ---- */

static Str
sign(Access *x, Arena *a, Claims *c, TimeUs life)
{
	c->issued = clock_wall(x->config.clock) / US_PER_S;
	c->expires = c->issued + life / US_PER_S;
	return token_sign(a, &x->key, c);
}

Str
access_token(Access *x, Arena *a, const IdentityDef *who, Id session)
{
	Claims c = { .type = TOKEN_ACCESS, .subject = who->id, .login = who->login, .session = session };

	return sign(x, a, &c, x->config.access_life);
}

Str
access_refresh_token(Access *x, Arena *a, const IdentityDef *who, Id session, int64_t generation)
{
	Claims c = { .type = TOKEN_REFRESH,
		.subject = who->id,
		.login = who->login,
		.session = session,
		.generation = generation };

	return sign(x, a, &c, x->config.refresh_life);
}

Str
access_local_token(Access *x, Arena *a, const IdentityDef *who, Id session)
{
	Claims c = { .type = TOKEN_ACCESS, .subject = who->id, .login = who->login, .session = session };

	return sign(x, a, &c, LOCAL_YEARS * YEAR_US);
}

Str
access_sensor_token(
    Access *x, Arena *a, Id identity, Str sensor_ref, const Json *trigger_types, int64_t instance, TimeUs life)
{
	Claims c = { .type = TOKEN_SENSOR, .subject = identity, .login = sensor_ref, .scope = str_of("sensor") };

	c.metadata = json_object();
	json_add(a, &c.metadata, "trigger_types", *trigger_types);
	if (instance != 0)
		json_add(a, &c.metadata, "instance", json_int(instance));
	return sign(x, a, &c, life);
}

Str
access_worker_token(Access *x, Arena *a, Id worker, TimeUs life)
{
	Claims c = { .type = TOKEN_WORKER,
		.subject = IDENTITY_SYSTEM,
		.login = str_fmt(a, "worker:%lld", (long long)worker),
		.scope = str_of("internal_files") };

	c.metadata = json_object();
	json_add(a, &c.metadata, "worker_id", json_int(worker));
	return sign(x, a, &c, life);
}

static Json
one_text(Arena *a, Str text)
{
	Json list = json_array();

	json_push(a, &list, json_str(text));
	return list;
}

Str
access_run_token(Access *x, Arena *a, const RunToken *r)
{
	Claims c = { .type = TOKEN_EXECUTION,
		.subject = r->identity == 0 ? IDENTITY_SYSTEM : r->identity,
		.login = str_fmt(a, "execution:%lld", (long long)r->execution),
		.scope = str_of("execution") };

	c.metadata = json_object();
	json_add(a, &c.metadata, "execution_id", json_int(r->execution));
	json_add(a, &c.metadata, "action_ref", json_str(r->action_ref));
	json_add(a, &c.metadata, "permission_set_refs",
	    json_is(r->permission_set_refs, JSON_ARRAY) ? *r->permission_set_refs : json_array());
	json_add(a, &c.metadata, "standard_access_action_refs", one_text(a, r->action_ref));
	json_add(a, &c.metadata, "standard_access_pack_refs", one_text(a, r->pack_ref));
	return sign(x, a, &c, r->life + LATE_US);
}

bool
access_read(Access *x, Arena *a, Str token, Claims *ret, Err *err)
{
	return token_read(a, &x->key, token, clock_wall(x->config.clock), ret, err);
}

/* ---- links ---- */

Str
access_link(Access *x, Arena *a, Id link, TimeUs created)
{
	unsigned char mac[MAC_BYTES];
	Str what = str_fmt(a, "inquiry link %lld of %lld", (long long)link, (long long)created), text;

	mac_make(&x->key, what, mac);
	text = base64url_encode(a, (Str){ (const char *)mac, sizeof(mac) });
	return str_fmt(a, "%lld.%.*s", (long long)link, STR_ARG(text));
}

bool
access_link_id(Str token, Id *ret)
{
	size_t n = 0;

	*ret = 0;
	for (; n < token.n && n < 18 && token.p[n] >= '0' && token.p[n] <= '9'; n++)
		*ret = *ret * 10 + (token.p[n] - '0');
	return n > 0 && n < token.n && token.p[n] == '.';
}
