#include "base/str.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

enum {
	REAL_TEXT_MAX = 400,
	FMT_GUESS = 80, /* most formatted pieces are shorter, and need one pass only */
};

int
str_cmp(Str a, Str b)
{
	size_t n = a.n < b.n ? a.n : b.n;
	int c = n == 0 ? 0 : memcmp(a.p, b.p, n);

	if (c != 0)
		return c;
	return a.n < b.n ? -1 : a.n > b.n;
}

static char
lower(char c)
{
	return c >= 'A' && c <= 'Z' ? (char)(c + 32) : c;
}

bool
str_eq_nocase(Str a, Str b)
{
	if (a.n != b.n)
		return false;
	for (size_t i = 0; i < a.n; i++)
		if (lower(a.p[i]) != lower(b.p[i]))
			return false;
	return true;
}

bool
str_starts(Str s, Str prefix)
{
	return s.n >= prefix.n && str_eq(str_sub(s, 0, prefix.n), prefix);
}

bool
str_ends(Str s, Str suffix)
{
	return s.n >= suffix.n && str_eq(str_sub(s, s.n - suffix.n, s.n), suffix);
}

bool
str_find(Str s, Str needle, size_t *ret_at)
{
	const char *at = needle.n == 0 ? s.p : NULL;

	if (needle.n > 0 && s.n >= needle.n)
		at = memmem(s.p, s.n, needle.p, needle.n);
	if (at == NULL)
		return false;
	if (ret_at != NULL)
		*ret_at = (size_t)(at - s.p);
	return true;
}

Str
str_sub(Str s, size_t from, size_t to)
{
	if (to > s.n)
		to = s.n;
	if (from > to)
		from = to;
	return (Str){ s.p == NULL ? NULL : s.p + from, to - from };
}

Str
str_trim(Str s)
{
	while (s.n > 0 && isspace((unsigned char)s.p[0])) {
		s.p++;
		s.n--;
	}
	while (s.n > 0 && isspace((unsigned char)s.p[s.n - 1]))
		s.n--;
	return s;
}

bool
str_cut(Str *rest, char sep, Str *ret)
{
	const char *at;

	if (str_none(*rest))
		return false;
	at = rest->n == 0 ? NULL : memchr(rest->p, sep, rest->n);
	if (at == NULL) {
		*ret = *rest;
		*rest = (Str){ 0 };
		return true;
	}
	*ret = str_sub(*rest, 0, (size_t)(at - rest->p));
	*rest = str_sub(*rest, ret->n + 1, rest->n);
	return true;
}

bool
str_to_int(Str s, int64_t *ret)
{
	bool negative = s.n > 0 && s.p[0] == '-';
	int64_t v = 0;
	size_t i = negative ? 1 : 0;

	if (i == s.n)
		return false;
	for (; i < s.n; i++) {
		int digit = s.p[i] - '0';

		if (digit < 0 || digit > 9)
			return false;
		if (__builtin_mul_overflow(v, (int64_t)10, &v))
			return false;
		if (__builtin_sub_overflow(v, (int64_t)digit, &v)) /* counts downwards: INT64_MIN fits */
			return false;
	}
	if (!negative && __builtin_sub_overflow((int64_t)0, v, &v))
		return false;
	*ret = v;
	return true;
}

bool
str_to_real(Str s, double *ret)
{
	char text[REAL_TEXT_MAX];
	char *end;
	double v;

	if (s.n == 0 || s.n >= sizeof(text))
		return false;
	for (size_t i = 0; i < s.n; i++) /* strtod would take hexadecimal, "inf", "nan" and white space too */
		if (memchr("0123456789+-.eE", s.p[i], 15) == NULL)
			return false;
	memcpy(text, s.p, s.n);
	text[s.n] = '\0';
	v = strtod(text, &end); /* the process keeps LC_NUMERIC at "C" */
	if (end != text + s.n)
		return false;
	*ret = v;
	return true;
}

uint64_t
str_hash(Str s)
{
	uint64_t h = 1469598103934665603ull;

	for (size_t i = 0; i < s.n; i++)
		h = (h ^ (unsigned char)s.p[i]) * 1099511628211ull;
	return h ^ (h >> 29);
}

Str
str_copy(Arena *a, Str s)
{
	char *p = arena_alloc_raw(a, s.n + 1);

	if (s.n > 0)
		memcpy(p, s.p, s.n);
	p[s.n] = '\0';
	return (Str){ p, s.n };
}

const char *
str_cstr(Arena *a, Str s)
{
	return str_copy(a, s).p;
}

Str
str_lower(Arena *a, Str s)
{
	Str r = str_copy(a, s);
	char *p = (char *)(uintptr_t)r.p;

	for (size_t i = 0; i < r.n; i++)
		p[i] = lower(p[i]);
	return r;
}

Str
str_vfmt(Arena *a, const char *fmt, va_list ap)
{
	Buf b = buf_open(a);

	buf_vfmt(&b, fmt, ap);
	return buf_str(&b);
}

Str
str_fmt(Arena *a, const char *fmt, ...)
{
	va_list ap;
	Str s;

	va_start(ap, fmt);
	s = str_vfmt(a, fmt, ap);
	va_end(ap);
	return s;
}

Buf
buf_open(Arena *a)
{
	return (Buf){ .a = a };
}

char *
buf_room(Buf *b, size_t more)
{
	size_t need = b->n + more;

	if (need > b->cap) {
		size_t cap = b->cap < 64 ? 64 : b->cap * 2;

		if (cap < need)
			cap = need;
		b->p = arena_grow(b->a, b->p, b->n, cap);
		b->cap = cap;
	}
	return b->p + b->n;
}

void
buf_add(Buf *b, Str s)
{
	if (s.n == 0)
		return;
	memcpy(buf_room(b, s.n), s.p, s.n);
	b->n += s.n;
}

void
buf_text(Buf *b, const char *text)
{
	buf_add(b, str_of(text));
}

void
buf_char(Buf *b, char c)
{
	*buf_room(b, 1) = c;
	b->n++;
}

void
buf_vfmt(Buf *b, const char *fmt, va_list ap)
{
	char *room = buf_room(b, FMT_GUESS);
	size_t held = b->cap - b->n;
	va_list again;
	int n;

	va_copy(again, ap);
	n = vsnprintf(room, held, fmt, ap);
	if (n > 0 && (size_t)n >= held)
		vsnprintf(buf_room(b, (size_t)n + 1), (size_t)n + 1, fmt, again);
	if (n > 0)
		b->n += (size_t)n;
	va_end(again);
}

void
buf_fmt(Buf *b, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	buf_vfmt(b, fmt, ap);
	va_end(ap);
}

void
buf_item(Buf *b, const char *fmt, ...)
{
	va_list ap;

	if (b->n > 0)
		buf_text(b, ", ");
	va_start(ap, fmt);
	buf_vfmt(b, fmt, ap);
	va_end(ap);
}

Str
buf_str(Buf *b)
{
	*buf_room(b, 1) = '\0';
	return (Str){ b->p, b->n };
}
