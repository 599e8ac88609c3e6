/* Runs of a task that went wrong and are tried again: the workflow hears of the last of them. */
#include "engine/retry.h"
#include "engine/workflow.h"

RetryPlan
step_plan(WorkflowStep *s, int task)
{
	const WfTask *t = &s->g->tasks[task];
	const ActionDef *action = t->retry.count > 0 ? NULL : defs_action_ref(s->u->e->defs, t->action);
	RetryPlan plan = t->retry;
	Err odd = { 0 };

	if (action != NULL && !retry_read(&action->retry, &plan, &odd))
		plan = (RetryPlan){ 0 };
	return plan;
}

static unsigned
reason_of(const RetryRow *row, WfOutcome how)
{
	/* what never ran would not run the next time */
	if (row->id == 0 || row->attempt == 0)
		return 0;
	if (row->status == EXEC_FAILED && how == WF_TIMED_OUT)
		return RETRY_TIMED_OUT;
	return retry_reason(row->status, NULL);
}

static Json
again_task(WorkflowStep *s, const RetryRow *row, TimeUs due)
{
	Arena *a = s->u->arena;
	Json task = json_clone(a, &row->workflow_task);

	json_set_str(a, &task, str_of("retry_count"), json_int(row->count + 1));
	json_set_str(a, &task, str_of("next_retry_at"), due == 0 ? json_null() : json_str(time_text(a, due)));
	json_set_str(a, &task, str_of("timed_out"), json_bool(false));
	return task;
}

/* Does its on_error want it, given what came of the run? */
static bool
wanted(WorkflowStep *s, const WorkflowNews *news, WfOutcome how, bool *ret, Err *err)
{
	const WfCond *c = &s->g->tasks[news->task].on_error;
	Json *result = arena_new(s->u->arena, Json);

	*result = json_null();
	if (c->expr != NULL || c->tmpl != NULL) {
		if (!workflow_result(s->u->db, s->u->arena, news->execution, result, err))
			return false;
		*result = wf_view(s->u->arena, result);
	}
	*ret = wf_again(&s->w, news->task, news->iteration, how, result);
	if (s->w.broken)
		*err = s->err;
	return !s->w.broken;
}

bool
step_again(WorkflowStep *s, const WorkflowNews *news, WfOutcome how, bool *ret, Err *err)
{
	Uow *u = s->u;
	RetryPlan plan;
	RetryRow row;
	RetryNew next;
	Json task;
	unsigned why;
	Id made;

	*ret = false;
	if (how == WF_SUCCEEDED || news->task < 0 || news->task >= (int)s->g->n)
		return true;
	plan = step_plan(s, news->task);
	if (plan.count == 0)
		return true;
	if (!retry_of_task(u->db, u->arena, news->execution, &row, err))
		return false;
	why = reason_of(&row, how);
	if (!(plan.on & why) || row.count >= plan.count)
		return true;
	if (!wanted(s, news, how, ret, err) || !*ret)
		return !s->w.broken && err->code == ERR_NONE;
	next = (RetryNew){ .ended = row.id,
		.due = retry_due(u, &plan, &row),
		.reason = retry_reason_name(why),
		.by = u->e->process,
		.workflow_task = &task,
		.max_retries = plan.count };
	task = again_task(s, &row, next.due);
	if (!retry_try(u, &row, &next, &made, err))
		return false;
	*ret = made != 0;
	return true;
}
