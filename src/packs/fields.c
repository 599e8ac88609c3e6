#include "packs/load.h"

#include "base/names.h"
#include "model/limits.h"
#include "model/params.h"
#include "model/version.h"

enum { NEAR_MOST = 32 };

/* How many letters must be changed, added or left out to make one word of the other. */
static size_t
distance(Str x, Str y)
{
	size_t row[NEAR_MOST + 1], corner, above;

	if (x.n > NEAR_MOST || y.n > NEAR_MOST)
		return NEAR_MOST;
	for (size_t k = 0; k <= y.n; k++)
		row[k] = k;
	for (size_t i = 0; i < x.n; i++) {
		corner = row[0];
		row[0] = i + 1;
		for (size_t k = 0; k < y.n; k++) {
			size_t best = corner + (x.p[i] != y.p[k]);

			above = row[k + 1];
			best = above + 1 < best ? above + 1 : best;
			row[k + 1] = row[k] + 1 < best ? row[k] + 1 : best;
			corner = above;
		}
	}
	return row[y.n];
}

static const char *
nearest(const Field *fields, size_t n, Str key)
{
	const char *best = NULL;
	size_t least = key.n / 2 + 1, d;

	for (size_t i = 0; i < n; i++) {
		const char *const names[] = { fields[i].key, fields[i].also };

		for (size_t k = 0; k < countof(names); k++) {
			if (names[k] == NULL || fields[i].kind == FIELD_IGNORED)
				continue;
			d = distance(key, str_of(names[k]));
			if (d < least) {
				least = d;
				best = names[k];
			}
		}
	}
	return best;
}

/* "a number", "a list". */
const char *
load_kind(const Json *v)
{
	static const char *const names[JSON_KINDS] = {
		[JSON_NULL] = "nothing",
		[JSON_BOOL] = "a boolean",
		[JSON_INT] = "a number",
		[JSON_REAL] = "a number",
		[JSON_BIG] = "a number",
		[JSON_STRING] = "a text",
		[JSON_ARRAY] = "a list",
		[JSON_OBJECT] = "a mapping",
	};

	return names[v->kind];
}

typedef bool ReadField(Load *l, const Field *f, const char *pointer, const Json *v, void *to);

static bool
read_text(Load *l, const Field *f, const char *pointer, const Json *v, void *to)
{
	(void)f;
	if (v->kind != JSON_STRING && v->kind != JSON_INT) {
		load_fatal(l, pointer, "'%s' must be a text%s, not %s", pointer + 1,
		    json_is_number(v) ? " (put the number in quotes)" : "", load_kind(v));
		return false;
	}
	*(Str *)to = v->kind == JSON_STRING ? json_as_str(v) : json_text(l->a, v);
	return true;
}

static bool
wrong(Load *l, const char *pointer, const Json *v, const char *want)
{
	load_fatal(l, pointer, "'%s' must be %s, not %s", pointer + 1, want, load_kind(v));
	return false;
}

static bool
read_bool(Load *l, const Field *f, const char *pointer, const Json *v, void *to)
{
	(void)f;
	if (v->kind != JSON_BOOL)
		return wrong(l, pointer, v, "true or false");
	*(bool *)to = v->b;
	return true;
}

static bool
read_count(Load *l, const Field *f, const char *pointer, const Json *v, void *to)
{
	(void)f;
	if (json_as_int(v, 0) <= 0) {
		load_fatal(l, pointer, "'%s' must be a whole number above 0", pointer + 1);
		return false;
	}
	*(int64_t *)to = json_as_int(v, 0);
	return true;
}

static bool
read_priority(Load *l, const Field *f, const char *pointer, const Json *v, void *to)
{
	int64_t n = json_as_int(v, PRIORITY_MOST + 1);

	(void)f;
	if (n < -PRIORITY_MOST || n > PRIORITY_MOST) {
		load_fatal(l, pointer, "'%s' must be a whole number from -%d to %d", pointer + 1, PRIORITY_MOST,
		    PRIORITY_MOST);
		return false;
	}
	*(int64_t *)to = n;
	return true;
}

static bool
read_object(Load *l, const Field *f, const char *pointer, const Json *v, void *to)
{
	(void)f;
	if (v->kind != JSON_OBJECT)
		return wrong(l, pointer, v, "a mapping");
	*(Json *)to = *v;
	return true;
}

static bool
read_list(Load *l, const Field *f, const char *pointer, const Json *v, void *to)
{
	(void)f;
	if (v->kind != JSON_ARRAY)
		return wrong(l, pointer, v, "a list");
	*(Json *)to = *v;
	return true;
}

static bool
read_texts(Load *l, const Field *f, const char *pointer, const Json *v, void *to)
{
	Json one = json_array();

	(void)f;
	if (v->kind == JSON_STRING)
		json_push(l->a, &one, *v);
	else if (v->kind != JSON_ARRAY)
		return wrong(l, pointer, v, "a list of texts");
	else
		one = *v;
	for (size_t i = 0; i < one.n; i++)
		if (one.items[i].kind != JSON_STRING) {
			load_fatal(l, str_fmt(l->a, "%s/%zu", pointer, i).p, "'%s' must hold texts only", pointer + 1);
			return false;
		}
	*(Json *)to = one;
	return true;
}

/* The sentence names the place in the schema: the problem is shown there. */
static bool
read_schema(Load *l, const Field *f, const char *pointer, const Json *v, void *to)
{
	Err err = { 0 };
	Str text, at;

	(void)f;
	if (params_schema_check(l->a, v, &err)) {
		*(Json *)to = *v;
		return true;
	}
	text = str_of(err.text);
	if (text.n == 0 || text.p[0] != '/' || !str_cut(&text, ':', &at))
		at = str_of("");
	load_fatal(
	    l, str_fmt(l->a, "%s%.*s", pointer, STR_ARG(at)).p, "'%s' is not a schema: %s", pointer + 1, err.text);
	return false;
}

static bool
read_word(Load *l, const Field *f, const char *pointer, const Json *v, void *to)
{
	size_t n = 0;
	Buf b = buf_open(l->a);

	for (; f->words[n] != NULL; n++)
		buf_fmt(&b, "%s%s", n > 0 ? ", " : "", f->words[n]);
	if (v->kind != JSON_STRING || name_index(f->words, n, json_as_str(v)) < 0) {
		load_fatal(l, pointer, "'%s' must be one of %.*s", pointer + 1, STR_ARG(buf_str(&b)));
		return false;
	}
	*(Str *)to = json_as_str(v);
	return true;
}

static bool
read_versions(Load *l, const Field *f, const char *pointer, const Json *v, void *to)
{
	Err err = { 0 };

	if (!read_text(l, f, pointer, v, to))
		return false;
	if (version_constraint_check(*(Str *)to, &err))
		return true;
	load_fatal(l, pointer, "%s", err.text);
	return false;
}

static bool
read_any(Load *l, const Field *f, const char *pointer, const Json *v, void *to)
{
	(void)l;
	(void)f;
	(void)pointer;
	*(Json *)to = *v;
	return true;
}

static bool
read_nothing(Load *l, const Field *f, const char *pointer, const Json *v, void *to)
{
	(void)l;
	(void)f;
	(void)pointer;
	(void)v;
	(void)to;
	return true;
}

static ReadField *const readers[FIELD_KINDS] = {
	[FIELD_TEXT] = read_text,
	[FIELD_BOOL] = read_bool,
	[FIELD_COUNT] = read_count,
	[FIELD_PRIORITY] = read_priority,
	[FIELD_OBJECT] = read_object,
	[FIELD_LIST] = read_list,
	[FIELD_TEXTS] = read_texts,
	[FIELD_SCHEMA] = read_schema,
	[FIELD_WORD] = read_word,
	[FIELD_VERSIONS] = read_versions,
	[FIELD_ANY] = read_any,
	[FIELD_IGNORED] = read_nothing,
};

static const Field *
field_of(const Field *fields, size_t n, Str key)
{
	for (size_t i = 0; i < n; i++)
		if (str_is(key, fields[i].key) || (fields[i].also != NULL && str_is(key, fields[i].also)))
			return &fields[i];
	return NULL;
}

static void
read_member(Load *l, const Field *fields, size_t n, const JsonMember *m, void *def)
{
	const Field *f = field_of(fields, n, m->key);
	Str pointer = str_fmt(l->a, "/%.*s", STR_ARG(m->key));
	const char *near = f == NULL ? nearest(fields, n, m->key) : NULL;

	if (f == NULL)
		load_warn(l, pointer.p, "unknown key '%.*s'%s%s%s", STR_ARG(m->key),
		    near == NULL ? "" : " (did you mean '", near == NULL ? "" : near, near == NULL ? "" : "'?)");
	else if (m->value.kind != JSON_NULL) /* a key without a value is a key not given */
		(void)readers[f->kind](l, f, pointer.p, &m->value, (char *)def + f->at);
}

void
fields_read(Load *l, const Field *fields, size_t n, void *def)
{
	for (size_t i = 0; i < l->root.n; i++)
		read_member(l, fields, n, &l->root.members[i], def);
	for (size_t i = 0; i < n; i++)
		if (fields[i].required && json_is_null(json_get(&l->root, fields[i].key)) &&
		    (fields[i].also == NULL || json_is_null(json_get(&l->root, fields[i].also))))
			load_fatal(l, "", "the key '%s' is missing", fields[i].key);
}
