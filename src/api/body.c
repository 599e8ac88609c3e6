#include "api/body.h"

#include "base/codec.h"
#include "model/limits.h"

/* What is wrong, in one text. */
typedef struct Wrongs {
	Req *q;
	Str at; /* before each key */
	Buf text;
	size_t n;
} Wrongs;

static void PRINTF(3, 4) wrong(Wrongs *w, const char *key, const char *fmt, ...)
{
	va_list ap;
	Str message, field = str_fmt(w->text.a, "%.*s%s", STR_ARG(w->at), key);

	va_start(ap, fmt);
	message = str_vfmt(w->text.a, fmt, ap);
	va_end(ap);
	buf_fmt(&w->text, "%s%.*s: %.*s", w->n++ == 0 ? "Validation failed: " : ", ", STR_ARG(field), STR_ARG(message));
	req_fault(w->q, field.p, message);
}

static const struct {
	unsigned kind;
	JsonKind json;
	const char *name;
} kinds[] = {
	{ FIELD_TEXT, JSON_STRING, "a string" },
	{ FIELD_NUMBER, JSON_INT, "an integer" },
	{ FIELD_BOOL, JSON_BOOL, "true or false" },
	{ FIELD_MAP, JSON_OBJECT, "an object" },
	{ FIELD_ITEMS, JSON_ARRAY, "an array" },
	{ FIELD_REFS, JSON_ARRAY, "an array of strings" },
};

static bool
kind_fits(unsigned kind, JsonKind json)
{
	if ((kind & FIELD_ANY) != 0)
		return true;
	for (size_t i = 0; i < countof(kinds); i++)
		if ((kind & kinds[i].kind) != 0 && kinds[i].json == json)
			return true;
	return false;
}

static void
kind_wrong(Wrongs *w, const BodyField *f, JsonKind got)
{
	Buf b = buf_open(w->text.a);

	for (size_t i = 0; i < countof(kinds); i++)
		if ((f->kind & kinds[i].kind) != 0)
			buf_fmt(&b, "%s%s", b.n > 0 ? " or " : "", kinds[i].name);
	wrong(w, f->key, "must be %.*s, not %s", STR_ARG(buf_str(&b)), json_kind_name(got));
}

static bool
all_strings(const Json *v)
{
	for (size_t i = 0; i < v->n; i++)
		if (v->items[i].kind != JSON_STRING)
			return false;
	return true;
}

/* {"op": "set", "value": v} stands for v; false: it clears, there is no value to look at. */
static bool
patch_open(const BodyField *f, const Json **v, Wrongs *w)
{
	Str op = json_as_str(json_get(*v, "op"));

	if ((f->kind & FIELD_PATCH) == 0 || !json_is(*v, JSON_OBJECT) || str_none(op))
		return true;
	if (str_is(op, "clear"))
		return false;
	if (!str_is(op, "set")) {
		wrong(w, f->key, "op must be set or clear");
		return false;
	}
	*v = json_get(*v, "value");
	if (!json_is_null(*v))
		return true;
	wrong(w, f->key, "op set needs a value");
	return false;
}

static void
field_check(Wrongs *w, const BodyField *f, const Json *body)
{
	const Json *v = json_get(body, f->key);

	if (json_is_null(v)) {
		if ((f->kind & FIELD_NEEDED) != 0)
			wrong(w, f->key, "is missing");
		return;
	}
	if (!patch_open(f, &v, w))
		return;
	if (!kind_fits(f->kind, v->kind)) {
		kind_wrong(w, f, v->kind);
		return;
	}
	if (v->kind == JSON_STRING && f->most > 0 && (v->n == 0 || utf8_length(json_as_str(v)) > f->most))
		wrong(w, f->key, "must have 1 to %zu characters", f->most);
	if (v->kind == JSON_INT && (f->kind & FIELD_POSITIVE) != 0 && v->i <= 0)
		wrong(w, f->key, "must be greater than 0");
	if (v->kind == JSON_ARRAY && (f->kind & FIELD_REFS) != 0 && !all_strings(v))
		wrong(w, f->key, "must be an array of strings");
}

bool
body_read(Req *q, const BodyField *fields, size_t n, Json *ret, Err *err)
{
	return req_json(q, ret, err) && body_check(q, fields, n, str_of(""), ret, err) &&
	       (!json_has_vast(ret) || err_set(err, ERR_VALIDATION,
					   "The body holds a number of more than 4096 digits or beyond 1e1000, which "
					   "cannot be stored: write it "
					   "as text"));
}

bool
body_check(Req *q, const BodyField *fields, size_t n, Str at, const Json *body, Err *err)
{
	Wrongs w = { .q = q, .at = at, .text = buf_open(req_arena(q)) };

	for (size_t i = 0; i < n; i++)
		field_check(&w, &fields[i], body);
	return w.n == 0 || err_set(err, ERR_VALIDATION, "%.*s", STR_ARG(buf_str(&w.text)));
}

void
body_text(const Json *body, const char *key, Str *to)
{
	const Json *v = json_get(body, key);

	if (json_is(v, JSON_STRING))
		*to = json_as_str(v);
}

void
body_bool(const Json *body, const char *key, bool *to)
{
	*to = json_as_bool(json_get(body, key), *to);
}

void
body_int(const Json *body, const char *key, int64_t *to)
{
	*to = json_as_int(json_get(body, key), *to);
}

void
body_json(const Json *body, const char *key, Json *to)
{
	const Json *v = json_get(body, key);

	if (!json_is_null(v))
		*to = *v;
}

/* The value that is to be set; NULL: none is given. A cleared one is null. */
static const Json *
patched(const Json *body, const char *key)
{
	static const Json cleared = { .kind = JSON_NULL };
	const Json *v = json_get(body, key);
	Str op = json_as_str(json_get(v, "op"));

	if (json_is_null(v))
		return NULL;
	if (str_is(op, "clear"))
		return &cleared;
	return str_is(op, "set") ? json_get(v, "value") : v;
}

void
body_patch_text(const Json *body, const char *key, Str *to)
{
	const Json *v = patched(body, key);

	if (v != NULL)
		*to = json_as_str(v);
}

void
body_patch_int(const Json *body, const char *key, int64_t *to)
{
	const Json *v = patched(body, key);

	if (v != NULL)
		*to = json_as_int(v, 0);
}

void
body_patch_json(const Json *body, const char *key, Json *to)
{
	const Json *v = patched(body, key);

	if (v != NULL)
		*to = *v;
}

bool
body_priority(const Json *body, int64_t *to, Err *err)
{
	const Json *v = json_get(body, "priority");

	if (v == NULL)
		return true;
	*to = json_as_int(v, 0);
	return (*to >= -PRIORITY_MOST && *to <= PRIORITY_MOST) ||
	       err_set(err, ERR_VALIDATION, "Validation failed: priority: must be a whole number from -%d to %d",
		   PRIORITY_MOST, PRIORITY_MOST);
}
