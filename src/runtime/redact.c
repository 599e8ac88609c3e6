#include "runtime/redact.h"

#include "model/secret_forms.h"

#include <stdlib.h>

enum { DEPTH_MOST = 32, PATTERNS_MOST = 1024 };

static const char stars[] = "***";

struct Redact {
	Arena *a;
	Str *patterns; /* longest first */
	size_t n, cap;
	size_t longest;
	bool first[256]; /* some pattern begins with it */
	char *in, *out;  /* NULL: nothing has come yet, as from most that wait */
	size_t held;     /* bytes at the start of in */
};

/* ---- what to look for ---- */

static void
pattern_add(Redact *r, Str p)
{
	if (p.n < REDACT_LEAST || r->n == PATTERNS_MOST)
		return;
	for (size_t i = 0; i < r->n; i++)
		if (str_eq(r->patterns[i], p))
			return;
	if (r->n == r->cap) {
		size_t cap = r->cap == 0 ? 8 : r->cap * 2;

		r->patterns = arena_grow(r->a, r->patterns, r->n * sizeof(Str), cap * sizeof(Str));
		r->cap = cap;
	}
	r->patterns[r->n++] = str_copy(r->a, p);
	r->first[(unsigned char)p.p[0]] = true;
	r->longest = p.n > r->longest ? p.n : r->longest;
}

static void
text_add(Redact *r, Str s)
{
	Str forms[SECRET_FORMS];
	size_t n = s.n < REDACT_LEAST ? 0 : secret_forms(r->a, s, forms);

	for (size_t i = 0; i < n; i++)
		pattern_add(r, forms[i]);
}

static void
value_add(Redact *r, const Json *v, unsigned depth)
{
	if (v->kind == JSON_STRING)
		text_add(r, json_as_str(v));
	else if (json_is_number(v))
		text_add(r, json_text(r->a, v));
	for (size_t i = 0; v->kind == JSON_ARRAY && depth < DEPTH_MOST && i < v->n; i++)
		value_add(r, &v->items[i], depth + 1);
	for (size_t i = 0; v->kind == JSON_OBJECT && depth < DEPTH_MOST && i < v->n; i++)
		value_add(r, &v->members[i].value, depth + 1);
}

static int
longer_first(const void *x, const void *y)
{
	size_t a = ((const Str *)x)->n, b = ((const Str *)y)->n;

	return (a < b) - (a > b);
}

Redact *
redact_open(Arena *a, const Json *secrets)
{
	Redact *r;

	if (secrets == NULL || secrets->kind != JSON_ARRAY || secrets->n == 0)
		return NULL;
	r = arena_new(a, Redact);
	r->a = a;
	value_add(r, secrets, 0);
	if (r->n == 0)
		return NULL;
	qsort(r->patterns, r->n, sizeof(Str), longer_first);
	return r;
}

/* ---- looking ---- */

/* The longest secret that stands at the start of the bytes; *ret_maybe: they end in the middle of one that might, unless they are
 * the last. */
static size_t
found_at(const Redact *r, Str bytes, bool last, bool *ret_maybe)
{
	*ret_maybe = false;
	for (size_t i = 0; i < r->n; i++) {
		Str p = r->patterns[i];
		size_t n = p.n < bytes.n ? p.n : bytes.n;

		if (memcmp(p.p, bytes.p, n) != 0)
			continue;
		if (n == p.n)
			return n;
		if (last)
			continue;
		*ret_maybe = true;
		return 0;
	}
	return 0;
}

static Str
pass(Redact *r, size_t n, bool last)
{
	size_t at = 0, out = 0;

	r->held = 0;
	while (at < n) {
		Str rest = { r->in + at, n - at };
		bool maybe = false;
		size_t found = r->first[(unsigned char)r->in[at]] ? found_at(r, rest, last, &maybe) : 0;

		if (maybe)
			break;
		if (found == 0) {
			r->out[out++] = r->in[at++];
			continue;
		}
		memcpy(r->out + out, stars, sizeof(stars) - 1);
		out += sizeof(stars) - 1;
		at += found;
	}
	r->held = n - at;
	memmove(r->in, r->in + at, r->held);
	return (Str){ r->out, out };
}

Str
redact_put(Redact *r, Str bytes)
{
	if (r->in == NULL) {
		r->in = arena_alloc_raw(r->a, r->longest + REDACT_PIECE);
		r->out = arena_alloc_raw(r->a, r->longest + REDACT_PIECE);
	}
	memcpy(r->in + r->held, bytes.p, bytes.n);
	return pass(r, r->held + bytes.n, false);
}

Str
redact_end(Redact *r)
{
	return r->in == NULL ? (Str){ 0 } : pass(r, r->held, true);
}
