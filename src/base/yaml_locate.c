#include "base/yaml.h"

#include <yaml.h>

/* A walk over the events towards the pointer. What has been found so far is the place of the deepest part that is there. */
typedef struct Walk {
	yaml_parser_t parser;
	Str rest; /* of the pointer, "/a/b"; empty: found */
	unsigned line, column;
} Walk;

static void
done(Walk *w)
{
	yaml_parser_delete(&w->parser);
}

static void
note(Walk *w, const yaml_event_t *e)
{
	w->line = (unsigned)e->start_mark.line + 1;
	w->column = (unsigned)e->start_mark.column + 1;
}

/* Is the key the next part of the pointer? ~1 and ~0 stand for / and ~ there. */
static bool
key_is(Str part, const unsigned char *key, size_t n)
{
	size_t k = 0;

	for (size_t i = 0; i < part.n; i++, k++) {
		char c = part.p[i];

		if (c == '~' && i + 1 < part.n)
			c = part.p[++i] == '1' ? '/' : '~';
		if (k >= n || (char)key[k] != c)
			return false;
	}
	return k == n;
}

/* Cuts "/part" off the pointer. */
static Str
next_part(Walk *w)
{
	Str rest = str_sub(w->rest, 1, w->rest.n), part = { 0 };

	(void)str_cut(&rest, '/', &part);
	w->rest = str_none(rest) ? str_of("") : str_sub(w->rest, 1 + part.n, w->rest.n);
	return part;
}

/* Reads events up to the end of the value that begins with *e. */
static bool
skip_value(Walk *w, const yaml_event_t *first)
{
	int depth = first->type == YAML_MAPPING_START_EVENT || first->type == YAML_SEQUENCE_START_EVENT;
	yaml_event_t e;

	while (depth > 0) {
		if (!yaml_parser_parse(&w->parser, &e))
			return false;
		depth += e.type == YAML_MAPPING_START_EVENT || e.type == YAML_SEQUENCE_START_EVENT;
		depth -= e.type == YAML_MAPPING_END_EVENT || e.type == YAML_SEQUENCE_END_EVENT;
		yaml_event_delete(&e);
	}
	return true;
}

/* Goes to the value of the key; *ret is its first event, to be deleted by the caller. */
static bool
enter_key(Walk *w, Str part, yaml_event_t *ret)
{
	yaml_event_t key;

	for (;;) {
		bool hit;

		if (!yaml_parser_parse(&w->parser, &key))
			return false;
		hit = key.type == YAML_SCALAR_EVENT && key_is(part, key.data.scalar.value, key.data.scalar.length);
		if (hit)
			note(w, &key);
		if (key.type == YAML_MAPPING_END_EVENT || !skip_value(w, &key)) {
			yaml_event_delete(&key);
			return false;
		}
		yaml_event_delete(&key);
		if (!yaml_parser_parse(&w->parser, ret))
			return false;
		if (hit)
			return true;
		if (!skip_value(w, ret)) {
			yaml_event_delete(ret);
			return false;
		}
		yaml_event_delete(ret);
	}
}

static bool
enter_item(Walk *w, Str part, yaml_event_t *ret)
{
	int64_t index;

	if (!str_to_int(part, &index))
		return false;
	for (;; index--) {
		if (!yaml_parser_parse(&w->parser, ret))
			return false;
		if (ret->type != YAML_SEQUENCE_END_EVENT && index <= 0) {
			note(w, ret);
			return index == 0;
		}
		if (ret->type == YAML_SEQUENCE_END_EVENT || !skip_value(w, ret)) {
			yaml_event_delete(ret);
			return false;
		}
		yaml_event_delete(ret);
	}
}

static bool
walk(Walk *w)
{
	yaml_event_t e, next;
	bool more = true;

	do { /* stream and document */
		if (!yaml_parser_parse(&w->parser, &e))
			return false;
		more = e.type == YAML_STREAM_START_EVENT || e.type == YAML_DOCUMENT_START_EVENT;
		if (more)
			yaml_event_delete(&e);
	} while (more);
	note(w, &e);
	while (w->rest.n > 0) {
		yaml_event_type_t type = e.type;
		Str part = next_part(w);

		yaml_event_delete(&e);
		if (!(type == YAML_MAPPING_START_EVENT
			    ? enter_key(w, part, &next)
			    : type == YAML_SEQUENCE_START_EVENT && enter_item(w, part, &next)))
			return false;
		e = next;
	}
	yaml_event_delete(&e);
	return true;
}

bool
yaml_locate(Str text, Str json_pointer, unsigned *line, unsigned *column)
{
	CLEANUP(done) Walk w = { .rest = str_none(json_pointer) ? str_of("") : json_pointer, .line = 1, .column = 1 };
	bool found;

	if (!yaml_parser_initialize(&w.parser))
		return false;
	yaml_parser_set_input_string(&w.parser, (const unsigned char *)text.p, text.n);
	found = walk(&w);
	*line = w.line;
	*column = w.column;
	return found;
}
