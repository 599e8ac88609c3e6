/* What every answer gets on its way: compressed and conditional as the client likes it, and the headers that browsers heed. */
#include "http/steps.h"

#include "base/log.h"
#include "base/uuid.h"
#include "http/negotiate.h"

enum { GZIP_LEAST = 1024 }; /* smaller answers fit into a packet as they are */

static bool
res_has(const Res *s, const char *name)
{
	for (size_t i = 0; i < s->n; i++)
		if (str_eq_nocase(str_of(s->headers[i].name), str_of(name)))
			return true;
	return false;
}

/* What has not changed since it was last read needs not be sent. */
static void
offer_tag(Req *q)
{
	Str known = q->heads.known[HEAD_NONE_MATCH].value, tag;
	Res *s = &q->res;

	if (s->status != 200 || s->type == NULL || strcmp(s->type, "application/json") != 0 ||
	    q->method > METHOD_HEAD || res_has(s, "ETag"))
		return;
	tag = etag_of(q->arena, s->body);
	res_header(s, "ETag", tag);
	if (str_none(known) || !etag_matches(known, tag))
		return;
	s->status = 304;
	s->type = NULL;
	s->body = (Str){ "", 0 };
}

static void
offer_gzip(Req *q)
{
	Res *s = &q->res;
	Str small;

	if (s->body.n < GZIP_LEAST || !type_shrinks(s->type) || res_has(s, "Content-Encoding"))
		return;
	res_header(s, "Vary", str_of("Accept-Encoding"));
	if (!accepts_gzip(q->heads.known[HEAD_ACCEPT_CODING].value) ||
	    !gzip_bytes(&q->thread->gzip, q->arena, s->body, &small))
		return;
	s->body = small;
	res_header(s, "Content-Encoding", str_of("gzip"));
}

void
offer_body(Req *q)
{
	offer_tag(q);
	offer_gzip(q);
}

static void
offer_cors(Req *q)
{
	const HttpConfig *c = &q->server->config;
	Str origin = q->heads.known[HEAD_ORIGIN].value;
	Res *s = &q->res;

	if (!c->cors)
		return;
	res_header(s, "Vary", str_of("Origin"));
	if (str_none(origin) || !origin_allowed(origin, c->origins, c->origin_count))
		return;
	res_header(s, "Access-Control-Allow-Origin", origin);
	res_header(s, "Access-Control-Allow-Credentials", str_of("true"));
	if (q->method != METHOD_OPTIONS) {
		res_header(s, "Access-Control-Expose-Headers",
		    str_of("authorization, content-type, content-length, content-range, content-disposition, "
			   "accept, accept-ranges, allow, etag, idempotency-replayed, location, retry-after, "
			   "ratelimit-limit, ratelimit-remaining, ratelimit-reset, traceparent, www-authenticate, "
			   "x-request-id"));
		return;
	}
	res_header(s, "Access-Control-Allow-Methods", str_of("GET, POST, PUT, DELETE, PATCH, OPTIONS"));
	res_header(s, "Access-Control-Allow-Headers",
	    str_of("authorization, content-type, accept, idempotency-key, if-none-match, if-range, "
		   "last-event-id, range, traceparent, x-request-id"));
	res_header(s, "Access-Control-Max-Age", str_of("600"));
}

static void
offer_trace(Req *q)
{
	Str given = q->heads.known[HEAD_TRACE].value, trace;
	uint64_t span;
	Uuid u;

	if (str_none(given))
		return;
	u = uuid_new(clock_wall(clock_real()));
	memcpy(&span, u.b + sizeof(u.b) - sizeof(span), sizeof(span));
	trace = trace_answer(q->arena, given, span);
	if (!str_none(trace))
		res_header(&q->res, "traceparent", trace);
}

static void
add_header(struct MHD_Response *r, const char *name, Arena *a, Str value)
{
	if (MHD_add_response_header(r, name, str_cstr(a, value)) == MHD_NO)
		log_warn("HTTP: the answer's header %s cannot be sent", name);
}

/* An answer of which its handler says nothing is nobody's to keep or to frame. */
static void
add_defaults(Req *q, struct MHD_Response *r)
{
	static const struct {
		const char *name, *value;
	} defaults[] = {
		{ "X-Content-Type-Options", "nosniff" },
		{ "Cache-Control", "no-store" },
		{ "Referrer-Policy", "no-referrer" },
		{ "Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'" },
	};

	for (size_t i = 0; i < countof(defaults); i++)
		if (!res_has(&q->res, defaults[i].name))
			MHD_add_response_header(r, defaults[i].name, defaults[i].value);
	if (q->server->config.tls_cert.n > 0)
		MHD_add_response_header(r, "Strict-Transport-Security", "max-age=31536000");
	add_header(r, "X-Request-Id", q->arena, q->id);
}

void
offer_headers(Req *q, struct MHD_Response *r)
{
	const Res *s = &q->res;
	ResHeader limit[LIMIT_HEADERS];
	size_t limits = limit_told(q, limit);

	offer_cors(q);
	offer_trace(q);
	if (s->type != NULL)
		MHD_add_response_header(r, "Content-Type", s->type);
	add_defaults(q, r);
	for (size_t i = 0; i < s->n; i++)
		add_header(r, s->headers[i].name, q->arena, s->headers[i].value);
	for (size_t i = 0; i < limits; i++)
		add_header(r, limit[i].name, q->arena, limit[i].value);
}
