#include "model/template.h"

/* A piece of a string: text, or a path when it was a block. */
typedef struct Piece {
	bool block;
	Str text;
	Path path;
} Piece;

typedef enum TemplateKind {
	TEMPLATE_CONST,
	TEMPLATE_VALUE,
	TEMPLATE_TEXT,
	TEMPLATE_ARRAY,
	TEMPLATE_OBJECT
} TemplateKind;

struct Template {
	TemplateKind kind;
	const Json *value; /* as written */
	Piece *pieces;
	const Template **kids; /* one per item or member */
	size_t n;
};

static Piece
block_piece(Arena *a, Str inside, bool *ret_pack_config)
{
	Piece p = { .block = true, .text = str_trim(inside) };

	p.path = path_parse(a, p.text);
	if (p.path.n >= 2 && str_is(p.path.parts[0], "pack") && str_is(p.path.parts[1], "config"))
		*ret_pack_config = true;
	return p;
}

/* An unclosed block is text. */
static size_t
cut_pieces(Arena *a, Str text, Piece *pieces, bool *ret_pack_config)
{
	size_t n = 0, open, close;

	while (str_find(text, str_of("{{"), &open) && str_find(str_sub(text, open + 2, text.n), str_of("}}"), &close)) {
		if (open > 0)
			pieces[n++] = (Piece){ .text = str_sub(text, 0, open) };
		pieces[n++] = block_piece(a, str_sub(text, open + 2, open + 2 + close), ret_pack_config);
		text = str_sub(text, open + close + 4, text.n);
	}
	if (text.n > 0)
		pieces[n++] = (Piece){ .text = text };
	return n;
}

static size_t
count_opens(Str text)
{
	size_t n = 0, at;

	while (str_find(text, str_of("{{"), &at)) {
		text = str_sub(text, at + 2, text.n);
		n++;
	}
	return n;
}

static void
compile_string(Arena *a, Template *t, bool *ret_pack_config)
{
	Str text = json_as_str(t->value);
	size_t opens = count_opens(text);

	if (opens == 0)
		return;
	t->pieces = arena_array(a, Piece, opens * 2 + 1);
	t->n = cut_pieces(a, text, t->pieces, ret_pack_config);
	if (t->n == 1 && t->pieces[0].block)
		t->kind = TEMPLATE_VALUE;
	else if (t->n > 0)
		t->kind = TEMPLATE_TEXT;
}

static void
compile_kids(Arena *a, Template *t, bool *ret_pack_config)
{
	bool object = t->value->kind == JSON_OBJECT, fixed = true;

	t->n = t->value->n;
	t->kids = arena_array(a, const Template *, t->n + 1);
	for (size_t i = 0; i < t->n; i++) {
		t->kids[i] =
		    template_compile(a, object ? &t->value->members[i].value : &t->value->items[i], ret_pack_config);
		fixed = fixed && t->kids[i]->kind == TEMPLATE_CONST;
	}
	if (!fixed)
		t->kind = object ? TEMPLATE_OBJECT : TEMPLATE_ARRAY;
}

const Template *
template_compile(Arena *a, const Json *value, bool *ret_pack_config)
{
	Template *t = arena_new(a, Template);

	t->value = value;
	if (value->kind == JSON_STRING)
		compile_string(a, t, ret_pack_config);
	else if (value->kind == JSON_OBJECT || value->kind == JSON_ARRAY)
		compile_kids(a, t, ret_pack_config);
	return t;
}

static Json
rest_of(const Path *p, size_t from, const Json *v)
{
	const Json *found = path_get(p, from, v);

	return found == NULL ? json_null() : *found;
}

static Json
leaf(const Path *p, size_t at, Json v)
{
	return p->n == at ? v : json_null();
}

static Json
event_id(Arena *a, const Path *p, const TemplateRoots *r)
{
	(void)a;
	return leaf(p, 2, r->event->id == 0 ? json_null() : json_int(r->event->id));
}

static Json
event_trigger(Arena *a, const Path *p, const TemplateRoots *r)
{
	(void)a;
	return leaf(p, 2, json_str(r->event->trigger_ref));
}

static Json
event_created(Arena *a, const Path *p, const TemplateRoots *r)
{
	return leaf(p, 2, json_str(time_text(a, r->event->created)));
}

static Json
event_payload(Arena *a, const Path *p, const TemplateRoots *r)
{
	(void)a;
	return rest_of(p, 2, r->event->payload);
}

static Json
pack_config(Arena *a, const Path *p, const TemplateRoots *r)
{
	Json v = rest_of(p, 2, r->pack_config);

	return json_clone(a, &v); /* it belongs to the index, not to the caller */
}

static Json
system_timestamp(Arena *a, const Path *p, const TemplateRoots *r)
{
	return leaf(p, 2, json_str(time_text(a, r->now)));
}

static Json
system_rule(Arena *a, const Path *p, const TemplateRoots *r)
{
	if (p->n == 3 && str_is(p->parts[2], "id"))
		return json_int(r->rule->id);
	if (p->n == 3 && str_is(p->parts[2], "ref"))
		return json_str(str_copy(a, r->rule->ref));
	return json_null();
}

static const struct {
	const char *root, *name;
	Json (*get)(Arena *a, const Path *p, const TemplateRoots *r);
} roots_known[] = {
	{ "event", "payload", event_payload },
	{ "event", "id", event_id },
	{ "event", "trigger", event_trigger },
	{ "event", "trigger_ref", event_trigger },
	{ "event", "created", event_created },
	{ "pack", "config", pack_config },
	{ "system", "timestamp", system_timestamp },
	{ "system", "rule", system_rule },
};

/* This is where src/expr takes over, so that a block may hold any expression. Until then: a path, or null. */
static Json
block_value(Arena *a, const Path *p, const TemplateRoots *r)
{
	for (size_t i = 0; p->n >= 2 && i < countof(roots_known); i++)
		if (str_is(p->parts[0], roots_known[i].root) && str_is(p->parts[1], roots_known[i].name))
			return roots_known[i].get(a, p, r);
	return json_null();
}

static void
print_in_text(Buf *b, const Json *v)
{
	if (v->kind == JSON_STRING)
		buf_add(b, json_as_str(v));
	else if (v->kind != JSON_NULL)
		json_print(b, v);
}

static Json
render_text(Arena *a, const Template *t, const TemplateRoots *roots)
{
	Buf b = buf_open(a);

	for (size_t i = 0; i < t->n; i++) {
		const Piece *p = &t->pieces[i];
		Json v = p->block ? block_value(a, &p->path, roots) : json_str(p->text);

		print_in_text(&b, &v);
	}
	return json_str(buf_str(&b));
}

Json
template_render(Arena *a, const Template *t, const TemplateRoots *roots)
{
	Json made;

	if (t->kind == TEMPLATE_CONST)
		return json_clone(a, t->value);
	if (t->kind == TEMPLATE_VALUE)
		return block_value(a, &t->pieces[0].path, roots);
	if (t->kind == TEMPLATE_TEXT)
		return render_text(a, t, roots);
	made = t->kind == TEMPLATE_ARRAY ? json_array() : json_object();
	for (size_t i = 0; i < t->n; i++) {
		Json kid = template_render(a, t->kids[i], roots);

		if (t->kind == TEMPLATE_ARRAY)
			json_push(a, &made, kid);
		else /* keys are unique already */
			json_set_str(a, &made, str_copy(a, t->value->members[i].key), kid);
	}
	return made;
}
