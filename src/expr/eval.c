/*
 * Runs the tree. Recursion is as deep as the text nests, which the parser bounds; what a value may cost is charged before it is made.
 */
#include "base/codec.h"
#include "expr/inner.h"

#include <stdio.h>

Ev
ev_open(const ExprEnv *env, Arena *a, Err *err)
{
	return (Ev){
		.env = env,
		.a = a,
		.err = err,
		.steps = env->steps == 0 ? EXPR_STEPS_MOST : env->steps,
		.memory = env->memory == 0 ? EXPR_MEMORY_MOST : env->memory,
		.missing = env->missing,
	};
}

bool
ev_fail(Ev *ev, uint32_t at, const char *fmt, ...)
{
	char what[ERR_TEXT_MAX];
	va_list ap;

	if (ev->err == NULL)
		return false;
	va_start(ap, fmt);
	vsnprintf(what, sizeof(what), fmt, ap);
	va_end(ap);
	return expr_fail_at(ev->err, ev->text, at, "%s", what);
}

static bool
fail_budget(Ev *ev, uint32_t at, const char *what)
{
	(void)ev_fail(ev, at, "%s", what);
	if (ev->err != NULL)
		ev->err->code = ERR_TOO_LARGE;
	ev->was_missing = false;
	return false;
}

bool
ev_spend(Ev *ev, uint32_t at, uint64_t steps)
{
	if (ev->steps < steps) {
		ev->steps = 0;
		return fail_budget(ev, at, "the expression takes too many steps");
	}
	ev->steps -= steps;
	return true;
}

bool
ev_room(Ev *ev, uint32_t at, size_t bytes)
{
	if (ev->memory < bytes) {
		ev->memory = 0;
		return fail_budget(ev, at, "the expression takes too much memory");
	}
	ev->memory -= bytes;
	return true;
}

/* What a text takes in JSON, at most. */
static size_t
text_bytes(Str s)
{
	size_t n = s.n + 2;

	for (size_t i = 0; i < s.n; i++)
		n += (unsigned char)s.p[i] < ' ' || s.p[i] == 0x7f ? 5 : s.p[i] == '"' || s.p[i] == '\\';
	return n;
}

bool
ev_weigh(Ev *ev, uint32_t at, const Json *v, size_t *ret_bytes)
{
	size_t bytes = sizeof(Json);

	if (v->kind == JSON_STRING || v->kind == JSON_BIG)
		bytes += text_bytes((Str){ v->s, v->n });
	for (uint32_t i = 0; v->kind == JSON_OBJECT && i < v->n; i++)
		bytes += text_bytes(v->members[i].key) + sizeof(Str);
	*ret_bytes += bytes;
	if (!ev_spend(ev, at, 1 + bytes / 64) || !ev_room(ev, at, bytes))
		return false;
	for (uint32_t i = 0; v->kind == JSON_ARRAY && i < v->n; i++)
		if (!ev_weigh(ev, at, &v->items[i], ret_bytes))
			return false;
	for (uint32_t i = 0; v->kind == JSON_OBJECT && i < v->n; i++)
		if (!ev_weigh(ev, at, &v->members[i].value, ret_bytes))
			return false;
	return true;
}

void
expr_print(Buf *b, const Json *v)
{
	if (v->kind == JSON_STRING)
		buf_add(b, json_as_str(v));
	else if (v->kind != JSON_NULL)
		json_print(b, v);
}

bool
ev_print(Ev *ev, uint32_t at, Buf *b, const Json *v)
{
	size_t bytes = 0;

	if (!ev_weigh(ev, at, v, &bytes))
		return false;
	expr_print(b, v);
	return true;
}

bool
ev_array(Ev *ev, uint32_t at, size_t n, Json *ret)
{
	if (n > UINT32_MAX || !ev_room(ev, at, n * sizeof(Json)) || !ev_spend(ev, at, n))
		return n > UINT32_MAX ? ev_room(ev, at, SIZE_MAX) : false;
	*ret = json_array();
	ret->items = arena_array(ev->a, Json, n);
	ret->n = ret->cap = (uint32_t)n;
	return true;
}

/* The path as it was written, up to the end of a step. */
static Str
path_text(const Ev *ev, const Node *x, uint32_t end)
{
	return expr_clip(str_sub(ev->text, x->at, end));
}

/* A path leads nowhere: null for those who want that, else an error that default() takes for an answer. */
static bool
missing(Ev *ev, Json *v)
{
	*v = json_null();
	ev->was_missing = ev->missing == EXPR_MISSING_IS_ERROR;
	return !ev->was_missing;
}

static bool
field_missing(Ev *ev, const Node *x, const Step *s, Json *v)
{
	Str path = path_text(ev, x, s->end), name = expr_clip(s->name);
	const Json was = *v;

	if (missing(ev, v))
		return true;
	if (was.kind == JSON_OBJECT)
		return ev_fail(ev, s->at, "variable not found: field '%.*s' (%.*s)", STR_ARG(name), STR_ARG(path));
	return ev_fail(ev, s->at, "%s has no field '%.*s' (%.*s)", kind_phrase(&was), STR_ARG(name), STR_ARG(path));
}

static bool
item_missing(Ev *ev, const Node *x, const Step *s, int64_t index, Json *v)
{
	Str path = path_text(ev, x, s->end);
	size_t n = v->kind == JSON_STRING ? utf8_length(json_as_str(v)) : v->n;

	if (missing(ev, v))
		return true;
	return ev_fail(ev, s->at, "index %lld is out of range: there %s %zu (%.*s)", (long long)index,
	    n == 1 ? "is" : "are", n, STR_ARG(path));
}

static bool
step_field(Ev *ev, const Node *x, const Step *s, Json *v)
{
	const Json *found = json_get_str(v, s->name);

	if (v->kind == JSON_OBJECT && !ev_spend(ev, s->at, v->n / MEMBERS_PER_STEP))
		return false;
	if (found == NULL)
		return field_missing(ev, x, s, v);
	*v = *found;
	return true;
}

static bool
step_ordinal(Ev *ev, const Node *x, const Step *s, Json *v)
{
	const Json *found;
	int64_t index;

	if (v->kind != JSON_ARRAY || !str_to_int(s->name, &index) || index < 0)
		return step_field(ev, x, s, v);
	found = json_at(v, (size_t)index);
	if (found == NULL)
		return item_missing(ev, x, s, index, v);
	*v = *found;
	return true;
}

/* An item of an array or a character of a string; negative indexes count from the end. */
static bool
step_item(Ev *ev, const Node *x, const Step *s, int64_t index, Json *v)
{
	int64_t n = v->kind == JSON_STRING ? (int64_t)utf8_length(json_as_str(v)) : (int64_t)v->n;
	int64_t at = index < 0 ? index + n : index;

	if (at < 0 || at >= n)
		return item_missing(ev, x, s, index, v);
	if (v->kind == JSON_ARRAY)
		*v = v->items[at];
	else
		*v = json_str(char_at(json_as_str(v), (size_t)at));
	return true;
}

static bool
step_index(Ev *ev, const Node *x, const Step *s, Json *v)
{
	bool listed = v->kind == JSON_ARRAY || v->kind == JSON_STRING;
	Step named = *s;
	Json index;

	if (!eval(ev, s->index, &index))
		return false;
	if (listed && index.kind == JSON_INT)
		return (v->kind == JSON_ARRAY || ev_spend(ev, s->at, v->n / 16)) && step_item(ev, x, s, index.i, v);
	if (index.kind == JSON_STRING) {
		named.name = json_as_str(&index);
		return step_field(ev, x, &named, v);
	}
	if (!listed && v->kind != JSON_OBJECT) {
		named.name = path_text(ev, s->index, s->end - 1);
		return field_missing(ev, x, &named, v);
	}
	return ev_fail(ev, s->at, "%s is indexed by %s, not by %s", kind_phrase(v), listed ? "an integer" : "a string",
	    kind_phrase(&index));
}

static bool (*const steps[])(Ev *ev, const Node *x, const Step *s, Json *v) = {
	[STEP_FIELD] = step_field,
	[STEP_ORDINAL] = step_ordinal,
	[STEP_INDEX] = step_index,
};

/* How many parts the environment has found: a name stands for its value, which may be a part of its own. */
static size_t
find_root(Ev *ev, const PathNode *p, Json *ret)
{
	for (size_t i = 0; i < ev->env->n_vars; i++) {
		if (!str_eq(ev->env->vars[i].name, p->parts[0]))
			continue;
		*ret = ev->env->vars[i].value == NULL ? json_null() : *ev->env->vars[i].value;
		return 1;
	}
	return ev->env->lookup == NULL ? 0 : ev->env->lookup(ev->env->self, ev->a, p->parts, p->n_parts, ret);
}

static bool
eval_path(Ev *ev, const Node *x, Json *ret)
{
	const PathNode *p = &x->path;
	size_t from = 0;
	Json v;

	if (x->base != NULL) {
		if (!eval(ev, x->base, &v))
			return false;
	} else {
		from = find_root(ev, p, &v);
		if (from == 0 && !missing(ev, &v))
			return ev_fail(ev, x->at, "variable not found: '%.*s'", STR_ARG(expr_clip(p->parts[0])));
		from -= from > 0;
	}
	for (size_t i = from; i < p->n_steps; i++)
		if (!steps[p->steps[i].kind](ev, x, &p->steps[i], &v))
			return false;
	*ret = v;
	return true;
}

static bool
eval_const(Ev *ev, const Node *x, Json *ret)
{
	size_t bytes = 0;

	if (!ev->env->own_constants || (x->value.kind != JSON_STRING && x->value.kind != JSON_ARRAY)) {
		*ret = x->value;
		return true;
	}
	if (!ev_weigh(ev, x->at, &x->value, &bytes))
		return false;
	*ret = json_clone(ev->a, &x->value);
	return true;
}

static bool
eval_list(Ev *ev, const Node *x, Json *ret)
{
	Json list;

	if (!ev_array(ev, x->at, x->n, &list))
		return false;
	for (size_t i = 0; i < x->n; i++)
		if (!eval(ev, x->kids[i], &list.items[i]))
			return false;
	*ret = list;
	return true;
}

static bool
eval_not(Ev *ev, const Node *x, Json *ret)
{
	Json v;

	if (!eval(ev, x->kids[0], &v))
		return false;
	*ret = json_bool(!expr_truthy(&v));
	return true;
}

static bool
eval_negative(Ev *ev, const Node *x, Json *ret)
{
	Json v;

	if (!eval(ev, x->kids[0], &v))
		return false;
	if (!json_is_number(&v))
		return ev_fail(ev, x->at, "'-' takes a number, not %s", kind_phrase(&v));
	if (v.kind != JSON_INT)
		return real_result(ev, x->at, -real_of(&v), ret);
	if (v.i == INT64_MIN)
		return ev_fail(ev, x->at, "integer overflow");
	*ret = json_int(-v.i);
	return true;
}

/* and, or: always a boolean; what comes after the one that decides is not looked at. */
static bool
eval_joined(Ev *ev, const Node *x, Json *ret)
{
	bool decides = x->kind == NODE_OR;
	Json v;

	for (size_t i = 0; i < x->n; i++) {
		if (!eval(ev, x->kids[i], &v))
			return false;
		if (expr_truthy(&v) == decides) {
			*ret = json_bool(decides);
			return true;
		}
	}
	*ret = json_bool(!decides);
	return true;
}

static bool
eval_chain(Ev *ev, const Node *x, Json *ret)
{
	Json left, right;

	if (!eval(ev, x->kids[0], &left))
		return false;
	for (size_t i = 1; i < x->n; i++) {
		const Operation *o = &x->operations[i - 1];

		if (!eval(ev, x->kids[i], &right) || !o->apply(ev, o->at, &left, &right, &left))
			return false;
	}
	*ret = left;
	return true;
}

static bool
eval_if(Ev *ev, const Node *x, Json *ret)
{
	Json v;

	return eval(ev, x->kids[0], &v) && eval(ev, x->kids[expr_truthy(&v) ? 1 : 2], ret);
}

static bool
eval_call(Ev *ev, const Node *x, Json *ret)
{
	const Function *f = x->call.function;
	Json args[ARGS_MOST] = { 0 };

	if (f->lazy)
		return f->call(ev, x, NULL, ret);
	for (size_t i = 0; i < x->n; i++)
		if (!eval(ev, x->kids[i], &args[i]))
			return false;
	return f->call(ev, x, args, ret);
}

static bool (*const evals[])(Ev *ev, const Node *x, Json *ret) = {
	[NODE_CONST] = eval_const,
	[NODE_PATH] = eval_path,
	[NODE_LIST] = eval_list,
	[NODE_NOT] = eval_not,
	[NODE_NEGATIVE] = eval_negative,
	[NODE_AND] = eval_joined,
	[NODE_OR] = eval_joined,
	[NODE_CHAIN] = eval_chain,
	[NODE_IF] = eval_if,
	[NODE_CALL] = eval_call,
};

bool
eval(Ev *ev, const Node *x, Json *ret)
{
	return ev_spend(ev, x->at, 1) && evals[x->kind](ev, x, ret);
}

bool
ev_run(Ev *ev, const Expr *x, Json *ret)
{
	ev->text = x->text;
	ev->was_missing = false;
	return eval(ev, x->root, ret);
}

/* A value that was put together may be far larger written out than it is here: it must fit the budget too. */
bool
expr_eval(const Expr *x, const ExprEnv *env, Arena *a, Json *ret, Err *err)
{
	Ev ev = ev_open(env, a, err);
	size_t bytes = 0;
	Json v;

	if (!ev_run(&ev, x, &v))
		return false;
	if (x->root->kind != NODE_PATH && (v.kind == JSON_ARRAY || v.kind == JSON_OBJECT) &&
	    !ev_weigh(&ev, 0, &v, &bytes))
		return false;
	*ret = v;
	return true;
}
