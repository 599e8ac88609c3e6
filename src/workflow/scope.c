#include "workflow/inside.h"
#include "workflow/roots.h"

static bool
vars_read(Wf *w)
{
	if (w->vars_known)
		return true;
	w->vars = json_object();
	if (!w->port.root(w->port.self, str_of("variables"), &w->vars) || w->vars.kind != JSON_OBJECT)
		w->vars = json_object();
	w->vars_known = true;
	return true;
}

/* task.NAME alone is asked for, or all that there is. */
static size_t
task_find(Wf *w, Arena *a, const Str *parts, size_t n, Json *ret)
{
	Json one;
	int no = n > 1 ? wf_task_no(w->g, parts[1]) : -1;

	if (no >= 0 && w->port.result(w->port.self, no, ret))
		return 2;
	*ret = json_object();
	for (size_t i = 0; n == 1 && i < w->g->n; i++)
		if (w->port.result(w->port.self, (int)i, &one))
			json_set_str(a, ret, w->g->tasks[i].name, one);
	return 1;
}

static size_t
scope_find(const void *self, Arena *a, const Str *parts, size_t n, Json *ret)
{
	Wf *w = ((const WfScope *)self)->w;
	WfRoot root = wf_root(parts[0]);
	const Json *own;

	if (root == WF_ROOT_TASKS)
		return task_find(w, a, parts, n, ret);
	if (root == WF_ROOT_GIVEN)
		return w->port.root(w->port.self, parts[0], ret) ? 1 : 0;
	vars_read(w);
	if (root == WF_ROOT_VARS) {
		*ret = w->vars;
		return 1;
	}
	own = json_get_str(&w->vars, parts[0]);
	if (own == NULL)
		return 0;
	*ret = *own;
	return 1;
}

static ExprEnv
scope_env(WfScope *s)
{
	return (ExprEnv){ .vars = s->vars,
		.n_vars = s->vars_n,
		.lookup = scope_find,
		.self = s,
		.missing = EXPR_MISSING_IS_ERROR,
		.now = s->w->now,
		.run = s->ran ? &s->run : NULL };
}

bool
wf_render(WfScope *s, const Tmpl *t, Json *ret, Err *err)
{
	ExprEnv env = scope_env(s);

	return tmpl_render(t, &env, s->w->a, ret, err);
}

/* Text is what a template made of several pieces; then the usual words count. */
static bool
text_true(Str s)
{
	static const char *const no[] = { "", "false", "0", "no", "null" };

	return !wf_word_of(str_trim(s), no, countof(no));
}

bool
wf_holds(WfScope *s, const WfCond *c, bool *ret, Err *err)
{
	ExprEnv env = scope_env(s);
	Json v;

	*ret = c->expr == NULL && c->tmpl == NULL && !c->never;
	if (c->expr == NULL && c->tmpl == NULL)
		return true;
	if (c->expr != NULL ? !expr_eval(c->expr, &env, s->w->a, &v, err)
			    : !tmpl_render(c->tmpl, &env, s->w->a, &v, err))
		return false;
	*ret = v.kind == JSON_STRING ? text_true(json_as_str(&v)) : expr_truthy(&v);
	return true;
}

void
wf_publish(WfScope *s, Str name, Json value)
{
	vars_read(s->w);
	json_set_str(s->w->a, &s->w->vars, name, value);
	s->w->vars_changed = true;
}

/* ---- results ---- */

static void
lift(Arena *a, const Json *from, Json *to)
{
	for (size_t i = 0; i < from->n; i++)
		if (json_get_str(to, from->members[i].key) == NULL)
			json_set_str(a, to, from->members[i].key, from->members[i].value);
}

Json
wf_view(Arena *a, const Json *result)
{
	const Json *data = json_get(result, "data");
	Json view = json_object(), out;
	Str text = str_trim(json_get_text(result, "stdout"));
	Err err = { 0 };

	if (!json_is(result, JSON_OBJECT))
		return result == NULL ? json_null() : *result;
	lift(a, result, &view);
	if (json_is(data, JSON_OBJECT))
		lift(a, data, &view);
	else if (json_is_null(data) && text.n > 1 && text.p[0] == '{' && json_parse(a, text, NULL, &out, &err))
		lift(a, &out, &view);
	if (json_get(&view, "result") == NULL) {
		Json inner = json_object();

		lift(a, &view, &inner);
		json_add(a, &view, "result", inner);
	}
	return view;
}
