/* What the threads of the roles do around the turns, without the threads. Each step is one round of such a thread. */
#include "sim_proc.h"
#include "sim_starter.h"

#include "engine/due.h"
#include "executor/executor.h"
#include "executor/sweeper.h"
#include "store/change.h"
#include "store/worker.h"

enum {
	MSGS_MAX = 64,
	ITEMS_MAX = 256,
	AWAY_US = 100 * US_PER_MS,
	SWEEP_US = 5 * US_PER_S,
	LOOK_US = 5 * US_PER_S,
	SOON_US = US_PER_S / 5,
	FAR_US = 3600LL * US_PER_S,
	BEAT_US = 10 * US_PER_S,
	DRAIN_US = 30 * US_PER_S,
	GIVE_UP_US = 40 * US_PER_S,
};

/* ---- consumers ---- */

static TimeUs
consumer_due(const Task *t)
{
	TimeUs due = sim_sub_due(t->sub);

	return due < t->at ? t->at : due;
}

static void
consumer_step(Task *t)
{
	Sim *s = t->proc->sim;
	Msg msgs[MSGS_MAX];
	Str why[MSGS_MAX];
	bool away;
	Err err = { 0 };
	size_t n;

	arena_reset(t->arena);
	n = sub_take(t->sub, t->arena, msgs, MSGS_MAX, ITEMS_MAX, 0);
	if (n == 0)
		return;
	sim_say(s, "%s takes %zu of %s", t->proc->name, n, queue_rows[t->sub->queue].name);
	consumer_handle(t->u, t->turn, t->proc, t->arena, msgs, n, &away, why, &err);
	if (away) {
		t->at = s->now + AWAY_US;
		sub_return(t->sub, msgs, n);
		return;
	}
	for (size_t i = 0; i < n; i++) {
		if (!str_none(why[i]))
			sub_dead(t->sub, &msgs[i], why[i].p);
		else
			sub_ack(t->sub, &msgs[i], 1);
	}
}

static const TaskKind consumer_kind = { "consumer", consumer_due, consumer_step };

static Task *
consumer_add(Proc *p, QueueId queue, Id worker, Turn *turn)
{
	SubConfig config = { .queue = queue, .worker = worker };
	Task *t = task_add(p, &consumer_kind);
	Err err = { 0 };

	t->turn = turn;
	sim_must(p->sim, sub_open(p->e.bus, &config, &t->sub, &err), &err, "consume");
	return t;
}

/* ---- executor ---- */

/* When a process will see this wall time; 0 is never. */
static TimeUs
mono_of(const Proc *p, TimeUs wall)
{
	return wall == 0 ? INT64_MAX : p->sim->now + wall - clock_wall(&p->clock.face);
}

static TimeUs
earlier(TimeUs l, TimeUs r)
{
	return l < r ? l : r;
}

static TimeUs
sweeper_due(const Task *t)
{
	const Proc *p = t->proc;
	const Sim *s = p->sim;

	if (s->options.sabotage == SABOTAGE_SWEEP)
		return INT64_MAX;
	return earlier(mono_of(p, p->sweep_due), s->weather.embedded && !p->armed ? INT64_MAX : t->at);
}

static void
sweeper_step(Task *t)
{
	Proc *p = t->proc;
	SweepReport r;
	Err err = { 0 };

	p->armed = false;
	p->sweep_due = 0;
	t->at = p->sim->now + SWEEP_US;
	if (!sweeper_turn(t->u, !p->sim->weather.embedded, !p->swept, &r, &err)) {
		uow_abort(t->u);
		p->armed = true;
		return;
	}
	p->swept |= r.held;
	p->armed |= r.waiting;
	if (r.more)
		p->sweep_due = clock_wall(&p->clock.face);
	if (r.announced + r.returned + r.abandoned + r.refused + r.workers_lost > 0)
		sim_say(p->sim, "%s sweeps: %zu announced, %zu returned, %zu abandoned, %zu refused, %zu workers",
		    p->name, r.announced, r.returned, r.abandoned, r.refused, r.workers_lost);
}

static TimeUs
dues_due(const Task *t)
{
	const Proc *p = t->proc;
	TimeUs due = mono_of(p, p->dues_next);

	if (p->sim->options.sabotage == SABOTAGE_DUE)
		return INT64_MAX;
	if (!p->sim->weather.embedded)
		due = earlier(due, p->dues_looked + LOOK_US);
	if (p->dues_armed)
		due = earlier(due, p->dues_looked + SOON_US);
	return due < t->at ? t->at : due;
}

static void
dues_step(Task *t)
{
	Proc *p = t->proc;
	Err err = { 0 };

	p->dues_armed = false;
	p->dues_looked = t->at = p->sim->now;
	if (due_turn(t->u, &p->dues_next, &err))
		return;
	uow_abort(t->u);
	p->dues_armed = true;
	t->at += US_PER_S;
}

void
executor_tasks(Proc *p)
{
	static const TaskKind sweeper = { "sweeper", sweeper_due, sweeper_step };
	static const TaskKind dues = { "dues", dues_due, dues_step };

	consumer_add(p, Q_ENFORCEMENTS, 0, executor_on_enforcements);
	consumer_add(p, Q_REQUESTS, 0, executor_on_requests);
	consumer_add(p, Q_COMPLETED, 0, executor_on_completed);
	consumer_add(p, Q_STATUS, 0, executor_on_status);
	consumer_add(p, Q_EXECUTOR_WORKERS, 0, executor_on_workers);
	task_add(p, &sweeper);
	task_add(p, &dues);
}

/* ---- sensor ---- */

static TimeUs
sensor_due(const Task *t)
{
	TimeUs due = sim_sub_due(t->sub);

	return due < t->at ? due : t->at;
}

static bool
sensor_round(Task *t, TimeUs *ret_next, Err *err)
{
	SensorPart *x = &t->proc->sensor;
	TimeUs look = t->proc->sim->weather.embedded ? (TimeUs)FAR_US : (TimeUs)LOOK_US;

	if (x->changed || t->proc->sim->now - x->looked >= look) {
		if (!sensor_turn_rules(x->turn, err))
			return false;
		x->changed = false;
		x->looked = t->proc->sim->now;
	}
	return sensor_turn_fire(x->turn, ret_next, err);
}

static void
sensor_step(Task *t)
{
	Proc *p = t->proc;
	TimeUs look = p->sim->weather.embedded ? (TimeUs)FAR_US : (TimeUs)LOOK_US;
	Msg msgs[MSGS_MAX];
	TimeUs next = 0, left;
	Err err = { 0 };
	size_t n;

	arena_reset(t->arena);
	n = sub_take(t->sub, t->arena, msgs, MSGS_MAX, MSGS_MAX, 0);
	sub_ack(t->sub, msgs, n);
	p->sensor.changed |= n > 0;
	if (!sensor_round(t, &next, &err)) {
		uow_abort(t->u);
		t->at = p->sim->now + 5 * AWAY_US;
		return;
	}
	look -= p->sim->now - p->sensor.looked; /* to the next look at the rules */
	left = next == 0 ? look : next - clock_wall(&p->clock.face);
	t->at = p->sim->now + (left < 0 ? 0 : left < look ? left : look);
}

void
sensor_tasks(Proc *p)
{
	static const TaskKind sensor = { "sensor", sensor_due, sensor_step };
	SubConfig config = { .queue = Q_SENSOR_RULES };
	Task *t = task_add(p, &sensor);
	Err err = { 0 };

	sim_must(p->sim, sub_open(p->e.bus, &config, &t->sub, &err), &err, "consume");
	p->sensor = (SensorPart){ .turn = sensor_turn_open(t->u), .changed = true };
	p->sensor.span =
	    ledger_sensor(&p->sim->ledger, (Span){ .what = (Id)p->number, .from = p->sim->now, .to = INT64_MAX });
}

/* ---- worker: its one thread ---- */

static void
inbox_empty(WorkerPart *w)
{
	InboxItem items[MSGS_MAX];
	size_t n;

	while ((n = inbox_take(w->inbox, items, countof(items))) > 0) {
		for (size_t i = 0; i < n; i++) {
			if (items[i].cancel)
				worker_turn_cancel(w->turn, items[i].execution, items[i].attempt);
			else
				worker_turn_dispatch(w->turn, items[i].execution, items[i].attempt, items[i].action);
		}
	}
}

static bool
worker_leave(Task *t, Err *err)
{
	WorkerPart *w = &t->proc->worker;
	Uow *u = t->u;

	return uow_begin(u, err) &&
	       worker_set_status(u->db, u->arena, w->id, w->incarnation, "inactive", u->now, err) &&
	       change_note(u->db, u->arena, "worker", w->id, u->now, err) && uow_commit(u, &points_worker, err);
}

static void
drain_begin(Task *t)
{
	Proc *p = t->proc;
	WorkerPart *w = &p->worker;
	Err err = { 0 };

	w->draining = true;
	w->kill_at = p->sim->now + DRAIN_US;
	w->give_up_at = p->sim->now + DRAIN_US + GIVE_UP_US;
	inbox_empty(w);
	if (!worker_turn_drain(w->turn, &err))
		uow_abort(t->u);
	ledger_lost(&p->sim->ledger, w->id, w->kill_at, INT64_MAX);
}

static void
drain_step(Task *t)
{
	Proc *p = t->proc;
	WorkerPart *w = &p->worker;
	Err err = { 0 };
	bool more;

	inbox_empty(w);
	if (!w->killed && p->sim->now >= w->kill_at) {
		worker_turn_abandon(w->turn);
		w->starter->kill_all(w->starter);
		w->killed = true;
	}
	if (!worker_turn(w->turn, &more, &err))
		uow_abort(t->u);
	t->at = p->sim->now + 2 * AWAY_US;
	if (worker_turn_running(w->turn) > 0 && p->sim->now < w->give_up_at)
		return;
	if (!worker_leave(t, &err))
		uow_abort(t->u);
	proc_die(p, "it has stopped");
}

/* The executors should know when this worker can use more, or less, work ahead. */
static void
ahead_tell(WorkerPart *w)
{
	int64_t is = worker_turn_ahead(w->turn);

	w->held = (int64_t)worker_turn_running(w->turn);
	if (is > w->ahead * 2 || is * 2 < w->ahead)
		w->ahead = is;
}

static void
worker_step(Task *t)
{
	Proc *p = t->proc;
	WorkerPart *w = &p->worker;
	Err err = { 0 };

	if (w->stopping && !w->draining)
		drain_begin(t);
	if (w->draining) {
		drain_step(t);
		return;
	}
	inbox_empty(w);
	if (!worker_turn(w->turn, &w->again, &err)) {
		sim_say(p->sim, "%s cannot report: %s", p->name, err.text);
		uow_abort(t->u);
		w->again = true;
		t->at = p->sim->now + 2 * AWAY_US;
		return;
	}
	ahead_tell(w);
}

static TimeUs
worker_due(const Task *t)
{
	const WorkerPart *w = &t->proc->worker;
	TimeUs due;

	if (w->again || w->stopping || inbox_waiting(w->inbox))
		return t->at;
	due = sim_starter_due(w->starter);
	if (worker_turn_until(w->turn) != 0 && worker_turn_until(w->turn) < due)
		due = worker_turn_until(w->turn);
	return due < t->at ? t->at : due;
}

static const TaskKind worker_kind = { "worker", worker_due, worker_step };

/* ---- worker: its heartbeat ---- */

static bool
beat_row(Task *t, Err *err)
{
	const WorkerPart *w = &t->proc->worker;
	Uow *u = t->u;
	bool woken;

	if (!uow_begin(u, err) || !worker_beat(u->db, u->arena, w->id, w->incarnation, u->now, &woken, err))
		return false;
	if (woken && !change_note(u->db, u->arena, "worker", w->id, u->now, err))
		return false;
	return uow_commit(u, &points_worker, err);
}

static void
beat_step(Task *t)
{
	Proc *p = t->proc;
	WorkerPart *w = &p->worker;
	Uow *u = t->u;
	Err err = { 0 };

	if (w->config.heartbeat > 0 && !beat_row(t, &err))
		uow_abort(u);
	arena_reset(u->arena);
	u->out = outbox_open(u->arena);
	*outbox_add(&u->out, MSG_WORKER_HEARTBEAT) = (MsgItem){
		.id = w->id,
		.worker = w->id,
		.attempt = (int)w->held,
		.other = w->config.slots > w->held ? w->config.slots - w->held : 0,
		.parent = w->ahead,
		.ref = w->incarnation,
		.at = clock_wall(&p->clock.face),
	};
	if (!port_publish(u->port, &u->out, &err))
		sim_say(p->sim, "%s: heartbeat: %s", p->name, err.text);
	w->told = w->ahead;
	t->at = p->sim->now + BEAT_US;
}

static TimeUs
beat_due(const Task *t)
{
	const WorkerPart *w = &t->proc->worker;

	if (w->told != w->ahead)
		return t->proc->sim->now;
	return w->config.heartbeat > 0 ? t->at : INT64_MAX;
}

static const TaskKind beat_kind = { "heartbeat", beat_due, beat_step };

/* ---- worker: its start ---- */

static bool
on_messages(void *self, Uow *u, const Msg *msgs, size_t n, Err *err)
{
	WorkerPart *w = &((Proc *)self)->worker;

	(void)u;
	(void)err;
	for (size_t i = 0; i < n; i++)
		for (size_t k = 0; k < msgs[i].n; k++)
			inbox_put(w->inbox, (InboxItem){ .cancel = msgs[i].kind == MSG_EXECUTION_CANCEL,
						.execution = msgs[i].items[k].id,
						.attempt = msgs[i].items[k].attempt,
						.action = msgs[i].items[k].action });
	return true;
}

static WorkerDef
worker_row(Proc *p, Arena *a)
{
	Json capabilities = json_object(), names = json_array();
	int64_t lie = p->sim->options.sabotage == SABOTAGE_SLOTS ? 2 : 0;

	json_push(a, &names, json_cstr("shell"));
	json_push(a, &names, json_cstr("internal"));
	if (p->python)
		json_push(a, &names, json_cstr("python"));
	json_add(a, &capabilities, "runtimes", names);
	return (WorkerDef){ .name = p->worker.config.name,
		.type = str_of("local"),
		.role = str_of("action"),
		.host = str_of("here"),
		.incarnation = p->worker.incarnation,
		.boot_id = p->e.boot_id,
		.capabilities = capabilities,
		.meta = json_object(),
		.slots = p->slots + lie };
}

static bool
boot_rows(Task *t, Err *err)
{
	Proc *p = t->proc;
	WorkerPart *w = &p->worker;
	Uow *u = t->u;
	WorkerDef row;
	Id id;

	if (!uow_begin(u, err) || !worker_reserve(u->db, u->arena, w->config.name, u->now, &w->id, err) ||
	    !uow_commit(u, &points_worker, err))
		return false;
	if (!uow_begin(u, err))
		return false;
	row = worker_row(p, u->arena);
	return worker_enter(u, &row, &id, err) && uow_commit(u, &points_worker, err);
}

static void
boot_step(Task *t)
{
	Proc *p = t->proc;
	WorkerPart *w = &p->worker;
	Err err = { 0 };

	if (!boot_rows(t, &err)) {
		uow_abort(t->u);
		proc_die(p, err.text);
		return;
	}
	w->turn = worker_turn_open(t->u, &w->config, w->id, w->incarnation);
	consumer_add(p, Q_WORKER_EXECUTIONS, w->id, on_messages);
	consumer_add(p, Q_WORKER_CANCEL, w->id, on_messages);
	task_add(p, &beat_kind);
	t->kind = &worker_kind;
	w->again = true;
}

static TimeUs
boot_due(const Task *t)
{
	return t->at;
}

void
worker_tasks(Proc *p)
{
	static const TaskKind boot = { "boot", boot_due, boot_step };
	WorkerPart *w = &p->worker;
	int64_t lie = p->sim->options.sabotage == SABOTAGE_SLOTS ? 2 : 0;
	Id id = w->id;

	*w = (WorkerPart){ .id = id, .ahead = 1, .inbox = inbox_open() };
	w->starter = sim_starter_open(p->sim, &p->clock.face, p->number, p->slots);
	w->incarnation = uuid_text(p->arena, uuid_new(clock_wall(&p->clock.face)));
	w->config = (WorkerConfig){ .name = str_of(p->worker_name),
		.host = str_of("here"),
		.type = str_of("local"),
		.slots = p->slots + lie,
		.task_timeout = 20 * US_PER_S,
		.shutdown_timeout = DRAIN_US,
		.starter = w->starter,
		.heartbeat = p->sim->weather.embedded ? 0 : BEAT_US,
		.cores = 1,
		.quick_at_once = true };
	task_add(p, &boot);
}

void
worker_part_done(Proc *p)
{
	WorkerPart *w = &p->worker;
	Id id = w->id;

	if (w->starter != NULL) {
		sim_starter_die(w->starter);
		w->starter->close(w->starter);
	}
	worker_turn_close(w->turn);
	inbox_close(w->inbox);
	*w = (WorkerPart){ .id = id };
}
