#include "runtime/params.h"

#include "base/names.h"
#include "base/yaml.h"

#include <stdlib.h>

static void
write_json(Buf *b, const Json *params)
{
	json_print(b, params);
}

static void
write_yaml(Buf *b, const Json *params)
{
	yaml_print(b, params);
}

void
params_quote(Buf *b, Str value)
{
	buf_char(b, '\'');
	for (size_t i = 0; i < value.n; i++) {
		if (value.p[i] == '\'')
			buf_text(b, "'\\''");
		else
			buf_char(b, value.p[i]);
	}
	buf_char(b, '\'');
}

Str
params_plain(Arena *a, const Json *value)
{
	if (json_is_null(value))
		return str_of("");
	if (value->kind == JSON_STRING)
		return json_as_str(value);
	return json_text(a, value);
}

/* A key may come from foreign data; only what cannot end the key, the line or the quoting stays. */
static bool
key_byte_ok(unsigned char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c >= 0x80 ||
	       strchr("_-.:/@", c) != NULL;
}

static void
write_key(Buf *b, Str key)
{
	for (size_t i = 0; i < key.n; i++)
		buf_char(b, key.p[i] != '\0' && key_byte_ok((unsigned char)key.p[i]) ? key.p[i] : '_');
}

typedef struct Lines {
	Arena *a;
	Str *items;
	size_t n, cap;
} Lines;

static void
lines_push(Lines *l, Str line)
{
	if (l->n == l->cap) {
		l->cap = l->cap == 0 ? 16 : l->cap * 2;
		l->items = arena_grow(l->a, l->items, l->n * sizeof(Str), l->cap * sizeof(Str));
	}
	l->items[l->n++] = line;
}

/* Nested objects become dotted keys; JSON's own depth limit bounds the recursion. */
static void
flatten(Lines *l, Str prefix, const Json *object)
{
	for (uint32_t i = 0; i < object->n; i++) {
		const JsonMember *m = &object->members[i];
		Buf b = buf_open(l->a);

		buf_add(&b, prefix);
		write_key(&b, m->key);
		if (m->value.kind == JSON_OBJECT && m->value.n > 0) {
			buf_char(&b, '.');
			flatten(l, buf_str(&b), &m->value);
			continue;
		}
		buf_char(&b, '=');
		params_quote(&b, params_plain(l->a, &m->value));
		lines_push(l, buf_str(&b));
	}
}

static int
by_bytes(const void *left, const void *right)
{
	return str_cmp(*(const Str *)left, *(const Str *)right);
}

static void
write_dotenv(Buf *b, const Json *params)
{
	Lines l = { .a = b->a };

	if (params->kind != JSON_OBJECT)
		return;
	flatten(&l, str_of(""), params);
	if (l.n > 1)
		qsort(l.items, l.n, sizeof(Str), by_bytes);
	for (size_t i = 0; i < l.n; i++) {
		if (i > 0)
			buf_char(b, '\n');
		buf_add(b, l.items[i]);
	}
}

/* The parameter that holds a NUL, by its path; none when there is none. */
static Str
with_nul(Arena *a, Str path, const Json *v)
{
	Str found = { 0 };

	for (uint32_t i = 0; v->kind == JSON_OBJECT && i < v->n && str_none(found); i++) {
		Str key = v->members[i].key;

		found = with_nul(
		    a, path.n == 0 ? key : str_fmt(a, "%.*s.%.*s", STR_ARG(path), STR_ARG(key)), &v->members[i].value);
	}
	/* of an array the text is printed as JSON, which escapes it */
	return v->kind == JSON_STRING && json_has_nul(v) ? path : found;
}

bool
params_fit(Arena *a, const Json *params, const char *carrier, const char *cure, Err *err)
{
	Str found = json_is(params, JSON_OBJECT) && json_has_nul(params) ? with_nul(a, str_of(""), params) : (Str){ 0 };

	return str_none(found) ||
	       err_set(err, ERR_INVALID, "parameter '%.*s' holds a NUL character, which %s cannot carry%s",
		   STR_ARG(found), carrier, cure);
}

static const char *const format_names[] = { "json", "yaml", "dotenv" };
static void (*const formats[])(Buf *b, const Json *params) = { write_json, write_yaml, write_dotenv };

Str
params_document(Arena *a, Str format, const Json *params)
{
	static const Json none = { .kind = JSON_OBJECT };
	int which = name_index(format_names, countof(format_names), format);
	Buf b = buf_open(a);

	formats[which < 0 ? 0 : which](&b, json_is_null(params) ? &none : params);
	if (b.n == 0 || b.p[b.n - 1] != '\n')
		buf_char(&b, '\n');
	return buf_str(&b);
}
