#include "workflow/graph.h"

enum { ITERATIONS_DEFAULT = 1000, DEPTH_MOST = 8 };

typedef struct Compile {
	Arena *a;
	WfGraph *g;
	const Json **sources; /* of each task */
	Str *at;
	Err *err;
	Str *ret_at;
} Compile;

static bool refuse(Compile *c, int task, const char *fmt, ...) PRINTF(3, 4);

static bool
refuse(Compile *c, int task, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	*c->ret_at = task < 0 ? str_of("/tasks") : c->at[task];
	err_set(c->err, ERR_VALIDATION, "%s", str_cstr(c->a, str_vfmt(c->a, fmt, ap)));
	va_end(ap);
	return false;
}

int
wf_task_no(const WfGraph *g, Str name)
{
	const WfTask *t = map_get_str(&g->names, name);

	return t == NULL ? -1 : (int)(t - g->tasks);
}

/* ---- the tasks, those of parallel ones too ---- */

static size_t
count_tasks(const Json *tasks, unsigned depth)
{
	size_t n = 0;

	for (size_t i = 0; depth < DEPTH_MOST && json_is(tasks, JSON_ARRAY) && i < tasks->n; i++)
		n += 1 + (str_is(json_get_text(&tasks->items[i], "type"), "parallel")
				 ? count_tasks(json_get(&tasks->items[i], "tasks"), depth + 1)
				 : 0);
	return n;
}

static void
number_tasks(Compile *c, const Json *tasks, Str at, int group, unsigned depth)
{
	for (size_t i = 0; depth < DEPTH_MOST && json_is(tasks, JSON_ARRAY) && i < tasks->n; i++) {
		int no = (int)c->g->n++;
		WfTask *t = &c->g->tasks[no];

		c->sources[no] = &tasks->items[i];
		c->at[no] = str_fmt(c->a, "%.*s/%zu", STR_ARG(at), i);
		t->name = json_get_text(&tasks->items[i], "name");
		t->group = group;
		t->kind = str_is(json_get_text(&tasks->items[i], "type"), "parallel") ? WF_PARALLEL : WF_ACTION;
		map_put_str(&c->g->names, t->name, t);
		if (t->kind == WF_PARALLEL)
			number_tasks(c, json_get(&tasks->items[i], "tasks"),
			    str_fmt(c->a, "%.*s/tasks", STR_ARG(c->at[no])), no, depth + 1);
	}
}

/* ---- templates ---- */

static bool
tmpl_of(Compile *c, const Json *v, const Tmpl **ret)
{
	*ret = NULL;
	return json_is_null(v) || tmpl_compile_json(c->a, v, TMPL_STRICT, ret, c->err);
}

static bool
cond_of(Compile *c, const Json *v, WfCond *ret)
{
	*ret = (WfCond){ 0 };
	if (json_is_null(v))
		return true;
	if (v->kind == JSON_BOOL) {
		ret->never = !v->b;
		ret->text = str_of(v->b ? "true" : "false");
		return true;
	}
	ret->text = json_as_str(v);
	if (str_find(json_as_str(v), str_of("{{"), NULL))
		return tmpl_of(c, v, &ret->tmpl);
	return expr_compile(c->a, json_as_str(v), &ret->expr, c->err);
}

/* Does the text of a value call result()? */
static bool
reads_result(Compile *c, const Json *v)
{
	return !json_is_null(v) && str_find(json_text(c->a, v), str_of("result"), NULL);
}

/* ---- transitions ---- */

static void
publish_add(WfNext *n, Str name, const Tmpl *value)
{
	n->publish[n->publish_n++] = (WfPublish){ name, value };
}

static bool
publish_of(Compile *c, WfTask *t, const Json *v, WfNext *n)
{
	size_t most = 0;
	Json alone = json_array();

	if (json_is_null(v))
		return true;
	if (v->kind == JSON_OBJECT) {
		json_push(c->a, &alone, *v);
		v = &alone;
	}
	for (size_t i = 0; i < v->n; i++)
		most += v->items[i].kind == JSON_OBJECT ? v->items[i].n : 1;
	n->publish = arena_array(c->a, WfPublish, most + 1);
	for (size_t i = 0; i < v->n; i++) {
		const Json *p = &v->items[i];

		if (p->kind == JSON_STRING) {
			publish_add(n, json_as_str(p), NULL);
			t->reads_result = true;
		}
		for (size_t k = 0; p->kind == JSON_OBJECT && k < p->n; k++) {
			const Tmpl *value;
			Json *kept = arena_new(c->a, Json);

			*kept = p->members[k].value;
			t->reads_result = t->reads_result || reads_result(c, kept);
			if (kept->kind == JSON_NULL ? !tmpl_compile_json(c->a, kept, TMPL_STRICT, &value, c->err)
						    : !tmpl_of(c, kept, &value))
				return false;
			publish_add(n, p->members[k].key, value);
		}
	}
	return true;
}

static void
arc_add(Compile *c, WfNext *n, Str target)
{
	int no = wf_task_no(c->g, target);

	if (no >= 0)
		n->arcs[n->arcs_n++] = (WfArc){ .task = no };
}

static bool
next_of(Compile *c, WfTask *t, const Json *source, WfNext *n)
{
	const Json *go = json_get(source, "do"), *when = json_get(source, "when");

	t->reads_result = t->reads_result || reads_result(c, when);
	n->arcs = arena_array(c->a, WfArc, (json_is(go, JSON_ARRAY) ? go->n : 1) + 1);
	if (json_is(go, JSON_STRING))
		arc_add(c, n, json_as_str(go));
	for (size_t i = 0; json_is(go, JSON_ARRAY) && i < go->n; i++)
		arc_add(c, n, json_as_str(&go->items[i]));
	return cond_of(c, when, &n->when) && publish_of(c, t, json_get(source, "publish"), n);
}

/* As workflows were written once. */
static const struct {
	const char *key, *when;
} olds[] = {
	{ "on_success", "succeeded()" },
	{ "on_failure", "failed()" },
	{ "on_complete", NULL },
	{ "on_timeout", "timed_out()" },
};

static Json
old_next(Compile *c, const char *when, const Json *target)
{
	Json n = json_object(), go = json_array();

	if (when != NULL)
		json_add(c->a, &n, "when", json_cstr(when));
	json_push(c->a, &go, *target);
	json_add(c->a, &n, "do", go);
	return n;
}

/* The publish of the task belongs to the first transition after success, else to the first, else to one of its own. */
static void
old_publish(Compile *c, const Json *publish, Json *list)
{
	size_t at = 0;
	Json own = json_object();

	if (json_is_null(publish))
		return;
	if (list->n == 0) {
		json_add(c->a, &own, "when", json_cstr("succeeded()"));
		json_push(c->a, list, own);
	}
	for (size_t i = list->n; i-- > 0;)
		if (str_is(json_get_text(&list->items[i], "when"), "succeeded()"))
			at = i;
	json_add(c->a, &list->items[at], "publish", *publish);
}

static Json
old_list(Compile *c, const Json *source, size_t *ret_decides)
{
	Json list = json_array();
	const Json *decision = json_get(source, "decision");

	for (size_t i = 0; i < countof(olds); i++)
		if (json_is(json_get(source, olds[i].key), JSON_STRING))
			json_push(c->a, &list, old_next(c, olds[i].when, json_get(source, olds[i].key)));
	*ret_decides = list.n;
	for (size_t pass = 0; pass < 2; pass++) { /* the default is the last resort, wherever it stands */
		for (size_t i = 0; json_is(decision, JSON_ARRAY) && i < decision->n; i++) {
			const Json *d = &decision->items[i];
			Json n;

			if (json_as_bool(json_get(d, "default"), false) != (pass == 1) ||
			    json_is_null(json_get(d, "next")))
				continue;
			n = old_next(c, NULL, json_get(d, "next"));
			if (!json_is_null(json_get(d, "when")))
				json_add(c->a, &n, "when", *json_get(d, "when"));
			json_push(c->a, &list, n);
		}
	}
	old_publish(c, json_get(source, "publish"), &list);
	return list;
}

static bool
nexts_of(Compile *c, WfTask *t, const Json *source)
{
	Json *list = arena_new(c->a, Json);
	size_t decides = SIZE_MAX;

	if (json_is_null(json_get(source, "next")))
		*list = old_list(c, source, &decides);
	else
		*list = *json_get(source, "next");
	t->next = arena_array(c->a, WfNext, list->n + 1);
	for (size_t i = 0; list->kind == JSON_ARRAY && i < list->n; i++) {
		t->next[i].decides = i >= decides && !json_is_null(json_get(source, "decision"));
		t->next[i].otherwise = t->next[i].decides && i > decides;
		if (!next_of(c, t, &list->items[i], &t->next[i]))
			return false;
		t->next_n++;
	}
	return true;
}

bool
wf_retry(Arena *a, const Json *v, RetryPlan *ret, Err *err)
{
	Json plan = json_object();

	for (size_t i = 0; json_is(v, JSON_OBJECT) && i < v->n; i++)
		if (!str_is(v->members[i].key, "on_error"))
			json_set_str(a, &plan, v->members[i].key, v->members[i].value);
	return retry_read(&plan, ret, err);
}

static bool
retry_of(Compile *c, const Json *v, WfTask *t)
{
	if (json_is_null(v))
		return true;
	return wf_retry(c->a, v, &t->retry, c->err) && cond_of(c, json_get(v, "on_error"), &t->on_error);
}

static bool
task_of(Compile *c, int no)
{
	WfTask *t = &c->g->tasks[no];
	const Json *s = c->sources[no], *refs = json_get(s, "permission_set_refs");

	t->action = json_get_text(s, "action");
	t->has_input = json_is(json_get(s, "input"), JSON_OBJECT);
	t->concurrency = json_as_int(json_get(s, "concurrency"), 1);
	t->batch_size = json_as_int(json_get(s, "batch_size"), 0);
	if (!json_is_null(json_get(s, "with_items")))
		t->items_text = json_is(json_get(s, "with_items"), JSON_STRING)
				    ? json_get_text(s, "with_items")
				    : json_text(c->a, json_get(s, "with_items"));
	t->join = json_as_int(json_get(s, "join"), 0);
	t->timeout = json_as_int(json_get(s, "timeout"), 0);
	if (json_is_null(refs))
		refs = json_get(s, "permission_set_ref");
	return tmpl_of(c, json_get(s, "input"), &t->input) && tmpl_of(c, json_get(s, "with_items"), &t->with_items) &&
	       tmpl_of(c, refs, &t->permission_set_refs) && tmpl_of(c, json_get(s, "worker_selector"), &t->selector) &&
	       tmpl_of(c, json_get(s, "worker_tolerations"), &t->tolerations) &&
	       tmpl_of(c, json_get(s, "worker_affinity"), &t->affinity) &&
	       tmpl_of(c, json_get(s, "delay"), &t->delay) && cond_of(c, json_get(s, "when"), &t->when) &&
	       retry_of(c, json_get(s, "retry"), t) && nexts_of(c, t, s);
}

/* ---- the graph ---- */

static bool
leads_from(const WfTask *t, int from)
{
	for (size_t i = 0; i < t->inbound_n; i++)
		if (t->inbound[i] == from)
			return true;
	return false;
}

static bool
link_tasks(Compile *c)
{
	WfGraph *g = c->g;

	for (size_t i = 0; i < g->n; i++)
		for (size_t k = 0; k < g->tasks[i].next_n; k++)
			for (size_t m = 0; m < g->tasks[i].next[k].arcs_n; m++) {
				WfTask *to = &g->tasks[g->tasks[i].next[k].arcs[m].task];

				if (to->group != g->tasks[i].group)
					return refuse(c, (int)i,
					    "'%.*s' cannot lead to '%.*s': one of them is inside a parallel task and "
					    "the other is not "
					    "in the same",
					    STR_ARG(g->tasks[i].name), STR_ARG(to->name));
				if (leads_from(to, (int)i))
					continue;
				to->inbound = arena_grow(
				    c->a, to->inbound, to->inbound_n * sizeof(int), (to->inbound_n + 1) * sizeof(int));
				to->inbound[to->inbound_n++] = (int)i;
			}
	return true;
}

/* What nothing else leads to is what a group begins with. */
static bool
find_entries(Compile *c, int group, int **ret, size_t *ret_n)
{
	WfGraph *g = c->g;

	*ret = arena_array(c->a, int, g->n + 1);
	*ret_n = 0;
	for (size_t i = 0; i < g->n; i++) {
		const WfTask *t = &g->tasks[i];

		if (t->group == group && (t->inbound_n == 0 || (t->inbound_n == 1 && t->inbound[0] == (int)i)))
			(*ret)[(*ret_n)++] = (int)i;
	}
	return *ret_n > 0 || refuse(c, group, "there is no task to begin with: each is the target of another");
}

typedef struct Walk {
	Compile *c;
	uint8_t *seen; /* 1: on the way, 2: done */
} Walk;

static void
walk(Walk *w, int no)
{
	WfTask *t = &w->c->g->tasks[no];

	w->seen[no] = 1;
	for (size_t i = 0; i < t->next_n; i++)
		for (size_t k = 0; k < t->next[i].arcs_n; k++) {
			WfArc *arc = &t->next[i].arcs[k];

			arc->back = w->seen[arc->task] == 1;
			if (w->seen[arc->task] == 0)
				walk(w, arc->task);
		}
	for (size_t i = 0; i < t->entries_n; i++)
		if (w->seen[t->entries[i]] == 0)
			walk(w, t->entries[i]);
	w->seen[no] = 2;
}

static bool
check_reach(Compile *c, const uint8_t *seen)
{
	for (size_t i = 0; i < c->g->n; i++) {
		const WfTask *t = &c->g->tasks[i];

		if (seen[i] == 0)
			return refuse(c, (int)i, "no way leads to '%.*s' from the tasks that the workflow begins with",
			    STR_ARG(t->name));
		if (t->join > (int64_t)(t->inbound_n == 0 ? 1 : t->inbound_n))
			return refuse(c, (int)i, "'%.*s' waits for %lld tasks, but only %zu lead to it",
			    STR_ARG(t->name), (long long)t->join, t->inbound_n);
	}
	return true;
}

static bool
shape(Compile *c)
{
	WfGraph *g = c->g;
	Walk w = { c, arena_array(c->a, uint8_t, g->n + 1) };

	if (!link_tasks(c) || !find_entries(c, WF_TOP, &g->entries, &g->entries_n))
		return false;
	for (size_t i = 0; i < g->n; i++)
		if (g->tasks[i].kind == WF_PARALLEL &&
		    !find_entries(c, (int)i, &g->tasks[i].entries, &g->tasks[i].entries_n))
			return false;
	for (size_t i = 0; i < g->entries_n; i++)
		if (w.seen[g->entries[i]] == 0)
			walk(&w, g->entries[i]);
	return check_reach(c, w.seen);
}

static bool
output_of(Compile *c, const Json *map)
{
	WfGraph *g = c->g;

	g->output = arena_array(c->a, WfOutput, (json_is(map, JSON_OBJECT) ? map->n : 0) + 1);
	for (size_t i = 0; json_is(map, JSON_OBJECT) && i < map->n; i++) {
		WfOutput *o = &g->output[g->output_n++];

		o->name = map->members[i].key;
		if (!tmpl_compile_json(c->a, &map->members[i].value, TMPL_STRICT, &o->value, c->err))
			return false;
	}
	return true;
}

bool
wf_compile(Arena *a, const Json *definition, WfGraph **ret, Str *ret_at, Err *err)
{
	const Json *tasks = json_get(definition, "tasks"), *vars = json_get(definition, "vars");
	size_t n = count_tasks(tasks, 0);
	WfGraph *g = arena_new(a, WfGraph);
	Compile c = { a, g, arena_array(a, const Json *, n + 1), arena_array(a, Str, n + 1), err, ret_at };

	*ret_at = str_of("/tasks");
	g->tasks = arena_array(a, WfTask, n + 1);
	g->names = map_open(a);
	g->vars = json_is(vars, JSON_OBJECT) ? *vars : json_object();
	g->max_iterations = json_as_int(json_get(definition, "max_iterations"), ITERATIONS_DEFAULT);
	g->timeout = json_as_int(json_get(definition, "timeout"), 0);
	g->cancel_running = str_is(json_get_text(definition, "cancellation_policy"), "cancel_running");
	number_tasks(&c, tasks, str_of("/tasks"), WF_TOP, 0);
	for (size_t i = 0; i < g->n; i++)
		if (!task_of(&c, (int)i)) {
			*ret_at = c.at[i];
			return false;
		}
	*ret = g;
	return shape(&c) && output_of(&c, json_get(definition, "output_map"));
}
