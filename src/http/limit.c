/* Who may ask how often: a bucket for each address and one for each token. */
#include "http/steps.h"

enum { BURST_S = 5 };

static uint64_t
hashed(char kind, Str text)
{
	return str_hash(text) * 31 + (uint64_t)kind;
}

/* A token is known by the header that brings it; whether it is a good one is looked at later. */
static Str
token_of(const Req *q)
{
	Str token = q->heads.known[HEAD_AUTHORIZATION].value;

	return str_none(token) ? q->heads.known[HEAD_COOKIE].value : token;
}

/* Who is limited twice is told of the limit that is nearer. */
static bool
take(Req *q, char kind, Str text, int64_t per_second)
{
	const HttpConfig *c = &q->server->config;
	int64_t burst = per_second * (c->rate_burst > 0 ? c->rate_burst : BURST_S);
	RateState state;
	bool taken;

	if (per_second <= 0 || str_none(text))
		return true;
	taken = rate_take(q->server->rates, hashed(kind, text), per_second, burst, mono_now(), &state);
	if (!taken || q->rate.limit == 0 || state.remaining < q->rate.remaining)
		q->rate = state;
	return taken;
}

/* What everybody may read: but where the path holds a parameter, somebody may be guessing it. */
static bool
is_public_read(const Req *q)
{
	const Route *r = q->match.entry->route;

	return (r->flags & ROUTE_PUBLIC) != 0 && q->method <= METHOD_HEAD && strchr(r->path, '{') == NULL;
}

static int64_t
whole_seconds(TimeUs t)
{
	return (t + US_PER_S - 1) / US_PER_S;
}

bool
limit_check(Req *q)
{
	const HttpConfig *c = &q->server->config;
	Str client;

	if (q->server->rates == NULL || is_public_read(q))
		return true;
	client = req_client(q);
	if (take(q, 'a', str_none(client) ? req_peer(q) : client, c->rate_address) &&
	    take(q, 't', token_of(q), c->rate_token))
		return true;
	respond_refuse(q, 429, "TOO_MANY_REQUESTS", "More than %lld requests within a moment. Try again in %lld s",
	    (long long)q->rate.limit, (long long)whole_seconds(q->rate.wait));
	res_header(&q->res, "Retry-After", str_fmt(q->arena, "%lld", (long long)whole_seconds(q->rate.wait)));
	return false;
}

size_t
limit_told(const Req *q, ResHeader told[LIMIT_HEADERS])
{
	const RateState *r = &q->rate;

	if (r->limit == 0)
		return 0;
	told[0] = (ResHeader){ "RateLimit-Limit", str_fmt(q->arena, "%lld", (long long)r->limit) };
	told[1] = (ResHeader){ "RateLimit-Remaining", str_fmt(q->arena, "%lld", (long long)r->remaining) };
	told[2] = (ResHeader){ "RateLimit-Reset",
		str_fmt(q->arena, "%lld", (long long)whole_seconds(r->wait != 0 ? r->wait : r->full)) };
	return LIMIT_HEADERS;
}
