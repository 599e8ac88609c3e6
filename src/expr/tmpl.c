#include "expr/tmpl.h"

#include "expr/inner.h"

/* A piece of a string: text, or a block. */
typedef struct Piece {
	Str text;
	const Expr *expr; /* NULL: text */
	const Expr *path; /* what may mean an odd key too ("a.content-type"): tried first; NULL mostly */
} Piece;

typedef enum TmplKind {
	TMPL_FIXED,
	TMPL_VALUE, /* exactly one block */
	TMPL_TEXT,
	TMPL_ARRAY,
	TMPL_OBJECT,
} TmplKind;

struct Tmpl {
	TmplKind kind;
	bool forgiving;
	Json value; /* as written */
	Piece *pieces;
	const Tmpl **kids; /* one per item or member */
	size_t n;
};

typedef struct Maker {
	Arena *a;
	Arena *scratch; /* for what is not there any more when it is made */
	TmplMode mode;
	Err *err;
} Maker;

/* Where the block ends that starts at the beginning of s: at the first }} outside of string literals, else at the first at all. */
static bool
block_end(Str s, size_t *ret)
{
	char quote = '\0';

	for (size_t i = 0; i + 1 < s.n && i <= EXPR_TEXT_MOST; i++) {
		char c = s.p[i];

		if (quote != '\0') {
			i += c == '\\';
			quote = c == quote ? '\0' : quote;
		} else if (c == '\'' || c == '"') {
			quote = c;
		} else if (c == '}' && s.p[i + 1] == '}') {
			*ret = i;
			return true;
		}
	}
	return str_find(s, str_of("}}"), ret);
}

/* A path whose keys are no names: that is how rules could always write it. */
static bool
odd_path(Str s)
{
	bool odd = false;

	for (size_t i = 0; i < s.n; i++) {
		char c = s.p[i];

		odd = odd || c == '-';
		if ((c < 'a' || c > 'z') && (c < 'A' || c > 'Z') && (c < '0' || c > '9') && strchr("_.-", c) == NULL)
			return false;
	}
	return odd;
}

static bool
make_block(Maker *m, Str inside, Piece *ret)
{
	Err why = { 0 };

	inside = str_trim(inside);
	*ret = (Piece){ .text = inside };
	if (m->mode == TMPL_FORGIVING && odd_path(inside))
		ret->path = expr_compile_path(m->a, inside);
	if (expr_compile(m->a, inside, &ret->expr, &why))
		return true;
	if (m->mode == TMPL_FORGIVING) {
		ret->expr = expr_compile_path(m->a, inside);
		return true;
	}
	if (m->err != NULL)
		*m->err = why;
	return err_wrap(m->err, "in '{{ %.*s }}'", STR_ARG(expr_clip(inside)));
}

/* Cuts the next piece off the text. A block that never closes is text. */
static bool
next_piece(Maker *m, Str *text, Piece *ret)
{
	size_t open, close;

	if (!str_find(*text, str_of("{{"), &open) || !block_end(str_sub(*text, open + 2, text->n), &close))
		open = text->n;
	if (open > 0) {
		*ret = (Piece){ .text = str_sub(*text, 0, open) };
		*text = str_sub(*text, open, text->n);
		return true;
	}
	*ret = (Piece){ 0 };
	if (!make_block(m, str_sub(*text, 2, 2 + close), ret))
		return false;
	*text = str_sub(*text, close + 4, text->n);
	return true;
}

static bool
make_string(Maker *m, Tmpl *t)
{
	Str text = json_as_str(&t->value);
	Piece *pieces = NULL;
	size_t cap = 0;
	bool blocks = false;

	if (m->mode == TMPL_STRICT && str_starts(str_trim(text), str_of("{{")) &&
	    str_ends(str_trim(text), str_of("}}")))
		text = str_trim(text);
	if (!str_find(text, str_of("{{"), NULL))
		return true;
	while (text.n > 0) {
		if (t->n == cap) {
			pieces = arena_grow(m->scratch, pieces, cap * sizeof(Piece), (cap * 2 + 4) * sizeof(Piece));
			cap = cap * 2 + 4;
		}
		if (!next_piece(m, &text, &pieces[t->n]))
			return false;
		blocks = blocks || pieces[t->n].expr != NULL;
		t->n++;
	}
	t->pieces = arena_copy(m->a, pieces, t->n * sizeof(Piece));
	if (blocks)
		t->kind = t->n == 1 ? TMPL_VALUE : TMPL_TEXT;
	return true;
}

static bool make(Maker *m, const Json *v, Tmpl *t);

static bool
make_kids(Maker *m, Tmpl *t)
{
	bool object = t->value.kind == JSON_OBJECT, fixed = true;

	t->n = t->value.n;
	t->kids = arena_array(m->a, const Tmpl *, t->n);
	for (size_t i = 0; i < t->n; i++) {
		Tmpl *kid = arena_new(m->a, Tmpl);

		if (!make(m, object ? &t->value.members[i].value : &t->value.items[i], kid))
			return object ? err_wrap(m->err, "%.*s", STR_ARG(t->value.members[i].key))
				      : err_wrap(m->err, "[%zu]", i);
		t->kids[i] = kid;
		fixed = fixed && kid->kind == TMPL_FIXED;
	}
	if (!fixed)
		t->kind = object ? TMPL_OBJECT : TMPL_ARRAY;
	return true;
}

static bool
make(Maker *m, const Json *v, Tmpl *t)
{
	t->value = *v;
	t->forgiving = m->mode == TMPL_FORGIVING;
	if (v->kind == JSON_STRING)
		return make_string(m, t);
	return (v->kind != JSON_OBJECT && v->kind != JSON_ARRAY) || make_kids(m, t);
}

bool
tmpl_compile_json(Arena *a, const Json *value, TmplMode mode, const Tmpl **ret, Err *err)
{
	CLEANUP(arena_done) Arena *scratch = arena_open();
	Maker m = { a, scratch, mode, err };
	Tmpl *t = arena_new(a, Tmpl);

	if (!make(&m, value, t))
		return false;
	*ret = t;
	return true;
}

bool
tmpl_compile(Arena *a, Str text, TmplMode mode, const Tmpl **ret, Err *err)
{
	const Json v = json_str(text);

	return tmpl_compile_json(a, &v, mode, ret, err);
}

bool
tmpl_is_fixed(const Tmpl *t)
{
	return t->kind == TMPL_FIXED;
}

static bool render(Ev *ev, const Tmpl *t, Json *ret);

/* What comes out is written into a row or a message sooner or later: its whole size counts. */
static bool
run_weighed(Ev *ev, const Expr *x, Json *ret)
{
	size_t bytes = 0;

	if (!ev_run(ev, x, ret))
		return false;
	return (ret->kind != JSON_ARRAY && ret->kind != JSON_OBJECT) || ev_weigh(ev, 0, ret, &bytes);
}

static bool
render_block(Ev *ev, const Tmpl *t, const Piece *p, Json *ret)
{
	Err *err = ev->err;

	if (p->path != NULL && run_weighed(ev, p->path, ret) && ret->kind != JSON_NULL)
		return true;
	if (run_weighed(ev, p->expr, ret))
		return true;
	*ret = json_null();
	if (t->forgiving)
		return true;
	return err_wrap(err, "in '{{ %.*s }}'", STR_ARG(expr_clip(p->text)));
}

static bool
render_value(Ev *ev, const Tmpl *t, Json *ret)
{
	return render_block(ev, t, &t->pieces[0], ret);
}

static bool
render_text(Ev *ev, const Tmpl *t, Json *ret)
{
	Buf b = buf_open(ev->a);

	for (size_t i = 0; i < t->n; i++) {
		const Piece *p = &t->pieces[i];
		Json v = json_str(p->text);

		if (p->expr != NULL && !render_block(ev, t, p, &v))
			return false;
		if (v.kind == JSON_ARRAY || v.kind == JSON_OBJECT) /* weighed already */
			expr_print(&b, &v);
		else if (!ev_print(ev, 0, &b, &v) && !t->forgiving)
			return false;
	}
	*ret = json_str(buf_str(&b));
	return true;
}

static bool
render_array(Ev *ev, const Tmpl *t, Json *ret)
{
	Json made = json_array();

	made.items = arena_array(ev->a, Json, t->n);
	made.cap = made.n = (uint32_t)t->n;
	for (size_t i = 0; i < t->n; i++)
		if (!render(ev, t->kids[i], &made.items[i]))
			return err_wrap(ev->err, "[%zu]", i);
	*ret = made;
	return true;
}

static bool
render_object(Ev *ev, const Tmpl *t, Json *ret)
{
	Json made = json_object();

	made.members = arena_array(ev->a, JsonMember, t->n);
	made.cap = made.n = (uint32_t)t->n;
	for (size_t i = 0; i < t->n; i++) {
		Str key = t->value.members[i].key;

		made.members[i].key = ev->env->own_constants ? str_copy(ev->a, key) : key;
		if (!render(ev, t->kids[i], &made.members[i].value))
			return err_wrap(ev->err, "%.*s", STR_ARG(key));
	}
	*ret = made;
	return true;
}

static bool
render_fixed(Ev *ev, const Tmpl *t, Json *ret)
{
	*ret = ev->env->own_constants ? json_clone(ev->a, &t->value) : t->value;
	return true;
}

static bool (*const renders[])(Ev *ev, const Tmpl *t, Json *ret) = {
	[TMPL_FIXED] = render_fixed,
	[TMPL_VALUE] = render_value,
	[TMPL_TEXT] = render_text,
	[TMPL_ARRAY] = render_array,
	[TMPL_OBJECT] = render_object,
};

static bool
render(Ev *ev, const Tmpl *t, Json *ret)
{
	return renders[t->kind](ev, t, ret);
}

bool
tmpl_render(const Tmpl *t, const ExprEnv *env, Arena *a, Json *ret, Err *err)
{
	Ev ev = ev_open(env, a, t->forgiving ? NULL : err);

	return render(&ev, t, ret);
}

static size_t
count_paths(const Tmpl *t)
{
	size_t n = 0;

	if (t->kind == TMPL_FIXED)
		return 0;
	for (size_t i = 0; i < t->n; i++) {
		if (t->kids != NULL)
			n += count_paths(t->kids[i]);
		else if (t->pieces[i].expr != NULL)
			n += t->pieces[i].expr->n_paths + (t->pieces[i].path != NULL);
	}
	return n;
}

static void
add_paths(Arena *a, const Expr *x, ExprPath *paths, size_t *n)
{
	size_t some = 0;
	ExprPath *more = x == NULL ? NULL : expr_paths(a, x, &some);

	for (size_t i = 0; i < some; i++)
		paths[(*n)++] = more[i];
}

static void
list_paths(Arena *a, const Tmpl *t, ExprPath *paths, size_t *n)
{
	for (size_t i = 0; t->kind != TMPL_FIXED && i < t->n; i++) {
		if (t->kids != NULL) {
			list_paths(a, t->kids[i], paths, n);
			continue;
		}
		add_paths(a, t->pieces[i].expr, paths, n);
		add_paths(a, t->pieces[i].path, paths, n);
	}
}

ExprPath *
tmpl_paths(Arena *a, const Tmpl *t, size_t *ret_n)
{
	ExprPath *paths = arena_array(a, ExprPath, count_paths(t));

	*ret_n = 0;
	list_paths(a, t, paths, ret_n);
	return paths;
}
