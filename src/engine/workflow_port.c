/* What a step asks for: states of tasks, results, names. Read when it is asked, once in a step. */
#include "engine/workflow.h"

#include "engine/keys.h"
#include "engine/secrets.h"

static WfTaskState *
state_fresh(WorkflowStep *s)
{
	WfTaskState *st = arena_new(s->u->arena, WfTaskState);

	st->arrived = json_array();
	st->triggered_by = -1;
	return st;
}

WfTaskState
task_state_of(const WorkflowTaskRow *r)
{
	return (WfTaskState){
		.status = wf_status_of(r->status),
		.iteration = r->iteration,
		.backlog = r->backlog,
		.begun = r->begun,
		.arrived = r->arrived,
		.triggered_by = r->triggered_by,
		.due = r->due,
		.execution = r->execution,
		.items = r->items,
		.items_n = r->items_n,
		.items_next = r->items_next,
		.items_live = r->items_live,
		.items_bad = r->items_bad,
		.items_late = r->items_late,
		.open = r->open,
		.waiting = r->waiting,
		.bad = r->bad,
		.started = r->started,
		.finished = r->finished,
		.published_before = r->published_before,
		.published_at = r->published_at,
	};
}

void
step_take_task(WorkflowStep *s, const WorkflowTaskRow *r)
{
	WfTaskState *st = arena_new(s->u->arena, WfTaskState);

	*st = task_state_of(r);
	s->states[r->task] = st;
}

void
step_no_task(WorkflowStep *s, int task)
{
	if (s->states[task] == NULL)
		s->states[task] = state_fresh(s);
}

WorkflowTaskRow
task_row_of(Id workflow, const WfGraph *g, int task, const WfTaskState *st)
{
	return (WorkflowTaskRow){
		.workflow = workflow,
		.task = task,
		.name = g->tasks[task].name,
		.status = str_of(wf_status_name(st->status)),
		.iteration = st->iteration,
		.backlog = st->backlog,
		.begun = st->begun,
		.arrived = st->arrived,
		.triggered_by = st->triggered_by,
		.due = st->due,
		.execution = st->execution,
		.items = st->items,
		.items_n = st->items_n,
		.items_next = st->items_next,
		.items_live = st->items_live,
		.items_bad = st->items_bad,
		.items_late = st->items_late,
		.open = st->open,
		.waiting = st->waiting,
		.bad = st->bad,
		.started = st->started,
		.finished = st->finished,
		.published = st->published,
		.published_at = st->published_at,
	};
}

static Str
note_of(const WorkflowStep *s, int task)
{
	for (size_t i = s->w.notes_n; i-- > 0;)
		if (s->w.notes[i].task == task)
			return s->w.notes[i].text;
	return (Str){ 0 };
}

/* What its rounds have published, the last of each name; a round without any leaves them. */
static Json
published_all(Arena *a, const WfTaskState *st)
{
	Err ignored = { 0 };
	Json all;

	if (st->published.n == 0 || str_none(st->published_before) ||
	    !json_parse(a, st->published_before, NULL, &all, &ignored) || all.kind != JSON_OBJECT)
		return st->published;
	for (size_t i = 0; i < st->published.n; i++)
		json_set_str(a, &all, st->published.members[i].key, st->published.members[i].value);
	return all;
}

size_t
step_changed(WorkflowStep *s, WorkflowTaskRow *ret)
{
	size_t n = 0;

	for (size_t i = 0; i < s->g->n; i++) {
		const WfTaskState *st = s->states[i];

		if (st == NULL || !st->changed)
			continue;
		ret[n] = task_row_of(s->row.id, s->g, (int)i, st);
		ret[n].note = note_of(s, (int)i);
		ret[n].published = step_hides(s, &st->published) ? json_null() : published_all(s->u->arena, st);
		n++;
	}
	return n;
}

/* ---- the port ---- */

static WfTaskState *
port_task(void *self, int task)
{
	WorkflowStep *s = self;
	WorkflowTaskKey key = { s->row.id, task };
	WorkflowTaskRow *rows;
	size_t n = 0;

	if (s->states[task] != NULL)
		return s->states[task];
	if (!s->fresh && !workflow_task_read(s->u->db, s->u->arena, &key, 1, &rows, &n, &s->err))
		return NULL;
	if (n > 0)
		step_take_task(s, &rows[0]);
	else
		s->states[task] = state_fresh(s);
	return s->states[task];
}

static bool port_result(void *self, int task, Json *ret);

static bool
items_result(WorkflowStep *s, int task, const WfTaskState *st, Json *ret)
{
	if (!workflow_results(s->u->db, s->u->arena, s->row.id, task, st->iteration, st->items_n, ret, &s->err))
		return false;
	for (size_t i = 0; i < ret->n; i++)
		ret->items[i] = wf_view(s->u->arena, &ret->items[i]);
	return true;
}

/* Of a parallel task: what its tasks have given, by name. */
static bool
parallel_result(WorkflowStep *s, int task, Json *ret)
{
	*ret = json_object();
	for (size_t i = 0; i < s->g->n; i++) {
		Json one;

		if (s->g->tasks[i].group != task)
			continue;
		if (port_result(s, (int)i, &one))
			json_set_str(s->u->arena, ret, s->g->tasks[i].name, one);
		else if (s->err.code != ERR_NONE)
			return false;
	}
	return true;
}

static Json
result_view(Arena *a, const WfTaskState *st, const Json *result)
{
	Json all = *result;

	if (!st->items)
		return wf_view(a, result);
	for (size_t i = 0; json_is(&all, JSON_ARRAY) && i < all.n; i++)
		all.items[i] = wf_view(a, &all.items[i]);
	return all;
}

static bool
result_read(WorkflowStep *s, int task, const WfTaskState *st, Json *ret)
{
	bool taken = false;

	*ret = json_null();
	if (st->status == WF_SKIPPED)
		return true;
	if (s->g->tasks[task].kind == WF_PARALLEL)
		return parallel_result(s, task, ret);
	if (s->row.starts.kind == JSON_ARRAY &&
	    !workflow_taken_read(s->u->db, s->u->arena, s->row.id, task, st->iteration, ret, &taken, &s->err))
		return false;
	if (taken) {
		*ret = result_view(s->u->arena, st, ret);
		return true;
	}
	if (st->items)
		return items_result(s, task, st, ret);
	if (st->execution == 0)
		return true;
	if (!workflow_result(s->u->db, s->u->arena, st->execution, ret, &s->err))
		return false;
	*ret = wf_view(s->u->arena, ret);
	return true;
}

static bool
port_result(void *self, int task, Json *ret)
{
	WorkflowStep *s = self;
	WfTaskState *st = port_task(s, task);

	if (st == NULL || st->status < WF_DONE)
		return false;
	if (s->results[task] == NULL) {
		s->results[task] = arena_new(s->u->arena, Json);
		if (!result_read(s, task, st, s->results[task])) {
			s->results[task] = NULL;
			return false;
		}
	}
	*ret = *s->results[task];
	return true;
}

/* The parameters with their secrets, which are remembered: they may go into secret parameters only. */
static bool
params_read(WorkflowStep *s)
{
	Uow *u = s->u;
	Secret *list = NULL;
	size_t n = 0;
	Err ignored = { 0 };

	if (s->params_known)
		return true;
	s->params_known = true;
	s->params = json_object();
	if (!str_none(json_as_str(&s->row.config)) &&
	    !json_parse(u->arena, json_as_str(&s->row.config), NULL, &s->params, &ignored))
		s->params = json_object();
	if (s->params.kind != JSON_OBJECT)
		s->params = json_object();
	if (!secrets_marked(&s->params))
		return true;
	if (!secrets_open(u->db, u->arena, u->e->vault, SECRET_OF_EXECUTION, s->row.id, &list, &n, &s->err))
		return false;
	secrets_put(u->arena, &s->params, list, n);
	for (size_t i = 0; i < n; i++)
		json_push(u->arena, &s->secrets, list[i].value);
	return true;
}

static bool
keys_read(WorkflowStep *s, Json *ret)
{
	const ActionDef *action = defs_action(s->u->e->defs, s->row.action);

	*ret = json_object();
	return action == NULL || keys_deliver(s->u, action, ret, &s->secrets, &s->err);
}

/* The configuration of its pack; what is secret in it is remembered like keys are. */
static Json
config_read(WorkflowStep *s, const PackDef *pack)
{
	Arena *a = s->u->arena;
	Json shown = pack->config;
	Secrets hidden = secrets_take(a, &pack->conf_schema, &shown);

	for (size_t i = 0; i < hidden.n; i++)
		json_push(a, &s->secrets, json_clone(a, &hidden.list[i].value));
	return json_clone(a, &pack->config);
}

static bool
port_root(void *self, Str name, Json *ret)
{
	WorkflowStep *s = self;
	Arena *a = s->u->arena;
	const ActionDef *action = defs_action(s->u->e->defs, s->row.action);
	const PackDef *pack = action == NULL ? NULL : defs_pack(s->u->e->defs, action->pack);

	if (str_is(name, "parameters")) {
		if (!params_read(s))
			return false;
		*ret = s->params;
		return true;
	}
	if (str_is(name, "variables"))
		return json_parse(a, json_as_str(&s->row.variables), NULL, ret, &s->err);
	if (str_is(name, "keystore"))
		return keys_read(s, ret);
	*ret = json_object();
	if (str_is(name, "config") && pack != NULL)
		*ret = config_read(s, pack);
	if (str_is(name, "system"))
		json_add(a, ret, "workflow_start", json_str(time_text(a, s->row.started)));
	return true;
}

static bool
port_items_put(void *self, int task, const Json *items)
{
	WorkflowStep *s = self;

	s->chunk_task = -1;
	if (step_hides(s, items)) {
		s->w.fatal =
		    str_fmt(s->u->arena, "Task '%.*s': with_items holds a secret", STR_ARG(s->g->tasks[task].name));
		return true; /* it ends with that; none of them is stored */
	}
	return workflow_items_write(s->u->db, s->u->arena, s->row.id, task, items, &s->err);
}

static bool
port_item(void *self, int task, int64_t index, Json *ret)
{
	WorkflowStep *s = self;
	int64_t chunk = index / WORKFLOW_CHUNK;
	const Json *item;

	if (s->chunk_task != task || s->chunk_no != chunk) {
		if (!workflow_items_read(s->u->db, s->u->arena, s->row.id, task, chunk, &s->chunk, &s->err))
			return false;
		s->chunk_task = task;
		s->chunk_no = chunk;
	}
	item = json_at(&s->chunk, (size_t)(index % WORKFLOW_CHUNK));
	*ret = item == NULL ? json_null() : *item;
	return true;
}

bool
step_open(WorkflowStep *s, Err *err)
{
	WfPort port = { s, port_task, port_result, port_root, port_items_put, port_item };

	if (!graph_of(s->u, s->row.version, &s->g, err))
		return false;
	s->states = arena_array(s->u->arena, WfTaskState *, s->g->n);
	s->results = arena_array(s->u->arena, Json *, s->g->n);
	s->secrets = json_array();
	s->chunk_task = -1;
	s->w = wf_open(s->u->arena, s->g, &port, s->u->now);
	s->w.open = s->row.open;
	s->w.waiting = s->row.waiting;
	s->w.bad = s->row.bad;
	s->w.failed = s->row.failed;
	return true;
}
