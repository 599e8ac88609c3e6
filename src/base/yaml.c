#include "base/yaml.h"

#include "base/codec.h"
#include "base/json_inner.h"
#include "base/map.h"
#include "base/yaml_inner.h"

#include <yaml.h>

enum {
	SIZE_DEFAULT = 10 * 1024 * 1024,
	DEPTH_DEFAULT = 64,
	NODES_DEFAULT = 1000000,
	SHOWN_MOST = 100,   /* bytes of the text in an error */
	BYTES_PER_SIZE = 8, /* text of all values after alias expansion, in multiples of the size limit */
};

typedef struct Reader {
	Arena *a;
	const char *name;
	Str text;
	YamlLimits left; /* what may still come */
	size_t bytes_left;
	yaml_parser_t parser;
	yaml_event_t event; /* the current one */
	bool has_event;
	Map anchors; /* name to Json *; a later one of the same name takes its place */
	Err *err;
} Reader;

static bool
refuse(Reader *r, yaml_mark_t at, const char *what, Str detail)
{
	if (str_none(detail))
		return err_set(
		    r->err, ERR_INVALID, "%s: line %zu, column %zu: %s", r->name, at.line + 1, at.column + 1, what);
	detail = str_sub(detail, 0, SHOWN_MOST);
	detail.n = utf8_valid_prefix(detail); /* no half character at the cut */
	return err_set(r->err, ERR_INVALID, "%s: line %zu, column %zu: %s '%.*s'", r->name, at.line + 1, at.column + 1,
	    what, STR_ARG(detail));
}

static bool
refuse_here(Reader *r, const char *what)
{
	return refuse(r, r->event.start_mark, what, (Str){ 0 });
}

static bool
refuse_depth(Reader *r)
{
	return refuse_here(r, str_fmt(r->a, "nested too deeply: more than %u levels", (unsigned)r->left.depth).p);
}

/* What libyaml found wrong. Its reader of bytes knows no line, only an offset. */
static bool
refuse_syntax(Reader *r)
{
	const yaml_parser_t *p = &r->parser;
	yaml_mark_t at = p->problem_mark;
	unsigned line, column;

	if (p->error == YAML_READER_ERROR) {
		json_place(r->text, p->problem_offset, &line, &column);
		at.line = line - 1;
		at.column = column - 1;
	}
	return refuse(r, at, p->problem == NULL ? "cannot be read" : p->problem, (Str){ 0 });
}

static bool
next(Reader *r)
{
	if (r->has_event)
		yaml_event_delete(&r->event);
	r->has_event = yaml_parser_parse(&r->parser, &r->event) == 1;
	return r->has_event || refuse_syntax(r);
}

/* Every value counts, and every byte of text: an alias costs what it stands for. */
static bool
spend(Reader *r, size_t nodes, size_t bytes)
{
	if (r->left.nodes < nodes || r->bytes_left < bytes)
		return refuse_here(r, "too many values (or aliases that stand for too many)");
	r->left.nodes -= nodes;
	r->bytes_left -= bytes;
	return true;
}

static bool copy_value(Reader *r, const Json *v, Json *ret);

static bool
copy_members(Reader *r, const Json *v, Json *ret)
{
	ret->members = arena_array(r->a, JsonMember, v->n);
	for (uint32_t i = 0; i < v->n; i++) {
		ret->members[i].key = v->members[i].key;
		if (!spend(r, 0, v->members[i].key.n) || !copy_value(r, &v->members[i].value, &ret->members[i].value))
			return false;
	}
	return true;
}

static bool
copy_items(Reader *r, const Json *v, Json *ret)
{
	ret->items = arena_array(r->a, Json, v->n);
	for (uint32_t i = 0; i < v->n; i++)
		if (!copy_value(r, &v->items[i], &ret->items[i]))
			return false;
	return true;
}

/* A copy of what an anchor names, so that changing one later does not change the other; strings stay shared. */
static bool
copy_value(Reader *r, const Json *v, Json *ret)
{
	bool text = v->kind == JSON_STRING || v->kind == JSON_BIG;

	if (!spend(r, 1, text ? v->n : 0))
		return false;
	*ret = *v;
	if (v->n == 0 || (v->kind != JSON_ARRAY && v->kind != JSON_OBJECT))
		return true;
	ret->cap = v->n;
	return v->kind == JSON_ARRAY ? copy_items(r, v, ret) : copy_members(r, v, ret);
}

static unsigned
height(const Json *v)
{
	unsigned most = 0;

	for (uint32_t i = 0; i < v->n && (v->kind == JSON_ARRAY || v->kind == JSON_OBJECT); i++) {
		unsigned h = height(v->kind == JSON_ARRAY ? &v->items[i] : &v->members[i].value);

		most = h > most ? h : most;
	}
	return most + (v->kind == JSON_ARRAY || v->kind == JSON_OBJECT);
}

static bool
read_alias(Reader *r, unsigned depth_left, Json *ret)
{
	Str name = str_of((const char *)r->event.data.alias.anchor);
	const Json *value = map_get_str(&r->anchors, name);

	if (value == NULL)
		return refuse(r, r->event.start_mark, "alias of no complete anchor", name);
	if (!copy_value(r, value, ret))
		return false;
	return height(ret) <= depth_left || refuse_depth(r);
}

static void
keep_anchor(Reader *r, Str name, Json value)
{
	if (!str_none(name))
		map_put_str(&r->anchors, name, arena_copy(r->a, &value, sizeof(value)));
}

/* The anchor's name, in the arena, because the event goes before its value is complete. */
static Str
anchor_name(Reader *r, const yaml_char_t *name)
{
	return name == NULL ? (Str){ 0 } : str_copy(r->a, str_of((const char *)name));
}

static Str
tag_of(const yaml_char_t *tag)
{
	static const char standard[] = "tag:yaml.org,2002:";
	Str t = str_of((const char *)tag);

	return str_starts(t, str_of(standard)) ? str_sub(t, sizeof(standard) - 1, t.n) : t;
}

static bool
check_tag(Reader *r, const yaml_char_t *tag, const char *wanted)
{
	Str t = tag_of(tag);

	if (str_none(t) || str_is(t, "!") || str_is(t, wanted))
		return true;
	return refuse(r, r->event.start_mark, "unknown tag", str_of((const char *)tag));
}

static bool
read_scalar(Reader *r, Json *ret)
{
	Str s = { (const char *)r->event.data.scalar.value, r->event.data.scalar.length };
	Str tag = tag_of(r->event.data.scalar.tag);
	Str name = anchor_name(r, r->event.data.scalar.anchor);
	const char *wrong = NULL;

	if (!spend(r, 1, s.n))
		return false;
	s = str_copy(r->a, s);
	if (str_none(tag))
		tag = str_of(r->event.data.scalar.plain_implicit ? "?" : "str");
	if (!yaml_scalar(r->a, tag, s, ret, &wrong))
		return refuse(r, r->event.start_mark, wrong, s);
	keep_anchor(r, name, *ret);
	return true;
}

static bool read_value(Reader *r, unsigned depth_left, Json *ret);

static bool
read_items(Reader *r, unsigned depth_left, Json *ret)
{
	Json item;

	*ret = json_array();
	for (;;) {
		if (!next(r))
			return false;
		if (r->event.type == YAML_SEQUENCE_END_EVENT)
			return true;
		if (!read_value(r, depth_left, &item))
			return false;
		json_push(r->a, ret, item);
	}
}

/* Any scalar can be a key, and is its text: `1: x` has the key "1". */
static bool
read_key(Reader *r, Str *ret)
{
	bool scalar = r->event.type == YAML_SCALAR_EVENT;
	Json value = { 0 };

	if (r->event.type == YAML_ALIAS_EVENT) {
		if (!read_alias(r, 0, &value))
			return false;
		*ret = json_as_str(&value);
		return !str_none(*ret) || refuse_here(r, "a key must be a string");
	}
	if (!scalar)
		return refuse_here(r, "a key must be a string");
	*ret = str_copy(r->a, (Str){ (const char *)r->event.data.scalar.value, r->event.data.scalar.length });
	if (r->event.data.scalar.plain_implicit && r->event.data.scalar.style == YAML_PLAIN_SCALAR_STYLE) {
		if (str_is(*ret, "<<"))
			return refuse_here(r, "merge keys ('<<') are not supported; write the members out");
		if (ret->n == 0)
			return refuse_here(r, "a key is missing");
	}
	keep_anchor(r, anchor_name(r, r->event.data.scalar.anchor), json_str(*ret));
	return check_tag(r, r->event.data.scalar.tag, "str") && spend(r, 0, ret->n);
}

typedef struct Marks {
	yaml_mark_t *of;
	size_t cap;
} Marks;

static void
keep_mark(Reader *r, Marks *m, size_t n)
{
	size_t cap = m->cap == 0 ? 8 : m->cap * 2;

	if (n == m->cap) {
		m->of = arena_grow(r->a, m->of, m->cap * sizeof(*m->of), cap * sizeof(*m->of));
		m->cap = cap;
	}
	m->of[n] = r->event.start_mark;
}

static bool
check_keys(Reader *r, Json *object, const Marks *marks)
{
	size_t n = object->n, twice;
	Str key;

	if (json_keys_settle(object->members, &n, &twice, &key))
		return true;
	return refuse(r, marks->of[twice], "key given twice:", key);
}

static bool
read_members(Reader *r, unsigned depth_left, Json *ret)
{
	Marks marks = { 0 };
	Json value;
	Str key;

	*ret = json_object();
	for (;;) {
		if (!next(r))
			return false;
		if (r->event.type == YAML_MAPPING_END_EVENT)
			return check_keys(r, ret, &marks);
		keep_mark(r, &marks, ret->n);
		if (!read_key(r, &key) || !next(r) || !read_value(r, depth_left, &value))
			return false;
		json_add(r->a, ret, key.p, value);
		ret->members[ret->n - 1].key = key; /* it may hold a NUL */
	}
}

static bool
read_nested(Reader *r, unsigned depth_left, Json *ret)
{
	bool mapping = r->event.type == YAML_MAPPING_START_EVENT;
	const yaml_char_t *tag = mapping ? r->event.data.mapping_start.tag : r->event.data.sequence_start.tag;
	const yaml_char_t *anchor = mapping ? r->event.data.mapping_start.anchor : r->event.data.sequence_start.anchor;
	Str name = anchor_name(r, anchor);

	if (depth_left == 0)
		return refuse_depth(r);
	if (!check_tag(r, tag, mapping ? "map" : "seq") || !spend(r, 1, 0))
		return false;
	if (!(mapping ? read_members(r, depth_left - 1, ret) : read_items(r, depth_left - 1, ret)))
		return false;
	keep_anchor(r, name, *ret);
	return true;
}

static bool
read_value(Reader *r, unsigned depth_left, Json *ret)
{
	if (r->event.type == YAML_ALIAS_EVENT)
		return read_alias(r, depth_left, ret);
	if (r->event.type == YAML_SCALAR_EVENT)
		return read_scalar(r, ret);
	return read_nested(r, depth_left, ret);
}

static bool
read_stream(Reader *r, Json *ret)
{
	*ret = json_null();
	if (!next(r) || !next(r)) /* the stream starts, then a document or its end */
		return false;
	if (r->event.type == YAML_STREAM_END_EVENT)
		return true;
	if (!next(r) || !read_value(r, r->left.depth, ret) || !next(r) || !next(r))
		return false;
	if (r->event.type != YAML_STREAM_END_EVENT)
		return refuse_here(r, "a second document begins; only one is allowed");
	return true;
}

static YamlLimits
limits_or_defaults(const YamlLimits *given)
{
	YamlLimits l = given == NULL ? (YamlLimits){ 0 } : *given;

	l.size = l.size == 0 ? SIZE_DEFAULT : l.size;
	l.depth = l.depth == 0 ? DEPTH_DEFAULT : l.depth;
	l.nodes = l.nodes == 0 ? NODES_DEFAULT : l.nodes;
	return l;
}

bool
yaml_parse(Arena *a, const char *name, Str text, const YamlLimits *limits, Json *ret, Err *err)
{
	Reader r = { .a = a, .name = name, .text = text, .left = limits_or_defaults(limits), .err = err };
	Json value;
	bool good;

	if (text.n > r.left.size)
		return err_set(err, ERR_INVALID, "%s: line 1, column 1: %zu bytes are more than the limit of %zu", name,
		    text.n, r.left.size);
	r.anchors = map_open(a);
	r.bytes_left = r.left.size * BYTES_PER_SIZE;
	if (yaml_parser_initialize(&r.parser) != 1)
		return err_set(err, ERR_INTERNAL, "%s: out of memory", name);
	yaml_parser_set_encoding(&r.parser, YAML_UTF8_ENCODING);
	yaml_parser_set_input_string(&r.parser, (const unsigned char *)(text.n == 0 ? "" : text.p), text.n);
	good = read_stream(&r, &value);
	if (r.has_event)
		yaml_event_delete(&r.event);
	yaml_parser_delete(&r.parser);
	if (good)
		*ret = value;
	return good;
}
