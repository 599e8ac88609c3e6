#include "base/json_inner.h"

#include "base/codec.h"

#include <stdio.h>
#include <stdlib.h>

#if defined(__SSE2__)
#include <emmintrin.h>
#endif

/*
 * The text is copied into the arena once, with zeros behind it, and parsed there: strings are ended and unescaped in
 * place, a scan needs no bounds check, and sixteen bytes can be looked at wherever it stands. Items and members are
 * collected on a stack and copied to the arena in one piece when their array or object ends.
 */

enum {
	SIZE_DEFAULT = 64 * 1024 * 1024,
	DEPTH_DEFAULT = 64,
	PADDING = 32,
	STACK_FIRST = 8 * 1024,
	SHOWN_MOST = 100, /* bytes of a key in an error */
};

typedef struct Parser {
	Arena *a;
	char *start; /* of the copy */
	char *end;
	char *stack;
	size_t top;
	size_t cap;
	char *larger; /* the stack, once it has outgrown the first one */
	unsigned depth_left;
	bool unique_keys;
	const char *bad_at;
	const char *bad;
	Str bad_key;
} Parser;

static char *
fail(Parser *p, const char *at, const char *what)
{
	p->bad_at = at;
	p->bad = at == p->end ? "the text ends too early" : what;
	return NULL;
}

static void
stack_grow(Parser *p, size_t size)
{
	size_t cap = p->cap * 2 + size;
	char *larger = realloc(p->larger, cap);

	if (larger == NULL) {
		fprintf(stderr, "attune: out of memory (%zu bytes)\n", cap);
		abort();
	}
	if (p->larger == NULL)
		memcpy(larger, p->stack, p->top);
	p->larger = larger;
	p->stack = larger;
	p->cap = cap;
}

static inline void *
stack_push(Parser *p, size_t size)
{
	void *slot;

	if (__builtin_expect(p->cap - p->top < size, 0))
		stack_grow(p, size);
	slot = p->stack + p->top;
	p->top += size;
	return slot;
}

/* What was pushed since `from`, in the arena. */
static void *
stack_take(Parser *p, size_t from, size_t size)
{
	p->top = from;
	return arena_copy(p->a, p->stack + from, size);
}

static inline char *
skip_space(char *p)
{
	if (__builtin_expect((unsigned char)*p > ' ', 1))
		return p;
	while (*p == ' ' || *p == '\n' || *p == '\r' || *p == '\t')
		p++;
	return p;
}

/* The first byte from p on that is a quote, a backslash, a control character or not ASCII. */
static inline char *
plain_end(char *p)
{
#if defined(__SSE2__)
	const __m128i quote = _mm_set1_epi8('"'), backslash = _mm_set1_epi8('\\'), space = _mm_set1_epi8(' ');

	for (;; p += 16) {
		__m128i x = _mm_loadu_si128((const __m128i *)(const void *)p);
		__m128i found = _mm_or_si128(_mm_cmpeq_epi8(x, quote), _mm_cmpeq_epi8(x, backslash));
		int mask;

		found = _mm_or_si128(found, _mm_cmplt_epi8(x, space)); /* signed: not ASCII is below as well */
		mask = _mm_movemask_epi8(found);
		if (mask != 0)
			return p + __builtin_ctz((unsigned)mask);
	}
#else
	while ((signed char)*p >= ' ' && *p != '"' && *p != '\\')
		p++;
	return p;
#endif
}

static int
hex4(const char *p)
{
	int v = 0;

	for (int i = 0; i < 4; i++) {
		char c = p[i];

		if (c >= '0' && c <= '9')
			v = v << 4 | (c - '0');
		else if (c >= 'a' && c <= 'f')
			v = v << 4 | (c - 'a' + 10);
		else if (c >= 'A' && c <= 'F')
			v = v << 4 | (c - 'A' + 10);
		else
			return -1;
	}
	return v;
}

static char *
write_utf8(char *out, unsigned c)
{
	if (c < 0x80) {
		*out++ = (char)c;
	} else if (c < 0x800) {
		*out++ = (char)(0xc0 | c >> 6);
		*out++ = (char)(0x80 | (c & 63));
	} else if (c < 0x10000) {
		*out++ = (char)(0xe0 | c >> 12);
		*out++ = (char)(0x80 | (c >> 6 & 63));
		*out++ = (char)(0x80 | (c & 63));
	} else {
		*out++ = (char)(0xf0 | c >> 18);
		*out++ = (char)(0x80 | (c >> 12 & 63));
		*out++ = (char)(0x80 | (c >> 6 & 63));
		*out++ = (char)(0x80 | (c & 63));
	}
	return out;
}

/* "\uXXXX" at *in, or two of them that are a pair of surrogates. Never longer than what it replaces. */
static char *
unescape_unicode(Parser *p, char **in, char *out)
{
	char *at = *in;
	int c = hex4(at + 2), low;

	if (c < 0)
		return fail(p, at, "\\u needs four hexadecimal digits");
	*in += 6;
	if (c >= 0xd800 && c <= 0xdfff) {
		low = c < 0xdc00 && at[6] == '\\' && at[7] == 'u' ? hex4(at + 8) : -1;
		if (low < 0xdc00 || low > 0xdfff)
			return fail(p, at, "half of a surrogate pair");
		c = 0x10000 + ((c - 0xd800) << 10) + (low - 0xdc00);
		*in += 6;
	}
	return write_utf8(out, (unsigned)c);
}

static char *
unescape(Parser *p, char **in, char *out)
{
	static const char names[] = "\"\\/bfnrt";
	static const char values[] = "\"\\/\b\f\n\r\t";
	const char *name;

	if ((*in)[1] == 'u')
		return unescape_unicode(p, in, out);
	name = (*in)[1] == '\0' ? NULL : strchr(names, (*in)[1]);
	if (name == NULL)
		return fail(p, *in + 1 == p->end ? p->end : *in, "unknown escape in a string");
	*out++ = values[name - names];
	*in += 2;
	return out;
}

/* The rest of a string from `in` on, where something other than plain text stands. */
static char *
parse_rest(Parser *p, char *start, char *in, Str *ret)
{
	char *out = in;

	while (*in != '"') {
		char *from = in;

		if (*in == '\\') {
			out = unescape(p, &in, out);
			if (out == NULL)
				return NULL;
			from = in;
		} else if ((signed char)*in < 0) {
			in += utf8_char((Str){ in, (size_t)(p->end - in) });
			if (in == from)
				return fail(p, in, "not valid UTF-8");
		} else if ((unsigned char)*in < ' ') {
			return fail(p, in, "control character in a string");
		}
		in = plain_end(in);
		memmove(out, from, (size_t)(in - from));
		out += in - from;
	}
	*out = '\0';
	*ret = (Str){ start, (size_t)(out - start) };
	return in + 1;
}

/* at is behind the opening quote. */
static inline char *
parse_string(Parser *p, char *at, Str *ret)
{
	char *end = plain_end(at);

	if (__builtin_expect(*end != '"', 0))
		return parse_rest(p, at, end, ret);
	*end = '\0';
	*ret = (Str){ at, (size_t)(end - at) };
	return end + 1;
}

static char *parse_value(Parser *p, char *at, Json *ret);

static char *
parse_items(Parser *p, char *at)
{
	for (;;) {
		Json item;

		at = parse_value(p, skip_space(at), &item);
		if (at == NULL)
			return NULL;
		*(Json *)stack_push(p, sizeof(Json)) = item;
		at = skip_space(at);
		if (*at == ']')
			return at + 1;
		if (*at != ',')
			return fail(p, at, "',' or ']' expected");
		at++;
	}
}

static char *
parse_array(Parser *p, char *at, Json *ret)
{
	size_t from = p->top;

	*ret = (Json){ .kind = JSON_ARRAY };
	at = skip_space(at);
	if (*at == ']')
		return at + 1;
	at = parse_items(p, at);
	if (at == NULL)
		return NULL;
	ret->n = ret->cap = (uint32_t)((p->top - from) / sizeof(Json));
	ret->items = stack_take(p, from, p->top - from);
	return at;
}

static char *
parse_members(Parser *p, char *at)
{
	for (;;) {
		JsonMember m;

		at = skip_space(at);
		if (*at != '"')
			return fail(p, at, "a key in quotes expected");
		at = parse_string(p, at + 1, &m.key);
		if (at == NULL)
			return NULL;
		at = skip_space(at);
		if (*at != ':')
			return fail(p, at, "':' expected");
		at = parse_value(p, skip_space(at + 1), &m.value);
		if (at == NULL)
			return NULL;
		*(JsonMember *)stack_push(p, sizeof(JsonMember)) = m;
		at = skip_space(at);
		if (*at == '}')
			return at + 1;
		if (*at != ',')
			return fail(p, at, "',' or '}' expected");
		at++;
	}
}

static char *
fail_twice(Parser *p, Str key)
{
	p->bad_key = key;
	return fail(p, key.p - 1, "key given twice");
}

static char *
parse_object(Parser *p, char *at, Json *ret)
{
	size_t from = p->top, n;
	JsonMember *members;
	size_t twice;
	Str key;

	*ret = (Json){ .kind = JSON_OBJECT };
	at = skip_space(at);
	if (*at == '}')
		return at + 1;
	at = parse_members(p, at);
	if (at == NULL)
		return NULL;
	n = (p->top - from) / sizeof(JsonMember);
	members = (JsonMember *)(void *)(p->stack + from);
	if (!json_keys_settle(members, &n, &twice, &key) && p->unique_keys)
		return fail_twice(p, key);
	ret->n = ret->cap = (uint32_t)n;
	ret->members = stack_take(p, from, n * sizeof(JsonMember));
	return at;
}

static char *
parse_nested(Parser *p, char *at, Json *ret)
{
	if (p->depth_left == 0)
		return fail(p, at, "nested too deeply");
	p->depth_left--;
	at = *at == '{' ? parse_object(p, at + 1, ret) : parse_array(p, at + 1, ret);
	p->depth_left++;
	return at;
}

static char *
parse_word(Parser *p, char *at, Json *ret)
{
	if (memcmp(at, "true", 4) == 0)
		*ret = json_bool(true);
	else if (memcmp(at, "null", 4) == 0)
		*ret = json_null();
	else if (memcmp(at, "false", 5) == 0)
		*ret = json_bool(false);
	else
		return fail(p, at, "a value expected");
	return at + (*at == 'f' ? 5 : 4);
}

static char *
parse_number(Parser *p, char *at, Json *ret)
{
	const char *end = json_number(p->a, at, ret);

	return end == NULL ? fail(p, at, "malformed number") : at + (end - at);
}

static char *
parse_value(Parser *p, char *at, Json *ret)
{
	Str s;

	if (*at == '"') {
		at = parse_string(p, at + 1, &s);
		*ret = (Json){ .kind = JSON_STRING, .n = (uint32_t)s.n, .s = s.p };
		return at;
	}
	if (*at == '{' || *at == '[')
		return parse_nested(p, at, ret);
	if (*at == '-' || (unsigned char)(*at - '0') <= 9)
		return parse_number(p, at, ret);
	return parse_word(p, at, ret);
}

static bool
parse_text(Parser *p, Json *ret)
{
	char *at = parse_value(p, skip_space(p->start), ret);

	if (at == NULL)
		return false;
	at = skip_space(at);
	if (at == p->end)
		return true;
	p->bad_at = at;
	p->bad = "something follows the end of the value";
	return false;
}

void
json_place(Str text, size_t at, unsigned *ret_line, unsigned *ret_column)
{
	size_t start = 0;
	unsigned line = 1;

	for (size_t i = 0; i < at && i < text.n; i++) {
		if (text.p[i] != '\n')
			continue;
		line++;
		start = i + 1;
	}
	*ret_line = line;
	*ret_column = (unsigned)utf8_length(str_sub(text, start, at)) + 1;
}

static bool
explain(const Parser *p, Str text, Err *err)
{
	unsigned line, column;

	json_place(text, (size_t)(p->bad_at - p->start), &line, &column);
	if (!str_none(p->bad_key)) {
		Str shown = str_sub(p->bad_key, 0, SHOWN_MOST);

		shown.n = utf8_valid_prefix(shown); /* no half character at the cut */
		return err_set(
		    err, ERR_INVALID, "line %u, column %u: key '%.*s' is given twice", line, column, STR_ARG(shown));
	}
	return err_set(err, ERR_INVALID, "line %u, column %u: %s", line, column, p->bad);
}

static char *
padded_copy(Arena *a, Str text)
{
	char *copy = arena_alloc_raw(a, text.n + PADDING);

	if (text.n > 0)
		memcpy(copy, text.p, text.n);
	memset(copy + text.n, 0, PADDING);
	return copy;
}

bool
json_parse(Arena *a, Str text, const JsonLimits *limits, Json *ret, Err *err)
{
	static const JsonLimits defaults = { 0 };
	const JsonLimits *l = limits == NULL ? &defaults : limits;
	_Alignas(16) char first[STACK_FIRST];
	Parser p = { .a = a, .stack = first, .cap = sizeof(first), .unique_keys = l->unique_keys };
	size_t most = l->size == 0 ? SIZE_DEFAULT : l->size;
	ArenaMark mark;
	Json value;
	bool good;

	if (text.n > most || text.n >= UINT32_MAX)
		return err_set(
		    err, ERR_INVALID, "line 1, column 1: %zu bytes are more than the limit of %zu", text.n, most);
	mark = arena_mark(a);
	p.depth_left = l->depth == 0 ? DEPTH_DEFAULT : l->depth;
	p.start = padded_copy(a, text);
	p.end = p.start + text.n;
	good = parse_text(&p, &value);
	free(p.larger);
	if (!good) {
		explain(&p, text, err);
		arena_rewind(a, mark);
		return false;
	}
	*ret = value;
	return true;
}
