#include "http/check.h"

#include <microhttpd.h>

/*
 * Version 0.9.75 ends each header line in its buffer by overwriting the line's end: two NULs where CR LF stood, one where a bare
 * LF did. So the distance between one value and the next name tells what was sent, and a NUL sent by the client shows as a gap.
 * Later versions refuse these forms by themselves and keep other buffers.
 */
enum { LAYOUT_KNOWN = MHD_VERSION < 0x00097600 };

enum { LINE_END = 2 };

typedef struct Scan {
	Heads heads;
	const char *end; /* of the line before */
	const char *problem;
} Scan;

static const char *const known[HEAD_NAMES] = {
	[HEAD_LENGTH] = "Content-Length",
	[HEAD_ENCODING] = "Transfer-Encoding",
	[HEAD_HOST] = "Host",
	[HEAD_TYPE] = "Content-Type",
	[HEAD_CODING] = "Content-Encoding",
	[HEAD_REQUEST_ID] = "X-Request-Id",
	[HEAD_ORIGIN] = "Origin",
	[HEAD_ACCEPT_CODING] = "Accept-Encoding",
	[HEAD_NONE_MATCH] = "If-None-Match",
	[HEAD_TRACE] = "traceparent",
	[HEAD_AUTHORIZATION] = "Authorization",
	[HEAD_COOKIE] = "Cookie",
};

static bool
is_token(Str s)
{
	static const char others[] = "!#$%&'*+-.^_`|~";

	for (size_t i = 0; i < s.n; i++) {
		char c = s.p[i];
		bool alnum = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');

		if (!alnum && c != '-' && (c == '\0' || strchr(others, c) == NULL))
			return false;
	}
	return s.n > 0;
}

static bool
is_field_value(Str s)
{
	for (size_t i = 0; i < s.n; i++) {
		unsigned char c = (unsigned char)s.p[i];

		if ((c < ' ' && c != '\t') || c == 0x7f)
			return false;
	}
	return true;
}

static void
note(Heads *h, Str name, Str value)
{
	for (int i = 0; i < HEAD_NAMES; i++) {
		if (!str_eq_nocase(name, str_of(known[i])))
			continue;
		h->known[i].value = value;
		h->known[i].times++;
	}
}

static enum MHD_Result
scan_header(void *self, enum MHD_ValueKind kind, const char *name, size_t name_n, const char *value, size_t value_n)
{
	Scan *s = self;
	Str n = { name, name_n }, v = { value == NULL ? "" : value, value_n };

	(void)kind;
	if (LAYOUT_KNOWN && name != s->end + LINE_END)
		s->problem = "A header line is folded, holds a NUL or does not end with CR LF";
	else if (!is_token(n))
		s->problem = "A header has a name that is none";
	else if (!is_field_value(v))
		s->problem = "A header's value holds a control character";
	if (s->problem != NULL)
		return MHD_NO;
	s->end = v.p + v.n;
	s->heads.bytes += n.n + v.n + 4; /* ": " and CR LF */
	note(&s->heads, n, str_trim(v));
	return MHD_YES;
}

static bool
check_line(const RawLine *line, Err *err)
{
	if (!LAYOUT_KNOWN)
		return true;
	if (line->method + strlen(line->method) + 1 != line->target ||
	    line->target + line->target_n + 1 != line->version)
		return err_set(err, ERR_INVALID,
		    "The request line must be METHOD SP TARGET SP VERSION, without further spaces or NUL");
	return true;
}

/* After the last line comes the empty one; both ends were overwritten with NULs. */
static bool
ends_clean(const char *end)
{
	for (int i = 0; i < 2 * LINE_END; i++)
		if (end[i] != '\0')
			return false;
	return true;
}

static bool
check_length(Heads *h, Err *err)
{
	const Head *length = &h->known[HEAD_LENGTH], *encoding = &h->known[HEAD_ENCODING];
	int64_t n;

	if (length->times > 0 && encoding->times > 0)
		return err_set(err, ERR_INVALID, "Content-Length and Transfer-Encoding must not come together");
	if (length->times > 1)
		return err_set(err, ERR_INVALID, "Content-Length must be given once");
	if (encoding->times > 1 || (encoding->times == 1 && !str_eq_nocase(encoding->value, str_of("chunked"))))
		return err_set(err, ERR_INVALID, "Transfer-Encoding must be 'chunked', given once");
	h->chunked = encoding->times == 1;
	if (length->times == 1) {
		if (!str_to_int(length->value, &n) || n < 0)
			return err_set(err, ERR_INVALID, "Content-Length must be a number of bytes");
		h->body_n = (uint64_t)n;
	}
	h->has_body = h->chunked || h->body_n > 0;
	return true;
}

static bool
check_version(const char *version, const Heads *h, Err *err)
{
	bool old = strcmp(version, "HTTP/1.0") == 0;
	unsigned hosts = h->known[HEAD_HOST].times;

	if (!old && strcmp(version, "HTTP/1.1") != 0)
		return err_set(err, ERR_INVALID, "This server speaks HTTP/1.1");
	if (old && h->chunked)
		return err_set(err, ERR_INVALID, "HTTP/1.0 knows no Transfer-Encoding");
	if (hosts > 1 || (hosts == 0 && !old))
		return err_set(err, ERR_INVALID, "The request needs one Host header");
	return true;
}

bool
check_request(struct MHD_Connection *c, const RawLine *line, size_t max, Heads *ret, Err *err)
{
	Scan s = { .end = line->version + strlen(line->version) };

	if (!check_line(line, err))
		return false;
	MHD_get_connection_values_n(c, MHD_HEADER_KIND, scan_header, &s);
	if (s.problem == NULL && LAYOUT_KNOWN && !ends_clean(s.end))
		s.problem = "The headers hold a NUL or do not end with CR LF";
	if (s.problem != NULL)
		return err_set(err, ERR_INVALID, "%s", s.problem);
	if (s.heads.bytes > max)
		return err_set(err, ERR_TOO_LARGE, "The headers are larger than %zu bytes", max);
	if (!check_length(&s.heads, err) || !check_version(line->version, &s.heads, err))
		return false;
	*ret = s.heads;
	return true;
}
