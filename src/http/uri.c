#include "http/uri.h"

#include "base/codec.h"

bool
uri_split(Str target, Str *ret_path, Str *ret_query, Err *err)
{
	const char *mark;

	if (target.n == 0 || target.p[0] != '/')
		return err_set(err, ERR_INVALID, "The request target must begin with '/'");
	for (size_t i = 0; i < target.n; i++) {
		unsigned char c = (unsigned char)target.p[i];

		if (c <= ' ' || c == 0x7f || c == '#')
			return err_set(err, ERR_INVALID,
			    "The request target holds the byte 0x%02x, which must be sent as %%%02X", c, c);
	}
	mark = memchr(target.p, '?', target.n);
	if (mark == NULL) {
		*ret_path = target;
		*ret_query = (Str){ 0 };
		return true;
	}
	*ret_path = (Str){ target.p, (size_t)(mark - target.p) };
	*ret_query = str_sub(target, ret_path->n + 1, target.n);
	return true;
}

static int
hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

/* The byte an escape at raw.p[at] stands for, or -1. */
static int
escape_at(Str raw, size_t at)
{
	int high, low;

	if (raw.n - at < 3)
		return -1;
	high = hex_digit(raw.p[at + 1]);
	low = hex_digit(raw.p[at + 2]);
	return high < 0 || low < 0 ? -1 : high * 16 + low;
}

static bool
decode_escapes(Arena *a, Str raw, bool plus, Str *ret, Err *err)
{
	char *out = arena_alloc_raw(a, raw.n + 1);
	size_t n = 0;

	for (size_t i = 0; i < raw.n; i++) {
		int c = (unsigned char)raw.p[i];

		if (c == '%') {
			c = escape_at(raw, i);
			if (c < 0)
				return err_set(err, ERR_INVALID, "A '%%' in the URL is not followed by two hex digits");
			if (c == 0)
				return err_set(err, ERR_INVALID, "The URL must not hold %%00");
			i += 2;
		} else if (c == '+' && plus) {
			c = ' ';
		}
		out[n++] = (char)c;
	}
	out[n] = '\0';
	*ret = (Str){ out, n };
	return true;
}

static bool
decode(Arena *a, Str raw, bool plus, Str *ret, Err *err)
{
	bool plain = true;
	Str got = raw;

	for (size_t i = 0; i < raw.n && plain; i++)
		plain = raw.p[i] != '%' && (raw.p[i] != '+' || !plus);
	if (!plain && !decode_escapes(a, raw, plus, &got, err))
		return false;
	if (!utf8_valid(got))
		return err_set(err, ERR_INVALID, "The URL is not valid UTF-8");
	*ret = got;
	return true;
}

bool
uri_segment(Arena *a, Str raw, Str *ret, Err *err)
{
	Str got;

	if (!decode(a, raw, false, &got, err))
		return false;
	if (got.n > 0 && memchr(got.p, '/', got.n) != NULL)
		return err_set(err, ERR_INVALID, "The path must not hold %%2F");
	if (str_is(got, ".") || str_is(got, ".."))
		return err_set(err, ERR_INVALID, "The path must not hold '.' or '..' as a segment");
	*ret = got;
	return true;
}

bool
uri_value(Arena *a, Str raw, Str *ret, Err *err)
{
	return decode(a, raw, true, ret, err);
}

static bool
query_item(Arena *a, Str piece, QueryItem *ret, Err *err)
{
	Str rest = piece, name = piece, value = { "", 0 };
	const char *eq = memchr(piece.p, '=', piece.n);

	if (eq != NULL) {
		name = str_sub(rest, 0, (size_t)(eq - piece.p));
		value = str_sub(rest, name.n + 1, piece.n);
	}
	return uri_value(a, name, &ret->name, err) && uri_value(a, value, &ret->value, err);
}

bool
uri_query(Arena *a, Str text, Query *ret, Err *err)
{
	Query q = { 0 };
	Str piece;

	if (text.n == 0) {
		*ret = q;
		return true;
	}
	q.items = arena_array(a, QueryItem, URI_QUERY_MAX);
	while (str_cut(&text, '&', &piece)) {
		if (piece.n == 0)
			continue;
		if (q.n == URI_QUERY_MAX)
			return err_set(err, ERR_INVALID, "The query has more than %d parameters", URI_QUERY_MAX);
		if (!query_item(a, piece, &q.items[q.n++], err))
			return false;
	}
	*ret = q;
	return true;
}

Str
query_get(const Query *q, const char *name)
{
	for (size_t i = q->n; i > 0; i--)
		if (str_is(q->items[i - 1].name, name))
			return q->items[i - 1].value;
	return (Str){ 0 };
}
