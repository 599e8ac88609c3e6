/* A workflow's run as a timeline: each of its tasks with when it was ready, started and ended, and its runs. */
#include "api/work.h"

#include "api/access.h"
#include "api/handlers.h"
#include "api/view.h"
#include "model/lifecycle.h"
#include "store/execution_read.h"
#include "store/workflow_read.h"
#include "workflow/advance.h"

typedef struct Timeline {
	Arena *a;
	WorkflowShown run;
	const WfGraph *g;
	const WorkflowTaskRow **tasks; /* by number; NULL: nothing has happened to it */
	WorkflowRound *rounds;
	size_t rounds_n;
	bool rounds_more;
	WorkflowRunRow *runs;
	size_t runs_n;
} Timeline;

static bool
timeline_read(App *app, Timeline *t, Id id, Err *err)
{
	Db *db = app_db(app);
	Json *definition = arena_new(t->a, Json);
	WorkflowTaskRow *rows;
	WfGraph *g;
	size_t n;
	Str at;

	if (!workflow_show_run(db, t->a, id, &t->run, err) ||
	    !workflow_version_read(db, t->a, t->run.version, definition, err) ||
	    !wf_compile(t->a, definition, &g, &at, err) || !workflow_task_all(db, t->a, id, &rows, &n, err) ||
	    !workflow_rounds(db, t->a, id, &t->rounds, &t->rounds_n, &t->rounds_more, err) ||
	    !workflow_runs(db, t->a, id, &t->runs, &t->runs_n, err))
		return false;
	t->g = g;
	t->tasks = arena_array(t->a, const WorkflowTaskRow *, g->n + 1);
	for (size_t i = 0; i < n; i++)
		if (rows[i].task >= 0 && rows[i].task < (int)g->n)
			t->tasks[rows[i].task] = &rows[i];
	return true;
}

/* What was under way when the workflow ended is not any more, and what had not begun never will. */
static bool
was_cancelled(const Timeline *t, int task)
{
	const WorkflowRunRow *last = NULL;

	for (size_t i = 0; i < t->runs_n; i++)
		if (t->runs[i].task == task)
			last = &t->runs[i];
	return last != NULL && str_is(last->status, "cancelled");
}

static const char *
task_status(const Timeline *t, int no)
{
	const WorkflowTaskRow *row = t->tasks[no];
	WfStatus s = row == NULL ? WF_IDLE : wf_status_of(row->status);

	/* to the workflow that is a failure; but nothing has gone wrong when all of it was cancelled */
	if (s == WF_BAD && !str_is(t->run.status, "running") && !str_is(t->run.status, "failed") &&
	    was_cancelled(t, no))
		return "cancelled";
	if (!exec_terminal(exec_state_of(t->run.status)))
		return wf_status_name(s);
	if (s == WF_IDLE)
		return "not_run";
	return s == WF_RUNNING || s == WF_DELAYED ? "cancelled" : wf_status_name(s);
}

static const WorkflowRound *
last_round(const Timeline *t, int task)
{
	const WorkflowRound *last = NULL;

	for (size_t i = 0; i < t->rounds_n; i++)
		if (t->rounds[i].task == task)
			last = &t->rounds[i];
	return last;
}

static Json
rounds_json(const Timeline *t, int task)
{
	Json all = json_array();

	for (size_t i = 0; i < t->rounds_n; i++) {
		const WorkflowRound *r = &t->rounds[i];
		Json o = json_object();

		if (r->task != task)
			continue;
		json_add(t->a, &o, "iteration", json_int(r->iteration));
		json_add(t->a, &o, "ready_at", json_time(t->a, r->ready));
		json_add(t->a, &o, "started_at", json_time(t->a, r->started));
		json_add(t->a, &o, "finished_at", json_time(t->a, r->finished));
		json_add(t->a, &o, "runs", json_int(r->runs));
		json_add(t->a, &o, "retries", json_int(r->retries));
		json_push(t->a, &all, o);
	}
	return all;
}

static Json
str_or_null(Str s)
{
	return s.n == 0 ? json_null() : json_str(s);
}

static Json
runs_json(const Timeline *t, int task)
{
	Json all = json_array();

	for (size_t i = 0; i < t->runs_n; i++) {
		const WorkflowRunRow *r = &t->runs[i];
		Json o = json_object();

		if (r->task != task)
			continue;
		json_add(t->a, &o, "execution", json_int(r->id));
		json_add(t->a, &o, "action_ref", json_str(r->action_ref));
		json_add(t->a, &o, "status", json_str(r->status));
		json_add(t->a, &o, "wait_reason", str_none(r->wait) ? json_null() : json_str(r->wait));
		json_add(t->a, &o, "iteration", json_int(r->iteration));
		json_add(t->a, &o, "index", r->index < 0 ? json_null() : json_int(r->index));
		json_add(t->a, &o, "retry_count", json_int(r->retry));
		json_add(t->a, &o, "workflow", json_bool(r->workflow));
		json_add(t->a, &o, "ready_at", json_time(t->a, r->created));
		json_add(t->a, &o, "started_at", json_time(t->a, r->started));
		json_add(t->a, &o, "finished_at", json_time(t->a, r->finished));
		json_add(t->a, &o, "error", str_or_null(r->error));
		json_push(t->a, &all, o);
	}
	return all;
}

static Json
items_json(Arena *a, const WorkflowTaskRow *row)
{
	Json o = json_object();

	if (row == NULL || !row->items)
		return json_null();
	json_add(a, &o, "total", json_int(row->items_n));
	json_add(a, &o, "begun", json_int(row->items_next));
	json_add(a, &o, "running", json_int(row->items_live));
	json_add(a, &o, "failed", json_int(row->items_bad + row->items_late));
	return o;
}

/* From the run that this one was begun anew of: nothing of the task ran here. */
static bool
is_taken(const Timeline *t, int no)
{
	const WorkflowTaskRow *row = t->tasks[no];

	return t->run.rerun_of != 0 && row != NULL && row->finished != 0 && row->finished < t->run.created;
}

static void
task_times(const Timeline *t, int no, Json *o)
{
	const WorkflowTaskRow *row = t->tasks[no];
	const WorkflowRound *last = last_round(t, no);
	bool own = t->g->tasks[no].kind == WF_PARALLEL;
	TimeUs ready = row == NULL ? 0 : row->started;
	TimeUs started = own || is_taken(t, no) ? ready : last == NULL ? 0 : last->started;
	TimeUs finished = 0;

	/* of the round that goes on, not of the one before it; its end has the time of the step that heard of it, which may have begun
	 * before a quick run */
	if (!own && last != NULL && row != NULL && last->iteration != row->iteration)
		started = 0;
	if (row != NULL && wf_status_of(row->status) >= WF_DONE)
		finished = row->finished > started ? row->finished : started;
	json_add(t->a, o, "ready_at", json_time(t->a, ready));
	json_add(t->a, o, "started_at", json_time(t->a, started));
	json_add(t->a, o, "finished_at", json_time(t->a, finished));
	json_add(t->a, o, "due_at", json_time(t->a, row == NULL ? 0 : row->due));
	json_add(t->a, o, "iterations", json_int(row == NULL ? 0 : row->iteration));
	json_add(t->a, o, "tries",
	    json_int(last == NULL                ? 0
		     : row != NULL && row->items ? 1 + (last->retries > 0)
						 : last->runs));
}

static Json
task_json(const Timeline *t, int no)
{
	const WfTask *task = &t->g->tasks[no];
	const WorkflowTaskRow *row = t->tasks[no];
	Json o = json_object();

	json_add(t->a, &o, "name", json_str(task->name));
	json_add(t->a, &o, "type", json_cstr(task->kind == WF_PARALLEL ? "parallel" : "action"));
	json_add(t->a, &o, "action", str_or_null(task->action));
	json_add(t->a, &o, "group", task->group == WF_TOP ? json_null() : json_str(t->g->tasks[task->group].name));
	json_add(t->a, &o, "status", json_cstr(task_status(t, no)));
	json_add(t->a, &o, "triggered_by",
	    row == NULL || row->triggered_by < 0 || row->triggered_by >= (int)t->g->n
		? json_null()
		: json_str(t->g->tasks[row->triggered_by].name));
	task_times(t, no, &o);
	json_add(t->a, &o, "taken_over", json_bool(is_taken(t, no)));
	json_add(t->a, &o, "note", row == NULL ? json_null() : str_or_null(row->note));
	json_add(t->a, &o, "items", items_json(t->a, row));
	json_add(t->a, &o, "rounds", rounds_json(t, no));
	json_add(t->a, &o, "runs", runs_json(t, no));
	return o;
}

static Json
timeline_json(const Timeline *t)
{
	Json o = json_object(), tasks = json_array();

	for (size_t i = 0; i < t->g->n; i++)
		json_push(t->a, &tasks, task_json(t, (int)i));
	json_add(t->a, &o, "execution", json_int(t->run.id));
	json_add(t->a, &o, "workflow_ref", json_str(t->run.ref));
	json_add(t->a, &o, "status", json_str(t->run.status));
	json_add(t->a, &o, "paused", json_bool(t->run.paused));
	json_add(t->a, &o, "rerun_of", json_id(t->run.rerun_of));
	json_add(t->a, &o, "error", str_or_null(t->run.error));
	json_add(t->a, &o, "variables", t->run.variables);
	json_add(t->a, &o, "created", json_time(t->a, t->run.created));
	json_add(t->a, &o, "started_at", json_time(t->a, t->run.started));
	json_add(t->a, &o, "finished_at", json_time(t->a, t->run.finished));
	json_add(t->a, &o, "timeout_at", json_time(t->a, t->run.timeout_at));
	json_add(t->a, &o, "rounds_left_out", json_bool(t->rounds_more));
	json_add(t->a, &o, "tasks", tasks);
	return o;
}

bool
execution_workflow(App *app, Req *q, Res *s, Err *err)
{
	Timeline t = { .a = req_arena(q) };
	Target target;
	Json e;
	Id id;

	if (!req_id(q, "id", &id, err) || !execution_show(app_db(app), t.a, id, &e, err))
		return false;
	target = target_of_json(&e, "action_ref");
	if (!see(app, "executions:read", &target, err) || !timeline_read(app, &t, id, err))
		return false;
	return res_data(s, 200, timeline_json(&t), NULL);
}
