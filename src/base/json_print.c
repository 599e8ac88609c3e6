#include "base/json.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

enum {
	SHORT_RUN = 8,
	NUMBER_ROOM = 40, /* the longest number, and what may follow it */
	DECIMALS_TRIED = 9,
};

#define BYTES(x) (0x0101010101010101ull * (x))

/* As buf_room, but without a call when there is room already. */
static inline char *
room(Buf *b, size_t more)
{
	return __builtin_expect(b->cap - b->n >= more, 1) ? b->p + b->n : buf_room(b, more);
}

/* The high bit of some byte is set when one of the eight is a control character, a quote or a backslash. */
static inline uint64_t
needs_escape(uint64_t x)
{
	uint64_t quote = x ^ BYTES('"'), backslash = x ^ BYTES('\\');

	return (((x - BYTES(0x20)) & ~x) | ((quote - BYTES(1)) & ~quote) | ((backslash - BYTES(1)) & ~backslash)) &
	       BYTES(0x80);
}

static char *
write_escape(char *out, unsigned char c)
{
	static const char letters[' '] = { ['\b'] = 'b', ['\f'] = 'f', ['\n'] = 'n', ['\r'] = 'r', ['\t'] = 't' };
	static const char digits[] = "0123456789abcdef";

	*out++ = '\\';
	if (c >= ' ') {
		*out++ = (char)c;
	} else if (letters[c] != 0) {
		*out++ = letters[c];
	} else {
		memcpy(out, "u00", 3);
		out[3] = digits[c >> 4];
		out[4] = digits[c & 15];
		out += 5;
	}
	return out;
}

/* One byte at a time: for the eight that hold something to escape, and for the last few. There is room for six each. */
static char *
write_careful(char *out, const char *p, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		unsigned char c = (unsigned char)p[i];

		if (c < ' ' || c == '"' || c == '\\')
			out = write_escape(out, c);
		else
			*out++ = (char)c;
	}
	return out;
}

/* Plain text in steps of eight; returns how far it came. */
static inline size_t
write_plain(char *out, const char *p, size_t n)
{
	size_t i = 0;
	uint64_t x;

	for (; i + 8 <= n; i += 8) {
		memcpy(&x, p + i, 8);
		if (needs_escape(x) != 0)
			return i;
		memcpy(out + i, &x, 8);
	}
	if (i < n && n >= 8) { /* the last few together with some that were written already */
		memcpy(&x, p + n - 8, 8);
		if (needs_escape(x) != 0)
			return i;
		memcpy(out + n - 8, &x, 8);
		return n;
	}
	return i;
}

void
json_print_string(Buf *b, Str s)
{
	char *out = room(b, s.n + 2 + 6 * SHORT_RUN);

	*out++ = '"';
	for (;;) {
		size_t plain = write_plain(out, s.p, s.n), few;

		out += plain;
		s = (Str){ s.p + plain, s.n - plain };
		if (s.n == 0)
			break;
		few = s.n < SHORT_RUN ? s.n : SHORT_RUN;
		out = write_careful(out, s.p, few);
		s = (Str){ s.p + few, s.n - few };
		b->n = (size_t)(out - b->p);
		out = room(b, s.n + 2 + 6 * SHORT_RUN);
	}
	*out++ = '"';
	b->n = (size_t)(out - b->p);
}

static const char pairs[] = "00010203040506070809101112131415161718192021222324252627282930313233343536373839"
			    "40414243444546474849505152535455565758596061626364656667686970717273747576777879"
			    "8081828384858687888990919293949596979899";

static char *
write_unsigned(char *out, uint64_t v)
{
	char text[20];
	char *p = text + sizeof(text);

	for (; v >= 100; v /= 100) {
		p -= 2;
		memcpy(p, pairs + v % 100 * 2, 2);
	}
	if (v >= 10) {
		p -= 2;
		memcpy(p, pairs + v * 2, 2);
	} else {
		*--p = (char)('0' + v);
	}
	memcpy(out, p, (size_t)(text + sizeof(text) - p));
	return out + (text + sizeof(text) - p);
}

static void
print_int(Buf *b, int64_t i)
{
	char *out = room(b, NUMBER_ROOM);

	if (i < 0)
		*out++ = '-';
	out = write_unsigned(out, i < 0 ? 0 - (uint64_t)i : (uint64_t)i);
	b->n = (size_t)(out - b->p);
}

/*
 * A real of few decimals (most are): an integer below 10^15 divided by an exact power of ten is the nearest double to that
 * decimal number, so when the division gives d back, these digits are enough. The fewest decimals are tried first.
 */
static bool
print_decimal(Buf *b, double d)
{
	double scale = 10;
	char *out = room(b, NUMBER_ROOM);

	for (int decimals = 1; decimals <= DECIMALS_TRIED; decimals++, scale *= 10) {
		double scaled = nearbyint(d * scale);
		uint64_t whole, rest;

		if (scaled >= 1e15)
			return false;
		if (scaled / scale != d)
			continue;
		whole = (uint64_t)scaled / (uint64_t)scale;
		rest = (uint64_t)scaled % (uint64_t)scale;
		out = write_unsigned(out, whole);
		*out++ = '.';
		for (int i = decimals - 1; i >= 0; i--, rest /= 10)
			out[i] = (char)('0' + rest % 10);
		b->n = (size_t)(out + decimals - b->p);
		return true;
	}
	return false;
}

/* "1e+20" and "0.1" are reals when read back, "100" would not be. */
static bool
reads_as_int(const char *text)
{
	return strpbrk(text, ".e") == NULL;
}

void
json_print_real(Buf *b, double d)
{
	char text[NUMBER_ROOM];

	if (!isfinite(d)) {
		buf_text(b, "null");
		return;
	}
	if (signbit(d)) {
		buf_char(b, '-');
		d = -d;
	}
	if ((d >= 1e-5 || d == 0) && print_decimal(b, d))
		return;
	for (int digits = 15; digits <= 17; digits++) {
		snprintf(text, sizeof(text), "%.*g", digits, d);
		if (strtod(text, NULL) == d)
			break;
	}
	buf_text(b, text);
	if (reads_as_int(text))
		buf_text(b, ".0");
}

static void
print_word(Buf *b, const char *word, size_t n)
{
	memcpy(room(b, n), word, n);
	b->n += n;
}

static void
put_char(Buf *b, char c)
{
	*room(b, 1) = c;
	b->n++;
}

static void
print_scalar(Buf *b, const Json *v)
{
	switch (v->kind) {
	case JSON_STRING: json_print_string(b, (Str){ v->s, v->n }); break;
	case JSON_INT: print_int(b, v->i); break;
	case JSON_REAL: json_print_real(b, v->d); break;
	case JSON_BIG: buf_add(b, (Str){ v->s, v->n }); break;
	case JSON_BOOL: print_word(b, v->b ? "true" : "false", v->b ? 4 : 5); break;
	default: print_word(b, "null", 4); break;
	}
}

void
json_print(Buf *b, const Json *v)
{
	if (v->kind == JSON_OBJECT) {
		put_char(b, '{');
		for (uint32_t i = 0; i < v->n; i++) {
			if (i > 0)
				put_char(b, ',');
			json_print_string(b, v->members[i].key);
			put_char(b, ':');
			json_print(b, &v->members[i].value);
		}
		put_char(b, '}');
	} else if (v->kind == JSON_ARRAY) {
		put_char(b, '[');
		for (uint32_t i = 0; i < v->n; i++) {
			if (i > 0)
				put_char(b, ',');
			json_print(b, &v->items[i]);
		}
		put_char(b, ']');
	} else {
		print_scalar(b, v);
	}
}

static void
new_line(Buf *b, unsigned level)
{
	char *out = room(b, 1 + 2 * (size_t)level);

	*out = '\n';
	memset(out + 1, ' ', 2 * (size_t)level);
	b->n += 1 + 2 * (size_t)level;
}

static void
print_pretty(Buf *b, const Json *v, unsigned level)
{
	bool object = v->kind == JSON_OBJECT;

	if ((!object && v->kind != JSON_ARRAY) || v->n == 0) {
		json_print(b, v);
		return;
	}
	put_char(b, object ? '{' : '[');
	for (uint32_t i = 0; i < v->n; i++) {
		if (i > 0)
			put_char(b, ',');
		new_line(b, level + 1);
		if (object) {
			json_print_string(b, v->members[i].key);
			print_word(b, ": ", 2);
		}
		print_pretty(b, object ? &v->members[i].value : &v->items[i], level + 1);
	}
	new_line(b, level);
	put_char(b, object ? '}' : ']');
}

void
json_print_pretty(Buf *b, const Json *v)
{
	print_pretty(b, v, 0);
}

Str
json_text(Arena *a, const Json *v)
{
	Buf b = buf_open(a);

	json_print(&b, v);
	return buf_str(&b);
}
