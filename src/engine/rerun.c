#include "engine/rerun.h"

#include "engine/retry.h"
#include "engine/workflow.h"

#include "store/workflow_read.h"
#include "workflow/rerun.h"

typedef struct Rerun {
	Uow *u;
	Id of, id; /* the run that ended, and the new one */
	WorkflowRun run;
	const WfGraph *g;
	WfTaskState *states;
	Json *published;
	WfRerun plan;
} Rerun;

static bool
refuse_gone(const ActionDef *action, const ExecLive *e, Err *err)
{
	if (action != NULL && action->workflow_def != 0)
		return true;
	return err_set(err, ERR_CONFLICT, "Workflow '%.*s' is gone: execution %lld cannot be begun anew",
	    STR_ARG(e->action_ref), (long long)e->id);
}

/* It has ended, was a workflow, and its action is still there. */
static bool
read_ended(Rerun *r, ExecLive *e, Err *err)
{
	Uow *u = r->u;
	bool ok;

	if (!execution_peek(u->db, u->arena, r->of, e, err))
		return false;
	if (e->id == 0)
		return err_set(err, ERR_NOT_FOUND, "Execution with ID %lld not found", (long long)r->of);
	if (!exec_terminal(e->status))
		return err_set(err, ERR_CONFLICT,
		    "Execution %lld is %s: only a run that has ended can be begun anew from a task", (long long)r->of,
		    exec_state_name(e->status));
	if (!workflow_run_lock(u->db, u->arena, &r->of, 1, true, &r->run, err))
		return false;
	if (r->run.id == 0)
		return err_set(err, ERR_CONFLICT,
		    "Execution %lld is no workflow, or never began: there is no task to begin from", (long long)r->of);
	if (!defs_enter(u->e->defs, u->db, u->arena, err))
		return false;
	ok = refuse_gone(defs_action(u->e->defs, e->action), e, err);
	defs_leave(u->e->defs);
	return ok;
}

static bool
read_states(Rerun *r, Err *err)
{
	Uow *u = r->u;
	WorkflowTaskRow *rows;
	size_t n;

	graphs_trim(u);
	if (!graph_of(u, r->run.version, &r->g, err)) {
		if (err->code == ERR_CORRUPT)
			err_set(err, ERR_CONFLICT, "The definition with which execution %lld began is gone",
			    (long long)r->of);
		return false;
	}
	r->states = arena_array(u->arena, WfTaskState, r->g->n + 1);
	r->published = arena_array(u->arena, Json, r->g->n + 1);
	for (size_t i = 0; i < r->g->n; i++)
		r->states[i] = (WfTaskState){ .arrived = json_array(), .triggered_by = -1 };
	if (!workflow_task_all(u->db, u->arena, r->of, &rows, &n, err) ||
	    !workflow_published(u->db, u->arena, r->of, r->published, r->g->n, err))
		return false;
	for (size_t i = 0; i < n; i++)
		if (rows[i].task >= 0 && rows[i].task < (int)r->g->n)
			r->states[rows[i].task] = task_state_of(&rows[i]);
	return true;
}

static bool
plan_make(Rerun *r, const Json *from, Err *err)
{
	int *tasks = arena_array(r->u->arena, int, from->n + 1);

	for (size_t i = 0; i < from->n; i++) {
		Str name = json_as_str(&from->items[i]);

		tasks[i] = wf_task_no(r->g, name);
		if (tasks[i] < 0)
			return err_set(err, ERR_CONFLICT,
			    "There is no task '%.*s' in the definition with which execution %lld began", STR_ARG(name),
			    (long long)r->of);
	}
	return wf_rerun(r->u->arena, r->g, r->states, &r->run.failed, r->run.bad, tasks, from->n, &r->plan, err);
}

/* ---- what the new run begins with ---- */

/* Of runs from before that was kept it is the time of its end. */
static TimeUs
published_at(const WfTaskState *st)
{
	return st->published_at != 0 ? st->published_at : st->finished;
}

/* Those of the definition, and over them what was published, in the order in which the tasks last published something. */
static Json
variables_of(Rerun *r)
{
	Arena *a = r->u->arena;
	Json vars = json_clone(a, &r->g->vars);
	int *order = arena_array(a, int, r->g->n + 1);
	size_t n = 0;

	for (size_t i = 0; i < r->g->n; i++)
		if (!r->plan.again[i] && r->published[i].kind == JSON_OBJECT)
			order[n++] = (int)i;
	for (size_t i = 1; i < n; i++) /* few: insertion keeps those that ended at one moment in their order */
		for (size_t k = i; k > 0 && published_at(&r->states[order[k - 1]]) > published_at(&r->states[order[k]]);
		     k--) {
			int t = order[k];

			order[k] = order[k - 1];
			order[k - 1] = t;
		}
	for (size_t i = 0; i < n; i++) {
		const Json *p = &r->published[order[i]];

		for (size_t k = 0; k < p->n; k++)
			json_set_str(a, &vars, p->members[k].key, p->members[k].value);
	}
	return vars;
}

static Json
starts_of(Rerun *r)
{
	Arena *a = r->u->arena;
	Json all = json_array();

	for (size_t i = 0; i < r->plan.starts_n; i++) {
		Json one = json_array();

		json_push(a, &one, json_int(r->plan.starts[i].task));
		json_push(a, &one, json_int(r->plan.starts[i].from));
		json_push(a, &all, one);
	}
	return all;
}

static bool
tasks_write(Rerun *r, Err *err)
{
	Arena *a = r->u->arena;
	WorkflowTaskRow *rows = arena_array(a, WorkflowTaskRow, r->g->n + 1);
	size_t n = 0;

	for (size_t i = 0; i < r->g->n; i++) {
		const WfTaskState *st = &r->states[i];

		if (st->iteration == 0 && st->arrived.n == 0)
			continue;
		rows[n] = task_row_of(r->id, r->g, (int)i, st);
		rows[n++].published = r->plan.again[i] ? json_null() : r->published[i];
	}
	return workflow_task_write(r->u->db, a, rows, n, err);
}

/* Of a run that was begun anew itself they may be those that it had taken over. */
static bool
result_of(Rerun *r, int task, Json *ret, bool *ret_found, Err *err)
{
	Uow *u = r->u;
	const WfTaskState *st = &r->states[task];

	if (!workflow_taken_read(u->db, u->arena, r->of, task, st->iteration, ret, ret_found, err) || *ret_found)
		return err->code == ERR_NONE;
	*ret_found = st->items || st->execution != 0;
	if (st->items)
		return workflow_results(u->db, u->arena, r->of, task, st->iteration, st->items_n, ret, err);
	return st->execution == 0 || workflow_result(u->db, u->arena, st->execution, ret, err);
}

static bool
results_write(Rerun *r, Err *err)
{
	Arena *a = r->u->arena;
	WorkflowTaken *rows = arena_array(a, WorkflowTaken, r->g->n + 1);
	size_t n = 0;

	for (size_t i = 0; i < r->g->n; i++) {
		bool found;

		if (r->plan.again[i] || r->states[i].status < WF_DONE || r->states[i].status == WF_SKIPPED)
			continue;
		rows[n] = (WorkflowTaken){ .task = (int)i, .iteration = r->states[i].iteration };
		if (!result_of(r, (int)i, &rows[n].result, &found, err))
			return false;
		n += found;
	}
	return workflow_taken_write(r->u->db, a, r->id, rows, n, err);
}

/* All of it is stored before the new run begins: the old one may be removed meanwhile. */
static bool
run_write(Rerun *r, Err *err)
{
	WorkflowRun run = { .id = r->id,
		.version = r->run.version,
		.ref = r->run.ref,
		.variables = variables_of(r),
		.waiting = r->plan.waiting,
		.starts = starts_of(r),
		.timeout_at = r->g->timeout * US_PER_S };

	return workflow_rerun_insert(r->u->db, r->u->arena, &run, r->of, r->u->now, err) && tasks_write(r, err) &&
	       results_write(r, err);
}

bool
execution_rerun(Uow *u, Id of, const Json *from, Str by, Id *ret, Err *err)
{
	Rerun r = { .u = u, .of = of };
	ExecLive e;
	RetryRow row;

	if (!read_ended(&r, &e, err) || !read_states(&r, err) || !plan_make(&r, from, err))
		return false;
	row = (RetryRow){ .id = of,
		.action = e.action,
		.action_ref = e.action_ref,
		.parent = e.parent,
		.enforcement = e.enforcement,
		.correlation = e.correlation };
	if (!retry_make(u, &row, &(RetryNew){ .ended = of, .reason = "rerun", .by = by }, &r.id, err))
		return false;
	*ret = r.id;
	return run_write(&r, err);
}
