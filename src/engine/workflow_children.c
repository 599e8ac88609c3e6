/* The runs that a step starts, and those that it stops. */
#include "engine/workflow.h"

/* What clients know of a workflow's run. */
static Json
task_json(WorkflowStep *s, const WfChild *c, int64_t timeout)
{
	Arena *a = s->u->arena;
	const WfTask *t = &s->g->tasks[c->task];
	RetryPlan plan = step_plan(s, c->task);
	Json o = json_object();

	json_add(a, &o, "workflow_execution", json_int(s->row.id));
	json_add(a, &o, "task_name", json_str(str_copy(a, t->name)));
	if (c->triggered_by >= 0)
		json_add(a, &o, "triggered_by", json_str(str_copy(a, s->g->tasks[c->triggered_by].name)));
	json_add(a, &o, "task_index", c->index >= 0 ? json_int(c->index) : json_null());
	json_add(a, &o, "task_batch", c->batch >= 0 ? json_int(c->batch) : json_null());
	json_add(a, &o, "iteration", json_int(c->iteration));
	json_add(a, &o, "retry_count", json_int(0));
	json_add(a, &o, "max_retries", json_int(plan.count));
	json_add(a, &o, "next_retry_at", json_null());
	json_add(a, &o, "timeout_seconds", timeout > 0 ? json_int(timeout) : json_null());
	json_add(a, &o, "timed_out", json_bool(false));
	json_add(a, &o, "duration_ms", json_null());
	json_add(a, &o, "started_at", json_null());
	json_add(a, &o, "completed_at", json_null());
	return o;
}

static void
child_fails(WorkflowStep *s, ExecNew *e, Str text)
{
	Json *result = arena_new(s->u->arena, Json);

	*result = error_result(s->u->arena, text);
	e->status = EXEC_FAILED;
	e->result = result;
	e->wait = WAIT_NONE;
	e->wait_class = (Str){ 0 };
}

static const Json *
or_null(const Json *v)
{
	return v->kind == JSON_NULL ? NULL : v;
}

/* Why it cannot start; none: it can. */
static Str
child_problem(WorkflowStep *s, const WfChild *c, const ActionDef *action)
{
	Str ref = s->g->tasks[c->task].action;

	if (!str_none(c->error))
		return c->error;
	if (action == NULL)
		return str_fmt(s->u->arena, "Action '%.*s' not found", STR_ARG(ref));
	if (!action->enabled)
		return str_fmt(s->u->arena, "Action '%.*s' is disabled", STR_ARG(ref));
	if (action->workflow_def != 0 && s->row.depth + 1 >= WORKFLOW_NESTED_MOST)
		return str_fmt(s->u->arena,
		    "workflows are nested deeper than %d: if '%.*s' runs itself, perhaps through others, make a loop "
		    "of it "
		    "(a transition back to an earlier task), else put some of its levels into one workflow",
		    WORKFLOW_NESTED_MOST, STR_ARG(ref));
	return (Str){ 0 };
}

static bool
child_config(WorkflowStep *s, const WfChild *c, const Json **ret)
{
	Json *config = arena_new(s->u->arena, Json);

	if (c->own_input) {
		*ret = &c->input;
		return true;
	}
	*ret = config;
	return s->w.port.root(s, str_of("parameters"), config);
}

static bool
child_row(WorkflowStep *s, const WfChild *c, ExecNew *e, Secrets *secrets)
{
	Arena *a = s->u->arena;
	const WfTask *t = &s->g->tasks[c->task];
	const ActionDef *action = defs_action_ref(s->u->e->defs, t->action);
	int64_t timeout = t->timeout != 0 ? t->timeout : action == NULL ? 0 : action->timeout_seconds;
	Json *task = arena_new(a, Json);
	Str problem = child_problem(s, c, action);

	*task = task_json(s, c, timeout);
	*e = (ExecNew){
		.action = action == NULL ? 0 : action->id,
		.action_ref = str_copy(a, t->action),
		.parent = s->row.id,
		.enforcement = s->row.enforcement,
		.executor = s->row.executor,
		.env_vars = or_null(&s->row.env_vars),
		.worker_selector = or_null(&c->selector),
		.worker_tolerations = or_null(&c->tolerations),
		.worker_affinity = or_null(&c->affinity),
		.status = EXEC_REQUESTED,
		.wait = WAIT_QUEUED,
		.timeout_seconds = timeout,
		.priority = s->row.priority,
		.correlation = s->row.correlation,
		.by = s->u->e->process,
		.of_task = true,
		.line = s->row.line,
		.max_retries = json_as_int(json_get(task, "max_retries"), 0),
		.task_no = c->task,
		.task_index = c->index,
		.task_iteration = c->iteration,
		.workflow_task = task,
	};
	if (!str_none(problem)) {
		child_fails(s, e, problem);
		return true;
	}
	e->permission_set_refs =
	    c->permission_set_refs.kind == JSON_ARRAY ? &c->permission_set_refs : &action->default_permission_set_refs;
	e->wait_class = wait_class_of(a, action->id, e->worker_selector, e->worker_tolerations, e->worker_affinity);
	if (!child_config(s, c, &e->config))
		return false;
	exec_settle(s->u, action, e, secrets);
	if (step_hides(s, e->config)) {
		child_fails(s, e,
		    str_fmt(a, "Task '%.*s' would give a secret to a parameter of '%.*s' that is not secret",
			STR_ARG(t->name), STR_ARG(t->action)));
		e->config = NULL;
		secrets->n = 0;
	}
	return true;
}

/* With workers at once where that can be done; what is left waits to be scheduled. */
static bool
children_make(Uow *u, ExecNew *rows, const Secrets *secrets, size_t n, Id *ids, Err *err)
{
	if (!place_newborns(u, rows, n, &u->placed, err) || !exec_make(u, rows, secrets, n, ids, err))
		return false;
	for (size_t i = 0; i < n; i++) {
		u->born += rows[i].status == EXEC_REQUESTED;
		if (rows[i].status == EXEC_SCHEDULED)
			newborn_placed(u, &rows[i], ids[i]);
	}
	return true;
}

bool
step_children(WorkflowStep *steps, size_t n, Err *err)
{
	Uow *u = n == 0 ? NULL : steps[0].u;
	size_t all = 0, at = 0;
	ExecNew *rows;
	Secrets *secrets;
	Id *ids;

	for (size_t i = 0; i < n; i++)
		all += steps[i].over ? 0 : steps[i].w.n;
	if (all == 0)
		return true;
	rows = arena_array(u->arena, ExecNew, all);
	secrets = arena_array(u->arena, Secrets, all);
	ids = arena_array(u->arena, Id, all);
	for (size_t i = 0; i < n; i++)
		for (size_t k = 0; !steps[i].over && k < steps[i].w.n; k++, at++)
			if (!child_row(&steps[i], &steps[i].w.children[k], &rows[at], &secrets[at])) {
				*err = steps[i].err;
				return false;
			}
	return children_make(u, rows, secrets, all, ids, err);
}

/* One that is canceling is told again only where it may have let runs finish. */
static bool
goes_on(const WorkflowChildRun *run, bool running)
{
	if (str_is(run->status, "canceling"))
		return !running || !run->inside;
	return str_is(run->status, "running") && !running && !run->inside;
}

bool
step_stop(WorkflowStep *s, bool running, size_t *ret_left, Err *err)
{
	WorkflowChildRun *rows;
	size_t n;

	*ret_left = 0;
	if (!workflow_run_live(s->u->db, s->u->arena, s->row.id, &rows, &n, err))
		return false;
	for (size_t i = 0; i < n; i++) {
		ExecState to = EXEC_CANCELING;
		Str by = str_of("its workflow");
		bool ok = goes_on(&rows[i], running) || (running ? execution_cancel_all(s->u, rows[i].id, by, &to, err)
								 : execution_cancel(s->u, rows[i].id, by, &to, err));

		if (!ok)
			return false;
		*ret_left += !exec_terminal(to);
	}
	return true;
}
