/*
 * The expression form of conditions: {"expression": "event.payload.x > 3 and not ..."}. This is the small part of the language
 * that conditions mostly use: comparisons, in, not in, and, or, not, parentheses, literals, lists and paths of `event`. The room
 * src/expr takes this file's place with the whole language: the three functions at its end are the seam.
 */
#include "model/condition.h"

#include "base/map.h"

#include <ctype.h>

enum { EXPR_DEPTH_MOST = 64, EXPR_TEXT_MOST = 16 * 1024 };

typedef enum ExprKind {
	EXPR_LITERAL,
	EXPR_PATH,
	EXPR_LIST,
	EXPR_NOT,
	EXPR_AND,
	EXPR_OR,
	EXPR_COMPARE,
} ExprKind;

typedef bool Compare(const Json *x, const Json *y, bool *ret); /* false: these cannot be compared */

struct Expr {
	ExprKind kind;
	Expr **kids;
	size_t n;
	Json literal;
	Str text; /* of a path, behind "event.payload." */
	Path path;
	Compare *compare;
};

typedef struct Reader {
	Arena *a;
	Str text;
	size_t at;
	unsigned depth;
	Err *err;
} Reader;

static Expr *read_or(Reader *r);

static Expr *
fail(Reader *r, const char *what)
{
	(void)err_set(r->err, ERR_INVALID, "%s at character %zu", what, r->at + 1);
	return NULL;
}

static char
look(Reader *r)
{
	while (r->at < r->text.n && isspace((unsigned char)r->text.p[r->at]))
		r->at++;
	return r->at < r->text.n ? r->text.p[r->at] : 0;
}

static bool
is_name_char(char c)
{
	return isalnum((unsigned char)c) || c == '_';
}

/* A symbol, or a whole word. */
static bool
take(Reader *r, const char *token)
{
	Str t = str_of(token);

	look(r);
	if (!str_starts(str_sub(r->text, r->at, r->text.n), t))
		return false;
	if (is_name_char(token[0]) && r->at + t.n < r->text.n && is_name_char(r->text.p[r->at + t.n]))
		return false;
	r->at += t.n;
	return true;
}

static Expr *
expr_new(Reader *r, ExprKind kind, Expr *left, Expr *right)
{
	Expr *x = arena_new(r->a, Expr);

	x->kind = kind;
	x->kids = arena_array(r->a, Expr *, 2);
	x->kids[0] = left;
	x->kids[1] = right;
	x->n = right == NULL ? 1 : 2;
	return x;
}

static Expr *
literal(Reader *r, Json v)
{
	Expr *x = arena_new(r->a, Expr);

	x->literal = v;
	return x;
}

/* Escapes \n \t \r \\ and the own quote; other \x keep both characters. */
static bool
read_text(Reader *r, Str *ret)
{
	static const char escapes[] = "n\nt\tr\r\\\\";
	char quote = r->text.p[r->at++];
	Buf b = buf_open(r->a);

	for (; r->at < r->text.n && r->text.p[r->at] != quote; r->at++) {
		char c = r->text.p[r->at], next = r->at + 1 < r->text.n ? r->text.p[r->at + 1] : 0;
		const char *e = NULL;

		for (size_t i = 0; c == '\\' && i + 1 < sizeof(escapes) - 1; i += 2)
			e = next == escapes[i] ? &escapes[i + 1] : e;
		if (c == '\\' && next == quote)
			e = &r->text.p[r->at + 1];
		buf_char(&b, e == NULL ? c : *e);
		r->at += e != NULL;
	}
	if (r->at >= r->text.n)
		return err_set(r->err, ERR_INVALID, "unterminated string");
	r->at++;
	*ret = buf_str(&b);
	return true;
}

static Expr *
read_number(Reader *r)
{
	size_t from = r->at;
	Str s;
	int64_t i;
	double d;

	r->at += r->text.p[r->at] == '-';
	while (r->at < r->text.n && (isdigit((unsigned char)r->text.p[r->at]) || r->text.p[r->at] == '.'))
		r->at++;
	s = str_sub(r->text, from, r->at);
	if (str_to_int(s, &i))
		return literal(r, json_int(i));
	return str_to_real(s, &d) ? literal(r, json_real(d)) : fail(r, "not a number");
}

static Str
read_name(Reader *r)
{
	size_t from = r->at;

	while (r->at < r->text.n && is_name_char(r->text.p[r->at]))
		r->at++;
	return str_sub(r->text, from, r->at);
}

/* ".name", "['name']" or "[0]", one part of a path. */
static bool
read_part(Reader *r, Str *ret)
{
	char c;
	Expr *index;

	if (take(r, ".")) {
		look(r);
		*ret = read_name(r);
		return ret->n > 0 || fail(r, "a name is expected") != NULL;
	}
	r->at++; /* [ */
	c = look(r);
	if (c == '\'' || c == '"') {
		if (!read_text(r, ret))
			return false;
	} else if (isdigit((unsigned char)c)) {
		index = read_number(r);
		if (index == NULL)
			return false;
		*ret = json_text(r->a, &index->literal);
	} else {
		return fail(r, "an index or a key is expected") != NULL;
	}
	return take(r, "]") || fail(r, "']' is expected") != NULL;
}

static Expr *
read_path(Reader *r)
{
	Str root = read_name(r), part;
	Expr *x = arena_new(r->a, Expr);
	Str parts[EXPR_DEPTH_MOST];
	Buf text = buf_open(r->a);

	if (!str_is(root, "event"))
		return err_set(r->err, ERR_INVALID, "unknown name '%.*s' (conditions see 'event' only)", STR_ARG(root)),
		       NULL;
	x->kind = EXPR_PATH;
	while (look(r) == '.' || look(r) == '[') {
		if (x->path.n == countof(parts))
			return fail(r, "the path is too long");
		if (!read_part(r, &part))
			return NULL;
		if (x->path.n > 0) /* behind event.payload */
			buf_fmt(&text, "%s%.*s", text.n > 0 ? "." : "", STR_ARG(part));
		parts[x->path.n++] = part;
	}
	x->path.parts = arena_copy(r->a, parts, x->path.n * sizeof(Str));
	x->text = buf_str(&text);
	return x;
}

static Expr *
read_list(Reader *r)
{
	Expr *x = arena_new(r->a, Expr);
	Vec items = vec_open(r->a);

	x->kind = EXPR_LIST;
	while (!take(r, "]")) {
		Expr *item = read_or(r);

		if (item == NULL)
			return NULL;
		vec_push(&items, item);
		if (!take(r, ",") && look(r) != ']')
			return fail(r, "',' or ']' is expected");
	}
	x->kids = (Expr **)items.items;
	x->n = items.n;
	return x;
}

static Expr *
read_primary(Reader *r)
{
	char c = look(r);
	Expr *x;
	Str s;

	if (c == '\'' || c == '"')
		return read_text(r, &s) ? literal(r, json_str(s)) : NULL;
	if (isdigit((unsigned char)c) || c == '-')
		return read_number(r);
	if (take(r, "true") || take(r, "false"))
		return literal(r, json_bool(r->text.p[r->at - 2] == 'u'));
	if (take(r, "null"))
		return literal(r, json_null());
	if (take(r, "["))
		return read_list(r);
	if (!take(r, "("))
		return is_name_char(c) ? read_path(r) : fail(r, c == 0 ? "unexpected end" : "unexpected character");
	x = read_or(r);
	return x == NULL || take(r, ")") ? x : fail(r, "')' is expected");
}

static bool
cmp_eq(const Json *x, const Json *y, bool *ret)
{
	*ret = json_eq(x, y);
	return true;
}

static bool
cmp_ne(const Json *x, const Json *y, bool *ret)
{
	*ret = !json_eq(x, y);
	return true;
}

static bool
ordered(const Json *x, const Json *y, int *ret)
{
	double d, e;

	if (x->kind == JSON_STRING && y->kind == JSON_STRING) {
		*ret = str_cmp(json_as_str(x), json_as_str(y));
		return true;
	}
	if (!json_is_number(x) || !json_is_number(y))
		return false;
	d = json_as_real(x, 0);
	e = json_as_real(y, 0);
	*ret = x->kind == JSON_INT && y->kind == JSON_INT ? (x->i > y->i) - (x->i < y->i) : (d > e) - (d < e);
	return true;
}

static bool
cmp_lt(const Json *x, const Json *y, bool *ret)
{
	int c;

	return ordered(x, y, &c) && ((*ret = c < 0), true);
}

static bool
cmp_le(const Json *x, const Json *y, bool *ret)
{
	int c;

	return ordered(x, y, &c) && ((*ret = c <= 0), true);
}

static bool
cmp_gt(const Json *x, const Json *y, bool *ret)
{
	int c;

	return ordered(x, y, &c) && ((*ret = c > 0), true);
}

static bool
cmp_ge(const Json *x, const Json *y, bool *ret)
{
	int c;

	return ordered(x, y, &c) && ((*ret = c >= 0), true);
}

static bool
cmp_in(const Json *x, const Json *y, bool *ret)
{
	*ret = false;
	if (y->kind == JSON_ARRAY)
		for (size_t i = 0; i < y->n && !*ret; i++)
			*ret = json_eq(x, &y->items[i]);
	else if (y->kind == JSON_OBJECT && x->kind == JSON_STRING)
		*ret = json_get_str(y, json_as_str(x)) != NULL;
	else if (y->kind == JSON_STRING && x->kind == JSON_STRING)
		*ret = str_find(json_as_str(y), json_as_str(x), NULL);
	else
		return false;
	return true;
}

static bool
cmp_not_in(const Json *x, const Json *y, bool *ret)
{
	bool in;

	if (!cmp_in(x, y, &in))
		return false;
	*ret = !in;
	return true;
}

static const struct {
	const char *token;
	Compare *compare;
} comparisons[] = {
	{ "==", cmp_eq },
	{ "!=", cmp_ne },
	{ "<=", cmp_le },
	{ ">=", cmp_ge },
	{ "<", cmp_lt },
	{ ">", cmp_gt },
	{ "in", cmp_in },
};

static Compare *
take_comparison(Reader *r)
{
	size_t from = r->at;

	for (size_t i = 0; i < countof(comparisons); i++)
		if (take(r, comparisons[i].token))
			return comparisons[i].compare;
	if (take(r, "not") && take(r, "in"))
		return cmp_not_in;
	r->at = from;
	return NULL;
}

static Expr *
read_comparison(Reader *r)
{
	Expr *x = read_primary(r);
	Compare *compare;

	while (x != NULL && (compare = take_comparison(r)) != NULL) {
		Expr *right = read_primary(r);

		if (right == NULL)
			return NULL;
		x = expr_new(r, EXPR_COMPARE, x, right);
		x->compare = compare;
	}
	return x;
}

static Expr *
read_not(Reader *r)
{
	Expr *x;

	if (!take(r, "not"))
		return read_comparison(r);
	if (++r->depth > EXPR_DEPTH_MOST)
		return fail(r, "nested too deep");
	x = read_not(r);
	r->depth--;
	return x == NULL ? NULL : expr_new(r, EXPR_NOT, x, NULL);
}

static Expr *
read_and(Reader *r)
{
	Expr *x = read_not(r);

	while (x != NULL && take(r, "and")) {
		Expr *right = read_not(r);

		x = right == NULL ? NULL : expr_new(r, EXPR_AND, x, right);
	}
	return x;
}

static Expr *
read_or(Reader *r)
{
	Expr *x;

	if (++r->depth > EXPR_DEPTH_MOST)
		return fail(r, "nested too deep");
	x = read_and(r);
	while (x != NULL && take(r, "or")) {
		Expr *right = read_and(r);

		x = right == NULL ? NULL : expr_new(r, EXPR_OR, x, right);
	}
	r->depth--;
	return x;
}

static bool
truthy(const Json *v)
{
	if (v->kind == JSON_BOOL)
		return v->b;
	if (json_is_number(v))
		return json_as_real(v, 1) != 0;
	return v->kind != JSON_NULL && v->n > 0;
}

static bool
event_member(Arena *a, Str name, const EventView *e, Json *ret)
{
	if (str_is(name, "payload"))
		*ret = json_is_null(e->payload) ? json_object() : *e->payload;
	else if (str_is(name, "id"))
		*ret = json_int(e->id);
	else if (str_is(name, "trigger"))
		*ret = json_int(e->trigger);
	else if (str_is(name, "trigger_ref"))
		*ret = json_str(e->trigger_ref);
	else if (str_is(name, "created"))
		*ret = json_str(time_text(a, e->created));
	else
		return false;
	return true;
}

static bool eval(Arena *a, const Expr *x, const EventView *e, Json *ret);

static bool
eval_path(Arena *a, const Expr *x, const EventView *e, Json *ret)
{
	const Json *found;
	Json root;

	if (x->path.n == 0 || !event_member(a, x->path.parts[0], e, &root))
		return false;
	found = path_get(&x->path, 1, &root);
	if (found == NULL)
		return false;
	*ret = *found;
	return true;
}

static bool
eval_list(Arena *a, const Expr *x, const EventView *e, Json *ret)
{
	Json item;

	*ret = json_array();
	for (size_t i = 0; i < x->n; i++) {
		if (!eval(a, x->kids[i], e, &item))
			return false;
		json_push(a, ret, item);
	}
	return true;
}

/* not, and, or: always a boolean; the right side is looked at only when it matters. */
static bool
eval_logic(Arena *a, const Expr *x, const EventView *e, Json *ret)
{
	Json v;

	if (!eval(a, x->kids[0], e, &v))
		return false;
	if (x->kind == EXPR_NOT) {
		*ret = json_bool(!truthy(&v));
		return true;
	}
	if (truthy(&v) == (x->kind == EXPR_AND) && !eval(a, x->kids[1], e, &v))
		return false;
	*ret = json_bool(truthy(&v));
	return true;
}

static bool
eval_compare(Arena *a, const Expr *x, const EventView *e, Json *ret)
{
	Json left, right;
	bool holds;

	if (!eval(a, x->kids[0], e, &left) || !eval(a, x->kids[1], e, &right) || !x->compare(&left, &right, &holds))
		return false;
	*ret = json_bool(holds);
	return true;
}

static bool
eval_literal(Arena *a, const Expr *x, const EventView *e, Json *ret)
{
	(void)a;
	(void)e;
	*ret = x->literal;
	return true;
}

static bool (*const evals[])(Arena *a, const Expr *x, const EventView *e, Json *ret) = {
	[EXPR_LITERAL] = eval_literal,
	[EXPR_PATH] = eval_path,
	[EXPR_LIST] = eval_list,
	[EXPR_NOT] = eval_logic,
	[EXPR_AND] = eval_logic,
	[EXPR_OR] = eval_logic,
	[EXPR_COMPARE] = eval_compare,
};

static bool
eval(Arena *a, const Expr *x, const EventView *e, Json *ret)
{
	return evals[x->kind](a, x, e, ret);
}

bool
expr_compile(Arena *a, Str text, const Expr **ret, Err *err)
{
	Reader r = { .a = a, .text = str_trim(text), .err = err };
	Expr *x;

	if (text.n > EXPR_TEXT_MOST)
		return err_set(err, ERR_INVALID, "longer than %d bytes", EXPR_TEXT_MOST);
	if (str_starts(r.text, str_of("{{")) && str_ends(r.text, str_of("}}")) && r.text.n >= 4)
		r.text = str_trim(str_sub(r.text, 2, r.text.n - 2));
	x = read_or(&r);
	if (x == NULL)
		return false;
	if (look(&r) != 0)
		return fail(&r, "unexpected text") != NULL;
	*ret = x;
	return true;
}

bool
expr_holds(Arena *a, const Expr *x, const EventView *e)
{
	Json v;

	return eval(a, x, e, &v) && truthy(&v);
}

/* event.payload.x == 'text', alone or joined by and. Numbers stay out: 1 equals 1.0 here. */
bool
expr_key(Arena *a, const Expr *x, EqualityKey *ret)
{
	const Expr *l = x->n > 0 ? x->kids[0] : NULL, *r = x->n > 1 ? x->kids[1] : NULL;

	if (x->kind == EXPR_AND)
		return expr_key(a, l, ret) || expr_key(a, r, ret);
	if (x->kind != EXPR_COMPARE || x->compare != cmp_eq)
		return false;
	if (l->kind == EXPR_LITERAL) {
		const Expr *swap = l;

		l = r;
		r = swap;
	}
	if (l->kind != EXPR_PATH || r->kind != EXPR_LITERAL || r->literal.kind != JSON_STRING || l->path.n < 2 ||
	    !str_is(l->path.parts[0], "payload"))
		return false;
	*ret = (EqualityKey){ { l->path.parts + 1, l->path.n - 1 }, l->text, &r->literal };
	return true;
}
