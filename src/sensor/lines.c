#include "sensor/lines.h"

#include <stdlib.h>

enum { BEGIN = 256 * 1024 };

void
lines_open(Lines *l, size_t most)
{
	*l = (Lines){ .most = most };
}

void
lines_close(Lines *l)
{
	free(l->p);
	*l = (Lines){ .most = l->most };
}

char *
lines_room(Lines *l, size_t *ret_n)
{
	if (l->n == l->cap && l->whole == 0) {
		size_t cap = l->cap == 0 ? BEGIN : l->cap * 2;
		char *p = realloc(l->p, cap);

		if (p == NULL)
			abort();
		l->p = p;
		l->cap = cap;
	}
	*ret_n = l->cap - l->n;
	return l->p + l->n;
}

/* Drops what came of a line that is passed over; false while it goes on. */
static bool
passed(Lines *l, size_t from)
{
	char *end = memchr(l->p + from, '\n', l->n - from);
	size_t rest;

	if (end == NULL) {
		l->n = from;
		return false;
	}
	rest = (size_t)(l->p + l->n - (end + 1));
	memmove(l->p + from, end + 1, rest);
	l->n = from + rest;
	l->passing = false;
	return true;
}

size_t
lines_added(Lines *l, size_t n)
{
	size_t from = l->n;
	const char *last;

	l->n += n;
	if (l->passing && !passed(l, from))
		return 0;
	last = memrchr(l->p + from, '\n', l->n - from);
	if (last != NULL)
		l->whole = (size_t)(last - l->p) + 1;
	if (l->n - l->whole < l->most)
		return 0;
	l->n = l->whole;
	l->passing = true;
	return 1;
}

void
lines_end(Lines *l)
{
	size_t room;
	char *p;

	l->passing = false;
	if (l->n == l->whole)
		return;
	p = lines_room(l, &room);
	if (room == 0) /* only while whole lines fill it, and then the caller takes them first */
		return;
	*p = '\n';
	lines_added(l, 1);
}

bool
lines_next(const Lines *l, size_t *at, Str *ret)
{
	const char *end;

	if (*at >= l->whole)
		return false;
	end = memchr(l->p + *at, '\n', l->whole - *at);
	*ret = (Str){ l->p + *at, (size_t)(end - (l->p + *at)) };
	*at += ret->n + 1;
	return true;
}

void
lines_take(Lines *l, size_t upto)
{
	if (upto == 0)
		return;
	memmove(l->p, l->p + upto, l->n - upto);
	l->n -= upto;
	l->whole -= upto;
}

/* ---- what a line says ---- */

static void
bad(SensorLine *l, Str why)
{
	l->kind = LINE_BAD;
	l->why = why;
}

static bool
text_of(Arena *a, const Json *o, const char *key, Str *ret, SensorLine *line)
{
	const Json *v = json_get(o, key);

	if (json_is_null(v))
		return true;
	*ret = json_as_str(v);
	if (!str_none(*ret) && ret->n > 0)
		return true;
	bad(line, str_fmt(a, "'%s' must be a text", key));
	return false;
}

/* "rule": 5 or "pack.rule"; "trigger_instance_id": "rule_5", as the API takes it. */
static bool
rule_of(Arena *a, const Json *o, SensorLine *l)
{
	const Json *rule = json_get(o, "rule");
	Str instance = json_get_text(o, "trigger_instance_id");

	if (json_is_null(rule)) {
		if (str_starts(instance, str_of("rule_")))
			(void)str_to_int(str_sub(instance, 5, instance.n), &l->rule);
		return true;
	}
	l->rule = json_as_int(rule, 0);
	l->rule_ref = json_as_str(rule);
	if (l->rule > 0 || l->rule_ref.n > 0)
		return true;
	bad(l, str_fmt(a, "'rule' must be the id or the ref of a rule"));
	return false;
}

static void
event_read(Arena *a, const Json *o, SensorLine *l)
{
	const Json *payload = json_get(o, "payload");

	l->kind = LINE_EVENT;
	if (!text_of(a, o, "trigger_ref", &l->trigger_ref, l) || !text_of(a, o, "trigger", &l->trigger_ref, l) ||
	    !text_of(a, o, "key", &l->key, l) || !rule_of(a, o, l))
		return;
	if (payload == NULL)
		bad(l, str_of("'payload' is missing"));
	else if (l->key.n > LINE_KEY_MOST)
		bad(l, str_fmt(a, "'key' has %zu bytes, of %d at most", l->key.n, LINE_KEY_MOST));
	else if (json_has_vast(o))
		bad(l, str_of("it holds a number of more than 4096 digits or beyond 1e1000, which cannot be stored"));
	else if (json_has_nul(o))
		bad(l, str_of("it holds the character U+0000, which cannot be stored"));
	else
		l->payload = *payload;
}

void
line_read(Arena *a, Str text, SensorLine *ret)
{
	JsonLimits limits = { .size = text.n + 1 };
	Err why = { 0 };
	Str type;
	Json o;

	*ret = (SensorLine){ .kind = LINE_NOTHING };
	text = str_trim(text);
	if (text.n == 0)
		return;
	if (!json_parse(a, text, &limits, &o, &why)) {
		bad(ret, str_fmt(a, "it is no JSON: %s", why.text));
		return;
	}
	if (o.kind != JSON_OBJECT) {
		bad(ret, str_fmt(a, "it must be an object, not %s", json_kind_name(o.kind)));
		return;
	}
	type = json_get_text(&o, "type");
	if (str_is(type, "ready"))
		ret->kind = LINE_READY;
	else if (str_none(type) || str_is(type, "event"))
		event_read(a, &o, ret);
	else
		bad(ret, str_fmt(a, "there is no type '%.*s': event or ready", STR_ARG(str_sub(type, 0, 64))));
}
