#include "workflow/validate.h"

#include "base/codec.h"
#include "base/names.h"
#include "workflow/check.h"

enum { NAME_MOST = 255, COUNT_MOST = 1000000, RETRY_MOST = 100, TIMEOUT_MOST = 366 * 86400 };

static const char *const graph_keys[] = { "tasks", "vars", "output_map", "cancellation_policy", "max_iterations",
	"timeout", "__chart_meta__" };
static const char *const reserved[] = { "parameters", "vars", "task", "system", "kv", "pack", "item", "batch",
	"index" };
static const char *const types[] = { "action", "parallel", "workflow" };
static const char *const backoffs[] = { "constant", "linear", "exponential" };
static const char *const endings[] = { "allow_finish", "cancel_running" };
static const char *const retry_reasons[] = { "failed", "timed_out", "worker_lost" };
/* how transitions were written once; each names a task */
static const char *const legacy[] = { "on_success", "on_failure", "on_complete", "on_timeout" };

static void
problem(Check *c, bool warning, Str at, Str text)
{
	c->problems[c->n++] = (WorkflowProblem){ .at = at, .text = text, .warning = warning };
	c->fatal += !warning;
}

void
wf_wrong(Check *c, Str at, const char *fmt, ...)
{
	va_list ap;

	if (c->n == WORKFLOW_PROBLEMS_MOST)
		return;
	va_start(ap, fmt);
	problem(c, false, at, str_vfmt(c->a, fmt, ap));
	va_end(ap);
}

void
wf_doubt(Check *c, Str at, const char *fmt, ...)
{
	va_list ap;

	if (c->n == WORKFLOW_PROBLEMS_MOST)
		return;
	va_start(ap, fmt);
	problem(c, true, at, str_vfmt(c->a, fmt, ap));
	va_end(ap);
}

static Str
below(Check *c, Str at, const char *key)
{
	return str_fmt(c->a, "%.*s/%s", STR_ARG(at), key);
}

static Str
nth(Check *c, Str at, size_t i)
{
	return str_fmt(c->a, "%.*s/%zu", STR_ARG(at), i);
}

/* The member, when it is there and of that kind; NULL else. */
static const Json *
member(Check *c, const Json *of, Str at, const char *key, JsonKind kind)
{
	const Json *v = json_get(of, key);

	if (json_is_null(v))
		return NULL;
	if (v->kind == kind)
		return v;
	wf_wrong(c, below(c, at, key), "'%s' must be %s %s, not %s", key,
	    kind == JSON_ARRAY || kind == JSON_OBJECT ? "an" : "a", json_kind_name(kind), json_kind_name(v->kind));
	return NULL;
}

static void
check_count(Check *c, const Json *of, Str at, const char *key, int64_t least, int64_t most)
{
	const Json *v = json_get(of, key);
	int64_t n = json_as_int(v, INT64_MIN);

	if (!json_is_null(v) && (n < least || n > most))
		wf_wrong(c, below(c, at, key), "'%s' must be a whole number from %lld to %lld", key, (long long)least,
		    (long long)most);
}

static void
check_word(Check *c, const Json *of, Str at, const char *key, const char *const *words, size_t n)
{
	const Json *v = member(c, of, at, key, JSON_STRING);

	if (v != NULL && name_index(words, n, json_as_str(v)) < 0)
		wf_wrong(c, below(c, at, key), "'%.*s' is no %s", STR_ARG(json_as_str(v)), key);
}

/* ---- templates ---- */

static void
check_template(Check *c, const Json *v, Str at)
{
	const Tmpl *t;
	ExprPath *paths;
	Err err = { 0 };
	size_t n;

	if (json_is_null(v))
		return;
	if (!tmpl_compile_json(c->a, v, TMPL_STRICT, &t, &err)) {
		wf_wrong(c, at, "%s", err.text);
		return;
	}
	paths = tmpl_paths(c->a, t, &n);
	wf_check_paths(c, at, paths, n);
}

/* `when` may stand without braces. */
static void
check_cond(Check *c, const Json *of, Str at, const char *key)
{
	const Json *v = json_get(of, key);
	Str text = json_as_str(v), where = below(c, at, key);
	const Expr *x;
	ExprPath *paths;
	Err err = { 0 };
	size_t n;

	if (json_is_null(v) || v->kind == JSON_BOOL)
		return;
	if (v->kind != JSON_STRING) {
		wf_wrong(c, where, "'%s' must be an expression, not %s", key, json_kind_name(v->kind));
		return;
	}
	if (str_find(text, str_of("{{"), NULL)) {
		check_template(c, v, where);
		return;
	}
	if (!expr_compile(c->a, text, &x, &err)) {
		wf_wrong(c, where, "%s", err.text);
		return;
	}
	paths = expr_paths(c->a, x, &n);
	wf_check_paths(c, where, paths, n);
}

/* ---- transitions ---- */

static void
check_target(Check *c, Str task, Str target, Str at)
{
	if (map_get_str(&c->names, target) == NULL)
		wf_wrong(c, at, "Task '%.*s' references non-existent task '%.*s'", STR_ARG(task), STR_ARG(target));
}

/* A list of maps and names; a map alone is a list of one. */
static void
check_publish(Check *c, const Json *v, Str at)
{
	if (json_is_null(v))
		return;
	if (v->kind == JSON_OBJECT) {
		check_template(c, v, at);
		return;
	}
	if (v->kind != JSON_ARRAY) {
		wf_wrong(c, at, "'publish' must be a list of names and of mappings of names to values");
		return;
	}
	for (size_t i = 0; i < v->n; i++) {
		if (v->items[i].kind == JSON_OBJECT)
			check_template(c, &v->items[i], nth(c, at, i));
		else if (v->items[i].kind != JSON_STRING || v->items[i].n == 0)
			wf_wrong(c, nth(c, at, i), "is neither a name nor a mapping of names to values");
	}
}

static void
check_do(Check *c, Str task, const Json *v, Str at)
{
	if (json_is_null(v))
		return;
	if (v->kind == JSON_STRING) {
		check_target(c, task, json_as_str(v), at);
		return;
	}
	if (v->kind != JSON_ARRAY) {
		wf_wrong(c, at, "'do' must be a list of tasks");
		return;
	}
	for (size_t i = 0; i < v->n; i++) {
		if (v->items[i].kind == JSON_STRING)
			check_target(c, task, json_as_str(&v->items[i]), nth(c, at, i));
		else
			wf_wrong(c, nth(c, at, i), "must be the name of a task");
	}
}

static void
check_next(Check *c, Str task, const Json *of, Str at)
{
	const Json *next = member(c, of, at, "next", JSON_ARRAY);
	Str here = below(c, at, "next");

	for (size_t i = 0; next != NULL && i < next->n; i++) {
		const Json *t = &next->items[i];
		Str where = nth(c, here, i);

		if (t->kind != JSON_OBJECT) {
			wf_wrong(c, where, "a transition is a mapping of when, publish and do");
			continue;
		}
		check_cond(c, t, where, "when");
		check_publish(c, json_get(t, "publish"), below(c, where, "publish"));
		check_do(c, task, json_get(t, "do"), below(c, where, "do"));
	}
}

static void
check_decision(Check *c, Str task, const Json *of, Str at)
{
	const Json *list = member(c, of, at, "decision", JSON_ARRAY);
	Str here = below(c, at, "decision");
	size_t defaults = 0;

	for (size_t i = 0; list != NULL && i < list->n; i++) {
		const Json *d = &list->items[i];
		Str where = nth(c, here, i);

		check_cond(c, d, where, "when");
		defaults += json_as_bool(json_get(d, "default"), false);
		if (json_is(json_get(d, "next"), JSON_STRING))
			check_target(c, task, json_get_text(d, "next"), below(c, where, "next"));
		else
			wf_wrong(c, where, "a decision needs 'next', the name of a task");
	}
	if (defaults > 1)
		wf_wrong(c, here, "only one decision can be the default");
}

/* As workflows were written once; ignored where there is a `next`. */
static void
check_legacy(Check *c, Str task, const Json *of, Str at)
{
	if (!json_is_null(json_get(of, "next")))
		return;
	for (size_t i = 0; i < countof(legacy); i++) {
		const Json *v = member(c, of, at, legacy[i], JSON_STRING);

		if (v != NULL)
			check_target(c, task, json_as_str(v), below(c, at, legacy[i]));
	}
	check_decision(c, task, of, at);
	check_publish(c, json_get(of, "publish"), below(c, at, "publish"));
}

/* ---- tasks ---- */

static bool
is_action_ref(Str ref)
{
	size_t at;

	return str_find(ref, str_of("."), &at) && at > 0 && ref.p[ref.n - 1] != '.' &&
	       !str_find(ref, str_of(" "), NULL);
}

/* What its parts are to one another, and those that an action's retry has too. */
static void
check_plan(Check *c, const Json *r, Str here)
{
	RetryPlan plan;
	Err why = { 0 };

	if (!wf_retry(c->a, r, &plan, &why)) {
		Str text = str_of(why.text), cut = str_of("/retry");
		size_t end;

		text = str_copy(c->a, str_starts(text, cut) ? (Str){ text.p + cut.n, text.n - cut.n } : text);
		if (!str_find(text, str_of(": "), &end))
			end = 0;
		wf_wrong(c, str_fmt(c->a, "%.*s%.*s", STR_ARG(here), (int)end, text.p), "%.*s", (int)(text.n - end - 2),
		    text.p + end + 2);
	} else if (plan.max_delay != 0 && plan.max_delay < plan.delay) {
		wf_wrong(c, below(c, here, "max_delay"), "'max_delay' cannot be below 'delay'");
	}
}

static void
check_retry(Check *c, const Json *of, Str at)
{
	const Json *r = member(c, of, at, "retry", JSON_OBJECT), *on;
	Str here = below(c, at, "retry");
	size_t before = c->n;

	if (r == NULL)
		return;
	if (json_is_null(json_get(r, "count")))
		wf_wrong(c, here, "'count' is missing");
	check_count(c, r, here, "count", 1, RETRY_MOST);
	check_word(c, r, here, "backoff", backoffs, countof(backoffs));
	on = member(c, r, here, "on", JSON_ARRAY);
	for (size_t i = 0; on != NULL && i < on->n; i++)
		if (name_index(retry_reasons, countof(retry_reasons), json_as_str(&on->items[i])) < 0)
			wf_wrong(c, nth(c, below(c, here, "on"), i), "must be failed, timed_out or worker_lost");
	if (c->n == before)
		check_plan(c, r, here);
	check_cond(c, r, here, "on_error");
}

static void check_tasks(Check *c, const Json *tasks, Str at, unsigned depth);

static void
check_kind(Check *c, const Json *t, Str at, unsigned depth)
{
	Str type = json_get_text(t, "type");
	const Json *action = member(c, t, at, "action", JSON_STRING), *tasks;

	check_word(c, t, at, "type", types, countof(types));
	if (str_is(type, "parallel")) {
		tasks = member(c, t, at, "tasks", JSON_ARRAY);
		if (tasks == NULL || tasks->n == 0)
			wf_wrong(c, at, "a parallel task needs 'tasks'");
		else
			check_tasks(c, tasks, below(c, at, "tasks"), depth + 1);
		return;
	}
	if (action == NULL)
		wf_wrong(c, at, "'action' is missing");
	else if (!is_action_ref(json_as_str(action)))
		wf_wrong(c, below(c, at, "action"), "'%.*s' is no action's ref like pack.name",
		    STR_ARG(json_as_str(action)));
}

static void
check_task(Check *c, const Json *t, Str at, unsigned depth)
{
	static const char *const templates[] = { "permission_set_refs", "permission_set_ref", "worker_selector",
		"worker_tolerations", "worker_affinity" };
	Str name = json_get_text(t, "name");

	wf_check_task_keys(c, t, at);
	check_kind(c, t, at, depth);
	check_template(c, json_get(t, "with_items"), below(c, at, "with_items"));
	(void)member(c, t, at, "input", JSON_OBJECT);
	c->items = !json_is_null(json_get(t, "with_items"));
	check_template(c, json_get(t, "input"), below(c, at, "input"));
	for (size_t i = 0; i < countof(templates); i++)
		check_template(c, json_get(t, templates[i]), below(c, at, templates[i]));
	c->items = false;
	check_cond(c, t, at, "when");
	check_count(c, t, at, "concurrency", 1, COUNT_MOST);
	check_count(c, t, at, "batch_size", 1, COUNT_MOST);
	check_count(c, t, at, "timeout", 1, TIMEOUT_MOST);
	check_template(c, json_get(t, "delay"), below(c, at, "delay"));
	check_count(c, t, at, "join", 1, WORKFLOW_TASKS_MOST);
	check_retry(c, t, at);
	check_next(c, name, t, at);
	check_legacy(c, name, t, at);
}

/* First the names of all, so that each can be referred to. */
static void
read_names(Check *c, const Json *tasks, Str at, unsigned depth)
{
	for (size_t i = 0; i < tasks->n && depth < WORKFLOW_DEPTH_MOST; i++) {
		const Json *t = &tasks->items[i], *inner = json_get(t, "tasks");
		Str name = json_get_text(t, "name"), *here = arena_new(c->a, Str);

		*here = nth(c, at, i);
		if (t->kind != JSON_OBJECT)
			wf_wrong(c, *here, "a task is a mapping");
		else if (name.n == 0 || utf8_length(name) > NAME_MOST)
			wf_wrong(c, *here, "a task needs a 'name' of 1 to 255 characters");
		else if (name_index(reserved, countof(reserved), name) >= 0)
			wf_wrong(c, below(c, *here, "name"), "'%.*s' is a name of the language", STR_ARG(name));
		else if (map_get_str(&c->names, name) != NULL)
			wf_wrong(c, below(c, *here, "name"), "there are two tasks called '%.*s'", STR_ARG(name));
		else
			map_put_str(&c->names, name, here);
		if (json_is(inner, JSON_ARRAY))
			read_names(c, inner, below(c, *here, "tasks"), depth + 1);
	}
}

static void
check_tasks(Check *c, const Json *tasks, Str at, unsigned depth)
{
	if (depth == WORKFLOW_DEPTH_MOST) {
		wf_wrong(c, at, "tasks are nested more than %d deep: make the inner ones a workflow of their own",
		    WORKFLOW_DEPTH_MOST);
		return;
	}
	for (size_t i = 0; i < tasks->n; i++)
		if (tasks->items[i].kind == JSON_OBJECT)
			check_task(c, &tasks->items[i], nth(c, at, i), depth);
}

/* What only the whole shows: nothing to begin with, tasks that nothing leads to, joins that cannot be met. */
static void
check_shape(Check *c, const Json *definition)
{
	WfGraph *g;
	Str at;
	Err err = { 0 };

	if (!wf_compile(c->a, definition, &g, &at, &err))
		wf_wrong(c, at, "%s", err.text);
	if (c->fatal > 0)
		return;
	wf_check_loops(c, g, definition);
	wf_check_joins(c, g);
}

static void
check_vars(Check *c, const Json *definition)
{
	const Json *vars = member(c, definition, str_of(""), "vars", JSON_OBJECT);

	for (size_t i = 0; vars != NULL && i < vars->n; i++) {
		Str name = vars->members[i].key;
		bool good = name.n > 0;

		for (size_t k = 0; k < name.n; k++)
			good = good &&
			       (name.p[k] == '_' || name.p[k] == '-' || (name.p[k] >= '0' && name.p[k] <= '9') ||
				   (name.p[k] >= 'a' && name.p[k] <= 'z') || (name.p[k] >= 'A' && name.p[k] <= 'Z'));
		if (!good)
			wf_wrong(c, str_of("/vars"), "'%.*s' is no name: letters, digits, _ and -", STR_ARG(name));
	}
}

static void
check_graph(Check *c, const Json *definition)
{
	static const Str top = { "", 0 };
	Str at = below(c, top, "tasks");
	const Json *tasks = member(c, definition, top, "tasks", JSON_ARRAY);

	if (tasks == NULL || tasks->n == 0) {
		wf_wrong(c, at, "a workflow needs a list of 'tasks'");
		return;
	}
	if (tasks->n > WORKFLOW_TASKS_MOST) {
		wf_wrong(c, at, "a workflow has at most %d tasks", WORKFLOW_TASKS_MOST);
		return;
	}
	wf_check_keys(c, definition);
	read_names(c, tasks, at, 0);
	wf_variables(c, definition);
	check_tasks(c, tasks, at, 0);
	check_vars(c, definition);
	(void)member(c, definition, top, "output_map", JSON_OBJECT);
	check_template(c, json_get(definition, "output_map"), below(c, top, "output_map"));
	check_word(c, definition, top, "cancellation_policy", endings, countof(endings));
	check_count(c, definition, top, "max_iterations", 1, COUNT_MOST);
	check_count(c, definition, top, "timeout", 1, TIMEOUT_MOST);
	if (c->fatal == 0)
		check_shape(c, definition);
}

bool
workflow_check(Arena *a, const Json *definition, WorkflowProblem **ret, size_t *ret_n)
{
	Check c = { .a = a,
		.problems = arena_array(a, WorkflowProblem, WORKFLOW_PROBLEMS_MOST),
		.names = map_open(a),
		.variables = map_open(a) };

	if (json_is(definition, JSON_OBJECT))
		check_graph(&c, definition);
	else
		wf_wrong(&c, str_of(""), "a workflow's definition is a mapping");
	*ret = c.problems;
	*ret_n = c.n;
	return c.fatal == 0;
}

Json
workflow_definition(Arena *a, const Json *file)
{
	Json o = json_object();

	for (size_t i = 0; i < countof(graph_keys); i++)
		if (!json_is_null(json_get(file, graph_keys[i])))
			json_add(a, &o, graph_keys[i], *json_get(file, graph_keys[i]));
	return o;
}
