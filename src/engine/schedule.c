#include "engine/schedule.h"

#include "engine/ended.h"
#include "engine/workflow.h"

#include "base/log.h"
#include "engine/limits.h"
#include "model/choice.h"
#include "store/environment.h"
#include "store/execution_limits.h"
#include "store/worker.h"

#include <stdlib.h>

/* One pass over what waits for a worker: the workers with their room, and the classes of waiting rows. */
typedef struct Pass {
	Uow *u;
	WorkerLoad *loads;
	size_t n;
	int64_t room; /* of all workers together */
	bool again;   /* classes were put right: look once more */
	size_t most;  /* classes that it looks at; of more it leaves all as they are */
	bool left;    /* and did */
} Pass;

bool
action_inside(const ActionDef *action)
{
	return action->workflow_def != 0 || str_is(action->ref, ACTION_ASK);
}

static const WorkerCount *
count_of(const WorkerCount *counts, size_t n, Id worker)
{
	for (size_t i = 0; i < n; i++)
		if (counts[i].worker == worker)
			return &counts[i];
	return NULL;
}

static void
pass_begin(Pass *p, Uow *u, const WorkerCount *counts, size_t counts_n)
{
	const WorkerDef *const *workers = defs_workers(u->e->defs, &p->n);

	p->u = u;
	p->room = 0;
	p->again = p->left = false;
	p->most = SIZE_MAX;
	p->loads = arena_array(u->arena, WorkerLoad, p->n + 1);
	for (size_t i = 0; i < p->n; i++) {
		const WorkerDef *w = workers[i];
		const WorkerCount *c = count_of(counts, counts_n, w->id);
		WorkerLoad *l = &p->loads[i];

		l->def = w;
		l->alive = liveness_alive(u->e->live, w, u->now);
		l->assigned = c == NULL ? 0 : c->scheduled + c->running;
		l->room =
		    w->slots == 0 ? 0 : w->slots + liveness_ahead(u->e->live, w) - l->assigned; /* 0 slots: it drains */
		if (l->alive && !w->cordoned && l->room > 0)
			p->room += l->room;
	}
}

static bool
pass_open(Pass *p, Uow *u, Err *err)
{
	WorkerCount *counts;
	size_t n;

	if (!execution_worker_counts(u->db, u->arena, &counts, &n, err))
		return false;
	pass_begin(p, u, counts, n);
	return true;
}

static Placement
placement_of(const ActionDef *action, const ExecWaiting *row)
{
	Placement p = action->placement;

	if (row == NULL)
		return p;
	if (row->worker_selector.kind != JSON_NULL)
		p.selector = row->worker_selector;
	if (row->worker_tolerations.kind != JSON_NULL)
		p.tolerations = row->worker_tolerations;
	if (row->worker_affinity.kind != JSON_NULL)
		p.affinity = row->worker_affinity;
	return p;
}

/* An action without a runtime that exists goes to any worker, where it fails with the name of what is missing. */
static Need
need_of(Uow *u, const ActionDef *action, const ExecWaiting *row)
{
	return (Need){
		.action = action,
		.runtime = defs_runtime(u->e->defs, action->runtime),
		.placement = placement_of(action, row),
	};
}

static bool
built_matters(const Pass *p, const Need *need)
{
	return p->n > 1 && need->runtime != NULL && json_get(&need->runtime->execution_config, "dependencies") != NULL;
}

/* Who has built what the action's pack needs. Asked only where it makes a difference. */
static bool
built_mark(Pass *p, const Need *need, Err *err)
{
	const RuntimeDef *r = need->runtime;
	Uow *u = p->u;
	Str *hosts;
	size_t n;

	for (size_t i = 0; i < p->n; i++)
		p->loads[i].built = false;
	if (!built_matters(p, need))
		return true;
	if (!environment_hosts(u->db, u->arena, need->action->pack_ref, str_lower(u->arena, r->name), &hosts, &n, err))
		return false;
	for (size_t i = 0; i < p->n; i++)
		for (size_t k = 0; k < n; k++)
			p->loads[i].built |= str_eq(p->loads[i].def->host, hosts[k]);
	return true;
}

static void
say_scheduled(const Uow *u, Id id, Id worker, Str action_ref, TimeUs created)
{
	size_t n;
	const WorkerDef *const *workers;
	Str name = str_of("?");
	LogField fields[4];

	if (!log_wants(LOG_INFO))
		return;
	workers = defs_workers(u->e->defs, &n);
	for (size_t i = 0; i < n; i++)
		if (workers[i]->id == worker)
			name = workers[i]->name;
	fields[0] = log_int("execution", id);
	fields[1] = log_str("action", action_ref);
	fields[2] = log_str("worker", name);
	fields[3] = log_us("after", u->now - created);
	log_line(LOG_INFO, fields, countof(fields), "Execution %lld scheduled", (long long)id);
}

static bool
rows_give(Pass *p, const ExecMove *moves, size_t n, Err *err)
{
	Uow *u = p->u;
	ExecMoved *moved = arena_array(u->arena, ExecMoved, n + 1);

	if (!move_runs(u, EV_SCHEDULE, moves, n, u->e->process, moved, err))
		return false;
	for (size_t i = 0; i < n; i++) {
		if (!moved[i].moved)
			continue;
		out_dispatch(u, moves[i].id, moved[i].attempt, moves[i].worker, moved[i].action, moved[i].action_ref,
		    moved[i].correlation);
		say_scheduled(u, moves[i].id, moves[i].worker, moved[i].action_ref, moved[i].created);
	}
	return true;
}

/* Says of the head of a class why it waits; the rest of the class waits behind it. */
static bool
class_wait(Pass *p, const ExecWaiting *head, const Choice *c, Err *err)
{
	Uow *u = p->u;

	if (c->kind != CHOICE_CAPACITY)
		due_note(u, u->now + u->e->scheduled_timeout);
	if (c->kind == CHOICE_CAPACITY)
		return (head->reason == WAIT_CAPACITY && str_eq(head->detail, c->why)) ||
		       execution_wait_capacity(u->db, u->arena, head->id, c->why, u->now, err);
	return execution_wait_no_worker(
	    u->db, u->arena, head->wait_class, c->why, u->now + u->e->scheduled_timeout, u->now, err);
}

/* When policies let none go, no worker is what they wait for: the deadline of those that were told so is off. */
static bool
class_held(Pass *p, const ExecWaiting *rows, size_t n, Err *err)
{
	bool expire = false;

	for (size_t i = 0; i < n; i++)
		expire = expire || rows[i].reason == WAIT_NO_WORKER;
	return !expire || execution_wait_worker_back(p->u->db, p->u->arena, rows[0].wait_class, p->u->now, err);
}

/* A worker for them has appeared: their deadline is off. */
static bool
class_worker_back(Pass *p, const ExecWaiting *head, const Choice *c, Err *err)
{
	if (head->reason != WAIT_NO_WORKER || c->kind == CHOICE_NO_WORKER)
		return true;
	return execution_wait_worker_back(p->u->db, p->u->arena, head->wait_class, p->u->now, err);
}

/* What moving a row gives back, from the look at what waits. */
static const ExecMoved *
waiting_seen(Arena *a, const ExecWaiting *w)
{
	ExecMoved *m = arena_new(a, ExecMoved);

	*m = (ExecMoved){ .attempt = w->attempt,
		.action = w->action,
		.enforcement = w->enforcement,
		.parent = w->parent,
		.action_ref = w->action_ref,
		.correlation = w->correlation,
		.created = w->created,
		.task_index = -1 };
	return m;
}

/* Gives the rows of one class, oldest first, as long as there is room. */
static bool
class_place(Pass *p, const Need *need, const ExecWaiting *rows, size_t n, size_t *ret_given, Err *err)
{
	Uow *u = p->u;
	ExecMove *moves = arena_array(u->arena, ExecMove, n + 1);
	size_t given = 0;
	Choice c = { 0 };

	*ret_given = 0;
	if (!built_mark(p, need, err))
		return false;
	for (size_t i = 0; i < n; i++) {
		worker_choose(u->arena, need, p->loads, p->n, &u->turn, &c);
		if (i == 0 && !class_worker_back(p, &rows[0], &c, err))
			return false;
		if (c.kind != CHOICE_WORKER)
			break;
		p->loads[c.worker].room--;
		p->loads[c.worker].assigned++;
		p->room--;
		moves[given++] = (ExecMove){ .id = rows[i].id,
			.attempt = rows[i].attempt,
			.from = EXEC_REQUESTED,
			.worker = p->loads[c.worker].def->id,
			.note = str_of(""),
			.seen = waiting_seen(u->arena, &rows[i]) };
	}
	if (!rows_give(p, moves, given, err))
		return false;
	*ret_given = given;
	return given == n || class_wait(p, &rows[given], &c, err);
}

/* Rows whose action is gone cannot ever run. */
static bool
class_refuse(Pass *p, const ExecWaiting *rows, size_t n, Err *err)
{
	Uow *u = p->u;
	ExecMove *moves = arena_array(u->arena, ExecMove, n + 1);
	ExecMoved *moved = arena_array(u->arena, ExecMoved, n + 1);

	for (size_t i = 0; i < n; i++) {
		Json *result = arena_new(u->arena, Json);

		*result = error_result(
		    u->arena, str_fmt(u->arena, "Action '%.*s' does not exist any more", STR_ARG(rows[i].action_ref)));
		moves[i] = (ExecMove){ .id = rows[i].id,
			.attempt = rows[i].attempt,
			.from = EXEC_REQUESTED,
			.result = result,
			.note = str_of("its action is gone") };
	}
	return move_runs(u, EV_REFUSE, moves, n, u->e->process, moved, err) && moves_ended(u, moves, moved, n, err);
}

/* Workflows need no worker: of them all go that may, and more of them where these were all that have been looked at. */
static bool
class_go(Pass *p, const ActionDef *action, const Need *need, const Admission *ad, size_t n, size_t *ret_given, Err *err)
{
	if (need != NULL)
		return class_place(p, need, ad->go, ad->go_n, ret_given, err);
	*ret_given = ad->go_n;
	p->u->born += ad->go_n == n;
	return ad->go_n == 0 || workflow_begin(p->u, action, ad->go, ad->go_n, err);
}

/* As many as the policies let go now; the rest is told what holds it. */
static bool
class_admit(Pass *p, const ActionDef *action, const Need *need, const ExecWaiting *rows, size_t n, Err *err)
{
	Admission ad;
	bool stale;
	size_t given;

	/* one before it was put right, and goes first */
	if (p->again && limits_fit(p->u, action, rows[0].wait_class))
		return true;
	if (!limits_admit(p->u, action, rows, n, &ad, &stale, err))
		return false;
	if (stale) {
		p->again = true;
		return true;
	}
	if (ad.go_n == 0 && need != NULL && !class_held(p, rows, n, err))
		return false;
	return class_go(p, action, need, &ad, n, &given, err) && limits_settle(p->u, &ad, given, err);
}

/* rows are of one class, the oldest first. */
static bool
class_schedule(Pass *p, const ExecWaiting *rows, size_t n, Err *err)
{
	Uow *u = p->u;
	Str wait_class = rows[0].wait_class;
	const ActionDef *action = defs_action(u->e->defs, wait_class_action(wait_class));
	Need need;

	if (action == NULL)
		return class_refuse(p, rows, n, err);
	u->timed = u->timed || action_inside(action); /* they may have limits of time, and questions do */
	if (action_inside(action))
		return action->workflow_def != 0 ? class_admit(p, action, NULL, rows, n, err)
						 : ask_begin(u, rows, n, err);
	need = need_of(u, action, wait_class_own(wait_class) ? &rows[0] : NULL);
	return class_admit(p, action, &need, rows, n, err);
}

static bool
class_inside(const Pass *p, Str wait_class)
{
	const ActionDef *action = defs_action(p->u->e->defs, wait_class_action(wait_class));

	return action != NULL && action_inside(action);
}

static bool
class_read(Pass *p, Str wait_class, Err *err)
{
	enum { MOST = 1024 };
	bool inside = class_inside(p, wait_class);
	size_t most = inside || p->room > MOST ? MOST : p->room < 1 ? 1 : (size_t)p->room;
	const ActionDef *action = defs_action(p->u->e->defs, wait_class_action(wait_class));
	size_t may = limits_most(p->u, action);
	ExecWaiting *rows;
	size_t n;

	/* one more than can be placed, so that the head of what stays behind is seen and marked */
	most = may < most ? may : most;
	limits_ahead(p->u, action, wait_class);
	if (!execution_wait_oldest(p->u->db, p->u->arena, wait_class, most + 1, &rows, &n, err))
		return false;
	p->u->born += inside && action->workflow_def == 0 && n > most; /* there may be more */
	return n == 0 || class_schedule(p, rows, n, err);
}

/* Classes come by priority; those of one priority take turns in being first, so that none starves when there is little room. They are
 * sorted: a class begins with its priority. */
static size_t
turn_of(const Str *classes, size_t n, size_t i, uint64_t turn)
{
	size_t from = i, to = i + 1;
	Str priority = str_sub(classes[i], 0, PRIORITY_DIGITS);

	while (from > 0 && str_starts(classes[from - 1], priority))
		from--;
	while (to < n && str_starts(classes[to], priority))
		to++;
	return from + (i - from + turn) % (to - from);
}

static bool
many_schedule(Pass *p, Err *err)
{
	enum {
		LOOKED_AT_WHEN_FULL = 64
	}; /* classes that are told `capacity` in one pass; the others are told in a later one */
	Uow *u = p->u;
	uint64_t first = u->turn; /* choosing a worker moves u->turn on */
	Str *classes;
	size_t n;

	if (!execution_wait_classes(u->db, u->arena, &classes, &n, err))
		return false;
	p->left = n > p->most;
	if (p->left)
		return true;
	for (size_t i = 0; i < n; i++) {
		Str wait_class = classes[turn_of(classes, n, i, first)];

		if (p->room <= 0 && i >= LOOKED_AT_WHEN_FULL && !class_inside(p, wait_class))
			continue;
		if (!class_read(p, wait_class, err))
			return false;
	}
	return true;
}

/* All that waits is at hand. */
static bool
few_schedule(Pass *p, const ExecWaiting *rows, size_t n, Err *err)
{
	size_t *starts = arena_array(p->u->arena, size_t, n + 1), classes = 0;
	Str *names = arena_array(p->u->arena, Str, n + 1);
	uint64_t first = p->u->turn;

	for (size_t i = 0; i < n; i++)
		if (i == 0 || !str_eq(rows[i].wait_class, rows[i - 1].wait_class)) {
			names[classes] = rows[i].wait_class;
			starts[classes++] = i;
		}
	starts[classes] = n;
	for (size_t i = 0; i < classes; i++) {
		size_t c = turn_of(names, classes, i, first);

		limits_ahead(p->u, defs_action(p->u->e->defs, wait_class_action(names[c])), names[c]);
		if (!class_schedule(p, rows + starts[c], starts[c + 1] - starts[c], err))
			return false;
	}
	return true;
}

/* Up to so many rows are read at once, with all that scheduling them takes. */
enum { FEW = 16 };

static bool
pass_run(Uow *u, size_t most, bool *ret_again, bool *ret_left, Err *err)
{
	Pass p;
	ExecWaiting *rows;
	size_t n;
	bool ok;

	*ret_again = *ret_left = false;
	if (!execution_wait_head(u->db, u->arena, FEW + 1, &rows, &n, err))
		return false;
	if (n == 0)
		return true;
	if (!pass_open(&p, u, err) || !limits_follow(u, err))
		return false;
	p.most = most;
	u->turn++;
	ok = n <= FEW ? few_schedule(&p, rows, n, err) : many_schedule(&p, err);
	*ret_again = p.again;
	*ret_left = p.left;
	return ok;
}

/* What begins without a worker may make more that waits, and a policy that has changed puts classes right, a thousand rows at a time. */
static bool
passes_run(Uow *u, Err *err)
{
	enum { PASSES_MOST = 40 }; /* deeper than workflows nest */
	bool again, left;

	for (int i = 0; i < PASSES_MOST; i++) {
		u->born = 0;
		if (!pass_run(u, SIZE_MAX, &again, &left, err))
			return false;
		if (u->born == 0 && !again)
			return true;
	}
	out_requested(u, 0, 0, str_of("any"), 0, 0, uuid_new(u->now)); /* the rest in a transaction of its own */
	return true;
}

/* When whoever schedules has to look again, should nothing happen before. */
static bool
due_read(Uow *u, Err *err)
{
	TimeUs next;

	if (!execution_next_due(u->db, u->arena, u->now, &next, err))
		return false;
	due_note(u, next);
	return true;
}

bool
schedule(Uow *u, Err *err)
{
	bool alone, ok;

	execution_schedule_ahead(u->db, u->arena, FEW + 1);
	defs_enter_ahead(u->e->defs, u->db, u->arena);
	if (!execution_schedule_alone(u->db, u->arena, &alone, err))
		return false;
	if (!alone)
		return due_read(u, err);
	if (!defs_enter(u->e->defs, u->db, u->arena, err))
		return false;
	ok = passes_run(u, err);
	defs_leave(u->e->defs);
	return ok && due_read(u, err);
}

bool
schedule_wanted(Uow *u, bool *ret_wanted, Err *err)
{
	TimeUs next;

	uow_look(u);
	if (!execution_waits(u->db, u->arena, u->now, ret_wanted, &next, err))
		return false;
	due_note(u, next);
	u->timed = true; /* whoever ended a run may have left something with a time, and cannot tell us otherwise */
	uow_looked(u);
	return true;
}

/* Who makes executions may not hear the workers; what they have written of themselves does as well. */
static bool
beats_read(Uow *u, Err *err)
{
	WorkerBeat *beats;
	size_t n;

	if (!str_none(u->e->boot_id))
		return true;
	if (!worker_beats(u->db, u->arena, &beats, &n, err))
		return false;
	for (size_t i = 0; i < n; i++)
		liveness_read(u->e->live, beats[i].worker, beats[i].incarnation, beats[i].at);
	return true;
}

bool
schedule_unheard(Uow *u, Err *err)
{
	return beats_read(u, err) && schedule(u, err);
}

void
schedule_now_ahead(Uow *u)
{
	execution_schedule_now_ahead(u->db, u->arena, FEW + 1);
	if (str_none(u->e->boot_id))
		worker_beats_ahead(u->db, u->arena);
}

bool
schedule_now(Uow *u, bool *ret_done, Err *err)
{
	enum { PASSES_MOST = 4, CLASSES_MOST = 8 }; /* more is for those who do nothing else */
	bool right, again = true, left = false;

	*ret_done = false;
	if (!execution_schedule_now(u->db, u->arena, &right, err))
		return false;
	if (!right)
		return true;
	if (!beats_read(u, err))
		return false;
	for (int i = 0; i < PASSES_MOST && again && !left; i++) {
		u->born = 0;
		if (!pass_run(u, CLASSES_MOST, &again, &left, err))
			return false;
		again = again || u->born > 0;
	}
	*ret_done = !again && !left;
	return true;
}

bool
schedule_due(Uow *u, bool *ret_more, Err *err)
{
	enum { MOST = 2000 };
	int64_t woken;

	*ret_more = false;
	if (!execution_wake_due(u->db, u->arena, u->now, MOST, &woken, err))
		return false;
	*ret_more = woken == MOST;
	return schedule(u, err);
}

/* ---- a run that is being made ---- */

void
place_newborn_ahead(Uow *u)
{
	execution_schedule_try_ahead(u->db, u->arena);
	if (str_none(u->e->boot_id))
		worker_beats_ahead(u->db, u->arena);
}

/* High priorities come first, and of one priority what was asked for first. */
static int
newborn_order(const void *x, const void *y)
{
	const ExecNew *a = *(ExecNew *const *)x, *b = *(ExecNew *const *)y;

	if (a->priority != b->priority)
		return a->priority > b->priority ? -1 : 1;
	return (a > b) - (a < b);
}

/* Those that need a worker now, as they would stand in line; *ret_free: how many of them have no limits to keep. */
static ExecNew **
newborns_line(const Uow *u, ExecNew *rows, size_t n, size_t *ret_n, size_t *ret_free)
{
	ExecNew **line = arena_array(u->arena, ExecNew *, n + 1);

	*ret_n = *ret_free = 0;
	for (size_t i = 0; i < n; i++) {
		const ActionDef *action = defs_action(u->e->defs, rows[i].action);

		if (rows[i].status != EXEC_REQUESTED || rows[i].due != 0 || action == NULL || action_inside(action))
			continue;
		*ret_free += !limits_any(u, action);
		line[(*ret_n)++] = &rows[i];
	}
	qsort(line, *ret_n, sizeof(ExecNew *), newborn_order);
	return line;
}

static Need
newborn_need(Uow *u, const ExecNew *row)
{
	ExecWaiting own = {
		.worker_selector = row->worker_selector == NULL ? json_null() : *row->worker_selector,
		.worker_tolerations = row->worker_tolerations == NULL ? json_null() : *row->worker_tolerations,
		.worker_affinity = row->worker_affinity == NULL ? json_null() : *row->worker_affinity,
	};

	return need_of(u, defs_action(u->e->defs, row->action), &own);
}

static bool
newborn_choose(Pass *p, const Need *need, ExecNew *row)
{
	Uow *u = p->u;
	Choice c;

	worker_choose(u->arena, need, p->loads, p->n, &u->turn, &c);
	if (c.kind != CHOICE_WORKER)
		return false;
	u->idle = p->loads[c.worker].assigned == 0;
	p->loads[c.worker].room--;
	p->loads[c.worker].assigned++;
	row->status = EXEC_SCHEDULED;
	row->worker = p->loads[c.worker].def->id;
	row->wait = WAIT_NONE;
	return true;
}

static bool
newborn_place(Pass *p, ExecNew *row, bool built_known, bool *ret_placed, Err *err)
{
	Need need = newborn_need(p->u, row);

	if (!built_known && !built_mark(p, &need, err))
		return false;
	*ret_placed = newborn_choose(p, &need, row);
	return true;
}

bool
newborn_guess(Uow *u, ExecNew *row)
{
	const ActionDef *action = defs_action(u->e->defs, row->action);
	Need need = newborn_need(u, row);
	Pass p;

	if (row->status != EXEC_REQUESTED || row->due != 0 || action_inside(action) || limits_any(u, action))
		return false;
	pass_begin(&p, u, NULL, 0);
	return !built_matters(&p, &need) && newborn_choose(&p, &need, row);
}

/* Where one finds no room, those behind it wait with it. */
static bool
newborns_place(Pass *p, ExecNew **line, size_t n, size_t *ret_placed, Err *err)
{
	const ExecNew *limited = NULL;
	Id built = 0; /* whose environments are known */
	bool one = true;

	*ret_placed = 0;
	for (size_t i = 0; one && i < n; i++) {
		ExecNew *row = line[i];

		if (limits_any(p->u, defs_action(p->u->e->defs, row->action))) {
			limited = row;
			continue;
		}
		/* what its limits may let go is looked at later, and must find room before this one */
		if (limited != NULL && row->priority < limited->priority)
			break;
		if (!newborn_place(p, row, row->action == built, &one, err))
			return false;
		built = row->action;
		*ret_placed += one;
	}
	return true;
}

bool
place_newborns(Uow *u, ExecNew *rows, size_t n, bool *ret_all, Err *err)
{
	size_t line_n, free_n, placed;
	ExecNew **line = newborns_line(u, rows, n, &line_n, &free_n);
	bool alone;
	Pass p;

	*ret_all = false;
	if (free_n == 0)
		return true;
	if (!execution_schedule_try(u->db, u->arena, &alone, err))
		return false;
	if (!alone)
		return true;
	if (!beats_read(u, err) || !pass_open(&p, u, err))
		return false;
	u->turn++;
	if (!newborns_place(&p, line, line_n, &placed, err))
		return false;
	*ret_all = placed == n;
	return true;
}

void
newborn_placed(Uow *u, const ExecNew *row, Id id)
{
	out_dispatch(u, id, 1, row->worker, row->action, str_copy(u->arena, row->action_ref), row->correlation);
	say_scheduled(u, id, row->worker, row->action_ref, u->now);
}
