#include "engine/workflow.h"

#include "base/log.h"
#include "workflow/rerun.h"

#include <stdlib.h>

/* ---- telling ---- */

static const char *
outcome_of(const RunEnd *e)
{
	if (e->row->to == EXEC_COMPLETED)
		return "succeeded";
	/* one that was cancelled just before its time was over is cancelled, whatever its process says */
	if (e->row->to == EXEC_TIMEOUT ||
	    (e->row->to == EXEC_FAILED && json_as_bool(json_get(e->result, "timed_out"), false)))
		return "timed_out";
	return "failed";
}

/* For runs_follow, which acts on them in this very transaction, or puts them into the inbox. */
static bool
news_collect(Uow *u, const WorkflowNews *news, size_t n)
{
	size_t cap = u->news_cap == 0 ? 64 : u->news_cap;

	while (cap < u->news_n + n)
		cap *= 2;
	if (cap > u->news_cap)
		u->news = arena_grow(u->arena, u->news, u->news_cap * sizeof(WorkflowNews), cap * sizeof(WorkflowNews));
	u->news_cap = cap;
	for (size_t i = 0; i < n; i++)
		u->news[u->news_n++] = news[i];
	return true;
}

bool
workflow_told(Uow *u, const RunEnd *ends, size_t n, Err *err)
{
	WorkflowNews *news = NULL;
	size_t told = 0;

	for (size_t i = 0; i < n; i++) {
		const ExecMoved *r = ends[i].row;

		if (!r->of_task || ends[i].again)
			continue;
		if (news == NULL)
			news = arena_array(u->arena, WorkflowNews, n);
		news[told++] = (WorkflowNews){ .workflow = r->parent,
			.execution = ends[i].id,
			.of_task = true,
			.task = r->task_no,
			.index = r->task_index,
			.iteration = r->task_iteration,
			.outcome = str_of(outcome_of(&ends[i])) };
		if (str_is(news[told - 1].outcome, "timed_out") &&
		    !workflow_mark_timed_out(u->db, u->arena, ends[i].id, err))
			return false;
	}
	if (u->follows)
		return news_collect(u, news, told);
	return workflow_inbox_put(u->db, u->arena, news, told, u->now, err);
}

static bool
tell(Uow *u, Id id, const char *what, Err *err)
{
	WorkflowNews news = { .workflow = id, .index = -1, .outcome = str_of(what) };

	return workflow_inbox_put(u->db, u->arena, &news, 1, u->now, err);
}

bool
workflow_nudge(Uow *u, Id id, Err *err)
{
	return tell(u, id, "look", err);
}

bool
workflow_stop(Uow *u, Id id, Err *err)
{
	return tell(u, id, "stop", err);
}

/* ---- one step ---- */

static WfOutcome
outcome_read(Str name)
{
	return str_is(name, "succeeded") ? WF_SUCCEEDED : str_is(name, "timed_out") ? WF_TIMED_OUT : WF_FAILED;
}

/* Delayed tasks whose time has come; when the next is to be looked at. */
static bool
take_due(WorkflowStep *s, Err *err)
{
	bool delays = s->row.due_at != s->row.timeout_at;
	TimeUs next = 0, before = s->row.due_at;
	size_t n = 0;
	int *tasks;

	if (s->w.halted) {
		s->row.due_at = 0; /* it ends when the last run under it has ended, and not by the clock */
		return true;
	}
	if (delays && !workflow_task_delayed(s->u->db, s->u->arena, s->row.id, s->u->now, &tasks, &n, &next, err))
		return false;
	for (size_t i = 0; i < n; i++)
		if (!wf_task_due(&s->w, tasks[i])) {
			*err = s->err;
			return false;
		}
	for (size_t i = 0; i < s->g->n; i++) {
		const WfTaskState *st = s->states[i];

		if (st != NULL && st->status == WF_DELAYED && (next == 0 || st->due < next))
			next = st->due;
	}
	s->row.due_at = next == 0 || (s->row.timeout_at != 0 && s->row.timeout_at < next) ? s->row.timeout_at : next;
	s->u->timed = s->u->timed || (s->row.due_at != 0 && s->row.due_at != before);
	return true;
}

static bool
say_notes(WorkflowStep *s, Err *err)
{
	Arena *a = s->u->arena;

	for (size_t i = 0; i < s->w.notes_n; i++) {
		Json note = json_object();

		json_add(a, &note, "note", json_str(s->w.notes[i].text));
		if (s->w.notes[i].task >= 0)
			json_add(a, &note, "task", json_str(s->g->tasks[s->w.notes[i].task].name));
		if (!execution_note(s->u->db, a, s->row.id, s->row.action_ref, &note, s->u->now, err))
			return false;
	}
	return true;
}

static bool
resume(WorkflowStep *s)
{
	const Json *list = &s->row.starts;
	WfStart *starts = arena_array(s->u->arena, WfStart, list->n + 1);
	size_t n = 0;

	for (size_t i = 0; i < list->n; i++) {
		int64_t task = json_as_int(json_at(&list->items[i], 0), -1);
		int64_t from = json_as_int(json_at(&list->items[i], 1), -1);

		if (task >= 0 && task < (int64_t)s->g->n)
			starts[n++] = (WfStart){ (int)task, (int)from };
	}
	return wf_resume(&s->w, starts, n);
}

static bool
advance(WorkflowStep *s, const WorkflowNews *news, size_t n, Err *err)
{
	bool ok = true;

	s->w.halted = str_is(s->row.state, "canceling");
	if (s->fresh || s->resumes)
		ok = s->fresh ? wf_begin(&s->w) : resume(s);
	for (size_t i = 0; ok && i < n; i++) {
		WfOutcome how = outcome_read(news[i].outcome);
		bool again = false;

		s->stops = s->stops || str_is(news[i].outcome, "stop");
		if (!news[i].of_task)
			continue;
		if (!step_again(s, &news[i], how, &again, err))
			return false;
		if (!again)
			ok = wf_child_ended(
			    &s->w, news[i].task, news[i].iteration, news[i].index, news[i].execution, how);
	}
	if (!ok) {
		*err = s->err;
		return false;
	}
	if (!take_due(s, err) || !step_conclude(s, err) || !say_notes(s, err))
		return false;
	s->row.open = s->w.open;
	s->row.waiting = s->w.waiting;
	s->row.bad = s->w.bad;
	s->row.failed = s->w.failed;
	s->row.variables_changed = s->w.vars_changed && !step_hides(s, &s->w.vars);
	s->row.variables = s->w.vars;
	return true;
}

/* Keys and rows are in the order of the steps. One that was looked for and is not there need not be looked for again. */
static void
take_tasks(WorkflowStep *steps, size_t n, const WorkflowTaskKey *keys, size_t keys_n, const WorkflowTaskRow *rows,
    size_t rows_n)
{
	size_t key = 0, row = 0;

	for (size_t i = 0; i < n; i++) {
		for (; row < rows_n && rows[row].workflow == steps[i].row.id; row++)
			step_take_task(&steps[i], &rows[row]);
		for (; key < keys_n && keys[key].workflow == steps[i].row.id; key++)
			step_no_task(&steps[i], keys[key].task);
	}
}

/* The tasks that have news, and those they lead to, in one round trip. */
static bool
prefetch(WorkflowStep *steps, size_t n, const WorkflowNews *news, size_t news_n, const size_t *first, Err *err)
{
	Uow *u = steps[0].u;
	size_t cap = 64, keys_n = 0, rows_n;
	WorkflowTaskKey *keys = arena_array(u->arena, WorkflowTaskKey, cap);
	WorkflowTaskRow *rows;

	for (size_t i = 0; i < n; i++) {
		uint8_t *seen = arena_array(u->arena, uint8_t, steps[i].g->n + 1);

		for (size_t k = first[i]; k < first[i + 1] && k < news_n; k++) {
			const WfTask *t = news[k].of_task && news[k].task < (int)steps[i].g->n
					      ? &steps[i].g->tasks[news[k].task]
					      : NULL;
			int want[64];
			size_t want_n = 0;

			if (t == NULL || seen[news[k].task])
				continue;
			want[want_n++] = news[k].task;
			for (size_t x = 0; x < t->next_n; x++)
				for (size_t y = 0; y < t->next[x].arcs_n && want_n < countof(want); y++)
					want[want_n++] = t->next[x].arcs[y].task;
			for (size_t x = 0; x < want_n; x++) {
				if (seen[want[x]]++)
					continue;
				if (keys_n == cap) {
					keys = arena_grow(u->arena, keys, cap * sizeof(*keys), cap * 2 * sizeof(*keys));
					cap *= 2;
				}
				keys[keys_n++] = (WorkflowTaskKey){ steps[i].row.id, want[x] };
			}
		}
	}
	if (!workflow_task_read(u->db, u->arena, keys, keys_n, &rows, &rows_n, err))
		return false;
	take_tasks(steps, n, keys, keys_n, rows, rows_n);
	return true;
}

/* From one task of a chain to the next it does not. */
static bool
step_row_changed(const WorkflowStep *s)
{
	const WorkflowRun *now = &s->row, *was = &s->was;

	return now->variables_changed || !str_none(now->error) || !str_eq(now->status, was->status) ||
	       now->open != was->open || now->waiting != was->waiting || now->bad != was->bad ||
	       now->due_at != was->due_at || !json_eq(&now->failed, &was->failed);
}

static bool
write_all(WorkflowStep *steps, size_t n, Err *err)
{
	Uow *u = steps[0].u;
	WorkflowRun *runs = arena_array(u->arena, WorkflowRun, n + 1);
	WorkflowTaskRow *tasks;
	size_t most = 0, runs_n = 0, tasks_n = 0, children = 0;

	for (size_t i = 0; i < n; i++) {
		if (step_row_changed(&steps[i]))
			runs[runs_n++] = steps[i].row;
		for (size_t k = 0; k < steps[i].g->n; k++)
			most += steps[i].states[k] != NULL;
	}
	tasks = arena_array(u->arena, WorkflowTaskRow, most + 1);
	for (size_t i = 0; i < n; i++)
		tasks_n += step_changed(&steps[i], tasks + tasks_n);
	for (size_t i = 0; i < n; i++)
		children += steps[i].over ? 0 : steps[i].w.n;
	/* only now: who has the right to schedule must not wait for rows of somebody who waits for that right */
	if (children > 0)
		place_newborn_ahead(u);
	return workflow_task_write(u->db, u->arena, tasks, tasks_n, err) && step_children(steps, n, err) &&
	       workflow_run_write(u->db, u->arena, runs, runs_n, u->now, err);
}

/* ---- many ---- */

/* Why runs are stepped. */
typedef struct StepAsk {
	bool fresh; /* they begin */
	/* what they are told by the transaction that steps them, in their order; whose row somebody else has is left */
	WorkflowNews *told;
	size_t told_n;
	bool left; /* some of it was put into the inbox */
} StepAsk;

static int
id_order(const void *a, const void *b)
{
	Id x = *(const Id *)a, y = *(const Id *)b;

	return (x > y) - (x < y);
}

/* In order, so that two executors do not wait for each other; each once. */
static size_t
ids_sorted(Arena *a, const Id *ids, size_t n, Id **ret)
{
	size_t kept = 0;

	*ret = arena_copy(a, ids, (n + 1) * sizeof(Id) - sizeof(Id));
	if (n > 1)
		qsort(*ret, n, sizeof(Id), id_order);
	for (size_t i = 0; i < n; i++)
		if ((*ret)[i] != 0 && (kept == 0 || (*ret)[kept - 1] != (*ret)[i]))
			(*ret)[kept++] = (*ret)[i];
	return kept;
}

/* Those that are there and go on; of the others what they were told is dropped. */
static size_t
steps_of(Uow *u, const WorkflowRun *rows, size_t n, bool fresh, WorkflowStep *ret)
{
	size_t live = 0;

	for (size_t i = 0; i < n; i++) {
		bool stops = str_is(rows[i].state, "canceling");

		if (rows[i].id == 0 || !str_is(rows[i].status, "running") ||
		    (!stops && !str_is(rows[i].state, "running")) || (rows[i].paused && !stops))
			continue;
		ret[live++] = (WorkflowStep){ .u = u,
			.row = rows[i],
			.was = rows[i],
			.fresh = fresh && rows[i].starts.kind != JSON_ARRAY,
			.resumes = fresh && rows[i].starts.kind == JSON_ARRAY };
	}
	return live;
}

/* What of the news is acted on: it goes, and more is looked for where there may be more. What a paused run was told stays. */
static bool
news_drop(Uow *u, const Id *ids, const WorkflowRun *rows, size_t n, const WorkflowNews *news, size_t news_n, Err *err)
{
	Id *drop = arena_array(u->arena, Id, news_n + 1);
	size_t gone = 0, at = 0, same = 0;

	for (size_t i = 0; i < news_n; i++) {
		while (at < n && ids[at] < news[i].workflow)
			at++;
		same = i > 0 && news[i - 1].workflow == news[i].workflow ? same + 1 : 1;
		if (at < n && !rows[at].paused && same == WORKFLOW_NEWS_MOST)
			out_look(u, news[i].workflow);
		if (at == n || rows[at].id == 0 || !rows[at].paused || !str_is(rows[at].state, "running"))
			drop[gone++] = news[i].id;
	}
	return workflow_inbox_drop(u->db, u->arena, drop, gone, err);
}

/* Where the news of each step begin; both are in order of the runs. */
static size_t *
news_first(Arena *a, const WorkflowStep *steps, size_t n, WorkflowNews *news, size_t *news_n)
{
	size_t *first = arena_array(a, size_t, n + 2), kept = 0, at = 0;

	for (size_t i = 0; i < n; i++) {
		first[i] = kept;
		for (; at < *news_n && news[at].workflow <= steps[i].row.id; at++)
			if (news[at].workflow == steps[i].row.id)
				news[kept++] = news[at];
	}
	first[n] = kept;
	*news_n = kept;
	return first;
}

/* A definition that was kept before it was checked as it is now: its run ends, and holds up nobody. */
static bool
step_refuse(WorkflowStep *s, const Err *why, Err *err)
{
	static const WfGraph none = { 0 };
	bool stops = str_is(s->row.state, "canceling");
	Json result = error_result(s->u->arena, str_copy(s->u->arena, str_of(why->text)));
	size_t left;

	s->g = &none;
	s->over = true;
	if (!step_stop(s, true, &left, err))
		return false;
	step_finish(s, stops ? EV_ENDED : EV_EXIT_BAD, &result, stops ? "cancelled" : "failed");
	return true;
}

static bool
steps_open(WorkflowStep *steps, size_t n, Err *err)
{
	for (size_t i = 0; i < n; i++) {
		Err why = { 0 };

		if (step_open(&steps[i], &why))
			continue;
		if (why.code != ERR_CORRUPT && why.code != ERR_VALIDATION && why.code != ERR_INVALID) {
			*err = why;
			return false;
		}
		if (!step_refuse(&steps[i], &why, err))
			return false;
	}
	return true;
}

/* Of what a run is told in this transaction: may it be acted on now? Else it is put where others find it. */
static bool
told_now(const WorkflowRun *row, size_t before)
{
	return row->id != 0 && before < WORKFLOW_NEWS_MOST && !(row->paused && str_is(row->state, "running"));
}

/* What lies in the inbox and what is told now, one list in the order of the runs. Both are in that order. */
static bool
told_take(Uow *u, const Id *ids, const WorkflowRun *rows, size_t n, StepAsk *ask, WorkflowNews **news, size_t *news_n,
    Err *err)
{
	WorkflowNews *all = arena_array(u->arena, WorkflowNews, *news_n + ask->told_n + 1);
	WorkflowNews *put = arena_array(u->arena, WorkflowNews, ask->told_n + 1);
	size_t all_n = 0, put_n = 0, was = 0, told = 0;

	for (size_t i = 0; i < n; i++) {
		size_t first = was;
		bool now;

		for (; was < *news_n && (*news)[was].workflow == ids[i]; was++)
			all[all_n++] = (*news)[was];
		now = told_now(&rows[i], was - first);
		for (; told < ask->told_n && ask->told[told].workflow == ids[i]; told++)
			if (now)
				all[all_n++] = ask->told[told];
			else
				put[put_n++] = ask->told[told];
	}
	*news = all;
	*news_n = all_n;
	ask->left = put_n > 0;
	return workflow_inbox_put(u->db, u->arena, put, put_n, u->now, err);
}

static bool
news_read(Uow *u, const Id *ids, const WorkflowRun *rows, size_t n, StepAsk *ask, WorkflowNews **news, size_t *news_n,
    Err *err)
{
	return workflow_inbox_read(u->db, u->arena, ids, n, news, news_n, err) &&
	       news_drop(u, ids, rows, n, *news, *news_n, err) &&
	       (ask->told_n == 0 || told_take(u, ids, rows, n, ask, news, news_n, err));
}

static bool
step_known(Uow *u, const Id *ids, size_t n, StepAsk *ask, Err *err)
{
	WorkflowRun *rows = arena_array(u->arena, WorkflowRun, n + 1);
	WorkflowStep *steps = arena_array(u->arena, WorkflowStep, n + 1);
	WorkflowNews *news = NULL;
	size_t news_n = 0, live, *first;
	/* for those that are told something here nobody is waited for, and of those that begin nobody else knows */
	bool waits = ask->told_n == 0 && !ask->fresh;

	if (n == 1 && !ask->fresh)
		workflow_run_lock_ahead(u->db, u->arena, ids[0], waits);
	if (!workflow_run_lock(u->db, u->arena, ids, n, waits, rows, err))
		return false;
	if (!ask->fresh && !news_read(u, ids, rows, n, ask, &news, &news_n, err))
		return false;
	live = steps_of(u, rows, n, ask->fresh, steps);
	if (live == 0)
		return true;
	if (!steps_open(steps, live, err))
		return false;
	first = news_first(u->arena, steps, live, news, &news_n);
	if (!ask->fresh && !prefetch(steps, live, news, news_n, first, err))
		return false;
	for (size_t i = 0; i < live; i++)
		if (!steps[i].over && !advance(&steps[i], news + first[i], first[i + 1] - first[i], err))
			return err_wrap(err, "workflow run %lld", (long long)steps[i].row.id);
	return steps_end(steps, live, err) && write_all(steps, live, err);
}

bool
workflow_step(Uow *u, const Id *ids, size_t n, Err *err)
{
	StepAsk ask = { 0 };
	Id *sorted;
	bool ok;

	n = ids_sorted(u->arena, ids, n, &sorted);
	if (n == 0)
		return true;
	graphs_trim(u);
	if (!defs_enter(u->e->defs, u->db, u->arena, err))
		return false;
	ok = step_known(u, sorted, n, &ask, err);
	defs_leave(u->e->defs);
	return ok;
}

static int
news_order(const void *a, const void *b)
{
	const WorkflowNews *x = a, *y = b;

	if (x->workflow != y->workflow)
		return (x->workflow > y->workflow) - (x->workflow < y->workflow);
	return (x->execution > y->execution) - (x->execution < y->execution);
}

bool
workflow_leave_told(Uow *u, Err *err)
{
	size_t n = u->news_n;

	u->news_n = 0;
	return workflow_inbox_put(u->db, u->arena, u->news, n, u->now, err);
}

bool
workflow_step_told(Uow *u, bool *ret_left, Err *err)
{
	StepAsk ask = { .told = u->news, .told_n = u->news_n };
	Id *ids = arena_array(u->arena, Id, u->news_n + 1), *sorted;
	size_t n;

	*ret_left = false;
	u->news = NULL;
	u->news_n = u->news_cap = 0;
	if (ask.told_n == 0)
		return true;
	qsort(ask.told, ask.told_n, sizeof(*ask.told), news_order);
	for (size_t i = 0; i < ask.told_n; i++)
		ids[i] = ask.told[i].workflow;
	n = ids_sorted(u->arena, ids, ask.told_n, &sorted);
	/* what that has ended is for others: they have what it takes to wait for its rows */
	if (!step_known(u, sorted, n, &ask, err))
		return false;
	*ret_left = ask.left || u->news_n > 0;
	return workflow_leave_told(u, err);
}

bool
workflow_due(Uow *u, TimeUs *ret_next, Err *err)
{
	enum { SOME = 200 };
	Id *ids;
	size_t n;

	return workflow_run_due(u->db, u->arena, u->now, SOME, &ids, &n, err) && workflow_step(u, ids, n, err) &&
	       workflow_run_next_due(u->db, u->arena, ret_next, err);
}

/* ---- the beginning ---- */

static bool
begin_rows(Uow *u, const ExecWaiting *rows, const ExecMoved *moved, size_t n, Id version, const WfGraph *g, Id *ids,
    size_t *ret_n, Err *err)
{
	WorkflowRun *runs = arena_array(u->arena, WorkflowRun, n + 1);
	size_t some = 0;

	for (size_t i = 0; i < n; i++) {
		int64_t limit = rows[i].timeout_seconds != 0 ? rows[i].timeout_seconds : g->timeout;

		if (!moved[i].moved)
			continue;
		runs[some] = (WorkflowRun){ .id = rows[i].id,
			.version = version,
			.ref = rows[i].action_ref,
			.timeout_at = limit == 0 ? 0 : u->now + limit * US_PER_S };
		if (moved[i].of_task && !workflow_run_depth(u->db, u->arena, moved[i].parent, &runs[some].depth, err))
			return false;
		runs[some].depth += moved[i].of_task;
		ids[some++] = rows[i].id;
		out_status(u, &moved[i], rows[i].id, EXEC_REQUESTED, u->now);
		log_info("Execution %lld scheduled: it is a workflow", (long long)rows[i].id);
	}
	*ret_n = some;
	return workflow_run_insert(u->db, u->arena, runs, some, u->now, err);
}

/* A definition that is gone, or was kept before it was checked as it is now: its runs fail, and hold up nobody. */
static bool
begin_refuse(Uow *u, const ExecMove *moves, size_t n, const Err *why, Err *err)
{
	ExecMove *refused = arena_copy(u->arena, moves, n * sizeof(ExecMove));
	ExecMoved *moved = arena_array(u->arena, ExecMoved, n + 1);
	Json *result = arena_new(u->arena, Json);

	*result = error_result(u->arena, str_copy(u->arena, str_of(why->text)));
	for (size_t i = 0; i < n; i++)
		refused[i].result = result;
	return move_runs(u, EV_REFUSE, refused, n, u->e->process, moved, err) && moves_ended(u, refused, moved, n, err);
}

static bool
begin_graph(Uow *u, const ActionDef *action, Id *ret_version, const WfGraph **ret, Err *err)
{
	if (!workflow_version(u->db, u->arena, action->workflow_def, u->now, ret_version, err))
		return false;
	if (*ret_version == 0)
		return err_set(err, ERR_CORRUPT, "Workflow '%.*s' has no definition", STR_ARG(action->ref));
	return graph_of(u, *ret_version, ret, err);
}

bool
workflow_begin(Uow *u, const ActionDef *action, const ExecWaiting *rows, size_t n, Err *err)
{
	ExecMove *moves = arena_array(u->arena, ExecMove, n + 1);
	ExecMoved *moved = arena_array(u->arena, ExecMoved, n + 1);
	Id *ids = arena_array(u->arena, Id, n + 1), version = 0;
	StepAsk ask = { .fresh = true };
	const WfGraph *g = NULL;
	size_t begun = 0;
	Err why = { 0 };

	for (size_t i = 0; i < n; i++)
		moves[i] = (ExecMove){
			.id = rows[i].id, .attempt = rows[i].attempt, .from = EXEC_REQUESTED, .note = str_of("")
		};
	if (!begin_graph(u, action, &version, &g, &why)) {
		if (why.code == ERR_CORRUPT || why.code == ERR_VALIDATION || why.code == ERR_INVALID)
			return begin_refuse(u, moves, n, &why, err);
		*err = why;
		return false;
	}
	return move_runs(u, EV_BEGIN, moves, n, u->e->process, moved, err) &&
	       begin_rows(u, rows, moved, n, version, g, ids, &begun, err) &&
	       (begun == 0 || step_known(u, ids, begun, &ask, err));
}
