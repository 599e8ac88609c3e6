/*
 * Expressions by recursive descent, to a compact tree. Chains of operators and of steps are lists, not nested nodes, so only what
 * is nested in the text nests in the tree, and its depth is bounded.
 */
#include "expr/inner.h"
#include "expr/lexer.h"

#include <stdio.h>

typedef struct Parser {
	Lexer lex;
	Token now;
	uint32_t end; /* of the token before */
	unsigned depth, patterns;
	Arena *a;
	Arena *scratch; /* lists grow here; what is kept of them is as large as it must be */
	Vec *paths;
	Err *err;
} Parser;

static Node *parse_expr(Parser *p);

static Node *
fail(Parser *p, uint32_t at, const char *what)
{
	(void)expr_fail_at(p->err, p->lex.text, at, "%s", what);
	return NULL;
}

/* "expected X, found Y" */
static Node *
fail_found(Parser *p, const char *expected)
{
	Str found =
	    p->now.kind == TOKEN_END ? str_of("the end") : expr_clip(str_sub(p->lex.text, p->now.at, p->now.end));

	(void)expr_fail_at(p->err, p->lex.text, p->now.at, "expected %s, found %s%.*s%s", expected,
	    p->now.kind == TOKEN_END ? "" : "'", STR_ARG(found), p->now.kind == TOKEN_END ? "" : "'");
	return NULL;
}

static bool
next(Parser *p)
{
	p->end = p->now.end;
	return lexer_next(&p->lex, &p->now);
}

static bool
at_token(const Parser *p, const char *text)
{
	return (p->now.kind == TOKEN_SYMBOL || p->now.kind == TOKEN_WORD) && str_is(p->now.text, text);
}

/* Takes it when it is there; *ret_bad is set when what follows is no token at all. */
static bool
take(Parser *p, const char *text, bool *ret_bad)
{
	if (!at_token(p, text))
		return false;
	*ret_bad = !next(p);
	return !*ret_bad;
}

static bool
need(Parser *p, const char *text)
{
	char expected[16];

	if (at_token(p, text))
		return next(p);
	snprintf(expected, sizeof(expected), "'%s'", text);
	return fail_found(p, expected) != NULL;
}

static Node *
node_new(Parser *p, NodeKind kind, uint32_t at)
{
	Node *x = arena_new(p->a, Node);

	x->kind = kind;
	x->at = at;
	return x;
}

static Node *
node_const(Parser *p, uint32_t at, Json v)
{
	Node *x = node_new(p, NODE_CONST, at);

	x->value = v;
	return x;
}

static void
node_kids(Parser *p, Node *x, const Vec *kids)
{
	x->kids = arena_copy(p->a, kids->items, kids->n * sizeof(Node *));
	x->n = kids->n;
}

/* Items up to `close`, which is taken too; a comma may follow the last. */
static bool
parse_items(Parser *p, const char *close, Vec *items)
{
	while (!at_token(p, close)) {
		Node *item = parse_expr(p);

		if (item == NULL)
			return false;
		vec_push(items, item);
		if (!at_token(p, close) && !need(p, ","))
			return false;
	}
	return next(p);
}

/* A list of constants is a constant. */
static Node *
parse_list(Parser *p, uint32_t at)
{
	Vec items = vec_open(p->scratch);
	Node *x = node_new(p, NODE_LIST, at);
	bool fixed = true;
	Json v = json_array();

	if (!next(p) || !parse_items(p, "]", &items))
		return NULL;
	for (size_t i = 0; i < items.n; i++)
		fixed = fixed && ((const Node *)items.items[i])->kind == NODE_CONST;
	if (!fixed) {
		node_kids(p, x, &items);
		return x;
	}
	v.items = arena_array(p->a, Json, items.n);
	v.n = v.cap = (uint32_t)items.n;
	for (size_t i = 0; i < items.n; i++)
		v.items[i] = ((const Node *)items.items[i])->value;
	x->kind = NODE_CONST;
	x->value = v;
	return x;
}

static Node *
fail_arity(Parser *p, const Node *x, const Function *f)
{
	char want[48];

	if (f->least == f->most)
		snprintf(want, sizeof(want), "%d", f->least);
	else if (f->most == ARGS_ANY)
		snprintf(want, sizeof(want), "at least %d", f->least);
	else
		snprintf(want, sizeof(want), "%d to %d", f->least, f->most);
	(void)expr_fail_at(p->err, p->lex.text, x->at, "%s() takes %s argument%s, not %zu", f->name, want,
	    f->most == 1 || (f->most == ARGS_ANY && f->least == 1) ? "" : "s", x->n);
	return NULL;
}

static Node *
parse_call(Parser *p, const Token *name)
{
	const Function *f = expr_function(name->text);
	Node *x = node_new(p, NODE_CALL, name->at);
	Vec args = vec_open(p->scratch);
	size_t before = p->paths->n;
	Regex *regex;
	Err why = { 0 };

	if (f == NULL) {
		(void)expr_fail_at(
		    p->err, p->lex.text, name->at, "unknown function '%.*s'", STR_ARG(expr_clip(name->text)));
		return NULL;
	}
	if (!next(p) || !parse_items(p, ")", &args))
		return NULL;
	for (size_t i = before; f->forgives && i < p->paths->n; i++)
		((Node *)p->paths->items[i])->path.may_miss = true;
	node_kids(p, x, &args);
	x->call.function = f;
	if (x->n < f->least || (x->n > f->most && f->most != ARGS_ANY))
		return fail_arity(p, x, f);
	if (!f->pattern || p->patterns == PATTERNS_MOST || !json_is(&x->kids[0]->value, JSON_STRING) ||
	    x->kids[0]->kind != NODE_CONST)
		return x;
	if (!regex_compile_metered(p->a, json_as_str(&x->kids[0]->value), &regex, &why))
		return fail(p, x->kids[0]->at, why.text);
	x->call.regex = regex;
	p->patterns++; /* each may be large: what is beyond is made, and paid for, when it runs */
	return x;
}

static Node *
parse_int(Parser *p)
{
	Token t = p->now;

	if (t.i > INT64_MAX)
		return fail(p, t.at, "the integer is too large");
	return next(p) ? node_const(p, t.at, json_int((int64_t)t.i)) : NULL;
}

static Node *
parse_word(Parser *p)
{
	static const struct {
		const char *word;
		Json value;
	} constants[] = {
		{ "true", { .kind = JSON_BOOL, .b = true } },
		{ "false", { .kind = JSON_BOOL } },
		{ "null", { .kind = JSON_NULL } },
	};
	uint32_t at = p->now.at;

	for (size_t i = 0; i < countof(constants); i++)
		if (str_is(p->now.text, constants[i].word))
			return next(p) ? node_const(p, at, constants[i].value) : NULL;
	return fail_found(p, "a value");
}

/* A name: a call, or the start of a path. */
static Node *
parse_name(Parser *p)
{
	Token name = p->now;
	Node *x;

	if (!next(p))
		return NULL;
	if (at_token(p, "("))
		return parse_call(p, &name);
	x = node_new(p, NODE_PATH, name.at);
	x->path.parts = arena_array(p->scratch, Str, 1);
	x->path.parts[x->path.n_parts++] = name.text;
	vec_push(p->paths, x);
	return x;
}

static Node *
parse_group(Parser *p)
{
	Node *x;

	if (!next(p))
		return NULL;
	x = parse_expr(p);
	return x != NULL && need(p, ")") ? x : NULL;
}

static Node *
parse_primary(Parser *p)
{
	Token t = p->now;

	if (t.kind == TOKEN_INT)
		return parse_int(p);
	if (t.kind == TOKEN_REAL)
		return next(p) ? node_const(p, t.at, json_real(t.d)) : NULL;
	if (t.kind == TOKEN_TEXT)
		return next(p) ? node_const(p, t.at, json_str(t.text)) : NULL;
	if (t.kind == TOKEN_WORD)
		return parse_word(p);
	if (t.kind == TOKEN_NAME)
		return parse_name(p);
	if (at_token(p, "("))
		return parse_group(p);
	return at_token(p, "[") ? parse_list(p, t.at) : fail_found(p, "a value");
}

/* Behind a dot: the lexer would read "0.1" of "list.0.1" as a number, so it is asked for a segment. */
static bool
parse_field(Parser *p, Step *ret)
{
	ret->name = lexer_segment(&p->lex);
	if (str_none(ret->name)) {
		if (next(p))
			(void)fail_found(p, "a name after '.'");
		return false;
	}
	ret->kind = ret->name.p[0] >= '0' && ret->name.p[0] <= '9' ? STEP_ORDINAL : STEP_FIELD;
	p->now.end = p->lex.at;
	return next(p);
}

static bool
parse_index(Parser *p, Step *ret)
{
	const Node *index;

	if (!next(p))
		return false;
	index = parse_expr(p);
	if (index == NULL || !need(p, "]"))
		return false;
	if (index->kind == NODE_CONST && index->value.kind == JSON_STRING) {
		ret->kind = STEP_FIELD;
		ret->name = json_as_str(&index->value);
	} else {
		ret->kind = STEP_INDEX;
		ret->index = index;
	}
	return true;
}

/* Room for one more than n, doubled whenever n is a power of two. */
static void *
grown(Arena *a, void *old, size_t n, size_t size)
{
	return (n & (n - 1)) != 0 ? old : arena_grow(a, old, n * size, (n == 0 ? 1 : 2 * n) * size);
}

static void
add_step(Parser *p, PathNode *path, const Step *s)
{
	path->steps = grown(p->scratch, path->steps, path->n_steps, sizeof(Step));
	path->steps[path->n_steps++] = *s;
	if (path->parts == NULL || s->kind == STEP_INDEX || path->n_parts != path->n_steps)
		return;
	path->parts = grown(p->scratch, path->parts, path->n_parts, sizeof(Str));
	path->parts[path->n_parts++] = s->name;
}

/* With the room that `grown` believes it to have. */
static void *
roomy(Arena *a, void *old, size_t n, size_t size)
{
	size_t room = 1;

	while (room < n)
		room *= 2;
	return n == 0 ? old : arena_grow(a, old, n * size, room * size);
}

static void
reopen_path(Parser *p, PathNode *path)
{
	path->steps = roomy(p->scratch, path->steps, path->n_steps, sizeof(Step));
	path->parts = roomy(p->scratch, path->parts, path->n_parts, sizeof(Str));
}

static void
keep_path(Parser *p, PathNode *path)
{
	path->steps = path->n_steps == 0 ? NULL : arena_copy(p->a, path->steps, path->n_steps * sizeof(Step));
	path->parts = path->n_parts == 0 ? NULL : arena_copy(p->a, path->parts, path->n_parts * sizeof(Str));
}

static Node *
parse_postfix(Parser *p)
{
	Node *x = parse_primary(p);
	bool ok;

	if (x != NULL && x->kind == NODE_PATH)
		reopen_path(p, &x->path); /* one in parentheses was closed already, and may go on */
	while (x != NULL && (at_token(p, ".") || at_token(p, "["))) {
		Step s = { .at = p->now.at };

		if (x->kind != NODE_PATH) {
			const Node *base = x;

			x = node_new(p, NODE_PATH, base->at);
			x->base = base;
		}
		ok = at_token(p, ".") ? parse_field(p, &s) : parse_index(p, &s);
		if (!ok)
			return NULL;
		s.end = p->end;
		add_step(p, &x->path, &s);
	}
	if (x != NULL && at_token(p, "("))
		return fail(p, p->now.at, "only a name can be called");
	if (x != NULL && x->kind == NODE_PATH)
		keep_path(p, &x->path);
	return x;
}

static Node *
parse_unary(Parser *p)
{
	uint32_t at = p->now.at;
	Node *x, *kid;

	if (!at_token(p, "-"))
		return parse_postfix(p);
	if (!next(p))
		return NULL;
	if (p->now.kind == TOKEN_INT && p->now.i == (uint64_t)INT64_MAX + 1)
		return next(p) ? node_const(p, at, json_int(INT64_MIN)) : NULL;
	if (++p->depth > EXPR_DEPTH_MOST)
		return fail(p, at, "nested too deeply");
	kid = parse_unary(p);
	p->depth--;
	if (kid == NULL)
		return NULL;
	if (kid->kind == NODE_CONST && kid->value.kind == JSON_INT && kid->value.i != INT64_MIN)
		return node_const(p, at, json_int(-kid->value.i));
	if (kid->kind == NODE_CONST && kid->value.kind == JSON_REAL)
		return node_const(p, at, json_real(-kid->value.d));
	x = node_new(p, NODE_NEGATIVE, at);
	x->kids = arena_array(p->a, const Node *, 1);
	x->kids[0] = kid;
	x->n = 1;
	return x;
}

typedef struct Operator {
	const char *token;
	Apply *apply;
} Operator;

typedef struct Level {
	const Operator *operators;
	size_t n;
	Node *(*operand)(Parser *p);
} Level;

/* The operator of this level that stands here, taken; NULL: none. */
static Apply *
take_operator(Parser *p, const Level *level, bool *ret_bad)
{
	for (size_t i = 0; i < level->n; i++)
		if (take(p, level->operators[i].token, ret_bad) || *ret_bad)
			return level->operators[i].apply;
	return NULL;
}

typedef struct Chain {
	Vec kids;
	Operation *operations;
} Chain;

static void
chain_add(Parser *p, Chain *c, Operation o, Node *kid)
{
	size_t n = c->kids.n - 1;

	c->operations = grown(p->scratch, c->operations, n, sizeof(o));
	c->operations[n] = o;
	vec_push(&c->kids, kid);
}

static Node *
chain_node(Parser *p, const Chain *c)
{
	Node *first = c->kids.items[0], *x;

	if (c->kids.n == 1)
		return first;
	x = node_new(p, NODE_CHAIN, first->at);
	node_kids(p, x, &c->kids);
	x->operations = arena_copy(p->a, c->operations, (c->kids.n - 1) * sizeof(Operation));
	return x;
}

static Node *
parse_level(Parser *p, const Level *level)
{
	Chain c = { .kids = vec_open(p->scratch) };
	Node *kid = level->operand(p);
	bool bad = false;

	while (kid != NULL) {
		Operation o = { .at = p->now.at };

		if (c.kids.n == 0)
			vec_push(&c.kids, kid);
		o.apply = take_operator(p, level, &bad);
		if (bad)
			return NULL;
		if (o.apply == NULL)
			return chain_node(p, &c);
		kid = level->operand(p);
		if (kid != NULL)
			chain_add(p, &c, o, kid);
	}
	return NULL;
}

static Node *
parse_product(Parser *p)
{
	static const Operator operators[] = { { "*", op_multiply }, { "/", op_divide }, { "%", op_modulo } };

	return parse_level(p, &(Level){ operators, countof(operators), parse_unary });
}

static Node *
parse_sum(Parser *p)
{
	static const Operator operators[] = { { "+", op_add }, { "-", op_subtract } };

	return parse_level(p, &(Level){ operators, countof(operators), parse_product });
}

/* `is null` and `is not null` compare with a null that is not there. */
static Node *
parse_is(Parser *p, Operation *o)
{
	bool bad = false;

	o->apply = take(p, "not", &bad) ? op_unequal : op_equal;
	if (bad)
		return NULL;
	return need(p, "null") ? node_const(p, o->at, json_null()) : NULL;
}

static Node *
parse_not_in(Parser *p, Operation *o)
{
	o->apply = op_not_in;
	return need(p, "in") ? parse_sum(p) : NULL;
}

/* What stands on the right of a comparison; NULL with *ret_end: there is none. */
static Node *
parse_compared(Parser *p, Operation *o, bool *ret_end)
{
	static const Operator operators[] = { { "==", op_equal }, { "!=", op_unequal }, { "<=", op_at_most },
		{ ">=", op_at_least }, { "<", op_less }, { ">", op_greater }, { "in", op_in } };
	const Level level = { operators, countof(operators), parse_sum };
	bool bad = false;

	if (take(p, "is", &bad))
		return parse_is(p, o);
	if (!bad && take(p, "not", &bad))
		return parse_not_in(p, o);
	if (!bad)
		o->apply = take_operator(p, &level, &bad);
	*ret_end = !bad && o->apply == NULL;
	return bad || *ret_end ? NULL : parse_sum(p);
}

static Node *
parse_comparison(Parser *p)
{
	Chain c = { .kids = vec_open(p->scratch) };
	Node *kid = parse_sum(p);
	bool end = false;

	if (kid == NULL)
		return NULL;
	for (vec_push(&c.kids, kid); kid != NULL;) {
		Operation o = { .at = p->now.at };

		kid = parse_compared(p, &o, &end);
		if (end)
			return chain_node(p, &c);
		if (kid != NULL)
			chain_add(p, &c, o, kid);
	}
	return NULL;
}

static Node *
parse_not(Parser *p)
{
	uint32_t at = p->now.at;
	Node *x, *kid;
	bool bad = false;

	if (!take(p, "not", &bad))
		return bad ? NULL : parse_comparison(p);
	if (++p->depth > EXPR_DEPTH_MOST)
		return fail(p, at, "nested too deeply");
	kid = parse_not(p);
	p->depth--;
	if (kid == NULL)
		return NULL;
	x = node_new(p, NODE_NOT, at);
	x->kids = arena_array(p->a, const Node *, 1);
	x->kids[0] = kid;
	x->n = 1;
	return x;
}

/* Operands joined by a word; one operand alone is itself. */
static Node *
parse_joined(Parser *p, const char *word, NodeKind kind, Node *(*operand)(Parser *p))
{
	uint32_t at = p->now.at;
	Vec kids = vec_open(p->scratch);
	bool bad = false;
	Node *x;

	do {
		x = operand(p);
		if (x == NULL)
			return NULL;
		vec_push(&kids, x);
	} while (take(p, word, &bad));
	if (bad || kids.n == 1)
		return bad ? NULL : x;
	x = node_new(p, kind, at);
	node_kids(p, x, &kids);
	return x;
}

static Node *
parse_and(Parser *p)
{
	return parse_joined(p, "and", NODE_AND, parse_not);
}

static Node *
parse_or(Parser *p)
{
	return parse_joined(p, "or", NODE_OR, parse_and);
}

static Node *
parse_if(Parser *p, Node *then)
{
	Node *x = node_new(p, NODE_IF, then->at), *condition, *otherwise;

	if (!next(p))
		return NULL;
	condition = parse_or(p);
	if (condition == NULL || !need(p, "else"))
		return NULL;
	otherwise = parse_expr(p);
	if (otherwise == NULL)
		return NULL;
	x->n = 3;
	x->kids = arena_array(p->a, const Node *, x->n);
	x->kids[0] = condition;
	x->kids[1] = then;
	x->kids[2] = otherwise;
	return x;
}

static Node *
parse_expr(Parser *p)
{
	Node *x;

	if (++p->depth > EXPR_DEPTH_MOST)
		return fail(p, p->now.at, "nested too deeply");
	x = parse_or(p);
	if (x != NULL && at_token(p, "if"))
		x = parse_if(p, x);
	p->depth--;
	return x;
}

const Node *
expr_parse(Arena *a, Arena *scratch, Str text, Vec *paths, Err *err)
{
	Parser p = { .lex = { a, scratch, text, 0, err }, .a = a, .scratch = scratch, .paths = paths, .err = err };
	Node *x;

	if (!next(&p))
		return NULL;
	x = parse_expr(&p);
	if (x != NULL && p.now.kind != TOKEN_END)
		return fail_found(&p, "the end");
	return x;
}
