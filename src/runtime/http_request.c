#include "runtime/http_request.h"

#include "base/codec.h"
#include "base/names.h"
#include "http/client.h"
#include "runtime/params.h"

enum { TIMEOUT_DEFAULT = 30, TIMEOUT_MOST = 300, REDIRECTS_DEFAULT = 10, REDIRECTS_MOST = 50 };

typedef struct Asking {
	Internal *i;
	Call *c;
	const char **headers;
	size_t headers_n;
	bool typed; /* a Content-Type was given */
	Str why;    /* what is wrong with the parameters */
} Asking;

static bool
wrong(Asking *q, Str why)
{
	q->why = why;
	return false;
}

static Str
text_of(const Asking *q, const char *name)
{
	const Json *v = json_get(q->i->params, name);

	return json_is_null(v) ? (Str){ 0 } : params_plain(q->c->a, v);
}

static bool
whole(Asking *q, const char *name, int64_t fallback, int64_t least, int64_t most, int64_t *ret)
{
	const Json *v = json_get(q->i->params, name);

	*ret = json_is_null(v) ? fallback : json_as_int(v, INT64_MIN);
	if (json_is(v, JSON_STRING) && !str_to_int(json_as_str(v), ret))
		*ret = INT64_MIN;
	if (*ret >= least && *ret <= most)
		return true;
	return wrong(q,
	    str_fmt(q->i->a, "%s must be a whole number from %lld to %lld", name, (long long)least, (long long)most));
}

static bool
yes_or_no(const Asking *q, const char *name, bool fallback)
{
	const Json *v = json_get(q->i->params, name);

	if (json_is(v, JSON_STRING))
		return !str_is(json_as_str(v), "false");
	return json_as_bool(v, fallback);
}

static bool
has_control(Str s)
{
	for (size_t i = 0; i < s.n; i++)
		if ((unsigned char)s.p[i] < ' ' || s.p[i] == 0x7f)
			return true;
	return false;
}

/* ---- the URL ---- */

static void
add_query(Buf *b, char *sep, Str key, const Json *value)
{
	if (json_is(value, JSON_ARRAY)) { /* a name with several values comes several times */
		for (size_t k = 0; k < value->n; k++)
			if (!json_is(&value->items[k], JSON_ARRAY))
				add_query(b, sep, key, &value->items[k]);
		return;
	}
	buf_char(b, *sep);
	buf_add(b, url_escape(b->a, key));
	buf_char(b, '=');
	buf_add(b, url_escape(b->a, params_plain(b->a, value)));
	*sep = '&';
}

/* A fragment stays behind the query. */
static bool
take_url(Asking *q)
{
	Str url = str_trim(text_of(q, "url")), fragment = str_of("");
	const Json *query = json_get(q->i->params, "query_params");
	Buf b = buf_open(q->c->a);
	char sep = '?';
	size_t at;

	if (url.n == 0)
		return wrong(q, str_of("url is required"));
	if (has_control(url) || (!str_starts(str_lower(q->c->a, str_sub(url, 0, 8)), str_of("http://")) &&
				    !str_starts(str_lower(q->c->a, str_sub(url, 0, 8)), str_of("https://"))))
		return wrong(q, str_of("url must begin with http:// or https://, and hold no control characters"));
	if (str_find(url, str_of("#"), &at)) {
		fragment = str_sub(url, at, url.n);
		url = str_sub(url, 0, at);
	}
	buf_add(&b, url);
	if (memchr(url.p, '?', url.n) != NULL)
		sep = '&';
	for (size_t k = 0; json_is(query, JSON_OBJECT) && k < query->n; k++)
		add_query(&b, &sep, query->members[k].key, &query->members[k].value);
	buf_add(&b, fragment);
	q->c->url = buf_str(&b).p;
	return true;
}

/* ---- headers ---- */

static bool
is_token(Str s)
{
	for (size_t i = 0; i < s.n; i++) {
		char c = s.p[i];
		bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
			     (c != '\0' && strchr("!#$%&'*+-.^_`|~", c) != NULL);

		if (!plain)
			return false;
	}
	return s.n > 0;
}

/* Where a body ends is said by us alone: two opinions about it smuggle a request. */
static bool
add_header(Asking *q, Str name, Str value)
{
	static const char *const ours[] = { "content-length", "transfer-encoding", "connection", "expect", "upgrade" };

	if (!is_token(name))
		return wrong(q, str_fmt(q->i->a, "'%.*s' cannot be the name of a header", STR_ARG(name)));
	if (has_control(value))
		return wrong(q, str_fmt(q->i->a, "the header %.*s holds a control character", STR_ARG(name)));
	for (size_t k = 0; k < countof(ours); k++)
		if (str_eq_nocase(name, str_of(ours[k])))
			return wrong(q, str_fmt(q->i->a, "the header %s cannot be given", ours[k]));
	q->typed = q->typed || str_eq_nocase(name, str_of("content-type"));
	/* libcurl takes a name without a value for "send no such header" */
	q->headers[q->headers_n++] = value.n == 0 ? str_fmt(q->c->a, "%.*s;", STR_ARG(name)).p
						  : str_fmt(q->c->a, "%.*s: %.*s", STR_ARG(name), STR_ARG(value)).p;
	return true;
}

static bool
take_headers(Asking *q)
{
	const Json *given = json_get(q->i->params, "headers");
	size_t n = json_is(given, JSON_OBJECT) ? given->n : 0;

	q->headers = arena_array(q->c->a, const char *, n + 2);
	for (size_t k = 0; k < n; k++)
		if (!add_header(q, given->members[k].key, params_plain(q->c->a, &given->members[k].value)))
			return false;
	q->c->headers = q->headers;
	return true;
}

/* ---- the rest ---- */

static bool
take_method(Asking *q)
{
	static const char *const methods[] = { "GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS" };
	Str given = text_of(q, "method");
	int which = given.n == 0 ? 0 : -1;

	for (size_t k = 0; k < countof(methods); k++)
		if (str_eq_nocase(given, str_of(methods[k])))
			which = (int)k;
	if (which < 0)
		return wrong(q, str_of("method must be one of GET, POST, PUT, PATCH, DELETE, HEAD, OPTIONS"));
	q->c->method = methods[which];
	return true;
}

static bool
take_body(Asking *q)
{
	const Json *json = json_get(q->i->params, "json_body");
	Str plain = text_of(q, "body");

	if (!json_is_null(json)) {
		q->c->body = json_text(q->c->a, json);
		return q->typed || add_header(q, str_of("Content-Type"), str_of("application/json"));
	}
	if (plain.n > 0)
		q->c->body = str_copy(q->c->a, plain);
	return true;
}

static bool
take_auth(Asking *q)
{
	static const char *const kinds[] = { "none", "basic", "bearer" };
	Str kind = text_of(q, "auth_type"), token = text_of(q, "auth_token");
	Str user = text_of(q, "auth_username"), password = text_of(q, "auth_password");
	int which = kind.n == 0 ? 0 : name_index(kinds, countof(kinds), kind);

	if (which < 0)
		return wrong(q, str_of("auth_type must be one of none, basic, bearer"));
	if (has_control(token) || has_control(user) || has_control(password))
		return wrong(q, str_of("auth_username, auth_password and auth_token hold no control characters"));
	if (which == 1 && user.n == 0)
		return wrong(q, str_of("auth_type basic needs auth_username"));
	if (which == 2 && token.n == 0)
		return wrong(q, str_of("auth_type bearer needs auth_token"));
	if (which == 1) {
		q->c->user = str_cstr(q->c->a, user);
		q->c->password = str_cstr(q->c->a, password);
	}
	if (which == 2)
		q->c->bearer = str_cstr(q->c->a, token);
	return true;
}

static bool
take_limits(Asking *q)
{
	int64_t seconds;

	if (!whole(q, "timeout", TIMEOUT_DEFAULT, 1, TIMEOUT_MOST, &seconds) ||
	    !whole(q, "max_redirects", REDIRECTS_DEFAULT, 0, REDIRECTS_MOST, &q->c->redirects))
		return false;
	q->c->timeout_ms = seconds * 1000;
	if (!yes_or_no(q, "follow_redirects", true))
		q->c->redirects = 0;
	q->c->trusting = !yes_or_no(q, "verify_ssl", true);
	q->c->answer_max = q->i->out->max;
	return true;
}

void
http_request_run(Internal *i)
{
	Asking q = { .i = i, .c = call_open() };

	if (take_url(&q) && take_method(&q) && take_headers(&q) && take_body(&q) && take_auth(&q) && take_limits(&q)) {
		i->call = q.c;
		return;
	}
	internal_fail(i, str_fmt(i->a, "ERROR: %.*s\n", STR_ARG(q.why)).p);
	call_close(q.c);
}

/* ---- the answer ---- */

static void
add_text(Internal *i, Json *o, const Call *c)
{
	Str text = { c->text.n == 0 ? "" : c->text.p, c->text.n };
	Json value = json_null();

	json_add(i->a, o, "body", json_str(utf8_clean(i->a, text)));
	if (!utf8_valid(text))
		json_add(i->a, o, "body_base64", json_str(base64_encode(i->a, text)));
	else if (str_trim(text).n > 0 && !json_parse(i->a, text, NULL, &value, NULL))
		value = json_null();
	json_add(i->a, o, "json", value);
}

void
http_request_answered(Internal *i, const Call *c)
{
	bool came = str_none(c->error);
	Json o = json_object();
	Str line;

	json_add(i->a, &o, "status_code", json_int(c->status));
	json_add(i->a, &o, "headers", came ? c->received : json_object());
	add_text(i, &o, c);
	json_add(i->a, &o, "elapsed_ms", json_int(c->elapsed / US_PER_MS));
	json_add(i->a, &o, "url", json_str(utf8_clean(i->a, c->at)));
	json_add(i->a, &o, "success", json_bool(came && c->status >= 200 && c->status < 300));
	if (!came)
		json_add(i->a, &o, "error", json_str(utf8_clean(i->a, c->error)));
	line = str_fmt(i->a, "%s\n", json_text(i->a, &o).p);
	if (came && line.n + STREAM_NOTICE > i->out->max) {
		internal_fail(i, str_fmt(i->a, "the answer of %zu bytes is too large for a result\n", c->text.n).p);
		return;
	}
	stream_put(i->out, line);
	if (!came)
		internal_fail(i, str_fmt(i->a, "%.*s: %.*s\n", STR_ARG(c->at), STR_ARG(c->error)).p);
}
