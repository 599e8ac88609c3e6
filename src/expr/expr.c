#include "expr/expr.h"

#include "base/codec.h"
#include "expr/inner.h"

#include <stdio.h>

enum { CLIP = 80 };

Str
expr_clip(Str s)
{
	size_t n = s.n < CLIP ? s.n : CLIP;

	while (n < s.n && n > 0 && ((unsigned char)s.p[n] & 0xc0) == 0x80)
		n--;
	return str_sub(s, 0, n);
}

bool
expr_fail_at(Err *err, Str text, uint32_t at, const char *fmt, ...)
{
	char what[ERR_TEXT_MAX];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(what, sizeof(what), fmt, ap);
	va_end(ap);
	return err_set(err, ERR_INVALID, "column %zu: %s", utf8_length(str_sub(text, 0, at)) + 1, what);
}

bool
expr_compile(Arena *a, Str text, const Expr **ret, Err *err)
{
	CLEANUP(arena_done) Arena *scratch = arena_open();
	Expr *x = arena_new(a, Expr);
	Vec paths = vec_open(scratch);

	if (text.n > EXPR_TEXT_MOST)
		return err_set(
		    err, ERR_INVALID, "an expression of %zu bytes is longer than %d", text.n, EXPR_TEXT_MOST);
	if (!utf8_valid(text))
		return err_set(err, ERR_INVALID, "an expression must be UTF-8");
	x->text = str_copy(a, text);
	x->root = expr_parse(a, scratch, x->text, &paths, err);
	if (x->root == NULL)
		return false;
	x->paths = paths.n == 0 ? NULL : arena_copy(a, paths.items, paths.n * sizeof(Node *));
	x->n_paths = paths.n;
	*ret = x;
	return true;
}

/* Every segment may be a field or an index, as the value has it. */
const Expr *
expr_compile_path(Arena *a, Str dotted)
{
	Expr *x = arena_new(a, Expr);
	Node *path = arena_new(a, Node);
	PathNode *p = &path->path;
	Str rest = x->text = str_copy(a, str_trim(dotted)), part;
	size_t most = 1;

	for (size_t i = 0; i < rest.n; i++)
		most += rest.p[i] == '.';
	path->kind = NODE_PATH;
	p->parts = arena_array(a, Str, most);
	p->steps = arena_array(a, Step, most);
	while (str_cut(&rest, '.', &part)) {
		uint32_t at = (uint32_t)(part.p - x->text.p);

		if (p->n_parts > 0)
			p->steps[p->n_steps++] =
			    (Step){ .kind = STEP_ORDINAL, .at = at, .end = at + (uint32_t)part.n, .name = part };
		p->parts[p->n_parts++] = part;
	}
	if (p->n_parts == 0) {
		path->kind = NODE_CONST;
		path->value = json_null();
	} else {
		x->paths = arena_array(a, const Node *, 1);
		x->paths[x->n_paths++] = path;
	}
	x->root = path;
	return x;
}

ExprPath *
expr_paths(Arena *a, const Expr *x, size_t *ret_n)
{
	ExprPath *paths = arena_array(a, ExprPath, x->n_paths);

	for (size_t i = 0; i < x->n_paths; i++) {
		const PathNode *p = &x->paths[i]->path;
		size_t column = utf8_length(str_sub(x->text, 0, x->paths[i]->at)) + 1;

		paths[i] = (ExprPath){ p->parts, p->n_parts, (unsigned)column, p->may_miss };
	}
	*ret_n = x->n_paths;
	return paths;
}

/* Is the whole path fixed, and does it start with a name? */
static bool
fixed_path(const Node *x)
{
	return x->kind == NODE_PATH && x->base == NULL && x->path.n_parts == x->path.n_steps + 1;
}

static void
find_equalities(const Node *x, ExprEquality *found, size_t *n)
{
	const Node *l, *r;

	for (size_t i = 0; x->kind == NODE_AND && i < x->n; i++)
		find_equalities(x->kids[i], found, n);
	if (x->kind != NODE_CHAIN || x->n != 2 || x->operations[0].apply != op_equal)
		return;
	l = fixed_path(x->kids[0]) ? x->kids[0] : x->kids[1];
	r = l == x->kids[0] ? x->kids[1] : x->kids[0];
	if (fixed_path(l) && r->kind == NODE_CONST)
		found[(*n)++] = (ExprEquality){ l->path.parts, l->path.n_parts, &r->value };
}

ExprEquality *
expr_equalities(Arena *a, const Expr *x, size_t *ret_n)
{
	ExprEquality *found = arena_array(a, ExprEquality, x->n_paths + 1); /* one needs a path of its own */

	*ret_n = 0;
	find_equalities(x->root, found, ret_n);
	return found;
}
