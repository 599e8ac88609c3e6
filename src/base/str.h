/*
 * Strings are (pointer, length) values. A Str does not own its bytes: they live in an arena, a constant or
 * a buffer named by the caller. Str{0} is "no string"; an empty string has a pointer.
 */
#pragma once

#include "base/arena.h"

#include <stdarg.h>
#include <string.h>

typedef struct Str {
	const char *p;
	size_t n;
} Str;

static inline Str
str_of(const char *text)
{
	return (Str){ text, text == NULL ? 0 : strlen(text) };
}

static inline bool
str_none(Str s)
{
	return s.p == NULL;
}

static inline bool
str_eq(Str a, Str b)
{
	return a.n == b.n && (a.n == 0 || memcmp(a.p, b.p, a.n) == 0);
}

static inline bool
str_is(Str a, const char *text)
{
	return str_eq(a, str_of(text));
}

int str_cmp(Str a, Str b);        /* byte order */
bool str_eq_nocase(Str a, Str b); /* ASCII */
bool str_starts(Str s, Str prefix);
bool str_ends(Str s, Str suffix);
bool str_find(Str s, Str needle, size_t *ret_at);
Str str_sub(Str s, size_t from, size_t to); /* clamped */
Str str_trim(Str s);                        /* ASCII white space off both ends */
/* Cuts the part before sep off *rest and returns it; false when *rest is used up. */
bool str_cut(Str *rest, char sep, Str *ret);
bool str_to_int(Str s, int64_t *ret); /* whole string, decimal, no overflow */
bool str_to_real(Str s, double *ret); /* whole string, locale-free */
uint64_t str_hash(Str s);

Str str_copy(Arena *a, Str s);         /* always NUL-terminated after the end */
const char *str_cstr(Arena *a, Str s); /* a NUL-terminated copy */
Str str_lower(Arena *a, Str s);        /* ASCII */
Str str_fmt(Arena *a, const char *fmt, ...) PRINTF(2, 3);
Str str_vfmt(Arena *a, const char *fmt, va_list ap);

/* How a Str is given to a printf: "%.*s", STR_ARG(s) */
#define STR_ARG(s) (int)(s).n, (s).p == NULL ? "" : (s).p

/* A growing text in an arena. */
typedef struct Buf {
	Arena *a;
	char *p;
	size_t n;
	size_t cap;
} Buf;

Buf buf_open(Arena *a);
char *buf_room(Buf *b, size_t more); /* room for that many bytes at p + n; the caller adds to n */
void buf_add(Buf *b, Str s);
void buf_text(Buf *b, const char *text);
void buf_char(Buf *b, char c);
void buf_fmt(Buf *b, const char *fmt, ...) PRINTF(2, 3);
void buf_item(Buf *b, const char *fmt, ...) PRINTF(2, 3); /* after ", ", unless it is the first */
void buf_vfmt(Buf *b, const char *fmt, va_list ap);
Str buf_str(Buf *b); /* NUL-terminated after the end; valid while the buf does not grow */
